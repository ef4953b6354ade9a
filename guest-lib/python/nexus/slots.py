# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""More is asked for at once than may be in flight: who comes late waits here. Payloads that nobody is reading, in a
list of answers for example, give their slots back, lest all wait for them."""
import sys
import time

import nexus

_PATIENCE = 60                  # seconds: botocore's connect_timeout
_FIRST, _LAST = 0.001, 0.02     # seconds between two looks


def wait(start, full):
    """start(channel), once it does not raise a nexus.Error that is full() any more."""
    end, pause = time.monotonic() + _PATIENCE, _FIRST
    while True:
        body = sys.modules.get("nexus.body")
        if not body or not body.park():
            time.sleep(pause)
            pause = min(2 * pause, _LAST)
        try:
            return start(nexus.channel())
        except nexus.Error as error:
            if not full(error) or time.monotonic() > end:
                raise
