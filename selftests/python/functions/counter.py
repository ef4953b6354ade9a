# SPDX-License-Identifier: GPL-2.0-only
"""Counts the visitors of pages in a DynamoDB table, TABLE_NAME; nobody is counted twice."""
import json
import os

import boto3
from boto3.dynamodb.conditions import Attr, Key
from botocore.exceptions import ClientError

table = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])


def visit(page, visitor):
    try:
        table.put_item(Item={"page": page, "visitor": visitor}, ConditionExpression=Attr("visitor").not_exists())
    except ClientError as error:
        if error.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    table.update_item(Key={"page": page, "visitor": "*"}, UpdateExpression="ADD visits :one",
                      ExpressionAttributeValues={":one": 1})
    return True


def handler(event, context):
    page = event["page"]
    new = [visitor for visitor in event["visitors"] if visit(page, visitor)]
    total = table.get_item(Key={"page": page, "visitor": "*"})["Item"]["visits"]
    known = table.query(KeyConditionExpression=Key("page").eq(page) & Key("visitor").gt("*"))
    return {"statusCode": 200, "headers": {"Content-Type": "application/json"},
            "body": json.dumps({"page": page, "new": new, "visits": int(total),
                                "visitors": [item["visitor"] for item in known["Items"]]})}
