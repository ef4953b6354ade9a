# SPDX-License-Identifier: GPL-2.0-only
"""The resources, further than a function's first steps; batches of DynamoDB; what S3's lists and uploads answer besides."""
import io
import os
import pathlib
import re
import tempfile
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, Key
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from part_dynamodb import _options, _table
from part_objects import BUCKET, MIB, clean, client, content
from program import endpoint

PREFIX = "python/resources/"


def s3_resource(see):
    s3 = boto3.resource("s3", endpoint_url=endpoint(), region_name="us-east-1",
                        config=Config(s3={"addressing_style": "path"}))
    bucket = s3.Bucket(BUCKET)
    for n in range(7):
        bucket.put_object(Key=f"{PREFIX}c/{n}", Body=b"x" * n)
    objects = bucket.objects
    see.fact("collection", "repr", repr(objects))
    see.fact("collection all", "repr", repr(objects.all()))
    see.fact("collection filter twice", "keys",
             [o.key for o in objects.filter(Prefix=PREFIX).filter(Marker=f"{PREFIX}c/3")])
    see.fact("collection filter, limit, filter", "keys",
             [o.key for o in objects.filter(Prefix=PREFIX).limit(3).filter(MaxKeys=2)])
    see.fact("collection limit 0", "keys", [o.key for o in objects.filter(Prefix=PREFIX).limit(0)])
    see.fact("collection limit(n) over pages", "keys",
             [o.key for o in objects.filter(Prefix=PREFIX).page_size(2).limit(5)])
    see.fact("collection pages with a limit", "lengths",
             [len(p) for p in objects.filter(Prefix=PREFIX).page_size(2).limit(5).pages()])
    see.fact("collection iterated twice", "equal",
             [o.key for o in objects.filter(Prefix=PREFIX)] == [o.key for o in objects.filter(Prefix=PREFIX)])
    see.fact("collection Delimiter", "keys", [o.key for o in objects.filter(Prefix=PREFIX, Delimiter="/")])
    see.fact("collection of nothing", "keys", list(objects.filter(Prefix=PREFIX + "none")))
    see.call("collection with a wrong filter", lambda: list(objects.filter(Nonsense=1)))
    see.call("collection of another's bucket", lambda: list(s3.Bucket("nexus-foreign").objects.all()))
    one = s3.Object(BUCKET, f"{PREFIX}c/6")
    see.fact("Object", "dir",
             [n for n in ("get", "put", "delete", "copy", "copy_from", "load", "reload", "upload_file",
                          "wait_until_exists", "Acl", "Bucket", "Version", "restore_object", "get_available_subresources",
                          "initiate_multipart_upload", "meta", "key", "bucket_name", "e_tag", "parts_count")
                                     if n not in dir(one)])
    see.fact("Object", "meta.identifiers", one.meta.identifiers)
    see.fact("Object", "meta.service_name", one.meta.service_name)
    see.fact("Object", "meta.data before", one.meta.data)
    see.fact("Object", "size by content_length", one.content_length)
    see.fact("Object", "meta.data after", sorted(one.meta.data))
    see.fact("Object", "get_available_subresources", one.get_available_subresources())
    see.fact("Object.Bucket()", "repr", repr(one.Bucket()))
    see.fact("Object", "equal", [one == s3.Object(BUCKET, f"{PREFIX}c/6"), one != s3.Object(BUCKET, "x"), one == 1,
                                 len({one, s3.Object(BUCKET, f"{PREFIX}c/6")})])
    see.fact("Object by keywords", "repr", repr(s3.Object(bucket_name=BUCKET, key="k")))
    see.call("Object by wrong keywords", lambda: repr(s3.Object(bucket=BUCKET, key="k")))
    see.fact("Bucket by keyword", "repr", repr(s3.Bucket(name=BUCKET)))
    see.fact("Bucket.Object by keyword", "repr", repr(bucket.Object(key="k")))
    see.fact("ObjectSummary by keywords", "repr", repr(s3.ObjectSummary(bucket_name=BUCKET, key="k")))
    see.call("Object.nonsense", lambda: one.nonsense)
    see.call("Object attribute set", lambda: setattr(one, "key", "x"))
    see.call("Object.get with a Range", one.get, Range="bytes=0-1")
    see.call("Object.put with metadata", one.put, Body=b"new", Metadata={"a": "b"})
    see.fact("Object after put", "metadata, not loaded again", one.metadata)
    see.fact("Object after put", "reload()", one.reload())
    see.fact("Object after put", "metadata", one.metadata)
    see.fact("Object.put", "what meta.data is after it", one.meta.data is None)
    see.call("Object.wait_until_not_exists", s3.Object(BUCKET, PREFIX + "none").wait_until_not_exists)
    see.call("Object.last_modified", lambda: one.last_modified)
    summary = next(iter(objects.filter(Prefix=f"{PREFIX}c/2")))
    see.fact("ObjectSummary", "meta.data", sorted(summary.meta.data))
    see.call("ObjectSummary.delete", summary.delete)
    see.call("ObjectSummary.load of none", s3.ObjectSummary(BUCKET, PREFIX + "none").load)
    see.call("ObjectSummary.put", s3.ObjectSummary(BUCKET, PREFIX + "sum").put, Body=b"x")
    see.call("ObjectSummary.copy_from", s3.ObjectSummary(BUCKET, PREFIX + "sum2").copy_from,
             CopySource=f"{BUCKET}/{PREFIX}sum")
    see.call("ObjectSummary.wait_until_exists", s3.ObjectSummary(BUCKET, PREFIX + "sum2").wait_until_exists)
    see.fact("ObjectSummary.Bucket()", "repr", repr(summary.Bucket()))
    see.fact("Bucket", "get_available_subresources", bucket.get_available_subresources())
    see.fact("ServiceResource", "get_available_subresources", s3.get_available_subresources())
    see.call("Bucket.wait_until_exists", bucket.wait_until_exists)
    see.call("Bucket.delete_objects Quiet", bucket.delete_objects, Delete={"Objects": [{"Key": PREFIX + "sum"}],
                                                            "Quiet": True})
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "f")
        with open(path, "wb") as f:
            f.write(b"from a file")
        seen = []
        see.call("Bucket.upload_file", bucket.upload_file, path, PREFIX + "up", ExtraArgs={"ContentType": "text/u"},
                 Callback=seen.append)
        see.fact("Bucket.upload_file", "Callback", sum(seen))
        see.fact("Bucket.upload_file", "content type", bucket.Object(PREFIX + "up").content_type)
        see.call("Bucket.download_file", bucket.download_file, PREFIX + "up", path + "2")
        see.call("Object.upload_file", bucket.Object(PREFIX + "up").upload_file, Filename=path)
        see.call("Object.download_file", bucket.Object(PREFIX + "up").download_file, path + "3",
                 Config=TransferConfig(use_threads=False))
        see.fact("Object.download_file", "content", open(path + "3", "rb").read())
        see.call("Object.download_file of none", bucket.Object(PREFIX + "none").download_file, path + "4")
    see.call("Bucket.copy", bucket.copy, {"Bucket": BUCKET, "Key": PREFIX + "up"}, PREFIX + "copied")
    see.call("Bucket.upload_fileobj", bucket.upload_fileobj, io.BytesIO(b"fo"), PREFIX + "fo")
    out = io.BytesIO()
    see.call("Bucket.download_fileobj", bucket.download_fileobj, PREFIX + "fo", out)
    see.fact("Bucket.download_fileobj", "content", out.getvalue())
    upload = bucket.Object(PREFIX + "mp").initiate_multipart_upload(ContentType="text/mp")
    see.fact("MultipartUpload", "names", [upload.bucket_name, upload.object_key, bool(upload.id)])
    part = upload.Part(1)
    see.fact("MultipartUploadPart", "names", [part.bucket_name, part.object_key, part.part_number,
                                              part.multipart_upload_id == upload.id])
    see.call("MultipartUploadPart.upload", part.upload, Body=b"p")
    see.call("MultipartUploadPart.copy_from", upload.Part(2).copy_from, CopySource={"Bucket": BUCKET,
                                                            "Key": PREFIX + "fo"})
    see.call("MultipartUpload.abort", upload.abort)
    see.call("MultipartUpload.complete of none", s3.MultipartUpload(BUCKET, PREFIX + "mp", "none").complete,
             MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]})
    see.call("client of a resource", lambda: type(s3.meta.client).__name__)
    session = boto3.Session(region_name="us-east-1")
    see.fact("Session.resource", "repr", repr(session.resource("s3")))
    see.call("bucket.objects.delete of nothing", lambda: bucket.objects.filter(Prefix=PREFIX + "none").delete())
    see.fact("bucket.objects.all().delete is there", "callable", callable(bucket.objects.all().delete))
    see.fact("collection item actions", "delete in pages",
             [len(r["Deleted"]) for r in bucket.objects.filter(Prefix=PREFIX + "c/").page_size(4).delete()])


def dynamodb(see):
    db = boto3.resource("dynamodb", **_options())
    low = boto3.client("dynamodb", **_options())
    for name in low.list_tables()["TableNames"]:
        low.delete_table(TableName=name)
        low.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})
    table = db.create_table(**_table("more"), )
    table.wait_until_exists()
    for i in range(12):
        table.put_item(Item={"house": "h", "person": f"{i:02}", "i": i, "t": {"a": [1, {"b": Decimal("2.5")}]}})
    see.call("dynamodb Table.query descending",
             lambda: [x["person"] for x in table.query(KeyConditionExpression=Key("house").eq("h"),
                                                       ScanIndexForward=False, Limit=3)["Items"]])
    see.call("dynamodb Table.query Select COUNT", table.query, KeyConditionExpression=Key("house").eq("h"),
             Select="COUNT")
    see.call("dynamodb Table.query ProjectionExpression",
             lambda: table.query(KeyConditionExpression=Key("house").eq("h") & Key("person").lte("01"),
                                 ProjectionExpression="#i, t.a[1].b", ExpressionAttributeNames={"#i": "i"})["Items"])
    see.call("dynamodb Table.query as strings",
             lambda: table.query(KeyConditionExpression="house = :h AND person > :p",
                                 ExpressionAttributeValues={":h": "h", ":p": "08"})["Count"])
    pages, start = [], None
    while True:
        kwargs = {"ExclusiveStartKey": start} if start else {}
        page = table.query(KeyConditionExpression=Key("house").eq("h"), Limit=5, **kwargs)
        pages.append(len(page["Items"]))
        start = page.get("LastEvaluatedKey")
        if not start:
            break
    see.fact("dynamodb Table.query in pages", "lengths", pages)
    see.call("dynamodb Table.get_item ConsistentRead", table.get_item, Key={"house": "h", "person": "01"},
             ConsistentRead=True, ReturnConsumedCapacity="TOTAL")
    see.call("dynamodb Table.update_item SET REMOVE ADD", table.update_item, Key={"house": "h", "person": "01"},
             UpdateExpression="SET a = if_not_exists(a, :z), l = list_append(:l, :l) REMOVE t ADD i :one",
             ExpressionAttributeValues={":z": 0, ":l": ["x"], ":one": 1}, ReturnValues="ALL_NEW")
    see.call("dynamodb Table.update_item with a condition", table.update_item, Key={"house": "h", "person": "01"},
             UpdateExpression="SET a = :z", ConditionExpression=Attr("a").eq(5), ExpressionAttributeValues={":z": 0})
    see.call("dynamodb Table.delete_item with a condition", table.delete_item, Key={"house": "h", "person": "01"},
             ConditionExpression=Attr("a").ne(0))
    see.call("dynamodb Table.delete_item ALL_OLD", table.delete_item, Key={"house": "h", "person": "00"},
             ReturnValues="ALL_OLD")
    see.call("dynamodb Table.put_item without a key", table.put_item, Item={"house": "h"})
    see.call("dynamodb Table.get_item without Key", table.get_item)
    see.call("dynamodb Table.put_item with an unknown parameter", table.put_item, Item={"house": "h", "person": "x"},
             Nonsense=1)
    see.call("dynamodb Table.put_item of a wrong Item", table.put_item, Item=[1])
    for name, low_call in (("put_item", {"Item": {"house": {"S": 1}}}), ("get_item", {}), ("query", {"Limit": "x"}),
                           ("put_item no table", {})):
        see.call(f"dynamodb client {name} wrong: {sorted(low_call)}", getattr(low, name.split()[0]),
                 **({"TableName": "more"} if "table" not in name else {}), **low_call)
    see.call("dynamodb client query of 0", low.query, TableName="more", Limit=0)
    see.call("dynamodb client batch_get_item of none", low.batch_get_item, RequestItems={"more": {"Keys": []}})
    see.call("dynamodb client with an unknown type of value", low.put_item, TableName="more", Item={"a": {"X": 1}})
    see.call("dynamodb transact_write_items", low.transact_write_items, TransactItems=[
        {"Put": {"TableName": "more", "Item": {"house": {"S": "tx"}, "person": {"S": "1"}}}}])
    see.call("dynamodb transact_write_items that fails", low.transact_write_items, TransactItems=[
        {"ConditionCheck": {"TableName": "more", "Key": {"house": {"S": "h"}, "person": {"S": "02"}},
                            "ConditionExpression": "attribute_not_exists(house)"}}])
    see.call("dynamodb resource.batch_write_item", db.batch_write_item,
             RequestItems={"more": [{"PutRequest": {"Item": {"house": "b", "person": "1", "n": 1}}},
                                    {"DeleteRequest": {"Key": {"house": "h", "person": "03"}}}]})
    see.fact("dynamodb client batch_get_item", "Responses",
             low.batch_get_item(RequestItems={"more": {"Keys": [{"house": {"S": "b"}, "person": {"S": "1"}}],
                                                       "ProjectionExpression": "n"}})["Responses"])
    see.fact("dynamodb resource.batch_get_item with AttributesToGet", "Responses",
             db.batch_get_item(RequestItems={"more": {"Keys": [{"house": "b", "person": "1"}],
                                                      "ProjectionExpression": "n"}})["Responses"])
    try:
        with table.batch_writer() as batch:
            batch.put_item(Item={"house": "err", "person": "1"})
            raise KeyError("in the block")
    except KeyError:
        pass
    see.fact("dynamodb batch_writer with an exception", "written",
             "Item" in table.get_item(Key={"house": "err", "person": "1"}))
    see.call("dynamodb Table.update",
             lambda: repr(table.update(BillingMode="PROVISIONED",
                                       ProvisionedThroughput={"ReadCapacityUnits": 1, "WriteCapacityUnits": 1})))
    see.fact("dynamodb Table", "repr, equal", [repr(db.Table("more")), db.Table("more") == table])
    see.fact("dynamodb Table by keyword", "repr", repr(db.Table(name="more")))
    see.fact("dynamodb Table", "creation_date_time", table.creation_date_time)
    see.fact("dynamodb Table", "get_available_subresources", table.get_available_subresources())
    see.fact("dynamodb resource", "get_available_subresources", db.get_available_subresources())
    see.fact("dynamodb Table.meta.client", "class", type(table.meta.client).__name__)
    see.call("dynamodb Table.meta.client.get_item", table.meta.client.get_item, TableName="more", Key={"house": "h",
                                                            "person": "04"})
    see.fact("dynamodb Table.meta.client.get_paginator scan", "items",
             sum(len(p["Items"]) for p in table.meta.client.get_paginator("scan").paginate(TableName="more",
                                                            FilterExpression=Attr("i").gte(5))))
    see.fact("dynamodb resource.tables.limit", "names", [t.name for t in db.tables.limit(1)])
    see.fact("dynamodb resource.tables.filter", "names", [t.name for t in db.tables.filter(Limit=1)])
    for name, build in (("size", lambda: Attr("i").size().eq(1)), ("begins_with", lambda: Attr("i").begins_with("x")),
                        ("contains", lambda: Attr("i").contains("x"))):
        see.call(f"dynamodb scan of a number: {name}",
                 lambda build=build: table.scan(FilterExpression=build())["Count"])
    table.delete()
    table.wait_until_not_exists()


def _unnumbered(call):
    """Without the random end of a temporary file's name."""
    try:
        return call()
    except OSError as error:
        return re.sub(r"x\.\w{8}", "x", str(error))


def uploads(see):
    s3 = client()
    names = {"Bucket": BUCKET, "Key": PREFIX + "u"}
    created = s3.create_multipart_upload(**names)
    upload = {**names, "UploadId": created["UploadId"]}
    see.call("upload_part of an empty body", s3.upload_part, **upload, PartNumber=1, Body=b"")
    see.call("upload_part of a file", s3.upload_part, **upload, PartNumber=1, Body=io.BytesIO(b"of a file"))
    see.call("upload_part_copy", s3.upload_part_copy, **upload, PartNumber=2, CopySource={"Bucket": BUCKET,
                                                            "Key": PREFIX + "none"})
    see.call("complete_multipart_upload without parts", s3.complete_multipart_upload, **upload)
    see.call("abort_multipart_upload", s3.abort_multipart_upload, **upload)
    see.call("abort_multipart_upload again", s3.abort_multipart_upload, **upload)
    full = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=PREFIX + "c/").build_full_result()
    see.fact("build_full_result without prefixes", "keys", sorted(full))
    see.call("list_objects_v2 EncodingType", s3.list_objects_v2, Bucket=BUCKET, Prefix=PREFIX + "none",
             EncodingType="url")
    see.call("list_objects_v2 MaxKeys=0", s3.list_objects_v2, Bucket=BUCKET, Prefix=PREFIX + "none", MaxKeys=0)
    see.call("list_objects_v2 with a bad token", s3.list_objects_v2, Bucket=BUCKET, ContinuationToken="nonsense")
    see.call("paginate with a bad StartingToken",
             lambda: list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET,
                                                            PaginationConfig={"StartingToken": "nonsense"})))
    see.call("paginate with a wrong parameter",
             lambda: list(s3.get_paginator("list_objects_v2").paginate(Nonsense=1)))
    see.call("paginate MaxItems as a string",
             lambda: sum(len(p.get("Contents",
                                   ())) for p in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET,
                                                            PaginationConfig={"MaxItems": "2"})))
    # A bad size of parts is S3's to say
    for size, kwargs in ((6 * MIB, {"multipart_threshold": 1, "multipart_chunksize": 1 * MIB}), (3,
                                                            {"multipart_threshold": 1})):
        s3.upload_fileobj(io.BytesIO(content(size)), BUCKET, PREFIX + "small", Config=TransferConfig(**kwargs))
        see.fact(f"upload_fileobj {size} {sorted(kwargs)}", "ETag", s3.head_object(Bucket=BUCKET,
                                                            Key=PREFIX + "small")["ETag"])
    for extra in ({"Metadata": {"k": "v"}}, {"ServerSideEncryption": "AES256"}, {"CacheControl": "no-cache",
                                                            "ContentDisposition": "inline"},
                  {"ACL": "private"}, {"StorageClass": "STANDARD_IA"}, {"Tagging": "a=b"}, {"Expires": "2030-01-01"}):
        see.call(f"upload_fileobj ExtraArgs {sorted(extra)}", s3.upload_fileobj, io.BytesIO(b"x"), BUCKET,
                 PREFIX + "extra", ExtraArgs=extra)
        see.call(f"upload_fileobj ExtraArgs {sorted(extra)}: the object", s3.head_object, Bucket=BUCKET,
                 Key=PREFIX + "extra")
    see.call("download_fileobj ExtraArgs VersionId", s3.download_fileobj, BUCKET, PREFIX + "extra", io.BytesIO(),
             ExtraArgs={"VersionId": "null"})
    see.call("copy ExtraArgs", s3.copy, {"Bucket": BUCKET, "Key": PREFIX + "extra"}, BUCKET, PREFIX + "extra2",
             ExtraArgs={"MetadataDirective": "REPLACE", "Metadata": {"n": "m"}, "ContentType": "text/n"})
    see.call("copy ExtraArgs: the object", s3.head_object, Bucket=BUCKET, Key=PREFIX + "extra2")
    see.call("copy of a wrong source", s3.copy, {"Bucket": BUCKET}, BUCKET, PREFIX + "extra3")

    def bad(n):
        raise ValueError("in the callback")

    see.call("upload_fileobj whose Callback raises", s3.upload_fileobj, io.BytesIO(b"x"), BUCKET, PREFIX + "cb",
             Callback=bad)
    see.call("download_fileobj whose Callback raises", s3.download_fileobj, BUCKET, PREFIX + "extra", io.BytesIO(),
             Callback=bad)

    class Broken(io.BytesIO):
        def read(self, n=-1):
            raise OSError("no more")
        def readinto(self, room):
            raise OSError("no more")

    see.call("upload_fileobj of a file that breaks", s3.upload_fileobj, Broken(b"some"), BUCKET, PREFIX + "cb")
    see.call("put_object of a file that breaks", s3.put_object, Bucket=BUCKET, Key=PREFIX + "cb",
             Body=Broken(b"some"))

    class Sink:
        def __init__(self):
            self.got = b""

        def write(self, data):
            self.got += bytes(data)

    sink = Sink()
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "sink", Body=b"0123456789")
    see.call("download_fileobj into what only writes", s3.download_fileobj, BUCKET, PREFIX + "sink", sink)
    see.fact("download_fileobj into what only writes", "content", sink.got)
    reads, writes = os.pipe()
    os.write(writes, b"through a pipe")
    os.close(writes)
    with os.fdopen(reads, "rb") as pipe:
        see.call("upload_fileobj of a pipe", s3.upload_fileobj, pipe, BUCKET, PREFIX + "pipe")
    see.fact("upload_fileobj of a pipe", "content", s3.get_object(Bucket=BUCKET, Key=PREFIX + "pipe")["Body"].read())
    see.call("upload_file with a Path", lambda: s3.upload_file(pathlib.Path("/etc/hostname"), BUCKET,
                                                            PREFIX + "path"))
    see.call("upload_file of a directory", s3.upload_file, "/tmp", BUCKET, PREFIX + "dir")
    see.call("download_file into no directory", lambda: _unnumbered(
        lambda: s3.download_file(BUCKET, PREFIX + "sink", "/nonexistent/x")))
    see.call("upload_file with wrong types", s3.upload_file, 5, BUCKET, "k")
    see.call("upload_file positional config", s3.upload_file, "/etc/hostname", BUCKET, PREFIX + "pos", None, None,
             TransferConfig())


def run(see):
    s3 = client()
    clean(s3, PREFIX)
    for part in (s3_resource, uploads, dynamodb):
        part(see)
    clean(s3, PREFIX)
