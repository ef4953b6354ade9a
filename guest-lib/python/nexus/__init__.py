# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Nexus for Python: the process's channel to the host, and the shims' common parts.

    import nexus
    op = nexus.channel().get("bucket", "key")    # a stream: see _nexus
"""
import os

from _nexus import Channel, Error

__all__ = ["Channel", "Error", "begin", "channel", "call", "exchange"]

_channel = None
_owner = 0


def channel():
    """The channel of this process, opened when it is first needed; a forked child opens its own."""
    global _channel, _owner
    if _channel is None or _owner != os.getpid():
        _channel = Channel()
        _owner = os.getpid()
    return _channel


def reset(lost):
    """`lost` serves no more: the next call opens another."""
    global _channel
    if _channel is lost:
        _channel = None


def begin(start):
    """start(channel) begins an operation, which is returned: at once, or when there is a slot for it."""
    try:
        return start(channel())
    except Error as error:
        if not _full(error):
            raise
    from nexus import slots
    return slots.wait(start, _full)


def _full(error):
    """As many operations are in flight as may be; this one has not begun."""
    return error.code == "NexusGuestSlots" or error.code == "NexusLimitExceeded" and error.errno == 16  # EBUSY


def _try(start, repeatable):
    """start(channel), whose result is returned. A channel may end with the daemon that served it: what can be
    repeated is then tried once more."""
    ours = channel()
    try:
        return begin(start)
    except Error as error:
        if error.code != "NexusConnectionLost" or error.http_status:
            raise
        reset(ours)
        if not repeatable:
            raise
    return begin(start)


def call(start, repeatable=True):
    """start(channel) begins an operation: waits for its end, or the head of a download, and returns it."""
    def run(channel):
        op = start(channel)
        try:
            op.result()
        except Error as error:
            error.operation = op
            raise
        return op

    return _try(run, repeatable)


def exchange(start, body, repeatable=False):
    """start(channel) begins a request with `body`: the operation, and the answer's whole body."""
    def run(channel):
        op = start(channel)
        pieces = []
        try:
            if len(body):
                op.write(body)
            op.finish()
            length = op.content_length or 65536
            while piece := op.read(length):
                pieces.append(piece)
        except Error as error:
            # A service's own error has a document, which is the answer.
            if not error.http_status or error.code.startswith("Nexus"):
                error.operation = op
                raise
        return op, pieces[0] if len(pieces) == 1 else b"".join(pieces)

    return _try(run, repeatable)
