# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Channels of grpc.aio."""
import asyncio
import weakref

from grpc import _channel
from grpc._codes import ChannelConnectivity
from grpc.aio import _base, _call
from grpc.aio._metadata import Metadata


class _Callable:
    def __init__(self, channel, method, serializer, deserializer):
        self._channel = channel
        self._method = method.decode() if isinstance(method, bytes) else method
        self._serializer = serializer
        self._deserializer = deserializer

    def _call(self, request, timeout, metadata, credentials, wait_for_ready, compression):
        metadata = Metadata() if metadata is None else metadata
        interceptors = self._channel.interceptors[self.kind]
        if interceptors:
            from grpc.aio import _interceptor
            return _interceptor.intercepted(self, interceptors, request, self._method, timeout, metadata, credentials,
                                            wait_for_ready, compression=compression)
        return self.invoke(request, self._method, timeout, metadata, credentials, wait_for_ready, compression)

    def invoke(self, request, method, timeout, metadata, credentials, wait_for_ready, compression=None):
        """The call itself, within the interceptors."""
        method = method.decode() if isinstance(method, bytes) else method
        return self.call_type(self._channel, method, self._serializer, self._deserializer, timeout, metadata,
                              credentials, wait_for_ready, compression, request)


class _UnaryRequest(_Callable):
    def __call__(self, request, *, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                 compression=None):
        return self._call(request, timeout, metadata, credentials, wait_for_ready, compression)


class _StreamRequest(_Callable):
    def __call__(self, request_iterator=None, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                 compression=None):
        return self._call(request_iterator, timeout, metadata, credentials, wait_for_ready, compression)


class UnaryUnaryMultiCallable(_UnaryRequest, _base.UnaryUnaryMultiCallable):
    kind, call_type = "unary_unary", _call.UnaryUnaryCall


class UnaryStreamMultiCallable(_UnaryRequest, _base.UnaryStreamMultiCallable):
    kind, call_type = "unary_stream", _call.UnaryStreamCall


class StreamUnaryMultiCallable(_StreamRequest, _base.StreamUnaryMultiCallable):
    kind, call_type = "stream_unary", _call.StreamUnaryCall


class StreamStreamMultiCallable(_StreamRequest, _base.StreamStreamMultiCallable):
    kind, call_type = "stream_stream", _call.StreamStreamCall


class Channel(_base.Channel):
    def __init__(self, target, options, credentials, compression, interceptors):
        # What is told of a call, and whether it may be, is as of the other channels.
        self._plain = _channel.Channel(target, options, credentials, compression)
        self.calls = weakref.WeakSet()
        self.interceptors = {"unary_unary": [], "unary_stream": [], "stream_unary": [], "stream_stream": []}
        if interceptors:
            from grpc.aio import _interceptor
            _interceptor.sort(interceptors, self.interceptors)

    send_limit = property(lambda self: self._plain.send_limit)

    def request(self, method, timeout, metadata, credentials, compression):
        if self._plain.closed:
            raise _base.UsageError("Channel is closed.")
        return self._plain.request(method, timeout, metadata, credentials, compression)

    def unary_unary(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return UnaryUnaryMultiCallable(self, method, request_serializer, response_deserializer)

    def unary_stream(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return UnaryStreamMultiCallable(self, method, request_serializer, response_deserializer)

    def stream_unary(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return StreamUnaryMultiCallable(self, method, request_serializer, response_deserializer)

    def stream_stream(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return StreamStreamMultiCallable(self, method, request_serializer, response_deserializer)

    # Connectivity.

    def get_state(self, try_to_connect=False):
        if self._plain.closed:
            return ChannelConnectivity.SHUTDOWN
        if try_to_connect and not self._plain.reached:
            self._subscribe(True)
        return self._plain.state()

    def _subscribe(self, try_to_connect, callback=lambda state: None):
        self._plain.subscribe(callback, try_to_connect)
        return callback

    async def wait_for_state_change(self, last_observed_state):
        loop = asyncio.get_running_loop()
        changed = loop.create_future()

        def told(state):
            if state is not last_observed_state:
                loop.call_soon_threadsafe(lambda: changed.done() or changed.set_result(None))

        self._subscribe(False, told)
        try:
            await changed
        finally:
            self._plain.unsubscribe(told)

    async def channel_ready(self):
        state = self.get_state(try_to_connect=True)
        while state is not ChannelConnectivity.READY:
            await self.wait_for_state_change(state)
            state = self.get_state(try_to_connect=True)

    # The end.

    async def close(self, grace=None):
        self._plain.close()
        going = [call for call in self.calls if not call.done()]
        if grace and going:
            await asyncio.wait([asyncio.ensure_future(call._status()) for call in going], timeout=grace)
        for call in going:
            call.cancel()

    async def __aenter__(self):
        return self

    async def __aexit__(self, exc_type, exc_val, exc_tb):
        await self.close()


def insecure_channel(target, options=None, compression=None, interceptors=None):
    return Channel(target, options or (), None, compression, interceptors)


def secure_channel(target, credentials, options=None, compression=None, interceptors=None):
    from grpc._credentials import insecure
    return Channel(target, options or (), None if credentials is insecure else credentials, compression,
                   interceptors)
