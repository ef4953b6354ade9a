# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The payload of a download, as the file that StreamingBody reads from."""
from _thread import allocate_lock
from io import BytesIO, RawIOBase
from time import monotonic
from weakref import WeakSet

import nexus

_CHUNK = 1 << 18
_IDLE = 0.01        # seconds without a call, after which a payload may be parked

_open = WeakSet()
_open_lock = allocate_lock()


def park():
    """Takes the slots of the payload that was not read for the longest time. False: all of them are in use."""
    with _open_lock:
        idle = sorted((body for body in _open if body.idle()), key=lambda body: body.since)
    return any(body.park() for body in idle)


def park_all():
    """Between two events of a function nobody reads: what it keeps takes no slots from the host's."""
    with _open_lock:
        bodies = list(_open)
    for body in bodies:
        body.park(_IDLE)


class _Kept(BytesIO):
    """What was left of a payload, and has come."""

    def window(self):
        return memoryview(data) if (data := self.read()) else None


class Body(RawIOBase):
    """`length` bytes (None: not known) of a stream that has begun. `name`: (bucket, key, options), to get
    the object again."""

    def __init__(self, op, length, url, name):
        self._op = op
        self._left = length
        self._url = url
        self._name = name
        self._taken = 0
        self._again = None      # parked: the options of a get() of all of it
        self._lock = allocate_lock()
        self.since = monotonic()
        with _open_lock:
            _open.add(self)

    def readable(self):
        return True

    def idle(self, already=0):
        """It may be parked: nobody is reading it, and it can be had again."""
        return (self._op is not None and self._left is not None and self._again is None and
                not isinstance(self._op, _Kept) and monotonic() - self.since + already > _IDLE)

    def park(self, already=0):
        """already: seconds. Gives its slots back: the rest is kept, if it is little, or asked for again. False: it is in use."""
        if not self._lock.acquire(blocking=False):
            return False
        try:
            op = self._op
            if not self.idle(already):
                return False
            if self._left <= _CHUNK:
                kept = _Kept(op.read(self._left) if self._left else b"")
                op.close()
                if self._op is op:
                    self._op = kept
            else:
                rest = self._rest(op)
                op.close()
                self._again = rest
        except (BufferError, RuntimeError):
            self.since = monotonic()    # a view is out, or another thread closes it
            return False
        except nexus.Error:
            pass                        # whoever reads on hears of it
        finally:
            self._lock.release()
        return True

    def _rest(self, op):
        """The options of a get() of what is left."""
        given = op.headers.get("content-range", "bytes 0-")
        first = int(given.split()[1].partition("-")[0]) + self._taken
        options = {name: value for name, value in self._name[2].items() if not name.startswith("if_")}
        return {**options, "range": f"bytes={first}-{first + self._left - 1}", "if_match": op.etag}

    def _take(self, name, *args):
        """A call of the operation's that gives bytes, or their number."""
        try:
            with self._lock:
                if self._again is not None:
                    bucket, key, _ = self._name
                    self._op = nexus.call(lambda channel: channel.get(bucket, key, **self._again))
                    self._again = None
                got = getattr(self._op, name)(*args)
                n = 0 if got is None else got if name == "readinto" else len(got)
                self._taken += n
                if self._left is not None:
                    self._left -= n
        except nexus.Error as error:
            self._fail(error)
        finally:
            self.since = monotonic()
        return got

    def _fail(self, error):
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
        return self._take("read", amt) if amt else b""

    def _read_all(self):
        if self._left is not None:
            # Exactly so many: no byte is copied twice.
            return self._take("read", self._left) if self._left else b""
        pieces = []
        while piece := self._take("read", _CHUNK):
            pieces.append(piece)
        return b"".join(pieces)

    def readall(self):
        return self.read()

    def readinto(self, buffer):
        if self.closed or self._op is None or not self._left and self._left is not None:
            return 0
        return self._take("readinto", buffer)

    def views(self):
        while self._op is not None:
            view = self._take("window")
            if view is None:
                return
            yield view
            view.release()

    def buffer(self):
        if self.closed or self._op is None:
            return memoryview(b"")
        fresh = not self._taken
        view = self._take("window")
        if view is None:
            return memoryview(b"")
        if not self._left:
            return view
        # A large one: into one buffer, if the arena has it; the stream's windows come in pieces.
        try:
            memory = nexus.channel().alloc(len(view) + self._left) if fresh else None
        except MemoryError:
            memory = None
        if memory is None:
            first = view.tobytes()
            view.release()
            return memoryview(first + self._read_all())
        view.release()
        bucket, key, options = self._name
        options = {**options, "if_match": options.get("if_match") or self._op.etag}
        self._op.close()
        try:
            nexus.call(lambda channel: channel.get(bucket, key, into=memory, **options))
        except nexus.Error as error:
            self._fail(error)
        self._taken, self._left = len(memory), 0
        return memoryview(memory)

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
