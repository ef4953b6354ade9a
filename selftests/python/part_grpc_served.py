# SPDX-License-Identifier: GPL-2.0-only
"""What a client sees of a servicer of grpc.aio."""
from grpc_facts import PATIENCE, RUN, Facts, channel, parsed
import grpc
import notes_pb2_grpc
from notes_pb2 import Note
from part_grpc_streams import ends, numbers


def run(see):
    see = Facts(see)
    with channel() as open_channel:
        stub = notes_pb2_grpc.NotesStub(open_channel)
        see.call("aio servicer", stub.One, Note(text="echo", number=5, data=bytes(100000)))
        answer, call = stub.One.with_call(Note(text="metadata"), metadata=(("x-a", "1"),))
        see.fact("aio servicer's metadata", "answer", parsed(answer))
        see.status("aio servicer's metadata", call)
        see.call("aio servicer: abort", stub.One, Note(text="abort NOT_FOUND gone"))
        see.call("aio servicer: set", stub.One, Note(text="set DATA_LOSS"))
        see.call("aio servicer: raise", stub.One, Note(text="raise"))
        see.call("aio servicer: raise with a code", stub.One, Note(text="raise_set"))
        see.call("aio servicer: its context", stub.One, Note(text="context"))
        see.call("aio servicer: its context and a deadline", stub.One, Note(text="context"), timeout=PATIENCE)
        see.call("aio servicer: a packed answer", stub.One, Note(text="packed"))
        see.call("aio servicer: an answer that is not packed", stub.One, Note(text="plain"))
        see.call("aio servicer: packed both ways", stub.One, Note(text="packed", data=bytes(100000)),
                 compression=grpc.Compression.Gzip)
        see.call("aio servicer: a guard", stub.One, Note(), metadata=(("x-guard", "refuse"),))
        see.call("aio servicer: no method", open_channel.unary_unary("/nexus.test.Notes/None"), b"")
        call = stub.One.future(Note(text=f"wait served{RUN}"), timeout=3)
        see.call("aio servicer: a deadline", call.result)
        see.call("aio servicer: a deadline, seen by it", stub.One, Note(text=f"ended served{RUN}"))
        ends(see, "aio servicer: down", stub.Down(Note(number=5)))
        ends(see, "aio servicer: down by write()", stub.Down(Note(text="write")))
        ends(see, "aio servicer: down, aborted", stub.Down(Note(text="abort", number=2)))
        ends(see, "aio servicer: down, raises", stub.Down(Note(text="raise", number=2)))
        see.call("aio servicer: up", stub.Up, numbers(5))
        see.call("aio servicer: up, answered early", stub.Up, iter([Note(text="early", number=1)]))
        ends(see, "aio servicer: both", stub.Both(numbers(5)))
        see.call("a thread's servicer", open_channel.unary_unary("/nexus.test.Sync/One"), b"x")
        see.call("a thread's servicer: who calls", open_channel.unary_unary("/nexus.test.Sync/One"), b"auth")
        see.call("a thread's servicer: abort", open_channel.unary_unary("/nexus.test.Sync/One"), b"abort")
        see.call("a thread's servicer: down", lambda: list(open_channel.unary_stream("/nexus.test.Sync/Down")(b"ab")))
        see.call("a thread's servicer: up", open_channel.stream_unary("/nexus.test.Sync/Up"), iter([b"a", b"b"]))
