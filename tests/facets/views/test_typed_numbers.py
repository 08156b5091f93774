"""Numbers that are typed into lists, questions and boxes of events: one reading, or none."""

import json
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from facets.core.store import Table
from tests.facets.views.filled import Filled

CASE = Path(__file__).parents[2] / "fixtures" / "cases" / "amount-with-comma" / "items.jsonl"
ID = "AMOUNT-COMMA"


@pytest.fixture
def amount_with_comma(ledger: Table) -> str:
    ledger.load(json.loads(line) for line in CASE.read_text(encoding="utf-8").split("\n") if line)
    return ID


def url(name: str) -> str:
    return reverse(name, args=["BANK_ACCOUNT", ID])


@pytest.mark.parametrize(
    ("text", "status"),
    [("12.50", 200), ("+1,234.50 EUR", 200), ("12,50", 422), ("1,234", 422), ("1.234,56", 422)],
)
def test_an_amount_arrives_as_typed_and_is_refused_where_it_has_two_meanings(
    corrector: Client, amount_with_comma: str, text: str, status: int
):
    begun = corrector.get(url("append") + "?type=TRANSACTION_ACCEPTED")
    data = Filled(begun).data
    data["e1.desc"], data["e1.amount"] = "Bicycle sold", text

    response = corrector.post(url("append"), data)

    assert response.status_code == status
    assert f'value="{text}"' in response.text


def test_a_filter_asks_which_number_a_comma_means(viewer: Client, amount_with_comma: str):
    page = reverse("facet", args=["BANK_ACCOUNT"])
    viewer.get(url("entity"))

    response = viewer.get(f"{page}?from.balance=1,234&size=25")

    assert response.status_code == 422
    [problem] = response.context["asked"].problems.values()
    assert [number for number, _ in problem.readings] == ["1234", "1.234"]
    whole, fraction = (viewer.get(page + query) for _, query in problem.readings)
    assert (whole.context["rows"], len(fraction.context["rows"])) == ([], 1)
    assert viewer.get(f"{page}?from.balance=12,50").status_code == 422
    assert viewer.get(f"{page}?from.balance=−1,000.50 EUR").status_code == 200


def test_a_question_asks_which_number_a_comma_means(viewer: Client, amount_with_comma: str):
    response = viewer.get(url("when") + "?field=balance&is=gt&value=1,234")

    assert response.status_code == 400
    assert [viewer.get(url("when") + query).status_code for _, query in response.context["readings"]] == [
        200,
        200,
    ]


def test_the_number_of_an_event_is_taken_as_the_console_writes_it(viewer: Client, amount_with_comma: str):
    assert viewer.get(url("entity") + "?go=%204 ").url.endswith("?event=4#event-4")
    assert viewer.get(url("entity") + "?go=1,234").url.endswith("?event=1234#event-1234")
    assert "is not the number of an event" in viewer.get(url("entity") + "?go=1.5").text
    assert "is not the number of an event" in viewer.get(url("entity") + "?seq=-1").text
    assert viewer.get(url("compare") + "?from=1&to=4\u00a0").status_code == 200
    assert viewer.get(url("compare") + "?from=1&to=4,5").status_code == 400
