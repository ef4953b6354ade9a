# SPDX-License-Identifier: GPL-2.0-only
"""Serves nexus.test.Notes and the raw methods of /nexus.test.Raw/ by whichever `grpc` is found. What a request's
text says is what is done.

usage: servicer.py [PORT_FILE [KEY CERTIFICATE]]   (the genuine package listens on loopback, and writes its ports
there: in the clear, and by TLS)"""
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import notes_pb2_grpc
from notes_pb2 import Note

_LIMIT = 64 << 20
_ended = {}                 # by key: an Event of a call that has ended
_lock = threading.Lock()


def ended(key):
    with _lock:
        return _ended.setdefault(key, threading.Event())


class _Status(grpc.Status):
    code = grpc.StatusCode.FAILED_PRECONDITION
    details = "a status of its own"
    trailing_metadata = (("x-why", "status"),)


def own(metadata):
    """What the test itself sent."""
    return [[key, value if isinstance(value, str) else value.hex()] for key, value in metadata if key.startswith("x-")]


class Notes(notes_pb2_grpc.NotesServicer):
    def One(self, request, context):
        command, *words = request.text.split(" ")
        return getattr(self, f"_{command}", self._echo)(request, context, *words)

    def _echo(self, request, context, *words):
        return request

    def _size(self, request, context, size):
        return Note(data=bytes(int(size)))

    def _length(self, request, context):
        return Note(number=len(request.data))

    def _metadata(self, request, context):
        context.send_initial_metadata((("x-first", "1"), ("x-first", "2"), ("x-raw-bin", b"\0\xff\n")))
        context.set_trailing_metadata((("x-last", "a, b"), ("x-end-bin", b""), ("x-space", "a  b")))
        return Note(text=json.dumps(own(context.invocation_metadata())))

    def _abort(self, request, context, code, *details):
        context.set_trailing_metadata((("x-why", "aborted"),))
        context.abort(grpc.StatusCode[code], " ".join(details))

    def _status(self, request, context):
        context.abort_with_status(_Status())

    def _set(self, request, context, code, *details):
        context.set_code(grpc.StatusCode[code])
        context.set_details(" ".join(details))
        return Note(text=f"{context.code()} {context.details()}")

    def _odd(self, request, context):
        context.set_code(77)
        return Note()

    def _raise(self, request, context):
        raise ValueError("raised on purpose")

    def _raise_set(self, request, context):
        context.set_code(grpc.StatusCode.DATA_LOSS)
        context.set_details("set before")
        raise ValueError("raised on purpose")

    def _none(self, request, context):
        return None

    def _twice(self, request, context):
        context.send_initial_metadata((("x-first", "1"),))
        try:
            context.send_initial_metadata((("x-second", "2"),))
        except ValueError as error:
            return Note(text=f"ValueError {error}")

    def _context(self, request, context):
        left = context.time_remaining()
        return Note(text=json.dumps({
            "active": context.is_active(), "code": context.code(), "details": context.details(),
            "left": "much" if left > 1e6 else "some", "peer": context.peer().partition(":")[0],
            "identities": context.peer_identities(), "key": context.peer_identity_key(),
            "trailing": context.trailing_metadata(), "metadata": type(context.invocation_metadata()).__name__,
            "pair": [[type(part).__name__ for part in pair] for pair in context.invocation_metadata()
                     if pair[0].startswith("x-")], "added": context.add_callback(lambda: None)}))

    def _packed(self, request, context, compression, size):
        """Answers so compressed: as many zeros."""
        context.set_compression(grpc.Compression[compression])
        return Note(number=len(request.data), data=bytes(int(size)))

    def _agent(self, request, context):
        return Note(number="user-agent" in dict(context.invocation_metadata()))

    def _named(self, request, context):
        agent = dict(context.invocation_metadata()).get("user-agent", "").split(" ")
        return Note(text=agent[0])

    def _cancel(self, request, context):
        context.cancel()
        return Note(text="too late")

    def _began(self, request, context, key):
        """Whether a call that waits with that key is here."""
        return Note(number=ended(f"began {key}").wait(120))

    def _wait(self, request, context, key):
        """Until the client goes away."""
        gone = self._watch(context, key)
        ended(f"began {key}").set()
        gone.wait(120)
        return Note(text="waited")

    @staticmethod
    def _watch(context, key):
        """An Event of the call's end; whoever asks for the key by "ended" learns of it too."""
        gone = threading.Event()

        def end():
            event = ended(key)
            event.active = context.is_active()
            event.set()
            gone.set()

        if not context.add_callback(end):
            end()
        return gone

    def _ended(self, request, context, key):
        """Whether a call with that key comes to its end."""
        event = ended(key)
        return Note(number=event.wait(120), text=str(getattr(event, "active", None)))

    def Down(self, request, context):
        command, *words = request.text.split(" ")
        if command == "headers":
            context.send_initial_metadata((("x-first", "1"),))
            context.set_trailing_metadata((("x-last", "2"),))
        if command == "packed":
            context.set_compression(grpc.Compression.Gzip)
            yield Note(number=0, data=bytes(50000))
            context.disable_next_message_compression()
        if command == "wait":
            # Before the first response: the client may be gone after it, and this is not gone on with.
            gone = self._watch(context, *words)
            yield Note(number=0)
            gone.wait(120)
            return
        for number in range(request.number):
            yield Note(number=number, data=request.data)
        if command == "abort":
            context.abort(grpc.StatusCode.ABORTED, "after some")
        if command == "raise":
            raise ValueError("raised on purpose")

    def Up(self, request_iterator, context):
        total = count = 0
        for note in request_iterator:
            count += 1
            total += note.number
            if note.text == "early":
                return Note(number=total, text=f"{count} so far")
            if note.text == "abort":
                context.abort(grpc.StatusCode.OUT_OF_RANGE, "enough")
        return Note(number=total, text=f"{count} notes")

    def Both(self, request_iterator, context):
        for note in request_iterator:
            if note.text == "end":
                return
            if note.text == "raise":
                raise ValueError("raised on purpose")
            yield Note(number=note.number + 1, text=note.text)
        yield Note(text="the end")


def raw(handlers):
    return grpc.method_handlers_generic_handler("nexus.test.Raw", handlers)


def empty(request, context):
    return iter(())


def unreadable(data):
    raise ValueError("unreadable")


class Guard(grpc.ServerInterceptor):
    """Turns some calls away, lets the others pass."""

    def intercept_service(self, continuation, handler_call_details):
        metadata = dict(handler_call_details.invocation_metadata)
        if metadata.get("x-guard") == "refuse":
            def refuse(request, context):
                context.abort(grpc.StatusCode.PERMISSION_DENIED, f"guarded {handler_call_details.method}")
            return grpc.unary_unary_rpc_method_handler(refuse)
        if metadata.get("x-guard") == "raise":
            raise ValueError("raised on purpose")
        return continuation(handler_call_details)


class Second(grpc.ServerInterceptor):
    """Wraps the behaviour."""

    def intercept_service(self, continuation, handler_call_details):
        handler = continuation(handler_call_details)
        if dict(handler_call_details.invocation_metadata).get("x-guard") != "wrap":
            return handler

        def wrapped(request, context):
            answer = handler.unary_unary(request, context)
            answer.text += " wrapped"
            return answer
        return grpc.unary_unary_rpc_method_handler(wrapped, handler.request_deserializer, handler.response_serializer)


def main(port_file=None, key=None, certificate=None):
    server = grpc.server(ThreadPoolExecutor(32), interceptors=(Guard(), Second()),
                         options=(("grpc.max_receive_message_length", _LIMIT),))
    notes_pb2_grpc.add_NotesServicer_to_server(Notes(), server)
    server.add_generic_rpc_handlers((raw({
        "Echo": grpc.unary_unary_rpc_method_handler(lambda request, context: request),
        "Empty": grpc.unary_stream_rpc_method_handler(empty),
        "Unreadable": grpc.unary_unary_rpc_method_handler(lambda request, context: request, unreadable),
        "Unwritable": grpc.unary_unary_rpc_method_handler(lambda request, context: request, None, unreadable),
    }),))
    ports = [server.add_insecure_port("127.0.0.1:0")]
    if key:
        with open(key, "rb") as k, open(certificate, "rb") as c:
            ports.append(server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials(((k.read(), c.read()),))))
    server.start()
    if port_file:
        with open(f"{port_file}.new", "w", encoding="utf-8") as file:
            file.write(" ".join(map(str, ports)))
        os.rename(f"{port_file}.new", port_file)
    server.wait_for_termination()


if __name__ == "__main__":
    main(*sys.argv[1:])
