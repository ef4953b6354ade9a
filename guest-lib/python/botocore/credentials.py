# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What a function was given as credentials. The host does not look at them: it signs with the tenant's."""


class Credentials:
    def __init__(self, access_key, secret_key, token=None, method=None):
        self.access_key = access_key
        self.secret_key = secret_key
        self.token = token
        self.method = method or "explicit"

    def get_frozen_credentials(self):
        return ReadOnlyCredentials(self.access_key, self.secret_key, self.token)


class ReadOnlyCredentials(tuple):
    def __new__(cls, access_key, secret_key, token):
        return super().__new__(cls, (access_key, secret_key, token))

    access_key = property(lambda self: self[0])
    secret_key = property(lambda self: self[1])
    token = property(lambda self: self[2])
