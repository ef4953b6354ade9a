# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Between Python's values and DynamoDB's: TypeSerializer, TypeDeserializer."""
from collections.abc import Mapping, Set
from decimal import Clamped, Context, Decimal, Inexact, Overflow, Rounded, Underflow

STRING, NUMBER, BINARY = "S", "N", "B"
STRING_SET, NUMBER_SET, BINARY_SET = "SS", "NS", "BS"
NULL, BOOLEAN, MAP, LIST = "NULL", "BOOL", "M", "L"

# DynamoDB's numbers: 38 digits, and nothing lost on the way.
DYNAMODB_CONTEXT = Context(Emin=-128, Emax=126, prec=38, traps=[Clamped, Overflow, Inexact, Rounded, Underflow])


class Binary:
    """Bytes as DynamoDB returns them; equal to bytes of the same value."""

    def __init__(self, value):
        if not isinstance(value, (bytes, bytearray)):
            raise TypeError(f"Value must be of the following types: {bytearray}, {bytes}")
        self.value = value

    def __eq__(self, other):
        return self.value == (other.value if isinstance(other, Binary) else other)

    def __ne__(self, other):
        return not self == other

    def __repr__(self):
        return f"Binary({self.value!r})"

    def __str__(self):
        return self.value

    def __bytes__(self):
        return self.value

    def __hash__(self):
        return hash(self.value)


_BYTES = (Binary, bytes, bytearray)


def _is_number(value):
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


class TypeSerializer:
    def serialize(self, value):
        kind, encoded = self._encode(value)
        return {kind: encoded}

    def _encode(self, value):
        if value is None:
            return NULL, True
        if isinstance(value, bool):
            return BOOLEAN, value
        if isinstance(value, float):
            raise TypeError("Float types are not supported. Use Decimal types instead.")
        if _is_number(value):
            return NUMBER, self._number(value)
        if isinstance(value, str):
            return STRING, value
        if isinstance(value, _BYTES):
            return BINARY, value.value if isinstance(value, Binary) else value
        if isinstance(value, Set):
            for kind, of_kind, encode in ((NUMBER_SET, _is_number, self._number),
                                          (STRING_SET, lambda item: isinstance(item, str), str),
                                          (BINARY_SET, lambda item: isinstance(item, _BYTES),
                                           lambda item: item.value if isinstance(item, Binary) else item)):
                if all(map(of_kind, value)):
                    return kind, [encode(item) for item in value]
        if isinstance(value, Mapping):
            return MAP, {key: self.serialize(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return LIST, [self.serialize(item) for item in value]
        raise TypeError(f'Unsupported type "{type(value)}" for value "{value}"')

    def _number(self, value):
        number = str(DYNAMODB_CONTEXT.create_decimal(value))
        if number in ("Infinity", "-Infinity", "NaN", "sNaN", "-NaN"):
            raise TypeError("Infinity and NaN not supported")
        return number


class TypeDeserializer:
    def deserialize(self, value):
        if not value:
            raise TypeError('Value must be a nonempty dictionary whose key is a valid dynamodb type.')
        kind = next(iter(value))
        encoded = value[kind]
        if kind == STRING:
            return encoded
        if kind == NUMBER:
            return DYNAMODB_CONTEXT.create_decimal(encoded)
        if kind == BINARY:
            return Binary(encoded)
        if kind == BOOLEAN:
            return encoded
        if kind == NULL:
            return None
        if kind == MAP:
            return {key: self.deserialize(item) for key, item in encoded.items()}
        if kind == LIST:
            return [self.deserialize(item) for item in encoded]
        if kind == STRING_SET:
            return set(encoded)
        if kind == NUMBER_SET:
            return {DYNAMODB_CONTEXT.create_decimal(item) for item in encoded}
        if kind == BINARY_SET:
            return {Binary(item) for item in encoded}
        raise TypeError(f"Dynamodb type {kind} is not supported")
