# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Nexus in the place of botocore: the manual's page on Python says what is here and what is not."""

import sys

__version__ = "1.29.27"


class UNSIGNED:
    """Config(signature_version=UNSIGNED). The host signs as its configuration says, all the same."""

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self


UNSIGNED = UNSIGNED()


class _Rest:
    """Modules that are not here are the genuine package's, if the image has it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if not name.startswith(("boto3.", "botocore.")):
            return None
        from nexus import genuine
        return genuine.lend(name)


sys.meta_path.append(_Rest)
