# SPDX-License-Identifier: GPL-2.0-only
"""The independent client of the tests: boto3 on bucket nexus-test.

judge.py put KEY FILE | get KEY FILE | head KEY | keys PREFIX | delete KEY
"""
import os
import sys

import boto3
import botocore.config

BUCKET = "nexus-test"


def main(verb, *arguments):
    client = boto3.client("s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
                          aws_access_key_id=os.environ["NEXUS_AWS_ACCESS_KEY_ID"],
                          aws_secret_access_key=os.environ["NEXUS_AWS_SECRET_ACCESS_KEY"],
                          config=botocore.config.Config(s3={"addressing_style": "path"}))
    if verb == "put":
        client.upload_file(arguments[1], BUCKET, arguments[0])
    elif verb == "get":
        client.download_file(BUCKET, *arguments)
    elif verb == "head":
        head = client.head_object(Bucket=BUCKET, Key=arguments[0])
        for name in ("ContentLength", "ContentType", "CacheControl", "Metadata"):
            print(name, head.get(name))
    elif verb == "delete":
        client.delete_object(Bucket=BUCKET, Key=arguments[0])
    elif verb == "keys":
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=arguments[0])
        for page in pages:
            for item in page.get("Contents", []):
                print(item["Key"][len(arguments[0]):])
    else:
        sys.exit(__doc__)


main(*sys.argv[1:])
