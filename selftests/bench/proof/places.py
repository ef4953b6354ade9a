# SPDX-License-Identifier: GPL-2.0-only
"""Names for the addresses at which instructions were counted."""
import bisect
import os

KERNEL = ("guest kernel", "host kernel")


class Symbols:
    """Of the kernel and its modules: what the emulated host says of itself. Guests run the same kernel at the same place."""

    def __init__(self, path):
        pairs = set()
        if os.path.exists(path):
            with open(path) as file:
                for line in file:
                    address, _, name = line.strip().partition(" ")
                    if len(address) == 16:
                        pairs.add((int(address, 16), name.replace("\t", " ")))
        self.pairs = sorted(pairs)
        self.addresses = [address for address, _ in self.pairs]

    def name(self, address):
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.pairs[at][1] if at >= 0 else f"{address:x}"


def read_maps(lines):
    """[(start, end, program, file)] from MAP lines, by address."""
    result = set()
    for line in lines:
        word, *rest = line.split()[:4] if line.startswith("MAP ") else [""]
        if word and len(rest) >= 2 and rest[1].count("-") == 1:
            start, _, end = rest[1].partition("-")
            result.add((int(start, 16), int(end, 16), rest[0], os.path.basename(rest[2]) if len(rest) == 3 else "no file"))
    return sorted(result)


def mapped(address, maps):
    """The mapping that an address lies in, or begins within 64 KiB behind it (split.c's unit)."""
    at = bisect.bisect_right(maps, (address + 65535,)) - 1
    return maps[at] if at >= 0 and address < maps[at][1] else None


def program_of(address, maps):
    found = mapped(address, maps)
    return found[2] if found else None


def place(mode, address, symbols, maps):
    if mode in KERNEL:
        return symbols.name(address)
    if mode == "host user":
        found = next((item for item in maps if item[0] <= address < item[1]), None)
        return f"{found[3]} ({found[2]})" if found else "other programs"
    return "function, its language and libraries"


def costs(hottest, symbols, maps):
    """[[mode, place, instructions]] of the hottest places, the largest first. hottest: [(mode, address, instructions)]"""
    sums = {}
    for mode, address, instructions in hottest:
        key = mode, place(mode, address, symbols, maps)
        sums[key] = sums.get(key, 0) + instructions
    return [[*key, value] for key, value in sorted(sums.items(), key=lambda item: -item[1])][:25]
