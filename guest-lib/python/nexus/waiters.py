# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Waiters of the services without a model; botocore.waiter says how to read them."""

_STATE = (("State", "Active"), "success"), (("State", "Failed"), "failure"), (("State", "Pending"), "retry")
_UPDATE = ((("LastUpdateStatus", "Successful"), "success"), (("LastUpdateStatus", "Failed"), "failure"),
           (("LastUpdateStatus", "InProgress"), "retry"))
_THERE = ("ok", "success"), ("NoSuchEntity", "retry")
_STABLE = "length(services[?!(length(deployments) == `1` && runningCount == desiredCount)]) == `0`"
_MISSING = ("any", "failures[].reason", "MISSING"), "failure"


def _within(rules):
    """The same, of what is in Configuration."""
    return tuple(((f"Configuration.{path}", value), verdict) for (path, value), verdict in rules)


_TABLE = {
    "acm": {"certificate_validated": ("describe_certificate", 60, 40, (
        (("all", "Certificate.DomainValidationOptions[].ValidationStatus", "SUCCESS"), "success"),
        (("any", "Certificate.DomainValidationOptions[].ValidationStatus", "PENDING_VALIDATION"), "retry"),
        (("Certificate.Status", "FAILED"), "failure"), ("ResourceNotFoundException", "failure")))},
    "cloudwatch": {
        "alarm_exists": ("describe_alarms", 5, 40, ((("length(MetricAlarms[]) > `0`", True), "success"),)),
        "composite_alarm_exists": ("describe_alarms", 5, 40, ((("length(CompositeAlarms[]) > `0`", True), "success"),))},
    "ecr": {
        "image_scan_complete": ("describe_image_scan_findings", 5, 60, (
            (("imageScanStatus.status", "COMPLETE"), "success"), (("imageScanStatus.status", "FAILED"), "failure"))),
        "lifecycle_policy_preview_complete": ("get_lifecycle_policy_preview", 5, 20, (
            (("status", "COMPLETE"), "success"), (("status", "FAILED"), "failure")))},
    "ecs": {
        "services_inactive": ("describe_services", 15, 40, (
            _MISSING, (("any", "services[].status", "INACTIVE"), "success"))),
        "services_stable": ("describe_services", 15, 40, (
            _MISSING, (("any", "services[].status", "DRAINING"), "failure"),
            (("any", "services[].status", "INACTIVE"), "failure"), ((_STABLE, True), "success"))),
        "tasks_running": ("describe_tasks", 6, 100, (
            (("any", "tasks[].lastStatus", "STOPPED"), "failure"), _MISSING,
            (("all", "tasks[].lastStatus", "RUNNING"), "success"))),
        "tasks_stopped": ("describe_tasks", 6, 100, ((("all", "tasks[].lastStatus", "STOPPED"), "success"),))},
    "iam": {
        "instance_profile_exists": ("get_instance_profile", 1, 40, (("ok", "success"), (404, "retry"))),
        "policy_exists": ("get_policy", 1, 20, _THERE), "role_exists": ("get_role", 1, 20, _THERE),
        "user_exists": ("get_user", 1, 20, _THERE)},
    "kinesis": {
        "stream_exists": ("describe_stream", 10, 18, ((("StreamDescription.StreamStatus", "ACTIVE"), "success"),)),
        "stream_not_exists": ("describe_stream", 10, 18, (("ResourceNotFoundException", "success"),))},
    "lambda": {
        "function_active": ("get_function_configuration", 5, 60, _STATE),
        "function_active_v2": ("get_function", 1, 300, _within(_STATE)),
        "function_exists": ("get_function", 1, 20, (("ok", "success"), ("ResourceNotFoundException", "retry"))),
        "function_updated": ("get_function_configuration", 5, 60, _UPDATE),
        "function_updated_v2": ("get_function", 1, 300, _within(_UPDATE)),
        "published_version_active": ("get_function_configuration", 5, 312, _STATE)},
    "rekognition": {
        "project_version_running": ("describe_project_versions", 30, 40, (
            (("all", "ProjectVersionDescriptions[].Status", "RUNNING"), "success"),
            (("any", "ProjectVersionDescriptions[].Status", "FAILED"), "failure"))),
        "project_version_training_completed": ("describe_project_versions", 120, 360, (
            (("all", "ProjectVersionDescriptions[].Status", "TRAINING_COMPLETED"), "success"),
            (("any", "ProjectVersionDescriptions[].Status", "TRAINING_FAILED"), "failure")))},
    "ses": {"identity_exists": ("get_identity_verification_attributes", 3, 20, (
        (("all", "VerificationAttributes.*.VerificationStatus", "Success"), "success"),))},
    "ssm": {"command_executed": ("get_command_invocation", 5, 20, (
        *((("Status", status), "retry") for status in ("Pending", "InProgress", "Delayed")),
        (("Status", "Success"), "success"),
        *((("Status", status), "failure") for status in ("Cancelled", "TimedOut", "Failed", "Cancelling")),
        ("InvocationDoesNotExist", "retry")))},
}


def find(service):
    return _TABLE.get(service, {})


def _stable(response):
    services = response.get("services")
    return isinstance(services, list) and all(
        len(service.get("deployments", ())) == 1 and service.get("runningCount") == service.get("desiredCount")
        for service in services)


# Expressions that are more than a path.
_FUNCTIONS = {
    "length(MetricAlarms[]) > `0`": lambda response: bool(response.get("MetricAlarms")),
    "length(CompositeAlarms[]) > `0`": lambda response: bool(response.get("CompositeAlarms")),
    _STABLE: _stable,
}


def _search(response, expression):
    """Of a waiter that a function brings along."""
    try:
        import jmespath
    except ImportError:
        raise NotImplementedError(f"a waiter's {expression!r} needs the package jmespath: add it to the image") from None
    return jmespath.search(expression, response)


def value_of(response, expression):
    """What an expression names in an answer: "a.b", "a[].b" (of all of a list), "a.*.b" (of all of a dictionary)."""
    if expression in _FUNCTIONS:
        return _FUNCTIONS[expression](response)
    if not all(name.removesuffix("[]").isidentifier() or name == "*" for name in expression.split(".")):
        return _search(response, expression)
    value, many = response, False
    for name in expression.split("."):
        if name == "*":
            value, many = list(value.values()) if isinstance(value, dict) else None, True
            continue
        name, all_of, _ = name.partition("[]")
        if many:
            value = [item[name] for item in value or () if isinstance(item, dict) and item.get(name) is not None]
        else:
            value = value.get(name) if isinstance(value, dict) else None
        many = many or bool(all_of)
    return value
