# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Handlers of methods, as generated code registers them."""
from collections import namedtuple

from grpc import _abc


class RpcMethodHandler(namedtuple("_RpcMethodHandler", (
        "request_streaming", "response_streaming", "request_deserializer", "response_serializer", "unary_unary",
        "unary_stream", "stream_unary", "stream_stream")), _abc.RpcMethodHandler):
    pass


def _handler(kind, behavior, request_deserializer, response_serializer):
    kinds = dict.fromkeys(("unary_unary", "unary_stream", "stream_unary", "stream_stream"))
    kinds[kind] = behavior
    return RpcMethodHandler(kind.startswith("stream"), kind.endswith("stream"), request_deserializer,
                            response_serializer, **kinds)


def unary_unary_rpc_method_handler(behavior, request_deserializer=None, response_serializer=None):
    return _handler("unary_unary", behavior, request_deserializer, response_serializer)


def unary_stream_rpc_method_handler(behavior, request_deserializer=None, response_serializer=None):
    return _handler("unary_stream", behavior, request_deserializer, response_serializer)


def stream_unary_rpc_method_handler(behavior, request_deserializer=None, response_serializer=None):
    return _handler("stream_unary", behavior, request_deserializer, response_serializer)


def stream_stream_rpc_method_handler(behavior, request_deserializer=None, response_serializer=None):
    return _handler("stream_stream", behavior, request_deserializer, response_serializer)


class DictionaryGenericHandler(_abc.ServiceRpcHandler):
    def __init__(self, service, method_handlers):
        self._name = service
        self._handlers = {f"/{service}/{method}": handler for method, handler in method_handlers.items()}

    def service_name(self):
        return self._name

    def service(self, handler_call_details):
        return self._handlers.get(handler_call_details.method)


def method_handlers_generic_handler(service, method_handlers):
    return DictionaryGenericHandler(service, method_handlers)
