# SPDX-License-Identifier: GPL-2.0-only
"""S3, object by object: what each call answers, and what it raises."""
import hashlib
import io
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from program import Trickle, endpoint

BUCKET = "nexus-test"
PREFIX = "python/objects/"
MIB = 1 << 20


def content(size, seed=b"nexus"):
    """`size` bytes that are the same in every run."""
    block = hashlib.sha256(seed).digest() * 128
    return (block * (size // len(block) + 1))[:size]


def client():
    return boto3.client("s3", endpoint_url=endpoint(), region_name="us-east-1",
                        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 0}))


def clean(s3, prefix):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    for page in list(pages):
        for item in page.get("Contents", ()):
            s3.delete_object(Bucket=BUCKET, Key=item["Key"])


def puts(see, s3):
    def put(name, **kwargs):
        see.call(f"put_object {name}", s3.put_object, Bucket=BUCKET, **kwargs)
        kwargs.pop("Body", None)
        see.call(f"put_object {name}, then get_object", lambda: _got(s3, kwargs["Key"]))

    put("bytes", Key=PREFIX + "bytes", Body=b"some bytes")
    put("bytearray", Key=PREFIX + "bytearray", Body=bytearray(b"some more"))
    put("a string", Key=PREFIX + "string", Body="stra\u00dfe")
    put("no Body", Key=PREFIX + "empty")
    put("a file", Key=PREFIX + "file", Body=io.BytesIO(b"from a file"))
    halfway = io.BytesIO(b"from a file, but not its start")
    halfway.seek(12)
    put("a file from its middle", Key=PREFIX + "middle", Body=halfway)
    put("a file in small pieces", Key=PREFIX + "trickle", Body=Trickle(content(70000)))
    put("metadata and type", Key=PREFIX + "meta", Body=b"{}", ContentType="application/json",
        Metadata={"Owner": "somebody", "x-y": "1"})
    put("headers", Key=PREFIX + "headers", Body=b"x", CacheControl="max-age=60", ContentEncoding="identity",
        ContentDisposition='attachment; filename="a b"', ContentLanguage="de")
    put("a key with what needs encoding", Key=PREFIX + "a b+c=d*e%2F\u00fc\U0001f98a'\"&;?#", Body=b"key")
    put("ContentLength", Key=PREFIX + "length", Body=io.BytesIO(b"0123456789"), ContentLength=10)


def _got(s3, key):
    answer = s3.get_object(Bucket=BUCKET, Key=key)
    answer["Body"] = answer["Body"].read()
    return answer


def gets(see, s3):
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "get", Body=b"0123456789", ContentType="text/plain",
                  Metadata={"a": "1"})
    etag = s3.head_object(Bucket=BUCKET, Key=PREFIX + "get")["ETag"]
    names = {"Bucket": BUCKET, "Key": PREFIX + "get"}
    see.call("get_object", s3.get_object, **names)
    see.call("head_object", s3.head_object, **names)
    for text in ("bytes=0-3", "bytes=4-", "bytes=-3", "bytes=0-0", "bytes=2-100"):
        see.call(f"get_object Range {text}", s3.get_object, **names, Range=text)
        see.fact(f"get_object Range {text}", "content", s3.get_object(**names, Range=text)["Body"].read())
    see.call("get_object Range behind the end", s3.get_object, **names, Range="bytes=20-30")
    see.call("get_object IfMatch", s3.get_object, **names, IfMatch=etag)
    see.call("get_object IfMatch another", s3.get_object, **names, IfMatch='"0"')
    see.call("get_object IfNoneMatch", s3.get_object, **names, IfNoneMatch=etag)
    see.call("get_object IfNoneMatch another", s3.get_object, **names, IfNoneMatch='"0"')
    see.call("head_object IfMatch another", s3.head_object, **names, IfMatch='"0"')


def errors(see, s3):
    missing = {"Bucket": BUCKET, "Key": PREFIX + "missing"}
    see.call("get_object of no object", s3.get_object, **missing)
    see.call("head_object of no object", s3.head_object, **missing)
    see.call("delete_object of no object", s3.delete_object, **missing)
    see.call("copy_object of no object", s3.copy_object, Bucket=BUCKET, Key=PREFIX + "copy",
             CopySource={"Bucket": BUCKET, "Key": PREFIX + "missing"})
    for name, bucket in (("no bucket", "nexus-none"), ("another's bucket", "nexus-foreign")):
        see.call(f"get_object of {name}", s3.get_object, Bucket=bucket, Key="x")
        see.call(f"put_object to {name}", s3.put_object, Bucket=bucket, Key="x", Body=b"x")
        see.call(f"list_objects_v2 of {name}", s3.list_objects_v2, Bucket=bucket)
        see.call(f"head_bucket of {name}", s3.head_bucket, Bucket=bucket)
    see.call("upload_part of no upload", s3.upload_part, **missing, UploadId="none", PartNumber=1, Body=b"x")

    try:
        s3.get_object(**missing)
    except s3.exceptions.NoSuchKey as error:
        see.fact("client.exceptions.NoSuchKey", "caught", error.response["Error"]["Code"])
        see.fact("client.exceptions.NoSuchKey", "is a ClientError", isinstance(error, ClientError))
    try:
        s3.get_object(**missing)
    except ClientError as error:
        see.fact("ClientError", "repr", repr(error))
    for name in ("NoSuchKey", "NoSuchBucket", "BucketAlreadyExists", "ClientError"):
        see.fact(f"client.exceptions.{name}", "name", getattr(s3.exceptions, name).__name__)
    see.fact("client.exceptions", "has Nonsense", hasattr(s3.exceptions, "Nonsense"))


def validation(see, s3):
    def bad(name, method, **kwargs):
        see.call(f"{method} {name}", getattr(s3, method), **kwargs)

    bad("without Key", "get_object", Bucket=BUCKET)
    bad("without anything", "get_object")
    bad("without anything", "copy_object")
    bad("with an unknown parameter", "get_object", Bucket=BUCKET, Key="x", Nonsense=1)
    bad("with two unknown parameters", "head_object", Bucket=BUCKET, Key="x", Nonsense=1, Other=2)
    bad("with a Key of a wrong type", "get_object", Bucket=BUCKET, Key=1)
    bad("with a Bucket of a wrong type", "get_object", Bucket=1, Key="x")
    bad("with an empty Key", "get_object", Bucket=BUCKET, Key="")
    bad("with a bad bucket name", "get_object", Bucket="no such name", Key="x")
    bad("with a Body of a wrong type", "put_object", Bucket=BUCKET, Key="x", Body=1)
    bad("with Metadata of a wrong type", "put_object", Bucket=BUCKET, Key="x", Metadata=[1])
    bad("with Metadata that is not ASCII", "put_object", Bucket=BUCKET, Key="x", Metadata={"a": "\u00fc"})
    bad("with an unknown parameter", "put_object", Bucket=BUCKET, Key="x", Nonsense=1)
    bad("with a MaxKeys of a wrong type", "list_objects_v2", Bucket=BUCKET, MaxKeys="many")
    bad("with a time of a wrong type", "get_object", Bucket=BUCKET, Key="x", IfModifiedSince=[])
    bad("with objects of a wrong type", "delete_objects", Bucket=BUCKET, Delete={"Objects": ["a"]})
    bad("without objects", "delete_objects", Bucket=BUCKET, Delete={})
    bad("with unknown members", "delete_objects", Bucket=BUCKET,
        Delete={"Objects": [{"Key": "a", "Nonsense": 1}], "Other": 1})
    bad("with parts of a wrong type", "complete_multipart_upload", Bucket=BUCKET, Key="x", UploadId="u",
        MultipartUpload={"Parts": [{"PartNumber": "1", "ETag": 2}]})
    see.call("get_object with positional arguments", lambda: s3.get_object(BUCKET, "x"))
    see.fact("client", "has no_such_operation", hasattr(s3, "no_such_operation"))
    see.call("get_waiter of none", s3.get_waiter, "nonsense")
    see.call("get_paginator of an operation without pages", s3.get_paginator, "get_object")


def sizes(see, s3):
    large = [100 * MIB] if os.environ.get("FULL") else []
    for size in [0, 1, 1023, MIB, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, *large]:
        key, data, name = f"{PREFIX}size-{size}", content(size), f"{size} bytes"
        see.call(f"put_object of {name}", s3.put_object, Bucket=BUCKET, Key=key, Body=data)
        answer = see.call(f"get_object of {name}", s3.get_object, Bucket=BUCKET, Key=key)
        body = answer["Body"].read()
        see.fact(f"get_object of {name}", "content is what was put", body == data)
        see.fact(f"get_object of {name}", "read() once more", answer["Body"].read())
        see.call(f"head_object of {name}", s3.head_object, Bucket=BUCKET, Key=key)
        s3.delete_object(Bucket=BUCKET, Key=key)


def run(see):
    s3 = client()
    clean(s3, PREFIX)
    for part in (puts, gets, errors, validation, sizes):
        part(see, s3)
    see.call("delete_object", s3.delete_object, Bucket=BUCKET, Key=PREFIX + "bytes")
    clean(s3, PREFIX)
