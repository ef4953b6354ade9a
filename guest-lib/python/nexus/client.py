# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What all clients have in common: their attributes, their exceptions, errors from the host's."""


# To a function a host that refuses is a service that does.
_REFUSALS = {"NexusPolicyDenied": ("AccessDenied", 403), "NexusBadRequest": ("InvalidRequest", 400),
             "NexusLimitExceeded": ("InvalidRequest", 400), "NexusUnsupported": ("NotImplemented", 501),
             "NexusCircuitOpen": ("ServiceUnavailable", 503), "NexusInternal": ("InternalError", 500)}


def partition(region):
    """Whose keys, names and hosts a region's are."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"


class ServiceId(str):
    def hyphenize(self):
        return self.replace(" ", "-").lower()


class ServiceModel:
    def __init__(self, name, operations):
        self.service_name = name
        self._operations = operations

    @property
    def _service(self):
        from nexus.services import Service
        return Service(self.service_name)

    @property
    def service_id(self):
        return ServiceId(self._service.id)

    @property
    def endpoint_prefix(self):
        return self._service.host

    @property
    def signing_name(self):
        return self._service.signs

    def operation_model(self, name):
        from nexus.events import OperationModel
        return OperationModel(self, name)

    @property
    def operation_names(self):
        return sorted(self._operations().values())

    def __repr__(self):
        return f"ServiceModel({self.service_name})"


class ClientMeta:
    def __init__(self, service, region, endpoint, config, operations):
        self.region_name = region
        self.endpoint_url = endpoint
        self.config = config
        self.partition = partition(region)
        self.service_model = ServiceModel(service, operations)
        self._operations = operations
        self._events = None

    @property
    def method_to_api_mapping(self):
        return self._operations()

    @property
    def events(self):
        if self._events is None:
            from nexus.events import Emitter
            self._events = Emitter()
        return self._events


class Exceptions:
    """client.exceptions: ClientError and its modelled children, one class each for all of a session's clients of the
    service."""

    def __init__(self, service, names):
        from botocore.exceptions import ClientError
        self.ClientError = ClientError
        self._service = service
        self._names = names
        self._made = {}

    def __getattr__(self, name):
        if name.startswith("_") or (self._names is not None and name not in self._names):
            valid = ", ".join(sorted(self._names or ()))
            raise AttributeError(f"{self!r} object has no attribute {name}. Valid exceptions are: {valid}")
        made = self._made.get(name)
        if made is None:
            made = self._made[name] = type(name, (self.ClientError,), {"__module__": "botocore.errorfactory"})
        return made

    def __dir__(self):
        return ["ClientError", "from_code", *sorted(self._names or ())]

    def from_code(self, code):
        if self._names is None:
            # A service without a model here: what looks like the name of a class is one.
            return getattr(self, code) if code.isidentifier() and code[0].isupper() else self.ClientError
        return getattr(self, code) if code in self._names else self.ClientError


class BaseClient:
    """A client. Its operations are methods of the children; one that they lack goes to the genuine
    boto3, if there is one."""

    _service = ""           # as boto3.client() calls it
    _exception_names = ()   # None: any
    _paginators = {}        # operation: how it is paged; see nexus.paginate
    _waiters = {}           # name: what it waits for; see botocore.waiter
    _mapping = {}           # method: operation
    _others = ""            # methods that only the genuine boto3 has; "*": unknown

    def __init__(self, region, endpoint, config, session):
        self.meta = ClientMeta(self._service, region, endpoint, config, self._all_operations)
        self._session = session
        self._known_exceptions = {} if session is None else session._exceptions
        if session is not None and session._events:
            self.meta._events = session._events.__copy__()

    def _all_operations(self):
        """{method: operation}, with those that only the genuine boto3 has."""
        others = {name: "".join(part.capitalize() for part in name.split("_")) for name in self._others.split()}
        others.pop("*", None)
        return {**others, **self._mapping}

    def _make_api_call(self, operation_name, api_params):
        """All calls of all clients pass here, as they do in botocore: what traces and tests of functions patch."""
        if not self.meta._events:
            return self._dispatch(operation_name, api_params)
        from nexus import events
        return events.call(self, operation_name, api_params)

    def _dispatch(self, operation, params):
        raise NotImplementedError(f"{operation} of {self._service}")

    # What tracers look at.

    @property
    def _service_model(self):
        return self.meta.service_model

    @property
    def _endpoint(self):
        from botocore.endpoint import Endpoint
        return Endpoint(self.meta.endpoint_url, self.meta.service_model.endpoint_prefix)

    @property
    def exceptions(self):
        known = self._known_exceptions
        if self._service not in known:
            cls = type(f"{type(self).__name__}Exceptions", (Exceptions,), {"__module__": "botocore.errorfactory"})
            known[self._service] = cls(self._service, self._exception_names)
        return known[self._service]

    def _pages(self, operation_name):
        """How an operation is paged; None: it is not. KeyError: there is no such operation."""
        how = self._paginators.get(operation_name)
        if how is None and operation_name not in self._mapping and operation_name not in self._others.split():
            raise KeyError(operation_name)
        return how

    def _is_genuine(self, operation_name):
        """Only the genuine boto3 knows."""
        return self._others == "*" and operation_name not in self._mapping

    def can_paginate(self, operation_name):
        if self._is_genuine(operation_name):
            from nexus import genuine
            return genuine.method(self, "can_paginate")(operation_name)
        return self._pages(operation_name) is not None

    def get_paginator(self, operation_name):
        if self._is_genuine(operation_name):
            from nexus import genuine
            return genuine.method(self, "get_paginator")(operation_name)
        how = self._pages(operation_name)
        if how is None:
            from botocore.exceptions import OperationNotPageableError
            raise OperationNotPageableError(operation_name=operation_name)
        from botocore.paginate import Paginator
        return Paginator(getattr(self, operation_name), how)

    def _all_waiters(self):
        if self._waiters:
            return self._waiters
        from nexus import waiters
        return waiters.find(self._service)

    @property
    def waiter_names(self):
        return sorted(self._all_waiters())

    def get_waiter(self, waiter_name):
        known = self._all_waiters()
        if waiter_name not in known:
            raise ValueError(f"Waiter does not exist: {waiter_name}")
        from botocore.waiter import Waiter
        return Waiter(waiter_name, known[waiter_name], self)

    def close(self):
        """There is nothing to close: connections are the host's."""

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        if self._others != "*" and name not in self._others.split():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        from nexus import genuine
        return genuine.method(self, name)

    def _fail(self, error, operation, extra=()):
        """Raises what botocore would for this _nexus.Error."""
        code, message = error.code, error.message
        if code.startswith("Nexus"):
            self._fail_here(error)
            if code not in _REFUSALS:
                raise error
            code, status = _REFUSALS[code]
        else:
            status = error.http_status
            message = message.rsplit(" - HTTP ", 1)[0]
        raise self._client_error(code, message, status, operation, getattr(error, "operation", None), extra)

    def _client_error(self, code, message, status, operation, op=None, extra=(), modelled=None):
        """`modelled`: the name of its class, if that is not its code."""
        response = {"Error": {"Code": code, "Message": message, **dict(extra)},
                    "ResponseMetadata": metadata(op, status)}
        return self.exceptions.from_code(modelled or code)(response, operation)

    def _fail_here(self, error):
        """What kept the host from asking the service at all."""
        from botocore import exceptions as e
        url = self.meta.endpoint_url
        if error.code == "NexusConnectionFailed":
            raise e.EndpointConnectionError(endpoint_url=url) from error
        if error.code == "NexusGuestSlots":
            raise e.ConnectTimeoutError(endpoint_url=url) from error
        if error.code == "NexusConnectionLost":
            raise e.ConnectionClosedError(endpoint_url=url) from error
        if error.code == "NexusTimeout":
            raise e.ReadTimeoutError(endpoint_url=url) from error
        if error.code == "NexusNoCredentials":
            raise e.NoCredentialsError() from error


def metadata(op, status=None, kind=""):
    """ResponseMetadata of an operation. `kind` is as in response_headers()."""
    headers = response_headers(op, kind) if op is not None else {}
    data = {"HTTPStatusCode": status or (op.http_status if op is not None else 0), "HTTPHeaders": headers,
            "RetryAttempts": 0}
    request_id = headers.get("x-amz-request-id") or headers.get("x-amzn-requestid") or (
        op.request_id if op is not None else "")
    if request_id:
        data["RequestId"] = request_id
    if "x-amz-id-2" in headers:
        data["HostId"] = headers["x-amz-id-2"]
    return data


def response_headers(op, kind=""):
    """All headers of an answer, by their names in lower case. `kind`: "object", an answer that tells the length of
    what follows, an empty one's too; "document", one whose entity tag and time were in its body."""
    headers = dict(op.headers)
    for name, value in (("content-type", op.content_type), ("x-amz-version-id", op.version_id),
                        ("x-amz-request-id", op.request_id)):
        if value and name not in headers:
            headers[name] = value
    if kind != "document":
        for name, value in (("etag", op.etag), ("last-modified", op.last_modified)):
            if value and name not in headers:
                headers[name] = value
    if "content-length" not in headers and (op.content_length or kind == "object"):
        headers["content-length"] = str(op.content_length)
    for name, value in op.metadata.items():
        headers[f"x-amz-meta-{name.lower()}"] = value
    return headers


def refuse_positional(name):
    raise TypeError(f"{name}() only accepts keyword arguments.")
