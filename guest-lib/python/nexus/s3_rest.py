# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""S3's rarer operations (nexus.s3_model): documents asked with and answered, about sub-resources of objects and buckets."""
import io

import nexus
from nexus import params as checks
from nexus import s3, s3_shapes
from nexus.client import metadata, refuse_positional
from nexus.s3_model import ELEMENTS, HEADERS, OPERATIONS, OWN, QUERY, SHAPES

_SPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
# Answers whose names are asked for in percent-encoding, as XML cannot carry all of them.
_ENCODED = {"ListObjectVersions": (("KeyMarker", "NextKeyMarker", "Prefix", "Delimiter"),
                                   (("Versions", "Key"), ("DeleteMarkers", "Key"), ("CommonPrefixes", "Prefix")))}


def method(client, name):
    """The client's method of that name; None: it is none of these."""
    operation = client._all_operations().get(name)
    if operation not in OPERATIONS:
        return None

    def call(*args, **kwargs):
        if args:
            refuse_positional(name)
        return client._make_api_call(operation, kwargs)

    call.__name__ = name
    return call


# ---- documents ----

def _text(kind, value):
    if kind == "b":
        return "true" if value else "false"
    if kind == "t":
        from nexus import times
        return times.iso(value)
    return str(value)


def _write(tag, owner, kind, value):
    """A member as an element, or as those of a list."""
    from xml.sax.saxutils import escape, quoteattr
    if kind[0] == "[":
        outer, _, item = tag.partition(">")
        inner = "".join(_write(item or outer.rstrip("*"), owner, kind.rstrip("+")[1:-1], one) for one in value)
        return f"<{outer}>{inner}</{outer}>" if item else inner
    if kind not in SHAPES:
        return f"<{tag}>{escape(_text(kind, value))}</{tag}>"
    types, _ = checks.members(SHAPES[kind])
    inner, attributes = [], ""
    for name, item in value.items():
        element = ELEMENTS.get(f"{kind}.{name}", name)
        if element[0] == "@":
            attributes += f" xmlns:xsi={quoteattr(_XSI)} {element[1:]}={quoteattr(str(item))}"
        else:
            inner.append(_write(element, kind, types[name], item))
    if not owner:
        attributes += f" xmlns={quoteattr(_SPACE)}"
    return f"<{tag}{attributes}>{''.join(inner)}</{tag}>"


def _name(element):
    return element.tag.rsplit("}", 1)[-1]


def _scalar(kind, text):
    if kind in ("i", "i1", "l"):
        return int(text)
    if kind == "b":
        return text == "true"
    if kind == "t":
        from nexus import times
        return times.parse(text)
    return text


def _value(kind, element):
    if kind in SHAPES:
        return _members(checks.members(SHAPES[kind])[0], kind, element)
    if kind[0] == "[":
        return [_value(kind.rstrip("+")[1:-1], item) for item in element]
    return _scalar(kind, element.text or "")


def _members(types, owner, parent):
    """The members of an element, as far as they are there."""
    children = {}
    for child in parent:
        children.setdefault(_name(child), []).append(child)
    found = {}
    for name, kind in types.items():
        element = ELEMENTS.get(f"{owner}.{name}", name)
        if element[0] == "@":
            if f"{{{_XSI}}}type" in parent.attrib:
                found[name] = parent.attrib[f"{{{_XSI}}}type"]
        elif element[-1] == "*":
            if element[:-1] in children:
                found[name] = _value(kind, children[element[:-1]])
        elif element.partition(">")[0] in children:
            found[name] = _value(kind, children[element.partition(">")[0]][0])
    return found


def _tree(body):
    """The root of an answer's document; None: there is none."""
    if not body:
        return None
    from xml.etree import ElementTree
    try:
        return ElementTree.fromstring(body)
    except ElementTree.ParseError as error:
        from botocore.parsers import ResponseParserError
        raise ResponseParserError(f"Unable to parse response ({error}), invalid XML received. Further retries may succeed:\n"
                                  f"{body}") from None


def _of_error(element):
    return {_name(child): _of_error(child) if len(child) else child.text for child in element}


# ---- requests ----

def _digest(headers, body, algorithm):
    if algorithm:
        from nexus import upload
        headers["x-amz-sdk-checksum-algorithm"] = algorithm
        headers.update(upload.Source(body, None).checksum(algorithm))
    elif "content-md5" not in headers:
        import base64
        import hashlib
        headers["content-md5"] = base64.b64encode(hashlib.md5(body).digest()).decode()


def _places(operation, types, params):
    """The parameters that are headers, and those that are in the query. Not those of documents."""
    headers, query = {}, []
    for name, value in params.items():
        if types[name] in SHAPES:
            continue
        header = OWN.get(operation, {}).get(name)
        if not header and name in QUERY:
            query.append((QUERY[name], _text(types[name], value)))
            continue
        header = header or HEADERS.get(name) or s3_shapes.IN_HEADERS.get(name)
        if header and name != "ChecksumAlgorithm":
            headers[header] = ",".join(value) if isinstance(value, (list, tuple)) else _text(types[name], value)
    return headers, query


def _send(client, operation, params, method, query, headers, body=b""):
    from urllib.parse import quote, urlencode
    path = "/" + quote("/".join(params[name] for name in ("Bucket", "Key") if name in params), safe="/~")
    try:
        op, answer = nexus.exchange(lambda channel: channel.aws(
            "s3", method, path, query=urlencode(query, quote_via=quote), headers=headers, total=len(body)), body, method == "GET")
    except nexus.Error as error:
        client._fail_s3(error, operation, params)
    if op.http_status >= 300:
        _raise(client, operation, op, answer)
    return op, answer


def _raise(client, operation, op, answer):
    root = _tree(answer)
    if root is None or _name(root) != "Error":
        from http import HTTPStatus
        raise client._bare_error(operation, op.http_status, HTTPStatus(op.http_status).phrase, op)
    told = _of_error(root)
    told.pop("RequestId", None)
    told.pop("HostId", None)
    code = told.get("Code") or ""
    error = client._client_error(code, told.get("Message") or "", op.http_status, operation, op)
    error = type(error)({"Error": told, "ResponseMetadata": error.response["ResponseMetadata"]}, operation)
    raise error


def perform(client, operation, params):
    verb, sub, document, of_answer, shape, answered = OPERATIONS[operation]
    s3.check(operation, params, shape, SHAPES)
    types, _ = checks.members(shape)
    s3.customer_key(params, "SSECustomerKey")
    encode = operation in _ENCODED and "EncodingType" not in params
    if encode:
        params = {**params, "EncodingType": "url"}
    headers, query = _places(operation, types, params)
    if sub:
        query.insert(0, (sub, ""))
    member, body = document.rstrip("!"), b""
    if member in params:
        kind = types[member]
        body = params[member] if kind not in SHAPES else _write(
            ELEMENTS.get(f"{operation}.{member}", member), "", kind, params[member])
        body = body.encode() if isinstance(body, str) else bytes(body)
    if document.endswith("!"):
        _digest(headers, body, params.get("ChecksumAlgorithm"))
    op, answer = _send(client, operation, params, verb, query, headers, body)
    result = {"ResponseMetadata": metadata(op)}
    names = answered.split()
    result.update(s3.header_members([name[1:] for name in names if name[0] == "^"], result["ResponseMetadata"]["HTTPHeaders"]))
    members = checks.members(" ".join(name for name in names if name[0] != "^"))[0]
    if of_answer and members[of_answer] not in SHAPES:
        result[of_answer] = answer.decode()
        return result
    root = _tree(answer)
    if operation == "GetBucketLocation":
        result["LocationConstraint"] = None if root is None else root.text
    elif of_answer:
        result[of_answer] = {} if root is None else _value(members[of_answer], root)
    elif root is not None:
        result.update(_members(members, operation, root))
    if encode and result.get("EncodingType") == "url":
        _decode(result, *_ENCODED[operation])
    return result


def _decode(result, names, lists):
    from urllib.parse import unquote_plus
    for name in names:
        if name in result:
            result[name] = unquote_plus(result[name])
    for name, key in lists:
        for item in result.get(name, ()):
            item[key] = unquote_plus(item[key])


# ---- an object by the number of a part ----

class _Part(io.BytesIO):
    def iter_views(self):
        yield self.getbuffer()[self.tell():]


def part(client, operation, params):
    """GetObject and HeadObject with PartNumber."""
    headers = s3.headers_of(operation, params)
    for name in ("Range", "IfMatch", "IfNoneMatch"):
        if name in params:
            headers[s3_shapes.IN_HEADERS[name]] = params[name]
    for name in ("IfModifiedSince", "IfUnmodifiedSince"):
        if name in params:
            from nexus import times
            headers[s3_shapes.IN_HEADERS[name]] = times.http(params[name])
    asked = s3.asked_headers(params)
    query = [("partNumber", str(params["PartNumber"]))] + [(f"response-{name}", value) for name, value in asked.items()]
    if "VersionId" in params:
        query.append(("versionId", params["VersionId"]))
    op, answer = _send(client, operation, params, "GET" if operation == "GetObject" else "HEAD", query, headers)
    result = s3.result_of(operation, op, asked)
    result["Metadata"] = op.metadata
    if operation == "GetObject":
        from botocore.response import StreamingBody
        result["Body"] = StreamingBody(_Part(answer), result.get("ContentLength"))
    return result
