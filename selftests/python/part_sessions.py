# SPDX-License-Identifier: GPL-2.0-only
"""Sessions, regions, endpoints, configurations, exceptions: what happens before anything is sent."""
import copy
import os
import pickle

import boto3
import botocore
import botocore.exceptions
import botocore.session
from botocore.client import Config as ClientConfig
from botocore.config import Config
from botocore.exceptions import ClientError

NAMES = ("EndpointConnectionError", "NoCredentialsError", "NoRegionError", "ParamValidationError", "ReadTimeoutError",
         "ConnectTimeoutError", "ConnectionClosedError", "WaiterError", "PartialCredentialsError", "ProfileNotFound",
         "UnknownServiceError", "HTTPClientError", "BotoCoreError", "IncompleteReadError", "ConnectionError",
         "OperationNotPageableError", "PaginationError", "InvalidRegionError", "SSLError", "DataNotFoundError",
         "ResponseStreamingError", "MissingParametersError", "CredentialRetrievalError", "ValidationError")


def clients(see):
    for region in ("us-east-1", "eu-west-1", "us-gov-west-1"):
        for service in ("s3", "dynamodb", "sqs", "lambda", "kinesis", "secretsmanager", "stepfunctions"):
            made = boto3.client(service, region_name=region)
            see.fact(f"client {service} in {region}", "endpoint", made.meta.endpoint_url)
            see.fact(f"client {service} in {region}", "region", made.meta.region_name)
            see.fact(f"client {service} in {region}", "class", type(made).__name__)
            see.fact(f"client {service} in {region}", "service", made.meta.service_model.service_name)
    made = boto3.client("s3", endpoint_url="http://127.0.0.1:9", region_name="eu-north-1")
    see.fact("client with an endpoint", "endpoint", made.meta.endpoint_url)
    see.fact("client with a Config's region", "region",
             boto3.client("s3", config=Config(region_name="eu-west-3")).meta.region_name)
    see.fact("client use_ssl=False", "endpoint", boto3.client("s3", use_ssl=False, region_name="eu-west-1").meta.endpoint_url)
    see.call("client with a bad endpoint", boto3.client, "s3", endpoint_url="nonsense", region_name="us-east-1")
    see.call("client with a bad region", boto3.client, "s3", region_name="bad region")
    see.fact("client", "partition", made.meta.partition)
    see.fact("client", "method_to_api_mapping", made.meta.method_to_api_mapping["list_objects_v2"])
    kept = os.environ.pop("AWS_DEFAULT_REGION", None)
    see.call("client without a region", boto3.session.Session().client, "dynamodb")
    see.fact("client s3 without a region", "region", boto3.session.Session().client("s3").meta.region_name)
    see.fact("Session without a region", "region_name", boto3.session.Session().region_name)
    os.environ["AWS_DEFAULT_REGION"] = kept or "us-east-1"
    try:
        boto3.client("nonsense")
    except botocore.exceptions.UnknownServiceError as error:
        see.fact("client of no service", "message begins", str(error)[:54])


def sessions(see):
    session = boto3.Session(region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    see.fact("Session", "region_name", session.region_name)
    see.fact("Session", "profile_name", session.profile_name)
    see.fact("Session", "repr", repr(session))
    see.fact("Session", "get_credentials().access_key", session.get_credentials().access_key)
    see.fact("Session", "client's region", session.client("s3").meta.region_name)
    see.fact("Session", "get_available_resources has", {"s3", "dynamodb"} <= set(session.get_available_resources()))
    see.fact("Session", "get_available_services has", {"s3", "dynamodb", "sqs", "lambda"} <= set(
        session.get_available_services()))
    see.call("client with half a key", boto3.Session(aws_access_key_id="a", region_name="x").client, "s3")
    see.call("Session with no such profile", boto3.Session, profile_name="nonsense")
    made = botocore.session.get_session().create_client("s3", region_name="eu-west-1")
    see.fact("botocore.session", "client's region", made.meta.region_name)
    see.fact("boto3", "DEFAULT_SESSION's class", type(boto3.DEFAULT_SESSION).__name__)
    boto3.setup_default_session(region_name="ap-south-1")
    see.fact("setup_default_session", "client's region", boto3.client("s3").meta.region_name)
    boto3.setup_default_session()
    see.fact("botocore.UNSIGNED", "copies", copy.deepcopy(botocore.UNSIGNED) is botocore.UNSIGNED)


def configs(see):
    see.fact("Config", "botocore.client's is the same", ClientConfig is Config)
    config = Config(region_name="x", retries={"max_attempts": 3}, read_timeout=7)
    for name in ("region_name", "retries", "read_timeout", "connect_timeout", "max_pool_connections", "s3",
                 "signature_version", "parameter_validation", "user_agent"):
        see.fact("Config", name, getattr(config, name))
    merged = config.merge(Config(read_timeout=9, s3={"addressing_style": "virtual"}))
    see.fact("Config.merge", "read_timeout", merged.read_timeout)
    see.fact("Config.merge", "region_name", merged.region_name)
    see.fact("Config.merge", "s3", merged.s3)
    see.call("Config with an unknown option", lambda: Config(nonsense=1))
    see.call("Config with a bad addressing style", lambda: Config(s3={"addressing_style": "nonsense"}))
    see.call("Config with bad retries", lambda: Config(retries={"nonsense": 1}))
    see.call("Config with a bad retry mode", lambda: Config(retries={"mode": "nonsense"}))
    see.call("Config with negative retries", lambda: Config(retries={"max_attempts": -1}))


def exceptions(see):
    for name in NAMES:
        cls = getattr(botocore.exceptions, name)
        see.fact(f"botocore.exceptions.{name}", "bases", [base.__name__ for base in cls.__mro__])
        see.fact(f"botocore.exceptions.{name}", "fmt", getattr(cls, "fmt", None))
    error = ClientError({"Error": {"Code": "C", "Message": "M"}, "ResponseMetadata": {
        "HTTPStatusCode": 400, "RetryAttempts": 4, "MaxAttemptsReached": True}}, "Operation")
    see.fact("ClientError", "str with retries", str(error))
    see.fact("ClientError", "str without anything", str(ClientError({}, "Operation")))
    see.fact("ClientError", "response", error.response)
    see.fact("ClientError", "operation_name", error.operation_name)
    again = pickle.loads(pickle.dumps(error))
    see.fact("ClientError", "pickled", [type(again).__name__, str(again), again.response])
    again = pickle.loads(pickle.dumps(botocore.exceptions.ReadTimeoutError(endpoint_url="http://x")))
    see.fact("ReadTimeoutError", "pickled", [type(again).__name__, str(again)])


def shared(see):
    """One client's exceptions are those of another one of its session."""
    def raised(client, code):
        return client.exceptions.from_code(code)({"Error": {"Code": code, "Message": "m"}}, "Op")

    session, other = boto3.Session(region_name="us-east-1"), boto3.Session(region_name="us-east-1")
    for service, code in (("s3", "NoSuchKey"), ("dynamodb", "ConditionalCheckFailedException"),
                          ("lambda", "ResourceNotFoundException")):
        error = raised(session.client(service), code)
        see.fact(f"{service}'s {code}", "is another client's", isinstance(error, getattr(session.client(service).exceptions, code)))
        see.fact(f"{service}'s {code}", "is another session's", isinstance(error, getattr(other.client(service).exceptions, code)))
    error = raised(session.client("s3"), "NoSuchKey")
    see.fact("s3's NoSuchKey", "is a resource's", isinstance(error, session.resource("s3").meta.client.exceptions.NoSuchKey))
    see.fact("client.exceptions", "dir()", [name for name in dir(session.client("s3").exceptions) if not name.startswith("_")])


def run(see):
    clients(see)
    sessions(see)
    configs(see)
    exceptions(see)
    shared(see)
