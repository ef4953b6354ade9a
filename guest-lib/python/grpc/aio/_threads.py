# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Threads that wait for the host in the place of an event loop. They do not keep the process from its end."""
import asyncio
import threading
from queue import SimpleQueue

from grpc._common import thread

_jobs = SimpleQueue()
_lock = threading.Lock()
_idle = 0       # threads that wait for a job, without those that one is on the way to


def _work():
    global _idle
    while True:
        loop, future, function, args = _jobs.get()
        try:
            value, error = function(*args), None
        except BaseException as raised:  # it is the caller's
            value, error = None, raised
        with _lock:
            _idle += 1
        try:
            loop.call_soon_threadsafe(_told, future, value, error)
        except RuntimeError:
            # The loop was closed, and nobody waits.
            pass
        del loop, future, function, args, value, error


def _told(future, value, error):
    if future.cancelled():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


def run(function, *args):
    """A future of function(*args), which a thread calls."""
    global _idle
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    with _lock:
        spare = _idle > 0
        _idle -= spare
    if not spare:
        thread(_work, "aio")
    _jobs.put((loop, future, function, args))
    return future
