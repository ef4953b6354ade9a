# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Clients of services that speak AWS's query protocol (SNS, STS ...): a form asked, XML answered.

Without a model a list is known by its <member> and a dictionary by its <entry>; numbers and times stay
strings."""
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
    elif isinstance(value, bool):
        form[name] = "true" if value else "false"
    elif isinstance(value, (bytes, bytearray)):
        form[name] = encode(value)
    elif hasattr(value, "timetuple"):
        from nexus import times
        form[name] = times.iso(value)
    else:
        form[name] = str(value)


def unfold(element):
    """An element of the answer as a value."""
    children = list(element)
    if not children:
        return element.text or ""
    tags = [child.tag.rsplit("}", 1)[-1] for child in children]
    if set(tags) == {"member"}:
        return [unfold(child) for child in children]
    if set(tags) == {"entry"}:
        pairs = (list(child) for child in children)
        return {pair[0].text or "": unfold(pair[1]) for pair in pairs}
    return {tag: unfold(child) for tag, child in zip(tags, children)}


class QueryClient(GenericClient):
    def _call(self, operation, params):
        from urllib.parse import urlencode
        form = {"Action": operation, "Version": self._service_info.target}
        flatten("", params, form)
        op, answer = self._send(operation, headers={"content-type": "application/x-www-form-urlencoded; charset=utf-8"},
                                body=urlencode(form).encode())
        from xml.etree import ElementTree
        try:
            root = ElementTree.fromstring(answer) if answer else None
        except ElementTree.ParseError:
            root = None
        tree = unfold(root) if root is not None else {}
        if op.http_status >= 300:
            error = tree.get("Error", {}) if isinstance(tree, dict) else {}
            extra = [("Type", error["Type"])] if "Type" in error else []
            raised = self._client_error(error.get("Code", str(op.http_status)), error.get("Message", ""),
                                        op.http_status, operation, op, extra)
            if isinstance(tree, dict) and "RequestId" in tree:
                raised.response["ResponseMetadata"]["RequestId"] = tree["RequestId"]
            raise raised
        result = tree.get(f"{operation}Result") if isinstance(tree, dict) else None
        result = result if isinstance(result, dict) else {}
        result["ResponseMetadata"] = metadata(op)
        request_id = tree.get("ResponseMetadata", {}) if isinstance(tree, dict) else {}
        if isinstance(request_id, dict) and "RequestId" in request_id:
            result["ResponseMetadata"]["RequestId"] = request_id["RequestId"]
        return result
