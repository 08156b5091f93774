"""The pages of the past: as it was, compared, drawn, held against its events, and when something became true."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from facets.core import Event, Facet
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from facets.entities import replay
from facets.entities.checkpoints import Checkpoint
from facets.views import chart, long_replay
from tests.facets.views.undefined import add_undefined

DAY = 24 * 60 * 60 * 1000


def url(page: str, entity_id: str = "acc-1") -> str:
    return reverse(page, args=["BANK_ACCOUNT", entity_id])


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def fields(response: Any) -> dict[str, str]:
    return {row.label: row.value.text for row in response.context["state_rows"] if row.value}


@pytest.fixture
def dated(ledger: Table) -> str:
    """An account with one event a day from 2026-11-20T10:00Z on: opened, +100, -300 with a message, +50."""
    start = 1_795_168_800_000
    events = [
        ("ACCOUNT_CREATION", '{"id":"acc-1"}'),
        ("TRANSACTION_ACCEPTED", '{"desc":"Salary","amount":100}'),
        ("TRANSACTION_ACCEPTED", '{"desc":"Rent","amount":-300}'),
        ("TRANSACTION_ACCEPTED", '{"desc":"Gift","amount":50}'),
    ]
    records = [
        inbound_record("BANK_ACCOUNT", "acc-1", seq, type, itm, start + (seq - 1) * DAY)
        for seq, (type, itm) in enumerate(events, start=1)
    ]
    records.append(
        outbound_record(
            "BANK_ACCOUNT", "acc-1", 3, 0, "accountOverdrawn", '{"accountId":"acc-1"}', start + 2 * DAY
        )
    )
    itm = '{"balance":-150,"minimumBalance":-1000,"id":"acc-1"}'
    records.append(state_record("BANK_ACCOUNT", "acc-1", 4, itm, start + 3 * DAY))
    ledger.load(record.to_item() for record in records)
    return "acc-1"


@pytest.fixture
def long(ledger: Table, monkeypatch: pytest.MonkeyPatch) -> int:
    """The length of a history that is run ten events at a time: 1 to 95, each a credit of its own seq."""
    monkeypatch.setattr(replay, "EVERY", 10)
    monkeypatch.setattr(replay, "_PARTS", 1)
    monkeypatch.setattr(long_replay, "SECONDS", 0)
    monkeypatch.setattr(chart, "SHORT", 20)
    records = [
        inbound_record("BANK_ACCOUNT", "acc-1", seq, "TRANSACTION_ACCEPTED", f'{{"amount":{seq}}}', seq)
        for seq in range(1, 96)
    ]
    records.append(state_record("BANK_ACCOUNT", "acc-1", 95, '{"balance":4560,"minimumBalance":-1000}', 95))
    ledger.load(record.to_item() for record in records)
    return 95


def wait_for(client: Client, address: str) -> tuple[Any, int]:
    """Ask as the page asks while a replay is under way; the answer, and how often it took."""
    for times in range(1, 40):
        response = client.get(address)
        if "facets/under_way.html" not in [template.name for template in response.templates]:
            return response, times
        address = response.context["go_on"]
    raise AssertionError("It never came to an end.")


# As it was.


def test_the_state_of_a_past_event_is_shown_with_what_the_event_changed(viewer: Client, dated: str):
    response = viewer.get(url("entity") + "?seq=3")

    assert response.status_code == 200
    assert fields(response)["Balance"] == "-200"
    assert [row.label for row in response.context["state_rows"] if row.changed] == ["Balance"]
    assert [
        (change["old"].text, change["new"].text) for change in response.context["acts"][0]["changes"]
    ] == [("100", "-200")]
    assert [(step.seq, step.when) for step in response.context["steps"]] == [
        (4, "later"),
        (3, "now"),
        (2, "earlier"),
        (1, "earlier"),
    ]
    assert [message["title"] for message in response.context["sent"]["messages"]] == ["Account overdrawn"]


def test_steps_lead_from_before_the_first_event_to_the_newest(viewer: Client, dated: str):
    address, seen = url("entity") + "?seq=0", []
    while address:
        response = viewer.get(address)
        seen.append((response.context["seq"], fields(response)["Balance"]))
        address = response.context["on_url"]

    assert seen == [(0, "0"), (1, "0"), (2, "100"), (3, "-200"), (4, "-150")]
    assert response.context["is_now"]
    assert not response.context["drift"]["found"]
    while address := response.context["back_url"]:
        response = viewer.get(address)
    assert response.context["seq"] == 0


@pytest.mark.parametrize(
    ("query", "seq"),
    [
        ("at=2026-11-21T10:00", 2),
        ("at=2026-11-21T09:59:59", 1),
        ("at=2026-11-21T11:00&zone=Europe/Berlin", 2),
        ("at=2026-11-21T10:59&zone=Europe/Berlin", 1),
        ("at=2026-11-21T11:00%2B01:00", 2),
        ("at=2026-11-20T09:00", 0),
        ("at=2030-01-01", 4),
    ],
)
def test_a_wall_clock_time_shows_what_held_then(viewer: Client, dated: str, query: str, seq: int):
    response = viewer.get(f"{url('entity')}?{query}")

    assert (response.status_code, response.context["seq"]) == (200, seq)
    assert response.context["asked"].utc in text_of(response)


@pytest.mark.parametrize(
    ("at", "seq"),
    [("10:00:05", 3), ("10:00:05.400", 2), ("10:00:05.399", 1), ("10:00:04", 1), ("10:00:06", 3)],
)
def test_the_time_on_an_events_row_shows_what_held_after_it(viewer: Client, ledger: Table, at: str, seq: int):
    """A row tells its time to the second, within which the event came later, and maybe another."""
    start = 1_795_168_800_000
    times = (start, start + 5_400, start + 5_999)
    records = [
        inbound_record("BANK_ACCOUNT", "acc-1", number, "TRANSACTION_ACCEPTED", '{"amount":1}', ts)
        for number, ts in enumerate(times, start=1)
    ]
    ledger.load(record.to_item() for record in [*records, state_record("BANK_ACCOUNT", "acc-1", 3, "{}", 1)])

    response = viewer.get(url("entity"), {"at": f"2026-11-20T{at}"})
    assert response.context["seq"] == seq
    assert f"Asked for 2026-11-20 {at} UTC" in text_of(response)

    leads = viewer.get(url("entity"), {"near": f"2026-11-20T{at}"})
    assert leads.url == f"{url('entity')}?event={seq}#event-{seq}"


@pytest.mark.parametrize(
    "query", ["seq=5", "seq=x", "seq=-1", "seq=", "at=yesterday", "at=", "seq=" + "9" * 40]
)
def test_a_moment_that_is_none_is_refused_with_a_way_on(viewer: Client, dated: str, query: str):
    response = viewer.get(f"{url('entity')}?{query}")

    assert response.status_code == 400
    assert "Back to now" in text_of(response)


def test_an_entity_that_is_not_there_has_no_past(viewer: Client, ledger: Table):
    assert viewer.get(url("entity", "nobody") + "?seq=0").status_code == 404
    for page in ("chart", "compare", "drift", "when"):
        assert viewer.get(url(page, "nobody")).status_code == 404


def test_a_rule_that_refused_a_past_event_is_shown_there_and_told_of_later(
    viewer: Client, dated: str, ledger: Table
):
    ledger.load(
        [
            inbound_record(
                "BANK_ACCOUNT", "acc-1", 5, "TRANSACTION_ACCEPTED", '{"amount":-9000}', 1
            ).to_item(),
            inbound_record("BANK_ACCOUNT", "acc-1", 6, "UNHEARD_OF", "{}", 2).to_item(),
            state_record("BANK_ACCOUNT", "acc-1", 6, '{"balance":1}', 3).to_item(),
        ]
    )

    refused = viewer.get(url("entity") + "?seq=5")
    assert refused.context["acts"][0]["error"] == "insufficient funds"
    assert fields(refused)["Balance"] == "-150"

    later = viewer.get(url("entity") + "?seq=6")
    assert later.context["failures"]["events"] == [(5, url("entity") + "?seq=5")]
    assert later.context["acts"][0]["skipped"]
    assert later.context["drift"]["found"]


def test_the_messages_of_an_append_are_shown_at_each_of_its_events(
    viewer: Client, accounts: Facet, account: str
):
    accounts.append(
        account,
        Event("TRANSACTION_ACCEPTED", {"desc": "Rent", "amount": -300}),
        Event("TRANSACTION_ACCEPTED", {"desc": "Back", "amount": 300}),
    )

    sent = viewer.get(url("entity") + "?seq=4").context["sent"]

    assert (len(sent["messages"]), sent["under"]) == (1, 5)


def test_what_no_definition_knows_has_no_rules_to_go_back_by(sign_in: Any, ledger: Table):
    add_undefined(ledger, "LOYALTY_CARD", "7")

    response = sign_in("viewer").get(reverse("entity", args=["LOYALTY_CARD", "7"]) + "?seq=1")

    assert "its rules are not known" in text_of(response)


# Long histories.


def test_a_long_way_back_says_how_far_it_is_and_goes_on_where_it_was(viewer: Client, long: int):
    first = viewer.get(url("entity") + "?seq=60")
    assert (first.context["done"], first.context["of"]) == (10, 52)
    assert "10 of 52 events are run" in text_of(first)
    assert re.search(
        r'<noscript><meta http-equiv="refresh" content="1;url=[^"]*\?seq=60&amp;go=1"', first.content.decode()
    )

    response, _ = wait_for(viewer, url("entity") + "?seq=60")
    assert fields(response)["Balance"] == str(sum(range(61)))
    assert wait_for(viewer, url("entity") + "?seq=61")[1] == 1


@pytest.mark.parametrize("page", ["entity", "chart", "drift", "compare", "when"])
def test_of_a_very_long_history_the_first_answer_comes_at_once(
    viewer: Client, long: int, page: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(long_replay, "AT_ONCE", 50)
    query = {"entity": "?seq=90", "when": "?field=balance&is=ge&value=4500"}.get(page, "")

    first = viewer.get(url(page) + query)
    assert re.search(r"\b0 of \d+ events are run", text_of(first))
    assert not Checkpoint.objects.exists()

    assert wait_for(viewer, first.context["go_on"])[0].status_code == 200


@pytest.mark.parametrize("page", ["chart", "drift", "compare", "when"])
def test_every_long_look_comes_to_its_end_in_small_steps(viewer: Client, long: int, page: str):
    query = "?field=balance&is=ge&value=4500" if page == "when" else ""

    response, times = wait_for(viewer, url(page) + query)

    assert response.status_code == 200
    assert 5 < times < 25


def test_a_check_that_went_on_from_an_earlier_look_says_so_and_can_be_made_anew(
    viewer: Client, long: int, ledger: Table
):
    first, _ = wait_for(viewer, url("drift") + "?anew=1")
    assert "earlier look" not in text_of(first)
    assert not first.context["drift"]["found"]
    # What no correct writer does; nothing that is read for the next look tells of it.
    edited = inbound_record("BANK_ACCOUNT", "acc-1", 33, "TRANSACTION_ACCEPTED", '{"amount":34}', 33)
    ledger.load([edited.to_item()])

    second, times = wait_for(viewer, url("drift"))
    assert times == 1
    assert "Events up to 90 were read at an earlier look." in text_of(second)

    assert f'href="{url("drift")}?anew=1"' in second.text
    third, _ = wait_for(viewer, url("drift") + "?anew=1")
    assert third.context["drift"]["found"]
    assert "earlier look" not in text_of(third)


# Compared.


def test_two_moments_are_compared_either_way(viewer: Client, dated: str):
    response = viewer.get(url("compare") + "?from=1&to=3")
    assert [(c["path"], c["old"].text, c["new"].text) for c in response.context["changes"]] == [
        ("Balance, EUR", "0", "-200")
    ]

    swapped = viewer.get(url("compare") + "?from=3&to=1")
    assert [(c["path"], c["old"].text, c["new"].text) for c in swapped.context["changes"]] == [
        ("Balance, EUR", "-200", "0")
    ]
    assert "No difference" in text_of(viewer.get(url("compare") + "?from=2&to=2"))
    assert [c["old"].text for c in viewer.get(url("compare")).context["changes"]] == ["-200"]


@pytest.mark.parametrize("query", ["from=9", "to=x", "from=-1&to=2"])
def test_a_comparison_with_no_event_is_refused(viewer: Client, dated: str, query: str):
    response = viewer.get(f"{url('compare')}?{query}")

    assert response.status_code == 400
    assert "There is no event" in text_of(response)


# When did this become true?


def ask(client: Client, **query: str) -> Any:
    return client.get(url("when"), query)


def test_the_first_event_after_which_it_held_is_found_and_the_next_ones(viewer: Client, dated: str):
    response = ask(viewer, field="balance", **{"is": "lt"}, value="0")

    (spell,) = response.context["spells"]
    assert (spell["seq"], spell["before"].text, spell["value"].text) == (3, "100", "-200")
    assert spell["sentence"] == "-300.00 · Rent"

    changed = ask(viewer, field="balance", **{"is": "changed"}).context["spells"]
    assert [spell["seq"] for spell in changed] == [2, 3, 4]
    until = ask(viewer, field="balance", **{"is": "ge"}, value="100").context["spells"]
    assert [(spell["seq"], spell["end"]) for spell in until] == [(2, 3)]


def test_a_change_is_a_moment_and_lasts_until_nothing(viewer: Client, dated: str):
    assert " until " in text_of(ask(viewer, field="balance", **{"is": "ge"}, value="100"))
    assert " until " not in text_of(ask(viewer, field="balance", **{"is": "changed"})).lower()


def test_what_held_from_the_start_or_never_is_said(viewer: Client, dated: str):
    assert "It held from the start" in text_of(ask(viewer, field="balance", **{"is": "eq"}, value="0"))
    assert "It was never so" in text_of(ask(viewer, field="balance", **{"is": "gt"}, value="999"))


def test_a_question_that_makes_no_sense_keeps_what_was_typed(viewer: Client, dated: str):
    response = ask(viewer, field="balance", **{"is": "lt"}, value="many")

    assert response.status_code == 400
    assert 'value="many"' in response.content.decode()
    assert "is a number" in text_of(response)


def test_a_long_search_finds_the_same_in_steps(viewer: Client, long: int):
    response, _ = wait_for(viewer, url("when") + "?field=balance&is=gt&value=1000")

    assert response.context["spells"][0]["seq"] == 45
    further, _ = wait_for(viewer, response.context["next_url"])
    assert "It held after event 50" in text_of(further)
    assert further.context["spells"] == []


# Pictures.


def test_every_value_of_a_short_history_is_drawn_and_leads_to_its_event(viewer: Client, dated: str):
    response = viewer.get(url("chart"))

    (picture,) = response.context["pictures"]
    assert [(row["seq"], row["value"]) for row in picture["rows"]] == [
        (1, "0"),
        (2, "100"),
        (3, "-200"),
        (4, "-150"),
    ]
    assert "lowest -200 at event 3, highest 100 at event 2" in picture["words"]
    assert "Lowest -200 at event 3 , highest 100 at event 2 ." in text_of(response)
    page = response.content.decode()
    assert 'href="/facets/BANK_ACCOUNT/entity/acc-1?seq=3"' in page
    assert "style=" not in page
    assert (
        viewer.get(url("chart") + "?by=time").context["pictures"][0]["wide"].x_ticks[0].text == "2026-11-20"
    )


def test_a_long_history_is_drawn_by_its_peaks(viewer: Client, long: int, ledger: Table):
    spike = inbound_record("BANK_ACCOUNT", "acc-1", 33, "TRANSACTION_ACCEPTED", '{"amount":100000}', 33)
    back = inbound_record("BANK_ACCOUNT", "acc-1", 34, "TRANSACTION_ACCEPTED", '{"amount":-99933}', 34)
    ledger.load([spike.to_item(), back.to_item()])

    response, _ = wait_for(viewer, url("chart"))

    picture = response.context["pictures"][0]
    assert picture["high"][0] == 33
    assert (picture["rows"][0]["seq"], picture["rows"][-1]["seq"]) == (1, 95)
    assert len(picture["rows"]) < 45


# What is masked stays masked.


@pytest.fixture
def secretive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bank_account, "sensitive_fields", ("balance", "amount"))


@pytest.mark.usefixtures("secretive")
def test_masked_values_show_on_no_page_of_the_past_nor_in_sql(viewer: Client, long: int, ledger: Table):
    ledger.load(
        [
            inbound_record(
                "BANK_ACCOUNT", "acc-1", 90, "TRANSACTION_ACCEPTED", '{"amount":77712345}', 90
            ).to_item(),
            inbound_record(
                "BANK_ACCOUNT", "acc-1", 91, "TRANSACTION_ACCEPTED", '{"amount":"77712345"}', 91
            ).to_item(),
            state_record("BANK_ACCOUNT", "acc-1", 95, '{"balance":77712346}', 95).to_item(),
        ]
    )
    for address in (
        url("entity") + "?seq=90",
        url("entity") + "?seq=91",
        url("entity") + "?seq=95",
        url("compare") + "?from=80&to=92",
        url("drift"),
        url("chart"),
        url("when"),
        url("when") + "?field=balance&is=gt&value=70000000",
        url("when") + "?field=balance&is=changed",
    ):
        response, _ = wait_for(viewer, address)
        assert "7771" not in response.content.decode(), address

    assert ask(viewer, field="balance", **{"is": "gt"}, value="1").status_code == 400
    assert "balance" not in [field.path for field in viewer.get(url("when")).context["fields"]]
    assert Checkpoint.objects.exists()
    assert not any(b"7771" in bytes(row.body) for row in Checkpoint.objects.all())


def test_of_a_field_that_holds_a_masked_one_only_the_rest_is_told(
    viewer: Client, ledger: Table, monkeypatch: pytest.MonkeyPatch
):
    """Neither what the masked part is, nor when it changed."""
    monkeypatch.setattr(order, "sensitive_fields", ("items.cost",))
    orders = order.facet(ledger.db("ORDER"))
    for desc, cost in (("Lamp", 77.5), ("Lamp", 88.5), ("Chair", 88.5)):
        item = {"desc": desc, "qty": 1, "cost": cost}
        orders.append("o-1", Event("ORDER_CREATED", {"id": "o-1", "items": [item]}))

    page = viewer.get(reverse("when", args=["ORDER", "o-1"]) + "?field=items&is=changed")

    assert [spell["seq"] for spell in page.context["spells"]] == [1, 3]
    assert "Chair" in page.text
    assert not re.search("77.5|88.5", page.text)
