# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The exceptions that functions catch: the names, the attributes and the messages of botocore's."""
import builtins


class BotoCoreError(Exception):
    """The base of what is found on this side. `fmt` is filled in with the keywords."""

    fmt = "An unspecified error occurred"

    def __init__(self, **kwargs):
        super().__init__(self.fmt.format(**kwargs))
        self.kwargs = kwargs

    def __reduce__(self):
        return _rebuild, (type(self), self.kwargs)


def _rebuild(cls, kwargs):
    return cls(**kwargs)


class ClientError(Exception):
    """The service answered with an error: `response` is its answer."""

    MSG_TEMPLATE = "An error occurred ({error_code}) when calling the {operation_name} operation{retry_info}: {error_message}"

    def __init__(self, error_response, operation_name):
        error = error_response.get("Error", {})
        attempts = error_response.get("ResponseMetadata", {}).get("MaxAttemptsReached")
        retries = error_response.get("ResponseMetadata", {}).get("RetryAttempts")
        super().__init__(self.MSG_TEMPLATE.format(
            error_code=error.get("Code", "Unknown"), error_message=error.get("Message", "Unknown"),
            operation_name=operation_name,
            retry_info=f" (reached max retries: {retries})" if attempts and retries is not None else ""))
        self.response = error_response
        self.operation_name = operation_name

    def __reduce__(self):
        # The modelled children belong to a client, and are not found by their names.
        return ClientError, (self.response, self.operation_name)


# name, bases, format: one class each.
_TABLE = """
DataNotFoundError BotoCoreError Unable to load data for: {data_path}
UnknownServiceError DataNotFoundError Unknown service: '{service_name}'. Valid service names are: {known_service_names}
UnknownRegionError BotoCoreError Unknown region: '{region_name}'. {error_msg}
ApiVersionNotFoundError BotoCoreError Unable to load data {data_path} for: {api_version}
HTTPClientError BotoCoreError An HTTP Client raised an unhandled exception: {error}
ConnectionError BotoCoreError An HTTP Client failed to establish a connection: {error}
InvalidProxiesConfigError HTTPClientError Invalid configuration values provided for 'proxies_config': {error}
EndpointConnectionError ConnectionError Could not connect to the endpoint URL: "{endpoint_url}"
SSLError ConnectionError SSL validation failed for {endpoint_url} {error}
ConnectionClosedError HTTPClientError Connection was closed before we received a valid response from endpoint URL: "{endpoint_url}".
ReadTimeoutError HTTPClientError Read timeout on endpoint URL: "{endpoint_url}"
ConnectTimeoutError ConnectionError Connect timeout on endpoint URL: "{endpoint_url}"
ProxyConnectionError ConnectionError Failed to connect to proxy URL: "{proxy_url}"
ResponseStreamingError HTTPClientError An error occurred while reading from response stream: {error}
NoCredentialsError BotoCoreError Unable to locate credentials
PartialCredentialsError BotoCoreError Partial credentials found in {provider}, missing: {cred_var}
CredentialRetrievalError BotoCoreError Error when retrieving credentials from {provider}: {error_msg}
UnknownSignatureVersionError BotoCoreError Unknown Signature Version: {signature_version}.
UnknownClientMethodError BotoCoreError Client does not have method: {method_name}
UnsupportedSignatureVersionError BotoCoreError Signature version is not supported: {signature_version}
ServiceNotInRegionError BotoCoreError Service {service_name} not available in region {region_name}
BaseEndpointResolverError BotoCoreError
NoRegionError BaseEndpointResolverError You must specify a region.
InvalidRegionError ValidationError,ValueError Provided region_name '{region_name}' doesn't match a supported format.
ProfileNotFound BotoCoreError The config profile ({profile}) could not be found
ConfigNotFound BotoCoreError The specified config file ({path}) could not be found.
ConfigParseError BotoCoreError Unable to parse config file: {path}
InvalidConfigError BotoCoreError {error_msg}
MissingParametersError BotoCoreError The following required parameters are missing for {object_name}: {missing}
ValidationError BotoCoreError Invalid value ('{value}') for param {param} of type {type_name} 
ParamValidationError BotoCoreError Parameter validation failed:\\n{report}
UnknownKeyError ValidationError Unknown key '{value}' for param '{param}'.  Must be one of: {choices}
RangeError ValidationError Value out of range for param {param}: {min_value} <= {value} <= {max_value}
UnknownParameterError ValidationError Unknown parameter '{name}' for operation {operation}.  Must be one of: {choices}
InvalidRetryConfigurationError BotoCoreError Cannot provide retry configuration for "{retry_config_option}". Valid retry configuration options are: {valid_options}
InvalidMaxRetryAttemptsError InvalidRetryConfigurationError Value provided to "max_attempts": {provided_max_attempts} must be an integer greater than or equal to {min_value}.
InvalidRetryModeError InvalidRetryConfigurationError Invalid value provided to "mode": "{provided_retry_mode}" must be one of: {valid_modes}
InvalidS3AddressingStyleError BotoCoreError S3 addressing style {s3_addressing_style} is invalid. Valid options are: 'auto', 'virtual', and 'path'
InvalidEndpointDiscoveryConfigurationError BotoCoreError Unsupported value for endpoint_discovery_enabled: {config_value}
PaginationError BotoCoreError Error during pagination: {message}
OperationNotPageableError BotoCoreError Operation cannot be paginated: {operation_name}
WaiterConfigError BotoCoreError Error processing waiter config: {error_msg}
IncompleteReadError BotoCoreError {actual_bytes} read, but total bytes expected is {expected_bytes}.
InvalidExpressionError BotoCoreError Invalid expression {expression}: {error}
InvalidDNSNameError BotoCoreError Bucket named {bucket_name} is not DNS compatible. Virtual hosted-style addressing cannot be used.
ChecksumError BotoCoreError Checksum {checksum_type} failed, expected checksum {expected_checksum} did not match calculated checksum {actual_checksum}.
FlexibleChecksumError BotoCoreError {error_msg}
UnseekableStreamError BotoCoreError Need to rewind the stream {stream_object}, but stream is not seekable.
MissingServiceIdError BotoCoreError The model being used for the service {service_name} is missing the serviceId metadata property, which is required.
StubResponseError BotoCoreError Error getting response stub for operation {operation_name}: {reason}
StubAssertionError StubResponseError Error getting response stub for operation {operation_name}: {reason}
UnStubbedResponseError StubResponseError Error getting response stub for operation {operation_name}: {reason}
EventStreamError ClientError -
AliasConflictParameterError ValidationError Parameter '{original}' conflicts with '{alias}', both used for operation {operation}
InvalidHostLabelError BotoCoreError Invalid host label to be bound to the hostname of the endpoint: "{label}".
UnsupportedOutpostResourceError BotoCoreError S3 Outpost ARN resource "{resource_name}" provided is not supported.
MD5UnavailableError BotoCoreError This system does not support MD5 generation.
TokenRetrievalError BotoCoreError Error when retrieving token from {provider}: {error_msg}
UnauthorizedSSOTokenError BotoCoreError The SSO session associated with this profile has expired or is otherwise invalid.
AwsChunkedWrapperError BotoCoreError {error_msg}
CapacityNotAvailableError BotoCoreError Insufficient request capacity available.
EndpointVariantError BaseEndpointResolverError Unable to construct a modeled endpoint with the following variant(s) {tags}: 
ImminentRemovalWarning Warning
InvalidDefaultsMode BotoCoreError Client configured with invalid defaults mode: {mode}. Valid defaults modes include: {valid_modes}.
InvalidEndpointConfigurationError BotoCoreError Invalid endpoint configuration: {msg}
InvalidIMDSEndpointError BotoCoreError Invalid endpoint EC2 Instance Metadata endpoint: {endpoint}
MetadataRetrievalError BotoCoreError Error retrieving metadata: {error_msg}
MissingDependencyException BotoCoreError Missing Dependency: {msg}
NoAuthTokenError BotoCoreError Unable to locate authorization token
RefreshWithMFAUnsupportedError BotoCoreError Cannot refresh credentials: MFA token required.
SSOError BotoCoreError An unspecified error happened when resolving AWS credentials or an access token from SSO.
SSOTokenLoadError SSOError Error loading SSO Token: {error_msg}
UnknownCredentialError BotoCoreError Credential named {name} not found.
UnknownEndpointError BaseEndpointResolverError,ValueError Unable to construct an endpoint for {service_name} in region {region_name}
UnsupportedS3ArnError BotoCoreError S3 ARN {arn} provided to "Bucket" parameter is invalid. Only ARNs for S3 access-points are supported.
UnsupportedS3ConfigurationError BotoCoreError Unsupported configuration when using S3: {msg}
"""


def _class(name):
    if name in globals():
        return globals()[name]
    return __getattr__(name) if f"\n{name} " in _TABLE else getattr(builtins, name)


def __getattr__(name):
    """A class is made when it is first asked for: few programs want more than one or two."""
    at = _TABLE.find(f"\n{name} ") + 1
    if not at or not name.isidentifier():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    _, base, *text = _TABLE[at:_TABLE.index("\n", at)].split(" ", 2)
    bases = tuple(_class(base) for base in base.split(","))
    body = {"__module__": __name__, "__qualname__": name}
    if text and bases[0] is not ClientError:
        body["fmt"] = text[0].replace("\\n", "\n")
    globals()[name] = made = type(name, bases, body)
    return made


def __dir__():
    return sorted({*globals(), *(line.split(" ", 1)[0] for line in _TABLE.strip().split("\n"))})


class WaiterError(BotoCoreError):
    """A waiter saw a failure, or waited too long. `last_response` is what it saw last."""

    fmt = "Waiter {name} failed: {reason}"

    def __init__(self, name, reason, last_response):
        super().__init__(name=name, reason=reason)
        self.last_response = last_response

    def __reduce__(self):
        return WaiterError, (self.kwargs["name"], self.kwargs["reason"], self.last_response)
