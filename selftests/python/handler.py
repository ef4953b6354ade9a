# SPDX-License-Identifier: GPL-2.0-only
"""Handlers for the test of nexus-python."""
import os
import random
import secrets
import ssl
import sys
import tempfile
import uuid

try:
    import numpy
except ImportError:
    numpy = None

cold = True


def echo(event, context):
    global cold
    print("a line of the function")
    was, cold = cold, False
    return {"event": event, "cold": was, "name": context.function_name, "id": bool(context.aws_request_id),
            "left": 0 < context.get_remaining_time_in_millis() <= 20000, "random": random.random(),
            "context": context.client_context and context.client_context.custom}


def fails(event, context):
    sys.stderr.write("a last word, without a line's end")
    raise ValueError("it failed on purpose")


def odd(event, context):
    return {"set": {1}}


def store(event, context):
    """As a tutorial has it: an S3 event's object is read, and a copy in upper case stored."""
    import boto3
    s3 = boto3.client("s3")
    record = event["Records"][0]["s3"]
    bucket, key = record["bucket"]["name"], record["object"]["key"]
    text = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    s3.put_object(Bucket=bucket, Key=key + ".upper", Body=text.upper())
    return len(text)


def tagged(event, context):
    """What a function may look at that does not know when its writes are stored."""
    import json
    import boto3
    s3 = boto3.client("s3")
    answers = [s3.put_object(Bucket="nexus-test", Key=f"python/tagged-{i}", Body=b"tagged") for i in range(5)]
    return {"status": answers[0]["ResponseMetadata"]["HTTPStatusCode"], "type": isinstance(answers[0], dict),
            "tags": [answers[0]["ETag"], answers[1].get("ETag"), dict(answers[2].items())["ETag"],
                     json.loads(json.dumps(answers[3]))["ETag"], "ETag" in answers[4] and answers[4]["ETag"]]}


def prefetched(event, context):
    """What it costs this process to get the object that its event names: slots submitted, objects found here."""
    import boto3
    import nexus
    before = nexus.channel().info()
    record = event["Records"][0]["s3"]
    body = boto3.client("s3").get_object(Bucket=record["bucket"]["name"], Key=record["object"]["key"])["Body"].read()
    after = nexus.channel().info()
    return {"body": body.decode(), **{name: after[name] - before[name] for name in (
        "requests", "kicks", "prefetch_hits")}}


# Drawn before the first event: all clones of a snapshot have these.
drawn = [random.random(), uuid.uuid4().hex]


def dice(event, context):
    """What generators of this process, and of the kernel, give now."""
    got = {"random": random.random(), "sample": random.sample(range(1 << 30), 3),
           "tempfile": os.path.basename(tempfile.mktemp()), "ssl": ssl.RAND_bytes(16).hex()}
    kernel = {"urandom": os.urandom(16).hex(), "secrets": secrets.token_hex(16), "uuid": uuid.uuid4().hex,
              "SystemRandom": random.SystemRandom().random()}
    if numpy:
        got["numpy"] = numpy.random.random()
    return {"drawn": drawn, "library": got, "kernel": kernel}
