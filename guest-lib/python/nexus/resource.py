# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What boto3's resources have in common."""


class ResourceMeta:
    def __init__(self, service, client, identifiers=()):
        self.service_name = service
        self.client = client
        self.identifiers = list(identifiers)
        self.data = None


class Resource:
    """A thing of a service, known by its identifiers; its attributes are loaded when first asked for."""

    _service = ""
    _ids = ()               # (identifier, what the constructor calls it)
    _attributes = {}        # attribute: member of what load() finds

    def __init__(self, client, *ids):
        for name, value in zip(self._ids, (*ids, *[None] * len(self._ids))):
            if value is None:
                raise ValueError(f"Required parameter {name} not set")
        self.meta = ResourceMeta(self._service, client, self._ids)
        for name, value in zip(self._ids, ids):
            setattr(self, "_" + name, value)

    def __init_subclass__(cls):
        for name in cls._ids:
            setattr(cls, name, property(lambda self, name="_" + name: getattr(self, name)))
        for name, member in cls._attributes.items():
            setattr(cls, name, property(lambda self, member=member: self._loaded().get(member)))

    def _loaded(self):
        if self.meta.data is None:
            self.load()
        return self.meta.data

    def load(self):
        raise NotImplementedError(f"{type(self).__name__} has no load()")

    def reload(self):
        self.load()

    def get_available_subresources(self):
        return []

    def __repr__(self):
        shown = ", ".join(f"{name}={getattr(self, '_' + name)!r}" for name in self._ids)
        return f"{self._service}.{type(self).__name__}({shown})"

    def __eq__(self, other):
        return type(self) is type(other) and all(
            getattr(self, "_" + name) == getattr(other, "_" + name) for name in self._ids)

    def __hash__(self):
        return hash((type(self).__name__, tuple(getattr(self, "_" + name) for name in self._ids)))


class Collection:
    """Things in pages, asked for when they are iterated over."""

    def __init__(self, parent, pages, make, params=None, limit=None, size=None):
        self._parent = parent
        self._pages = pages     # pages(params, size): dictionaries
        self._make = make       # make(page): resources
        self._params = params or {}
        self._limit = limit
        self._size = size

    def _copy(self, **changed):
        params = {"params": self._params, "limit": self._limit, "size": self._size, **changed}
        return type(self)(self._parent, self._pages, self._make, **params)

    def all(self):
        return self._copy()

    def filter(self, **kwargs):
        return self._copy(params={**self._params, **kwargs})

    def limit(self, count):
        return self._copy(limit=count)

    def page_size(self, count):
        return self._copy(size=count)

    def pages(self):
        left = self._limit
        for page in self._pages(self._params, self._size):
            things = self._make(page)
            if left is not None:
                things = things[:left]
                left -= len(things)
            yield things
            if left == 0:
                return

    def __iter__(self):
        for page in self.pages():
            yield from page
