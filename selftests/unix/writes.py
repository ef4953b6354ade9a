# SPDX-License-Identifier: GPL-2.0-only
"""test_writes.sh: what each write mode promises, one case a function."""
import errno
import os
import signal
import sys
import threading
import time

from guest import DEFERRED, Failure, Guest, JOURNALED, THROUGH, library, target
from host import BUCKET, BUILD, Backend, Store, WORK
from tap import Tap

tap = Tap()
lib = library(f"{BUILD}/guest-lib/libnexus-guest.so.1")
store = Store()
backend = Backend(store, {"test": ["max_pinned = 64M"],
                          "wrong": ["profile = wrong"],
                          "tight": ["max_unwritten = 64K"],
                          "later": ["write_mode = deferred"]},
                  [f"journal = {WORK}/journal", "journal_max = 16M"])


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


def journal_empties(seconds=20):
    deadline = time.monotonic() + seconds
    while journal("records") and time.monotonic() < deadline:
        time.sleep(0.05)
    return journal("records")


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


def stuck_writes_are_kept(_):
    guest = Guest(lib, target("wrong"))
    guest.put(BUCKET, "j/stuck", b"stuck", JOURNALED)
    time.sleep(0.5)
    tap.ok(journal("records") == 1 and journal("retries") > 0, "journaled: what the store refuses is tried again")
    guest.close()
    tap.equal(backend.stop(), 0, "the daemon stops")
    with open(f"{backend.config}/nexus.conf") as file:
        text = file.read()
    with open(f"{backend.config}/nexus.conf", "w") as file:
        file.write(text.replace("profile = wrong\n", "").replace("wrong", "gone"))
    tap.equal(backend.start()["journal"]["replayed"], 1, "journaled: it is kept over a restart")
    time.sleep(0.2)
    tap.equal(journal("orphaned"), 1, "journaled: without its tenant it is kept, and shown")
    backend.stop()
    with open(f"{backend.config}/nexus.conf", "w") as file:
        file.write(text.replace("profile = wrong\n", ""))
    backend.start()
    tap.ok(store.wait("j/stuck", b"stuck"), "journaled: when the cause is remedied it is stored")
    journal_empties()


def main():
    os.mkdir(f"{WORK}/journal", 0o700)
    backend.start()
    guest = Guest(lib, target("test"))
    for case in (deferred_returns_at_once, deferred_keeps_order, reads_see_pending_writes, failures_are_told_once,
                 writes_outlive_the_process, too_much_degrades, tenants_default, daemon_dies, daemon_restarts,
                 journaled_returns_when_on_disk, journaled_is_seen_by_others,
                 journaled_refuses_what_could_not_be_stored, journaled_survives, full_journal_degrades,
                 stuck_writes_are_kept):
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
