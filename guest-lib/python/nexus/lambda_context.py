# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What a handler gets beside the event."""
import os
import sys
import time


class _Known:
    """An object of the fields that a document may have; others are dropped."""

    __slots__ = ()

    def __init__(self, values):
        for name in self.__slots__:
            setattr(self, name, values.get(name))

    def __repr__(self):
        return f"{type(self).__name__}([{','.join(f'{name}={getattr(self, name)}' for name in self.__slots__)}])"


class Client(_Known):
    __slots__ = ("installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")


class ClientContext(_Known):
    __slots__ = ("custom", "env", "client")

    def __init__(self, values):
        super().__init__(values)
        self.client = None if self.client is None else Client(self.client)


class CognitoIdentity(_Known):
    """Callers of a node have none."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class LambdaContext:
    """`client_context`: the caller's, as a dictionary, or None."""

    def __init__(self, invocation, client_context):
        environment = os.environ.get
        self._deadline_ms = invocation["deadline_ms"]
        self.aws_request_id = invocation["request_id"]
        self.function_name = environment("AWS_LAMBDA_FUNCTION_NAME", invocation["function_name"])
        self.log_group_name = environment("AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{self.function_name}")
        self.log_stream_name = environment("AWS_LAMBDA_LOG_STREAM_NAME")
        self.memory_limit_in_mb = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.function_version = environment("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.invoked_function_arn = invocation["function_arn"]
        self.tenant_id = None
        self.client_context = None if client_context is None else ClientContext(client_context)
        self.identity = CognitoIdentity({})

    def get_remaining_time_in_millis(self):
        return max(0, int(self._deadline_ms - time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))

    def __repr__(self):
        shown = ("aws_request_id", "log_group_name", "log_stream_name", "function_name", "memory_limit_in_mb",
                 "function_version", "invoked_function_arn", "client_context", "identity", "tenant_id")
        return f"LambdaContext([{','.join(f'{name}={getattr(self, name)}' for name in shown)}])"


def set_environment(name):
    """Of the variables that functions look at, those that whoever started us has not set. `name`: the handler's."""
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    version = "python%d.%d" % sys.version_info[:2]
    for variable, value in (
            ("AWS_REGION", region), ("AWS_DEFAULT_REGION", region), ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_EXECUTION_ENV", f"AWS_Lambda_{version}"), ("_HANDLER", name), ("TZ", ":UTC"),
            ("LAMBDA_TASK_ROOT", os.getcwd()), ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", str(_memory()))):
        os.environ.setdefault(variable, value)


def _memory():
    """This machine's, in MiB, as it is bought: the kernel keeps some of it to itself."""
    mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return -(-mib // 64) * 64


class Identified:
    """Each microVM, and each clone of one, has a log stream of its own, unless the variable says which."""

    def __init__(self):
        self._given = os.environ.get("AWS_LAMBDA_LOG_STREAM_NAME")

    def renew(self):
        if self._given is None:
            day = time.strftime("%Y/%m/%d", time.gmtime())
            version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            os.environ["AWS_LAMBDA_LOG_STREAM_NAME"] = f"{day}/[{version}]{os.urandom(16).hex()}"
