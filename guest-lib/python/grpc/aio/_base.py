# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The interfaces of grpc.aio, its errors, and its end of a stream."""
from abc import ABC

from grpc._abc import RpcError
from grpc._call import text_of


class RpcContext(ABC):
    """What calls and servicers' contexts have in common."""


class Call(RpcContext):
    pass


class UnaryUnaryCall(Call):
    pass


class UnaryStreamCall(Call):
    pass


class StreamUnaryCall(Call):
    pass


class StreamStreamCall(Call):
    pass


class UnaryUnaryMultiCallable(ABC):
    pass


class UnaryStreamMultiCallable(ABC):
    pass


class StreamUnaryMultiCallable(ABC):
    pass


class StreamStreamMultiCallable(ABC):
    pass


class Channel(ABC):
    pass


class Server(ABC):
    pass


class ServicerContext(ABC):
    pass


class BaseError(Exception):
    pass


class UsageError(BaseError):
    pass


class AbortError(BaseError):
    """What ServicerContext.abort() raises."""


class InternalError(BaseError):
    pass


class _EOF:
    def __bool__(self):
        return False

    def __len__(self):
        return 0

    def __repr__(self):
        return "<grpc.aio.EOF>"


EOF = _EOF()


class AioRpcError(RpcError):
    """A call's end that is not OK."""

    def __init__(self, code, initial_metadata, trailing_metadata, details=None, debug_error_string=None):
        super().__init__(self)
        self._code = code
        self._details = details
        self._initial_metadata = initial_metadata
        self._trailing_metadata = trailing_metadata
        self._debug_error_string = debug_error_string

    def code(self):
        return self._code

    def details(self):
        return self._details

    def initial_metadata(self):
        return self._initial_metadata

    def trailing_metadata(self):
        return self._trailing_metadata

    def debug_error_string(self):
        return self._debug_error_string

    def __repr__(self):
        return text_of(type(self).__name__, self._code, self._details, self._debug_error_string)

    __str__ = __repr__
