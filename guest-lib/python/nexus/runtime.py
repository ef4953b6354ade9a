# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""nexus-python MODULE.FUNCTION: runs a Lambda handler, event after event.

The handler's module is imported before the first event is asked for, so that a snapshot of the parked guest has
it. After a restore random generators start afresh, from the host's entropy."""
import sys


class ClientContext:
    def __init__(self, parsed):
        client = parsed.get("client") or {}
        self.custom = parsed.get("custom")
        self.env = parsed.get("env")
        self.client = type("Client", (), {name: client.get(name) for name in (
            "installation_id", "app_title", "app_version_name", "app_version_code", "app_package_name")})()


class Identity:
    """Cognito's: callers of a node have none."""

    cognito_identity_id = cognito_identity_pool_id = None


class Context:
    """What a handler gets beside the event."""

    def __init__(self, invocation):
        import os
        environment = os.environ.get
        self._deadline_ms = invocation["deadline_ms"]
        self.aws_request_id = invocation["request_id"]
        self.invoked_function_arn = invocation["function_arn"]
        self.function_name = environment("AWS_LAMBDA_FUNCTION_NAME", invocation["function_name"])
        self.function_version = environment("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        self.memory_limit_in_mb = environment("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "")
        self.log_group_name = environment("AWS_LAMBDA_LOG_GROUP_NAME", f"/aws/lambda/{self.function_name}")
        self.log_stream_name = environment("AWS_LAMBDA_LOG_STREAM_NAME", "")
        self.client_context = _parsed(invocation["client_context"], ClientContext)
        self.identity = Identity()

    def get_remaining_time_in_millis(self):
        import time
        return max(0, int(self._deadline_ms - time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


def _parsed(text, cls):
    if not text:
        return None
    import json
    try:
        return cls(json.loads(text))
    except ValueError:
        return None


class HandlerError(Exception):
    """The handler cannot be had: `kind` is Lambda's name for why."""

    def __init__(self, kind, message):
        super().__init__(message)
        self.kind = kind


def load(name):
    """The function of "module.function"; dots or slashes before the last one name the module."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise HandlerError("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack "
                                                           "(expected 2, got 1)")
    module_name = module_name.replace("/", ".")
    import importlib
    try:
        module = importlib.import_module(module_name)
    except ImportError as error:
        raise HandlerError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise HandlerError("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}") from error
    try:
        return getattr(module, function)
    except AttributeError:
        raise HandlerError("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module_name}'") from None


def error_answer(error, request_id=None):
    """The dictionary that Lambda answers with for an exception."""
    import traceback
    answer = {"errorMessage": str(error), "errorType": getattr(error, "kind", None) or type(error).__name__}
    if request_id is not None:
        answer["requestId"] = request_id
    # From the handler's own frame on.
    frames = error.__traceback__.tb_next if error.__traceback__ and not hasattr(error, "kind") else None
    answer["stackTrace"] = traceback.format_list(traceback.extract_tb(frames)) if frames else []
    return answer


def encode(value):
    """A handler's result as JSON, as Lambda has it."""
    import json
    from decimal import Decimal

    def default(item):
        if isinstance(item, Decimal):
            return float(item)
        raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")

    try:
        return json.dumps(value, default=default, ensure_ascii=False).encode()
    except (TypeError, ValueError) as error:
        raise HandlerError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error


def reseed(entropy):
    """Every generator that would go on where the snapshot left it."""
    modules = sys.modules
    if "random" in modules:
        modules["random"].seed(entropy)
    if "numpy.random" in modules:
        modules["numpy.random"].seed(list(entropy))
    if "tempfile" in modules:
        import os
        from random import Random
        names = modules["tempfile"]._name_sequence = modules["tempfile"]._RandomNameSequence()
        names._rng, names._rng_pid = Random(b"names" + entropy), os.getpid()
    if "ssl" in modules:
        modules["ssl"].RAND_add(entropy, len(entropy))


class Runtime:
    """`source` is a channel: its next(), respond() and log() are all that is used of it. `prefetches` windows are
    lent to the host for objects that an event names."""

    def __init__(self, source, name, prefetches=0):
        from nexus.log import Log
        self._source = source
        self._name = name
        self._prefetches = prefetches
        self._generation = None
        self._log = Log(source)
        sys.stdout = self._log.stream(sys.stdout)
        sys.stderr = self._log.stream(sys.stderr)

    def run(self):
        """Until the process is ended; returns if there is no handler."""
        try:
            handler = load(self._name)
        except Exception as error:  # what a handler's module raises is told to the caller
            self._report(error)
            sys.stdout.flush()
            self._source.respond(None, encode(error_answer(error)), error=True, init=True)
            return 1
        while True:
            invocation = self._source.next(prefetches=self._prefetches)
            self._log.request_id = invocation["request_id"]
            self._one(handler, invocation)
            self._log.request_id = None

    def _one(self, handler, invocation):
        import json
        import os
        if invocation["restore_generation"] != self._generation:
            self._generation = invocation["restore_generation"]
            reseed(invocation["entropy"])
        if invocation["trace_id"]:
            os.environ["_X_AMZN_TRACE_ID"] = invocation["trace_id"]
        try:
            try:
                event = json.loads(invocation["payload"]) if invocation["payload"] else None
            except ValueError as error:
                raise HandlerError("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error
            answer = encode(handler(event, Context(invocation)))
        except Exception as error:  # an invocation that fails is an answer too
            self._report(error)
            answer = error_answer(error, invocation["request_id"])
            sys.stdout.flush()
            self._source.respond(invocation["request_id"], encode(answer), error=True)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        self._source.respond(invocation["request_id"], answer)

    def _report(self, error):
        import traceback
        text = "".join(traceback.format_exception(error)) if not hasattr(error, "kind") else ""
        sys.stderr.write(f"[ERROR] {getattr(error, 'kind', None) or type(error).__name__}: {error}\n{text}")
        sys.stderr.flush()


def _logging():
    """The root logger as Lambda has it: to stdout, with level, time and request."""
    import os
    if os.environ.get("AWS_LAMBDA_LOG_FORMAT") == "none":
        return
    import logging
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(message)s", "%Y-%m-%dT%H:%M:%S"))
    handler.formatter.converter = __import__("time").gmtime
    logging.getLogger().addHandler(handler)


class _LazyLogging:
    """Sets the root logger up when somebody imports logging: a handler that does not never pays for it."""

    def find_spec(self, name, path=None, target=None):
        if name != "logging":
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder
        spec = PathFinder.find_spec(name, path)
        execute = spec.loader.exec_module

        def exec_module(module):
            execute(module)
            _logging()

        spec.loader.exec_module = exec_module
        return spec


def _prefetches(text):
    if text.isdecimal() and int(text) <= 8:
        return int(text)
    sys.exit(f"nexus-python: NEXUS_PREFETCH={text!r}: a number from 0 to 8 is wanted")


def main():
    import os
    if len(sys.argv) > 2:
        sys.exit("usage: nexus-python [MODULE.FUNCTION]   (or the variable _HANDLER)")
    name = sys.argv[1] if len(sys.argv) == 2 else os.environ.get("_HANDLER")
    if not name:
        sys.exit("nexus-python: no handler: give MODULE.FUNCTION, or set _HANDLER")
    sys.path.insert(0, os.environ.get("LAMBDA_TASK_ROOT", os.getcwd()))
    # As on Lambda, unless whoever started us knows better.
    region = os.environ.setdefault("AWS_REGION", os.environ.get("AWS_DEFAULT_REGION", "us-east-1"))
    os.environ.setdefault("AWS_DEFAULT_REGION", region)
    os.environ.setdefault("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    import nexus_http
    nexus_http.install()
    sys.meta_path.insert(0, _LazyLogging())
    import nexus
    sys.exit(Runtime(nexus.channel(), name, _prefetches(os.environ.get("NEXUS_PREFETCH", "1"))).run())
