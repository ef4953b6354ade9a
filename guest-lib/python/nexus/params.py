# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Checks of parameters, against shapes in a small language; the reports read as botocore's.

A shape is a string of members: NAME[!][:TYPE], with ! for required. A type is s (a string, and
the default), s1 (not empty), i and l (integers), i1 (from 1 on), b (boolean), t (time), B (bytes or a file), m
or {TYPE} (a dictionary of strings, or of TYPE), [TYPE] (a list; [TYPE]+ of one at least), or the name of another
shape."""

_PLAIN = {"s": (str,), "s1": (str,), "i": (int,), "i1": (int,), "l": (int,), "b": (bool,)}
_parsed = {}


def members(shape):
    """{name: type} and the required names of a shape."""
    known = _parsed.get(shape)
    if known is None:
        types, required = {}, []
        for word in shape.split():
            name, _, kind = word.partition(":")
            if name.endswith("!"):
                name = name[:-1]
                required.append(name)
            types[name] = kind or "s"
        known = _parsed[shape] = types, required
    return known


def _classes(kind):
    return ", ".join(str(cls) for cls in kind)


def _wrong(report, name, value, valid):
    report.append(f"Invalid type for parameter {name}, value: {value}, type: {type(value)}, valid types: {valid}")


def _is_time(value):
    if hasattr(value, "timetuple") or isinstance(value, (int, float)):
        return True
    if not isinstance(value, str):
        return False
    from nexus import times
    try:
        times.parse(value)
    except ValueError:
        return False
    return True


def _check(kind, value, name, shapes, report):
    if kind[0] == "[":
        if not isinstance(value, (list, tuple)):
            return _wrong(report, name, value, _classes((list, tuple)))
        if kind[-1] == "+" and not value:
            report.append(f"Invalid length for parameter {name}, value: 0, valid min length: 1")
        for i, item in enumerate(value):
            _check(kind.rstrip("+")[1:-1], item, f"{name}[{i}]", shapes, report)
    elif kind == "m" or kind[0] == "{":
        if not isinstance(value, dict):
            return _wrong(report, name, value, str(dict))
        for key, item in value.items():
            _check("s", key, f"{name} (key: {key})", shapes, report)
            _check(kind[1:-1] or "s", item, f"{name}.{key}", shapes, report)
    elif kind in _PLAIN:
        wanted = _PLAIN[kind]
        if not isinstance(value, wanted) or (wanted == (int,) and isinstance(value, bool)):
            return _wrong(report, name, value, _classes(wanted))
        if kind == "s1" and not value:
            report.append(f"Invalid length for parameter {name}, value: 0, valid min length: 1")
        if kind == "i1" and value < 1:
            report.append(f"Invalid value for parameter {name}, value: {value}, valid min value: 1")
    elif kind == "t":
        if not _is_time(value):
            _wrong(report, name, value, "<class 'datetime.datetime'>, timestamp-string")
    elif kind == "B":
        if not isinstance(value, (bytes, bytearray, str, memoryview)) and not hasattr(value, "read"):
            _wrong(report, name, value, f"{_classes((bytes, bytearray))}, file-like object")
    elif not isinstance(value, dict):
        _wrong(report, name, value, str(dict))
    else:
        _check_members(shapes[kind], value, name, shapes, report)


def _check_members(shape, params, name, shapes, report):
    types, required = members(shape)
    for member in required:
        if member not in params:
            report.append(f'Missing required parameter in {name or "input"}: "{member}"')
    unknown = [member for member in params if member not in types]
    if unknown:
        known = ", ".join(types)
        report.extend(f'Unknown parameter in {name or "input"}: "{member}", must be one of: {known}'
                      for member in unknown)
    for member in params:
        if member in types:
            _check(types[member], params[member], f"{name}.{member}" if name else member, shapes, report)


def check(shape, params, shapes):
    """Raises ParamValidationError with all that is wrong."""
    report = []
    _check_members(shape, params, "", shapes, report)
    if report:
        fail("\n".join(report))


def fail(report):
    from botocore.exceptions import ParamValidationError
    raise ParamValidationError(report=report)
