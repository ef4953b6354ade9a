# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Which operations of the services without a model answer in pages, and how; see botocore.paginate.

service: ((input token, output token, parameter for a page's size, member that says whether there is more),
"operation=results /MEMBER ..."), where - is none, several are joined by commas, and /MEMBER is of all pages together."""

_TABLE = {
    "acm": (
        ("NextToken NextToken MaxItems -", """
            list_certificates=CertificateSummaryList
        """),
    ),
    "application-autoscaling": (
        ("NextToken NextToken MaxResults -", """
            describe_scalable_targets=ScalableTargets describe_scaling_activities=ScalingActivities
            describe_scaling_policies=ScalingPolicies describe_scheduled_actions=ScheduledActions
        """),
    ),
    "athena": (
        ("NextToken NextToken MaxResults -", """
            list_named_queries=NamedQueryIds list_query_executions=QueryExecutionIds
            get_query_results=ResultSet.Rows /ResultSet.ResultSetMetadata /UpdateCount
            list_data_catalogs=DataCatalogsSummary list_databases=DatabaseList
            list_table_metadata=TableMetadataList list_tags_for_resource=Tags
        """),
    ),
    "cloudwatch": (
        ("NextToken NextToken MaxRecords -", """
            describe_alarm_history=AlarmHistoryItems describe_alarms=MetricAlarms,CompositeAlarms
        """),
        ("NextToken NextToken - -", """
            list_dashboards=DashboardEntries list_metrics=Metrics,OwningAccounts
        """),
        ("NextToken NextToken MaxDatapoints -", """
            get_metric_data=MetricDataResults,Messages
        """),
        ("NextToken NextToken MaxResults -", """
            describe_anomaly_detectors=AnomalyDetectors
        """),
    ),
    "codebuild": (
        ("nextToken nextToken - -", """
            list_builds=ids list_projects=projects list_builds_for_project=ids
        """),
        ("nextToken nextToken maxResults -", """
            describe_test_cases=testCases list_report_groups=reportGroups list_reports=reports
            list_reports_for_report_group=reports list_shared_projects=projects
            list_shared_report_groups=reportGroups describe_code_coverages=codeCoverages
            list_build_batches=ids list_build_batches_for_project=ids
        """),
    ),
    "cognito-idp": (
        ("NextToken NextToken Limit -", """
            admin_list_groups_for_user=Groups list_groups=Groups list_users_in_group=Users
        """),
        ("NextToken NextToken MaxResults -", """
            admin_list_user_auth_events=AuthEvents list_identity_providers=Providers
            list_resource_servers=ResourceServers list_user_pool_clients=UserPoolClients
            list_user_pools=UserPools
        """),
        ("PaginationToken PaginationToken Limit -", """
            list_users=Users
        """),
    ),
    "comprehend": (
        ("NextToken NextToken MaxResults -", """
            list_topics_detection_jobs=TopicsDetectionJobPropertiesList
            list_document_classification_jobs=DocumentClassificationJobPropertiesList
            list_document_classifiers=DocumentClassifierPropertiesList
            list_dominant_language_detection_jobs=DominantLanguageDetectionJobPropertiesList
            list_entities_detection_jobs=EntitiesDetectionJobPropertiesList
            list_entity_recognizers=EntityRecognizerPropertiesList
            list_key_phrases_detection_jobs=KeyPhrasesDetectionJobPropertiesList
            list_sentiment_detection_jobs=SentimentDetectionJobPropertiesList
            list_endpoints=EndpointPropertiesList
            list_pii_entities_detection_jobs=PiiEntitiesDetectionJobPropertiesList
        """),
    ),
    "ecr": (
        ("nextToken nextToken maxResults -", """
            list_images=imageIds describe_images=imageDetails describe_repositories=repositories
            describe_image_scan_findings=imageScanFindings.findings,imageScanFindings.enhancedFindings
            /registryId /repositoryName /imageId /imageScanStatus /imageScanFindings
            get_lifecycle_policy_preview=previewResults /registryId /repositoryName /lifecyclePolicyText
            /status /summary describe_pull_through_cache_rules=pullThroughCacheRules
        """),
    ),
    "ecs": (
        ("nextToken nextToken maxResults -", """
            list_clusters=clusterArns list_container_instances=containerInstanceArns
            list_task_definitions=taskDefinitionArns list_task_definition_families=families
            list_tasks=taskArns list_services=serviceArns list_account_settings=settings
            list_attributes=attributes list_services_by_namespace=serviceArns
        """),
    ),
    "events": (
        ("NextToken NextToken Limit -", """
            list_rule_names_by_target=RuleNames list_rules=Rules list_targets_by_rule=Targets
        """),
    ),
    "glue": (
        ("NextToken NextToken MaxResults -", """
            get_jobs=Jobs get_partitions=Partitions get_databases=DatabaseList
            get_classifiers=Classifiers get_table_versions=TableVersions get_crawlers=Crawlers
            get_dev_endpoints=DevEndpoints get_job_runs=JobRuns get_triggers=Triggers
            get_tables=TableList get_user_defined_functions=UserDefinedFunctions
            get_crawler_metrics=CrawlerMetricsList get_connections=ConnectionList
            get_security_configurations=SecurityConfigurations
            get_resource_policies=GetResourcePoliciesResponseList list_registries=Registries
            list_schema_versions=Schemas list_schemas=Schemas
        """),
        ("NextToken NextToken - -", """
            get_partition_indexes=PartitionIndexDescriptorList
        """),
    ),
    "iam": (
        ("Marker Marker MaxItems IsTruncated", """
            get_account_authorization_details=UserDetailList,GroupDetailList,RoleDetailList,Policies
            get_group=Users /Group list_access_keys=AccessKeyMetadata
            list_account_aliases=AccountAliases list_attached_group_policies=AttachedPolicies
            list_attached_role_policies=AttachedPolicies list_attached_user_policies=AttachedPolicies
            list_entities_for_policy=PolicyGroups,PolicyUsers,PolicyRoles
            list_group_policies=PolicyNames list_groups=Groups list_groups_for_user=Groups
            list_instance_profiles=InstanceProfiles list_instance_profiles_for_role=InstanceProfiles
            list_mfa_devices=MFADevices list_policies=Policies list_policy_versions=Versions
            list_role_policies=PolicyNames list_roles=Roles
            list_server_certificates=ServerCertificateMetadataList
            list_signing_certificates=Certificates list_ssh_public_keys=SSHPublicKeys
            list_user_policies=PolicyNames list_users=Users list_virtual_mfa_devices=VirtualMFADevices
            simulate_custom_policy=EvaluationResults simulate_principal_policy=EvaluationResults
            list_user_tags=Tags
        """),
    ),
    "kinesis": (
        ("ExclusiveStartShardId StreamDescription.Shards[-1].ShardId Limit StreamDescription.HasMoreShards", """
            describe_stream=StreamDescription.Shards /StreamDescription.StreamARN
            /StreamDescription.StreamName /StreamDescription.StreamStatus
            /StreamDescription.RetentionPeriodHours /StreamDescription.EnhancedMonitoring
            /StreamDescription.EncryptionType /StreamDescription.KeyId
            /StreamDescription.StreamCreationTimestamp
        """),
        ("ExclusiveStartStreamName StreamNames[-1] Limit HasMoreStreams", """
            list_streams=StreamNames
        """),
        ("NextToken NextToken MaxResults -", """
            list_shards=Shards list_stream_consumers=Consumers
        """),
    ),
    "kms": (
        ("Marker NextMarker Limit Truncated", """
            list_aliases=Aliases list_grants=Grants list_key_policies=PolicyNames list_keys=Keys
            describe_custom_key_stores=CustomKeyStores list_resource_tags=Tags
            list_retirable_grants=Grants
        """),
    ),
    "lambda": (
        ("Marker NextMarker MaxItems -", """
            list_event_source_mappings=EventSourceMappings list_functions=Functions list_aliases=Aliases
            list_layer_versions=LayerVersions list_layers=Layers list_versions_by_function=Versions
            list_function_event_invoke_configs=FunctionEventInvokeConfigs
            list_provisioned_concurrency_configs=ProvisionedConcurrencyConfigs
            list_code_signing_configs=CodeSigningConfigs
            list_functions_by_code_signing_config=FunctionArns
            list_function_url_configs=FunctionUrlConfigs
        """),
    ),
    "logs": (
        ("nextToken nextToken limit -", """
            describe_destinations=destinations describe_log_groups=logGroups
            describe_log_streams=logStreams describe_metric_filters=metricFilters
            describe_subscription_filters=subscriptionFilters
            filter_log_events=events,searchedLogStreams describe_export_tasks=exportTasks
            describe_resource_policies=resourcePolicies
        """),
        ("nextToken nextToken maxResults -", """
            describe_queries=queries
        """),
    ),
    "rekognition": (
        ("NextToken NextToken MaxResults -", """
            list_collections=CollectionIds,FaceModelVersions list_faces=Faces /FaceModelVersion
            list_stream_processors=StreamProcessors describe_project_versions=ProjectVersionDescriptions
            describe_projects=ProjectDescriptions list_dataset_entries=DatasetEntries
            list_dataset_labels=DatasetLabelDescriptions list_project_policies=ProjectPolicies
        """),
    ),
    "secretsmanager": (
        ("NextToken NextToken MaxResults -", """
            list_secrets=SecretList
        """),
    ),
    "ses": (
        ("NextToken NextToken MaxItems -", """
            list_identities=Identities list_configuration_sets=ConfigurationSets
            list_templates=TemplatesMetadata
        """),
        ("NextToken NextToken MaxResults -", """
            list_custom_verification_email_templates=CustomVerificationEmailTemplates
        """),
        ("NextToken NextToken - -", """
            list_receipt_rule_sets=RuleSets
        """),
    ),
    "sns": (
        ("NextToken NextToken - -", """
            list_endpoints_by_platform_application=Endpoints
            list_platform_applications=PlatformApplications list_subscriptions=Subscriptions
            list_subscriptions_by_topic=Subscriptions list_topics=Topics
        """),
        ("nextToken nextToken - -", """
            list_phone_numbers_opted_out=phoneNumbers
        """),
        ("NextToken NextToken MaxResults -", """
            list_origination_numbers=PhoneNumbers list_sms_sandbox_phone_numbers=PhoneNumbers
        """),
    ),
    "sqs": (
        ("NextToken NextToken MaxResults -", """
            list_dead_letter_source_queues=queueUrls list_queues=QueueUrls
        """),
    ),
    "ssm": (
        ("NextToken NextToken MaxResults -", """
            list_associations=Associations list_command_invocations=CommandInvocations
            list_commands=Commands list_documents=DocumentIdentifiers
            describe_instance_information=InstanceInformationList describe_activations=ActivationList
            describe_parameters=Parameters describe_association_executions=AssociationExecutions
            describe_association_execution_targets=AssociationExecutionTargets get_inventory=Entities
            get_parameters_by_path=Parameters get_parameter_history=Parameters
            describe_automation_executions=AutomationExecutionMetadataList
            describe_automation_step_executions=StepExecutions describe_available_patches=Patches
            describe_effective_instance_associations=Associations
            describe_effective_patches_for_patch_baseline=EffectivePatches
            describe_instance_associations_status=InstanceAssociationStatusInfos
            describe_instance_patch_states=InstancePatchStates
            describe_instance_patch_states_for_patch_group=InstancePatchStates
            describe_instance_patches=Patches describe_inventory_deletions=InventoryDeletions
            describe_maintenance_window_execution_task_invocations=WindowExecutionTaskInvocationIdentities
            describe_maintenance_window_execution_tasks=WindowExecutionTaskIdentities
            describe_maintenance_window_executions=WindowExecutions
            describe_maintenance_window_schedule=ScheduledWindowExecutions
            describe_maintenance_window_targets=Targets describe_maintenance_window_tasks=Tasks
            describe_maintenance_windows=WindowIdentities
            describe_maintenance_windows_for_target=WindowIdentities
            describe_patch_baselines=BaselineIdentities describe_patch_groups=Mappings
            describe_sessions=Sessions get_inventory_schema=Schemas
            list_association_versions=AssociationVersions list_compliance_items=ComplianceItems
            list_compliance_summaries=ComplianceSummaryItems list_document_versions=DocumentVersions
            list_resource_compliance_summaries=ResourceComplianceSummaryItems
            list_resource_data_sync=ResourceDataSyncItems describe_ops_items=OpsItemSummaries
            describe_patch_properties=Properties get_ops_summary=Entities list_ops_item_events=Summaries
            list_ops_metadata=OpsMetadataList list_ops_item_related_items=Summaries
            get_resource_policies=Policies
        """),
    ),
    "stepfunctions": (
        ("nextToken nextToken maxResults -", """
            get_execution_history=events list_activities=activities list_executions=executions
            list_state_machines=stateMachines list_map_runs=mapRuns
        """),
    ),
    "translate": (
        ("NextToken NextToken MaxResults -", """
            list_terminologies=TerminologyPropertiesList
        """),
    ),
}


def find(service):
    """{operation: how it is paged}"""
    known = {}
    for tokens, operations in _TABLE.get(service, ()):
        given, told, limit, more = tokens.split()
        how = {"input": tuple(given.split(",")), "output": tuple(told.split(",")), "limit": None if limit == "-" else limit}
        if more != "-":
            how["more"] = more
        for word in operations.split():
            name, _, results = word.partition("=")
            if name.startswith("/"):
                known[last]["also"] += (name[1:],)
                continue
            last = name
            known[name] = {**how, "results": () if results == "-" else tuple(results.split(",")), "also": ()}
    return known
