# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Paginators: the pages of an operation that answers in pages.

How an operation is paged is a dictionary: `input` and `output`, the names of the tokens asked with and answered;
`more`, the member that says whether there is more, if there is one; `limit`, the parameter for a page's size;
`results`, the members that are lists of results; `last_key`, the list and the member that serve as token where a
page has none."""


def _find(page, path):
    for name in path.split("."):
        page = page.get(name) if isinstance(page, dict) else None
    return page


class PageIterator:
    def __init__(self, method, how, params, max_items, page_size, token):
        self._method = method
        self._how = how
        self._params = params
        self._max_items = max_items
        self._page_size = page_size
        self._token = token
        self.resume_token = None

    @property
    def result_keys(self):
        return self._how["results"]

    def _next_token(self, page):
        how = self._how
        if "more" in how and not page.get(how["more"]):
            return None
        token = {}
        for name, source in zip(how["input"], how["output"]):
            value = _find(page, source)
            if value is None and "last_key" in how and page.get(how["last_key"][0]):
                value = page[how["last_key"][0]][-1][how["last_key"][1]]
            if value is not None and value != "":
                token[name] = value
        return token or None

    def __iter__(self):
        params = dict(self._params)
        if self._page_size is not None:
            params[self._how["limit"]] = self._page_size
        skip = 0
        if self._token is not None:
            token = _decode(self._token)
            skip = token.pop("boto_truncate_amount", 0)
            params.update({name: value for name, value in token.items() if value is not None})
        before, left = None, self._max_items
        while True:
            page = self._method(**params)
            if skip:
                self._drop(page, skip)
                skip = 0
            if left is not None:
                left = self._limit(page, left, params)
                if left < 0:
                    yield page
                    return
            yield page
            token = self._next_token(page)
            if token is None:
                return
            if left == 0:
                self.resume_token = _encode(token)
                return
            if token == before:
                from botocore.exceptions import PaginationError
                raise PaginationError(message=f"The same next token was received twice: {token}")
            before = token
            params.update(token)

    def _drop(self, page, n):
        name = self._how["results"][0]
        if isinstance(page.get(name), list):
            page[name] = page[name][n:]
        for other in self._how["results"][1:]:
            if isinstance(page.get(other), list):
                page[other] = []

    def _limit(self, page, left, params):
        """What is left to give after this page; -1: the page had to be cut."""
        name = self._how["results"][0]
        results = _find(page, name) or []
        if len(results) <= left:
            return left - len(results)
        page[name] = results[:left]
        for other in self._how["results"][1:]:
            if page.get(other):
                page[other] = []
        token = {key: params.get(key) for key in self._how["input"]}
        token["boto_truncate_amount"] = left
        self.resume_token = _encode(token)
        return -1

    def build_full_result(self):
        full = {}
        for page in self:
            for name in self._how["results"]:
                value = _find(page, name)
                if isinstance(value, list):
                    full.setdefault(name, []).extend(value)
                elif value is not None:
                    full[name] = full.get(name, 0) + value if isinstance(value, int) else value
        for name in self._how["results"]:
            full.setdefault(name, [])
        if self.resume_token is not None:
            full["NextToken"] = self.resume_token
        return full

    def search(self, expression):
        try:
            import jmespath
        except ImportError:
            raise NotImplementedError("PageIterator.search() needs the package jmespath: add it to the image, or use "
                                      "a loop over the pages") from None
        compiled = jmespath.compile(expression)
        for page in self:
            found = compiled.search(page)
            if isinstance(found, list):
                yield from found
            else:
                yield found


class Paginator:
    PAGE_ITERATOR_CLS = PageIterator

    def __init__(self, method, how):
        self._method = method
        self._how = how

    def paginate(self, **kwargs):
        config = kwargs.pop("PaginationConfig", None) or {}
        max_items = config.get("MaxItems")
        page_size = config.get("PageSize")
        if page_size is not None and self._how.get("limit") is None:
            from botocore.exceptions import PaginationError
            raise PaginationError(message="PageSize parameter is not supported for the pagination interface for this "
                                          "operation.")
        return PageIterator(self._method, self._how, kwargs, None if max_items is None else int(max_items),
                            None if page_size is None else int(page_size), config.get("StartingToken"))


def _encode(token):
    import base64
    import json

    def plain(value):
        if isinstance(value, bytes):
            return {"__bytes__": base64.b64encode(value).decode()}
        if isinstance(value, dict):
            return {name: plain(item) for name, item in value.items()}
        return value

    return base64.b64encode(json.dumps(plain(token)).encode()).decode()


def _decode(text):
    import base64
    import json

    def rich(value):
        return base64.b64decode(value["__bytes__"]) if set(value) == {"__bytes__"} else value

    try:
        return json.loads(base64.b64decode(text), object_hook=rich)
    except ValueError:
        raise ValueError(f"Bad starting token: {text}") from None
