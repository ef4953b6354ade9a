# SPDX-License-Identifier: GPL-2.0-only
"""From the accounts of the systems to a bench.json: its headlines, figures, method and limits (the format: report.py)."""
import subprocess
import time

from account import MODES, SHARED_BY
from bench import TOP

SIZE = str(64 << 10)    # of the headlines
PARTS = ("vmm", "vhost", "daemon", "proxy", "function", "kernel threads", "store", "caller")

METHOD = [
    "The host is emulated: QEMU with -icount, one processor, Debian's kernel; in it a second QEMU with KVM runs the guest. Each system "
    "runs in a host of its own, with the same function, kernel, VMM and store (nginx).",
    "One invocation: the caller's event, a GET of an object, a PUT of as many bytes, the answer. 30 to warm up, then batches back to "
    "back, then single ones with pauses.",
    "A plugin of the emulator counts what was executed between marks in the caller's code, by mode. By whom is the kernel's "
    "account of run time, which is instructions there. VM exits are KVM's statistics.",
    "Node: the whole machine without the caller and the store. Critical path: all that was executed between a single event and "
    "its answer. Cold: from the event to the first answer, the VMM's start included, guest restored from a snapshot.",
    f"Memory: of a guest restored from a snapshot, after 30 invocations: the VMM's own pages, what the kernel grew by, and a share of "
    f"what {SHARED_BY} instances have in common (the snapshot's RAM, the VMM's code, the daemon).",
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
    "One processor: what Nexus does at the same time on several is counted one after the other: against us.",
]


def _output(*command):
    return subprocess.run(command, capture_output=True, text=True, cwd=TOP).stdout.strip()


class Accounts:
    def __init__(self, systems):
        self.systems = systems

    def of(self, system, key, size=SIZE):
        return self.systems.get(system, {}).get(size, {}).get(key)

    def change(self, ours, baseline, key):
        """In percent; None if there is no figure of one of them."""
        a, b = self.of(ours, key), self.of(baseline, key)
        return 100 * (a / b - 1) if a and b else None


def headline(accounts, name, paper, target, ours, baseline, key):
    value = accounts.change(ours, baseline, key)
    result = {"name": name, "paper": paper, "target": target, "ours": value, "unit": "%", "less": True}
    if value is None:
        result["note"] = f"Not measured: there are no figures of both {baseline} and {ours}."
        return result
    result["note"] = f"{baseline} {accounts.of(baseline, key):,.0f}, {ours} {accounts.of(ours, key):,.0f}."
    # What instructions there are: of memory we have the parts instead.
    if value > target and key == "memory":
        parts = sorted(accounts.of(ours, "occupied").items(), key=lambda item: -item[1])[:3]
        result["costs"] = [[part, size * 1024, "bytes"] for part, size in parts]
    elif value > target:
        result["costs"] = [[f"{place} ({mode})", instructions, ""] for mode, place, instructions in
                           (accounts.of(ours, "costs") or [])[:3]]
    return result


def exits(accounts, system):
    value, kvm = accounts.of(system, "exits"), accounts.of(system, "kvm") or {}
    result = {"name": f"VM exits of a warm invocation, {system}", "paper": None, "target": 4, "ours": value, "unit": "", "less": True}
    if value is None:
        result["note"] = "Not measured."
        return result
    kinds = {name: count for name, count in kvm.items() if name.endswith("_exits") and count >= 0.01}
    # The module takes its hypercalls before KVM counts them.
    kinds["hypercalls, and exits without a statistic of their own"] = value - sum(kinds.values())
    parts = sorted(kinds.items(), key=lambda item: -item[1])
    if value > 4:
        result["costs"] = [[name, count, ""] for name, count in parts[:3]]
    else:
        result["note"] = ", ".join(f"{name} {count:.2f}" for name, count in parts) + "."
    return result


def headlines(accounts):
    rows = []
    for language, in (("python",), ("c",)):
        paper = language == "python"
        ours, baseline = f"{language} nexus", f"{language} network"
        name = {"python": "Python", "c": "C"}[language]
        rows += [
            headline(accounts, f"node CPU, warm, {name}", -44 if paper else None, -60, ours, baseline, "node"),
            headline(accounts, f"critical path, warm, {name}", -39 if paper else None, -60, ours, baseline, "answer"),
            headline(accounts, f"critical path, cold from a snapshot, {name}", -10 if paper else None, -30, ours, baseline, "cold"),
            headline(accounts, f"memory of an instance, {name}", -31 if paper else None, -50, ours, baseline, "memory"),
            exits(accounts, ours)]
    rows.append(headline(accounts, "critical path, warm, C, against WebAssembly", 20, 10, "c nexus", "c wasm", "answer"))
    for name, (system, baseline) in {"Python": ("python nexus", "python network"), "C": ("c nexus", "c network")}.items():
        a, b = accounts.of(system, "memory"), accounts.of(baseline, "memory")
        rows.append({"name": f"instances in a fixed memory, {name} (by the model)", "paper": 18 if name == "Python" else None, "target": 70,
                     "ours": 100 * (b / a - 1) if a and b else None, "unit": "%", "less": False,
                     "note": "The inverse of the memory of an instance; not checked by filling a host." if a and b else "Not measured."})
    return rows


def figure(accounts, size, key, title, caption, series, unit=""):
    """series: names in the account's dictionary `key`, or none if it is a number."""
    found = []
    for system in accounts.systems:
        value = accounts.of(system, key, size)
        if value:
            found.append({"label": system, "ours": "nexus" in system,
                          "values": [value.get(name, 0) for name in series] if series else [value]})
    if not found:
        return []
    kib = int(size) // 1024
    return [{"id": f"{key}-{size}", "title": f"{title}, {kib} KiB", "caption": caption, "unit": unit,
             "series": list(series) or [""], "bars": found}]


def figures(accounts):
    result = []
    for size in sorted({size for sizes in accounts.systems.values() for size in sizes}, key=int):
        result += figure(accounts, size, "modes", "Instructions of a warm invocation, by mode", "The whole machine.", MODES)
        result += figure(accounts, size, "parts", "The same, by who ran", "A guest's instructions are its VMM's; the kernel's are those of "
                         "the process that it worked for.", PARTS)
        result += figure(accounts, size, "answer", "From the event to its answer", "Instructions of the whole machine; single events.", ())
        result += figure(accounts, size, "exits", "VM exits of a warm invocation", "KVM's count.", ())
        result += figure(accounts, size, "context_switches", "Context switches of the host", "For one warm invocation.", ())
        result += figure(accounts, size, "cold", "Cold, from a snapshot", "Instructions from the event to the first answer.", ())
        memory = figure(accounts, size, "memory", "Memory of an instance", "See the method.", (), "bytes")
        for bar in (bar for one in memory for bar in one["bars"]):
            bar["values"] = [value * 1024 for value in bar["values"]]
        result += memory
    return result


def not_run(systems):
    rows = [["density by adding VMs until the limit; the trace; 8 MiB; compress, thumbnail, CSV to JSON, chain, no-op",
             "the runner has no scenario for these"]]
    for system, sizes in systems.items():
        for size, counts in sizes.items():
            if "failed" in counts:
                rows.append([f"{system}, {size} bytes", f"the emulated host did not come that far; its last lines: {counts['failed']}"])
            elif not counts.get("cold") and "wasm" not in system and "vsock" not in system:
                rows.append([f"{system}, {size} bytes, cold and memory", "the run was cut short"])
    return rows


def document(systems):
    accounts = Accounts(systems)
    from icount import kernel
    return {
        "format": 1, "when": time.strftime("%Y-%m-%d"), "commit": _output("git", "rev-parse", "--short", "HEAD") or "unknown",
        "kernel": f"Linux {kernel('release')}", "vmm": _output("qemu-system-x86_64", "--version").partition("\n")[0],
        "summary": "The same function in microVMs that carry their own network and SDK, and in microVMs that leave both to Nexus. "
                   "All figures are counted, in instructions of one emulated machine: none is a time.",
        "headlines": headlines(accounts), "figures": figures(accounts), "method": METHOD, "limits": LIMITS,
        "not_run": not_run(systems), "raw": systems,
    }
