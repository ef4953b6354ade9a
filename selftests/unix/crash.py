# SPDX-License-Identifier: GPL-2.0-only
"""test_crash.sh: the load, the killer, and the judge.

Each key has one writer, which numbers its versions; the content begins with the number. What was
acknowledged is checked in the store itself: at once for a through put, after a successful flush
for deferred ones, and at the end, after the journal is empty, for all. Readers, in the store and
through the daemon, look at all keys all the time: a number that falls is a write that was seen twice.
"""
import errno
import json
import os
import random
import signal
import sys
import time

from guest import DEFERRED, Failure, Guest, JOURNALED, THROUGH, library, target
from host import BUCKET, BUILD, Backend, Store, WORK
from tap import Tap

KILLS = int(os.environ.get("KILLS") or 8)
WRITERS = 3
KEYS = 4            # of each writer
STOP = f"{WORK}/stop"

lib = library(f"{BUILD}/guest-lib/libnexus-guest.so.1")


def content(version):
    return b"%08d" % version + bytes([version % 251]) * 3000


def version_of(data):
    """0: no such object."""
    if data is None:
        return 0
    version = int(data[:8])
    if data != content(version):
        raise ValueError(f"version {version} is not whole: {len(data)} bytes")
    return version


def key_of(writer, key):
    return f"crash/{writer}/{key}"


def stopped():
    return os.path.exists(STOP)


class Report:
    """What a process has to say at its end, in a file of its own."""

    def __init__(self, name):
        self.path = f"{WORK}/report.{name}"
        self.numbers = {"lost": 0, "backwards": 0, "stale": 0, "acknowledged": 0, "checked": 0, "errors": 0}
        self.versions = {}
        self.text = []

    def add(self, name, text=None):
        self.numbers[name] += 1
        if text and len(self.text) < 20:
            self.text.append(text)

    def write(self):
        with open(self.path + ".new", "w") as file:
            json.dump([self.numbers, self.versions, self.text], file)
        os.rename(self.path + ".new", self.path)


def connected():
    """There may be no daemon yet, or none any more."""
    for _ in range(200):
        try:
            return Guest(lib, target("test"))
        except Failure:
            time.sleep(0.05)
    return Guest(lib, target("test"))


def writer(number, report):
    """Puts of all modes, gets, heads, lists, deletes, flushes."""
    guest, store, dice = connected(), Store(), random.Random(number)
    next_version = [1] * KEYS
    acknowledged = [0] * KEYS       # the newest, in whatever mode
    deferred = {}                   # acknowledged and not flushed: key to version

    def check(key, version, what):
        report.add("checked")
        have = version_of(store.get(key_of(number, key)))
        if have < version:
            report.add("lost", f"{what}: {key_of(number, key)}: version {version} was promised, {have} is there")

    def put(key):
        mode = dice.choice((THROUGH, DEFERRED, DEFERRED, JOURNALED, JOURNALED))
        version = next_version[key]
        next_version[key] += 1
        guest.put(BUCKET, key_of(number, key), content(version), mode)
        acknowledged[key] = version
        report.add("acknowledged")
        if mode == THROUGH:
            deferred.pop(key, None)
            check(key, version, "through")
        elif mode == DEFERRED:
            deferred[key] = version
        else:
            deferred.pop(key, None)     # it was ordered before this one

    def flush():
        promised = dict(deferred)
        guest.flush()
        deferred.clear()
        for key, version in promised.items():
            check(key, version, "deferred")

    def get(key):
        try:
            have = version_of(guest.get(BUCKET, key_of(number, key), 4096))
        except Failure as failure:
            if failure.status != -errno.ENOENT:
                raise
            have = 0
        if have < acknowledged[key]:
            report.add("stale", f"get {key_of(number, key)}: {have}, own write {acknowledged[key]}")

    def remove(_):
        name = f"crash/{number}/gone"
        guest.put(BUCKET, name, b"x", dice.choice((THROUGH, DEFERRED, JOURNALED)))
        guest.delete(BUCKET, name)
        try:
            guest.head(BUCKET, name)
            report.add("stale", f"head {name}: deleted, and there")
        except Failure as failure:
            if failure.status != -errno.ENOENT:
                raise

    def listing(_):
        name = f"crash/{number}/listed"
        guest.put(BUCKET, name, b"x", dice.choice((DEFERRED, JOURNALED)))
        if name not in guest.list(BUCKET, f"crash/{number}/"):
            report.add("stale", f"list: {name} was put, and is not there")
        guest.delete(BUCKET, name)
        if name in guest.list(BUCKET, f"crash/{number}/"):
            report.add("stale", f"list: {name} was deleted, and is there")

    while not stopped():
        step = dice.choice((put, put, put, put, put, get, get, lambda _: flush(), remove, listing))
        try:
            step(dice.randrange(KEYS))
        except Failure as failure:
            report.add("errors", f"writer {number}: {failure}")
    try:
        flush()
    except Failure as failure:
        report.add("errors", f"the last flush of writer {number}: {failure}")
    report.versions = {key_of(number, key): acknowledged[key] for key in range(KEYS)}
    guest.close()


def reader(read, report):
    """All keys, in turn: no version falls."""
    seen = {}
    while not stopped():
        for number in range(WRITERS):
            for key in range(KEYS):
                name = key_of(number, key)
                try:
                    version = version_of(read(name))
                except Failure as failure:
                    if failure.status != -errno.ENOENT:
                        report.add("errors", f"reader: {failure}")
                    continue
                if version < seen.get(name, 0):
                    report.add("backwards", f"{name}: version {version} after {seen[name]}")
                seen[name] = max(version, seen.get(name, 0))
                report.add("checked")


def store_reader(report):
    reader(Store().get, report)


def guest_reader(report):
    guest = connected()
    reader(lambda name: guest.get(BUCKET, name, 4096), report)


def mortals(report):
    """Processes that put into the journal and are gone at once."""
    count = 0
    while not stopped():
        count += 1
        name = f"crash/mortal/{count}"
        child = os.fork()
        if not child:
            try:
                Guest(lib, target("test")).put(BUCKET, name, content(count), JOURNALED)
                os.kill(os.getpid(), signal.SIGKILL)
            finally:
                os._exit(1)
        if os.waitpid(child, 0)[1] == signal.SIGKILL:
            report.versions[name] = count
            report.add("acknowledged")


def run(name, function, *arguments):
    """In a process of its own. Its process id."""
    child = os.fork()
    if child:
        return child
    report = Report(name)
    status = 1
    try:
        function(*arguments, report)
        status = 0
    except Exception as error:      # whatever it is, the parent wants to show it
        report.text.append(f"{name}: {error!r}")
    report.write()
    os._exit(status)


def killer(backend, processes):
    """How often it killed the daemon."""
    dice = random.Random()
    for count in range(KILLS):
        time.sleep(dice.uniform(0.02, 0.5))
        backend.kill()
        backend.start()
        for child in processes:
            if os.waitpid(child, os.WNOHANG)[0]:
                print(f"# a process of the load ended after {count + 1} kills")
                return count + 1
    time.sleep(0.5)
    return KILLS


def main():
    tap, store = Tap(), Store()
    os.mkdir(f"{WORK}/journal", 0o700)
    backend = Backend(store, {"test": []}, [f"journal = {WORK}/journal"])
    backend.start()
    processes = {f"writer{i}": run(f"writer{i}", writer, i) for i in range(WRITERS)}
    processes["store-reader"] = run("store-reader", store_reader)
    processes["guest-reader"] = run("guest-reader", guest_reader)
    processes["mortals"] = run("mortals", mortals)
    killed = killer(backend, list(processes.values()))
    open(STOP, "w").close()
    totals, versions = {}, {}
    ended = True
    for name, child in processes.items():
        try:
            ended &= os.waitpid(child, 0)[1] == 0
        except ChildProcessError:
            ended = False
        with open(f"{WORK}/report.{name}") as file:
            numbers, last, text = json.load(file)
        versions.update(last)
        for what, number in numbers.items():
            totals[what] = totals.get(what, 0) + number
        for line in text:
            print(f"#   {line}")
    deadline = time.monotonic() + 60
    while (records := backend.stats()["journal"]["records"]) and time.monotonic() < deadline:
        time.sleep(0.1)
    for name, version in versions.items():
        have = version_of(store.get(name))
        if have < version:
            totals["lost"] += 1
            if totals["lost"] <= 20:
                print(f"#   at the end: {name}: version {version} was promised, {have} is there")
    stats = backend.stats()
    tap.ok(ended, "the load ran to its end")
    tap.equal(killed, KILLS, "the daemon was killed as often as planned")
    tap.equal(records, 0, "the journal is empty at the end")
    tap.equal(totals["lost"], 0, "no acknowledged write is lost")
    tap.equal(totals["backwards"], 0, "no reader saw a key go backwards")
    tap.equal(totals["stale"], 0, "each writer saw its own writes")
    tap.equal(totals["errors"], 0, "no operation failed")
    tap.equal(stats["journal"]["damaged"], 0, "no record of the journal was damaged")
    tap.ok(totals["acknowledged"] > 2 * KILLS, "there was a load")
    tap.equal(backend.stop(), 0, "the daemon ends well")
    print(f"# acknowledged: {totals['acknowledged']}, checked: {totals['checked']}")
    print(f"# killed: {killed}\n# lost: {totals['lost']}")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
