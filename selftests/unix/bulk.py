# SPDX-License-Identifier: GPL-2.0-only
"""test_bulk.sh: large objects in parts, and stores that fail; one case a function."""
import ctypes
import os
import random
import re
import subprocess
import sys
import time
import zlib

from guest import Failure, Guest, Options, library, target
from host import BUCKET, BUILD, WORK, Backend, Store
from tap import Tap

MIB = 1 << 20
PART = 8 * MIB
os.environ["NEXUS_ARENA_MAX"] = str(192 * MIB)

# Each misbehaves for a tenant of that name.
FAULTS = {"slowdown": "slowdown/2", "internal": "internal/2", "overload": "slowdown", "later": "later=1/1",
          "cutup": "cut-up=3000000/2", "cutget": "cut=2000000", "blackhole": "blackhole=1000000/1",
          "corrupt": "corrupt=3/1", "duplicate": "duplicate", "fresh": "pass"}
tap = Tap()
lib = library(f"{BUILD}/guest-lib/libnexus-guest.so.1")
lib.nexus_get_stream.restype = ctypes.c_void_p
lib.nexus_put_stream.restype = ctypes.c_void_p
lib.nexus_op_etag.restype = ctypes.c_char_p
lib.nexus_op_content_length.restype = ctypes.c_uint64
lib.nexus_read_window.restype = ctypes.c_ssize_t
lib.nexus_write.restype = ctypes.c_ssize_t
store = Store()


def start_proxy():
    ports = f"{WORK}/ports"
    proxy = subprocess.Popen([f"{os.environ['TOP']}/selftests/store/fault-proxy", "--to",
                              store.env["NEXUS_S3_URL"].rsplit(":", 1)[1], "--ports-to", ports,
                              *(word for mode in FAULTS.values() for word in ("--listen", mode))],
                             stdout=subprocess.DEVNULL)
    while not os.path.exists(ports):
        time.sleep(0.02)
    with open(ports) as lines:
        return proxy, dict(zip(FAULTS, (line.split()[0] for line in lines)))


def log_lines():
    """The store's log, with the lines of all requests that were answered: it writes them a moment later."""
    mark = f"bulk/mark-{time.monotonic_ns()}"
    store.client.put_object(Bucket=BUCKET, Key=mark, Body=b"")
    while True:
        with open(store.env["NEXUS_S3_LOG"]) as log:
            lines = log.readlines()
        if any(mark in line for line in lines):
            return lines
        time.sleep(0.01)


def log_of(key, since=0):
    """[(method, query, status)] of the store's requests for a key."""
    return [(words[1], words[2].partition("?")[2], words[3]) for words in map(str.split, log_lines()[since:])
            if words[2].partition("?")[0] == f"/{BUCKET}/{key}"]


def log_length():
    return len(log_lines())


class Counters:
    """What they grew by."""

    def __init__(self):
        self.before = backend.stats()["totals"]

    def __getattr__(self, name):
        return backend.stats()["totals"][name] - self.before[name]


class Buffer:
    """Arena memory."""

    def __init__(self, guest, size):
        self.guest, self.size = guest, size
        self.address = lib.nexus_alloc(guest.nx, ctypes.c_size_t(size))
        if not self.address:
            raise MemoryError(size)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        lib.nexus_free(self.guest.nx, ctypes.c_void_p(self.address))

    def fill(self, data):
        ctypes.memmove(self.address, data, len(data))

    def bytes(self, size):
        return ctypes.string_at(self.address, size)

    def put(self, key, size, **options):
        """The entity tag."""
        op = ctypes.c_void_p()
        status = lib.nexus_put(self.guest.nx, BUCKET.encode(), key.encode(), ctypes.c_void_p(self.address),
                               ctypes.c_size_t(size), ctypes.byref(Options(size=ctypes.sizeof(Options), **options)),
                               ctypes.byref(op))
        etag = lib.nexus_op_etag(op).decode()
        self.guest.result(status, op)
        return etag

    def get(self, key):
        """(bytes, announced length, HTTP status, entity tag)"""
        op = ctypes.c_void_p()
        status = lib.nexus_get(self.guest.nx, BUCKET.encode(), key.encode(), ctypes.c_void_p(self.address),
                               ctypes.c_size_t(self.size), None, ctypes.byref(op))
        told = lib.nexus_op_content_length(op), lib.nexus_op_http_status(op), lib.nexus_op_etag(op).decode()
        return self.guest.result(status, op), *told


def failure_of(function, *arguments, **named):
    try:
        function(*arguments, **named)
    except Failure as failure:
        return failure
    return None


def stored(key):
    return store.client.get_object(Bucket=BUCKET, Key=key)["Body"].read()


DATA = random.Random(7).randbytes(40 * MIB + 12345)


def put_in_parts(guest):
    counters = Counters()
    with Buffer(guest, len(DATA)) as buffer:
        buffer.fill(DATA)
        etag = buffer.put("bulk/put", len(DATA), content_type=b"text/x-bulk")
        tap.equal(counters.bytes_copied, 0, "a large put: not one byte is copied")
        tap.equal(counters.bytes_to_store, len(DATA), "all of it goes to the store once")
        head = store.client.head_object(Bucket=BUCKET, Key="bulk/put")
        tap.ok(stored("bulk/put") == DATA, "boto3 finds all of it")
        tap.equal((head["ETag"], head["ContentType"]), (etag, "text/x-bulk"), "and the entity tag and type that the guest saw")
        requests = log_of("bulk/put")
        tap.equal([method for method, query, _ in requests if query and "uploads" not in query],
                  ["PUT"] * 6 + ["POST"], "parts, then the completion")
        counters = Counters()
        buffer.put("bulk/limit", 16 * MIB - 1)
        tap.equal(counters.store_requests, 1, "a byte less than the threshold is one PUT")


def get_in_parts(guest):
    store.client.put_object(Bucket=BUCKET, Key="bulk/get", Body=DATA)
    etag = store.client.head_object(Bucket=BUCKET, Key="bulk/get")["ETag"]
    with Buffer(guest, 64 * MIB) as buffer:
        since, counters = log_length(), Counters()
        got = buffer.get("bulk/get")
        tap.equal(got, (len(DATA), len(DATA), 200, etag), "a get into a large buffer is one get of all to the guest")
        tap.ok(zlib.crc32(buffer.bytes(len(DATA))) == zlib.crc32(DATA), "every byte is in its place")
        tap.equal([status for _, _, status in log_of("bulk/get", since)], ["206"] * 6, "the store saw six ranges")
        tap.ok(counters.bytes_copied < 1024, f"next to nothing is copied: {counters.bytes_copied} bytes")
        for size in 0, 1, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 1:
            store.client.put_object(Bucket=BUCKET, Key="bulk/size", Body=DATA[:size])
            got = buffer.get("bulk/size")
            tap.ok(got[:3] == (size, size, 200) and buffer.bytes(size) == DATA[:size],
                   f"an object of {size} bytes into the same buffer: {got[:3]}")
        failure = failure_of(buffer.get, "bulk/none")
        tap.equal((failure.code, failure.status), ("NoSuchKey", -2), "one that is not there")


def side_by_side(guest):
    counters = Counters()
    with Buffer(guest, 64 * MIB) as buffer:
        buffer.get("bulk/get")
        tap.equal(counters.store_connections, 4, "parts are fetched over four connections side by side")


def tells(failure):
    return failure and (failure.status, failure.code)


def retried(guest):
    counters = Counters()
    with Buffer(guest["slowdown"], 32 * MIB) as buffer:
        buffer.fill(DATA[:20 * MIB])
        buffer.put("bulk/slowdown", 20 * MIB)
        tap.ok(stored("bulk/slowdown") == DATA[:20 * MIB], "503 SlowDown twice: a put arrives all the same")
        tap.equal(counters.retries, 2, "after two retries")
    counters = Counters()
    tap.equal(zlib.crc32(guest["internal"].get(BUCKET, "bulk/put", 64 * MIB)), zlib.crc32(DATA),
              "500 twice: a get brings all of it")
    tap.equal(counters.retries, 2, "after two retries")
    failure = failure_of(guest["overload"].get, BUCKET, "bulk/put")
    tap.equal(tells(failure), (-11, "SlowDown"), "SlowDown for ever is told to the guest")
    tap.ok("after 3 attempts" in failure.message, f"after 3 attempts: {failure.message}")
    begin = time.monotonic()
    guest["later"].get(BUCKET, "bulk/size", 64 * MIB)
    tap.ok(time.monotonic() - begin >= 1, "Retry-After: 1 is waited for")


def cut(guest):
    counters = Counters()
    with Buffer(guest["cutup"], 48 * MIB) as buffer:
        buffer.fill(DATA)
        buffer.put("bulk/cutup", len(DATA))
        tap.ok(stored("bulk/cutup") == DATA, "parts whose connection breaks while they are sent are sent again")
        tap.ok(counters.retries >= 1, f"retries: {counters.retries}")
    counters = Counters()
    got = guest["cutget"].get(BUCKET, "bulk/get", 64 * MIB)
    tap.ok(got == DATA, "a stream of which every connection is cut after 2 MB is whole")
    tap.ok(counters.resumed >= 20, f"it was resumed {counters.resumed} times")
    with Buffer(guest["cutget"], 64 * MIB) as buffer:
        got = buffer.get("bulk/get")
        tap.ok(got[0] == len(DATA) and buffer.bytes(len(DATA)) == DATA, "so is a get in parts")
    counters = Counters()
    got = guest["blackhole"].get(BUCKET, "bulk/get", 64 * MIB)
    tap.ok(got == DATA and counters.resumed == 1, "a peer that vanishes in mid-body: stall_timeout, then the rest")
    got = failure_of(guest["corrupt"].get, BUCKET, "bulk/size", 64 * MIB)
    tap.equal(got, None, "an answer that is no HTTP: asked for again")
    for _ in range(3):
        tap.ok(guest["duplicate"].get(BUCKET, "bulk/size", 64 * MIB) == DATA[:3 * PART + 1],
               "an answer that comes twice does not become the next request's")


def uploads_left():
    """Uploads begun and neither completed nor aborted, as the store keeps them."""
    directory = f"{WORK}/store/data/{BUCKET}/._S3rver_uploads"
    return len(os.listdir(directory)) if os.path.exists(directory) else 0


def given_up(guest):
    options = ctypes.byref(Options(size=ctypes.sizeof(Options), window=MIB))
    op = ctypes.c_void_p(lib.nexus_put_stream(guest.nx, BUCKET.encode(), b"bulk/cancelled", ctypes.c_uint64(len(DATA)),
                                              options))
    lib.nexus_write(op, DATA[:12 * MIB], ctypes.c_size_t(12 * MIB))
    tap.equal(uploads_left(), 1, "half an upload is under way")
    lib.nexus_op_cancel(op)
    lib.nexus_op_free(op)
    deadline = time.monotonic() + 10
    while uploads_left() and time.monotonic() < deadline:
        time.sleep(0.05)
    tap.equal(uploads_left(), 0, "cancelled, it is aborted in the store")
    tap.equal(store.get("bulk/cancelled"), None, "and no object is there")


def slow_reader(guest):
    options = ctypes.byref(Options(size=ctypes.sizeof(Options), timeout_ms=2000))
    op = ctypes.c_void_p(lib.nexus_get_stream(guest.nx, BUCKET.encode(), b"bulk/get", options))
    data, got = ctypes.c_void_p(), lib.nexus_read_window
    tap.ok(got(op, ctypes.byref(data)) > 0, "a slow reader: its first window")
    time.sleep(3.5)
    while (status := got(op, ctypes.byref(data))) > 0:
        pass
    tap.equal(tells(failure_of(guest.result, status, op)), (-110, "NexusTimeout"), "then its time is up")
    tap.equal(len(guest.get(BUCKET, "bulk/get", 64 * MIB)), len(DATA), "the next get is not harmed")


def read_all(op):
    """(bytes, status)"""
    data, got, status = ctypes.c_void_p(), bytearray(), 0
    while (status := lib.nexus_read_window(op, ctypes.byref(data))) > 0:
        got += ctypes.string_at(data, status)
    return got, status


def daemon_dies(guest):
    for expected, body in (0, None), (-116, b"another version"):
        op = ctypes.c_void_p(lib.nexus_get_stream(guest.nx, BUCKET.encode(), b"bulk/get", None))
        data = ctypes.c_void_p()
        first = lib.nexus_read_window(op, ctypes.byref(data))
        got = ctypes.string_at(data, first)
        backend.kill()
        if body:
            store.client.put_object(Bucket=BUCKET, Key="bulk/get", Body=body)
        backend.start()
        rest, status = read_all(op)
        failure = failure_of(guest.result, status, op)
        tap.equal(failure.status if failure else 0, expected,
                  "kill -9 under a stream: " + ("it ends with an error if the object changed" if body else "it goes on"))
        tap.ok(DATA.startswith(got + rest) and (body or len(got + rest) == len(DATA)), "every byte is of the one version")


def circuit(guest):
    failures = [tells(failure_of(guest.get, BUCKET, "any")) for _ in range(4)]
    tap.equal(failures, [(-111, "NexusConnectionFailed")] * 2 + [(-112, "NexusCircuitOpen")] * 2,
              "an endpoint that is down: after six failures gets fail at once")
    failure = failure_of(guest.get, BUCKET, "any")
    tap.ok(re.search(r"http://127\.0\.0\.1:1 failed 6 times in a row since \d{4}-\d\d-\d\dT.*Z and is tried again in "
                     r"\d+ ms; last: cannot connect", failure.message), f"saying so: {failure.message}")
    tap.equal([(b["tenant"], b["state"], b["failures"]) for b in backend.stats()["breakers"] if b["tenant"] == "down"],
              [("down", "open", 6)], "nexusctl stats shows the open circuit")
    time.sleep(1.1)
    tap.equal(tells(failure_of(guest.get, BUCKET, "any")), (-112, "NexusCircuitOpen"),
              "a while later one request is let through, and opens it again")
    tap.equal([b["failures"] for b in backend.stats()["breakers"] if b["tenant"] == "down"], [7], "by one more failure")


proxy, ports = start_proxy()
QUICK = ["retry_backoff = 20ms", "stall_timeout = 3s"]
backend = Backend(
    store, {"test": ["max_pinned = 256M"], "down": ["endpoint = down"],
            **{name: [f"endpoint = {name}", "max_pinned = 256M"] for name in FAULTS}},
    endpoints={"down": ["url = http://127.0.0.1:1", "retry_backoff = 1ms", "breaker_failures = 6", "breaker_cooldown = 1s"],
     **{name: [f"url = http://127.0.0.1:{ports[name]}", *QUICK] for name in FAULTS}})


def main():
    backend.start()
    try:
        guest = Guest(lib, target("test"))
        faulty = {name: Guest(lib, target(name)) for name in FAULTS}
        put_in_parts(guest)
        get_in_parts(guest)
        given_up(guest)
        slow_reader(guest)
        side_by_side(faulty["fresh"])
        retried(faulty)
        cut(faulty)
        daemon_dies(guest)
        circuit(Guest(lib, target("down")))
    finally:
        backend.stop()
        proxy.terminate()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
