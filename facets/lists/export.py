"""The rows of a list as a file: CSV that no spreadsheet runs as formulas, or JSON lines. Pure, a row at a time."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from facets.core import json
from facets.core.diff import ABSENT
from facets.directory.queries import Row
from facets.lists.cells import moment_of
from facets.lists.columns import Column
from hdeadmin.spreadsheets import harmless

JSON = Any
Format = Literal["csv", "jsonl"]

CONTENT_TYPES: Mapping[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
}


def lines(rows: Iterable[Row], columns: Sequence[Column], format: Format) -> Iterator[str]:
    """The file, a line at a time. Its columns: the facet, the id, those listed, the seq, the last change in UTC."""
    return _csv(rows, columns) if format == "csv" else _jsonl(rows, columns)


def _csv(rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[str]:
    """RFC 4180 after a byte order mark, by which Excel knows UTF-8."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")

    def line(cells: Sequence[JSON]) -> str:
        writer.writerow([_cell(cell) for cell in cells])
        text = buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        return text

    yield "\ufeff" + line(["facet", "id", *(column.path for column in columns), "seq", "last_change"])
    for row in rows:
        yield line(_values(row, columns))


def _jsonl(rows: Iterable[Row], columns: Sequence[Column]) -> Iterator[str]:
    """One object a line; a value that the state lacks is left out."""
    for row in rows:
        facet, id, *values, seq, updated = _values(row, columns)
        found = {
            column.path: value for column, value in zip(columns, values, strict=True) if value is not ABSENT
        }
        line = {"facet": facet, "id": id, "seq": seq, "last_change": updated, "values": found}
        yield f"{json.dumps(line)}\n"


def _values(row: Row, columns: Sequence[Column]) -> list[JSON]:
    values = [_value(row, column) for column in columns]
    return [row.facet, row.id, *values, row.seq, moment_of(row.updated)]


def _value(row: Row, column: Column) -> JSON:
    value = row.values.get(column.path, ABSENT)
    return value if value is ABSENT and not column.masked else column.shown(value)


def _cell(value: JSON) -> str:
    """A value in a cell. A text that a spreadsheet would run gets an apostrophe before it; a number never does."""
    if value is ABSENT or value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str):
        return json.dumps(value)
    return harmless(value.replace("\x00", ""))
