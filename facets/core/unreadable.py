"""Stored items that are not of hde's form, each with the reason in words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from facets.core.errors import InvalidRecord
from facets.core.records import (
    MAX_SEQ,
    Item,
    Kind,
    Record,
    index_in,
    kind_of,
    seq_in,
    type_in,
    whole_number,
)

# DynamoDB's types of a value, as people who know JSON call them.
_TYPE_NAMES = {
    "S": "text",
    "N": "a number",
    "B": "binary",
    "BOOL": "true or false",
    "NULL": "null",
    "M": "a map",
    "L": "a list",
    "SS": "a set of texts",
    "NS": "a set of numbers",
    "BS": "a set of binary values",
}
# Nanoseconds, which some writers store, have 19 digits.
_LARGEST_TS = 2**63 - 1

_WANTED = {"_typ": "S", "_seq": "N", "_ts": "N", "_date": "S", "_itm": "S"}


@dataclass(frozen=True, slots=True)
class UnreadableRecord:
    """An item of an entity's partition that is not of hde's form.

    Attributes:
        id, rng: its key.
        facet: whose partition it lies in.
        item: its attributes as DynamoDB's API gives them: {"_seq": {"S": "three"}, ...}. Any form; hostile.
        reason: what is wrong with it, in words that quote no value: "_itm is a map, not text".
    """

    id: str
    rng: str
    facet: str
    item: Item = field(compare=False, repr=False)
    reason: str

    @property
    def kind(self) -> Kind | None:
        """What its sort key says it is; None for a foreign item: the key is none of hde's, or the facet another."""
        other = text_of(self.item, "_facet")
        return kind_of(self.rng) if other is None or other == self.facet else None

    @property
    def seq(self) -> int | None:
        """Its place in the history: by `_seq`, else by the sort key; None where neither says."""
        seq = seq_of(self.item)
        return seq if seq is not None else seq_in(self.rng)

    @property
    def typ(self) -> str:
        """The event's type: by `_typ`, else by the sort key; "" where neither says."""
        typ = text_of(self.item, "_typ")
        return typ if typ is not None else type_in(self.rng) or ""

    @property
    def order(self) -> tuple[int, int, int, str]:
        """As Record.order; those without a seq come last."""
        seq = self.seq
        return MAX_SEQ + 1 if seq is None else seq, _RANK[self.kind], index_in(self.rng), self.rng

    @property
    def text(self) -> str:
        """All its attributes as one text, the same for the same attributes."""
        return json.dumps(self.item, sort_keys=True, default=_plain)

    @property
    def entity_id(self) -> str:
        return self.id[len(self.facet) + 1 :]

    def __str__(self) -> str:
        return f"Record {self.rng} cannot be read: {self.reason}."


# Whatever an entity's partition holds under one of hde's sort keys.
StoredRecord: TypeAlias = Record | UnreadableRecord

_RANK: dict[Kind | None, int] = {"INBOUND": 0, "OUTBOUND": 1, "STATE": 2, None: 3}


class UnreadableState(InvalidRecord):
    """There is a stored state, and it is not of hde's form; `record` is what is stored."""

    def __init__(self, record: UnreadableRecord) -> None:
        super().__init__(record.reason, id=record.id, rng=record.rng)
        self.record = record


def read_item(item: Item, facet: str) -> StoredRecord | None:
    """An item of a facet's partition; None where it belongs to another facet that shares the partition.

    A foreign item is unreadable too.
    """
    try:
        record = Record.from_item(item)
        if (
            record.facet == facet
            and kind_of(record.rng)
            and _fits("_seq", record.seq)
            and _fits("_ts", record.ts)
        ):
            return record
    except InvalidRecord:
        pass
    if is_of_another(item, facet):
        return None
    return UnreadableRecord(item["_id"]["S"], item["_rng"]["S"], facet, item, reason_of(item, facet))


def _plain(value: object) -> object:
    return sorted(map(repr, value)) if isinstance(value, (set, frozenset)) else repr(value)


def text_of(item: Item, name: str) -> str | None:
    """An attribute that is text; None for any other."""
    value = item.get(name)
    text = value.get("S") if isinstance(value, Mapping) else None
    return text if isinstance(text, str) else None


def seq_of(item: Item) -> int | None:
    """What its `_seq` says; None where that is no seq."""
    return _number_of(item, "_seq")


def ts_of(item: Item) -> int | None:
    """What its `_ts` says; None where that is no time."""
    return _number_of(item, "_ts")


def _number_of(item: Item, name: str) -> int | None:
    try:
        number = whole_number(item[name]["N"])
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return number if _fits(name, number) else None


def is_another_state(state: StoredRecord, previous: StoredRecord) -> bool:
    """Whether a STATE is not the one that was read before."""
    if isinstance(previous, UnreadableRecord):
        return not isinstance(state, UnreadableRecord) or state.item != previous.item
    return isinstance(state, UnreadableRecord) or (state.ts, state.itm) != (previous.ts, previous.itm)


def is_of_another(item: Item, facet: str) -> bool:
    """Whether it is of a facet whose name, a slash included, begins the key: A/B of A/B/c, which A shares."""
    other = text_of(item, "_facet")
    return other is not None and other != facet and str(item["_id"]["S"]).startswith(f"{other}/")


def reason_of(item: Item, facet: str) -> str:
    """Why an item is not a record of the facet, in words that quote no value."""
    if kind_of(item["_rng"]["S"]) is None:
        return "its sort key is not one of hde’s"
    problems = []
    if problem := _type_problem(item, "_facet", "S"):
        problems.append(problem)
    elif item["_facet"]["S"] != facet:
        problems.append(f"_facet is not {facet}")
    problems += [problem for name, kind in _WANTED.items() if (problem := _problem(item, name, kind))]
    if "_meta" in item and (problem := _type_problem(item, "_meta", "S")):
        problems.append(problem)
    return "; ".join(problems) or "it is not in hde’s form"


def _problem(item: Item, name: str, kind: str) -> str:
    if problem := _type_problem(item, name, kind):
        return problem
    if kind == "N":
        try:
            number = whole_number(item[name]["N"])
        except (TypeError, ValueError, AttributeError):
            return f"{name} is not a whole number"
        if not _fits(name, number):
            return f"{name} is out of range"
    return ""


def _fits(name: str, number: int) -> bool:
    return 0 <= number <= MAX_SEQ if name == "_seq" else -_LARGEST_TS <= number <= _LARGEST_TS


def _type_problem(item: Item, name: str, wanted: str) -> str:
    if name not in item:
        return f"{name} is missing"
    value: Any = item[name]
    kind = next(iter(value), "") if isinstance(value, Mapping) else ""
    if kind == wanted and isinstance(value[kind], str):
        return ""
    return f"{name} is {_TYPE_NAMES.get(kind, 'of no known type')}, not {_TYPE_NAMES[wanted]}"
