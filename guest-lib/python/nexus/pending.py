# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Answers to writes that the host has, and the store not yet."""
from botocore.exceptions import ClientError


class PendingAnswer(dict):
    """A dictionary whose ResponseMetadata is there, and whose other members are asked for (`ask`, a call that waits
    for the write) when somebody looks. A write that fails is told by the invocation's answer, not here: its
    members stay absent."""

    def __init__(self, known, names, ask):
        super().__init__(known)
        self._names, self._ask = names, ask

    def _settle(self):
        if self._ask:
            ask, self._ask = self._ask, None
            try:
                answer = ask()
            except ClientError:
                return
            self.update((name, answer[name]) for name in self._names if name in answer)

    def __missing__(self, name):
        self._settle()
        if dict.__contains__(self, name):
            return dict.__getitem__(self, name)
        raise KeyError(name)

    def __reduce__(self):
        self._settle()
        return dict, (dict(self.items()),)


def _settled(name):
    method = getattr(dict, name)

    def call(self, *args):
        self._settle()
        return method(self, *args)

    call.__name__ = name
    return call


for _name in ("__contains__", "__eq__", "__iter__", "__len__", "__ne__", "__or__", "__repr__", "__ror__", "copy", "get", "items", "keys",
              "pop", "popitem", "setdefault", "values"):
    setattr(PendingAnswer, _name, _settled(_name))
