# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Credentials. TLS is the host's, with the host's certificate authorities; metadata of calls is made here."""
from grpc import _abc
from grpc._codes import LocalConnectionType


class ChannelCredentials:
    """tls: the host encrypts and checks the name. call_credentials: of every call."""

    def __init__(self, tls=True, call_credentials=None):
        self.tls = tls
        self.call_credentials = call_credentials


class CallCredentials:
    """plugins: AuthMetadataPlugins, in the order in which they are asked."""

    def __init__(self, plugins):
        self.plugins = tuple(plugins)


class ServerCredentials:
    """Of a server whose connections end at the host."""

    def __init__(self, credentials=None):
        self.credentials = credentials


class ServerCertificateConfiguration:
    def __init__(self, certificate_configuration):
        self._certificate_configuration = certificate_configuration


insecure = ChannelCredentials(tls=False)    # grpc.experimental's, which say nothing


# Of channels.

def ssl_channel_credentials(root_certificates=None, private_key=None, certificate_chain=None):
    return ChannelCredentials()


def local_channel_credentials(local_connect_type=LocalConnectionType.LOCAL_TCP):
    return ChannelCredentials(tls=False)


def compute_engine_channel_credentials(call_credentials):
    return ChannelCredentials(call_credentials=call_credentials)


def composite_channel_credentials(channel_credentials, *call_credentials):
    own = (channel_credentials.call_credentials,) if channel_credentials.call_credentials else ()
    return ChannelCredentials(channel_credentials.tls, composite_call_credentials(*own, *call_credentials))


def _unsupported(name):
    raise NotImplementedError(f"grpc.{name}(): connections are the host's, over TLS or in the clear; use "
                              "grpc.ssl_channel_credentials()")


def xds_channel_credentials(fallback_credentials=None):
    _unsupported("xds_channel_credentials")


def alts_channel_credentials(service_accounts=None):
    _unsupported("alts_channel_credentials")


# Of calls.

def metadata_call_credentials(metadata_plugin, name=None):
    return CallCredentials((metadata_plugin,))


class _AccessToken(_abc.AuthMetadataPlugin):
    def __init__(self, token):
        self._token = token

    def __call__(self, context, callback):
        callback((("authorization", f"Bearer {self._token}"),), None)


def access_token_call_credentials(access_token):
    return metadata_call_credentials(_AccessToken(access_token))


def composite_call_credentials(*call_credentials):
    return CallCredentials(plugin for credentials in call_credentials for plugin in credentials.plugins)


class _Context(tuple, _abc.AuthMetadataContext):
    __slots__ = ()
    service_url = property(lambda self: self[0])
    method_name = property(lambda self: self[1])


class _Callback(_abc.AuthMetadataPluginCallback):
    """Takes the answer of one plugin, which may come from another thread, and once."""

    def __init__(self):
        import threading
        self._came = threading.Event()
        self._answer = None

    def __call__(self, metadata, error):
        if self._came.is_set():
            raise RuntimeError("AuthMetadataPluginCallback invoked more than once!")
        self._answer = metadata, error
        self._came.set()

    def wait(self, timeout):
        return self._answer if self._came.wait(timeout) else None


class Refused(Exception):
    """A call that its credentials end: status and details."""


def call_metadata(channel_credentials, credentials, target, method, timeout):
    """The metadata of a call by its own and its channel's credentials, as [(str, bytes)]."""
    from grpc._common import log, to_send
    if channel_credentials is None:
        raise Refused(16, "Established channel does not have a sufficient security level to transfer call credential.")
    service, _, name = method.lstrip("/").rpartition("/")
    host = target.rpartition("/")[2]
    context = _Context((f"https://{host.removesuffix(':443')}/{service}", name))
    pairs = []
    both = (channel_credentials.call_credentials, credentials)
    for plugin in (plugin for one in both if one is not None for plugin in one.plugins):
        callback = _Callback()
        try:
            plugin(context, callback)
        except Exception as error:  # whatever an application's plugin raises
            log("_plugin_wrapping", f'AuthMetadataPluginCallback "{plugin}" raised exception!')
            answer = None, error
        else:
            answer = callback.wait(timeout)
        if answer is None:
            raise Refused(4, "Deadline Exceeded")
        metadata, error = answer
        if error is not None:
            raise Refused(14, f"Getting metadata from plugin failed with error: {error}")
        pairs += to_send(metadata)
    return pairs


# Of servers.

def ssl_server_credentials(private_key_certificate_chain_pairs, root_certificates=None, require_client_auth=False):
    if not private_key_certificate_chain_pairs:
        raise ValueError("At least one private key-certificate chain pair is required!")
    if require_client_auth and root_certificates is None:
        raise ValueError("Illegal to require client auth without providing root certificates!")
    return ServerCredentials()


def ssl_server_certificate_configuration(private_key_certificate_chain_pairs, root_certificates=None):
    if not private_key_certificate_chain_pairs:
        raise ValueError("At least one private key-certificate chain pair is required!")
    return ServerCertificateConfiguration((private_key_certificate_chain_pairs, root_certificates))


def dynamic_ssl_server_credentials(initial_certificate_configuration, certificate_configuration_fetcher,
                                   require_client_authentication=False):
    return ServerCredentials()


def insecure_server_credentials():
    return ServerCredentials()


def local_server_credentials(local_connect_type=LocalConnectionType.LOCAL_TCP):
    return ServerCredentials()


def xds_server_credentials(fallback_credentials):
    _unsupported("xds_server_credentials")


def alts_server_credentials():
    _unsupported("alts_server_credentials")
