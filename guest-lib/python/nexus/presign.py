# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Presigned URLs. A URL that carries a signature needs the keys, which are the host's."""


def url(client, method, params, expires, http_method):
    if method not in client._mapping:
        from botocore.exceptions import UnknownClientMethodError
        raise UnknownClientMethodError(method_name=method)
    raise NotImplementedError(
        f"generate_presigned_url({method!r}): nexus-backend does not sign URLs for guests; hand out the object's "
        "content, or let a service outside the guest make the URL")
