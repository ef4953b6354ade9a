# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""S3's operations: their parameters, in the order in which S3's reference has them, and the members of their
answers that are headers. The language is that of nexus.params."""

INPUT = {
    "GetObject": """
        Bucket! IfMatch IfModifiedSince:t IfNoneMatch IfUnmodifiedSince:t Key!:s1 Range ResponseCacheControl
        ResponseContentDisposition ResponseContentEncoding ResponseContentLanguage ResponseContentType
        ResponseExpires:t VersionId SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5 RequestPayer
        PartNumber:i ExpectedBucketOwner ChecksumMode
        """,
    "PutObject": """
        ACL Body:B Bucket! CacheControl ContentDisposition ContentEncoding ContentLanguage ContentLength:l
        ContentMD5 ContentType ChecksumAlgorithm ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256
        Expires:t GrantFullControl GrantRead GrantReadACP GrantWriteACP Key!:s1 Metadata:m
        ServerSideEncryption StorageClass WebsiteRedirectLocation SSECustomerAlgorithm SSECustomerKey
        SSECustomerKeyMD5 SSEKMSKeyId SSEKMSEncryptionContext BucketKeyEnabled:b RequestPayer Tagging
        ObjectLockMode ObjectLockRetainUntilDate:t ObjectLockLegalHoldStatus ExpectedBucketOwner
        """,
    "HeadObject": """
        Bucket! IfMatch IfModifiedSince:t IfNoneMatch IfUnmodifiedSince:t Key!:s1 Range VersionId
        SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5 RequestPayer PartNumber:i ExpectedBucketOwner
        ChecksumMode
        """,
    "DeleteObject": """
        Bucket! Key!:s1 MFA VersionId RequestPayer BypassGovernanceRetention:b ExpectedBucketOwner
        """,
    "DeleteObjects": """
        Bucket! Delete!:Delete MFA RequestPayer BypassGovernanceRetention:b ExpectedBucketOwner
        ChecksumAlgorithm
        """,
    "CopyObject": """
        ACL Bucket! CacheControl ChecksumAlgorithm ContentDisposition ContentEncoding ContentLanguage
        ContentType CopySource! CopySourceIfMatch CopySourceIfModifiedSince:t CopySourceIfNoneMatch
        CopySourceIfUnmodifiedSince:t Expires:t GrantFullControl GrantRead GrantReadACP GrantWriteACP
        Key!:s1 Metadata:m MetadataDirective TaggingDirective ServerSideEncryption StorageClass
        WebsiteRedirectLocation SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5 SSEKMSKeyId
        SSEKMSEncryptionContext BucketKeyEnabled:b CopySourceSSECustomerAlgorithm CopySourceSSECustomerKey
        CopySourceSSECustomerKeyMD5 RequestPayer Tagging ObjectLockMode ObjectLockRetainUntilDate:t
        ObjectLockLegalHoldStatus ExpectedBucketOwner ExpectedSourceBucketOwner
        """,
    "ListObjects": """
        Bucket! Delimiter EncodingType Marker MaxKeys:i Prefix RequestPayer ExpectedBucketOwner
        """,
    "ListObjectsV2": """
        Bucket! Delimiter EncodingType MaxKeys:i Prefix ContinuationToken FetchOwner:b StartAfter
        RequestPayer ExpectedBucketOwner
        """,
    "CreateMultipartUpload": """
        ACL Bucket! CacheControl ContentDisposition ContentEncoding ContentLanguage ContentType Expires:t
        GrantFullControl GrantRead GrantReadACP GrantWriteACP Key!:s1 Metadata:m ServerSideEncryption
        StorageClass WebsiteRedirectLocation SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5
        SSEKMSKeyId SSEKMSEncryptionContext BucketKeyEnabled:b RequestPayer Tagging ObjectLockMode
        ObjectLockRetainUntilDate:t ObjectLockLegalHoldStatus ExpectedBucketOwner ChecksumAlgorithm
        """,
    "UploadPart": """
        Body:B Bucket! ContentLength:l ContentMD5 ChecksumAlgorithm ChecksumCRC32 ChecksumCRC32C
        ChecksumSHA1 ChecksumSHA256 Key!:s1 PartNumber!:i UploadId! SSECustomerAlgorithm SSECustomerKey
        SSECustomerKeyMD5 RequestPayer ExpectedBucketOwner
        """,
    "UploadPartCopy": """
        Bucket! CopySource! CopySourceIfMatch CopySourceIfModifiedSince:t CopySourceIfNoneMatch
        CopySourceIfUnmodifiedSince:t CopySourceRange Key!:s1 PartNumber!:i UploadId! SSECustomerAlgorithm
        SSECustomerKey SSECustomerKeyMD5 CopySourceSSECustomerAlgorithm CopySourceSSECustomerKey
        CopySourceSSECustomerKeyMD5 RequestPayer ExpectedBucketOwner ExpectedSourceBucketOwner
        """,
    "CompleteMultipartUpload": """
        Bucket! Key!:s1 MultipartUpload:MultipartUpload UploadId! ChecksumCRC32 ChecksumCRC32C ChecksumSHA1
        ChecksumSHA256 RequestPayer ExpectedBucketOwner SSECustomerAlgorithm SSECustomerKey
        SSECustomerKeyMD5
        """,
    "AbortMultipartUpload": """
        Bucket! Key!:s1 UploadId! RequestPayer ExpectedBucketOwner
        """,
    "HeadBucket": """
        Bucket! ExpectedBucketOwner
        """,
}

SHAPES = {
    "Delete": "Objects!:[ObjectIdentifier] Quiet:b",
    "ObjectIdentifier": "Key!:s1 VersionId",
    "MultipartUpload": "Parts:[CompletedPart]",
    "CompletedPart": "ETag ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256 PartNumber:i",
}

OUTPUT = {
    "GetObject": """
        DeleteMarker AcceptRanges Expiration Restore LastModified ContentLength ETag ChecksumCRC32
        ChecksumCRC32C ChecksumSHA1 ChecksumSHA256 MissingMeta VersionId CacheControl ContentDisposition
        ContentEncoding ContentLanguage ContentRange ContentType Expires WebsiteRedirectLocation
        ServerSideEncryption SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId BucketKeyEnabled
        StorageClass RequestCharged ReplicationStatus PartsCount TagCount ObjectLockMode
        ObjectLockRetainUntilDate ObjectLockLegalHoldStatus
        """,
    "PutObject": """
        Expiration ETag ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256 ServerSideEncryption
        VersionId SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId SSEKMSEncryptionContext
        BucketKeyEnabled RequestCharged
        """,
    "HeadObject": """
        DeleteMarker AcceptRanges Expiration Restore ArchiveStatus LastModified ContentLength ChecksumCRC32
        ChecksumCRC32C ChecksumSHA1 ChecksumSHA256 ETag MissingMeta VersionId CacheControl
        ContentDisposition ContentEncoding ContentLanguage ContentType Expires WebsiteRedirectLocation
        ServerSideEncryption SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId BucketKeyEnabled
        StorageClass RequestCharged ReplicationStatus PartsCount ObjectLockMode ObjectLockRetainUntilDate
        ObjectLockLegalHoldStatus
        """,
    "DeleteObject": """
        DeleteMarker VersionId RequestCharged
        """,
    "DeleteObjects": """
        RequestCharged
        """,
    "CopyObject": """
        Expiration CopySourceVersionId VersionId ServerSideEncryption SSECustomerAlgorithm SSECustomerKeyMD5
        SSEKMSKeyId SSEKMSEncryptionContext BucketKeyEnabled RequestCharged
        """,
    "ListObjects": """
    
        """,
    "ListObjectsV2": """
    
        """,
    "CreateMultipartUpload": """
        AbortDate AbortRuleId ServerSideEncryption SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId
        SSEKMSEncryptionContext BucketKeyEnabled RequestCharged ChecksumAlgorithm
        """,
    "UploadPart": """
        ServerSideEncryption ETag ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256
        SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId BucketKeyEnabled RequestCharged
        """,
    "UploadPartCopy": """
        CopySourceVersionId ServerSideEncryption SSECustomerAlgorithm SSECustomerKeyMD5 SSEKMSKeyId
        BucketKeyEnabled RequestCharged
        """,
    "CompleteMultipartUpload": """
        Expiration ServerSideEncryption VersionId SSEKMSKeyId BucketKeyEnabled RequestCharged
        """,
    "AbortMultipartUpload": """
        RequestCharged
        """,
}

# member=header, for parameters
_IN = """
    ACL=x-amz-acl BucketKeyEnabled=x-amz-server-side-encryption-bucket-key-enabled
    BypassGovernanceRetention=x-amz-bypass-governance-retention CacheControl=cache-control
    ChecksumAlgorithm=x-amz-sdk-checksum-algorithm ChecksumCRC32=x-amz-checksum-crc32
    ChecksumCRC32C=x-amz-checksum-crc32c ChecksumMode=x-amz-checksum-mode
    ChecksumSHA1=x-amz-checksum-sha1 ChecksumSHA256=x-amz-checksum-sha256
    ContentDisposition=content-disposition ContentEncoding=content-encoding
    ContentLanguage=content-language ContentLength=content-length ContentMD5=content-md5
    ContentType=content-type CopySource=x-amz-copy-source CopySourceIfMatch=x-amz-copy-source-if-match
    CopySourceIfModifiedSince=x-amz-copy-source-if-modified-since
    CopySourceIfNoneMatch=x-amz-copy-source-if-none-match
    CopySourceIfUnmodifiedSince=x-amz-copy-source-if-unmodified-since
    CopySourceRange=x-amz-copy-source-range
    CopySourceSSECustomerAlgorithm=x-amz-copy-source-server-side-encryption-customer-algorithm
    CopySourceSSECustomerKey=x-amz-copy-source-server-side-encryption-customer-key
    CopySourceSSECustomerKeyMD5=x-amz-copy-source-server-side-encryption-customer-key-md5
    ExpectedBucketOwner=x-amz-expected-bucket-owner
    ExpectedSourceBucketOwner=x-amz-source-expected-bucket-owner Expires=expires
    GrantFullControl=x-amz-grant-full-control GrantRead=x-amz-grant-read
    GrantReadACP=x-amz-grant-read-acp GrantWriteACP=x-amz-grant-write-acp IfMatch=if-match
    IfModifiedSince=if-modified-since IfNoneMatch=if-none-match IfUnmodifiedSince=if-unmodified-since
    MFA=x-amz-mfa MetadataDirective=x-amz-metadata-directive
    ObjectLockLegalHoldStatus=x-amz-object-lock-legal-hold ObjectLockMode=x-amz-object-lock-mode
    ObjectLockRetainUntilDate=x-amz-object-lock-retain-until-date Range=range
    RequestPayer=x-amz-request-payer
    SSECustomerAlgorithm=x-amz-server-side-encryption-customer-algorithm
    SSECustomerKey=x-amz-server-side-encryption-customer-key
    SSECustomerKeyMD5=x-amz-server-side-encryption-customer-key-md5
    SSEKMSEncryptionContext=x-amz-server-side-encryption-context
    SSEKMSKeyId=x-amz-server-side-encryption-aws-kms-key-id
    ServerSideEncryption=x-amz-server-side-encryption StorageClass=x-amz-storage-class
    Tagging=x-amz-tagging TaggingDirective=x-amz-tagging-directive
    WebsiteRedirectLocation=x-amz-website-redirect-location
"""

# member[:type]=header, for answers, where it is not as above
_OUT = """
    AbortDate:t=x-amz-abort-date AbortRuleId=x-amz-abort-rule-id AcceptRanges=accept-ranges
    ArchiveStatus=x-amz-archive-status
    BucketKeyEnabled:b=x-amz-server-side-encryption-bucket-key-enabled
    ChecksumAlgorithm=x-amz-checksum-algorithm ContentLength:l=content-length ContentRange=content-range
    CopySourceVersionId=x-amz-copy-source-version-id DeleteMarker:b=x-amz-delete-marker ETag=etag
    Expiration=x-amz-expiration Expires:t=expires LastModified:t=last-modified Location=location
    MissingMeta:i=x-amz-missing-meta ObjectLockRetainUntilDate:t=x-amz-object-lock-retain-until-date
    PartsCount:i=x-amz-mp-parts-count ReplicationStatus=x-amz-replication-status
    RequestCharged=x-amz-request-charged RestoreOutputPath=x-amz-restore-output-path Restore=x-amz-restore TagCount:i=x-amz-tagging-count
    VersionId=x-amz-version-id
"""

# What the genuine boto3 has beyond.
OTHERS = """
    create_bucket delete_bucket delete_bucket_analytics_configuration delete_bucket_cors
    delete_bucket_encryption delete_bucket_intelligent_tiering_configuration
    delete_bucket_inventory_configuration delete_bucket_lifecycle delete_bucket_metrics_configuration
    delete_bucket_ownership_controls delete_bucket_policy delete_bucket_replication
    delete_bucket_tagging delete_bucket_website delete_object_tagging delete_public_access_block
    get_bucket_accelerate_configuration get_bucket_acl get_bucket_analytics_configuration
    get_bucket_cors get_bucket_encryption get_bucket_intelligent_tiering_configuration
    get_bucket_inventory_configuration get_bucket_lifecycle get_bucket_lifecycle_configuration
    get_bucket_location get_bucket_logging get_bucket_metrics_configuration get_bucket_notification
    get_bucket_notification_configuration get_bucket_ownership_controls get_bucket_policy
    get_bucket_policy_status get_bucket_replication get_bucket_request_payment get_bucket_tagging
    get_bucket_versioning get_bucket_website get_object_acl get_object_attributes get_object_legal_hold
    get_object_lock_configuration get_object_retention get_object_tagging get_object_torrent
    get_public_access_block list_bucket_analytics_configurations
    list_bucket_intelligent_tiering_configurations list_bucket_inventory_configurations
    list_bucket_metrics_configurations list_buckets list_multipart_uploads list_object_versions
    list_parts put_bucket_accelerate_configuration put_bucket_acl put_bucket_analytics_configuration
    put_bucket_cors put_bucket_encryption put_bucket_intelligent_tiering_configuration
    put_bucket_inventory_configuration put_bucket_lifecycle put_bucket_lifecycle_configuration
    put_bucket_logging put_bucket_metrics_configuration put_bucket_notification
    put_bucket_notification_configuration put_bucket_ownership_controls put_bucket_policy
    put_bucket_replication put_bucket_request_payment put_bucket_tagging put_bucket_versioning
    put_bucket_website put_object_acl put_object_legal_hold put_object_lock_configuration
    put_object_retention put_object_tagging put_public_access_block restore_object select_object_content
    write_get_object_response
"""

IN_HEADERS = dict(word.split("=") for word in _IN.split())
OUT_HEADERS = {name: (header, "s") for name, header in IN_HEADERS.items()}
for _word in _OUT.split():
    _name, _header = _word.split("=")
    _name, _, _type = _name.partition(":")
    OUT_HEADERS[_name] = (_header, _type or "s")
