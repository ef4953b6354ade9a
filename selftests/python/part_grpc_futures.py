# SPDX-License-Identifier: GPL-2.0-only
"""Futures, interceptors, connectivity, credentials, and the calls that generated classes make without a stub."""
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.experimental
from grpc_facts import PATIENCE, RUN, TARGET, Facts, channel, parsed
import notes_pb2_grpc
from notes_pb2 import Note


def state(call):
    return [call.done(), call.running(), call.cancelled(), call.is_active()]


def futures(see, stub):
    call = stub.One.future(Note(text="metadata"), metadata=(("x-a", "1"),), timeout=PATIENCE)
    see.fact("future", "is", [isinstance(call, cls) for cls in (grpc.Call, grpc.Future, grpc.RpcError)])
    see.fact("future", "result", parsed(call.result()))
    see.fact("future", "again", [parsed(call.result(timeout=0)), call.exception(), call.traceback()])
    see.fact("future", "state", [*state(call), call.cancel(), call.time_remaining() > 0])
    see.status("future", call)
    see.fact("future", "text", str(call))
    called = []
    call.add_done_callback(called.append)
    see.fact("future", "a callback at once", called == [call])
    see.fact("future", "add_callback", call.add_callback(lambda: None))
    call = stub.One.future(Note(text="abort NOT_FOUND gone"))
    error = see.call("future that fails", call.result)
    see.fact("future that fails", "exception()", [call.exception() is call, error is call,
                                                  type(call.traceback()).__name__])
    see.fact("future that fails", "state", state(call))

    came, event = [], threading.Event()
    call = stub.One.future(Note(text=f"wait future{RUN}"))
    call.add_done_callback(lambda done: (came.append(done), event.set()))
    see.fact("future that waits", "state", state(call))
    see.call("future that waits: result(timeout)", call.result, timeout=0.05)
    see.call("future that waits: exception(timeout)", call.exception, timeout=0.05)
    see.call("future that waits: traceback(timeout)", call.traceback, 0.05)
    see.fact("future that waits", "text", str(call))
    see.fact("future that waits", "cancel()", [call.cancel(), call.cancel(), *state(call)])
    see.fact("future that waits", "called back", [event.wait(PATIENCE), came == [call]])
    for name in ("result", "exception", "traceback"):
        see.call(f"future that was cancelled: {name}()", getattr(call, name))
    see.status("future that was cancelled", call)
    see.call("future that was cancelled, seen by the servicer", stub.One, Note(text=f"ended future{RUN}"))

    call = stub.One.future(Note(text=f"wait deadline2{RUN}"), timeout=0.5)
    see.call("future past its deadline", call.result)
    see.fact("future past its deadline", "state", state(call))
    event = threading.Event()
    raising = stub.One.future(Note(text=f"wait raising{RUN}"))
    raising.add_done_callback(lambda done: 1 / 0)
    raising.add_done_callback(lambda done: event.set())
    raising.cancel()
    see.fact("future whose callback raises", "the next one is called", event.wait(PATIENCE))
    see.call("future of no message", stub.One.future, None)
    call = stub.Up.future(iter([Note(number=1), Note(number=2)]))
    see.call("future of a stream of requests", call.result)
    see.fact("future of a stream of requests", "code", call.code())
    calls = [stub.One.future(Note(number=number)) for number in range(40)]
    see.fact("forty futures", "results", [call.result().number for call in calls])
    see.fact("forty futures", "done", all(call.done() for call in calls))
    event = threading.Event()
    call = stub.Down(Note(text="count", number=3))
    call.add_done_callback(lambda done: event.set())
    see.fact("a stream with a callback", "responses", [note.number for note in call])
    see.fact("a stream with a callback", "called back", event.wait(PATIENCE))


class Details(grpc.ClientCallDetails):
    def __init__(self, details, **changes):
        for name in ("method", "timeout", "metadata", "credentials", "wait_for_ready", "compression"):
            setattr(self, name, changes.get(name, getattr(details, name)))


class Adds(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor, grpc.StreamUnaryClientInterceptor,
           grpc.StreamStreamClientInterceptor):
    """Adds metadata, and tells of its calls."""

    def __init__(self, word, told):
        self._word, self._told = word, told

    def _intercept(self, continuation, details, request):
        self._told.append([self._word, details.method, details.timeout, details.wait_for_ready,
                           type(details).__name__, isinstance(details, grpc.ClientCallDetails)])
        call = continuation(Details(details, metadata=[*(details.metadata or ()), ("x-by", self._word)]), request)
        self._told.append([self._word, type(call).__name__, hasattr(call, "result")])
        return call

    intercept_unary_unary = intercept_unary_stream = intercept_stream_unary = intercept_stream_stream = _intercept


class Answers(grpc.UnaryUnaryClientInterceptor):
    """Answers in the server's place, or retries, or raises."""

    def intercept_unary_unary(self, continuation, client_call_details, request):
        if request.text == "raise here":
            raise ValueError("raised by the interceptor")
        if request.text == "other method":
            return continuation(Details(client_call_details, method="/nexus.test.Raw/Echo"), request)
        call = continuation(client_call_details, request)
        if request.text.startswith("abort") and call.code() is grpc.StatusCode.ABORTED:
            return continuation(client_call_details, Note(text="a second try"))
        return call


def interceptors(see, plain):
    told = []
    both = notes_pb2_grpc.NotesStub(grpc.intercept_channel(plain, Adds("first", told), Adds("second", told)))
    see.call("intercepted", lambda: parsed(both.One(Note(text="metadata"), timeout=PATIENCE)))
    see.fact("intercepted", "told", told)
    answer, call = both.One.with_call(Note(text="metadata"))
    see.fact("intercepted, with_call", "answer", parsed(answer))
    see.fact("intercepted, with_call", "call", [type(call).__name__, *state(call), call.cancel(), call.time_remaining()])
    see.status("intercepted, with_call", call)
    see.fact("intercepted, future", "result", parsed(both.One.future(Note(text="metadata")).result()))
    see.fact("intercepted, down", "responses", [note.number for note in both.Down(Note(number=3))])
    see.call("intercepted, up", both.Up, iter([Note(number=4)]))
    see.fact("intercepted, up future", "result", both.Up.future(iter([Note(number=4)])).result())
    see.fact("intercepted, both", "responses", [note.number for note in both.Both(iter([Note(number=4)]))])
    see.call("intercepted, an error", both.One, Note(text="abort NOT_FOUND x"))
    see.call("intercepted, up with an error", both.Up, iter([Note(text="abort")]))
    del told[:]
    see.call("intercepted, a failed future", both.One.future(Note(text="abort NOT_FOUND x")).result)
    answers = notes_pb2_grpc.NotesStub(grpc.intercept_channel(plain, Answers()))
    see.call("an interceptor that retries", answers.One, Note(text="abort ABORTED x"))
    see.call("an interceptor that raises", answers.One, Note(text="raise here"))
    call = answers.One.future(Note(text="raise here"))
    see.fact("an interceptor's exception", "as a call", [type(call).__name__, *state(call), call.code(), call.details(),
                                                         call.initial_metadata(), call.trailing_metadata()])
    see.call("an interceptor's exception", call.result)
    see.call("an interceptor of another method", answers.One, Note(text="other method"))
    see.fact("an interceptor of another kind", "responses", [note.number for note in answers.Down(Note(number=2))])
    see.call("no interceptor", grpc.intercept_channel, plain, object())
    see.fact("an intercepted channel", "is a grpc.Channel", isinstance(grpc.intercept_channel(plain, Answers()),
                                                                       grpc.Channel))


def connectivity(see):
    with channel() as ours:
        future = grpc.channel_ready_future(ours)
        see.fact("channel_ready_future", "result", future.result(timeout=PATIENCE))
        see.fact("channel_ready_future", "state", [future.done(), future.running(), future.cancelled(),
                                                   future.cancel()])
        called = []
        future.add_done_callback(called.append)
        see.fact("channel_ready_future", "called back", called == [future])
        see.call("a ready channel", notes_pb2_grpc.NotesStub(ours).One, Note(text="echo"))
        states, ready = [], threading.Event()

        def tell(state):
            states.append(state)
            if state is grpc.ChannelConnectivity.READY:
                ready.set()

        ours.subscribe(tell, try_to_connect=True)
        see.fact("subscribe", "ready", ready.wait(PATIENCE))
        ours.unsubscribe(tell)
    with channel() as ours:
        states, idle = [], threading.Event()
        ours.subscribe(lambda state: (states.append(state), idle.set()))
        see.fact("subscribe without connecting", "called", idle.wait(PATIENCE))
        see.fact("subscribe without connecting", "state", str(states[0]))
    with grpc.insecure_channel("127.0.0.1:9") as nobody:
        failed = threading.Event()
        nobody.subscribe(lambda state: failed.set() if state is grpc.ChannelConnectivity.TRANSIENT_FAILURE else None,
                         try_to_connect=True)
        see.fact("subscribe to nobody", "fails", failed.wait(PATIENCE))
        future = grpc.channel_ready_future(nobody)
        see.call("channel_ready_future of nobody", future.result, timeout=0.1)
        see.fact("channel_ready_future of nobody", "cancel", [future.cancel(), future.cancelled(), future.done()])
        see.call("channel_ready_future of nobody, cancelled", future.result)


class Plugin(grpc.AuthMetadataPlugin):
    def __init__(self, metadata, error=None):
        self._answer, self.seen = (metadata, error), []

    def __call__(self, context, callback):
        self.seen.append([context.service_url.rpartition(":")[0] if context.service_url.count(":") > 1 else
                          context.service_url, context.method_name, isinstance(context, grpc.AuthMetadataContext)])
        callback(*self._answer)


class Raises(grpc.AuthMetadataPlugin):
    def __call__(self, context, callback):
        raise ValueError("raised by the plugin")


def credentials(see, stub):
    token = grpc.access_token_call_credentials("secret")
    see.call("call credentials on an insecure channel", stub.One, Note(text="echo"), credentials=token)
    see.fact("credentials", "classes", [type(thing).__name__ for thing in (
        grpc.ssl_channel_credentials(), token, grpc.composite_call_credentials(token, token),
        grpc.composite_channel_credentials(grpc.ssl_channel_credentials(), token), grpc.local_channel_credentials(),
        grpc.ssl_server_credentials(((b"", b""),)), grpc.insecure_server_credentials(),
        grpc.ssl_server_certificate_configuration(((b"", b""),)))])
    see.call("ssl_server_credentials of none", grpc.ssl_server_credentials, ())
    see.call("ssl_server_credentials without roots", grpc.ssl_server_credentials, ((b"", b""),), None, True)
    see.call("secure_channel with insecure credentials", grpc.secure_channel, TARGET,
             grpc.experimental.insecure_channel_credentials())
    target = os.environ.get("NEXUS_GRPC_SECURE")
    if not target:
        return
    with open(os.environ["NEXUS_GRPC_CA"], "rb") as file:
        tls = grpc.ssl_channel_credentials(file.read())
    with grpc.secure_channel(target, tls) as secure:
        stub = notes_pb2_grpc.NotesStub(secure)
        see.call("tls", stub.One, Note(text="echo"))
        plugin = Plugin((("x-token", "1"), ("x-token-bin", b"\0")))
        see.call("tls, a plugin", lambda: parsed(stub.One(
            Note(text="metadata"), credentials=grpc.metadata_call_credentials(plugin), metadata=(("x-a", "1"),))))
        see.fact("tls, a plugin", "saw", plugin.seen)
        see.call("tls, a plugin that fails", stub.One, Note(), credentials=grpc.metadata_call_credentials(
            Plugin((), ValueError("no token"))))
        see.call("tls, a plugin that raises", stub.One, Note(), credentials=grpc.metadata_call_credentials(Raises()))
        see.call("tls, a stream", lambda: [note.number for note in stub.Down(Note(number=2), credentials=token)])
        two = grpc.composite_call_credentials(grpc.metadata_call_credentials(Plugin((("x-one", "1"),))),
                                              grpc.metadata_call_credentials(Plugin((("x-two", "2"),))))
        see.call("tls, two plugins", lambda: parsed(stub.One(Note(text="metadata"), credentials=two)))
    channels = grpc.composite_channel_credentials(tls, grpc.metadata_call_credentials(Plugin((("x-c", "1"),))))
    with grpc.secure_channel(target, channels) as secure:
        stub = notes_pb2_grpc.NotesStub(secure)
        see.call("tls, credentials of the channel", lambda: parsed(stub.One(Note(text="metadata"))))
        see.call("tls, credentials of both", lambda: parsed(stub.One(Note(text="metadata"), credentials=two)))


def experimental(see):
    notes = notes_pb2_grpc.Notes
    see.call("Notes.One()", notes.One, Note(text="echo"), TARGET, insecure=True)
    see.call("Notes.One(), once more", notes.One, Note(text="metadata"), TARGET, insecure=True,
             metadata=(("x-a", "1"),), timeout=PATIENCE)
    see.fact("Notes.Down()", "responses", [note.number for note in notes.Down(Note(number=3), TARGET, insecure=True)])
    see.call("Notes.Up()", notes.Up, iter([Note(number=7)]), TARGET, insecure=True)
    see.fact("Notes.Both()", "responses", [note.number for note in notes.Both(iter([Note(number=7)]), TARGET,
                                                                              insecure=True)])
    see.call("Notes.One() that fails", notes.One, Note(text="abort NOT_FOUND x"), TARGET, insecure=True)
    see.call("Notes.One() with both", notes.One, Note(), TARGET, insecure=True,
             channel_credentials=grpc.ssl_channel_credentials())
    handler = grpc.unary_unary_rpc_method_handler(len)
    see.fact("wrap_server_method_handler", "wraps", grpc.experimental.wrap_server_method_handler(
        lambda behavior: behavior, handler) == handler)
    see.fact("wrap_server_method_handler", "of none", grpc.experimental.wrap_server_method_handler(len, None))
    see.fact("a handler", "fields", [str(value) for value in handler])
    generic = grpc.method_handlers_generic_handler("a.B", {"C": handler})
    see.fact("a generic handler", "is", [isinstance(generic, grpc.ServiceRpcHandler), generic.service_name()])


def crowds(see, stub):
    """More at once than the host has calls open for one guest."""
    calls = [stub.One.future(Note(text="metadata"), timeout=PATIENCE) for _ in range(300)]
    see.fact("300 futures", "results", len([call.result() for call in calls]))
    calls = [stub.Down(Note(text="count", number=2), timeout=PATIENCE) for _ in range(300)]
    see.fact("300 calls with many answers", "answers", [len(list(call)) for call in calls].count(2))
    with ThreadPoolExecutor(300) as pool:
        see.fact("300 threads", "results", len(list(pool.map(lambda i: parsed(stub.One(Note(text="metadata"))), range(600)))))


def run(see):
    see = Facts(see)
    with channel() as open_channel:
        stub = notes_pb2_grpc.NotesStub(open_channel)
        futures(see, stub)
        interceptors(see, open_channel)
        connectivity(see)
        credentials(see, stub)
        crowds(see, stub)
    experimental(see)
