"""One entity: its state beside its history, a page of it at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe
from django.views.decorators.vary import vary_on_headers

from facets import directory, registry
from facets.conf import current_table
from facets.core import Record
from facets.core.records import STATE_KEY, partition_key
from facets.core.unreadable import StoredRecord
from facets.definitions import display
from facets.definitions.definition import FacetDefinition, humanize
from facets.definitions.highlight import marked
from facets.definitions.number_input import read_seq
from facets.entities import stored_text, time_input, timeline
from facets.entities.effects import Changed, changed
from facets.entities.filters import Filters
from facets.entities.reader import Reader, Reading
from facets.views.long_replay import history_of
from facets.views.past_context import beside_state
from facets.views.permissions import control, may, require_view
from facets.views.time_travel import asks_for_moment, moment_page
from hdeadmin.htmx import HtmxRequest

# DynamoDB has no longer keys, and refuses to be asked for one.
LONGEST_KEY = 2048  # bytes of UTF-8

# More rows at once than this are not asked of the store, and more than that not unfolded.
MOST_ROWS = 1_000
MOST_UNFOLDED = 200
MOST_UNFOLDED_TEXT = 2_000_000  # characters of their payloads


@dataclass(frozen=True, slots=True)
class Asked:
    """What an address asks of the history: a place in it, how much, and what of it."""

    event: int | None
    before: int | None
    after: int | None
    rows: int
    unfold: bool
    everything: bool
    filters: Filters

    @classmethod
    def of(cls, query: QueryDict) -> "Asked":
        before, after = number(query.get("before")), number(query.get("after"))
        return cls(
            event=number(query.get("event")),
            before=before,
            after=None if before is not None else after,
            rows=min(max(number(query.get("rows")) or timeline.PAGE, 1), MOST_ROWS),
            unfold=bool(query.get("unfold")),
            everything=bool(query.get("all")),
            filters=Filters.of(query),
        )

    def address(self, entity_url: str, **place: int | None) -> str:
        """The entity's page at another place, all else as it is."""
        pairs = self.filters.query()
        pairs += [("rows", str(self.rows))] if self.rows != timeline.PAGE else []
        pairs += [("unfold", "1")] if self.unfold else []
        pairs += [(name, str(seq)) for name, seq in place.items() if seq is not None]
        return f"{entity_url}?{urlencode(pairs)}" if pairs else entity_url


@require_safe
@vary_on_headers("HX-Request")
def entity(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """The state and one page of the history, newest first. To htmx, the page of the history alone.

    `?event=SEQ` shows the event among its neighbours, `?before=SEQ` those below it, `?after=SEQ` those above it,
    `?go=SEQ` and `?near=MOMENT` lead to an event: that one, or the last until then. What Filters reads narrows it
    down; `?rows=N` shows more at once, `?unfold=1` their payloads, `?all=1` all of each. `?raw=RNG` is one record as
    it is stored. `?seq=N` and `?at=MOMENT` show the entity as it was.
    404: there is no such entity.
    """
    require_view(request, facet)
    if not fits_a_key(facet, entity_id):
        return missing(request, facet, entity_id)
    definition = registry.get(facet)
    sensitive = definition.sensitive_fields if definition else ()
    reader = Reader(current_table().db(facet), entity_id, definition.events if definition else ())
    if "raw" in request.GET:
        return _raw(reader, request, definition, sensitive)
    if asks_for_moment(request):
        return moment_page(request, facet, entity_id) or missing(request, facet, entity_id)
    entity_url = reverse("entity", args=[facet, entity_id])
    problem = ""
    if go := request.GET.get("go", "").strip():
        if (seq := read_seq(go)) is not None:
            return redirect(event_url(entity_url, seq))
        problem = f"“{go[:60]}” is not the number of an event."
    asked = Asked.of(request.GET)
    if near := request.GET.get("near", "").strip():
        zone = time_input.zone_of(request.GET.get("zone", ""), timezone.get_current_timezone())
        try:
            seq = reader.seq_at(time_input.read(near, zone).ts)
        except time_input.NoSuchMoment as error:
            problem = str(error)
        else:
            if seq is not None:
                place = {"before": seq + 1} if asked.filters else {"event": seq}
                return redirect(asked.address(entity_url, **place) + f"#event-{seq}")
    reading = read_page(reader, asked, definition)
    if not reading.exists:
        directory.forget(facet, entity_id)
        return missing(request, facet, entity_id)
    if reading.state:
        directory.note(reading.state)
    if asked.unfold and sum(len(record.itm) for record in reading.records) > MOST_UNFOLDED_TEXT:
        # It takes half a second for each that is as large as can be; one by one they unfold at once.
        asked = replace(asked, unfold=False)
    context = history_context(request, facet, entity_id, asked, reading, sensitive) | {"problem": problem}
    if request.htmx:
        return render(request, "facets/_timeline.html", context)
    context |= state_context(request, facet, asked, reading, sensitive, context["rows"])
    return render(request, "facets/entity.html", context)


def read_page(reader: Reader, asked: Asked, definition: FacetDefinition[Any] | None) -> Reading:
    """The records of the place in the history that was asked for; words are looked for in what is not masked."""
    if not asked.filters:
        return reader.page(before=asked.before, after=asked.after, around=asked.event, limit=asked.rows)
    return reader.filtered(
        asked.filters,
        before=asked.before if asked.event is None else asked.event + 1,
        limit=asked.rows,
        definition=definition,
    )


def history_context(
    request: HttpRequest,
    facet: str,
    entity_id: str,
    asked: Asked,
    reading: Reading,
    sensitive: Sequence[str],
    *,
    unfold: bool = False,
) -> dict[str, Any]:
    """What a page of the history shows, sensitive paths masked; none where they were revealed.

    `unfold` unfolds every event, whatever was asked.
    """
    definition = registry.get(facet)
    entity_url = reverse("entity", args=[facet, entity_id])
    found = changed(history_of(definition, entity_id), reading, sensitive) if definition else {}
    return {
        "facet": facet,
        "entity_id": entity_id,
        "entity_url": entity_url,
        "definition": definition,
        "append": control(request, facet, "append"),
        "on_record": may(request, facet, "audit"),
        **_history(
            facet,
            entity_id,
            replace(asked, unfold=True) if unfold else asked,
            reading,
            entity_url,
            definition,
            sensitive,
            found,
        ),
    }


def state_context(
    request: HttpRequest,
    facet: str,
    asked: Asked,
    reading: Reading,
    sensitive: Sequence[str],
    rows: Sequence[timeline.TimelineRow],
) -> dict[str, Any]:
    """What the whole page shows beside its history, whose `rows` say what the last event changed."""
    definition = registry.get(facet)
    state = reading.state
    budget = timeline.WHOLE if asked.everything else timeline.USUAL
    schema = definition.state if definition else None
    last = state or next(reversed(reading.records), None)
    payload = timeline.payload(state, schema, sensitive=sensitive, budget=budget) if state else None
    latest = next((row.changed for row in rows if state and row.seq == state.seq and row.changed), None)
    if payload and latest:
        payload = replace(payload, rows=marked(payload.rows, latest.paths))
    past: dict[str, Any] = {}
    if definition and last:
        past = beside_state(definition, last.entity_id, reading, sensitive, filtered=bool(asked.filters))
    return {
        **past,
        "state": state,
        "state_payload": payload,
        "marked": bool(payload and any(row.changed for row in payload.rows)),
        "last": last,
        "recalculate": control(request, facet, "recalculate"),
        "export": control(request, facet, "export"),
        # Where nothing is masked, nothing can be revealed.
        "reveal": control(request, facet, "reveal") if definition and definition.sensitive_fields else None,
        "reveal_query": request.GET.urlencode(),
    }


def _history(
    facet: str,
    entity_id: str,
    asked: Asked,
    reading: Reading,
    entity_url: str,
    definition: FacetDefinition[Any] | None,
    sensitive: Sequence[str],
    effects: Mapping[tuple[int, str], Changed],
) -> dict[str, Any]:
    """What the timeline shows."""
    seqs = {record.seq for record in reading.records}
    unfold = (
        seqs if asked.unfold and len(seqs) <= MOST_UNFOLDED else {seq for seq in seqs if seq == asked.event}
    )
    rows = timeline.rows(
        reading.records,
        definition,
        sensitive=sensitive,
        state=reading.state,
        found=asked.event,
        unfold=unfold,
        unread=reading.messages_unread,
        changed=effects,
        budget=timeline.WHOLE if asked.everything else timeline.BRIEF,
    )
    here = {"event": asked.event, "before": asked.before, "after": asked.after}
    placed = asked.before is not None or asked.after is not None
    types = sorted(
        {*reading.inbound_types, *(record.typ for record in reading.records if record.kind == "INBOUND")}
    )
    sent = sorted(
        {*reading.outbound_types, *(record.typ for record in reading.records if record.kind == "OUTBOUND")}
    )
    return {
        "asked": asked,
        "reading": reading,
        "rows": rows,
        "detail_address": _around_seq(reverse("event", args=[facet, 0, entity_id])),
        "seq": reading.last_seq,
        # What they did is known only after those before them.
        "replayed": bool(effects) and min(seqs) > 1,
        "not_replayed": max(seqs) if definition and seqs and not effects else None,
        "faults": reading.faults,
        "found": asked.event if asked.event in seqs else None,
        # Elsewhere than where the event is, it is not missing.
        "not_found": asked.event
        if asked.event not in (None, *seqs) and not placed and not asked.filters
        else None,
        "older_url": asked.address(entity_url, before=reading.older) if reading.older is not None else None,
        "newer_url": asked.address(entity_url, after=reading.newer)
        if reading.newer is not None and not asked.filters
        else None,
        "newest_url": asked.address(entity_url) if placed or reading.newer is not None else None,
        "unfold_url": None if asked.unfold else asked.address(entity_url, **here, unfold=1),
        "type_choices": [
            ("Events", [(type, _title(type, definition), type in asked.filters.types) for type in types]),
            ("Messages", [(type, humanize(type), type in asked.filters.types) for type in sent]),
        ],
    }


def _around_seq(url: str) -> dict[str, str]:
    """What stands before and behind the seq 0 in the address of an event: names hold no slash, so it is the first."""
    before, after = url.split("/event/0/", 1)
    return {"before": f"{before}/event/", "after": f"/{after}"}


def _title(type: str, definition: FacetDefinition[Any] | None) -> str:
    event_type = definition.events.get(type) if definition else None
    return event_type.title if event_type else humanize(type)


def read(facet: str, entity_id: str) -> list[StoredRecord]:
    """All of an entity's records in history order; none where there is no such entity."""
    return current_table().db(facet).get_records(entity_id) if fits_a_key(facet, entity_id) else []


def fits_a_key(facet: str, entity_id: str) -> bool:
    """Whether there can be such an entity."""
    return len(partition_key(facet, entity_id).encode(errors="replace")) <= LONGEST_KEY


def missing(request: HttpRequest, facet: str, entity_id: str) -> HttpResponse:
    """404, with what the person may have meant."""
    definition = registry.get(facet)
    guesses = [entity_id.strip(), entity_id.strip().removeprefix(f"{facet}/"), entity_id.rstrip("/")]
    context = {
        "facet": facet,
        "entity_id": entity_id,
        "definition": definition,
        "guesses": list(dict.fromkeys(guess for guess in guesses if guess and guess != entity_id)),
        "append": control(request, facet, "append"),
    }
    return render(request, "facets/entity_missing.html", context, status=404)


def event_url(entity_url: str, seq: int) -> str:
    """An event's own link."""
    return f"{entity_url}?{urlencode({'event': seq})}#event-{seq}"


def number(text: str | None) -> int | None:
    """A seq out of an address; None for what cannot be one."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else None


def _raw(
    reader: Reader,
    request: HttpRequest,
    definition: FacetDefinition[Any] | None,
    sensitive: Sequence[str],
) -> HttpResponse:
    """One record; with `?part=itm` its payload alone, as it is stored."""
    rng = request.GET["raw"]
    if rng == STATE_KEY:
        state = reader.db.get_state(reader.id)
        records = [state] if state else []
    else:
        parts = rng.split("/")
        seq = number(parts[-2] if parts[0] == "OUTBOUND" and len(parts) > 3 else parts[-1])
        records = reader.one(seq) if seq is not None else []
    record = next((record for record in records if record.rng == rng), None)
    if record is None:
        raise Http404("The entity has no such record.")
    itm = stored_text.payload_text(record, definition, sensitive=sensitive)
    if request.GET.get("part") == "itm":
        return HttpResponse(itm, content_type="text/plain; charset=utf-8")
    attributes: dict[str, Any] = {
        f"_{name}": getattr(record, name)
        for name in ("id", "rng", "facet", "typ", "seq", "ts", "date", "itm", "meta")
        if getattr(record, name) is not None
    }
    attributes["_itm"] = itm
    if record.meta is not None:
        others: list[Record] = []
        if sensitive:
            around = reader.page(around=record.seq, limit=timeline.PAGE)
            others = [other for other in around.records if other.typ == record.typ]
            others += [around.state] if around.state else []
        attributes["_meta"] = stored_text.meta_text(record, sensitive=sensitive, others=others)
    return HttpResponse(display.indented(attributes), content_type="text/plain; charset=utf-8")
