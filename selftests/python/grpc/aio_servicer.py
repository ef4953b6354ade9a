# SPDX-License-Identifier: GPL-2.0-only
"""Serves nexus.test.Notes by grpc.aio, of whichever `grpc` is found. What a request's text says is what is done.

usage: aio_servicer.py [PORT_FILE]   (the genuine package listens on loopback, and writes its port there)"""
import asyncio
import json
import os
import sys

import grpc
import notes_pb2_grpc
from notes_pb2 import Note

_ended = {}


def ended(key):
    return _ended.setdefault(key, asyncio.Event())


class Notes(notes_pb2_grpc.NotesServicer):
    async def One(self, request, context):
        command, *words = request.text.split(" ")
        if command == "metadata":
            await context.send_initial_metadata((("x-first", "1"),))
            context.set_trailing_metadata((("x-last", "2"), ("x-end-bin", b"\0")))
            return Note(text=json.dumps([list(pair) for pair in context.invocation_metadata()
                                         if pair[0].startswith("x-")]))
        if command == "abort":
            await context.abort(grpc.StatusCode[words[0]], " ".join(words[1:]), (("x-why", "aborted"),))
        if command == "set":
            context.set_code(grpc.StatusCode[words[0]])
            context.set_details("set by the servicer")
        if command == "raise":
            raise ValueError("raised on purpose")
        if command == "raise_set":
            context.set_code(grpc.StatusCode.DATA_LOSS)
            raise ValueError("raised on purpose")
        if command == "wait":
            try:
                await asyncio.sleep(120)
            except asyncio.CancelledError:
                ended(words[0]).set()
                raise
        if command == "ended":
            await asyncio.wait_for(ended(words[0]).wait(), 120)
            return Note(number=1)
        if command == "context":
            left = context.time_remaining()
            return Note(text=json.dumps([left if left is None else left > 0, context.cancelled(), context.done(),
                                         context.code(), context.details(), context.peer().partition(":")[0],
                                         sorted((key, str(value)) for key, value in context.auth_context().items()),
                                         context.peer_identities(), context.peer_identity_key()]))
        if command in ("packed", "plain"):
            context.set_compression(grpc.Compression.Gzip)
            if command == "plain":
                context.disable_next_message_compression()
            return Note(text=command, data=bytes(100000))
        return request

    async def Down(self, request, context):
        if request.text == "write":
            await context.write(Note(number=7))
            yield Note(number=8)
            return
        for number in range(request.number):
            yield Note(number=number)
        if request.text == "abort":
            await context.abort(grpc.StatusCode.ABORTED, "after some")
        if request.text == "raise":
            raise ValueError("raised on purpose")

    async def Up(self, request_iterator, context):
        total = 0
        async for note in request_iterator:
            total += note.number
            if note.text == "early":
                break
        return Note(number=total)

    async def Both(self, request_iterator, context):
        while (note := await context.read()) is not grpc.aio.EOF:
            await context.write(Note(number=note.number + 1))
        await context.write(Note(text="the end"))


class Sync:
    """As applications have them that were not made for asyncio."""

    @staticmethod
    def one(request, context):
        if request == b"abort":
            context.abort(grpc.StatusCode.NOT_FOUND, "from a thread")
        if request == b"auth":
            return repr((sorted(context.auth_context().items()), context.peer_identities())).encode()
        return request + b"!"

    @staticmethod
    def down(request, context):
        yield from (bytes([number]) for number in request)

    @staticmethod
    def up(requests, context):
        return b"".join(requests)


class Guard(grpc.aio.ServerInterceptor):
    async def intercept_service(self, continuation, handler_call_details):
        if ("x-guard", "refuse") in tuple(handler_call_details.invocation_metadata):
            async def refuse(request, context):
                await context.abort(grpc.StatusCode.PERMISSION_DENIED, "guarded")
            return grpc.unary_unary_rpc_method_handler(refuse)
        return await continuation(handler_call_details)


async def main(port_file=None):
    server = grpc.aio.server(interceptors=(Guard(),))
    notes_pb2_grpc.add_NotesServicer_to_server(Notes(), server)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("nexus.test.Sync", {
        "One": grpc.unary_unary_rpc_method_handler(Sync.one),
        "Down": grpc.unary_stream_rpc_method_handler(Sync.down),
        "Up": grpc.stream_unary_rpc_method_handler(Sync.up),
    }),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    if port_file:
        with open(f"{port_file}.new", "w", encoding="utf-8") as file:
            file.write(str(port))
        os.rename(f"{port_file}.new", port_file)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
