# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The names that functions import from here."""
from botocore.config import Config
from botocore.exceptions import ClientError
from nexus.client import BaseClient

__all__ = ["BaseClient", "ClientError", "Config"]
