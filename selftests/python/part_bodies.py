# SPDX-License-Identifier: GPL-2.0-only
"""StreamingBody in full."""
import io

from botocore.response import StreamingBody
from part_objects import BUCKET, client, content

KEY = "python/body"
TEXT = b"first line\nsecond\r\nthird\n\nfifth without an end"


def run(see):
    s3 = client()
    data = content(300000)
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=data)
    s3.put_object(Bucket=BUCKET, Key=KEY + "/lines", Body=TEXT)

    def body(key=KEY, **kwargs):
        return s3.get_object(Bucket=BUCKET, Key=key, **kwargs)["Body"]

    see.fact("StreamingBody", "type", type(body()).__name__)
    see.fact("StreamingBody", "is a file", isinstance(body(), io.IOBase))
    b = body()
    see.fact("StreamingBody", "read(10)", b.read(10))
    see.fact("StreamingBody", "tell() after it", b.tell())
    see.fact("StreamingBody", "read(0)", b.read(0))
    see.fact("StreamingBody", "read() of the rest", b.read())
    see.fact("StreamingBody", "tell() at the end", b.tell())
    see.fact("StreamingBody", "read(5) at the end", b.read(5))
    see.fact("StreamingBody", "readable()", body().readable())
    see.fact("StreamingBody", "read(amt=7)", body().read(amt=7))
    see.fact("StreamingBody", "read(more than there is)", body().read(10 ** 6))
    see.fact("StreamingBody", "iter_chunks(): lengths", [len(chunk) for chunk in body().iter_chunks()][-3:])
    see.fact("StreamingBody", "iter_chunks(100000): lengths", [len(chunk) for chunk in body().iter_chunks(100000)])
    see.fact("StreamingBody", "iter_chunks(): content", b"".join(body().iter_chunks(4096)) == data)
    see.fact("StreamingBody", "for chunk in body: lengths", [len(chunk) for chunk in body()][:2])
    see.fact("StreamingBody", "next(body)", next(body()))
    for keepends in (False, True):
        for size in (1024, 7, 1):
            see.fact("StreamingBody", f"iter_lines({size}, {keepends})",
                     list(body(KEY + "/lines").iter_lines(chunk_size=size, keepends=keepends)))
    see.fact("StreamingBody", "readlines()", body(KEY + "/lines").readlines())
    with body(KEY + "/lines") as inner:
        see.fact("StreamingBody", "with body as f: f.read(5)", inner.read(5))
        see.fact("StreamingBody", "with body as f: f.read()", inner.read())
    see.fact("StreamingBody", "with body as f: f.closed", inner.closed)
    b = body()
    see.fact("StreamingBody", "close()", b.close())
    see.call("StreamingBody read() after close()", lambda: body_closed(body()))
    see.fact("StreamingBody", "io.BufferedReader-like use of TextIOWrapper", csv_rows(body(KEY + "/lines")))
    see.fact("StreamingBody", "set_socket_timeout()", body().set_socket_timeout(5))

    # As tests of functions make them.
    made = StreamingBody(io.BytesIO(b"made by hand"), 12)
    see.fact("StreamingBody made by hand", "read(4)", made.read(4))
    see.fact("StreamingBody made by hand", "read()", made.read())
    see.call("StreamingBody too short", StreamingBody(io.BytesIO(b"short"), 10).read)
    see.call("StreamingBody too short, in pieces", lambda: list(StreamingBody(io.BytesIO(b"short"), 10).iter_chunks(3)))
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    s3.delete_object(Bucket=BUCKET, Key=KEY + "/lines")


def body_closed(body):
    body.close()
    return body.read(3)


def csv_rows(body):
    return [line.decode() for line in body.iter_lines()]
