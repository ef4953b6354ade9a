# SPDX-License-Identifier: GPL-2.0-only
"""S3: managed transfers, and the resources."""
import io
import os
import tempfile

import boto3
from boto3.s3.transfer import ProgressCallbackInvoker, S3Transfer, TransferConfig, create_transfer_manager
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


class Keeping(list):
    """What is written to it, as it came."""

    def write(self, data):
        self.append(data)


class Stream:
    """It can be read, and nothing else."""

    def __init__(self, data):
        self._file = io.BytesIO(data)
        self.most = 0

    def read(self, n=-1):
        data = self._file.read(n)
        self.most = max(self.most, len(data))
        return data


def files(see, s3):
    """Files that are none of Python's own."""
    key = PREFIX + "files"
    for size in (0, 1000, 8 * MIB - 1, 8 * MIB, 17 * MIB + 5):
        data, name, seen = content(size), f"upload_fileobj of a stream of {size} bytes", []
        stream = Stream(data)
        see.call(name, s3.upload_fileobj, stream, BUCKET, key, Callback=seen.append)
        see.fact(name, "Callback's sum", sum(seen))
        see.fact(name, "read at once", stream.most)
        see.call(f"{name}: the object", s3.head_object, Bucket=BUCKET, Key=key)
        see.fact(name, "content", s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == data)
        kept = Keeping()
        see.call(f"{name}, and download_fileobj", s3.download_fileobj, BUCKET, key, kept)
        see.fact(f"{name}, and download_fileobj", "content", b"".join(kept) == data)
        see.fact(f"{name}, and download_fileobj", "types", {type(piece).__name__ for piece in kept})
    config = TransferConfig(multipart_threshold=6 * MIB, multipart_chunksize=5 * MIB, max_concurrency=1)
    s3.upload_fileobj(Stream(content(17 * MIB)), BUCKET, key, Config=config)
    see.call("upload_fileobj of a stream, with a TransferConfig: the object", s3.head_object, Bucket=BUCKET, Key=key)
    see.call("upload_fileobj of a stream that fails", s3.upload_fileobj, Failing(), BUCKET, key)
    file = io.BytesIO(b"left open")
    s3.upload_fileobj(file, BUCKET, key)
    see.fact("upload_fileobj", "closes the file", file.closed)
    see.call("download_fileobj to text", s3.download_fileobj, BUCKET, key, io.StringIO())


class Failing:
    def __init__(self):
        self._times = 0

    def read(self, n=-1):
        self._times += 1
        if self._times > 2:
            raise ZeroDivisionError("the stream broke")
        return b"x" * n


class Subscriber:
    def __init__(self):
        self.told = []

    def on_queued(self, future, **kwargs):
        self.told.append("queued")

    def on_progress(self, future, bytes_transferred, **kwargs):
        self.told.append(bytes_transferred)

    def on_done(self, future, **kwargs):
        self.told.append("done")


def managers(see, s3, folder):
    """Many transfers at once; and what a TransferConfig and an S3Transfer say of themselves."""
    config = TransferConfig(max_concurrency=3, max_io_queue=7)
    see.fact("TransferConfig", "attributes", vars(config))
    config.max_concurrency = 20
    see.fact("TransferConfig", "another max_concurrency", [config.max_concurrency, config.max_request_concurrency])
    see.fact("S3Transfer", "arguments", [S3Transfer.ALLOWED_UPLOAD_ARGS, S3Transfer.ALLOWED_DOWNLOAD_ARGS])
    name, subscriber, seen = _file(folder, b"by a manager"), Subscriber(), []
    manager = create_transfer_manager(s3, config)
    futures = [manager.upload(os.path.join(folder, name), BUCKET, f"{PREFIX}many/{i}", {"ContentType": "text/q"},
                              [ProgressCallbackInvoker(seen.append)]) for i in range(30)]
    see.fact("create_transfer_manager", "uploads", {future.result() for future in futures})
    see.fact("create_transfer_manager", "progress", sum(seen))
    see.fact("create_transfer_manager", "asked", futures[7].meta.call_args.key)
    out = io.BytesIO()
    see.call("create_transfer_manager: download", manager.download(BUCKET, PREFIX + "many/3", out, subscribers=[subscriber]).result)
    see.fact("create_transfer_manager: download", "content", out.getvalue())
    see.fact("create_transfer_manager: download", "told", subscriber.told)
    see.call("create_transfer_manager: copy", manager.copy({"Bucket": BUCKET, "Key": PREFIX + "many/3"}, BUCKET, PREFIX + "many/x").result)
    see.call("create_transfer_manager: delete", manager.delete(BUCKET, PREFIX + "many/4").result)
    see.call("create_transfer_manager: a file that is not there", manager.download(BUCKET, PREFIX + "many/4", out).result)
    see.call("create_transfer_manager: a wrong argument", manager.upload, out, BUCKET, "x", {"Nonsense": 1})
    manager.shutdown()
    with create_transfer_manager(s3, config) as manager:
        future = manager.upload(io.BytesIO(b"in a block"), BUCKET, PREFIX + "many/5")
    see.fact("create_transfer_manager", "done after its block", future.done())
    see.fact("create_transfer_manager", "objects", [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + "many/")["Contents"]])


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
        managers(see, s3, folder)
        os.chdir("/")
    files(see, s3)
    resources(see)
    clean(s3, PREFIX)
