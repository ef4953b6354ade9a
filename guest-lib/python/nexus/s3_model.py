# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""S3's rarer operations, as nexus.s3_rest performs them: how each is asked and answered, in the language of nexus.params."""

# operation: method, sub-resource, the member that is its document (! if that needs a digest), the member that is the
# answer's document, parameters, members of the answer (^: a header)
OPERATIONS = {
    "CreateBucket": ("PUT", "", "CreateBucketConfiguration", "",
        """
        ACL Bucket! CreateBucketConfiguration:CreateBucketConfiguration GrantFullControl GrantRead
        GrantReadACP GrantWrite GrantWriteACP ObjectLockEnabledForBucket:b ObjectOwnership
        """,
        "^Location"),
    "DeleteBucket": ("DELETE", "", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketAnalyticsConfiguration": ("DELETE", "analytics", "", "",
        "Bucket! Id! ExpectedBucketOwner",
        ""),
    "DeleteBucketCors": ("DELETE", "cors", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketEncryption": ("DELETE", "encryption", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketIntelligentTieringConfiguration": ("DELETE", "intelligent-tiering", "", "",
        "Bucket! Id!",
        ""),
    "DeleteBucketInventoryConfiguration": ("DELETE", "inventory", "", "",
        "Bucket! Id! ExpectedBucketOwner",
        ""),
    "DeleteBucketLifecycle": ("DELETE", "lifecycle", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketMetricsConfiguration": ("DELETE", "metrics", "", "",
        "Bucket! Id! ExpectedBucketOwner",
        ""),
    "DeleteBucketOwnershipControls": ("DELETE", "ownershipControls", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketPolicy": ("DELETE", "policy", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketReplication": ("DELETE", "replication", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketTagging": ("DELETE", "tagging", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteBucketWebsite": ("DELETE", "website", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "DeleteObjectTagging": ("DELETE", "tagging", "", "",
        "Bucket! Key!:s1 VersionId ExpectedBucketOwner",
        "^VersionId"),
    "DeletePublicAccessBlock": ("DELETE", "publicAccessBlock", "", "",
        "Bucket! ExpectedBucketOwner",
        ""),
    "GetBucketAccelerateConfiguration": ("GET", "accelerate", "", "",
        "Bucket! ExpectedBucketOwner",
        "Status"),
    "GetBucketAcl": ("GET", "acl", "", "",
        "Bucket! ExpectedBucketOwner",
        "Owner:Owner Grants:[Grant]"),
    "GetBucketAnalyticsConfiguration": ("GET", "analytics", "", "AnalyticsConfiguration",
        "Bucket! Id! ExpectedBucketOwner",
        "AnalyticsConfiguration:AnalyticsConfiguration"),
    "GetBucketCors": ("GET", "cors", "", "",
        "Bucket! ExpectedBucketOwner",
        "CORSRules:[CORSRule]"),
    "GetBucketEncryption": ("GET", "encryption", "", "ServerSideEncryptionConfiguration",
        "Bucket! ExpectedBucketOwner",
        "ServerSideEncryptionConfiguration:ServerSideEncryptionConfiguration"),
    "GetBucketIntelligentTieringConfiguration": ("GET", "intelligent-tiering", "", "IntelligentTieringConfiguration",
        "Bucket! Id!",
        "IntelligentTieringConfiguration:IntelligentTieringConfiguration"),
    "GetBucketInventoryConfiguration": ("GET", "inventory", "", "InventoryConfiguration",
        "Bucket! Id! ExpectedBucketOwner",
        "InventoryConfiguration:InventoryConfiguration"),
    "GetBucketLifecycle": ("GET", "lifecycle", "", "",
        "Bucket! ExpectedBucketOwner",
        "Rules:[Rule]"),
    "GetBucketLifecycleConfiguration": ("GET", "lifecycle", "", "",
        "Bucket! ExpectedBucketOwner",
        "Rules:[LifecycleRule]"),
    "GetBucketLocation": ("GET", "location", "", "",
        "Bucket! ExpectedBucketOwner",
        "LocationConstraint"),
    "GetBucketLogging": ("GET", "logging", "", "",
        "Bucket! ExpectedBucketOwner",
        "LoggingEnabled:LoggingEnabled"),
    "GetBucketMetricsConfiguration": ("GET", "metrics", "", "MetricsConfiguration",
        "Bucket! Id! ExpectedBucketOwner",
        "MetricsConfiguration:MetricsConfiguration"),
    "GetBucketNotification": ("GET", "notification", "", "",
        "Bucket! ExpectedBucketOwner",
        """
        TopicConfiguration:TopicConfigurationDeprecated QueueConfiguration:QueueConfigurationDeprecated
        CloudFunctionConfiguration:CloudFunctionConfiguration
        """),
    "GetBucketNotificationConfiguration": ("GET", "notification", "", "",
        "Bucket! ExpectedBucketOwner",
        """
        TopicConfigurations:[TopicConfiguration] QueueConfigurations:[QueueConfiguration]
        LambdaFunctionConfigurations:[LambdaFunctionConfiguration]
        EventBridgeConfiguration:EventBridgeConfiguration
        """),
    "GetBucketOwnershipControls": ("GET", "ownershipControls", "", "OwnershipControls",
        "Bucket! ExpectedBucketOwner",
        "OwnershipControls:OwnershipControls"),
    "GetBucketPolicy": ("GET", "policy", "", "Policy",
        "Bucket! ExpectedBucketOwner",
        "Policy"),
    "GetBucketPolicyStatus": ("GET", "policyStatus", "", "PolicyStatus",
        "Bucket! ExpectedBucketOwner",
        "PolicyStatus:PolicyStatus"),
    "GetBucketReplication": ("GET", "replication", "", "ReplicationConfiguration",
        "Bucket! ExpectedBucketOwner",
        "ReplicationConfiguration:ReplicationConfiguration"),
    "GetBucketRequestPayment": ("GET", "requestPayment", "", "",
        "Bucket! ExpectedBucketOwner",
        "Payer"),
    "GetBucketTagging": ("GET", "tagging", "", "",
        "Bucket! ExpectedBucketOwner",
        "TagSet:[Tag]"),
    "GetBucketVersioning": ("GET", "versioning", "", "",
        "Bucket! ExpectedBucketOwner",
        "Status MFADelete"),
    "GetBucketWebsite": ("GET", "website", "", "",
        "Bucket! ExpectedBucketOwner",
        """
        RedirectAllRequestsTo:RedirectAllRequestsTo IndexDocument:IndexDocument
        ErrorDocument:ErrorDocument RoutingRules:[RoutingRule]
        """),
    "GetObjectAcl": ("GET", "acl", "", "",
        "Bucket! Key!:s1 VersionId RequestPayer ExpectedBucketOwner",
        "Owner:Owner Grants:[Grant] ^RequestCharged"),
    "GetObjectAttributes": ("GET", "attributes", "", "",
        """
        Bucket! Key!:s1 VersionId MaxParts:i PartNumberMarker:i SSECustomerAlgorithm SSECustomerKey
        SSECustomerKeyMD5 RequestPayer ExpectedBucketOwner ObjectAttributes!:[s]
        """,
        """
        ^DeleteMarker ^LastModified ^VersionId ^RequestCharged ETag Checksum:Checksum
        ObjectParts:GetObjectAttributesParts StorageClass ObjectSize:l
        """),
    "GetObjectLegalHold": ("GET", "legal-hold", "", "LegalHold",
        "Bucket! Key!:s1 VersionId RequestPayer ExpectedBucketOwner",
        "LegalHold:ObjectLockLegalHold"),
    "GetObjectLockConfiguration": ("GET", "object-lock", "", "ObjectLockConfiguration",
        "Bucket! ExpectedBucketOwner",
        "ObjectLockConfiguration:ObjectLockConfiguration"),
    "GetObjectRetention": ("GET", "retention", "", "Retention",
        "Bucket! Key!:s1 VersionId RequestPayer ExpectedBucketOwner",
        "Retention:ObjectLockRetention"),
    "GetObjectTagging": ("GET", "tagging", "", "",
        "Bucket! Key!:s1 VersionId ExpectedBucketOwner RequestPayer",
        "^VersionId TagSet:[Tag]"),
    "GetPublicAccessBlock": ("GET", "publicAccessBlock", "", "PublicAccessBlockConfiguration",
        "Bucket! ExpectedBucketOwner",
        "PublicAccessBlockConfiguration:PublicAccessBlockConfiguration"),
    "ListBucketAnalyticsConfigurations": ("GET", "analytics", "", "",
        "Bucket! ContinuationToken ExpectedBucketOwner",
        """
        IsTruncated:b ContinuationToken NextContinuationToken
        AnalyticsConfigurationList:[AnalyticsConfiguration]
        """),
    "ListBucketIntelligentTieringConfigurations": ("GET", "intelligent-tiering", "", "",
        "Bucket! ContinuationToken",
        """
        IsTruncated:b ContinuationToken NextContinuationToken
        IntelligentTieringConfigurationList:[IntelligentTieringConfiguration]
        """),
    "ListBucketInventoryConfigurations": ("GET", "inventory", "", "",
        "Bucket! ContinuationToken ExpectedBucketOwner",
        """
        ContinuationToken InventoryConfigurationList:[InventoryConfiguration] IsTruncated:b
        NextContinuationToken
        """),
    "ListBucketMetricsConfigurations": ("GET", "metrics", "", "",
        "Bucket! ContinuationToken ExpectedBucketOwner",
        """
        IsTruncated:b ContinuationToken NextContinuationToken
        MetricsConfigurationList:[MetricsConfiguration]
        """),
    "ListBuckets": ("GET", "", "", "",
        "",
        "Buckets:[Bucket] Owner:Owner"),
    "ListMultipartUploads": ("GET", "uploads", "", "",
        "Bucket! Delimiter EncodingType KeyMarker MaxUploads:i Prefix UploadIdMarker ExpectedBucketOwner",
        """
        Bucket KeyMarker UploadIdMarker NextKeyMarker Prefix Delimiter NextUploadIdMarker MaxUploads:i
        IsTruncated:b Uploads:[MultipartUpload] CommonPrefixes:[CommonPrefix] EncodingType
        """),
    "ListObjectVersions": ("GET", "versions", "", "",
        "Bucket! Delimiter EncodingType KeyMarker MaxKeys:i Prefix VersionIdMarker ExpectedBucketOwner",
        """
        IsTruncated:b KeyMarker VersionIdMarker NextKeyMarker NextVersionIdMarker
        Versions:[ObjectVersion] DeleteMarkers:[DeleteMarkerEntry] Name Prefix Delimiter MaxKeys:i
        CommonPrefixes:[CommonPrefix] EncodingType
        """),
    "ListParts": ("GET", "", "", "",
        """
        Bucket! Key!:s1 MaxParts:i PartNumberMarker:i UploadId! RequestPayer ExpectedBucketOwner
        SSECustomerAlgorithm SSECustomerKey SSECustomerKeyMD5
        """,
        """
        ^AbortDate ^AbortRuleId Bucket Key:s1 UploadId PartNumberMarker:i NextPartNumberMarker:i
        MaxParts:i IsTruncated:b Parts:[Part] Initiator:Initiator Owner:Owner StorageClass
        ^RequestCharged ChecksumAlgorithm
        """),
    "PutBucketAccelerateConfiguration": ("PUT", "accelerate", "AccelerateConfiguration", "",
        "Bucket! AccelerateConfiguration!:AccelerateConfiguration ExpectedBucketOwner ChecksumAlgorithm",
        ""),
    "PutBucketAcl": ("PUT", "acl", "AccessControlPolicy!", "",
        """
        ACL AccessControlPolicy:AccessControlPolicy Bucket! ContentMD5 ChecksumAlgorithm
        GrantFullControl GrantRead GrantReadACP GrantWrite GrantWriteACP ExpectedBucketOwner
        """,
        ""),
    "PutBucketAnalyticsConfiguration": ("PUT", "analytics", "AnalyticsConfiguration", "",
        "Bucket! Id! AnalyticsConfiguration!:AnalyticsConfiguration ExpectedBucketOwner",
        ""),
    "PutBucketCors": ("PUT", "cors", "CORSConfiguration!", "",
        "Bucket! CORSConfiguration!:CORSConfiguration ContentMD5 ChecksumAlgorithm ExpectedBucketOwner",
        ""),
    "PutBucketEncryption": ("PUT", "encryption", "ServerSideEncryptionConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm
        ServerSideEncryptionConfiguration!:ServerSideEncryptionConfiguration ExpectedBucketOwner
        """,
        ""),
    "PutBucketIntelligentTieringConfiguration": ("PUT", "intelligent-tiering", "IntelligentTieringConfiguration", "",
        "Bucket! Id! IntelligentTieringConfiguration!:IntelligentTieringConfiguration",
        ""),
    "PutBucketInventoryConfiguration": ("PUT", "inventory", "InventoryConfiguration", "",
        "Bucket! Id! InventoryConfiguration!:InventoryConfiguration ExpectedBucketOwner",
        ""),
    "PutBucketLifecycle": ("PUT", "lifecycle", "LifecycleConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm LifecycleConfiguration:LifecycleConfiguration
        ExpectedBucketOwner
        """,
        ""),
    "PutBucketLifecycleConfiguration": ("PUT", "lifecycle", "LifecycleConfiguration!", "",
        "Bucket! ChecksumAlgorithm LifecycleConfiguration:BucketLifecycleConfiguration ExpectedBucketOwner",
        ""),
    "PutBucketLogging": ("PUT", "logging", "BucketLoggingStatus!", "",
        "Bucket! BucketLoggingStatus!:BucketLoggingStatus ContentMD5 ChecksumAlgorithm ExpectedBucketOwner",
        ""),
    "PutBucketMetricsConfiguration": ("PUT", "metrics", "MetricsConfiguration", "",
        "Bucket! Id! MetricsConfiguration!:MetricsConfiguration ExpectedBucketOwner",
        ""),
    "PutBucketNotification": ("PUT", "notification", "NotificationConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm
        NotificationConfiguration!:NotificationConfigurationDeprecated ExpectedBucketOwner
        """,
        ""),
    "PutBucketNotificationConfiguration": ("PUT", "notification", "NotificationConfiguration", "",
        """
        Bucket! NotificationConfiguration!:NotificationConfiguration ExpectedBucketOwner
        SkipDestinationValidation:b
        """,
        ""),
    "PutBucketOwnershipControls": ("PUT", "ownershipControls", "OwnershipControls!", "",
        "Bucket! ContentMD5 ExpectedBucketOwner OwnershipControls!:OwnershipControls",
        ""),
    "PutBucketPolicy": ("PUT", "policy", "Policy!", "",
        "Bucket! ContentMD5 ChecksumAlgorithm ConfirmRemoveSelfBucketAccess:b Policy! ExpectedBucketOwner",
        ""),
    "PutBucketReplication": ("PUT", "replication", "ReplicationConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm ReplicationConfiguration!:ReplicationConfiguration Token
        ExpectedBucketOwner
        """,
        ""),
    "PutBucketRequestPayment": ("PUT", "requestPayment", "RequestPaymentConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm RequestPaymentConfiguration!:RequestPaymentConfiguration
        ExpectedBucketOwner
        """,
        ""),
    "PutBucketTagging": ("PUT", "tagging", "Tagging!", "",
        "Bucket! ContentMD5 ChecksumAlgorithm Tagging!:Tagging ExpectedBucketOwner",
        ""),
    "PutBucketVersioning": ("PUT", "versioning", "VersioningConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm MFA VersioningConfiguration!:VersioningConfiguration
        ExpectedBucketOwner
        """,
        ""),
    "PutBucketWebsite": ("PUT", "website", "WebsiteConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm WebsiteConfiguration!:WebsiteConfiguration
        ExpectedBucketOwner
        """,
        ""),
    "PutObjectAcl": ("PUT", "acl", "AccessControlPolicy!", "",
        """
        ACL AccessControlPolicy:AccessControlPolicy Bucket! ContentMD5 ChecksumAlgorithm
        GrantFullControl GrantRead GrantReadACP GrantWrite GrantWriteACP Key!:s1 RequestPayer VersionId
        ExpectedBucketOwner
        """,
        "^RequestCharged"),
    "PutObjectLegalHold": ("PUT", "legal-hold", "LegalHold!", "",
        """
        Bucket! Key!:s1 LegalHold:ObjectLockLegalHold RequestPayer VersionId ContentMD5
        ChecksumAlgorithm ExpectedBucketOwner
        """,
        "^RequestCharged"),
    "PutObjectLockConfiguration": ("PUT", "object-lock", "ObjectLockConfiguration!", "",
        """
        Bucket! ObjectLockConfiguration:ObjectLockConfiguration RequestPayer Token ContentMD5
        ChecksumAlgorithm ExpectedBucketOwner
        """,
        "^RequestCharged"),
    "PutObjectRetention": ("PUT", "retention", "Retention!", "",
        """
        Bucket! Key!:s1 Retention:ObjectLockRetention RequestPayer VersionId BypassGovernanceRetention:b
        ContentMD5 ChecksumAlgorithm ExpectedBucketOwner
        """,
        "^RequestCharged"),
    "PutObjectTagging": ("PUT", "tagging", "Tagging!", "",
        """
        Bucket! Key!:s1 VersionId ContentMD5 ChecksumAlgorithm Tagging!:Tagging ExpectedBucketOwner
        RequestPayer
        """,
        "^VersionId"),
    "PutPublicAccessBlock": ("PUT", "publicAccessBlock", "PublicAccessBlockConfiguration!", "",
        """
        Bucket! ContentMD5 ChecksumAlgorithm
        PublicAccessBlockConfiguration!:PublicAccessBlockConfiguration ExpectedBucketOwner
        """,
        ""),
    "RestoreObject": ("POST", "restore", "RestoreRequest", "",
        """
        Bucket! Key!:s1 VersionId RestoreRequest:RestoreRequest RequestPayer ChecksumAlgorithm
        ExpectedBucketOwner
        """,
        "^RequestCharged ^RestoreOutputPath"),
}

# parameters that are headers, and those that are in the query; those that are where only this operation has them
HEADERS = {
    "GrantWrite": "x-amz-grant-write", "ObjectLockEnabledForBucket": "x-amz-bucket-object-lock-enabled",
    "ObjectOwnership": "x-amz-object-ownership", "ObjectAttributes": "x-amz-object-attributes",
    "SkipDestinationValidation": "x-amz-skip-destination-validation", "ConfirmRemoveSelfBucketAccess":
    "x-amz-confirm-remove-self-bucket-access", "Token": "x-amz-bucket-object-lock-token"
}
QUERY = {
    "Id": "id", "VersionId": "versionId", "ContinuationToken": "continuation-token", "Delimiter": "delimiter",
    "EncodingType": "encoding-type", "KeyMarker": "key-marker", "MaxUploads": "max-uploads", "Prefix":
    "prefix", "UploadIdMarker": "upload-id-marker", "MaxKeys": "max-keys", "VersionIdMarker":
    "version-id-marker", "MaxParts": "max-parts", "PartNumberMarker": "part-number-marker", "UploadId":
    "uploadId"
}
OWN = {
    "GetObjectAttributes": {"MaxParts": "x-amz-max-parts", "PartNumberMarker": "x-amz-part-number-marker"},
}

SHAPES = {
    "AbortIncompleteMultipartUpload": "DaysAfterInitiation:i",
    "AccelerateConfiguration": "Status",
    "AccessControlPolicy": "Grants:[Grant] Owner:Owner",
    "AccessControlTranslation": "Owner!",
    "AnalyticsAndOperator": "Prefix Tags:[Tag]",
    "AnalyticsConfiguration": "Id! Filter:AnalyticsFilter StorageClassAnalysis!:StorageClassAnalysis",
    "AnalyticsExportDestination": "S3BucketDestination!:AnalyticsS3BucketDestination",
    "AnalyticsFilter": "Prefix Tag:Tag And:AnalyticsAndOperator",
    "AnalyticsS3BucketDestination": "Format! BucketAccountId Bucket! Prefix",
    "Bucket": "Name CreationDate:t",
    "BucketLifecycleConfiguration": "Rules!:[LifecycleRule]",
    "BucketLoggingStatus": "LoggingEnabled:LoggingEnabled",
    "CORSConfiguration": "CORSRules!:[CORSRule]",
    "CORSRule": """
        ID AllowedHeaders:[s] AllowedMethods!:[s] AllowedOrigins!:[s] ExposeHeaders:[s] MaxAgeSeconds:i
        """,
    "CSVInput": """
        FileHeaderInfo Comments QuoteEscapeCharacter RecordDelimiter FieldDelimiter QuoteCharacter
        AllowQuotedRecordDelimiter:b
        """,
    "CSVOutput": "QuoteFields QuoteEscapeCharacter RecordDelimiter FieldDelimiter QuoteCharacter",
    "Checksum": "ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256",
    "CloudFunctionConfiguration": "Id Event Events:[s] CloudFunction InvocationRole",
    "CommonPrefix": "Prefix",
    "Condition": "HttpErrorCodeReturnedEquals KeyPrefixEquals",
    "CreateBucketConfiguration": "LocationConstraint",
    "DefaultRetention": "Mode Days:i Years:i",
    "DeleteMarkerEntry": "Owner:Owner Key:s1 VersionId IsLatest:b LastModified:t",
    "DeleteMarkerReplication": "Status",
    "Destination": """
        Bucket! Account StorageClass AccessControlTranslation:AccessControlTranslation
        EncryptionConfiguration:EncryptionConfiguration ReplicationTime:ReplicationTime Metrics:Metrics
        """,
    "Encryption": "EncryptionType! KMSKeyId KMSContext",
    "EncryptionConfiguration": "ReplicaKmsKeyID",
    "ErrorDocument": "Key!:s1",
    "EventBridgeConfiguration": "",
    "ExistingObjectReplication": "Status!",
    "FilterRule": "Name Value",
    "GetObjectAttributesParts": """
        TotalPartsCount:i PartNumberMarker:i NextPartNumberMarker:i MaxParts:i IsTruncated:b
        Parts:[ObjectPart]
        """,
    "GlacierJobParameters": "Tier!",
    "Grant": "Grantee:Grantee Permission",
    "Grantee": "DisplayName EmailAddress ID Type! URI",
    "IndexDocument": "Suffix!",
    "Initiator": "ID DisplayName",
    "InputSerialization": "CSV:CSVInput CompressionType JSON:JSONInput Parquet:ParquetInput",
    "IntelligentTieringAndOperator": "Prefix Tags:[Tag]",
    "IntelligentTieringConfiguration": "Id! Filter:IntelligentTieringFilter Status! Tierings!:[Tiering]",
    "IntelligentTieringFilter": "Prefix Tag:Tag And:IntelligentTieringAndOperator",
    "InventoryConfiguration": """
        Destination!:InventoryDestination IsEnabled!:b Filter:InventoryFilter Id!
        IncludedObjectVersions! OptionalFields:[s] Schedule!:InventorySchedule
        """,
    "InventoryDestination": "S3BucketDestination!:InventoryS3BucketDestination",
    "InventoryEncryption": "SSES3:SSES3 SSEKMS:SSEKMS",
    "InventoryFilter": "Prefix!",
    "InventoryS3BucketDestination": "AccountId Bucket! Format! Prefix Encryption:InventoryEncryption",
    "InventorySchedule": "Frequency!",
    "JSONInput": "Type",
    "JSONOutput": "RecordDelimiter",
    "LambdaFunctionConfiguration": """
        Id LambdaFunctionArn! Events!:[s] Filter:NotificationConfigurationFilter
        """,
    "LifecycleConfiguration": "Rules!:[Rule]",
    "LifecycleExpiration": "Date:t Days:i ExpiredObjectDeleteMarker:b",
    "LifecycleRule": """
        Expiration:LifecycleExpiration ID Prefix Filter:LifecycleRuleFilter Status!
        Transitions:[Transition] NoncurrentVersionTransitions:[NoncurrentVersionTransition]
        NoncurrentVersionExpiration:NoncurrentVersionExpiration
        AbortIncompleteMultipartUpload:AbortIncompleteMultipartUpload
        """,
    "LifecycleRuleAndOperator": "Prefix Tags:[Tag] ObjectSizeGreaterThan:l ObjectSizeLessThan:l",
    "LifecycleRuleFilter": """
        Prefix Tag:Tag ObjectSizeGreaterThan:l ObjectSizeLessThan:l And:LifecycleRuleAndOperator
        """,
    "LoggingEnabled": "TargetBucket! TargetGrants:[TargetGrant] TargetPrefix!",
    "MetadataEntry": "Name Value",
    "Metrics": "Status! EventThreshold:ReplicationTimeValue",
    "MetricsAndOperator": "Prefix Tags:[Tag] AccessPointArn",
    "MetricsConfiguration": "Id! Filter:MetricsFilter",
    "MetricsFilter": "Prefix Tag:Tag AccessPointArn And:MetricsAndOperator",
    "MultipartUpload": """
        UploadId Key:s1 Initiated:t StorageClass Owner:Owner Initiator:Initiator ChecksumAlgorithm
        """,
    "NoncurrentVersionExpiration": "NoncurrentDays:i NewerNoncurrentVersions:i",
    "NoncurrentVersionTransition": "NoncurrentDays:i StorageClass NewerNoncurrentVersions:i",
    "NotificationConfiguration": """
        TopicConfigurations:[TopicConfiguration] QueueConfigurations:[QueueConfiguration]
        LambdaFunctionConfigurations:[LambdaFunctionConfiguration]
        EventBridgeConfiguration:EventBridgeConfiguration
        """,
    "NotificationConfigurationDeprecated": """
        TopicConfiguration:TopicConfigurationDeprecated QueueConfiguration:QueueConfigurationDeprecated
        CloudFunctionConfiguration:CloudFunctionConfiguration
        """,
    "NotificationConfigurationFilter": "Key:S3KeyFilter",
    "ObjectLockConfiguration": "ObjectLockEnabled Rule:ObjectLockRule",
    "ObjectLockLegalHold": "Status",
    "ObjectLockRetention": "Mode RetainUntilDate:t",
    "ObjectLockRule": "DefaultRetention:DefaultRetention",
    "ObjectPart": "PartNumber:i Size:i ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256",
    "ObjectVersion": """
        ETag ChecksumAlgorithm:[s] Size:i StorageClass Key:s1 VersionId IsLatest:b LastModified:t
        Owner:Owner
        """,
    "OutputLocation": "S3:S3Location",
    "OutputSerialization": "CSV:CSVOutput JSON:JSONOutput",
    "Owner": "DisplayName ID",
    "OwnershipControls": "Rules!:[OwnershipControlsRule]",
    "OwnershipControlsRule": "ObjectOwnership!",
    "ParquetInput": "",
    "Part": """
        PartNumber:i LastModified:t ETag Size:i ChecksumCRC32 ChecksumCRC32C ChecksumSHA1 ChecksumSHA256
        """,
    "PolicyStatus": "IsPublic:b",
    "PublicAccessBlockConfiguration": """
        BlockPublicAcls:b IgnorePublicAcls:b BlockPublicPolicy:b RestrictPublicBuckets:b
        """,
    "QueueConfiguration": "Id QueueArn! Events!:[s] Filter:NotificationConfigurationFilter",
    "QueueConfigurationDeprecated": "Id Event Events:[s] Queue",
    "Redirect": "HostName HttpRedirectCode Protocol ReplaceKeyPrefixWith ReplaceKeyWith",
    "RedirectAllRequestsTo": "HostName! Protocol",
    "ReplicaModifications": "Status!",
    "ReplicationConfiguration": "Role! Rules!:[ReplicationRule]",
    "ReplicationRule": """
        ID Priority:i Prefix Filter:ReplicationRuleFilter Status!
        SourceSelectionCriteria:SourceSelectionCriteria
        ExistingObjectReplication:ExistingObjectReplication Destination!:Destination
        DeleteMarkerReplication:DeleteMarkerReplication
        """,
    "ReplicationRuleAndOperator": "Prefix Tags:[Tag]",
    "ReplicationRuleFilter": "Prefix Tag:Tag And:ReplicationRuleAndOperator",
    "ReplicationTime": "Status! Time!:ReplicationTimeValue",
    "ReplicationTimeValue": "Minutes:i",
    "RequestPaymentConfiguration": "Payer!",
    "RestoreRequest": """
        Days:i GlacierJobParameters:GlacierJobParameters Type Tier Description
        SelectParameters:SelectParameters OutputLocation:OutputLocation
        """,
    "RoutingRule": "Condition:Condition Redirect!:Redirect",
    "Rule": """
        Expiration:LifecycleExpiration ID Prefix! Status! Transition:Transition
        NoncurrentVersionTransition:NoncurrentVersionTransition
        NoncurrentVersionExpiration:NoncurrentVersionExpiration
        AbortIncompleteMultipartUpload:AbortIncompleteMultipartUpload
        """,
    "S3KeyFilter": "FilterRules:[FilterRule]",
    "S3Location": """
        BucketName! Prefix! Encryption:Encryption CannedACL AccessControlList:[Grant] Tagging:Tagging
        UserMetadata:[MetadataEntry] StorageClass
        """,
    "SSEKMS": "KeyId!",
    "SSES3": "",
    "SelectParameters": """
        InputSerialization!:InputSerialization ExpressionType! Expression!
        OutputSerialization!:OutputSerialization
        """,
    "ServerSideEncryptionByDefault": "SSEAlgorithm! KMSMasterKeyID",
    "ServerSideEncryptionConfiguration": "Rules!:[ServerSideEncryptionRule]",
    "ServerSideEncryptionRule": """
        ApplyServerSideEncryptionByDefault:ServerSideEncryptionByDefault BucketKeyEnabled:b
        """,
    "SourceSelectionCriteria": """
        SseKmsEncryptedObjects:SseKmsEncryptedObjects ReplicaModifications:ReplicaModifications
        """,
    "SseKmsEncryptedObjects": "Status!",
    "StorageClassAnalysis": "DataExport:StorageClassAnalysisDataExport",
    "StorageClassAnalysisDataExport": "OutputSchemaVersion! Destination!:AnalyticsExportDestination",
    "Tag": "Key!:s1 Value!",
    "Tagging": "TagSet!:[Tag]",
    "TargetGrant": "Grantee:Grantee Permission",
    "Tiering": "Days!:i AccessTier!",
    "TopicConfiguration": "Id TopicArn! Events!:[s] Filter:NotificationConfigurationFilter",
    "TopicConfigurationDeprecated": "Id Events:[s] Event Topic",
    "Transition": "Date:t Days:i StorageClass",
    "VersioningConfiguration": "MFADelete Status",
    "WebsiteConfiguration": """
        ErrorDocument:ErrorDocument IndexDocument:IndexDocument
        RedirectAllRequestsTo:RedirectAllRequestsTo RoutingRules:[RoutingRule]
        """,
}

# SHAPE.MEMBER=its element, where that is not called as it: OUTER>ITEM or ITEM* of a list, @ of an attribute
ELEMENTS = dict(word.split("=") for word in """
    AccessControlPolicy.Grants=AccessControlList>Grant AnalyticsAndOperator.Tags=Tag*
    BucketLifecycleConfiguration.Rules=Rule* CORSConfiguration.CORSRules=CORSRule*
    CORSRule.AllowedHeaders=AllowedHeader* CORSRule.AllowedMethods=AllowedMethod*
    CORSRule.AllowedOrigins=AllowedOrigin* CORSRule.ExposeHeaders=ExposeHeader*
    CloudFunctionConfiguration.Events=Event* GetBucketAcl.Grants=AccessControlList>Grant
    GetBucketCors.CORSRules=CORSRule* GetBucketLifecycle.Rules=Rule*
    GetBucketLifecycleConfiguration.Rules=Rule*
    GetBucketNotificationConfiguration.LambdaFunctionConfigurations=CloudFunctionConfiguration*
    GetBucketNotificationConfiguration.QueueConfigurations=QueueConfiguration*
    GetBucketNotificationConfiguration.TopicConfigurations=TopicConfiguration*
    GetBucketTagging.TagSet=TagSet>Tag GetBucketVersioning.MFADelete=MfaDelete
    GetBucketWebsite.RoutingRules=RoutingRules>RoutingRule GetObjectAcl.Grants=AccessControlList>Grant
    GetObjectAttributesParts.Parts=Part* GetObjectAttributesParts.TotalPartsCount=PartsCount
    GetObjectTagging.TagSet=TagSet>Tag Grantee.Type=@xsi:type IntelligentTieringAndOperator.Tags=Tag*
    IntelligentTieringConfiguration.Tierings=Tiering*
    InventoryConfiguration.OptionalFields=OptionalFields>Field InventoryEncryption.SSEKMS=SSE-KMS
    InventoryEncryption.SSES3=SSE-S3 LambdaFunctionConfiguration.Events=Event*
    LambdaFunctionConfiguration.LambdaFunctionArn=CloudFunction LifecycleConfiguration.Rules=Rule*
    LifecycleRule.NoncurrentVersionTransitions=NoncurrentVersionTransition*
    LifecycleRule.Transitions=Transition* LifecycleRuleAndOperator.Tags=Tag*
    ListBucketAnalyticsConfigurations.AnalyticsConfigurationList=AnalyticsConfiguration*
    ListBucketIntelligentTieringConfigurations.IntelligentTieringConfigurationList=IntelligentTieringConfiguration*
    ListBucketInventoryConfigurations.InventoryConfigurationList=InventoryConfiguration*
    ListBucketMetricsConfigurations.MetricsConfigurationList=MetricsConfiguration*
    ListBuckets.Buckets=Buckets>Bucket ListMultipartUploads.CommonPrefixes=CommonPrefixes*
    ListMultipartUploads.Uploads=Upload* ListObjectVersions.CommonPrefixes=CommonPrefixes*
    ListObjectVersions.DeleteMarkers=DeleteMarker* ListObjectVersions.Versions=Version*
    ListParts.Parts=Part* LoggingEnabled.TargetGrants=TargetGrants>Grant MetricsAndOperator.Tags=Tag*
    NotificationConfiguration.LambdaFunctionConfigurations=CloudFunctionConfiguration*
    NotificationConfiguration.QueueConfigurations=QueueConfiguration*
    NotificationConfiguration.TopicConfigurations=TopicConfiguration*
    NotificationConfigurationFilter.Key=S3Key ObjectVersion.ChecksumAlgorithm=ChecksumAlgorithm*
    OwnershipControls.Rules=Rule* QueueConfiguration.Events=Event* QueueConfiguration.QueueArn=Queue
    QueueConfigurationDeprecated.Events=Event* ReplicationConfiguration.Rules=Rule*
    ReplicationRuleAndOperator.Tags=Tag* S3KeyFilter.FilterRules=FilterRule*
    S3Location.AccessControlList=AccessControlList>Grant S3Location.UserMetadata=UserMetadata>MetadataEntry
    ServerSideEncryptionConfiguration.Rules=Rule* Tagging.TagSet=TagSet>Tag TopicConfiguration.Events=Event*
    TopicConfiguration.TopicArn=Topic TopicConfigurationDeprecated.Events=Event*
    VersioningConfiguration.MFADelete=MfaDelete WebsiteConfiguration.RoutingRules=RoutingRules>RoutingRule
""".split())
