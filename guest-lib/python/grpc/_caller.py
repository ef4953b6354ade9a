# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What both kinds of servicers' contexts tell of the caller, and take for the answer, by the call's _state."""


class Caller:
    def invocation_metadata(self):
        return self._state.metadata

    def peer(self):
        return self._state.wire.peer

    def peer_identities(self):
        return None

    def peer_identity_key(self):
        return None

    def auth_context(self):
        """Of the way from the host to here; who a caller is who came to the host by TLS, is the host's to judge."""
        return {"transport_security_type": [b"insecure"], "security_level": [b"TSI_SECURITY_NONE"]}

    def trailing_metadata(self):
        return self._state.trailing_metadata

    def code(self):
        return self._state.code

    def details(self):
        return self._state.details

    def disable_next_message_compression(self):
        self._state.plain = True
