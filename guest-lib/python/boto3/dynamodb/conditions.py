# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""Key('a').eq(1) & Attr('b').gt(2): conditions, and the expressions that they become."""
from collections import namedtuple

from boto3.exceptions import (DynamoDBNeedsConditionError, DynamoDBNeedsKeyConditionError,
                              DynamoDBOperationNotSupportedError)


class ConditionBase:
    """`values` joined by `operator`; `form` says how, with {0}, {1} ... for the values."""

    expression_format = ""
    expression_operator = ""
    has_grouped_values = False

    def __init__(self, *values):
        self._values = values

    def __and__(self, other):
        if not isinstance(other, ConditionBase):
            raise DynamoDBOperationNotSupportedError("AND", other)
        return And(self, other)

    def __or__(self, other):
        if not isinstance(other, ConditionBase):
            raise DynamoDBOperationNotSupportedError("OR", other)
        return Or(self, other)

    def __invert__(self):
        return Not(self)

    def __eq__(self, other):
        return type(self) is type(other) and self._values == other._values

    def __ne__(self, other):
        return not self == other

    __hash__ = object.__hash__

    def get_expression(self):
        return {"format": self.expression_format, "operator": self.expression_operator, "values": self._values}


class AttributeBase:
    def __init__(self, name):
        self.name = name

    def _refuse(self, operation):
        raise DynamoDBOperationNotSupportedError(operation, self)

    def __and__(self, value):
        self._refuse("AND")

    def __or__(self, value):
        self._refuse("OR")

    def __invert__(self):
        self._refuse("NOT")

    def eq(self, value):
        return Equals(self, value)

    def lt(self, value):
        return LessThan(self, value)

    def lte(self, value):
        return LessThanEquals(self, value)

    def gt(self, value):
        return GreaterThan(self, value)

    def gte(self, value):
        return GreaterThanEquals(self, value)

    def begins_with(self, value):
        return BeginsWith(self, value)

    def between(self, low_value, high_value):
        return Between(self, low_value, high_value)

    def __eq__(self, other):
        return isinstance(other, type(self)) and self.name == other.name

    def __ne__(self, other):
        return not self == other

    __hash__ = object.__hash__


def _condition(name, operator, form, grouped=False):
    return type(name, (ConditionBase,), {"expression_operator": operator, "expression_format": form,
                                         "has_grouped_values": grouped, "__module__": __name__})


_INFIX = "{0} {operator} {1}"
_CALL_1 = "{operator}({0})"
_CALL_2 = "{operator}({0}, {1})"

Equals = _condition("Equals", "=", _INFIX)
NotEquals = _condition("NotEquals", "<>", _INFIX)
LessThan = _condition("LessThan", "<", _INFIX)
LessThanEquals = _condition("LessThanEquals", "<=", _INFIX)
GreaterThan = _condition("GreaterThan", ">", _INFIX)
GreaterThanEquals = _condition("GreaterThanEquals", ">=", _INFIX)
In = _condition("In", "IN", _INFIX, True)
Between = _condition("Between", "BETWEEN", "{0} {operator} {1} AND {2}")
BeginsWith = _condition("BeginsWith", "begins_with", _CALL_2)
Contains = _condition("Contains", "contains", _CALL_2)
AttributeExists = _condition("AttributeExists", "attribute_exists", _CALL_1)
AttributeNotExists = _condition("AttributeNotExists", "attribute_not_exists", _CALL_1)
AttributeType = _condition("AttributeType", "attribute_type", _CALL_2)
And = _condition("And", "AND", "({0} {operator} {1})")
Or = _condition("Or", "OR", "({0} {operator} {1})")
Not = _condition("Not", "NOT", "({operator} {0})")
ComparisonCondition = ConditionBase


class Key(AttributeBase):
    """Of a table or an index."""


class Attr(AttributeBase):
    """Any attribute, by its path."""

    def ne(self, value):
        return NotEquals(self, value)

    def is_in(self, value):
        return In(self, value)

    def exists(self):
        return AttributeExists(self)

    def not_exists(self):
        return AttributeNotExists(self)

    def contains(self, value):
        return Contains(self, value)

    def size(self):
        return Size(self)

    def attribute_type(self, value):
        return AttributeType(self, value)


class Size(AttributeBase, ConditionBase):
    """size(path), which can be compared as an attribute can."""

    expression_operator = "size"
    expression_format = _CALL_1

    def __init__(self, attribute):
        AttributeBase.__init__(self, attribute.name)
        ConditionBase.__init__(self, attribute)

    __eq__ = ConditionBase.__eq__
    __hash__ = object.__hash__

    def ne(self, value):
        return NotEquals(self, value)

    def is_in(self, value):
        return In(self, value)


BuiltConditionExpression = namedtuple("BuiltConditionExpression", (
    "condition_expression", "attribute_name_placeholders", "attribute_value_placeholders"))


class ConditionExpressionBuilder:
    """Conditions into text, with #n0 ... for names and :v0 ... for values."""

    def __init__(self):
        self._names = self._values = 0

    def reset(self):
        self._names = self._values = 0

    def build_expression(self, condition, is_key_condition=False):
        if not isinstance(condition, ConditionBase):
            raise DynamoDBNeedsConditionError(condition)
        names, values = {}, {}
        text = self._condition(condition, names, values, is_key_condition)
        return BuiltConditionExpression(text, names, values)

    def _condition(self, condition, names, values, is_key):
        parts = [self._part(value, names, values, condition.has_grouped_values, is_key)
                 for value in condition._values]
        return condition.expression_format.format(*parts, operator=condition.expression_operator)

    def _part(self, value, names, values, grouped, is_key):
        if isinstance(value, ConditionBase):
            return self._condition(value, names, values, is_key)
        if isinstance(value, AttributeBase):
            if is_key and not isinstance(value, Key):
                raise DynamoDBNeedsKeyConditionError(
                    f"Attribute object {value.name} is of type {type(value)}. KeyConditionExpression only supports "
                    "Attribute objects of type Key")
            return self._name(value.name, names)
        if grouped:
            return f"({', '.join(self._value(item, values) for item in value)})"
        return self._value(value, values)

    def _name(self, path, names):
        """a.b[1]: each name of the path has a placeholder of its own."""
        text = []
        for step in path.split("."):
            name, bracket, index = step.partition("[")
            placeholder = f"#n{self._names}"
            self._names += 1
            names[placeholder] = name
            text.append(placeholder + bracket + index)
        return ".".join(text)

    def _value(self, value, values):
        placeholder = f":v{self._values}"
        self._values += 1
        values[placeholder] = value
        return placeholder
