# SPDX-License-Identifier: GPL-2.0-only
"""S3's rarer operations: tags, access control lists, parts, versions, what buckets are set to."""
import os

import boto3
from botocore.config import Config

from part_objects import BUCKET, client
from program import endpoint

KEY = "python/subresources/a b+c/\u00fc"
# In answers of this store that are errors there is a list of what it has, or nothing: both have to see the same.
BUCKETS = ("acl", "cors", "encryption", "lifecycle_configuration", "location", "logging", "notification_configuration",
           "ownership_controls", "policy", "policy_status", "replication", "request_payment", "tagging", "versioning", "website")


def tags(see, s3, word):
    see.call(f"{word}put_object_tagging", s3.put_object_tagging, Bucket=BUCKET, Key=KEY,
             Tagging={"TagSet": [{"Key": "colour", "Value": "dark <blue> & green"}, {"Key": "n", "Value": ""}]})
    see.call(f"{word}get_object_tagging", s3.get_object_tagging, Bucket=BUCKET, Key=KEY)
    see.call(f"{word}delete_object_tagging", s3.delete_object_tagging, Bucket=BUCKET, Key=KEY)
    see.call(f"{word}get_object_tagging of none", s3.get_object_tagging, Bucket=BUCKET, Key=KEY + "none")
    see.call(f"{word}put_object_tagging of nothing", s3.put_object_tagging, Bucket=BUCKET, Key=KEY, Tagging={})
    see.call(f"{word}put_object_tagging wrong types", s3.put_object_tagging, Bucket=BUCKET, Key=KEY,
             Tagging={"TagSet": [{"Key": 1, "Value": "v", "More": 2}]})
    see.call(f"{word}put_object_tagging unknown", s3.put_object_tagging, Bucket=BUCKET, Key=KEY, Tags=[])


def rights(see, s3, word):
    see.call(f"{word}get_object_acl", s3.get_object_acl, Bucket=BUCKET, Key=KEY)
    see.call(f"{word}put_object_acl", s3.put_object_acl, Bucket=BUCKET, Key=KEY, ACL="private")
    see.call(f"{word}get_object_acl of none", s3.get_object_acl, Bucket=BUCKET, Key=KEY + "none")
    see.call(f"{word}get_object_attributes of none", s3.get_object_attributes, Bucket=BUCKET, Key=KEY,
             ObjectAttributes=None)


def parts(see, s3, word):
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    tags = [s3.upload_part(Bucket=BUCKET, Key=KEY, UploadId=upload, PartNumber=number, Body=b"x" * size)["ETag"]
            for number, size in ((1, 5 << 20), (2, 1000))]
    see.call(f"{word}list_parts", s3.list_parts, Bucket=BUCKET, Key=KEY, UploadId=upload)
    see.call(f"{word}list_parts a part", s3.list_parts, Bucket=BUCKET, Key=KEY, UploadId=upload, MaxParts=1)
    see.call(f"{word}list_parts of none", s3.list_parts, Bucket=BUCKET, Key=KEY, UploadId="none")
    see.call(f"{word}list_multipart_uploads", s3.list_multipart_uploads, Bucket=BUCKET, Prefix="python/subresources/")
    see.call(f"{word}list_multipart_uploads of none", s3.list_multipart_uploads, Bucket=BUCKET, Prefix="python/none/")
    s3.complete_multipart_upload(Bucket=BUCKET, Key=KEY, UploadId=upload, MultipartUpload={
        "Parts": [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]})
    for name in ("get_object", "head_object"):
        for number in (1, 2, 3):
            answer = see.call(f"{word}{name} PartNumber {number}", getattr(s3, name), Bucket=BUCKET, Key=KEY, PartNumber=number)
            if answer and "Body" in answer:
                see.fact(f"{word}{name} PartNumber {number}", "body", len(answer["Body"].read()))
    see.call(f"{word}get_object PartNumber of none", s3.get_object, Bucket=BUCKET, Key=KEY + "none", PartNumber=1)
    see.call(f"{word}head_object PartNumber of none", s3.head_object, Bucket=BUCKET, Key=KEY + "none", PartNumber=1)
    see.call(f"{word}get_object PartNumber ResponseContentType", lambda: s3.get_object(
        Bucket=BUCKET, Key=KEY, PartNumber=1, ResponseContentType="text/x")["ContentType"])


def versions(see, s3, word):
    see.call(f"{word}list_object_versions", s3.list_object_versions, Bucket=BUCKET, Prefix="python/subresources/")
    see.call(f"{word}list_object_versions page", s3.list_object_versions, Bucket=BUCKET, Prefix="python/subresources/", MaxKeys=1)
    see.call(f"{word}paginate list_object_versions", lambda: [
        item["Key"] for page in s3.get_paginator("list_object_versions").paginate(
            Bucket=BUCKET, Prefix="python/subresources/", PaginationConfig={"PageSize": 1}) for item in page.get("Versions", ())])


def buckets(see, s3, word):
    for name in BUCKETS:
        see.call(f"{word}get_bucket_{name}", getattr(s3, f"get_bucket_{name}"), Bucket=BUCKET)
    see.call(f"{word}get_public_access_block", s3.get_public_access_block, Bucket=BUCKET)
    see.call(f"{word}get_object_lock_configuration", s3.get_object_lock_configuration, Bucket=BUCKET)
    see.call(f"{word}list_buckets", s3.list_buckets)
    see.call(f"{word}create_bucket", s3.create_bucket, Bucket="nexus-none")
    see.call(f"{word}create_bucket that is", s3.create_bucket, Bucket=BUCKET)
    see.call(f"{word}put_bucket_policy", s3.put_bucket_policy, Bucket="nexus-none", Policy="{}")
    see.call(f"{word}delete_bucket_cors", s3.delete_bucket_cors, Bucket="nexus-none")
    see.call(f"{word}delete_bucket", s3.delete_bucket, Bucket="nexus-none")
    see.call(f"{word}delete_bucket that is not", s3.delete_bucket, Bucket="nexus-none")
    see.call(f"{word}get_bucket_location positional", s3.get_bucket_location, BUCKET)
    see.call(f"{word}get_bucket_location bad name", s3.get_bucket_location, Bucket="a/b")
    see.call(f"{word}get_bucket_location no name", s3.get_bucket_location)


def resources(see, word):
    s3 = boto3.resource("s3", endpoint_url=endpoint(), region_name="us-east-1", config=Config(s3={"addressing_style": "path"}))
    see.call(f"{word}resource: buckets.all()", lambda: sorted(bucket.name for bucket in s3.buckets.all()))
    see.call(f"{word}resource: buckets.limit()", lambda: len(list(s3.buckets.limit(1))))
    see.call(f"{word}resource: creation_date", lambda: type(s3.Bucket(BUCKET).creation_date).__name__)
    see.call(f"{word}resource: create_bucket", lambda: repr(s3.create_bucket(Bucket="nexus-none")))
    see.call(f"{word}resource: Bucket.delete", s3.Bucket("nexus-none").delete)
    see.call(f"{word}resource: Bucket.create", s3.Bucket("nexus-none").create)
    see.call(f"{word}resource: Bucket.delete again", s3.Bucket("nexus-none").delete)
    see.call(f"{word}resource: Bucket.delete of none", s3.Bucket("nexus-none").delete)


def run(see):
    s3 = client()
    # Another store is another side: what differs is listed by it.
    side = os.environ.get("NEXUS_TEST_SIDE")
    word = f"{side} " if side else ""
    s3.put_object(Bucket=BUCKET, Key=KEY, Body=b"text")
    for part in (tags, rights, parts, versions, buckets):
        part(see, s3, word)
    resources(see, word)
    s3.delete_object(Bucket=BUCKET, Key=KEY)
    if side:    # the next run finds no version of this one's
        page = s3.list_object_versions(Bucket=BUCKET, Prefix=KEY)
        for item in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=BUCKET, Key=KEY, VersionId=item["VersionId"])
