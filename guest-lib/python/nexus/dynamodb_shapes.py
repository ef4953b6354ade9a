# SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
"""DynamoDB's parameters, of the operations that functions use; those of others go to the service as they are. The language
is that of nexus.params; V is a value with its type."""

_NAMES = "ExpressionAttributeNames:{s} ExpressionAttributeValues:{V}"
_PUT = f"TableName!:s1 ConditionExpression {_NAMES} ReturnValuesOnConditionCheckFailure"

INPUT = {
    "GetItem": """
        TableName!:s1 Key!:{V} AttributesToGet:[s]+ ConsistentRead:b ReturnConsumedCapacity ProjectionExpression
        ExpressionAttributeNames:{s}
        """,
    "PutItem": """
        TableName!:s1 Item!:{V} Expected:{Expected} ReturnValues ReturnConsumedCapacity ReturnItemCollectionMetrics
        ConditionalOperator ConditionExpression ExpressionAttributeNames:{s} ExpressionAttributeValues:{V}
        """,
    "UpdateItem": """
        TableName!:s1 Key!:{V} AttributeUpdates:{ValueUpdate} Expected:{Expected} ConditionalOperator ReturnValues
        ReturnConsumedCapacity ReturnItemCollectionMetrics UpdateExpression ConditionExpression
        ExpressionAttributeNames:{s} ExpressionAttributeValues:{V}
        """,
    "DeleteItem": """
        TableName!:s1 Key!:{V} Expected:{Expected} ConditionalOperator ReturnValues ReturnConsumedCapacity
        ReturnItemCollectionMetrics ConditionExpression ExpressionAttributeNames:{s} ExpressionAttributeValues:{V}
        """,
    "Query": """
        TableName!:s1 IndexName:s1 Select AttributesToGet:[s]+ Limit:i1 ConsistentRead:b KeyConditions:{Condition}
        QueryFilter:{Condition} ConditionalOperator ScanIndexForward:b ExclusiveStartKey:{V} ReturnConsumedCapacity
        ProjectionExpression FilterExpression KeyConditionExpression ExpressionAttributeNames:{s}
        ExpressionAttributeValues:{V}
        """,
    "Scan": """
        TableName!:s1 IndexName:s1 AttributesToGet:[s]+ Limit:i1 Select ScanFilter:{Condition} ConditionalOperator
        ExclusiveStartKey:{V} ReturnConsumedCapacity TotalSegments:i1 Segment:i ProjectionExpression FilterExpression
        ExpressionAttributeNames:{s} ExpressionAttributeValues:{V} ConsistentRead:b
        """,
    "BatchGetItem": "RequestItems!:{Keys} ReturnConsumedCapacity",
    "BatchWriteItem": "RequestItems!:{[WriteRequest]+} ReturnConsumedCapacity ReturnItemCollectionMetrics",
    "TransactGetItems": "TransactItems!:[TransactGetItem]+ ReturnConsumedCapacity",
    "TransactWriteItems": """
        TransactItems!:[TransactWriteItem]+ ReturnConsumedCapacity ReturnItemCollectionMetrics ClientRequestToken:s1
        """,
    "DescribeTable": "TableName!:s1",
    "DeleteTable": "TableName!:s1",
    "ListTables": "ExclusiveStartTableName:s1 Limit:i1",
    "CreateTable": """
        AttributeDefinitions!:[AttributeDefinition] TableName!:s1 KeySchema!:[KeySchemaElement]+
        LocalSecondaryIndexes:[Index] GlobalSecondaryIndexes:[GlobalIndex] BillingMode
        ProvisionedThroughput:Throughput StreamSpecification:StreamSpecification SSESpecification:SSESpecification
        Tags:[Tag] TableClass
        """,
    "ExecuteStatement": "Statement!:s1 Parameters:[V]+ ConsistentRead:b NextToken:s1 ReturnConsumedCapacity Limit:i1",
    "UpdateTimeToLive": "TableName!:s1 TimeToLiveSpecification!:TimeToLive",
    "DescribeTimeToLive": "TableName!:s1",
}

SHAPES = {
    "V": "S N B:B SS:[s] NS:[s] BS:[B] M:{V} L:[V] NULL:b BOOL:b",
    "Expected": "Value:V Exists:b ComparisonOperator AttributeValueList:[V]",
    "ValueUpdate": "Value:V Action",
    "Condition": "AttributeValueList:[V] ComparisonOperator!",
    "Keys": "Keys!:[{V}]+ AttributesToGet:[s]+ ConsistentRead:b ProjectionExpression ExpressionAttributeNames:{s}",
    "WriteRequest": "PutRequest:PutRequest DeleteRequest:DeleteRequest",
    "PutRequest": "Item!:{V}",
    "DeleteRequest": "Key!:{V}",
    "TransactGetItem": "Get!:Get",
    "Get": "Key!:{V} TableName!:s1 ProjectionExpression ExpressionAttributeNames:{s}",
    "TransactWriteItem": "ConditionCheck:ConditionCheck Put:Put Delete:Delete Update:Update",
    "ConditionCheck": f"Key!:{{V}} TableName!:s1 ConditionExpression! {_NAMES} ReturnValuesOnConditionCheckFailure",
    "Put": f"Item!:{{V}} {_PUT}",
    "Delete": f"Key!:{{V}} {_PUT}",
    "Update": f"Key!:{{V}} UpdateExpression! {_PUT}",
    "AttributeDefinition": "AttributeName!:s1 AttributeType!",
    "KeySchemaElement": "AttributeName!:s1 KeyType!",
    "Index": "IndexName!:s1 KeySchema!:[KeySchemaElement]+ Projection!:Projection",
    "GlobalIndex": """
        IndexName!:s1 KeySchema!:[KeySchemaElement]+ Projection!:Projection ProvisionedThroughput:Throughput
        """,
    "Projection": "ProjectionType NonKeyAttributes:[s1]+",
    "Throughput": "ReadCapacityUnits!:i1 WriteCapacityUnits!:i1",
    "StreamSpecification": "StreamEnabled!:b StreamViewType",
    "SSESpecification": "Enabled:b SSEType KMSMasterKeyId",
    "Tag": "Key!:s1 Value!",
    "TimeToLive": "Enabled!:b AttributeName!:s1",
}
