# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Clients of services that speak an AWS JSON protocol, by the names of their operations alone: list_queues()
is ListQueues, its keywords are the members of the request.

There is no model of the services here, so parameters go as they are given (bytes in base64, times as
seconds), and in answers those members are bytes or times whose names nexus.members has."""
import nexus
from nexus import client as common
from nexus.client import BaseClient, refuse_positional, response_headers
from nexus.members import Kinds

# Seconds since 1970 that are taken for a time: from 1973 on. What is beyond is in milliseconds, and stays a number.
_EARLIEST, _LATEST = 10 ** 8, 10 ** 11
# Words of operations' names that are not like "Word".
_WORDS = {
    "athena": {"dpu": "DPU"}, "cognito-idp": {"csv": "CSV", "ui": "UI"}, "glue": {"ml": "ML"},
    "iam": {"saml": "SAML", "mfa": "MFA", "ssh": "SSH", "id": "ID"}, "sns": {"sms": "SMS"}, "sts": {"saml": "SAML"},
    "textract": {"id": "ID"},
}
# Whose answers do not end, and what serves instead.
_EVENT_STREAMS = {("kinesis", "SubscribeToShard"): "get_records()", ("logs", "StartLiveTail"): "filter_log_events()"}
_OPERATIONS = {"cognito-idp": {"admin_set_user_mfa_preference": "AdminSetUserMFAPreference",
                               "set_user_mfa_preference": "SetUserMFAPreference"}}


def operation_name(service, method):
    """describe_table: DescribeTable"""
    known = _OPERATIONS.get(service, {}).get(method)
    if known:
        return known
    words = _WORDS.get(service, {})
    name = "".join(words.get(part) or part[:1].upper() + part[1:] for part in method.split("_"))
    return name.replace("OpenId", "OpenID") if service == "iam" else name


def metadata(op):
    """ResponseMetadata: the second name of a request is S3's only."""
    data = common.metadata(op)
    data.pop("HostId", None)
    return data


def encode(value):
    """What json cannot: bytes and times."""
    import base64
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(bytes(value)).decode()
    if hasattr(value, "timetuple"):
        from nexus import times
        seconds = times.moment(value).timestamp()
        return int(seconds) if seconds == int(seconds) else seconds
    if hasattr(value, "read"):
        return encode(value.read())
    raise TypeError(f"Invalid type for parameter, value: {value!r}, type: {type(value)}")


def decode(kinds, value, name=""):
    """An answer, with bytes and times where they are known (a nexus.members.Kinds)."""
    if isinstance(value, dict):
        return {key: decode(kinds, item, key) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [decode(kinds, item, name) for item in value]
    if isinstance(value, str):
        if name in kinds.blobs:
            import base64
            return base64.b64decode(value)
    elif name in kinds.times and not isinstance(value, bool) and _EARLIEST < value < _LATEST:
        from nexus import times
        return times.from_epoch(value)
    return value


def error_code(headers, body):
    """The code of an error, as the JSON protocols tell it."""
    code = headers.get("x-amzn-errortype") or body.get("__type") or body.get("code") or ""
    return code.split(":")[0].rsplit("#", 1)[-1]


class AwsClient(BaseClient):
    """A service whose requests the host signs and passes on as they are."""

    _exception_names = None

    def __init__(self, service, region, endpoint, config, session):
        super().__init__(region, endpoint, config, session)
        self.meta.service_model.service_name = service.name
        self._service_info = service
        self._service = service.name

    def _send(self, operation, method="POST", path="/", query="", headers=None, body=b"", repeatable=False):
        """The answer's operation and its whole body, whatever its status."""
        service = self._service_info
        try:
            return nexus.exchange(lambda channel: channel.aws(
                service.signs, method, path, query=query, headers=headers or {}, total=len(body)), body, repeatable)
        except nexus.Error as error:
            self._fail(error, operation)

    def _raise(self, op, operation, body):
        import json
        try:
            parsed = json.loads(body) if body else {}
        except ValueError:
            parsed = {}
        if not isinstance(parsed, dict):
            parsed = {}
        headers = response_headers(op)
        code = error_code(headers, parsed) or str(op.http_status)
        message = parsed.get("message") or parsed.get("Message") or parsed.get("errorMessage") or ""
        # Services that spoke the query protocol before keep its codes.
        queried, _, kind = headers.get("x-amzn-query-error", "").partition(";")
        extra = (("Type", kind), ("QueryErrorCode", code)) if queried else ()
        error = self._client_error(queried or code, message, op.http_status, operation, op, extra, code)
        error.response["ResponseMetadata"].pop("HostId", None)
        self._more_of_error(error.response, parsed)
        raise error

    def _more_of_error(self, response, parsed):
        """Members of an error beside its code and message. Without a model: its text, by the name it came with."""
        for name in ("message", "Message"):
            if name in parsed:
                response[name] = parsed[name]


class GenericClient(AwsClient):
    """A service without a model: every method in lower case is an operation, sent by _dispatch()."""

    def __init__(self, service, region, endpoint, config, session):
        super().__init__(service, region, endpoint, config, session)
        self._kinds = Kinds(service.name)
        self.__class__ = type(service.class_name, (type(self),), {"__module__": "botocore.client"})

    def __getattr__(self, name):
        if name.startswith("_") or not name.islower():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        operation = self.operation_name(name)

        def call(*args, **kwargs):
            if args:
                refuse_positional(name)
            return self._make_api_call(operation, kwargs)

        call.__name__ = name
        return call

    def operation_name(self, method):
        return operation_name(self._service, method)

    def _pages(self, operation_name):
        from nexus import pages
        return self._paginators.get(operation_name) or pages.find(self._service).get(operation_name)


class JsonClient(GenericClient):
    def _dispatch(self, operation, params):
        import json
        service = self._service_info
        if (self._service, operation) in _EVENT_STREAMS:
            raise NotImplementedError(f"{self._service}.{operation}: its answer is a stream of events, which the Nexus shim does "
                                      f"not have: use {_EVENT_STREAMS[self._service, operation]}")
        body = json.dumps(params, default=encode, separators=(",", ":")).encode()
        headers = {"content-type": f"application/x-amz-json-{service.version}",
                   "x-amz-target": f"{service.target}.{operation}"}
        op, answer = self._send(operation, headers=headers, body=body)
        if op.http_status >= 300:
            self._raise(op, operation, answer)
        result = self.parse(operation, answer)
        result["ResponseMetadata"] = metadata(op)
        return result

    def parse(self, operation, body):
        """The answer in this document."""
        import json
        return self._decode(operation, json.loads(body) if body else {})

    def _decode(self, operation, answer):
        return decode(self._kinds, answer)
