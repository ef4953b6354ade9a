# SPDX-License-Identifier: GPL-2.0-only
"""From the console of an emulated host and what split.c wrote to figures for one invocation."""
import json
import statistics

MODES = ("guest user", "guest kernel", "host user", "host kernel")
# What a thread's program is, by the beginning of its name; the first that fits.
PARTS = (("invoke", "caller"), ("nginx", "store"), ("vhost-", "vhost"), ("qemu-", "vmm"), ("nexus-backend", "daemon"),
         ("nexus-f", "vmm"), ("proxy", "proxy"), ("function", "function"), ("migration", "kernel threads"))
SHARED_BY = 50      # instances on a node with one daemon
OUTSIDE = ("caller", "store")   # of the node


def part_of(program):
    return next((part for name, part in PARTS if program.startswith(name)), "kernel threads")


def read_marks(path):
    """[(kind, [instructions by mode], [(mode, address, instructions)])]"""
    marks = []
    with open(path) as file:
        for line in file:
            word, *rest = line.split()
            if word == "mark":
                marks.append((rest[0], [int(value) for value in rest[1:]], []))
            elif word == "at":
                marks[-1][2].append((int(rest[0]), int(rest[1], 16), int(rest[2])))
    return marks


def phases(marks, begin, end):
    """The differences between a mark and the next one of the other kind."""
    result, start = [], None
    for kind, counts, hottest in marks:
        if kind == begin:
            start = counts
        elif kind == end and start:
            result.append(([e - b for b, e in zip(start, counts)], hottest))
            start = None
    return result


def occupied(before, after):
    """KiB of one instance that was restored from a snapshot: its VMM's own memory, what the kernel grew by, and its share of
    what instances have in common: pages of files (the snapshot's RAM, the VMM's code) and the daemon or proxy."""
    sums = {}
    for name, value in after.items():
        kind, _, rest = name.partition(" ")
        if kind == "kernel":
            sums[f"kernel: {rest.rstrip(':')}"] = value - before.get(name, 0)
        elif kind != "page_tables" and part_of(rest) in ("vmm", "daemon", "proxy", "function"):
            key = f"{part_of(rest)}: {kind}"
            sums[key] = sums.get(key, 0) + value
    common = sum(value for name, value in sums.items() if name.endswith("shared") or name in ("daemon: own", "proxy: own"))
    return {"occupied": sums, "memory": sum(sums.values()) - common + common / SHARED_BY}


def account(lines, split):
    """invocations: how many were counted; all else is for one of them."""
    counts = [json.loads(line[6:]) for line in lines if line.startswith("COUNT {") and line.endswith("}")]
    # What begins and ends a phase has such a line each, in the same order.
    timed = list(zip([count for count in counts if "count" in count or "cold" in count],
                     phases(marks := read_marks(split), "begin", "end")))
    batches = [count for count, _ in timed if "count" in count]
    whole = [phase for count, phase in timed if "count" in count]
    n = sum(batch["count"] for batch in batches)
    result = {"invocations": n}
    if not n:
        return result
    modes = [sum(phase[0][i] for phase in whole) / n for i in range(len(MODES))]
    result["modes"] = dict(zip(MODES, modes))
    result["instructions"] = sum(modes)
    parts, turns, kvm, machine = {}, {}, {}, {}
    for batch in batches:
        for name, value in batch.items():
            kind, _, rest = name.partition(" ")
            if kind == "cpu":
                parts[part_of(rest)] = parts.get(part_of(rest), 0) + value / n
            elif kind == "turns":
                turns[part_of(rest)] = turns.get(part_of(rest), 0) + value / n
            elif kind == "kvm":
                kvm[rest] = kvm.get(rest, 0) + value / n
            elif kind in ("context_switches", "idle_ticks"):
                machine[kind] = machine.get(kind, 0) + value / n
    result.update(parts=parts, turns=turns, kvm=kvm, **machine)
    result["node"] = result["instructions"] - sum(parts.get(part, 0) for part in OUTSIDE)
    result["exits"] = kvm.get("exits", 0)
    answers = [sum(counts) for counts, _ in phases(marks, "sent", "answered")]
    if answers:
        result["answer"] = statistics.median(answers)
    result.update({"cold": sum(phase[0]) for count, phase in timed if "cold" in count})
    memory = [count["memory"] for count in counts if "memory" in count]
    if len(memory) > 1:
        result.update(occupied(*memory[:2]))
    hottest = {}
    for _, places in whole:
        for mode, address, instructions in places:
            hottest[mode, address] = hottest.get((mode, address), 0) + instructions / n
    result["hottest"] = [[MODES[mode], f"{address:x}", round(value)] for (mode, address), value in
                         sorted(hottest.items(), key=lambda item: -item[1])[:200]]
    return result


def print_counts(counts):
    if "failed" in counts:
        print("  not measured; the host's last lines:\n    " + counts["failed"].replace("\n", "\n    "), flush=True)
        return
    print(f"  {counts['instructions']:,.0f} instructions for each of {counts['invocations']} invocations"
          f" ({counts['node']:,.0f} without the store and the caller), {counts['exits']:.1f} VM exits,"
          f" {counts.get('answer', 0):,.0f} to the answer")
    print(f"    cold {counts.get('cold', 0):,.0f} instructions, {counts.get('memory', 0):,.0f} KiB:",
          ", ".join(f"{name} {value:,}" for name, value in counts.get("occupied", {}).items() if value))
    for what in ("modes", "parts"):
        print("   ", ", ".join(f"{name} {value:,.0f}" for name, value in counts[what].items()))
    print("   ", ", ".join(f"{name} {value:.2f}" for name, value in counts["kvm"].items()
                           if name.endswith("exits") or name == "hypercalls"), flush=True)
