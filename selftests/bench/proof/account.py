# SPDX-License-Identifier: GPL-2.0-only
"""From the console of an emulated host and what split.c wrote to figures for one invocation."""
import json
import statistics

from places import KERNEL, costs, program_of, read_maps

MODES = ("guest user", "guest kernel", "host user", "host kernel")
# What a thread's program is, by the beginning of its name; the first that fits.
PARTS = (("invoke", "caller"), ("nginx", "store"), ("vhost-", "vhost"), ("qemu-", "vmm"), ("nexus-backend", "daemon"),
         ("nexus-", "vmm"), ("proxy", "proxy"), ("function", "function"), ("migration", "kernel threads"))
SHARED_BY = 50      # instances on a node with one daemon
OUTSIDE = ("caller", "store")   # of the node
WHOSE = ("own", "shared")       # memory of processes
# Copies between a process and its kernel are one routine on this processor: `rep movsq`, eight bytes an instruction.
COPY, COPY_BYTES = "copy_user_generic_string", 8


def part_of(program):
    return next((part for name, part in PARTS if program.startswith(name)), "kernel threads")


class Phase:
    """What was counted between two marks."""

    def __init__(self, before, after):
        self.modes = [b - a for a, b in zip(before, after)]
        self.hottest, self.programs = [], []    # [(mode, address, instructions)]; [(address, instructions)]


def read_marks(path):
    """(phases from "begin" to "end", singles: instructions from "sent" to "answered"), with the phases before each of those:
    [Phase], [(number of phases before, instructions)]. A mark whose other one is missing counts for nothing."""
    phases, singles, start, sent, last = [], [], None, None, None
    with open(path) as file:
        for line in file:
            word, *rest = line.split()
            if word == "mark":
                kind, counts = rest[0], [int(value) for value in rest[1:]]
                last = None
                if kind == "begin":
                    start = counts
                elif kind == "end" and start:
                    last = Phase(start, counts)
                    phases.append(last)
                    start = None
                elif kind == "sent":
                    sent = sum(counts)
                elif kind == "answered" and sent is not None:
                    singles.append(sum(counts) - sent)
                    sent = None
            elif last and word == "at":
                last.hottest.append((MODES[int(rest[0])], int(rest[1], 16), int(rest[2])))
            elif last and word == "in":
                last.programs.append((int(rest[0], 16), int(rest[1])))
    return phases, singles


def read_counts(lines):
    """What `invoke` printed, in order; {"failed": n} where it gave up after n single invocations."""
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "COUNT" and rest.endswith("}"):
            yield json.loads(rest)
        elif word == "FAILED":
            yield {"failed": json.loads(rest[:rest.index("}") + 1])["singles"]}


def occupied(before, after):
    """KiB of one instance that was restored from a snapshot: its VMM's own memory, what the kernel grew by, and its share of
    what instances have in common: pages of files (the snapshot's RAM, the VMM's code) and the daemon or proxy."""
    sums = {}
    for name, value in after.items():
        kind, _, rest = name.partition(" ")
        if kind == "kernel":
            sums[f"kernel: {rest.rstrip(':')}"] = value - before.get(name, 0)
        elif kind in WHOSE and part_of(rest) in ("vmm", "daemon", "proxy", "function"):
            key = f"{part_of(rest)}: {kind}"
            sums[key] = sums.get(key, 0) + value
    common = {name for name in sums if name.endswith("shared") or name in ("daemon: own", "proxy: own")}
    parts = {name: value / SHARED_BY if name in common else value for name, value in sums.items()}
    return {"occupied": sums, "memory_parts": parts, "memory_own": sorted(parts.keys() - common),
            "memory": sum(parts.values())}


def programs(phases, maps):
    """Instructions in user mode of the host, by part."""
    sums = {}
    for phase in phases:
        for address, instructions in phase.programs:
            program = program_of(address, maps)
            part = part_of(program) if program else "others"
            part = "others" if part == "kernel threads" else part
            sums[part] = sums.get(part, 0) + instructions
    return sums


def split(modes, users):
    """The whole machine's instructions by guest user, guest kernel, host kernel, and each program of the host."""
    result = {name: modes[name] for name in ("guest user", "guest kernel", "host kernel")}
    for part, instructions in users.items():
        result[part] = result.get(part, 0) + instructions
    return result


def warm_account(batches, answers, symbols, maps):
    """batches: [(what `invoke` printed, Phase)]; all is for one invocation."""
    n = sum(count["count"] for count, _ in batches)
    if not n:
        return {}
    modes = dict(zip(MODES, (sum(phase.modes[i] for _, phase in batches) / n for i in range(len(MODES)))))
    parts, turns, kvm, machine = {}, {}, {}, {}
    for count, _ in batches:
        for name, value in count.items():
            kind, _, rest = name.partition(" ")
            if name == "caller":
                parts["caller"] = parts.get("caller", 0) + value / n
            elif kind == "cpu" and part_of(rest) != "caller":
                parts[part_of(rest)] = parts.get(part_of(rest), 0) + value / n
            elif kind == "turns":
                turns[part_of(rest)] = turns.get(part_of(rest), 0) + value / n
            elif kind == "kvm":
                kvm[rest] = kvm.get(rest, 0) + value / n
            elif kind in ("context_switches", "idle_ticks"):
                machine[kind] = machine.get(kind, 0) + value / n
    users = {part: value / n for part, value in programs([phase for _, phase in batches], maps).items()}
    hottest = {}
    for _, phase in batches:
        for mode, address, instructions in phase.hottest:
            hottest[mode, address] = hottest.get((mode, address), 0) + instructions / n
    result = {"invocations": n, "modes": modes, "instructions": sum(modes.values()), "parts": parts, "turns": turns, "kvm": kvm,
              **machine, "split": split(modes, users), "exits": kvm.get("exits", 0),
              "costs": costs([[*key, value] for key, value in hottest.items()], symbols, maps)}
    result["copied"] = {mode: COPY_BYTES * sum(value for (where, address), value in hottest.items()
                                               if where == mode and symbols.name(address) == COPY) for mode in KERNEL}
    result["node"] = result["instructions"] - sum(parts.get(part, 0) for part in OUTSIDE)
    if answers:
        result["answers"] = answers
        result["answer"] = statistics.median(answers)
    return result


def account(lines, path, symbols):
    """{case: figures} of one system's host."""
    phases, singles = read_marks(path)
    maps = read_maps(lines)
    phases, singles = iter(phases), iter(singles)
    idle, cases = {}, {}
    for count in read_counts(lines):
        if "failed" in count:
            for _ in range(count["failed"]):
                next(singles, None)
            continue
        case = cases.setdefault(count["system"], {"batches": [], "answers": [], "cold": [], "memory": None, "rest": None})
        if "count" in count:
            phase = next(phases, None)
            if phase:
                case["batches"].append((count, phase))
        elif "cold" in count:
            phase = next(phases, None)
            if phase:
                case["cold"].append(phase)
        elif "rest" in count:
            phase = next(phases, None)
            if phase:
                case["rest"] = (count, phase)
        elif "single" in count:
            case["answers"] += [single for single in (next(singles, None) for _ in range(count["single"])) if single is not None]
        elif "memory" in count and not idle:
            idle = count["memory"]
        elif "memory" in count:
            case["memory"] = count["memory"]
    result = {}
    for name, case in cases.items():
        figures = warm_account(case["batches"], case["answers"], symbols, maps)
        if case["cold"]:
            # A failed attempt prints no line: the last one is as good as the others.
            cold = case["cold"][-1]
            figures["cold"] = sum(cold.modes)
            figures["cold_split"] = split(dict(zip(MODES, cold.modes)), programs([cold], maps))
        if case["rest"]:
            count, phase = case["rest"]
            figures["rest"] = sum(phase.modes) / count["rest"]
            figures["rest_split"] = {part: value / count["rest"] for part, value in
                                     split(dict(zip(MODES, phase.modes)), programs([phase], maps)).items()}
            figures["rest_exits"] = count.get("kvm exits", 0) / count["rest"]
        if case["memory"]:
            figures.update(occupied(idle, case["memory"]))
        if figures:
            result[name] = figures
    return result


def print_counts(case, counts):
    print(f"  {case}: ", end="")
    if "instructions" in counts:
        print(f"{counts['instructions']:,.0f} instructions for each of {counts['invocations']} invocations"
              f" ({counts['node']:,.0f} without the store and the caller), {counts['exits']:.1f} VM exits,"
              f" {counts.get('answer', 0):,.0f} to the answer", end="; ")
    print(f"cold {counts.get('cold', 0):,.0f}" + (f", {counts['memory']:,.0f} KiB" if "memory" in counts else ""))
    for what in ("split", "parts", "memory_parts"):
        if what in counts:
            print(f"    {what}:", ", ".join(f"{name} {value:,.0f}" for name, value in counts[what].items() if value >= 0.5), flush=True)
