"""The engine on DynamoDB."""

from facets.core.dynamodb.store import DynamoTable, EventDB, create_table, extend_table, make_client

__all__ = ["DynamoTable", "EventDB", "create_table", "extend_table", "make_client"]
