#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""An instance that serves gRPC calls by _nexus itself; each call is a thread's.

usage: grpc_server.py TARGET NOTES    (a line of NOTES for what a caller cannot see)
"""
import os
import sys
import threading
import zlib

import _nexus

TARGET, NOTES = sys.argv[1:]
nx = _nexus.Channel(TARGET, slots=256)


def note(text):
    with open(NOTES, "a") as notes:
        print(text, file=notes)


def messages(rpc):
    while True:
        got = rpc.receive()
        if got[0] != "message":
            return
        yield got[1]


def serve(call):
    rpc, name = call["rpc"], call["method"].split("/")[2]
    if name == "Echo":
        rpc.headers((("first", "one"), ("method", call["method"])))
        for message in messages(rpc):
            rpc.send(message)
        rpc.finish(0, "", (("last-bin", b"\0\1"), *[pair for pair in call["metadata"] if pair[0].startswith("x-")]))
    elif name == "Packed":
        # Answers by gzip what it was told, and how.
        rpc.options(encoding="gzip", takes_compressed=True)
        kind, message, encoding = rpc.receive()
        unpacked = zlib.decompress(message, 47) == bytes(100000)
        rpc.receive()
        rpc.headers(())
        packer = zlib.compressobj(wbits=31)
        text = f"{encoding} {unpacked} {call['accept_encoding'].replace(' ', '')}".encode()
        rpc.send(packer.compress(text) + packer.flush(), compressed=True)
        rpc.finish()
    elif name == "Seen":
        list(messages(rpc))
        rpc.send(dict(call["metadata"]).get("authorization", "no authorization").encode())
        rpc.finish(0, "", [pair for pair in call["metadata"] if pair[0].startswith("x-")])
    elif name == "Info":
        list(messages(rpc))
        rpc.send(f"{call['peer'].split(':')[0]} {call['authority'].split(':')[0]} {25000 < call['timeout_ms'] <= 31000}".encode())
        rpc.finish()
    elif name == "Fail":
        details = b"".join(messages(rpc)).decode()
        rpc.finish(5, details, (("why", "because"),))
    elif name == "Chat":
        for message in messages(rpc):
            rpc.send(message.upper())
        rpc.finish()
    elif name == "Split":
        size = int(next(messages(rpc)))
        for i in range(10):
            rpc.send(bytes([i]) * size)
        rpc.finish()
    elif name == "Forever":
        list(messages(rpc))
        while rpc.send(bytes(65536)):
            pass
        note(f"forever ended with {rpc.receive()[1]}, finish says {rpc.finish()}")
    elif name == "Wait":
        list(messages(rpc))
        note(f"wait ended with {rpc.receive()[1]}")
    elif name == "Drop":
        list(messages(rpc))
        rpc.close()
    elif name == "Die":
        os.abort()
    else:
        rpc.finish(12, "no such method")


while True:
    event = nx.next()
    if event["grpc"]:
        threading.Thread(target=serve, args=(event["grpc"],), daemon=True).start()
        del event
    else:
        nx.respond(event["request_id"], b'"no call"')
