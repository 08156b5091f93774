"""Say when the database no longer guards the trail."""

import logging
from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections

from hdeadmin.audit import triggers, verify
from hdeadmin.audit.models import AuditEntry, ChainHead

logger = logging.getLogger(__name__)

_RESTORE = "Find out who removed them, then put them back with `manage.py audit_verify --restore-triggers`."


def triggers_are_there(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """A check of a database: asked by `check --database default` and before `migrate`; content with an empty one."""
    gone = triggers.missing(connections["default"]) if "default" in (databases or ()) else []
    if not gone:
        return []
    return [
        Error(
            f"The database does not guard the audit trail: no {', '.join(gone)}.",
            hint=_RESTORE,
            id="audit.E001",
        )
    ]


def problems() -> list[str]:
    """What can be told quickly of the trail that is wrong: missing guards, a broken end. Nothing where it is new."""
    gone = triggers.missing(connections["default"])
    found = [f"the database does not guard it, there is no {', '.join(gone)}. {_RESTORE}"] if gone else []
    if fault := verify.of_the_end().fault:
        found.append(str(fault))
    return found


def can_be_recorded() -> None:
    """Ask whether an entry would be taken, and guarded. A trail that was tampered with is no reason to stop.

    Raises:
        RuntimeError: the guards are gone, or are not what they should be.
        DatabaseError
    """
    if gone := triggers.missing(connections["default"]):
        raise RuntimeError(f"The database does not guard the audit trail: no {', '.join(gone)}.")
    ChainHead.objects.filter(id=1).first()


def restore_after_migrations(using: str = "default", **kwargs: Any) -> None:
    """Make the triggers, also those that SQLite dropped with the table that a migration rebuilt."""
    if using == "default" and (gone := triggers.install(connections[using])) and AuditEntry.objects.exists():
        logger.warning("Restored the guards of the audit trail: %s", ", ".join(gone))
