# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""upload_file, download_file, copy and their like: one request, or a multipart upload from the threshold on.

The host reads large objects in parallel by itself, and memory here is bounded by a stream's windows, so a
TransferConfig's threads and queues have no counterpart; its threshold and its part size have."""
import os

import nexus
from nexus import upload

DOWNLOAD_ARGS = ["ChecksumMode", "VersionId", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5",
                 "RequestPayer", "ExpectedBucketOwner"]
UPLOAD_ARGS = ["ACL", "CacheControl", "ChecksumAlgorithm", "ContentDisposition", "ContentEncoding",
               "ContentLanguage", "ContentType", "ExpectedBucketOwner", "Expires", "GrantFullControl", "GrantRead",
               "GrantReadACP", "GrantWriteACP", "Metadata", "ObjectLockLegalHoldStatus", "ObjectLockMode",
               "ObjectLockRetainUntilDate", "RequestPayer", "ServerSideEncryption", "StorageClass",
               "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5", "SSEKMSKeyId",
               "SSEKMSEncryptionContext", "Tagging", "WebsiteRedirectLocation"]
COPY_ARGS = UPLOAD_ARGS + ["CopySourceIfMatch", "CopySourceIfModifiedSince", "CopySourceIfNoneMatch",
                           "CopySourceIfUnmodifiedSince", "CopySourceSSECustomerAlgorithm",
                           "CopySourceSSECustomerKey", "CopySourceSSECustomerKeyMD5", "MetadataDirective",
                           "TaggingDirective"]
_PART_ARGS = ("ChecksumAlgorithm", "SSECustomerKey", "SSECustomerAlgorithm", "SSECustomerKeyMD5", "RequestPayer",
              "ExpectedBucketOwner")
_PART_COPY_ARGS = ("CopySourceIfMatch", "CopySourceIfModifiedSince", "CopySourceIfNoneMatch",
                   "CopySourceIfUnmodifiedSince", "CopySourceSSECustomerKey", "CopySourceSSECustomerAlgorithm",
                   "CopySourceSSECustomerKeyMD5", "SSECustomerKey", "SSECustomerAlgorithm", "SSECustomerKeyMD5",
                   "RequestPayer", "ExpectedBucketOwner")
_COMPLETE_ARGS = ("SSECustomerKey", "SSECustomerAlgorithm", "SSECustomerKeyMD5", "RequestPayer",
                  "ExpectedBucketOwner")
_MAX_PARTS = 10000
_MIN_PART = 5 << 20
_MAX_PART = 5 << 30


def _check_args(extra, allowed):
    for name in extra or ():
        if name not in allowed:
            raise ValueError(f"Invalid extra_args key '{name}', must be one of: {', '.join(allowed)}")
    return dict(extra or {})


def _pick(extra, names):
    return {name: extra[name] for name in names if name in extra}


def _config(config):
    if config is None:
        from boto3.s3.transfer import TransferConfig
        config = TransferConfig()
    return config


def _part_size(config, total):
    size = config.multipart_chunksize
    while size * _MAX_PARTS < total:
        size *= 2
    return min(max(size, _MIN_PART), _MAX_PART)


class _Section:
    """`size` bytes of a file from where it is, as a file of its own."""

    def __init__(self, file, size):
        self._file = file
        self._size = self._left = size
        self._start = file.tell()
        if hasattr(file, "readinto"):
            self.readinto = self._readinto

    def tell(self):
        return self._size - self._left

    def seek(self, offset, whence=0):
        at = offset + (0, self.tell(), self._size)[whence]
        self._left = self._size - at
        self._file.seek(self._start + at)
        return at

    def read(self, n=-1):
        n = self._left if n is None or n < 0 else min(n, self._left)
        data = self._file.read(n)
        self._left -= len(data)
        return data

    def _readinto(self, room):
        n = self._file.readinto(room)
        self._left -= n
        return n


def _put(client, operation, params, file, size, progress):
    """put_object or upload_part, with a report of its progress."""
    from nexus import s3
    s3.check(operation, params)
    source = upload.Source(_Section(file, size))
    checksum = source.checksum(params["ChecksumAlgorithm"]) if "ChecksumAlgorithm" in params else {}
    options = s3._options(operation, params)
    if checksum:
        options.setdefault("headers", {}).update(checksum)

    def start(channel, options):
        if operation == "UploadPart":
            return channel.multipart_part(params["Bucket"], params["Key"], upload_id=params["UploadId"],
                                          part_number=params["PartNumber"], **options)
        options.setdefault("content_type", s3._CONTENT_TYPE)
        return channel.put(params["Bucket"], params["Key"], single=True, **options)

    try:
        return source.send(start, options, progress)
    except nexus.Error as error:
        client._fail_s3(error, operation, params)


def _read(file, n):
    """n bytes, fewer at the end only."""
    pieces = []
    while n and (piece := upload._bytes(file.read(n))):
        pieces.append(piece)
        n -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _stream_parts(file, size, begun):
    """Parts of `size` bytes of what cannot be rewound, one of them in memory at a time. `begun` was read already."""
    from io import BytesIO
    while part := begun[:size]:
        begun = begun[size:]
        if len(part) < size:
            part += _read(file, size - len(part))
        yield BytesIO(part), len(part)
        begun = begun or _read(file, size)


def upload_fileobj(client, file, bucket, key, extra=None, callback=None, config=None):
    if not hasattr(file, "read"):
        raise ValueError("Fileobj must implement read")
    extra = _check_args(extra, UPLOAD_ARGS)
    config = _config(config)
    size, begun = upload._remaining(file), None
    if size is None:
        begun = _read(file, config.multipart_threshold)
        size = len(begun)
    if size < config.multipart_threshold:
        from io import BytesIO
        _put(client, "PutObject", {"Bucket": bucket, "Key": key, **extra}, file if begun is None else BytesIO(begun), size,
             callback)
    elif begun is not None:
        parts = _stream_parts(file, _part_size(config, 0), begun)
        _upload_parts(client, {"Bucket": bucket, "Key": key}, parts, extra, callback)
    else:
        part_size = _part_size(config, size)
        parts = ((file, min(part_size, size - start)) for start in range(0, size, part_size))
        _upload_parts(client, {"Bucket": bucket, "Key": key}, parts, extra, callback)


def _upload_parts(client, names, parts, extra, callback):
    """parts: files, and how many bytes of each."""
    names["UploadId"] = client.create_multipart_upload(**names, **extra)["UploadId"]
    done = []
    try:
        for file, size in parts:
            params = {**names, "PartNumber": len(done) + 1, **_pick(extra, _PART_ARGS)}
            op = _put(client, "UploadPart", params, file, size, callback)
            done.append({"PartNumber": len(done) + 1, "ETag": op.etag})
        client.complete_multipart_upload(**names, MultipartUpload={"Parts": done}, **_pick(extra, _COMPLETE_ARGS))
    except BaseException:
        _abort(client, names)
        raise


def _abort(client, names):
    from botocore.exceptions import BotoCoreError, ClientError
    try:
        client.abort_multipart_upload(**names)
    except (BotoCoreError, ClientError, nexus.Error):
        pass    # what made us abort is what the caller wants to hear


def upload_file(client, filename, bucket, key, extra=None, callback=None, config=None):
    from botocore.exceptions import ClientError
    if not isinstance(filename, (str, os.PathLike)):
        raise ValueError("Filename must be a string or a path-like object")
    filename = os.fspath(filename)
    extra = _check_args(extra, UPLOAD_ARGS)
    try:
        with open(filename, "rb", buffering=0) as file:
            upload_fileobj(client, file, bucket, key, extra, callback, config)
    except ClientError as error:
        from boto3.exceptions import S3UploadFailedError
        raise S3UploadFailedError(f"Failed to upload {filename} to {bucket}/{key}: {error}") from error


def _open_download(client, bucket, key, extra):
    """The object's StreamingBody. An error is told as that of the HEAD that botocore sends first."""
    from botocore.exceptions import ClientError
    try:
        return client.get_object(Bucket=bucket, Key=key, **extra)["Body"]
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        from http import HTTPStatus
        told = client._bare_error("HeadObject", status, HTTPStatus(status).phrase, None)
        told.response["ResponseMetadata"] = {"RequestId": "", "HostId": "", **error.response["ResponseMetadata"]}
        raise told from None


def _copy_out(body, file, callback):
    # A binary file of Python's own takes a view. Others may keep what they get, or want bytes.
    takes_views = type(file).__module__ == "_io" and not hasattr(file, "encoding")
    for view in body.iter_views():
        size = len(view)
        file.write(view if takes_views else view.tobytes())
        if callback:
            callback(size)
    if not body.tell():
        file.write(b"")


def download_fileobj(client, bucket, key, file, extra=None, callback=None, config=None):
    if not hasattr(file, "write"):
        raise ValueError("Fileobj must implement write")
    body = _open_download(client, bucket, key, _check_args(extra, DOWNLOAD_ARGS))
    try:
        _copy_out(body, file, callback)
    finally:
        body.close()


def download_file(client, bucket, key, filename, extra=None, callback=None, config=None):
    """Under another name first: a download that fails leaves what was there."""
    if not isinstance(filename, (str, os.PathLike)):
        raise ValueError("Filename must be a string or a path-like object")
    filename = os.fspath(filename)
    body = _open_download(client, bucket, key, _check_args(extra, DOWNLOAD_ARGS))
    partial = f"{filename}.{os.urandom(4).hex().upper()}"
    try:
        with open(partial, "wb", buffering=0) as file:
            _copy_out(body, file, callback)
        os.replace(partial, filename)
    except BaseException:
        if os.path.lexists(partial):
            os.unlink(partial)
        raise
    finally:
        body.close()


def copy(client, source, bucket, key, extra=None, callback=None, source_client=None, config=None):
    if not isinstance(source, dict):
        raise TypeError(f"Expecting dictionary formatted: {{\"Bucket\": bucket_name, \"Key\": key}} but got {source} "
                        f"or type {type(source)}.")
    extra = _check_args(extra, COPY_ARGS)
    config = _config(config)
    head = {name: source[name] for name in ("Bucket", "Key", "VersionId") if name in source}
    size = (source_client or client).head_object(**head)["ContentLength"]
    names = {"Bucket": bucket, "Key": key}
    if size < config.multipart_threshold:
        client.copy_object(CopySource=source, **names, **extra)
        if callback:
            callback(size)
        return
    part_size = _part_size(config, size)
    create = {name: value for name, value in extra.items()
              if not name.startswith("CopySource") and name not in ("MetadataDirective", "TaggingDirective")}
    upload_names = {**names, "UploadId": client.create_multipart_upload(**names, **create)["UploadId"]}
    parts = []
    try:
        for start in range(0, size, part_size):
            end = min(start + part_size, size)
            number = len(parts) + 1
            answer = client.upload_part_copy(
                **upload_names, CopySource=source, PartNumber=number, CopySourceRange=f"bytes={start}-{end - 1}",
                **_pick(extra, _PART_COPY_ARGS))
            parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
            if callback:
                callback(end - start)
        client.complete_multipart_upload(**upload_names, MultipartUpload={"Parts": parts},
                                         **_pick(extra, _COMPLETE_ARGS))
    except BaseException:
        _abort(client, upload_names)
        raise
