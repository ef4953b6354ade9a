# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Metadata as a mapping in which a key may have several values."""
from collections.abc import Mapping


class Metadata(Mapping):
    """Iterates over pairs; [key] is the first value of a key."""

    def __init__(self, *args):
        self._values = {}
        for key, value in args:
            self.add(key, value)

    @classmethod
    def from_tuple(cls, raw_metadata):
        return cls(*(raw_metadata or ()))

    def add(self, key, value):
        self._values.setdefault(key, []).append(value)

    def __len__(self):
        return sum(map(len, self._values.values()))

    def __getitem__(self, key):
        try:
            return self._values[key][0]
        except IndexError:
            raise KeyError(repr(key)) from None

    def __setitem__(self, key, value):
        self._values[key] = [value, *self._values.get(key, ())[1:]]

    def __delitem__(self, key):
        if not self._values.get(key):
            raise KeyError(repr(key))
        del self._values[key][0]

    def delete_all(self, key):
        del self._values[key]

    def __iter__(self):
        for key, values in self._values.items():
            for value in values:
                yield key, value

    def get_all(self, key):
        return self._values.get(key, [])

    def set_all(self, key, values):
        self._values[key] = values

    def __contains__(self, key):
        return key in self._values

    def __eq__(self, other):
        if isinstance(other, Metadata):
            return self._values == other._values
        if isinstance(other, tuple):
            return tuple(self) == other
        return NotImplemented

    def __add__(self, other):
        if isinstance(other, (Metadata, tuple)):
            return Metadata(*self, *other)
        return NotImplemented

    def __repr__(self):
        return f"{type(self).__name__}({tuple(self)!r})"
