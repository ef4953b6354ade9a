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
held = []       # bodies of answers, from event to event


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


def told(event, context):
    """The context, all of it."""
    client = context.client_context
    return {"names": sorted(name for name in dir(context) if not name.startswith("_")), "repr": repr(context),
            "fields": {name: getattr(context, name) for name in (
                "aws_request_id", "function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb",
                "log_group_name", "log_stream_name")},
            "left": [context.get_remaining_time_in_millis() for _ in range(2)],
            "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
            "client": client and [client.custom, client.env, client.client and client.client.app_title],
            "environment": {name: os.environ.get(name) for name in (
                "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_EXECUTION_ENV", "_HANDLER", "LAMBDA_TASK_ROOT", "TZ",
                "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_LOG_STREAM_NAME",
                "_X_AMZN_TRACE_ID")}}


class Sour(Exception):
    pass


def deep(depth):
    if depth:
        return deep(depth - 1)
    raise Sour("a\u00fc", 2)


def results(event, context):
    """What a handler may give back, or do, by the event's name for it."""
    from decimal import Decimal
    what = event.get("what")
    if what == "exit":
        sys.exit(event["status"])
    if what == "deep":
        deep(3)
    if what == "chained":
        try:
            deep(0)
        except Sour as error:
            raise KeyError("key") from error
    if what == "log":
        print("x" * event["size"])
        print("the end")
    if what == "hold":
        import boto3
        s3 = boto3.client("s3")
        held.extend(s3.get_object(Bucket="nexus-test", Key=event["key"])["Body"] for _ in range(event["times"]))
        return [body.read(1).decode() for body in held].count("s")
    if what == "held":
        return sum(len(body.read()) for body in held)
    if what == "bytes in the log":
        print("text, and ", end="")
        sys.stdout.buffer.write("bytes: \u00fc\n".encode())
        sys.stderr.buffer.write(b"without an end")
        sys.stderr.buffer.flush()
    if what == "logging":
        import logging
        logging.getLogger().setLevel("INFO")
        logging.getLogger("mine").info("an info %d", 7, extra={"more": "extra"})
        logging.debug("not this")
        try:
            deep(0)
        except Sour:
            logging.exception("caught")
    return {"decimal": {"a": Decimal("1.10"), "b": [Decimal("12345678901234567890.5"), Decimal("1E+2")]},
            "bytes": b"\x00raw", "none": None, "text": "\u00fc \U0001f98a \" \\", "set": {1}, "object": object(),
            "float": 1.5, "nan": float("nan"), "keys": {1: 2, None: 3}, "badkeys": {(1, 2): 3}, "event": event}.get(what)


def calls(event, context):
    """How many gRPC calls this guest may have open: on three channels, that each may have more than a third of them."""
    import _nexus
    channels = [_nexus.Channel() for _ in range(3)]
    opened = [channel.rpc_start(os.environ["PRICES"], "/no.Such/Method") for channel in channels for _ in range(100)]
    refused = [call.receive()[:2] == ("end", 8) for call in opened]
    for call in opened:
        call.close()
    again = channels[0].rpc_start(os.environ["PRICES"], "/no.Such/Method").receive()[1]
    return {"open": refused.count(False), "refused": sum(refused[256:]), "again": again}


restored = []
if os.environ.get("NEXUS_TEST_SEED"):
    # As in clones of one snapshot: generators that stand where they stood.
    random.seed(1)
    if numpy:
        numpy.random.seed(1)
    import snapshot_restore_py
    own = random.Random(1)
    snapshot_restore_py.register_before_snapshot(restored.append, "before 1")
    snapshot_restore_py.register_before_snapshot(restored.append, "before 2")
    snapshot_restore_py.register_after_restore(restored.append, "after 1")
    snapshot_restore_py.register_after_restore(own.seed)


def hooked(event, context):
    return {"hooks": restored, "own": own.random()}


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
