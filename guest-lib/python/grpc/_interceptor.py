# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Interceptors around a channel's callables, and around a server's look-up of handlers."""
import sys
from collections import namedtuple

from grpc import _abc
from grpc._codes import StatusCode
from grpc._common import no, none, yes

_FIELDS = ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression")


class _ClientCallDetails(namedtuple("_ClientCallDetails", _FIELDS), _abc.ClientCallDetails):
    pass


class _FailureOutcome(_abc.RpcError, _abc.Future, _abc.Call):
    """An interceptor's, or a continuation's, exception in the place of a call."""

    is_active = add_callback = cancel = cancelled = running = no
    done = yes
    initial_metadata = trailing_metadata = time_remaining = none

    def __init__(self, exception, traceback):
        super().__init__()
        self._exception = exception
        self._traceback = traceback

    def code(self):
        return StatusCode.INTERNAL

    def details(self):
        return "Exception raised while intercepting the RPC"

    def result(self, timeout=None):
        raise self._exception

    def exception(self, timeout=None):
        return self._exception

    def traceback(self, timeout=None):
        return self._traceback

    def add_done_callback(self, fn):
        fn(self)

    def __iter__(self):
        return self

    def __next__(self):
        raise self._exception

    def next(self):
        return self.__next__()


class _UnaryOutcome(_abc.Call, _abc.Future):
    """A response that is there, and its call."""

    cancelled = running = no
    done = yes
    exception = traceback = none

    def __init__(self, response, call):
        self._response = response
        self._call = call

    def initial_metadata(self):
        return self._call.initial_metadata()

    def trailing_metadata(self):
        return self._call.trailing_metadata()

    def code(self):
        return self._call.code()

    def details(self):
        return self._call.details()

    def is_active(self):
        return self._call.is_active()

    def time_remaining(self):
        return self._call.time_remaining()

    def cancel(self):
        return self._call.cancel()

    def add_callback(self, callback):
        return self._call.add_callback(callback)

    def result(self, timeout=None):
        return self._response

    def add_done_callback(self, fn):
        fn(self)


class _Callable:
    def __init__(self, make, method, intercept):
        self._make = make               # of a method, the callable within
        self._method = method
        self._intercept = intercept

    def _run(self, invoke, request, options):
        """The interceptor's answer; invoke(callable, request, options) goes on within."""
        # As the caller gave them; what an interceptor's details lack is taken from these.
        details = _ClientCallDetails(self._method, *options)

        def continuation(new_details, request):
            new = {name: getattr(new_details, name, getattr(details, name)) for name in _FIELDS}
            return invoke(self._make(new.pop("method")), request, new)

        return self._intercept(continuation, details, request)

    def _guarded(self, invoke, request, options):
        try:
            return self._run(invoke, request, options)
        except Exception as error:  # whatever an application's interceptor raises
            return _FailureOutcome(error, sys.exc_info()[2])


def _with_call(callable_, request, options):
    try:
        return _UnaryOutcome(*callable_.with_call(request, **options))
    except _abc.RpcError as error:
        return error
    except Exception as error:  # an interceptor within may raise anything
        return _FailureOutcome(error, sys.exc_info()[2])


def _future(callable_, request, options):
    return callable_.future(request, **options)


def _plain(callable_, request, options):
    return callable_(request, **options)


class _UnaryResponse(_Callable):
    def __call__(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        return self.with_call(request, timeout, metadata, credentials, wait_for_ready, compression)[0]

    def with_call(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                  compression=None):
        call = self._run(_with_call, request, (timeout, metadata, credentials, wait_for_ready, compression))
        return call.result(), call

    def future(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        return self._guarded(_future, request, (timeout, metadata, credentials, wait_for_ready, compression))


class _StreamResponse(_Callable):
    def __call__(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        return self._guarded(_plain, request, (timeout, metadata, credentials, wait_for_ready, compression))


class _UnaryUnary(_UnaryResponse, _abc.UnaryUnaryMultiCallable):
    pass


class _UnaryStream(_StreamResponse, _abc.UnaryStreamMultiCallable):
    pass


class _StreamUnary(_UnaryResponse, _abc.StreamUnaryMultiCallable):
    pass


class _StreamStream(_StreamResponse, _abc.StreamStreamMultiCallable):
    pass


class _Channel(_abc.Channel):
    def __init__(self, channel, interceptor):
        self._channel = channel
        self._interceptor = interceptor

    def _callable(self, kind, interface, cls, method, serializer, deserializer):
        plain = getattr(self._channel, kind)

        def make(method):
            return plain(method, serializer, deserializer)

        if not isinstance(self._interceptor, interface):
            return make(method)
        return cls(make, method, getattr(self._interceptor, f"intercept_{kind}"))

    def unary_unary(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return self._callable("unary_unary", _abc.UnaryUnaryClientInterceptor, _UnaryUnary, method,
                              request_serializer, response_deserializer)

    def unary_stream(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return self._callable("unary_stream", _abc.UnaryStreamClientInterceptor, _UnaryStream, method,
                              request_serializer, response_deserializer)

    def stream_unary(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return self._callable("stream_unary", _abc.StreamUnaryClientInterceptor, _StreamUnary, method,
                              request_serializer, response_deserializer)

    def stream_stream(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return self._callable("stream_stream", _abc.StreamStreamClientInterceptor, _StreamStream, method,
                              request_serializer, response_deserializer)

    def subscribe(self, callback, try_to_connect=False):
        self._channel.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback):
        self._channel.unsubscribe(callback)

    def close(self):
        self._channel.close()

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.close()
        return False


_INTERFACES = (_abc.UnaryUnaryClientInterceptor, _abc.UnaryStreamClientInterceptor,
               _abc.StreamUnaryClientInterceptor, _abc.StreamStreamClientInterceptor)


def intercept_channel(channel, *interceptors):
    for interceptor in reversed(interceptors):
        if not isinstance(interceptor, _INTERFACES):
            raise TypeError("interceptor must be grpc.UnaryUnaryClientInterceptor or "
                            "grpc.UnaryStreamClientInterceptor or grpc.StreamUnaryClientInterceptor or "
                            "grpc.StreamStreamClientInterceptor or ")
        channel = _Channel(channel, interceptor)
    return channel


def look_up(interceptors, find, details):
    """find(details) within the interceptors of a server."""
    if not interceptors:
        return find(details)
    return interceptors[0].intercept_service(lambda details: look_up(interceptors[1:], find, details), details)
