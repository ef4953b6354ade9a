# SPDX-License-Identifier: GPL-2.0-only
"""Calls functions of nexus-python by the genuine boto3. usage: call.py PORT   TAP"""
import base64
import hashlib
import json
import os
import sys

import boto3
from botocore.config import Config

count = failures = 0


def ok(good, text, more=None):
    global count, failures
    count += 1
    failures += not good
    print(f"{'ok' if good else 'not ok'} {count} - {text}")
    if not good and more is not None:
        print(f"#   {more!r}")


def main(port):
    client = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                          config=Config(read_timeout=60, retries={"max_attempts": 0}))

    def call(name, event, **kwargs):
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **kwargs)
        return answer, json.loads(answer["Payload"].read() or b"null")

    answer, got = call("echo", {"a": ["\u00fc", 1]})
    ok(answer["StatusCode"] == 200 and "FunctionError" not in answer, "a handler answers", answer)
    ok(got["event"] == {"a": ["\u00fc", 1]} and got["cold"], "with its event", got)
    ok(got["id"] and got["left"], "its context has the request's id and the time left", got)
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    _, again = call("echo", None, ClientContext=context)
    ok(not again["cold"] and again["event"] is None, "the second event finds it warm", again)
    ok(again["context"] == {"k": "v"}, "the client's context", again)
    answer, got = call("fails", {})
    ok(answer.get("FunctionError") == "Unhandled", "an exception is a function's error", answer)
    ok((got["errorType"], got["errorMessage"]) == ("ValueError", "it failed on purpose"), "its type and message", got)
    ok(got["stackTrace"] and "fails" in got["stackTrace"][-1] and got.get("requestId"), "its stack trace", got)
    def logged(name):
        answer, _ = call(name, {}, LogType="Tail")
        return base64.b64decode(answer["LogResult"]).decode()

    tail = logged("echo")
    ok("a line of the function\n" in tail and tail.startswith("START "), "what it prints is in its invocation's log", tail)
    tail = logged("fails")
    ok("a last word, without a line's end" in tail and "ValueError: it failed on purpose" in tail and
       "in fails" in tail, "so are its standard error and its traceback", tail)
    ok("a line of the function" not in tail, "and nothing of another's", tail)
    answer, got = call("odd", {})
    ok(got["errorType"] == "Runtime.MarshalError", "an answer that is no JSON", got)
    s3 = boto3.client("s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
                      config=Config(s3={"addressing_style": "path"}))
    s3.put_object(Bucket="nexus-test", Key="python/event", Body=b"some text")
    event = {"Records": [{"s3": {"bucket": {"name": "nexus-test"}, "object": {"key": "python/event"}}}]}
    _, got = call("prefetched", event)
    ok(got == {"body": "some text", "requests": 0, "kicks": 0, "prefetch_hits": 1},
       "the object of an S3 event is there before it is asked for: no request", got)
    _, got = call("prefetched", event)
    ok(got["requests"] == 0 and got["prefetch_hits"] == 1, "so it is with the next event", got)
    _, got = call("store", {"Records": [{"s3": {"bucket": {"name": "nexus-test"}, "object": {"key": "python/event"}}}]})
    stored = s3.get_object(Bucket="nexus-test", Key="python/event.upper")["Body"].read()
    ok(got == 9 and stored == b"SOME TEXT", "a handler reads and writes S3 by boto3", [got, stored])
    _, got = call("tagged", {})
    ok(got["status"] == 200 and got["type"], "a put that is not stored yet looks as one that is", got)
    ok(got["tags"] == ['"%s"' % hashlib.md5(b"tagged").hexdigest()] * 5, "its entity tag is there when it is looked at", got)
    print(f"1..{count}")
    return failures


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
