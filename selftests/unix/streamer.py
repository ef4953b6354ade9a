#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A runtime that streams its answers, over sockets of its own so that it sees what happens to them. What it does
is in the event. It waits for files in DIRECTORY, and leaves some there.

usage: streamer.py DIRECTORY
"""
import base64
import http.client
import json
import os
import select
import socket
import sys
import time

DIR = sys.argv[1]
HOST = os.environ["AWS_LAMBDA_RUNTIME_API"]
ROOT = "/2018-06-01/runtime/"


def mark(name, text=""):
    with open(f"{DIR}/{name}.new", "w") as file:
        file.write(text)
    os.rename(f"{DIR}/{name}.new", f"{DIR}/{name}")


def await_mark(name):
    while not os.path.exists(f"{DIR}/{name}"):
        time.sleep(0.01)


def call(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(HOST)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response, data


class Stream:
    def __init__(self, request):
        host, port = HOST.split(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.sendall(f"POST {ROOT}invocation/{request}/response HTTP/1.1\r\nHost: {HOST}\r\n"
                            "Content-Type: text/plain\r\nTransfer-Encoding: chunked\r\n"
                            "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                            "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n".encode())

    def send(self, data):
        self.socket.sendall(b"%x\r\n%b\r\n" % (len(data), data))

    def answered(self):
        """Has the server said something, before the end?"""
        return bool(select.select([self.socket], [], [], 0)[0])

    def end(self, **trailers):
        self.socket.sendall(b"0\r\n" + "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in trailers.items()).encode()
                            + b"\r\n")
        return self.status()

    def status(self):
        """What the server says."""
        line = self.socket.makefile("rb").readline()
        self.socket.close()
        return int(line.split()[1]) if line else 0


def fail(stream):
    text = json.dumps({"errorType": "Example.Midway", "errorMessage": "no more of it", "stackTrace": []})
    return stream.end(Lambda_Runtime_Function_Error_Type="Example.Midway",
                      Lambda_Runtime_Function_Error_Body=base64.b64encode(text.encode()).decode())


def until_it_stops(stream):
    """Send until the server does not take it any more."""
    try:
        while not stream.answered():
            stream.send(bytes(65536))
        mark("stopped", str(stream.status()))
    except OSError as error:
        mark("stopped", type(error).__name__)


def much(stream, mebibytes):
    for i in range(mebibytes * 16):
        stream.send(bytes(65536))
        if i % 16 == 15:
            mark("progress", str(i // 16 + 1))
    return stream.end()


def odd_calls(request, name):
    """What the Runtime API answers to calls that it does not take."""
    answers = [call("POST", ROOT + "init/error", "{}"), call("POST", ROOT + "restore/error", "{}"), call("GET", ROOT + "restore/next"),
               call("POST", f"{ROOT}invocation/{request}/response", "{}", {"Lambda-Runtime-Invocation-Id": name + "0"}),
               call("POST", "/2020-01-01/extension/register", "{}")]
    return [[response.status, json.loads(data)["errorType"]] for response, data in answers]


restored, _ = call("GET", ROOT + "restore/next")
mark(f"restored-{os.environ['FUNCTION']}", str(restored.status))
if os.environ["FUNCTION"] == "unrestored":
    call("POST", ROOT + "restore/error", '{"errorType":"Example.Hook","errorMessage":"it does not want to","stackTrace":[]}')
while True:
    head, payload = call("GET", ROOT + "invocation/next")
    request, event = head.getheader("Lambda-Runtime-Aws-Request-Id"), json.loads(payload)
    if event == "error":
        call("POST", f"{ROOT}invocation/{request}/error", '{"errorType":"Example.Early","errorMessage":"m","stackTrace":[]}')
        continue
    if event == "odd":
        call("POST", f"{ROOT}invocation/{request}/response", json.dumps(odd_calls(request, head.getheader("Lambda-Runtime-Invocation-Id"))),
             {"Lambda-Runtime-Invocation-Id": head.getheader("Lambda-Runtime-Invocation-Id")})
        continue
    if not isinstance(event, str) or event == "whole":
        call("POST", f"{ROOT}invocation/{request}/response", payload)
        continue
    stream = Stream(request)
    stream.send(b"first ")
    kind, _, argument = event.partition(" ")
    if kind == "two":
        await_mark(argument)
        stream.send(b"second")
        stream.end()
    elif kind == "fail":
        mark(argument, str(fail(stream)))
    elif kind == "exit":
        os._exit(7)
    elif kind == "hang":
        await_mark(argument)
        mark(argument + "-status", str(stream.end()))
    elif kind == "endless":
        until_it_stops(stream)
    elif kind == "much":
        mark("much", str(much(stream, int(argument))))
