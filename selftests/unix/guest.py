# SPDX-License-Identifier: GPL-2.0-only
"""libnexus-guest for tests in Python, as far as they need it."""
import ctypes
import os

THROUGH, DEFERRED, JOURNALED = 1, 2, 3


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("timeout_ms", ctypes.c_uint32), ("window", ctypes.c_uint32),
                ("range", ctypes.c_char_p), ("if_match", ctypes.c_char_p), ("version_id", ctypes.c_char_p),
                ("content_type", ctypes.c_char_p), ("metadata", ctypes.c_void_p), ("nr_metadata", ctypes.c_size_t),
                ("write_mode", ctypes.c_int)]


class Copy(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t)] + [(name, ctypes.c_char_p) for name in ("bucket", "key", "version_id")]


class ListOptions(ctypes.Structure):
    _fields_ = [("size", ctypes.c_size_t), ("timeout_ms", ctypes.c_uint32), ("max_keys", ctypes.c_uint32),
                ("prefix", ctypes.c_char_p)]


class Object(ctypes.Structure):
    _fields_ = [("key", ctypes.c_char_p), ("bytes", ctypes.c_uint64)] + [
        (name, ctypes.c_char_p) for name in ("etag", "last_modified", "storage_class", "owner_id", "owner_name")]


class Page(ctypes.Structure):
    _fields_ = [("nr_objects", ctypes.c_size_t), ("nr_prefixes", ctypes.c_size_t),
                ("objects", ctypes.POINTER(Object))]


def library(path):
    lib = ctypes.CDLL(path)
    for name in ("nexus_put_start", "nexus_get_start", "nexus_flush_start", "nexus_alloc"):
        getattr(lib, name).restype = ctypes.c_void_p
    for name in ("nexus_op_error_code", "nexus_op_error_message", "nexus_open_error"):
        getattr(lib, name).restype = ctypes.c_char_p
    lib.nexus_get.restype = ctypes.c_ssize_t
    lib.nexus_op_transferred.restype = ctypes.c_uint64
    return lib


class Failure(Exception):
    def __init__(self, status, code="", message=""):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


class Guest:
    """One channel. Calls raise Failure; those of several threads may run at once."""

    def __init__(self, lib, target):
        self.lib = lib
        self.nx = ctypes.c_void_p()
        status = lib.nexus_open(ctypes.byref(self.nx), target.encode())
        if status:
            raise Failure(status, "", lib.nexus_open_error().decode())

    def close(self):
        self.lib.nexus_close(self.nx)

    def options(self, mode=0, timeout_ms=0):
        return ctypes.byref(Options(size=ctypes.sizeof(Options), write_mode=mode, timeout_ms=timeout_ms))

    def result(self, status, op):
        """Frees the operation."""
        failure = None
        if status < 0:
            failure = Failure(status, self.lib.nexus_op_error_code(op).decode(),
                              self.lib.nexus_op_error_message(op).decode())
        self.lib.nexus_op_free(op)
        if failure:
            raise failure
        return status

    def put(self, bucket, key, data, mode=0, timeout_ms=0):
        op = ctypes.c_void_p()
        status = self.lib.nexus_put(self.nx, bucket.encode(), key.encode(), data, ctypes.c_size_t(len(data)),
                                    self.options(mode, timeout_ms), ctypes.byref(op))
        self.result(status, op)

    def get(self, bucket, key, capacity=1 << 20):
        op = ctypes.c_void_p()
        buffer = ctypes.create_string_buffer(capacity)
        status = self.lib.nexus_get(self.nx, bucket.encode(), key.encode(), buffer, ctypes.c_size_t(capacity),
                                    None, ctypes.byref(op))
        return buffer.raw[:self.result(status, op)]

    def head(self, bucket, key):
        op = ctypes.c_void_p()
        self.result(self.lib.nexus_head(self.nx, bucket.encode(), key.encode(), None, ctypes.byref(op)), op)

    def delete(self, bucket, key):
        op = ctypes.c_void_p()
        self.result(self.lib.nexus_delete(self.nx, bucket.encode(), key.encode(), None, ctypes.byref(op)), op)

    def copy(self, bucket, key, source):
        """Within the bucket."""
        op, copy = ctypes.c_void_p(), Copy(size=ctypes.sizeof(Copy), bucket=bucket.encode(), key=source.encode())
        self.result(self.lib.nexus_copy(self.nx, ctypes.byref(copy), bucket.encode(), key.encode(), None,
                                        ctypes.byref(op)), op)

    def list(self, bucket, prefix):
        """Keys of the first page."""
        op, page = ctypes.c_void_p(), ctypes.POINTER(Page)()
        options = ListOptions(size=ctypes.sizeof(ListOptions), prefix=prefix.encode())
        self.result(self.lib.nexus_list(self.nx, bucket.encode(), ctypes.byref(options), ctypes.byref(page),
                                        ctypes.byref(op)), op)
        keys = [page.contents.objects[i].key.decode() for i in range(page.contents.nr_objects)]
        self.lib.nexus_page_free(page)
        return keys

    def flush(self, timeout_ms=0):
        op = ctypes.c_void_p()
        self.result(self.lib.nexus_flush(self.nx, self.options(0, timeout_ms), ctypes.byref(op)), op)


def target(name):
    return f"unix:{os.environ['WORK']}/{name}.sock"
