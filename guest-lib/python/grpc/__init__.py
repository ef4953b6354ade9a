# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Nexus in the place of grpcio: the manual's page on Python says what is here and what is not.

Names are imported from their modules when they are first asked for: a function that calls one unary method
does not pay for servers, interceptors, futures or asyncio."""

__version__ = "1.51.1"

_MODULES = {
    "_abc": (
        "FutureTimeoutError", "FutureCancelledError", "Future", "Status", "RpcError", "RpcContext", "Call",
        "ClientCallDetails", "UnaryUnaryClientInterceptor", "UnaryStreamClientInterceptor",
        "StreamUnaryClientInterceptor", "StreamStreamClientInterceptor", "AuthMetadataContext",
        "AuthMetadataPluginCallback", "AuthMetadataPlugin", "UnaryUnaryMultiCallable", "UnaryStreamMultiCallable",
        "StreamUnaryMultiCallable", "StreamStreamMultiCallable", "Channel", "ServicerContext", "RpcMethodHandler",
        "HandlerCallDetails", "GenericRpcHandler", "ServiceRpcHandler", "ServerInterceptor", "Server"),
    "_codes": ("ChannelConnectivity", "StatusCode", "Compression", "LocalConnectionType"),
    "_credentials": (
        "ChannelCredentials", "CallCredentials", "ServerCredentials", "ServerCertificateConfiguration",
        "ssl_channel_credentials", "xds_channel_credentials", "metadata_call_credentials",
        "access_token_call_credentials", "composite_call_credentials", "composite_channel_credentials",
        "compute_engine_channel_credentials", "local_channel_credentials", "local_server_credentials",
        "alts_channel_credentials", "alts_server_credentials", "ssl_server_credentials", "xds_server_credentials",
        "insecure_server_credentials", "ssl_server_certificate_configuration", "dynamic_ssl_server_credentials"),
    "_interceptor": ("intercept_channel",),
    "_connectivity": ("channel_ready_future",),
    "_handlers": (
        "unary_unary_rpc_method_handler", "unary_stream_rpc_method_handler", "stream_unary_rpc_method_handler",
        "stream_stream_rpc_method_handler", "method_handlers_generic_handler"),
    "_server": ("server",),
    "_runtime_protos": ("protos", "services", "protos_and_services"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = ("insecure_channel", "secure_channel", *_HOME)


def insecure_channel(target, options=None, compression=None):
    from grpc._channel import Channel as _Channel
    return _Channel(target, options or (), None, compression)


def secure_channel(target, credentials, options=None, compression=None):
    from grpc._channel import Channel as _Channel
    from grpc._credentials import insecure
    return _Channel(target, options or (), None if credentials is insecure else credentials, compression)


def __getattr__(name):
    import importlib
    if name in ("aio", "experimental"):
        return importlib.import_module(f"grpc.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'grpc' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"grpc.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__, "aio", "experimental"})
