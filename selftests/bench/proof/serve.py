# SPDX-License-Identifier: GPL-2.0-only
"""The least runtime that takes events over HTTP, for guests with a network: one connection at a time, on a bare socket.

    serve.py MODULE.FUNCTION"""
import importlib
import json
import socket
import sys

PORT = 8080


def serve(connection, handler):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = connection.recv(65536)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        _, _, rest = head.lower().partition(b"\r\ncontent-length:")
        length = int(rest.partition(b"\r\n")[0])
        while len(data) < length:
            data += connection.recv(65536)
        event, data = json.loads(data[:length]), data[length:]
        answer = json.dumps(handler(event, None)).encode()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                           % (len(answer), answer))


def main():
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    server = socket.create_server(("", PORT))
    print("listening", flush=True)
    while True:
        connection, _ = server.accept()
        with connection:
            serve(connection, handler)


main()
