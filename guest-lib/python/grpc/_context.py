# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""One call of a server: its state, and what a servicer sees of it."""
import time

from grpc import _abc
from grpc._caller import Caller
from grpc._codes import StatusCode
from grpc._common import decode, deserialize, encode, encoding_of, log, received, serialize, to_send
from grpc._receiver import Receiver

_NO_DEADLINE = 1e9     # seconds that remain to a call that has none


class State(Receiver):
    """A call from its beginning to its status."""

    def __init__(self, wire, metadata, handler):
        super().__init__(wire, None if wire.timeout is None else time.time() + wire.timeout)
        self.handler = handler
        self.metadata = metadata
        self.request = None             # the next one
        self.closed = False             # the client sends no more
        self.cancelled = False          # by the client, its deadline, or this server's end
        self.statused = False
        self.aborted = False
        self.headers_sent = False
        self.plain = False              # the next message is not to be compressed
        self.code = self.details = self.trailing_metadata = None
        self.rpc_errors = []            # raised here: if the servicer lets them pass, they say nothing new

    # What comes.

    def _apply(self, event):
        kind = event[0]
        if kind == "message":
            request = deserialize(event[1], self.handler.request_deserializer)
            if request is None:
                self.abort(StatusCode.INTERNAL, "Exception deserializing request!")
            else:
                self.request = request
        elif kind == "half-close":
            self.closed = True
        else:
            self.over = True
            if not self.statused:
                self.cancelled = True
            return self.take_callbacks()
        return ()

    def _full(self):
        return self.request is not None and self.active()

    def _expire(self):
        """The host ends a call at its deadline."""
        self.condition.wait(0.1)

    @staticmethod
    def _call(callbacks):
        for callback in callbacks:
            try:
                callback()
            except Exception:  # whatever an application's function raises
                log("_server", "Exception calling callback!")

    def take_callbacks(self):
        callbacks, self.callbacks = self.callbacks, None
        return callbacks or ()

    def next_request(self):
        """None: there is none; the client has ended its part, or the call."""
        with self.condition:
            self.wait(lambda: self.request is not None or self.closed or not self.active())
            request, self.request = self.request, None
            self.condition.notify_all()
            return request

    def only_request(self):
        request = self.next_request()
        if request is None and self.closed and self.active():
            self.abort(StatusCode.UNIMPLEMENTED, f'"{self.wire.method}" requires exactly one request message.')
        return request

    # What goes.

    def active(self):
        return not self.cancelled and not self.statused

    def raise_rpc_error(self):
        error = _abc.RpcError()
        self.rpc_errors.append(error)
        raise error

    def send_headers(self, metadata):
        with self.condition:
            if self.cancelled:
                self.raise_rpc_error()
            if self.headers_sent:
                raise ValueError("Initial metadata no longer allowed!")
            pairs = to_send(metadata)
            self.headers_sent = True
        self.wire.send_headers(pairs)

    def serialized(self, response):
        data = serialize(response, self.handler.response_serializer)
        if data is None:
            self.abort(StatusCode.INTERNAL, "Failed to serialize response!")
        return data

    def send(self, data):
        """False: the call has ended."""
        if not self.active():
            return False
        self.headers_sent = True
        plain, self.plain = self.plain, False
        if not self.wire.send(data, plain):
            with self.condition:
                self.cancelled = not self.statused
                callbacks = self.take_callbacks()
                self.condition.notify_all()
            self._call(callbacks)
        return self.active()

    def respond_or_end(self, response):
        if response is None:
            self.finish()
            return
        data = self.serialized(response)
        if data is not None:
            self.send(data)

    def finish(self):
        """The end that the servicer's function came to."""
        self._end(StatusCode.OK if self.code is None else self.code, self.details or b"")

    def abort(self, code, details):
        """Another end, unless the servicer has named his own."""
        self._end(code if self.code is None else self.code, encode(details) if self.details is None else self.details)

    def _end(self, code, details):
        with self.condition:
            if not self.active():
                return
            self.statused = True
            callbacks = self.take_callbacks()
            self.condition.notify_all()
        status = code.value[0] if isinstance(code, StatusCode) else 2
        self.wire.finish(status, decode(details), to_send(self.trailing_metadata))
        self._call(callbacks)

    def failed(self, doing, error):
        """The servicer's function raised."""
        if self.aborted:
            self.abort(StatusCode.UNKNOWN, "RPC Aborted")
        elif error not in self.rpc_errors:
            text = f"Exception {doing}: {error}"
            log("_server", text)
            self.abort(StatusCode.UNKNOWN, text)

    def cancel_by_server(self):
        with self.condition:
            if not self.active():
                return
            self.cancelled = True
            callbacks = self.take_callbacks()
            self.condition.notify_all()
        self.wire.finish(StatusCode.CANCELLED.value[0], "CANCELLED", ())
        self._call(callbacks)


class RequestIterator:
    def __init__(self, state):
        self._state = state

    def __iter__(self):
        return self

    def __next__(self):
        request = self._state.next_request()
        if request is not None:
            return request
        if self._state.cancelled:
            self._state.raise_rpc_error()
        raise StopIteration()

    def next(self):
        return self.__next__()


class ServicerContext(Caller, _abc.ServicerContext):
    def __init__(self, state):
        self._state = state

    # RpcContext.

    def is_active(self):
        with self._state.condition:
            self._state.watch()
            return self._state.active()

    def time_remaining(self):
        deadline = self._state.deadline
        return _NO_DEADLINE if deadline is None else max(deadline - time.time(), 0)

    def cancel(self):
        self._state.cancel_by_server()

    def add_callback(self, callback):
        return self._state.add(callback)

    # The answer.

    def set_compression(self, compression):
        self._state.wire.compress(encoding_of(compression))

    def send_initial_metadata(self, initial_metadata):
        self._state.send_headers(initial_metadata)

    def set_trailing_metadata(self, trailing_metadata):
        self._state.trailing_metadata = trailing_metadata

    def abort(self, code, details):
        if code == StatusCode.OK:
            log("_server", "abort() called with StatusCode.OK; returning UNKNOWN", False)
            code, details = StatusCode.UNKNOWN, ""
        self._state.code = code
        self._state.details = encode(details)
        self._state.aborted = True
        raise Exception()

    def abort_with_status(self, status):
        self._state.trailing_metadata = status.trailing_metadata
        self.abort(status.code, status.details)

    def set_code(self, code):
        self._state.code = code

    def set_details(self, details):
        self._state.details = encode(details)
