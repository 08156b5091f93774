"""Follow the table's stream into the directory, for as long as it is let: one follower at a time, others stand by.

What a shard held and how far it was read are one transaction, so that a crash repeats some changes and loses none;
a change that comes twice, or after a newer one, alters nothing.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.conf import settings
from django.db import Error as DatabaseFailure
from django.db import close_old_connections, transaction

from facets.core import FacetError, Record, TableNotFound
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.change_stream import KEPT, ShardRead, StateChange, Stream, StreamEnded, Trimmed
from facets.directory.index_entry import Entry
from facets.directory.lease import in_words, is_gone, new_owner
from facets.directory.models import Follower, StreamShard, TableFacet
from facets.directory.writer import Written, drop, facet_of, now_ms, recipe_of, write

logger = logging.getLogger(__name__)

LEASE = 20_000  # milliseconds

_LOOK_FOR_SHARDS = 5.0  # seconds
_LONGEST_PAUSE = 30.0  # seconds

# A shard's first answers may be empty though there is more; after so many in a row it has nothing.
_EMPTY = 2

# Short of what a stream keeps, since its clock is not ours.
_SURELY_KEPT = KEPT - 3_600_000

# A stream tells times in whole seconds.
_SECOND = 1_000


@dataclass(slots=True)
class Told:
    """What a follower has done. `until`: every change up to then is in the directory; None before it caught up."""

    states: int = 0
    removed: int = 0
    unreadable: int = 0
    standing_by: str = ""
    until: int | None = None
    missed: bool = False


@dataclass(slots=True)
class _Reading:
    """One shard being read."""

    row: StreamShard
    iterator: str | None = None
    empty: int = 0
    until: int | None = None


@dataclass(slots=True)
class _State:
    follower: Follower
    shards: dict[str, _Reading] = field(default_factory=dict)
    looked_at: float = float("-inf")
    looked_for_shards: int | None = None
    renewed_at: float = float("-inf")


class _LeaseLost(Exception):
    """Another follower has taken over, since this one was not heard of."""


def follow(
    table: DynamoTable,
    arn: str,
    *,
    once: bool = False,
    pause: float = 1.0,
    told: Callable[[Told], None] = lambda told: None,
    stop: threading.Event,
) -> Told:
    """Read the stream until `stop`; or, with `once`, until nothing is left in it.

    Outages of the table and of the database are waited for.

    Args:
        pause: seconds between two readings of a stream that had nothing.

    Raises:
        TableNotFound
        StreamEnded: it was disabled, and all that it held is in the directory.
    """
    stream = Stream(table, arn)
    owner = new_owner()
    said = Told()
    state: _State | None = None
    failures = 0
    try:
        while not stop.is_set():
            try:
                if state is None:
                    state = _taken(stream, owner, said)
                    if state is None:
                        told(said)
                        if once:
                            return said
                        stop.wait(LEASE / 4 / 1000)
                        continue
                busy = _step(stream, state, owner, said)
                failures = 0
            except _LeaseLost:
                state = None
                continue
            except TableNotFound:
                raise
            except (FacetError, DatabaseFailure) as error:
                failures += 1
                logger.warning("Following waits: %s", error)
                close_old_connections()
                state = None if isinstance(error, DatabaseFailure) else state
                stop.wait(min(_LONGEST_PAUSE, 0.5 * 2 ** min(failures, 10)) * random.uniform(0.5, 1))
                continue
            told(said)
            if not busy:
                if once and said.until is not None:
                    return said
                stop.wait(pause if not once else 0.05)
        return said
    finally:
        stream.close()
        try:
            Follower.objects.filter(table=settings.HDEADMIN_STORE, owner=owner).update(lease_until=0)
        except DatabaseFailure:
            logger.warning("The lease could not be given back; it ends by itself.")


def _taken(stream: Stream, owner: str, said: Told) -> _State | None:
    """The lease, and where to go on; None while another follower has it."""
    enabled = stream.since()
    now = now_ms()
    with transaction.atomic():
        row, _ = Follower.objects.select_for_update().get_or_create(
            table=settings.HDEADMIN_STORE, defaults={"stream": stream.arn}
        )
        if row.lease_until > now and row.owner != owner and not is_gone(row.owner):
            said.standing_by = in_words(row.owner)
            return None
        said.standing_by = ""
        if row.stream != stream.arn:
            # Another stream: what happened between the two is unknown.
            row.shards.all().delete()
            row.stream, row.since, row.until = stream.arn, None, None
        if row.since is None:
            row.since = max(enabled, now - _SURELY_KEPT)
        row.owner, row.lease_until = owner, now + LEASE
        row.save()
    return _State(row)


def _step(stream: Stream, state: _State, owner: str, said: Told) -> bool:
    """Read each shard once; whether there was anything."""
    _renew(state, owner)
    if time.monotonic() - state.looked_at > _LOOK_FOR_SHARDS:
        _look_for_shards(stream, state)
    if not stream.enabled and all(reading.row.done for reading in state.shards.values()):
        raise StreamEnded
    busy = False
    done = {id for id, reading in state.shards.items() if reading.row.done}
    for reading in list(state.shards.values()):
        parent = reading.row.parent
        if reading.row.done or (parent in state.shards and parent not in done):
            continue
        began = now_ms()
        try:
            found = _read(stream, reading)
        except Trimmed:
            _note_gap(state, reading, said)
            busy = True
            continue
        if found is None:
            busy = True
            continue
        if found.sequence is not None or found.next is None:
            _apply(state, reading, found, said)
            busy = True
            # Its children, which hold what comes after, may not be known yet.
            if found.next is None:
                state.looked_at = float("-inf")
        reading.iterator = found.next
        if found.sequence is None:
            reading.empty += 1
            if reading.empty >= _EMPTY:
                reading.until = began
            else:
                busy = True
        else:
            reading.empty = 0
            reading.until = max(reading.until or 0, found.at or 0)
        _renew(state, owner)
    _settle_until(state, said)
    return busy


def _read(stream: Stream, reading: _Reading) -> ShardRead | None:
    if reading.iterator is None:
        reading.iterator = stream.iterator(reading.row.shard, reading.row.sequence)
    found = stream.read(reading.iterator)
    if found is None:
        reading.iterator = None
    return found


def _look_for_shards(stream: Stream, state: _State) -> None:
    began = now_ms()
    found = stream.shards()
    known = {row.shard: row for row in state.follower.shards.all()}
    new = [
        StreamShard(follower=state.follower, shard=shard.id, parent=shard.parent)
        for shard in found
        if shard.id not in known
    ]
    StreamShard.objects.bulk_create(new)
    known |= {row.shard: row for row in new}
    there = {shard.id for shard in found}
    for id, row in known.items():
        if id not in there and row.done:
            # It was closed a day ago. One that was not read to its end stays, for its reader to come to know.
            row.delete()
            state.shards.pop(id, None)
        elif id not in state.shards:
            state.shards[id] = _Reading(row)
    state.looked_at = time.monotonic()
    state.looked_for_shards = began


def _apply(state: _State, reading: _Reading, found: ShardRead, said: Told) -> None:
    """Put what a shard held into the directory, and note how far it was read."""
    # Of several changes to one entity, the last is what it is now; one that was made anew begins at a lower seq.
    last: dict[str, StateChange] = {change.key: change for change in found.changes}
    gone: dict[str, StateChange] = {change.key: change for change in found.changes if change.state is None}
    states: dict[str, list[Record]] = {}
    for change in last.values():
        if change.state is not None:
            states.setdefault(change.state.facet, []).append(change.state)
    prepared: list[tuple[TableFacet, list[Entry]]] = []
    for name, records in sorted(states.items()):
        facet = facet_of(name)
        recipe = recipe_of(facet)
        prepared.append((facet, [recipe.entry(record) for record in sorted(records, key=_by_key)]))
    removed = 0
    with transaction.atomic():
        _hold(state)
        # Numbers come last, facet by facet, as with all who write: who waits for them may hold rows of entities.
        written: list[Written] = []
        for _, change in sorted(gone.items()):
            # Not what was written again since, and is known by another way.
            dropped = _drop(change.key, unless_after=change.at + _SECOND)
            written += [Written(facet, -1, {}) for facet in dropped]
            removed += len(dropped) if last[change.key] is change else 0
        written += [write(facet, entries, now_ms()) for facet, entries in prepared]
        for each in sorted(written, key=_by_facet):
            each.count()
        row = reading.row
        row.sequence = found.sequence or row.sequence
        row.done = found.next is None
        row.save(update_fields=["sequence", "done"])
    said.states += sum(map(len, states.values()))
    said.removed += removed
    said.unreadable += found.unreadable


def _by_key(record: Record) -> str:
    return record.id


def _by_facet(written: Written) -> str:
    return written.facet.name


def _drop(key: str, *, unless_after: int) -> list[TableFacet]:
    """Drop an entity by its partition key, whatever part of that is the facet's name; the facets that had it."""
    parts = key.split("/")
    names = ["/".join(parts[:end]) for end in range(1, len(parts))]
    known = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name__in=names)
    dropped = [drop(facet.name, key[len(facet.name) + 1 :], unless_after=unless_after) for facet in known]
    return [facet for facet in dropped if facet]


def _note_gap(state: _State, reading: _Reading, said: Told) -> None:
    """What a shard held beyond what was read of it is gone. Only another pass makes the directory whole again."""
    logger.warning("Changes were missed: nobody followed for longer than the stream keeps them.")
    said.missed = True
    with transaction.atomic():
        _hold(state)
        state.follower.since, state.follower.until = now_ms() - _SURELY_KEPT, None
        state.follower.save(update_fields=["since", "until"])
        row = reading.row
        if row.sequence:
            row.sequence = ""
            row.save(update_fields=["sequence"])
        else:
            # Not even its oldest record is there: the shard itself is gone.
            row.done = True
            row.save(update_fields=["done"])
    reading.iterator, reading.empty, reading.until = None, 0, None


def _settle_until(state: _State, said: Told) -> None:
    """Note up to when every change is in the directory: the least of the shards, of all that are known."""
    open_shards = [reading for reading in state.shards.values() if not reading.row.done]
    moments = [reading.until for reading in open_shards]
    # With no open shard, the next one is not known yet, or the stream was disabled.
    if state.looked_for_shards is None or not moments or None in moments:
        return
    until = min([state.looked_for_shards, *(moment for moment in moments if moment is not None)])
    if state.follower.until is None or until > state.follower.until:
        state.follower.until = until
        Follower.objects.filter(pk=state.follower.pk, owner=state.follower.owner).update(until=until)
    said.until = state.follower.until


def _hold(state: _State) -> None:
    """Have nobody take the lease before the transaction ends. Raises _LeaseLost where somebody has."""
    mine = Follower.objects.select_for_update().filter(pk=state.follower.pk, owner=state.follower.owner)
    if mine.first() is None:
        raise _LeaseLost


def _renew(state: _State, owner: str) -> None:
    """Keep the lease. Raises _LeaseLost."""
    if time.monotonic() - state.renewed_at < LEASE / 4 / 1000:
        return
    kept = Follower.objects.filter(pk=state.follower.pk, owner=owner).update(lease_until=now_ms() + LEASE)
    if not kept:
        raise _LeaseLost
    state.renewed_at = time.monotonic()
