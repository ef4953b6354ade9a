# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Calls of grpc.aio: awaitables, and asynchronous iterators."""
import asyncio
import time

from grpc import _transport
from grpc._call import DEADLINE_EXCEEDED, LOCALLY_CANCELLED, debug_text, text_of
from grpc._codes import STATUS, StatusCode
from grpc._common import deserialize, received, serialize, too_large
from grpc.aio import _base
from grpc.aio._metadata import Metadata
from grpc.aio._threads import run

_FINISHED = "RPC already finished."
_HALF_CLOSED = 'RPC is half closed after calling "done_writing".'
_MIXED = "The iterator and read/write APIs may not be mixed on a single RPC."


class State:
    """What goes on with a call. A task receives for it; the application's object may go before."""

    def __init__(self, loop, deserializer, send_limit, streaming):
        self.loop = loop
        self.wire = None
        self.deadline = None
        self.initial_metadata = loop.create_future()
        self.ended = loop.create_future()   # done once there is a status
        self.sendable = asyncio.Event()     # the call has begun, or has ended
        self.status = None                  # code, details, trailing metadata
        self.locally_cancelled = False
        self.messages = []                  # one at most: the task waits until it was taken
        self._news = asyncio.Event()        # a message came, or the end
        self._taken = asyncio.Event()
        self._deserializer = deserializer
        self._send_limit = send_limit
        self._streaming = streaming         # of the responses
        self._callbacks = []

    def end(self, code, details, trailing=()):
        """The first end that a call comes to is its own."""
        if self.status is not None:
            return
        self.status = code, details, trailing
        if not self.initial_metadata.done():
            self.initial_metadata.set_result(())
        self.ended.set_result(None)
        for event in (self._news, self._taken, self.sendable):
            event.set()
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks:
            callback()

    def add(self, callback):
        if self._callbacks is None:
            callback()
        else:
            self._callbacks.append(callback)

    def cancel(self, details):
        if self.status is not None:
            return False
        self.locally_cancelled = True
        self.end(StatusCode.CANCELLED, details)
        if self.wire:
            self.wire.cancel()
        return True

    def fail(self, code, details):
        """This side ends the call by an error of its own."""
        self.end(code, details)
        if self.wire:
            self.wire.cancel()

    async def conduct(self, request, wait_for_ready, data):
        """The whole call. data: its only message; None: others send."""
        if request.refused:
            self.end(STATUS[request.refused[0]], request.refused[1])
            return
        self.deadline = request.deadline
        try:
            wire = await run(_transport.Call, request, wait_for_ready)
            self.wire = wire
            if self.status is not None:
                wire.cancel()
                return
            self.sendable.set()
            if data is not None:
                await self.send(data, True)
            while await self._receive(wire):
                pass
        except asyncio.CancelledError:
            self.cancel(LOCALLY_CANCELLED)
            raise

    async def _receive(self, wire):
        """One step; False: that was the last one."""
        kind, *rest = await run(wire.receive)
        if kind == "end":
            status, details, trailing = rest
            self.end(STATUS.get(status, StatusCode.UNKNOWN), details, received(trailing))
            return False
        if kind == "initial":
            if not self.initial_metadata.done():
                self.initial_metadata.set_result(received(rest[0]))
        else:
            self.messages.append(deserialize(rest[0], self._deserializer))
            self._news.set()
            self._taken.clear()
            if self._streaming and self.status is None:
                await self._wait_taken()
        return True

    async def _wait_taken(self):
        left = None if self.deadline is None else max(self.deadline - time.time(), 0)
        try:
            await asyncio.wait_for(self._taken.wait(), left)
        except asyncio.TimeoutError:
            self.fail(StatusCode.DEADLINE_EXCEEDED, DEADLINE_EXCEEDED)

    async def message(self):
        """The next one; EOF at the end."""
        while not self.messages and self.status is None:
            self._news.clear()
            await self._news.wait()
        if not self.messages or self.locally_cancelled:
            return _base.EOF
        self._taken.set()
        return self.messages.pop(0)

    async def send(self, data, last=False):
        """False: the call has ended."""
        if len(data or b"") > self._send_limit:
            self.fail(StatusCode.RESOURCE_EXHAUSTED, too_large("Sent", len(data), self._send_limit))
            return False
        return await run(self.wire.send, data, last)


class _Call(_base.Call):
    def __init__(self, channel, method, serializer, deserializer, timeout, metadata, credentials, wait_for_ready,
                 compression, request, single):
        self._loop = asyncio.get_running_loop()
        self._serializer = serializer
        self._channel = channel
        self._state = state = State(self._loop, deserializer, channel.send_limit,
                                    isinstance(self, _StreamResponse))
        told = channel.request(method, timeout, metadata, credentials, compression)
        data = None
        if single:
            data = serialize(request, serializer)
            if data is None:
                told.refused = 13, "Exception serializing request!"
        self._task = self._loop.create_task(state.conduct(told, wait_for_ready, data))
        channel.calls.add(self)

    def __del__(self):
        state = self.__dict__.get("_state")
        if state and state.status is None and not self._loop.is_closed():
            state.cancel("Cancelled upon garbage collection!")

    def cancelled(self):
        return self._state.status is not None and self._state.status[0] is StatusCode.CANCELLED

    def cancel(self):
        return self._state.cancel(LOCALLY_CANCELLED)

    def done(self):
        return self._state.status is not None

    def add_done_callback(self, callback):
        self._state.add(lambda: callback(self))

    def time_remaining(self):
        deadline = self._state.deadline
        return None if deadline is None else max(deadline - time.time(), 0)

    async def initial_metadata(self):
        return Metadata.from_tuple(await asyncio.shield(self._state.initial_metadata))

    async def _status(self):
        await asyncio.shield(self._state.ended)
        return self._state.status

    async def trailing_metadata(self):
        return Metadata.from_tuple((await self._status())[2])

    async def code(self):
        return (await self._status())[0]

    async def details(self):
        return (await self._status())[1]

    async def debug_error_string(self):
        code, details, _ = await self._status()
        return debug_text(code, details)

    async def wait_for_connection(self):
        await self._state.sendable.wait()
        if self.done():
            await self._raise_for_status()

    def _error(self):
        code, details, trailing = self._state.status
        return _base.AioRpcError(code, Metadata.from_tuple(self._state.initial_metadata.result()),
                                 Metadata.from_tuple(trailing), details, debug_text(code, details))

    async def _raise_for_status(self):
        await self._status()
        if self._state.locally_cancelled:
            raise asyncio.CancelledError()
        if self._state.status[0] is not StatusCode.OK:
            raise self._error()

    def __repr__(self):
        if not self.done():
            return f"<{type(self).__name__} object>"
        code, details, _ = self._state.status
        return text_of(type(self).__name__, code, details, debug_text(code, details))

    __str__ = __repr__


class _UnaryResponse(_Call):
    def __await__(self):
        return self._response().__await__()

    async def _response(self):
        state = self._state
        try:
            await self._status()
        except asyncio.CancelledError:
            self.cancel()
            raise
        await self._raise_for_status()
        return state.messages[0] if state.messages else None


class _StreamResponse(_Call):
    _style = None
    _iterator = None

    def _set_style(self, style):
        if self._style not in (None, style):
            raise _base.UsageError(_MIXED)
        self._style = style

    async def _read(self):
        try:
            message = await self._state.message()
        except asyncio.CancelledError:
            self.cancel()
            raise
        return message

    async def _responses(self):
        while (message := await self._read()) is not _base.EOF:
            yield message
        await self._raise_for_status()

    def __aiter__(self):
        self._set_style("iterator")
        if self._iterator is None:
            self._iterator = self._responses()
        return self._iterator

    async def read(self):
        if self.done() and not self._state.messages:
            await self._raise_for_status()
            return _base.EOF
        self._set_style("read")
        message = await self._read()
        if message is _base.EOF:
            await self._raise_for_status()
        return message


class _StreamRequest(_Call):
    def __init__(self, *args):
        super().__init__(*args, False)
        self._done_writing = False
        iterator = args[-1]
        self._by_iterator = iterator is not None
        if self._by_iterator:
            self._consumer = self._loop.create_task(self._consume(iterator))

    def cancel(self):
        if not super().cancel():
            return False
        if self._by_iterator:
            self._consumer.cancel()
        return True

    async def _consume(self, iterator):
        try:
            if hasattr(iterator, "__aiter__"):
                async for request in iterator:
                    await self._write(request)
            else:
                for request in iterator:
                    await self._write(request)
            await self._end()
        except _base.AioRpcError:
            # The call has ended, and says so itself.
            pass
        except BaseException:  # whatever an application's iterator raises ends the call
            self.cancel()

    async def _write(self, request):
        if self.done():
            raise asyncio.InvalidStateError(_FINISHED)
        if self._done_writing:
            raise asyncio.InvalidStateError(_HALF_CLOSED)
        data = serialize(request, self._serializer)
        try:
            await self._state.sendable.wait()
            if self.done() or not await self._state.send(data):
                await self._raise_for_status()
        except asyncio.CancelledError:
            self.cancel()
            raise

    async def _end(self):
        if self.done() or self._done_writing:
            return
        self._done_writing = True
        await self._state.sendable.wait()
        if not self.done():
            await self._state.send(None, True)

    async def write(self, request):
        if self._by_iterator:
            raise _base.UsageError(_MIXED)
        await self._write(request)

    async def done_writing(self):
        if self._by_iterator:
            raise _base.UsageError(_MIXED)
        await self._end()


class UnaryUnaryCall(_UnaryResponse, _base.UnaryUnaryCall):
    def __init__(self, *args):
        super().__init__(*args, True)


class UnaryStreamCall(_StreamResponse, _base.UnaryStreamCall):
    def __init__(self, *args):
        super().__init__(*args, True)


class StreamUnaryCall(_StreamRequest, _UnaryResponse, _base.StreamUnaryCall):
    pass


class StreamStreamCall(_StreamRequest, _StreamResponse, _base.StreamStreamCall):
    pass
