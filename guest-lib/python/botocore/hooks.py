# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The name that functions import from here."""
from nexus.events import Emitter as HierarchicalEmitter

__all__ = ["HierarchicalEmitter"]
