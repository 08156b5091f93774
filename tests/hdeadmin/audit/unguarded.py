"""The trail without its guards, as for whoever owns the tables."""

from django.db import connection

from hdeadmin.audit import triggers


def drop_triggers() -> None:
    with connection.cursor() as cursor:
        for name, table in triggers.names(connection.vendor).items():
            of = f" ON {table}" if connection.vendor == "postgresql" else ""
            cursor.execute(f"DROP TRIGGER IF EXISTS {name}{of}")
