# SPDX-License-Identifier: GPL-2.0-only
"""Sessions, regions, endpoints, configurations, exceptions: what happens before anything is sent."""
import copy
import importlib
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


MODULES = """
    boto3.compat boto3.dynamodb.table boto3.dynamodb.transform boto3.resources.base boto3.resources.collection boto3.utils
    botocore.auth botocore.awsrequest botocore.compat botocore.endpoint botocore.errorfactory botocore.eventstream
    botocore.handlers botocore.hooks botocore.loaders botocore.model botocore.signers botocore.utils botocore.validate
    """
IMPORTED = """
    boto3.dynamodb.table.BatchWriter boto3.dynamodb.table.TableResource boto3.exceptions.PythonDeprecationWarning
    boto3.resources.base.ServiceResource botocore.credentials.RefreshableCredentials botocore.endpoint.Endpoint
    botocore.handlers.disable_signing botocore.hooks.HierarchicalEmitter botocore.signers.CloudFrontSigner
    """


def _refused(call, *args):
    try:
        return call(*args)
    except Exception as error:  # its class is the fact
        return type(error).__name__


def imports(see):
    """What functions and their libraries import, beside what they call."""
    for name in MODULES.split():
        see.fact(f"import {name}", "is there", _refused(lambda name=name: bool(importlib.import_module(name))))
    for name in IMPORTED.split():
        module, _, attribute = name.rpartition(".")
        see.fact(f"from {module} import {attribute}", "is there",
                 _refused(lambda module=module, attribute=attribute: bool(getattr(importlib.import_module(module), attribute))))
    see.fact("import botocore.nonsense", "exception", _refused(importlib.import_module, "botocore.nonsense"))
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    request = AWSRequest("GET", "https://x.execute-api.us-east-1.amazonaws.com/a?b=c", headers={"X-Amz-Date": "x"})
    SigV4Auth(boto3.Session("key", "secret").get_credentials(), "execute-api", "us-east-1").add_auth(request)
    see.fact("SigV4Auth", "headers", sorted(request.headers.keys()))
    see.fact("SigV4Auth", "begins", request.headers["Authorization"][:36])
    from botocore.handlers import disable_signing
    boto3.client("s3", region_name="us-east-1").meta.events.register("choose-signer.s3.*", disable_signing)


SERVICES = """
    acm application-autoscaling athena cloudwatch codebuild cognito-idp comprehend dynamodb dynamodbstreams ecr ecs events
    firehose glue kinesis kms lambda logs rekognition s3 secretsmanager ses sns sqs ssm stepfunctions sts textract transcribe
    translate iam
    """


def tracers(see):
    """What tracers look at, and put themselves around."""
    from botocore.client import BaseClient
    from botocore.endpoint import Endpoint
    see.fact("Endpoint", "prepare_request", callable(Endpoint.prepare_request))
    for service in SERVICES.split():
        client = boto3.client(service, region_name="us-east-1")
        model = client._service_model
        see.fact(f"client {service}", "names", [model.service_id, model.service_id.hyphenize(), model.signing_name,
                                                model.endpoint_prefix, client._endpoint._endpoint_prefix, client.meta.region_name])
        if service != "sts":    # regional in newer boto3s
            see.fact(f"client {service}", "endpoint", client._endpoint.host)
    see.fact("client sqs", "has an operation of no such name", hasattr(boto3.client("sqs", region_name="us-east-1"), "no_such_thing"))
    unchecked = boto3.client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9",
                             config=Config(parameter_validation=False, retries={"max_attempts": 0}))
    see.fact("Config parameter_validation=False", "a wrong type", _refused(lambda: unchecked.get_object(
        Bucket="b-b", Key="k", Range=3) and None))
    see.fact("client", "operation_model", client._service_model.operation_model("ListUsers").name)
    plain, calls = BaseClient._make_api_call, []

    def traced(self, operation, params):
        calls.append([self._endpoint._endpoint_prefix, operation, self.meta.region_name, sorted(params)])
        return plain(self, operation, params)

    BaseClient._make_api_call = traced
    try:
        boto3.client("s3", region_name="us-east-1", endpoint_url="http://127.0.0.1:9").get_object(Bucket="no bucket", Key="k")
    except botocore.exceptions.ParamValidationError:
        see.fact("a traced call", "seen", calls)
    finally:
        BaseClient._make_api_call = plain
    for region in ("eu-west-1", "cn-north-1", "us-gov-west-1"):
        see.fact(f"client in {region}", "partition", boto3.client("sqs", region_name=region).meta.partition)
        see.fact("Session.get_partition_for_region", region, boto3.Session().get_partition_for_region(region))


def credentials(see):
    session = boto3.Session("key", "secret", "token", region_name="eu-central-1")
    frozen = session.get_credentials().get_frozen_credentials()
    see.fact("get_frozen_credentials", "repr", repr(frozen))
    see.fact("get_frozen_credentials", "_asdict", frozen._asdict())
    for keywords in ({"aws_access_key_id": "x"}, {"aws_secret_access_key": "x"}):
        see.call(f"client with {keywords}", boto3.client, "s3", **keywords)
    see.fact("Session", "_session", [session._session.get_config_variable("region"), session._session.get_credentials().token])
    see.fact("Session", "partitions", session.get_available_partitions())
    see.fact("Session", "regions", {"eu-west-1", "us-east-1"} <= set(session.get_available_regions("s3")))
    below = botocore.session.get_session()
    below.set_credentials("a", "b", "c")
    below.set_config_variable("region", "eu-west-3")
    above = boto3.Session(botocore_session=below)
    see.fact("a botocore session", "client", below.create_client("s3").meta.region_name)
    see.fact("a botocore session", "boto3's", [above.region_name, above.client("sqs").meta.region_name, above.get_credentials().token])
    from botocore.credentials import RefreshableCredentials
    made = RefreshableCredentials.create_from_metadata(
        {"access_key": "r", "secret_key": "s", "token": "t", "expiry_time": "2099-01-01T00:00:00Z"}, dict, "sts-assume-role")
    below._credentials = made
    see.fact("RefreshableCredentials", "values", [*above.get_credentials().get_frozen_credentials(), made.method])


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
    imports(see)
    tracers(see)
    credentials(see)
