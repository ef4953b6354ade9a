# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""What boto3's resources have in common."""
import functools


class ResourceMeta:
    def __init__(self, service, client, identifiers=()):
        self.service_name = service
        self.client = client
        self.identifiers = list(identifiers)
        self.data = None

    def __repr__(self):
        return f"ResourceMeta('{self.service_name}', identifiers={self.identifiers})"


def loses_data(action):
    """An action after which attributes are loaded anew."""
    @functools.wraps(action)
    def act(self, *args, **kwargs):
        result = action(self, *args, **kwargs)
        self.meta.data = None
        return result

    return act


class Others:
    """What has attributes that only the genuine boto3's has; `_others` are their names."""

    _others = ""
    _subresources = ()

    def __getattr__(self, name):
        if name.startswith("_") or name not in self._others.split():
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        from nexus import genuine
        return genuine.attribute(self, name)

    def __dir__(self):
        return sorted({*super().__dir__(), *self._others.split()})

    def get_available_subresources(self):
        return sorted(self._subresources)


def _identifier(name):
    return property(lambda self: getattr(self, "_" + name))


def _attribute(member):
    return property(lambda self: self._loaded().get(member))


class Resource(Others):
    """A thing of a service, known by its identifiers; its attributes are loaded when first asked for."""

    _service = ""
    _ids = ()               # identifiers, in the order in which the constructor takes them
    _attributes = {}        # attribute: member of what load() finds

    def __init__(self, client, *args, **kwargs):
        self.meta = ResourceMeta(self._service, client, self._ids)
        values = dict.fromkeys(self._ids)
        for i, value in enumerate(args):
            values[self.meta.identifiers[i]] = value
        for name, value in kwargs.items():
            if name not in values:
                raise ValueError(f"Unknown keyword argument: {name}")
            values[name] = value
        for name, value in values.items():
            if value is None:
                raise ValueError(f"Required parameter {name} not set")
            setattr(self, "_" + name, value)

    def __init_subclass__(cls):
        made = {name: _identifier(name) for name in cls._ids}
        made.update((name, _attribute(member)) for name, member in cls._attributes.items())
        for name, attribute in made.items():
            attribute.__set_name__(cls, name)
            setattr(cls, name, attribute)
        # As boto3 calls them: s3.Object.
        cls.__name__ = cls.__qualname__ = f"{cls._service}.{cls.__name__}"
        cls.__module__ = "boto3.resources.factory"

    def _loaded(self):
        if self.meta.data is None:
            self.load()
        return self.meta.data

    def load(self):
        raise NotImplementedError(f"{type(self).__name__} has no load()")

    def reload(self):
        self.load()

    def _identifiers(self):
        return {name: getattr(self, "_" + name) for name in self._ids}

    def __repr__(self):
        shown = ", ".join(f"{name}={value!r}" for name, value in self._identifiers().items())
        return f"{type(self).__name__}({shown})"

    def __eq__(self, other):
        return type(self) is type(other) and self._identifiers() == other._identifiers()

    def __hash__(self):
        return hash((type(self).__name__, tuple(self._identifiers().values())))


class Collection:
    """Things in pages, asked for when they are iterated over. `name` is that of the parent's attribute, `item` the
    class of the things; pages(params, size) are dictionaries, make(page) resources."""

    def __init__(self, parent, name, item, pages, make, params=None, limit=None, size=None, manager=True):
        self._parent, self._name, self._item = parent, name, item
        self._pages, self._make = pages, make
        self._params = params or {}
        self._limit = limit
        self._size = size
        self._manager = manager

    def __repr__(self):
        kind = "CollectionManager" if self._manager else "Collection"
        return f"{type(self._parent).__name__}.{self._name}{kind}({self._parent!r}, {self._item.__name__})"

    def _copy(self, **changed):
        params = {"params": self._params, "limit": self._limit, "size": self._size, **changed}
        return type(self)(self._parent, self._name, self._item, self._pages, self._make, manager=False, **params)

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
