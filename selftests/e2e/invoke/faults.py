#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What boto3 sees of faults in microVMs. Prints TAP.

usage: faults.py URL NEXUSCTL...
"""
import base64
import json
import sys

import caller
from caller import ok, same

URL, *CTL = sys.argv[1:]
LIMIT = 6 << 20
TIMEOUT_S = 200
call = caller.Caller(URL, CTL)


def pids(name):
    return [i["pid"] for i in call.show(name)["instances"]]


def text_of(size):
    """JSON of so many bytes."""
    return b'"' + b"x" * (size - 2) + b'"'


def next_works(name, after):
    same(call.value(name, {"after": after}), {"after": after}, f"after {after} the next invocation is answered")


def test_timeout(out):
    error, answer = out
    same((answer["StatusCode"], error), (200, ("Unhandled", "Sandbox.Timedout")), "a time-out is an error of the function")
    ok("Task timed out after 30.00 seconds" in json.loads(answer["Body"])["errorMessage"], "a time-out: in AWS's words",
       answer["Body"])
    ok(b"Task timed out" in base64.b64decode(answer["LogResult"]), "a time-out: in the log tail too")


def test_handler():
    next_works("faulty", "its start")
    mine = pids("faulty")
    error, answer = call.failure("faulty", "exit")
    same(error, ("Unhandled", "Runtime.ExitError"), "a handler that exits")
    ok("exit status 3" in json.loads(answer["Body"])["errorMessage"], "a handler that exits: with its status", answer["Body"])
    next_works("faulty", "an exit")
    same(call.failure("faulty", "fail")[0], ("Unhandled", "Example.Error"), "a handler that reports an error")
    next_works("faulty", "an error")
    error, answer = call.failure("faulty", "memory")
    same(error, ("Unhandled", "Runtime.ExitError"), "a handler that eats the guest's memory")
    ok("signal: Killed" in json.loads(answer["Body"])["errorMessage"], "a handler that eats the guest's memory: killed",
       answer["Body"])
    next_works("faulty", "no memory")
    same(pids("faulty"), mine, "all in the same microVM")


def test_sizes():
    same(len(call.invoke("faulty", text_of(LIMIT))["Body"]), LIMIT, "6 MiB there and back")
    same(call.refusal("faulty", text_of(LIMIT + 1)), ("RequestTooLargeException", 413), "an event of a byte more is refused")
    same(len(call.invoke("faulty", "large")["Body"]), LIMIT, "an answer of 6 MiB")
    same(call.failure("faulty", "larger")[0], ("Unhandled", "Function.ResponseSizeTooLarge"), "an answer of a byte more")
    next_works("faulty", "too large an answer")


def test_kernel():
    mine = pids("faulty")
    error, answer = call.failure("faulty", "panic")
    same((answer["StatusCode"], error), (200, ("Unhandled", "Runtime.ExitError")), "the guest's kernel crashes")
    ok(answer["Seconds"] < TIMEOUT_S / 2, f"the guest's kernel crashes: its caller hears at once ({answer['Seconds']:.1f} s)")
    next_works("faulty", "a crash of the kernel")
    ok(pids("faulty") and pids("faulty") != mine, "a crash of the kernel: in another microVM", (mine, pids("faulty")))


# It takes its time meanwhile.
stuck = call.start(lambda: call.failure("hasty", "stuck", LogType="Tail"))
test_handler()
test_sizes()
test_timeout(stuck.result())
same(call.wait("hasty", lambda shown: not shown["instances"], 60)["instances"], [], "a time-out: its microVM is ended")
test_kernel()
next_works("hasty", "a time-out")
caller.done()
