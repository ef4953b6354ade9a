# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Receiving, of a client's call and of a server's: whoever waits for something receives, in his own thread. Only
what asks without waiting (done(), a time limit, callbacks) starts a thread, which receives from then on."""
import threading
import time

from grpc._common import thread


class Receiver:
    """`condition` guards everything. A derived class takes what comes by _apply(event), which returns the
    callbacks that are due, and tells by _full() that no more may come for now."""

    def __init__(self, wire, deadline):
        self.condition = threading.Condition(threading.RLock())
        self.wire = wire
        self.deadline = deadline            # of time.time(); None: none
        self.over = wire is None            # the wire has no more
        self.callbacks = []                 # None: they were called
        self._receiving = False             # a thread is in wire.receive()
        self._thread = None

    def _receive(self):
        """One step; locked, but not while it waits."""
        self._receiving = True
        self.condition.release()
        try:
            event = self.wire.receive()
        finally:
            self.condition.acquire()
            self._receiving = False
            self.condition.notify_all()
        callbacks = self._apply(event)
        self.condition.notify_all()
        if callbacks:
            self.condition.release()
            try:
                self._call(callbacks)
            finally:
                self.condition.acquire()

    def _run(self):
        with self.condition:
            while not self.over:
                if self._receiving:
                    self.condition.wait()
                elif self._full():
                    left = None if self.deadline is None else self.deadline - time.time()
                    if left is not None and left <= 0:
                        self._expire()
                    else:
                        self.condition.wait(left)
                else:
                    self._receive()

    def watch(self):
        """From now on a thread receives. Locked."""
        if self._thread is None and not self.over:
            self._thread = thread(self._run, "receive")

    def wait(self, until, timeout=None):
        """Until until() is true; False if the timeout, in seconds, was over first. Locked."""
        if timeout is not None:
            self.watch()
            return self.condition.wait_for(until, timeout)
        while not until():
            if self._thread or self._receiving or self.over or self._full():
                # In slices: a signal's handler runs between them.
                self.condition.wait(0.1)
            else:
                self._receive()
        return True

    def add(self, callback):
        """Called at the end; False if that was before."""
        with self.condition:
            if self.callbacks is None:
                return False
            self.callbacks.append(callback)
            self.watch()
            return True
