# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Messages packed and unpacked: in the function, by its own time and memory; the host passes them as they are."""
import zlib

from grpc._common import too_large

_PIECE = 1 << 16
_WINDOW_BITS = {"gzip": 31, "deflate": 15}


class Unreadable(Exception):
    """A message that ends its call: status and details."""


def compress(data, encoding):
    """What is sent, and whether it is compressed: only what gets smaller by it."""
    packer = zlib.compressobj(wbits=_WINDOW_BITS[encoding])
    packed = packer.compress(data) + packer.flush()
    return (packed, True) if len(packed) < len(data) else (data, False)


def _rest(unpacker):
    """How many bytes would follow: nobody keeps them."""
    count = 0
    while piece := unpacker.decompress(unpacker.unconsumed_tail, _PIECE):
        count += len(piece)
    return count


def decompress(data, encoding, limit):
    unpacker = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        message = unpacker.decompress(data, limit + 1)
        if len(message) > limit:
            raise Unreadable(8, too_large("Received", len(message) + _rest(unpacker), limit))
    except zlib.error as error:
        raise Unreadable(13, f"a {encoding} message cannot be unpacked: {error}") from None
    if not unpacker.eof:
        raise Unreadable(13, f"a {encoding} message is cut off")
    return message
