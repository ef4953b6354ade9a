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
    """[(start, end, program and file)] from MAP lines."""
    result = []
    for line in lines:
        word, *rest = line.split()[:4] if line.startswith("MAP ") else [""]
        if word and len(rest) == 3:
            start, _, end = rest[1].partition("-")
            result.append((int(start, 16), int(end, 16), f"{os.path.basename(rest[2])} ({rest[0]})"))
    return result


def place(mode, address, symbols, maps):
    if mode in KERNEL:
        return symbols.name(address)
    if mode == "host user":
        return next((name for start, end, name in maps if start <= address < end), "other programs")
    return "function, its language and libraries"


def costs(hottest, symbols, maps):
    """[[mode, place, instructions]] of the hottest places, the largest first."""
    sums = {}
    for mode, address, instructions in hottest:
        key = mode, place(mode, int(address, 16), symbols, maps)
        sums[key] = sums.get(key, 0) + instructions
    return [[*key, value] for key, value in sorted(sums.items(), key=lambda item: -item[1])][:25]
