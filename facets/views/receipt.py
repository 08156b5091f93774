"""The receipt of an append: made from the records each time, so that its link works for everybody and for good."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from facets import registry
from facets.conf import current_table
from facets.core import Event, FacetError, InvalidRecord, StoreUnavailable, TableNotFound
from facets.core.diff import Change, diff
from facets.core.json import JSON
from facets.core.processor import Processor
from facets.core.records import partition_key
from facets.core.store import MAX_RECORDS
from facets.core.unreadable import StoredRecord, UnreadableRecord
from facets.definitions import display
from facets.definitions.definition import FacetDefinition, humanize, in_words
from facets.entities import metadata, timeline
from facets.views.entity import LONGEST_KEY, read
from facets.views.permissions import control, may, require_view
from hdeadmin.audit.models import AuditEntry

# A longer history is not replayed for a page.
MAX_REPLAY = 5_000  # events
_TOO_LONG = f"That takes a replay of more than {MAX_REPLAY:,} events."


@dataclass(frozen=True, slots=True)
class _Difference:
    """What the append changed; `unknown` says why that cannot be told."""

    changes: list[Change]
    unknown: str = ""


@require_safe
def receipt(request: HttpRequest, facet: str, operation_id: UUID, entity_id: str) -> HttpResponse:
    """What one operation appended to an entity. 404: the entity has no event of it.

    `?seq=SEQ`, the seq of one of its events, says where to look in a long history, which is not read whole then.
    """
    require_view(request, facet)
    definition = registry.get(facet)
    sensitive = definition.sensitive_fields if definition else ()
    stored, newest, whole = _records(facet, entity_id, str(operation_id), request.GET.get("seq", ""))
    records = [record for record in stored if not isinstance(record, UnreadableRecord)]
    appended = metadata.appended_by(records, str(operation_id))
    if not appended:
        raise Http404("Nothing was appended to this entity under that link. It may have been refused.")
    types = {record.typ for record in appended}
    # What a reason may quote beside its own event: the newest that are like it, and the state.
    quoted = [record for record in records if record.kind == "INBOUND" and record.typ in types][-20:]
    quoted += [record for record in records if record.kind == "STATE"]
    first, last = appended[0].seq, appended[-1].seq
    found = _difference(stored, definition, first, last) if whole else _Difference([], _TOO_LONG)
    context = {
        "facet": facet,
        "definition": definition,
        "entity_id": entity_id,
        "events": [
            {
                "record": record,
                "title": definition.events[record.typ].title
                if definition and record.typ in definition.events
                else record.typ,
                "sentence": timeline.sentence(record, definition),
                "origin": timeline.origin(record, sensitive=sensitive, others=quoted),
            }
            for record in appended
        ],
        "origin": timeline.origin(appended[0], sensitive=sensitive, others=quoted),
        "ts": appended[0].ts,
        "first": first,
        "last": last,
        "newest": newest,
        "changes": display.changes(
            found.changes,
            definition.label if definition else humanize,
            sensitive=sensitive,
            heading=definition.heading if definition else None,
        ),
        "unknown": found.unknown,
        # Not `messages`, which is what Django tells the person once.
        "messages_sent": [
            {
                "type": record.typ,
                "payload": timeline.payload(record, None, sensitive=sensitive),
                "index": record.index,
            }
            for record in records
            if record.kind == "OUTBOUND" and record.seq == last
        ],
        "again": "again" in request.GET,
        "append": control(request, facet, "append"),
        "audit_entry": _entry(facet, entity_id, str(operation_id)) if may(request, facet, "audit") else None,
    }
    return render(request, "facets/receipt.html", context)


def _entry(facet: str, entity_id: str, operation_id: str) -> int | None:
    """The number of the audit entry that announced the append; None for one that is not on record here."""
    entries = AuditEntry.objects.filter(
        operation_id=operation_id, facet=facet, entity=entity_id, phase=AuditEntry.Phase.INTENT
    )
    return entries.order_by("number").values_list("number", flat=True).first()


def _records(facet: str, entity_id: str, operation_id: str, seq: str) -> tuple[list[StoredRecord], int, bool]:
    """The records to look through, the entity's seq, and whether they are all that it has."""
    db = current_table().db(facet)
    near = int(seq) if seq.isascii() and seq.isdecimal() and 0 < len(seq) < 20 else 0
    if near and len(partition_key(facet, entity_id).encode(errors="replace")) <= LONGEST_KEY:
        state = db.read_state(entity_id)
        if state is not None and (state.seq or 0) > MAX_REPLAY:
            # The other events of the same append are nearer than an append is long.
            after = max(0, near - MAX_RECORDS)
            page = db.get_page(entity_id, after=after, limit=2 * MAX_RECORDS)
            records = page.records
            last = max((r.seq for r in metadata.appended_by(records, operation_id)), default=0)
            if any(last in seqs for seqs in page.messages_unread):
                records = [r for r in records if r.seq != last]
                records += db.get_page(entity_id, before=last + 1, limit=1).records
            return [*records, state], state.seq or 0, False
    stored = read(facet, entity_id)
    return stored, max((record.seq or 0 for record in stored), default=0), True


def _difference(
    records: list[StoredRecord], definition: FacetDefinition[Any] | None, first: int, last: int
) -> _Difference:
    """From the state before the seq `first` to the one after `last`, by a replay."""
    if definition is None:
        return _Difference([], "The rules of this facet are not known here.")
    events = [record for record in records if record.kind == "INBOUND" and (record.seq or 0) <= last]
    inbound = [record for record in events if not isinstance(record, UnreadableRecord)]
    if len(inbound) < len(events):
        unreadable = next(record for record in events if isinstance(record, UnreadableRecord))
        return _Difference([], display.visible(f"The history cannot be replayed. {unreadable}"))
    if len(inbound) > MAX_REPLAY:
        return _Difference([], _TOO_LONG)
    if [record.seq for record in inbound] != list(range(1, last + 1)):
        return _Difference([], "The history is not whole.")
    try:
        past = [Event(record.typ, record.data) for record in inbound]
        before = _state(definition.processor, past[: first - 1])
        after = _state(definition.processor, past)
    except (StoreUnavailable, TableNotFound):
        raise
    except FacetError as error:
        reason = error.reason if isinstance(error, InvalidRecord) else str(error)
        return _Difference([], f"The history cannot be replayed: {display.visible(reason)}")
    except Exception:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
        return _Difference([], f"The history cannot be replayed: {_refusal(definition.processor, past)}")
    return _Difference(diff(before, after))


def _refusal(processor: Processor[Any], past: list[Event]) -> str:
    """What the first rule says that refuses an event, masked; hostile text made visible."""
    state: JSON = None
    for step in processor.steps(None, past):
        if step.error:
            return display.visible(in_words(processor, step.error, state, step.event.data))
        state = step.state
    return "a rule refused an event."


def _state(processor: Processor[Any], past: list[Event]) -> Any:
    return processor.process(None, past, []).state
