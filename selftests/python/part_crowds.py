# SPDX-License-Identifier: GPL-2.0-only
"""Many at once: threads, forked processes, answers that are held before they are read."""
import asyncio
import io
import multiprocessing
import os
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
from part_objects import BUCKET, client, content

PREFIX = "python/crowds/"
SMALL, LARGE = 100000, 600001


def _held(s3, key, nr, first=0, **kwargs):
    """Bodies of `nr` answers, of which `first` bytes are read before any is read on."""
    bodies = [s3.get_object(Bucket=BUCKET, Key=PREFIX + key, **kwargs)["Body"] for _ in range(nr)]
    begun = [body.read(first) for body in bodies]
    return [a + body.read() for a, body in zip(begun, bodies)]


def held(see, s3):
    small, large = content(SMALL), content(LARGE)
    see.fact("100 answers held", "small", set(_held(s3, "small", 100)) == {small})
    see.fact("100 answers held", "a byte is read of each", set(_held(s3, "small", 100, 1)) == {small})
    see.fact("80 answers held", "large", set(_held(s3, "large", 80)) == {large})
    see.fact("80 answers held", "large, begun", set(_held(s3, "large", 80, 70001)) == {large})
    see.fact("80 answers held", "a range", set(_held(s3, "large", 80, 3, Range="bytes=1000-500000")) == {large[1000:500001]})
    bodies = [s3.get_object(Bucket=BUCKET, Key=PREFIX + "small")["Body"] for _ in range(80)]
    see.fact("80 answers held", "a call meanwhile", s3.head_object(Bucket=BUCKET, Key=PREFIX + "small")["ContentLength"])
    see.fact("80 answers held", "in lines, at last", {len(list(body.iter_lines(5000))) for body in bodies})
    see.fact("80 answers held", "told", {body.tell() for body in bodies})


def _one(s3, i):
    s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}put/{i % 20}", Body=b"x" * 1000)
    size = len(s3.get_object(Bucket=BUCKET, Key=PREFIX + "small")["Body"].read())
    try:
        s3.get_object(Bucket=BUCKET, Key=PREFIX + "none")
    except s3.exceptions.NoSuchKey as error:
        return size, error.response["Error"]["Code"]


def threads(see, s3):
    with ThreadPoolExecutor(100) as pool:
        see.fact("100 threads", "of one client", set(pool.map(lambda i: _one(s3, i), range(300))))
        see.fact("100 threads", "a client each", set(pool.map(lambda i: _one(client(), i), range(100))))
        see.fact("100 threads", "pieces", set(pool.map(
            lambda i: sum(map(len, s3.get_object(Bucket=BUCKET, Key=PREFIX + "large")["Body"].iter_chunks(50000))), range(100))))
        see.fact("100 threads", "of uploads in windows", set(pool.map(lambda i: s3.upload_fileobj(
            io.BytesIO(content(LARGE)), BUCKET, f"{PREFIX}up/{i % 20}"), range(200))))
        database = boto3.client("dynamodb", region_name="us-east-1",
                                endpoint_url=f"http://127.0.0.1:{os.environ['NEXUS_DYNAMODB_PORT']}")
        see.fact("100 threads", "of another service", set(pool.map(
            lambda i: type(database.list_tables()["TableNames"]).__name__, range(200))))
        url = f"http://{os.environ['NEXUS_WEB_HOST']}:{os.environ['NEXUS_WEB_PORT']}/large?size=10000"
        see.fact("100 threads", "by HTTP", set(pool.map(lambda i: len(urllib.request.urlopen(url, timeout=60).read()), range(200))))

    async def all_of_them():
        return await asyncio.gather(*(asyncio.to_thread(_one, s3, i) for i in range(50)))

    see.fact("asyncio", "to_thread()", set(asyncio.run(all_of_them())))


def _child(pipe):
    pipe.send(_one(client(), 1))
    pipe.close()


def processes(see, s3):
    """As functions do it, which have no semaphores: a pipe each."""
    fork = multiprocessing.get_context("fork")
    told = []
    for _ in range(4):
        mine, its = fork.Pipe()
        process = fork.Process(target=_child, args=(its,))
        process.start()
        told.append((mine, process))
    see.fact("forked processes", "each calls", [mine.recv() for mine, _ in told])
    for _, process in told:
        process.join()
    see.fact("forked processes", "their parent calls", _one(s3, 1))


def run(see):
    try:
        import nexus_http
        nexus_http.install()
    except ImportError:
        pass    # plain sockets
    s3 = client()
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "small", Body=content(SMALL))
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "large", Body=content(LARGE))
    held(see, s3)
    threads(see, s3)
    processes(see, s3)
