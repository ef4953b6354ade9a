# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What generated code imports by this name."""
from grpc._connectivity import channel_ready_future  # noqa: F401
from grpc._handlers import DictionaryGenericHandler, RpcMethodHandler  # noqa: F401


def first_version_is_lower(version1, version2):
    """Whether generated code is too young for this package. It is not: what such code calls is here, though the
    version is that of the package which this one is compared with."""
    return False
