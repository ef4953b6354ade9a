# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A server: its calls are events of the function, which the daemon's ingress takes from gRPC clients."""
import threading
import time
from collections import namedtuple

from grpc import _abc, _transport
from grpc._common import encoding_of, limits, log, option, received
from grpc._context import RequestIterator, State, ServicerContext
from grpc._interceptor import look_up


class HandlerCallDetails(namedtuple("_HandlerCallDetails", ("method", "invocation_metadata")),
                         _abc.HandlerCallDetails):
    pass


def port_of(address):
    """The port of "HOST:PORT", which nobody listens on: callers reach the daemon's. 0 asks for any."""
    text = address.decode() if isinstance(address, bytes) else address
    if text.startswith(("unix:", "unix-abstract:")):
        return 1
    port = text.rpartition(":")[2]
    if not port.isdigit() or int(port) > 65535:
        raise RuntimeError(f"Failed to bind to address {text}; set GRPC_VERBOSITY=debug environment variable to see "
                           "detailed error message.")
    return int(port) or 50051


def check_handlers(handlers):
    for handler in handlers:
        if getattr(handler, "service", None) is None:
            raise AttributeError(f'"{handler}" must conform to grpc.GenericRpcHandler type but does not have '
                                 '"service" method!')
    return list(handlers)


def find_handler(handlers, details):
    for handler in handlers:
        method_handler = handler.service(details)
        if method_handler is not None:
            return method_handler
    return None


def wire_options(options, compression):
    """What accept() is told: how answers are compressed, and how many bytes a request has at most."""
    return encoding_of(compression, option(options, "grpc.default_compression_algorithm", None)), limits(options)[0]


def reject(wire, status, details):
    wire.finish(status, details, ())


class _Server(_abc.Server):
    def __init__(self, thread_pool, handlers, interceptors, options, maximum_concurrent_rpcs, compression):
        self._lock = threading.Lock()
        self._pool = thread_pool
        self._handlers = check_handlers(handlers)
        self._interceptors = tuple(interceptors)
        self._maximum = maximum_concurrent_rpcs     # None: no limit
        self._wire = wire_options(options, compression)
        self._started = self._stopping = False
        self._active = set()                        # State
        self._terminated = threading.Event()

    def add_generic_rpc_handlers(self, generic_rpc_handlers):
        handlers = check_handlers(generic_rpc_handlers)
        with self._lock:
            self._handlers += handlers

    def add_registered_method_handlers(self, service_name, method_handlers):
        """The generic handlers that generated code adds as well have them."""

    def add_insecure_port(self, address):
        return port_of(address)

    def add_secure_port(self, address, server_credentials):
        return port_of(address)

    def start(self):
        with self._lock:
            if self._started:
                raise ValueError("Cannot start already-started server!")
            self._started = True
        threading.Thread(target=self._serve, name="grpc-serve", daemon=True).start()

    def stop(self, grace):
        """The event of having stopped. Clients that still call are told that nobody is there."""
        with self._lock:
            if not self._started:
                stopped = threading.Event()
                stopped.set()
                return stopped
            self._stopping = True
            active = tuple(self._active)
            if not active:
                self._terminated.set()
        if grace is None:
            self._cancel(active)
            self._terminated.wait()
        elif active:
            threading.Thread(target=self._grace, args=(grace, active)).start()
        return self._terminated

    def _cancel(self, active):
        for state in active:
            state.cancel_by_server()
        self._terminated.set()

    def _grace(self, grace, active):
        if not self._terminated.wait(grace):
            self._cancel(active)

    def wait_for_termination(self, timeout=None):
        """True if the time was over first."""
        until = None if timeout is None else time.monotonic() + timeout
        while not self._terminated.is_set():
            # In slices: a signal's handler runs between them.
            left = 0.1 if until is None else min(until - time.monotonic(), 0.1)
            if left < 0:
                return True
            self._terminated.wait(left)
        return False

    # Calls.

    def _serve(self):
        while True:
            wire = _transport.accept(*self._wire)
            if self._stopping:
                reject(wire, 14, "the server has stopped")
            else:
                self._begin(wire)

    def _begin(self, wire):
        metadata = received(wire.metadata)
        try:
            handler = look_up(self._interceptors, lambda details: find_handler(self._handlers, details),
                              HandlerCallDetails(wire.method, metadata))
        except Exception as error:  # whatever an application's interceptor raises
            log("_server", f"Exception servicing handler: {error}")
            reject(wire, 2, "Error in service handler!")
            return
        if handler is None:
            reject(wire, 12, "Method not found!")
            return
        state = State(wire, metadata, handler)
        with self._lock:
            full = self._maximum is not None and len(self._active) >= self._maximum
            if not full:
                self._active.add(state)
        if full:
            reject(wire, 8, "Concurrent RPC limit exceeded!")
            return
        behavior = behavior_of(handler)
        pool = getattr(behavior, "experimental_thread_pool", None) or self._pool
        pool.submit(self._run, state, behavior)

    def _run(self, state, behavior):
        try:
            handle(state, behavior)
        finally:
            with self._lock:
                self._active.discard(state)
                if self._stopping and not self._active:
                    self._terminated.set()


def behavior_of(handler):
    if handler.request_streaming:
        return handler.stream_stream if handler.response_streaming else handler.stream_unary
    return handler.unary_stream if handler.response_streaming else handler.unary_unary


def handle(state, behavior):
    """One call, from its request to its status, in a thread of the pool."""
    if state.handler.request_streaming:
        argument = RequestIterator(state)
    else:
        argument = state.only_request()
        if argument is None:
            return
    context = ServicerContext(state)
    try:
        if state.handler.response_streaming and getattr(behavior, "experimental_non_blocking", False):
            behavior(argument, context, lambda response: state.respond_or_end(response))
            return
        answer = behavior(argument, context)
    except Exception as error:  # whatever an application's function raises
        state.failed("calling application", error)
        return
    if not state.handler.response_streaming:
        data = state.serialized(answer)
        if data is not None and state.send(data):
            state.finish()
        return
    while True:
        try:
            response = next(answer)
        except StopIteration:
            state.finish()
            return
        except Exception as error:  # as above
            state.failed("iterating responses", error)
            return
        state.respond_or_end(response)
        if not state.active():
            return


def server(thread_pool, handlers=None, interceptors=None, options=None, maximum_concurrent_rpcs=None,
           compression=None, xds=False):
    if xds:
        raise NotImplementedError("grpc.server(xds=True): calls come from the daemon's ingress; leave xds out")
    return _Server(thread_pool, handlers or (), interceptors or (), options or (), maximum_concurrent_rpcs,
                   compression)
