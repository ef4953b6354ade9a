# SPDX-License-Identifier: GPL-2.0-only
"""S3's rarer operations beside the genuine botocore's: with all parameters that an operation has, both build the same request;
of an answer that has all members of its output, and of an empty one, both make the same.

usage: rest.py   (the shim first on sys.path, the genuine botocore behind it)   TAP"""
import importlib
import sys
from urllib.parse import parse_qsl, unquote
from xml.etree import ElementTree
from xml.sax.saxutils import escape

import boto3
import nexus
from nexus import genuine
from nexus.s3_model import OPERATIONS

from models import differences

TIME = "2023-11-14T22:13:20.000Z"
HTTP_TIME = "Tue, 14 Nov 2023 22:13:20 GMT"
ERROR = b"<Error><Code>NoSuchBucket</Code><Message>none</Message><BucketName>b &amp; c</BucketName><RequestId>r</RequestId></Error>"


class Op:
    """A request's end, as the host tells it."""

    def __init__(self, status, headers):
        self.http_status, self.headers = status, headers
        self.content_type = self.version_id = self.request_id = self.etag = self.last_modified = ""
        self.content_length, self.metadata = 0, {}


class Host:
    """In the place of the host: notes what it is asked, and answers."""

    def __init__(self):
        self.asked, self.answer = [], (200, {}, b"")

    def aws(self, service, method, path, query="", headers=None, total=0):
        # Newer botocores write "true", too.
        headers = {name: "true" if value == "True" else value for name, value in headers.items()}
        return service, method, unquote(path), sorted(parse_qsl(query, keep_blank_values=True)), headers

    def exchange(self, start, body, repeatable=False):
        self.asked.append((*start(self), ElementTree.canonicalize(body, strip_text=True) if body[:1] == b"<" else bytes(body)))
        status, headers, answer = self.answer
        return Op(status, headers), answer


def given(shape, name="", deep=0):
    """A value of the shape, as a caller gives it."""
    if shape.type_name == "structure":
        return {key: given(member, key, deep + 1) for key, member in shape.members.items()}
    if shape.type_name == "list":
        return [given(shape.member, name, deep)] * 2
    return {"timestamp": TIME, "integer": 3, "long": 17, "boolean": True, "blob": b"x"}.get(
        shape.type_name, {"Bucket": "nexus-test", "Key": "a b/c+d"}.get(name, "te<x>t \u00fc" if deep > 1 else "text"))


def as_xml(name, shape):
    """The same as S3 answers with it. Attributes are the types of whom rights are granted to."""
    kind = shape.type_name
    attributes = ""
    if kind == "list":
        item = shape.member.serialization.get("name", "member")
        if shape.serialization.get("flattened"):
            return as_xml(name, shape.member) * 2
        inner = as_xml(item, shape.member) * 2
    elif kind == "structure":
        if any(member.serialization.get("xmlAttribute") for member in shape.members.values()):
            attributes = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="CanonicalUser"'
        # Of members of one name, as deprecated ones are, the one that is no list: it has but one.
        named = {}
        for key, member in shape.members.items():
            if not member.serialization.get("xmlAttribute") and "location" not in member.serialization:
                element = member.serialization.get("name", key)
                named[element] = named[element] if element in named and member.type_name == "list" else member
        inner = "".join(as_xml(key, member) for key, member in named.items())
    else:
        inner = escape({"timestamp": TIME, "integer": "3", "long": "17", "boolean": "true"}.get(kind, "te<x>t %C3%BC"))
    return f"<{name}{attributes}>{inner}</{name}>"


def answer(operation, shape):
    """(headers, document) with all members of its output."""
    headers, payload = {}, shape and shape.serialization.get("payload")
    for member in (shape.members.values() if shape else ()):
        if member.serialization.get("location") == "header":
            headers[member.serialization["name"].lower()] = {"boolean": "true", "integer": "3", "timestamp": HTTP_TIME}.get(
                member.type_name, "text")
    if operation == "GetBucketLocation":
        return headers, b"<LocationConstraint>eu-west-1</LocationConstraint>"
    if payload and shape.members[payload].type_name != "structure":
        return headers, b"{\"a\": 1}"
    return headers, as_xml("Answer", shape.members[payload] if payload else shape).encode() if shape else b""


def outcome(call, params):
    try:
        return call(**params)
    except Exception as error:
        return {"error": [type(error).__name__, str(error), getattr(error, "response", None)]}


def compared(host, name, params, answered, client):
    """What differs between both, where the host answers so."""
    told = []
    for call in (getattr(client, name), genuine.method(client, name)):
        host.asked, host.answer = [], answered
        told.append((outcome(call, dict(params)), host.asked))
    (got, ours), (want, theirs) = told
    return list(differences({"answer": got, "asked": ours}, {"answer": want, "asked": theirs}))


def main():
    genuine._load(None)
    model = importlib.import_module("nexus._genuine_botocore.session").get_session().get_service_model("s3")
    xform_name = importlib.import_module("nexus._genuine_botocore").xform_name
    host = Host()
    nexus.exchange = host.exchange
    client = boto3.client("s3", region_name="us-east-1")
    genuine._said.update(f"s3.{xform_name(operation)}()" for operation in OPERATIONS)
    number = failures = 0
    for operation in OPERATIONS:
        shape = model.operation_model(operation)
        params = {name: value for name, value in given(shape.input_shape).items()
                  if not name.startswith(("ContentMD5", "SSECustomerKey", "ChecksumAlgorithm"))} if shape.input_shape else {}
        required = {name: params[name] for name in (shape.input_shape.required_members if shape.input_shape else ())}
        headers, document = answer(operation, shape.output_shape)
        wrong = []
        for sent in (params, required):
            for answered in ((200, headers, document), (200, {}, b""), (404, {}, ERROR), (400, {"x-amz-request-id": "r"}, b"")):
                if operation == "GetBucketLocation" and not answered[2]:
                    continue    # the genuine botocore parses what is not there
                wrong += compared(host, xform_name(operation), sent, answered, client)
        wrong += compared(host, xform_name(operation), {"Bucket": 1, "Unknown": 2}, (200, {}, b""), client)
        number += 1
        failures += bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {number} - s3 {operation}: requests and answers")
        for text in dict.fromkeys(wrong):
            print(f"#   {text[:600]}")
    print(f"1..{number}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
