# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""gRPC for asyncio. Threads wait for the host, without the interpreter's lock, and tell the loop."""

_MODULES = {
    "_base": (
        "RpcContext", "Call", "UnaryUnaryCall", "UnaryStreamCall", "StreamUnaryCall", "StreamStreamCall", "Channel",
        "UnaryUnaryMultiCallable", "UnaryStreamMultiCallable", "StreamUnaryMultiCallable",
        "StreamStreamMultiCallable", "Server", "ServicerContext", "AioRpcError", "BaseError", "AbortError",
        "UsageError", "InternalError", "EOF"),
    "_interceptor": (
        "ClientCallDetails", "ClientInterceptor", "UnaryUnaryClientInterceptor", "UnaryStreamClientInterceptor",
        "StreamUnaryClientInterceptor", "StreamStreamClientInterceptor", "InterceptedUnaryUnaryCall",
        "ServerInterceptor"),
    "_metadata": ("Metadata",),
    "_channel": ("insecure_channel", "secure_channel"),
    "_server": ("server",),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}
__all__ = ("init_grpc_aio", "shutdown_grpc_aio", *_HOME)


def init_grpc_aio():
    """Nothing has to be done before the first call."""


def shutdown_grpc_aio():
    """Nor after the last one."""


def __getattr__(name):
    if name not in _HOME:
        raise AttributeError(f"module 'grpc.aio' has no attribute {name!r}")
    import importlib
    value = getattr(importlib.import_module(f"grpc.aio.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})
