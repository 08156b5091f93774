"""Find out what came of a write of which only the intent is on record: the process died, or the answer was lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import close_old_connections, connection

from facets import registry
from facets.changes.audited_write import MAX_VALUE, Ending, is_of
from facets.conf import current_table
from facets.core import Event, FacetError, json
from facets.core.diff import same
from facets.core.facet import Facet
from facets.core.records import Record, state_record
from facets.core.store import MAX_RECORDS, EventStore
from facets.definitions.masking import BULLETS
from facets.entities.metadata import appended_by, meta_of
from hdeadmin.audit import checks, log
from hdeadmin.audit.models import AuditEntry

logger = logging.getLogger(__name__)

# Longer than any request lasts, its calls to AWS and their repetitions included: a younger intent may be under way.
SETTLE_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an intent, and how that is known, in words for an auditor."""

    ending: Ending
    evidence: str


@dataclass(frozen=True, slots=True)
class Settled:
    """An intent, and what came of it; `verdict` is None where the table did not say, and `problem` tells why."""

    intent: AuditEntry
    verdict: Verdict | None
    problem: str = ""


def settle(*, after: timedelta = SETTLE_AFTER, by: str) -> Iterator[Settled]:
    """Judge each intent that is older than `after` and has no outcome, and put the outcome on record.

    Raises:
        AuditUnavailable
    """
    for intent in log.open_intents().filter(at__lt=datetime.now(UTC) - after):
        try:
            verdict = judge(intent)
        except FacetError as error:
            # It stays open; the next look may find the table.
            yield Settled(intent, None, str(error))
            continue
        details = {"settled": True, "evidence": verdict.evidence}
        if log.record_outcome(intent, verdict.ending, user=by, details=details):
            yield Settled(intent, verdict)


def judge(intent: AuditEntry) -> Verdict:
    """What came of an intent that can no longer be under way, from what is stored.

    Raises:
        TableNotFound, StoreUnavailable, InvalidRecord
    """
    db = current_table().db(intent.facet)
    if intent.action == "append":
        return _judge_append(db, intent)
    return _judge_recalculation(db, intent)


def keep_settling(*, after: timedelta = SETTLE_AFTER, sleep: Callable[[float], object] = time.sleep) -> None:
    """At the start of a server and for as long as it runs: say what is wrong with the trail, settle what is open."""
    guarded = False
    while True:
        try:
            close_old_connections()
            if not guarded:
                for problem in checks.problems():
                    logger.error("Audit trail: %s", problem)
                guarded = True
            for settled in settle(after=after, by="hdeadmin, at work"):
                logger.warning("Audit trail: %s", in_words(settled))
        except Exception:  # whatever is out of reach now may answer next time
            logger.exception("The audit trail could not be looked after")
        finally:
            connection.close()
        sleep(after.total_seconds())


def in_words(settled: Settled) -> str:
    intent = settled.intent
    what = f"intent {intent.number}, {intent.action} of {intent.facet}/{intent.entity} by {intent.person}"
    if settled.verdict is None:
        return f"{what}: still open. {settled.problem}"
    return f"{what}: {settled.verdict.ending}. {settled.verdict.evidence}"


def _judge_append(db: EventStore, intent: AuditEntry) -> Verdict:
    """Its events bear the operation's id, and nobody takes an event away."""
    before = intent.seq_before if intent.seq_before is not None else int(intent.details.get("seq_before", 0))
    page = db.get_page(intent.entity, after=before, limit=MAX_RECORDS)
    inbound = [record for record in page.records if record.kind == "INBOUND"]
    if mine := appended_by(inbound, intent.operation_id):
        return Verdict("applied", f"Event {mine[0].seq} bears the operation’s id.")
    if inbound:
        return Verdict("not-applied", f"Event {inbound[0].seq} is of another operation.")
    return Verdict("not-applied", f"The entity has no event after {before}.")


def _judge_recalculation(db: EventStore, intent: AuditEntry) -> Verdict:
    """STATE bears the operation's id until the next write; after that, what the next write began with tells."""
    state = db.get_state(intent.entity)
    before, after = (str(intent.details.get(name, "")) for name in ("before", "after"))
    if state is not None and meta_of(state).get("operation_id") == intent.operation_id:
        return Verdict("applied", "The stored state bears the operation’s id.")
    if is_of(after, state):
        return Verdict("applied", "The stored state is the one that it was to write.")
    if is_of(before, state):
        return Verdict("not-applied", "The stored state is the one that it was to replace.")
    return _by_the_next_write(intent, before, after) or _by_what_followed(db, intent, state)


def _by_the_next_write(intent: AuditEntry, before: str, after: str) -> Verdict | None:
    """By other writes of the console, each of which says what it began with, and is made on nothing else."""
    others = AuditEntry.objects.filter(facet=intent.facet, entity=intent.entity, phase="intent")
    for other in others.exclude(number=intent.number).order_by("number"):
        began_with = other.details.get("before")
        if began_with == after:
            return Verdict(
                "applied", f"The write of entry {other.number} began with the state that it wrote."
            )
        if began_with == before and _was_applied(other):
            return Verdict(
                "not-applied", f"The write of entry {other.number} replaced the state that it was to replace."
            )
    return None


def _was_applied(intent: AuditEntry) -> bool:
    return AuditEntry.objects.filter(intent=intent.number, result="applied").exists()


def _by_what_followed(db: EventStore, intent: AuditEntry, state: Record | None) -> Verdict:
    """By the events that others appended since: whether the state now follows from the one state or from the other."""
    unknown = "The state was replaced since by another program"
    definition = registry.get(intent.facet)
    if state is None or definition is None or intent.seq_after is None:
        return Verdict("unknown", f"{unknown}, and there is nothing left to tell by.")
    facet = definition.facet(db)
    history = db.get_log(intent.entity)
    past = [
        Event(entry.type, json.loads(entry.itm)) for entry in history.entries if entry.seq <= intent.seq_after
    ]
    later = [
        Event(entry.type, json.loads(entry.itm)) for entry in history.entries if entry.seq > intent.seq_after
    ]
    if not later:
        return Verdict("unknown", f"{unknown}, at the same seq.")
    try:
        written = facet.processor.process(None, past).state
        replaced = _taken_back(written, intent)
        if not _is_what_was_announced(facet, intent, json.dumps(written)) or replaced is None:
            return Verdict("unknown", f"{unknown}, and what it was to write cannot be made again.")
        if_applied = facet.processor.process(written, [], later).state
        if_not = facet.processor.process(replaced, [], later).state
    except FacetError:
        raise
    except Exception as error:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
        return Verdict("unknown", f"{unknown}, and the rules refuse its history: {type(error).__name__}.")
    follows, follows_not = same(if_applied, state.data), same(if_not, state.data)
    if follows == follows_not:
        return Verdict(
            "unknown", f"{unknown}, and the state now follows from {'both' if follows else 'neither'}."
        )
    if follows:
        return Verdict("applied", "The state now is what later events made of the state that it wrote.")
    return Verdict(
        "not-applied", "The state now is what later events made of the state that it was to replace."
    )


def _is_what_was_announced(facet: Facet, intent: AuditEntry, itm: str) -> bool:
    ts = intent.details.get("ts_after")
    if type(ts) is not int or intent.seq_after is None:
        return False
    record = state_record(facet.name, intent.entity, intent.seq_after, itm, 0)
    return is_of(str(intent.details.get("after")), replace(record, ts=ts))


def _taken_back(state: Any, intent: AuditEntry) -> Any:
    """The state before the intent's changes; None where not all of them are on record, since some were masked."""
    changes = intent.changes
    if len(changes) != intent.details.get("changes"):
        return None
    state = json.copy(state)
    for change in reversed(changes):
        path: Sequence[Any] = change["path"]
        texts = [change[name] for name in ("old", "new") if name in change]
        if not path or any(BULLETS in text or len(text) > MAX_VALUE for text in texts):
            return None
        place = state
        for key in path[:-1]:
            place = place[key]
        if isinstance(place, list) and change["kind"] != "changed":
            # Places in a list shift; that is not worked out here.
            return None
        if change["kind"] == "added":
            del place[path[-1]]
        else:
            place[path[-1]] = json.loads(change["old"])
    return state
