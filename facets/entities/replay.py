"""Run an entity's history through its rules as a stream: what each event changed, and what the state was after it.

Nothing is written to the table. Replays of long histories begin at the nearest checkpoint and leave new ones.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import chain, groupby
from math import isfinite
from typing import Any

from pydantic import BaseModel

from facets.core import Event, HistoryFault, InvalidRecord, json
from facets.core.diff import ABSENT, Change, diff
from facets.core.events import LazyEvents
from facets.core.history import find_faults
from facets.core.json import JSON
from facets.core.processor import Step
from facets.core.store import EventStore
from facets.core.streaming import StreamEntry, entry_of
from facets.core.unreadable import StoredRecord, UnreadableRecord
from facets.definitions.definition import FacetDefinition, in_words
from facets.definitions.serialization import stored_key, to_stored
from facets.entities.checkpoints import Shelf

# A checkpoint is left at each seq that this divides, so that no later look runs more events than these.
EVERY = 1_000

# Of fewer events, where their payloads are longer together than this: they are held at once.
MOST_TEXT = 8_000_000  # characters

# In so many parts of the events between two checkpoints, each remembers how far the chart's fields went.
_PARTS = 10

# Of what goes wrong, how much is told; the counts are whole.
MAX_FAILURES = 50
MAX_FAULTS = 20
MAX_ERROR = 500  # characters

# How many checkpoints are put away at once.
_SHELVED = 25


@dataclass(frozen=True, slots=True)
class Failure:
    """An event whose rule failed, or whose payload is not JSON. `error` is in the rule's own words, hostile text maybe."""

    seq: int
    type: str
    error: str


@dataclass(frozen=True, slots=True)
class Effect:
    """What one event did.

    Attributes:
        before, after: the state, plain JSON, to be read. The same where the rule failed or there is none.
        data: the payload; None where it is not JSON.
        error: what the rule said against it, hostile text; "" where it said nothing.
        skipped: no rule handles events of this type.
        published: what the rules publish for it now; what was sent then is stored.
        unreadable: the record, where it is not of hde's form; `error` says why, and no rule was asked.
    """

    seq: int
    type: str
    ts: int
    data: JSON
    before: JSON
    after: JSON
    error: str
    skipped: bool
    published: list[Event]
    unreadable: UnreadableRecord | None = None

    @property
    def refused(self) -> bool:
        """Whether its rule refused it."""
        return bool(self.error) and self.unreadable is None

    @property
    def changes(self) -> list[Change]:
        return diff(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Extremes:
    """Of a numeric field over a stretch of events: first, lowest, highest and last, each (seq, ts, value)."""

    first: tuple[int, int, float]
    low: tuple[int, int, float]
    high: tuple[int, int, float]
    last: tuple[int, int, float]


@dataclass(slots=True)
class Position:
    """Where a replay has come to, and what it met on its way from the first event.

    Attributes:
        seq: of the last event that it passed; 0 before the first.
        state: after that event.
        skipped: how many events no rule handles, by type.
        unreadable: the sort keys and reasons of the first events that cannot be read, of `unreadable_count`.
        ts: of the last event.
        ended: there is no further event before the seq that was asked for.
        extremes: of the chart's fields, since the last checkpoint before this position.
        begun: the seq of the checkpoint that this replay began at; 0 where it began before the first event.
        read: how many events this replay has read.
    """

    seq: int = 0
    state: JSON = None
    ts: int = 0
    failures: list[Failure] = field(default_factory=list)
    failure_count: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    faults: list[HistoryFault] = field(default_factory=list)
    extremes: dict[str, list[Extremes]] = field(default_factory=dict)
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_count: int = 0
    last_digest: str = ""
    ended: bool = False
    begun: int = 0
    read: int = 0


Values = tuple[JSON, ...]
Watcher = Callable[[Sequence[tuple[StreamEntry, Values]]], bool]


class History:
    """One entity's history, and the rules that it is run by.

    Args:
        table: as HDEADMIN_STORE names it; checkpoints of one table are of no use in another.

    Attributes:
        unplaced: events without a seq that were met and cannot be read, by their sort keys.
    """

    def __init__(self, table: str, db: EventStore, definition: FacetDefinition[Any], id: str) -> None:
        self.db = db
        self.definition = definition
        self.id = id
        self.processor = definition.processor
        self.shelf = Shelf.of(table, definition, id)
        self.unplaced: dict[str, UnreadableRecord] = {}

    def run(
        self,
        upto: int,
        *,
        seconds: float | None = None,
        begin: Position | None = None,
        fields: Sequence[str] = (),
        watch: Watcher | None = None,
    ) -> Position:
        """Go on to the seq `upto`, from `begin` or else the nearest checkpoint, for about so many seconds.

        Time counts from when the first event has come, and a stop leaves a checkpoint, with 0 seconds at the next seq
        that EVERY divides: another call goes on there. `watch` is given the values of `fields` after each event,
        stretch by stretch, a missing one as None; it returns whether it has seen enough, in which case the replay
        stops after that stretch.

        Raises:
            InvalidRecord: a record is not of hde's format.
            TableNotFound, StoreUnavailable
        """
        for _ in range(2):
            position = begin or self.nearest(upto)
            found = self._run(position, upto, seconds, fields, watch)
            if found is not None:
                return found
            # What was kept is of another history: of a table that was restored, or made anew.
            self.shelf.forget()
            begin = None
        raise InvalidRecord("The history changes while it is read.", id=self.id)

    def effects(
        self, first: int, last: int, *, most: int | None = None, entries: Sequence[StreamEntry] | None = None
    ) -> list[Effect] | None:
        """What each event from `first` to `last` did, oldest first.

        Args:
            most: None is returned where more events than these would have to be run before the first of them.
            entries: these very events, where the caller has read them already.
        """
        before = Position()
        if first > 1:
            nearest = self.nearest(first - 1)
            if most is not None and first - 1 - nearest.seq > most:
                return None
            before = self.run(first - 1, begin=nearest)
        if entries is None:
            entries = list(self.stream(before.seq, last))
        return list(effects(self.definition, before.state, [e for e in entries if first <= e.seq <= last]))

    def start(self) -> JSON:
        """The state before the first event."""
        return self.processor.process(None).state

    def stored_form(self, state: JSON, stored: JSON) -> JSON:
        """The state as a recalculation would write it over `stored`, with what only other services know of."""
        try:
            replaced = None if stored is ABSENT else json.copy(stored)
            dumped = self.processor.dump(self.processor.load(json.copy(state)), None, replaced)
            return json.loads(json.dumps(dumped))
        except Exception:  # noqa: BLE001 - a validator of the state is somebody else's code
            return state

    def stretches(self, upto: int) -> list[tuple[int, dict[str, list[Extremes]]]]:
        """What the checkpoints up to `upto` tell of the chart's fields: for each its seq, and the stretch before it."""
        return [(seq, _extremes_of(body.get("extremes", {}))) for seq, body in self.shelf.all(upto=upto)]

    def stream(self, after: int, upto: int) -> Generator[StreamEntry, None, None]:
        entries = self.db.stream(self.id, after=after, upto=upto, inbound_types=self.definition.events)
        try:
            for entry in entries:
                if entry.unreadable and not entry.seq:
                    # It has no place in the history, so that it cannot be passed over at one.
                    self.unplaced[entry.rng] = entry.unreadable
                else:
                    yield entry
        finally:
            entries.close()

    def nearest(self, upto: int) -> Position:
        """The last checkpoint at or before `upto`; the beginning where there is none. It may be of another history."""
        found = self.shelf.nearest(upto)
        return _unpacked(*found) if found else Position(state=self.start())

    def _run(
        self,
        position: Position,
        upto: int,
        seconds: float | None,
        fields: Sequence[str],
        watch: Watcher | None,
    ) -> Position | None:
        """As `run`; None where the history is not the one that `position` comes from."""
        watched = tuple(dict.fromkeys((*self.definition.chart_fields, *fields)))
        places = [watched.index(name) for name in fields]
        position.ended = False
        asked = time.monotonic()
        shelved: list[tuple[int, JSON]] = []
        # The event that it stands at is read again, to see that it is the same.
        entries = self.stream(max(0, position.seq - 1), upto)
        try:
            following = _after(entries, position)
            if following is None:
                return None
            # Where the first event took long to come, so that what came with it is not read in vain.
            now = time.monotonic()
            deadline = None if seconds is None else now + (max(seconds, now - asked) if seconds else 0)
            for stretch, more in _stretches(following, deadline if seconds else None):
                values = self._pass(position, stretch, watched)
                if more or position.seq % EVERY == 0:
                    shelved.append((position.seq, _packed(position)))
                seen = watch is not None and watch(
                    [
                        (entry, tuple(found[place] for place in places))
                        for entry, found in zip(stretch, values, strict=True)
                    ]
                )
                if seen:
                    return position
                late = more and _is_past(deadline)
                if late or len(shelved) >= _SHELVED:
                    kept, shelved = self.shelf.put(shelved), []
                    # Where nothing can be kept, the next request would begin where this one did.
                    if late and kept:
                        return position
            position.ended = True
            return position
        finally:
            entries.close()
            if shelved:
                self.shelf.put(shelved)

    def _pass(
        self, position: Position, stretch: Sequence[StreamEntry], watched: tuple[str, ...]
    ) -> list[Values]:
        """Move the position over these events; the values of the watched fields after each of them."""
        paths = [tuple(name.split(".")) for name in watched]
        values: list[Values] = []

        def note(_: int, state: BaseModel) -> None:
            values.append(tuple(_in_model(state, path) for path in paths))

        try:
            events = LazyEvents([(entry.type, entry.itm) for entry in stretch])
            result = self.processor.fold(
                json.copy(position.state), events, [], watch=note if watched else None
            )
        except Exception:  # noqa: BLE001 - a rule is somebody else's code and says no in its own way
            # Event by event, to go on past those that fail.
            values = []
            for effect in effects(self.definition, position.state, stretch):
                position.state = effect.after
                if effect.unreadable:
                    note_unreadable(position, effect.unreadable)
                elif effect.skipped:
                    position.skipped[effect.type] = position.skipped.get(effect.type, 0) + 1
                elif effect.error:
                    position.failure_count += 1
                    if len(position.failures) < MAX_FAILURES:
                        error = effect.error[:MAX_ERROR]
                        position.failures.append(Failure(effect.seq, effect.type, error))
                values.append(tuple(_in_json(effect.after, path) for path in paths))
        else:
            position.state = result.state
            for type in result.skipped:
                position.skipped[type] = position.skipped.get(type, 0) + 1
            values = values or [()] * len(stretch)
        seqs = [entry.seq for entry in stretch]
        room = MAX_FAULTS - len(position.faults)
        position.faults += find_faults(seqs, seqs[-1], after=position.seq)[:room]
        if (position.seq - 1) // EVERY != (seqs[0] - 1) // EVERY or not position.seq:
            position.extremes = {}
        for place, name in enumerate(watched[: len(self.definition.chart_fields)]):
            _widen(position.extremes, name, stretch, [found[place] for found in values])
        position.seq, position.ts = seqs[-1], stretch[-1].ts
        position.last_digest = _digest([entry for entry in stretch if entry.seq == seqs[-1]])
        position.read += len(stretch)
        return values


def effects(
    definition: FacetDefinition[Any], state: JSON, entries: Sequence[StreamEntry]
) -> Iterator[Effect]:
    """What each of the events did, one after the other, from the state before the first. Goes on past failures."""
    unreadable: dict[int, str] = {}
    for place, entry in enumerate(entries):
        if entry.unreadable:
            unreadable[place] = entry.unreadable.reason
            continue
        try:
            json.loads(entry.itm)
        except InvalidRecord as error:
            unreadable[place] = error.reason
    past = LazyEvents(
        [(entry.type, entry.itm) for place, entry in enumerate(entries) if place not in unreadable]
    )
    steps = definition.processor.steps(state, past)
    for place, entry in enumerate(entries):
        if place in unreadable:
            skipped = entry.type not in definition.events
            reason = unreadable[place]
            yield Effect(
                entry.seq, entry.type, entry.ts, None, state, state, reason, skipped, [], entry.unreadable
            )
            continue
        step = next(steps)
        yield Effect(
            seq=entry.seq,
            type=entry.type,
            ts=entry.ts,
            data=step.event.data,
            before=state,
            after=step.state,
            error=_in_words(definition, step, state),
            skipped=step.skipped,
            published=step.published,
        )
        state = step.state


def entries_of(records: Iterable[StoredRecord]) -> list[StreamEntry]:
    """The inbound ones of an entity's records, those that have a seq, as a replay takes them."""
    return sorted(
        entry_of(record) for record in records if record.kind == "INBOUND" and record.seq is not None
    )


def note_unreadable(position: Position, record: UnreadableRecord) -> None:
    """Count an event that a replay passed over, since it cannot be read."""
    position.unreadable_count += 1
    if len(position.unreadable) < MAX_FAULTS:
        position.unreadable.append((record.rng, record.reason))


def _after(entries: Iterator[StreamEntry], position: Position) -> Iterator[StreamEntry] | None:
    """The entries after the position, if those at it are the ones that it comes from; else None."""
    standing: list[StreamEntry] = []
    for entry in entries:
        if entry.seq > position.seq:
            if _digest(standing) != position.last_digest:
                return None
            return chain([entry], entries)
        standing.append(entry)
    return iter(()) if _digest(standing) == position.last_digest else None


def _stretches(
    entries: Iterable[StreamEntry], deadline: float | None
) -> Iterator[tuple[list[StreamEntry], bool]]:
    """The events between one checkpoint and the next, and whether there are more after them. One seq is not parted.

    The first past the deadline is cut short: of what is slow to read, a checkpoint is left wherever that has come to.
    """
    stretch: list[StreamEntry] = []
    size = 0
    was_late = False
    for entry in entries:
        if stretch and (
            (entry.seq - 1) // EVERY != (stretch[0].seq - 1) // EVERY
            or (entry.seq != stretch[-1].seq and (size > MOST_TEXT or (not was_late and _is_past(deadline))))
        ):
            was_late = _is_past(deadline)
            yield stretch, True
            stretch, size = [], 0
        stretch.append(entry)
        size += len(entry.itm)
    if stretch:
        yield stretch, False


def _is_past(deadline: float | None) -> bool:
    return deadline is not None and time.monotonic() >= deadline


def _digest(entries: Sequence[StreamEntry]) -> str:
    """Stands for the events of one seq; "" for none."""
    if not entries:
        return ""
    digest = hashlib.sha256(json.dumps([list(entry[:4]) for entry in entries]).encode())
    for entry in entries:
        if entry.unreadable:
            digest.update(entry.unreadable.text.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _in_model(value: Any, path: Sequence[str]) -> JSON:
    """What stands at a path of a state as the rules work on it; None where nothing does."""
    for key in path:
        if isinstance(value, BaseModel):
            name = _names(type(value)).get(key)
            value = getattr(value, name, None) if name else (value.__pydantic_extra__ or {}).get(key)
        elif isinstance(value, Mapping):
            value = value.get(key)
        else:
            return None
    return value if value is None or type(value) in (int, float, str, bool) else to_stored(value)


def value_at(state: JSON, path: str) -> JSON:
    """What stands at a dotted path of a plain state; None where nothing does."""
    return _in_json(state, path.split("."))


def _in_json(value: JSON, path: Sequence[str]) -> JSON:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


@cache
def _names(model: type[BaseModel]) -> dict[str, str]:
    return {stored_key(name, field): name for name, field in model.model_fields.items()}


def _widen(
    found: dict[str, list[Extremes]], name: str, stretch: Sequence[StreamEntry], values: Sequence[JSON]
) -> None:
    """Take these values of a field into its extremes, part by part; what is no number is passed over."""
    points = [
        (entry.seq, entry.ts, float(value))
        for entry, value in zip(stretch, values, strict=True)
        if is_number(value)
    ]
    parts = found.setdefault(name, [])
    for part, group in groupby(points, key=_part):
        of_part = list(group)
        first, low, high = of_part[0], min(of_part, key=_height), max(of_part, key=_height)
        if parts and _part(parts[-1].last) == part:
            before = parts.pop()
            first = before.first
            low, high = min(before.low, low, key=_height), max(before.high, high, key=_height)
        parts.append(Extremes(first, low, high, of_part[-1]))


def _part(point: tuple[int, int, float]) -> int:
    return (point[0] - 1) // max(1, EVERY // _PARTS)


def is_number(value: JSON) -> bool:
    """Whether a value can be drawn: a finite number that a double holds."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return isfinite(value) if isinstance(value, float) else abs(value) < 10**300


def _height(point: tuple[int, int, float]) -> float:
    return point[2]


def _in_words(definition: FacetDefinition[Any], step: Step, before: JSON) -> str:
    if step.error is None:
        return ""
    words = in_words(definition.processor, step.error, before, step.event.data)
    # It counts the events that it was given, which are not the seqs.
    return re.sub(r"^Event \d+ does not fit", "Does not fit", words)


def _packed(position: Position) -> JSON:
    """A position as JSON, for its checkpoint."""
    return {
        "state": position.state,
        "ts": position.ts,
        "failures": [[each.seq, each.type, each.error] for each in position.failures],
        "failure_count": position.failure_count,
        "skipped": dict(position.skipped),
        "faults": [[each.kind, each.first, each.last] for each in position.faults],
        "extremes": {
            name: [[list(point) for point in (each.first, each.low, each.high, each.last)] for each in parts]
            for name, parts in position.extremes.items()
        },
        "unreadable": [list(each) for each in position.unreadable],
        "unreadable_count": position.unreadable_count,
        "last": position.last_digest,
    }


def _unpacked(seq: int, body: JSON) -> Position:
    return Position(
        seq=seq,
        state=body["state"],
        ts=body["ts"],
        failures=[Failure(*each) for each in body["failures"]],
        failure_count=body["failure_count"],
        skipped=body["skipped"],
        faults=[HistoryFault(*each) for each in body["faults"]],
        extremes=_extremes_of(body["extremes"]),
        unreadable=[(rng, reason) for rng, reason in body["unreadable"]],
        unreadable_count=body["unreadable_count"],
        last_digest=body["last"],
        begun=seq,
    )


def _extremes_of(packed: JSON) -> dict[str, list[Extremes]]:
    return {
        name: [Extremes(*((seq, ts, float(value)) for seq, ts, value in points)) for points in parts]
        for name, parts in packed.items()
    }
