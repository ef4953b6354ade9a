# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The names that functions annotate with."""
from nexus.resource import Resource as ServiceResource
from nexus.resource import ResourceMeta

__all__ = ["ResourceMeta", "ServiceResource"]
