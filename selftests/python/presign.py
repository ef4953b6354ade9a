# SPDX-License-Identifier: GPL-2.0-only
"""Presigned URLs and forms.

usage: presign.py make FILE    on the shim: URLs and forms, signed on the host, as JSON
       presign.py post FILE    as a browser, or a program with requests, that was given the forms; TAP
       presign.py judge FILE   on the genuine SDK, with the same keys, at the same time: what it would have made; TAP"""
import base64
import datetime
import json
import os
import re
import sys
from urllib.parse import parse_qsl, urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

BUCKET = "nexus-test"
URLS = [
    ("get_object", {"Key": "presign/a b+\u00fc"}, {}),
    ("get_object", {"Key": "presign/x", "VersionId": "v 1/2", "ResponseContentType": "text/plain; a=b",
                    "ResponseContentDisposition": 'attachment; filename="x y"'}, {"ExpiresIn": 60}),
    ("get_object", {"Key": "presign/x", "Range": "bytes=0-9", "IfMatch": '"abc"'}, {"ExpiresIn": 43200}),
    ("head_object", {"Key": "presign/x"}, {"ExpiresIn": 1}),
    ("put_object", {"Key": "presign/put"}, {}),
    ("put_object", {"Key": "presign/put", "ContentType": "text/plain", "Metadata": {"Colour": "blue  green"},
                    "CacheControl": "no-cache", "StorageClass": "STANDARD_IA"}, {}),
    ("upload_part", {"Key": "presign/part", "UploadId": "up/id=", "PartNumber": 7}, {}),
    ("delete_object", {"Key": "presign/x"}, {}),
]
FORMS = [
    ("presign/form", {}),
    ("presign/${filename}", {"Fields": {"acl": "private", "Content-Type": "text/plain"}, "ExpiresIn": 900, "Conditions": [
        {"acl": "private"}, {"Content-Type": "text/plain"}, ["content-length-range", 1, 1048576],
        ["starts-with", "$x-amz-meta-name", "a\"\\"]]}),
    ("presign/brief", {"ExpiresIn": 1}),
]
REFUSED = [
    ("another bucket", "AccessDenied", lambda s3: s3.generate_presigned_url(
        "get_object", Params={"Bucket": "nexus-other", "Key": "x"})),
    ("an expiry beyond presign_max", "AccessDenied", lambda s3: s3.generate_presigned_url(
        "get_object", Params={"Bucket": BUCKET, "Key": "x"}, ExpiresIn=43201)),
    ("a form for another bucket", "AccessDenied", lambda s3: s3.generate_presigned_post("nexus-other", "x")),
    ("a form that lives too long", "AccessDenied", lambda s3: s3.generate_presigned_post(BUCKET, "x", ExpiresIn=43201)),
]


def client():
    return boto3.client("s3", region_name="us-east-1", endpoint_url=os.environ["NEXUS_S3_URL"], config=Config(
        signature_version="s3v4", s3={"addressing_style": "path"}))


def urls(s3, wanted):
    for i, (method, params, more) in enumerate(URLS):
        if wanted is None or i == wanted:
            yield s3.generate_presigned_url(method, Params={"Bucket": BUCKET, **params}, **more)


def make(path):
    s3 = client()
    answer = {"urls": list(urls(s3, None)), "refused": [],
              "forms": [s3.generate_presigned_post(BUCKET, key, **more) for key, more in FORMS]}
    for name, _, call in REFUSED:
        try:
            answer["refused"].append(call(s3))
        except ClientError as error:
            answer["refused"].append(error.response["Error"]["Code"])
    try:
        s3.generate_presigned_url("list_objects_v2", Params={"Bucket": BUCKET})
    except NotImplementedError as error:
        answer["other"] = str(error)
    with open(path, "w", encoding="utf-8") as file:
        json.dump(answer, file)


class Tap:
    count = failures = 0

    def ok(self, good, text, *more):
        self.count += 1
        self.failures += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}")
        for item in more if not good else ():
            print(f"#   {item}")


def at(stamp):
    """The genuine SDK's clock stands there."""
    import botocore.auth
    import botocore.signers
    real = datetime.datetime
    time = real.strptime(stamp, "%Y%m%dT%H%M%SZ")

    class Then(real):
        @classmethod
        def utcnow(cls):
            return time

    for module in (botocore.auth.datetime, botocore.signers.datetime):
        module.datetime = Then
    return real


def parts(url):
    split = urlsplit(url)
    return split.scheme, split.netloc, split.path, sorted(parse_qsl(split.query, keep_blank_values=True))


def post(path):
    """The forms, posted to the store as AWS's documentation has it."""
    import time
    import requests
    with open(path, encoding="utf-8") as file:
        one, open_end, brief = json.load(file)["forms"]
    tap, s3 = Tap(), client()
    name = 'a"\\"z'
    data = os.urandom(70000)

    def posted(form, filename="f.bin", content=data, **fields):
        answer = requests.post(form["url"], data={**form["fields"], **fields}, files={"file": (filename, content)}, timeout=60)
        code = re.search("<Code>(.*)</Code>", answer.text)
        return [answer.status_code, code[1]] if code else answer.status_code

    def stored(key):
        answer = s3.get_object(Bucket=BUCKET, Key=key)
        return answer["Body"].read() == data, answer["ContentType"], answer["Metadata"]

    got = posted(one)
    tap.ok(got == 204, "a form is posted to the store", got)
    tap.ok(stored("presign/form")[0], "and its file is the object", stored("presign/form"))
    got = posted(one, key="presign/other")
    tap.ok(got == [403, "AccessDenied"], "with another key it is refused", got)
    got = posted(one, **{"Content-Type": "text/html"})
    tap.ok(got == [403, "AccessDenied"], "with a field that no condition allows", got)
    got = posted(one, policy=base64.b64encode(base64.b64decode(one["fields"]["policy"]).replace(b"form", b"mine")).decode())
    tap.ok(got == [403, "SignatureDoesNotMatch"], "with another policy", got)
    got = posted(open_end, "a name.bin", **{"x-amz-meta-name": name})
    tap.ok(got == 204, "a form that leaves the key's end to the file's name", got)
    tap.ok(stored("presign/a name.bin") == (True, "text/plain", {"name": name}), "its type and metadata are the form's",
           stored("presign/a name.bin"))
    got = posted(open_end)
    tap.ok(got == [403, "AccessDenied"], "without a field that a condition wants", got)
    got = posted(open_end, acl="public-read", **{"x-amz-meta-name": name})
    tap.ok(got == [403, "AccessDenied"], "with another value than a condition's", got)
    got = posted(open_end, content=b"", **{"x-amz-meta-name": name})
    tap.ok(got == [400, "EntityTooSmall"], "with a file that is too small", got)
    got = posted(open_end, content=bytes(1048577), **{"x-amz-meta-name": name})
    tap.ok(got == [400, "EntityTooLarge"], "or too large", got)
    ends = json.loads(base64.b64decode(brief["fields"]["policy"]))["expiration"]
    while datetime.datetime.utcnow().isoformat() <= ends.rstrip("Z"):
        time.sleep(0.1)
    got = posted(brief)
    tap.ok(got == [403, "AccessDenied"], "or after its time", got)
    for key in ("form", "a name.bin"):
        s3.delete_object(Bucket=BUCKET, Key=f"presign/{key}")
    print(f"1..{tap.count}")
    return tap.failures


def judge(path):
    with open(path, encoding="utf-8") as file:
        made = json.load(file)
    tap, s3 = Tap(), client()
    for i, url in enumerate(made["urls"]):
        stamp = dict(parse_qsl(urlsplit(url).query))["X-Amz-Date"]
        real = at(stamp)
        want = next(urls(s3, i))
        datetime.datetime = real
        tap.ok(parts(url) == parts(want), f"{URLS[i][0]} of {URLS[i][1]['Key'].encode('ascii', 'replace').decode()}: "
               "the URL that botocore signs", parts(url), parts(want))
    for form, (key, more) in zip(made["forms"], FORMS):
        fields = dict(form["fields"])
        real = at(fields["x-amz-date"])
        want = s3.generate_presigned_post(BUCKET, key, **more)
        datetime.datetime = real
        policies = [json.loads(base64.b64decode(value["policy"])) for value in (fields, want["fields"])]
        tap.ok(form["url"].rstrip("/") == want["url"].rstrip("/") and fields == want["fields"],
               f"form for {key}: botocore's fields and signature", form, want, *policies)
    for (name, code, _), got in zip(REFUSED, made["refused"]):
        tap.ok(got == code, f"{name} is refused", got)
    tap.ok("list_objects_v2" in made.get("other", ""), "a method without URLs is named", made.get("other"))
    secret = os.environ["AWS_SECRET_ACCESS_KEY"]
    tap.ok(not re.search(re.escape(secret), json.dumps(made)), "the secret key is in none of them")
    print(f"1..{tap.count}")
    return tap.failures


if __name__ == "__main__":
    sys.exit(1 if {"make": make, "post": post, "judge": judge}[sys.argv[1]](sys.argv[2]) else 0)
