# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A server of grpc.aio. A thread waits for its calls, each of which is a task."""
import asyncio
import inspect

from grpc import _transport
from grpc._common import log, received, thread
from grpc._server import HandlerCallDetails, behavior_of, check_handlers, find_handler, port_of, wire_options
from grpc.aio import _base
from grpc.aio._context import ServicerContext, State, SyncContext
from grpc.aio._interceptor import ServerInterceptor
from grpc.aio._threads import run


class Server(_base.Server):
    def __init__(self, pool, handlers, interceptors, options, maximum_concurrent_rpcs, compression):
        invalid = [interceptor for interceptor in interceptors if not isinstance(interceptor, ServerInterceptor)]
        if invalid:
            raise ValueError(f"Interceptor must be ServerInterceptor, the following are invalid: {invalid}")
        self._pool = pool               # of servicers that are no coroutines; None: threads as they are needed
        self._handlers = check_handlers(handlers)
        self._interceptors = tuple(interceptors)
        self._maximum = maximum_concurrent_rpcs
        self._wire = wire_options(options, compression)
        self._loop = None
        self._started = self._stopping = False
        self._tasks = {}                # of calls that go on: their State
        self._terminated = asyncio.Event()

    def add_generic_rpc_handlers(self, generic_rpc_handlers):
        self._handlers += check_handlers(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name, method_handlers):
        """The generic handlers that generated code adds as well have them."""

    def add_insecure_port(self, address):
        return port_of(address)

    def add_secure_port(self, address, server_credentials):
        return port_of(address)

    async def start(self):
        if self._started:
            raise _base.UsageError("Server not in ready state")
        self._started = True
        self._loop = asyncio.get_running_loop()
        thread(self._accept, "serve")

    def _accept(self):
        while True:
            wire = _transport.accept(*self._wire)
            try:
                self._loop.call_soon_threadsafe(self._begin, wire)
            except RuntimeError:        # the loop was closed
                wire.finish(14, "the server has stopped", ())
                return

    async def stop(self, grace):
        self._stopping = True
        if self._tasks and grace:
            await asyncio.wait(tuple(self._tasks), timeout=grace)
        for state in tuple(self._tasks.values()):
            if state:
                state.wire.cancel()
                state.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        self._terminated.set()

    async def wait_for_termination(self, timeout=None):
        """False: the time was over first."""
        try:
            await asyncio.wait_for(self._terminated.wait(), timeout)
        except asyncio.TimeoutError:
            return False
        return True

    # Calls.

    def _begin(self, wire):
        task = self._loop.create_task(self._serve(wire))
        self._tasks[task] = None
        task.add_done_callback(lambda task: self._tasks.pop(task))

    async def _look_up(self, interceptors, details):
        if not interceptors:
            return find_handler(self._handlers, details)

        async def continuation(details):
            return await self._look_up(interceptors[1:], details)

        return await interceptors[0].intercept_service(continuation, details)

    async def _serve(self, wire):
        metadata = received(wire.metadata)
        if self._stopping:
            await run(wire.finish, 14, "the server has stopped", ())
            return
        if self._maximum is not None and len(self._tasks) > self._maximum:
            await run(wire.finish, 8, "Concurrent RPC limit exceeded!", ())
            return
        try:
            handler = await self._look_up(self._interceptors, HandlerCallDetails(wire.method, metadata))
        except Exception as error:  # whatever an application's interceptor raises
            log("_server", f"Exception servicing handler: {error}")
            await run(wire.finish, 2, f"Unexpected {type(error)}: {error}", ())
            return
        if handler is None:
            await run(wire.finish, 12, "Method not found!", ())
            return
        state = State(wire, metadata, handler)
        state.task = asyncio.current_task()
        self._tasks[state.task] = state
        receiving = self._loop.create_task(state.receive())
        try:
            await self._handle(state)
        except asyncio.CancelledError:
            # By the client, or by this server's end; who cancels this task otherwise ends the call.
            if state.active():
                state.wire.cancel()
        finally:
            receiving.cancel()

    async def _handle(self, state):
        context = ServicerContext(state)
        try:
            await self._answer(state, context)
        except _base.AbortError:
            return
        except Exception as error:  # whatever an application's function raises
            if not state.active():
                return
            log("_server", f"Unexpected [{type(error).__name__}] raised by servicer method [{state.wire.method}]")
            await state.end(state.code or 2, f"Unexpected {type(error)}: {error}")
            return
        await state.end(state.code, state.details)

    async def _answer(self, state, context):
        handler, behavior = state.handler, behavior_of(state.handler)
        if handler.request_streaming:
            argument = state.requests()
        else:
            argument = await state.request()
            if argument is _base.EOF:
                await state.end(12, f'"{state.wire.method}" requires exactly one request message.')
                return
        if inspect.isasyncgenfunction(behavior) or hasattr(behavior, "__aiter__"):
            await self._send_all(state, behavior(argument, context))
        elif not (inspect.iscoroutinefunction(behavior) or inspect.isasyncgenfunction(behavior)):
            await self._in_thread(state, behavior, argument, context)
        else:
            answer = await behavior(argument, context)
            if not handler.response_streaming:
                await state.send(answer)

    @staticmethod
    async def _send_all(state, answers):
        try:
            async for answer in answers:
                if not state.active() or not await state.send(answer):
                    return
        finally:
            await answers.aclose()

    # Servicers that are no coroutines.

    async def _in_thread(self, state, behavior, argument, context):
        sync = SyncContext(context, self._loop)
        if state.handler.request_streaming:
            argument = _plain(argument, self._loop)
        if state.handler.response_streaming:
            iterator = iter(await self._run(behavior, argument, sync))
            while state.active() and (answer := await self._run(next, iterator, _base.EOF)) is not _base.EOF:
                await state.send(answer)
        else:
            await state.send(await self._run(behavior, argument, sync))

    def _run(self, function, *args):
        return self._loop.run_in_executor(self._pool, function, *args) if self._pool else run(function, *args)


def _plain(requests, loop):
    """An asynchronous iterator, for a thread."""
    while True:
        try:
            yield asyncio.run_coroutine_threadsafe(requests.__anext__(), loop).result()
        except StopAsyncIteration:
            return


def server(migration_thread_pool=None, handlers=None, interceptors=None, options=None, maximum_concurrent_rpcs=None,
           compression=None):
    return Server(migration_thread_pool, handlers or (), interceptors or (), options or (), maximum_concurrent_rpcs,
                  compression)
