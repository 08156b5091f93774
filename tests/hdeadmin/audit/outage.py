"""A database that takes everything but entries of the audit trail, as when its disk is full."""

from contextlib import AbstractContextManager
from typing import Any

from django.db import OperationalError, connection


def unwritable() -> AbstractContextManager[None]:
    return connection.execute_wrapper(_refuse)


def _refuse(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
    if sql.startswith('INSERT INTO "audit_auditentry"'):
        raise OperationalError("database or disk is full")
    return execute(sql, params, many, context)
