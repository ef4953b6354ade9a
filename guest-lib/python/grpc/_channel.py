# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Channels, and the callables that they make for methods."""
import time

from grpc import _abc, _transport
from grpc._common import deserialize, encoding_of, limits, option, serialize, to_send, too_large


def __getattr__(name):
    # Applications catch these by their private names.
    if name in ("_InactiveRpcError", "_MultiThreadedRendezvous"):
        from grpc import _call
        return getattr(_call, name)
    raise AttributeError(f"module 'grpc._channel' has no attribute {name!r}")


class Channel(_abc.Channel):
    def __init__(self, target, options, credentials, compression):
        self._target = target
        self._credentials = credentials         # None: insecure
        self._compression = compression or option(options, "grpc.default_compression_algorithm", None)
        self._more = {name: value for name, value in (
            ("authority", option(options, "grpc.default_authority", None)),
            ("user_agent", option(options, "grpc.primary_user_agent", None))) if value is not None}
        self._receive_limit, self.send_limit = limits(options)
        self.closed = False
        self._connectivity = None
        self._calls = set()                     # Rpc: those that go on
        self.reached = False                    # a server has answered

    # Kinds.

    def unary_unary(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return _UnaryUnary(self, method, request_serializer, response_deserializer)

    def unary_stream(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return _UnaryStream(self, method, request_serializer, response_deserializer)

    def stream_unary(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return _StreamUnary(self, method, request_serializer, response_deserializer)

    def stream_stream(self, method, request_serializer=None, response_deserializer=None, _registered_method=False):
        return _StreamStream(self, method, request_serializer, response_deserializer)

    # Connectivity.

    def subscribe(self, callback, try_to_connect=False):
        if self._connectivity is None:
            from grpc._connectivity import Connectivity
            self._connectivity = Connectivity(self)
        self._connectivity.subscribe(callback, try_to_connect)

    def unsubscribe(self, callback):
        if self._connectivity is not None:
            self._connectivity.unsubscribe(callback)

    def close(self):
        self.closed = True
        if self._connectivity is not None:
            self._connectivity.close()
        for rpc in tuple(self._calls):
            rpc.cancel(details="Channel closed!")

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_val, exc_tb):
        self.close()
        return False

    # For the callables.

    def state(self):
        from grpc._codes import ChannelConnectivity
        if self._connectivity is not None:
            return self._connectivity.state
        return ChannelConnectivity.READY if self.reached else ChannelConnectivity.IDLE

    def request(self, method, timeout, metadata, credentials, compression=None):
        """What the transport is to be told of a call; `refused` if it ends before it begins."""
        if self.closed:
            raise ValueError("Cannot invoke RPC on closed channel!")
        deadline = None if timeout is None else time.time() + timeout
        request = _transport.Request(self._target, self._credentials is not None and self._credentials.tls, method,
                                     to_send(metadata), deadline, self._receive_limit, self._more)
        request.encoding = encoding_of(compression, self._compression)
        if timeout is not None and timeout <= 0:
            request.refused = 4, "Deadline Exceeded"
        elif credentials is not None or (self._credentials is not None and self._credentials.call_credentials):
            from grpc._credentials import Refused, call_metadata
            try:
                request.metadata += call_metadata(self._credentials, credentials, self._target, method, timeout)
            except Refused as refused:
                request.refused = refused.args
        return request

    def start(self, request, deserializer, streaming, wait_for_ready):
        """An Rpc that has begun."""
        from grpc._call import Rpc
        if request.refused:
            return Rpc.ended(*request.refused)
        rpc = Rpc(_transport.Call(request, wait_for_ready), deserializer, streaming, self.send_limit,
                  request.deadline, self._calls.discard)
        self._calls.add(rpc)
        return rpc

    def unary(self, request, data, wait_for_ready):
        """A whole call of one request and one response: status, details, initial metadata, trailing metadata,
        message; None: there is none."""
        if request.refused:
            return *request.refused, (), (), None
        if len(data) > self.send_limit:
            return 8, too_large("Sent", len(data), self.send_limit), (), (), None
        return _transport.unary(request, data, wait_for_ready)


class _Callable:
    def __init__(self, channel, method, serializer, deserializer):
        self._channel = channel
        self._method = method.decode() if isinstance(method, bytes) else method
        self._serializer = serializer
        self._deserializer = deserializer

    def _serialized(self, request):
        data = serialize(request, self._serializer)
        if data is None:
            from grpc._call import Rpc, _InactiveRpcError
            raise _InactiveRpcError(Rpc.ended(13, "Exception serializing request!"))
        return data

    def _begin(self, timeout, metadata, credentials, wait_for_ready, compression, streaming):
        request = self._channel.request(self._method, timeout, metadata, credentials, compression)
        return self._channel.start(request, self._deserializer, streaming, wait_for_ready)

    def _one(self, request, timeout, metadata, credentials, wait_for_ready, compression, streaming):
        """A call with one request, which is on its way."""
        data = self._serialized(request)
        rpc = self._begin(timeout, metadata, credentials, wait_for_ready, compression, streaming)
        rpc.send(data, True)
        return _rendezvous(rpc)

    def _many(self, requests, timeout, metadata, credentials, wait_for_ready, compression, streaming):
        """A call whose requests a thread sends."""
        rpc = self._begin(timeout, metadata, credentials, wait_for_ready, compression, streaming)
        rpc.send_all(requests, self._serializer)
        return _rendezvous(rpc)


def _rendezvous(rpc):
    from grpc._call import _MultiThreadedRendezvous
    return _MultiThreadedRendezvous(rpc)


def _outcome(call):
    """Waits for a call's only response: it, and the call."""
    rpc = call._final()
    if rpc.code.value[0]:
        from grpc._call import _InactiveRpcError
        raise _InactiveRpcError(rpc)
    return rpc.response, call


class _UnaryUnary(_Callable, _abc.UnaryUnaryMultiCallable):
    def _blocking(self, request, timeout, metadata, credentials, wait_for_ready, compression):
        """The transport's answer, and the response."""
        data = self._serialized(request)
        answer = self._channel.unary(self._channel.request(self._method, timeout, metadata, credentials, compression),
                                     data, wait_for_ready)
        status, _, _, _, message = answer
        if not status:
            response = None if message is None else deserialize(message, self._deserializer)
            if response is not None or message is None:
                return answer, response
            answer = 13, "Exception deserializing response!", *answer[2:4], None
        from grpc._call import Rpc, _InactiveRpcError
        raise _InactiveRpcError(Rpc.answered(answer))

    def __call__(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        return self._blocking(request, timeout, metadata, credentials, wait_for_ready, compression)[1]

    def with_call(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                  compression=None):
        answer, response = self._blocking(request, timeout, metadata, credentials, wait_for_ready, compression)
        from grpc._call import Rpc
        rpc = Rpc.answered(answer)
        rpc.response = response
        return response, _rendezvous(rpc)

    def future(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        return self._one(request, timeout, metadata, credentials, wait_for_ready, compression, False)


class _UnaryStream(_Callable, _abc.UnaryStreamMultiCallable):
    def __call__(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        return self._one(request, timeout, metadata, credentials, wait_for_ready, compression, True)


class _StreamUnary(_Callable, _abc.StreamUnaryMultiCallable):
    def __call__(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                 compression=None):
        return _outcome(self._many(request_iterator, timeout, metadata, credentials, wait_for_ready, compression, False))[0]

    def with_call(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                  compression=None):
        return _outcome(self._many(request_iterator, timeout, metadata, credentials, wait_for_ready, compression, False))

    def future(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
               compression=None):
        return self._many(request_iterator, timeout, metadata, credentials, wait_for_ready, compression, False)


class _StreamStream(_Callable, _abc.StreamStreamMultiCallable):
    def __call__(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                 compression=None):
        return self._many(request_iterator, timeout, metadata, credentials, wait_for_ready, compression, True)
