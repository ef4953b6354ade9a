# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Operations for asyncio: `await nexus.aio.result(op)`.

A thread of a small pool waits, without the interpreter's lock, and tells the loop in a thread-safe way. To cancel
the task is to cancel the operation."""
import asyncio
from concurrent.futures import ThreadPoolExecutor

_WAITERS = 16   # operations waited for at once; more of them queue up

_pool = None


def _waiters():
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(_WAITERS, "nexus-wait")
    return _pool


async def run(op, call, *args):
    """call(*args), a method of op that waits, without blocking the loop."""
    future = asyncio.get_running_loop().run_in_executor(_waiters(), call, *args)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        op.cancel()
        # The thread lets go of the operation before the caller does.
        await asyncio.wait([future])
        future.exception()
        raise


async def result(op):
    return await run(op, op.result)


async def read(op, n):
    return await run(op, op.read, n)
