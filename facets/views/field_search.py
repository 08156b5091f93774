"""When did this become true? The first event after which something held of a field, and the next ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.views.decorators.http import require_safe

from facets.core.json import JSON
from facets.core.streaming import StreamEntry
from facets.definitions import FacetDefinition, display
from facets.definitions.masking import mask
from facets.entities import field_search, timeline
from facets.entities.field_search import Condition, NotAsked
from facets.entities.replay import History, Values, value_at
from facets.views.entity import missing
from facets.views.long_replay import end_of, entity_context, history_of, run, under_way
from facets.views.permissions import require_definition
from hdeadmin.htmx import HtmxRequest

# How many answers one look lists.
MAX_FOUND = 20


@dataclass(slots=True)
class Spell:
    """From `seq` on it held, `before` being the value until then; until `end`, None where it did not end in what was read."""

    seq: int
    ts: int
    value: JSON
    before: JSON
    end: int | None = None


@dataclass(slots=True)
class Search:
    """Looks through values for the spells in which a condition holds; each change is a spell of its own."""

    condition: Condition
    value: JSON
    held: bool
    sensitive: Sequence[str]
    found: list[Spell] = field(default_factory=list)
    more: int = 0

    def watch(self, values: Sequence[tuple[StreamEntry, Values]]) -> bool:
        for entry, (plain,) in values:
            value = _masked(plain, self.condition, self.sensitive)
            holds = self.condition.holds(value, self.value)
            if holds and (self.condition.is_change or not self.held):
                if len(self.found) < MAX_FOUND:
                    self.found.append(Spell(entry.seq, entry.ts, value, self.value))
                else:
                    self.more += 1
            elif self.held and not holds and self.found and not self.more and self.found[-1].end is None:
                self.found[-1].end = entry.seq
            self.held, self.value = holds, value
        return bool(self.found)

    def lasts(self, spell: Spell) -> bool:
        """Whether it still held at the end of what was read."""
        return self.held and not self.more and not self.condition.is_change and spell is self.found[-1]


@require_safe
def when(request: HtmxRequest, facet: str, entity_id: str) -> HttpResponse:
    """`?field=balance&is=lt&value=0` finds the first event after which the balance was below 0.

    `from` begins after that event; `at` is where a look that is under way has come to.

    400: the question makes no sense; it says why. 404: there is no such entity.
    """
    definition = require_definition(request, facet, "view")
    history = history_of(definition, entity_id)
    end = end_of(history)
    if end is None:
        return missing(request, facet, entity_id)
    last, _ = end
    fields = field_search.fields(definition, definition.sensitive_fields)
    asked = request.GET
    context = entity_context(definition, entity_id, "When did this become true?", region="when") | {
        "fields": fields,
        "operations": field_search.TITLES.items(),
        "without_value": field_search.WITHOUT_VALUE,
        "asked": {name: asked.get(name, "") for name in ("field", "is", "value")},
        "last_seq": last,
        "some_hidden": bool(definition.sensitive_fields),
    }
    if "field" not in asked:
        return render(request, "facets/when.html", context)
    try:
        condition = field_search.condition(
            fields, asked["field"], asked.get("is", ""), asked.get("value", "")
        )
    except NotAsked as error:
        context |= {
            "problem": str(error),
            "readings": [(number, f"?{_with(asked, value=number)}") for number in error.readings],
        }
        return render(request, "facets/when.html", context, status=400)
    begin = min(_seq(asked.get("from", "")), last)
    at = min(max(begin, _seq(asked.get("at", ""))), last)
    # At the beginning for what held there; then where the last request has come to.
    for seq in sorted({begin, at}):
        position = run(request, history, seq)
        if not position.ended:
            return under_way(
                request,
                context,
                done=position.seq,
                of=seq,
                go_on=request.get_full_path(),
                doing=f"Looking for when {condition}",
            )
        plain = value_at(position.state, condition.field.path)
        value = _masked(plain, condition, definition.sensitive_fields)
        held = not condition.is_change and condition.holds(value, value)
        if seq == begin:
            context |= {"begin": begin, "held": held, "value": _shown(value), "condition": str(condition)}
    search = Search(condition, value, held, definition.sensitive_fields)
    if at < last:
        position = run(
            request, history, last, begin=position, fields=(condition.field.path,), watch=search.watch
        )
    done = position.seq if at < last and not position.ended else last
    if not search.found and done < last:
        return under_way(
            request,
            context,
            done=done,
            of=last,
            go_on=f"{request.path}?{_on(asked, at=done)}",
            doing=f"Looking for when {condition}",
        )
    context |= {
        "answered": True,
        "spells": [
            _spell(history, definition, spell, first=not place, lasts=search.lasts(spell))
            for place, spell in enumerate(search.found)
        ],
        "more": search.more,
        "read_to": done,
        "next_url": f"{request.path}?{_on(asked, **{'from': done})}" if done < last else None,
        "again_url": f"{request.path}?{_on(asked)}" if begin else None,
    }
    return render(request, "facets/when.html", context)


def _spell(
    history: History, definition: FacetDefinition[Any], spell: Spell, *, first: bool, lasts: bool
) -> dict[str, Any]:
    sentence = ""
    origin = None
    if first:
        page = history.db.get_page(history.id, before=spell.seq + 1, limit=1, inbound_types=definition.events)
        record = next(
            (record for record in page.records if record.kind == "INBOUND" and record.seq == spell.seq), None
        )
        if record is not None:
            sentence = timeline.sentence(record, definition, sensitive=definition.sensitive_fields)
            origin = timeline.origin(record, sensitive=definition.sensitive_fields)
    return {
        "seq": spell.seq,
        "ts": spell.ts,
        "end": spell.end,
        "lasts": lasts,
        "value": _shown(spell.value),
        "before": _shown(spell.before),
        "sentence": sentence,
        "origin": origin,
    }


def _masked(value: JSON, condition: Condition, sensitive: Sequence[str]) -> JSON:
    """The value without what is sensitive in it, so that no answer depends on that, nor shows it."""
    return mask(value, sensitive, under=condition.field.path.split("."))


def _shown(value: JSON) -> display.Value:
    return display.Value("absent", "not set") if value is None else display.scalar(value)


def _on(asked: QueryDict, **place: int) -> str:
    """The same question from another place: `from`, or the beginning; `at` is how far a look from there has come."""
    query = asked.copy()
    if "at" not in place:
        query.pop("from", None)
    query.pop("at", None)
    for name, seq in place.items():
        query[name] = str(seq)
    return query.urlencode()


def _with(asked: QueryDict, **changed: str) -> str:
    query = asked.copy()
    for name, value in changed.items():
        query[name] = value
    return query.urlencode()


def _seq(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0
