#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Calls functions with an unmodified boto3, and with plain HTTP where boto3 would not do it. Prints TAP.

usage: invoke.py http://HOST:PORT DIRECTORY
"""
import base64
import concurrent.futures
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time

import boto3
import botocore.config
import botocore.exceptions

from tap import Tap

URL, DIR = sys.argv[1:3]
HOST = URL.split("//")[1]
tap = Tap()
ok, same = tap.ok, tap.equal


client = boto3.client("lambda", endpoint_url=URL, region_name="us-east-1", aws_access_key_id="k",
                      aws_secret_access_key="s",
                      config=botocore.config.Config(retries={"max_attempts": 0}, max_pool_connections=64, read_timeout=30))


def invoke(event, name="shell", **more):
    payload = event if isinstance(event, bytes) else json.dumps(event).encode()
    answer = client.invoke(FunctionName=name, Payload=payload, **more)
    answer["Body"] = answer["Payload"].read()
    return answer


def error(call):
    try:
        call()
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"], e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Message"]
    return None


def plain(method, path, body=None, headers=None):
    connection = http.client.HTTPConnection(HOST, timeout=30)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    data = response.read()
    connection.close()
    return response.status, dict((k.lower(), v) for k, v in response.getheaders()), data


API = "/2015-03-31/functions/shell/invocations"
PATIENCE = 120    # seconds, for what comes for sure


def lines(name):
    try:
        with open(f"{DIR}/{name}") as file:
            return file.read().split()
    except FileNotFoundError:
        return []


def calls(name):
    """The daemon's counters of a function."""
    shown = subprocess.run([*os.environ["NEXUSCTL"].split(), "--json", "function", "show", name], stdout=subprocess.PIPE, check=True)
    return json.loads(shown.stdout)["calls"]


def wait_calls(name, counter, number):
    end = time.monotonic() + PATIENCE
    while calls(name)[counter] < number and time.monotonic() < end:
        time.sleep(0.05)
    return calls(name)


def wait_lines(name, number, seconds):
    end = time.monotonic() + seconds
    while len(lines(name)) < number and time.monotonic() < end:
        time.sleep(0.05)
    return lines(name)


def test_answers():
    a = invoke({"x": [1, "ü"]})
    same((a["StatusCode"], json.loads(a["Body"]), a["ExecutedVersion"], a.get("FunctionError")),
         (200, {"x": [1, "ü"]}, "$LATEST", None), "the shell script answers")
    same(len(a["ResponseMetadata"]["RequestId"]), 36, "a request id")
    a = invoke("print", LogType="Tail")
    log = base64.b64decode(a["LogResult"]).decode()
    request = a["ResponseMetadata"]["RequestId"]
    ok(f"START RequestId: {request}" in log and f"printed by {request}" in log and f"END RequestId: {request}" in log
       and "REPORT" in log, "the log tail holds what it printed", log)
    ok("LogResult" not in invoke("print"), "which comes only when asked for")
    log = base64.b64decode(invoke("flood", LogType="Tail")["LogResult"])
    ok(len(log) == 4096 and b"\nflood 5000\nEND RequestId: " in log and b"START" not in log, "of much it is the last 4 KB", (len(log), log[:100]))
    log = base64.b64decode(invoke("sleep", LogType="Tail")["LogResult"]).decode()
    took = float(re.search(r"Duration: ([0-9.]*) ms", log)[1])
    ok(300 <= took <= PATIENCE * 1000, f"it says how long it took ({took} ms)", log)
    before = time.time_ns() // 1000000
    deadline = int(invoke("deadline")["Body"])
    ok(before + 2000 <= deadline <= time.time_ns() // 1000000 + 2000, "the deadline arrives", (before, deadline))
    context = base64.b64encode(json.dumps({"custom": {"a": "b"}}).encode()).decode()
    same(json.loads(invoke("context", ClientContext=context)["Body"]), {"custom": {"a": "b"}}, "the client context arrives")
    context = json.dumps({"a": "x" * (3580 // 4 * 3 - 9)}).encode()
    same(json.loads(invoke("context", ClientContext=base64.b64encode(context).decode())["Body"]) == json.loads(context), True,
         f"one of {len(base64.b64encode(context))} bytes, the most")
    same(error(lambda: invoke("context", ClientContext=base64.b64encode(context + b"   ").decode()))[:2], ("InvalidRequestContentException", 400),
         "one of 4 bytes more")
    arn = "arn:aws:lambda:us-east-1:000000000000:function:shell"
    same(json.loads(invoke("arn")["Body"]), arn, "the function's ARN")
    for name in (arn, arn + ":$LATEST", "000000000000:function:shell", "shell:$LATEST"):
        same(json.loads(invoke({"n": name}, name)["Body"]), {"n": name}, f"called as {name}")
    same(json.loads(invoke({}, Qualifier="$LATEST")["Body"]), {}, "with a qualifier")
    answer = client.invoke(FunctionName="shell")
    same(json.loads(answer["Payload"].read()), {}, "no payload is an empty object")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1"
    status, headers, data = plain("POST", API, '"trace"', {"X-Amzn-Trace-Id": trace})
    same((status, headers["x-amzn-trace-id"], json.loads(data)), (200, trace, trace), "the trace's id arrives, and comes back")
    status, headers, data = plain("POST", API, '"trace"')
    ok(re.fullmatch("Root=1-[0-9a-f]{8}-[0-9a-f]{24};Sampled=0", headers["x-amzn-trace-id"]) and
       headers["x-amzn-trace-id"] == json.loads(data), "one without gets a new one", (headers, data))
    same(json.loads(invoke("wrong")["Body"]), "400 400 400 403 404 InvalidRequestID InvalidRequestID InvalidRequestID InvalidStateTransition ",
         "what the Runtime API refuses")
    same(wait_lines("again", 1, PATIENCE), ["403"], "a second answer among it")


def test_failures():
    a = invoke("fail")
    same((a["StatusCode"], a.get("FunctionError"), json.loads(a["Body"])["errorType"], a["ExecutedVersion"]),
         (200, "Unhandled", "Example.Error", "$LATEST"), "an error of the function's own")
    start = time.monotonic()
    a = invoke("hang", LogType="Tail")
    took = time.monotonic() - start
    same((a.get("FunctionError"), json.loads(a["Body"])["errorType"]), ("Unhandled", "Sandbox.Timedout"), "a time-out")
    ok("Task timed out after 2.00 seconds" in json.loads(a["Body"])["errorMessage"], "in AWS's words", a["Body"])
    ok(b"Task timed out" in base64.b64decode(a["LogResult"]), "in the log too")
    ok(1.9 < took < 6, f"at the deadline ({took:.1f} s)")
    a = invoke("exit", "single")
    same((a.get("FunctionError"), json.loads(a["Body"])["errorType"]), ("Unhandled", "Runtime.ExitError"),
         "a function that exits")
    ok("exit status 3" in json.loads(a["Body"])["errorMessage"], "with its status", a["Body"])
    same(json.loads(invoke({"y": 1}, "single")["Body"]), {"y": 1}, "it is started again")
    a = invoke({}, "unborn")
    same((a.get("FunctionError"), json.loads(a["Body"])), ("Unhandled", {"errorType": "Example.Init", "errorMessage": "not today"}),
         "a function that says that it cannot start")
    a = invoke({}, "broken")
    same((a.get("FunctionError"), json.loads(a["Body"])["errorType"]), ("Unhandled", "Runtime.ExitError"),
         "a function that fails before its first event")


def test_refusals():
    same(error(lambda: invoke({}, "nobody"))[:2], ("ResourceNotFoundException", 404), "an unknown function")
    same(error(lambda: invoke({}, "shell:$LATEST", Qualifier="7"))[:2], ("InvalidParameterValueException", 400), "two qualifiers that differ")
    for fields, want in (({"Content-Type": "text/plain"}, 415), ({"Content-Type": "multipart/form-data; boundary=x"}, 415),
                         ({"Content-Encoding": "gzip", "Content-Type": "application/json"}, 415),
                         ({"Content-Type": "application/json; charset=utf-8"}, 200), ({"Content-Type": "application/cloudevents+json"}, 200),
                         ({"Content-Type": "application/x-www-form-urlencoded"}, 200), ({"Content-Type": "application/octet-stream"}, 200)):
        status, headers, data = plain("POST", API, "{}", fields)
        same((status, headers.get("x-amzn-errortype"), data if want == 200 else b""),
             (want, "UnsupportedMediaTypeException" if want == 415 else None, b"{}" if want == 200 else b""), f"an event as {fields}: {want}")
    same(error(lambda: invoke({}, Qualifier="7"))[:2], ("ResourceNotFoundException", 404), "an unknown version")
    same(error(lambda: invoke(b"{nonsense"))[:2], ("InvalidRequestContentException", 400), "an event that is no JSON")
    same(error(lambda: invoke({}, ClientContext="!!"))[:2], ("InvalidRequestContentException", 400), "a context that is none")
    start = time.monotonic()
    same(error(lambda: invoke({}, "absent"))[:2], ("ResourceNotReadyException", 502), "no instance in time")
    ok(0.9 < time.monotonic() - start < 5, "after start_timeout")
    status, headers, _ = plain("POST", "/2015-03-31/functions/shell/invocations", "{}", {"X-Amz-Invocation-Type": "Odd"})
    same((status, headers["x-amzn-errortype"]), (400, "InvalidParameterValueException"), "an invocation type that is none")
    same(plain("GET", "/2015-03-31/functions/shell/invocations")[0], 405, "GET")
    same(plain("GET", "/elsewhere")[0], 404, "an unknown path")


def test_sizes():
    def json_of(n):
        return b'"' + b"x" * (n - 2) + b'"'
    limit = 6 << 20
    same(len(invoke(json_of(limit))["Body"]), limit, "6 MiB there and back")
    got = error(lambda: invoke(json_of(limit + 1)))
    same(got[:2], ("RequestTooLargeException", 413), "a byte more")
    same(got[2], "6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)",
         "in AWS's words")
    same(error(lambda: invoke(json_of((1 << 20) + 1), InvocationType="Event"))[:2], ("RequestTooLargeException", 413),
         "an asynchronous event of more than 1 MiB")
    same(len(invoke("large")["Body"]), limit, "an answer of 6 MiB")
    a = invoke("larger")
    same((a.get("FunctionError"), json.loads(a["Body"])["errorType"]), ("Unhandled", "Function.ResponseSizeTooLarge"),
         "an answer of a byte more")
    same(wait_lines("larger", 1, PATIENCE), ["413", "RequestEntityTooLarge"], "of which the function is told, too")


def test_kinds():
    a = client.invoke(FunctionName="shell", Payload=b"{}", InvocationType="DryRun")
    same(a["StatusCode"], 204, "DryRun")
    a = client.invoke(FunctionName="shell", Payload=b'"mark"', InvocationType="Event")
    same(a["StatusCode"], 202, "Event")
    same(wait_lines("marks", 1, PATIENCE), [a["ResponseMetadata"]["RequestId"]], "which then runs, by its request's id")
    context = base64.b64encode(b'{"custom":{"later":1}}').decode()
    client.invoke(FunctionName="shell", Payload=b'"keep context"', InvocationType="Event", ClientContext=context)
    same(wait_lines("context", 1, PATIENCE), ['{"custom":{"later":1}}'], "an asynchronous one has its client context")
    start = time.monotonic()
    a = client.invoke(FunctionName="shell", Payload=b'"failmark"', InvocationType="Event")
    same(wait_lines("failmarks", 3, PATIENCE), [a["ResponseMetadata"]["RequestId"]] * 3, "one that fails is tried three times")
    took = time.monotonic() - start
    ok(took >= 1.5, f"after retry_delay, and twice that ({took:.1f} s)")
    time.sleep(1)
    same(len(lines("failmarks")), 3, "and no more")
    same(error(lambda: [client.invoke(FunctionName="absent", Payload=b"{}", InvocationType="Event") for _ in range(4)])[:2],
         ("TooManyRequestsException", 429), "no more events than max_events")


def test_given_up():
    """retries = 1, on_failure = records; then one that is too old for its retry."""
    a = client.invoke(FunctionName="failing", Payload=b'"fail"', InvocationType="Event")
    record = json.loads("".join(wait_lines("record", 1, PATIENCE)))
    context = record["requestContext"]
    same((record["version"], context["requestId"], context["functionArn"], context["condition"], context["approximateInvokeCount"],
          record["requestPayload"], record["responseContext"], record["responsePayload"]["errorType"]),
         ("1.0", a["ResponseMetadata"]["RequestId"], "arn:aws:lambda:us-east-1:000000000000:function:failing:$LATEST", "RetriesExhausted", 2,
          "fail", {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"}, "Example.Error"),
         "a function is told of an event that is given up, as AWS does it")
    os.unlink(f"{DIR}/record")
    end = time.monotonic() + PATIENCE
    while (refused := error(lambda: client.invoke(FunctionName="failing", Payload=b'{}', InvocationType="Event"))) and time.monotonic() < end:
        time.sleep(0.05)
    same(refused, None, "it makes room for the next one (max_events = 1)")
    client.invoke(FunctionName="old", Payload=b'"fail"', InvocationType="Event")
    record = json.loads("".join(wait_lines("record", 1, PATIENCE)))
    same((record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"]), ("EventAgeExceeded", 1),
         "and of one whose next try would come after max_event_age")
    os.unlink(f"{DIR}/record")
    client.invoke(FunctionName="early", Payload=b"{}", InvocationType="Event")
    record = json.loads("".join(wait_lines("record", 1, PATIENCE)))
    same((record["requestContext"]["condition"], record["requestContext"]["approximateInvokeCount"], "responsePayload" in record),
         ("EventAgeExceeded", 0, False), "and of one that no instance took before")


def test_told():
    """ping's failure is told to pong, whose own is told to nobody: else both would go on for ever."""
    client.invoke(FunctionName="ping", Payload=b'"fail"', InvocationType="Event")
    same(wait_calls("pong", "given_up", 1)["given_up"], 1, "a function that is told of a failure may fail")
    # Behind whatever ping would have been told.
    for _ in range(2):
        time.sleep(0.2)
        invoke({}, "ping")
    same((calls("ping")["invocations"], calls("pong")["invocations"]), (3, 1), "which is told to nobody")


def test_nowhere():
    """start_timeout = 10ms, max_event_age = 6s: tries after 0, 1 and 3 s; the next one would be 7 s late."""
    client.invoke(FunctionName="nowhere", Payload=b"{}", InvocationType="Event")
    tries = wait_calls("nowhere", "given_up", 1)["no_instance"]
    ok(2 <= tries <= 3, f"an event that no instance takes is tried after twice as long each time ({tries} tries in 6 s)")


def test_concurrency():
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        start = time.monotonic()
        done = list(pool.map(lambda i: json.loads(invoke({"i": i})["Body"])["i"], range(20)))
        same(done, list(range(20)), f"20 at once, each its own answer ({time.monotonic() - start:.1f} s)")
        results = list(pool.map(lambda i: error(lambda: invoke("sleep", "single")), range(8)))
        same(sorted({r[:2] for r in results if r}), [("TooManyRequestsException", 429)], "beyond the concurrency: 429")
        same(sum(r is None for r in results), 4, "and as many as allowed run")
        same(calls("single")["throttles"], 4, "the others are counted")


def test_plain():
    same(plain("GET", "/healthz")[::2], (200, b"ok\n"), "/healthz")
    same(plain("GET", "/readyz")[0], 200, "/readyz")
    blob = bytes(range(256)) * 40
    status, headers, data = plain("POST", "/function/shell", blob, {"Content-Type": "application/octet-stream"})
    same((status, data), (200, blob), "POST /function/NAME with any bytes")
    status, headers, data = plain("POST", "/function/shell", '"describe"')
    same((status, headers.get("x-pot"), headers["content-type"], headers.get("set-cookie"), data),
         (418, "tea", "text/plain", "a=1", b"short and stout"), "an answer that describes itself")
    for description in (b'{"statusCode":99,"body":"x"}', b'{"statusCode":199,"body":"x"}', b'{"statusCode":600,"body":"x"}',
                        b'{"statusCode":"200","body":"x"}', b'{"statusCode":200,"isBase64Encoded":true,"body":"!!!!"}', b'{"body":"x"}'):
        status, headers, data = plain("POST", "/function/shell", description)
        same((status, data), (200, description), f"what does not describe an answer is one: {description.decode()}")
    same(plain("POST", "/function/shell", b'{"statusCode":201,"body":"plain \\u00fc"}')[::2], (201, "plain ü".encode()), "a body that is text")
    status, headers, data = plain("POST", "/function/shell", '"fail"')
    same((status, headers.get("x-amz-function-error"), json.loads(data)["errorType"]), (502, "Unhandled", "Example.Error"),
         "an error")
    connection = http.client.HTTPConnection(HOST, timeout=30)
    connection.request("POST", "/function/shell", '"stream"')
    response = connection.getresponse()
    first, t1 = response.readline(), time.monotonic()
    second, t2 = response.readline(), time.monotonic()
    same((first, second, response.read(), response.getheader("content-type")), (b"one\n", b"two\n", b"", "text/plain"),
         "a streamed answer")
    ok(t2 - t1 > 0.3, f"comes as it is made ({t2 - t1:.2f} s between its lines)")
    connection.close()
    same(plain("POST", "/function/nobody")[0], 404, "an unknown function over plain HTTP")
    same(plain("GET", "/function/shell")[0], 405, "GET of a function")
    same(plain("POST", "/function/shell", b"x" * ((6 << 20) + 1))[0], 413, "6 MiB and a byte")


def test_prefetch():
    s3 = boto3.client("s3", endpoint_url=os.environ["NEXUS_S3_URL"], region_name="us-east-1",
                      aws_access_key_id=os.environ["NEXUS_AWS_ACCESS_KEY_ID"],
                      aws_secret_access_key=os.environ["NEXUS_AWS_SECRET_ACCESS_KEY"],
                      config=botocore.config.Config(s3={"addressing_style": "path"}))
    tag = s3.put_object(Bucket="nexus-test", Key="invoke/in put", Body=b"input")["ETag"].strip('"')

    def notification(etag):
        return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {
            "bucket": {"name": "nexus-test"}, "object": {"key": "invoke/in+put", "eTag": etag}}}], "key": "invoke/in put"}
    # The C function looks for the first "key".
    event = {"key": "invoke/in put", **notification(tag)}
    a = json.loads(invoke(event, "native")["Body"])
    same((a["n"], a["text"], a["hits"]), (5, "input", 1), "an S3 notification brings its object along")
    same((a["requests"], a["kicks"], a["waits"]), (0, 0, 0), "the get of it costs nothing")
    b = json.loads(invoke({"key": "invoke/in put", **notification("0" * 32)}, "native")["Body"])
    same((b["n"], b["text"], b["hits"]), (5, "input", 0), "not if its entity tag is another one by now")
    ok(len(a["entropy"]) == 64 and a["entropy"] != b["entropy"] and a["entropy"] != "0" * 64, "entropy, new each time")
    ok(1500 <= a["remaining"] <= 2000, "the deadline comes along", a["remaining"])
    c = json.loads(invoke({"key": "invoke/in put"}, "native")["Body"])
    same((c["n"], c["hits"], c["requests"] > 0), (5, 0, True), "no hint, no prefetch")
    status, _, data = plain("POST", "/function/native", json.dumps({"key": "invoke/in put"}),
                            {"Nexus-Prefetch": "s3://nexus-test/invoke/in%20put"})
    same((status, json.loads(data)["hits"]), (200, 1), "the header Nexus-Prefetch")
    connection = http.client.HTTPConnection(HOST, timeout=30)
    connection.putrequest("POST", "/function/native")
    for name, value in (("Nexus-Prefetch", "s3://nexus-test/invoke/another"), ("Nexus-Prefetch", "s3://nexus-test/invoke/in%20put"),
                        ("Content-Length", "25")):
        connection.putheader(name, value)
    connection.endheaders(b'{"key": "invoke/in put"} ')
    same(json.loads(connection.getresponse().read())["hits"], 1, "which may be repeated")
    connection.close()
    d = json.loads(invoke({"key": "invoke/in put", "in": {"where": "nexus-test"}}, "ruled")["Body"])
    same((d["n"], d["hits"]), (5, 1), "the function's own rule")
    e = json.loads(invoke({"key": "nothing/there", "in": {"where": "nexus-test"}}, "ruled")["Body"])
    same((e["n"], e["hits"]), (-2, 0), "an object that is not there")
    f = json.loads(invoke({"key": "secret", "in": {"where": "nexus-other"}}, "ruled")["Body"])
    same((f["n"], f["hits"]), (-2, 0), "a bucket that the tenant may not read")


def test_writes():
    a = invoke({"key": "invoke/lost", "write": 1}, "unwritten")
    same((a.get("FunctionError"), json.loads(a["Body"])["errorType"]), ("Unhandled", "Nexus.WriteFailed"),
         "a deferred write that fails is an error of the invocation")
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        start = time.monotonic()
        first = pool.submit(lambda: (json.loads(invoke({"key": "invoke/late", "write": 1}, "slow")["Body"]), time.monotonic()))
        time.sleep(0.3)
        second = pool.submit(lambda: json.loads(invoke({"key": "invoke/late", "write": 1}, "slow")["Body"]))
        answer, answered = first.result()
        same(answer["n"], 0, "one that is slow is acknowledged to the function at once")
        ok(answered - start > 0.8, f"the caller's answer waits for it ({answered - start:.2f} s)")
        ok(second.result()["taken"] < answered, "the instance takes its next event meanwhile")


def test_death():
    def kill():
        time.sleep(0.4)
        os.kill(int(os.environ["VICTIM"]), signal.SIGKILL)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(kill)
        start = time.monotonic()
        a = invoke("hang", "victim")
        took = time.monotonic() - start
    same((a.get("FunctionError"), json.loads(a["Body"])["errorType"]), ("Unhandled", "Runtime.ExitError"),
         "an instance that dies")
    ok(took < 2, f"its caller learns it at once ({took:.2f} s)")


for test in [v for k, v in list(globals().items()) if k.startswith("test_") and (len(sys.argv) < 4 or sys.argv[3] in k)]:
    test()
sys.exit(tap.done())
