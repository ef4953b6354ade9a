# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Nexus in the place of boto3: the manual's page on Python says what is here and what is not."""

import botocore     # it lends modules that are not here

__author__ = "Amazon Web Services"      # whom this one stands for
__version__ = "1.26.27"

DEFAULT_SESSION = None


def setup_default_session(**kwargs):
    global DEFAULT_SESSION
    from boto3.session import Session
    DEFAULT_SESSION = Session(**kwargs)


def _get_default_session():
    if DEFAULT_SESSION is None:
        setup_default_session()
    return DEFAULT_SESSION


def client(*args, **kwargs):
    return _get_default_session().client(*args, **kwargs)


def resource(*args, **kwargs):
    return _get_default_session().resource(*args, **kwargs)


def set_stream_logger(name="boto3", level=10, format_string=None):
    import logging
    handler = logging.StreamHandler()
    handler.setLevel(level)
    handler.setFormatter(logging.Formatter(format_string or "%(asctime)s %(name)s [%(levelname)s] %(message)s"))
    logger = logging.getLogger(name)
    logger.setLevel(level)
    logger.addHandler(handler)


def __getattr__(name):
    if name in ("Session", "session"):
        import importlib
        module = importlib.import_module("boto3.session")
        return module.Session if name == "Session" else module
    raise AttributeError(f"module 'boto3' has no attribute {name!r}")
