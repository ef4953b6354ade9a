# SPDX-License-Identifier: GPL-2.0-only
"""What the parts for gRPC share: a channel, and facts about calls."""
import json
import os
import sys

import grpc

TARGET = os.environ["NEXUS_GRPC_TARGET"]
PATIENCE = 120      # seconds; nothing waits so long unless it fails
SOON = 3            # a deadline that comes after a call has reached its servicer, however slow the machine
RUN = os.getpid()   # in the keys of calls, which the servicer remembers
sys.path.insert(0, os.environ["NEXUS_GRPC_GENERATED"])


class Facts:
    """see.fact() with a word before each name: which side is looked at."""

    def __init__(self, see):
        self._see = see
        self._side = os.environ.get("NEXUS_GRPC_SIDE", "grpc")

    def fact(self, call, aspect, value):
        self._see.fact(f"{self._side} {call}", aspect, plain(value))

    def metadata(self, call, aspect, metadata):
        self.fact(call, aspect, own(metadata))

    def call(self, name, function, /, *args, **kwargs):
        """Calls it; tells its answer or its exception, which is returned."""
        try:
            answer = function(*args, **kwargs)
        except Exception as error:  # whatever it is, it is what is compared
            self.error(name, error)
            return error
        self.fact(name, "returns", answer)
        return answer

    def error(self, name, error):
        self.fact(name, "exception", [cls.__name__ for cls in type(error).__mro__])
        if not isinstance(error, grpc.RpcError) or not hasattr(error, "code"):
            self.fact(name, "message", str(error))
            return
        self.status(name, error)
        self.fact(name, "text", str(error).split("\n")[:3])
        if hasattr(error, "cancelled"):
            self.fact(name, "as a future", [error.cancelled(), error.running(), error.done(), error.cancel()])

    def status(self, name, call):
        self.fact(name, "code", call.code())
        self.fact(name, "details", call.details())
        self.metadata(name, "initial_metadata", call.initial_metadata())
        self.metadata(name, "trailing_metadata", call.trailing_metadata())


def own(metadata):
    """What the servicer sent, not what the transport adds."""
    if metadata is None:
        return None
    return [[type(metadata).__name__], *([type(pair).__name__, type(pair[1]).__name__, *pair]
                                         for pair in metadata if pair[0].startswith("x-"))]


def plain(value):
    if isinstance(value, grpc.StatusCode):
        return str(value)
    if hasattr(value, "SerializeToString"):
        return [value.text, value.number, short(value.data)]
    if isinstance(value, (bytes, bytearray)):
        return short(value)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return f"<{type(value).__name__}>"


def short(data):
    return data.hex() if len(data) < 40 else f"{len(data)} bytes"


def channel(**options):
    return grpc.insecure_channel(TARGET, [(f"grpc.{name}", value) for name, value in options.items()])


def parsed(note):
    return json.loads(note.text)
