# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Waiters: an operation is called until its answer says that it is done.

A waiter is (method, seconds between two calls, calls at most, rules). A rule is (what, verdict): what is "ok", an
error's code, a status of HTTP, (path, value) in the answer, or ("any", path, value) and ("all", path, value) of the values
that a path names; verdict is success, retry or failure."""
from types import SimpleNamespace

from botocore.exceptions import ClientError, WaiterError

__all__ = ["SingleWaiterConfig", "Waiter", "WaiterError", "WaiterModel", "create_waiter_with_client"]


class SingleWaiterConfig:
    """A waiter as the models of botocore have it."""

    def __init__(self, config):
        self.description = config.get("description", "")
        self.operation = config["operation"]
        self.delay = config["delay"]
        self.max_attempts = config["maxAttempts"]
        self._acceptors = config["acceptors"]

    def rules(self):
        """Those of a Waiter."""
        kinds = {"pathAll": ("all",), "pathAny": ("any",)}
        for rule in self._acceptors:
            what = rule["expected"]
            if rule["matcher"].startswith("path"):
                what = (*kinds.get(rule["matcher"], ()), rule["argument"], what)
            yield what, rule["state"]


class WaiterModel:
    """Waiters that a function brings along."""

    def __init__(self, waiter_config):
        if waiter_config.get("version") != 2:
            from botocore.exceptions import WaiterConfigError
            raise WaiterConfigError(error_msg="Unsupported waiter version, supported version must be: 2, but version of waiter "
                                              f"config is: {waiter_config.get('version')}")
        self.version = 2
        self._waiters = waiter_config["waiters"]
        self.waiter_names = sorted(self._waiters)

    def get_waiter(self, waiter_name):
        if waiter_name not in self._waiters:
            raise ValueError(f"Waiter does not exist: {waiter_name}")
        return SingleWaiterConfig(self._waiters[waiter_name])


def create_waiter_with_client(waiter_name, waiter_model, client):
    config = waiter_model.get_waiter(waiter_name)
    import re
    # DescribeDBInstances: describe_db_instances
    method = re.sub("(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", config.operation).lower()
    made = Waiter(waiter_name, (method, config.delay, config.max_attempts, tuple(config.rules())), client)
    made.name, made.config = waiter_name, config
    return made


class Waiter:
    def __init__(self, name, how, client):
        # bucket_exists: BucketExists
        self.name = "".join(part.capitalize() for part in name.split("_"))
        self._method, delay, attempts, self._rules = how
        self.config = SimpleNamespace(delay=delay, max_attempts=attempts)
        self._client = client

    def wait(self, **kwargs):
        config = kwargs.pop("WaiterConfig", None) or {}
        delay = config.get("Delay", self.config.delay)
        attempts = config.get("MaxAttempts", self.config.max_attempts)
        method = getattr(self._client, self._method)
        done = 0
        while True:
            try:
                response, code = method(**kwargs), None
            except ClientError as error:
                response, code = error.response, error.response["Error"].get("Code")
            done += 1
            verdict, why = self._judge(response, code)
            if verdict == "success":
                return
            if verdict == "failure":
                raise WaiterError(name=self.name, last_response=response,
                                  reason=f"Waiter encountered a terminal failure state: {why}")
            if verdict is None and code is not None:
                raise WaiterError(name=self.name, last_response=response, reason=(
                    f"An error occurred ({code}): {response['Error'].get('Message', 'Unknown')}"))
            if done >= attempts:
                reason = "Max attempts exceeded" if verdict is None else (
                    f"Max attempts exceeded. Previously accepted state: {why}")
                raise WaiterError(name=self.name, reason=reason, last_response=response)
            import time
            time.sleep(delay)

    def _judge(self, response, code):
        for what, verdict in self._rules:
            if isinstance(what, tuple):
                how = code is None and self._matches(response, *what)
                if how:
                    return verdict, f'For expression "{what[-2]}" {how.format(what[-1])}'
                continue
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if status == (200 if what == "ok" else what):
                return verdict, f"Matched expected HTTP status code: {status}"
            if what == code:
                return verdict, f"Matched expected service error code: {what}"
        return None, ""

    @staticmethod
    def _matches(response, *what):
        """How the answer matches a rule, in botocore's words; "" if it does not."""
        from nexus import waiters
        *kind, path, wanted = what
        value = waiters.value_of(response, path)
        if not kind:
            return 'we matched expected path: "{}"' if value == wanted else ""
        values = value if isinstance(value, list) else []
        if kind == ["any"]:
            return 'we matched expected path: "{}" at least once' if wanted in values else ""
        return 'all members matched excepted path: "{}"' if values and all(item == wanted for item in values) else ""
