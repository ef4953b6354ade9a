# SPDX-License-Identifier: GPL-2.0-only
"""test_writes.sh: what each write mode promises, one case a function."""
import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time

from guest import DEFERRED, Failure, Guest, JOURNALED, THROUGH, library, target
from host import BUCKET, BUILD, Backend, Store, WORK
from tap import Tap

ATTEMPTS = 3

tap = Tap()
lib = library(f"{BUILD}/guest-lib/libnexus-guest.so.1")
store = Store()
backend = Backend(store, {"test": ["max_pinned = 64M"],
                          "wrong": ["profile = wrong"],
                          "absent": ["buckets = nexus-absent"],
                          "stuck": ["endpoint = down"],
                          "tight": ["max_unwritten = 64K"],
                          "later": ["write_mode = deferred"]},
                  [f"journal = {WORK}/journal", "journal_max = 16M", f"journal_attempts = {ATTEMPTS}"],
                  endpoints={"down": ["url = http://127.0.0.1:1", "max_attempts = 1", "breaker_failures = 0"]})


class Call(threading.Thread):
    """A call that may block, in a thread; `error` and `value` once it ended."""

    def __init__(self, function, *arguments):
        super().__init__(daemon=True)
        self.call, self.error, self.value = (function, arguments), None, None
        self.start()

    def run(self):
        try:
            self.value = self.call[0](*self.call[1])
        except Failure as failure:
            self.error = failure

    def blocks(self, seconds=0.4):
        self.join(seconds)
        return self.is_alive()

    def end(self, seconds=20):
        self.join(seconds)
        if self.is_alive():
            return "it still runs"
        return self.error and str(self.error)


def failure_of(function, *arguments):
    try:
        function(*arguments)
    except Failure as failure:
        return failure
    return None


def puts_of(prefix):
    """PUTs of keys with this prefix in the order in which the store ended them."""
    with open(store.env["NEXUS_S3_LOG"]) as log:
        lines = [line.split() for line in log]
    return [url for _, method, url, *_ in lines if method == "PUT" and url.startswith(f"/{BUCKET}/{prefix}")]


def deferred_returns_at_once(guest):
    store.stop()
    start = time.monotonic()
    guest.put(BUCKET, "w/one", b"one" * 1000, DEFERRED)
    tap.ok(time.monotonic() - start < 5, "deferred: put returns while the store does nothing")
    flush = Call(guest.flush)
    tap.ok(flush.blocks(), "deferred: a flush waits for the store")
    store.go_on()
    tap.equal(flush.end(), None, "deferred: the flush ends well when the store goes on")
    tap.equal(store.get("w/one"), b"one" * 1000, "deferred: then the object is there")


def deferred_keeps_order(guest):
    store.stop()
    for version in range(20):
        guest.put(BUCKET, "w/order", b"%04d" % version, DEFERRED)
    store.go_on()
    guest.flush()
    tap.equal(store.get("w/order"), b"0019", "order: the last of 20 writes of a key remains")
    tap.equal(len(puts_of("w/order")), 20, "order: each of them was sent")
    store.stop()
    guest.put(BUCKET, "w/gone", b"gone", DEFERRED)
    delete = Call(guest.delete, BUCKET, "w/gone")
    tap.ok(delete.blocks(), "order: a delete waits for the pending write")
    store.go_on()
    tap.equal(delete.end(), None, "order: and ends well")
    guest.flush()
    tap.equal(store.get("w/gone"), None, "order: the object is deleted after it was written")


def reads_see_pending_writes(guest):
    guest.put(BUCKET, "w/read", b"old", THROUGH)
    store.stop()
    guest.put(BUCKET, "w/read", b"new", DEFERRED)
    get, head = Call(guest.get, BUCKET, "w/read"), Call(guest.head, BUCKET, "w/read")
    tap.ok(get.blocks() and head.blocks(0), "reads: get and head of a pending key wait")
    store.go_on()
    tap.equal((get.end(), get.value), (None, b"new"), "reads: a get sees the pending write")
    tap.equal(head.end(), None, "reads: a head ends well")
    store.stop()
    guest.put(BUCKET, "w/list/new", b"new", DEFERRED)
    listing = Call(guest.list, BUCKET, "w/list/")
    copy = Call(guest.copy, BUCKET, "w/copy", "w/list/new")
    tap.ok(listing.blocks() and copy.blocks(0), "reads: so do a list of what is before it, and a copy of it")
    store.go_on()
    tap.equal((listing.end(), listing.value), (None, ["w/list/new"]), "reads: a list has the pending key")
    tap.equal((copy.end(), store.get("w/copy")), (None, b"new"), "reads: a copy the pending write")


def failures_are_told_once(_):
    guest = Guest(lib, target("wrong"))
    guest.put(BUCKET, "w/wrong", b"x", DEFERRED)
    failure = failure_of(guest.flush)
    tap.ok(failure and failure.status == -errno.EACCES and failure.code == "SignatureDoesNotMatch",
           f"failures: the flush fails as the write did ({failure})")
    tap.ok(failure and f"s3://{BUCKET}/w/wrong" in failure.message, "failures: and names the object")
    tap.equal(failure_of(guest.flush), None, "failures: the next flush knows nothing of it")
    guest.close()


def writes_outlive_the_process(_):
    store.stop()
    child = os.fork()
    if not child:
        mortal = Guest(lib, target("test"))
        for i in range(8):
            mortal.put(BUCKET, f"w/mortal{i}", b"%d" % i * 100000, DEFERRED)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    store.go_on()
    tap.ok(all(store.wait(f"w/mortal{i}", b"%d" % i * 100000) for i in range(8)),
           "a process killed right after its puts: all objects arrive")
    child = os.fork()
    if not child:
        mortal = Guest(lib, target("test"))
        mortal.put(BUCKET, "w/closed", b"closed", DEFERRED)
        mortal.close()
        os._exit(0)
    tap.equal(os.waitpid(child, 0)[1], 0, "a process that closes right after its put ends well")
    tap.ok(store.wait("w/closed", b"closed"), "and the object arrives")


def too_much_degrades(_):
    before = backend.stats()["totals"]["writes_degraded"]
    guest = Guest(lib, target("tight"))
    store.stop()
    guest.put(BUCKET, "w/tight0", b"0" * 60000, DEFERRED)
    # Too much: it may go through or not, whether the daemon was quick to say so.
    puts = [Call(guest.put, BUCKET, "w/tight1", b"1" * 10000, DEFERRED)]
    time.sleep(0.3)
    puts.append(Call(guest.put, BUCKET, "w/tight2", b"2" * 1000, DEFERRED))
    tap.ok(puts[1].blocks(), "max_unwritten: above it a deferred put waits for the store")
    store.go_on()
    tap.equal([put.end() for put in puts], [None, None], "max_unwritten: and ends well")
    guest.flush()
    tap.ok(backend.stats()["totals"]["writes_degraded"] > before, "max_unwritten: it is counted")
    store.stop()
    put = Call(guest.put, BUCKET, "w/tight3", b"3" * 1000, DEFERRED)
    tap.ok(not put.blocks(), "max_unwritten: below it puts return at once again")
    store.go_on()
    guest.flush()
    guest.close()


def tenants_default(_):
    guest = Guest(lib, target("later"))
    store.stop()
    put = Call(guest.put, BUCKET, "w/later", b"later")
    tap.ok(not put.blocks(), "write_mode = deferred: a put that says nothing returns at once")
    through = Call(guest.put, BUCKET, "w/through", b"through", THROUGH)
    tap.ok(through.blocks(), "write_mode = deferred: one that says through waits")
    store.go_on()
    tap.equal(through.end(), None, "write_mode = deferred: and ends well")
    guest.flush()
    tap.equal(store.get("w/later"), b"later", "write_mode = deferred: the flush holds for it")
    guest.close()


def daemon_dies(guest):
    store.stop()
    for i in range(20):
        guest.put(BUCKET, f"w/crash{i % 4}", b"%04d" % i, DEFERRED)
    get = Call(guest.get, BUCKET, "w/crash3")
    get.blocks(0.2)
    backend.kill()
    between = Call(guest.put, BUCKET, "w/crash-between", b"between", DEFERRED)
    backend.start()
    store.go_on()
    tap.equal(between.end(), None, "kill -9: a put while there was no daemon ends well")
    tap.equal((get.end(), get.value), (None, b"0019"), "kill -9: a get that waited sees the last write")
    tap.equal(failure_of(guest.flush), None, "kill -9: the flush ends well")
    tap.equal([store.get(f"w/crash{i}") for i in range(4)], [b"%04d" % i for i in range(16, 20)],
              "kill -9: each key has its last version")
    tap.equal(store.get("w/crash-between"), b"between", "kill -9: and arrives")
    store.stop()
    put = Call(guest.put, BUCKET, "w/large", b"large" * 400000, DEFERRED)
    tap.ok(not put.blocks(), "a large deferred put is lent as a whole, and returns at once")
    backend.kill()
    backend.start()
    store.go_on()
    tap.equal(failure_of(guest.flush), None, "kill -9: its flush ends well")
    tap.equal(store.get("w/large"), b"large" * 400000, "kill -9: it is there as a whole")


def daemon_restarts(guest):
    guest.put(BUCKET, "w/restart", b"1", DEFERRED)
    tap.equal(backend.stop(), 0, "the daemon stops in good order")
    put = Call(guest.put, BUCKET, "w/restart", b"2", THROUGH)
    tap.ok(put.blocks(), "a put waits for the next one")
    backend.start()
    tap.equal(put.end(), None, "which serves the same channel")
    tap.equal(store.get("w/restart"), b"2", "and writes in the same order")
    guest.flush()


def journal(name):
    return backend.stats()["journal"][name]


def journal_becomes(name, good, seconds=60):
    """The number, once it is good, or the time is over."""
    deadline = time.monotonic() + seconds
    while not good(value := journal(name)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value


def journal_empties():
    return journal_becomes("records", lambda count: not count)


def journaled_returns_when_on_disk(guest):
    store.stop()
    put = Call(guest.put, BUCKET, "j/one", b"one" * 1000, JOURNALED)
    tap.ok(not put.blocks(2) and not put.error, "journaled: put returns while the store does nothing")
    tap.equal(journal("records"), 1, "journaled: it is in the journal")
    flush = Call(guest.flush)
    tap.ok(not flush.blocks(2), "journaled: a flush does not wait for the store")
    store.go_on()
    tap.ok(store.wait("j/one", b"one" * 1000), "journaled: the object arrives")
    tap.equal(journal_empties(), 0, "journaled: then the journal is empty")
    for size in 0, 1, 4095, 4096, 4097, 262144, 262145, 3 << 20:
        data = os.urandom(size)
        guest.put(BUCKET, f"j/size{size}", data, JOURNALED)
        tap.equal(guest.get(BUCKET, f"j/size{size}", 4 << 20), data, f"journaled: {size} bytes; a get sees them")


def journaled_is_seen_by_others(guest):
    other = Guest(lib, target("test"))      # another connection, of the same function
    store.stop()
    for version in range(10):
        guest.put(BUCKET, "j/seen", b"%04d" % version, JOURNALED)
    get = Call(other.get, BUCKET, "j/seen")
    tap.ok(get.blocks(), "journaled: a get of another guest of the function waits")
    store.go_on()
    tap.equal((get.end(), get.value), (None, b"0009"), "journaled: and sees the last of ten versions")
    tap.equal(len(puts_of("j/seen")), 10, "journaled: all of them were stored, in order")
    store.stop()
    guest.put(BUCKET, "j/mixed", b"journaled", JOURNALED)
    put = Call(other.put, BUCKET, "j/mixed", b"through", THROUGH)
    tap.ok(put.blocks(), "journaled: a through put of the same key waits for it")
    delete = Call(guest.delete, BUCKET, "j/seen")
    store.go_on()
    tap.equal((put.end(), delete.end()), (None, None), "journaled: it ends well")
    tap.equal(store.get("j/mixed"), b"through", "journaled: the later write remains")
    other.close()


def journaled_refuses_what_could_not_be_stored(guest):
    failure = failure_of(guest.put, BUCKET, "k" * 1025, b"x", JOURNALED)
    tap.ok(failure and failure.code == "NexusBadRequest", f"journaled: a bad request is refused at once ({failure})")
    failure = failure_of(guest.put, "elsewhere", "k", b"x", JOURNALED)
    tap.ok(failure and failure.code == "NexusPolicyDenied", "journaled: so is what policy denies")


def journaled_survives(guest):
    child = os.fork()
    store.stop()
    if not child:
        mortal = Guest(lib, target("test"))
        for i in range(30):
            mortal.put(BUCKET, f"j/crash{i % 5}", b"%04d" % i * 5000, JOURNALED)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    backend.kill()
    tap.equal(backend.start()["journal"]["replayed"], 30, "journaled: writer and daemon killed, all are replayed")
    get = Call(guest.get, BUCKET, "j/crash4")
    tap.ok(get.blocks(), "journaled: a get waits for what was replayed")
    backend.kill()
    backend.start()
    store.go_on()
    tap.equal((get.end(), get.value), (None, b"0029" * 5000), "journaled: and sees it, over another kill")
    tap.ok(all(store.wait(f"j/crash{i}", b"%04d" % (25 + i) * 5000) for i in range(5)),
           "journaled: each key has its last version")
    tap.equal(journal_empties(), 0, "journaled: then the journal is empty")
    tap.equal(backend.stop(), 0, "the daemon stops")
    tap.equal(backend.start()["journal"]["replayed"], 0, "journaled: what was stored is not replayed")
    tap.equal(os.listdir(f"{WORK}/journal"), [], "journaled: no file of an earlier daemon is left")


def full_journal_degrades(guest):
    store.stop()
    for i in range(7):
        guest.put(BUCKET, f"j/full{i}", b"f" * (2 << 20), JOURNALED)
    put = Call(guest.put, BUCKET, "j/full0", b"g" * (3 << 20), JOURNALED)
    tap.ok(put.blocks(), "journaled: what the journal has no room for is written through")
    store.go_on()
    tap.equal(put.end(), None, "journaled: and ends well")
    tap.ok(store.get("j/full0") == b"g" * (3 << 20), "journaled: after what the journal held of its key")
    journal_empties()
    store.stop()
    put = Call(guest.put, BUCKET, "j/full1", b"h" * (3 << 20), JOURNALED)
    tap.equal((put.end(), journal("records")), (None, 1), "journaled: when all of it is stored it has room again")
    store.go_on()
    tap.ok(store.wait("j/full1", b"h" * (3 << 20)), "journaled: and stores that")
    journal_empties()


def full_disk_degrades(_):
    """As above, but it is the disk that says so: a file system of 6 MiB."""
    other = f"{WORK}/small"
    os.mkdir(other)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", other], stderr=subprocess.DEVNULL).returncode:
        tap.ok(True, "journaled: a disk that is full # SKIP only root can mount one")
        return
    os.mkdir(f"{other}/journal", 0o700)
    backend.stop()
    with open(f"{backend.config}/nexus.conf") as file:
        text = file.read()
    try:
        with open(f"{backend.config}/nexus.conf", "w") as file:
            file.write(text.replace(f"journal = {WORK}/journal", f"journal = {other}/journal"))
        backend.start()
        guest = Guest(lib, target("test"))
        store.stop()
        puts = [Call(guest.put, BUCKET, f"j/disk{i}", b"%d" % i * (1 << 20), JOURNALED) for i in range(8)]
        tap.ok([put.blocks() for put in puts].count(True) >= 3, "journaled: what the disk has no room for is written through")
        tap.equal(journal("records"), sum(not put.is_alive() for put in puts), "journaled: the rest is in the journal")
        store.go_on()
        tap.equal([put.end() for put in puts], [None] * 8, "journaled: all end well")
        tap.ok(all(store.wait(f"j/disk{i}", b"%d" % i * (1 << 20)) for i in range(8)), "journaled: and arrive")
        journal_empties()
        guest.put(BUCKET, "j/disk-again", b"again", JOURNALED)
        tap.ok(store.wait("j/disk-again", b"again") and not journal_empties(), "journaled: then there is room again")
        guest.close()
    finally:
        backend.stop()
        subprocess.run(["umount", other], check=True)
        with open(f"{backend.config}/nexus.conf", "w") as file:
            file.write(text)
        backend.start()


def stuck_writes_are_kept(_):
    guest = Guest(lib, target("stuck"))
    guest.put(BUCKET, "j/stuck", b"stuck", JOURNALED)
    tries = journal_becomes("retries", lambda count: count > ATTEMPTS)
    tap.ok(journal("records") == 1 and tries > ATTEMPTS and not journal("refused"),
           f"journaled: a store that is down is tried again and again ({tries} times)")
    guest.close()
    tap.equal(backend.stop(), 0, "the daemon stops")
    with open(f"{backend.config}/nexus.conf") as file:
        text = file.read()
    with open(f"{backend.config}/nexus.conf", "w") as file:
        file.write(text.replace("endpoint = down\n", "endpoint = store\n").replace("stuck", "gone"))
    tap.equal(backend.start()["journal"]["replayed"], 1, "journaled: it is kept over a restart")
    tap.equal(journal_becomes("orphaned", bool), 1, "journaled: without its tenant it is kept, and shown")
    backend.stop()
    with open(f"{backend.config}/nexus.conf", "w") as file:
        file.write(text.replace("endpoint = down\n", "endpoint = store\n"))
    backend.start()
    tap.ok(store.wait("j/stuck", b"stuck"), "journaled: when the cause is remedied it is stored")
    journal_empties()


def nexusctl(*arguments):
    return subprocess.run([f"{BUILD}/backend/nexusctl", "--control", f"{WORK}/control.sock", *arguments],
                          capture_output=True, text=True, timeout=120)


def refused_list():
    return json.loads(nexusctl("journal", "list", "--json").stdout)


def refused_becomes(count):
    return journal_becomes("refused", lambda now: now == count)


LARGE = os.urandom(700001)


def refused_writes_are_moved_aside(_):
    tap.equal(refused_list(), [], "refused: nothing at first")
    wrong, absent = Guest(lib, target("wrong")), Guest(lib, target("absent"))
    wrong.put(BUCKET, "j/refused", LARGE, JOURNALED)
    wrong.put(BUCKET, "j/refused", b"", JOURNALED)
    absent.put("nexus-absent", "j/\x1b[1m", b"nowhere", JOURNALED)
    get = Call(wrong.get, BUCKET, "j/refused")
    tap.equal((refused_becomes(3), journal_empties()), (3, 0), "refused: three records leave the journal")
    tap.ok("SignatureDoesNotMatch" in (get.end() or ""), "refused: a get that waited goes on")
    told = {(each["tenant"], each["bucket"], each["key"], each["bytes"]):
            (each["http_status"], each["code"], each["refusals"]) for each in refused_list()}
    tap.equal(told, {("wrong", BUCKET, "j/refused", len(LARGE)): (403, "SignatureDoesNotMatch", ATTEMPTS),
                     ("wrong", BUCKET, "j/refused", 0): (403, "SignatureDoesNotMatch", ATTEMPTS),
                     ("absent", "nexus-absent", "j/\x1b[1m", 7): (404, "NoSuchBucket", ATTEMPTS)},
              "refused: nexusctl journal list tells them, and why")
    text = nexusctl("journal", "list").stdout
    tap.ok("s3://nexus-absent/j/\\u001b[1m" in text.lower() and "\x1b" not in text, "refused: a key cannot write to the terminal")
    tap.ok(journal("bytes") > len(LARGE), "refused: they count as the journal's disk")
    wrong.close()
    absent.close()


def refused_writes_survive(_):
    before = refused_list()
    open(f"{WORK}/journal/refused/00000000000000ff.partial", "w").close()
    backend.kill()
    tap.equal(backend.start()["journal"]["replayed"], 0, "refused: after a kill the journal does not know them")
    tap.equal((journal("refused"), refused_list()), (3, before), "refused: they are there as they were")
    tap.equal([name for name in os.listdir(f"{WORK}/journal/refused") if not name.endswith(".refused")], [],
              "refused: what a daemon left half moved is gone")


def refused_writes_come_back(_):
    absent, = [each["id"] for each in refused_list() if each["tenant"] == "absent"]
    done = nexusctl("journal", "retry", str(absent))
    tap.equal((done.returncode, done.stdout), (0, "1 sent once more\n"), "refused: one is sent once more")
    deadline = time.monotonic() + 60
    while [absent] == (now := [each["id"] for each in refused_list() if each["tenant"] == "absent"]) or not now:
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    tap.ok(len(now) == 1 and now[0] > absent, f"refused: refused again, it is back as another one ({now})")
    done = nexusctl("journal", "drop", str(now[0]))
    tap.equal((done.returncode, done.stdout, refused_becomes(2)), (0, "1 removed\n", 2), "refused: it is removed")
    done = nexusctl("journal", "drop", str(now[0]))
    tap.ok(done.returncode == 1 and "there is no such record" in done.stderr, "refused: and only once")
    damaged = f"{WORK}/journal/refused/{refused_list()[0]['id']:016x}.refused"
    with open(damaged, "r+b") as file:
        file.seek(500000)
        byte = file.read(1)
        file.seek(500000)
        file.write(bytes([byte[0] ^ 1]))
    done = nexusctl("journal", "retry", "--all")
    tap.ok(done.returncode == 1 and "Input/output error" in done.stderr, "refused: one that the disk changed is not sent")
    tap.equal((journal("refused"), journal_empties()), (2, 0), "refused: it stays, and nothing of it in the journal")
    with open(damaged, "r+b") as file:
        file.seek(500000)
        file.write(byte)
    with open(f"{backend.config}/credentials") as file:
        text = file.read()
    with open(f"{backend.config}/credentials", "w") as file:
        file.write(text.replace("not-the-key", store.env["AWS_SECRET_ACCESS_KEY"]))
    tap.equal(nexusctl("reload").returncode, 0, "refused: the operator corrects the keys")
    # The later one of the key is empty: it must not be overtaken.
    guest, seen = Guest(lib, target("wrong")), len(puts_of("j/refused"))
    done = nexusctl("journal", "retry", "--all")
    tap.equal((done.returncode, done.stdout, done.stderr), (0, "2 sent once more\n", ""), "refused: all are sent once more")
    tap.equal(guest.get(BUCKET, "j/refused"), b"", "refused: a get waits for them, and sees the last of the key")
    tap.equal((journal_empties(), journal("refused"), os.listdir(f"{WORK}/journal/refused")), (0, 0, []),
              "refused: no record is left, and no file")
    tap.equal(len(puts_of("j/refused")) - seen, 2, "refused: both were stored, in their order")
    guest.put(BUCKET, "j/again", LARGE, JOURNALED)
    tap.ok(store.wait("j/again", LARGE), "refused: later writes are stored as ever")
    guest.close()


def refused_writes_are_bounded(_):
    guest = Guest(lib, target("absent"))
    before = backend.stats()["totals"]["writes_degraded"]
    for index in range(40):
        failure = failure_of(guest.put, "nexus-absent", f"j/much{index}", LARGE, JOURNALED)
        if failure:
            break
    tap.ok(failure and failure.code == "NoSuchBucket", "refused: when the journal is full of them, writes go through")
    tap.equal((refused_becomes(index), journal_empties()), (index, 0), f"refused: all {index} leave the journal")
    tap.ok(backend.stats()["totals"]["writes_degraded"] > before, "refused: which is counted")
    tap.ok(journal("bytes") <= 2 * 16 << 20, "refused: the disk that they take is bounded")
    done = nexusctl("journal", "drop", "--all")
    tap.equal((done.stdout, journal("refused")), (f"{index} removed\n", 0), "refused: all are removed")
    guest.close()


def open_journal_is_refused():
    os.mkdir(f"{WORK}/journal", 0o700)
    os.chmod(f"{WORK}/journal", 0o770)
    try:
        backend.start()
        tap.ok(False, "a journal that others may write to is refused")
        backend.stop()
    except RuntimeError as error:
        tap.ok("mode 0770 lets other users in: chmod 0700" in str(error), "a journal that others may write to is refused", error)
    os.chmod(f"{WORK}/journal", 0o700)


def main():
    open_journal_is_refused()
    backend.start()
    guest = Guest(lib, target("test"))
    for case in (deferred_returns_at_once, deferred_keeps_order, reads_see_pending_writes, failures_are_told_once,
                 writes_outlive_the_process, too_much_degrades, tenants_default, daemon_dies, daemon_restarts,
                 journaled_returns_when_on_disk, journaled_is_seen_by_others,
                 journaled_refuses_what_could_not_be_stored, journaled_survives, full_journal_degrades, full_disk_degrades,
                 stuck_writes_are_kept, refused_writes_are_moved_aside, refused_writes_survive,
                 refused_writes_come_back, refused_writes_are_bounded):
        try:
            case(guest)
        except Failure:
            print(backend.log())
            raise
        finally:
            store.go_on()
    guest.close()
    tap.equal(backend.stop(), 0, "the daemon ends well")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
