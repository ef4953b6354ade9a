# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What clients and servers share: serializers, metadata, time."""
import sys


_UNLIMITED = (1 << 31) - 1


def transform(message, function, what):
    """function(message); None if it raises, which is logged."""
    if function is None:
        return message
    try:
        return function(message)
    except Exception:  # whatever an application's function raises
        log("_common", f"Exception {what} message!")
        return None


def serialize(message, function):
    return transform(message, function, "serializing")


def deserialize(data, function):
    return transform(data, function, "deserializing")


def log(module, text, error=True):
    """By the logger of the genuine package's module, with the exception at hand; nowhere, unless logging is set up."""
    import logging
    if not logging.getLogger("grpc").handlers:
        logging.getLogger("grpc").addHandler(logging.NullHandler())
    logging.getLogger(f"grpc.{module}").error(text, exc_info=error)


class _Metadatum(tuple):
    """A pair, as it is received."""

    __slots__ = ()

    def __new__(cls, key, value):
        return tuple.__new__(cls, (key, value))

    key = property(lambda self: self[0])
    value = property(lambda self: self[1])

    def __repr__(self):
        return f"_Metadatum(key={self[0]!r}, value={self[1]!r})"


def received(pairs):
    """Metadata from the transport."""
    return tuple(_Metadatum(name, value) for name, value in pairs)


_KEY = frozenset("0123456789abcdefghijklmnopqrstuvwxyz-_.")


def _legal(key, value):
    if not key or key.startswith(":") or not _KEY.issuperset(key):
        return False
    return key.endswith("-bin") or all(0x20 <= byte <= 0x7e for byte in value)


def to_send(metadata):
    """The caller's pairs for the transport: values are bytes where the name ends in -bin, else str. ValueError if
    HTTP/2 cannot carry one, TypeError if it is neither."""
    pairs = []
    for pair in metadata or ():
        if len(pair) != 2:
            raise ValueError(f"need more than {len(pair)} value to unpack" if len(pair) < 2 else
                             "too many values to unpack (expected 2)")
        key, value = map(_text, pair)
        data = value.encode() if isinstance(value, str) else value
        if not isinstance(key, str) or not _legal(key, data):
            # One pair is shown as such.
            one = isinstance(metadata, tuple) and len(metadata) == 1
            raise ValueError(f"metadata was invalid: {metadata[0] if one else metadata}")
        pairs.append((key, data if key.endswith("-bin") else data.decode()))
    return pairs


def _text(value):
    if not isinstance(value, (str, bytes)):
        raise TypeError(f"Expected str, not {type(value)}")
    return value


def too_large(what, size, limit):
    return f"{what} message larger than max ({size} vs. {limit})"


def encode(text):
    return text.encode() if isinstance(text, str) else text


def decode(text):
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def option(options, name, default):
    """The value of the last channel argument of that name."""
    for key, value in reversed(tuple(options)):
        if key == name:
            return value
    return default


def limits(options):
    """The sizes of messages, as a channel's or a server's options have them: received, and sent."""
    receive = option(options, "grpc.max_receive_message_length", 4 << 20)
    send = option(options, "grpc.max_send_message_length", -1)
    return _UNLIMITED if receive < 0 else receive, _UNLIMITED if send < 0 else send


def encoding_of(*compressions):
    """The wire's name of the first that compresses; None: none does."""
    for compression in compressions:
        if compression:
            from grpc._codes import ENCODINGS
            return ENCODINGS[compression]
    return None


# Methods of calls that are over. No base class has them: applications see the bases.

def yes(self):
    return True


def no(self, *args):
    return False


def none(self, timeout=None):
    return None


def thread(target, name, *args):
    """A daemon thread, started."""
    import threading
    started = threading.Thread(target=target, args=args, name=f"grpc-{name}", daemon=True)
    started.start()
    return started


def raised(error):
    """The traceback of raising it."""
    try:
        raise error
    except type(error):
        return sys.exc_info()[2]
