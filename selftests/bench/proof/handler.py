# SPDX-License-Identifier: GPL-2.0-only
"""The benchmark's function in Python, the same file in every system: gets an object, works on it, puts the result."""
import functools
import json
import os

import boto3

s3 = boto3.client("s3", region_name="us-east-1", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))


@functools.cache
def functions():
    return boto3.client("lambda", region_name="us-east-1", endpoint_url=os.environ.get("AWS_ENDPOINT_URL"))


def chain(event, data):
    """The next function copies what this one put."""
    between = "between-" + event["out"]
    s3.put_object(Bucket=event["bucket"], Key=between, Body=data)
    payload = json.dumps({**event, "key": between, "work": "copy"})
    answer = functions().invoke(FunctionName="g", Payload=payload)
    return json.loads(answer["Payload"].read())


def handler(event, context):
    if event["work"] == "none":
        return {}
    data = s3.get_object(Bucket=event["bucket"], Key=event["key"])["Body"].read()
    if event["work"] == "chain":
        return chain(event, data)
    if event["work"] != "copy":
        import work
        data = getattr(work, event["work"])(data)
    s3.put_object(Bucket=event["bucket"], Key=event["out"], Body=data)
    return {"bytes": len(data)}
