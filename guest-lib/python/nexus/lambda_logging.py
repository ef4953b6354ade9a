# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""The root logger as Lambda has it: to stdout, with level, time and request, as text or (AWS_LAMBDA_LOG_FORMAT=JSON) as JSON."""
import os
import sys

# Of a record, what is no addition of the caller's.
_OWN = frozenset((
    "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text", "stack_info",
    "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName", "processName", "process",
    "taskName", "aws_request_id"))


def _as_json(logging):
    import json
    import time
    import traceback

    class JsonFormatter(logging.Formatter):
        def format(self, record):
            kind, error, trace = record.exc_info or (None, None, None)
            second = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            told = {
                "timestamp": f"{second}.{int(record.msecs):03}Z", "level": record.levelname, "message": record.getMessage(),
                "logger": record.name, "stackTrace": traceback.format_tb(trace) if kind else None,
                "errorType": kind.__name__ if kind else None, "errorMessage": str(error) if kind else None,
                "requestId": record.aws_request_id,
                "location": f"{record.pathname}:{record.funcName}:{record.lineno}" if kind else None,
            }
            told.update((name, value) for name, value in vars(record).items() if name not in _OWN and name not in told)
            return json.dumps({name: value for name, value in told.items() if value is not None}, ensure_ascii=False,
                              default=str)

    return JsonFormatter()


def set_up(logging, log):
    """`log`: where the request under way is known."""
    import time

    def add_request(record):
        record.aws_request_id = log.request_id or ""
        return True

    handler = logging.StreamHandler(sys.stdout)
    handler.addFilter(add_request)
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON":
        handler.setFormatter(_as_json(logging))
    else:
        handler.setFormatter(logging.Formatter(
            "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
        handler.formatter.converter = time.gmtime
    root = logging.getLogger()
    level = os.environ.get("AWS_LAMBDA_LOG_LEVEL", "").upper()
    level = {"TRACE": "DEBUG", "FATAL": "CRITICAL"}.get(level, level)
    if level in ("DEBUG", "INFO", "WARN", "WARNING", "ERROR", "CRITICAL"):
        root.setLevel(level)
    root.addHandler(handler)


class LazyLogging:
    """Sets the root logger up when somebody imports logging: a handler that does not never pays for it."""

    def __init__(self, log):
        self._log = log

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            set_up(module, self._log)

        spec.loader.exec_module = exec_module
        return spec
