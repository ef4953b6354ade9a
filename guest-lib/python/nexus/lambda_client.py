# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""client('lambda'): invoke(); the rest is the genuine boto3's."""
from nexus import params as checks
from nexus.client import refuse_positional, response_headers
from nexus.json_client import AwsClient, metadata

_INVOKE = "FunctionName!:s1 InvocationType LogType ClientContext Payload:B Qualifier:s1"


class Lambda(AwsClient):
    __module__ = "botocore.client"
    _mapping = {"invoke": "Invoke"}
    _exception_names = frozenset((
        "CodeSigningConfigNotFoundException", "CodeStorageExceededException", "CodeVerificationFailedException",
        "EC2AccessDeniedException", "EC2ThrottledException", "EC2UnexpectedException", "EFSIOException",
        "EFSMountConnectivityException", "EFSMountFailureException", "EFSMountTimeoutException",
        "ENILimitReachedException", "InvalidCodeSignatureException", "InvalidParameterValueException",
        "InvalidRequestContentException", "InvalidRuntimeException", "InvalidSecurityGroupIDException",
        "InvalidSubnetIDException", "InvalidZipFileException", "KMSAccessDeniedException", "KMSDisabledException",
        "KMSInvalidStateException", "KMSNotFoundException", "PolicyLengthExceededException",
        "PreconditionFailedException", "ProvisionedConcurrencyConfigNotFoundException", "RequestTooLargeException",
        "ResourceConflictException", "ResourceInUseException", "ResourceNotFoundException",
        "ResourceNotReadyException", "ServiceException", "SnapStartException", "SnapStartNotReadyException",
        "SnapStartTimeoutException", "SubnetIPAddressLimitReachedException", "TooManyRequestsException",
        "UnsupportedMediaTypeException"))
    _others = "*"

    def invoke(self, *args, **kwargs):
        if args:
            refuse_positional("invoke")
        return self._make_api_call("Invoke", kwargs)

    def _dispatch(self, operation, kwargs):
        checks.check(_INVOKE, kwargs, {})
        from urllib.parse import quote
        path = f"/2015-03-31/functions/{quote(kwargs['FunctionName'], safe='')}/invocations"
        query = "Qualifier=" + quote(kwargs["Qualifier"], safe="") if "Qualifier" in kwargs else ""
        headers = {}
        for name, header in (("InvocationType", "x-amz-invocation-type"), ("LogType", "x-amz-log-type"),
                             ("ClientContext", "x-amz-client-context")):
            if name in kwargs:
                headers[header] = kwargs[name]
        payload = kwargs.get("Payload", b"")
        if hasattr(payload, "read"):
            payload = payload.read()
        if isinstance(payload, str):
            payload = payload.encode()
        op, body = self._send("Invoke", path=path, query=query, headers=headers, body=payload)
        if op.http_status >= 300:
            self._raise(op, "Invoke", body)
        answer = response_headers(op)
        result = {"ResponseMetadata": metadata(op), "StatusCode": op.http_status}
        for name, header in (("FunctionError", "x-amz-function-error"), ("LogResult", "x-amz-log-result"),
                             ("ExecutedVersion", "x-amz-executed-version")):
            if header in answer:
                result[name] = answer[header]
        from io import BytesIO
        from botocore.response import StreamingBody
        result["Payload"] = StreamingBody(BytesIO(body), len(body))
        return result

    def _more_of_error(self, response, parsed):
        if response["Error"]["Code"] not in self._exception_names:
            return
        kind = parsed.get("Type")
        response["Error"]["Message"] = parsed.get("Message") or parsed.get("message") or ""
        if kind:
            response["Type"] = kind
        for name in ("message", "Message", "Reason", "retryAfterSeconds"):
            if name in parsed:
                response[name] = parsed[name]
