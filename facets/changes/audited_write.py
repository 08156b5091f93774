"""A write is on record before it is made, and what came of it after: the two entries of an undertaking."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from django.http import HttpRequest

from facets.core import FacetError, StoreUnavailable, json
from facets.core.diff import ABSENT, Change
from facets.core.errors import InvalidRecord
from facets.core.unreadable import StoredRecord, UnreadableRecord
from facets.definitions.masking import mask_changes, redact
from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.models import AuditEntry

logger = logging.getLogger(__name__)

# Of one write; what is beyond is counted.
MAX_CHANGES = 200
MAX_VALUE = 1_000  # characters

Ending = Literal["applied", "not-applied", "unknown"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is about to be written.

    Attributes:
        changes: from the stored state to the one that will be; not masked yet.
        quoted: plain JSON that the reason may quote: what is sensitive in it is taken out of the reason on record.
        details: what else there is to say, plain JSON. See `facets.changes.recovery`, which reads it.
    """

    action: Literal["append", "recalculate"]
    facet: str
    id: str
    operation_id: str
    reason: str
    seq_before: int
    seq_after: int
    changes: Sequence[Change]
    ticket: str = ""
    quoted: Sequence[Any] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


# Put the plan on record; within, it is carried out. Raises AuditUnavailable, and then nothing may be written.
Announce = Callable[[Plan], AbstractContextManager[None]]


def announcing(
    sensitive: Sequence[str], *, request: HttpRequest | None = None, user: str | None = None
) -> Announce:
    """Where the undertakings of a request, or of a command's `user`, go on record: in the audit trail."""

    @contextmanager
    def announce(plan: Plan) -> Iterator[None]:
        changes = mask_changes(plan.changes, sensitive)
        intent = log.record(
            plan.action,
            request=request,
            user=user,
            facet=plan.facet,
            entity=plan.id,
            operation_id=plan.operation_id,
            phase="intent",
            result="announced",
            reason=redact(plan.reason, sensitive, *plan.quoted),
            ticket=plan.ticket,
            seq_before=plan.seq_before,
            seq_after=plan.seq_after,
            changes=[as_json(change) for change in changes[:MAX_CHANGES]],
            details={**plan.details, "changes": len(changes)},
        )
        try:
            yield
        except StoreUnavailable as error:
            # Whether it was written is not known here: the intent stays open, and is settled later.
            if not error.maybe_written:
                _end(intent, "not-applied", request, user, {"why": "store-unavailable"})
            raise
        except FacetError as error:
            _end(intent, "not-applied", request, user, {"why": type(error).__name__})
            raise
        _end(intent, "applied", request, user, {})

    return announce


def as_json(change: Change) -> dict[str, Any]:
    """A masked change as the trail keeps it: its path, its kind, and the values as JSON text, cut where long."""
    values = {"old": change.old, "new": change.new}
    return {
        "path": list(change.path),
        "kind": change.kind,
        **{name: _text(value) for name, value in values.items() if value is not ABSENT},
    }


def fingerprint(record: StoredRecord | None) -> str:
    """Tells what one write put into a STATE record from any other; "" where there is none."""
    return log.fingerprint(_contents(record)) if record else ""


def is_of(print: str, record: StoredRecord | None) -> bool:
    """Whether `fingerprint` was taken of this record."""
    if record is None or not print:
        return record is None and not print
    return log.matches(print, _contents(record))


def _contents(record: StoredRecord) -> str:
    if isinstance(record, UnreadableRecord):
        return f"unreadable/{record.text}"
    return f"{record.seq}/{record.ts}/{record.itm}"


def _end(
    intent: AuditEntry,
    ending: Ending,
    request: HttpRequest | None,
    user: str | None,
    details: Mapping[str, Any],
) -> None:
    """Say what came of it. What is done stays done where that cannot be said; the intent is settled later then."""
    try:
        log.record_outcome(intent, ending, request=request, user=user, details=details)
    except AuditUnavailable:
        logger.exception("What came of %s could not be recorded: %s", intent.operation_id, ending)


def _text(value: Any) -> str:
    try:
        text = json.dumps(value)
    except InvalidRecord:
        text = "?"
    return text if len(text) <= MAX_VALUE else text[:MAX_VALUE] + "…"
