# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""resource('s3'): Bucket, Object, ObjectSummary, MultipartUpload, and the collection of a bucket's objects."""
from nexus.resource import Collection, Others, Resource, ResourceMeta, loses_data

_HEAD = {
    "accept_ranges": "AcceptRanges", "archive_status": "ArchiveStatus", "bucket_key_enabled": "BucketKeyEnabled",
    "cache_control": "CacheControl", "checksum_crc32": "ChecksumCRC32", "checksum_crc32_c": "ChecksumCRC32C",
    "checksum_sha1": "ChecksumSHA1", "checksum_sha256": "ChecksumSHA256",
    "content_disposition": "ContentDisposition", "content_encoding": "ContentEncoding",
    "content_language": "ContentLanguage", "content_length": "ContentLength", "content_type": "ContentType",
    "delete_marker": "DeleteMarker", "e_tag": "ETag", "expiration": "Expiration", "expires": "Expires",
    "last_modified": "LastModified", "metadata": "Metadata", "missing_meta": "MissingMeta",
    "object_lock_legal_hold_status": "ObjectLockLegalHoldStatus", "object_lock_mode": "ObjectLockMode",
    "object_lock_retain_until_date": "ObjectLockRetainUntilDate", "parts_count": "PartsCount",
    "replication_status": "ReplicationStatus", "request_charged": "RequestCharged", "restore": "Restore",
    "server_side_encryption": "ServerSideEncryption", "sse_customer_algorithm": "SSECustomerAlgorithm",
    "sse_customer_key_md5": "SSECustomerKeyMD5", "ssekms_key_id": "SSEKMSKeyId", "storage_class": "StorageClass",
    "version_id": "VersionId", "website_redirect_location": "WebsiteRedirectLocation",
}


class S3Resource(Resource):
    _service = "s3"


class _Keyed(S3Resource):
    """What Object and ObjectSummary share: a bucket's name and a key."""

    def __init__(self, client, *args, **kwargs):
        super().__init__(client, *args, **kwargs)
        self._names = {"Bucket": self._bucket_name, "Key": self._key}

    @loses_data
    def get(self, **kwargs):
        return self.meta.client.get_object(**self._names, **kwargs)

    @loses_data
    def put(self, **kwargs):
        return self.meta.client.put_object(**self._names, **kwargs)

    @loses_data
    def delete(self, **kwargs):
        return self.meta.client.delete_object(**self._names, **kwargs)

    @loses_data
    def copy_from(self, **kwargs):
        return self.meta.client.copy_object(**self._names, **kwargs)

    @loses_data
    def initiate_multipart_upload(self, **kwargs):
        answer = self.meta.client.create_multipart_upload(**self._names, **kwargs)
        return MultipartUpload(self.meta.client, self._bucket_name, self._key, answer["UploadId"])

    def wait_until_exists(self, **kwargs):
        self.meta.client.get_waiter("object_exists").wait(**self._names, **kwargs)

    def wait_until_not_exists(self, **kwargs):
        self.meta.client.get_waiter("object_not_exists").wait(**self._names, **kwargs)

    def Bucket(self):
        return Bucket(self.meta.client, self._bucket_name)

    def MultipartUpload(self, id):
        return MultipartUpload(self.meta.client, self._bucket_name, self._key, id)


class Object(_Keyed):
    _ids = ("bucket_name", "key")
    _subresources = ("Acl", "Bucket", "MultipartUpload", "Version")
    _others = "Acl Version restore_object"
    _attributes = _HEAD

    def load(self):
        self.meta.data = self.meta.client.head_object(**self._names)

    def upload_file(self, Filename, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.upload_file(Filename, self._bucket_name, self._key, ExtraArgs, Callback, Config)

    def upload_fileobj(self, Fileobj, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.upload_fileobj(Fileobj, self._bucket_name, self._key, ExtraArgs, Callback, Config)

    def download_file(self, Filename, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.download_file(self._bucket_name, self._key, Filename, ExtraArgs, Callback, Config)

    def download_fileobj(self, Fileobj, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.download_fileobj(self._bucket_name, self._key, Fileobj, ExtraArgs, Callback, Config)

    def copy(self, CopySource, ExtraArgs=None, Callback=None, SourceClient=None, Config=None):
        self.meta.client.copy(CopySource, self._bucket_name, self._key, ExtraArgs, Callback, SourceClient, Config)


class ObjectSummary(_Keyed):
    _ids = ("bucket_name", "key")
    _subresources = ("Acl", "Bucket", "MultipartUpload", "Object", "Version")
    _others = "Acl Version restore_object"
    _attributes = {"e_tag": "ETag", "last_modified": "LastModified", "owner": "Owner", "size": "Size",
                   "storage_class": "StorageClass", "checksum_algorithm": "ChecksumAlgorithm"}

    def load(self):
        data = self.meta.client.head_object(**self._names)
        data["Size"] = data.pop("ContentLength", None)
        self.meta.data = data

    def Object(self):
        return Object(self.meta.client, self._bucket_name, self._key)


class MultipartUpload(S3Resource):
    _ids = ("bucket_name", "object_key", "id")
    _subresources = ("Object", "Part")
    _others = "parts checksum_algorithm initiated initiator key owner storage_class upload_id"

    def _names(self):
        return {"Bucket": self._bucket_name, "Key": self._object_key, "UploadId": self._id}

    def complete(self, **kwargs):
        self.meta.client.complete_multipart_upload(**self._names(), **kwargs)
        return self.Object()

    def abort(self, **kwargs):
        return self.meta.client.abort_multipart_upload(**self._names(), **kwargs)

    def Object(self):
        return Object(self.meta.client, self._bucket_name, self._object_key)

    def Part(self, part_number):
        return MultipartUploadPart(self.meta.client, self._bucket_name, self._object_key, self._id, part_number)


class MultipartUploadPart(S3Resource):
    _ids = ("bucket_name", "object_key", "multipart_upload_id", "part_number")
    _subresources = ("MultipartUpload",)

    def _names(self):
        return {"Bucket": self._bucket_name, "Key": self._object_key, "UploadId": self._multipart_upload_id,
                "PartNumber": int(self._part_number)}

    def upload(self, **kwargs):
        return self.meta.client.upload_part(**self._names(), **kwargs)

    def copy_from(self, **kwargs):
        return self.meta.client.upload_part_copy(**self._names(), **kwargs)

    def MultipartUpload(self):
        return MultipartUpload(self.meta.client, self._bucket_name, self._object_key, self._multipart_upload_id)


class Objects(Collection):
    def delete(self, **kwargs):
        """A request for each page: what deleted, as the answers say."""
        answers = []
        for page in self.pages():
            if page:
                answers.append(self._parent.meta.client.delete_objects(
                    Bucket=self._parent.name, Delete={"Objects": [{"Key": item.key} for item in page]}, **kwargs))
        return answers


class Bucket(S3Resource):
    _ids = ("name",)
    _attributes = {"creation_date": "CreationDate"}
    _subresources = ("Object", "Acl", "Cors", "Lifecycle", "LifecycleConfiguration", "Logging", "Notification", "Policy",
                     "RequestPayment", "Tagging", "Versioning", "Website")
    _others = " ".join(_subresources[1:]) + " multipart_uploads object_versions"

    def load(self):
        for bucket in self.meta.client.list_buckets().get("Buckets", ()):
            if bucket["Name"] == self._name:
                self.meta.data = bucket
                return
        self.meta.data = {}

    @property
    def objects(self):
        def pages(params, size):
            config = {"PageSize": size} if size else {}
            return self.meta.client.get_paginator("list_objects").paginate(
                Bucket=self._name, PaginationConfig=config, **params)

        def make(page):
            things = []
            for item in page.get("Contents", ()):
                thing = ObjectSummary(self.meta.client, self._name, item["Key"])
                thing.meta.data = item
                things.append(thing)
            return things

        return Objects(self, "objects", ObjectSummary, pages, make)

    def Object(self, *args, **kwargs):
        return Object(self.meta.client, self._name, *args, **kwargs)

    @loses_data
    def put_object(self, **kwargs):
        self.meta.client.put_object(Bucket=self._name, **kwargs)
        return Object(self.meta.client, self._name, kwargs["Key"])

    @loses_data
    def delete_objects(self, **kwargs):
        return self.meta.client.delete_objects(Bucket=self._name, **kwargs)

    def create(self, **kwargs):
        return self.meta.client.create_bucket(Bucket=self._name, **kwargs)

    def delete(self, **kwargs):
        return self.meta.client.delete_bucket(Bucket=self._name, **kwargs)

    def wait_until_exists(self, **kwargs):
        self.meta.client.get_waiter("bucket_exists").wait(Bucket=self._name, **kwargs)

    def wait_until_not_exists(self, **kwargs):
        self.meta.client.get_waiter("bucket_not_exists").wait(Bucket=self._name, **kwargs)

    def upload_file(self, Filename, Key, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.upload_file(Filename, self._name, Key, ExtraArgs, Callback, Config)

    def upload_fileobj(self, Fileobj, Key, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.upload_fileobj(Fileobj, self._name, Key, ExtraArgs, Callback, Config)

    def download_file(self, Key, Filename, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.download_file(self._name, Key, Filename, ExtraArgs, Callback, Config)

    def download_fileobj(self, Key, Fileobj, ExtraArgs=None, Callback=None, Config=None):
        self.meta.client.download_fileobj(self._name, Key, Fileobj, ExtraArgs, Callback, Config)

    def copy(self, CopySource, Key, ExtraArgs=None, Callback=None, SourceClient=None, Config=None):
        self.meta.client.copy(CopySource, self._name, Key, ExtraArgs, Callback, SourceClient, Config)


class ServiceResource(Others):
    """boto3.resource('s3')"""

    _buckets = ("BucketAcl", "BucketCors", "BucketLifecycle", "BucketLifecycleConfiguration", "BucketLogging",
                "BucketNotification", "BucketPolicy", "BucketRequestPayment", "BucketTagging", "BucketVersioning",
                "BucketWebsite", "ObjectAcl", "ObjectVersion")
    _subresources = (*_buckets, "Bucket", "MultipartUpload", "MultipartUploadPart", "Object", "ObjectSummary")
    _others = " ".join(_buckets)

    def __init__(self, client):
        self.meta = ResourceMeta("s3", client)

    def __repr__(self):
        return "s3.ServiceResource()"

    def Bucket(self, *args, **kwargs):
        return Bucket(self.meta.client, *args, **kwargs)

    def Object(self, *args, **kwargs):
        return Object(self.meta.client, *args, **kwargs)

    def ObjectSummary(self, *args, **kwargs):
        return ObjectSummary(self.meta.client, *args, **kwargs)

    def MultipartUpload(self, *args, **kwargs):
        return MultipartUpload(self.meta.client, *args, **kwargs)

    def MultipartUploadPart(self, *args, **kwargs):
        return MultipartUploadPart(self.meta.client, *args, **kwargs)

    def create_bucket(self, **kwargs):
        self.meta.client.create_bucket(**kwargs)
        return Bucket(self.meta.client, kwargs["Bucket"])

    @property
    def buckets(self):
        def pages(params, size):
            yield self.meta.client.list_buckets(**params)

        def make(page):
            things = []
            for item in page.get("Buckets", ()):
                thing = Bucket(self.meta.client, item["Name"])
                thing.meta.data = item
                things.append(thing)
            return things

        return Collection(self, "buckets", Bucket, pages, make)
