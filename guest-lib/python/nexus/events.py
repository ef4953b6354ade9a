# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Event hooks: client.meta.events and session.events.

Those that see parameters and answers are called as botocore calls them. Requests are built, signed and sent on the host:
what hooks into that is never called, which is said once, on stderr, when it is registered."""
import inspect
import sys

# What a call comes past here. Others are the host's affair.
_FIRED = ("provide-client-params", "before-parameter-build", "after-call", "after-call-error")
# Services whose events have another name than the client.
_ALIASES = {"secretsmanager": "secrets-manager", "stepfunctions": "sfn", "states": "sfn", "events": "eventbridge",
            "logs": "cloudwatch-logs", "monitoring": "cloudwatch", "dynamodbstreams": "dynamodb-streams",
            "streams.dynamodb": "dynamodb-streams", "cognito-idp": "cognito-identity-provider", "email": "ses",
            "application-autoscaling": "application-auto-scaling"}
_FIRST, _MIDDLE, _LAST = range(3)
_said = set()


def event_service(name):
    return _ALIASES.get(name, name)


def _parts(event_name):
    parts = event_name.split(".")
    if len(parts) > 1:
        parts[1] = event_service(parts[1])
    return tuple(parts)


def _takes_anything(handler):
    try:
        parameters = inspect.signature(handler).parameters.values()
    except (TypeError, ValueError):
        return True
    return any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters)


class Hook:
    def __init__(self, parts, section, handler, unique_id):
        self.parts, self.section, self.handler, self.unique_id = parts, section, handler, unique_id
        self.count = 1

    def matches(self, parts):
        return len(self.parts) <= len(parts) and all(mine in ("*", its) for mine, its in zip(self.parts, parts))


class Emitter:
    """Handlers by the names of their events, of which a beginning is enough and where * is any part."""

    def __init__(self, hooks=()):
        self._hooks = list(hooks)

    def __bool__(self):
        return bool(self._hooks)

    def __copy__(self):
        return Emitter(self._hooks)

    def register(self, event_name, handler, unique_id=None, unique_id_uses_count=False):
        self._register(event_name, handler, unique_id, unique_id_uses_count, _MIDDLE)

    def register_first(self, event_name, handler, unique_id=None, unique_id_uses_count=False):
        self._register(event_name, handler, unique_id, unique_id_uses_count, _FIRST)

    def register_last(self, event_name, handler, unique_id=None, unique_id_uses_count=False):
        self._register(event_name, handler, unique_id, unique_id_uses_count, _LAST)

    def _register(self, event_name, handler, unique_id, counts, section):
        if not callable(handler):
            raise ValueError(f"Event handler {handler} must be callable.")
        if not _takes_anything(handler):
            raise ValueError(f"Event handler {handler} must accept keyword arguments (**kwargs)")
        for hook in self._hooks if unique_id is not None else ():
            if hook.unique_id == unique_id:
                hook.count += counts
                return
        parts = _parts(event_name)
        if parts[0] not in _FIRED and parts[0] != "*" and parts[0] not in _said:
            _said.add(parts[0])
            sys.stderr.write(f"nexus: event {parts[0]!r}: its handlers are not called: requests are built, signed and sent "
                             "on the host; use the genuine boto3 for a program that needs them\n")
        self._hooks.append(Hook(parts, section, handler, unique_id))

    def unregister(self, event_name, handler=None, unique_id=None, unique_id_uses_count=False):
        parts = _parts(event_name)
        for hook in self._hooks:
            named = hook.unique_id == unique_id if unique_id is not None else (hook.parts, hook.handler) == (parts, handler)
            if named:
                hook.count -= 1
                if not unique_id_uses_count or not hook.count:
                    self._hooks.remove(hook)
                return

    def emit(self, event_name, **kwargs):
        """[(handler, what it returned)], those of the longest names first."""
        parts = _parts(event_name)
        hooks = sorted((hook for hook in self._hooks if hook.matches(parts)),
                       key=lambda hook: (-len(hook.parts), hook.section))
        return [(hook.handler, hook.handler(event_name=event_name, **kwargs)) for hook in hooks]

    def emit_until_response(self, event_name, **kwargs):
        parts = _parts(event_name)
        for hook in sorted((hook for hook in self._hooks if hook.matches(parts)),
                           key=lambda hook: (-len(hook.parts), hook.section)):
            answer = hook.handler(event_name=event_name, **kwargs)
            if answer is not None:
                return hook.handler, answer
        return None, None


class OperationModel:
    """What handlers get as `model`: the names."""

    def __init__(self, service_model, name):
        self.service_model, self.name = service_model, name

    def __repr__(self):
        return f"OperationModel(name={self.name})"


class Answer:
    """What handlers of after-call get as `http_response`."""

    def __init__(self, data):
        self.status_code, self.headers = data["HTTPStatusCode"], data["HTTPHeaders"]


def call(client, operation, params):
    """client._dispatch(operation, params), with what is registered around it."""
    from botocore.exceptions import ClientError
    emit = client.meta.events.emit
    name = f"{event_service(client._service)}.{operation}"
    seen = {"model": OperationModel(client.meta.service_model, operation), "context": {}}
    for event in ("provide-client-params", "before-parameter-build"):
        answers = emit(f"{event}.{name}", params=params, **seen)
        params = next((answer for _, answer in answers if answer is not None), params)
    try:
        result = client._dispatch(operation, params)
    except ClientError as error:
        emit(f"after-call.{name}", http_response=Answer(error.response["ResponseMetadata"]), parsed=error.response, **seen)
        raise
    except Exception as error:
        emit(f"after-call-error.{name}", exception=error, **seen)
        raise
    emit(f"after-call.{name}", http_response=Answer(result["ResponseMetadata"]), parsed=result, **seen)
    return result
