#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""What a function in a guest does with an unmodified boto3 and an HTTP client, through nexus-runtime's
gateway. It has no keys. Prints TAP to the file named, then waits to be ended.

usage: gateway.py FILE HTTP-PORT
"""
import io
import json
import os
import sys
import threading
import time
import urllib.error
import urllib.request

import boto3
import botocore.config
import botocore.exceptions

from tap import Tap

FILE, PORT = sys.argv[1:3]
BUCKET = "nexus-test"
tap = Tap(open(FILE + ".new", "w"))
ok, same = tap.ok, tap.equal


def error(call):
    try:
        call()
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
    return None


CONFIG = botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
endpoint = os.environ["AWS_ENDPOINT_URL"]
s3 = boto3.client("s3", endpoint_url=endpoint, config=CONFIG)


def test_objects():
    key = "gateway/ä b+c&d"
    put = s3.put_object(Bucket=BUCKET, Key=key, Body=b"hello", ContentType="text/x", Metadata={"color": "blue"})
    got = s3.get_object(Bucket=BUCKET, Key=key)
    same((got["Body"].read(), got["ContentType"], got["Metadata"], got["ETag"]),
         (b"hello", "text/x", {"color": "blue"}, put["ETag"]), "put and get")
    head = s3.head_object(Bucket=BUCKET, Key=key)
    same((head["ContentLength"], head["ETag"]), (5, put["ETag"]), "head")
    part = s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=1-3")
    same((part["Body"].read(), part["ResponseMetadata"]["HTTPStatusCode"], part["ContentRange"]),
         (b"ell", 206, "bytes 1-3/5"), "a range")
    same(error(lambda: s3.get_object(Bucket=BUCKET, Key=key, IfMatch='"no"')), ("PreconditionFailed", 412), "a condition")
    s3.put_object(Bucket=BUCKET, Key="gateway/plain", Body=b"hello")
    s3.copy_object(Bucket=BUCKET, Key="gateway/copy", CopySource={"Bucket": BUCKET, "Key": "gateway/plain"})
    same(s3.get_object(Bucket=BUCKET, Key="gateway/copy")["Body"].read(), b"hello", "a copy")
    s3.put_object(Bucket=BUCKET, Key="gateway/empty", Body=b"")
    same(s3.get_object(Bucket=BUCKET, Key="gateway/empty")["Body"].read(), b"", "an empty object")
    s3.delete_object(Bucket=BUCKET, Key="gateway/copy")
    same(error(lambda: s3.get_object(Bucket=BUCKET, Key="gateway/copy")), ("NoSuchKey", 404), "delete; the store's own error")
    same(error(lambda: s3.head_object(Bucket=BUCKET, Key="gateway/copy")), ("404", 404), "and of a head")
    same(error(lambda: s3.get_object(Bucket="nexus-other", Key="secret")), ("AccessDenied", 403),
         "a bucket that the tenant may not read")


def test_subresources():
    """What no operation of the library is: passed on as it is, where the policy names it."""
    key = "gateway/sub ä"
    s3.put_object(Bucket=BUCKET, Key=key, Body=b"hello")
    same(s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"], [], "an object's tags")
    tags = {"TagSet": [{"Key": "b", "Value": "2 3"}]}
    s3.put_object_tagging(Bucket=BUCKET, Key=key, Tagging=tags)
    same(s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"], tags["TagSet"], "are replaced: a request with a body")
    same(s3.get_bucket_location(Bucket=BUCKET)["ResponseMetadata"]["HTTPStatusCode"], 200, "a bucket's location")
    same(s3.head_bucket(Bucket=BUCKET)["ResponseMetadata"]["HTTPStatusCode"], 200, "head of a bucket")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="gateway/listed")["UploadId"]
    s3.upload_part(Bucket=BUCKET, Key="gateway/listed", UploadId=upload, PartNumber=3, Body=b"part")
    for name, call in (("list_parts", lambda: s3.list_parts(Bucket=BUCKET, Key="gateway/listed", UploadId=upload)),
                       ("list_multipart_uploads", lambda: s3.list_multipart_uploads(Bucket=BUCKET, Prefix="gateway/listed"))):
        refused = error(call)
        # The tests' store may lack them: its own answer is not the host's.
        ok(not refused or refused[0] in ("MethodNotAllowed", "NotImplemented"), f"{name} reaches the store", refused)
    s3.abort_multipart_upload(Bucket=BUCKET, Key="gateway/listed", UploadId=upload)
    same(error(lambda: s3.get_object_tagging(Bucket=BUCKET, Key="gateway/nothing")), ("NoSuchKey", 404), "the store's own error")
    same(error(lambda: s3.delete_object_tagging(Bucket=BUCKET, Key=key)), ("AccessDenied", 403),
         "an action that the policy does not name")
    same(error(lambda: s3.get_bucket_location(Bucket="nexus-other")), ("AccessDenied", 403), "another's bucket")
    same(error(lambda: s3.list_buckets()), ("AccessDenied", 403), "all buckets")


def test_large():
    data = os.urandom(20 << 20)
    s3.upload_fileobj(io.BytesIO(data), BUCKET, "gateway/large")    # in parts
    back = io.BytesIO()
    s3.download_fileobj(BUCKET, "gateway/large", back)    # ranges, in parallel
    ok(back.getvalue() == data, "20 MiB by upload_fileobj and download_fileobj")
    body = s3.get_object(Bucket=BUCKET, Key="gateway/large")["Body"].read()
    ok(body == data, "and by one get")
    s3.put_object(Bucket=BUCKET, Key="gateway/large", Body=data[:9 << 20])
    same(s3.head_object(Bucket=BUCKET, Key="gateway/large")["ContentLength"], 9 << 20, "9 MiB by one put")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="gateway/aborted")
    s3.upload_part(Bucket=BUCKET, Key="gateway/aborted", UploadId=upload["UploadId"], PartNumber=1, Body=b"x")
    same(error(lambda: s3.abort_multipart_upload(Bucket=BUCKET, Key="gateway/aborted", UploadId=upload["UploadId"])),
         None, "abort_multipart_upload")
    same(error(lambda: s3.upload_part(Bucket=BUCKET, Key="gateway/aborted", UploadId=upload["UploadId"],
                                      PartNumber=1, Body=b"late")),
         ("NoSuchUpload", 404), "and the upload is gone")


def test_lists():
    names = [f"gateway/list/{d}/{i}&<" for d in "ab" for i in range(3)]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=name, Body=b"1")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="gateway/list/",
                                                              PaginationConfig={"PageSize": 4}))
    same(([o["Key"] for p in pages for o in p["Contents"]], len(pages)), (names, 2), "list_objects_v2 in pages")
    same([o["Key"] for p in s3.get_paginator("list_objects").paginate(Bucket=BUCKET, Prefix="gateway/list/")
          for o in p["Contents"]], names, "list_objects")
    page = s3.list_objects_v2(Bucket=BUCKET, Prefix="gateway/list/", Delimiter="/")
    same([p["Prefix"] for p in page["CommonPrefixes"]], ["gateway/list/a/", "gateway/list/b/"], "common prefixes")
    bucket = boto3.resource("s3", endpoint_url=endpoint, config=CONFIG).Bucket(BUCKET)
    same(sorted(o.key for o in bucket.objects.filter(Prefix="gateway/list/a/")), names[:3], "the resource's collection")
    done = s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": n} for n in names]})
    same(sorted(d["Key"] for d in done["Deleted"]), names, "delete_objects")
    same(s3.list_objects_v2(Bucket=BUCKET, Prefix="gateway/list/")["KeyCount"], 0, "they are gone")


def test_options():
    """Header fields of operations that have no object: passed on, so that the host can refuse what it does not know."""
    owner = {"ExpectedBucketOwner": "123456789012"}
    s3.put_object(Bucket=BUCKET, Key="gateway/options", Body=b"1")
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="gateway/options")["UploadId"]
    document = b"<Delete><Object><Key>gateway/options</Key></Object></Delete>"
    for what, method, query, body in (("list", "GET", "list-type=2", None), ("delete_objects", "POST", "delete", document),
                                      ("abort_multipart_upload", "DELETE", f"uploadId={upload}", None)):
        path = f"{BUCKET}/gateway/options" if method == "DELETE" else BUCKET
        request = urllib.request.Request(f"{endpoint}/{path}?{query}", body, method=method, headers={
            "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request", "x-amz-nonsense": "1"})
        try:
            refused = (urllib.request.urlopen(request).status, "")
        except urllib.error.HTTPError as e:
            refused = (e.code, e.read().decode())
        ok(refused[0] == 400 and "takes no header x-amz-nonsense" in refused[1], f"{what}: an unknown header is refused ({refused[0]})")
    same(s3.list_objects_v2(Bucket=BUCKET, Prefix="gateway/options", **owner)["KeyCount"], 1, "list_objects_v2, ExpectedBucketOwner")
    same(error(lambda: s3.abort_multipart_upload(Bucket=BUCKET, Key="gateway/options", UploadId=upload, **owner)), None,
         "abort_multipart_upload, ExpectedBucketOwner")
    delete = {"Objects": [{"Key": "gateway/options"}]}
    same(error(lambda: s3.delete_objects(Bucket=BUCKET, Delete=delete, BypassGovernanceRetention=True)), ("AccessDenied", 403),
         "delete_objects, with an option that the tenant's policy does not have")
    done = s3.delete_objects(Bucket=BUCKET, Delete=delete, **owner)
    same([d["Key"] for d in done["Deleted"]], ["gateway/options"], "delete_objects, with ExpectedBucketOwner and its own Content-MD5")


def test_chunked():
    """The body's encoding of newer SDKs, by hand: boto3 as packaged does not use it."""
    url = f"{endpoint}/{BUCKET}/gateway/framed"
    body = b"5;chunk-signature=0\r\nhello\r\n3\r\n wo\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n"
    request = urllib.request.Request(url, body, method="PUT", headers={
        "Authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request", "Content-Encoding": "aws-chunked",
        "x-amz-content-sha256": "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "x-amz-decoded-content-length": "8"})
    same(urllib.request.urlopen(request).status, 200, "a put in aws-chunked encoding")
    same(s3.get_object(Bucket=BUCKET, Key="gateway/framed")["Body"].read(), b"hello wo", "is stored plain")


def test_services():
    client = boto3.client("lambda", endpoint_url=endpoint, config=CONFIG)
    answer = client.invoke(FunctionName="echo", Payload=b'{"from": "a guest"}')
    same(json.loads(answer["Payload"].read()), {"from": "a guest"}, "another function is invoked, signed by the daemon")
    same(error(lambda: client.invoke(FunctionName="nobody", Payload=b"{}")), ("ResourceNotFoundException", 404),
         "the service's own error")
    sqs = boto3.client("sqs", endpoint_url=endpoint, config=CONFIG)
    code = error(sqs.list_queues)
    same(code, ("AccessDenied", 403), "a service that the tenant has no endpoint for, in the query protocol's form")


def test_http():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": os.environ["http_proxy"]}))
    os.environ.pop("no_proxy")    # names the loopback, for the endpoint's sake
    answer = opener.open(f"http://127.0.0.1:{PORT}/hello.txt")
    same((answer.read(), answer.headers["Content-Type"]), (b"over plain HTTP\n", "text/plain"), "http_proxy")

    def status(url):
        try:
            return opener.open(url).status
        except urllib.error.HTTPError as e:
            return e.code
    same(status(f"http://127.0.0.1:{PORT}/nothing"), 404, "the server's own status")
    same(status("http://127.0.0.1:1/"), 403, "a host that the tenant may not reach")
    same(status("http://192.0.2.1/"), 403, "nor that one")
    try:
        urllib.request.urlopen(f"{endpoint}/{BUCKET}/gateway/empty")
    except urllib.error.HTTPError as e:
        same(e.code, 403, "a request without a signature names no service")


for test in [v for k, v in list(globals().items()) if k.startswith("test_")]:
    try:
        test()
    except Exception as e:    # pylint: disable=broad-except
        ok(False, f"{test.__name__} runs to its end", f"{type(e).__name__}: {e}")
tap.done()
os.rename(FILE + ".new", FILE)
threading.Event().wait()
