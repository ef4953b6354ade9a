# SPDX-License-Identifier: GPL-2.0-only
"""test_journal.sh. Offsets are those of backend/journal_format.h."""
import os
import struct
import sys
import time

from guest import Guest, JOURNALED, library, target
from host import BUCKET, BUILD, Backend, Store, WORK, wipe
from tap import Tap

DIRECTORY = f"{WORK}/journal"
BLOCK = 4096
HEADER, FOOTER = 176, 48        # bytes of the structures
SIZES = (10, 5000, 300000, 0)

tap = Tap()
store = Store()
backend = Backend(store, {"test": []}, [f"journal = {DIRECTORY}"])
contents = [os.urandom(size) for size in SIZES]


class Record:
    """Where the parts of a record lie."""

    def __init__(self, image, at):
        self.at = at
        self.payload_len, = struct.unpack_from("<Q", image, at + 32)
        self.request_len, = struct.unpack_from("<I", image, at + 168)
        self.payload = at + (HEADER + self.request_len + BLOCK - 1) // BLOCK * BLOCK
        self.footer = self.payload + (self.payload_len + BLOCK - 1) // BLOCK * BLOCK
        self.end = self.footer + BLOCK


def key(index):
    return f"t/{index}"


def record_all():
    """A segment with one record of each size that the store has not got."""
    os.makedirs(DIRECTORY, 0o700)
    backend.start()
    store.stop()
    guest = Guest(library(f"{BUILD}/guest-lib/libnexus-guest.so.1"), target("test"))
    for index, data in enumerate(contents):
        guest.put(BUCKET, key(index), data, JOURNALED)
    backend.kill()
    store.go_on()
    time.sleep(0.2)
    name, = os.listdir(DIRECTORY)
    with open(f"{DIRECTORY}/{name}", "rb") as file:
        return name, file.read()


def arrived(name, image):
    """Give this image to a daemon: which objects are then in the store, and its books."""
    for index in range(len(SIZES)):
        store.client.delete_object(Bucket=BUCKET, Key=key(index))
    wipe(DIRECTORY)
    os.makedirs(DIRECTORY, 0o700)
    with open(f"{DIRECTORY}/{name}", "wb") as file:
        file.write(image)
    books = backend.start()["journal"]
    deadline = time.monotonic() + 20
    while backend.stats()["journal"]["records"] and time.monotonic() < deadline:
        time.sleep(0.02)
    found = []
    for index, data in enumerate(contents):
        have = store.get(key(index))
        if have == data:
            found.append(index)
        elif have is not None:
            found.append(f"{index}: {len(have)} wrong bytes")
    backend.stop()
    return found, books


def flip(image, at):
    image = bytearray(image)
    image[at] ^= 0x10
    return bytes(image)


def main():
    name, image = record_all()
    records, at = [], BLOCK
    while image[at:at + 7] == b"NEXREC1":
        records.append(Record(image, at))
        at = records[-1].end
    everything = list(range(len(SIZES)))
    tap.equal([record.payload_len for record in records], list(SIZES), "the segment holds all records")
    tap.equal(arrived(name, image)[0], everything, "as it was: all arrive")

    for index, record in enumerate(records):
        others = [i for i in everything if i != index]
        spots = {"magic number": record.at, "nonce": record.at + 8, "sequence number": record.at + 24,
                 "length": record.at + 32, "tenant": record.at + 40, "checksum": record.at + 172,
                 "request's first byte": record.at + HEADER,
                 "request's last byte": record.at + HEADER + record.request_len - 1,
                 "footer's magic number": record.footer, "footer's sequence number": record.footer + 24,
                 "footer's checksum": record.footer + FOOTER - 4}
        if record.payload_len:
            spots |= {"payload's first byte": record.payload,
                      "payload's middle": record.payload + record.payload_len // 2,
                      "payload's last byte": record.payload + record.payload_len - 1}
        # Each kind once; all of them for the record in the middle.
        for what, spot in spots.items():
            if index != 1 and not what.startswith(("magic", "payload's last", "footer's check")):
                continue
            found, books = arrived(name, flip(image, spot))
            tap.equal(found, others, f"record {index}, flipped {what}: the others arrive")
            if what.startswith("payload"):
                tap.equal((books["damaged"], os.listdir(DIRECTORY)), (1, [f"{name}.damaged"]),
                          f"record {index}, flipped {what}: reported, and kept")
        tap.equal(arrived(name, flip(image, record.footer + FOOTER))[0], everything,
                  f"record {index}, flipped padding: all arrive")

    last = records[-2]      # the large one
    for what, size in (("nothing", 0), ("half a segment header", 30), ("the segment header", BLOCK),
                       ("half a header", last.at + 100), ("the header without its request", last.at + HEADER),
                       ("one byte of the request", last.at + HEADER + 1), ("the header", last.payload),
                       ("half the payload", last.payload + last.payload_len // 2),
                       ("all but the payload's last byte", last.payload + last.payload_len - 1),
                       ("the payload", last.footer), ("all but the footer's last byte", last.footer + FOOTER - 1),
                       ("the footer", last.footer + FOOTER)):
        whole = [i for i, record in enumerate(records) if record.footer + FOOTER <= size]
        tap.equal(arrived(name, image[:size])[0], whole, f"cut off after {what}: {len(whole)} arrive")
        zeroed = image[:size] + bytes(len(image) - size)
        tap.equal(arrived(name, zeroed)[0], whole, f"zeros after {what}: the same")

    tap.equal(arrived(name, flip(image, 10))[0], everything, "the segment's header is flipped: its copy serves")
    found, books = arrived(name, flip(flip(image, 10), BLOCK // 2 + 10))
    tap.equal((found, books["damaged"]), ([], 1), "both are: nothing is believed, and that is reported")
    forged = bytearray(image)
    forged[records[1].payload:records[1].payload + BLOCK] = image[records[0].at:records[0].at + BLOCK]
    forged[records[1].payload + 8] ^= 1     # a guest would have to guess the nonce
    tap.equal(arrived(name, bytes(forged))[0], [0, 2, 3], "a payload that looks like a record is none")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
