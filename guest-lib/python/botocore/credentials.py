# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What a function was given as credentials. The host does not look at them: it signs with the tenant's."""
from collections import namedtuple

ReadOnlyCredentials = namedtuple("ReadOnlyCredentials", ("access_key", "secret_key", "token"))


class Credentials:
    def __init__(self, access_key, secret_key, token=None, method=None):
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token
        self.method = method or "explicit"

    def get_frozen_credentials(self):
        return ReadOnlyCredentials(self.access_key, self.secret_key, self.token)


class RefreshableCredentials(Credentials):
    """They are not refreshed, since nobody uses them: a role that a function assumes is the tenant's affair."""

    def __init__(self, access_key, secret_key, token, expiry_time, refresh_using, method, time_fetcher=None):
        super().__init__(access_key, secret_key, token, method)
        self._expiry_time = expiry_time

    @classmethod
    def create_from_metadata(cls, metadata, refresh_using, method):
        from nexus import times
        return cls(metadata["access_key"], metadata["secret_key"], metadata["token"], times.parse(metadata["expiry_time"]),
                   refresh_using, method)

    def refresh_needed(self, refresh_in=None):
        return False
