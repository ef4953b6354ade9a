#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Calls functions that stream their answers. Prints TAP.

usage: invoke_stream.py HOST:PORT DIRECTORY PID-OF-THE-DAEMON NEXUSCTL...
"""
import base64
import http.client
import json
import os
import subprocess
import sys
import time

import botocore.eventstream

from tap import Tap

HOST, DIR, PID, *CTL = sys.argv[1:]
PATIENCE = 120
tap = Tap()
ok, same = tap.ok, tap.equal


def mark(name):
    with open(f"{DIR}/{name}", "w"):
        pass


def read_mark(name):
    """What the function left, once it is there."""
    end = time.monotonic() + PATIENCE
    while not os.path.exists(f"{DIR}/{name}"):
        if time.monotonic() > end:
            raise TimeoutError(name)
        time.sleep(0.01)
    with open(f"{DIR}/{name}") as file:
        return file.read()


def peak():
    with open(f"/proc/{PID}/status") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmHWM"))


def running(function):
    shown = subprocess.run([*CTL, "function", "show", function], capture_output=True, text=True, check=True).stdout
    return json.loads(shown)["calls"]["running"]


class Call:
    """A call of the Lambda API, message by message."""

    def __init__(self, event, function="plain", body=None, **headers):
        self.connection = http.client.HTTPConnection(HOST, timeout=PATIENCE)
        self.connection.request("POST", f"/2021-11-15/functions/{function}/response-streaming-invocations",
                                json.dumps(event) if body is None else body,
                                {name.replace("_", "-"): value for name, value in headers.items()})
        self.response = self.connection.getresponse()
        self.buffer = botocore.eventstream.EventStreamBuffer()

    def next(self):
        """(type, payload); None at the end. botocore checks lengths and CRCs."""
        while True:
            for message in self.buffer:
                assert message.headers[":message-type"] == "event", message.headers
                return message.headers[":event-type"], message.payload
            data = self.response.read1(65536)
            if not data:
                return None
            self.buffer.add_data(data)

    def rest(self):
        """All payload, and what InvokeComplete says; nothing follows that."""
        data = []
        while (message := self.next()) and message[0] == "PayloadChunk":
            data.append(message[1])
        assert message and message[0] == "InvokeComplete" and self.next() is None, message
        self.connection.close()
        return b"".join(data), json.loads(message[1])


class Plain:
    def __init__(self, event, function="plain"):
        self.connection = http.client.HTTPConnection(HOST, timeout=PATIENCE)
        self.connection.request("POST", f"/function/{function}", json.dumps(event))
        self.response = self.connection.getresponse()

    def rest(self):
        """What came, and whether that was all."""
        try:
            return self.response.read(), True
        except http.client.IncompleteRead as error:
            return error.partial, False
        finally:
            self.connection.close()


def test_as_it_comes():
    call = Call("two go-1", X_Amz_Log_Type="Tail")
    headers = call.response.headers
    same((call.response.status, headers["Content-Type"], headers["X-Amz-Executed-Version"], headers["Transfer-Encoding"]),
         (200, "application/vnd.amazon.eventstream", "$LATEST", "chunked"), "a streamed answer over the Lambda API")
    same(call.next(), ("PayloadChunk", b"first "), "its first bytes come before there are more")
    mark("go-1")
    data, complete = call.rest()
    same((data, sorted(complete)), (b"second", ["LogResult"]), "then the rest, and that it is complete")
    ok(f"END RequestId: {headers['x-amzn-RequestId']}" in base64.b64decode(complete["LogResult"]).decode(), "with the log's tail")
    call = Plain("two go-2")
    same((call.response.status, call.response.getheader("Content-Type"), call.response.read1(6)), (200, "text/plain", b"first "),
         "over plain HTTP")
    mark("go-2")
    same(call.rest(), (b"second", True), "then the rest")


def test_whole():
    same(Call({"a": 1}).rest(), (b'{"a": 1}', {}), "an answer that is not streamed comes as one")
    body = json.dumps(["x" * 1000] * 6000).encode()
    same(Call(None, body=body).rest() == (body, {}), True, f"a large one ({len(body)} bytes)")
    same(Call(None, body=b"").rest(), (b"{}", {}), "no payload is an empty object")


def test_failures():
    data, complete = Call("fail told-1").rest()
    same((data, complete["ErrorCode"], json.loads(complete["ErrorDetails"])["errorMessage"]), (b"first ", "Example.Midway", "no more of it"),
         "an error by trailers in the middle of a stream")
    same(read_mark("told-1"), "202", "which the runtime was allowed to tell")
    same(Plain("fail told-2").rest(), (b"first ", False), "over plain HTTP the connection is cut")
    data, complete = Call("error").rest()
    same((data, complete["ErrorCode"], json.loads(complete["ErrorDetails"])["errorMessage"]), (b"", "Example.Early", "m"),
         "an error before the first byte")
    call = Call("hang late", "hasty")
    data, complete = call.rest()
    same((data, complete["ErrorCode"]), (b"first ", "Sandbox.Timedout"), "the deadline in the middle of a stream")
    mark("late")
    same(read_mark("late-status"), "400", "the runtime is told that nobody waits for the rest")
    same(Plain("hang later", "hasty").rest(), (b"first ", False), "over plain HTTP")
    mark("later")
    read_mark("later-status")
    data, complete = Call("exit", "mortal").rest()
    # Its first bytes may still have been in its socket.
    same((data in (b"", b"first "), complete["ErrorCode"]), (True, "Runtime.ExitError"), "the function's process ends in the middle of a stream")
    same(Call({"b": 2}, "mortal").rest(), (b'{"b": 2}', {}), "it is started again, and serves")
    connection = http.client.HTTPConnection(HOST, timeout=PATIENCE)
    connection.request("POST", "/2015-03-31/functions/plain/invocations", '"fail told-3"')
    response = connection.getresponse()
    same((response.status, response.getheader("X-Amz-Function-Error"), json.loads(response.read())["errorType"]),
         (200, "Unhandled", "Example.Midway"), "a caller who does not stream gets the error alone")
    connection.close()


def test_gone():
    for kind in Call, Plain:
        call = kind("endless")
        ok(call.next()[0] == "PayloadChunk" if kind is Call else call.response.read1(6) == b"first ", "an endless answer begins")
        call.connection.close()
        call.response.close()
        read_mark("stopped")
        os.unlink(f"{DIR}/stopped")
        while running("plain"):
            time.sleep(0.01)
        ok(True, "its caller leaves, and the function is stopped")


def test_slow_caller():
    size = 48
    before = peak()
    call = Call(f"much {size}")
    # The function goes on until it has to wait: so far the caller read nothing.
    last, since = "", time.monotonic()
    while last != str(size) and time.monotonic() - since < 1:
        now = read_mark("progress") if os.path.exists(f"{DIR}/progress") else ""
        if now != last:
            last, since = now, time.monotonic()
        time.sleep(0.02)
    ok(last != str(size), f"a function whose caller does not read has to wait (after {last or 0} of {size} MiB)")
    data, complete = call.rest()
    same((len(data), complete), (6 + (size << 20), {}), "then all of it arrives")
    ok(peak() - before < 16384, f"the daemon's memory stays bounded ({peak() - before} KiB more for {size} MiB)")
    same(read_mark("much"), "202", "and the runtime learns that it arrived")
    if not os.environ.get("FULL"):
        return
    data, complete = Call("much 201").rest()
    same((len(data), complete["ErrorCode"]), (200 << 20, "Function.ResponseSizeTooLarge"), "200 MiB is the limit")


def test_refusals():
    for headers, function, want in (({"X_Amz_Invocation_Type": "Event"}, "plain", (400, "InvalidParameterValueException")),
                                    ({"X_Amz_Invocation_Type": "DryRun"}, "plain", (204, None)),
                                    ({}, "nobody", (404, "ResourceNotFoundException"))):
        response = Call("whole", function, **headers).response
        same((response.status, response.getheader("x-amzn-errortype")), want, f"{headers or function}: {want[0]}")
    same(Call(None, body=b"{nonsense").response.status, 400, "an event that is no JSON")


def test_runtime_api():
    for function in "plain", "hasty", "mortal":
        same(read_mark(f"restored-{function}"), "200", f"restore/next of function {function} was answered with its first event")
    same(json.loads(Call("odd").rest()[0]),
         [[403, "InvalidStateTransition"], [403, "InvalidStateTransition"], [403, "InvalidStateTransition"], [400, "InvalidRequestID"],
          [403, "Extension.NotSupported"]],
         "init/error and restore/error and restore/next out of turn, another invocation's id, an extension")
    complete = Call("whole", "unrestored").rest()[1]
    same(complete["ErrorCode"], "Example.Hook", "restore/error is the error of the event that was waiting")
    same(Call("whole", "unrestored").rest(), (b'"whole"', {}), "but not of the next one")


for test in [value for name, value in list(globals().items()) if name.startswith("test_")]:
    try:
        test()
    except Exception as e:    # pylint: disable=broad-except
        ok(False, f"{test.__name__} runs to its end", f"{type(e).__name__}: {e}")
sys.exit(tap.done())
