# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Lambda's hooks for functions that run from a snapshot: what a program has to do anew in each clone, such as to seed
generators of its own. nexus-python runs them."""

_before, _after = [], []


def register_before_snapshot(func, *args, **kwargs):
    """func(*args, **kwargs) is called before the first event is waited for, which is where snapshots are taken; those
    registered last are called first."""
    _before.append((func, args, kwargs))
    return func


def register_after_restore(func, *args, **kwargs):
    """func(*args, **kwargs) is called before the first event of this machine, and of each clone of it."""
    _after.append((func, args, kwargs))
    return func


def get_before_snapshot():
    return _before


def get_after_restore():
    return _after
