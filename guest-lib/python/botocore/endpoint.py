# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Where a client's requests go, for tracers. The host builds and sends them."""


class Endpoint:
    def __init__(self, host, endpoint_prefix):
        self.host = host
        self._endpoint_prefix = endpoint_prefix

    def __repr__(self):
        return f"{self._endpoint_prefix}({self.host})"

    def prepare_request(self, request):
        """Tracers put themselves around it. It is never called: what it would prepare is not made here."""
        return request.prepare()
