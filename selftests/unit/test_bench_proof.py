#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""The proof's arithmetic (selftests/bench/proof): what is made of marks and counts, the headlines, the page, the comparison."""
import copy
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROOF = f"{TOP}/selftests/bench/proof"
sys.path[:0] = [PROOF, f"{TOP}/selftests/bench", f"{TOP}/selftests/unix"]
from account import account
from compare import FORMAT
from document import Accounts, density_headline, figures, headlines, tables
from places import Symbols
from report import is_met, page
from tap import Tap

tap = Tap()
ok, equal = tap.ok, tap.equal


def mark(kind, *modes):
    return f"mark {kind} {' '.join(map(str, modes))}\n"


# A batch that was given up, then two good ones; single invocations of which some were given up; a cold start.
SPLIT = (mark("begin", 0, 0, 0, 0) +
         mark("begin", 100, 0, 0, 0) + mark("end", 300, 40, 60, 100) +
         "at 0 1000 200\nat 3 ffffffff81000010 80\nat 2 7f0000001000 60\nin 7f0000000000 50\nin 7f1000000000 10\n" +
         mark("begin", 300, 40, 60, 100) + mark("end", 500, 80, 120, 200) + "in 7f0000000000 60\n" +
         mark("sent", 1000, 0, 0, 0) + mark("answered", 1900, 0, 0, 0) +
         mark("sent", 1900, 0, 0, 0) + mark("sent", 2000, 0, 0, 0) + mark("answered", 2010, 0, 0, 0) +
         mark("sent", 3000, 0, 0, 0) + mark("answered", 3030, 0, 0, 0) +
         mark("begin", 4000, 0, 0, 0) + mark("end", 4000, 0, 0, 7000) + "at 3 ffffffff81000010 7000\n" +
         mark("begin", 5000, 0, 0, 0) + mark("end", 5100, 0, 200, 500) + "in 7f0000000000 150\n")
LINES = [
    'COUNT {"system": "python nexus", "memory": {"kernel Slab:": 1000, "own init": 5}}', "[ 1.0] the kernel says something",
    "MAP qemu-system-x86 7f0000000000-7f0000010000 /usr/bin/qemu-system-x86_64", "MAP nexus-backend 7f1000000000-7f1000010000 /x/b",
    'COUNT {"system": "a", "count": 2, "caller": 10, "cpu invoke": 90, "cpu nginx": 40, "cpu qemu-system-x": 300, "kvm exits": 6, "kvm irq_exits": 4, "context_switches": 8}',
    'COUNT {"system": "a", "count": 2, "cpu nginx": 40, "cpu qemu-system-x": 300, "kvm exits": 6, "context_switches": 8}',
    'FAILED {"singles": 1} an invocation failed: {oh}', 'COUNT {"system": "a", "single": 2}',
    'COUNT {"system": "a", "cold": 1}',
    'COUNT {"system": "a", "memory": {"kernel Slab:": 1100, "own nexus-f": 200, "shared nexus-f": 500, "own nexus-backend": 50, "own nginx": 9}}',
    'COUNT {"system": "a", "rest": 4, "kvm exits": 20}',
]


def test_account(directory):
    with open(f"{directory}/symbols", "w") as file:
        file.write("ffffffff81000000 copy_user_generic_string\nffffffff81000100 other\n")
    with open(f"{directory}/split", "w") as file:
        file.write(SPLIT)
    found = account(LINES, f"{directory}/split", Symbols(f"{directory}/symbols"))
    equal(list(found), ["a"], "what has no figures is no case")
    a = found["a"]
    equal((a["invocations"], a["instructions"], a["node"], a["exits"], a["context_switches"]), (4, 200, 177.5, 3, 4), "an invocation's figures")
    equal(a["modes"], {"guest user": 100, "guest kernel": 20, "host user": 30, "host kernel": 50}, "its modes")
    equal(a["split"], {"guest user": 100, "guest kernel": 20, "host kernel": 50, "vmm": 27.5, "daemon": 2.5}, "programs in user mode apart")
    equal(a["copied"], {"guest kernel": 0, "host kernel": 160}, "bytes that were copied")
    equal(a["answer"], 20, "single invocations that were given up do not count")
    equal((a["cold"], a["cold_split"]["host kernel"]), (7000, 7000), "the cold start's phase is its own")
    equal(a["memory"], 100 + 200 + 550 / 50, "memory: what is in common is divided")
    equal((a["rest"], a["rest_exits"], a["rest_split"]["vmm"], a["rest_split"]["host kernel"]), (200, 5, 37.5, 125), "an instance at rest, for a second")
    equal(a["costs"][0], ["guest user", "function, its language and libraries", 50], "the largest cost")


def systems():
    parts = {"vmm: own": 10000.0, "vmm: shared": 100.0, "kernel: Slab": 300.0}
    base = {"node": 1000.0, "answer": 1000.0, "cold": 1000.0, "exits": 40.0, "memory": 20800.0, "kvm": {"exits": 40.0, "irq_exits": 30.0},
            "costs": [["guest user", "x", 900], ["host kernel", "y", 50], ["host kernel", "z", 40], ["host kernel", "w", 1]],
            "memory_parts": parts, "cold_split": {"guest user": 600, "host kernel": 400}, "split": {"guest user": 1000.0},
            "instructions": 1000.0, "context_switches": 20.0, "rest": 500.0, "rest_exits": 5.0, "rest_split": {"host kernel": 500.0}}
    ours = {**copy.deepcopy(base), "node": 300.0, "answer": 500.0, "cold": 600.0, "exits": 3.0, "memory": 10400.0, "rest": 600.0}
    return {f"{language} {system}": {"copy-65536": copy.deepcopy(figures)} for language in ("python", "c")
            for system, figures in (("network", base), ("nexus", ours), ("wasm", ours), ("nexus plain", ours))}


def bench(found):
    accounts, results = Accounts(found), {"systems": found}
    return {"format": FORMAT, "when": "", "commit": "", "kernel": "", "vmm": "", "summary": "", "headlines": headlines(accounts, results),
            "tables": tables(accounts, results), "figures": figures(accounts), "method": ["<m>"], "limits": [], "not_run": [["a", "b"]],
            "raw": results}


def test_report():
    report = bench(systems())
    rows = {row["name"]: row for row in report["headlines"]}
    node, answer = rows["node CPU, warm, Python"], rows["critical path, warm, Python"]
    equal((round(node["ours"]), is_met(node), node.get("costs")), (-70, True, None), "a target that is met")
    equal((round(answer["ours"]), is_met(answer), [cost[0] for cost in answer["costs"]]),
          (-50, False, ["x (guest user)", "y (host kernel)", "z (host kernel)"]), "one that is missed, with the three largest costs")
    rest = rows["node CPU of an instance at rest, Python"]
    equal((round(rest["ours"]), is_met(rest), rest["costs"]), (20, False, [["host kernel", 500.0, ""]]), "an instance at rest, by its own split")
    found = systems()
    found["python nexus"]["copy-65536"]["costs"] = [["host user", "libcrypto.so.3 (nexus-backend)", 200]]
    node = {row["name"]: row for row in bench(found)["headlines"]}["node CPU, warm, Python"]
    ok("of both" in node["note"] and "-87.5 %" in node["note"] and round(node["ours"]) == -70, "what the ratio would be without the hash is a note")
    density = rows["instances in a fixed memory, Python"]
    equal((round(density["ours"]), is_met(density)), (100, True), "density, by the model")
    filled = {"python nexus": {"instances": 15, "memory": 100000}, "python network": {"instances": 10, "memory": 100000}}
    density = density_headline(Accounts(systems()), filled, "python")
    equal((round(density["ours"]), is_met(density), "By the model: +100 %" in density["note"]), (50, False, True), "density, by filling")
    equal(rows["VM exits of a warm invocation, python nexus"]["ours"], 3, "exits")
    empty = headlines(Accounts({}), {})
    ok(len(empty) == len(rows) and all(is_met(row) is None for row in empty), "without figures nothing is met or missed")
    text = page(report)
    ok("&lt;m&gt;" in text and "<svg" in text and "missed" in text and 'class="met"' in text, "the page has it all, escaped")


def compared(directory, old, new):
    for name, content in (("old", old), ("new", new)):
        with open(f"{directory}/{name}", "w") as file:
            json.dump(content, file)
    done = subprocess.run([f"{PROOF}/compare.py", f"{directory}/old", f"{directory}/new"], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_compare(directory):
    old = bench(systems())
    status, text = compared(directory, old, old)
    ok(status == 0 and "nothing got worse" in text, "a run is no worse than itself")
    for what, system, figure, factor, want in (
            ("a planted regression is found", "python nexus", "node", 1.05, 1), ("one of memory, too", "c nexus", "memory", 1.03, 1),
            ("of exits", "c nexus", "exits", 1.7, 1), ("what got better is none", "python nexus", "node", 0.9, 0),
            ("noise is none", "python nexus", "cold", 1.01, 0),
            ("nor is a tick more", "python nexus plain", "exits", 1.2, 0)):
        found = systems()
        found[system]["copy-65536"][figure] *= factor
        status, text = compared(directory, old, bench(found))
        ok(status == want and (f"WORSE {system}: copy-65536: {figure}" in text) == bool(want), what)
    found = systems()
    found["python network"]["copy-65536"]["node"] *= 0.5
    ok(compared(directory, old, bench(found))[0] == 1, "a headline that got worse because its baseline got better is told")
    status, text = compared(directory, {**old, "format": 1}, old)
    ok(status == 1 and "measure that commit again" in text, "another format is refused")
    status, text = compared(directory, {**old, "raw": {"systems": {}}}, old)
    ok(status == 1 and "no figure is in both" in text, "so is a file that has nothing in common")


with tempfile.TemporaryDirectory() as temporary:
    test_account(temporary)
    test_report()
    test_compare(temporary)
sys.exit(tap.done())
