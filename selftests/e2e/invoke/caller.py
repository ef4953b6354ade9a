# SPDX-License-Identifier: GPL-2.0-only
"""An unmodified boto3 as the caller of functions, and TAP, for the tests about invocations."""
import concurrent.futures
import json
import os
import subprocess
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../unix"))
from tap import Tap    # pylint: disable=wrong-import-position

READ_TIMEOUT_S = 1200 if os.environ.get("FULL") else 220
tap = Tap()
ok, same, relay = tap.ok, tap.equal, tap.relay


def done():
    sys.exit(tap.done())


class Caller:
    """Of functions behind url; ctl is nexusctl's command line."""

    def __init__(self, url, ctl):
        self.client = boto3.client("lambda", endpoint_url=url, region_name="us-east-1", aws_access_key_id="k",
                                   aws_secret_access_key="s", config=botocore.config.Config(
                                       retries={"max_attempts": 0}, max_pool_connections=64,
                                       connect_timeout=READ_TIMEOUT_S, read_timeout=READ_TIMEOUT_S))
        self.ctl = ctl
        self.pool = concurrent.futures.ThreadPoolExecutor(64)

    def invoke(self, name, event, **more):
        """boto3's answer, with its payload in Body, parsed where it is JSON, and the seconds it took."""
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        start = time.monotonic()
        answer = self.client.invoke(FunctionName=name, Payload=payload, **more)
        answer["Body"] = answer["Payload"].read()
        answer["Seconds"] = time.monotonic() - start
        return answer

    def value(self, name, event):
        return json.loads(self.invoke(name, event)["Body"])

    def failure(self, name, event, **more):
        """(FunctionError, errorType) of an invocation that was accepted, and all of it."""
        answer = self.invoke(name, event, **more)
        body = json.loads(answer["Body"])
        return (answer.get("FunctionError"), body.get("errorType") if isinstance(body, dict) else body), answer

    def refusal(self, name, event):
        """(code, HTTP status) of the error that boto3 raised; None: it raised none."""
        try:
            self.invoke(name, event)
        except botocore.exceptions.ClientError as e:
            return e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"]
        return None

    def start(self, call, *arguments):
        return self.pool.submit(call, *arguments)

    def control(self, verb, name):
        """What nexusctl function VERB NAME prints."""
        return subprocess.run([*self.ctl, "function", verb, name], capture_output=True, text=True, check=True).stdout

    def show(self, name):
        return json.loads(self.control("show", name))

    def wait(self, name, condition, seconds):
        """Until condition(what nexusctl function show says); the last of these."""
        end = time.monotonic() + seconds
        while True:
            shown = self.show(name)
            if condition(shown) or time.monotonic() > end:
                return shown
            time.sleep(0.2 if seconds < 300 else 2)    # nexusctl takes time of an emulated host, too
