"""A list as a file."""

import csv
import io

import pytest

from facets.core import json
from facets.directory.queries import Row
from facets.lists.columns import Column
from facets.lists.export import lines

COLUMNS = (
    Column("name", "Name", "text"),
    Column("balance", "Balance", "number"),
    Column("pin", "Pin", "text", sensitive=("pin",)),
)


def row(id: str = "acc-1", **values: object) -> Row:
    return Row("BANK_ACCOUNT", id, 3, 1_795_185_000_000, 0, values)


def cells(*rows: Row) -> list[list[str]]:
    text = "".join(lines(rows, COLUMNS, "csv"))
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_csv_has_a_head_and_a_line_for_each_entity():
    head, line = cells(row(name='Ada "the Countess", Reed\nof Ockham', balance=-1.5, pin="1234"))

    assert head == ["facet", "id", "name", "balance", "pin", "seq", "last_change"]
    assert line == [
        "BANK_ACCOUNT",
        "acc-1",
        'Ada "the Countess", Reed\nof Ockham',
        "-1.5",
        "••••••",
        "3",
        "2026-11-20T14:30:00.000Z",
    ]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1+1"]
)
def test_no_text_is_a_formula_to_a_spreadsheet(text: str):
    _, line = cells(row(text, name=text))

    assert line[1] == f"'{text}"
    assert line[2] == f"'{text}"


def test_a_number_is_left_a_number_though_it_begins_with_a_minus():
    assert cells(row(balance=-5))[1][3] == "-5"


def test_jsonl_keeps_types_leaves_out_what_is_absent_and_masks():
    [line] = lines([row(name="=1", balance=5, pin="1234")], COLUMNS, "jsonl")
    [bare] = lines([row()], COLUMNS, "jsonl")

    assert json.loads(line.removesuffix("\n"))["values"] == {"name": "=1", "balance": 5, "pin": "••••••"}
    assert json.loads(bare.removesuffix("\n"))["values"] == {"pin": "••••••"}
    assert "1234" not in line


def test_a_text_that_breaks_lines_stays_on_one_line_of_jsonl():
    text = "".join(lines([row(name="a\nb\u2028c\x85d"), row()], COLUMNS, "jsonl"))

    assert len(text.split("\n")) == 3
