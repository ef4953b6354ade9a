# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""resource('dynamodb'): Table, batches; values of Python in and out, conditions for expressions."""
from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from nexus.dynamodb import DynamoDB
from nexus.resource import Collection, Resource, ResourceMeta, loses_data

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def _out_map(values):
    if not isinstance(values, dict):
        return values       # the client's checks will say so
    return {name: _serialize(value) for name, value in values.items()}


def _in_map(values):
    return {name: _deserialize(value) for name, value in values.items()}


def _expected(entries):
    encoded = {}
    for name, entry in entries.items():
        entry = dict(entry)
        if "Value" in entry:
            entry["Value"] = _serialize(entry["Value"])
        if "AttributeValueList" in entry:
            entry["AttributeValueList"] = [_serialize(item) for item in entry["AttributeValueList"]]
        encoded[name] = entry
    return encoded


def _out_requests(tables):
    """RequestItems of batch_write_item and batch_get_item."""
    encoded = {}
    for table, requests in tables.items():
        if isinstance(requests, dict):
            encoded[table] = {**requests, "Keys": [_out_map(key) for key in requests.get("Keys", ())]}
            continue
        encoded[table] = [{kind: {name: _out_map(item) for name, item in request.items()}
                           for kind, request in entry.items()} for entry in requests]
    return encoded


def _out_list(values):
    return [_serialize(value) for value in values]


def _out_nested(entries):
    """Entries of a transaction, {"Put": {"Item": ...}}; or statements, {"Parameters": ...}."""
    return [_out_members({kind: _out_members(request) if isinstance(request, dict) else request
                          for kind, request in entry.items()}) for entry in entries]


def _out_members(params):
    return {name: _OUT[name](value) if name in _OUT else value for name, value in params.items()}


def _in_requests(tables):
    decoded = {}
    for table, requests in tables.items():
        if isinstance(requests, dict):
            decoded[table] = {**requests, "Keys": [_in_map(key) for key in requests.get("Keys", ())]}
            continue
        decoded[table] = [{kind: {name: _in_map(item) for name, item in request.items()}
                           for kind, request in entry.items()} for entry in requests]
    return decoded


_OUT = {"Item": _out_map, "Key": _out_map, "ExclusiveStartKey": _out_map, "ExpressionAttributeValues": _out_map,
        "Expected": _expected, "AttributeUpdates": _expected, "KeyConditions": _expected, "QueryFilter": _expected,
        "ScanFilter": _expected, "RequestItems": _out_requests, "TransactItems": _out_nested, "Parameters": _out_list,
        "Statements": _out_nested, "TransactStatements": _out_nested}


def _in_list(items):
    return [_in_map(item) for item in items]


def _in_answers(answers):
    return [{**answer, "Item": _in_map(answer["Item"])} if "Item" in answer else answer for answer in answers]


_IN = {"Item": _in_map, "Attributes": _in_map, "LastEvaluatedKey": _in_map, "Items": _in_list,
       "Responses": lambda answers: _in_answers(answers) if isinstance(answers, list) else {
           table: _in_list(items) for table, items in answers.items()},
       "UnprocessedItems": _in_requests, "UnprocessedKeys": _in_requests}


def _encode(params):
    """A call's parameters for the client."""
    builder = ConditionExpressionBuilder()
    names, values, encoded = {}, {}, dict(params)
    for name in ("KeyConditionExpression", "FilterExpression", "ConditionExpression"):
        condition = encoded.get(name)
        if isinstance(condition, ConditionBase):
            built = builder.build_expression(condition, is_key_condition=name == "KeyConditionExpression")
            encoded[name] = built.condition_expression
            names.update(built.attribute_name_placeholders)
            values.update(built.attribute_value_placeholders)
    if names:
        encoded["ExpressionAttributeNames"] = {**encoded.get("ExpressionAttributeNames", {}), **names}
    if values:
        encoded["ExpressionAttributeValues"] = {**encoded.get("ExpressionAttributeValues", {}), **values}
    return _out_members(encoded)


def _decode(answer):
    for name, decode in _IN.items():
        if name in answer:
            answer[name] = decode(answer[name])
    return answer


class TypedDynamoDB(DynamoDB):
    """The client of a resource: it takes and gives Python's values, and conditions."""

    def _dispatch(self, operation, params):
        return _decode(super()._dispatch(operation, _encode(params)))


class BatchWriter:
    """Puts and deletes, sent in batches; what the service did not take is sent again."""

    def __init__(self, table_name, client, flush_amount=25, overwrite_by_pkeys=None):
        self._table_name = table_name
        self._client = client
        self._amount = flush_amount
        self._pkeys = overwrite_by_pkeys
        self._waiting = []

    def put_item(self, Item):
        self._add({"PutRequest": {"Item": Item}})

    def delete_item(self, Key):
        self._add({"DeleteRequest": {"Key": Key}})

    def _keys(self, request):
        (body,) = request.values()
        (item,) = body.values()
        return [item[name] for name in self._pkeys]

    def _add(self, request):
        if self._pkeys:
            keys = self._keys(request)
            self._waiting = [other for other in self._waiting if self._keys(other) != keys]
        self._waiting.append(request)
        if len(self._waiting) >= self._amount:
            self._flush()

    def _flush(self):
        batch, self._waiting = self._waiting[:self._amount], self._waiting[self._amount:]
        answer = self._client.batch_write_item(RequestItems={self._table_name: batch})
        self._waiting.extend(answer.get("UnprocessedItems", {}).get(self._table_name, ()))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        while self._waiting:
            self._flush()


class Table(Resource):
    _service = "dynamodb"
    _ids = ("name",)
    _attributes = {
        "archival_summary": "ArchivalSummary", "attribute_definitions": "AttributeDefinitions",
        "billing_mode_summary": "BillingModeSummary", "creation_date_time": "CreationDateTime",
        "global_secondary_indexes": "GlobalSecondaryIndexes", "global_table_version": "GlobalTableVersion",
        "item_count": "ItemCount", "key_schema": "KeySchema", "latest_stream_arn": "LatestStreamArn",
        "latest_stream_label": "LatestStreamLabel", "local_secondary_indexes": "LocalSecondaryIndexes",
        "provisioned_throughput": "ProvisionedThroughput", "replicas": "Replicas",
        "restore_summary": "RestoreSummary", "sse_description": "SSEDescription",
        "stream_specification": "StreamSpecification", "table_arn": "TableArn",
        "table_class_summary": "TableClassSummary", "table_id": "TableId", "table_name": "TableName",
        "table_size_bytes": "TableSizeBytes", "table_status": "TableStatus",
    }

    def load(self):
        self.meta.data = self.meta.client.describe_table(TableName=self._name)["Table"]

    @loses_data
    def get_item(self, **kwargs):
        return self.meta.client.get_item(TableName=self._name, **kwargs)

    @loses_data
    def put_item(self, **kwargs):
        return self.meta.client.put_item(TableName=self._name, **kwargs)

    @loses_data
    def update_item(self, **kwargs):
        return self.meta.client.update_item(TableName=self._name, **kwargs)

    @loses_data
    def delete_item(self, **kwargs):
        return self.meta.client.delete_item(TableName=self._name, **kwargs)

    @loses_data
    def query(self, **kwargs):
        return self.meta.client.query(TableName=self._name, **kwargs)

    @loses_data
    def scan(self, **kwargs):
        return self.meta.client.scan(TableName=self._name, **kwargs)

    def batch_writer(self, overwrite_by_pkeys=None):
        return BatchWriter(self._name, self.meta.client, overwrite_by_pkeys=overwrite_by_pkeys)

    @loses_data
    def delete(self, **kwargs):
        return self.meta.client.delete_table(TableName=self._name, **kwargs)

    @loses_data
    def update(self, **kwargs):
        answer = self.meta.client.update_table(TableName=self._name, **kwargs)
        table = Table(self.meta.client, self._name)
        table.meta.data = answer.get("TableDescription")
        return table

    def wait_until_exists(self, **kwargs):
        self.meta.client.get_waiter("table_exists").wait(TableName=self._name, **kwargs)

    def wait_until_not_exists(self, **kwargs):
        self.meta.client.get_waiter("table_not_exists").wait(TableName=self._name, **kwargs)


class ServiceResource:
    """boto3.resource('dynamodb')"""

    def __init__(self, client):
        self.meta = ResourceMeta("dynamodb", client)

    def __repr__(self):
        return "dynamodb.ServiceResource()"

    def get_available_subresources(self):
        return ["Table"]

    def Table(self, *args, **kwargs):
        return Table(self.meta.client, *args, **kwargs)

    def create_table(self, **kwargs):
        answer = self.meta.client.create_table(**kwargs)
        table = Table(self.meta.client, kwargs["TableName"])
        table.meta.data = answer["TableDescription"]
        return table

    def batch_get_item(self, **kwargs):
        return self.meta.client.batch_get_item(**kwargs)

    def batch_write_item(self, **kwargs):
        return self.meta.client.batch_write_item(**kwargs)

    @property
    def tables(self):
        def pages(params, size):
            config = {"PageSize": size} if size else {}
            return self.meta.client.get_paginator("list_tables").paginate(PaginationConfig=config, **params)

        return Collection(self, "tables", Table, pages,
                          lambda page: [Table(self.meta.client, name) for name in page["TableNames"]])
