"""Drafts: events put together, ordered and carried from page to page."""

from typing import Any

import pytest
from django.http import QueryDict
from pytest_django import Settings

from facets.changes.drafts import MAX_EVENTS, Draft, UnknownType
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order


def posted(**values: Any) -> QueryDict:
    data = QueryDict(mutable=True)
    for name, value in values.items():
        data.setlist(name.replace("__", "."), value if isinstance(value, list) else [value])
    return data


def two() -> QueryDict:
    data = posted(slot=["e1", "e2"], since="3", operation_id="11111111-1111-1111-1111-111111111111")
    for key, amount in (("e1", "1"), ("e2", "2")):
        data[f"{key}-type"] = "TRANSACTION_ACCEPTED"
        data[f"{key}.amount"] = amount
        data[f"{key}.desc"] = ""
    return data


def amounts(draft: Draft) -> list[Any]:
    return [slot.form.draft()["amount"] for slot in draft.slots]


@pytest.mark.parametrize(
    ("action", "left"),
    [
        ("draft-up:e2", [2, 1]),
        ("draft-down:e1", [2, 1]),
        ("draft-up:e1", [1, 2]),
        ("draft-down:e2", [1, 2]),
        ("draft-remove:e1", [2]),
        ("draft-remove:e9", [1, 2]),
        ("draft-add:NOPE", [1, 2]),
        ("what:e1", [1, 2]),
        ("", [1, 2]),
    ],
)
def test_events_move_and_go_and_forged_buttons_do_nothing(action: str, left: list[int]):
    draft = Draft.read(bank_account, two()).act(action)

    assert [int(amount) for amount in amounts(draft)] == left


def test_an_event_that_is_added_takes_no_name_that_is_in_use():
    draft = Draft.read(bank_account, two()).act("draft-remove:e1").act("draft-add:TRANSACTION_ACCEPTED")

    assert [slot.key for slot in draft.slots] == ["e2", "e3"]


def test_names_do_not_run_out():
    data = posted(slot=["e9999"], **{"e9999-type": "TRANSACTION_ACCEPTED"})

    assert [slot.key for slot in Draft.read(bank_account, data).act("draft-add:ACCOUNT_CREATION").slots] == [
        "e9999",
        "e1",
    ]


def test_a_draft_carried_along_is_the_draft_that_was_sent():
    sent = two()
    sent["e1-corrects"] = "2"
    carried = QueryDict(mutable=True)
    for name, value in Draft.read(bank_account, sent).hidden():
        carried.appendlist(name, value)

    draft = Draft.read(bank_account, carried)

    assert draft.is_valid()
    assert draft.events == Draft.read(bank_account, sent).events
    assert draft.fingerprint() == Draft.read(bank_account, sent).fingerprint()
    assert (draft.since, draft.operation_id) == (3, sent["operation_id"])


@pytest.mark.parametrize(
    "changed", [{"e1.amount": "9"}, {"e1-corrects": "1"}, {"e1-type": "ACCOUNT_UPDATE"}, {"slot": "e2"}]
)
def test_any_other_draft_has_another_fingerprint(changed: dict[str, str]):
    other = two()
    for name, value in changed.items():
        other[name] = value

    assert Draft.read(bank_account, other).fingerprint() != Draft.read(bank_account, two()).fingerprint()


def test_line_ends_as_a_browser_changes_them_are_no_difference():
    sent, again = two(), two()
    sent["e1.desc"], again["e1.desc"] = "a\r\nb", "a\nb"

    assert Draft.read(bank_account, sent).fingerprint() == Draft.read(bank_account, again).fingerprint()


@pytest.mark.parametrize("forged", ["", "e0", "x", "e1.amount", "e12345", "../e1", "e1\n"])
def test_forged_names_of_events_are_passed_over(forged: str):
    data = two()
    data.appendlist("slot", forged)

    assert len(Draft.read(bank_account, data).slots) == 2


def test_an_event_named_twice_is_there_once():
    data = two()
    data.appendlist("slot", "e1")

    assert len(Draft.read(bank_account, data).slots) == 2


def test_a_type_without_a_rule_is_refused():
    data = two()
    data["e1-type"] = "NOPE"

    with pytest.raises(UnknownType):
        Draft.read(bank_account, data)


def test_a_draft_has_no_more_events_than_one_append():
    draft = Draft(bank_account)
    for _ in range(MAX_EVENTS):
        assert draft.add("ACCOUNT_UPDATE") is not None

    assert draft.add("ACCOUNT_UPDATE") is None
    assert f"at most {MAX_EVENTS} events" in draft.notice


def test_a_draft_that_a_request_could_not_hold_stays_as_it_was(settings: Settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 80
    data = posted(slot=["e1", "e2"], **{"e1-type": "ORDER_CREATED", "e2-type": "ORDER_CREATED"})
    for key in ("e1", "e2"):
        data[f"{key}.id"] = "1"
        data.setlist(f"{key}.items:row", [str(row) for row in range(2)])
        for row in range(2):
            data[f"{key}.items.{row}.desc"] = "Apples"

    draft = Draft.read(order, data)
    for _ in range(20):
        draft = draft.act("add:e1.items")
        if draft.notice:
            break

    assert "nothing was added" in draft.notice
    assert len(draft.slots) == 2
    assert draft.slots[0].form.draft()["items"][0]["desc"] == "Apples"
