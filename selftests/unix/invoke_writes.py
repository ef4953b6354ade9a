# SPDX-License-Identifier: GPL-2.0-only
"""test_invoke_writes.sh: puts of functions while the store stands still. Nothing here waits for a time to pass:
the functions say when a put was acknowledged, and that is compared with when the store went on."""
import errno
import json
import os
import socket
import subprocess
import sys
import threading
import time

from guest import Guest, library
from host import BUCKET, BUILD, Backend, Store, WORK
from tap import Tap

TOP = os.environ["TOP"]
PATIENCE = 120


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


tap = Tap()
store = Store()
CALLERS = f"http://127.0.0.1:{free_port()}"
backend = Backend(store, {"test": [f"http_hosts = {CALLERS[7:]}", "http_networks = 127.0.0.0/8", "endpoint = store self"],
                          "certain": ["write_mode = through"], "wrong": ["profile = wrong"]},
                  ["[ingress]", f"listen = {CALLERS[7:]}"], {"self": [f"url = {CALLERS}", "service = lambda", "region = us-east-1"]})
FUNCTIONS = {"plain": ["tenant = test"], "sure": ["tenant = test", "write_mode = through"], "later": ["tenant = certain", "write_mode = deferred"],
             "tenants": ["tenant = certain"], "failing": ["tenant = wrong"],
             "reader": ["tenant = test"], "stranger": ["tenant = certain"], "shell": ["tenant = test"],
             "hasty": ["tenant = test", "timeout = 2s", "start_timeout = 1m"]}
os.makedirs(f"{WORK}/config/functions.d")
for name, lines in FUNCTIONS.items():
    with open(f"{WORK}/config/functions.d/{name}.conf", "w") as file:
        if not any(line.startswith("timeout = ") for line in lines):
            lines = [*lines, "timeout = 2m"]
        print(f"[function {name}]", *lines, f"[listen f-{name}]", f"path = {WORK}/f-{name}.sock", lines[0],
              f"function = {name}", sep="\n", file=file)
backend.start()


def instance(name):
    return subprocess.Popen([f"{BUILD}/selftests/unix/instance"], env={
        **os.environ, "NEXUS_TARGET": f"unix:{WORK}/f-{name}.sock", "NEXUS_CHAIN_URL": f"{CALLERS}/function/stranger"})


instances = [instance(name) for name in FUNCTIONS if name != "shell"]
instances.append(subprocess.Popen([f"{BUILD}/guest-lib/nexus-runtime", "--target", f"unix:{WORK}/f-shell.sock", "--port", free_port(),
                                   "--gateway", free_port(), "--", f"{TOP}/selftests/unix/runtime.sh", WORK],
                                  stderr=subprocess.DEVNULL))


class Call(threading.Thread):
    """An invocation by nexusctl, in a thread."""

    def __init__(self, function, event):
        super().__init__(daemon=True)
        self.command = [f"{BUILD}/backend/nexusctl", "--control", f"{WORK}/control.sock", "function", "invoke", function,
                        "--payload", "-"]
        self.event, self.result = json.dumps(event), None
        self.start()

    def run(self):
        self.result = subprocess.run(self.command, input=self.event, capture_output=True, text=True, timeout=PATIENCE)

    def answer(self):
        self.join(PATIENCE)
        return json.loads(self.result.stdout)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(0.01)


def taken(function):
    """How many events its instances have taken so far."""
    shown = subprocess.run([f"{BUILD}/backend/nexusctl", "--control", f"{WORK}/control.sock", "function", "show", function],
                           capture_output=True, text=True, check=True).stdout
    return json.loads(shown)["calls"]["invocations"]


class Standstill:
    """The store stands still, until go_on() after a request more came to it. `since`: when it went on."""

    def __enter__(self):
        store.stop()
        self.requests = backend.stats()["totals"]["store_requests"]
        return self

    def go_on(self, clock=time.monotonic):
        until(lambda: backend.stats()["totals"]["store_requests"] > self.requests)
        self.since = clock()
        store.go_on()

    def __exit__(self, *_):
        store.go_on()


def test_early():
    """The caller's answer waits for the write, the instance does not."""
    with Standstill() as still:
        first = Call("plain", {"key": "invoke/early", "write": 1})
        until(lambda: taken("plain") == 1)
        second = Call("plain", {"idle": 1})
        until(lambda: taken("plain") == 2)
        tap.ok(first.is_alive(), "an instance takes its next event while the first one's write is under way")
        still.go_on()
        answer = first.answer()
    times = [answer["acknowledged"], second.answer()["taken"], still.since]
    tap.equal(times, sorted(times), "the put was acknowledged before")
    tap.equal(store.get("invoke/early"), bytes(64), "what the first one wrote is there when its caller is answered")


def test_modes():
    for function, word, want in (
            ("plain", "default", "at once"), ("plain", "through", "when stored"), ("sure", "default", "when stored"),
            ("sure", "deferred", "at once"), ("tenants", "default", "when stored"), ("later", "default", "at once"),
            ("plain", "conditional", "when stored"), ("plain", "large", "when stored")):
        # An instance that takes its next event has its put acknowledged.
        with Standstill() as still:
            before = taken(function)
            call = Call(function, {"key": f"invoke/{function}/{word}", "write": word})
            if want == "at once":
                until(lambda: taken(function) == before + 1)    # pylint: disable=cell-var-from-loop
                follower = Call(function, {"idle": 1})
                until(lambda: taken(function) == before + 2)    # pylint: disable=cell-var-from-loop
            still.go_on()
            answer = call.answer()
        if want == "at once":
            follower.answer()
        got = "at once" if answer["acknowledged"] < still.since else "when stored"
        tap.equal((got, answer["n"] if word != "conditional" else 0), (want, 0), f"function {function}, put {word}: acknowledged {want}")


def test_gateway():
    for word, want in ("put deferred", "at once"), ("put", "when stored"):
        with Standstill() as still:
            before = taken("shell")
            call = Call("shell", word)
            if want == "at once":
                until(lambda: taken("shell") == before + 1)    # pylint: disable=cell-var-from-loop
                follower = Call("shell", {"idle": 1})
                until(lambda: taken("shell") == before + 2)    # pylint: disable=cell-var-from-loop
            still.go_on(time.time)
            answer = call.answer()
        if want == "at once":
            follower.answer()
        tap.equal(("at once" if answer["acknowledged"] < still.since else "when stored", answer["n"]), (want, 200),
                  f"through the gateway, {word}: acknowledged {want}")


def test_chain():
    """A function puts an object, and has another one read it, which is a guest of its own, of its tenant or of another."""
    for word, reader, what in (("aws", "reader", "lambda.invoke"), ("http", "stranger", "a POST to another tenant's function")):
        with Standstill() as still:
            before = taken(reader)
            call = Call("plain", {"key": f"invoke/chain/{word}", "chain": 1, "mode": "deferred", word: 1})
            until(lambda: backend.stats()["totals"]["store_requests"] > still.requests)    # pylint: disable=cell-var-from-loop
            # It must not come: a second is enough to see it, and too little of a machine's time hides it only.
            end = time.monotonic() + 1
            while time.monotonic() < end and taken(reader) == before:
                time.sleep(0.02)
            tap.equal(taken(reader), before, f"{what} waits for the deferred write before it")
            store.go_on()
            answer = call.answer()
        tap.equal((answer.get("n"), taken(reader)), (64, before + 1), f"{what}: the function that is called reads what was written")


def test_deadline():
    """What an invocation asks for ends with it, long before the tenant's time-out of a minute."""
    with Standstill():
        begin = time.monotonic()
        first = Call("hasty", {"key": "invoke/hasty", "write": "through"})
        until(lambda: taken("hasty") == 1)
        second = Call("hasty", {"idle": 1})
        answer = second.answer()
        took = time.monotonic() - begin
    late = first.answer()
    tap.ok(late.get("n") == -errno.ETIMEDOUT or late.get("errorType") == "Sandbox.Timedout",
           "a put that takes longer than the invocation fails", late)
    tap.ok(answer.get("n") == 0 and 1.9 <= took < 30, f"with it: the next event is taken after {took:.1f} s", answer)


def test_outside():
    guest = Guest(library(f"{BUILD}/guest-lib/libnexus-guest.so.1"), f"unix:{WORK}/f-plain.sock")
    ended = []
    with Standstill() as still:
        thread = threading.Thread(target=lambda: ended.append((guest.put(BUCKET, "invoke/outside", b"x"), time.monotonic())))
        thread.start()
        still.go_on()
        thread.join(PATIENCE)
    tap.ok(ended and ended[0][1] > still.since, "outside of an invocation a put is acknowledged when it is stored")
    guest.close()


def test_failure():
    call = Call("failing", {"key": "invoke/failing", "write": "default"})
    tap.equal((call.answer()["errorType"], call.result.returncode), ("Nexus.WriteFailed", 4),
              "a default put that fails later is the invocation's error")
    call = Call("failing", {"idle": 1})
    tap.equal((call.answer()["n"], call.result.returncode), (0, 0), "and not the next one's")


for test in [value for name, value in list(globals().items()) if name.startswith("test_")]:
    test()
for process in instances:
    process.terminate()
    process.wait()
tap.equal(backend.stop(), 0, "the daemon ends well")
sys.exit(tap.done())
