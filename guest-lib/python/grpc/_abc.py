# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The interfaces, which applications derive from and ask about by isinstance()."""
from abc import ABC, abstractmethod


class FutureTimeoutError(Exception):
    """The time given was over before the future was done."""


class FutureCancelledError(Exception):
    """What the future stood for was cancelled."""


class Future(ABC):
    @abstractmethod
    def cancel(self):
        raise NotImplementedError()

    @abstractmethod
    def cancelled(self):
        raise NotImplementedError()

    @abstractmethod
    def running(self):
        raise NotImplementedError()

    @abstractmethod
    def done(self):
        raise NotImplementedError()

    @abstractmethod
    def result(self, timeout=None):
        raise NotImplementedError()

    @abstractmethod
    def exception(self, timeout=None):
        raise NotImplementedError()

    @abstractmethod
    def traceback(self, timeout=None):
        raise NotImplementedError()

    @abstractmethod
    def add_done_callback(self, fn):
        raise NotImplementedError()


class Status(ABC):
    """code, details and trailing_metadata, for ServicerContext.abort_with_status()."""


class RpcError(Exception):
    """What every failed call raises."""


class RpcContext(ABC):
    @abstractmethod
    def is_active(self):
        raise NotImplementedError()

    @abstractmethod
    def time_remaining(self):
        raise NotImplementedError()

    @abstractmethod
    def cancel(self):
        raise NotImplementedError()

    @abstractmethod
    def add_callback(self, callback):
        raise NotImplementedError()


class Call(RpcContext):
    @abstractmethod
    def initial_metadata(self):
        raise NotImplementedError()

    @abstractmethod
    def trailing_metadata(self):
        raise NotImplementedError()

    @abstractmethod
    def code(self):
        raise NotImplementedError()

    @abstractmethod
    def details(self):
        raise NotImplementedError()


class ClientCallDetails(ABC):
    """method, timeout, metadata, credentials, wait_for_ready and compression of a call that is intercepted."""


class UnaryUnaryClientInterceptor(ABC):
    @abstractmethod
    def intercept_unary_unary(self, continuation, client_call_details, request):
        raise NotImplementedError()


class UnaryStreamClientInterceptor(ABC):
    @abstractmethod
    def intercept_unary_stream(self, continuation, client_call_details, request):
        raise NotImplementedError()


class StreamUnaryClientInterceptor(ABC):
    @abstractmethod
    def intercept_stream_unary(self, continuation, client_call_details, request_iterator):
        raise NotImplementedError()


class StreamStreamClientInterceptor(ABC):
    @abstractmethod
    def intercept_stream_stream(self, continuation, client_call_details, request_iterator):
        raise NotImplementedError()


class AuthMetadataContext(ABC):
    """service_url and method_name of a call that asks for credentials."""


class AuthMetadataPluginCallback(ABC):
    def __call__(self, metadata, error):
        raise NotImplementedError()


class AuthMetadataPlugin(ABC):
    def __call__(self, context, callback):
        raise NotImplementedError()


class UnaryUnaryMultiCallable(ABC):
    @abstractmethod
    def __call__(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        raise NotImplementedError()

    @abstractmethod
    def with_call(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                  compression=None):
        raise NotImplementedError()

    @abstractmethod
    def future(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        raise NotImplementedError()


class UnaryStreamMultiCallable(ABC):
    @abstractmethod
    def __call__(self, request, timeout=None, metadata=None, credentials=None, wait_for_ready=None, compression=None):
        raise NotImplementedError()


class StreamUnaryMultiCallable(ABC):
    @abstractmethod
    def __call__(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                 compression=None):
        raise NotImplementedError()

    @abstractmethod
    def with_call(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                  compression=None):
        raise NotImplementedError()

    @abstractmethod
    def future(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
               compression=None):
        raise NotImplementedError()


class StreamStreamMultiCallable(ABC):
    @abstractmethod
    def __call__(self, request_iterator, timeout=None, metadata=None, credentials=None, wait_for_ready=None,
                 compression=None):
        raise NotImplementedError()


class Channel(ABC):
    @abstractmethod
    def subscribe(self, callback, try_to_connect=False):
        raise NotImplementedError()

    @abstractmethod
    def unsubscribe(self, callback):
        raise NotImplementedError()

    @abstractmethod
    def unary_unary(self, method, request_serializer=None, response_deserializer=None):
        raise NotImplementedError()

    @abstractmethod
    def unary_stream(self, method, request_serializer=None, response_deserializer=None):
        raise NotImplementedError()

    @abstractmethod
    def stream_unary(self, method, request_serializer=None, response_deserializer=None):
        raise NotImplementedError()

    @abstractmethod
    def stream_stream(self, method, request_serializer=None, response_deserializer=None):
        raise NotImplementedError()

    @abstractmethod
    def close(self):
        raise NotImplementedError()

    def __enter__(self):
        raise NotImplementedError()

    def __exit__(self, exc_type, exc_val, exc_tb):
        raise NotImplementedError()


class ServicerContext(RpcContext):
    @abstractmethod
    def invocation_metadata(self):
        raise NotImplementedError()

    @abstractmethod
    def peer(self):
        raise NotImplementedError()

    @abstractmethod
    def peer_identities(self):
        raise NotImplementedError()

    @abstractmethod
    def peer_identity_key(self):
        raise NotImplementedError()

    @abstractmethod
    def auth_context(self):
        raise NotImplementedError()

    def set_compression(self, compression):
        raise NotImplementedError()

    @abstractmethod
    def send_initial_metadata(self, initial_metadata):
        raise NotImplementedError()

    @abstractmethod
    def set_trailing_metadata(self, trailing_metadata):
        raise NotImplementedError()

    def trailing_metadata(self):
        raise NotImplementedError()

    @abstractmethod
    def abort(self, code, details):
        raise NotImplementedError()

    @abstractmethod
    def abort_with_status(self, status):
        raise NotImplementedError()

    @abstractmethod
    def set_code(self, code):
        raise NotImplementedError()

    @abstractmethod
    def set_details(self, details):
        raise NotImplementedError()

    def code(self):
        raise NotImplementedError()

    def details(self):
        raise NotImplementedError()

    def disable_next_message_compression(self):
        raise NotImplementedError()


class RpcMethodHandler(ABC):
    """request_streaming, response_streaming, request_deserializer, response_serializer, and the function under
    the name of its kind."""


class HandlerCallDetails(ABC):
    """method and invocation_metadata."""


class GenericRpcHandler(ABC):
    @abstractmethod
    def service(self, handler_call_details):
        raise NotImplementedError()


class ServiceRpcHandler(GenericRpcHandler):
    @abstractmethod
    def service_name(self):
        raise NotImplementedError()


class ServerInterceptor(ABC):
    @abstractmethod
    def intercept_service(self, continuation, handler_call_details):
        raise NotImplementedError()


class Server(ABC):
    @abstractmethod
    def add_generic_rpc_handlers(self, generic_rpc_handlers):
        raise NotImplementedError()

    def add_registered_method_handlers(self, service_name, method_handlers):
        """Newer generated code calls it beside add_generic_rpc_handlers()."""

    @abstractmethod
    def add_insecure_port(self, address):
        raise NotImplementedError()

    @abstractmethod
    def add_secure_port(self, address, server_credentials):
        raise NotImplementedError()

    @abstractmethod
    def start(self):
        raise NotImplementedError()

    @abstractmethod
    def stop(self, grace):
        raise NotImplementedError()

    def wait_for_termination(self, timeout=None):
        raise NotImplementedError()
