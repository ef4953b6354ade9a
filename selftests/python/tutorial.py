# SPDX-License-Identifier: GPL-2.0-only
"""The functions of functions/, both ways: over Nexus ("nexus"), and with the genuine SDK ("plain").

usage: tutorial.py seed DIR     puts their inputs into the store, and their events into DIR, as WAY-FUNCTION-N.json
       tutorial.py judge DIR    runs those of "plain" here and now, then compares what both ways answered (those of
                                "nexus" are in DIR, as nexus-FUNCTION-N.answer) and what they left behind; TAP

Both need the genuine SDK; where its servers are, is in S3_URL, DYNAMODB_URL, and for the chain over gRPC in PRICES."""
import importlib
import io
import json
import os
import sys

import boto3
import botocore.session

BUCKET = "nexus-test"
WAYS = ("nexus", "plain")   # of one length: answers are compared byte by byte
CSV = "name,age,city\nZoë,31,Łódź\n\"Smith, John\",47,\"two\nlines\"\n"
ORDER = {"apple": 3, "melon": 12, "gold": 1}
VISITORS = (["ann", "bob"], ["bob", "zoë", "ann", "eve"])

create_client = botocore.session.Session.create_client


def create_here(self, service_name, *args, **kwargs):
    """The SDK's clients are those of a program that knows AWS: only where that is, is told to it from outside."""
    kwargs["endpoint_url"] = os.environ[f"{service_name.upper()}_URL"]
    return create_client(self, service_name, *args, **kwargs)


def picture(kind):
    from PIL import Image
    image = Image.new("RGB", (320, 200))
    image.putdata([(x * 255 // 320, y * 255 // 200, (x ^ y) & 255) for y in range(200) for x in range(320)])
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


def inputs(prefix):
    """{key: content}"""
    tables = {f"{prefix}tables/{name}.csv": text.encode() for name, text in (
        ("empty", "name,age,city\n"), ("people", CSV), ("large", CSV + "x,1,y\n" * 5000))}
    return {f"{prefix}pictures/one.png": picture("PNG"), f"{prefix}pictures/zwei ü.jpeg": picture("JPEG"),
            f"{prefix}tables/readme.txt": b"no table", **tables}


def events(prefix):
    """[(function, its event)], in their order."""
    from urllib.parse import quote_plus

    def notification(key):
        return {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": {
            "bucket": {"name": BUCKET}, "object": {"key": quote_plus(key)}}}]}

    return [("thumbnail", notification(f"{prefix}pictures/one.png")),
            ("thumbnail", notification(f"{prefix}pictures/zwei ü.jpeg")),
            ("convert", {"bucket": BUCKET, "prefix": f"{prefix}tables/"}),
            *(("counter", {"page": "/start", "visitors": visitors}) for visitors in VISITORS),
            *((("orders", {"order": ORDER, "offer": "pear"}),) if "PRICES" in os.environ else ())]


def seed(directory):
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    for way in WAYS:
        prefix = f"tutorial/{way}/"
        for key, content in inputs(prefix).items():
            s3.put_object(Bucket=BUCKET, Key=key, Body=content)
        names = {"page": "HASH", "visitor": "RANGE"}
        dynamodb.create_table(
            TableName=f"visits-{way}", BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in names.items()])
        dynamodb.get_waiter("table_exists").wait(TableName=f"visits-{way}", WaiterConfig={"Delay": 1})
        for n, (function, event) in enumerate(events(prefix)):
            with open(os.path.join(directory, f"{way}-{function}-{n}.json"), "w", encoding="utf-8") as file:
                json.dump(event, file)


def run(directory):
    """The answers of "plain", by the names of their events, and the page that was visited."""
    sys.path.insert(0, os.environ["FUNCTIONS"])
    os.environ["TABLE_NAME"] = "visits-plain"
    answers, page = {}, None
    for name in sorted(os.listdir(directory), key=lambda name: name.split("-")[-1]):
        way, _, rest = name.removesuffix(".json").partition("-")
        if way != "plain":
            continue
        with open(os.path.join(directory, name), encoding="utf-8") as file:
            event = json.load(file)
        page = event.get("page", page)
        answer = importlib.import_module(rest.partition("-")[0]).handler(event, None)
        answers[rest] = json.dumps(answer, ensure_ascii=False).encode()
    return answers, page


def objects(s3, way):
    """{key without what differs: (content, its type)}"""
    found, prefix = {}, f"tutorial/{way}/"
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix):
        for item in page["Contents"]:
            answer = s3.get_object(Bucket=BUCKET, Key=item["Key"])
            found[item["Key"][len(prefix):]] = answer["Body"].read(), answer["ContentType"]
    return found


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def ok(self, good, text, *more):
        self.count += 1
        self.failures += not good
        print(f"{'ok' if good else 'not ok'} {self.count} - {text}", flush=True)
        for item in more if not good else ():
            print(f"#   {item!r}"[:400], flush=True)


def judge(directory):
    tap = Tap()
    answers, page = run(directory)
    tap.ok(len(answers) == len(events("")), "all events", list(answers))
    for name, plain in answers.items():
        try:
            with open(os.path.join(directory, f"nexus-{name}.answer"), "rb") as file:
                nexus = file.read()
        except OSError as error:
            nexus = repr(error).encode()
        tap.ok(nexus.replace(b"tutorial/nexus/", b"tutorial/plain/") == plain, f"{name}: the same answer", nexus, plain)
    s3 = boto3.client("s3")
    nexus, plain = objects(s3, "nexus"), objects(s3, "plain")
    made = sorted(set(plain) - set(inputs("")))
    tap.ok(len(made) == 5, "the functions wrote five objects", made)
    for key in sorted({*nexus, *plain} - set(inputs(""))):
        tap.ok(nexus.get(key) == plain.get(key), f"{key.encode('ascii', 'replace').decode()}: the same bytes and type",
               nexus.get(key), plain.get(key))
    scans = [sorted((item for item in boto3.resource("dynamodb").Table(f"visits-{way}").scan()["Items"]
                     if item["page"] == page), key=repr) for way in WAYS]
    tap.ok(scans[0] == scans[1] and len(scans[1]) == 5, "the same items in DynamoDB", *scans)
    print(f"1..{tap.count}")
    return tap.failures


if __name__ == "__main__":
    botocore.session.Session.create_client = create_here
    sys.exit(1 if {"seed": seed, "judge": judge}[sys.argv[1]](sys.argv[2]) else 0)
