# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Paginators: the pages of an operation that answers in pages.

How an operation is paged is a dictionary: `input` and `output`, the names of the tokens asked with and answered;
`more`, the member that says whether there is more, if there is one; `limit`, the parameter for a page's size;
`results`, the members that are results, of which the first is counted; `also`, those that are of all pages together;
`last_key`, the list and the member that serve as token where a page has none. Names may be paths."""


def _find(page, path):
    """What is at "A.B", or at "A[-1].B", the last of a list."""
    for name in path.split("."):
        name, last, _ = name.partition("[-1]")
        page = page.get(name) if isinstance(page, dict) else None
        if last:
            page = page[-1] if page else None
    return page


def _put(page, path, value):
    *names, last = path.split(".")
    for name in names:
        page = page.setdefault(name, {})
    page[last] = value


def _nothing(value):
    """What is left of results that were given before."""
    for kind, empty in ((list, []), (str, ""), ((int, float), 0)):
        if isinstance(value, kind):
            return empty
    return None


class PageIterator:
    def __init__(self, method, how, params, max_items, page_size, token):
        self._method = method
        self._how = how
        self._params = params
        self._max_items = max_items
        self._page_size = page_size
        self._token = token
        self._also = {}
        self._resume_token = None

    @property
    def result_keys(self):
        return self._how["results"]

    @property
    def non_aggregate_part(self):
        return self._also

    @property
    def resume_token(self):
        """Where a caller who wanted no more goes on; None: there is no more."""
        return None if self._resume_token is None else _encode(self._resume_token)

    def _next_token(self, page):
        how = self._how
        if "more" in how and not _find(page, how["more"]):
            return {}
        token = {}
        for name, source in zip(how["input"], how["output"]):
            value = _find(page, source)
            if value is None and "last_key" in how and page.get(how["last_key"][0]):
                value = page[how["last_key"][0]][-1][how["last_key"][1]]
            # Empty text is no token, but may be a part of one.
            token[name] = value or None
        return token

    def _start(self, params):
        """How many results of the first page were given before."""
        if self._page_size is not None:
            params[self._how["limit"]] = self._page_size
        if self._token is None:
            return 0
        token = _decode(self._token)
        if token is None:
            # The service's own.
            if len(self._how["input"]) > 1:
                raise ValueError(f"Bad starting token: {self._token}")
            token = {self._how["input"][0]: self._token}
        skip = token.pop("boto_truncate_amount", 0)
        _take(params, token)
        return skip

    def __iter__(self):
        params = dict(self._params)
        primary, *others = self._how["results"] or ("",)
        skip, first, before, given = self._start(params), True, None, 0
        token = {name: params.get(name) for name in self._how["input"]}
        while True:
            page = self._method(**params)
            results = _find(page, primary)
            if first:
                for name in self._how.get("also", ()):
                    _put(self._also, name, _find(page, name))
                if self._token is not None:
                    results = results[skip:] if isinstance(results, (list, str)) else None
                    _put(page, primary, results)
                    for name in others:
                        _put(page, name, _nothing(_find(page, name)))
            else:
                skip = 0
            first = False
            results = results or []
            left = None if self._max_items is None else self._max_items - given
            if left is not None and len(results) > left:
                _put(page, primary, results[:left])
                self._resume_token = {**token, "boto_truncate_amount": left + skip}
                yield page
                return
            yield page
            given += len(results)
            token = self._next_token(page)
            if all(value is None for value in token.values()):
                return
            if given == self._max_items:
                self._resume_token = token
                return
            if token == before:
                from botocore.exceptions import PaginationError
                raise PaginationError(message=f"The same next token was received twice: {token}")
            before = token
            _take(params, token)

    def build_full_result(self):
        full = {}
        for page in self:
            for name in self._how["results"]:
                value, before = _find(page, name), _find(full, name)
                if value is None:
                    continue
                if before is None:
                    _put(full, name, value)
                elif isinstance(value, list):
                    before.extend(value)
                elif isinstance(value, (int, float, str)):
                    _put(full, name, before + value)
        for name in self._how.get("also", ()):
            _put(full, name, _find(self._also, name))
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


def _take(params, token):
    for name, value in token.items():
        if value is not None and value != "None":
            params[name] = value
        else:
            params.pop(name, None)


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
    except (ValueError, TypeError):
        return None     # the service's own
