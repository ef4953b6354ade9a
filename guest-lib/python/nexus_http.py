# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""http.client over Nexus: urllib, urllib3 and requests run as they are, in a guest without a network.

install() gives HTTPConnection and HTTPSConnection a connection that is no socket: what is written to it is read
as a request and goes to the host, which connects, does TLS and checks the name; the answer is read back from it.
Addresses of this machine itself (loopback) keep their sockets: what a function serves to itself."""
import sys

_PATCHED = {"http.client": "_patch_http", "urllib3.connection": "_patch_urllib3"}
# What belongs to a connection and is the host's own affair.
_DROP = frozenset(("host", "connection", "keep-alive", "proxy-connection", "content-length", "transfer-encoding",
                   "te", "upgrade", "expect"))


class Answer:
    """The bytes of an HTTP/1.1 response, for http.client to parse: read(), readline() and readinto()."""

    def __init__(self, connection):
        self._connection = connection
        self._head = None

    def _begin(self):
        self._head, self._at = self._connection.answer_head(), 0

    def readinto(self, room):
        if self._head is None:
            self._begin()
        head = self._head[self._at:self._at + len(room)]
        if head:
            self._at += len(head)
            room[:len(head)] = head
            return len(head)
        return self._connection.answer_into(room)


class Connection:
    """The part of a socket that http.client and urllib3 use."""

    def __init__(self, scheme, host, port, timeout=None, unconnected=lambda error: error):
        """unconnected(OSError): what is raised where no connection came about."""
        self._unconnected = unconnected
        self._origin = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        self._timeout = timeout
        self._reset()

    def _reset(self):
        self._pending = b""     # of a head that is not complete
        self._op = None
        self._left = 0          # bytes of the body to come; None: chunked
        self._chunk = b""
        self._sent = False

    # Writing.

    def sendall(self, data, flags=0):
        data = memoryview(data).cast("B")
        if self._sent or self._op is None:
            if self._sent:
                self._reset()
            self._pending += data
            head, end, rest = self._pending.partition(b"\r\n\r\n")
            if not end:
                return
            self._pending = b""
            self._start(head)
            data = memoryview(rest)
        if len(data):
            self._body(data)

    def send(self, data, flags=0):
        self.sendall(data)
        return len(data)

    def _start(self, head):
        import nexus
        lines = head.decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        headers, length, chunked = {}, 0, False
        for line in lines[1:]:
            name, _, value = line.partition(":")
            name, value = name.strip().lower(), value.strip()
            if name == "content-length":
                length = int(value)
            elif name == "transfer-encoding":
                chunked = value.lower() == "chunked"
            if name not in _DROP:
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
        url = target if target.startswith(("http://", "https://")) else self._origin + target
        options = {"headers": headers}
        if self._timeout is not None:
            options["timeout_ms"] = max(1, int(self._timeout * 1000))
        self._method = method
        self._left = None if chunked else length
        self._op = self._check(nexus.begin, lambda channel: channel.http(method, url, total=length, chunked=chunked, **options))
        if not chunked and not length:
            self._finish()

    def _body(self, data):
        self._check(self._write, data)

    def _write(self, data):
        if self._left is None:
            self._dechunk(data)
            return
        self._op.write(data[:self._left])
        self._left -= min(self._left, len(data))
        if not self._left:
            self._finish()

    def _dechunk(self, data):
        self._chunk += data
        while True:
            line, end, rest = self._chunk.partition(b"\r\n")
            if not end:
                return
            size = int(line.split(b";")[0], 16)
            if len(rest) < size + 2:
                return
            if not size:
                self._finish()
                return
            self._op.write(rest[:size])
            self._chunk = rest[size + 2:]

    def _finish(self):
        self._sent = True
        self._check(self._op.finish)
        if not self._op.http_status:
            self._check_connected()

    def _check_connected(self):
        """As of a socket, it is heard of before the answer is asked for."""
        import nexus
        try:
            self._op.read(1)
        except nexus.Error as error:
            if error.code in ("NexusConnectionFailed", "NexusPolicyDenied"):
                self._raise(error)

    def _check(self, call, *args):
        import nexus
        try:
            return call(*args)
        except nexus.Error as error:
            self._raise(error)

    def _raise(self, error):
        import socket
        if error.code == "NexusTimeout":
            raise socket.timeout(f"timed out: {error.message}") from error
        if error.code == "NexusConnectionFailed":
            raise self._unconnected(_connect_error(error)) from error
        if error.code == "NexusPolicyDenied":
            raise PermissionError(13, error.message) from error
        raise ConnectionResetError(error.errno, error.message) from error

    # Reading.

    def makefile(self, mode="r", buffering=None, **kwargs):
        import io

        class Raw(io.RawIOBase):
            _answer = Answer(self)

            def readable(self):
                return True

            def readinto(self, room):
                return self._answer.readinto(room)

        return io.BufferedReader(Raw(), 65536)

    def recv_into(self, room, n=0, flags=0):
        if self.__dict__.get("_direct") is None:
            self._direct = Answer(self)
        return self._direct.readinto(memoryview(room)[:n] if n else room)

    def recv(self, n, flags=0):
        room = bytearray(n)
        return bytes(room[:self.recv_into(room)])

    def answer_head(self):
        op = self._op
        if op is None:
            raise ConnectionResetError(104, "an answer was read before a request was written")
        if not self._sent:
            self._check(op.finish)
        self._check(op.result)
        if not op.http_status:
            self._check(op.read, 1)
        from http import HTTPStatus
        status = op.http_status
        try:
            phrase = HTTPStatus(status).phrase
        except ValueError:
            phrase = ""
        lines = [f"HTTP/1.1 {status} {phrase}"]
        given = op.header_list
        lines += [f"{name}: {value}" for name, value in given
                  if name not in ("connection", "keep-alive", "transfer-encoding")]
        # Those that the host tells apart from the others.
        known = {name for name, _ in given}
        for name, value in (("content-type", op.content_type), ("etag", op.etag), ("last-modified", op.last_modified),
                            ("content-length", str(op.content_length) if op.content_length else "")):
            if value and name not in known:
                lines.append(f"{name}: {value}")
        # The body's end is the stream's, whether its length is told or not.
        lines += ["connection: close", "", ""]
        return "\r\n".join(lines).encode("latin-1", "replace")

    def answer_into(self, room):
        if self._op is None:
            return 0
        return self._check(self._op.readinto, room)

    # The rest of a socket.

    def settimeout(self, timeout):
        self._timeout = timeout

    def gettimeout(self):
        return self._timeout

    def setsockopt(self, *args):
        """Nothing that a request to the host would have."""

    def getpeercert(self, binary_form=False):
        """The host has checked it."""
        return b"" if binary_form else {}

    def fileno(self):
        return -1

    def shutdown(self, how):
        """The host ends its connections by itself."""

    def close(self):
        # The answer may still be read: the operation ends with its last reader.
        pass


def _connect_error(error):
    """The host's words are those of the nexus.Error, from which this one is raised."""
    import os
    import socket
    if "resolve host" in error.message:
        return socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    if error.errno == 71:   # EPROTO
        import ssl
        kind = ssl.SSLCertVerificationError if "certificate" in error.message else ssl.SSLError
        return kind(1, error.message)
    return OSError(error.errno, os.strerror(error.errno))


def _is_local(host):
    return host in ("localhost", "::1") or host.startswith("127.")


def _patch_http(module):
    plain = module.HTTPConnection.connect

    def connect(self):
        if _is_local(self.host):
            plain(self)
            return
        scheme = "https" if self.default_port == 443 else "http"
        host, port = self._tunnel_host or self.host, self._tunnel_port or self.port
        if self._tunnel_host:
            scheme = "https"
        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        self.sock = Connection(scheme, host, port, timeout)

    module.HTTPConnection.connect = connect
    if hasattr(module, "HTTPSConnection"):
        secure = module.HTTPSConnection.connect
        module.HTTPSConnection.connect = lambda self: secure(self) if _is_local(self.host) else connect(self)


def _patch_urllib3(module):
    for name, scheme in (("HTTPConnection", "http"), ("HTTPSConnection", "https")):
        cls = getattr(module, name, None)
        if cls is None or "connect" not in vars(cls):
            continue

        def connect(self, scheme=scheme, plain=cls.connect):
            if _is_local(self.host):
                plain(self)
                return
            def unconnected(error):
                if isinstance(error, module.BaseSSLError):
                    return error
                return module.NewConnectionError(self, f"Failed to establish a new connection: {error}")

            timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
            self.sock = Connection(scheme, self.host.strip("[]"), self.port, timeout, unconnected)
            self.is_verified = True

        cls.connect = connect


class _Finder:
    """Patches a module once it is imported."""

    def find_spec(self, name, path=None, target=None):
        if name not in _PATCHED:
            return None
        from importlib.machinery import PathFinder
        spec = PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return None
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            globals()[_PATCHED[name]](module)

        spec.loader.exec_module = exec_module
        return spec


_finder = _Finder()


def install():
    """From now on. Costs nothing until http.client is imported."""
    if _finder in sys.meta_path:
        return
    sys.meta_path.insert(0, _finder)
    for name, patch in _PATCHED.items():
        if name in sys.modules:
            globals()[patch](sys.modules[name])
