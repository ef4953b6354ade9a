# SPDX-License-Identifier: GPL-2.0-only
"""TAP, a line for each fact that one of both runs of program.py told.

usage: compare.py GENUINE SHIM MANUAL [SIDE...]

Equal, or listed in MANUAL (Documentation/python.rst): rows of its table of differences begin with a pattern
for "call: aspect", in double backquotes. A listed fact has to differ, or the list is wrong. Rows that begin with a
SIDE, the first word of facts, are for runs with it, and for no others."""
import fnmatch
import json
import re
import sys

SIDES = ("grpc", "served", "swift")     # calls made, calls served, another store


def facts(path):
    with open(path, encoding="utf-8") as lines:
        return {fact["name"]: fact["value"] for fact in map(json.loads, lines)}


def patterns(path, sides):
    with open(path, encoding="utf-8") as lines:
        rows = [match[1] for line in lines if (match := re.match(r"\s*\* - ``(.*)``$", line))]
    return [row for row in rows if (row.split()[0] in (sides or SIDES)) == bool(sides)]


def matches(name, pattern):
    # Brackets are brackets here.
    return fnmatch.fnmatchcase(name, pattern.replace("[", "[[]"))


def shown(value):
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 600 else text[:600] + "..."


def main(genuine, shim, manual, *sides):
    want, got, listed = facts(genuine), facts(shim), patterns(manual, sides)
    used, failed, absent = set(), 0, object()
    number = 0
    for number, name in enumerate(dict.fromkeys([*want, *got]), 1):
        a, b = want.get(name, absent), got.get(name, absent)
        reasons = [pattern for pattern in listed if matches(name, pattern)]
        text = re.sub(r"[#\\]", "", name.encode("ascii", "replace").decode())
        if a is not absent and b is not absent and a == b:
            print(f"ok {number} - {text}")
            continue
        used.update(reasons)
        if reasons:
            print(f"ok {number} - {text} (differs, as the manual says)")
            continue
        failed += 1
        print(f"not ok {number} - {text}")
        print(f"#   genuine: {shown(a) if a is not absent else 'nothing'}")
        print(f"#   shim:    {shown(b) if b is not absent else 'nothing'}")
    for pattern in listed:
        if pattern not in used:
            number += 1
            failed += 1
            print(f"not ok {number} - the manual lists a difference that is there: {pattern}")
    print(f"# {len(want)} facts of the genuine SDK, {len(listed)} rows of differences")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
