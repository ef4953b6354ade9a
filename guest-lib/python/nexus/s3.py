# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""client('s3'): a call of botocore's becomes one request to the host."""
import nexus
from nexus import params as checks
from nexus import s3_shapes as shapes
from nexus.client import BaseClient, metadata, refuse_positional

_BUCKET_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")
_BUCKET_REPORT = (
    'Invalid bucket name "{}": Bucket name must match the regex "^[a-zA-Z0-9.\\-_]{{1,255}}$" or be an ARN matching '
    'the regex "^arn:(aws).*:(s3|s3-object-lambda):[a-z\\-0-9]*:[0-9]{{12}}:accesspoint[/:][a-zA-Z0-9\\-.]{{1,63}}$|'
    '^arn:(aws).*:s3-outposts:[a-z\\-0-9]+:[0-9]{{12}}:outpost[/:][a-zA-Z0-9\\-]{{1,63}}[/:]accesspoint[/:]'
    '[a-zA-Z0-9\\-]{{1,63}}$"')
# What S3 stores for a body without a type.
_CONTENT_TYPE = "binary/octet-stream"
# Parameters that are no headers, or have a field of their own in a request to the host.
_OWN = frozenset((
    "Bucket", "Key", "Body", "Metadata", "ContentType", "ContentLength", "Range", "IfMatch", "IfNoneMatch",
    "IfModifiedSince", "IfUnmodifiedSince", "VersionId", "CopySource", "CopySourceRange", "MetadataDirective"))
# Whose answers are announced with their length, and those that come in a document.
_KINDS = {"GetObject": "object", "HeadObject": "object", "PutObject": "object", "UploadPart": "object",
          "CopyObject": "document", "UploadPartCopy": "document", "CompleteMultipartUpload": "document"}
_QUERY = {
    "ResponseCacheControl": "response-cache-control", "ResponseContentDisposition": "response-content-disposition",
    "ResponseContentEncoding": "response-content-encoding", "ResponseContentType": "response-content-type",
    "ResponseContentLanguage": "response-content-language", "ResponseExpires": "response-expires",
}


def check(operation, params, shape=None, named=shapes.SHAPES):
    """Raises botocore's errors for parameters that it would not send. `shape`, `named`: those of nexus.s3_model."""
    bucket = params.get("Bucket", "")
    if not isinstance(bucket, str):
        raise TypeError(f"expected string or bytes-like object, got {type(bucket).__name__!r}")
    if "Bucket" in params and (not bucket or len(bucket) > 255 or not _BUCKET_CHARS.issuperset(bucket)):
        checks.fail(_BUCKET_REPORT.format(bucket))
    user = params.get("Metadata")
    for name, value in user.items() if isinstance(user, dict) else ():
        try:
            name.encode("ascii"), value.encode("ascii")
        except UnicodeEncodeError:
            checks.fail(f'Non ascii characters found in S3 metadata for key "{name}", value: "{value}".  \n'
                        'S3 metadata can only contain ASCII characters. ')
    checks.check(shapes.INPUT[operation] if shape is None else shape, params, named)


def customer_key(params, name):
    """A key that the caller gives is sent in base64, with its digest."""
    key = params.get(name)
    if key is None or name + "MD5" in params:
        return
    import base64
    import hashlib
    if isinstance(key, str):
        key = key.encode()
    params[name] = base64.b64encode(key).decode()
    params[name + "MD5"] = base64.b64encode(hashlib.md5(key).digest()).decode()


def headers_of(operation, params):
    """The parameters that are headers, but those with a field of their own."""
    headers = {}
    types = checks.members(shapes.INPUT[operation])[0]
    for name, value in params.items():
        header = None if name in _OWN else shapes.IN_HEADERS.get(name)
        if header is None:
            continue
        kind = types[name]
        if kind == "t":
            from nexus import times
            value = times.iso(value) if header == "x-amz-object-lock-retain-until-date" else times.http(value)
        elif kind == "b":
            value = "true" if value else "false"
        headers[header] = str(value)
    return headers


def _is_range(text):
    """bytes=FIRST-LAST, where one of them may be missing."""
    unit, _, given = text.partition("=")
    first, dash, last = given.partition("-")
    return unit.strip() == "bytes" and dash and f"{first}{last}".isdecimal() and (
        not first or not last or int(first) <= int(last))


def _options(operation, params):
    """Keywords for _nexus, of the parameters that all requests for an object have."""
    options = {"headers": headers_of(operation, params)} if params.keys() - _OWN else {}
    for name, option in (("VersionId", "version_id"), ("Range", "range"), ("IfMatch", "if_match"),
                         ("IfNoneMatch", "if_none_match"), ("Metadata", "metadata"), ("ContentType", "content_type")):
        if name in params:
            options[option] = params[name]
    if "range" in options and not _is_range(options["range"]):
        del options["range"]    # as S3 does
    for name, option in (("IfModifiedSince", "if_modified_since"), ("IfUnmodifiedSince", "if_unmodified_since")):
        if name in params:
            from nexus import times
            options[option] = times.http(params[name])
    if not options.get("headers", True):
        del options["headers"]
    return options


# What a HEAD of the same object takes, too.
_NAMES = frozenset((
    "Bucket", "Key", "ExpectedBucketOwner", "RequestPayer", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5"))


def asked_headers(params):
    """The headers that a caller wants to be answered with: S3 puts them in the place of the object's, and so do we."""
    headers = {}
    for name in _QUERY:
        if name in params:
            value = params[name]
            if name == "ResponseExpires":
                from nexus import times
                value = times.http(value)
            headers[_QUERY[name].removeprefix("response-")] = value
    return headers


def result_of(operation, op, headers=()):
    """The answer's members that are headers, and its metadata. `headers`: those that are to be others."""
    result = {"ResponseMetadata": metadata(op, kind=_KINDS.get(operation, ""))}
    result["ResponseMetadata"]["HTTPHeaders"].update(headers)
    result.update(header_members(shapes.OUTPUT[operation].split(), result["ResponseMetadata"]["HTTPHeaders"]))
    return result


def header_members(names, headers):
    """Members of an answer that are headers, as far as they are there."""
    result = {}
    for name in names:
        header, kind = shapes.OUT_HEADERS[name]
        value = headers.get(header)
        if value is None:
            continue
        if kind == "t":
            from nexus import times
            value = times.parse(value)
        elif kind in "il":
            value = int(value)
        elif kind == "b":
            value = value == "true"
        result[name] = value
    return result


class S3(BaseClient):
    __module__ = "botocore.client"
    _service = "s3"
    _others = shapes.OTHERS
    _exception_names = frozenset((
        "BucketAlreadyExists", "BucketAlreadyOwnedByYou", "InvalidObjectState", "NoSuchBucket", "NoSuchKey",
        "NoSuchUpload", "ObjectAlreadyInActiveTierError", "ObjectNotInActiveTierError"))
    _mapping = {}
    _performers = {}        # operation: what sends it; takes checked parameters
    _paginators = {
        "list_objects": {"input": ("Marker",), "output": ("NextMarker",), "more": "IsTruncated", "limit": "MaxKeys",
                         "last_key": ("Contents", "Key"), "results": ("Contents", "CommonPrefixes")},
        "list_objects_v2": {"input": ("ContinuationToken",), "output": ("NextContinuationToken",), "limit": "MaxKeys",
                            "results": ("Contents", "CommonPrefixes")},
        "list_multipart_uploads": {"input": ("KeyMarker", "UploadIdMarker"), "output": ("NextKeyMarker", "NextUploadIdMarker"),
                                   "more": "IsTruncated", "limit": "MaxUploads", "results": ("Uploads", "CommonPrefixes")},
        "list_object_versions": {"input": ("KeyMarker", "VersionIdMarker"), "output": ("NextKeyMarker", "NextVersionIdMarker"),
                                 "more": "IsTruncated", "limit": "MaxKeys",
                                 "results": ("Versions", "DeleteMarkers", "CommonPrefixes")},
        "list_parts": {"input": ("PartNumberMarker",), "output": ("NextPartNumberMarker",), "more": "IsTruncated",
                       "limit": "MaxParts", "results": ("Parts",),
                       "also": ("ChecksumAlgorithm", "Initiator", "Owner", "StorageClass")},
    }
    _waiters = {
        "bucket_exists": ("head_bucket", 5, 20, (("ok", "success"), (301, "success"), (403, "success"), (404, "retry"))),
        "bucket_not_exists": ("head_bucket", 5, 20, ((404, "success"),)),
        "object_exists": ("head_object", 5, 20, (("ok", "success"), (404, "retry"))),
        "object_not_exists": ("head_object", 5, 20, ((404, "success"),)),
    }

    def _dispatch(self, operation, params):
        checked = params
        if isinstance(params.get("CopySource"), dict):
            checked = {**params, "CopySource": "/".join(_copy_source(params["CopySource"])[:2])}
        if operation not in self._performers:
            from nexus import s3_rest
            return s3_rest.perform(self, operation, params)
        check(operation, checked)
        return self._performers[operation](self, operation, params)

    def __getattr__(self, name):
        if not name.startswith("_") and name in self._others.split():
            from nexus import s3_rest
            method = s3_rest.method(self, name)
            if method:
                return method
        return super().__getattr__(name)

    def __dir__(self):
        return sorted({*super().__dir__(), *self._others.split()})

    def _perform(self, operation, params, start, repeatable=True):
        try:
            return nexus.call(start, repeatable)
        except nexus.Error as error:
            self._fail_s3(error, operation, params)

    def _fail_s3(self, error, operation, params):
        status = error.http_status
        if status == 304 or (status and operation.startswith("Head")):
            from http import HTTPStatus
            raise self._bare_error(operation, status, HTTPStatus(status).phrase, getattr(error, "operation", None))
        if error.code == "NexusPolicyDenied" and operation.startswith("Head"):
            raise self._bare_error(operation, 403, error.message, getattr(error, "operation", None))
        extra = ()
        if error.code == "NoSuchKey":
            key = params["Key"]
            if "CopySource" in params:
                key = _copy_source(params["CopySource"])[1]
            extra = (("Key", key),)
        elif error.code == "NoSuchBucket":
            extra = (("BucketName", params["Bucket"]),)
        self._fail(error, operation, extra)

    def _bare_error(self, operation, status, phrase, op):
        """An answer without a body: its status is all there is."""
        error = self._client_error(str(status), phrase, status, operation, op)
        error.response["ResponseMetadata"].setdefault("RequestId", "")
        error.response["ResponseMetadata"].setdefault("HostId", "")
        return error

    def _get_object(self, operation, params):
        customer_key(params, "SSECustomerKey")
        if "PartNumber" in params:
            from nexus import s3_rest
            return s3_rest.part(self, operation, params)
        options = _options(operation, params)
        bucket, key = params["Bucket"], params["Key"]
        op = self._perform(operation, params, lambda channel: channel.get(bucket, key, **options))
        result = result_of(operation, op, asked_headers(params))
        result["Metadata"] = op.metadata
        from botocore.response import StreamingBody
        from nexus.body import Body
        length = result.get("ContentLength")
        result["Body"] = StreamingBody(Body(op, length, self.meta.endpoint_url, (bucket, key, options)), length)
        return result

    def _head_object(self, operation, params):
        customer_key(params, "SSECustomerKey")
        if "PartNumber" in params:
            from nexus import s3_rest
            return s3_rest.part(self, operation, params)
        options = _options(operation, params)
        op = self._perform(operation, params,
                           lambda channel: channel.head(params["Bucket"], params["Key"], **options))
        result = result_of(operation, op)
        result["Metadata"] = op.metadata
        return result

    def _put_object(self, operation, params):
        names = {name: value for name, value in params.items() if name in _NAMES}
        result = self._upload(operation, params, lambda channel, options: channel.put(
            params["Bucket"], params["Key"], single=True, **options), _CONTENT_TYPE)
        if "ETag" in result:
            return result
        from nexus.pending import PendingAnswer
        return PendingAnswer(result, shapes.OUTPUT[operation].split(), lambda: self.head_object(**names))

    def _upload_part(self, operation, params):
        return self._upload(operation, params, lambda channel, options: channel.multipart_part(
            params["Bucket"], params["Key"], upload_id=params["UploadId"], part_number=params["PartNumber"],
            **options))

    def _upload(self, operation, params, start, content_type=None):
        from nexus import upload
        customer_key(params, "SSECustomerKey")
        source = upload.Source(params.get("Body", b""), params.get("ContentLength"))
        options = _options(operation, params)
        if content_type:
            options.setdefault("content_type", content_type)
        if "ChecksumAlgorithm" in params:
            options.setdefault("headers", {}).update(source.checksum(params["ChecksumAlgorithm"]))
        try:
            op = source.send(start, options)
        except nexus.Error as error:
            self._fail_s3(error, operation, params)
        return result_of(operation, op)

    def _delete_object(self, operation, params):
        options = _options(operation, params)
        return result_of(operation, self._perform(
            operation, params, lambda channel: channel.delete(params["Bucket"], params["Key"], **options)))

    def _delete_objects(self, operation, params):
        delete = params["Delete"]
        names = [(item["Key"], item.get("VersionId", "")) for item in delete["Objects"]]
        # The host writes the document, and its sum.
        options = _options(operation, {name: value for name, value in params.items() if name != "ChecksumAlgorithm"})
        op = self._perform(operation, params, lambda channel: channel.delete_objects(
            params["Bucket"], names, quiet=delete.get("Quiet", False), **options))
        result = result_of(operation, op)
        deleted, errors = op.data
        if deleted:
            result["Deleted"] = deleted
        if errors:
            result["Errors"] = errors
        return result

    def _copy(self, operation, params, **more):
        customer_key(params, "SSECustomerKey")
        customer_key(params, "CopySourceSSECustomerKey")
        bucket, key, version = _copy_source(params["CopySource"])
        options = _options(operation, params)
        if version:
            options["source_version_id"] = version
        if params.get("MetadataDirective") == "REPLACE":
            options["replace"] = True
            options.setdefault("content_type", _CONTENT_TYPE)
        if "CopySourceRange" in params:
            options["source_range"] = params["CopySourceRange"]
        op = self._perform(operation, params, lambda channel: channel.copy(
            params["Bucket"], params["Key"], source_bucket=bucket, source_key=key, **options, **more))
        copied = {}
        if op.etag:
            copied["ETag"] = op.etag
        if op.last_modified:
            from nexus import times
            copied["LastModified"] = times.parse(op.last_modified)
        return result_of(operation, op), copied

    def _copy_object(self, operation, params):
        result, result["CopyObjectResult"] = self._copy(operation, params)
        return result

    def _upload_part_copy(self, operation, params):
        result, copied = self._copy(operation, params, upload_id=params["UploadId"],
                                    part_number=params["PartNumber"])
        result["CopyPartResult"] = copied
        return result

    def _list(self, operation, params, v1):
        options = {"headers": headers} if (headers := headers_of(operation, params)) else {}
        for name, option in (("Prefix", "prefix"), ("Delimiter", "delimiter"), ("MaxKeys", "max_keys"),
                             ("StartAfter", "start_after"), ("Marker", "start_after"),
                             ("ContinuationToken", "continuation_token"), ("FetchOwner", "fetch_owner")):
            if name in params:
                options[option] = params[name]
        if options.get("max_keys") == 0:
            options["max_keys"] = 1     # 0 is the host's word for none given
        op = self._perform(operation, params, lambda channel: channel.list(params["Bucket"], v1=v1, **options))
        page = op.data
        if params.get("MaxKeys") == 0:
            page.update(is_truncated=False, max_keys=0, contents=[], common_prefixes=[], key_count=0, next_token="",
                        next_marker="")
        result = {"ResponseMetadata": metadata(op), "IsTruncated": page.pop("is_truncated"),
                  "Name": params["Bucket"], "Prefix": params.get("Prefix", ""), "EncodingType": "url",
                  "MaxKeys": page.pop("max_keys")}
        if page["contents"]:
            from nexus import times
            for item in page["contents"]:
                if "LastModified" in item:
                    item["LastModified"] = times.parse(item["LastModified"])
            result["Contents"] = page["contents"]
        if page["common_prefixes"]:
            result["CommonPrefixes"] = [{"Prefix": prefix} for prefix in page["common_prefixes"]]
        for name in ("Delimiter", "StartAfter", "ContinuationToken"):
            if params.get(name):
                result[name] = params[name]
        if v1:
            result["Marker"] = params.get("Marker", "")
            # Without a delimiter the last key serves, and S3 says none.
            if page["next_marker"] and params.get("Delimiter"):
                result["NextMarker"] = page["next_marker"]
        else:
            result["KeyCount"] = page["key_count"]
            if page["next_token"]:
                result["NextContinuationToken"] = page["next_token"]
        return result

    def _list_objects(self, operation, params):
        return self._list(operation, params, True)

    def _list_objects_v2(self, operation, params):
        return self._list(operation, params, False)

    def _create_multipart_upload(self, operation, params):
        customer_key(params, "SSECustomerKey")
        options = _options(operation, params)
        options.setdefault("content_type", _CONTENT_TYPE)
        op = self._perform(operation, params, lambda channel: channel.multipart_create(
            params["Bucket"], params["Key"], **options), repeatable=False)
        result = result_of(operation, op)
        result.update(Bucket=params["Bucket"], Key=params["Key"], UploadId=op.upload_id)
        return result

    def _complete_multipart_upload(self, operation, params):
        parts = [(part.get("PartNumber", 0), part.get("ETag", ""))
                 for part in params.get("MultipartUpload", {}).get("Parts", ())]
        options = _options(operation, params)
        op = self._perform(operation, params, lambda channel: channel.multipart_complete(
            params["Bucket"], params["Key"], upload_id=params["UploadId"], parts=parts, **options), repeatable=False)
        result = result_of(operation, op)
        result.update(Location=f"{self.meta.endpoint_url}/{params['Bucket']}/{params['Key']}",
                      Bucket=params["Bucket"], Key=params["Key"], ETag=op.etag)
        return result

    def _abort_multipart_upload(self, operation, params):
        options = _options(operation, params)
        return result_of(operation, self._perform(operation, params, lambda channel: channel.multipart_abort(
            params["Bucket"], params["Key"], upload_id=params["UploadId"], **options)))

    def _head_bucket(self, operation, params):
        """A bucket that can be listed is there."""
        try:
            op = nexus.call(lambda channel: channel.list(params["Bucket"], max_keys=1, headers=headers_of(operation, params)))
        except nexus.Error as error:
            self._fail_s3(error, operation, params)
        return {"ResponseMetadata": metadata(op)}

    # boto3's own additions.

    def upload_file(self, Filename, Bucket, Key, ExtraArgs=None, Callback=None, Config=None):
        from nexus import transfer
        transfer.upload_file(self, Filename, Bucket, Key, ExtraArgs, Callback, Config)

    def upload_fileobj(self, Fileobj, Bucket, Key, ExtraArgs=None, Callback=None, Config=None):
        from nexus import transfer
        transfer.upload_fileobj(self, Fileobj, Bucket, Key, ExtraArgs, Callback, Config)

    def download_file(self, Bucket, Key, Filename, ExtraArgs=None, Callback=None, Config=None):
        from nexus import transfer
        transfer.download_file(self, Bucket, Key, Filename, ExtraArgs, Callback, Config)

    def download_fileobj(self, Bucket, Key, Fileobj, ExtraArgs=None, Callback=None, Config=None):
        from nexus import transfer
        transfer.download_fileobj(self, Bucket, Key, Fileobj, ExtraArgs, Callback, Config)

    def copy(self, CopySource, Bucket, Key, ExtraArgs=None, Callback=None, SourceClient=None, Config=None):
        from nexus import transfer
        transfer.copy(self, CopySource, Bucket, Key, ExtraArgs, Callback, SourceClient, Config)

    def generate_presigned_url(self, ClientMethod, Params=None, ExpiresIn=3600, HttpMethod=None):
        from nexus import presign
        return presign.url(self, ClientMethod, Params or {}, ExpiresIn, HttpMethod)

    def generate_presigned_post(self, Bucket, Key, Fields=None, Conditions=None, ExpiresIn=3600):
        from nexus import presign
        return presign.post(self, Bucket, Key, Fields, Conditions, ExpiresIn)


def _copy_source(source):
    """(bucket, key, version) of a CopySource, which is a dictionary or "bucket/key[?versionId=ID]"."""
    if isinstance(source, dict):
        if "Bucket" not in source or "Key" not in source:
            raise KeyError("Bucket" if "Bucket" not in source else "Key")
        return source["Bucket"], source["Key"], source.get("VersionId", "")
    name, _, version = source.partition("?versionId=")
    bucket, slash, key = name.lstrip("/").partition("/")
    if not slash or not key:
        checks.fail(f"CopySource {source!r}: 'bucket/key' is wanted")
    return bucket, key, version


def _method(name, operation):
    def call(self, *args, **kwargs):
        if args:
            refuse_positional(name)
        return self._make_api_call(operation, kwargs)

    call.__name__ = name
    call.__qualname__ = f"S3.{name}"
    return call


def _define():
    for operation in shapes.INPUT:
        # HeadObject: head_object, ListObjectsV2: list_objects_v2
        name = "".join("_" + c.lower() if c.isupper() else c for c in operation)[1:]
        S3._mapping[name] = operation
        S3._performers[operation] = getattr(S3, "_" + name)
        setattr(S3, name, _method(name, operation))


_define()
