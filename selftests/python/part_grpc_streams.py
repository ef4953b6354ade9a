# SPDX-License-Identifier: GPL-2.0-only
"""The three streaming kinds: messages, ends, cancellations, deadlines, errors of either side's iterators."""
import itertools
import queue
import threading

from grpc_facts import PATIENCE, RUN, SOON, Facts, channel
import notes_pb2_grpc
from notes_pb2 import Note

MIB = 1 << 20


def numbers(count):
    return (Note(number=number) for number in range(count))


def until_error(call, kept):
    """The error that ends the stream, what came before it in `kept`."""
    try:
        for note in call:
            kept.append(note.number)
    except Exception as error:  # it is what is compared
        return error
    return None


def ends(see, name, call):
    """How a stream of responses goes on and ends."""
    kept = []
    error = until_error(call, kept)
    see.fact(name, "responses", kept)
    if error is not None:
        see.error(name, error)
        see.fact(name, "the error is the call", error is call)
        return
    see.status(name, call)
    see.fact(name, "state", [call.is_active(), call.done(), call.running(), call.cancelled(), call.cancel(),
                             call.time_remaining(), call.add_callback(print)])
    see.call(f"{name}, once more", lambda: next(call))


def down(see, stub, open_channel):
    call = stub.Down(Note(text="count", number=5))
    see.fact("down", "class", [cls.__name__ for cls in type(call).__mro__ if cls.__name__[0] != "_"])
    see.fact("down", "is its own iterator", iter(call) is call)
    ends(see, "down", call)
    ends(see, "down of none", stub.Down(Note(text="count")))
    ends(see, "down of empty messages", stub.Down(Note(text="count", number=1)))
    ends(see, "down with headers", stub.Down(Note(text="headers", number=2)))
    ends(see, "down that is aborted", stub.Down(Note(text="abort", number=3)))
    ends(see, "down that is aborted at once", stub.Down(Note(text="abort")))
    ends(see, "down that raises", stub.Down(Note(text="raise", number=2)))
    ends(see, "down of no method", open_channel.unary_stream("/nexus.test.Notes/None")(b""))
    ends(see, "down past its deadline", stub.Down(Note(text="wait x"), timeout=-1))
    call = stub.Down(Note(text="count", number=300, data=bytes(100000)))
    see.fact("down of 30 MB", "responses", sum(len(note.data) for note in call))
    see.status("down of 30 MB", call)
    call = stub.Down(Note(text="count", number=20000))
    see.fact("down of many", "responses", sum(note.number for note in call))
    see.fact("down, metadata first", "initial", call.initial_metadata() is not None)
    ends(see, "down of a large message", stub.Down(Note(text="count", number=2, data=bytes(4 * MIB + 1))))
    call = stub.Down(Note(text="count", number=2))
    see.fact("down, by next()", "responses", [call.next().number, next(call).number])
    see.fact("down, by next()", "code", call.code())
    see.call("down of no message", stub.Down, None)

    # Cancelled while it goes on.
    call = stub.Down(Note(text=f"wait down{RUN}"))
    see.fact("down, cancelled", "first", next(call).number)
    see.fact("down, cancelled", "before", [call.is_active(), call.done(), call.cancelled(), call.time_remaining()])
    see.fact("down, cancelled", "cancel()", [call.cancel(), call.cancel(), call.cancelled(), call.done(),
                                             call.is_active()])
    ends(see, "down, cancelled", call)
    see.call("down, cancelled, result()", call.result)
    see.call("down, cancelled, seen by the servicer", stub.One, Note(text=f"ended down{RUN}"))
    called = threading.Event()
    call = stub.Down(Note(text=f"wait callback{RUN}"))
    see.fact("down, with a callback", "added", call.add_callback(called.set))
    next(call)
    call.cancel()
    see.fact("down, with a callback", "called", called.wait(PATIENCE))
    call = stub.Down(Note(text=f"wait late{RUN}"), timeout=SOON)
    see.fact("down, a deadline", "first", next(call).number)
    see.fact("down, a deadline", "time_remaining", 0 <= call.time_remaining() <= SOON)
    ends(see, "down, a deadline", call)
    call = stub.Down(Note(text=f"wait dropped{RUN}"))
    next(call)
    del call
    see.call("down, dropped, seen by the servicer", stub.One, Note(text=f"ended dropped{RUN}"))
    call = stub.Down(Note(text=f"wait closed{RUN}"))
    next(call)
    with channel() as other:
        closed = notes_pb2_grpc.NotesStub(other).Down(Note(text=f"wait other{RUN}"))
        next(closed)
    ends(see, "down, its channel closed", closed)
    see.fact("down, its channel closed", "another goes on", call.is_active())
    call.cancel()


def up(see, stub):
    see.call("up", stub.Up, numbers(10))
    see.call("up of none", stub.Up, iter(()))
    see.call("up of a list", stub.Up, [Note(number=1), Note(number=2)])
    answer, call = stub.Up.with_call(numbers(3), metadata=(("x-a", "1"),), timeout=PATIENCE)
    see.fact("up, with_call", "answer", answer)
    see.fact("up, with_call", "class", type(call).__name__)
    see.status("up, with_call", call)
    see.call("up of many", stub.Up, numbers(20000))
    see.call("up of 20 MB", stub.Up, (Note(number=1, data=bytes(100000)) for _ in range(200)))
    see.call("up, answered early", stub.Up, itertools.chain(numbers(3), [Note(text="early")], numbers(3)))
    see.call("up, answered early, without an end", stub.Up, itertools.chain([Note(text="early")], forever()))
    see.call("up, aborted", stub.Up, itertools.chain(numbers(3), [Note(text="abort")], forever()))
    see.call("up, an iterator that raises", stub.Up, raising())
    see.call("up, a request that is none", stub.Up, iter(["x"]))
    see.call("up past its deadline", stub.Up, forever(), timeout=0.5)
    see.call("up of what is no iterable", stub.Up, 5)


def forever():
    """Requests, without an end, slowly."""
    while True:
        yield Note(number=1)
        threading.Event().wait(0.02)


def raising():
    yield Note(number=1)
    raise ValueError("raised on purpose")


def both(see, stub):
    ends(see, "both", stub.Both(numbers(10)))
    ends(see, "both of none", stub.Both(iter(())))
    requests = queue.SimpleQueue()
    call = stub.Both(iter(requests.get, None))
    got = []
    for number in range(50):
        requests.put(Note(number=number, text="ping"))
        got.append(next(call).number)
    see.fact("both, in turn", "responses", got)
    requests.put(None)
    ends(see, "both, in turn, its end", call)
    ends(see, "both, ended by the servicer", stub.Both(itertools.chain(numbers(2), [Note(text="end")], forever())))
    ends(see, "both, raised by the servicer", stub.Both(itertools.chain(numbers(2), [Note(text="raise")], forever())))
    # What is answered before the iterator fails may come or not.
    error = until_error(stub.Both(raising()), [])
    see.error("both, an iterator that raises", error)
    call = stub.Both(itertools.chain([Note(number=1)], forever()))
    next(call)
    see.fact("both, cancelled", "cancel()", call.cancel())
    see.error("both, cancelled", until_error(call, []))
    error = until_error(stub.Both(forever(), timeout=0.5), [])
    see.error("both past its deadline", error)
    large = bytes(3 * MIB)
    call = stub.Both(Note(number=number, data=large) for number in range(6))
    see.fact("both of 18 MiB", "responses", [note.number for note in call])
    calls = [stub.Both(numbers(20)) for _ in range(10)]
    see.fact("ten at once", "responses", [sum(note.number for note in call) for call in calls])
    results = []
    threads = [threading.Thread(target=lambda: results.append(stub.Up(numbers(50)).number)) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    see.fact("ten threads", "answers", results)


def run(see):
    see = Facts(see)
    with channel() as open_channel:
        stub = notes_pb2_grpc.NotesStub(open_channel)
        down(see, stub, open_channel)
        up(see, stub)
        both(see, stub)
