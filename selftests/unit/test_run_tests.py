#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""run-tests: which tests run again where the emulated host breaks or a test fails, and what is counted."""
import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, f"{TOP}/selftests/unix")
from tap import Tap

loader = importlib.machinery.SourceFileLoader("run_tests", f"{TOP}/selftests/run-tests")
run_tests = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
sys.dont_write_bytecode = True
loader.exec_module(run_tests)
tap = Tap()

SUMMARY = ["9 passed, 9 failed, 9 skipped"]


def took(name, *results):
    return [f"{'ok' if good else 'not ok'} {name}: it works" for good in results] + [f"# {name} took 0.1 s"]


def stands_still(name):
    return [f"not ok {name}: ended in time", "#   rcu: detected stalls", f"# {name}: {run_tests.STANDS_STILL}"] + SUMMARY


def play(names, *boots):
    """Runs names where each boot says what it is given. Returns the tally and which tests each boot was to run."""
    asked, boots = [], list(boots)

    def run(host, _program, _options):
        asked.append(list(host.rest))
        for line in boots.pop(0):
            host.line(line)
        return 0

    run_tests.VirtualHost.run = run
    tally = run_tests.Tally()
    with contextlib.redirect_stdout(io.StringIO()):
        run_tests.run_virtual_host(tally, [(name, None) for name in names])
    return tally, asked


def judge(what, names, boots, asked, passed, failed, repeated=()):
    tally, were_asked = play(names, *boots)
    tap.equal(were_asked, asked, f"{what}: what each boot runs")
    tap.equal((tally.passed, tally.failed, tally.repeated), (passed, failed, list(repeated)), f"{what}: what is counted")
    return tally


judge("all is well", ["a", "b"], [took("a", 1, 1) + took("b", 1) + SUMMARY], [["a", "b"]], 3, 0)
judge("one fails once", ["a", "b"], [took("a", 1, 0) + took("b", 1) + SUMMARY, took("a", 1, 1) + SUMMARY],
      [["a", "b"], ["a"]], 3, 0, "a")
tally = judge("one fails twice", ["a", "b"], [took("a", 1, 0) + took("b", 1) + SUMMARY, took("a", 1, 0) + SUMMARY],
              [["a", "b"], ["a"]], 2, 1)
tap.equal(tally.report, ["not ok a: it works"], "one fails twice: the end names it once")
judge("the host dies", ["a", "b", "c"],
      [took("a", 1) + ["ok b: it begins", "vhost: the virtual host died"], took("b", 1, 1) + took("c", 1) + SUMMARY],
      [["a", "b", "c"], ["b", "c"]], 4, 0)
judge("processors stand still", ["a", "b", "c"],
      [took("a", 1) + stands_still("b"), took("b", 1, 1) + took("c", 1) + SUMMARY], [["a", "b", "c"], ["b", "c"]], 4, 0)
judge("they always do", ["a", "b"], [stands_still("a")] * run_tests.HOST_RUNS, [["a", "b"]] * run_tests.HOST_RUNS, 0, 2)
judge("one fails, then the host dies", ["a", "b"],
      [took("a", 0) + ["vhost: the virtual host died"], took("b", 1) + took("a", 1) + SUMMARY], [["a", "b"], ["b", "a"]],
      2, 0, "a")
judge("the module's name is in a trace", ["a", "b"],
      [["#   RIP: nexus_free+0x10/0x20", "vhost: the virtual host died"]], [["a", "b"]], 0, 1)
judge("a test fails, the module's name in a trace", ["a"],
      [["not ok a: it works", "#   RIP: nexus_free+0x10/0x20", "# a took 0.1 s"] + SUMMARY], [["a"]], 0, 1)
judge("the host does not come up", ["a"], [["vhost: no image"]], [["a"]], 0, 1)
many = [f"t{i}" for i in range(run_tests.REPEATED_MAX + 1)]
judge("more fail than the emulation explains", many, [sum((took(name, 0) for name in many), []) + SUMMARY], [many],
      0, len(many))
sys.exit(tap.done())
