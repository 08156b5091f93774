"""The cache, in a table of Django's database. It holds JSON only, so reading a row never runs code."""

import json
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone

_MISSING = object()
_NEVER = datetime.max.replace(tzinfo=UTC)


class JsonCache(DatabaseCache):
    """Django's cache in the database, with JSON where Django pickles.

    A value comes back as JSON keeps it: a tuple as a list, a key of a dict as text. A row that is not JSON, such as one
    that Django pickled, counts as missing.

    Raises:
        TypeError, ValueError: a value to store is not JSON.
    """

    # Django's own; its stubs leave them out.
    _table: str
    _cull: Callable[..., None]

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        if not names:
            return {}
        connection = self._connection(router.db_for_read(self.cache_model_class))
        marks = ", ".join(["%s"] * len(names))
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT cache_key, value, expires < %s FROM {self._quoted(connection)} WHERE cache_key IN ({marks})",
                [_stored_time(connection, timezone.now()), *names],
            )
            rows = cursor.fetchall()
        values: dict[Any, Any] = {}
        expired = []
        for name, text, is_expired in rows:
            if is_expired:
                expired.append(name)
            elif (value := _parse(text)) is not _MISSING:
                values[names[name]] = value
        self._delete_expired(expired)
        return values

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return self.get(key, _MISSING, version=version) is not _MISSING

    def _base_set(self, mode: str, key: str, value: Any, timeout: float | None = DEFAULT_TIMEOUT) -> bool:
        """Store, add or touch a row. False where nothing was written, as Django has it."""
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
        ends_at = self.get_backend_timeout(timeout)
        expires = _NEVER if ends_at is None else datetime.fromtimestamp(ends_at, UTC)
        db = router.db_for_write(self.cache_model_class)
        connection = self._connection(db)
        table = self._quoted(connection)
        now = timezone.now()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {table}")
            (count,) = cursor.fetchone()
            if count > self._max_entries:
                self._cull(db, cursor, now.replace(microsecond=0), count)
            stored = (_stored_time(connection, expires.replace(microsecond=0)), _stored_time(connection, now))
            try:
                with transaction.atomic(using=db):
                    if mode == "touch":
                        cursor.execute(
                            f"UPDATE {table} SET expires = %s WHERE cache_key = %s AND expires >= %s",
                            [stored[0], key, stored[1]],
                        )
                        return bool(cursor.rowcount > 0)
                    if mode == "add":
                        self._delete_unreadable(cursor, table, key)
                    # One statement, so that of several workers only one adds.
                    insert = (
                        f"INSERT INTO {table} (cache_key, value, expires) VALUES (%s, %s, %s) "
                        "ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
                    )
                    if mode == "add":
                        cursor.execute(
                            f"{insert} WHERE {table}.expires < %s", [key, text, stored[0], stored[1]]
                        )
                    else:
                        cursor.execute(insert, [key, text, stored[0]])
                    return bool(cursor.rowcount > 0)
            except DatabaseError:
                return False

    def _delete_unreadable(self, cursor: Any, table: str, key: str) -> None:
        """Make room for `add` where the row is not one of ours; it would stand in the way unread."""
        cursor.execute(f"SELECT value FROM {table} WHERE cache_key = %s", [key])
        row = cursor.fetchone()
        if row is not None and _parse(row[0]) is _MISSING:
            cursor.execute(f"DELETE FROM {table} WHERE cache_key = %s AND value = %s", [key, row[0]])

    def _delete_expired(self, names: Collection[str]) -> None:
        """Delete these rows, but for those that another worker has stored anew meanwhile."""
        if not names:
            return
        connection = self._connection(router.db_for_write(self.cache_model_class))
        marks = ", ".join(["%s"] * len(names))
        with connection.cursor() as cursor:
            cursor.execute(
                f"DELETE FROM {self._quoted(connection)} WHERE cache_key IN ({marks}) AND expires < %s",
                [*names, _stored_time(connection, timezone.now())],
            )

    def _connection(self, db: str | None) -> BaseDatabaseWrapper:
        return connections[db or "default"]

    def _quoted(self, connection: BaseDatabaseWrapper) -> str:
        return connection.ops.quote_name(self._table)


def _stored_time(connection: BaseDatabaseWrapper, time: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(time)


def _parse(text: Any) -> Any:
    """The value of a row; `_MISSING` where it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return _MISSING
