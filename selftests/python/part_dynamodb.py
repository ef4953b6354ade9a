# SPDX-License-Identifier: GPL-2.0-only
"""DynamoDB: the client, the table's resource, conditions and types."""
import os
from decimal import Decimal

import boto3
from boto3.dynamodb.conditions import Attr, ConditionExpressionBuilder, Key
from boto3.dynamodb.types import Binary, TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

TABLE = "people"


def _options():
    url = f"http://127.0.0.1:{os.environ['NEXUS_DYNAMODB_PORT']}"
    return {"region_name": "us-east-1", "endpoint_url": url}


def _table(name):
    return {"TableName": name, "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "house", "KeyType": "HASH"}, {"AttributeName": "person", "KeyType": "RANGE"}],
            "AttributeDefinitions": [{"AttributeName": "house", "AttributeType": "S"},
                                     {"AttributeName": "person", "AttributeType": "S"}]}


def _clean(db):
    """What a run that broke off left behind."""
    for name in db.list_tables()["TableNames"]:
        db.delete_table(TableName=name)
        db.get_waiter("table_not_exists").wait(TableName=name, WaiterConfig={"Delay": 1})


def low_level(see, db):
    _clean(db)
    see.call("dynamodb describe_table of none", db.describe_table, TableName="none")
    see.call("dynamodb get_item of no table", db.get_item, TableName="none", Key={"a": {"S": "b"}})
    made = db.create_table(**_table(TABLE))
    see.fact("dynamodb create_table", "keys", sorted(made["TableDescription"]))
    see.fact("dynamodb create_table", "CreationDateTime", made["TableDescription"]["CreationDateTime"])
    see.call("dynamodb waiter table_exists", db.get_waiter("table_exists").wait, TableName=TABLE,
             WaiterConfig={"Delay": 0})
    see.call("dynamodb create_table again", db.create_table, **_table(TABLE))
    described = db.describe_table(TableName=TABLE)["Table"]
    see.fact("dynamodb describe_table", "keys", sorted(described))
    see.fact("dynamodb describe_table", "status", described["TableStatus"])
    see.call("dynamodb list_tables", db.list_tables)
    item = {"house": {"S": "Doe"}, "person": {"S": "J\u00f6hn"}, "age": {"N": "42"}, "photo": {"B": b"\x00\xff"},
            "tags": {"SS": ["a", "b"]}, "photos": {"BS": [b"x", b"y"]}, "home": {"M": {"zip": {"N": "1"}, "raw": {"B": b"z"}}},
            "list": {"L": [{"S": "x"}, {"NULL": True}, {"BOOL": False}, {"B": b"q"}]}}
    see.call("dynamodb put_item", db.put_item, TableName=TABLE, Item=item)
    key = {"house": {"S": "Doe"}, "person": {"S": "J\u00f6hn"}}
    see.call("dynamodb get_item", db.get_item, TableName=TABLE, Key=key)
    see.call("dynamodb get_item of no item", db.get_item, TableName=TABLE, Key={"house": {"S": "x"}, "person": {"S": "y"}})
    see.call("dynamodb put_item with a condition that fails", db.put_item, TableName=TABLE, Item=item,
             ConditionExpression="attribute_not_exists(house)")
    see.call("dynamodb update_item", db.update_item, TableName=TABLE, Key=key, UpdateExpression="ADD age :n",
             ExpressionAttributeValues={":n": {"N": "1"}}, ReturnValues="UPDATED_NEW")
    see.call("dynamodb get_item with a bad key", db.get_item, TableName=TABLE, Key={"nonsense": {"S": "x"}})
    see.call("dynamodb query", db.query, TableName=TABLE, KeyConditionExpression="house = :f",
             ExpressionAttributeValues={":f": {"S": "Doe"}})
    see.call("dynamodb delete_item", db.delete_item, TableName=TABLE, Key=key, ReturnValues="ALL_OLD")
    for name in "abcdefg":
        db.put_item(TableName=TABLE, Item={"house": {"S": "many"}, "person": {"S": name}})
    for method, kwargs in (("scan", {}), ("query", {
            "KeyConditionExpression": "house = :f", "ExpressionAttributeValues": {":f": {"S": "many"}}})):
        pages = list(db.get_paginator(method).paginate(TableName=TABLE, PaginationConfig={"PageSize": 3}, **kwargs))
        see.fact(f"dynamodb paginate {method}", "items in pages", [len(page["Items"]) for page in pages])
        full = db.get_paginator(method).paginate(TableName=TABLE, **kwargs).build_full_result()
        see.fact(f"dynamodb paginate {method}", "build_full_result", full["Count"])
    see.call("dynamodb batch_get_item", db.batch_get_item, RequestItems={TABLE: {"Keys": [
        {"house": {"S": "many"}, "person": {"S": "a"}}]}})
    for name in ("ResourceNotFoundException", "ConditionalCheckFailedException", "ResourceInUseException"):
        see.fact("dynamodb exceptions", name, getattr(db.exceptions, name).__name__)
    try:
        db.get_item(TableName="none", Key={"a": {"S": "b"}})
    except db.exceptions.ResourceNotFoundException as error:
        see.fact("dynamodb exceptions", "caught", error.response["Error"]["Code"])
    see.call("dynamodb delete_table", lambda: sorted(db.delete_table(TableName=TABLE)["TableDescription"]))
    see.call("dynamodb waiter table_not_exists", db.get_waiter("table_not_exists").wait, TableName=TABLE,
             WaiterConfig={"Delay": 1})
    see.fact("dynamodb waiter_names", "value", db.waiter_names[:2])


def resource(see):
    db = boto3.resource("dynamodb", **_options())
    table = db.create_table(**_table("things"))
    see.fact("dynamodb resource", "repr of the table", repr(table))
    table.wait_until_exists()
    table.reload()
    for name in ("table_status", "item_count", "key_schema", "table_name", "attribute_definitions"):
        see.fact("dynamodb Table", name, getattr(table, name))
    item = {"house": "f", "person": "n", "number": 7, "exact": Decimal("1.10"), "text": "t", "none": None, "yes": True,
            "list": [1, "two", None], "map": {"a": {"b": Decimal("3")}}, "set": {1, 2}, "words": {"a", "b"},
            "bytes": b"\x00\x01", "blobs": {b"a", b"b"}}
    see.call("dynamodb Table.put_item", table.put_item, Item=item)
    got = table.get_item(Key={"house": "f", "person": "n"})["Item"]
    for name in sorted(item):
        see.fact("dynamodb Table.get_item", name, [type(got[name]).__name__, repr(sorted(got[name], key=repr))
                                                   if isinstance(got[name], set) else repr(got[name])])
    see.call("dynamodb Table.get_item of none", table.get_item, Key={"house": "f", "person": "none"})
    see.call("dynamodb Table.update_item", table.update_item, Key={"house": "f", "person": "n"},
             UpdateExpression="SET #n = #n + :one", ExpressionAttributeNames={"#n": "number"},
             ExpressionAttributeValues={":one": 1}, ReturnValues="UPDATED_NEW")
    see.call("dynamodb Table.put_item with a condition that fails", table.put_item, Item=item,
             ConditionExpression=Attr("house").not_exists())
    see.call("dynamodb Table.put_item with a condition", table.put_item, Item=item,
             ConditionExpression=Attr("house").exists() & Attr("text").eq("t"))
    see.call("dynamodb Table.put_item with a float", table.put_item, Item={"house": "f", "person": "x", "bad": 1.5})
    with table.batch_writer() as batch:
        for i in range(60):
            batch.put_item(Item={"house": "batch", "person": f"{i:02}", "i": i})
    with table.batch_writer() as batch:
        batch.delete_item(Key={"house": "batch", "person": "59"})
    with table.batch_writer(overwrite_by_pkeys=["house", "person"]) as batch:
        batch.put_item(Item={"house": "twice", "person": "a", "v": 1})
        batch.put_item(Item={"house": "twice", "person": "a", "v": 2})
    see.fact("dynamodb batch_writer", "the last wins", table.get_item(Key={"house": "twice", "person": "a"})["Item"])
    found = table.query(KeyConditionExpression=Key("house").eq("batch") & Key("person").between("10", "19"))
    see.fact("dynamodb Table.query", "names", [item["person"] for item in found["Items"]])
    see.fact("dynamodb Table.query", "types", {name: type(value).__name__ for name, value in found.items()})
    found = table.query(KeyConditionExpression=Key("house").eq("batch") & Key("person").begins_with("2"),
                        FilterExpression=Attr("i").gt(25), Limit=50)
    see.fact("dynamodb Table.query with a filter", "count", [found["Count"], found["ScannedCount"]])
    for name, condition in (
            ("is_in", Attr("i").is_in([1, 2, 70])), ("or", Attr("i").eq(1) | Attr("i").eq(2)),
            ("not", ~Attr("i").lt(58)), ("contains", Attr("person").contains("5")), ("size", Attr("person").size().gt(1)),
            ("nested", Attr("map.a.b").eq(3)), ("ne", Attr("house").ne("batch")), ("type", Attr("i").attribute_type("N"))):
        see.fact(f"dynamodb Table.scan {name}", "count", table.scan(FilterExpression=condition)["Count"])
    page = table.scan(Limit=10)
    see.fact("dynamodb Table.scan", "LastEvaluatedKey", sorted(page["LastEvaluatedKey"]))
    page = table.scan(Limit=10, ExclusiveStartKey=page["LastEvaluatedKey"])
    see.fact("dynamodb Table.scan", "the next page", page["Count"])
    got = db.batch_get_item(RequestItems={"things": {"Keys": [{"house": "batch", "person": "07"}]}})
    see.fact("dynamodb resource.batch_get_item", "Responses", got["Responses"])
    see.call("dynamodb Table.delete_item", table.delete_item, Key={"house": "f", "person": "n"})
    see.fact("dynamodb resource.tables", "names", sorted(item.name for item in db.tables.all()))
    see.call("dynamodb Table.query without a key's condition", table.query, KeyConditionExpression=Attr("a").eq(1))
    table.delete()
    table.wait_until_not_exists()
    see.call("dynamodb Table.load of none", db.Table("none").load)
    try:
        db.Table("none").get_item(Key={"a": "b"})
    except ClientError as error:
        see.fact("dynamodb Table.get_item of no table", "code", error.response["Error"]["Code"])


def transactions(see):
    """What the resource's client makes of their values: this service refuses it, or the SDK does."""
    client = boto3.resource("dynamodb", **_options()).meta.client
    key, values = {"house": "h", "person": "p"}, {":one": Decimal(1), ":set": {"a"}}
    see.call("dynamodb transact_write_items of a resource", client.transact_write_items, TransactItems=[
        {"Put": {"TableName": TABLE, "Item": {**key, "n": Decimal("1.5"), "l": [1, {"b": b"x"}]}}},
        {"Update": {"TableName": TABLE, "Key": key, "UpdateExpression": "SET a = :one", "ExpressionAttributeValues": values}},
        {"Delete": {"TableName": TABLE, "Key": key}},
        {"ConditionCheck": {"TableName": TABLE, "Key": key, "ConditionExpression": "attribute_exists(a)"}}])
    see.call("dynamodb transact_get_items of a resource", client.transact_get_items, TransactItems=[
        {"Get": {"TableName": TABLE, "Key": key}}])
    see.call("dynamodb execute_statement of a resource", client.execute_statement, Statement="SELECT 1", Parameters=["a", 1])
    see.call("dynamodb transact_write_items of a float", client.transact_write_items, TransactItems=[
        {"Put": {"TableName": TABLE, "Item": {**key, "n": 1.5}}}])


def types(see):
    encode, decode = TypeSerializer().serialize, TypeDeserializer().deserialize
    for value in (None, True, 1, -5, "s", "", b"b", bytearray(b"b"), Binary(b"b"), [], {}, [1, [2]], {"a": {"b": None}},
                  {1}, {"a"}, {b"a"}, Decimal("1.5"), Decimal("1E+3"), 10 ** 30):
        see.call(f"TypeSerializer {value!r}", encode, value)
    for value in (1.5, object, {1, "a"}, set(), Decimal("NaN"), Decimal("Infinity"), Decimal("1" * 39)):
        see.call(f"TypeSerializer {value!r}", encode, value)
    for value in ({"S": "x"}, {"N": "12"}, {"N": "1.50"}, {"B": b"x"}, {"NULL": True}, {"BOOL": False}, {"L": [{"N": "1"}]},
                  {"M": {"a": {"S": "b"}}}, {"SS": ["a"]}, {"NS": ["1"]}, {"BS": [b"a"]}):
        see.call(f"TypeDeserializer {value!r}", lambda value=value: repr(decode(value)))
    see.call("TypeDeserializer of nothing", decode, {})
    see.call("TypeDeserializer of nonsense", decode, {"X": 1})
    see.fact("Binary", "equals bytes", Binary(b"a") == b"a")
    see.call("Binary of a string", Binary, "a")
    for name, condition, key in (
            ("eq", Key("a").eq(1), True), ("and", Key("a").eq(1) & Key("b").begins_with("x"), True),
            ("between", Key("a").between(1, 2), True), ("path", Attr("a.b[0].c").eq(1), False),
            ("or, not", ~(Attr("a").eq(1) | Attr("b").exists()), False), ("is_in", Attr("a").is_in([1, 2]), False),
            ("is_in a tuple", Attr("a").is_in((1, 2)), False), ("is_in a set", Attr("a").is_in({1}), False),
            ("is_in keys", Attr("a").is_in({"x": 1, "y": 2}.keys()), False),
            ("size", Attr("a").size().lte(3), False), ("type", Attr("a").attribute_type("S"), False)):
        built = ConditionExpressionBuilder().build_expression(condition, is_key_condition=key)
        see.fact(f"condition {name}", "expression", built.condition_expression)
        see.fact(f"condition {name}", "names", built.attribute_name_placeholders)
        see.fact(f"condition {name}", "values", built.attribute_value_placeholders)
        see.fact(f"condition {name}", "repr", repr(built))
    see.call("condition & a string", lambda: Key("a").eq(1) & "b")
    see.fact("Key & Key", "exception", _refused(lambda: Key("a") & Key("b")))
    see.call("condition of a string", ConditionExpressionBuilder().build_expression, "a = b")
    see.fact("conditions", "equal", Key("a").eq(1) == Key("a").eq(1))
    see.fact("conditions", "get_expression", sorted(Key("a").eq(1).get_expression()))


def _refused(call):
    try:
        call()
    except Exception as error:  # its class is the fact
        return type(error).__name__
    return None


def run(see):
    types(see)
    transactions(see)
    low_level(see, boto3.client("dynamodb", **_options()))
    resource(see)
