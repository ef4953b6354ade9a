#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Peers that break HTTP/2 and gRPC, on both sides of the daemon. Prints TAP.

usage: grpc_hostile.py HOST:PORT TARGET    (where it serves callers; a guest's socket)
"""
import random
import socket
import struct
import sys
import threading

import grpc

import _nexus
from tap import Tap

ADDRESS, TARGET = sys.argv[1:]
HOST, PORT = ADDRESS.split(":")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
tap = Tap()
equal = tap.equal


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def literal(name, value):
    """A header field of HPACK, not indexed, not compressed; up to 126 bytes each."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request(path=b"/a.B/C", **more):
    fields = {b":method": b"POST", b":scheme": b"http", b":path": path, b"content-type": b"application/grpc"}
    fields.update({name.replace("_", "-").encode(): value for name, value in more.items()})
    return b"".join(literal(name, value) for name, value in fields.items())


def answer(**more):
    fields = {b":status": b"200", b"content-type": b"application/grpc"}
    fields.update({name.replace("_", "-").encode(): value for name, value in more.items()})
    return b"".join(literal(name, value) for name, value in fields.items())


def alive():
    """A good caller is answered."""
    with grpc.insecure_channel(ADDRESS) as channel:
        try:
            channel.unary_unary("/nobodys.Service/Method")(b"", timeout=60)
        except grpc.RpcError as error:
            return error.code() == grpc.StatusCode.UNIMPLEMENTED
    return False


def caller(data):
    """Send it, read until the daemon hangs up or has nothing to say."""
    with socket.create_connection((HOST, int(PORT))) as peer:
        peer.settimeout(1)
        try:
            peer.sendall(data)
            peer.shutdown(socket.SHUT_WR)
            while peer.recv(65536):
                pass
        except OSError:
            pass


def callers():
    good = PREFACE + frame(SETTINGS, 0, 0)
    rng = random.Random(1)
    attacks = {
        "nothing": b"",
        "noise": rng.randbytes(10000),
        "HTTP/1.1": b"POST /a.B/C HTTP/1.1\r\nHost: x\r\n\r\n",
        "a frame that is too long": good + b"\xff\xff\xff\0\0\0\0\0\1" + bytes(100000),
        "data without a stream": good + frame(DATA, 0, 1, b"x"),
        "an even stream": good + frame(HEADERS, 5, 2, request()),
        "headers that do not end": good + frame(HEADERS, 0, 1, request()) + frame(DATA, 0, 1, b"x"),
        "continuations without an end": good + frame(HEADERS, 0, 1, request()) + frame(CONTINUATION, 0, 1, literal(b"a", b"x" * 100)) * 3000,
        "a table that is none": good + frame(HEADERS, 5, 1, b"\xff\xff\xff\xff\xff\xff"),
        "a window of zero": good + frame(HEADERS, 4, 1, request()) + frame(WINDOW, 0, 1, bytes(4)),
        "a window beyond the limit": good + frame(WINDOW, 0, 0, b"\x7f\xff\xff\xff") * 2,
        "settings without number": good + frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 1)) * 20000,
        "pings without number": good + frame(PING, 0, 0, bytes(8)) * 20000,
        "streams opened and reset": good + b"".join(
            frame(HEADERS, 4, i, request()) + frame(RST, 0, i, struct.pack(">I", 8)) for i in range(1, 6001, 2)),
        "more streams than are allowed": good + b"".join(frame(HEADERS, 4, i, request()) for i in range(1, 1001, 2)),
        "a push": good + frame(PUSH, 4, 1, struct.pack(">I", 2) + request()),
        "headers after the end": good + frame(HEADERS, 5, 1, request()) + frame(HEADERS, 5, 1, request()),
        "a wrong time-out": good + frame(HEADERS, 5, 1, request(grpc_timeout=b"99999999999S")),
        "a method that is none": good + frame(HEADERS, 5, 1, request(path=b"no path")),
        "much metadata": good + frame(HEADERS, 5, 1, request() + literal(b"a", b"x" * 120) * 130),
    }
    for name, data in attacks.items():
        caller(data)
        equal(alive(), True, f"a caller who sends {name}")
    equal(forgiven(), True, "the end of a call that was never begun ends no other")
    for seed in range(100):
        rng = random.Random(seed)
        frames = [frame(rng.randrange(11), rng.choice((0, 1, 4, 5, rng.randrange(256))), rng.choice((0, 1, 3, rng.randrange(1 << 31))),
                        rng.choice((request(), rng.randbytes(rng.randrange(40)), b"", bytes(4)))) for _ in range(30)]
        caller(good + b"".join(frames))
    equal(alive(), True, "frames by chance")


def forgiven():
    """A connection goes on after RST_STREAM for a stream that was not opened, wherever TCP cuts it. Not for one of the
    server's own."""
    idle = frame(RST, 0, 3, struct.pack(">I", 8))
    data = PREFACE + frame(SETTINGS, 0, 0) + idle + frame(HEADERS, 4, 1, request()) + idle
    for cut in range(len(data)):
        if not answered(data[:cut], data[cut:]):
            return False
    return not answered(PREFACE + frame(SETTINGS, 0, 0) + frame(RST, 0, 2, struct.pack(">I", 8)))


def answered(*pieces):
    """Whether a ping is answered after these bytes."""
    with socket.create_connection((HOST, int(PORT))) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(60)
        got = b""
        try:
            for piece in pieces:
                peer.sendall(piece)
            peer.sendall(frame(PING, 0, 0, b"are you?"))
            while data := peer.recv(65536):
                got += data
                if frame(PING, 1, 0, b"are you?") in got:
                    return True
        except OSError:
            pass
    return False


def server(*answers, wait=True):
    """A server of so many connections, which says its piece after the first bytes of a call; its address."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        with listener:
            for data in answers:
                serve_one(data)

    def serve_one(data):
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(60)
            try:
                got = b""
                while wait and b"/a.B/C" not in got and len(got) < 100:
                    got += peer.recv(65536)
                peer.sendall(data)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    return "127.0.0.1:%d" % listener.getsockname()[1]


def servers():
    nx = _nexus.Channel(TARGET)
    settings = frame(SETTINGS, 0, 0)
    end = literal(b"grpc-status", b"0")
    message = b"\0\0\0\0\2ok"
    rng = random.Random(2)
    answers = {
        "nothing": (b"", (14,)),
        "noise": (rng.randbytes(5000), (13, 14)),
        "HTTP/1.1": (b"HTTP/1.1 200 OK\r\n\r\n", (13, 14)),
        "a message, and a status": (settings + frame(HEADERS, 4, 1, answer()) + frame(DATA, 0, 1, message) + frame(HEADERS, 5, 1, end), (0,)),
        "no message": (settings + frame(HEADERS, 4, 1, answer()) + frame(HEADERS, 5, 1, end), (13,)),
        "two messages": (settings + frame(HEADERS, 4, 1, answer()) + frame(DATA, 0, 1, message * 2) + frame(HEADERS, 5, 1, end), (13,)),
        "half a message": (settings + frame(HEADERS, 4, 1, answer()) + frame(DATA, 0, 1, message[:-1]) + frame(HEADERS, 5, 1, end), (13,)),
        "no status": (settings + frame(HEADERS, 4, 1, answer()) + frame(DATA, 1, 1, message), (2,)),
        "a status that is none": (settings + frame(HEADERS, 5, 1, answer(grpc_status=b"-7")), (2,)),
        "a huge length": (settings + frame(HEADERS, 4, 1, answer()) + frame(DATA, 0, 1, b"\0\xff\xff\xff\xff"), (8,)),
        "a compressed message": (settings + frame(HEADERS, 4, 1, answer()) + frame(DATA, 0, 1, b"\1" + message[1:]), (13,)),
        "HTTP's 503": (settings + frame(HEADERS, 5, 1, literal(b":status", b"503")), (14,)),
        "no gRPC": (settings + frame(HEADERS, 5, 1, literal(b":status", b"200")), (2,)),
        "much metadata": (settings + frame(HEADERS, 4, 1, answer() + literal(b"a", b"x" * 120) * 130), (8,)),
        "more than the window": (settings + frame(HEADERS, 4, 1, answer()) + b"".join(frame(DATA, 0, 1, b"\0\0\x3f\xff\xff" + bytes(16000)) for _ in range(20)), (8, 13, 14)),
        "an error": (settings + frame(RST, 0, 1, struct.pack(">I", 11)), (8,)),
        "a refusal": (settings + frame(RST, 0, 1, struct.pack(">I", 7)), (14,)),
        "goodbye": (settings + frame(GOAWAY, 0, 0, struct.pack(">II", 0, 0)), (14,)),
    }
    for name, (data, statuses) in answers.items():
        got = nx.rpc_call(server(data), "/a.B/C", b"hello", timeout_ms=30000)
        equal(got[0] in statuses, True, f"a server that answers {name}: {got[0]} {got[1]!r:.60}")
    good = answers["a message, and a status"][0]
    refusal, goodbye = answers["a refusal"][0], answers["goodbye"][0]
    other_error = settings + frame(RST, 0, 1, struct.pack(">I", 2))
    for name, says, want in (
            ("a stream that is refused is sent again", (refusal, good), (0, b"ok")),
            ("one that a goodbye leaves out too", (goodbye, good), (0, b"ok")),
            ("but once only", (refusal, refusal, good), (14, None)),
            ("another error is not", (other_error, good), (13, None)),
            ("nor what has answered", (settings + frame(HEADERS, 4, 1, answer()) + frame(RST, 0, 1, struct.pack(">I", 7)), good),
             (14, None))):
        equal(nx.rpc_call(server(*says), "/a.B/C", b"hello", timeout_ms=120000)[::4], want, name)
    rpc = nx.rpc_start(server(refusal, good), "/a.B/C")
    rpc.send(b"hello", end=True)
    equal([rpc.receive()[0] for _ in range(3)], ["initial", "message", "end"], "a stream's call is sent again, too")
    for seed in range(60):
        rng = random.Random(seed)
        frames = [frame(rng.randrange(11), rng.choice((0, 1, 4, 5, rng.randrange(256))), rng.choice((0, 1, 1, 3)),
                        rng.choice((answer(), end, message, rng.randbytes(rng.randrange(40)), b"", bytes(4)))) for _ in range(30)]
        nx.rpc_call(server(settings + b"".join(frames)), "/a.B/C", b"hello", timeout_ms=30000)
    equal(nx.rpc_call(server(answers["a message, and a status"][0]), "/a.B/C", b"")[::4], (0, b"ok"), "frames by chance")


callers()
servers()
sys.exit(tap.done())
