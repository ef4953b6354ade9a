#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Twenty boto3 callers at once. Prints TAP.

usage: limits.py URL CLONES NEXUSCTL...
"""
import os
import sys
import time

import boto3
import botocore.config

import caller
from caller import ok, same

URL, CTL = sys.argv[1], sys.argv[3:]
CALLERS = 20
CLONES = int(sys.argv[2])    # that the function many may have; the daemon has room for four more
THROTTLED = ("TooManyRequestsException", 429)
WAIT_S = 900
call = caller.Caller(URL, CTL)
store = boto3.client("s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
                     aws_access_key_id=os.environ["NEXUS_AWS_ACCESS_KEY_ID"],
                     aws_secret_access_key=os.environ["NEXUS_AWS_SECRET_ACCESS_KEY"],
                     config=botocore.config.Config(s3={"addressing_style": "path"}))


def hold(name, number):
    """So many invocations at once, which end once release() is called."""
    key, start = f"invoke/{name}-{os.getpid()}", time.monotonic()
    calls = [call.start(call.value, name, {"hold": key, "n": n}) for n in range(number)]
    shown = call.wait(name, lambda s: s["calls"]["running"] == number, WAIT_S)
    print(f"# {number} callers at once: all have an instance after {time.monotonic() - start:.0f} s", flush=True)
    return key, calls, shown


def release(key):
    store.put_object(Bucket="nexus-test", Key=key, Body=b"go")


def private_kib(pid):
    """Memory of a process that is nobody else's."""
    with open(f"/proc/{pid}/smaps_rollup") as file:
        return sum(int(line.split()[1]) for line in file if line.startswith("Private"))


def test_clones():
    key, calls, shown = hold("many", CLONES)
    what = f"{CLONES} callers of a function with concurrency {CLONES}"
    same((shown["calls"]["running"], shown["calls"]["waiting"]), (CLONES, 0), f"{what}: all are worked on at the same time")
    vms = shown["instances"]
    same((len({i["pid"] for i in vms}), {i["restored"] for i in vms}), (CLONES, {True}), f"{what}: by as many clones")
    private = sorted(private_kib(i["pid"]) for i in vms)
    ok(private and private[-1] < 128 << 10, f"{what}: each clone has {private[:1]} to {private[-1:]} KiB of its own")
    same(call.refusal("many", {}), THROTTLED, f"{what}: one more is refused")
    release(key)
    same([c.result()["held"] for c in calls], ["go"] * CLONES, f"{what}: each has its answer")
    counts = call.show("many")["calls"]
    same((counts["errors"], counts["throttles"]), (0, 1), f"{what}: the daemon counted no error, one refusal")


def test_four():
    key, calls, shown = hold("few", 4)
    same(shown["calls"]["running"], 4, "20 callers, concurrency 4: four run")
    refused = list(call.pool.map(lambda n: call.refusal("few", {"n": n}), range(CALLERS - 4)))
    same(refused, [THROTTLED] * (CALLERS - 4), "20 callers, concurrency 4: the other 16 are refused")
    release(key)
    same([c.result()["held"] for c in calls], ["go"] * 4, "20 callers, concurrency 4: the four are answered")
    same(call.value("few", {"n": 1}), {"n": 1}, "20 callers, concurrency 4: then there is room again")
    call.control("stop", "few")
    call.wait("few", lambda s: not s["instances"], WAIT_S)


def test_queue():
    same(len(call.show("many")["instances"]), CLONES, "20 callers, room for 4: the rest is another function's")
    answers = list(call.pool.map(lambda n: call.value("queued", {"n": n}), range(CALLERS)))
    same(answers, [{"n": n} for n in range(CALLERS)], "20 callers, room for 4: they queue, and each has his own answer")
    same(len(call.show("queued")["instances"]), 4, "20 callers, room for 4: of four microVMs")


test_clones()
test_four()
test_queue()
caller.done()
