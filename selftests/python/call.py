# SPDX-License-Identifier: GPL-2.0-only
"""Calls functions of nexus-python by the genuine boto3. usage: call.py PORT   TAP"""
import base64
import hashlib
import json
import os
import random
import re
import sys

import boto3
from botocore.config import Config

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../unix"))
from tap import Tap    # pylint: disable=wrong-import-position


def contexts(ok, client, call):
    """The context's fields are those of AWS's client for Python, and so are their types."""
    context = {"custom": {"k": "v"}, "env": {"locale": "de"}, "client": {"app_title": "t", "other": 1}, "more": 1}
    _, got = call("told", {}, ClientContext=base64.b64encode(json.dumps(context).encode()).decode())
    fields, set_up = got["fields"], got["environment"]
    ok(got["names"] == ["aws_request_id", "client_context", "function_name", "function_version",
                        "get_remaining_time_in_millis",
                        "identity", "invoked_function_arn", "log", "log_group_name", "log_stream_name",
                        "memory_limit_in_mb", "tenant_id"], "the context has AWS's fields", got["names"])
    ok(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fields["aws_request_id"]),
       "its request's id is a UUID", fields)
    ok(re.fullmatch(r"arn:aws:lambda:[a-z0-9-]+:\d{12}:function:told", fields["invoked_function_arn"]), "its ARN",
       fields)
    ok((fields["function_name"], fields["function_version"], fields["log_group_name"]) ==
       ("told", "$LATEST", "/aws/lambda/told"), "its names", fields)
    ok(re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", fields["log_stream_name"]) and
       fields["log_stream_name"] == set_up["AWS_LAMBDA_LOG_STREAM_NAME"], "its log stream, in the environment too", fields)
    ok(fields["memory_limit_in_mb"].isdecimal() and int(fields["memory_limit_in_mb"]) >= 64, "its memory, as text",
       fields)
    ok(all(isinstance(left, int) and 0 < left <= 20000 for left in got["left"]) and got["left"][1] <= got["left"][0],
       "the time that is left, in whole milliseconds", got["left"])
    ok(got["identity"] == [None, None], "no identity of Cognito", got["identity"])
    ok(got["client"] == [{"k": "v"}, {"locale": "de"}, "t"], "the client's context, all of it", got["client"])
    ok(got["repr"].startswith("LambdaContext([aws_request_id=") and "function_name=told" in got["repr"], "its repr",
       got["repr"])
    ok(set_up["AWS_REGION"] == set_up["AWS_DEFAULT_REGION"] == "us-east-1" and set_up["_HANDLER"] == "handler.told" and
       set_up["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.") and set_up["TZ"] == ":UTC", "the environment", set_up)
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    os.environ.update(AWS_LAMBDA_FUNCTION_NAME="caller", _X_AMZN_TRACE_ID=trace)     # boto3 passes it on
    _, traced = call("told", {})
    del os.environ["AWS_LAMBDA_FUNCTION_NAME"], os.environ["_X_AMZN_TRACE_ID"]
    _, again = call("told", {})
    ok(traced["environment"]["_X_AMZN_TRACE_ID"] == trace and again["environment"]["_X_AMZN_TRACE_ID"] != trace,
       "the caller's trace, for this event", [traced["environment"], again["environment"]])
    ok(again["client"] is None and again["fields"]["aws_request_id"] != fields["aws_request_id"] and
       again["fields"]["log_stream_name"] == fields["log_stream_name"], "another event: another request, the same stream", again)
    try:
        client.invoke(FunctionName="told", ClientContext=base64.b64encode(b"{no json").decode(), Payload=b"{}")
        code = None
    except client.exceptions.InvalidRequestContentException as error:
        code = error.response["ResponseMetadata"]["HTTPStatusCode"]
    ok(code == 400, "a client's context that is no JSON is the host's to refuse", code)


def outcomes(ok, client, call):
    """What handlers give back, and how they fail."""
    def raw(payload):
        try:
            answer = client.invoke(FunctionName="results", Payload=payload)
        except client.exceptions.InvalidRequestContentException as error:
            return "refused", json.dumps({"errorType": error.response["Error"]["Code"]}).encode()
        return answer.get("FunctionError"), answer["Payload"].read()

    def what(name, **more):
        return raw(json.dumps({"what": name, **more}))

    ok(what("decimal") == (None, b'{"a": 1.10, "b": [12345678901234567890.5, 1E+2]}'), "decimals keep their digits",
       what("decimal"))
    ok(what("none") == (None, b"null"), "None is null")
    ok(json.loads(what("text")[1]) == "\u00fc \U0001f98a \" \\", "text of all kinds", what("text"))
    ok(what("bytes") == (None, b"\x00raw"), "bytes are the answer as they are", what("bytes"))
    ok(what("float")[1] == b"1.5" and what("nan")[1] == b"NaN", "floats", [what("float"), what("nan")])
    ok(json.loads(what("keys")[1]) == {"1": 2, "null": 3}, "keys that are no text", what("keys"))
    ok(json.loads(raw(b"")[1]) is None and json.loads(what("event")[1]) == {"what": "event"},
       "an event of nothing is {}", raw(b""))
    for name in ("set", "object", "badkeys"):
        failed, body = what(name)
        got = json.loads(body)
        ok(failed == "Unhandled" and got["errorType"] == "Runtime.MarshalError" and got["stackTrace"] == [] and
           got["errorMessage"].startswith("Unable to marshal response: "), f"{name}: no answer can be made of it", got)
    failed, body = raw(b"{no json")
    got = json.loads(body)
    ok(failed and got["errorType"] in ("Runtime.UnmarshalError", "InvalidRequestContentException"),
       "an event that is no JSON", got)
    failed, body = what("deep")
    got = json.loads(body)
    ok(list(got) == ["errorMessage", "errorType", "requestId", "stackTrace"], "an error has AWS's members, in order",
       list(got))
    ok((got["errorType"], got["errorMessage"]) == ("Sour", "('a\u00fc', 2)") and len(got["stackTrace"]) == 5 and
       "in results\n" in got["stackTrace"][0] and got["stackTrace"][4].endswith("raise Sour(\"a\\u00fc\", 2)\n"),
       "its frames from the handler on, with their lines", got)
    got = json.loads(what("chained")[1])
    ok((got["errorType"], got["errorMessage"], len(got["stackTrace"])) == ("KeyError", "'key'", 1),
       "the last of chained exceptions", got)
    failed, body = what("exit", status=3)
    got = json.loads(body)
    ok(failed and got["errorType"] == "Runtime.ExitError" and
       re.fullmatch(r"RequestId: \S+ Error: Runtime exited with error: exit status 3",
                    got["errorMessage"]), "sys.exit(3)", got)
    failed, body = what("exit", status=0)
    got = json.loads(body)
    ok(failed and got["errorType"] == "Runtime.ExitError" and "without providing a reason" in got["errorMessage"],
       "sys.exit(0)", got)
    ok(what("none") == (None, b"null"), "the next event has a process of its own")


def logs(ok, client):
    def tail(name, **event):
        answer = client.invoke(FunctionName=name, LogType="Tail", Payload=json.dumps(event))
        answer["Payload"].read()
        return base64.b64decode(answer["LogResult"]).decode()

    got = tail("results", what="log", size=3000000)
    ok("x" * 1000 + "\nthe end\n" in got and len(got) <= 8192, "a log of 3 MB: its end is told", got[-200:])
    got = tail("results", what="bytes in the log")
    ok("text, and bytes: \u00fc\n" in got and "without an end" in got, "bytes, by sys.stdout.buffer", got)
    got = tail("results", what="logging")
    stamp = r"\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t[0-9a-f-]{36}\t"
    ok(re.search(rf"^\[INFO\]{stamp}an info 7$", got, re.M), "logging: level, time, request, message", got)
    ok("not this" not in got and re.search(rf"^\[ERROR\]{stamp}caught\nTraceback ", got, re.M) and "Sour: " in got,
       "logging: its level, exceptions with their traces", got)
    got = tail("json", what="logging")
    lines = [json.loads(line) for line in got.splitlines() if line.startswith("{")]
    ok([line["level"] for line in lines] == ["INFO", "ERROR"] and lines[0]["message"] == "an info 7" and
       lines[0]["logger"] == "mine" and lines[0]["more"] == "extra" and len(lines[0]["requestId"]) == 36 and
       re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", lines[0]["timestamp"]) and "errorType" not in lines[0],
       "logging in JSON, as AWS_LAMBDA_LOG_FORMAT says", got)
    ok(len(lines) == 2 and lines[1]["errorType"] == "Sour" and lines[1]["stackTrace"] and "handler.py:results:" in lines[1]["location"],
       "exceptions in it", lines)


def beginnings(ok, call):
    """Handlers that cannot be had; generators and hooks of what begins, or is a clone."""
    for name, kind, message in (
            ("nomodule", "Runtime.ImportModuleError", "Unable to import module 'nowhere': No module named 'nowhere'"),
            ("nofunction", "Runtime.HandlerNotFound", "Handler 'missing' missing on module 'raises/well'"),
            ("nodot", "Runtime.MalformedHandlerName",
             "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
            ("syntax", "Runtime.UserCodeSyntaxError",
             "Syntax error in module 'syntax': invalid syntax (syntax.py, line 1)"),
            ("raises", "RuntimeError", "no database"),
            ("builtin", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module")):
        answer, got = call(name, {})
        ok(answer.get("FunctionError") and (got["errorType"], got["errorMessage"]) == (kind, message),
           f"{name}: {kind}", got)
        if name == "raises":
            ok(got["requestId"] == "" and "in begin\n" in got["stackTrace"][-1] and "runtime.py" not in got["stackTrace"][0],
               "its frames, but for the runtime's", got)
        if name == "syntax":
            ok(len(got["stackTrace"]) == 1 and 'syntax.py" Line 1\n' in got["stackTrace"][0], "its place", got)
    one, two = (call(name, {})[1] for name in ("dice1", "dice2"))
    ok(one["drawn"][0] == two["drawn"][0], "two processes whose generators stand where those of clones do", [one,
                                                            two])
    for whose in ("library", "kernel"):
        for name in one[whose]:
            ok(one[whose][name] != two[whose][name], f"{name} gives them different values", [one[whose], two[whose]])
    ok("numpy" in one["library"], "numpy is among them", one)
    _, got = call("hooked", {})
    ok(got["hooks"] == ["before 2", "before 1", "after 1"] and got["own"] != random.Random(1).random(),
       "hooks of snapshot_restore_py, in their order", got)


def main(port):
    tap = Tap()
    ok = tap.ok
    client = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}", region_name="us-east-1",
                          config=Config(read_timeout=60, retries={"max_attempts": 0}))

    def call(name, event, **kwargs):
        answer = client.invoke(FunctionName=name, Payload=json.dumps(event), **kwargs)
        return answer, json.loads(answer["Payload"].read() or b"null")

    answer, got = call("echo", {"a": ["\u00fc", 1]})
    ok(answer["StatusCode"] == 200 and "FunctionError" not in answer, "a handler answers", answer)
    ok(got["event"] == {"a": ["\u00fc", 1]} and got["cold"], "with its event", got)
    ok(got["id"] and got["left"], "its context has the request's id and the time left", got)
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()
    _, again = call("echo", None, ClientContext=context)
    ok(not again["cold"] and again["event"] is None, "the second event finds it warm", again)
    ok(again["context"] == {"k": "v"}, "the client's context", again)
    answer, got = call("fails", {})
    ok(answer.get("FunctionError") == "Unhandled", "an exception is a function's error", answer)
    ok((got["errorType"], got["errorMessage"]) == ("ValueError", "it failed on purpose"), "its type and message", got)
    ok(got["stackTrace"] and "fails" in got["stackTrace"][-1] and got.get("requestId"), "its stack trace", got)
    def logged(name):
        answer, _ = call(name, {}, LogType="Tail")
        return base64.b64decode(answer["LogResult"]).decode()

    tail = logged("echo")
    ok("a line of the function\n" in tail and tail.startswith("START "), "what it prints is in its invocation's log",
       tail)
    tail = logged("fails")
    ok("a last word, without a line's end" in tail and "ValueError: it failed on purpose" in tail and
       "in fails" in tail, "so are its standard error and its traceback", tail)
    ok("a line of the function" not in tail, "and nothing of another's", tail)
    answer, got = call("odd", {})
    ok(got["errorType"] == "Runtime.MarshalError", "an answer that is no JSON", got)
    contexts(ok, client, call)
    outcomes(ok, client, call)
    logs(ok, client)
    beginnings(ok, call)
    s3 = boto3.client("s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
                      config=Config(s3={"addressing_style": "path"}))
    s3.put_object(Bucket="nexus-test", Key="python/event", Body=b"some text")
    event = {"Records": [{"s3": {"bucket": {"name": "nexus-test"}, "object": {"key": "python/event"}}}]}
    ok([call("results", {"what": what, "key": "python/event", "times": 31})[1] for what in ("hold", "none", "held")] ==
       [31, None, 31 * 8], "payloads that a function keeps do not keep the host from it")
    _, got = call("prefetched", event)
    ok(got == {"body": "some text", "requests": 0, "kicks": 0, "prefetch_hits": 1},
       "the object of an S3 event is there before it is asked for: no request", got)
    _, got = call("prefetched", event)
    ok(got["requests"] == 0 and got["prefetch_hits"] == 1, "so it is with the next event", got)
    _, got = call("store",
                  {"Records": [{"s3": {"bucket": {"name": "nexus-test"}, "object": {"key": "python/event"}}}]})
    stored = s3.get_object(Bucket="nexus-test", Key="python/event.upper")["Body"].read()
    ok(got == 9 and stored == b"SOME TEXT", "a handler reads and writes S3 by boto3", [got, stored])
    _, got = call("tagged", {})
    ok(got["status"] == 200 and got["type"], "a put that is not stored yet looks as one that is", got)
    ok(got["tags"] == ['"%s"' % hashlib.md5(b"tagged").hexdigest()] * 5,
       "its entity tag is there when it is looked at", got)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
