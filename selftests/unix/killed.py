#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Many invocations while instances are killed at random: every caller gets exactly one answer. Prints TAP.

usage: killed.py http://HOST:PORT NEXUS-RUNTIME TARGET RUNTIME.SH DIRECTORY NEXUSCTL...
"""
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time

URL, RUNTIME, TARGET, SCRIPT, DIR, *CTL = sys.argv[1:]
HOST = URL.split("//")[1]
INSTANCES = 4
CALLERS = 8
CALLS = 1000 if os.environ.get("FULL") else 120
KILLS = CALLS // 10

instances = []
results = []
done = threading.Event()
killed = 0


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def start():
    return subprocess.Popen([RUNTIME, "--target", TARGET, "--port", str(free_port()), "--gateway", "0", "--", SCRIPT, DIR],
                            stderr=subprocess.DEVNULL)


def killer():
    """One at random, whenever the callers are ten answers further: as many kills on a fast machine as on a slow one."""
    global killed
    while killed < KILLS and not done.wait(0.001):
        if len(results) > killed * CALLS / KILLS:
            i = random.randrange(INSTANCES)
            instances[i].send_signal(signal.SIGKILL)
            instances[i].wait()
            instances[i] = start()
            killed += 1


def caller(number):
    connection = http.client.HTTPConnection(HOST, timeout=60)
    for i in range(CALLS // CALLERS):
        body = json.dumps({"caller": number, "i": i})
        connection.request("POST", "/2015-03-31/functions/shaky/invocations", body)
        response = connection.getresponse()
        answer = response.read()
        if response.status == 200 and response.getheader("x-amz-function-error"):
            results.append(json.loads(answer)["errorType"])
        else:
            results.append("answer" if answer.decode() == body else f"{response.status} {answer!r:.200}")
    connection.close()


def calls():
    shown = subprocess.run([*CTL, "function", "show", "shaky"], capture_output=True, text=True, check=True).stdout
    return json.loads(shown)["calls"]


instances = [start() for _ in range(INSTANCES)]
threads = [threading.Thread(target=caller, args=(n,)) for n in range(CALLERS)]
thread = threading.Thread(target=killer)
thread.start()
for t in threads:
    t.start()
for t in threads:
    t.join()
done.set()
thread.join()
for _ in range(100):
    state = calls()
    if state["idle"] == INSTANCES:
        break
    time.sleep(0.05)
wrong = [r for r in results if r not in ("answer", "Runtime.ExitError")]
good, dead = results.count("answer"), results.count("Runtime.ExitError")
print(f"# calls: {CALLS}, answered: {good}, ended by a kill: {dead}, killed: {killed}")
print(f"{'not ok' if wrong or good + dead != CALLS else 'ok'} 1 - every caller got one answer, his own or that its instance died")
for r in wrong[:5]:
    print(f"#   {r}")
print(f"{'ok' if killed > KILLS / 2 and good > CALLS / 2 and dead else 'not ok'} 2 - instances were killed in the middle of events")
print(f"{'ok' if state['running'] == state['waiting'] == 0 and state['idle'] == INSTANCES else 'not ok'} 3 - "
      f"afterwards nothing runs or waits, and each instance is there once")
print(f"#   {state}")
print(f"{'ok' if state['invocations'] >= CALLS and state['errors'] == dead else 'not ok'} 4 - the daemon counted them")
print("1..4")
for i in instances:
    i.kill()
