"""The database's own guard over the trail: entries are added in order, and never changed or deleted.

Whoever owns the tables can take it away; `missing` says when it is gone, and the chain tells what was done meanwhile.
"""

from django.db.backends.base.base import BaseDatabaseWrapper

ENTRIES = "audit_auditentry"
HEAD = "audit_chainhead"

_KEPT = "the audit trail is only ever added to"
_ORDER = "an audit entry follows the one before"

# From a trigger's name to its table and what follows the table's name. None speaks of the other table: SQLite refuses to
# rename the copy with which a migration replaces a table that a trigger elsewhere speaks of.
_SQLITE = {
    # REPLACE deletes without asking a trigger for DELETE; the number of an entry that is there is never the next.
    "audit_entry_in_order": (
        "BEFORE INSERT",
        ENTRIES,
        (
            f"WHEN NEW.number IS NOT (SELECT coalesce(max(number), 0) + 1 FROM {ENTRIES}) "
            f"BEGIN SELECT RAISE(ABORT, '{_ORDER}'); END"
        ),
    ),
    "audit_entry_not_changed": ("BEFORE UPDATE", ENTRIES, f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"),
    "audit_entry_not_deleted": ("BEFORE DELETE", ENTRIES, f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"),
    "audit_head_made_once": (
        "BEFORE INSERT",
        HEAD,
        (
            f"WHEN NEW.id IS NOT 1 OR NEW.number IS NOT 0 OR EXISTS (SELECT 1 FROM {HEAD}) "
            f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"
        ),
    ),
    "audit_head_follows": (
        "BEFORE UPDATE",
        HEAD,
        (
            "WHEN NEW.id IS NOT OLD.id OR NEW.number IS NOT OLD.number + 1 "
            f"BEGIN SELECT RAISE(ABORT, '{_ORDER}'); END"
        ),
    ),
    "audit_head_not_deleted": ("BEFORE DELETE", HEAD, f"BEGIN SELECT RAISE(ABORT, '{_KEPT}'); END"),
}

_FUNCTIONS = {
    "audit_refuse": f"BEGIN RAISE EXCEPTION '{_KEPT}' USING ERRCODE = '23000'; END",
    "audit_entry_in_order": (
        f"BEGIN IF NEW.number IS DISTINCT FROM (SELECT number + 1 FROM {HEAD} WHERE id = 1) THEN "
        f"RAISE EXCEPTION '{_ORDER}' USING ERRCODE = '23000'; END IF; RETURN NEW; END"
    ),
    "audit_head_made_once": (
        # Two that begin the trail at once: the second finds the head made, and makes none.
        f"BEGIN IF NEW.id <> 1 OR NEW.number <> 0 OR EXISTS (SELECT 1 FROM {HEAD}) THEN RETURN NULL; END IF; "
        "RETURN NEW; END"
    ),
    "audit_head_follows": (
        "BEGIN IF NEW.id <> OLD.id OR NEW.number IS DISTINCT FROM OLD.number + 1 OR NOT EXISTS "
        f"(SELECT 1 FROM {ENTRIES} WHERE number = NEW.number AND mac = NEW.mac AND previous = OLD.mac) THEN "
        f"RAISE EXCEPTION '{_ORDER}' USING ERRCODE = '23000'; END IF; RETURN NEW; END"
    ),
}
# From a trigger's name to its event, its table, what it runs for, and the function that it runs.
_POSTGRESQL = {
    "audit_entry_in_order": ("BEFORE INSERT", ENTRIES, "ROW", "audit_entry_in_order"),
    "audit_entry_kept": ("BEFORE UPDATE OR DELETE OR TRUNCATE", ENTRIES, "STATEMENT", "audit_refuse"),
    "audit_head_made_once": ("BEFORE INSERT", HEAD, "ROW", "audit_head_made_once"),
    "audit_head_follows": ("BEFORE UPDATE", HEAD, "ROW", "audit_head_follows"),
    "audit_head_kept": ("BEFORE DELETE OR TRUNCATE", HEAD, "STATEMENT", "audit_refuse"),
}


def names(vendor: str) -> dict[str, str]:
    """From each trigger's name to its table, for the kind of database."""
    return {name: parts[1] for name, parts in (_SQLITE if vendor == "sqlite" else _POSTGRESQL).items()}


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that are not there, or not as they should be; none where there are no tables yet."""
    with connection.cursor() as cursor:
        if ENTRIES not in connection.introspection.table_names(cursor):
            return []
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            found = dict(cursor.fetchall())
            return [name for name in _SQLITE if found.get(name) != _sqlite_statement(name)]
        # `A`: also where session_replication_role would switch triggers off.
        cursor.execute(
            "SELECT tgname, prosrc, pg_get_triggerdef(pg_trigger.oid) FROM pg_trigger "
            "JOIN pg_proc ON pg_proc.oid = tgfoid WHERE tgenabled = 'A' "
            "AND tgrelid IN (to_regclass(%s), to_regclass(%s))",
            [ENTRIES, HEAD],
        )
        triggers = {name: (source, text) for name, source, text in cursor.fetchall()}
    return [
        name
        for name, (event, _, each, function) in _POSTGRESQL.items()
        if name not in triggers
        or triggers[name][0] != _FUNCTIONS[function]
        or not _is_as_made(triggers[name][1], event, each)
    ]


def install(connection: BaseDatabaseWrapper) -> list[str]:
    """Put back those that are missing, and say which they were."""
    gone = missing(connection)
    with connection.cursor() as cursor:
        if gone and connection.vendor == "postgresql":
            for name, body in _FUNCTIONS.items():
                cursor.execute(
                    f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
                )
        for name in gone:
            if connection.vendor == "sqlite":
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")
                cursor.execute(_sqlite_statement(name))
            else:
                event, table, each, function = _POSTGRESQL[name]
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(
                    f"CREATE TRIGGER {name} {event} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()"
                )
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
    return gone


def _sqlite_statement(name: str) -> str:
    event, table, body = _SQLITE[name]
    return f"CREATE TRIGGER {name} {event} ON {table} {body}"


def _is_as_made(definition: str, event: str, each: str) -> bool:
    """Whether PostgreSQL's text of a trigger is of ours: it sorts the events, and could add a condition."""
    before, _, after = definition.partition(" ON ")
    events = set(before.partition(" BEFORE ")[2].split(" OR "))
    return (
        events == set(event.removeprefix("BEFORE ").split(" OR "))
        and f"FOR EACH {each}" in after
        and " WHEN " not in after
    )
