# SPDX-License-Identifier: GPL-2.0-only
"""Calls that the shim lacks. usage: fallback.py with|without   (the genuine boto3 beside it)   TAP"""
import contextlib
import importlib
import io
import os
import sys

import boto3
from botocore.exceptions import ClientError, UnknownServiceError

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unix"))
from tap import Tap    # pylint: disable=wrong-import-position

tap = Tap()
ok = tap.ok


def raised(call, *args, **kwargs):
    try:
        return call(*args, **kwargs)
    except Exception as error:
        return error


def with_it():
    client, said = boto3.client("lambda"), io.StringIO()
    with contextlib.redirect_stderr(said):
        errors = [raised(client.get_function, FunctionName="any") for _ in range(2)]
    for error in errors:
        ok(type(error).__name__ == "ResourceNotFoundException" and isinstance(error, ClientError) and
           error.operation_name == "GetFunction" and error.response["Error"]["Code"] == "ResourceNotFoundException" and
           error.response["ResponseMetadata"]["HTTPStatusCode"] == 404,
           "the genuine boto3 asks the service, through the host; its error is the shim's class", error,
           getattr(error, "response", None))
    lines = said.getvalue().splitlines()
    ok(len(lines) == 1 and "lambda.get_function()" in lines[0] and "genuine boto3" in lines[0], "the log says so, once", lines)
    with contextlib.redirect_stderr(said):
        answer = raised(client.list_tags, Resource="arn:aws:lambda:us-east-1:123456789012:function:any")
    ok(isinstance(answer, ClientError) and len(said.getvalue().splitlines()) == 2, "and once for another call", answer)
    ok({"nexus._genuine_boto3.session", "boto3.session"} <= set(sys.modules), "both are loaded, side by side")
    with contextlib.redirect_stderr(said):
        answer = raised(boto3.client("s3").get_bucket_acl, Bucket="nexus-other")
        given = raised(boto3.client("s3").get_bucket_website, Bucket="nexus-test")
    ok(isinstance(answer, ClientError) and answer.response["Error"]["Code"] == "AccessDenied",
       "S3's rarer operations are the shim's, and the host's to refuse", answer)
    ok(isinstance(given, ClientError) and given.response["Error"]["Code"] == "NoSuchWebsiteConfiguration", "or to sign",
       given)
    with contextlib.redirect_stderr(said):
        answer = raised(boto3.client("apigateway").get_rest_apis)
    ok(isinstance(answer, ClientError) and "endpoint" in str(answer), "so is a service without an endpoint, with the remedy",
       answer)
    bucket = boto3.resource("s3").Bucket("nexus-other")
    with contextlib.redirect_stderr(said):
        answer = raised(lambda: list(bucket.object_versions.all()))
        again = raised(bucket.Acl().load)
    ok(all(isinstance(error, ClientError) and error.response["Error"]["Code"] == "AccessDenied" for error in (answer, again)),
       "a resource's collections and children come from there, too", answer, again)
    with contextlib.redirect_stderr(said):
        answer = raised(boto3.client("s3").select_object_content, Bucket="nexus-other", Key="x", Expression="e",
                        ExpressionType="SQL", InputSerialization={}, OutputSerialization={})
    ok(isinstance(answer, ClientError) and answer.response["Error"]["Code"] == "AccessDenied" and
       "s3.select_object_content()" in said.getvalue(), "so does an operation whose answer is a stream of events", answer)
    before = len(said.getvalue().splitlines())
    with contextlib.redirect_stderr(said):
        signers, again = (importlib.import_module("botocore.signers") for _ in range(2))
        answer = raised(importlib.import_module, "botocore.stub")
    ok(signers is again and hasattr(signers, "CloudFrontSigner") and len(said.getvalue().splitlines()) == before + 1 and
       "botocore.signers" in said.getvalue(), "modules that it lacks are lent, which is said once", signers)
    ok(isinstance(answer, ModuleNotFoundError) and "_make_api_call" in str(answer), "but for what would not do what it is for", answer)
    import botocore.exceptions
    with contextlib.redirect_stderr(said):
        answer = raised(client.get_function)
    ok(isinstance(answer, botocore.exceptions.ParamValidationError), "a wrong call is told as the shim's exception", answer)


def without_it():
    answer = raised(boto3.client("lambda").get_function, FunctionName="any")
    ok(isinstance(answer, NotImplementedError) and "lambda.get_function()" in str(answer) and
       "python3-boto3" in str(answer), "without it: NotImplementedError names the call and the remedy", answer)
    answer = raised(boto3.client, "apigateway")
    ok(isinstance(answer, UnknownServiceError) and "python3-boto3" in str(answer), "a service that the shim does not know", answer)
    answer = raised(importlib.import_module, "botocore.signers")
    ok(isinstance(answer, ModuleNotFoundError) and answer.name == "botocore.signers" and "python3-boto3" in str(answer),
       "a module that it lacks", answer)
    answer = raised(importlib.import_module, "botocore.stub")
    ok(isinstance(answer, ModuleNotFoundError) and "_make_api_call" in str(answer), "a module that would not do what it is for", answer)
    for call, named in ((lambda: boto3.client("lambda").get_paginator("list_functions"), "lambda.get_paginator()"),
                        (lambda: boto3.Session().get_available_regions("s3"), "get_available_regions()")):
        answer = raised(call)
        ok(isinstance(answer, NotImplementedError) and named in str(answer) and "python3-boto3" in str(answer), named, answer)
    answer = raised(boto3.resource, "ec2")
    ok(isinstance(answer, Exception) and "ec2" in str(answer), "a resource that it does not know", answer)
    answer = raised(boto3.client("s3").select_object_content, Bucket="b", Key="k")
    ok(isinstance(answer, NotImplementedError) and "select_object_content()" in str(answer), "an operation whose answer is a "
       "stream of events", answer)
    answer = raised(boto3.client("s3").get_bucket_website, Bucket="nexus-test")
    ok(isinstance(answer, ClientError) and answer.response["Error"]["Code"] == "NoSuchWebsiteConfiguration",
       "S3's rarer operations are the shim's own", answer)
    answer = raised(lambda: boto3.resource("s3").Bucket("b").object_versions)
    ok(isinstance(answer, NotImplementedError) and "object_versions" in str(answer), "a resource's attribute that it lacks", answer)
    answer = raised(lambda: boto3.client("s3").no_such_call)
    ok(isinstance(answer, AttributeError), "what nobody has is no attribute", answer)


if __name__ == "__main__":
    {"with": with_it, "without": without_it}[sys.argv[1]]()
    sys.exit(tap.done())
