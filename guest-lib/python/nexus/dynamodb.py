# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""client('dynamodb'): the JSON client, which knows DynamoDB's values, pages, waiters and errors."""
import base64

from nexus.json_client import JsonClient, decode

_ERRORS = frozenset((
    "BackupInUseException", "BackupNotFoundException", "ConditionalCheckFailedException",
    "ContinuousBackupsUnavailableException", "DuplicateItemException", "ExportConflictException",
    "ExportNotFoundException", "GlobalTableAlreadyExistsException", "GlobalTableNotFoundException",
    "IdempotentParameterMismatchException", "ImportConflictException", "ImportNotFoundException",
    "IndexNotFoundException", "InternalServerError", "InvalidEndpointException", "InvalidExportTimeException",
    "InvalidRestoreTimeException", "ItemCollectionSizeLimitExceededException", "LimitExceededException",
    "PointInTimeRecoveryUnavailableException", "ProvisionedThroughputExceededException",
    "ReplicaAlreadyExistsException", "ReplicaNotFoundException", "RequestLimitExceeded", "ResourceInUseException",
    "ResourceNotFoundException", "TableAlreadyExistsException", "TableInUseException", "TableNotFoundException",
    "TransactionCanceledException", "TransactionConflictException", "TransactionInProgressException"))
# Operations whose answers hold items.
_DATA = frozenset((
    "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "ExecuteTransaction", "GetItem",
    "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems", "UpdateItem"))
# Members that hold values, and how deep: a value, a map of values, a list of maps ...
_KINDS = frozenset(("S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"))


def _values(value):
    """DynamoDB's bytes come in base64, in what looks like a value and nowhere else."""
    if isinstance(value, list):
        return [_values(item) for item in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        (kind, inner), = value.items()
        if kind == "B" and isinstance(inner, str):
            return {"B": base64.b64decode(inner)}
        if kind == "BS" and isinstance(inner, list):
            return {"BS": [base64.b64decode(item) for item in inner]}
    return {name: _values(item) for name, item in value.items()}


class DynamoDB(JsonClient):
    _exception_names = _ERRORS
    _paginators = {
        "list_backups": {"input": ("ExclusiveStartBackupArn",), "output": ("LastEvaluatedBackupArn",), "limit": "Limit",
                         "results": ("BackupSummaries",)},
        "list_tags_of_resource": {"input": ("NextToken",), "output": ("NextToken",), "limit": None, "results": ("Tags",)},
        "list_tables": {"input": ("ExclusiveStartTableName",), "output": ("LastEvaluatedTableName",),
                        "limit": "Limit", "results": ("TableNames",)},
        "query": {"input": ("ExclusiveStartKey",), "output": ("LastEvaluatedKey",), "limit": "Limit",
                  "results": ("Items", "Count", "ScannedCount"), "also": ("ConsumedCapacity",)},
        "scan": {"input": ("ExclusiveStartKey",), "output": ("LastEvaluatedKey",), "limit": "Limit",
                 "results": ("Items", "Count", "ScannedCount"), "also": ("ConsumedCapacity",)},
    }
    _waiters = {
        "table_exists": ("describe_table", 20, 25, ((("Table.TableStatus", "ACTIVE"), "success"),
                                                    ("ResourceNotFoundException", "retry"))),
        "table_not_exists": ("describe_table", 20, 25, (("ResourceNotFoundException", "success"),)),
    }

    def _dispatch(self, operation, params):
        from nexus import dynamodb_shapes as shapes
        if operation in shapes.INPUT:
            from nexus import params as checks
            checks.check(shapes.INPUT[operation], params, shapes.SHAPES)
        return super()._dispatch(operation, params)

    def _decode(self, operation, answer):
        # What holds items has no times, but may well have names that look so.
        return _values(answer if operation in _DATA else decode(self._kinds, answer))

    def _more_of_error(self, response, parsed):
        if response["Error"]["Code"] == "TransactionCanceledException":
            response["CancellationReasons"] = _values(parsed.get("CancellationReasons", []))
        if response["Error"]["Code"] in _ERRORS:
            response["message"] = parsed.get("message") or parsed.get("Message") or ""
        if "Item" in parsed:
            response["Item"] = _values(parsed["Item"])
