# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""botocore.session: clients without boto3."""


class Session:
    def __init__(self, session_vars=None, event_hooks=None, include_builtin_handlers=True, profile=None):
        self.profile = profile
        self._variables = {}

    def set_config_variable(self, name, value):
        self._variables[name] = value

    def get_config_variable(self, name):
        if name == "region" and name not in self._variables:
            return self._boto3().region_name
        return self._variables.get(name)

    def _boto3(self, **keys):
        from boto3.session import Session as Boto3Session
        return Boto3Session(profile_name=self.profile, region_name=self._variables.get("region"), **keys)

    def get_credentials(self):
        return self._boto3().get_credentials()

    def get_available_services(self):
        return self._boto3().get_available_services()

    def create_client(self, service_name, region_name=None, api_version=None, use_ssl=True, verify=None,
                      endpoint_url=None, aws_access_key_id=None, aws_secret_access_key=None, aws_session_token=None,
                      config=None):
        return self._boto3().client(service_name, region_name, use_ssl=use_ssl, endpoint_url=endpoint_url,
                                    config=config)


def get_session(env_vars=None):
    return Session(env_vars)
