# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The genuine boto3, for what the shim does not have: found behind ours on sys.path, and loaded beside it.

Its modules would be called as ours are. So each is given builtins whose __import__ takes the names boto3,
botocore and s3transfer for those of a package of their own, in which they live. It builds and parses its
requests itself; they leave through the host, which signs them, by its hook "before-send"."""
import builtins
import importlib.util
import os
import sys

import nexus

_HOME = "nexus._genuine_"
_NAMES = ("boto3", "botocore", "s3transfer")
_OURS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
_said = set()


def _is_genuine(name):
    return name.partition(".")[0] in _NAMES


def _import(name, globals=None, locals=None, fromlist=(), level=0):
    if level or not _is_genuine(name):
        return builtins.__import__(name, globals, locals, fromlist, level)
    module = importlib.import_module(_HOME + name)
    if fromlist:
        for item in fromlist:
            if item != "*" and not hasattr(module, item):
                try:
                    importlib.import_module(f"{_HOME}{name}.{item}")
                except ImportError:
                    pass
        return module
    return sys.modules[_HOME + name.partition(".")[0]]


class _Loader:
    def __init__(self, loader):
        self._loader = loader

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        code = self._loader.get_code(self._loader.name)
        exec(code, module.__dict__)
        if module.__name__ == _HOME + "boto3.utils":
            # It looks for what it imported by the name it knows.
            module.import_module = lambda name: importlib.import_module(_HOME + name)


class _Finder:
    """nexus._genuine_botocore.x is botocore/x.py of the first directory on sys.path that is not ours."""

    def find_spec(self, name, path=None, target=None):
        if not name.startswith(_HOME):
            return None
        from importlib.machinery import PathFinder
        real = name[len(_HOME):]
        where = path if "." in real else [entry for entry in sys.path if os.path.abspath(entry or ".") != _OURS]
        spec = PathFinder.find_spec(real, where)
        if spec is None or spec.loader is None:
            return None
        spec.name = name
        spec.loader = _Loader(spec.loader)
        return spec


# Its exceptions are the shim's, where that has the name: what a caller catches is what is raised. `modelled` is our
# client's, for its exceptions.
def _translate(error, modelled=None):
    import boto3.exceptions
    from botocore import exceptions
    if hasattr(error, "operation_name"):
        code = error.response.get("Error", {}).get("Code", "")
        cls = modelled.from_code(code) if modelled else exceptions.ClientError
    else:
        name = type(error).__name__
        cls = getattr(exceptions, name, None) or getattr(boto3.exceptions, name, None)
    if cls is None:
        raise error
    made = cls.__new__(cls)
    made.args = error.args
    made.__dict__.update(error.__dict__)
    raise made from error


class _Proxy:
    """An object of the genuine boto3, whose exceptions are translated."""

    def __init__(self, target, modelled=None):
        self.__dict__.update(_target=target, _modelled=modelled)

    def __getattr__(self, name):
        value = getattr(self._target, name)
        if not callable(value) or name == "exceptions":
            return value if name == "exceptions" else _wrapped(value, self._modelled)

        def call(*args, **kwargs):
            try:
                return _wrapped(value(*args, **kwargs), self._modelled)
            except Exception as error:
                self._raise(error, name)

        return call

    def _raise(self, error, name):
        if isinstance(error, nexus.Error):
            # The host did not ask the service.
            from botocore.exceptions import ClientError
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": error.message},
                               "ResponseMetadata": {"HTTPStatusCode": 403}}, name) from error
        if type(error).__module__.startswith(_HOME) or hasattr(error, "operation_name"):
            _translate(error, self._modelled)
        raise error

    def __iter__(self):
        items = iter(self._target)
        while True:
            try:
                item = next(items)
            except StopIteration:
                return
            except Exception as error:
                self._raise(error, "next")
            yield _wrapped(item, self._modelled)

    def __repr__(self):
        return repr(self._target)


def _wrapped(value, modelled):
    """Resources, collections, paginators ... of the genuine boto3 raise its exceptions."""
    return _Proxy(value, modelled) if type(value).__module__.startswith(_HOME) and not isinstance(value, dict) else value


def _load(what, call=True):
    """The genuine boto3, or the error that says what to do. It is said once that `what`, a call, uses it."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        # Before the usual one, which would find the children of a package by its path.
        sys.meta_path.insert(0, _Finder())
    try:
        module = importlib.import_module(_HOME + "boto3.session")
    except ImportError as error:
        raise NotImplementedError(f"{what}: the Nexus shim does not have it, and the genuine boto3, which would be "
                                  f"used instead, is not in this image ({error}): add the package python3-boto3, or "
                                  f"use another call") from None
    if call and what not in _said:
        _said.add(what)
        sys.stderr.write(f"nexus: {what}: not in the shim; the genuine boto3 is used, through the host\n")
    return module


class _Lent:
    """A loader of a module that is there, under another name."""

    def create_module(self, spec):
        return importlib.import_module(_HOME + spec.name)

    def exec_module(self, module):
        pass


# What would seem to work, and is not asked: calls do not pass through the genuine client.
_NOT_LENT = {"botocore.stub": "replace BaseClient._make_api_call"}


def lend(name):
    """The spec of a module that the shim lacks."""
    import importlib.machinery
    try:
        if name in _NOT_LENT:
            raise NotImplementedError(f"{name}: the Nexus shim does not have it: {_NOT_LENT[name]}")
        _load(name, call=False)
        importlib.import_module(_HOME + name)
    except NotImplementedError as error:
        raise ModuleNotFoundError(f"No module named {error}", name=name) from None
    except ImportError:
        return None
    if name not in _said:
        _said.add(name)
        sys.stderr.write(f"nexus: {name}: not in the shim; it is the genuine package's\n")
    return importlib.machinery.ModuleSpec(name, _Lent())


class _Raw:
    """The body of an answer as botocore's parsers read it."""

    def __init__(self, body):
        import io
        self._file = io.BytesIO(body)

    def read(self, amt=None, decode_content=None):
        return self._file.read(-1 if amt is None else amt)

    def stream(self, amt=65536, decode_content=None):
        while chunk := self._file.read(amt):
            yield chunk

    def close(self):
        self._file.close()

    def __getattr__(self, name):
        return getattr(self._file, name)


def _before_send(request, **kwargs):
    """Sends a request of botocore's through the host, which puts its own signature in the place of this one."""
    from urllib.parse import urlsplit
    awsrequest = importlib.import_module(_HOME + "botocore.awsrequest")
    url = urlsplit(request.url)
    body = request.body or b""
    if hasattr(body, "read"):
        body = body.read()
    if isinstance(body, str):
        body = body.encode()
    drop = ("authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256", "content-length", "host",
            "expect", "user-agent", "connection", "amz-sdk-invocation-id", "amz-sdk-request", "accept-encoding")
    headers = {}
    service = "s3"
    for name, value in request.headers.items():
        value = value.decode() if isinstance(value, bytes) else str(value)
        if name.lower() == "authorization" and "Credential=" in value:
            service = value.partition("Credential=")[2].split("/")[3]
        if name.lower() not in drop:
            headers[name.lower()] = value
    op, answer = nexus.exchange(lambda channel: channel.aws(
        service, request.method, url.path or "/", query=url.query, headers=headers, total=len(body)), body)
    from nexus.client import response_headers
    return awsrequest.AWSResponse(request.url, op.http_status, response_headers(op), _Raw(answer))


def _session(session, region):
    made = _load("boto3", call=False).Session(
        aws_access_key_id="signed-by-the-host", aws_secret_access_key="signed-by-the-host", region_name=region)
    made.events.register("before-send", _before_send)
    return made


def client(session, name, region, known):
    """A client of a service that the shim does not know at all."""
    try:
        _load(f"client({name!r})")
    except NotImplementedError:
        from botocore.exceptions import UnknownServiceError
        known += ". Others need the genuine boto3, which is not in this image: add the package python3-boto3"
        raise UnknownServiceError(service_name=name, known_service_names=known) from None
    try:
        return _Proxy(_session(session, region).client(name))
    except Exception as error:
        _translate(error)


def regions(service, partition, allow_non_regional):
    """Where AWS has a service."""
    module = _load("get_available_regions()")
    return module.Session().get_available_regions(service, partition, allow_non_regional)


def resource(session, name, region):
    _load(f"resource({name!r})")
    try:
        return _Proxy(_session(session, region).resource(name))
    except Exception as error:
        _translate(error)


def _twin(ours):
    """The genuine client beside one of ours."""
    if "_genuine" not in ours.__dict__:
        ours._genuine = _Proxy(_session(ours._session, ours.meta.region_name).client(
            ours._service, **_options(ours)), ours.exceptions)
    return ours._genuine


def _options(ours):
    config = importlib.import_module(_HOME + "botocore.config").Config(s3={"addressing_style": "path"})
    return {"endpoint_url": ours.meta.endpoint_url, "config": config}


def method(ours, name):
    """A method that only the genuine boto3 has; calling it is what may fail."""
    def call(*args, **kwargs):
        _load(f"{ours._service}.{name}()")
        return getattr(_twin(ours), name)(*args, **kwargs)

    call.__name__ = name
    return call


def attribute(ours, name):
    """An attribute that only the genuine boto3's resource has."""
    client = ours.meta.client
    _load(f"{type(ours).__name__}.{name}")
    twin = _session(client._session, client.meta.region_name).resource("s3", **_options(client))
    if hasattr(ours, "_ids"):
        twin = getattr(twin, type(ours).__name__.partition(".")[2])(*ours._identifiers().values())
    return getattr(_Proxy(twin), name)
