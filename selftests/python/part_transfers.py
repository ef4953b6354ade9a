# SPDX-License-Identifier: GPL-2.0-only
"""S3: managed transfers, and the resources."""
import io
import os
import tempfile

import boto3
from boto3.s3.transfer import S3Transfer, TransferConfig
from botocore.config import Config
from part_objects import BUCKET, MIB, clean, client, content
from program import endpoint

PREFIX = "python/transfers/"


def _file(folder, data):
    with open(os.path.join(folder, "file"), "wb") as file:
        file.write(data)
    return "file"   # the folder's name is another in each run


def transfers(see, s3, folder):
    large = [100 * MIB] if os.environ.get("FULL") else []
    for size in [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1, 20 * MIB, *large]:
        data, key, name = content(size), f"{PREFIX}{size}", f"{size} bytes"
        seen = []
        see.call(f"upload_file of {name}", s3.upload_file, _file(folder, data), BUCKET, key, Callback=seen.append)
        see.fact(f"upload_file of {name}", "Callback's sum", sum(seen))
        see.call(f"upload_file of {name}: the object", s3.head_object, Bucket=BUCKET, Key=key)
        seen = []
        target = os.path.join(folder, "target")
        see.call(f"download_file of {name}", s3.download_file, BUCKET, key, target, Callback=seen.append)
        see.fact(f"download_file of {name}", "Callback's sum", sum(seen))
        with open(target, "rb") as file:
            see.fact(f"download_file of {name}", "content is what was sent", file.read() == data)
        see.fact(f"download_file of {name}", "files left", sorted(os.listdir(folder)))
        s3.delete_object(Bucket=BUCKET, Key=key)

    data = content(3 * MIB)
    see.call("upload_fileobj", s3.upload_fileobj, io.BytesIO(data), BUCKET, PREFIX + "fileobj",
             ExtraArgs={"ContentType": "text/q", "Metadata": {"a": "b"}})
    see.call("upload_fileobj: the object", s3.head_object, Bucket=BUCKET, Key=PREFIX + "fileobj")
    out = io.BytesIO()
    see.call("download_fileobj", s3.download_fileobj, BUCKET, PREFIX + "fileobj", out)
    see.fact("download_fileobj", "content is what was sent", out.getvalue() == data)
    small = TransferConfig(multipart_threshold=5 * MIB, multipart_chunksize=5 * MIB, use_threads=False)
    s3.upload_fileobj(io.BytesIO(content(11 * MIB)), BUCKET, PREFIX + "config", Config=small)
    see.call("upload_fileobj with a TransferConfig: the object", s3.head_object, Bucket=BUCKET, Key=PREFIX + "config")
    s3.copy({"Bucket": BUCKET, "Key": PREFIX + "config"}, BUCKET, PREFIX + "config-copy")
    see.fact("copy of 11 MiB", "length", s3.head_object(Bucket=BUCKET, Key=PREFIX + "config-copy")["ContentLength"])
    S3Transfer(s3).upload_file(_file(folder, b"by S3Transfer"), BUCKET, PREFIX + "s3transfer")
    see.fact("S3Transfer.upload_file", "content",
             s3.get_object(Bucket=BUCKET, Key=PREFIX + "s3transfer")["Body"].read())

    see.call("download_file of no object", s3.download_file, BUCKET, PREFIX + "none", "none")
    see.fact("download_file of no object", "files left", sorted(os.listdir(folder)))
    see.call("download_fileobj of no object", s3.download_fileobj, BUCKET, PREFIX + "none", io.BytesIO())
    see.call("download_file of no bucket", s3.download_file, "nexus-foreign", "x", os.path.join(folder, "none"))
    see.call("upload_file to another's bucket", s3.upload_file, _file(folder, b"x"), "nexus-foreign", "x")
    see.call("upload_fileobj to another's bucket", s3.upload_fileobj, io.BytesIO(b"x"), "nexus-foreign", "x")
    see.call("upload_file of no file", s3.upload_file, os.path.join("/", "no", "file"), BUCKET, "x")
    see.call("upload_file with wrong ExtraArgs", s3.upload_file, _file(folder, b"x"), BUCKET, "x",
             ExtraArgs={"Nonsense": 1})
    see.call("download_file with wrong ExtraArgs", s3.download_file, BUCKET, "x", "/tmp/x",
             ExtraArgs={"ContentType": "x"})
    see.call("upload_fileobj of no file", s3.upload_fileobj, b"bytes", BUCKET, "x")
    see.call("TransferConfig with 0", lambda: TransferConfig(max_concurrency=0))
    config = TransferConfig()
    for name in ("multipart_threshold", "multipart_chunksize", "max_concurrency", "use_threads", "io_chunksize"):
        see.fact("TransferConfig", name, getattr(config, name))


def resources(see):
    s3 = boto3.resource("s3", endpoint_url=endpoint(), region_name="us-east-1",
                        config=Config(s3={"addressing_style": "path"}))
    bucket = s3.Bucket(BUCKET)
    see.fact("resource", "repr", repr(s3))
    see.fact("Bucket", "repr", repr(bucket))
    see.fact("Bucket", "name", bucket.name)
    thing = bucket.put_object(Key=PREFIX + "r/1", Body=b"one", ContentType="text/one", Metadata={"k": "v"})
    see.fact("Bucket.put_object", "repr of what it returns", repr(thing))
    see.fact("Bucket.put_object", "what it returns", thing == s3.Object(BUCKET, PREFIX + "r/1"))
    see.call("Object.put", s3.Object(BUCKET, PREFIX + "r/2").put, Body=b"two")
    see.call("Object.get", thing.get)
    see.fact("Object.get", "content", thing.get()["Body"].read())
    for name in ("bucket_name", "key", "content_length", "content_type", "e_tag", "metadata", "last_modified",
                 "version_id", "storage_class", "delete_marker", "cache_control"):
        see.fact("Object", name, getattr(thing, name))
    see.call("Object.load of no object", s3.Object(BUCKET, PREFIX + "none").load)
    see.call("Object.get of no object", s3.Object(BUCKET, PREFIX + "none").get)
    see.call("Object without a key", lambda: s3.Object(BUCKET))
    see.call("Bucket without a name", lambda: s3.Bucket(None))
    for n in range(3, 7):
        bucket.put_object(Key=f"{PREFIX}r/{n}", Body=b"x" * n)
    listed = list(bucket.objects.filter(Prefix=PREFIX + "r/"))
    see.fact("Bucket.objects.filter", "keys", [item.key for item in listed])
    see.fact("Bucket.objects.filter", "repr of the first", repr(listed[0]))
    see.fact("Bucket.objects.filter", "size", [item.size for item in listed])
    for name in ("e_tag", "last_modified", "storage_class", "bucket_name", "owner"):
        see.fact("ObjectSummary", name, getattr(listed[0], name))
    see.fact("ObjectSummary.get", "content", listed[0].get()["Body"].read())
    see.fact("ObjectSummary.Object()", "repr", repr(listed[0].Object()))
    see.fact("Bucket.objects.limit", "keys", [item.key for item in bucket.objects.filter(Prefix=PREFIX + "r/").limit(2)])
    see.fact("Bucket.objects.page_size", "pages", [len(page) for page in bucket.objects.filter(
        Prefix=PREFIX + "r/").page_size(4).pages()])
    see.fact("Bucket.objects.all", "has them", {PREFIX + "r/1", PREFIX + "r/6"} <= {
        item.key for item in bucket.objects.all()})
    summary = s3.ObjectSummary(BUCKET, PREFIX + "r/3")
    see.fact("ObjectSummary loaded by itself", "size", summary.size)
    copy = bucket.Object(PREFIX + "r/copy")
    see.call("Object.copy_from", copy.copy_from, CopySource={"Bucket": BUCKET, "Key": PREFIX + "r/1"})
    see.call("Object.copy", copy.copy, {"Bucket": BUCKET, "Key": PREFIX + "r/1"})
    see.fact("Object.copy", "content", copy.get()["Body"].read())
    out = io.BytesIO()
    see.call("Object.upload_fileobj", copy.upload_fileobj, io.BytesIO(b"by fileobj"))
    see.call("Object.download_fileobj", copy.download_fileobj, out)
    see.fact("Object.download_fileobj", "content", out.getvalue())
    upload = s3.Object(BUCKET, PREFIX + "r/parts").initiate_multipart_upload()
    part = upload.Part(1).upload(Body=b"only part")
    see.fact("MultipartUpload.complete", "repr of what it returns", repr(upload.complete(
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})))
    see.fact("MultipartUpload", "content", s3.Object(BUCKET, PREFIX + "r/parts").get()["Body"].read())
    see.call("Object.wait_until_exists", copy.wait_until_exists)
    see.call("Object.delete", copy.delete)
    see.call("Bucket.delete_objects", bucket.delete_objects, Delete={"Objects": [{"Key": PREFIX + "r/1"}]})
    answers = bucket.objects.filter(Prefix=PREFIX + "r/").delete()
    see.fact("Bucket.objects.delete", "what it returns", [answer["Deleted"] for answer in answers])
    see.fact("Bucket.objects.delete", "what is left", len(list(bucket.objects.filter(Prefix=PREFIX + "r/"))))
    see.fact("resource.meta.client", "class", type(s3.meta.client).__name__)
    see.call("resource of no service", boto3.resource, "nonsense")


def run(see):
    s3 = client()
    clean(s3, PREFIX)
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        transfers(see, s3, folder)
        os.chdir("/")
    resources(see)
    clean(s3, PREFIX)
