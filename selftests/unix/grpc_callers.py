#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Callers of functions that serve gRPC, by Debian's grpcio. Prints TAP.

usage: grpc_callers.py ADDRESS TARGET NOTES SERVER...    (SERVER: the command of an instance, without TARGET and NOTES)
"""
import os
import subprocess
import sys
import threading
import time

import grpc

from tap import Tap

ADDRESS, TARGET, NOTES, *SERVER = sys.argv[1:]
tap = Tap()
equal = tap.equal
server = None


def start():
    return subprocess.Popen([*SERVER, TARGET, NOTES])


def noted(*texts):
    """Until the instance has noted one of them."""
    for _ in range(1200):
        if os.path.exists(NOTES) and any(text in open(NOTES).read() for text in texts):
            return True
        time.sleep(0.05)
    return False


def status(call):
    try:
        call()
    except grpc.RpcError as error:
        return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def unary(channel, name, service="nexus.test.Served"):
    return channel.unary_unary(f"/{service}/{name}")


def calls(channel):
    answer, call = unary(channel, "Echo").with_call(b"hello", metadata=(("x-a", "b"), ("x-c-bin", b"\xff\0")), timeout=30)
    equal(answer, b"hello", "a unary call")
    equal(dict(call.initial_metadata()), {"first": "one", "method": "/nexus.test.Served/Echo"}, "initial metadata")
    equal(list(map(tuple, call.trailing_metadata())), [("last-bin", b"\0\1"), ("x-a", "b"), ("x-c-bin", b"\xff\0")],
          "trailing metadata, the caller's among them")
    equal(unary(channel, "Info")(b"", timeout=30), b"ipv4 127.0.0.1 True", "peer, authority and deadline")
    for size in 0, 1, 65530, 65531, 300000, 3 << 20:
        data = os.urandom(size)
        equal(unary(channel, "Echo")(data) == data, True, f"{size} bytes there and back")
    equal(status(lambda: unary(channel, "Fail")("näh %\n".encode())), (grpc.StatusCode.NOT_FOUND, "näh %\n"), "a status with details")
    equal(status(lambda: unary(channel, "Other")(b""))[0], grpc.StatusCode.UNIMPLEMENTED, "a method that the function lacks")
    equal(status(lambda: unary(channel, "Echo", "nexus.test.Nobodys")(b""))[0], grpc.StatusCode.UNIMPLEMENTED,
          "a service that no function has")
    equal(status(lambda: unary(channel, "Echo")(bytes(5 << 20)))[0], grpc.StatusCode.RESOURCE_EXHAUSTED,
          "a message beyond the limit")
    packed = {"compression": grpc.Compression.Gzip}
    equal(status(lambda: channel.unary_unary("/nexus.test.Served/Echo")(bytes(1000), **packed)),
          (grpc.StatusCode.UNIMPLEMENTED, "the function takes no compressed messages: use identity"),
          "gzip is not taken by a function that did not ask for it")
    equal(channel.unary_unary("/nexus.test.Served/Echo")(b"short", **packed), b"short", "what is not compressed is")
    for compression in grpc.Compression.Gzip, grpc.Compression.Deflate:
        equal(channel.unary_unary("/nexus.test.Served/Packed")(bytes(100000), compression=compression),
              f"{compression.name.lower()} True identity,deflate,gzip".encode(), f"{compression.name} by one that did")
    equal(unary(channel, "Echo")(b"again"), b"again", "all that on a connection that goes on")


def streams(channel):
    for size in 0, 5, 100000:
        got = list(channel.unary_stream("/nexus.test.Served/Split")(str(size).encode()))
        equal(got == [bytes([i]) * size for i in range(10)], True, f"server streaming, {size} bytes each")
    words = [bytes([97 + i % 26]) * 3000 for i in range(100)]
    equal(list(channel.stream_stream("/nexus.test.Served/Chat")(iter(words))) == [word.upper() for word in words], True,
          "both directions at once")
    results = []
    threads = [threading.Thread(target=lambda i=i: results.append(unary(channel, "Echo")(b"%d" % i))) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    equal(sorted(results), sorted(b"%d" % i for i in range(20)), "20 calls at once")


def ends(channel):
    call = channel.unary_stream("/nexus.test.Served/Forever")(b"")
    next(call)
    call.cancel()
    equal(noted("forever ended with 1, finish says False"), True, "a caller's cancel reaches the guest")
    equal(status(lambda: unary(channel, "Wait")(b"", timeout=0.5))[0], grpc.StatusCode.DEADLINE_EXCEEDED, "a deadline")
    # The caller's own clock may be the first to cancel.
    equal(noted("wait ended with 4", "wait ended with 1"), True, "which the guest is told too")
    equal(status(lambda: unary(channel, "Drop")(b""))[0], grpc.StatusCode.UNKNOWN, "a call that the guest drops")


def capacity():
    """concurrency = 30: the 31st is refused."""
    with grpc.insecure_channel(ADDRESS) as channel:
        chat = channel.stream_stream("/nexus.test.Served/Chat")
        stop = threading.Event()

        def requests():
            yield b"a"
            stop.wait(120)

        calls_ = [chat(requests()) for _ in range(30)]
        equal([next(call) for call in calls_], [b"A"] * 30, "30 streams")
        equal(status(lambda: unary(channel, "Echo")(b""))[0], grpc.StatusCode.RESOURCE_EXHAUSTED, "one more than the concurrency")
        stop.set()
        equal([list(call) for call in calls_], [[]] * 30, "they end")


def single():
    """concurrency = 1: who has his answer may call again."""
    instance = subprocess.Popen([*SERVER, TARGET.replace("served.sock", "single.sock"), NOTES])
    try:
        with grpc.insecure_channel(ADDRESS) as channel:
            statuses = {status(lambda: unary(channel, "Echo", "nexus.test.Single")(b"")) for _ in range(400)}
        equal(statuses, {(grpc.StatusCode.OK, "")}, "400 calls, one after the other, of a function that takes one at a time")
    finally:
        instance.kill()
        instance.wait()


def main():
    global server
    server = start()
    with grpc.insecure_channel(ADDRESS) as channel:
        for part in calls, streams, ends:
            part(channel)
    capacity()
    single()
    with grpc.insecure_channel(ADDRESS) as channel:
        equal(status(lambda: unary(channel, "Die")(b""))[0], grpc.StatusCode.UNAVAILABLE, "an instance that dies")
        server.wait()
        equal(status(lambda: unary(channel, "Echo")(b""))[0], grpc.StatusCode.RESOURCE_EXHAUSTED, "nobody is there to take a call")
        server = start()
        equal(unary(channel, "Echo")(b"back"), b"back", "the next instance")
    return tap.done()


try:
    sys.exit(main())
finally:
    server.kill()
