"""Recalculate many entities: a bounded number at once, each on its own, until told to stop."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Literal

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from facets.changes import recalculate
from facets.changes.audited_write import Announce
from facets.changes.recalculate import Outcome, Unruled
from facets.core import FacetError, InvalidRecord, SequenceConflict, StoreUnavailable, TableNotFound
from facets.core.diff import Change
from facets.core.facet import Facet
from facets.core.reconcile import Kind
from facets.core.store import new_operation_id
from facets.definitions import TypedProcessor
from hdeadmin.audit.log import AuditUnavailable

Result = Literal["unchanged", "would-change", "changed", "failed"]
Why = Literal[
    "rule-failed",
    "history-not-whole",
    "unreadable",
    "no-such-entity",
    "conflict",
    "unavailable",
    "no-such-table",
    "not-recorded",
    "error",
]

_WHY: dict[str, Why] = {
    "unreadable": "unreadable",
    "history-not-whole": "history-not-whole",
    "rule-failed": "rule-failed",
    "not-storable": "rule-failed",
}

# How often an entity that moves on meanwhile is looked at again.
ATTEMPTS = 8


@dataclass(frozen=True, slots=True)
class Authority:
    """Who has entities recalculated, and why; both go on record with each."""

    actor: str
    reason: str
    announce: Announce


@dataclass(frozen=True, slots=True)
class Settled:
    """What came of one entity; of a replay only what a report says, not the history.

    Attributes:
        why, error: of a failure, its kind and its own words, hostile text maybe.
        changes: from the stored state to the replayed one; empty where only the seq is wrong.
        seq: what the recalculation wrote, or would write; None where it did not come so far.
        conflicts: how often the entity had moved on and was looked at again.
    """

    id: str
    result: Result
    why: Why | None = None
    error: str = ""
    seq: int | None = None
    stored_seq: int | None = None
    events: int = 0
    changes: list[Change] = field(default_factory=list)
    unruled: list[Unruled] = field(default_factory=list)
    messages: dict[Kind, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    conflicts: int = 0
    operation_id: str | None = None


def settle(facet: Facet, id: str, authority: Authority | None) -> Settled:
    """Recalculate one entity; only look at it, where there is no authority to write. Never raises.

    A history with gaps or twins is not replayed into a state: what the stored one still holds of the missing events
    would be lost. Somebody has to look at that one, on its page.
    """
    conflicts = 0
    while True:
        operation_id = new_operation_id()
        try:
            outcome = recalculate.preview(facet, id)
            if outcome is None:
                return Settled(id, "failed", "no-such-entity", "There is no such entity.")
            # A history that is not whole may be what the stored state was made of: then there is nothing to refuse.
            if outcome.refused_for == "history-not-whole" and not outcome.would_write:
                return _told(id, outcome, "unchanged", conflicts)
            if outcome.refused_for:
                why = _WHY[outcome.refused_for]
                return _told(id, outcome, "failed", conflicts, why, outcome.refusal)
            if not outcome.would_write:
                return _told(id, outcome, "unchanged", conflicts)
            if authority is None:
                return _told(id, outcome, "would-change", conflicts)
            recalculate.write(
                facet,
                id,
                outcome,
                actor=authority.actor,
                reason=authority.reason,
                operation_id=operation_id,
                announce=authority.announce,
            )
        except SequenceConflict as error:
            conflicts += 1
            if conflicts == ATTEMPTS:
                return Settled(id, "failed", "conflict", str(error), conflicts=conflicts)
            time.sleep(random.uniform(0, min(0.5, 0.01 * 2**conflicts)))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one entity, the others go on
            return Settled(id, "failed", *_named(facet, error), conflicts=conflicts)
        else:
            return _told(id, outcome, "changed", conflicts, operation_id=operation_id)


def settle_all(
    settle: Callable[[str], Settled], ids: Iterable[str], *, workers: int, stopping: Callable[[], bool]
) -> Iterator[Settled]:
    """Settle entities on `workers` threads, in the order in which they are done.

    Takes from `ids` no more than it can soon use. Once `stopping` says so, those that are begun are finished, and no
    other is.
    """
    todo = iter(ids)
    done: SimpleQueue[Future[Settled]] = SimpleQueue()
    running: set[Future[Settled]] = set()
    with (
        _connections_closed() as note_connection,
        ThreadPoolExecutor(workers, "recalculate", note_connection) as pool,
    ):
        try:
            while True:
                while len(running) < 2 * workers and not stopping():
                    id = next(todo, None)
                    if id is None:
                        break
                    future = pool.submit(settle, id)
                    running.add(future)
                    future.add_done_callback(done.put)
                if not running:
                    return
                if stopping():
                    running -= {future for future in running if future.cancel()}
                    if not running:
                        return
                future = done.get()
                if future in running:
                    running.remove(future)
                    yield future.result()
        finally:
            for future in running:
                future.cancel()


@contextmanager
def _connections_closed() -> Iterator[Callable[[], None]]:
    """Close the connections of threads that have ended; each calls what this gives, when it begins."""
    noted: list[BaseDatabaseWrapper] = []

    def note() -> None:
        connection = connections["default"]
        # So that another thread may close it.
        connection.inc_thread_sharing()
        noted.append(connection)

    try:
        yield note
    finally:
        for connection in noted:
            connection.close()


def _told(
    id: str,
    outcome: Outcome,
    result: Result,
    conflicts: int,
    why: Why | None = None,
    error: str = "",
    operation_id: str | None = None,
) -> Settled:
    return Settled(
        id,
        result,
        why,
        error,
        seq=outcome.seq,
        stored_seq=outcome.stored_seq,
        events=outcome.events_read,
        changes=outcome.changes,
        unruled=outcome.unruled,
        messages={kind: count for kind, count in outcome.messages.counts.items() if count},
        faults=[str(fault) for fault in outcome.faults[:10]],
        conflicts=conflicts,
        operation_id=operation_id,
    )


def _named(facet: Facet, error: Exception) -> tuple[Why, str]:
    match error:
        case TableNotFound():
            return "no-such-table", str(error)
        case AuditUnavailable():
            return "not-recorded", f"The audit trail cannot be written, so nothing was. {error}"
        case StoreUnavailable(maybe_written=True):
            return "unavailable", f"{error} Whether it was written is not known; run it again to see."
        case StoreUnavailable():
            return "unavailable", str(error)
        case InvalidRecord():
            return "unreadable", error.reason
        case FacetError():
            return "error", str(error)
    if isinstance(facet.processor, TypedProcessor) and facet.processor.sensitive:
        # What it may quote is not known here.
        return "error", type(error).__name__
    return "error", f"{type(error).__name__}: {error}"
