# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Config: taken as botocore takes it. What concerns connections is the host's affair by now."""

# Option, value if it is not given.
_OPTIONS = {
    "region_name": None, "signature_version": None, "user_agent": None, "user_agent_extra": None,
    "connect_timeout": 60, "read_timeout": 60, "parameter_validation": True, "max_pool_connections": 10,
    "proxies": None, "proxies_config": None, "s3": None, "retries": None, "client_cert": None,
    "inject_host_prefix": True, "endpoint_discovery_enabled": None, "use_dualstack_endpoint": None,
    "use_fips_endpoint": None, "defaults_mode": None, "tcp_keepalive": None,
}
_STYLES = ("auto", "virtual", "path", None)
_RETRIES = ("max_attempts", "mode", "total_max_attempts")


class Config:
    """Options of a client. Those given last win in merge()."""

    OPTION_DEFAULTS = _OPTIONS

    def __init__(self, *args, **kwargs):
        self._given = given = {}
        if len(args) > len(_OPTIONS):
            raise TypeError(f"Takes at most {len(_OPTIONS)} arguments ({len(args)} given)")
        for name, value in zip(_OPTIONS, args):
            if name in kwargs:
                raise TypeError(f"Got multiple values for keyword argument '{name}'")
            given[name] = value
        for name, value in kwargs.items():
            if name not in _OPTIONS:
                raise TypeError(f"Got unexpected keyword argument '{name}'")
            given[name] = value
        self.__dict__.update(_OPTIONS)
        self.__dict__.update(given)
        self._check()

    def _check(self):
        from botocore import exceptions as e
        style = (self.s3 or {}).get("addressing_style")
        if style not in _STYLES:
            raise e.InvalidS3AddressingStyleError(s3_addressing_style=style)
        retries = self.retries
        if retries is None:
            return
        self.retries = retries = dict(retries)
        for name, value in retries.items():
            if name not in _RETRIES:
                raise e.InvalidRetryConfigurationError(retry_config_option=name, valid_options=_RETRIES)
            least = 1 if name == "total_max_attempts" else 0
            if name == "mode":
                if value not in ("legacy", "standard", "adaptive"):
                    raise e.InvalidRetryModeError(provided_retry_mode=value,
                                                  valid_modes=("legacy", "standard", "adaptive"))
            elif value < least:
                raise e.InvalidMaxRetryAttemptsError(provided_max_attempts=value, min_value=least)

    def merge(self, other):
        return type(self)(**{**self._given, **other._given})

    def of_client(self, service, region):
        """What client.meta.config is, of what the client was made with."""
        import os
        made = Config(**self._given)
        made.region_name = region
        if made.user_agent is None:
            made.user_agent = "Boto3/1.26.27 Nexus"
        made.signature_version = self.signature_version or ("s3v4" if service == "s3" else "v4")
        made.retries = retries = dict(self.retries or {})
        retries.setdefault("mode", os.environ.get("AWS_RETRY_MODE", "legacy"))
        if "max_attempts" in retries:
            retries.setdefault("total_max_attempts", retries.pop("max_attempts") + 1)
        elif "total_max_attempts" not in retries and "AWS_MAX_ATTEMPTS" in os.environ:
            retries["total_max_attempts"] = int(os.environ["AWS_MAX_ATTEMPTS"])
        retries.pop("max_attempts", None)
        return made
