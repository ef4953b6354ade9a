# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What is raised for an answer that is none."""


class ResponseParserError(Exception):
    pass
