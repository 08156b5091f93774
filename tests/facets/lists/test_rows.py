"""A state that was read from the table as a row of a list: with the values that the directory has of it."""

import pytest

from facets.core import json
from facets.core.records import state_record
from facets.definitions import FacetDefinition, Model
from facets.directory.index_entry import Recipe
from facets.lists.rows import row_of


class Line(Model):
    desc: str = ""
    code: str = ""


class Basket(Model):
    lines: list[Line] = []  # noqa: RUF012  # pydantic copies it
    owner: str | None = None


def basket(*sensitive: str) -> FacetDefinition[Basket]:
    return FacetDefinition(
        name="BASKET",
        title="Baskets",
        state=Basket,
        list_display=("owner", "lines.desc", "lines.code"),
        sensitive_fields=sensitive,
    )


@pytest.mark.parametrize(
    "state", ['{"lines":[{"desc":"tea","code":"1"},{"desc":"milk"}],"owner":"Ada"}', '{"owner":null}', "[1]"]
)
def test_it_has_the_values_that_the_directory_has(state: str):
    """A path through a list had none when it was read from the table itself."""
    definition = basket()
    record = state_record("BASKET", "1", 1, state, 0)

    entry = Recipe(1, [], definition, b"").entry(record)

    assert dict(row_of(record, definition).values) == json.loads(entry.values)


def test_what_is_masked_is_not_in_it():
    record = state_record("BASKET", "1", 1, '{"lines":[{"desc":"tea","code":"secret"}]}', 0)

    values = row_of(record, basket("lines.code")).values

    assert values["lines.desc"] == ["tea"]
    assert "secret" not in str(values)
