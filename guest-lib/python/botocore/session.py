# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""botocore.session: clients without boto3, and what is below a session of boto3's."""


class Session:
    user_agent_name, user_agent_version = "Botocore", "1.29.27"

    def __init__(self, session_vars=None, event_hooks=None, include_builtin_handlers=True, profile=None, boto3=None):
        """boto3: the session that this one is below of."""
        self.profile = profile
        self._variables = {}
        self._credentials = None
        self._made = boto3

    def set_config_variable(self, name, value):
        self._variables[name] = value

    def get_config_variable(self, name, methods=None):
        if name == "region" and name not in self._variables:
            return self._boto3().region_name
        return self._variables.get(name)

    def _boto3(self):
        if self._made is None:
            from boto3.session import Session as Boto3Session
            self._made = Boto3Session(profile_name=self.profile, botocore_session=self)
        return self._made

    def set_credentials(self, access_key, secret_key, token=None):
        from botocore.credentials import Credentials
        self._credentials = Credentials(access_key, secret_key, token)

    def get_credentials(self):
        return self._credentials or self._boto3().get_credentials()

    def get_available_services(self):
        return self._boto3().get_available_services()

    def get_available_partitions(self):
        return self._boto3().get_available_partitions()

    def get_partition_for_region(self, region_name):
        return self._boto3().get_partition_for_region(region_name)

    def get_available_regions(self, service_name, partition_name="aws", allow_non_regional=False):
        return self._boto3().get_available_regions(service_name, partition_name, allow_non_regional)

    def register(self, event_name, handler, unique_id=None, unique_id_uses_count=False):
        self._boto3().events.register(event_name, handler, unique_id, unique_id_uses_count)

    def create_client(self, *args, **kwargs):
        return self._boto3().client(*args, **kwargs)


def get_session(env_vars=None):
    return Session(env_vars)
