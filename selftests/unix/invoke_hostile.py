#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Callers that break HTTP, are slow, leave early, or are too many. Prints TAP.

usage: invoke_hostile.py HOST:PORT MAX-CONNECTIONS DIRECTORY NEXUSCTL...
"""
import http.client
import json
import select
import socket
import subprocess
import sys
import threading
import time

from tap import Tap

ADDRESS, MAX, DIR, *CTL = sys.argv[1:]
HOST, PORT = ADDRESS.split(":")
MAX = int(MAX)
PATIENCE = 120
tap = Tap()


def connect():
    return socket.create_connection((HOST, int(PORT)), timeout=PATIENCE)


def post(body, path="/function/echo", *fields):
    return (f"POST {path} HTTP/1.1\r\nHost: {ADDRESS}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            + "".join(f + "\r\n" for f in fields) + "\r\n").encode() + body


def everything(connection):
    """What comes until the other side closes."""
    data = b""
    try:
        while more := connection.recv(65536):
            data += more
    except ConnectionResetError:
        pass
    connection.close()
    return data


def first_line(data):
    return data.split(b"\r\n")[0].decode("latin-1")


def status(data):
    """Of the first answer; 0: there is none, the connection was closed."""
    return int(data.split()[1]) if data else 0


def send(data):
    """What is answered to this until the connection ends, which it asks for where it can."""
    connection = connect()
    try:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
    except OSError:
        pass    # it is closed already
    return everything(connection)


def calls(function="echo"):
    shown = subprocess.run([*CTL, "function", "show", function], capture_output=True, text=True, check=True).stdout
    return json.loads(shown)["calls"]


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def call(body=b"{}", function="echo", **fields):
    """(status, error's name, body) of an honest call."""
    connection = http.client.HTTPConnection(ADDRESS, timeout=PATIENCE)
    connection.request("POST", f"/2015-03-31/functions/{function}/invocations", body, fields)
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, response.getheader("x-amzn-errortype"), data


def alive():
    return call(b'{"a":1}') == (200, None, b'{"a":1}')


def test_broken():
    head = f"POST /function/echo HTTP/1.1\r\nHost: {ADDRESS}\r\n".encode()
    # 0: closed without a word.
    for what, data, want in (
            ("what is no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100) + b"\r\n\r\n", (400, 0)),
            ("a method that nobody knows", b"BREW /function/echo HTTP/1.1\r\nHost: a\r\n\r\n", (405,)),
            ("a version that there is not", b"GET /healthz HTTP/7.0\r\n\r\n", (400, 505)),
            ("no Host", b"GET /healthz HTTP/1.1\r\n\r\n", (400,)),
            ("a field of 100 KB", head + b"X: " + b"y" * 100000 + b"\r\n\r\n", (431,)),
            ("20,000 fields", head + b"X: y\r\n" * 20000 + b"\r\n", (431,)),
            ("a path of 100 KB", b"GET /" + b"x" * 100000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", (414,)),
            ("a length below zero", head + b"Content-Length: -5\r\n\r\nhello", (400,)),
            ("a length that is no number", head + b"Content-Length: 5x\r\n\r\nhello", (400,)),
            ("a length beyond all numbers", head + b"Content-Length: 99999999999999999999999\r\n\r\nhello", (400, 413)),
            ("two lengths", head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!", (400,)),
            ("a length, and chunks", head + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
            ("an encoding that nobody knows", head + b"Transfer-Encoding: odd\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (400, 501, 0)),
            ("a chunk without a size", head + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n", (400, 0)),
            ("a chunk beyond all numbers", head + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\nhello", (400, 413, 0))):
        before = calls()["invocations"]
        got = send(data)
        tap.ok(status(got) in want and calls()["invocations"] == before, f"{what}: {status(got) or 'closed'}, and no invocation",
               first_line(got), want)
    tap.ok(alive(), "an honest caller is served")


def test_framing():
    answers = send(post(b'"1"') + post(b'"2"', "/2015-03-31/functions/echo/invocations") + post(b'"3"', "/function/echo", "Connection: close"))
    bodies = [part.split(b"\r\n\r\n", 1)[1] for part in answers.split(b"HTTP/1.1 ")[1:]]
    tap.equal(bodies, [b'"1"', b'"2"', b'"3"'], "three requests at once are answered in their order")
    tap.equal(status(send(post(b'"half"', "/function/echo", "Connection: close"))), 200, "a caller who has closed his side gets his answer")
    chunked = (f"POST /function/echo HTTP/1.1\r\nHost: {ADDRESS}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
               "3\r\n\"in\r\n7\r\n pieces\r\n1\r\n\"\r\n0\r\n\r\n").encode()
    tap.ok(send(chunked).endswith(b'\r\n\r\n"in pieces"'), "a body in chunks")
    connection = connect()
    connection.sendall(post(b"", "/function/echo", "Connection: close", "Expect: 100-continue").replace(b"Length: 0", b"Length: 2"))
    first = connection.recv(100)
    connection.sendall(b"{}")
    tap.equal((first_line(first), everything(connection)[-2:]), ("HTTP/1.1 100 Continue", b"{}"), "who expects to be told to go on is told")


def test_early_leavers():
    before = calls()["invocations"]
    connection = connect()
    connection.sendall(post(b"x" * 100000)[:50000])
    connection.close()
    connection = connect()
    connection.sendall(post(b"x" * 100000)[:50000])
    connection.shutdown(socket.SHUT_WR)
    data = everything(connection)
    tap.ok(status(data) in (0, 400), "a body that ends early is not answered as if it were whole", first_line(data))
    tap.ok(alive() and calls()["invocations"] == before + 1, "nor is it an event", calls(), before)
    connection = connect()
    connection.sendall(post(b'"hold gone"'))
    tap.ok(until(lambda: calls()["running"] == 1), "an invocation is under way")
    connection.close()
    with open(f"{DIR}/gone", "w"):
        pass
    tap.ok(until(lambda: calls()["running"] == 0) and alive(), "whose caller leaves: it ends, and others are served")


def test_slow():
    """Each sends a byte now and then, for ever."""
    def drip(data):
        connection = connect()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        start = time.monotonic()
        try:
            for byte in data:
                connection.sendall(bytes([byte]))
                connection.settimeout(0.3)
                try:
                    if not connection.recv(1000):
                        break
                except TimeoutError:
                    pass
                if time.monotonic() - start > PATIENCE:
                    return "it is still there"
        except OSError:
            pass
        connection.close()
        return "cut off"
    results = {}
    threads = [threading.Thread(target=lambda what, data: results.update({what: drip(data)}), args=item) for item in (
        ("a request's head", f"POST /function/echo HTTP/1.1\r\nHost: {ADDRESS}\r\n".encode() + b"X-Y: z\r\n" * 1000),
        ("a body", b"{}" * 5000))]
    # The second's head is whole.
    threads[1] = threading.Thread(target=lambda: results.update({"a body": drip_body(drip)}))
    for thread in threads:
        thread.start()
    tap.ok(alive(), "while two callers drip, an honest one is served")
    for thread in threads:
        thread.join()
    for what in "a request's head", "a body":
        tap.equal(results[what], "cut off", f"who takes for ever to send {what} is cut off")


def drip_body(drip):
    global connect
    whole = connect

    def begun():
        connection = whole()
        connection.sendall(post(b"x" * 100000)[:-100000])
        return connection
    connect = begun
    try:
        return drip(b"x" * 5000)
    finally:
        connect = whole


def test_too_many_connections():
    silent = [connect() for _ in range(MAX)]
    tap.equal(select.select(silent, [], [], 0)[0], [], f"{MAX} silent callers keep all connections")
    tap.equal(status(send(post(b"{}"))), 200, "one more waits, and is served")
    tap.ok(select.select(silent, [], [], 0)[0], "when they were cut off")
    for connection in silent:
        connection.close()


def test_limits():
    """max_invocations is 3, the concurrency of held 2, of echo 10."""
    answers = []

    def held(function):
        answers.append(call(b'"hold limits"', function))
    threads = [threading.Thread(target=held, args=("held",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    tap.ok(until(lambda: calls("held")["running"] + calls("held")["waiting"] == 2), "two invocations of a function with a concurrency of 2")
    connection = http.client.HTTPConnection(ADDRESS, timeout=PATIENCE)
    connection.request("POST", "/2015-03-31/functions/held/invocations", b"{}")
    response = connection.getresponse()
    tap.equal((response.status, response.getheader("x-amzn-ErrorType"), response.getheader("x-amzn-Reason"), response.getheader("Retry-After")),
              (429, "TooManyRequestsException", "ReservedFunctionConcurrentInvocationLimitExceeded", "1"), "a third is refused for the function's limit")
    response.read()
    threads.append(threading.Thread(target=held, args=("echo",)))
    threads[-1].start()
    tap.ok(until(lambda: calls("echo")["running"] == 1), "one of another function")
    connection.request("POST", "/2015-03-31/functions/echo/invocations", b"{}")
    response = connection.getresponse()
    tap.equal((response.status, response.getheader("x-amzn-ErrorType"), response.getheader("x-amzn-Reason")),
              (429, "TooManyRequestsException", "ConcurrentInvocationLimitExceeded"), "a fourth of all is refused for the host's")
    response.read()
    connection.request("POST", "/function/echo", b"{}")
    response = connection.getresponse()
    tap.equal(response.status, 429, "over plain HTTP, too")
    response.read()
    connection.close()
    with open(f"{DIR}/limits", "w"):
        pass
    for thread in threads:
        thread.join()
    tap.equal([a[0] for a in answers], [200] * 3, "the three are answered")
    tap.ok(alive(), "then there is room again")


for test in [value for name, value in list(globals().items()) if name.startswith("test_")]:
    try:
        test()
    except Exception as e:    # pylint: disable=broad-except
        tap.ok(False, f"{test.__name__} runs to its end", f"{type(e).__name__}: {e}")
sys.exit(tap.done())
