# SPDX-License-Identifier: GPL-2.0-only
"""Every CSV file below a prefix becomes a JSON file beside it."""
import csv
import io
import json
import logging

import boto3
from botocore.exceptions import ClientError

logger = logging.getLogger()
logger.setLevel(logging.INFO)

s3 = boto3.client("s3")


def rows(bucket, key):
    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode("utf-8")
    return list(csv.DictReader(io.StringIO(body)))


def handler(event, context):
    bucket, prefix = event["bucket"], event["prefix"]
    converted, failed = [], []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, PaginationConfig={"PageSize": 2}):
        for item in page.get("Contents", []):
            if not item["Key"].endswith(".csv"):
                continue
            target = item["Key"][:-len(".csv")] + ".json"
            table = rows(bucket, item["Key"])
            s3.put_object(Bucket=bucket, Key=target, Body=json.dumps(table, ensure_ascii=False, indent=1),
                          ContentType="application/json")
            logger.info("%s: %d rows", item["Key"], len(table))
            converted.append({"from": item["Key"], "bytes": item["Size"], "to": target, "rows": len(table)})
    try:
        rows(bucket, prefix + "no-such-table.csv")
    except ClientError as error:
        failed.append(error.response["Error"]["Code"])
    return {"converted": converted, "failed": failed}
