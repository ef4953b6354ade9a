# SPDX-License-Identifier: GPL-2.0-only
"""From what was measured to a bench.json: its headlines, tables, figures, method and limits (the format: report.py)."""
import statistics
import subprocess
import time

import cases
from account import SHARED_BY
from bench import TOP
from chart import quantity
from compare import FORMAT

PARTS = ("vmm", "vhost", "daemon", "proxy", "function", "kernel threads", "store", "caller")
SPLIT = ("guest user", "guest kernel", "host kernel", "vmm", "daemon", "proxy", "function", "store", "caller", "others")
BASELINE = {"python": "python network", "c": "c network"}
LANGUAGES = {"python": "Python", "c": "C"}
# What `run` measures of a PC of QEMU's large build, for the headline's case only, and how a person reads it.
PC = {"node": ("node instructions, warm", "", 1), "answer": ("critical path, warm", "", 1), "cold": ("cold, from a snapshot", "", 1),
      "exits": ("VM exits, warm", "", 1), "rest": ("at rest, a second", "", 1), "memory": ("memory of an instance", "bytes", 1024)}

METHOD = [
    "The host is emulated: QEMU with -icount, one processor, Debian's kernel; in it a second QEMU with KVM runs the guest. Each system "
    "runs in a host of its own, with the same function, kernel, VMM and store (nginx).",
    "The VMM of both sides is Debian's small build of QEMU with the machine microvm, where virtio's network is an MMIO device, as in "
    "Firecracker; the allocator's settings are the same for both. One table has both sides with the large build and a PC, whose network has PCI and MSI-X: fewer exits, "
    "a longer start. The vsock proxy has the large build's microvm, as the small one lacks vhost-vsock.",
    "All guests are clones of a snapshot that was taken when the function was ready for its first event. One invocation: the "
    "caller's event, a GET of an object, a PUT of the result, the answer. 30 to warm up, then batches back to back, then single "
    "ones with pauses (fewer of the cases that take longer).",
    "A plugin of the emulator counts what was executed between marks in the caller's code, by mode, and the user mode of "
    "the host by program. By whom the kernels worked is the kernel's account of run time, which is instructions there. VM exits are "
    "KVM's statistics.",
    "Node: the whole machine without the caller and the store. Critical path: all that was executed between a single event and "
    "its answer. Cold: from the event to the first answer, the VMM's start included, guest restored from a snapshot.",
    f"Memory: of a guest restored from a snapshot, after 30 invocations of 64 KiB: the VMM's own pages, what the kernel grew by (slab, "
    f"vhost, tap and page tables among it), and a share of what {SHARED_BY} instances have in common (the snapshot's RAM, the VMM's code, "
    "the daemon or proxy).",
    "At rest: five seconds, in which nobody calls, of the machine whose memory was counted before; what the host itself does is in it.",
    "Python: Debian's genuine boto3, and our drop-in. C: libcurl, and libnexus-guest. WebAssembly: the C function, compiled ahead "
    "of time by wasm2c and gcc, in a process of the host.",
]
LIMITS = [
    "An instruction is not a cycle. A VM exit is some 3,000 instructions here and thousands of cycles more on a processor; misses of "
    "caches cost nothing. Both are in favour of the systems with more exits and copies: not ours.",
    "No TLS: in favour of those that would do it in the guest.",
    "The baseline's caller talks to the guest itself, ours goes through the daemon's ingress: in the baseline's favour.",
    "The baseline's image has the SDK's model of S3 only, of 300 services: in its favour.",
    "The C peers sign with the daemon's signer (libcurl's own takes 300,000 instructions more): in their favour.",
    "The emulated processor has no SHA instructions: the hash of 64 KiB, which every signed upload over plain HTTP takes, is "
    "1.6 million instructions, for all alike. It dilutes every ratio among the C systems. Over TLS nobody takes it.",
    "Uploads beyond 1 MiB over plain HTTP are not hashed by the daemon (UNSIGNED-PAYLOAD), while the peers' are: the rows of 8 MiB are in our "
    "favour by some 200 million instructions.",
    "One processor: what Nexus does at the same time on several is counted one after the other: against us.",
    "Copies are those of the kernels, between processes and sockets or files, the store's included. What libraries copy within a process "
    "is not counted: in the baseline's favour.",
]


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=TOP).stdout.strip()


class Accounts:
    """systems: {system: {case: figures}}"""

    def __init__(self, systems):
        self.systems = systems

    def of(self, system, key, case=cases.HEADLINE):
        return self.systems.get(system, {}).get(case, {}).get(key)

    def change(self, ours, baseline, key, case=cases.HEADLINE):
        """In percent; None if there is no figure of one of them."""
        a, b = self.of(ours, key, case), self.of(baseline, key, case)
        return 100 * (a / b - 1) if a and b else None


# ---- headlines ----

def largest(accounts, system, key):
    """The three largest of what a figure is made of: [[name, value, unit]]."""
    if key == "memory":
        parts = accounts.of(system, "memory_parts")
        return [[part, size * 1024, "bytes"] for part, size in sorted(parts.items(), key=lambda item: -item[1])[:3]]
    if key in ("cold", "rest"):
        parts = accounts.of(system, f"{key}_split")
        return [[part, size, ""] for part, size in sorted(parts.items(), key=lambda item: -item[1])[:3]]
    return [[f"{place} ({mode})", instructions, ""] for mode, place, instructions in (accounts.of(system, "costs") or [])[:3]]


def without_hash(accounts, ours, baseline, key):
    """What a ratio would be but for the payload's SHA-256, which both sides take by the same library: the daemon's is known."""
    hashed = sum(instructions for mode, place, instructions in accounts.of(ours, "costs") or [] if place.startswith("libcrypto"))
    a, b = accounts.of(ours, key), accounts.of(baseline, key)
    if key not in ("node", "answer") or not hashed or hashed >= a or hashed >= b:
        return ""
    return (f" Less the SHA-256 of the payload, {quantity(hashed, '')} of both, which TLS or a processor's own instructions for it spare: "
            f"{100 * ((a - hashed) / (b - hashed) - 1):+.1f} % (derived).")


def headline(accounts, name, paper, target, ours, baseline, key):
    value = accounts.change(ours, baseline, key)
    result = {"name": name, "paper": paper, "target": target, "ours": value, "unit": "%", "less": True, "noise": 15 if key == "rest" else 0}
    a, b = accounts.of(baseline, key), accounts.of(ours, key)
    if a and b:
        result["counts"] = [quantity(size * 1024, "bytes") if key == "memory" else quantity(size, "") for size in (a, b)]
    if value is None:
        result["note"] = f"Not measured: there are no figures of both {baseline} and {ours}."
        return result
    unit = "KiB" if key == "memory" else "instructions"
    result["note"] = f"{baseline} {accounts.of(baseline, key):,.0f} {unit}, {ours} {accounts.of(ours, key):,.0f}."
    result["note"] += without_hash(accounts, ours, baseline, key)
    pc = accounts.change(f"{ours} pc", f"{baseline} pc", key)
    if pc is not None:
        result["note"] += f" Both with a PC: {pc:+.1f} %."
    if value > target:
        result["costs"] = largest(accounts, ours, key)
    return result


def exits(accounts, system):
    value, kvm = accounts.of(system, "exits"), accounts.of(system, "kvm") or {}
    result = {"name": f"VM exits of a warm invocation, {system}", "paper": None, "target": 4, "ours": value, "unit": "", "less": True, "noise": 0.2}
    if value is None:
        result["note"] = "Not measured."
        return result
    before = accounts.of(BASELINE[system.split()[0]], "exits")
    if before:
        result["counts"] = [quantity(before, ""), quantity(value, "")]
    # The module takes its hypercalls before KVM counts them; but the emulated processor leaves it to KVM's emulator to go on behind one, as
    # behind the write by which a guest sets its timer anew with each tick, the only interrupt that it gets.
    ticks = kvm.get("irq_injections", 0)
    kinds = {name: count for name, count in {
        "hypercalls": kvm.get("insn_emulation", 0) - ticks, "ticks, whose timer is set anew": ticks,
        "interrupts of the host": kvm.get("irq_exits", 0), "page faults": kvm.get("pf_taken", 0)}.items() if count >= 0.005}
    kinds["the rest"] = max(0, value - sum(kinds.values()))
    parts = sorted(kinds.items(), key=lambda item: -item[1])
    if value > 4:
        result["costs"] = [[name, count, ""] for name, count in parts[:3]]
    else:
        result["note"] = ", ".join(f"{name} {count:.2f}" for name, count in parts) + "."
    return result


def density_headline(accounts, density, language):
    ours, baseline = f"{language} nexus", BASELINE[language]
    result = {"name": f"instances in a fixed memory, {LANGUAGES[language]}", "paper": 18 if language == "python" else None, "target": 70,
              "ours": None, "unit": "%", "less": False, "noise": 8}     # an instance on either side
    a, b = accounts.of(ours, "memory"), accounts.of(baseline, "memory")
    model = 100 * (b / a - 1) if a and b else None
    filled = [density.get(system, {}).get("instances") for system in (ours, baseline)]
    notes = ["The paper: +18 % over TCP, as here; +37 % with RDMA."] if language == "python" else []
    if all(filled):
        result["counts"] = [str(filled[1]), str(filled[0])]
        result["ours"] = 100 * (filled[0] / filled[1] - 1)
        notes.append(f"By adding instances until {density[ours]['memory'] >> 10} MiB were full, all of them answering: {baseline} "
                     f"{filled[1]}, {ours} {filled[0]}.")
        if model is not None:
            notes.append(f"By the model: {model:+.0f} %.")
    elif model is not None:
        result["ours"] = model
        notes.append("By the model, the inverse of an instance's memory; not filled.")
    else:
        notes.append("Not measured.")
    if result["ours"] is not None and result["ours"] < result["target"]:
        result["costs"] = largest(accounts, ours, "memory") if a else []
    result["note"] = " ".join(notes)
    return result


def headlines(accounts, results):
    rows = []
    for language, name in LANGUAGES.items():
        paper = language == "python"
        ours, baseline = f"{language} nexus", BASELINE[language]
        rows += [
            headline(accounts, f"node CPU, warm, {name}", -44 if paper else None, -60, ours, baseline, "node"),
            headline(accounts, f"memory of an instance, {name}", -31 if paper else None, -50, ours, baseline, "memory"),
            density_headline(accounts, results.get("density", {}), language),
            headline(accounts, f"critical path, warm, {name}", -39 if paper else None, -60, ours, baseline, "answer"),
            headline(accounts, f"critical path, cold from a snapshot, {name}", -10 if paper else None, -30, ours, baseline, "cold"),
            exits(accounts, ours),
            headline(accounts, f"node CPU of an instance at rest, {name}", None, 0, ours, baseline, "rest")]
    rows.append(headline(accounts, "critical path, warm, C, against WebAssembly", 20, 10, "c nexus", "c wasm", "answer"))
    return rows


# ---- tables ----

def cell(value, baseline):
    if not value:
        return "–"
    text = quantity(value, "")
    return f"{text} ({100 * (value / baseline - 1):+.0f} %)" if baseline and baseline != value else text


def case_table(accounts, language, key, title, caption):
    systems = [system for system in accounts.systems if system.startswith(language + " ") and not system.endswith(" pc")]
    rows = []
    for case, name in cases.TITLES.items():
        values = [accounts.of(system, key, case) for system in systems]
        if any(values):
            base = accounts.of(BASELINE[language], key, case)
            rows.append([name, *(cell(value, base) for value in values)])
    return [{"title": f"{title}, {LANGUAGES[language]}", "caption": caption,
             "columns": ["", *(system.partition(" ")[2] for system in systems)], "rows": rows}] if rows else []


def pc_table(accounts):
    """Both sides with both VMMs."""
    systems = ("python network", "python nexus", "python network pc", "python nexus pc")
    rows = []
    for key, (name, unit, scale) in PC.items():
        values = [accounts.of(system, key) for system in systems]
        if all(values):
            small, pc = (100 * (values[i + 1] / values[i] - 1) for i in (0, 2))
            texts = [quantity(value * scale, unit) for value in values]
            rows.append([name, *texts[:2], f"{small:+.0f} %", *texts[2:], f"{pc:+.0f} %"])
    return [{"title": f"The same with another VMM, Python, {cases.TITLES[cases.HEADLINE]}", "caption":
             "QEMU's small build with microvm, as in all else here, and its large build with a PC.",
             "columns": ["", "network", "nexus", "", "network, PC", "nexus, PC", ""], "rows": rows}] if rows else []


def rest_table(accounts):
    rows = []
    for system in accounts.systems:
        base = accounts.of(BASELINE[system.split()[0]], "rest")
        if accounts.of(system, "rest"):
            rows.append([system, cell(accounts.of(system, "rest"), base), f"{accounts.of(system, 'rest_exits'):.0f}"])
    return [{"title": "An instance at rest", "caption": "In a second in which nobody calls: instructions of the whole machine, and VM exits. The process of "
             "WebAssembly does nothing: its row is the host's own.", "columns": ["", "instructions", "VM exits"], "rows": rows}] if rows else []


def with_model(found, systems):
    """A filled host's result, with how many instances the memory of one says that there would be."""
    figures = (systems or {}).get(cases.HEADLINE, {})
    if "memory_parts" not in figures:
        return found
    own = sum(value for name, value in figures["memory_parts"].items() if name in figures["memory_own"])
    return {**found, "model": found["memory"] / own}


def with_answers(found, systems):
    """A trace's result, with its cold starts: answers that took half as long as a cold one, or longer."""
    answers = sorted(found["answers"])
    cold = (systems or {}).get(cases.HEADLINE, {}).get("cold")
    return {**found, "median": statistics.median(answers), "worst": answers[-1 - len(answers) // 100],
            "cold": sum(answer > cold / 2 for answer in answers) if cold else None}


def density_table(density):
    if not density:
        return []
    rows = []
    for system, found in density.items():
        rows.append([system, quantity(found["memory"] * 1024, "bytes"), str(found["instances"]),
                     quantity(1024 * found["memory"] / found["instances"], "bytes") if found["instances"] else "–",
                     f"{found['model']:.0f} ({100 * (found['model'] / found['instances'] - 1):+.0f} %)"
                     if found.get("model") and found["instances"] else "–", found["end"],
                     *(str(int(size * (1 << 20) / found["each"])) if found.get("each") else "–" for size in (16, 64))])
    return [{"title": "Density: instances added until the memory was full", "caption":
             "Every instance answered when it was added, and at the end all of them did again. The model: the memory, less what instances have "
             "in common, by an instance's own. Beyond what was filled: by what the instances that were added took.",
             "columns": ["", "memory", "instances", "each", "by the model", "what ended it", "in 16 GiB", "in 64 GiB"], "rows": rows}]


def trace_table(trace):
    if not trace:
        return []
    rows = [[system, str(found["events"]), str(found["cold"] if found["cold"] is not None else "–"), quantity(found["node"], ""), quantity(found["median"], ""),
             quantity(found["worst"], ""), quantity(found["memory"] * 1024, "bytes")] for system, found in trace.items()]
    return [{"title": "A trace: few hot functions, many rare ones", "caption":
             "The same events in the same order at the same (virtual) times for all, drawn from a seed. Node and answers in instructions; "
             "memory: the mean over the trace.",
             "columns": ["", "events", "cold starts", "node, an event", "answer, median", "answer, 99th percentile", "memory"], "rows": rows}]


def unix_table(unix):
    if not unix:
        return []
    rows = []
    for name, found in unix.items():
        nexus = [r["nexus"] for r in found["rounds"]]
        ratio = found["ratio"]
        unit = found.get("unit", "")
        rows.append([found.get("title", name), unit, *(
            quantity(sum(r[key] for r in side) / len(side), "") for side in (nexus, [r["peer"] for r in found["rounds"]])
            for key in ("per_core",)), f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})", f"{found['target']}"])
    return [{"title": "On the machine itself: work for each second of processor time", "caption":
             "Over the unix transport, in turns with the peer, against the same nginx; the client's side alone (function and daemon, or the "
             "peer's process). Only the ratio means something.",
             "columns": ["", "unit", "nexus", "peer", "ratio", "target"], "rows": rows}]


def tables(accounts, results):
    found = []
    for language in LANGUAGES:
        found += case_table(accounts, language, "node", "Node instructions of a warm invocation", "Without the caller and the store.")
        found += case_table(accounts, language, "answer", "From the event to its answer, warm", "Instructions of the whole machine; median.")
        found += case_table(accounts, language, "cold", "Cold, from a snapshot", "Instructions from the event to the first answer.")
        found += case_table(accounts, language, "exits", "VM exits of a warm invocation", "KVM's count.")
        found += case_table(accounts, language, "context_switches", "Context switches of the host, warm", "Of an invocation.")
    found += rest_table(accounts)
    return pc_table(accounts) + found + density_table(results.get("density")) + trace_table(results.get("trace")) + unix_table(results.get("unix"))


# ---- figures ----

def figure(accounts, key, title, caption, series, unit="", scale=1):
    """Of the headline's case. series: names in the account's dictionary `key`, or none if it is a number."""
    found, case = [], cases.HEADLINE
    for system in accounts.systems:
        value = accounts.of(system, key, case) if not system.endswith(" pc") else None
        if value:
            values = [value.get(name, 0) for name in series] if series else [value]
            found.append({"label": system, "ours": "nexus" in system, "values": [scale * one for one in values]})
    if not found:
        return []
    labels = [bar["label"] for bar in found]
    for bar in found:
        baseline = BASELINE[bar["label"].split()[0]]
        bar["base"] = labels.index(baseline) if baseline in labels else 0
    used = [i for i in range(len(series)) if any(bar["values"][i] >= 0.5 * scale for bar in found)]
    if series:
        for bar in found:
            bar["values"] = [bar["values"][i] for i in used]
    return [{"id": f"{key}-{case}", "title": f"{title}, {cases.TITLES[case]}", "caption": caption, "unit": unit,
             "series": [series[i] for i in used] or [""], "bars": found}]


def memory_parts(accounts):
    names = []
    for system in accounts.systems:
        names += [name for name in accounts.of(system, "memory_parts") or {} if name not in names]
    return names


def figures(accounts):
    return [
        *figure(accounts, "split", "Instructions of a warm invocation, by where", "The whole machine. Programs are their user mode alone; the host's "
                "kernel, KVM and vhost among it, is one part.", SPLIT),
        *figure(accounts, "parts", "The same, by who ran", "A guest's instructions are its VMM's; the kernel's are those of "
                "the process that it worked for.", PARTS),
        *figure(accounts, "answer", "From the event to its answer", "Instructions of the whole machine; single events.", ()),
        *figure(accounts, "exits", "VM exits of a warm invocation", "KVM's count.", ()),
        *figure(accounts, "copied", "Bytes that kernels copied for a warm invocation", "128 KiB of payload, in and out. What the store copies is "
                "in it, the same for all.", ("guest kernel", "host kernel"), "bytes"),
        *figure(accounts, "context_switches", "Context switches of the host", "For one warm invocation.", ()),
        *figure(accounts, "cold_split", "Cold, from a snapshot", "Instructions from the event to the first answer.", SPLIT),
        *figure(accounts, "memory_parts", "Memory of an instance", "See the method; the parts in common are shares of a fiftieth.",
                memory_parts(accounts), "bytes", 1024),
    ]


def not_run(results, expected):
    """expected: {system: cases}"""
    rows = []
    for system, wanted in expected.items():
        found = results["systems"].get(system)
        if found is None:
            rows.append([system, "not run"])
            continue
        missing = [cases.TITLES[case] for case in wanted if "instructions" not in found.get(case, {})]
        cold = [cases.TITLES[case] for case in wanted if "cold" not in found.get(case, {})]
        why = f"the host's last lines: {found['failed']}" if "failed" in found else "not run"
        rows += [[f"{system}, {what}: {'; '.join(names)}", why] for what, names in (("warm", missing), ("cold", cold)) if names]
    for scenario, what in (("density", "density by adding instances"), ("trace", "the trace")):
        rows += [[f"{what}, {system}", found["failed"]] for system, found in results.get(f"{scenario}_failed", {}).items()]
        if not results.get(scenario):
            rows.append([what, "not run"])
    if not results.get("unix"):
        rows.append(["on the machine itself, over the unix transport", "not run"])
    rows.append(["the gateway in C, the vsock proxy in Python", "the gateway is for SDKs, of which C has none; a client of the proxy's is "
                 "what replaces one"])
    return rows


def document(results, expected):
    accounts = Accounts(results["systems"])
    from icount import kernel
    return {
        "format": FORMAT, "when": time.strftime("%Y-%m-%d"), "commit": _output("git", "rev-parse", "--short", "HEAD") or "unknown",
        "kernel": f"Linux {kernel('release')}", "vmm": _output("qemu-system-x86_64-microvm", "--version").partition("\n")[0] + ", microvm",
        "summary": "The same function in microVMs that carry their own network and SDK, and in microVMs that leave both to Nexus. "
                   "All figures are counted, in instructions of one emulated machine: none is a time.",
        "headlines": headlines(accounts, results), "tables": tables(accounts, results), "figures": figures(accounts), "method": METHOD,
        "limits": LIMITS, "not_run": not_run(results, expected), "raw": results,
    }
