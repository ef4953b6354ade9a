# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The names that functions annotate with."""
from nexus.dynamodb_resource import BatchWriter
from nexus.dynamodb_resource import Table as TableResource

__all__ = ["BatchWriter", "TableResource"]
