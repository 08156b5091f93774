"""The entity as it was: the state after an event of the past, what that event did, and the steps before and after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from facets import registry
from facets.conf import current_table
from facets.core import Record
from facets.core.diff import diff
from facets.core.json import JSON
from facets.definitions import display
from facets.definitions.definition import FacetDefinition, humanize
from facets.definitions.highlight import marked
from facets.definitions.masking import mask, redact
from facets.definitions.number_input import read_seq
from facets.entities import replay, time_input, timeline
from facets.entities.drift import drift
from facets.entities.reader import Reader, Reading
from facets.entities.replay import Effect, Position
from facets.entities.time_input import Moment, NoSuchMoment
from facets.views.drift_context import shown
from facets.views.long_replay import entity_context, history_of, run, under_way
from facets.views.permissions import UNDEFINED, control
from hdeadmin.htmx import HtmxRequest

# How many events stand around the one that is shown.
AROUND = 15

# Of an event's changes, how many its row tells.
MAX_CHANGES = 4
MAX_FAILURES = 20


@dataclass(frozen=True, slots=True)
class StepRow:
    """One event near the moment: `when` is `later`, `now` or `earlier`. Hostile texts are made visible and masked."""

    seq: int
    url: str
    when: str
    ts: int
    sentence: str
    changes: list[dict[str, Any]]
    more: int
    error: str
    skipped: bool


def asks_for_moment(request: HttpRequest) -> bool:
    """Whether the address asks for a moment of the past."""
    return "seq" in request.GET or "at" in request.GET


def moment_page(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse | None:
    """The page of `?seq=N`, the state after event N, 0 being before the first, or of `?at=…`, what held at that time.

    `at` is an ISO date and time in `zone`, an IANA name, or else in the zone of the settings.
    None where there is no such entity. Whoever calls has asked for the right to view.
    """
    definition = registry.get(facet)
    reader = Reader(current_table().db(facet), entity_id, definition.events if definition else ())
    zone = time_input.zone_of(request.GET.get("zone", ""), timezone.get_current_timezone())
    asked, problem = None, ""
    seq = read_seq(request.GET.get("seq", ""))
    if "at" in request.GET:
        try:
            asked = time_input.read(request.GET["at"], zone)
            seq = _seq_at(reader, asked.ts)
        except NoSuchMoment as error:
            seq, problem = None, str(error)
    elif seq is None:
        problem = f"“{request.GET['seq'][:60]}” is not the number of an event."
    reading = reader.page(around=seq, limit=AROUND)
    if not reading.exists:
        return None
    if seq is not None and seq > reading.last_seq:
        problem = f"There is no event {seq}; the last is event {reading.last_seq}."
    if definition is None:
        problem = UNDEFINED
    if definition is None or seq is None or problem:
        context = {
            "facet": facet,
            "entity_id": entity_id,
            "entity_url": reverse("entity", args=[facet, entity_id]),
            "definition": definition,
            "here": "As it was",
            "region": "moment",
            "zone": str(zone),
            "last_seq": reading.last_seq,
            "problem": display.visible(problem),
        }
        return render(request, "facets/moment.html", context, status=400 if definition else 200)
    return _Page(request, definition, entity_id, reader).at(seq, reading, asked)


def _seq_at(reader: Reader, ts: int) -> int | None:
    """The last event at or before the moment; 0 where it was before the first; None where there is no event."""
    seq = reader.seq_at(ts)
    if seq is None:
        return None
    first = next((record for record in reader.one(seq) if record.kind == "INBOUND"), None)
    return 0 if first is not None and first.ts > ts else seq


class _Page:
    """One entity's page of the past, whatever it has come to."""

    def __init__(
        self, request: HttpRequest, definition: FacetDefinition[Any], entity_id: str, reader: Reader
    ) -> None:
        self.request = request
        self.reader = reader
        self.definition = definition
        self.sensitive: Sequence[str] = definition.sensitive_fields
        self.history = history_of(definition, entity_id)
        self.context = entity_context(definition, entity_id, "As it was", region="moment")
        self.url: str = self.context["entity_url"]

    def at(self, seq: int, reading: Reading, asked: Moment | None) -> HttpResponse:
        """The state after the event `seq`, or after the last one before it, where there is none."""
        last = reading.last_seq
        events = [record for record in reading.records if record.kind == "INBOUND"]
        first = events[0].seq if events else last + 1
        begin = run(self.request, self.history, first - 1)
        if not begin.ended:
            return under_way(
                self.request,
                self.context,
                done=begin.seq,
                of=first - 1,
                go_on=self.request.get_full_path(),
                doing=f"Going back to event {seq}",
            )
        found = list(replay.effects(self.definition, begin.state, replay.entries_of(events)))
        passed = [effect for effect in found if effect.seq <= seq]
        state = passed[-1].after if passed else begin.state
        now = [effect for effect in passed if effect.seq == seq]
        context = self.context | {
            "seq": seq,
            "last_seq": last,
            "asked": asked,
            "missing": seq > 0 and not now,
            "is_now": seq == last,
            "state_rows": self._state_rows(state, now),
            "state_json": display.indented(mask(state, self.sensitive)),
            "steps": [self._step(effect, events, seq) for effect in reversed(found)],
            "acts": [self._act(effect, events, reading.state) for effect in now],
            "sent": self._sent(seq, reading, events),
            "failures": self._failures(begin, passed[: -len(now)] if now else passed),
            "drift": self._drift(begin, found, state, reading) if seq == last else None,
            "recalculate": control(self.request, self.definition.name, "recalculate"),
            **self._ways(seq, [effect.seq for effect in found], last),
        }
        return render(self.request, "facets/moment.html", context)

    def _url(self, seq: int) -> str:
        return f"{self.url}?{urlencode({'seq': seq})}"

    def _ways(self, seq: int, seqs: Sequence[int], last: int) -> dict[str, Any]:
        """Where one step back and one step on lead; None at the ends."""
        back = max((each for each in seqs if each < seq), default=0 if seq else None)
        on = min((each for each in seqs if each > seq), default=None)
        return {
            "back_seq": back,
            "back_url": self._url(back) if back is not None else None,
            "on_seq": on,
            "on_url": self._url(on) if on is not None else None,
            "first_url": self._url(0) if seq else None,
            "last_url": self._url(last) if seq != last else None,
        }

    def _state_rows(self, state: JSON, now: Sequence[Effect]) -> list[display.Row]:
        changes = diff(now[0].before, now[-1].after) if now else []
        rows = display.rows(mask(state, self.sensitive), self.definition.state)
        return marked(rows, changes)

    def _step(self, effect: Effect, events: Sequence[Record], seq: int) -> StepRow:
        record = _record_of(effect, events)
        changes = display.changes(
            effect.changes, self.definition.label, sensitive=self.sensitive, show=display.brief
        )
        return StepRow(
            seq=effect.seq,
            url=self._url(effect.seq),
            when="now" if effect.seq == seq else "later" if effect.seq > seq else "earlier",
            ts=effect.ts,
            sentence=timeline.sentence(record, self.definition, sensitive=self.sensitive),
            changes=changes[:MAX_CHANGES],
            more=max(0, len(changes) - MAX_CHANGES),
            error=self._said(effect),
            skipped=effect.skipped,
        )

    def _act(self, effect: Effect, events: Sequence[Record], stored: Record | None) -> dict[str, Any]:
        """What the event of the moment was, who appended it, and what it did."""
        record = _record_of(effect, events)
        event_type = self.definition.events.get(effect.type)
        return {
            "sentence": timeline.sentence(record, self.definition, sensitive=self.sensitive),
            "type": display.visible(effect.type),
            "raw": record.rng,
            "ts": effect.ts,
            "origin": timeline.origin(
                record,
                sensitive=self.sensitive,
                others=[
                    *(other for other in events if other.typ == record.typ),
                    *([stored] if stored else []),
                ],
            ),
            "payload": timeline.payload(
                record, event_type.schema if event_type else None, sensitive=self.sensitive
            ),
            "changes": display.changes(
                effect.changes,
                self.definition.label,
                sensitive=self.sensitive,
                heading=self.definition.heading,
            ),
            "error": self._said(effect),
            "skipped": effect.skipped,
            "published": [display.visible(event.type) for event in effect.published],
        }

    def _said(self, effect: Effect) -> str:
        return display.visible(redact(effect.error, self.sensitive, effect.data, effect.before))

    def _sent(self, seq: int, reading: Reading, events: Sequence[Record]) -> dict[str, Any] | None:
        """The messages of the append that the event belongs to, which are stored under the last event of it."""
        event = next((record for record in events if record.seq == seq), None)
        if event is None:
            return None
        of_append = [record for record in events if record.ts == event.ts and record.seq >= seq]
        end = of_append[0].seq
        for record in of_append:
            if record.seq > end + 1:
                break
            end = record.seq
        records: Sequence[Record] = reading.records
        append = range(seq, end + 1)
        if any(each in part for part in reading.messages_unread for each in append):
            records = [record for each in append for record in self.reader.one(each)]
        messages = [record for record in records if record.kind == "OUTBOUND" and record.seq in append]
        return {
            "under": messages[-1].seq if messages and messages[-1].seq != seq else None,
            "messages": [
                {
                    "title": display.visible(humanize(message.typ)),
                    "type": display.visible(message.typ),
                    "raw": message.rng,
                    "payload": timeline.payload(message, None, sensitive=self.sensitive),
                }
                for message in messages
            ],
        }

    def _drift(
        self, begin: Position, found: Sequence[Effect], state: JSON, reading: Reading
    ) -> dict[str, Any]:
        failures = begin.failure_count + sum(bool(effect.error) for effect in found)
        end = Position(seq=reading.last_seq, state=state, failure_count=failures)
        return shown(
            drift(self.history, end, reading.state), self.definition, self.sensitive, self.history.id
        )

    def _failures(self, begin: Position, passed: Sequence[Effect]) -> dict[str, Any] | None:
        """The events before the moment that the rules refuse: what they would have done is not in the state."""
        seqs = [failure.seq for failure in begin.failures]
        refused = [effect.seq for effect in passed if effect.error]
        count = begin.failure_count + len(refused)
        if not count:
            return None
        seqs = (seqs + refused)[:MAX_FAILURES]
        return {"count": count, "events": [(seq, self._url(seq)) for seq in seqs], "more": count - len(seqs)}


def _record_of(effect: Effect, events: Sequence[Record]) -> Record:
    return next(
        record
        for record in events
        if record.seq == effect.seq and record.rng[8:].rpartition("/")[0] == effect.type
    )
