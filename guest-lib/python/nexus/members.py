# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Of the services without a model: members of answers that are not what JSON, or XML, makes of them, by their names.

Of those of the query protocol all that are no strings, lists and dictionaries so that empty ones are told."""

_TABLE = {
    "acm": {
        "times": "CreatedAt ImportedAt IssuedAt NotAfter NotBefore RevokedAt UpdatedAt",
    },
    "application-autoscaling": {
        "times": "CreationTime EndTime StartTime Timestamps UpdateTime",
    },
    "athena": {
        "times": """
            CompletionDateTime CreateTime CreationTime EndDateTime
            IdleSinceDateTime LastAccessTime LastModifiedDateTime LastModifiedTime
            LastSuccessfulAllocationTime RequestCompletionTime RequestTime StartDateTime
            SubmissionDateTime
            """,
    },
    "cloudwatch": {
        "blobs": "MetricWidgetImage",
        "times": """
            AlarmConfigurationUpdatedTimestamp CreationDate EndTime ExpireDate LastModified
            LastUpdateDate LastUpdatedTimestamp StartDate StartTime StateTransitionedTimestamp
            StateUpdatedTimestamp Timestamp Timestamps
            """,
        "integers": """
            ActionsSuppressorExtensionPeriod ActionsSuppressorWaitPeriod ApproximateUniqueCount
            DatapointsToAlarm EvaluationInterval EvaluationPeriods PendingPeriod Period
            RecoveryPeriod Size
            """,
        "floats": """
            AggregateValue ApproximateAggregateValue ApproximateValue Average ExtendedStatistics
            MaxContributorValue Maximum Minimum SampleCount Sum Threshold UniqueContributors Values
            """,
        "booleans": """
            ActionsEnabled ApplyOnTransformedLogs IncludeLinkedAccountsMetrics ManagedRule
            PeriodicSpikes ReturnData
            """,
        "lists": """
            AdditionalStatistics AlarmActions AlarmContributors AlarmHistoryItems
            AlarmMuteRuleSummaries AlarmNames AnomalyDetectors CompositeAlarms Contributors
            DashboardEntries DashboardValidationMessages Datapoints Dimensions Entries
            ExcludeFilters ExcludedTimeRanges Failures IncludeFilters IncludeMetrics InsightRules
            InsufficientDataActions KeyLabels Keys ManagedRules Messages MetricAlarms
            MetricDataQueries MetricDataResults MetricDatapoints MetricNames Metrics OKActions
            OwningAccounts StatisticsConfigurations Tags Timestamps Values
            """,
        "maps": """
            AlarmContributorAttributes Configuration ContributorAttributes EvaluationCriteria
            ExtendedStatistics Metric MetricCharacteristics MetricMathAnomalyDetector MetricStat
            MuteTargets PromQLCriteria Rule RuleState Schedule SingleMetricAnomalyDetector
            """,
    },
    "codebuild": {
        "times": """
            created endTime expired lastModified lastModifiedSecret requestTime requestedOn
            startTime submitTime
            """,
    },
    "cognito-idp": {
        "blobs": "Bytes",
        "times": """
            ClientSecretCreateDate CompletionDate CreatedAt CreationDate DeviceCreateDate
            DeviceLastAuthenticatedDate DeviceLastModifiedDate FeedbackDate LastModifiedDate
            StartDate UserCreateDate UserLastModifiedDate
            """,
    },
    "comprehend": {
        "times": """
            CreationTime EndTime LastModifiedTime LatestVersionCreatedAt SubmitTime TrainingEndTime
            TrainingStartTime
            """,
    },
    "dynamodb": {
        "times": """
            ArchivalDateTime BackupCreationDateTime BackupExpiryDateTime CreationDateTime
            EarliestRestorableDateTime EndTime ExportFromTime ExportTime ExportToTime
            InaccessibleEncryptionDateTime LastDecreaseDateTime LastIncreaseDateTime
            LastUpdateDateTime LastUpdateToPayPerRequestDateTime LatestRestorableDateTime
            ReplicaInaccessibleDateTime RestoreDateTime StartTime TableCreationDateTime
            """,
    },
    "dynamodbstreams": {
        "blobs": "B BS",
        "times": "ApproximateCreationDateTime CreationRequestDateTime",
    },
    "ecr": {
        "times": """
            createdAt expiresAt firstObservedAt imagePushedAt imageScanCompletedAt lastActivatedAt
            lastArchivedAt lastEvaluatedAt lastInUseAt lastObservedAt lastRecordedPullTime pushedAt
            updatedAt vendorCreatedAt vendorUpdatedAt vulnerabilitySourceUpdatedAt
            """,
    },
    "ecs": {
        "times": """
            connectivityAt createdAt deleteRequestedAt deregisteredAt executionStoppedAt
            expirationDate expiresAt finishedAt lastStartedAt lastStatusChange lastUpdated
            pullStartedAt pullStoppedAt registeredAt stabilityStatusAt startedAt stoppedAt
            stoppingAt updatedAt
            """,
    },
    "events": {
        "times": """
            CreationTime EventEndTime EventLastReplayedTime EventStartTime ExpirationTime
            LastAuthorizedTime LastModifiedTime ReplayEndTime ReplayStartTime
            """,
    },
    "firehose": {
        "times": """
            CreateTimestamp DeliveryStartTimestamp LastUpdateTimestamp ReadFromTimestamp
            RequestTimestamp
            """,
    },
    "glue": {
        "blobs": "UnscaledValue",
        "times": """
            AnalyzedTime CompletedOn CreateTime CreatedOn CreatedTimeStamp CreatedTimestamp
            CreationTime Date EndTime ExecutionTimestamp ImportTime LastAccessTime LastAnalyzedTime
            LastConnectionValidationTime LastModifiedOn LastModifiedTimestamp LastUpdated
            LastUpdatedTime RecordedOn RequestTime StartTime StartedOn
            StartingTimestamp StatisticRecordedOn UpdateTime endTimestamp startTimestamp
            """,
    },
    "iam": {
        "blobs": "Base32StringSeed Content QRCodePNG",
        "times": """
            CreateDate EnableDate Expiration ExpirationDate ExpirationTime GeneratedTime
            JobCompletionDate JobCreationDate LastAccessedTime LastAuthenticated
            LastAuthenticatedTime LastUsedDate PasswordLastUsed Timestamp UpdateDate UpdatedTime
            UploadDate ValidUntil
            """,
        "integers": """
            AttachmentCount Column Line MaxPasswordAge MaxSessionDuration MinimumPasswordLength
            NumberOfServicesAccessible NumberOfServicesNotAccessed PasswordReusePrevention
            PermissionsBoundaryUsageCount SessionDuration SummaryMap TotalAuthenticatedEntities
            """,
        "booleans": """
            AllowUsersToChangePassword AllowedByOrganizations AllowedByPermissionsBoundary
            ExpirePasswords HardExpiry IsAttachable IsDefaultVersion IsTruncated JwtVendingEnabled
            OnlySendByOwner PasswordResetRequired RequireLowercaseCharacters RequireNumbers
            RequireSymbols RequireUppercaseCharacters isTruncated
            """,
        "lists": """
            AccessDetails AccessKeyMetadata AccountAliases AttachedManagedPolicies AttachedPolicies
            Certificates ClientIDList ContextKeyNames DelegationRequests EnabledFeatures
            EntityDetailsList EvaluationResults GroupDetailList GroupList GroupPolicyList Groups
            InstanceProfileList InstanceProfiles MFADevices MatchedStatements MissingContextValues
            OpenIDConnectProviderList Parameters Policies PoliciesGrantingServiceAccess PolicyGroups
            PolicyNames PolicyRoles PolicyUsers PolicyVersionList PrivateKeyList
            ResourceSpecificResults Resources RoleDetailList RolePermissionRestrictionArns
            RolePolicyList RoleUsageList Roles SAMLProviderList SSHPublicKeys
            ServerCertificateMetadataList ServiceSpecificCredentials ServicesLastAccessed Tags
            ThumbprintList TrackedActionsLastAccessed UserDetailList UserPolicyList Users Values
            Versions VirtualMFADevices
            """,
        "maps": """
            AccessKey AccessKeyLastUsed Certificate Certifications DelegationRequest EndPosition
            EntityInfo Error ErrorDetails EvalDecisionDetails Group InstanceProfile LoginProfile
            OrganizationsDecisionDetail PasswordPolicy Permissions PermissionsBoundary
            PermissionsBoundaryDecisionDetail Policy PolicyVersion Reason Role RoleLastUsed
            SSHPublicKey ServerCertificate ServerCertificateMetadata ServiceSpecificCredential
            StartPosition SummaryMap User VirtualMFADevice
            """,
    },
    "kinesis": {
        "blobs": "Data",
        "times": """
            ApproximateArrivalTimestamp ConsumerCreationTimestamp EarliestAllowedEndAt EndedAt
            StartedAt StreamCreationTimestamp
            """,
    },
    "kms": {
        "blobs": """
            CiphertextBlob CiphertextForRecipient ImportToken Mac Plaintext PrivateKeyCiphertextBlob
            PrivateKeyPlaintext PublicKey SharedSecret Signature
            """,
        "times": """
            CreationDate DeletionDate KeyCreationDate LastUpdatedDate NextRotationDate
            OnDemandRotationStartDate ParametersValidTo RotationDate Timestamp TrackingStartDate
            ValidTo
            """,
    },
    "logs": {
        "blobs": "data",
    },
    "rekognition": {
        "blobs": "Bytes",
        "times": """
            CompletionTimestamp CreationTimestamp LastUpdateTimestamp LastUpdatedTimestamp
            TrainingEndTimestamp
            """,
    },
    "secretsmanager": {
        "blobs": "SecretBinary",
        "times": """
            CreatedDate DeletedDate DeletionDate LastAccessedDate LastChangedDate LastRotatedDate
            NextRotationDate
            """,
    },
    "ses": {
        "times": "CreatedTimestamp LastFreshStart Timestamp",
        "integers": "Bounces Complaints DeliveryAttempts Rejects",
        "floats": "Max24HourSend MaxSendRate SentLast24Hours",
        "booleans": """
            DkimEnabled Enabled ForwardingEnabled HeadersInBounceNotificationsEnabled
            HeadersInComplaintNotificationsEnabled HeadersInDeliveryNotificationsEnabled
            ReputationMetricsEnabled ScanEnabled SendingEnabled
            """,
        "lists": """
            Actions ConfigurationSets CustomVerificationEmailTemplates DimensionConfigurations
            DkimTokens EventDestinations Filters Identities MatchingEventTypes PolicyNames
            Recipients RuleSets Rules SendDataPoints Status TemplatesMetadata VerifiedEmailAddresses
            """,
        "maps": """
            AddHeaderAction BounceAction CloudWatchDestination ConfigurationSet ConnectAction
            DeliveryOptions DkimAttributes IpFilter KinesisFirehoseDestination LambdaAction
            MailFromDomainAttributes Metadata NotificationAttributes Policies ReputationOptions Rule
            S3Action SNSAction SNSDestination StopAction Template TrackingOptions
            VerificationAttributes WorkmailAction
            """,
    },
    "sns": {
        "times": "CreatedAt",
        "booleans": "IsInSandbox SenderFault isOptedOut",
        "lists": """
            Endpoints Failed NumberCapabilities PhoneNumbers PlatformApplications Subscriptions
            Successful Tags Topics phoneNumbers
            """,
        "maps": "Attributes attributes",
    },
    "sqs": {
        "blobs": "BinaryListValues BinaryValue",
    },
    "ssm": {
        "blobs": "Payload",
        "times": """
            ActualEndTime ActualStartTime ApprovalDate CaptureTime CreateTime CreatedDate
            CreatedTime CreationDate Date DeletionStartTime EndDate EndTime EndedAt ExecutionDate
            ExecutionEndTime ExecutionStartTime ExecutionTime ExpirationDate ExpirationTime
            ExpiresAfter InstalledTime LastAssociationExecutionDate LastExecutionDate
            LastModifiedDate LastModifiedTime LastNoRebootInstallOperationTime LastPingDateTime
            LastStatusUpdateTime LastSuccessfulAssociationExecutionDate LastSuccessfulExecutionDate
            LastSuccessfulSyncTime LastSyncTime LastUpdateAssociationDate LaunchTime ModifiedDate
            OperationEndTime OperationStartTime PlannedEndTime PlannedStartTime RegistrationDate
            ReleaseDate RequestedDateTime ResponseFinishDateTime ResponseStartDateTime ReviewedTime
            ScheduledTime StartDate StartTime SyncCreatedTime SyncLastModifiedTime UpdatedTime
            """,
    },
    "stepfunctions": {
        "times": "creationDate redriveDate startDate stopDate timestamp updateDate",
    },
    "sts": {
        "times": "Expiration",
        "integers": "PackedPolicySize",
        "maps": "AssumedRoleUser Credentials FederatedUser",
    },
    "textract": {
        "times": "CreationTime",
    },
    "transcribe": {
        "times": "CompletionTime CreateTime CreationTime LastModifiedTime LastUpdateTime StartTime",
    },
    "translate": {
        "blobs": "Content",
        "times": "CreatedAt EndTime LastUpdatedAt LatestUpdateAttemptAt SubmittedTime",
    },
}


class Kinds:
    """The sets of names of a service."""

    def __init__(self, service):
        known = _TABLE.get(service, {})
        for kind in ("blobs", "times", "integers", "floats", "booleans", "lists", "maps"):
            setattr(self, kind, frozenset(known.get(kind, "").split()))
