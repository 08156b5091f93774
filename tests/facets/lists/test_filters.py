"""What the address of a list asks for."""

from datetime import UTC, datetime
from enum import Enum
from typing import Literal

import pytest
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from facets.definitions import FacetDefinition, Model
from facets.directory.queries import ID, SEQ, UPDATED, Condition
from facets.lists import filters
from facets.lists.columns import columns
from facets.lists.filters import Asked

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Level(Enum):
    LOW = 1
    HIGH = 2


class Claim(Model):
    holder: str = ""
    kind: Literal["fire", "water"] = "fire"
    level: Level = Level.LOW
    paid: bool = False
    amount: float = 0
    opened: datetime | None = None
    secret: str = ""
    parts: list[str] = []  # noqa: RUF012  # pydantic copies it


claim = FacetDefinition(
    name="CLAIM",
    title="Claims",
    state=Claim,
    list_display=("holder", "kind", "level", "paid", "amount", "opened", "secret", "parts"),
    search_fields=("holder",),
    sensitive_fields=("secret",),
)


def read(query: str) -> Asked:
    return filters.read(QueryDict(query), "CLAIM", columns(claim), now=NOW)


def test_an_empty_address_asks_for_all_last_changed_first():
    found = read("")

    assert (found.question.sort, found.question.descending) == (UPDATED, True)
    assert found.question.conditions == ()
    assert not found.filtered
    assert found.here == "?"


@pytest.mark.parametrize(
    ("query", "condition"),
    [
        ("has.holder=Ada", Condition("holder", "contains", ("Ada",))),
        ("is.kind=fire", Condition("kind", "is", ("fire",))),
        ("is.kind=fire&is.kind=water", Condition("kind", "is", ("fire", "water"))),
        ("is.level=2", Condition("level", "is", (2,))),
        ("is.paid=true", Condition("paid", "is", (True,))),
        ("from.amount=1,000.50", Condition("amount", "from", (1000.5,))),
        ("to.amount=-5", Condition("amount", "to", (-5,))),
        ("from.opened=2026-11-20", Condition("opened", "from", ("2026-11-20T00:00:00.000Z",))),
        ("to.opened=2026-11-20", Condition("opened", "to", ("2026-11-20T23:59:59.999Z",))),
        ("empty.holder=1", Condition("holder", "empty")),
        ("from.@seq=7", Condition(SEQ, "from", (7,))),
        ("changed=24h", Condition(UPDATED, "from", (round(NOW.timestamp() * 1000) - 86_400_000,))),
        ("changed=2026-11-20T14:30", Condition(UPDATED, "from", (1_795_185_000_000,))),
    ],
)
def test_a_filter_is_of_the_type_of_its_column(query: str, condition: Condition):
    assert read(query).question.conditions == (condition,)
    assert read(query).problems == {}


@pytest.mark.parametrize(
    "query", ["from.amount=lots", "to.amount=1e999", "from.opened=yesterday", "changed=soon", "changed=0h"]
)
def test_what_makes_no_sense_is_told_beside_its_box_and_kept_in_it(query: str):
    name, _, text = query.partition("=")
    found = read(query)

    assert list(found.problems) == [name]
    assert found.given[name] == [text]


@pytest.mark.parametrize(
    "query", ["is.secret=x", "has.secret=x", "empty.secret=1", "sort=secret", "has.parts=x"]
)
def test_a_masked_value_can_be_neither_filtered_nor_sorted_by(query: str):
    found = read(query)

    assert found.question.conditions == ()
    assert found.question.sort == UPDATED
    assert found.here == "?"


def test_each_filter_has_a_chip_that_takes_it_away_and_leaves_the_others():
    found = read("q=ada&is.kind=fire&is.kind=water&from.amount=1&to.amount=9&size=25&after=abc")

    chips = {(chip.label, chip.text): chip.without for chip in found.chips}
    assert chips == {
        ("Kind", "fire"): "?q=ada&is.kind=water&from.amount=1&to.amount=9&size=25",
        ("Kind", "water"): "?q=ada&is.kind=fire&from.amount=1&to.amount=9&size=25",
        ("Amount", "1 to 9"): "?q=ada&is.kind=fire&is.kind=water&size=25",
    }


def test_a_column_that_is_sorted_by_is_next_sorted_the_other_way():
    assert read("").sorted("holder") == "?sort=holder"
    assert read("sort=holder").sorted("holder") == "?sort=-holder"
    assert read("sort=-holder").sorted("holder") == "?sort=holder"
    assert read("").sorted(UPDATED) == "?sort=@updated"
    assert read("sort=@id").question.sort == ID


def test_another_order_or_size_begins_at_the_first_page_and_another_place_keeps_both():
    found = read("sort=holder&size=25&after=abc")

    assert found.sorted("kind") == "?size=25&sort=kind"
    assert found.sized(100) == "?sort=holder&size=100"
    assert found.place(before="xyz") == "?sort=holder&size=25&before=xyz"


@given(
    st.dictionaries(
        st.sampled_from(
            [
                *["q", "sort", "size", "after", "before", "changed", "drifted"],
                *(
                    f"{test}.{name}"
                    for test in ("is", "has", "from", "to", "empty")
                    for name in (*claim.list_display, SEQ, "nope")
                ),
            ]
        ),
        st.text(max_size=12),
    )
)
def test_no_address_breaks_it_and_its_own_address_asks_the_same(parameters: dict[str, str]):
    query = QueryDict(mutable=True)
    query.update(parameters)

    found = read(query.urlencode())

    again = read(found.here.removeprefix("?"))
    assert (again.question, again.size, dict(again.problems)) == (
        found.question,
        found.size,
        dict(found.problems),
    )
