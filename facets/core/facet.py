"""Facet: get, append, recalculate. The same steps as hde, with its faults mended.

Source: a-h/hde, src/facet/index.ts.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from facets.core import json
from facets.core.errors import InvalidRecord, SequenceConflict, StoreUnavailable
from facets.core.events import Event, LazyEvents
from facets.core.history import HistoryFault, Log
from facets.core.json import JSON
from facets.core.processor import Processor, ProcessResult
from facets.core.records import Record, inbound_record, outbound_record, state_record
from facets.core.store import EventStore, new_operation_id

# How often a history with faults is read again to tell them from an append that was half seen.
_SETTLING_READS = 5


@dataclass(frozen=True, slots=True)
class GetOutput:
    """An entity as it is stored: its STATE record, and `item`, the state in it."""

    record: Record
    item: JSON


@dataclass(frozen=True, slots=True)
class ChangeOutput:
    """What an append or a recalculation wrote.

    Attributes:
        seq: the entity's seq now.
        item: the state as it was stored; `record` is its STATE record.
        past_outbound_events: what a replay of the past events publishes; not sent again.
        new_outbound_events: what the new events published.
        skipped: types of past events that no rule handles.
        faults: what is wrong with the entity's history, if it was read.
    """

    seq: int
    item: JSON
    record: Record
    past_outbound_events: list[Event]
    new_outbound_events: list[Event]
    skipped: list[str] = field(default_factory=list)
    faults: list[HistoryFault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Replay:
    """An entity's whole log, folded from the initial state.

    `previous_seq` is what STATE must say for a write to be allowed: 0 where there is no STATE.
    """

    log: Log
    past: Sequence[Event]
    faults: list[HistoryFault]

    @property
    def previous_seq(self) -> int:
        return self.log.state_seq or 0

    @property
    def stored(self) -> JSON | None:
        """The state that a recalculation replaces; None where there is none, or it is not even JSON."""
        if self.log.state_itm is None:
            return None
        try:
            return json.loads(self.log.state_itm)
        except InvalidRecord:
            return None


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


class Facet:
    """One kind of entity: where its records are, and the rules that make its states.

    May be shared by threads.

    Raises:
        ValueError: the name is empty or holds `/`: two facets could then share a partition.
    """

    def __init__(
        self, name: str, db: EventStore, processor: Processor[Any], *, clock: Callable[[], int] = now_ms
    ) -> None:
        if not name or "/" in name:
            raise ValueError(f"A facet's name holds no '/' and is not empty: {name!r}")
        if db.facet != name:
            raise ValueError(f"The store is of facet {db.facet!r}, not {name!r}")
        self.name = name
        self.db = db
        self.processor = processor
        self.clock = clock

    def get(self, id: str) -> GetOutput | None:
        """The entity's stored state, or None.

        Raises:
            InvalidRecord: the stored state is not JSON.
        """
        record = self.db.get_state(id)
        return GetOutput(record, record.data) if record else None

    def append(
        self,
        id: str,
        *events: Event,
        retries: int = 0,
        meta: JSON | None = None,
        operation_id: str | None = None,
    ) -> ChangeOutput:
        """Read the state, run the rules of the events, write both; a new id is an entity's first append.

        Args:
            retries: how often to read again and run the rules again where another writer was first, or to send
                again what may not have arrived. Each pause is random and at most half a second.
            meta: a JSON object to keep with each event (who, and why), or a list with one for each event.
            operation_id: at most 36 characters. A later call with the same one cannot append a second time: for ten
                minutes it raises InvalidRecord.

        Raises:
            SequenceConflict: another writer was first, `retries` + 1 times; nothing was written.
            UnknownEventType, TransactionTooLarge, RecordTooLarge, InvalidRecord: nothing was written.
            TableNotFound, StoreUnavailable
            Whatever a rule raises; nothing was written.
        """
        new = _Batch.of(events, meta)
        retries = max(0, retries)
        for attempt in range(retries + 1):
            _pause(attempt)
            try:
                return self._append(id, new, operation_id, retries - attempt)
            except SequenceConflict:
                if attempt == retries:
                    raise
        raise AssertionError("unreachable")

    def append_to(
        self,
        id: str,
        state: JSON | None,
        seq: int,
        *events: Event,
        previous: Record | None = None,
        meta: JSON | None = None,
        operation_id: str | None = None,
    ) -> ChangeOutput:
        """Append to the state that the caller read at `seq`; None and 0 for a new entity. Never reads again.

        Args:
            previous: the STATE record that `state` was read from, so that a recalculation which came between, and
                left the seq as it was, is not undone.

        Raises:
            As `append`; SequenceConflict where the entity is not at `seq`.
        """
        if seq == 0 and (taken := self.db.get_log(id).seq):
            raise SequenceConflict(id, expected_seq=0, actual_seq=taken)
        new = _Batch.of(events, meta)
        result = self.processor.fold(json.copy(state), [], new.for_rules())
        return self._write(id, result, new, seq, seq, operation_id, previous=previous)

    def recalculate(
        self, id: str, *events: Event, meta: JSON | None = None, operation_id: str | None = None
    ) -> ChangeOutput:
        """Make the state again from the entity's whole history, append the events if there are any, write it.

        Past events without a rule are passed over and named in `skipped`. What past events publish is not sent
        again.

        Raises:
            As `append`; SequenceConflict where another writer was first.
        """
        new = _Batch.of(events, meta)
        replay = self.read(id)
        result = self.processor.fold(None, replay.past, new.for_rules(), replaced=replay.stored)
        return self._write(
            id, result, new, replay.previous_seq, replay.log.seq, operation_id, faults=replay.faults
        )

    def read(self, id: str) -> Replay:
        """The entity's whole history, ready to be folded. Payloads are parsed, and may prove not to be JSON, then.

        Raises:
            SequenceConflict: others kept writing while it was read.
            InvalidRecord, TableNotFound, StoreUnavailable
        """
        log = self.db.get_log(id)
        faults = log.faults()
        for _ in range(_SETTLING_READS if faults else 0):
            # A log is read page by page while others write, so an append in between may be half seen. Only what two
            # reads in a row agree on was not that.
            before, before_faults = log, faults
            log = self.db.get_log(id)
            faults = log.faults()
            if not faults or (log.state_seq, faults) == (before.state_seq, before_faults):
                break
        else:
            if faults:
                raise SequenceConflict(id, expected_seq=before.seq, actual_seq=log.seq)
        return Replay(log, log.events(), faults)

    def _append(self, id: str, new: _Batch, operation_id: str | None, retries: int) -> ChangeOutput:
        state = self.get(id)
        if state and state.record.seq:
            result = self.processor.fold(state.item, [], new.for_rules())
            seq = state.record.seq
            return self._write(
                id, result, new, seq, seq, operation_id, previous=state.record, retries=retries
            )
        # A new entity; or one whose STATE was lost, or made again by hde with seq 0, and is made from its events.
        replay = self.read(id)
        stored = state.item if state and not replay.past else None
        result = self.processor.fold(stored, replay.past, new.for_rules(), replaced=replay.stored)
        return self._write(
            id,
            result,
            new,
            replay.previous_seq,
            replay.log.seq,
            operation_id,
            previous=state.record if state else None,
            retries=retries,
            faults=replay.faults,
        )

    def _write(
        self,
        id: str,
        result: ProcessResult,
        new: _Batch,
        previous_seq: int,
        seq: int,
        operation_id: str | None,
        *,
        previous: Record | None = None,
        retries: int = 0,
        faults: Sequence[HistoryFault] = (),
    ) -> ChangeOutput:
        ts = self.clock()
        last = seq + len(new.events)
        inbound = [
            inbound_record(self.name, id, seq + place, type, itm, ts, meta)
            for place, ((type, itm), meta) in enumerate(zip(new.events, new.metas, strict=True), start=1)
        ]
        outbound = [
            outbound_record(self.name, id, last, index, event.type, json.dumps(event.data), ts)
            for index, event in enumerate(result.new_outbound_events)
        ]
        state = state_record(self.name, id, last, json.dumps(result.state), ts)
        operation_id = operation_id or new_operation_id()
        maybe_written = False
        for attempt in range(retries + 1):
            _pause(attempt)
            try:
                self.db.put_state(
                    state, previous_seq, inbound, outbound, previous=previous, operation_id=operation_id
                )
                break
            except StoreUnavailable as error:
                # That this attempt was never sent says nothing of an earlier one whose answer was lost.
                maybe_written = error.maybe_written = maybe_written or error.maybe_written
                # The same records under the same operation id: if they did arrive, this writes nothing.
                if attempt == retries or not maybe_written:
                    raise
        return ChangeOutput(
            last,
            state.data,
            state,
            result.past_outbound_events,
            result.new_outbound_events,
            result.skipped,
            list(faults),
        )


@dataclass(frozen=True, slots=True)
class _Batch:
    """The new events of one call, as they will be stored: (type, JSON text), and the meta of each."""

    events: Sequence[tuple[str, str]]
    metas: Sequence[str | None]

    @classmethod
    def of(cls, events: Sequence[Event], meta: JSON | None) -> _Batch:
        metas = meta if isinstance(meta, list) else [meta] * len(events)
        if len(metas) != len(events) or not all(one is None or isinstance(one, dict) for one in metas):
            raise InvalidRecord("Meta must be a JSON object, or a list with one for each event.")
        return cls(
            [(event.type, json.dumps(event.data)) for event in events],
            [json.dumps(one) if one is not None else None for one in metas],
        )

    def for_rules(self) -> LazyEvents:
        """Parsed from what will be stored, so that rules see now what a replay will show them."""
        return LazyEvents(self.events)


def _pause(attempt: int) -> None:
    if attempt:
        time.sleep(random.uniform(0, min(0.5, 0.005 * 2 ** min(attempt, 10))))
