# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""StreamingBody: the payload of an answer, read when it is wanted."""
from io import IOBase


class StreamingBody(IOBase):
    """As botocore's. Beyond it: iter_views() and getbuffer(), which show the payload where the host put it,
    without a copy."""

    _DEFAULT_CHUNK_SIZE = 1024

    def __init__(self, raw_stream, content_length):
        self._raw_stream = raw_stream
        self._content_length = content_length
        self._amount_read = 0

    def __del__(self):
        # IOBase would close what a view may still need; the stream's own end comes with its last reference.
        pass

    def readable(self):
        return True

    def set_socket_timeout(self, timeout):
        """The host keeps the time: Config(read_timeout) of its endpoints."""

    def read(self, amt=None):
        chunk = self._raw_stream.read(amt)
        self._amount_read += len(chunk)
        if amt is None or (not chunk and amt > 0):
            self._verify_content_length()
        return chunk

    def readinto(self, buffer):
        n = self._raw_stream.readinto(buffer)
        self._amount_read += n
        if not n and len(buffer):
            self._verify_content_length()
        return n

    def readlines(self, hint=-1):
        return [] if self._raw_stream.closed else self._raw_stream.readlines()

    def __iter__(self):
        return self

    def __next__(self):
        chunk = self.read(self._DEFAULT_CHUNK_SIZE)
        if not chunk:
            raise StopIteration()
        return chunk

    next = __next__

    def __enter__(self):
        return self._raw_stream

    def __exit__(self, kind, value, traceback):
        self._raw_stream.close()

    def iter_chunks(self, chunk_size=_DEFAULT_CHUNK_SIZE):
        while chunk := self.read(chunk_size):
            yield chunk

    def iter_lines(self, chunk_size=_DEFAULT_CHUNK_SIZE, keepends=False):
        pending = b""
        for chunk in self.iter_chunks(chunk_size):
            lines = (pending + chunk).splitlines(True)
            # The last may go on in the next chunk, even where it seems to end: \r may be half of \r\n.
            pending = lines.pop()
            for line in lines:
                yield line if keepends else line.splitlines()[0]
        if pending:
            yield pending if keepends else pending.splitlines()[0]

    def tell(self):
        return self._amount_read

    def close(self):
        self._raw_stream.close()

    def iter_views(self):
        """The payload as memoryviews on the arena; each is good until the next is asked for."""
        for view in self._raw_stream.views():
            self._amount_read += len(view)
            yield view
        self._verify_content_length()

    def getbuffer(self):
        """All that was not read yet as one memoryview, on the arena if that has the room."""
        view = self._raw_stream.buffer()
        self._amount_read += len(view)
        return view

    def _verify_content_length(self):
        if self._content_length is not None and self._amount_read != int(self._content_length):
            from botocore.exceptions import IncompleteReadError
            raise IncompleteReadError(actual_bytes=self._amount_read, expected_bytes=int(self._content_length))
