# SPDX-License-Identifier: GPL-2.0-only
"""test_versions.sh: an object's versions, one case a function."""
import ctypes
import json
import os
import re
import subprocess
import sys

import boto3
import botocore.config

from guest import Failure, Guest, Options, library, target
from host import BUCKET, BUILD
from tap import Tap

MIB = 1 << 20
tap = Tap()
lib = library(f"{BUILD}/guest-lib/libnexus-guest.so.1")
for name in ("nexus_op_version_id", "nexus_op_etag", "nexus_op_header"):
    getattr(lib, name).restype = ctypes.c_char_p
client = boto3.client(
    "s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
    aws_access_key_id=os.environ["NEXUS_AWS_ACCESS_KEY_ID"],
    aws_secret_access_key=os.environ["NEXUS_AWS_SECRET_ACCESS_KEY"],
    config=botocore.config.Config(s3={"addressing_style": "path"}))


class ObjectId(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("version_id", ctypes.c_char_p)]


class Deleted(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("version_id", ctypes.c_char_p), ("delete_marker", ctypes.c_int),
                ("marker_version_id", ctypes.c_char_p)]


class DeleteError(ctypes.Structure):
    _fields_ = [(name, ctypes.c_char_p) for name in ("key", "version_id", "code", "message")]


class Deletion(ctypes.Structure):
    _fields_ = [("nr_deleted", ctypes.c_size_t), ("nr_errors", ctypes.c_size_t),
                ("deleted", ctypes.POINTER(Deleted)), ("errors", ctypes.POINTER(DeleteError))]


class PrefetchOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("window", ctypes.c_uint32), ("max_age_ms", ctypes.c_uint32),
                ("range", ctypes.c_char_p), ("if_match", ctypes.c_char_p), ("version_id", ctypes.c_char_p)]


class Versioned(Guest):
    """Calls that name a version, and tell which one they met."""

    def told(self, status, op):
        """(version, entity tag, whether it is a delete marker); raises Failure."""
        told = (lib.nexus_op_version_id(op).decode(), lib.nexus_op_etag(op).decode(),
                lib.nexus_op_header(op, b"x-amz-delete-marker") == b"true")
        self.result(status, op)
        return told

    def which(self, version, byte_range=None):
        return ctypes.byref(Options(size=ctypes.sizeof(Options), version_id=version and version.encode(),
                                    range=byte_range))

    def write(self, key, data):
        op = ctypes.c_void_p()
        status = lib.nexus_put(self.nx, BUCKET.encode(), key.encode(), data, ctypes.c_size_t(len(data)), None,
                               ctypes.byref(op))
        return self.told(status, op)[0]

    def read(self, key, version=None, byte_range=None, capacity=4096):
        """(bytes, version)"""
        op, buffer = ctypes.c_void_p(), ctypes.create_string_buffer(capacity)
        status = lib.nexus_get(self.nx, BUCKET.encode(), key.encode(), buffer, ctypes.c_size_t(capacity),
                               self.which(version, byte_range), ctypes.byref(op))
        return buffer.raw[:max(status, 0)], self.told(status, op)[0]

    def look(self, key, version=None):
        op = ctypes.c_void_p()
        return self.told(lib.nexus_head(self.nx, BUCKET.encode(), key.encode(), self.which(version), ctypes.byref(op)), op)

    def remove(self, key, version=None):
        """(version, whether it is a delete marker)"""
        op = ctypes.c_void_p()
        status = lib.nexus_delete(self.nx, BUCKET.encode(), key.encode(), self.which(version), ctypes.byref(op))
        return self.told(status, op)[::2]

    def remove_many(self, *ids):
        """Keys that were removed, and [(key, code)] of those that were not."""
        op, deletion = ctypes.c_void_p(), ctypes.POINTER(Deletion)()
        array = (ObjectId * len(ids))(*(ObjectId(key.encode(), version and version.encode()) for key, version in ids))
        status = lib.nexus_delete_objects(self.nx, BUCKET.encode(), array, ctypes.c_size_t(len(ids)), 0, None,
                                          ctypes.byref(deletion), ctypes.byref(op))
        self.result(status, op)
        d = deletion.contents
        done = [d.deleted[i].key.decode() for i in range(d.nr_deleted)]
        wrong = [(d.errors[i].key.decode(), d.errors[i].code.decode()) for i in range(d.nr_errors)]
        lib.nexus_deletion_free(deletion)
        return done, wrong


def store_requests():
    stats = subprocess.run([f"{BUILD}/backend/nexusctl", "--control", f"{os.environ['WORK']}/control.sock", "--json", "stats"],
                           capture_output=True, check=True)
    return json.loads(stats.stdout)["totals"]["store_requests"]


def code_of(function, *arguments):
    try:
        function(*arguments)
    except Failure as failure:
        return failure.code
    return None


def stored(key):
    """Versions by boto3, the newest first: [(version, whether it is the latest)], and markers."""
    answer = client.list_object_versions(Bucket=BUCKET, Prefix=key)
    return ([(v["VersionId"], v["IsLatest"]) for v in answer.get("Versions", [])],
            [m["VersionId"] for m in answer.get("DeleteMarkers", [])])


def two_versions(guest, key):
    return guest.write(key, b"the first"), guest.write(key, b"the second one")


def puts_and_gets(guest):
    one, two = two_versions(guest, "v/key")
    tap.equal(stored("v/key")[0], [(two, True), (one, False)], "put: each answer names the version that boto3 finds")
    tap.equal(guest.read("v/key"), (b"the second one", two), "get: without a version it is the latest, which is told")
    tap.equal(guest.read("v/key", one), (b"the first", one), "get: of a version")
    tap.equal(guest.read("v/key", one, b"bytes=4-8"), (b"first", one), "get: a range of a version")
    tap.equal(guest.look("v/key", one)[:2],
              (one, client.head_object(Bucket=BUCKET, Key="v/key", VersionId=one)["ETag"]), "head: of a version")
    none = code_of(guest.read, "v/key", f"{float(one) - 1000:.5f}")
    tap.ok(none in ("NoSuchVersion", "NoSuchKey"), f"get: of a version that is not there: {none}")


def rights(guest):
    one, two = two_versions(guest, "v/rights")
    other = Versioned(lib, target("present"))
    tap.equal(other.read("v/rights")[0], b"the second one", "policy: s3:GetObject is enough for the latest")
    tap.equal([code_of(call, "v/rights", one) for call in (other.read, other.look, other.remove)],
              ["NexusPolicyDenied"] * 3, "policy: but not for a version, which has rights of its own")
    tap.equal(len(stored("v/rights")[0]), 2, "policy: nothing was removed")
    other.close()


def copies(guest):
    one, two = two_versions(guest, "v/copy")
    nx = subprocess.run([os.environ["NX"], "--target", target("test"), "--version-id", one, "copy", BUCKET, "v/copy",
                         BUCKET, "v/copy"], capture_output=True, text=True, check=False)
    tap.equal((nx.returncode, nx.stderr), (0, ""), "copy: a version onto its own object")
    tap.equal(guest.read("v/copy")[0], b"the first", "copy: what was old is the latest again")
    now = stored("v/copy")[0]
    tap.equal((len(now), [v for v, _ in now[1:]]), (3, [two, one]), "copy: as a third version")
    told = re.search(r"^version-id: (.*)$", nx.stdout, re.M)
    tap.ok(not told or told[1] == now[0][0], "copy: if its answer names a version, it is this one")


def deletes(guest):
    one, two = two_versions(guest, "v/delete")
    marker, is_marker = guest.remove("v/delete")
    tap.equal((is_marker, stored("v/delete")), (True, ([(two, False), (one, False)], [marker])),
              "delete: without a version it leaves a marker, whose version is told")
    tap.equal(code_of(guest.read, "v/delete"), "NoSuchKey", "delete: then there is no object")
    tap.equal(guest.read("v/delete", two)[0], b"the second one", "delete: but its versions")
    # Of a version that was the latest this store tells the one that is it now, where S3 tells the removed one.
    tap.equal(guest.remove("v/delete", marker)[0], two, "delete: of the marker")
    tap.equal(guest.read("v/delete"), (b"the second one", two), "delete: brings the object back")
    tap.equal(guest.remove("v/delete", two)[0], one, "delete: of the latest version")
    tap.equal((guest.read("v/delete"), stored("v/delete")), ((b"the first", one), ([(one, True)], [])),
              "delete: leaves the one before")


def delete_many(guest):
    one, two = two_versions(guest, "v/many/a")
    guest.write("v/many/b", b"b")
    done, wrong = guest.remove_many(("v/many/a", one), ("v/many/b", None))
    tap.equal((sorted(done), wrong), (["v/many/a", "v/many/b"], []), "delete many: one version, and one object")
    tap.equal(stored("v/many/a"), ([(two, True)], []), "delete many: only that version is gone")
    tap.equal((code_of(guest.read, "v/many/b"), len(stored("v/many/b")[1])), ("NoSuchKey", 1),
              "delete many: the object has a marker")


def in_parts(_):
    os.environ["NEXUS_ARENA_MAX"] = str(32 * MIB)
    guest = Versioned(lib, target("parts"))
    first, second = os.urandom(12 * MIB + 1), os.urandom(12 * MIB + 1)
    told = [guest.write("v/large", first), guest.write("v/large", second)]
    two, one = (version for version, _ in stored("v/large")[0])
    tap.ok(told in ([one, two], ["", ""]), f"multipart: if its completion's answer names the version, it is right ({told})")
    size = len(first)
    address = lib.nexus_alloc(guest.nx, ctypes.c_size_t(size))
    for version, data, what in (one, first, "the version that is named"), (None, second, "the latest"):
        op, before = ctypes.c_void_p(), store_requests()
        status = lib.nexus_get(guest.nx, BUCKET.encode(), b"v/large", ctypes.c_void_p(address), ctypes.c_size_t(size),
                               guest.which(version), ctypes.byref(op))
        guest.result(status, op)
        tap.ok(status == size and ctypes.string_at(address, size) == data, f"get in parts: all of {what}")
        tap.equal(store_requests() - before, 3, "get in parts: which are three")
    guest.close()


def prefetched(guest):
    one, two = two_versions(guest, "v/ahead")
    options = PrefetchOptions(size=ctypes.sizeof(PrefetchOptions), max_age_ms=60000, version_id=one.encode())
    tap.equal(lib.nexus_prefetch(guest.nx, BUCKET.encode(), b"v/ahead", ctypes.byref(options)), 0, "prefetch: of a version")
    tap.equal(guest.read("v/ahead"), (b"the second one", two), "prefetch: a get of the latest does not take it")
    tap.equal(guest.read("v/ahead", one), (b"the first", one), "prefetch: a get of that version is right")


def main():
    guest = Versioned(lib, target("test"))
    for case in puts_and_gets, rights, copies, deletes, delete_many, in_parts, prefetched:
        case(guest)
    guest.close()
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
