#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""gRPC calls of a guest, against a server of Debian's grpcio. Prints TAP.

usage: grpc_calls.py DIRECTORY KEY CERTIFICATE    (DIRECTORY has rpc.sock, closed.sock, secure.sock)
"""
import os
import signal
import socket
import sys
import threading
import time
import zlib

import _nexus
from grpc_peer import SERVICE, Peer
from tap import Tap

WORK, KEY, CERTIFICATE = sys.argv[1:]
tap = Tap()
equal = tap.equal


def method(name):
    return f"/{SERVICE}/{name}"


def everything(rpc):
    """The messages, and the end."""
    messages = []
    while True:
        got = rpc.receive()
        if got[0] == "message":
            messages.append(got[1])
        elif got[0] == "end":
            return messages, got


def unary(nx, peer, target):
    status, details, initial, trailing, answer = nx.rpc_call(
        target, method("Echo"), b"hello", metadata=(("a", "b"), ("a", "c"), ("x-bin", b"\0\1\xfe\xff")), timeout_ms=30000)
    equal((status, details, answer), (0, "", b"hello"), "a unary call")
    equal(peer.metadata["a"], ["b", "c"], "its metadata arrive, in their order")
    equal(peer.metadata["x-bin"], [b"\0\1\xfe\xff"], "and binary ones")
    equal([pair for pair in initial if pair[0].startswith("first")],
          [("first", "one"), ("first-bin", bytes(range(256)))], "initial metadata come back")
    equal(trailing, (("last", "two"), ("last-bin", b"\0\xff")), "and trailing ones")
    equal(nx.rpc_call(f"dns:///{target}", method("Echo"), b"")[::4], (0, b""), "an empty message, a dns:/// target")
    for size in 4091, 4092, 32 * 1024 - 1, 32 * 1024, 65530, 65531, 256 * 1024 + 1, 4 << 20:
        data = os.urandom(size)
        status, details, initial, trailing, answer = nx.rpc_call(target, method("Echo"), data)
        equal((status, answer == data, trailing[-1:]), (0, True, (("last-bin", b"\0\xff"),)), f"{size} bytes there and back")
    equal(nx.rpc_call(target, method("Echo"), bytes((4 << 20) + 1))[0], 8, "a larger answer is RESOURCE_EXHAUSTED")
    equal(len(nx.rpc_call(target, method("Echo"), bytes(9 << 20), max_message=10 << 20)[4]), 9 << 20,
          "unless the call says that it may come")
    status, details, initial, trailing, answer = nx.rpc_call(target, method("Fail"), "näh % \n".encode())
    equal((status, details, trailing, answer), (5, "näh % \n", (("why", "because"),), None), "a status with details")
    equal(nx.rpc_call(target, method("Nothing"), b"")[0], 12, "an unknown method is UNIMPLEMENTED")
    status, details = nx.rpc_call(target, method("Sleep"), b"", timeout_ms=300)[:2]
    equal(status, 4, "a deadline that passes")
    equal(peer.cancelled.wait(30), True, "cancels the call on the server")
    equal(peer.remaining is not None and peer.remaining <= 0.31, True, "which was told the deadline")


def streams(nx, peer, target):
    for size in 0, 1, 16 * 1024, 100000:
        rpc = nx.rpc_start(target, method("Split"))
        equal(rpc.send(str(size).encode(), end=True), True, f"server streaming, {size} bytes each")
        equal(rpc.receive()[0], "initial", "initial metadata come first")
        messages, end = everything(rpc)
        equal((messages == [bytes([i]) * size for i in range(10)], end), (True, ("end", 0, "", ())), "then the messages")
        equal(rpc.receive(), end, "the end stays")
    rpc = nx.rpc_start(target, method("Join"))
    pieces = [os.urandom(n * 7919) for n in range(30)]
    equal(all([rpc.send(piece) for piece in pieces]), True, "client streaming")
    rpc.send(None, end=True)
    messages, end = everything(rpc)
    equal((messages == [b"".join(pieces)], end[1]), (True, 0), "all of it arrived")
    rpc = nx.rpc_start(target, method("Chat"))
    said = []
    for word in b"one", b"two", b"three":
        rpc.send(word)
        got = rpc.receive()
        said.append((got if got[0] == "message" else rpc.receive())[1])
    equal(said, [b"ONE", b"TWO", b"THREE"], "both directions in turn")
    equal(rpc.send(b"", end=True), True, "a last message, empty")
    equal(everything(rpc), ([b""], ("end", 0, "", ())), "is answered, and ends it")
    rpc = nx.rpc_start(target, method("Chat"))
    sender = threading.Thread(target=lambda: [rpc.send(bytes([97 + i % 26]) * 5000, end=i == 199) for i in range(200)])
    sender.start()
    messages, end = everything(rpc)
    sender.join()
    equal((messages == [bytes([65 + i % 26]) * 5000 for i in range(200)], end[1]), (True, 0), "both directions at once")


def ends(nx, peer, target):
    rpc = nx.rpc_start(target, method("Forever"))
    rpc.send(b"", end=True)
    equal([rpc.receive()[0] for _ in range(4)], ["initial", "message", "message", "message"], "a stream without an end")
    rpc.cancel()
    messages, end = everything(rpc)
    equal(end[1], 1, "a cancelled call ends so")
    equal(peer.cancelled.wait(30), True, "on the server too")
    rpc = nx.rpc_start(target, method("Chat"))
    done = []
    receiver = threading.Thread(target=lambda: done.append(everything(rpc)))
    receiver.start()
    rpc.send(b"x")
    rpc.cancel()
    receiver.join(30)
    equal(done[0][1][1] if done else None, 1, "who waits meanwhile is told")
    equal(rpc.send(b"y"), False, "and nothing more is taken")
    rpc = nx.rpc_start(target, method("Forever"), timeout_ms=500)
    rpc.send(b"", end=True)
    equal(everything(rpc)[1][1], 4, "a stream's deadline")
    peer.cancelled.clear()
    rpc = nx.rpc_start(target, method("Forever"))
    rpc.send(b"", end=True)
    rpc.receive()
    del rpc
    equal(peer.cancelled.wait(30), True, "an object that goes ends its call")


def interrupts(nx, peer, target):
    """Ctrl-C ends a wait, and loses nothing."""
    def press():
        peer.began.wait(120)
        os.kill(os.getpid(), signal.SIGINT)

    def pressed(function, *args):
        presser = threading.Thread(target=press)
        try:
            # It may press at once.
            presser.start()
            return function(*args)
        except KeyboardInterrupt:
            return "interrupted"
        finally:
            presser.join()

    for event in peer.began, peer.cancelled:
        event.clear()
    equal(pressed(nx.rpc_call, target, method("Sleep"), b""), "interrupted", "Ctrl-C in a unary call")
    equal(peer.cancelled.wait(60), True, "ends it on the server too")
    for event in peer.began, peer.cancelled:
        event.clear()
    sleeping = nx.rpc_start(target, method("Sleep"))
    sleeping.send(b"", end=True)
    rpc = nx.rpc_start(target, method("Chat"))
    equal(pressed(rpc.receive), "interrupted", "Ctrl-C while nothing comes")
    rpc.send(b"one")
    rpc.send(b"two", end=True)
    equal([rpc.receive() for _ in range(4)][1:], [("message", b"ONE"), ("message", b"TWO"), ("end", 0, "", ())],
          "what comes later is not lost")
    sleeping.cancel()


def many(nx, peer, target):
    peer.peers.clear()
    results = []
    rpcs = [nx.rpc_start(target, method("Chat")) for _ in range(20)]
    for i, rpc in enumerate(rpcs):
        rpc.send(b"%d" % i)
    threads = [threading.Thread(target=lambda i=i: results.append(nx.rpc_call(target, method("Echo"), b"%d" % i)[::4]))
               for i in range(15)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    equal(sorted(results), sorted((0, b"%d" % i) for i in range(15)), "unary calls beside 20 open streams")
    for rpc in rpcs:
        rpc.send(None, end=True)
    equal([everything(rpc)[0] for rpc in rpcs], [[b"%d" % i] for i in range(20)], "which go on")
    equal(len(peer.peers), 1, "all of it on one connection")
    rpcs = [nx.rpc_start(target, method("Chat")) for _ in range(140)]
    equal(sum(rpc.receive()[0:2] == ("end", 8) for rpc in rpcs[128:]), 12, "more handles than the limit are RESOURCE_EXHAUSTED")
    for rpc in rpcs:
        rpc.close()


def refusals(nx, peer, target):
    status, details = nx.rpc_call("127.0.0.1:1", method("Echo"), b"")[:2]
    equal((status, "failed to connect" in details), (14, True), "nobody listens: UNAVAILABLE")
    status, details = nx.rpc_call("localhost:1", method("Echo"), b"")[:2]
    equal((status, "http_hosts" in details), (7, True), "a host that is not allowed: PERMISSION_DENIED, and what to do")
    closed = _nexus.Channel(f"unix:{WORK}/closed.sock")
    status, details = closed.rpc_call(target, method("Echo"), b"")[:2]
    equal((status, "http_networks" in details), (7, True), "an address that is not allowed too")
    rpc = closed.rpc_start(target, method("Chat"))
    equal(rpc.receive()[:2], ("end", 7), "a stream learns it first thing")
    for metadata in (("UPPER", "x"),), (("grpc-x", "x"),), ((":path", "x"),), (("a", "\n"),), (("te", "x"),):
        equal(nx.rpc_call(target, method("Echo"), b"", metadata=metadata)[0], 13, f"metadata {metadata} are refused")
    equal(nx.rpc_call(target, method("Echo"), b"", metadata=(("a", "x" * 9000),))[0], 8, "so is too much of it")
    equal(nx.rpc_call(target, "Echo", b"")[0], 13, "a method without a service")
    equal(nx.rpc_call("user@host:1", method("Echo"), b"")[0], 13, "a target that is none")


def secure(target_port):
    nx = _nexus.Channel(f"unix:{WORK}/secure.sock")
    data = os.urandom(1 << 20)
    status, details, initial, trailing, answer = nx.rpc_call(f"127.0.0.1:{target_port}", method("Echo"), data, tls=True)
    equal((status, details, answer == data), (0, "", True), "over TLS, with the tenant's CA")
    other = _nexus.Channel(f"unix:{WORK}/rpc.sock")
    equal(other.rpc_call(f"127.0.0.1:{target_port}", method("Echo"), b"", tls=True)[0], 14, "not without it")


def restart(nx, peer):
    """A server that goes says so (GOAWAY); calls find the next one."""
    target = f"127.0.0.1:{peer.port}"
    open_one = nx.rpc_start(target, method("Chat"))
    open_one.send(b"a")
    equal([open_one.receive()[0] for _ in range(2)], ["initial", "message"], "a call is open")
    peer.server.stop(0).wait()
    equal(everything(open_one)[1][1] in (1, 14), True, "and ends with its server")
    equal(nx.rpc_call(target, method("Echo"), b"")[0], 14, "which nobody answers for now")


def compressed(nx):
    import grpc
    peer = Peer(compression=grpc.Compression.Gzip)
    target, data = f"127.0.0.1:{peer.port}", bytes(100000)
    equal(nx.rpc_call(target, method("Echo"), data)[0], 13, "a server that compresses though nobody takes it")
    *_, packed, encoding = nx.rpc_call(target, method("Echo"), data, takes_compressed=True)
    equal((len(packed) < 1000, encoding, zlib.decompress(packed, 31) == data), (True, "gzip", True),
          "one that is taken: what comes is as it was sent")
    plain = Peer()
    equal(nx.rpc_call(f"127.0.0.1:{plain.port}", method("Echo"), packed, encoding="gzip")[::4], (0, data), "a compressed request")
    equal(nx.rpc_call(f"127.0.0.1:{plain.port}", method("Echo"), zlib.compress(data), encoding="deflate")[::4], (0, data),
          "by deflate too")
    plain.server.stop(0)
    equal(nx.rpc_call(target, method("Echo"), data, encoding="gzip")[0] in (2, 13), True, "one that is not what it says")
    equal(nx.rpc_call(target, method("Echo"), data, encoding="br")[0], 13, "another encoding")
    noise = os.urandom(100000)
    equal(nx.rpc_call(target, method("Echo"), noise, takes_compressed=True)[4:], (noise, ""), "what does not get smaller comes plain")
    rpc = nx.rpc_start(target, method("Chat"), encoding="gzip", takes_compressed=True)
    rpc.send(packed, compressed=True)
    rpc.send(b"plain", end=True)
    got = [rpc.receive() for _ in range(4)]
    equal([one[0] for one in got] + [one[2:] for one in got[1:3]],
          ["initial", "message", "message", "end", ("gzip",), ()], "a stream of both kinds")
    peer.server.stop(0)


def reload(text):
    """Another configuration."""
    with open(f"{WORK}/config/nexus.conf", "w") as file:
        file.write(text)
    with socket.socket(socket.AF_UNIX) as control:
        control.connect(f"{WORK}/control.sock")
        control.sendall(b'{"verb":"reload"}\n')
        control.makefile().readline()


def rules_change(nx, target):
    with open(f"{WORK}/config/nexus.conf") as file:
        text = file.read()
    equal(nx.rpc_call(target, method("Echo"), b"one")[0], 0, "a connection is there")
    reload(text.replace("http_networks = 127.0.0.0/8", "http_networks = 127.0.0.2"))
    status, details = nx.rpc_call(target, method("Echo"), b"two", timeout_ms=10000)[:2]
    equal((status, "127.0.0.1 is loopback" in details), (7, True), "but a reload closed the network where it leads")
    reload(text)
    equal(nx.rpc_call(target, method("Echo"), b"three")[0], 0, "and another one opens it")


def main():
    peer = Peer()
    with open(KEY, "rb") as key, open(CERTIFICATE, "rb") as certificate:
        tls = Peer(tls=(key.read(), certificate.read()))
    target = f"127.0.0.1:{peer.port}"
    nx = _nexus.Channel(f"unix:{WORK}/rpc.sock", slots=256)
    for part in unary, streams, ends, interrupts, many, refusals:
        part(nx, peer, target)
    secure(tls.port)
    compressed(nx)
    rules_change(nx, target)
    restart(nx, peer)
    tls.server.stop(0)
    return tap.done()


sys.exit(main())
