# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The payload of a download, as the file that StreamingBody reads from."""
from io import RawIOBase

import nexus

_CHUNK = 1 << 18


class Body(RawIOBase):
    """`length` bytes (None: not known) of a stream that has begun. `name`: (bucket, key, options), to get
    the object again."""

    def __init__(self, op, length, url, name=None):
        self._op = op
        self._left = length
        self._url = url
        self._name = name
        self._taken = 0

    def readable(self):
        return True

    def _guard(self, call, *args):
        try:
            return call(*args)
        except nexus.Error as error:
            from botocore import exceptions as e
            if error.code == "NexusTimeout":
                raise e.ReadTimeoutError(endpoint_url=self._url) from error
            raise e.ResponseStreamingError(error=error.message) from error

    def read(self, amt=None):
        if self.closed or self._op is None:
            return b""
        if amt is None or amt < 0:
            return self._read_all()
        if self._left is not None and amt > self._left:
            amt = self._left
        if not amt:
            return b""
        data = self._guard(self._op.read, amt)
        self._count(len(data))
        return data

    def _read_all(self):
        if self._left is not None:
            # Exactly so many: no byte is copied twice.
            data = self._guard(self._op.read, self._left) if self._left else b""
            self._count(len(data))
            return data
        pieces = []
        while piece := self._guard(self._op.read, _CHUNK):
            pieces.append(piece)
            self._count(len(piece))
        return b"".join(pieces)

    def readall(self):
        return self.read()

    def readinto(self, buffer):
        if self.closed or self._op is None or not self._left and self._left is not None:
            return 0
        n = self._guard(self._op.readinto, buffer)
        self._count(n)
        return n

    def _count(self, n):
        self._taken += n
        if self._left is not None:
            self._left -= n

    def views(self):
        while self._op is not None:
            view = self._guard(self._op.window)
            if view is None:
                return
            self._count(len(view))
            yield view
            view.release()

    def buffer(self):
        if self.closed or self._op is None:
            return memoryview(b"")
        view = self._guard(self._op.window)
        if view is None:
            return memoryview(b"")
        if self._left is None or len(view) == self._left:
            self._count(len(view))
            return view
        if self._taken or self._name is None:
            return memoryview(view.tobytes() + self._after(view))
        # A large one: into one buffer, if the arena has it; the stream's windows come in pieces.
        try:
            memory = nexus.channel().alloc(self._left)
        except MemoryError:
            return memoryview(view.tobytes() + self._after(view))
        view.release()
        bucket, key, options = self._name
        etag = self._op.etag
        self._op.close()
        again = nexus.channel().get(bucket, key, into=memory, **{**options, "if_match": options.get("if_match") or etag})
        self._guard(again.result)
        self._count(len(memory))
        return memoryview(memory)

    def _after(self, view):
        self._count(len(view))
        view.release()
        return self._read_all()

    def close(self):
        op, self._op = self._op, None
        if op is not None:
            try:
                op.close()
            except BufferError:
                pass    # a view lives on: the operation ends with it
        super().close()

    def __del__(self):
        # The operation goes with its last reference, which may be a view's.
        pass
