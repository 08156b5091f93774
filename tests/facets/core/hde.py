"""hde 0.1.0 in miniature, faults and all, over a DynamoDB in memory: what our differences are tested against.

Source: a-h/hde, src/facet/index.ts, src/db/index.ts and src/processor/index.ts.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from facets.core import Event, Record, StateUpdaterInput
from facets.core.json import dumps
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.store import item_size

# What one Query of DynamoDB returns at most.
_PAGE_BYTES = 1024 * 1024

Rules = Mapping[str, Callable[[StateUpdaterInput[Any]], Any]]


class RawAwsError(Exception):
    """What the AWS SDK throws, passed on as it is: a name, and a message to be parsed."""


class TooManyRecords(Exception):
    """hde's own limit; it throws a bare Error."""


@dataclass
class Memory:
    """The items of one table by their keys, with the conditions and limits of DynamoDB that hde meets."""

    records: dict[tuple[str, str], Record] = field(default_factory=dict)

    def page(self, id: str) -> list[Record]:
        """The first page of a Query: keys in the order of their bytes, up to the one that makes it 1 MB."""
        found, size = [], 0
        keys = sorted((key for key in self.records if key[0] == id), key=lambda key: key[1].encode())
        for key in keys:
            record = self.records[key]
            found.append(record)
            size += item_size(record)
            if size > _PAGE_BYTES:
                break
        return found

    def transact(self, events: list[Record], state: Record, previous_seq: int) -> None:
        before = self.records.get((state.id, state.rng))
        failed = [(record.id, record.rng) in self.records for record in events]
        failed.append(before is not None and before.seq != previous_seq)
        if any(failed):
            codes = ", ".join("ConditionalCheckFailed" if fail else "None" for fail in failed)
            raise RawAwsError(f"TransactionCanceledException: Transaction cancelled [{codes}]")
        for record in [*events, state]:
            self.records[record.id, record.rng] = record


@dataclass
class HdeOutput:
    seq: int
    item: Any
    past_outbound_events: list[Event]
    new_outbound_events: list[Event]
    # It has neither: what it does not handle or finds amiss goes unnoticed.
    skipped: tuple[()] = ()
    faults: tuple[()] = ()


class HdeFacet:
    """get, append, appendTo and recalculate with hde's steps in hde's order."""

    def __init__(self, name: str, table: Memory, rules: Rules, initial: Callable[[], Any] = dict) -> None:
        self.name = name
        self.table = table
        self.rules = rules
        self.initial = initial

    def get(self, id: str) -> tuple[int, Any] | None:
        record = self.table.records.get((f"{self.name}/{id}", "STATE"))
        return (record.seq, json.loads(record.itm)) if record else None

    def append(self, id: str, *events: Event) -> HdeOutput:
        seq, state = self.get(id) or (0, None)
        return self.append_to(id, state, seq, *events)

    def append_to(self, id: str, state: Any, seq: int, *events: Event) -> HdeOutput:
        return self._calculate(id, state, seq, [], list(events))

    def recalculate(self, id: str, *events: Event) -> HdeOutput:
        records = self.table.page(f"{self.name}/{id}")
        inbound = sorted((r for r in records if r.rng.startswith("INBOUND")), key=lambda r: r.seq)
        seq = next((record.seq for record in records if record.rng == "STATE"), 0)
        past = [Event(record.typ, json.loads(record.itm)) for record in inbound]
        return self._calculate(id, None, seq, past, list(events))

    def _calculate(self, id: str, state: Any, seq: int, past: list[Event], new: list[Event]) -> HdeOutput:
        past_outbound: list[Event] = []
        new_outbound: list[Event] = []
        state = self.initial() if state is None else state
        given: StateUpdaterInput[Any] = StateUpdaterInput()
        given.all = [*past, *new]
        for index, event in enumerate(given.all):
            rule = self.rules.get(event.type)
            if rule is None:
                continue
            given.state, given.current, given.current_index = state, event.data, index
            published = new_outbound if index >= len(past) else past_outbound
            given.publish = lambda name, data, to=published: to.append(Event(name, data))
            state = rule(given)
        last = seq + len(new)
        ts = 1_795_422_597_273
        inbound = [
            inbound_record(self.name, id, seq + place, event.type, dumps(event.data), ts)
            for place, event in enumerate(new, start=1)
        ]
        outbound = [
            outbound_record(self.name, id, last, index, event.type, dumps(event.data), ts)
            for index, event in enumerate(new_outbound)
        ]
        if len(inbound) + len(outbound) + 1 > 25:
            raise TooManyRecords("putState: cannot exceed maximum DynamoDB transaction count of 25.")
        self.table.transact(inbound + outbound, state_record(self.name, id, last, dumps(state), ts), seq)
        return HdeOutput(last, state, past_outbound, new_outbound)
