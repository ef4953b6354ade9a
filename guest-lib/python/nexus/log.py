# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""A function's log: what it prints goes to the console, and to the host, beside the invocation that it belongs to."""
import os


class Log:
    """Where lines go; `request_id` is that of the invocation under way, or None."""

    def __init__(self, channel):
        self._channel = channel
        self._owner = os.getpid()
        self.request_id = None

    def send(self, text):
        if self._owner != os.getpid():
            return      # a forked child's: the channel is its parent's
        try:
            self._channel.log(self.request_id, text.encode("utf-8", "surrogateescape"))
        except OSError:
            pass        # no host to take it: the console has it

    def stream(self, file):
        return Stream(self, file)


class Stream:
    """A text file whose lines are logged as they become whole, the rest when it is flushed."""

    def __init__(self, log, file):
        self._log = log
        self._file = file
        self._rest = ""

    def write(self, text):
        n = self._file.write(text)
        self.log(text)
        return n

    def log(self, text):
        lines, end, rest = (self._rest + text).rpartition("\n")
        self._rest = rest
        if end:
            self._log.send(lines + end)

    @property
    def buffer(self):
        return Bytes(self, self._file)

    def writelines(self, lines):
        self.write("".join(lines))

    def flush(self):
        self._file.flush()
        if self._rest:
            rest, self._rest = self._rest, ""
            self._log.send(rest)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __iter__(self):
        return iter(self._file)


class Bytes:
    """Where the bytes of such a file are written."""

    def __init__(self, stream, file):
        self._stream = stream
        self._file = file

    def write(self, data):
        self._file.flush()
        n = self._file.buffer.write(data)
        self._stream.log(bytes(data).decode("utf-8", "surrogateescape"))
        return n

    def flush(self):
        self._file.buffer.flush()
        self._stream.flush()

    def __getattr__(self, name):
        return getattr(self._file.buffer, name)
