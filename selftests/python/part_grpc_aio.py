# SPDX-License-Identifier: GPL-2.0-only
"""grpc.aio: calls as awaitables and iterators, cancellation, deadlines, interceptors, channels."""
import asyncio
import gc

import grpc
from grpc import aio
from grpc_facts import PATIENCE, RUN, TARGET, Facts, own, parsed
import notes_pb2_grpc
from notes_pb2 import Note

MIB = 1 << 20


class See(Facts):
    async def wait(self, name, awaitable):
        """Tells what it comes to."""
        try:
            answer = await awaitable
        except (Exception, asyncio.CancelledError) as error:  # whatever it is, it is what is compared
            self.error(name, error)
            return error
        self.fact(name, "returns", answer)
        return answer

    async def status(self, name, call):
        if isinstance(call, Exception):
            super().status(name, call)
            return
        self.fact(name, "code", await call.code())
        self.fact(name, "details", await call.details())
        self.metadata(name, "initial_metadata", await call.initial_metadata())
        self.metadata(name, "trailing_metadata", await call.trailing_metadata())

    def error(self, name, error):
        self.fact(name, "exception", [cls.__name__ for cls in type(error).__mro__])
        if isinstance(error, aio.AioRpcError):
            self.fact(name, "code", error.code())
            self.fact(name, "details", error.details())
            self.metadata(name, "initial_metadata", error.initial_metadata())
            self.metadata(name, "trailing_metadata", error.trailing_metadata())
            self.fact(name, "text", str(error).split("\n")[:3])
        else:
            self.fact(name, "message", str(error))


def metadata_class(see):
    see.fact("aio.Metadata", "empty", [repr(aio.Metadata()), len(aio.Metadata()), list(aio.Metadata())])
    made = aio.Metadata(("a", "1"), ("b", "2"), ("a", "3"))
    see.fact("aio.Metadata", "pairs", [list(made), len(made), made["a"], made.get_all("a"), "c" in made, repr(made)])
    made["a"] = "4"
    made["c"] = "5"
    made.add("c", "6")
    see.fact("aio.Metadata", "changed", [list(made), made.get("d"), made.get_all("d")])
    del made["a"]
    made.delete_all("b")
    made.set_all("e", ["7", "8"])
    see.fact("aio.Metadata", "deleted", list(made))
    see.call("aio.Metadata without the key", lambda: made["zz"])
    see.call("aio.Metadata: del of none", made.__delitem__, "zz")
    see.fact("aio.Metadata", "equal", [made == aio.Metadata(*made), made == tuple(made), made == 5])
    see.fact("aio.Metadata", "sum", [list(made + (("f", "9"),)), list(made + aio.Metadata(("g", "0")))])
    see.fact("aio.EOF", "is", [bool(aio.EOF), len(aio.EOF), repr(aio.EOF)])
    see.fact("aio", "__all__", sorted(aio.__all__))


async def unary(see, stub, open_channel):
    call = stub.One(Note(text="metadata"), metadata=(("x-a", "1"), ("x-b-bin", b"\0")), timeout=PATIENCE)
    see.fact("aio call", "is", [isinstance(call, cls) for cls in (aio.Call, aio.UnaryUnaryCall, aio.RpcContext,
                                                                  aio.UnaryStreamCall)])
    see.fact("aio call", "before", [call.done(), call.cancelled(), type(call).__name__])
    see.fact("aio call", "answer", parsed(await call))
    see.fact("aio call", "again", parsed(await call))
    await see.status("aio call", call)
    see.fact("aio call", "after", [call.done(), call.cancelled(), call.cancel(), call.time_remaining() > 0])
    called = []
    call.add_done_callback(called.append)
    see.fact("aio call", "a callback", called == [call])
    await see.wait("aio call, awaited at once", stub.One(Note(text="echo")))
    call = stub.One(Note(text="echo"))
    see.fact("aio call", "its code alone", str(await call.code()))
    see.fact("aio call", "no deadline", call.time_remaining())
    call = stub.One(Note(text="abort NOT_FOUND gone"))
    error = await see.wait("aio call that fails", call)
    see.fact("aio call that fails", "error", [isinstance(error, grpc.RpcError), call.done(), call.cancelled()])
    await see.status("aio call that fails, as a call", call)
    await see.wait("aio call that raises", stub.One(Note(text="raise")))
    await see.wait("aio call of none", open_channel.unary_unary("/nexus.test.Notes/None")(b""))
    await see.wait("aio call with Metadata", stub.One(Note(text="echo"), metadata=aio.Metadata(("x-a", "1"))))
    await see.wait("aio call past its deadline", stub.One(Note(text=f"wait aio1{RUN}"), timeout=0.5))
    await see.wait("aio call of 4 MiB and a byte", open_channel.unary_unary("/nexus.test.Raw/Echo")(bytes(4 * MIB + 1)))
    answers = await asyncio.gather(*[stub.One(Note(number=number)) for number in range(30)])
    see.fact("aio, thirty at once", "answers", [note.number for note in answers])

    call = stub.One(Note(text=f"wait aio2{RUN}"))
    called = asyncio.get_running_loop().create_future()
    call.add_done_callback(lambda done: called.set_result(done is call))
    see.fact("aio cancel", "cancel()", [call.cancel(), call.cancel(), call.cancelled(), call.done()])
    await see.wait("aio cancel", call)
    see.fact("aio cancel", "called back", await called)
    see.fact("aio cancel", "code", str(await call.code()))
    see.fact("aio cancel", "details", await call.details())
    call = stub.One(Note(text=f"wait aio3{RUN}"))
    task = asyncio.ensure_future(awaits(call))
    await asyncio.sleep(0.1)
    task.cancel()
    await see.wait("aio, its task is cancelled", task)
    see.fact("aio, its task is cancelled", "call", [call.cancelled(), call.done()])


async def packed(see):
    for name in ("Gzip", "Deflate"):
        algorithm = grpc.Compression[name]
        async with aio.insecure_channel(TARGET, compression=algorithm) as open_channel:
            stub = notes_pb2_grpc.NotesStub(open_channel)
            await see.wait(f"aio {name}", stub.One(Note(text=f"packed {name} 100000", data=bytes(MIB))))
            notes = [Note(number=number, data=bytes(50000)) for number in range(3)]
            await see.wait(f"aio {name}, a stream up", stub.Up(iter(notes)))
            await see.wait(f"aio {name}, both", kept(stub.Both(iter(notes)), []))
        async with aio.insecure_channel(TARGET) as open_channel:
            stub = notes_pb2_grpc.NotesStub(open_channel)
            await see.wait(f"aio {name} of one call", stub.One(Note(text="length", data=bytes(MIB)), compression=algorithm))


async def awaits(call):
    return await call


async def kept(call, notes):
    async for note in call:
        notes.append(note.number)
    return notes


async def streams(see, stub):
    call = stub.Down(Note(text="headers", number=3))
    await see.wait("aio down", kept(call, []))
    await see.status("aio down", call)
    see.fact("aio down", "after", [call.done(), call.cancelled(), call.cancel()])
    notes = []
    await see.wait("aio down that is aborted", kept(stub.Down(Note(text="abort", number=3)), notes))
    see.fact("aio down that is aborted", "before", notes)
    call = stub.Down(Note(number=2))
    see.fact("aio down by read()", "responses", [(await call.read()).number, (await call.read()).number,
                                                 await call.read() is aio.EOF, await call.read() is aio.EOF])
    call = stub.Down(Note(number=2))
    await call.read()
    see.call("aio down, read() and iteration", call.__aiter__)
    call = stub.Down(Note(text="count", number=100, data=bytes(100000)))
    see.fact("aio down of 10 MB", "responses", len(await kept(call, [])))
    call = stub.Down(Note(text=f"wait aio4{RUN}"))
    see.fact("aio down, cancelled", "first", (await call.read()).number)
    see.fact("aio down, cancelled", "cancel()", [call.cancel(), call.cancelled(), call.done()])
    await see.wait("aio down, cancelled", call.read())
    await see.wait("aio down, cancelled, seen by the servicer", stub.One(Note(text=f"ended aio4{RUN}")))
    call = stub.Down(Note(text=f"wait aio5{RUN}"))
    await call.read()
    del call
    gc.collect()
    await see.wait("aio down, dropped, seen by the servicer", stub.One(Note(text=f"ended aio5{RUN}")))
    await see.wait("aio down past its deadline", kept(stub.Down(Note(text=f"wait aio6{RUN}"), timeout=0.5), []))

    async def some(count):
        for number in range(count):
            yield Note(number=number)

    async def fails():
        yield Note(number=1)
        raise ValueError("raised on purpose")

    await see.wait("aio up", stub.Up(some(5)))
    await see.wait("aio up of a plain iterator", stub.Up(iter([Note(number=9)])))
    await see.wait("aio up of a list", stub.Up([Note(number=9), Note(number=1)]))
    await see.wait("aio up, an iterator that raises", stub.Up(fails()))
    call = stub.Up()
    await call.write(Note(number=3))
    await call.write(Note(number=4))
    await call.done_writing()
    await call.done_writing()
    await see.wait("aio up by write()", call)
    await see.status("aio up by write()", call)
    await see.wait("aio up, write() after the end", call.write(Note()))
    call = stub.Up()
    await call.done_writing()
    try:
        await call.write(Note())
    except asyncio.InvalidStateError:
        # It may have its answer already: the message is that of one or the other.
        see.fact("aio up, write() after done_writing()", "is refused", True)
    call = stub.Up(some(1))
    await see.wait("aio up, write() beside an iterator", call.write(Note()))
    await call
    await see.wait("aio up, aborted", stub.Up([Note(text="abort")]))

    await see.wait("aio both", kept(stub.Both(some(5)), []))
    call = stub.Both()
    got = []
    for number in range(30):
        await call.write(Note(number=number))
        got.append((await call.read()).number)
    see.fact("aio both, in turn", "responses", got)
    await call.done_writing()
    see.fact("aio both, in turn", "end", [(await call.read()).text, await call.read() is aio.EOF])
    await see.status("aio both, in turn", call)
    see.fact("aio both", "is", [isinstance(call, aio.StreamStreamCall), type(call).__name__])
    await see.wait("aio both past its deadline", kept(stub.Both(timeout=0.5), []))


class Adds(aio.UnaryUnaryClientInterceptor):
    def __init__(self, word, told):
        self._word, self._told = word, told

    async def intercept_unary_unary(self, continuation, client_call_details, request):
        self._told.append([self._word, type(client_call_details).__name__, bytes(client_call_details.method).decode(),
                           own(client_call_details.metadata)])
        client_call_details.metadata.add("x-by", self._word)
        call = await continuation(client_call_details, request)
        self._told.append([self._word, isinstance(call, aio.UnaryUnaryCall)])
        return call


class Answers(aio.UnaryUnaryClientInterceptor):
    async def intercept_unary_unary(self, continuation, client_call_details, request):
        if request.text == "here":
            return Note(text="answered here")
        if request.text == "raise here":
            raise ValueError("raised by the interceptor")
        call = await continuation(client_call_details, request)
        if await call.code() is grpc.StatusCode.ABORTED:
            return await continuation(client_call_details, Note(text="a second try"))
        return call


class Doubles(aio.UnaryStreamClientInterceptor):
    async def intercept_unary_stream(self, continuation, client_call_details, request):
        call = await continuation(client_call_details, request)

        async def doubled():
            async for note in call:
                note.number *= 2
                yield note
        return doubled()


class Passes(aio.StreamUnaryClientInterceptor):
    async def intercept_stream_unary(self, continuation, client_call_details, request_iterator):
        return await continuation(client_call_details, request_iterator)


class PassesBoth(aio.StreamStreamClientInterceptor):
    async def intercept_stream_stream(self, continuation, client_call_details, request_iterator):
        return await continuation(client_call_details, request_iterator)


async def interceptors(see):
    told = []
    async with aio.insecure_channel(TARGET, interceptors=[Adds("first", told), Adds("second", told), Doubles(),
                                                          Passes(), PassesBoth()]) as both:
        stub = notes_pb2_grpc.NotesStub(both)
        call = stub.One(Note(text="metadata"))
        see.fact("aio intercepted", "before", [call.done(), call.cancelled(), isinstance(call, aio.UnaryUnaryCall)])
        see.fact("aio intercepted", "answer", parsed(await call))
        see.fact("aio intercepted", "told", told)
        await see.status("aio intercepted", call)
        see.fact("aio intercepted", "after", [call.done(), call.cancelled(), call.cancel()])
        await see.wait("aio intercepted, an error", stub.One(Note(text="abort NOT_FOUND x")))
        call = stub.One(Note(text=f"wait aio7{RUN}"))
        await asyncio.sleep(0.1)
        see.fact("aio intercepted, cancelled", "cancel()", [call.cancel()])
        await see.wait("aio intercepted, cancelled", call)
        await see.wait("aio intercepted down", kept(stub.Down(Note(number=4)), []))
        await see.wait("aio intercepted up", stub.Up([Note(number=4)]))
        call = stub.Up()
        await call.write(Note(number=5))
        await call.done_writing()
        await see.wait("aio intercepted up by write()", call)
        await see.wait("aio intercepted both", kept(stub.Both([Note(number=4)]), []))
    async with aio.insecure_channel(TARGET, interceptors=[Answers()]) as answers:
        stub = notes_pb2_grpc.NotesStub(answers)
        await see.wait("aio, an interceptor that answers", stub.One(Note(text="here")))
        await see.wait("aio, an interceptor that retries", stub.One(Note(text="abort ABORTED x")))
        await see.wait("aio, an interceptor that raises", stub.One(Note(text="raise here")))
    see.call("aio, no interceptor", lambda: aio.insecure_channel(TARGET, interceptors=[5]) and None)


async def channels(see):
    ours = aio.insecure_channel(TARGET)
    see.fact("aio channel", "state", str(ours.get_state()))
    await asyncio.wait_for(ours.channel_ready(), PATIENCE)
    see.fact("aio channel", "ready", str(ours.get_state()))
    stub = notes_pb2_grpc.NotesStub(ours)
    await see.wait("aio channel", stub.One(Note(text="echo")))
    call = stub.Down(Note(text=f"wait aio8{RUN}"))
    await call.read()
    await ours.close()
    see.call("aio channel, closed", stub.One, Note())
    see.fact("aio channel, closed", "state", str(ours.get_state()))
    async with aio.insecure_channel("127.0.0.1:9") as nobody:
        await see.wait("aio, nobody listens", nobody.unary_unary("/a/b")(b""))
        await see.wait("aio, nobody listens, wait_for_ready", nobody.unary_unary("/a/b")(b"", wait_for_ready=True,
                                                                                       timeout=1))


async def crowd(see, stub):
    """More at once than the host has calls open for one guest."""
    answers = await asyncio.gather(*(stub.One(Note(text="metadata"), timeout=PATIENCE) for _ in range(300)))
    see.fact("aio, 300 calls gathered", "answers", len([parsed(answer) for answer in answers]))


async def everything(see):
    async with aio.insecure_channel(TARGET) as open_channel:
        stub = notes_pb2_grpc.NotesStub(open_channel)
        await unary(see, stub, open_channel)
        await packed(see)
        await streams(see, stub)
        await crowd(see, stub)
    await interceptors(see)
    await channels(see)


def run(see):
    see = See(see)
    metadata_class(see)
    asyncio.run(everything(see))
