"""Which rows of a state an event changed."""

from typing import Any

import pytest

from facets.core.diff import diff
from facets.definitions import display
from facets.definitions.highlight import marked

OLD = {
    "name": "Ada",
    "address": {"city": "Ulm", "zip": "89073"},
    "items": [{"id": 1, "n": 1}, {"id": 2, "n": 2}],
    "tags": ["a", "b"],
    "deep": [{"x": {"y": 1, "z": 2}}],
}


@pytest.mark.parametrize(
    ("new", "labels"),
    [
        ({"name": "Eve"}, ["name"]),
        ({"address": {"city": "Bonn", "zip": "89073"}}, ["city"]),
        ({"items": [{"id": 1, "n": 9}, {"id": 2, "n": 2}]}, ["items"]),
        ({"tags": ["a"]}, ["tags"]),
        ({"deep": [{"x": {"y": 5, "z": 2}}]}, ["y"]),
        ({"more": {"a": 1}}, ["more", "a"]),
        ({}, []),
    ],
)
def test_the_rows_of_what_changed_are_marked(new: dict[str, Any], labels: list[str]):
    state = OLD | new

    rows = marked(display.rows(state), diff(OLD, state))

    assert [row.label for row in rows if row.changed] == labels
