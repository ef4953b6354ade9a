#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A bench.json against an older one: exit status 1 if a figure of ours grew, or a headline got worse, by more than the tolerance,
and by more than it moves from run to run."""
import argparse
import json
import sys

from chart import quantity


# Their units, and what they move by: a tick more or less, where few invocations were counted.
KEYS = {"node": ("", 0), "answer": ("", 10000), "cold": ("", 0), "exits": ("", 1.5), "context_switches": ("", 1.5), "rest": ("", 60000),
        "memory": ("bytes", 0)}
FORMAT = 2


def counts(bench):
    """(system, case, figure): (value, its sign such that less is better, unit, noise), of the systems that are ours."""
    return {(system, case, key): (figures[key] * (1024 if key == "memory" else 1), 1, unit, noise)
            for system, found in bench["raw"]["systems"].items() if "nexus" in system
            for case, figures in found.items() if isinstance(figures, dict)
            for key, (unit, noise) in KEYS.items() if figures.get(key) is not None}


def headlines(bench):
    return {(h["name"],): (h["ours"], 1 if h.get("less", True) else -1, h["unit"], h.get("noise", 0))
            for h in bench["headlines"] if h["ours"] is not None}


def compared(old, new, tolerance):
    """(got worse, line to print). A percentage is compared by its difference, all else by its ratio."""
    for key in sorted(old.keys() | new.keys()):
        if key not in old or key not in new:
            yield False, f"{': '.join(key)}: only in the {'new' if key in new else 'old'} run"
            continue
        (before, sign, unit, _), (after, _, _, noise) = old[key], new[key]
        change = after - before if unit == "%" else 100 * (after - before) / before if before else 0
        worse = sign * change > tolerance and abs(after - before) > noise
        yield worse, (f"{'WORSE ' if worse else ''}{': '.join(key)}: {quantity(before, unit)} -> "
                      f"{quantity(after, unit)} ({change:+.1f}{' points' if unit == '%' else ' %'})")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--tolerance", type=float, default=2.0, metavar="PERCENT", help="default: 2")
    arguments = parser.parse_args()
    benches = []
    for path in (arguments.old, arguments.new):
        with open(path) as file:
            benches.append(json.load(file))
        if benches[-1].get("format") != FORMAT:
            sys.exit(f"{path}: format {benches[-1].get('format')}, not {FORMAT}: measure that commit again")
    failed = 0
    if not counts(benches[0]).keys() & counts(benches[1]).keys():
        sys.exit("no figure is in both files")
    for of in (headlines, counts):
        for worse, line in compared(of(benches[0]), of(benches[1]), arguments.tolerance):
            print(line)
            failed += worse
    print(f"{failed} got worse by more than {arguments.tolerance:g} %" if failed else "nothing got worse")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
