"""A whole table looked at and harmed from outside, past the code under test."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

from facets.core.dynamodb import DynamoTable
from facets.core.sqlite import SqliteTable
from facets.core.store import Table


def dump(table: Table) -> list[str]:
    """Every item of the table as text, attributes and all, sorted."""
    if isinstance(table, SqliteTable):
        with closing(sqlite3.connect(table.path)) as db:
            return sorted(map(repr, db.execute("SELECT * FROM records")))
    assert isinstance(table, DynamoTable)
    pages = table.client.get_paginator("scan").paginate(TableName=table.name, ConsistentRead=True)
    return sorted(str(sorted(item.items())) for page in pages for item in page["Items"])


def lose(table: Table, id: str, rng: str) -> None:
    """Delete one record, as no correct writer does."""
    if isinstance(table, SqliteTable):
        with closing(sqlite3.connect(table.path)) as db, db:
            assert db.execute("DELETE FROM records WHERE id = ? AND rng = ?", (id, rng)).rowcount == 1
        return
    assert isinstance(table, DynamoTable)
    key: Any = {"_id": {"S": id}, "_rng": {"S": rng}}
    table.client.delete_item(
        TableName=table.name,
        Key=key,
        ConditionExpression="attribute_exists(#id)",
        ExpressionAttributeNames={"#id": "_id"},
    )


def spoil(table: Table, id: str, rng: str) -> None:
    """Put what is no text into one record's payload."""
    if isinstance(table, SqliteTable):
        with closing(sqlite3.connect(table.path)) as db, db:
            spoilt = db.execute("UPDATE records SET itm = x'00' WHERE id = ? AND rng = ?", (id, rng))
            assert spoilt.rowcount == 1
        return
    assert isinstance(table, DynamoTable)
    table.client.update_item(
        TableName=table.name,
        Key={"_id": {"S": id}, "_rng": {"S": rng}},
        UpdateExpression="SET #itm = :bytes",
        ConditionExpression="attribute_exists(#id)",
        ExpressionAttributeNames={"#id": "_id", "#itm": "_itm"},
        ExpressionAttributeValues={":bytes": {"B": b"\0"}},
    )
