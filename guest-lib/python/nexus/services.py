# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Which services there are, and how each is spoken to."""
import os

from nexus.client import partition

# name: class, protocol, then for "json": the prefix of X-Amz-Target and the version of the protocol; for "query":
# the version of the API. `signs` where the signing name is another, `host` where the first label of the host is, `id`
# where botocore's name of the service is not the class's.
_TABLE = {
    "acm": ("ACM", "json", "CertificateManager", "1.1"),
    "application-autoscaling": ("ApplicationAutoScaling", "json", "AnyScaleFrontendService", "1.1", {"id": "Application Auto Scaling"}),
    "athena": ("Athena", "json", "AmazonAthena", "1.1"),
    "cloudwatch": ("CloudWatch", "query", "2010-08-01", "", {"signs": "monitoring", "host": "monitoring"}),
    "codebuild": ("CodeBuild", "json", "CodeBuild_20161006", "1.1"),
    "cognito-idp": ("CognitoIdentityProvider", "json", "AWSCognitoIdentityProviderService", "1.1", {"id": "Cognito Identity Provider"}),
    "comprehend": ("Comprehend", "json", "Comprehend_20171127", "1.1"),
    "dynamodb": ("DynamoDB", "dynamodb", "DynamoDB_20120810", "1.0"),
    "dynamodbstreams": ("DynamoDBStreams", "json", "DynamoDBStreams_20120810", "1.0",
                        {"signs": "dynamodb", "host": "streams.dynamodb", "id": "DynamoDB Streams"}),
    "ecr": ("ECR", "json", "AmazonEC2ContainerRegistry_V20150921", "1.1", {"host": "api.ecr"}),
    "ecs": ("ECS", "json", "AmazonEC2ContainerServiceV20141113", "1.1"),
    "events": ("EventBridge", "json", "AWSEvents", "1.1"),
    "firehose": ("Firehose", "json", "Firehose_20150804", "1.1"),
    "glue": ("Glue", "json", "AWSGlue", "1.1"),
    "iam": ("IAM", "query", "2010-05-08", ""),
    "kinesis": ("Kinesis", "json", "Kinesis_20131202", "1.1"),
    "kms": ("KMS", "json", "TrentService", "1.1"),
    "lambda": ("Lambda", "lambda", "", ""),
    "logs": ("CloudWatchLogs", "json", "Logs_20140328", "1.1", {"id": "CloudWatch Logs"}),
    "rekognition": ("Rekognition", "json", "RekognitionService", "1.1"),
    "s3": ("S3", "s3", "", ""),
    "secretsmanager": ("SecretsManager", "json", "secretsmanager", "1.1", {"id": "Secrets Manager"}),
    "ses": ("SES", "query", "2010-12-01", "", {"host": "email"}),
    "sns": ("SNS", "query", "2010-03-31", ""),
    "sqs": ("SQS", "json", "AmazonSQS", "1.0"),
    "ssm": ("SSM", "json", "AmazonSSM", "1.1"),
    "stepfunctions": ("SFN", "json", "AWSStepFunctions", "1.0", {"signs": "states", "host": "states"}),
    "sts": ("STS", "query", "2011-06-15", ""),
    "textract": ("Textract", "json", "Textract", "1.1"),
    "transcribe": ("TranscribeService", "json", "Transcribe", "1.1", {"id": "Transcribe"}),
    "translate": ("Translate", "json", "AWSShineFrontendService_20170701", "1.1"),
}


def names():
    return sorted(_TABLE)


class Service:
    def __init__(self, name):
        self.name = name
        self.class_name, self.protocol, self.target, self.version, *more = _TABLE[name]
        more = more[0] if more else {}
        self.signs = more.get("signs", name)
        self.host = more.get("host", name)
        self.id = more.get("id", self.class_name)


def _endpoint(service, region, use_ssl):
    """Where AWS has it. The host goes where its own configuration says; this is for people and messages."""
    variable = "AWS_ENDPOINT_URL_" + service.name.upper().replace("-", "_")
    given = os.environ.get(variable) or os.environ.get("AWS_ENDPOINT_URL")
    if given:
        return given
    scheme = "https" if use_ssl else "http"
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    if service.name == "s3" and region in ("us-east-1", "aws-global"):
        return f"{scheme}://s3.{suffix}"
    if service.name == "iam" and region == "aws-global":
        return f"{scheme}://iam.{suffix}"
    return f"{scheme}://{service.host}.{region}.{suffix}"


def _check(region, endpoint):
    if region is not None and not region.replace("-", "a").isalnum():
        from botocore.exceptions import InvalidRegionError
        raise InvalidRegionError(region_name=region)
    if endpoint is not None and not endpoint.startswith(("http://", "https://")):
        raise ValueError(f"Invalid endpoint: {endpoint}")


def client(session, name, region, endpoint, config, use_ssl, cls=None):
    """`cls`: in the place of the service's own."""
    if name not in _TABLE:
        from nexus import genuine
        return genuine.client(session, name, region, ", ".join(names()))
    service = Service(name)
    if name == "iam" and partition(region or "") == "aws":
        region = "aws-global"
    if not region and name in ("s3", "sts"):
        region = "us-east-1"
    if not region:
        from botocore.exceptions import NoRegionError
        raise NoRegionError()
    _check(region, endpoint)
    endpoint = endpoint or _endpoint(service, region, use_ssl)
    if config is None:
        from botocore.config import Config
        config = Config()
    config = config.of_client(name, region)
    if service.protocol == "s3":
        from nexus.s3 import S3
        return S3(region, endpoint, config, session)
    if cls is not None:
        pass
    elif service.protocol == "dynamodb":
        from nexus.dynamodb import DynamoDB as cls
    elif service.protocol == "lambda":
        from nexus.lambda_client import Lambda as cls
    elif service.protocol == "query":
        from nexus.query_client import QueryClient as cls
    else:
        from nexus.json_client import JsonClient as cls
    return cls(service, region, endpoint, config, session)
