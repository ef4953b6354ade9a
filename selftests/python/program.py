# SPDX-License-Identifier: GPL-2.0-only
"""One program for both SDKs: whatever `boto3` is found runs it, and what it sees is written as JSON, a line
`{"name": "call: aspect", "value": ...}` each, for compare.py.

usage: program.py PART...   (a module part_PART.py each, with a function run(see))
Environment: NEXUS_TEST_ENDPOINT, the service's address, if the SDK is to have one.
"""
import datetime
import importlib
import io
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# Of one connection, or of one moment.
VOLATILE_HEADERS = {"date", "connection", "keep-alive", "transfer-encoding", "server", "x-amzn-requestid",
                    "x-amz-request-id", "x-amz-id-2", "x-openstack-request-id", "x-trans-id"}
VOLATILE_KEYS = {"RequestId", "HostId", "UploadId", "NextContinuationToken", "VersionId"}


def plain(value, key=None):
    """A value as JSON that is equal for equal behaviour."""
    if key in VOLATILE_KEYS and isinstance(value, str):
        return "<a string>"
    if isinstance(value, datetime.datetime):
        near = value.tzinfo and abs((datetime.datetime.now(datetime.timezone.utc) - value).total_seconds()) < 600
        return "<a time, now>" if near else f"<{value.isoformat()}>"
    if isinstance(value, dict):
        return {str(name): plain(item, name) for name, item in sorted(value.items(), key=lambda pair: str(pair[0]))}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return ["<a set>", *sorted(map(repr, value))]
    if isinstance(value, (bytes, bytearray)):
        return f"<{type(value).__name__}> {bytes(value)!r}" if len(value) <= 200 else (
            f"<{type(value).__name__}> {len(value)} bytes, {hash_of(value)}")
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return f"<{type(value).__name__}>"


def hash_of(data):
    import hashlib
    return hashlib.sha256(data).hexdigest()


def types(value):
    """The types, as deep as there are any."""
    if isinstance(value, dict):
        return {name: types(item) for name, item in sorted(value.items())}
    if isinstance(value, (list, tuple)):
        return [type(value).__name__, *[types(item) for item in value[:3]]]
    return type(value).__name__


class See:
    """What was seen, printed as it comes."""

    def __init__(self, out):
        self._out = out
        self._names = set()

    def fact(self, call, aspect, value):
        name = f"{call}: {aspect}"
        if name in self._names:
            raise ValueError(f"{name}: told twice")
        self._names.add(name)
        self._out.write(json.dumps({"name": name, "value": plain(value)}, ensure_ascii=True) + "\n")
        self._out.flush()

    def call(self, name, function, /, *args, **kwargs):
        """Calls it, and tells all about its answer or its exception. Returns the answer, or None."""
        try:
            answer = function(*args, **kwargs)
        except Exception as error:  # whatever it is, it is what is compared
            self._error(name, error)
            return None
        self._answer(name, answer)
        return answer

    def _error(self, name, error):
        self.fact(name, "exception", type(error).__name__)
        self.fact(name, "exception's bases", [
            cls.__name__ for cls in type(error).__mro__ if cls.__module__.startswith(("boto", "builtins"))])
        self.fact(name, "message", str(error))
        response = getattr(error, "response", None)
        if isinstance(response, dict):
            self.fact(name, "response", {key: value for key, value in response.items() if key != "ResponseMetadata"})
            self._metadata(name, response)
            self.fact(name, "operation", getattr(error, "operation_name", None))

    def _answer(self, name, answer):
        self.fact(name, "returns", type(answer).__name__)
        if not isinstance(answer, dict):
            if isinstance(answer, (str, int, bytes, list, type(None))):
                self.fact(name, "value", answer)
            return
        rest = {key: value for key, value in answer.items() if key != "ResponseMetadata"}
        self.fact(name, "keys", sorted(rest))
        self.fact(name, "types", types(rest))
        self.fact(name, "values", rest)
        self._metadata(name, answer)

    def _metadata(self, name, answer):
        if "ResponseMetadata" not in answer:
            return
        data = dict(answer["ResponseMetadata"])
        headers = {key: value for key, value in data.pop("HTTPHeaders", {}).items() if key not in VOLATILE_HEADERS}
        self.fact(name, "ResponseMetadata", data)
        self.fact(name, "HTTPHeaders: content-length", headers.pop("content-length", None))
        if "last-modified" in headers:
            headers["last-modified"] = f"<a date of {len(headers['last-modified'])} characters>"
        self.fact(name, "HTTPHeaders", headers)


def endpoint():
    return os.environ.get("NEXUS_TEST_ENDPOINT")


class Trickle(io.RawIOBase):
    """A file that gives a little at a time."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def readable(self):
        return True

    def seekable(self):
        return True

    def readinto(self, room):
        data = self._file.read(min(len(room), 5000))
        room[:len(data)] = data
        return len(data)

    def seek(self, *args):
        return self._file.seek(*args)

    def tell(self):
        return self._file.tell()


def main():
    see = See(sys.stdout)
    for part in sys.argv[1:]:
        importlib.import_module(f"part_{part}").run(see)


if __name__ == "__main__":
    # The parts import this file by its name.
    sys.modules["program"] = sys.modules["__main__"]
    main()
