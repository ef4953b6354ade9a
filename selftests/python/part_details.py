# SPDX-License-Identifier: GPL-2.0-only
"""S3, its rarer parameters and answers; a client's life: copies, threads, hooks."""
import copy
import datetime
import io
import json
import pickle
import re
import tempfile
import threading

import boto3
from botocore.config import Config
from part_objects import BUCKET, clean, client
from program import endpoint

PREFIX = "python/details/"


def overrides(see, s3):
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "o", Body=b"0123456789", ContentType="text/plain")
    names = {"Bucket": BUCKET, "Key": PREFIX + "o"}
    see.call("get_object ResponseContentType", s3.get_object, **names, ResponseContentType="text/other",
             ResponseContentDisposition='attachment; filename="x"', ResponseCacheControl="no-store",
             ResponseContentEncoding="identity", ResponseContentLanguage="fr")
    see.call("get_object ResponseExpires", s3.get_object, **names,
             ResponseExpires=datetime.datetime(2026, 1, 2, 3, 4, 5))
    past = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
    future = datetime.datetime(2036, 1, 1)
    see.call("get_object IfModifiedSince then", s3.get_object, **names, IfModifiedSince=past)
    see.call("get_object IfUnmodifiedSince then", s3.get_object, **names, IfUnmodifiedSince=past)
    see.call("head_object IfModifiedSince", s3.head_object, **names, IfModifiedSince=future)
    see.call("get_object IfUnmodifiedSince", s3.get_object, **names, IfUnmodifiedSince=future)
    see.call("head_object Range", s3.head_object, **names, Range="bytes=1-2")
    see.call("get_object of a bad Range", s3.get_object, **names, Range="nonsense")
    see.call("put_object Expires", s3.put_object, **names, Body=b"x", Expires=datetime.datetime(2030, 1, 1))
    see.call("put_object Expires: the object", s3.head_object, **names)
    see.call("put_object StorageClass", s3.put_object, **names, Body=b"x", StorageClass="STANDARD_IA")
    see.call("put_object StorageClass: the object", s3.head_object, **names)
    see.call("put_object ServerSideEncryption", s3.put_object, **names, Body=b"x", ServerSideEncryption="AES256")
    see.call("put_object ContentMD5", s3.put_object, **names, Body=b"x", ContentMD5="nonsense")
    for algorithm in ("CRC32", "SHA1", "SHA256"):
        see.call(f"put_object ChecksumAlgorithm {algorithm}", s3.put_object, **names, Body=b"x",
                 ChecksumAlgorithm=algorithm)
    see.call("put_object ChecksumAlgorithm nonsense", s3.put_object, **names, Body=b"x", ChecksumAlgorithm="MD4")
    see.call("put_object of a text file", s3.put_object, **names, Body=io.StringIO("text"))
    with tempfile.TemporaryFile() as file:
        file.write(b"a file")
        file.seek(0)
        see.call("put_object of an open file", s3.put_object, **names, Body=file)
        see.fact("put_object of an open file", "closed after it", file.closed)
    see.fact("put_object of an open file", "content", s3.get_object(**names)["Body"].read())
    see.call("put_object of a memoryview", s3.put_object, **names, Body=memoryview(b"view"))
    see.call("put_object of None", s3.put_object, **names, Body=None)
    see.call("get_object with None", s3.get_object, **names, Range=None)
    see.call("put_object of a list", s3.put_object, **names, Body=[b"x"])
    see.call("put_object of an int as metadata", s3.put_object, **names, Body=b"x", Metadata={"a": 1})
    see.call("put_object with empty Metadata", s3.put_object, **names, Body=b"", Metadata={})
    see.call("delete_object with VersionId", s3.delete_object, **names, VersionId="null")
    see.call("head_object of a directory's name", s3.head_object, Bucket=BUCKET, Key=PREFIX)


def answers(see, s3):
    names = {"Bucket": BUCKET, "Key": PREFIX + "answers"}
    s3.put_object(**names, Body=b"0123456789")
    got = s3.get_object(**names)
    see.fact("an answer", "copied", sorted(copy.copy({k: v for k, v in got.items() if k != "Body"})))
    head = s3.head_object(**names)
    see.fact("an answer", "as JSON", sorted(json.loads(json.dumps(head, default=str))))
    see.fact("an answer", "pickled", pickle.loads(pickle.dumps(head)).keys() == head.keys())
    moment = head["LastModified"]
    see.fact("an answer", "LastModified", [type(moment).__name__, moment.tzname(), moment.utcoffset().seconds,
                                           moment.isoformat()[19:], moment.microsecond])
    see.fact("an answer", "LastModified's zone", repr(moment.tzinfo))
    see.fact("an answer", "LastModified pickled",
             pickle.loads(pickle.dumps(head["LastModified"])) == head["LastModified"])
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX)["Contents"][0]["LastModified"]
    see.fact("a list", "LastModified", [listed.tzname(), listed.isoformat()[19:]])
    headers = head["ResponseMetadata"]["HTTPHeaders"]
    see.fact("HTTPHeaders", "get", [headers.get("content-length"), headers.get("Content-Length"), "etag" in headers,
                                    "ETag" in headers])
    see.fact("HTTPHeaders", "type", type(headers).__name__)
    see.fact("ResponseMetadata", "order", [k for k in head["ResponseMetadata"]])
    see.fact("an answer", "order", [k for k in head])
    body = got["Body"]
    see.fact("an answer's body", "repr begins", repr(body)[:40])
    see.fact("an answer's body", "writable, seekable", [body.writable(), body.seekable(), body.isatty()])
    see.fact("an answer's body", "closed", body.closed)
    see.call("body.seek", lambda: body.seek(0))
    see.call("body.fileno", lambda: body.fileno())
    see.call("body.write", lambda: body.write(b"x"))
    see.call("body.readline", lambda: body.readline())
    body = s3.get_object(**names)["Body"]
    see.call("StreamingBody readinto", lambda: _readinto(body, 4))
    see.call("io.BufferedReader", lambda: io.BufferedReader(s3.get_object(**names)["Body"]).read())
    see.call("io.TextIOWrapper", lambda: io.TextIOWrapper(s3.get_object(**names)["Body"]).read())
    see.call("json.load", lambda: json.load(s3.get_object(**names)["Body"]))
    # The genuine one reads until the connection ends: after this name the store ends it.
    last = {"Bucket": BUCKET, "Key": PREFIX + "connection-close"}
    s3.put_object(**last, Body=b"0123456789")
    see.call("read(-1)", lambda: s3.get_object(**last)["Body"].read(-1))
    body = s3.get_object(**names)["Body"]
    see.fact("a body", "close twice", [body.close(), body.close(), body.closed])
    for name, call in (("read()", lambda b: b.read()), ("read(3)", lambda b: b.read(3)), ("iter_chunks()",
                                                            lambda b: list(b.iter_chunks())),
                       ("iter_lines()", lambda b: list(b.iter_lines())), ("tell()",
                                                            lambda b: b.tell()), ("readable()",
                                                            lambda b: b.readable()), ("next()", next), ("readlines()",
                                                            lambda b: b.readlines())):
        closed = s3.get_object(**names)["Body"]
        closed.close()
        see.call(f"a closed body's {name}", call, closed)
    with s3.get_object(**names)["Body"] as inner:
        pass
    see.call("a body's file after with", lambda: inner.read())
    see.fact("a body", "content after a read of a part and of all", [body_part(s3, names)])
    b = s3.get_object(**names)["Body"]
    b.read()
    see.fact("a body read out", "closed", b.closed)
    see.call("a body read out, read()", b.read)
    see.fact("a body", "len()", hasattr(b, "__len__"))
    see.fact("a body", "content length", str(b._content_length))


def _unnumbered(call):
    """Without addresses of objects."""
    try:
        return call()
    except AttributeError as error:
        return re.sub(" at 0x[0-9a-f]*", "", str(error))


def _readinto(body, n):
    room = bytearray(n)
    count = body.readinto(room)
    return [count, bytes(room)]


def body_part(s3, names):
    body = s3.get_object(**names)["Body"]
    return [body.read(3), body.tell(), body.read(), body.tell(), body.read()]


def lives(see, s3):
    names = {"Bucket": BUCKET, "Key": PREFIX + "lives"}
    s3.put_object(**names, Body=b"0123456789")
    see.call("pickle.dumps(client)", lambda: pickle.dumps(s3) is not None)
    see.fact("client", "repr", repr(s3)[:31])
    see.fact("client", "str(type)", str(type(s3)))
    see.fact("client", "dir has operations", {"get_object", "put_object", "list_buckets", "get_paginator",
                                              "upload_file"} <= set(dir(s3)))
    see.fact("client.meta", "names",
             [name for name in ("config", "endpoint_url", "events", "method_to_api_mapping", "partition",
                                "region_name", "service_model") if not hasattr(s3.meta, name)])
    see.fact("client.meta.config", "class", type(s3.meta.config).__name__)
    see.fact("client.meta.config", "retries", s3.meta.config.retries)
    see.fact("client.meta.config", "s3", s3.meta.config.s3)
    see.fact("client.meta.config", "signature_version", s3.meta.config.signature_version)
    see.fact("client.meta.config", "region_name", s3.meta.config.region_name)
    see.fact("client.meta.config", "read_timeout", s3.meta.config.read_timeout)
    see.fact("client.get_object", "doc", bool(s3.get_object.__doc__))
    see.fact("client.get_object", "name", s3.get_object.__name__)
    see.fact("client.close", "value", client().close())
    closed = client()
    closed.close()
    see.call("get_object of a closed client", closed.get_object, **names)
    see.fact("client.meta.service_model", "operation_names has", {"GetObject",
                                                            "ListBuckets"} <= set(s3.meta.service_model.operation_names))
    see.call("client.exceptions.Nonsense", lambda: _unnumbered(lambda: s3.exceptions.Nonsense))
    see.call("client.nonsense", lambda: s3.nonsense)
    see.call("client.can_paginate of nonsense", s3.can_paginate, "nonsense")
    see.fact("client", "can_paginate",
             [n for n in ("list_buckets", "list_objects", "list_objects_v2", "list_parts", "list_multipart_uploads",
                          "list_object_versions", "get_object") if s3.can_paginate(n)])
    see.call("client.get_paginator of nonsense", s3.get_paginator, "nonsense")
    see.call("generate_presigned_url of nonsense", s3.generate_presigned_url, "nonsense")
    see.call("generate_presigned_url without Key", s3.generate_presigned_url, "get_object", Params={"Bucket": "b-1"})
    see.call("generate_presigned_url with wrong Params", s3.generate_presigned_url, "get_object",
             Params={"Bucket": "b-1", "Key": 1})
    see.call("generate_presigned_url positional",
             lambda: len(s3.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "k"}, 60,
                                                   "GET").split("?")))
    results = []

    def work():
        mine = boto3.session.Session().client("s3", endpoint_url=endpoint(), region_name="us-east-1",
                                              config=Config(s3={"addressing_style": "path"}))
        results.append(mine.get_object(**names)["Body"].read() == s3.get_object(**names)["Body"].read())

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    see.fact("threads with a session each", "equal", results)


def _nothing(**kwargs):
    pass


def hooks(see, s3):
    s3 = client()
    seen = []
    see.call("events.register", s3.meta.events.register, "before-call.s3.GetObject", _nothing)
    see.call("events.unregister", s3.meta.events.unregister, "before-call.s3.GetObject", _nothing)
    see.call("events.register provide-client-params", s3.meta.events.register, "provide-client-params.s3.*",
             lambda params, **kw: seen.append(sorted(params)))
    see.call("events.register before-parameter-build", s3.meta.events.register, "before-parameter-build.s3.PutObject",
             lambda params, **kw: seen.append(sorted(params)))
    see.call("events.register after-call", s3.meta.events.register, "after-call.s3", lambda parsed,
             **kw: seen.append(sorted(parsed)))
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "hooks", Body=b"x")
    s3.get_object(Bucket=BUCKET, Key=PREFIX + "hooks")
    see.fact("events", "seen", seen)


def run(see):
    s3 = client()
    clean(s3, PREFIX)
    for part in (overrides, answers, lives, hooks):
        part(see, s3)
    clean(s3, PREFIX)
