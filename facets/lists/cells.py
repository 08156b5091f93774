"""A row's values as a list shows them: by type, with what was searched for marked, masked where they are sensitive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from math import isfinite
from typing import Any

from facets.core.diff import ABSENT
from facets.definitions import display
from facets.directory.queries import Row
from facets.lists.columns import Column
from facets.lists.highlight import Part, marked

JSON = Any

LONGEST = 200  # characters; the entity's own page has the rest
MOST_DECIMALS = 4

_ANNOTATIONS: Mapping[str, Any] = {"moment": datetime, "day": date}


@dataclass(frozen=True, slots=True)
class Cell:
    """One value. `parts` make up `value.text` where words may be marked in it."""

    label: str
    value: display.Value
    numeric: bool = False
    parts: list[Part] = field(default_factory=list)

    @property
    def blank(self) -> bool:
        return self.value.kind in ("absent", "null")


@dataclass(frozen=True, slots=True)
class ListedEntity:
    """One line of the list.

    Attributes:
        id_parts: the id, made visible, with the words marked.
        elsewhere: values that no column shows, and that hold one of the words.
    """

    row: Row
    id_parts: list[Part]
    cells: list[Cell]
    elsewhere: list[Cell]


def listed(rows: Sequence[Row], columns: Sequence[Column], words: Sequence[str] = ()) -> list[ListedEntity]:
    """The lines of a list. Numbers of a column get the same number of decimals, so that they can be compared."""
    decimals = {column.path: _decimals(rows, column) for column in columns if column.numeric}
    return [
        ListedEntity(
            row,
            marked(display.visible(row.id), words),
            [_cell(row, column, words, decimals.get(column.path, 0)) for column in columns if column.listed],
            _elsewhere(row, columns, words),
        )
        for row in rows
    ]


def written(value: JSON, column: Column, decimals: int = 0) -> display.Value:
    """One value of a column for people."""
    value = column.shown(value)
    if option := column.option(value):
        return display.Value("text", display.visible(option.label))
    if column.numeric and _is_number(value):
        stored = display.scalar(value)
        text = _grouped(_number(value), decimals)
        return display.Value("number", text, stored.note, stored.text if text != stored.text else "")
    found = display.scalar(value, _ANNOTATIONS.get(column.kind))
    if len(found.text) > LONGEST:
        return display.Value(found.kind, found.text[:LONGEST] + "…")
    return found


def _elsewhere(row: Row, columns: Sequence[Column], words: Sequence[str]) -> list[Cell]:
    hidden = [_cell(row, column, words, 0) for column in columns if not column.listed and not column.masked]
    return [cell for cell in hidden if any(part.hit for part in cell.parts)]


def _cell(row: Row, column: Column, words: Sequence[str], decimals: int) -> Cell:
    value = written(row.values.get(column.path, ABSENT), column, decimals)
    parts = marked(value.text, words) if value.kind == "text" else []
    return Cell(display.visible(column.heading), value, column.numeric, parts)


def _is_number(value: JSON) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(value: float) -> str:
    """The number's own digits, without those that only binary fractions have: 0.1 + 0.2 is 0.3."""
    if isinstance(value, float) and isfinite(value):
        value = float(f"{value:.12g}")
    return display.scalar(value).text


def _decimals(rows: Sequence[Row], column: Column) -> int:
    """How many decimals the column's numbers get; the few that have more than `MOST_DECIMALS` keep theirs."""
    values = [row.values.get(column.path) for row in rows]
    numbers: list[float] = [value for value in values if value is not None and _is_number(value)]
    found = {len(_number(number).partition(".")[2]) for number in numbers}
    most = max((count for count in found if count <= MOST_DECIMALS), default=0)
    return 2 if most == 1 else most


def _grouped(text: str, decimals: int) -> str:
    """`-1234567.5` as `-1,234,567.50`; what is no plain number as it is."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, fraction = digits.partition(".")
    if not whole.isdecimal() or (fraction and not fraction.isdecimal()):
        return text
    fraction = fraction.ljust(decimals, "0")
    return f"{sign}{int(whole):,}" + (f".{fraction}" if fraction else "") if len(whole) < 4000 else text


def moment_of(milliseconds: int) -> str:
    """Milliseconds since 1970 as ISO text in UTC; the number where it is no instant."""
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
