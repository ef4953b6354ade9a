#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many invocations while microVMs are killed at random: every caller gets exactly one answer. Prints TAP.

usage: killed.py URL NEXUSCTL...
"""
import collections
import json
import os
import random
import signal
import sys
import threading
import time

import caller
from caller import ok, same

URL, *CTL = sys.argv[1:]
CALLERS = 4
FULL = os.environ.get("FULL")
CALLS = 1000 if FULL else 16
ANSWERS_A_KILL = 4 if FULL else 2   # a clone takes its time in an emulated host
call = caller.Caller(URL, CTL)
over = threading.Event()
killed = collections.Counter()


def killer():
    """One that has booted or one that has not, busy or idle: as it comes, but never faster than calls are answered."""
    while not over.wait(random.uniform(0.5, 4)):
        shown = call.show("shaky")
        victims = [i for i in shown["instances"] if i["state"] in ("starting", "loading", "running")]
        # Most of them may live, else nobody would get an answer.
        if not victims or sum(killed.values()) > len(results) / ANSWERS_A_KILL:
            continue
        victim = random.choice(victims)
        try:
            os.kill(victim["pid"], signal.SIGKILL)
        except ProcessLookupError:
            continue
        killed[victim["state"]] += 1


def one(number, pauses=False):
    """What the caller got: his answer, or the type of the error."""
    event = {"key": "seed/mebibyte", "mine": str(number), **({"pause": "1"} if pauses else {})}
    try:
        answer = call.invoke("shaky", event)
    except Exception as e:    # pylint: disable=broad-except
        return f"{type(e).__name__}: {e}"
    body = json.loads(answer["Body"])
    if answer.get("FunctionError"):
        return body["errorType"]
    return "answer" if (body["mine"], body["n"]) == (str(number), 1 << 20) else f"another answer: {body!r:.200}"


def caller_main(first):
    for number in range(first, CALLS, CALLERS):
        results.append(one(number, number % 2 == 1))
        if len(results) % 50 == 0:
            print(f"# {len(results)} calls after {time.monotonic() - begun:.0f} s; killed: {dict(killed)}", flush=True)


results, begun = [], time.monotonic()
callers = [threading.Thread(target=caller_main, args=(i,)) for i in range(CALLERS)]
thread = threading.Thread(target=killer)
for t in callers:
    t.start()
thread.start()
for t in callers:
    t.join()
over.set()
thread.join()
count = collections.Counter(results)
print(f"# {CALLS} calls: {dict(count)}; killed: {dict(killed)}")
same(set(count) - {"answer", "Runtime.ExitError"}, set(), "each caller got his answer, or that its instance died")
same(sum(count.values()), CALLS, "exactly one for each call")
ok(sum(killed.values()) and count["answer"], "microVMs were killed, and others answered", (count, killed))
state = call.wait("shaky", lambda s: not s["calls"]["running"] and not s["calls"]["waiting"], 60)["calls"]
same((state["running"], state["waiting"]), (0, 0), "afterwards nothing runs or waits")
same((state["invocations"], state["errors"]), (CALLS, count["Runtime.ExitError"]), "the daemon counted them")
same(one("last"), "answer", "the next invocation is answered")
caller.done()
