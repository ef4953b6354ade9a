# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""One call of a server of grpc.aio: its state, and what a servicer sees of it."""
import asyncio
import time

from grpc._caller import Caller
from grpc._codes import StatusCode
from grpc._common import deserialize, encoding_of, serialize, to_send
from grpc.aio import _base
from grpc.aio._threads import run


class State:
    """A call from its beginning to its status. A task of its own receives for it."""

    def __init__(self, wire, metadata, handler):
        self.wire = wire
        self.metadata = metadata
        self.handler = handler
        self.deadline = None if wire.timeout is None else time.time() + wire.timeout
        self.task = None                # the servicer's
        self.cancelled = False          # by the client, its deadline, or this server's end
        self.statused = False
        self.aborted = False
        self.headers_sent = False
        self.plain = False              # the next message is not to be compressed
        self.code, self.details, self.trailing_metadata = 0, "", None
        self.callbacks = []             # None: they were called
        self._requests = []             # one at most: the task waits until it was taken
        self._closed = False            # the client sends no more
        self._news, self._taken = asyncio.Event(), asyncio.Event()
        self._bad = False               # a request that cannot be read

    def active(self):
        return not self.cancelled and not self.statused

    # What comes.

    async def receive(self):
        """All that the client does, until the call's end."""
        while True:
            kind, *rest = await run(self.wire.receive)
            if kind == "message":
                request = deserialize(rest[0], self.handler.request_deserializer)
                if request is None:
                    await self.end(StatusCode.INTERNAL, "Exception deserializing request!")
                else:
                    self._requests.append(request)
                    self._taken.clear()
                    self._news.set()
                    if self.active():
                        await self._taken.wait()
            elif kind == "half-close":
                self._closed = True
                self._news.set()
            else:
                self.cancel()
                return

    def cancel(self):
        """By the other side, or by this server's end."""
        if self.statused:
            return
        self.cancelled = True
        self._over()
        if self.task:
            self.task.cancel()

    def _over(self):
        self._news.set()
        self._taken.set()
        callbacks, self.callbacks = self.callbacks or (), None
        for callback in callbacks:
            callback()

    async def request(self):
        """The next one; EOF: there is none."""
        while not self._requests and not self._closed and self.active():
            self._news.clear()
            await self._news.wait()
        if not self._requests:
            return _base.EOF
        self._taken.set()
        return self._requests.pop(0)

    async def requests(self):
        while (request := await self.request()) is not _base.EOF:
            yield request

    # What goes.

    async def send_headers(self, metadata):
        if self.statused:
            raise asyncio.InvalidStateError("RPC already finished.") if not self.aborted else _base.UsageError(
                "RPC already finished.")
        if self.headers_sent:
            raise _base.UsageError("Send initial metadata failed: already sent")
        self.headers_sent = True
        await run(self.wire.send_headers, to_send(metadata))

    async def send(self, message):
        data = serialize(message, self.handler.response_serializer)
        if data is None:
            await self.end(StatusCode.INTERNAL, "Failed to serialize response!")
            return False
        self.headers_sent = True
        plain, self.plain = self.plain, False
        return await run(self.wire.send, data, plain)

    async def end(self, code, details):
        if not self.active():
            return
        self.statused = True
        status = code.value[0] if isinstance(code, StatusCode) else int(code)
        trailing = to_send(self.trailing_metadata)
        await run(self.wire.finish, status, details, trailing)
        self._over()


class ServicerContext(Caller, _base.ServicerContext):
    def __init__(self, state):
        self._state = state

    # The requests and responses of a servicer that takes and gives them by itself.

    async def read(self):
        self._check()
        return await self._state.request()

    async def write(self, message):
        self._check()
        await self._state.send(message)

    def _check(self):
        if self._state.aborted:
            raise _base.UsageError("RPC already aborted.")
        if self._state.statused:
            raise _base.UsageError("RPC already finished.")

    async def send_initial_metadata(self, initial_metadata):
        await self._state.send_headers(initial_metadata)

    # The end.

    async def abort(self, code, details="", trailing_metadata=()):
        state = self._state
        if state.aborted:
            raise _base.UsageError("Abort already called!")
        state.aborted = True
        if trailing_metadata or state.trailing_metadata is None:
            state.trailing_metadata = trailing_metadata
        state.code, state.details = code.value[0], details
        await state.end(code, details)
        raise _base.AbortError("Locally aborted.")

    async def abort_with_status(self, status):
        await self.abort(status.code, status.details, status.trailing_metadata)

    def set_trailing_metadata(self, trailing_metadata):
        self._state.trailing_metadata = tuple(trailing_metadata)

    def set_code(self, code):
        self._state.code = code.value[0] if isinstance(code, StatusCode) else code

    def set_details(self, details):
        self._state.details = details

    def set_compression(self, compression):
        if self._state.headers_sent:
            raise RuntimeError("Compression setting must be specified before sending initial metadata")
        self._state.wire.compress(encoding_of(compression))

    # The call.

    def time_remaining(self):
        deadline = self._state.deadline
        return None if deadline is None else max(deadline - time.time(), 0)

    def add_done_callback(self, callback):
        if self._state.callbacks is None:
            callback(self)
        else:
            self._state.callbacks.append(lambda: callback(self))

    def cancelled(self):
        return self._state.cancelled

    def done(self):
        return not self._state.active()


class SyncContext:
    """The same for a servicer that is no coroutine, and has a thread of its own."""

    def __init__(self, context, loop):
        self._context = context
        self._loop = loop

    def _wait(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    def abort(self, code, details="", trailing_metadata=()):
        self._wait(self._context.abort(code, details, trailing_metadata))

    def abort_with_status(self, status):
        self._wait(self._context.abort_with_status(status))

    def send_initial_metadata(self, metadata):
        self._wait(self._context.send_initial_metadata(metadata))

    def add_callback(self, callback):
        self._context.add_done_callback(lambda context: callback())
        return True

    def is_active(self):
        return not self._context.done()

    def cancel(self):
        self._context._state.wire.finish(StatusCode.CANCELLED.value[0], "CANCELLED", ())

    def time_remaining(self):
        return self._context.time_remaining()

    def __getattr__(self, name):
        return getattr(self._context, name)
