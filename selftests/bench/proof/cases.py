# SPDX-License-Identifier: GPL-2.0-only
"""What is invoked, and with what: the cases of a system, and the store's objects."""
import io
import json
import os
import random

from bench import BUCKET

HEADLINE = "copy-65536"
SIZES = (1 << 10, 64 << 10, 1 << 20, 8 << 20)
TABLE_BYTES = 64 << 10
# case: (work, the input's key, to warm up, single ones, batches); the first is that of the headline.
COPIES = {f"copy-{size}": ("copy", f"in-{size}", warm, single, batches)
          for size, warm, single, batches in ((64 << 10, 30, 24, (40, 40)), (1 << 10, 8, 10, (20,)),
                                              (1 << 20, 5, 5, (6,)), (8 << 20, 3, 3, (4,)))}
WORKS = {"none": ("none", "in-1024", 8, 10, (20,)), "gzip": ("gzip", "table", 4, 5, (6,)), "csv": ("csv", "table", 4, 5, (6,)),
         "thumbnail": ("thumbnail", "image", 4, 5, (6,)), "chain": ("chain", "in-65536", 6, 6, (10,))}
TITLES = {**{f"copy-{size}": f"{size >> 10} KiB" if size < 1 << 20 else f"{size >> 20} MiB" for size in SIZES},
          "none": "no-op", "gzip": "compress 64 KiB", "csv": "CSV to JSON, 64 KiB", "thumbnail": "thumbnail",
          "chain": "chain of two, 64 KiB"}


# MiB that are filled with instances, for density.
room = 640


def cases_of(system, quick=False):
    """{case: as above} of a system."""
    if quick or system.endswith(" pc"):
        return {HEADLINE: COPIES[HEADLINE]}
    return {**COPIES, **WORKS}


def lines(cases):
    """/bench/cases of the host: a line each."""
    out = []
    for name, (work, key, warm, single, batches) in cases.items():
        event = json.dumps({"bucket": BUCKET, "key": key, "out": f"out-{name}", "work": work}, separators=(",", ":"))
        out.append(f"{name} {warm} {single} {','.join(map(str, batches))} {event}\n")
    return "".join(out)


# A trace like Azure's: few functions have most events, most have few. Virtual seconds.
FUNCTIONS, TRACE_S, KEEP_ALIVE_S, EVENTS = 10, 600, 60, 90


def trace(managed):
    """The lines of trace.h. A function's events come at random, at a rate by its rank."""
    generator = random.Random(3)
    weights = [1 / rank ** 1.5 for rank in range(1, FUNCTIONS + 1)]
    events = []
    for number, weight in enumerate(weights, 1):
        at = 0.0
        while (at := at + generator.expovariate(EVENTS / TRACE_S * weight / sum(weights))) < TRACE_S:
            events.append((round(at * 1000), number))
    return f"{KEEP_ALIVE_S * 1000} {managed:d}\n" + "".join(f"{at} {number}\n" for at, number in sorted(events))


def table():
    """A table of numbers and words."""
    generator = random.Random(1)
    words = ["".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=generator.randint(2, 9))) for _ in range(300)]
    rows = ["id,name,city,amount,comment"]
    size = len(rows[0])
    while size < TABLE_BYTES:
        rows.append(f"{len(rows)},{generator.choice(words)},{generator.choice(words)},{generator.random() * 1000:.2f},"
                    f"{' '.join(generator.choices(words, k=4))}")
        size += len(rows[-1]) + 1
    return "\n".join(rows).encode()


def image():
    """A photograph's stand-in: shades with noise, a JPEG of some 64 KiB."""
    from PIL import Image
    generator = random.Random(2)
    picture = Image.new("RGB", (640, 480))
    picture.putdata([((x * 255 // 640 + noise) & 255, (y * 255 // 480 + noise) & 255, (x + y) * 255 // 1120)
                     for y in range(480) for x in range(640) for noise in (generator.randrange(12),)])
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=80)
    return out.getvalue()


def write_objects(directory):
    os.makedirs(f"{directory}/objects/{BUCKET}")
    objects = {f"in-{size}": random.Random(size).randbytes(size) for size in SIZES}
    objects.update(table=table(), image=image())
    for key, data in objects.items():
        with open(f"{directory}/objects/{BUCKET}/{key}", "wb") as file:
            file.write(data)
