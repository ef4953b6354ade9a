# SPDX-License-Identifier: GPL-2.0-only
"""What only the shim has: _nexus itself, views on the arena, counted copies, asyncio, errors of the host.

usage: native.py SOCKETS   (a directory with python.sock, wrong.sock, down.sock, cut.sock)   TAP"""
import asyncio
import gc
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time

import boto3
import nexus
import nexus.aio
from botocore import exceptions
from botocore.exceptions import ClientError

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unix"))
from tap import Tap    # pylint: disable=wrong-import-position

BUCKET, MIB = "nexus-test", 1 << 20
tap = Tap()
ok = tap.ok


def raises(cls, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except cls as error:
        return error
    except Exception as error:
        print(f"# {error!r}")
    return None


def logged(key):
    """What the store was asked about it: [method, path]."""
    with open(os.environ["NEXUS_S3_LOG"], encoding="utf-8") as log:
        return [line.split()[1:3] for line in log if key in line]


def daemon_copied():
    done = subprocess.run([os.environ["NEXUSCTL"], "stats", "--json"], check=True, capture_output=True)
    return json.loads(done.stdout)["totals"]["bytes_copied"]


def copies(s3):
    size = (100 if os.environ.get("FULL") else 20) * MIB
    data = os.urandom(MIB) * (size // MIB)
    requests = len(logged("python/large"))
    s3.put_object(Bucket=BUCKET, Key="python/large", Body=data)
    copied = lambda: nexus.channel().info()["copied"]

    # The store writes its log after the answer.
    end = time.monotonic() + 60
    while len(logged("python/large")) == requests and time.monotonic() < end:
        time.sleep(0.01)
    ok(logged("python/large")[requests:] == [["PUT", f"/{BUCKET}/python/large"]],
       "put_object is one request, however large")
    before, daemon = copied(), daemon_copied()
    body = s3.get_object(Bucket=BUCKET, Key="python/large")["Body"]
    at, equal = 0, True
    for view in body.iter_views():
        equal &= view == data[at:at + len(view)]
        at += len(view)
    ok(equal and at == size, f"iter_views() of {size >> 20} MiB: the content")
    ok(copied() == before, "iter_views(): no byte copied")
    more = daemon_copied() - daemon
    # Heads whose length it had not expected.
    ok(more < 65536, f"nor by the daemon, but for {more} bytes beside heads of answers")

    before = copied()
    view = s3.get_object(Bucket=BUCKET, Key="python/large")["Body"].getbuffer()
    ok(view == data, "getbuffer(): the content, as one memoryview")
    ok(copied() == before, "getbuffer(): no byte copied")
    view.release()
    before = copied()
    got = s3.get_object(Bucket=BUCKET, Key="python/large")["Body"].read()
    ok(got == data, "read(): the content, as bytes")
    ok(copied() - before == size, f"read(): {(copied() - before) / size} copies of each byte")

    memory = nexus.channel().alloc(3 * MIB)
    memoryview(memory)[:] = data[:3 * MIB]
    before = copied()
    s3.put_object(Bucket=BUCKET, Key="python/put", Body=memoryview(memory))
    ok(copied() == before, "put_object of arena memory: no byte copied")
    s3.upload_fileobj(io.BytesIO(data[:7 * MIB]), BUCKET, "python/put")
    ok(copied() == before, "upload_fileobj: read into the windows, no byte copied besides")
    target = io.BytesIO()
    s3.download_fileobj(BUCKET, "python/put", target)
    ok(copied() == before and target.getvalue() == data[:7 * MIB], "download_fileobj: written from the windows")
    for key in ("large", "put"):
        s3.delete_object(Bucket=BUCKET, Key=f"python/{key}")


def views(s3):
    channel = nexus.channel()
    channel.put(BUCKET, "python/views", data=b"v" * 600000).result()
    op = channel.get(BUCKET, "python/views")
    view = op.window()
    ok(isinstance(view, memoryview) and view[0] == ord("v"), "a window is a memoryview")
    ok(raises(BufferError, op.read, 1), "while a view is held the stream does not go on")
    ok(raises(BufferError, op.close), "nor is it closed")
    part = view[10:20]
    view.release()
    ok(raises(BufferError, op.window), "a part of a view holds it too")
    part.release()
    ok(len(op.window()) > 0, "released, it goes on")
    op.close()
    ok(raises(ValueError, op.read, 1), "a closed operation is refused")

    memory = channel.alloc(100000)
    channel.get(BUCKET, "python/views", into=memory, range="bytes=0-99999").result()
    view = memoryview(memory)
    del memory
    gc.collect()
    ok(bytes(view[:3]) == b"vvv", "the buffer lives as long as a view on it")
    view.release()
    body = s3.get_object(Bucket=BUCKET, Key="python/views", Range="bytes=0-9")["Body"]
    view = body.getbuffer()
    del body
    gc.collect()
    ok(bytes(view) == b"v" * 10, "so does a body's")
    view.release()
    del view, part, op
    gc.collect()
    ok(channel.info()["arena_used"] <= 16384, "afterwards the arena is empty")
    error = raises(nexus.Error, lambda: channel.get(BUCKET, "python/none").result())
    ok(error and (error.code, error.http_status, error.status) == ("NoSuchKey", 404, -2) and error.message,
       "an error has code, status, HTTP status and message")
    ok(raises(TypeError, channel.get, BUCKET, "python/views", nonsense=1), "an unknown option is refused")
    ok(raises(TypeError, channel.get, BUCKET, 1), "so is a key that is no string")
    ok(raises(ValueError, channel.get, BUCKET, "a\0b"), "and one with a NUL")
    ok(raises(OverflowError, channel.get, BUCKET, "a", timeout_ms=1 << 40), "and a number that is too large")
    ok(raises(MemoryError, channel.alloc, 1 << 40), "and an allocation that is too large")


def threads(s3):
    """Calls wait without the interpreter's lock; one operation is for one thread."""
    op = nexus.channel().get(BUCKET, "python/views")
    op.wait()
    errors, results = [], []

    def work(i):
        try:
            s3.put_object(Bucket=BUCKET, Key=f"python/thread/{i}", Body=bytes([i]) * 1000)
            results.append(s3.get_object(Bucket=BUCKET, Key=f"python/thread/{i}")["Body"].read() == bytes([i]) * 1000)
            s3.delete_object(Bucket=BUCKET, Key=f"python/thread/{i}")
        except Exception as error:
            errors.append(error)

    all_threads = [threading.Thread(target=work, args=(i,)) for i in range(20)]
    for thread in all_threads:
        thread.start()
    for thread in all_threads:
        thread.join()
    ok(results == [True] * 20 and not errors, "20 threads at once")

    ticks = []
    stop = threading.Event()

    def tick():
        while not stop.wait(0.001):
            ticks.append(1)

    ticker = threading.Thread(target=tick)
    ticker.start()
    waiter = nexus.channel().put(BUCKET, "python/never", total=10)
    busy = threading.Thread(target=lambda: op.wait(100))
    busy.start()
    begin = time.monotonic()
    while time.monotonic() - begin < 0.2:
        nexus.channel().null().result()
    stop.set()
    ticker.join()
    busy.join()
    waiter.close()
    ok(len(ticks) > 5, "other threads run meanwhile")

    async def many():
        ops = [nexus.channel().get(BUCKET, "python/views") for _ in range(8)]
        await asyncio.gather(*map(nexus.aio.result, ops))
        return [len(await nexus.aio.read(op, 600000)) for op in ops]

    ok(asyncio.run(many()) == [600000] * 8, "eight gets by asyncio")
    pid = os.fork()
    if not pid:
        try:
            same = s3.get_object(Bucket=BUCKET, Key="python/views")["Body"].read() == b"v" * 600000
        except BaseException:
            same = False
        os._exit(0 if same else 1)
    ok(os.waitpid(pid, 0)[1] == 0, "a forked child has a channel of its own")
    ok(len(s3.get_object(Bucket=BUCKET, Key="python/views")["Body"].read()) == 600000, "and its parent keeps its")
    s3.delete_object(Bucket=BUCKET, Key="python/views")


def hooks(s3):
    """What hooks into calls: events that are said never to come, and the method that all calls pass."""
    import contextlib
    from botocore.client import BaseClient
    said, seen = io.StringIO(), []
    with contextlib.redirect_stderr(said):
        for _ in range(2):
            s3.meta.events.register("before-sign.s3", lambda **kwargs: seen.append(kwargs))
        s3.meta.events.register("after-call.s3.ListObjectsV2", lambda **kwargs: seen.append(kwargs["model"].name))
    lines = said.getvalue().splitlines()
    ok(len(lines) == 1 and "'before-sign'" in lines[0] and "genuine boto3" in lines[0],
       "an event that never comes is told once, with the remedy")
    s3.list_objects_v2(Bucket=BUCKET, MaxKeys=1)
    ok(seen == ["ListObjectsV2"], "one that comes, does")
    session = boto3.Session(region_name="us-east-1")
    session.events.register("before-parameter-build.s3.ListObjectsV2", lambda params, **kwargs: {**params, "Bucket": BUCKET})
    ok(session.client("s3").list_objects_v2(Bucket="another")["Name"] == BUCKET, "a session's hook changes a client's parameters")
    genuine, calls = BaseClient._make_api_call, []

    def traced(self, operation_name, api_params):
        calls.append((self.meta.service_model.service_name, operation_name, sorted(api_params)))
        return genuine(self, operation_name, api_params)

    BaseClient._make_api_call = traced
    try:
        boto3.resource("s3").Bucket(BUCKET).put_object(Key="python/traced", Body=b"x")
        s3.delete_object(Bucket=BUCKET, Key="python/traced")
        raises(ClientError, boto3.client("sqs", region_name="us-east-1").list_queues, MaxResults=1)
        raises(ClientError, boto3.client("lambda", region_name="us-east-1").invoke, FunctionName="f")
    finally:
        BaseClient._make_api_call = genuine
    ok(calls == [("s3", "PutObject", ["Body", "Bucket", "Key"]), ("s3", "DeleteObject", ["Bucket", "Key"]),
                 ("sqs", "ListQueues", ["MaxResults"]), ("lambda", "Invoke", ["FunctionName"])],
       "tracers that patch _make_api_call see the calls of all clients")


def stable():
    """The extension asks the interpreter for what is in its stable ABI."""
    import _nexus
    ok(_nexus.__file__.endswith("/_nexus.abi3.so"), "_nexus is for all versions of Python from its own on")
    done = subprocess.run(["nm", "-D", "--undefined-only", _nexus.__file__], check=True, capture_output=True, text=True)
    names = {line.split()[-1] for line in done.stdout.splitlines() if line.split()[-1].startswith(("Py", "_Py"))}
    known = {"_PyArg_ParseTupleAndKeywords_SizeT", "_PyArg_ParseTuple_SizeT", "_PyObject_CallFunction_SizeT", "_PyObject_New",
             "_Py_BuildValue_SizeT", "_Py_Dealloc", "_Py_NoneStruct", "_Py_TrueStruct", "_Py_FalseStruct"}
    ok(len(names) > 50 and {name for name in names if name.startswith("_")} <= known, "no private name but the stable ABI's")


def use(socket):
    nexus._channel = nexus.Channel(f"unix:{socket}")


def faults(sockets):
    s3 = boto3.client("s3", region_name="us-east-1")
    use(f"{sockets}/down.sock")
    ok(raises(exceptions.EndpointConnectionError, s3.get_object, Bucket=BUCKET, Key="x"), "a store that is down")
    use(f"{sockets}/wrong.sock")
    error = raises(ClientError, s3.get_object, Bucket=BUCKET, Key="x")
    ok(error and error.response["Error"]["Code"] == "SignatureDoesNotMatch", "a wrong key")
    use(f"{sockets}/test.sock")
    error = raises(ClientError, s3.get_object, Bucket="another", Key="x")
    ok(error and error.response["Error"]["Code"] == "AccessDenied" and "buckets" in str(error),
       "a bucket that is not allowed: AccessDenied, with the remedy")
    error = raises(ClientError, s3.complete_multipart_upload, Bucket=BUCKET, Key="x", UploadId="u")
    ok(error and (error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]) ==
       ("InvalidRequest", 400) and "0 parts" in str(error), "what the host knows to be wrong: InvalidRequest")
    error = raises(ClientError, boto3.client("sqs", region_name="us-east-1").list_queues)
    ok(error and "endpoint" in str(error), "a service without an endpoint, with the remedy")
    nexus._channel = None
    os.environ["NEXUS_TARGET"] = f"unix:{sockets}/none.sock"
    ok(raises(ConnectionError, s3.get_object, Bucket=BUCKET, Key="x"), "no daemon at all")


class Noting(io.BytesIO):
    """A file that says when it is read."""

    def __init__(self, size):
        super().__init__(bytes(size))
        self.begun = threading.Event()

    def read(self, size=-1):
        self.begun.set()
        return super().read(size)

    def readinto(self, room):
        self.begun.set()
        return super().readinto(room)


def interrupt(begun, call):
    """What call() raises if Ctrl-C comes half a second after begun is set."""
    # A shell's background jobs ignore it, and what they start inherits that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=lambda: (begun.wait(), time.sleep(0.5), os.kill(os.getpid(), signal.SIGINT)), daemon=True).start()
    try:
        call()
    except BaseException as error:  # whatever it is
        return error
    return None


def interrupted(sockets):
    """Ctrl-C while the store takes no more, and while a server does not answer."""
    s3 = boto3.client("s3", region_name="us-east-1")
    use(f"{sockets}/still.sock")
    body = Noting(64 * MIB)
    caught = interrupt(body.begun, lambda: s3.put_object(Bucket=BUCKET, Key="python/stalled", Body=body))
    ok(isinstance(caught, KeyboardInterrupt), "Ctrl-C ends an upload that is stalled", caught)
    begun = threading.Event()
    op = nexus.channel().aws("s3", "GET", f"/{BUCKET}/python/stalled", query="tagging")
    begun.set()
    caught = interrupt(begun, op.finish)
    ok(isinstance(caught, KeyboardInterrupt), "Ctrl-C ends an exchange that waits for its answer", caught)

    op.close()
    use(f"{sockets}/python.sock")
    ok(s3.put_object(Bucket=BUCKET, Key="python/after", Body=b"x")["ResponseMetadata"]["HTTPStatusCode"] == 200,
       "and the next call is as any other")


def streams_of_events():
    for service, operation, remedy in (("kinesis", "subscribe_to_shard", "get_records()"),
                                       ("logs", "start_live_tail", "filter_log_events()")):
        error = raises(NotImplementedError, getattr(boto3.client(service, region_name="us-east-1"), operation))
        ok(error and remedy in str(error) and service in str(error), f"{service}'s stream of events is refused, with the remedy", error)


def main(sockets):
    s3 = boto3.client("s3", region_name="us-east-1")
    stable()
    for part in (copies, views, threads, hooks):
        part(s3)
    interrupted(sockets)
    streams_of_events()
    faults(sockets)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
