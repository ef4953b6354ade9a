# SPDX-License-Identifier: GPL-2.0-only
"""Unary calls: answers, metadata, statuses, deadlines, sizes."""
import os
import signal
import threading

import grpc
from grpc_facts import PATIENCE, RUN, SOON, TARGET, Facts, channel, parsed, plain
import notes_pb2_grpc
from notes_pb2 import Note

MIB = 1 << 20


def names(see):
    see.fact("names", "missing", [name for name in (
        "FutureTimeoutError FutureCancelledError Future ChannelConnectivity StatusCode Status RpcError RpcContext Call "
        "ChannelCredentials CallCredentials AuthMetadataContext AuthMetadataPluginCallback AuthMetadataPlugin "
        "Compression ClientCallDetails ServerCertificateConfiguration ServerCredentials LocalConnectionType "
        "UnaryUnaryMultiCallable Channel ServicerContext RpcMethodHandler HandlerCallDetails GenericRpcHandler "
        "ServiceRpcHandler Server ServerInterceptor insecure_channel secure_channel intercept_channel server protos "
        "services protos_and_services aio").split() if not hasattr(grpc, name)])
    see.fact("names", "__all__", sorted(grpc.__all__))
    see.fact("names", "__version__", grpc.__version__)
    for enum in (grpc.StatusCode, grpc.ChannelConnectivity, grpc.Compression, grpc.LocalConnectionType):
        see.fact(f"enum {enum.__name__}", "members", [[member.name, plain(member.value)] for member in enum])
    for name in ("Future", "Call", "RpcContext", "Channel", "ServicerContext", "Server", "GenericRpcHandler",
                 "ServiceRpcHandler", "ServerInterceptor", "UnaryUnaryMultiCallable", "RpcMethodHandler"):
        cls = getattr(grpc, name)
        see.fact(f"class {name}", "bases", [base.__name__ for base in cls.__mro__])
        see.fact(f"class {name}", "abstract", sorted(cls.__abstractmethods__))
    with channel() as open_channel:
        see.fact("channel", "is a grpc.Channel", isinstance(open_channel, grpc.Channel))
        method = open_channel.unary_unary("/nexus.test.Raw/Echo")
        see.fact("callable", "is its interface's", isinstance(method, grpc.UnaryUnaryMultiCallable))


def answers(see, stub, raw):
    see.call("echo", stub.One, Note(text="echo", number=-5, data=b"\0\1"))
    see.call("echo of nothing", raw("Echo"), b"")
    see.call("echo of bytes", raw("Echo"), b"abc\0")
    see.call("a long text", lambda: len(stub.One(Note(text="echo " + "\u00fc" * 70000)).text))
    answer, call = stub.One.with_call(Note(text="metadata"), metadata=(
        ("x-a", "1"), ("x-a", "2"), ("x-b-bin", b"\0\xff"), ("x-empty", ""), ("x-space", "a  b")))
    see.fact("with_call", "answer", parsed(answer))
    see.status("with_call", call)
    see.fact("with_call", "class", type(call).__name__)
    see.fact("with_call", "is", [isinstance(call, cls) for cls in (grpc.Call, grpc.Future, grpc.RpcError)])
    see.fact("with_call", "state", [call.is_active(), call.done(), call.running(), call.cancelled(), call.cancel(),
                                    call.time_remaining(), call.add_callback(print)])
    see.fact("with_call", "text", str(call))
    see.fact("with_call", "pair", [call.trailing_metadata()[0].key, call.trailing_metadata()[0].value])
    see.call("metadata as a list", lambda: parsed(stub.One(Note(text="metadata"), metadata=[("x-a", "1")])))
    see.call("a serializer that fails", raw("Echo", grpc.StatusCode), b"x")
    see.call("a deserializer that fails", raw("Echo", None, grpc.StatusCode), b"x")
    see.call("None is no request", raw("Echo", lambda request: None), b"x")
    for name, metadata in (("upper case", (("X-Up", "1"),)), ("a line feed", (("x-a", "1\n2"),)),
                           ("an odd key", (("x a", "1"),)), ("a pseudo header", ((":path", "/"),)),
                           ("no text", (("x-a", "\u00fc"),))):
        error = see.call(f"metadata with {name}", stub.One, Note(), metadata=metadata)
        see.fact(f"metadata with {name}", "is a ValueError", isinstance(error, ValueError))
    see.call("metadata that is no pair", stub.One, Note(), metadata=(("x-a",),))
    see.call("metadata of a number", stub.One, Note(), metadata=(("x-a", 1),))
    see.call("compression", stub.One, Note(text="echo"), compression=grpc.Compression.Gzip)
    see.call("wait_for_ready", stub.One, Note(text="echo"), wait_for_ready=True, timeout=PATIENCE)


def statuses(see, stub, raw):
    for code in grpc.StatusCode:
        if code is not grpc.StatusCode.OK:
            see.call(f"abort {code.name}", stub.One, Note(text=f"abort {code.name} for a reason: 100 % \u00fc"))
    see.call("abort OK", stub.One, Note(text="abort OK x"))
    see.call("abort without details", stub.One, Note(text="abort NOT_FOUND"))
    see.call("abort_with_status", stub.One, Note(text="status"))
    see.call("set_code", stub.One, Note(text="set ALREADY_EXISTS there it is"))
    see.call("set_code OK", stub.One, Note(text="set OK with details"))
    see.call("an odd code", stub.One, Note(text="odd"))
    see.call("a servicer that raises", stub.One, Note(text="raise"))
    see.call("that raises with a code", stub.One, Note(text="raise_set"))
    see.call("that returns None", stub.One, Note(text="none"))
    see.call("that sends headers twice", stub.One, Note(text="twice"))
    see.call("that cancels", stub.One, Note(text="cancel"))
    see.call("its context", lambda: parsed(stub.One(Note(text="context"), metadata=(("x-a", "1"), ("x-b-bin", b"2")))))
    see.call("its user-agent", stub.One, Note(text="agent"))
    see.call("its context and a deadline", lambda: parsed(stub.One(Note(text="context"), timeout=PATIENCE)))
    see.call("no such method", raw("None"), b"")
    see.call("no such service", raw("x", service="nexus.test.None"), b"")
    see.call("an unreadable request", raw("Unreadable"), b"x")
    see.call("an unwritable response", raw("Unwritable"), b"x")
    see.call("no response", raw("Empty"), b"x")
    for guard in ("refuse", "raise", "wrap"):
        see.call(f"a server's interceptor: {guard}", stub.One, Note(text="echo"), metadata=(("x-guard", guard),))


def deadlines(see, stub):
    see.call("a deadline that was", stub.One, Note(text="echo"), timeout=-1)
    error = see.call("a deadline", stub.One, Note(text=f"wait deadline{RUN}"), timeout=SOON)
    see.fact("a deadline", "is a future's exception", error.exception() is error)
    see.call("a deadline, seen by the servicer", stub.One, Note(text=f"ended deadline{RUN}"))
    see.call("time enough", stub.One, Note(text="echo"), timeout=PATIENCE)
    see.call("a timeout that is a text", stub.One, Note(), timeout="1")


def interrupted(see, name, stub, key, function):
    """Ctrl-C, once the call that function makes has reached the servicer."""
    def press():
        stub.One(Note(text=f"began {key}"))
        os.kill(os.getpid(), signal.SIGINT)

    presser = threading.Thread(target=press)
    presser.start()
    try:
        see.call(name, function)
    except KeyboardInterrupt as error:
        see.fact(name, "interrupted", type(error).__name__)
    presser.join()


def interrupts(see, stub):
    interrupted(see, "Ctrl-C in a call", stub, f"int1{RUN}", lambda: stub.One(Note(text=f"wait int1{RUN}")))
    see.call("Ctrl-C in a call, seen by the servicer", stub.One, Note(text=f"ended int1{RUN}"))
    call = stub.One.future(Note(text=f"wait int2{RUN}"))
    interrupted(see, "Ctrl-C in result()", stub, f"int2{RUN}", call.result)
    see.fact("Ctrl-C in result()", "the call goes on", [call.done(), call.cancel()])
    see.call("a call after them", stub.One, Note(text="echo"))


def sizes(see, stub, raw):
    echo = raw("Echo")
    for size in (1, 16383, 16384, 65536, 4 * MIB - 1, 4 * MIB):
        see.call(f"{size} bytes", echo, bytes(size))
    see.call("one byte more than 4 MiB", echo, bytes(4 * MIB + 1))
    see.call("more than the channel takes", stub.One, Note(text=f"size {5 * MIB}"))
    see.call("more is sent than 4 MiB", stub.One, Note(text="length", data=bytes(8 * MIB)))
    with channel(max_receive_message_length=9 * MIB, max_send_message_length=9 * MIB) as wide:
        stub = notes_pb2_grpc.NotesStub(wide)
        see.call("8 MiB by options", wide.unary_unary("/nexus.test.Raw/Echo"), bytes(8 * MIB))
        see.call("more than the options say", stub.One, Note(text=f"size {9 * MIB}"))
        see.call("more is sent than the options say", wide.unary_unary("/nexus.test.Raw/Echo"), bytes(9 * MIB + 1))
    with channel(max_receive_message_length=-1) as unlimited:
        see.call("no limit", notes_pb2_grpc.NotesStub(unlimited).One, Note(text=f"size {20 * MIB}"))
    with channel(max_receive_message_length=10) as narrow:
        see.call("10 bytes", narrow.unary_unary("/nexus.test.Raw/Echo"), bytes(10))
        see.call("11 bytes of 10", narrow.unary_unary("/nexus.test.Raw/Echo"), bytes(11))


def compression(see):
    for name in ("Gzip", "Deflate", "NoCompression"):
        algorithm = grpc.Compression[name]
        with grpc.insecure_channel(TARGET, compression=algorithm) as packed:
            stub = notes_pb2_grpc.NotesStub(packed)
            see.call(f"{name}, a request", stub.One, Note(text="length", data=bytes(MIB)))
            see.call(f"{name}, a short one", stub.One, Note(text="length"))
            see.call(f"{name}, an empty one", packed.unary_unary("/nexus.test.Raw/Echo"), b"")
            see.call(f"{name}, a future", lambda: stub.One.future(Note(text="length", data=bytes(MIB))).result())
            see.call(f"{name}, both ways", stub.One, Note(text=f"packed {name} 100000", data=bytes(MIB)))
            see.call(f"{name}, a stream up", stub.Up, (Note(number=number, data=bytes(50000)) for number in range(5)))
            see.fact(f"{name}, both", "responses",
                     [note.number for note in stub.Both(Note(number=number, data=bytes(50000)) for number in range(5))])
            see.call(f"{name}, and none for one call", stub.One, Note(text="length", data=bytes(MIB)),
                     compression=grpc.Compression.NoCompression)
        with channel() as plain:
            see.call(f"{name} of an answer", notes_pb2_grpc.NotesStub(plain).One, Note(text=f"packed {name} 100000"))
    with channel(default_compression_algorithm=2) as packed:
        see.call("compression by options", notes_pb2_grpc.NotesStub(packed).One, Note(text="length", data=bytes(MIB)))
    with channel() as plain:
        stub = notes_pb2_grpc.NotesStub(plain)
        see.fact("a compressed stream", "responses", [[note.number, len(note.data)] for note in stub.Down(
            Note(text="packed", number=3, data=bytes(10000)))])
        see.call("a large answer, compressed", stub.One, Note(text=f"packed Gzip {4 * MIB - 100}"))
        see.call("larger than the channel takes, compressed", stub.One, Note(text=f"packed Gzip {5 * MIB}"))
        see.call("a large request, compressed", stub.One, Note(text="length", data=bytes(9 * MIB)),
                 compression=grpc.Compression.Gzip)
    with channel(default_authority="example.test", primary_user_agent="an-agent/1.0") as named:
        see.call("an authority and an agent", notes_pb2_grpc.NotesStub(named).One, Note(text="named"))


def channels(see):
    closed = channel()
    stub = notes_pb2_grpc.NotesStub(closed)
    stub.One(Note())
    closed.close()
    see.call("a closed channel", stub.One, Note())
    see.call("nobody listens", grpc.insecure_channel("127.0.0.1:9").unary_unary("/a/b"), b"")
    see.call("nobody listens, wait_for_ready", grpc.insecure_channel("127.0.0.1:9").unary_unary("/a/b"), b"",
             wait_for_ready=True, timeout=1)
    with grpc.insecure_channel(f"dns:///{TARGET}") as named:
        see.call("a dns:/// target", named.unary_unary("/nexus.test.Raw/Echo"), b"x")
    with grpc.insecure_channel(f"ipv4:{TARGET}") as named:
        see.call("an ipv4: target", named.unary_unary("/nexus.test.Raw/Echo"), b"x")
    with channel(default_authority="other.example") as named:
        see.call("another authority", named.unary_unary("/nexus.test.Raw/Echo"), b"x")
    with channel() as plain_channel:
        see.call("a method by bytes", plain_channel.unary_unary(b"/nexus.test.Raw/Echo"), b"x")


def run(see):
    see = Facts(see)
    names(see)
    with channel() as open_channel:
        stub = notes_pb2_grpc.NotesStub(open_channel)

        def raw(method, serializer=None, deserializer=None, service="nexus.test.Raw"):
            return open_channel.unary_unary(f"/{service}/{method}", serializer, deserializer)

        answers(see, stub, raw)
        statuses(see, stub, raw)
        deadlines(see, stub)
        interrupts(see, stub)
        sizes(see, stub, raw)
    compression(see)
    channels(see)
