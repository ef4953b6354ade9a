# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Whether a channel's server can be reached. Connections are the host's: to find out is to ask the server for its
health; any answer of its will do."""
import time

from grpc._abc import Future, FutureCancelledError, FutureTimeoutError
from grpc._codes import ChannelConnectivity
from grpc._common import log, thread

_PROBE = "/grpc.health.v1.Health/Check"
_FIRST_PAUSE, _LAST_PAUSE = 0.2, 5      # seconds between two tries


class Connectivity:
    """The states of one channel, and who is told of them, by a thread while there is somebody."""

    def __init__(self, channel):
        import threading
        self._condition = threading.Condition()
        self._channel = channel
        self.state = ChannelConnectivity.READY if channel.reached else ChannelConnectivity.IDLE
        self._told = []                 # [callback, the last state that it was told]
        self._wanted = False            # somebody wants a connection
        self._running = False

    def subscribe(self, callback, try_to_connect):
        with self._condition:
            self._told.append([callback, None])
            self._wanted = self._wanted or bool(try_to_connect)
            if not self._running:
                self._running = True
                thread(self._run, "connectivity")
            self._condition.notify_all()

    def unsubscribe(self, callback):
        with self._condition:
            for index, (other, _) in enumerate(self._told):
                if other == callback:
                    del self._told[index]
                    break
            self._condition.notify_all()

    def close(self):
        with self._condition:
            self._told.clear()
            self._condition.notify_all()

    def _tell(self):
        """All who do not know the state yet. Locked, but not in the callbacks."""
        while stale := [pair for pair in self._told if pair[1] is not self.state]:
            pair = stale[0]
            pair[1] = state = self.state
            self._condition.release()
            try:
                pair[0](state)
            except Exception:  # whatever an application's function raises
                log("_channel", "Exception calling channel subscription callback!")
            finally:
                self._condition.acquire()

    def _set(self, state):
        self.state = state
        self._tell()

    def _run(self):
        pause = _FIRST_PAUSE
        with self._condition:
            while self._told:
                self._tell()
                if not self._wanted or self.state is ChannelConnectivity.READY:
                    if self._told and all(told is self.state for _, told in self._told):
                        self._condition.wait()
                    continue
                self._set(ChannelConnectivity.CONNECTING)
                self._condition.release()
                try:
                    reached = self._probe()
                finally:
                    self._condition.acquire()
                if reached:
                    self._channel.reached = True
                    self._set(ChannelConnectivity.READY)
                    continue
                self._set(ChannelConnectivity.TRANSIENT_FAILURE)
                if self._told:
                    self._condition.wait(pause)
                    pause = min(2 * pause, _LAST_PAUSE)
            self._running = False

    def _probe(self):
        try:
            return self._channel.unary(self._channel.request(_PROBE, 20, None, None), b"", False)[0] != 14
        except ValueError:      # the channel was closed
            return False


class _ChannelReadyFuture(Future):
    def __init__(self, channel):
        import threading
        self._condition = threading.Condition()
        self._channel = channel
        self._ready = self._cancelled = False
        self._callbacks = []
        channel.subscribe(self._update, try_to_connect=True)

    def _update(self, state):
        if state is ChannelConnectivity.READY:
            self._end(ready=True)

    def _end(self, ready):
        with self._condition:
            if self._ready or self._cancelled:
                return False
            self._ready, self._cancelled = ready, not ready
            callbacks, self._callbacks = self._callbacks, None
            self._condition.notify_all()
        self._channel.unsubscribe(self._update)
        for callback in callbacks:
            try:
                callback(self)
            except Exception:  # whatever an application's function raises
                log("_utilities", 'Exception calling connectivity future "done" callback!')
        return True

    def cancel(self):
        return self._end(ready=False)

    def cancelled(self):
        return self._cancelled

    def running(self):
        return not self.done()

    def done(self):
        return self._ready or self._cancelled

    def result(self, timeout=None):
        until = None if timeout is None else time.monotonic() + timeout
        with self._condition:
            while not self.done():
                # In slices: a signal's handler runs between them.
                left = 0.1 if until is None else min(until - time.monotonic(), 0.1)
                if left <= 0:
                    raise FutureTimeoutError()
                self._condition.wait(left)
        if self._cancelled:
            raise FutureCancelledError()

    def exception(self, timeout=None):
        return self.result(timeout)

    def traceback(self, timeout=None):
        return self.result(timeout)

    def add_done_callback(self, fn):
        with self._condition:
            if not self.done():
                self._callbacks.append(fn)
                return
        fn(self)

    def __del__(self):
        if not self.done():
            self._channel.unsubscribe(self._update)


def channel_ready_future(channel):
    return _ChannelReadyFuture(channel)
