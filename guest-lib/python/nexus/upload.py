# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Payload on its way to the host: from memory, or from a file in bounded memory."""
import nexus


class Source:
    """What a caller gave as a Body. `length` bytes of it are sent."""

    def __init__(self, body, length=None):
        if isinstance(body, str):
            body = body.encode()
        if not hasattr(body, "read"):
            self.data, self.file = memoryview(body).cast("B"), None
            if length is not None:
                self.data = self.data[:length]
            self.length = len(self.data)
            return
        left = _remaining(body)
        if left is None:
            # A pipe: S3 wants to know the length first.
            self.data, self.file = memoryview(_bytes(body.read())), None
            self.length = len(self.data)
            return
        self.data, self.file = None, body
        self.length = left if length is None else min(left, length)
        self.start = body.tell()

    def send(self, start, options, progress=None):
        """start(channel, options) begins the request; returns the operation, ended well."""
        if self.file is None:
            op = nexus.call(lambda channel: start(channel, {**options, "data": self.data}))
            if progress:
                progress(self.length)
            return op
        if not self.length:
            return nexus.call(lambda channel: start(channel, {**options, "data": b""}))
        op = nexus.begin(lambda channel: start(channel, {**options, "total": self.length}))
        try:
            self._pump(op, progress)
            op.finish()
        except nexus.Error as error:
            error.operation = op
            raise
        return op

    def _pump(self, op, progress):
        readinto = getattr(self.file, "readinto", None)
        left = self.length
        while left:
            window = op.write_window()
            n = self._fill(window, readinto, min(left, len(window)))
            window.release()
            if not n:
                op.cancel()
                raise OSError(f"{self.file!r} ended {left} bytes before its length")
            op.write_commit(n)
            left -= n
            if progress:
                progress(n)

    def _fill(self, window, readinto, n):
        if readinto is None:
            data = _bytes(self.file.read(n))
            window[:len(data)] = data
            return len(data)
        with window[:n] as room:
            return readinto(room) or 0

    def checksum(self, algorithm):
        """The headers of S3's checksum of that name."""
        import base64
        name = algorithm.lower()
        if name == "crc32":
            import zlib
            value = 0
            for chunk in self._chunks():
                value = zlib.crc32(chunk, value)
            digest = value.to_bytes(4, "big")
        elif name in ("sha1", "sha256"):
            import hashlib
            sha = hashlib.new(name)
            for chunk in self._chunks():
                sha.update(chunk)
            digest = sha.digest()
        else:
            from botocore.exceptions import FlexibleChecksumError
            raise FlexibleChecksumError(error_msg=f"Unsupported checksum algorithm: {name}")
        return {f"x-amz-checksum-{name}": base64.b64encode(digest).decode()}

    def _chunks(self):
        if self.file is None:
            yield self.data
            return
        left = self.length
        while left and (chunk := _bytes(self.file.read(min(left, 1 << 18)))):
            left -= len(chunk)
            yield chunk
        self.file.seek(self.start)


def _bytes(chunk):
    if isinstance(chunk, str):
        raise TypeError("Strings must be encoded before hashing")   # a file of text
    return chunk


def _remaining(body):
    """Bytes from the file's position to its end; None: it cannot tell."""
    try:
        here = body.tell()
        end = body.seek(0, 2)
        end = body.tell() if end is None else end
        body.seek(here)
        return end - here
    except (AttributeError, OSError, ValueError):
        return None
