#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""A custom runtime in plain Python, whose function uses an unmodified boto3 through the guest's gateway.

The event's "do" names what it does. It has no keys and no network.
"""
import http.client
import json
import os
import random
import subprocess
import sys
import time
import traceback

import boto3
import botocore.config

CONFIG = botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"})
ENDPOINT = os.environ["AWS_ENDPOINT_URL"]    # this boto3 is older than that variable
s3 = boto3.client("s3", endpoint_url=ENDPOINT, config=CONFIG)


def where(event):
    """What this guest has, and what boto3 is."""
    import urllib3    # pylint: disable=import-outside-toplevel
    return {"interfaces": os.listdir("/sys/class/net"), "boto3": boto3.__version__, "file": boto3.__file__,
            "transport": urllib3.__file__, "uid": os.getuid(),
            "keys": [v for k, v in sorted(os.environ.items()) if "KEY" in k or "TOKEN" in k]}


def copy(event):
    """An object to upper case, under another key."""
    text = s3.get_object(Bucket=event["bucket"], Key=event["from"])["Body"].read()
    s3.put_object(Bucket=event["bucket"], Key=event["to"], Body=text.upper())
    head = s3.head_object(Bucket=event["bucket"], Key=event["to"])
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=event["bucket"], Prefix=event["to"])["Contents"]]
    return {"length": head["ContentLength"], "keys": keys}


def get(event):
    return len(s3.get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read())


def call(event):
    """Another function."""
    client = boto3.client("lambda", endpoint_url=ENDPOINT, config=CONFIG)
    return json.load(client.invoke(FunctionName=event["function"], Payload=json.dumps(event["event"]))["Payload"])


def dice(event):
    return {"random": random.random(), "urandom": os.urandom(8).hex()}


def gateway(event):
    """The tests of selftests/unix/gateway.py, in here."""
    with subprocess.Popen([sys.executable, "/var/task/gateway.py", "/tmp/tap", str(event["port"])]) as process:
        while not os.path.exists("/tmp/tap") and process.poll() is None:
            time.sleep(0.2)
        process.kill()
    with open("/tmp/tap") as file:
        return file.read()


def main():
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    base = "/2018-06-01/runtime/invocation/"
    while True:
        api.request("GET", base + "next")
        response = api.getresponse()
        identity, event = response.headers["Lambda-Runtime-Aws-Request-Id"], json.load(response)
        try:
            api.request("POST", f"{base}{identity}/response", json.dumps(globals()[event["do"]](event)))
        except Exception as e:    # pylint: disable=broad-except
            api.request("POST", f"{base}{identity}/error", json.dumps({
                "errorType": type(e).__name__, "errorMessage": str(e), "stackTrace": traceback.format_tb(e.__traceback__)}))
        api.getresponse().read()


main()
