# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Interceptors of grpc.aio: coroutines around a call that begins when they say so."""
import asyncio
from abc import ABCMeta, abstractmethod
from collections import namedtuple

from grpc import _abc
from grpc._codes import StatusCode
from grpc.aio import _base
from grpc.aio._metadata import Metadata


class ServerInterceptor(metaclass=ABCMeta):
    @abstractmethod
    async def intercept_service(self, continuation, handler_call_details):
        """The handler of a call, or None."""


class ClientCallDetails(namedtuple("ClientCallDetails", (
        "method", "timeout", "metadata", "credentials", "wait_for_ready")), _abc.ClientCallDetails):
    pass


class ClientInterceptor(metaclass=ABCMeta):
    pass


class UnaryUnaryClientInterceptor(ClientInterceptor, metaclass=ABCMeta):
    @abstractmethod
    async def intercept_unary_unary(self, continuation, client_call_details, request):
        """The call, or a response."""


class UnaryStreamClientInterceptor(ClientInterceptor, metaclass=ABCMeta):
    @abstractmethod
    async def intercept_unary_stream(self, continuation, client_call_details, request):
        """The call, or an asynchronous iterator of responses."""


class StreamUnaryClientInterceptor(ClientInterceptor, metaclass=ABCMeta):
    @abstractmethod
    async def intercept_stream_unary(self, continuation, client_call_details, request_iterator):
        """The call, or a response."""


class StreamStreamClientInterceptor(ClientInterceptor, metaclass=ABCMeta):
    @abstractmethod
    async def intercept_stream_stream(self, continuation, client_call_details, request_iterator):
        """The call, or an asynchronous iterator of responses."""


_KINDS = {"unary_unary": UnaryUnaryClientInterceptor, "unary_stream": UnaryStreamClientInterceptor,
          "stream_unary": StreamUnaryClientInterceptor, "stream_stream": StreamStreamClientInterceptor}


def sort(interceptors, kinds):
    """Each to the first kind that it is of."""
    for interceptor in interceptors:
        for kind, interface in _KINDS.items():
            if isinstance(interceptor, interface):
                kinds[kind].append(interceptor)
                break
        else:
            raise ValueError(f"Interceptor {interceptor} must be UnaryUnaryClientInterceptor or "
                             "UnaryStreamClientInterceptor or StreamUnaryClientInterceptor or "
                             "StreamStreamClientInterceptor. ")


class _Answered(_base.Call):
    """An interceptor's own response in the place of a call."""

    def __init__(self, answer):
        self._answer = answer

    def __await__(self):
        if False:
            yield
        return self._answer

    def __aiter__(self):
        return self._answer

    def done(self):
        return True

    def cancel(self):
        return False

    cancelled = cancel

    def add_done_callback(self, callback):
        callback(self)

    def time_remaining(self):
        return None

    async def initial_metadata(self):
        return None

    async def trailing_metadata(self):
        return None

    async def code(self):
        return StatusCode.OK

    async def details(self):
        return ""

    async def debug_error_string(self):
        return None

    async def wait_for_connection(self):
        pass


class InterceptedCall(_base.Call):
    """The call that the interceptors' task comes to."""

    def __init__(self, task, unary):
        self._task = task
        self._unary = unary
        self._iterator = None

    def __del__(self):
        task = self.__dict__.get("_task")
        if task and not task.get_loop().is_closed():
            self.cancel()

    async def _call(self):
        """Shielded: to cancel one who waits is not to cancel the call, but through cancel()."""
        return await asyncio.shield(self._task)

    def _there(self):
        """The call, if it is there."""
        task = self._task
        return task.result() if task.done() and not task.cancelled() and task.exception() is None else None

    def done(self):
        call = self._there()
        return self._task.done() if call is None else call.done()

    def cancelled(self):
        call = self._there()
        if call is not None:
            return call.cancelled()
        error = None if self._task.cancelled() or not self._task.done() else self._task.exception()
        return self._task.cancelled() or (isinstance(error, _base.AioRpcError) and
                                          error.code() is StatusCode.CANCELLED)

    def cancel(self):
        if not self._task.done():
            return self._task.cancel()
        call = self._there()
        return call.cancel() if call is not None else False

    def add_done_callback(self, callback):
        def there(task):
            call = self._there()
            if call is None or call.done():
                callback(self)
            else:
                call.add_done_callback(lambda done: callback(self))

        if self._task.done():
            there(self._task)
        else:
            self._task.add_done_callback(there)

    def time_remaining(self):
        raise NotImplementedError()

    async def _ask(self, name, of_error, cancelled):
        try:
            call = await self._call()
        except _base.AioRpcError as error:
            return of_error(error)
        except asyncio.CancelledError:
            if not self._task.cancelled():
                raise
            return cancelled
        return await getattr(call, name)()

    async def initial_metadata(self):
        return await self._ask("initial_metadata", lambda error: error.initial_metadata(), Metadata())

    async def trailing_metadata(self):
        return await self._ask("trailing_metadata", lambda error: error.trailing_metadata(), Metadata())

    async def code(self):
        return await self._ask("code", lambda error: error.code(), StatusCode.CANCELLED)

    async def details(self):
        return await self._ask("details", lambda error: error.details(), "Locally cancelled by application!")

    async def debug_error_string(self):
        return await self._ask("debug_error_string", lambda error: error.debug_error_string(), "")

    async def wait_for_connection(self):
        await (await self._call()).wait_for_connection()


class _UnaryResponse(InterceptedCall):
    def __await__(self):
        return self._response().__await__()

    async def _response(self):
        try:
            return await (await self._call())
        except asyncio.CancelledError:
            self.cancel()
            raise


class _StreamResponse(InterceptedCall):
    async def _responses(self):
        async for response in await self._call():
            yield response

    def __aiter__(self):
        if self._iterator is None:
            self._iterator = self._responses()
        return self._iterator

    async def read(self):
        if self._iterator is None:
            self._iterator = self._responses()
        try:
            return await self._iterator.__anext__()
        except StopAsyncIteration:
            return _base.EOF


class _StreamRequest(InterceptedCall):
    """Requests that write() takes reach the interceptors as an iterator."""

    queue = None        # of what was written; None: the application gave an iterator of its own
    _END = object()

    async def requests(self):
        while (request := await self.queue.get()) is not self._END:
            yield request

    async def _put(self, request):
        if self.queue is None:
            raise _base.UsageError("The iterator and read/write APIs may not be mixed on a single RPC.")
        if self.done():
            raise asyncio.InvalidStateError("RPC already finished.")
        put = asyncio.ensure_future(self.queue.put(request))
        await asyncio.wait((put, self._task), return_when=asyncio.FIRST_COMPLETED)
        await put

    async def write(self, request):
        if self.__dict__.get("_closed"):
            raise asyncio.InvalidStateError('RPC is half closed after calling "done_writing".')
        await self._put(request)

    async def done_writing(self):
        self._closed = True
        await self._put(self._END)


class InterceptedUnaryUnaryCall(_UnaryResponse, _base.UnaryUnaryCall):
    pass


class InterceptedUnaryStreamCall(_StreamResponse, _base.UnaryStreamCall):
    pass


class InterceptedStreamUnaryCall(_StreamRequest, _UnaryResponse, _base.StreamUnaryCall):
    pass


class InterceptedStreamStreamCall(_StreamRequest, _StreamResponse, _base.StreamStreamCall):
    pass


_CALLS = {"unary_unary": InterceptedUnaryUnaryCall, "unary_stream": InterceptedUnaryStreamCall,
          "stream_unary": InterceptedStreamUnaryCall, "stream_stream": InterceptedStreamStreamCall}


def intercepted(callable_, interceptors, request, method, *options, compression):
    kind = callable_.kind
    cls = _CALLS[kind]

    async def run(index, details, request):
        if index == len(interceptors):
            return callable_.invoke(request, *details[:5], compression)
        intercept = getattr(interceptors[index], f"intercept_{kind}")

        async def continuation(details, request):
            return await run(index + 1, details, request)

        answer = await intercept(continuation, details, request)
        return answer if isinstance(answer, _base.Call) else _Answered(answer)

    call = cls.__new__(cls)
    if request is None and kind.startswith("stream"):
        call.queue = asyncio.Queue(1)
        request = call.requests()
    details = ClientCallDetails(method.encode(), *options)
    call.__init__(asyncio.get_running_loop().create_task(run(0, details, request)), kind.endswith("unary"))
    return call
