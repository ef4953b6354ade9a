# SPDX-License-Identifier: GPL-2.0-only
"""The least runtime over AWS's Runtime API, on a bare socket, for guests with nexus-runtime.

    poll.py MODULE.FUNCTION"""
import importlib
import json
import os
import socket
import sys

BASE = "/2018-06-01/runtime/invocation"


def exchange(connection, request):
    """Sends it; returns the answer's head, in lower case, and its body."""
    connection.sendall(request)
    data = b""
    while b"\r\n\r\n" not in data:
        data += connection.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    head = head.lower()
    length = int(field(head, b"content-length") or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


def field(head, name):
    return head.partition(b"\r\n" + name + b":")[2].partition(b"\r\n")[0].strip()


def main():
    module, _, name = sys.argv[1].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    address = os.environ["AWS_LAMBDA_RUNTIME_API"]
    host, _, port = address.partition(":")
    connection = socket.create_connection((host, int(port)))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while True:
        head, body = exchange(connection, f"GET {BASE}/next HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        request = field(head, b"lambda-runtime-aws-request-id").decode()
        answer = json.dumps(handler(json.loads(body), None)).encode()
        exchange(connection, f"POST {BASE}/{request}/response HTTP/1.1\r\nHost: {address}\r\nContent-Length: {len(answer)}"
                             "\r\n\r\n".encode() + answer)


main()
