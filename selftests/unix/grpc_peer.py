# SPDX-License-Identifier: GPL-2.0-only
"""A gRPC server by Debian's grpcio, messages taken as bytes: the peer of test_grpc.sh."""
import collections
import concurrent.futures
import threading

import grpc

SERVICE = "nexus.test.Echo"


class Peer:
    def __init__(self, **options):
        self.metadata, self.peers = {}, collections.Counter()
        self.began, self.cancelled = threading.Event(), threading.Event()
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(40), options=[
            ("grpc.max_receive_message_length", 64 << 20), ("grpc.max_send_message_length", 64 << 20)],
            compression=options.get("compression"))
        methods = {
            "Echo": grpc.unary_unary_rpc_method_handler(self.echo),
            "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
            "Sleep": grpc.unary_unary_rpc_method_handler(self.sleep),
            "Split": grpc.unary_stream_rpc_method_handler(self.split),
            "Join": grpc.stream_unary_rpc_method_handler(self.join),
            "Chat": grpc.stream_stream_rpc_method_handler(self.chat),
            "Forever": grpc.unary_stream_rpc_method_handler(self.forever),
        }
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))
        tls = options.get("tls")
        if tls:
            self.port = self.server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([tls]))
        else:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def note(self, context):
        self.metadata = collections.defaultdict(list)
        for name, value in context.invocation_metadata():
            self.metadata[name].append(value)
        self.peers[context.peer()] += 1

    def echo(self, request, context):
        self.note(context)
        context.send_initial_metadata((("first", "one"), ("first-bin", bytes(range(256)))))
        context.set_trailing_metadata((("last", "two"), ("last-bin", b"\0\xff")))
        return request

    def fail(self, request, context):
        self.note(context)
        context.set_trailing_metadata((("why", "because"),))
        context.abort(grpc.StatusCode.NOT_FOUND, request.decode())

    def sleep(self, request, context):
        self.note(context)
        self.remaining = context.time_remaining()
        gone = threading.Event()
        context.add_callback(gone.set)
        self.began.set()
        gone.wait(60)
        self.cancelled.set()
        return b""

    def split(self, request, context):
        self.note(context)
        size = int(request)
        for i in range(10):
            yield bytes([i]) * size

    def join(self, requests, context):
        self.note(context)
        return b"".join(requests)

    def chat(self, requests, context):
        self.note(context)
        for request in requests:
            yield request.upper()

    def forever(self, request, context):
        self.note(context)
        self.cancelled.clear()
        context.add_callback(self.cancelled.set)
        while context.is_active():
            yield bytes(65536)
