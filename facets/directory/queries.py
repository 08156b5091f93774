"""What a list asks of the directory, and how the answer looks. Pure: the pages ask, the directory's SQL answers.

The functions that answer are `facets.directory`'s, in reader.py.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

JSON = Any

Test = Literal["is", "contains", "from", "to", "empty"]

# What every entity has beside its columns. A column of a definition may bear the same name, so these are marked.
ID, SEQ, UPDATED = "@id", "@seq", "@updated"


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter of a list.

    Attributes:
        field: a path of `list_display` or `search_fields`, or ID, SEQ, UPDATED (milliseconds since 1970).
        test: `is` any of the values, which are JSON scalars; `contains` the one text, whatever its case and accents;
            `from` and `to`, the one value and everything above or below in the order of the column (numbers and
            numbers, moments and ISO texts, texts and texts without case); `empty`: absent, null or an empty text,
            list or object (no values).
    """

    field: str
    test: Test
    values: tuple[JSON, ...] = ()


@dataclass(frozen=True, slots=True)
class Question:
    """Which entities of a facet, in which order.

    Attributes:
        words: hostile text; every word must be in the entity's search text or id.
        sort: ID, SEQ, UPDATED or a column's path. Ties are in the order of ids, in the same direction; entities
            without a value come last in either.
        drifted: only those that `manage.py verify` found to differ from their events at the seq that they have now.
    """

    facet: str
    words: str = ""
    conditions: tuple[Condition, ...] = ()
    sort: str = UPDATED
    descending: bool = True
    drifted: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One entity as the directory knows it.

    Attributes:
        values: by path, what `list_display` and `search_fields` name; a path is left out where the state has none
            or where it is masked.
        updated: STATE's timestamp, milliseconds since 1970.
        read: when the directory read it, in the same unit.
        drifted: in how many fields it was found to differ from its events; None where it was not.
    """

    facet: str
    id: str
    seq: int
    updated: int
    read: int
    values: Mapping[str, JSON] = field(default_factory=dict)
    drifted: int | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows. `after` and `before` are the places to go on from in either direction; None where nothing is."""

    rows: list[Row]
    after: str | None
    before: str | None


@dataclass(frozen=True, slots=True)
class Count:
    """How many entities answer a question; `exact` says that it was counted to the end."""

    number: int
    exact: bool


class NoSuchPlace(ValueError):
    """A place to go on from that the directory did not make: a cut or changed link."""
