#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""boto3 calls a shell script and a Python function in microVMs, cold and warm. Prints TAP.

usage: clients.py URL booted|cloned NEXUSCTL...
"""
import base64
import os
import sys

import boto3
import botocore.config

import caller
from caller import ok, same

URL, KIND, *CTL = sys.argv[1:]
CLONED = KIND == "cloned"
BUCKET = "nexus-test"
call = caller.Caller(URL, CTL)
store = boto3.client("s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
                     aws_access_key_id=os.environ["NEXUS_AWS_ACCESS_KEY_ID"],
                     aws_secret_access_key=os.environ["NEXUS_AWS_SECRET_ACCESS_KEY"],
                     config=botocore.config.Config(s3={"addressing_style": "path"}))


def restored(name):
    return [i["restored"] for i in call.show(name)["instances"]]


def test_cold():
    """Both at once."""
    same([call.show(n)["instances"] for n in ("shell", "python")], [[], []], f"{KIND}: no instance is there")
    python = call.start(call.value, "python", {"do": "where"})
    answer = call.invoke("shell", {"first": "ü"}, LogType="Tail")
    same((answer["StatusCode"], answer["Body"].decode(), answer["ExecutedVersion"], answer.get("FunctionError")),
         (200, '{"first": "\\u00fc"}', "$LATEST", None), f"{KIND}: a shell script with curl answers, cold")
    ok("REPORT RequestId: " + answer["ResponseMetadata"]["RequestId"] in base64.b64decode(answer["LogResult"]).decode(),
       f"{KIND}: the log tail comes along")
    where = python.result()
    ok(where["boto3"] == boto3.__version__ and where["file"].startswith("/usr/lib/python3/dist-packages/boto3/"),
       f"{KIND}: so does Debian's python3, with Debian's boto3 {where['boto3']}", where)
    same((where["interfaces"], where["uid"], where["keys"]), (["lo"], 1000, ["guest", "guest"]),
         f"{KIND}: in a guest without a network, without rights, without keys")
    same([restored(n) for n in ("shell", "python")], [[CLONED], [CLONED]],
         f"{KIND}: each in one microVM, {'restored from its snapshot' if CLONED else 'booted'}")


def test_warm():
    vms = [i["pid"] for n in ("shell", "python") for i in call.show(n)["instances"]]
    # Each comes as soon as the one before is answered, when the instance has not yet asked for it.
    same([call.value("shell", {"n": i}) for i in range(8)], [{"n": i} for i in range(8)], f"{KIND}: warm answers, one right after another")
    same(call.value("shell", "env"), "app.main|blue|two words, ü & 100%|shell|128", f"{KIND}: it has the handler and the environment of its configuration")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:shell"
    same(call.value(arn, "arn"), arn, f"{KIND}: by ARN")
    log = base64.b64decode(call.invoke("shell", "print", LogType="Tail")["LogResult"]).decode()
    ok("printed by " in log, f"{KIND}: the log tail holds what the script printed", log)
    same(call.client.invoke(FunctionName="shell", Payload=b"{}", InvocationType="DryRun")["StatusCode"], 204, f"{KIND}: DryRun")
    same([i["pid"] for n in ("shell", "python") for i in call.show(n)["instances"]], vms, f"{KIND}: in the same microVMs")


def test_gateway():
    text = os.urandom(100).hex().encode()
    store.put_object(Bucket=BUCKET, Key=f"invoke/{KIND}", Body=text)
    to = f"invoke/{KIND}.upper"
    same(call.value("python", {"do": "copy", "bucket": BUCKET, "from": f"invoke/{KIND}", "to": to}),
         {"length": 200, "keys": [to]}, f"{KIND}: the guest's boto3 gets, puts, heads, lists through the gateway")
    same(store.get_object(Bucket=BUCKET, Key=to)["Body"].read(), text.upper(), f"{KIND}: the store has what it put")
    same(call.value("python", {"do": "get", "bucket": BUCKET, "key": "seed/mebibyte"}), 1 << 20, f"{KIND}: it gets a mebibyte")
    same(call.failure("python", {"do": "get", "bucket": "nexus-other", "key": "secret"})[0], ("Unhandled", "ClientError"),
         f"{KIND}: not from a bucket that its tenant may not read")
    same(call.value("python", {"do": "call", "function": "shell", "event": {"from": "a guest"}}), {"from": "a guest"},
         f"{KIND}: it invokes another function, whose microVM is another one")


def test_whole_gateway():
    caller.relay(call.value("python", {"do": "gateway", "port": 8081}))


test_cold()
test_warm()
test_gateway()
if CLONED:
    test_whole_gateway()
caller.done()
