# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""nexus-python MODULE.FUNCTION: runs a Lambda handler, event after event.

The handler's module is imported before the first event is asked for, so that a snapshot of the parked guest has
it. After a restore random generators start afresh, from the host's entropy."""
import sys


class HandlerError(Exception):
    """The handler cannot be had, or not be answered for: `kind` is Lambda's name for why."""

    def __init__(self, kind, message, trace=()):
        super().__init__(message)
        self.kind, self.trace = kind, trace


def load(name):
    """The function of "module.function"; dots or slashes before the last one name the module."""
    module_name, dot, function = name.rpartition(".")
    if not dot:
        raise HandlerError("Runtime.MalformedHandlerName", f"Bad handler '{name}': not enough values to unpack "
                                                           "(expected 2, got 1)")
    if module_name.partition(".")[0] in sys.builtin_module_names:
        raise HandlerError("Runtime.BuiltInModuleConflict",
                           f"Cannot use built-in module {module_name} as a handler module")
    import importlib
    try:
        module = importlib.import_module(module_name.replace("/", "."))
    except ImportError as error:
        raise HandlerError("Runtime.ImportModuleError", f"Unable to import module '{module_name}': {error}") from error
    except SyntaxError as error:
        raise HandlerError("Runtime.UserCodeSyntaxError", f"Syntax error in module '{module_name}': {error}",
                           [f'  File "{error.filename}" Line {error.lineno}\n    {error.text}']) from error
    try:
        return getattr(module, function)
    except AttributeError:
        raise HandlerError("Runtime.HandlerNotFound", f"Handler '{function}' missing on module '{module_name}'") from None


def error_answer(error, request_id=None):
    """The dictionary that Lambda answers with for an exception."""
    if isinstance(error, HandlerError):
        kind, stack = error.kind, list(error.trace)
    else:
        import traceback
        frames = traceback.extract_tb(error.__traceback__)
        # From the handler's own frame on.
        while frames and frames[0].filename == __file__:
            frames.pop(0)
        kind, stack = type(error).__name__, traceback.format_list(frames)
    return {"errorMessage": str(error), "errorType": kind, "requestId": request_id or "", "stackTrace": stack}


def encode(value):
    """(a handler's result as Lambda sends it, its type)"""
    if isinstance(value, bytes):
        return value, "application/unknown"
    import json
    numbers = []

    def default(item):
        if type(item).__name__ == "Decimal" and hasattr(item, "is_nan"):
            if item.is_nan():
                return float("nan")
            # All its digits: no float has them. A number cannot be put in here, so it comes instead of this.
            numbers.append(str(item))
            return f"{mark}{len(numbers) - 1}"
        raise TypeError(f"Object of type {type(item).__name__} is not JSON serializable")

    import os
    mark = os.urandom(16).hex()
    try:
        text = json.dumps(value, default=default, ensure_ascii=False)
    except Exception as error:
        raise HandlerError("Runtime.MarshalError", f"Unable to marshal response: {error}") from error
    if numbers:
        import re
        text = re.sub(f'"{mark}([0-9]+)"', lambda match: numbers[int(match[1])], text)
    return text.encode("utf-8", "surrogatepass"), "application/json"


def parse_event(payload):
    import json
    if not payload:
        return {}
    try:
        return json.loads(payload)
    except ValueError as error:
        raise HandlerError("Runtime.UnmarshalError", f"Unable to unmarshal input: {error}") from error


def parse_client_context(text):
    """The caller's, as a dictionary; None: he has none."""
    import json
    if not text:
        return None
    try:
        parsed = json.loads(text)
    except ValueError as error:
        raise HandlerError("Runtime.LambdaContextUnmarshalError", f"Unable to parse Client Context JSON: {error}") from error
    return parsed if isinstance(parsed, dict) else {}


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


def _hooks(name):
    """What the function registered with snapshot_restore_py, if it imported that."""
    module = sys.modules.get("snapshot_restore_py")
    return list(getattr(module, name)()) if module else []


def settle():
    """Before the first event: what every event would load is in the snapshot then, and no collection of garbage writes to
    what is there for good, which clones of the snapshot share as long as nobody writes to it."""
    import gc
    import importlib
    import nexus.lambda_context
    encode(parse_event(b"{}"))
    if "nexus.s3" in sys.modules:
        for name in ("botocore.response", "nexus.body", "nexus.pending", "nexus.upload"):
            importlib.import_module(name)
    gc.collect()
    gc.freeze()


class Runtime:
    """`source` is a channel: its next(), respond() and log() are all that is used of it. `prefetches` windows are
    lent to the host for objects that an event names."""

    def __init__(self, source, name, prefetches=0):
        from nexus.lambda_context import Identified
        from nexus.lambda_logging import LazyLogging
        from nexus.log import Log
        self._source = source
        self._name = name
        self._prefetches = prefetches
        self._generation = None
        self._identified = Identified()
        self._log = Log(source)
        sys.stdout = self._log.stream(sys.stdout)
        sys.stderr = self._log.stream(sys.stderr)
        sys.meta_path.insert(0, LazyLogging(self._log))

    def run(self):
        """Until the process is ended; returns if there is no handler."""
        try:
            handler = load(self._name)
            for function, args, kwargs in reversed(_hooks("get_before_snapshot")):
                function(*args, **kwargs)
        except Exception as error:  # what a handler's module raises is told to the caller
            answer = error_answer(error)
            self._report(answer)
            self._source.respond(None, encode(answer)[0], error=True, init=True)
            return 1
        settle()
        while True:
            invocation = self._source.next(prefetches=self._prefetches)
            self._log.request_id = invocation["request_id"]
            self._one(handler, invocation)
            self._log.request_id = None

    def _one(self, handler, invocation):
        import os
        from nexus.lambda_context import LambdaContext
        request_id = invocation["request_id"]
        os.environ.pop("_X_AMZN_TRACE_ID", None)
        if invocation["trace_id"]:
            os.environ["_X_AMZN_TRACE_ID"] = invocation["trace_id"]
        try:
            if invocation["restore_generation"] != self._generation:
                self._generation = invocation["restore_generation"]
                self._begin_anew(invocation["entropy"])
            context = LambdaContext(invocation, parse_client_context(invocation["client_context"]))
            answer, content_type = encode(handler(parse_event(invocation["payload"]), context))
        except SystemExit as error:
            self._exit(error.code, request_id)
            raise
        except Exception as error:  # an invocation that fails is an answer too
            answer = error_answer(error, request_id)
            self._report(answer)
            self._respond(request_id, encode(answer)[0], error=True)
            return
        sys.stdout.flush()
        sys.stderr.flush()
        self._respond(request_id, answer, content_type=content_type, next=True)

    def _respond(self, *args, **kwargs):
        body = sys.modules.get("nexus.body")
        if body:
            body.park_all()
        self._source.respond(*args, **kwargs)

    def _exit(self, code, request_id):
        """The handler ends the process: the caller is told the status, which the host does not see."""
        sys.stdout.flush()
        status = code & 0xff if isinstance(code, int) else int(code is not None)
        if status:
            self._source.respond(request_id, encode({
                "errorType": "Runtime.ExitError",
                "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status {status}"})[0],
                error=True)

    def _begin_anew(self, entropy):
        """The first event of this machine, or of this clone of one."""
        reseed(entropy)
        self._identified.renew()
        for function, args, kwargs in _hooks("get_after_restore"):
            function(*args, **kwargs)

    def _report(self, answer):
        """An error, for the log."""
        text = f"[ERROR] {answer['errorType']}: {answer['errorMessage']}\n"
        if answer["stackTrace"]:
            text += "Traceback (most recent call last):\n" + "".join(
                line if line.endswith("\n") else line + "\n" for line in answer["stackTrace"])
        sys.stderr.write(text)
        sys.stdout.flush()
        sys.stderr.flush()


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
    from nexus.lambda_context import set_environment
    set_environment(name)
    import nexus_http
    nexus_http.install()
    import nexus
    sys.exit(Runtime(nexus.channel(), name, _prefetches(os.environ.get("NEXUS_PREFETCH", "1"))).run())
