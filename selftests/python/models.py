# SPDX-License-Identifier: GPL-2.0-only
"""Answers of services without a model in the shim, beside what the genuine botocore's models make of the same bytes: for
each operation an answer is made up that has all members of its output, and parsed by both.

usage: models.py [SERVICE...]   (the shim first on sys.path, the genuine botocore behind it)   TAP"""
import base64
import importlib
import json
import os
import sys
from xml.sax.saxutils import escape

from nexus import genuine, services

TIME = 1700000000.25
ISO = "2023-11-14T22:13:20.250Z"
DEEP = 10   # shapes that hold themselves end there
# Named in the manual: only what is around them tells these from numbers.
LISTED = ("DateColumnStatisticsData",)


def made_up(shape, deep=0):
    """A value of the shape, as the JSON protocols write it."""
    kind = shape.type_name
    if kind == "structure" and (shape.is_tagged_union or shape.name == "AttributeValue"):
        name = "B" if shape.name == "AttributeValue" else next(iter(shape.members))     # one at a time
        return {name: made_up(shape.members[name], deep + 1)}
    if kind == "structure":
        return {name: made_up(member, deep + 1) for name, member in shape.members.items()} if deep < DEEP else {}
    if kind == "list":
        return [made_up(shape.member, deep + 1)] * 2 if deep < DEEP else []
    if kind == "map":
        return {"key": made_up(shape.value, deep + 1)} if deep < DEEP else {}
    return {"blob": base64.b64encode(b"\x00blob").decode(), "timestamp": TIME, "integer": 17, "long": 1700000000250,
            "double": 1.5, "float": 2.5, "boolean": True}.get(kind, "text")


def as_xml(name, shape, deep=0):
    """The same in the query protocol."""
    kind = shape.type_name
    if kind == "structure":
        inner = "".join(as_xml(member.serialization.get("name", key), member, deep + 1)
                        for key, member in shape.members.items()) if deep < DEEP else ""
    elif kind == "list":
        item = shape.member.serialization.get("name", "member")
        inner = as_xml(item, shape.member, deep + 1) * 2 if deep < DEEP else ""
        if shape.serialization.get("flattened"):
            return as_xml(name, shape.member, deep + 1) * 2
    elif kind == "map":
        entry = as_xml(shape.key.serialization.get("name", "key"), shape.key) + as_xml(
            shape.value.serialization.get("name", "value"), shape.value, deep + 1)
        inner = f"<entry>{entry}</entry>" if deep < DEEP else ""
    else:
        inner = {"blob": base64.b64encode(b"\x00blob").decode(), "timestamp": ISO, "integer": "170", "long": "180",
                 "double": "1.5", "float": "2.5", "boolean": "true"}.get(kind, "text")
        inner = escape(inner)
    return f"<{name}>{inner}</{name}>"


def differences(got, want, path=""):
    if isinstance(want, dict) and isinstance(got, dict):
        for name in sorted({*want, *got}):
            if name not in got or name not in want:
                yield f"{path}.{name}: {'missing' if name in want else 'more'}"
            else:
                yield from differences(got[name], want[name], f"{path}.{name}")
    elif isinstance(want, list) and isinstance(got, list):
        if len(want) != len(got):
            yield f"{path}: {len(got)} of {len(want)}"
        for a, b in zip(got[:1], want[:1]):
            yield from differences(a, b, path + "[]")
    elif type(got) is not type(want) or got != want:
        yield f"{path}: {got!r} is not {want!r}"


def answers(service, model, client, parsers):
    """[(operation, differences)]"""
    protocol = model.metadata["protocol"]
    for operation in model.operation_names:
        if model.operation_model(operation).has_event_stream_output:
            continue    # an answer that does not end
        shape = model.operation_model(operation).output_shape
        if service.protocol == "query":
            inner = as_xml(f"{operation}Result", shape) if shape else ""
            body = (f"<{operation}Response>{inner}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
                    f"</{operation}Response>")
            empty = f"<{operation}Response><{operation}Result>" + "".join(
                f"<{name}/>" for name, member in (shape.members.items() if shape else ())
                if member.type_name in ("list", "map", "structure")) + f"</{operation}Result></{operation}Response>"
            bodies = [body.encode(), empty.encode()]
        else:
            bodies = [json.dumps(made_up(shape) if shape else {}).encode()]
            protocol = "json"
        for body in bodies:
            want = parsers.create_parser(protocol).parse({"status_code": 200, "headers": {}, "body": body}, shape)
            want.pop("ResponseMetadata", None)
            got = client.parse(operation, body)
            got.pop("ResponseMetadata", None)
            yield operation, list(differences(got, want))


class Pages:
    """An operation that answers in pages, made up: three of them, with three results each."""

    def __init__(self, config, shape, results, empty=False):
        self._config, self._shape, self._results, self._empty = config, shape, results, empty
        self.asked = []

    def __call__(self, **kwargs):
        self.asked.append(kwargs)
        page = made_up(self._shape)
        number = 1 + max([int(str(value)[-1]) for name,
                          value in kwargs.items() if name in self._config["input_token"]] + [0])
        for name in self._results:
            old = self._at(page, name)
            if isinstance(old, list):
                self._set(page, name, [{"n": 10 * number + i} for i in range(3)])
            if self._empty:
                self._set(page, name, None)
        more, outputs = self._config.get("more_results"), self._config["output_token"]
        if more:
            self._set(page, more, number < 3)
        for i, name in enumerate(outputs):
            if name.endswith("]") or "[" in name or "||" in name:
                continue
            self._set(page, name, f"token-{i}-{number}" if number < 3 else None)
        return page

    @staticmethod
    def _at(page, path):
        for name in path.split("."):
            page = page.get(name) if isinstance(page, dict) else None
        return page

    @staticmethod
    def _set(page, path, value):
        *names, last = path.split(".")
        for name in names:
            page = page.setdefault(name, {})
        if value is None:
            page.pop(last, None)
        else:
            page[last] = value


def listed(value):
    return value if isinstance(value, list) else [value] if value else []


def walked(paginator, method, config):
    """All that a caller may see of the pages, or the exception."""
    seen = []
    blank = base64.b64encode(json.dumps(dict.fromkeys(config["input_token"], "None")).encode()).decode()
    for options in ({}, {"StartingToken": blank}, {"MaxItems": 1}, {"MaxItems": 2}, {"MaxItems": 3}, {"MaxItems": 4},
                    {"MaxItems": 7}, {"PageSize": 5},
                    {"MaxItems": 100}):
        try:
            pages = paginator.paginate(PaginationConfig=options)
            seen.append([json.dumps(list(pages), default=str, sort_keys=True), pages.resume_token])
            again = {**options, "StartingToken": pages.resume_token} if pages.resume_token else options
            pages = paginator.paginate(PaginationConfig=again)
            seen.append([json.dumps(pages.build_full_result(), default=str, sort_keys=True), pages.resume_token])
            if pages.resume_token:
                pages = paginator.paginate(PaginationConfig={**options, "StartingToken": pages.resume_token})
                seen.append([json.dumps(list(pages), default=str, sort_keys=True), pages.resume_token])
        except Exception as error:
            seen.append([type(error).__name__, str(error)])
    return seen, method.asked


def paged(name, model, client, genuine_paginate, config, operations):
    """[what differs] of the operations that answer in pages."""
    from botocore.paginate import Paginator
    wrong = []
    for operation, how in config.items():
        shape = model.operation_model(operation).output_shape
        how = {**how, "input_token": listed(how["input_token"]), "output_token": listed(how["output_token"])}
        if any("[" in token or "||" in token for token in how["output_token"]):
            continue    # tokens out of the results themselves: S3's are compared with a store's, Kinesis's with an emulator's
        method = operations[operation]
        ours = client._pages(method)
        if ours is None:
            wrong.append(f"{operation}: not known")
            continue
        for empty in (False, True):
            results = listed(how.get("result_key"))
            one, two = (Pages(how, shape, results, empty) for _ in range(2))
            want = walked(genuine_paginate.Paginator(one, how, model.operation_model(operation)), one, how)
            got = walked(Paginator(two, ours), two, how)
            pairs = zip(got[0] + got[1], want[0] + want[1])
            if got != want:
                wrong.append(f"{operation}: {next((pair for pair in pairs if pair[0] != pair[1]), 'how often')}"[:700])
    return wrong


# Answers for expressions that are more than a path.
ANSWERS = {
    "length(MetricAlarms[]) > `0`": ({"MetricAlarms": [{}]}, {"MetricAlarms": []}),
    "length(CompositeAlarms[]) > `0`": ({"CompositeAlarms": [{}]},),
    "length(services[?!(length(deployments) == `1` && runningCount == desiredCount)]) == `0`": (
        {"services": [{"deployments": [1], "runningCount": 2, "desiredCount": 2}]},
        {"services": [{"deployments": [1], "runningCount": 2, "desiredCount": 3}]},
        {"services": [{"deployments": [1, 2], "runningCount": 2, "desiredCount": 2}]}),
}


def answering(path, value):
    """An answer in which that path has that value."""
    for name in reversed(path.split(".")):
        value = {"any": value} if name == "*" else {name[:-2]: value} if name.endswith("[]") else {name: value}
        if name.endswith("[]"):
            value[name[:-2]] = [value[name[:-2]]]
    return value


def waits(acceptors):
    """Answers of services: for each rule one that meets it, and others."""
    yield {}
    for rule in acceptors:
        if rule["matcher"] == "error":
            yield {"Error": {"Code": rule["expected"], "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": 400}}
        elif rule["matcher"] == "status":
            status = rule["expected"]
            error = {"Error": {"Code": str(status), "Message": "m"}} if status >= 300 else {}
            yield {**error, "ResponseMetadata": {"HTTPStatusCode": status}}
        elif rule["argument"] in ANSWERS:
            yield from ANSWERS[rule["argument"]]
        else:
            one, other = (answering(rule["argument"], value) for value in (rule["expected"], "other"))
            yield one
            for name in one:
                if isinstance(one[name], list):
                    yield {name: one[name] + other[name]}
                    yield {name: one[name] + one[name]}
                    yield {name: []}
    yield {"Error": {"Code": "Unheard", "Message": "of"}, "ResponseMetadata": {"HTTPStatusCode": 418}}


class Answering:
    """A client all of whose methods answer, or raise, the same."""

    def __init__(self, answer):
        self._answer = answer
        self.count = 0

    def __getattr__(self, name):
        from botocore.exceptions import ClientError
        def call(**kwargs):
            self.count += 1
            if "Error" in self._answer:
                raise ClientError(self._answer, name)
            return self._answer
        return call


def waiting(waiter, asked):
    try:
        waiter.wait(WaiterConfig={"Delay": 0, "MaxAttempts": 3})
        return "success", asked.count
    except Exception as error:
        return type(error).__name__, str(error), getattr(error, "last_response", None), asked.count


def waiters(client, genuine_waiter, config, xform_name):
    """[what differs] of a service's waiters."""
    if sorted(map(xform_name, config)) != client.waiter_names:
        return [f"they are {client.waiter_names}"]
    from botocore.waiter import Waiter
    wrong = []
    for name, how in config.items():
        known = client._all_waiters()[xform_name(name)]
        if (xform_name(how["operation"]), how["delay"], how["maxAttempts"]) != known[:3]:
            wrong.append(f"{name}: {known[:3]}")
        for answer in waits(how["acceptors"]):
            ours, theirs = Answering(answer), Answering(answer)
            got = waiting(Waiter(xform_name(name), known, ours), ours)

            def operation(**kwargs):
                theirs.count += 1
                return answer
            want = waiting(genuine_waiter.Waiter(name, genuine_waiter.SingleWaiterConfig(how), operation), theirs)
            if got != want and want[0] != "JMESPathTypeError":     # an answer without the list that is counted
                wrong.append(f"{name} of {answer}: {got} is not {want}")
    return wrong


def main(*names):
    genuine._load(None)
    session = importlib.import_module("nexus._genuine_botocore.session").get_session()
    parsers = importlib.import_module("nexus._genuine_botocore.parsers")
    xform_name = importlib.import_module("nexus._genuine_botocore").xform_name
    genuine_paginate = importlib.import_module("nexus._genuine_botocore.paginate")
    genuine_waiter = importlib.import_module("nexus._genuine_botocore.waiter")
    loader = session.get_component("data_loader")
    import boto3
    count = failures = 0

    def ok(good, text, more=()):
        nonlocal count, failures
        count += 1
        failures += not good
        print(f"{'ok' if good else 'not ok'} {count} - {text}")
        for line in list(more)[:40 if not good else 0]:
            print(f"#   {line}")

    for name in names or services.names():
        service = services.Service(name)
        try:
            config = loader.load_service_model(name, "paginators-1")["pagination"]
        except Exception:
            config = {}
        if config and name != "lambda":
            model = session.get_service_model(name)
            wrong = paged(name, model, boto3.client(name, region_name="us-east-1"), genuine_paginate, config,
                          {operation: xform_name(operation) for operation in config})
            ok(not wrong, f"{name}: {len(config)} operations in pages", wrong)
        try:
            config = loader.load_service_model(name, "waiters-2")["waiters"]
        except Exception:
            config = {}
        if config:
            wrong = waiters(boto3.client(name, region_name="us-east-1"), genuine_waiter, config, xform_name)
            ok(not wrong, f"{name}: {len(config)} waiters", wrong)
        if service.protocol not in ("json", "query", "dynamodb"):
            continue
        model = session.get_service_model(name)
        client = boto3.client(name, region_name="us-east-1")
        wrong = [operation for operation in model.operation_names
                 if client.operation_name(xform_name(operation)) != operation]
        ok(not wrong, f"{name}: names of {len(model.operation_names)} operations", wrong)
        if (service.protocol == "query") != (model.metadata["protocol"] == "query"):
            continue    # SQS, which newer packages speak to in JSON as well
        found = [f"{operation}{text}" for operation, texts in answers(service, model, client,
                                                            parsers) for text in texts
                 if not any(name in text for name in LISTED)]
        ok(not found, f"{name}: answers of {len(model.operation_names)} operations, all members", found)
    print(f"1..{count}")
    return failures


if __name__ == "__main__":
    sys.exit(1 if main(*sys.argv[1:]) else 0)
