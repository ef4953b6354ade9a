# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Clients of services that speak AWS's query protocol (SNS, STS ...): a form asked, XML answered.

Without a model a list is known by its <member>, a dictionary by its <entry>, and whatever is no string by its name, which
nexus.members has."""
from nexus.json_client import GenericClient, encode, metadata


def flatten(name, value, form):
    """A parameter as the fields of a form."""
    if isinstance(value, dict):
        if name.endswith(("Attributes", "attributes")):
            for i, (key, item) in enumerate(value.items(), 1):
                entry = f"{name}.entry.{i}"
                if isinstance(item, dict):
                    flatten(f"{entry}.Name", key, form)
                    flatten(f"{entry}.Value", item, form)
                else:
                    flatten(f"{entry}.key", key, form)
                    flatten(f"{entry}.value", item, form)
        else:
            for key, item in value.items():
                flatten(f"{name}.{key}" if name else key, item, form)
    elif isinstance(value, (list, tuple)):
        for i, item in enumerate(value, 1):
            flatten(f"{name}.member.{i}", item, form)
        if not value:
            form[name] = ""
    elif isinstance(value, bool):
        form[name] = "true" if value else "false"
    elif isinstance(value, (bytes, bytearray)):
        form[name] = encode(value)
    elif hasattr(value, "timetuple"):
        from nexus import times
        form[name] = times.iso(value)
    else:
        form[name] = str(value)


def _scalar(kinds, name, text):
    if name in kinds.integers:
        return int(text)
    if name in kinds.floats:
        return float(text)
    if name in kinds.booleans:
        return text == "true"
    if name in kinds.times:
        from nexus import times
        return times.parse(text)
    if name in kinds.blobs:
        import base64
        return base64.b64decode(text)
    return text


def unfold(kinds, element, name=""):
    """An element of the answer as a value. The items of a list or a dictionary have its name."""
    children = list(element)
    if not children:
        text = element.text or ""
        if not text.strip():
            return [] if name in kinds.lists else {} if name in kinds.maps else text
        return _scalar(kinds, name, text)
    tags = [child.tag.rsplit("}", 1)[-1] for child in children]
    if set(tags) == {"member"}:
        return [unfold(kinds, child, name) for child in children]
    if set(tags) == {"entry"}:
        pairs = (list(child) for child in children)
        return {pair[0].text or "": unfold(kinds, pair[1], name) for pair in pairs}
    return {tag: unfold(kinds, child, tag) for tag, child in zip(tags, children)}


class QueryClient(GenericClient):
    def _dispatch(self, operation, params):
        from urllib.parse import urlencode
        form = {"Action": operation, "Version": self._service_info.target}
        flatten("", params, form)
        op, answer = self._send(operation, headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
                                body=urlencode(form).encode())
        if op.http_status >= 300:
            self._raise_document(op, operation, answer)
        result = self.parse(operation, answer)
        result["ResponseMetadata"] = {**metadata(op), **result.get("ResponseMetadata", {})}
        return result

    def parse(self, operation, body):
        """The answer in this document: the members of its result, and its metadata."""
        tree = self._tree(body)
        result = tree.get(f"{operation}Result")
        result = result if isinstance(result, dict) else {}
        if isinstance(tree.get("ResponseMetadata"), dict):
            result["ResponseMetadata"] = tree["ResponseMetadata"]
        return result

    def _tree(self, body):
        from xml.etree import ElementTree
        try:
            tree = unfold(self._kinds, ElementTree.fromstring(body)) if body else {}
        except ElementTree.ParseError:
            tree = {}
        return tree if isinstance(tree, dict) else {}

    def _raise_document(self, op, operation, body):
        tree = self._tree(body)
        error = tree.get("Error")
        error = error if isinstance(error, dict) else {}
        extra = [("Type", error["Type"])] if "Type" in error else []
        raised = self._client_error(error.get("Code", str(op.http_status)), error.get("Message", ""), op.http_status,
                                    operation, op, extra)
        if "RequestId" in tree:
            raised.response["ResponseMetadata"]["RequestId"] = tree["RequestId"]
        raise raised
