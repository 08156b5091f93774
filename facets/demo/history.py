"""What happened to an invented entity, and the records that the facet's real rules make of it."""

from collections.abc import Callable, Iterable
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from facets.core import Event, Processor, Record, StateUpdaterInput, json
from facets.core.json import JSON
from facets.core.processor import Rule
from facets.core.records import inbound_record, outbound_record, state_record

# What a correct writer would not have left: see `_spoil`. "misfit" is an event that its schema rejects.
Flaw = Literal["", "drifted", "gap", "twin", "state-missing", "misfit"]


class Happening(NamedTuple):
    """One event of an entity.

    `ts` is in milliseconds since 1970. `meta` says who appended it in the console, and why. One that does not fit
    its schema is stored, and no rule sees it.
    """

    ts: int
    type: str
    data: JSON
    meta: JSON | None = None
    fits: bool = True


@dataclass(slots=True)
class History:
    """One entity. `drift` changes its stored state behind the back of its events, where the flaw is "drifted"."""

    facet: str
    id: str
    happenings: list[Happening] = field(default_factory=list)
    flaw: Flaw = ""
    drift: Callable[[JSON], None] | None = None


def in_time(happenings: Iterable[Happening]) -> list[Happening]:
    """Sort by time, and give each a millisecond of its own, since each is an append of its own."""
    ordered: list[Happening] = []
    for happening in sorted(happenings, key=lambda happening: happening.ts):
        earliest = ordered[-1].ts + 1 if ordered else 0
        ordered.append(happening if happening.ts >= earliest else happening._replace(ts=earliest))
    return ordered


def records(history: History, processor: Processor[Any]) -> list[Record]:
    """The entity's records as one append for each event would have left them; STATE is the last.

    Events without a rule are stored and change nothing, as hde has it. The history's payloads are given away:
    rules may change them.
    """
    facet, id = history.facet, history.id
    made = [
        inbound_record(
            facet,
            id,
            seq,
            happening.type,
            json.dumps(happening.data),
            happening.ts,
            json.dumps(happening.meta) if happening.meta is not None else None,
        )
        for seq, happening in enumerate(history.happenings, start=1)
    ]
    readable = [
        (seq, happening) for seq, happening in enumerate(history.happenings, start=1) if happening.fits
    ]
    noting, sources = _noting(processor)
    result = noting.fold(None, [Event(happening.type, happening.data) for _, happening in readable], [])
    index = 0
    for place, (source, event) in enumerate(zip(sources, result.past_outbound_events, strict=True)):
        seq, happening = readable[source]
        index = index + 1 if place and sources[place - 1] == source else 0
        made.append(outbound_record(facet, id, seq, index, event.type, json.dumps(event.data), happening.ts))
    if history.drift is not None:
        history.drift(result.state)
    last = history.happenings[-1].ts
    made.append(state_record(facet, id, len(history.happenings), json.dumps(result.state), last))
    return _spoil(history.flaw, made)


def _noting(processor: Processor[Any]) -> tuple[Processor[Any], list[int]]:
    """The processor, and a list that gets the place of the event behind each message that a fold publishes."""
    sources: list[int] = []

    def watched(rule: Rule[Any]) -> Rule[Any]:
        def run(given: StateUpdaterInput[Any]) -> Any:
            publish = given.publish

            def note(name: str, data: JSON) -> None:
                sources.append(given.current_index)
                publish(name, data)

            given.publish = note
            try:
                return rule(given)
            finally:
                given.publish = publish

        return run

    noting = copy(processor)
    noting.rules = {type: watched(rule) for type, rule in processor.rules.items()}
    return noting, sources


def _spoil(flaw: Flaw, made: list[Record]) -> list[Record]:
    """Leave out or add a record; gaps and twins are in the middle of the history."""
    middle = made[-1].seq // 2 + 1
    if flaw == "state-missing":
        return made[:-1]
    if flaw == "gap":
        return [record for record in made if record.kind != "INBOUND" or record.seq != middle]
    if flaw == "twin":
        # Of another type, since the key of one seq and type is taken.
        twin = made[middle - 1]
        data = json.dumps({"ownerFirst": "Twin", "ownerLast": "Writer"})
        return [
            inbound_record(twin.facet, twin.entity_id, twin.seq, "ACCOUNT_UPDATE", data, twin.ts + 1),
            *made,
        ]
    return made
