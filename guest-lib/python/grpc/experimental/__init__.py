# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""grpc.experimental: what generated code uses, and its neighbours."""
import os

from grpc._credentials import insecure as _insecure


class ChannelOptions:
    SingleThreadedUnaryStream = "SingleThreadedUnaryStream"


class UsageError(Exception):
    """The interface does not allow it."""


class ExperimentalApiWarning(Warning):
    """What is used may change."""


def insecure_channel_credentials():
    return _insecure


def experimental_api(f):
    return f


def wrap_server_method_handler(wrapper, handler):
    if not handler:
        return None
    kind = f"{'stream' if handler.request_streaming else 'unary'}_" \
           f"{'stream' if handler.response_streaming else 'unary'}"
    return handler._replace(**{kind: wrapper(getattr(handler, kind))})


_TIMEOUT = float(os.environ.get("GRPC_PYTHON_DEFAULT_TIMEOUT_SECONDS", "60"))
_channels = {}
_DEFAULT = object()


def _channel(target, options, credentials, insecure, compression):
    """One for each combination: it costs no connection, so that it may stay."""
    if insecure and credentials:
        raise ValueError("The insecure option is mutually exclusive with the channel_credentials option. Please use "
                         "one or the other.")
    key = (target, tuple(options), credentials, insecure, compression)
    channel = _channels.get(key)
    if channel is None:
        import grpc
        if insecure or credentials is _insecure:
            channel = grpc.insecure_channel(target, options, compression)
        else:
            channel = grpc.secure_channel(target, credentials or grpc.ssl_channel_credentials(), options, compression)
        channel = _channels.setdefault(key, channel)
    return channel


def _call(kind):
    def call(request, target, method, request_serializer=None, response_deserializer=None, options=(),
             channel_credentials=None, insecure=False, call_credentials=None, compression=None, wait_for_ready=None,
             timeout=_DEFAULT, metadata=None, _registered_method=False):
        channel = _channel(target, options, channel_credentials, insecure, compression)
        function = getattr(channel, kind)(method, request_serializer, response_deserializer)
        return function(request, metadata=metadata, credentials=call_credentials,
                        wait_for_ready=True if wait_for_ready is None else wait_for_ready,
                        timeout=_TIMEOUT if timeout is _DEFAULT else timeout)

    call.__name__ = kind
    return call


unary_unary = _call("unary_unary")
unary_stream = _call("unary_stream")
stream_unary = _call("stream_unary")
stream_stream = _call("stream_stream")
