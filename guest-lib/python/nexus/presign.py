# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Presigned URLs and forms: put together and signed on the host, which has the keys."""
import nexus
from nexus import s3_shapes as shapes

_METHODS = {"GetObject": "GET", "HeadObject": "HEAD", "PutObject": "PUT", "UploadPart": "PUT", "DeleteObject": "DELETE"}
_PARAMS = {"VersionId": "versionId", "UploadId": "uploadId", "PartNumber": "partNumber"}


def _asked(client, operation, params, start):
    try:
        return nexus.call(start)
    except nexus.Error as error:
        client._fail_s3(error, operation, params)


def _headers(s3, operation, params):
    headers = s3.headers_of(operation, params)
    options = s3._options(operation, params)
    for option, header in (("content_type", "content-type"), ("range", "range"), ("if_match", "if-match"),
                           ("if_none_match", "if-none-match"), ("if_modified_since", "if-modified-since"),
                           ("if_unmodified_since", "if-unmodified-since")):
        if option in options:
            headers[header] = options[option]
    headers.update((f"x-amz-meta-{name.lower()}", value) for name, value in options.get("metadata", {}).items())
    return headers


def _expiry(seconds):
    if not isinstance(seconds, int) or not 0 < seconds < 1 << 32:
        from botocore.exceptions import ParamValidationError
        raise ParamValidationError(report=f"ExpiresIn {seconds!r}: a number of seconds above 0 is wanted")
    return seconds


def url(client, method, params, expires, http_method):
    if method not in client._mapping:
        from botocore.exceptions import UnknownClientMethodError
        raise UnknownClientMethodError(method_name=method)
    operation = client._mapping[method]
    http_method = http_method or _METHODS.get(operation)
    if operation not in _METHODS or http_method != _METHODS[operation]:
        raise NotImplementedError(
            f"generate_presigned_url({method!r}): nexus-backend signs URLs for {', '.join(_METHODS)}, by their own "
            "methods; call it in the function, or let a service outside the guest make the URL")
    from nexus import s3
    params = dict(params)
    s3.check(operation, params)
    s3.customer_key(params, "SSECustomerKey")
    query = {}
    for name in params:
        parameter = _PARAMS.get(name) or s3._QUERY.get(name)
        if parameter and name in shapes.INPUT[operation].replace("!", "").replace(":", " ").split():
            value = params[name]
            if name == "ResponseExpires":
                from nexus import times
                value = times.http(value)
            query[parameter] = str(value)
    headers = _headers(s3, operation, params)
    op = _asked(client, operation, params, lambda channel: channel.presign(
        params["Bucket"], params["Key"], method=http_method, expires_s=_expiry(expires), params=query, headers=headers))
    return op.url


def post(client, bucket, key, fields, conditions, expires):
    import json
    op = _asked(client, "PutObject", {"Bucket": bucket, "Key": key}, lambda channel: channel.presign(
        bucket, key, expires_s=_expiry(expires), conditions=json.dumps(list(conditions or ()))))
    return {"url": op.url, "fields": {**(fields or {}), **dict(op.header_list)}}
