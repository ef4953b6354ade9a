# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""boto3.Session: regions, profiles, and the clients and resources that it makes."""
import os


def _profile_region(profile):
    """The region of a profile in ~/.aws/config; None if it has none; KeyError if there is no such profile."""
    path = os.environ.get("AWS_CONFIG_FILE") or os.path.expanduser("~/.aws/config")
    current, found = None, profile == "default"
    region = None
    try:
        with open(path, encoding="utf-8") as lines:
            for line in lines:
                line = line.strip()
                if line.startswith("[") and line.endswith("]"):
                    current = line[1:-1].strip().removeprefix("profile ").strip()
                    found |= current == profile
                elif current == profile and line.partition("=")[0].strip() == "region":
                    region = line.partition("=")[2].strip()
    except OSError:
        pass
    if not found:
        raise KeyError(profile)
    return region


class Session:
    """Credentials are taken and not used: the host signs with the tenant's."""

    def __init__(self, aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None,
                 region_name=None, botocore_session=None, profile_name=None):
        self._keys = (aws_access_key_id, aws_secret_access_key, aws_session_token)
        self._region = region_name
        self._profile = profile_name
        self._events = None
        self._exceptions = {}       # of clients, by their services
        self._core = botocore_session   # botocore's, if there is one
        if profile_name:
            try:
                _profile_region(profile_name)
            except KeyError:
                from botocore.exceptions import ProfileNotFound
                raise ProfileNotFound(profile=profile_name) from None

    def __repr__(self):
        return f"Session(region_name={self.region_name!r})"

    @property
    def _session(self):
        """botocore's."""
        if self._core is None:
            from botocore.session import Session as Core
            self._core = Core(boto3=self)
        return self._core

    @property
    def profile_name(self):
        return self._profile or os.environ.get("AWS_PROFILE") or "default"

    @property
    def region_name(self):
        region = self._region or (self._core and self._core._variables.get("region")) or os.environ.get("AWS_DEFAULT_REGION")
        if region is None:
            try:
                region = _profile_region(self.profile_name)
            except KeyError:
                pass
        return region

    @property
    def available_profiles(self):
        return [self.profile_name] if self._profile else []

    @property
    def events(self):
        """Hooks that clients made from now on have; see nexus.events."""
        if self._events is None:
            from nexus.events import Emitter
            self._events = Emitter()
        return self._events

    def get_credentials(self):
        from botocore.credentials import Credentials
        key, secret, token = self._keys
        if self._core and self._core._credentials:
            return self._core._credentials
        if key:
            return Credentials(key, secret, token)
        if "AWS_ACCESS_KEY_ID" in os.environ:
            return Credentials(os.environ["AWS_ACCESS_KEY_ID"], os.environ.get("AWS_SECRET_ACCESS_KEY", ""),
                               os.environ.get("AWS_SESSION_TOKEN"), "env")
        return None

    def get_available_services(self):
        from nexus import services
        return services.names()

    def get_available_partitions(self):
        return ["aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b"]

    def get_partition_for_region(self, region_name):
        from nexus.client import partition
        return partition(region_name)

    def get_available_regions(self, service_name, partition_name="aws", allow_non_regional=False):
        from nexus import genuine
        return genuine.regions(service_name, partition_name, allow_non_regional)

    def get_available_resources(self):
        return ["dynamodb", "s3"]

    def client(self, service_name, region_name=None, api_version=None, use_ssl=True, verify=None, endpoint_url=None,
               aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None, config=None):
        if bool(aws_access_key_id) != bool(aws_secret_access_key):
            from botocore.exceptions import PartialCredentialsError
            missing = "aws_access_key_id" if aws_secret_access_key else "aws_secret_access_key"
            raise PartialCredentialsError(provider="explicit", cred_var=missing)
        return self._client(service_name, region_name, endpoint_url, config, use_ssl)

    def _client(self, service_name, region_name, endpoint_url, config, use_ssl, cls=None):
        from nexus import services
        region = region_name or (config and config.region_name) or self.region_name
        return services.client(self, service_name, region, endpoint_url, config, use_ssl, cls)

    def resource(self, service_name, region_name=None, api_version=None, use_ssl=True, verify=None,
                 endpoint_url=None, aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None,
                 config=None):
        if service_name not in ("s3", "dynamodb"):
            from nexus import genuine
            return genuine.resource(self, service_name, region_name or self.region_name)
        cls = None
        if service_name == "s3":
            from nexus.s3_resource import ServiceResource
        else:
            from nexus.dynamodb_resource import ServiceResource, TypedDynamoDB as cls
        return ServiceResource(self._client(service_name, region_name, endpoint_url, config, use_ssl, cls))
