# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What functions register from here."""


def disable_signing(**kwargs):
    """For choose-signer. The host signs as its configuration says, all the same."""
