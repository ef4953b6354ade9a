# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The older name of grpc.aio."""
from grpc.aio import *  # noqa: F401,F403
