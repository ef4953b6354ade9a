# SPDX-License-Identifier: GPL-2.0-only
"""S3: lists and their pages, copies, deleting many, multipart uploads, waiters."""
import hashlib

from botocore.waiter import WaiterModel, create_waiter_with_client
from part_objects import BUCKET, MIB, clean, client, content

PREFIX = "python/lists/"
KEYS = ["a", "b/1", "b/2", "b/3", "c d", "e+f", "g/h/i", "\u00fc", "z"]


def lists(see, s3):
    for key in KEYS:
        s3.put_object(Bucket=BUCKET, Key=PREFIX + key, Body=key.encode())
    for name in ("list_objects", "list_objects_v2"):
        method = getattr(s3, name)
        see.call(name, method, Bucket=BUCKET, Prefix=PREFIX)
        see.call(f"{name} MaxKeys", method, Bucket=BUCKET, Prefix=PREFIX, MaxKeys=2)
        see.call(f"{name} Delimiter", method, Bucket=BUCKET, Prefix=PREFIX, Delimiter="/")
        see.call(f"{name} of nothing", method, Bucket=BUCKET, Prefix=PREFIX + "nothing")
        pages = list(s3.get_paginator(name).paginate(Bucket=BUCKET, Prefix=PREFIX,
                                                     PaginationConfig={"PageSize": 4}))
        see.fact(f"paginate {name}", "pages", [[item["Key"] for item in page.get("Contents", ())] for page in pages])
        see.fact(f"paginate {name}", "keys of a page", sorted(pages[0]))
        limited = s3.get_paginator(name).paginate(Bucket=BUCKET, Prefix=PREFIX,
                                                  PaginationConfig={"PageSize": 4, "MaxItems": 5})
        see.fact(f"paginate {name} MaxItems", "keys", [
            item["Key"] for page in limited for item in page.get("Contents", ())])
        see.fact(f"paginate {name} MaxItems", "has a token to go on", limited.resume_token is not None)
        rest = s3.get_paginator(name).paginate(Bucket=BUCKET, Prefix=PREFIX, PaginationConfig={
            "PageSize": 4, "StartingToken": limited.resume_token})
        see.fact(f"paginate {name} StartingToken", "keys", [
            item["Key"] for page in rest for item in page.get("Contents", ())])
        full = s3.get_paginator(name).paginate(Bucket=BUCKET, Prefix=PREFIX,
                                               Delimiter="/").build_full_result()
        see.fact(f"paginate {name} build_full_result", "keys", sorted(full))
        see.fact(f"paginate {name} build_full_result", "prefixes", full["CommonPrefixes"])
        see.fact(f"can_paginate {name}", "value", s3.can_paginate(name))
        found = s3.get_paginator(name).paginate(Bucket=BUCKET, Prefix=PREFIX).search("Contents[].Key")
        see.fact(f"paginate {name} search", "keys", list(found))
    see.fact("can_paginate get_object", "value", s3.can_paginate("get_object"))
    see.call("list_objects_v2 StartAfter", s3.list_objects_v2, Bucket=BUCKET, Prefix=PREFIX,
             StartAfter=PREFIX + "c d")
    see.call("list_objects_v2 FetchOwner", s3.list_objects_v2, Bucket=BUCKET, Prefix=PREFIX, MaxKeys=1,
             FetchOwner=True)
    see.call("list_objects Marker", s3.list_objects, Bucket=BUCKET, Prefix=PREFIX, Marker=PREFIX + "c d")


def copies(see, s3):
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "source 1", Body=b"copied", ContentType="text/x", Metadata={"m": "1"})
    see.call("copy_object from a dictionary", s3.copy_object, Bucket=BUCKET, Key=PREFIX + "copy",
             CopySource={"Bucket": BUCKET, "Key": PREFIX + "source 1"})
    see.call("copy_object: the copy", lambda: _head(s3, PREFIX + "copy"))
    see.call("copy_object from a string", s3.copy_object, Bucket=BUCKET, Key=PREFIX + "copy2",
             CopySource=f"{BUCKET}/{PREFIX}source 1")
    see.call("copy_object REPLACE", s3.copy_object, Bucket=BUCKET, Key=PREFIX + "copy3", MetadataDirective="REPLACE",
             Metadata={"n": "2"}, ContentType="text/y", CopySource={"Bucket": BUCKET, "Key": PREFIX + "source 1"})
    see.call("copy_object REPLACE: the copy", lambda: _head(s3, PREFIX + "copy3"))
    see.call("copy", s3.copy, {"Bucket": BUCKET, "Key": PREFIX + "source 1"}, BUCKET, PREFIX + "copy4")
    see.call("copy: the copy", lambda: _head(s3, PREFIX + "copy4"))
    see.call("copy of no object", s3.copy, {"Bucket": BUCKET, "Key": PREFIX + "none"}, BUCKET, PREFIX + "copy5")
    see.call("copy from a string", s3.copy, f"{BUCKET}/{PREFIX}source 1", BUCKET, PREFIX + "copy5")


def _head(s3, key):
    return s3.head_object(Bucket=BUCKET, Key=key)


def deletes(see, s3):
    for key in "123":
        s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}delete/{key}", Body=b"x")
    see.call("delete_objects", s3.delete_objects, Bucket=BUCKET, Delete={
        "Objects": [{"Key": f"{PREFIX}delete/{key}"} for key in ("1", "2", "none")]})
    see.call("delete_objects Quiet", s3.delete_objects, Bucket=BUCKET, Delete={
        "Objects": [{"Key": f"{PREFIX}delete/3"}], "Quiet": True})
    see.fact("delete_objects", "what is left", s3.list_objects_v2(Bucket=BUCKET, Prefix=PREFIX + "delete/")["KeyCount"])
    for name, value in (("BypassGovernanceRetention", True), ("ChecksumAlgorithm", "SHA256"), ("ExpectedBucketOwner", "123456789012"),
                        ("MFA", "serial 123456"), ("RequestPayer", "requester")):
        s3.put_object(Bucket=BUCKET, Key=PREFIX + "delete/more", Body=b"")
        see.call(f"delete_objects {name}", s3.delete_objects, Bucket=BUCKET, Delete={"Objects": [{"Key": PREFIX + "delete/more"}]},
                 **{name: value})
        if name in ("ExpectedBucketOwner", "RequestPayer"):
            for listing in (s3.list_objects, s3.list_objects_v2):
                see.call(f"{listing.__name__} {name}", listing, Bucket=BUCKET, Prefix=PREFIX + "delete/more", **{name: value})
            upload = s3.create_multipart_upload(Bucket=BUCKET, Key=PREFIX + "delete/more")["UploadId"]
            see.call(f"abort_multipart_upload {name}", s3.abort_multipart_upload, Bucket=BUCKET, Key=PREFIX + "delete/more",
                     UploadId=upload, **{name: value})
    see.call("head_bucket ExpectedBucketOwner", s3.head_bucket, Bucket=BUCKET, ExpectedBucketOwner="123456789012")
    see.call("get_object of no bucket's name", s3.get_object, Bucket="", Key="x")
    see.call("delete_objects to another's bucket", s3.delete_objects, Bucket="nexus-foreign",
             Delete={"Objects": [{"Key": "x"}]})


def multipart(see, s3):
    names = {"Bucket": BUCKET, "Key": PREFIX + "parts"}
    created = see.call("create_multipart_upload", s3.create_multipart_upload, **names, ContentType="text/z",
                       Metadata={"p": "q"})
    upload = {**names, "UploadId": created["UploadId"]}
    pieces = [content(5 * MIB, b"1"), content(5 * MIB + 1, b"2"), b"last"]
    parts = []
    for number, piece in enumerate(pieces, 1):
        answer = see.call(f"upload_part {number}", s3.upload_part, **upload, PartNumber=number, Body=piece)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    see.call("complete_multipart_upload", s3.complete_multipart_upload, **upload, MultipartUpload={"Parts": parts})
    see.call("complete_multipart_upload: the object", lambda: _head(s3, PREFIX + "parts"))
    whole = s3.get_object(**names)["Body"].read()
    see.fact("complete_multipart_upload", "content is what was sent", whole == b"".join(pieces))
    see.fact("complete_multipart_upload", "hash", hashlib.sha256(whole).hexdigest())


def own(see, s3):
    """Waiters that a function brings along."""
    def accepts(matcher, expected, state, argument=None):
        return {"matcher": matcher, "expected": expected, "state": state, **({"argument": argument} if argument else {})}

    def config(operation, *acceptors):
        return {"operation": operation, "delay": 0, "maxAttempts": 2, "acceptors": list(acceptors)}

    model = WaiterModel({"version": 2, "waiters": {
        "Listed": config("ListObjectsV2", accepts("path", True, "success", "KeyCount > `0`"), accepts("path", 0, "retry", "KeyCount")),
        "AllSmall": config("ListObjectsV2", accepts("pathAll", 3, "success", "Contents[].Size"), accepts("pathAny", 0, "failure", "Contents[].Size")),
        "Head": config("HeadObject", accepts("status", 200, "success"), accepts("error", "404", "failure"))}})
    see.fact("WaiterModel", "names", model.waiter_names)
    see.call("WaiterModel of another version", WaiterModel, {"version": 1, "waiters": {}})
    see.call("WaiterModel without one", model.get_waiter, "None")
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "own/a", Body=b"abc")
    for name, kwargs in (("Listed", {"Prefix": PREFIX + "own/"}), ("Listed", {"Prefix": PREFIX + "not-own/"}),
                         ("AllSmall", {"Prefix": PREFIX + "own/"}), ("AllSmall", {"Prefix": PREFIX + "not-own/"}),
                         ("Head", {"Key": PREFIX + "own/a"}), ("Head", {"Key": PREFIX + "own/none"})):
        made = create_waiter_with_client(name, model, s3)
        see.call(f"a function's waiter {name} {kwargs}", made.wait, Bucket=BUCKET, **kwargs)
        see.call(f"a function's waiter {name} {kwargs}, once", made.wait, Bucket=BUCKET, **kwargs, WaiterConfig={"MaxAttempts": 1})
    see.fact("a function's waiter", "config", [made.name, made.config.delay, made.config.max_attempts, made.config.operation])


def waiters(see, s3):
    see.fact("waiter_names", "value", s3.waiter_names)
    quick = {"Delay": 0, "MaxAttempts": 2}
    names = {"Bucket": BUCKET, "Key": PREFIX + "a"}
    missing = {"Bucket": BUCKET, "Key": PREFIX + "none"}
    see.call("waiter object_exists", s3.get_waiter("object_exists").wait, **names, WaiterConfig=quick)
    see.call("waiter object_exists of none", s3.get_waiter("object_exists").wait, **missing, WaiterConfig=quick)
    see.call("waiter object_not_exists", s3.get_waiter("object_not_exists").wait, **missing, WaiterConfig=quick)
    see.call("waiter object_not_exists of one", s3.get_waiter("object_not_exists").wait, **names, WaiterConfig=quick)
    see.call("waiter bucket_exists", s3.get_waiter("bucket_exists").wait, Bucket=BUCKET, WaiterConfig=quick)
    own(see, s3)
    patient = s3.get_waiter("object_exists")
    see.fact("get_waiter", "config", [patient.config.delay, patient.config.max_attempts])
    patient.config.delay, patient.config.max_attempts = 0, 2
    see.call("waiter object_exists of none, by its config", patient.wait, **missing)
    see.fact("get_waiter", "name", s3.get_waiter("object_exists").name)


def run(see):
    s3 = client()
    clean(s3, PREFIX)
    for part in (lists, copies, deletes, multipart, waiters):
        part(see, s3)
    clean(s3, PREFIX)
