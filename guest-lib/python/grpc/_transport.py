# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The way to the host: calls made and calls served, over _nexus. Nothing else of the package knows of it.

What comes is a tuple: ("initial", metadata), ("message", bytes), ("half-close",), and at last ("end", status,
details, metadata)."""
import time

import nexus

_UNAVAILABLE = 14
_EXPIRED = 4, "Deadline Exceeded"
_KEPT_MAX = 4 << 20                     # bytes that a call keeps while it waits for its server
_FIRST_PAUSE, _LAST_PAUSE = 0.1, 5      # seconds between two tries of a call that waits for its server
_FULL, _FULL_PAUSE, _FULL_MAX = 8, 0.02, 60     # of one that waits for others to end; seconds, and seconds at most


class Request:
    """What is told of a call before its messages. refused: status and details, if it ends before it begins."""

    def __init__(self, target, tls, method, metadata, deadline, max_message, more=None):
        self.target = target
        self.method = method
        self.metadata = metadata
        self.deadline = deadline        # of time.time(); None: none
        self.refused = None
        self.encoding = None            # gzip or deflate: of its messages
        self.max_message = max_message  # bytes
        self._tls = tls
        self._more = more or {}         # authority, user_agent

    def options(self):
        options = {"tls": self._tls, "metadata": self.metadata, "max_message": self.max_message,
                   "takes_compressed": True, **self._more}
        if self.deadline is not None:
            options["timeout_ms"] = min(max(1, int((self.deadline - time.time()) * 1000)), 0xffffffff)
        return options

    def pause(self, seconds):
        """False: the deadline came first."""
        left = seconds if self.deadline is None else self.deadline - time.time()
        time.sleep(max(min(left, seconds), 0))
        return left > seconds or self.deadline is None


def _unreachable(status, details):
    """The call has not reached a server: it may be tried again."""
    return status == _UNAVAILABLE and details.startswith(("cannot connect", "failed to connect"))


def _crowded(status, details):
    """The host has as many calls open as it may: this one has not begun."""
    return status == _FULL and "calls are open; a channel may have" in details


def _pauses():
    pause = _FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, _LAST_PAUSE)


def _channel():
    """The process's channel; None and why, if there is no host."""
    try:
        return nexus.channel(), None
    except OSError as error:
        return None, f"no Nexus host: {error}"


def _look_after(channel):
    """A call was not served: the channel may have ended with the daemon that served it."""
    try:
        channel.null().result()
    except nexus.Error:
        nexus.reset(channel)


def _pack(data, encoding):
    """What is sent, and whether it is compressed."""
    if not encoding or not data:
        return data, False
    from grpc._compression import compress
    return compress(data, encoding)


def _unpack(event, limit):
    """A message that came compressed, as such; or the end that it brings about."""
    from grpc._compression import Unreadable, decompress
    try:
        return "message", decompress(*event[1:], limit)
    except Unreadable as error:
        return "end", *error.args, ()


def _call_once(channel, request, data):
    data, packed = _pack(data, request.encoding)
    options = request.options()
    if packed:
        options["encoding"] = request.encoding
    *answer, message, encoding = channel.rpc_call(request.target, request.method, data, **options)
    if not encoding:
        return *answer, message
    event = _unpack(("message", message, encoding), request.max_message)
    return (*answer, event[1]) if event[0] == "message" else (*event[1:3], *answer[2:], None)


def unary(request, data, wait_for_ready):
    """A whole call: status, details, initial metadata, trailing metadata, message or None."""
    pauses, crowded = _pauses(), time.monotonic() + _FULL_MAX
    while True:
        channel, none = _channel()
        if none:
            return _UNAVAILABLE, none, (), (), None
        answer = _call_once(channel, request, data)
        if answer[0] == _UNAVAILABLE:
            _look_after(channel)
        full = _crowded(*answer[:2]) and time.monotonic() < crowded
        if not full and not (wait_for_ready and _unreachable(*answer[:2])):
            return answer
        if not request.pause(_FULL_PAUSE if full else next(pauses)):
            return *_EXPIRED, (), (), None


class _NoHost:
    """In the place of an _nexus.Rpc."""

    def __init__(self, details):
        self._details = details

    def send(self, message, end=False, compressed=False):
        return False

    def receive(self):
        return "end", _UNAVAILABLE, self._details, ()

    def cancel(self):
        """It has ended."""


class Call:
    """A call of many messages. One thread may send while another one receives."""

    def __init__(self, request, wait_for_ready):
        self._request = request
        self._kept = []         # what was sent, until it is known to have arrived
        self._waits = wait_for_ready
        self._pauses = _pauses()
        self._crowded = time.monotonic() + _FULL_MAX
        self._start()

    def _start(self):
        request = self._request
        self._channel, none = _channel()
        self._rpc = _NoHost(none) if none else self._channel.rpc_start(request.target, request.method,
                                                                       encoding=request.encoding, **request.options())

    def _keep(self, data, last, packed):
        """True: it was kept, to be sent again should the server not be reached."""
        kept = self._kept
        if kept is None:
            return False
        # A request and its end, of one that does not wait for its server.
        if not self._waits and len(kept) == 2 or sum(len(sent[0] or b"") for sent in kept) + len(data or b"") > _KEPT_MAX:
            self._kept = None
            return False
        kept.append((data, last, packed))
        return True

    def send(self, data, last=False):
        """False: the call has ended."""
        data, packed = _pack(data, self._request.encoding)
        kept = self._keep(data, last, packed)
        return self._rpc.send(data, last, packed) or kept

    def send_end(self):
        self.send(None, True)

    def receive(self):
        while True:
            event = self._rpc.receive()
            kept = self._kept
            if event[0] == "end" and event[1] == _UNAVAILABLE and self._channel:
                _look_after(self._channel)
            pause = self._pause_of(event) if kept is not None and event[0] == "end" else None
            if pause is None:
                self._kept = None
                return event if len(event) != 3 else self._unpacked(event)
            if not self._request.pause(pause):
                return "end", *_EXPIRED, ()
            self._start()
            for sent in tuple(kept):
                self._rpc.send(*sent)

    def _pause_of(self, event):
        """Seconds until the call is tried again; None: it has ended."""
        if _crowded(*event[1:3]) and time.monotonic() < self._crowded:
            return _FULL_PAUSE
        return next(self._pauses) if self._waits and _unreachable(*event[1:3]) else None

    def _unpacked(self, event):
        event = _unpack(event, self._request.max_message)
        if event[0] == "end":
            self.cancel()
        return event

    def cancel(self):
        self._kept = None
        self._rpc.cancel()


class Incoming:
    """A call that came in."""

    def __init__(self, event, encoding, max_message):
        self._rpc = event["rpc"]
        self.method = event["method"]
        self.peer = event["peer"]
        self.metadata = event["metadata"]
        self.timeout = event["timeout_ms"] / 1000 if event["timeout_ms"] else None
        self._max_message = max_message
        self._accepted = event["accept_encoding"].replace(" ", "").split(",")
        self._headers_sent = False
        self.compress(encoding)

    def receive(self):
        event = self._rpc.receive()
        if event[0] != "message" or len(event) == 2:
            return event
        event = _unpack(event, self._max_message)
        if event[0] == "end":
            self._rpc.finish(*event[1:])
        return event

    def compress(self, encoding):
        """The answer's messages, by gzip or deflate, if the caller takes them so. Before its metadata, or in vain."""
        if not self._headers_sent:
            self._encoding = encoding if encoding in self._accepted else None
            self._rpc.options(self._encoding, True, self._max_message)

    def send_headers(self, metadata):
        self._headers_sent = True
        self._rpc.headers(metadata)

    def send(self, data, plain=False):
        """False: the call has ended. plain: not compressed, whatever the others are."""
        if not self._encoding:
            self._headers_sent = True
            return self._rpc.send(data)
        if not self._headers_sent:
            self.send_headers(())
        data, packed = (data, False) if plain else _pack(data, self._encoding)
        return self._rpc.send(data, False, packed)

    def finish(self, status, details, metadata):
        self._rpc.finish(status, details, metadata)

    def cancel(self):
        self._rpc.cancel()


def accept(encoding, max_message):
    """The next call, answered so compressed, with requests of so many bytes. Other events are told that this function
    serves gRPC only."""
    while True:
        event = nexus.channel().next()
        if event["grpc"]:
            return Incoming(event["grpc"], encoding, max_message)
        nexus.channel().respond(event["request_id"], b'{"errorMessage":"this function is a gRPC server",'
                                b'"errorType":"Runtime.NoHandler"}', error=True)
