# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""One call of a client: its state, and what the application holds of it."""
import time

from grpc._abc import Call, Future, FutureCancelledError, FutureTimeoutError, RpcContext, RpcError
from grpc._codes import STATUS, StatusCode
from grpc._common import deserialize, log, no, none, raised, received, serialize, thread, too_large, yes
from grpc._receiver import Receiver

LOCALLY_CANCELLED = "Locally cancelled by application!"
DEADLINE_EXCEEDED = "Deadline Exceeded"


class Rpc(Receiver):
    """The state of a call. A wire of None: it has ended."""

    def __init__(self, wire, deserializer, streaming=False, send_limit=0, deadline=None, forget=None):
        super().__init__(wire, deadline)
        self.initial_metadata = None
        self.trailing_metadata = None
        self.code = None
        self.details = None
        self.response = None                # the only one; of a stream: the next one
        self.cancelled = False
        self._deserializer = deserializer
        self._streaming = streaming
        self._send_limit = send_limit
        self._forget = forget

    @classmethod
    def ended(cls, status, details):
        """A call that the application's side has ended before it began."""
        rpc = cls(None, None)
        with rpc.condition:
            rpc.end(STATUS[status], details)
        rpc.callbacks = None
        return rpc

    @classmethod
    def answered(cls, answer):
        """One whose whole answer is there, as of Channel.unary()."""
        status, details, initial, trailing, message = answer
        rpc = cls(None, None)
        rpc.initial_metadata = received(initial)
        rpc.response = message
        rpc._apply(("end", status, details, trailing))
        return rpc

    # What comes.

    def _apply(self, event):
        """Takes what the wire gave; returns callbacks to be called. Locked."""
        kind = event[0]
        if kind == "initial":
            if self.initial_metadata is None:
                self.initial_metadata = received(event[1])
        elif kind == "message":
            response = deserialize(event[1], self._deserializer)
            if response is None:
                self.end(StatusCode.INTERNAL, "Exception deserializing response!")
                self.wire.cancel()
            else:
                self.response = response
        else:
            self.over = True
            status, details, trailing = event[1:]
            if self.code is None:
                self.initial_metadata = self.initial_metadata or ()
                self.trailing_metadata = received(trailing)
                self.code = STATUS.get(status)
                self.details = details
                if self.code is None:
                    self.code = StatusCode.UNKNOWN
                    self.details = f'Server sent unknown code {status} and details "{details}"'
            if self._forget:
                self._forget(self)
            callbacks, self.callbacks = self.callbacks, None
            return callbacks
        return ()

    def end(self, code, details):
        """The call's end as this side knows it, unless it has one. Locked."""
        if self.code is None:
            self.code, self.details = code, details
            self.initial_metadata = self.initial_metadata or ()
            self.trailing_metadata = ()
            self.condition.notify_all()

    def _full(self):
        """No more may come before the application took the last message."""
        return self._streaming and self.response is not None and self.code is None

    @staticmethod
    def _call(callbacks):
        for callback in callbacks:
            try:
                callback()
            except Exception as error:  # whatever an application's function raises
                import logging
                logging.error("Exception in callback %s: %s", repr(callback), repr(error))

    def _expire(self):
        self.end(StatusCode.DEADLINE_EXCEEDED, DEADLINE_EXCEEDED)
        self.wire.cancel()

    # What the application does.

    def cancel(self, code=StatusCode.CANCELLED, details=LOCALLY_CANCELLED):
        with self.condition:
            if self.code is not None:
                return False
            self.cancelled = details is LOCALLY_CANCELLED
            self.end(code, details)
        self.wire.cancel()
        return True

    def send(self, data, last=False):
        """False: the call has ended."""
        if self.code is not None:
            return False
        if len(data) > self._send_limit:
            self.cancel(StatusCode.RESOURCE_EXHAUSTED, too_large("Sent", len(data), self._send_limit))
            return False
        return self.wire.send(data, last)

    def send_all(self, requests, serializer):
        """A thread sends what the iterator gives."""
        thread(self._send_all, "send", requests, serializer)

    def _send_all(self, requests, serializer):
        while True:
            try:
                request = next(requests)
            except StopIteration:
                break
            except Exception:  # whatever an application's iterator raises
                log("_channel", "Exception iterating requests!")
                self.cancel(StatusCode.UNKNOWN, "Exception iterating requests!")
                return
            data = serialize(request, serializer)
            if data is None:
                self.cancel(StatusCode.INTERNAL, "Exception serializing request!")
                return
            if not self.send(data):
                return
        if self.code is None:
            self.wire.send_end()

    def text(self, name):
        with self.condition:
            if self.code is None:
                return f"<{name} object>"
            return text_of(name, self.code, self.details, self.debug_error_string())

    def debug_error_string(self):
        return None if self.cancelled or self.code is None else debug_text(self.code, self.details)


def text_of(name, code, details, debug):
    text = f'<{name} of RPC that terminated with:\n\tstatus = {code}\n\tdetails = "{details}"\n'
    if code is not StatusCode.OK:
        text += f'\tdebug_error_string = "{debug}"\n'
    return text + ">"


def debug_text(code, details):
    return f'UNKNOWN:{{grpc_message:"{details}", grpc_status:{code.value[0]}}}'


class _InactiveRpcError(RpcError, Call, Future):
    """What a blocking call raises: it has ended."""

    is_active = add_callback = cancel = cancelled = running = no
    done = yes
    time_remaining = none

    def __init__(self, rpc):
        self._rpc = rpc

    def initial_metadata(self):
        return self._rpc.initial_metadata

    def trailing_metadata(self):
        return self._rpc.trailing_metadata

    def code(self):
        return self._rpc.code

    def details(self):
        return self._rpc.details

    def debug_error_string(self):
        return self._rpc.debug_error_string()

    def result(self, timeout=None):
        raise self

    def exception(self, timeout=None):
        return self

    def traceback(self, timeout=None):
        return raised(self)

    def add_done_callback(self, fn, timeout=None):
        fn(self)

    def __repr__(self):
        return self._rpc.text(type(self).__name__)

    __str__ = __repr__


class _Rendezvous(RpcError, RpcContext):
    """What applications know the next one by."""


class _MultiThreadedRendezvous(_Rendezvous, Call, Future):
    """A call that may be going on: future, iterator of responses and, if it failed, the error."""

    def __init__(self, rpc):
        self._rpc = rpc

    def _ended(self):
        return self._rpc.code is not None

    def _at_end(self, timeout=None):
        with self._rpc.condition:
            if not self._rpc.wait(self._ended, timeout):
                raise FutureTimeoutError()
            if self._rpc.cancelled:
                raise FutureCancelledError()
        return self._rpc.code is StatusCode.OK

    # Call.

    def is_active(self):
        return not self.done()

    def time_remaining(self):
        deadline = self._rpc.deadline
        return None if deadline is None else max(deadline - time.time(), 0)

    def cancel(self):
        return self._rpc.cancel()

    def add_callback(self, callback):
        return self._rpc.add(callback)

    def initial_metadata(self):
        with self._rpc.condition:
            self._rpc.wait(lambda: self._rpc.initial_metadata is not None)
        return self._rpc.initial_metadata

    def _final(self):
        with self._rpc.condition:
            self._rpc.wait(self._ended)
        return self._rpc

    def trailing_metadata(self):
        return self._final().trailing_metadata

    def code(self):
        return self._final().code

    def details(self):
        return self._final().details

    def debug_error_string(self):
        return self._final().debug_error_string()

    # Future.

    def cancelled(self):
        return self._rpc.cancelled

    def running(self):
        return not self.done()

    def done(self):
        with self._rpc.condition:
            self._rpc.watch()
        return self._ended()

    def result(self, timeout=None):
        if self._at_end(timeout):
            return self._rpc.response
        raise self

    def exception(self, timeout=None):
        return None if self._at_end(timeout) else self

    def traceback(self, timeout=None):
        return None if self._at_end(timeout) else raised(self)

    def add_done_callback(self, fn):
        if self._ended() or not self._rpc.add(lambda: fn(self)):
            fn(self)

    # Iterator.

    def __iter__(self):
        return self

    def __next__(self):
        rpc = self._rpc
        with rpc.condition:
            rpc.wait(lambda: rpc.response is not None or rpc.code is not None)
            # What came before a failure of the server's is not lost; after a cancellation nothing is wanted.
            if rpc.response is not None and not rpc.cancelled:
                response, rpc.response = rpc.response, None
                rpc.condition.notify_all()
                return response
            if rpc.code is StatusCode.OK:
                raise StopIteration()
            raise self

    def next(self):
        return self.__next__()

    def __repr__(self):
        return self._rpc.text(type(self).__name__)

    __str__ = __repr__

    def __del__(self):
        rpc = self.__dict__.get("_rpc")
        if rpc and rpc.code is None:
            rpc.cancel(details="Cancelled upon garbage collection!")
