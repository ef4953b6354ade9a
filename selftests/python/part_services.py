# SPDX-License-Identifier: GPL-2.0-only
"""Lambda's invoke, and services by the generic JSON and query clients."""
import base64
import datetime
import os

import boto3
from botocore.config import Config


def _client(service, port):
    return boto3.client(service, region_name="us-east-1", config=Config(retries={"max_attempts": 0}),
                        endpoint_url=f"http://127.0.0.1:{os.environ[f'NEXUS_{port}_PORT']}")


def _refused(call, *args):
    try:
        return call(*args)
    except Exception as error:  # its class and code are the fact
        return [type(error).__name__, getattr(error, "response", {}).get("Error", {}).get("Code")]


def functions(see):
    client = _client("lambda", "LAMBDA")

    def invoke(name, **kwargs):
        answer = see.call(f"invoke {name}", client.invoke, **kwargs)
        if answer:
            see.fact(f"invoke {name}", "Payload", answer["Payload"].read())

    invoke("bytes", FunctionName="echo", Payload=b'{"a": 1}')
    invoke("a string", FunctionName="echo", Payload='{"a": 1}')
    invoke("nothing", FunctionName="echo")
    invoke("a function that fails", FunctionName="fails", Payload=b"{}")
    invoke("Event", FunctionName="echo", InvocationType="Event", Payload=b"{}")
    invoke("DryRun", FunctionName="echo", InvocationType="DryRun", Payload=b"{}")
    invoke("LogType", FunctionName="echo", LogType="Tail", Payload=b"{}")
    invoke("Qualifier", FunctionName="echo", Qualifier="v 1", Payload=b"{}")
    invoke("ClientContext", FunctionName="echo", ClientContext=base64.b64encode(b"{}").decode(), Payload=b"{}")
    invoke("1 MiB", FunctionName="echo", Payload=b'"' + b"x" * (1 << 20) + b'"')
    invoke("an ARN", FunctionName="arn:aws:lambda:us-east-1:123456789012:function:echo", Payload=b"{}")
    invoke("a function that is not there", FunctionName="missing")
    invoke("a busy function", FunctionName="busy")
    invoke("an unknown error", FunctionName="unknown-error")
    invoke("without a name")
    invoke("a Payload of a wrong type", FunctionName="echo", Payload={"a": 1})
    invoke("an unknown parameter", FunctionName="echo", Nonsense=1)
    see.fact("lambda", "can_paginate()", [client.can_paginate(name) for name in ("list_functions", "invoke")])
    see.call("lambda get_paginator of what has no pages", client.get_paginator, "invoke")
    see.fact("lambda paginate list_functions", "pages", _refused(list, client.get_paginator("list_functions").paginate()))
    try:
        client.invoke(FunctionName="missing")
    except client.exceptions.ResourceNotFoundException as error:
        see.fact("invoke", "ResourceNotFoundException caught", error.response["Error"]["Code"])


def json_services(see):
    secrets = _client("secretsmanager", "JSON")
    see.call("secretsmanager get_secret_value", secrets.get_secret_value, SecretId="s")
    see.call("secretsmanager get_secret_value of none", secrets.get_secret_value, SecretId="missing")
    try:
        secrets.get_secret_value(SecretId="missing")
    except secrets.exceptions.ResourceNotFoundException as error:
        see.fact("secretsmanager", "ResourceNotFoundException caught", error.response["Error"]["Message"])
    ssm = _client("ssm", "JSON")
    see.call("ssm get_parameter", ssm.get_parameter, Name="/a/b", WithDecryption=True)
    see.call("ssm get_parameter of none", ssm.get_parameter, Name="missing")
    states = _client("stepfunctions", "JSON")
    see.call("stepfunctions start_execution", states.start_execution, stateMachineArn="arn:x", name="n", input="{}")
    see.call("stepfunctions describe_execution of none", states.describe_execution, executionArn="arn:y")
    events = _client("events", "JSON")
    see.call("events put_events", events.put_events, Entries=[
        {"Source": "s", "DetailType": "d", "Detail": "{}", "Time": datetime.datetime(2026, 1, 2, 3, 4, 5)}])
    kms = _client("kms", "JSON")
    see.call("kms encrypt", kms.encrypt, KeyId="k", Plaintext=b"\x00\x01")
    kinesis = _client("kinesis", "KINESIS")
    see.call("kinesis describe_stream of none", kinesis.describe_stream, StreamName="none")
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    see.fact("kinesis list_streams", "names", kinesis.list_streams()["StreamNames"])
    for _ in range(50):
        description = kinesis.describe_stream(StreamName="stream")["StreamDescription"]
        if description["StreamStatus"] == "ACTIVE":
            break
    see.fact("kinesis describe_stream", "StreamCreationTimestamp", description["StreamCreationTimestamp"])
    put = kinesis.put_record(StreamName="stream", Data=b"\x00data\xff", PartitionKey="p")
    see.fact("kinesis put_record", "keys", sorted(put))
    shard = description["Shards"][0]["ShardId"]
    iterator = kinesis.get_shard_iterator(StreamName="stream", ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    records = kinesis.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    see.fact("kinesis get_records", "Data", [record["Data"] for record in records])
    see.fact("kinesis get_records", "ApproximateArrivalTimestamp", records[0]["ApproximateArrivalTimestamp"])
    see.call("kinesis delete_stream", kinesis.delete_stream, StreamName="stream")


def query_services(see):
    sns = _client("sns", "QUERY")
    see.call("sns publish", sns.publish, TopicArn="arn:aws:sns:us-east-1:123456789012:t", Message="hello & more",
             MessageAttributes={"a": {"DataType": "String", "StringValue": "v"}})
    see.call("sns publish to none", sns.publish, TopicArn="arn:aws:sns:us-east-1:123456789012:missing", Message="m")
    see.call("sns list_topics", sns.list_topics)
    sts = _client("sts", "QUERY")
    see.call("sts get_caller_identity", sts.get_caller_identity)


def queues(see):
    """SQS: by the query protocol there, in JSON here."""
    sqs = _client("sqs", "SQS")
    url = sqs.get_queue_url(QueueName="queue")["QueueUrl"]
    see.fact("sqs get_queue_url", "value", url)
    see.fact("sqs list_queues", "value", sqs.list_queues(QueueNamePrefix="q")["QueueUrls"])
    see.call("sqs send_message", sqs.send_message, QueueUrl=url, MessageBody="a body", DelaySeconds=1, MessageAttributes={
        "a": {"DataType": "String", "StringValue": "v"}, "b": {"DataType": "Binary", "BinaryValue": b"\x00"}})
    see.call("sqs receive_message", sqs.receive_message, QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=0,
             AttributeNames=["All"])
    see.call("sqs receive_message of an empty queue", sqs.receive_message, QueueUrl=url + "-empty")
    see.call("sqs get_queue_attributes", sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["All"])
    see.call("sqs delete_message", sqs.delete_message, QueueUrl=url, ReceiptHandle="handle")
    see.call("sqs purge_queue", sqs.purge_queue, QueueUrl=url)
    see.call("sqs get_queue_url of none", sqs.get_queue_url, QueueName="missing")
    try:
        sqs.receive_message(QueueUrl=url + "-missing")
    except sqs.exceptions.QueueDoesNotExist as error:
        see.fact("sqs exceptions.QueueDoesNotExist", "code", error.response["Error"]["Code"])
    see.fact("sqs paginate list_queues", "urls", [
        found for page in sqs.get_paginator("list_queues").paginate() for found in page["QueueUrls"]])


def run(see):
    functions(see)
    json_services(see)
    query_services(see)
    queues(see)
