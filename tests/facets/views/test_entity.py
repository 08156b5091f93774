"""The page of one entity."""

import html
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets import directory
from facets.core import Event, Facet
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from facets.entities import reader
from facets.entities.timeline import PAGE
from hdeadmin.audit.models import AuditEntry
from tests.facets.core.tables import lose
from tests.facets.views.undefined import add_undefined

FIXTURE = Path(__file__).parent.parent.parent / "fixtures" / "hde-ledger"
SCRIPT = "<script>alert(1)</script>"


def url_of(entity_id: str, facet: str = "BANK_ACCOUNT") -> str:
    return reverse("entity", args=[facet, entity_id])


def seqs(response: Any) -> list[int]:
    return [row.seq for row in response.context["rows"]]


def test_the_state_stands_beside_the_history_newest_first(viewer: Client, account: str):
    response = viewer.get(url_of(account))

    assert response.status_code == 200
    assert seqs(response) == [3, 2, 1]
    assert [row.sentence for row in response.context["rows"]] == [
        "+100.00 · Salary",
        "Owner is now Ada Reed",
        "Account acc-1 opened",
    ]
    fields = {row.label: row.value.text for row in response.context["state_payload"].rows}
    assert fields == {
        "Balance": "100",
        "Minimum balance": "-1000",
        "Account number": "acc-1",
        "First name": "Ada",
        "Last name": "Reed",
        "E-mail": "not set",
        "Phone": "not set",
    }


def test_messages_stand_under_the_append_that_sent_them(viewer: Client, accounts: Facet, account: str):
    accounts.append(
        account,
        Event("TRANSACTION_ACCEPTED", {"desc": "Rent", "amount": -300}),
        Event("TRANSACTION_ACCEPTED", {"desc": "Back", "amount": 300}),
        Event("TRANSACTION_ACCEPTED", {"desc": "Rent", "amount": -400}),
    )

    rows = viewer.get(url_of(account)).context["rows"]

    assert [(row.seq, [message.record.typ for message in row.messages]) for row in rows] == [
        (6, ["accountOverdrawn", "accountOverdrawn"]),
        (5, []),
        (4, []),
        (3, []),
        (2, []),
        (1, []),
    ]


def test_every_event_has_a_link_that_opens_the_page_that_holds_it(viewer: Client, accounts: Facet):
    for start in range(0, 150, 50):
        events = [Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": n}) for n in range(50)]
        assert accounts.append("long", *events).seq == start + 50

    newest = viewer.get(url_of("long"))
    middle = viewer.get(url_of("long"), {"event": "75"})
    oldest = viewer.get(url_of("long"), {"event": "1"})

    assert seqs(newest) == list(range(150, 100, -1))
    assert 75 in seqs(middle)
    assert len(seqs(middle)) == PAGE
    assert 'class="event found" id="event-75"' in middle.text
    assert seqs(oldest)[-1] == 1
    assert f'href="{url_of("long")}?event=75#event-75"' in middle.text


def test_older_and_newer_pages_join_without_gap_or_twin(viewer: Client, accounts: Facet):
    for _ in range(3):
        accounts.append(
            "long", *[Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": n}) for n in range(50)]
        )
    found: list[int] = []
    before: int | None = None
    while True:
        response = viewer.get(url_of("long"), {"before": str(before)} if before else {})
        found += seqs(response)
        before = response.context["reading"].older
        if before is None:
            break

    assert found == list(range(150, 0, -1))
    newer = viewer.get(url_of("long"), {"before": "51"}).context["newer_url"]
    assert seqs(viewer.get(newer)) == list(range(100, 50, -1))
    assert viewer.get(url_of("long"), {"after": "100"}).context["newer_url"] is None
    assert viewer.get(url_of("long")).context["newer_url"] is None


def test_htmx_gets_the_events_alone(viewer: Client, account: str):
    response = viewer.get(url_of(account), {"before": "3"}, headers={"HX-Request": "true"})

    assert "<html" not in response.text
    assert 'id="event-2"' in response.text
    assert 'id="event-3"' not in response.text


def test_a_link_to_an_event_that_is_not_there_says_so(viewer: Client, account: str):
    response = viewer.get(url_of(account), {"event": "99"})

    assert response.status_code == 200
    assert "There is no event 99" in response.text


@pytest.mark.parametrize("value", ["", "x", "-1", "1e3", "９", "9" * 400])
def test_a_seq_that_is_none_does_not_break_the_page(viewer: Client, account: str, value: str):
    assert viewer.get(url_of(account), {"event": value, "before": value}).status_code == 200


def test_an_event_named_beside_another_place_is_not_said_to_be_missing(viewer: Client, account: str):
    response = viewer.get(url_of(account), {"event": "2", "before": "2"})

    assert seqs(response) == [1]
    assert "There is no event" not in response.text


def test_the_number_of_an_event_leads_to_its_row_on_the_page(viewer: Client, account: str):
    response = viewer.get(url_of(account), {"go": "2"})

    assert response.status_code == 302
    assert response["Location"] == f"{url_of(account)}?event=2#event-2"


def test_a_moment_leads_to_the_last_event_until_then(viewer: Client, accounts: Facet, ledger: Table):
    ledger.load(
        inbound_record(
            "BANK_ACCOUNT", "a", seq, "ACCOUNT_UPDATE", "{}", 1_700_000_000_000 + seq * 60_000
        ).to_item()
        for seq in range(1, 200)
    )
    moment = {"near": "2023-11-14T23:40:30", "zone": "Europe/Berlin"}  # 22:13:20 UTC is 1,700,000,000

    response = viewer.get(url_of("a"), moment)

    assert response.status_code == 302
    assert response.url == f"{url_of('a')}?event=27#event-27"
    assert "is not a date and time" in viewer.get(url_of("a"), {"near": "yesterday"}).text


def test_filters_are_in_the_address_and_keep_their_place(viewer: Client, accounts: Facet, account: str):
    page = viewer.get(url_of(account), {"type": "TRANSACTION_ACCEPTED", "words": "salary"})

    assert seqs(page) == [3]
    assert "1 match in all 3 events." in page.text
    assert '<option value="TRANSACTION_ACCEPTED" selected>' in page.text
    assert 'value="salary"' in page.text
    assert "Nothing matches" in viewer.get(url_of(account), {"words": "nowhere"}).text
    assert seqs(viewer.get(url_of(account), {"manual": "1"})) == []


def test_a_long_filtered_history_says_how_far_it_looked(
    viewer: Client, accounts: Facet, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(reader, "MOST_LOOKED_AT", 100)
    for _ in range(3):
        accounts.append(
            "long", *[Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": n}) for n in range(50)]
        )

    page = viewer.get(url_of("long"), {"words": "nowhere"})

    assert "None matches in events 150 to 51." in page.text
    assert f'href="{url_of("long")}?words=nowhere&amp;before=51"' in page.text


def test_the_page_says_what_it_cost(viewer: Client, account: str):
    page = viewer.get(url_of(account))

    assert re.search(r"Read 5 records in 3 requests · [\d.]+ ms", page.text)


def test_messages_that_were_left_unread_are_said_to_be_and_come_with_their_event(
    viewer: Client, accounts: Facet, dynamo_ledger: Any
):
    ts = 1_700_000_000_000
    dynamo_ledger.load(
        record.to_item()
        for seq in range(1, 1_201)
        for record in (
            inbound_record("BANK_ACCOUNT", "a", seq, "ACCOUNT_UPDATE", "{}", ts),
            outbound_record("BANK_ACCOUNT", "a", seq, 0, "told", '{"n":1}', ts),
        )
    )
    dynamo_ledger.load([state_record("BANK_ACCOUNT", "a", 1_200, "{}", ts).to_item()])

    page = viewer.get(url_of("a"), {"event": "100"})
    detail = viewer.get(reverse("event", args=["BANK_ACCOUNT", 100, "a"]), headers={"HX-Request": "true"})

    assert "published is read when you unfold it" in page.text
    assert "told" in detail.text


def test_an_event_is_unfolded_by_its_own_address(viewer: Client, account: str):
    url = reverse("event", args=["BANK_ACCOUNT", 3, account])

    detail = viewer.get(url, headers={"HX-Request": "true"})

    assert "<html" not in detail.text
    assert "Salary" in detail.text
    assert "INBOUND/TRANSACTION_ACCEPTED/3" in detail.text
    assert viewer.get(url).url == f"{url_of(account)}?event=3#event-3"
    gone = reverse("event", args=["BANK_ACCOUNT", 9, account])
    assert viewer.get(gone, headers={"HX-Request": "true"}).status_code == 404


def test_a_row_says_what_its_event_changed_and_the_state_marks_the_last(viewer: Client, account: str):
    page = viewer.get(url_of(account))

    changed = [(c["path"], c["old"].text, c["new"].text) for c in page.context["rows"][0].changed.changes]
    assert changed == [("Balance", "0", "100")]
    assert [row.label for row in page.context["state_payload"].rows if row.changed] == ["Balance"]


def test_rows_whose_changes_are_not_known_lead_to_the_replay_that_tells_them(
    viewer: Client, account: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("facets.entities.effects.MOST_BEFORE", 0)
    monkeypatch.setattr("facets.entities.effects.MOST_BEFORE_PAID", 0)

    page = viewer.get(url_of(account), {"rows": "1"}).text

    assert "Show what these changed" in page
    assert f'{url_of(account)}?seq=3" title="Runs every earlier event' in page
    assert "Show what these changed" not in viewer.get(url_of(account)).text


def test_a_long_payload_is_cut_until_all_of_it_is_asked_for(viewer: Client, accounts: Facet):
    note = {f"k{n}": n for n in range(5_000)}
    accounts.append("big", Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": 1, "note": note}))
    url = reverse("event", args=["BANK_ACCOUNT", 1, "big"])

    brief = viewer.get(url, headers={"HX-Request": "true"})
    whole = viewer.get(url, {"all": "1"}, headers={"HX-Request": "true"})

    assert len(brief.content) < 60_000
    assert "Show all" in brief.text
    assert "k4999" not in brief.text
    assert whole.text.count('class="field-row') > 5_000
    assert "Show all" not in whole.text


def test_payloads_that_are_too_much_to_unfold_at_once_stay_folded(
    viewer: Client, accounts: Facet, account: str
):
    few = viewer.get(url_of(account), {"unfold": "1"})
    for _ in range(8):
        accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "x" * 300_000, "amount": 1}))

    many = viewer.get(url_of(account), {"unfold": "1"})

    assert "Record as stored" in few.text
    assert "Record as stored" not in many.text
    assert many.text.count("Unfold all") == 1


def test_a_sentence_of_a_long_text_is_cut_so_that_a_page_of_them_can_be_read(
    viewer: Client, accounts: Facet, account: str
):
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"desc": "x" * 300_000, "amount": 1}))

    page = viewer.get(url_of(account))

    assert "x" * 400 + "…" in page.text
    assert len(page.content) < 60_000


def test_the_state_is_a_file_to_download_on_record(
    operator: Client, viewer: Client, accounts: Facet, account: str
):
    address = reverse("entity-state", args=["BANK_ACCOUNT", account])
    assert f'action="{address}"' in operator.get(reverse("entity", args=["BANK_ACCOUNT", account])).text
    page = viewer.get(reverse("entity", args=["BANK_ACCOUNT", account])).text
    assert address not in page
    assert "not possible: </span>Needs the right to export, which auditor and operator have." in page
    assert viewer.post(address).status_code == 403

    response = operator.post(address)

    entry = AuditEntry.objects.get(action="export")
    assert (entry.person, entry.facet, entry.entity) == ("operator", "BANK_ACCOUNT", account)
    assert entry.details == {"of": "state", "seq": 3}
    assert json.loads(response.content)["balance"] == 100
    assert response.headers["Content-Disposition"] == 'attachment; filename="BANK_ACCOUNT-acc-1-3.json"'
    accounts.append("a\r\nb/ü", Event("ACCOUNT_CREATION", {"id": "x"}))
    odd = operator.post(reverse("entity-state", args=["BANK_ACCOUNT", "a\r\nb/ü"]))
    assert odd.headers["Content-Disposition"] == "attachment; filename*=utf-8''BANK_ACCOUNT-a-b-%C3%BC-1.json"
    assert operator.post(reverse("entity-state", args=["BANK_ACCOUNT", "nobody"])).status_code == 404


def test_news_says_how_many_events_came_since(viewer: Client, account: str):
    url = reverse("news", args=["BANK_ACCOUNT", account])

    assert "2 new events" in viewer.get(url, {"since": "1"}).text
    assert viewer.get(url, {"since": "3"}).status_code == 204
    assert viewer.get(url, {"since": "x"}).status_code == 204


def news_of(viewer: Client, page: Any) -> str:
    """What the page is told when it asks as it says that it does."""
    found = re.search(r'data-news="([^"]*)"', page.text)
    assert found
    return str(viewer.get(html.unescape(found[1])).text)


def test_a_state_that_is_written_anew_at_the_same_seq_is_news(
    viewer: Client, accounts: Facet, account: str, ledger: Table
):
    page = viewer.get(url_of(account))
    assert news_of(viewer, page) == ""

    lose(ledger, f"BANK_ACCOUNT/{account}", "STATE")
    without = viewer.get(url_of(account))
    assert "The state has changed" in news_of(viewer, page)
    assert news_of(viewer, without) == ""

    accounts.recalculate(account)
    assert "The state has changed" in news_of(viewer, without)
    accounts.append(account, Event("TRANSACTION_ACCEPTED", {"amount": 1}))
    assert "1 new event" in news_of(viewer, without)


def test_an_entity_that_does_not_exist_is_404_with_a_way_back(viewer: Client, account: str):
    response = viewer.get(url_of(" acc-1 "))

    assert response.status_code == 404
    assert f'href="{url_of("acc-1")}"' in response.text
    assert f'href="{reverse("facet", args=["BANK_ACCOUNT"])}"' in response.text


def test_an_id_longer_than_any_key_is_404(viewer: Client, ledger: Table):
    assert viewer.get(url_of("é" * 1100)).status_code == 404


def test_a_facet_without_a_definition_is_shown_raw_and_says_why(operator: Client, ledger: Table):
    add_undefined(ledger, "A/B", "1")

    response = operator.get(url_of("1", "A/B"), {"unfold": "1"})

    assert response.status_code == 200
    assert "Read-only" in response.text
    assert html.escape('{"holder":"Ada"}') in response.text
    # Append and recalculate, and of its one event to correct it and to add one like it.
    assert response.text.count('aria-disabled="true"') == 4


def test_entities_of_facets_that_share_a_partition_are_not_mixed(viewer: Client, ledger: Table):
    ledger.load([inbound_record("A", "B/c", 1, "X", '"of A"', 0).to_item()])
    ledger.load([inbound_record("A/B", "c", 1, "Y", '"of A/B"', 0).to_item()])

    assert [row.record.typ for row in viewer.get(url_of("B/c", "A")).context["rows"]] == ["X"]
    assert [row.record.typ for row in viewer.get(url_of("c", "A/B")).context["rows"]] == ["Y"]


@pytest.mark.parametrize("sensitive", [(), ("email",)])
def test_a_payload_that_does_not_fit_its_schema_is_shown_raw_with_the_error_or_masked_whole(
    viewer: Client, ledger: Table, monkeypatch: pytest.MonkeyPatch, sensitive: tuple[str, ...]
):
    monkeypatch.setattr(bank_account, "sensitive_fields", sensitive)
    ledger.load(
        record.to_item()
        for record in (
            inbound_record("BANK_ACCOUNT", "a", 1, "TRANSACTION_ACCEPTED", '{"amount":"<b>much</b>"}', 0),
            inbound_record("BANK_ACCOUNT", "a", 2, "TRANSACTION_ACCEPTED", "{broken", 0),
            inbound_record("BANK_ACCOUNT", "a", 3, "TRANSACTION_ACCEPTED", "null", 0),
            state_record("BANK_ACCOUNT", "a", 3, '{"balance":"none"}', 0),
        )
    )

    response = viewer.get(url_of("a"))

    assert response.status_code == 200
    assert "Does not fit Transaction: amount" in response.text
    assert "Does not fit BankAccount: balance" in response.text
    assert ("{broken" in response.text) is (not sensitive)
    assert ("none" in html.unescape(response.context["state_payload"].raw)) is (not sensitive)
    assert "<b>much" not in response.text


def test_a_history_with_a_gap_or_a_twin_says_so(viewer: Client, ledger: Table):
    ledger.load(
        record.to_item()
        for record in (
            inbound_record("BANK_ACCOUNT", "a", 1, "ACCOUNT_CREATION", '{"id":"a"}', 0),
            inbound_record("BANK_ACCOUNT", "a", 3, "ACCOUNT_CREATION", '{"id":"a"}', 0),
            inbound_record("BANK_ACCOUNT", "a", 3, "ACCOUNT_UPDATE", "{}", 0),
            outbound_record("BANK_ACCOUNT", "a", 9, 0, "lost", "{}", 0),
        )
    )

    response = viewer.get(url_of("a"))

    assert seqs(response) == [9, 3, 3, 1]
    assert "Event 2 is missing." in response.text
    assert "More than one event has the seq 3." in response.text
    assert "The state is missing" in response.text
    assert "No event has this seq" in response.text
    anchors = re.findall(r' id="(event-[^"]+)"', response.text)
    assert len(anchors) == len(set(anchors))


def test_an_event_from_the_console_says_who_and_why(viewer: Client, accounts: Facet):
    meta = {"actor": "ada", "reason": f"typo {SCRIPT}", "ticket": "T-1"}
    accounts.append("a", Event("ACCOUNT_CREATION", {"id": "a"}), meta=meta)

    response = viewer.get(url_of("a"))

    assert "ada" in response.text
    assert html.escape(f"typo {SCRIPT}") in response.text
    assert "T-1" in response.text


@pytest.mark.parametrize("meta", ["", "null", "[1]", "{broken", '{"actor":{"x":1}}', '{"actor":null}'])
def test_meta_of_another_maker_does_not_break_the_page(viewer: Client, ledger: Table, meta: str):
    ledger.load([inbound_record("BANK_ACCOUNT", "a", 1, "ACCOUNT_CREATION", "{}", 0, meta).to_item()])

    assert viewer.get(url_of("a")).status_code == 200


def test_a_record_can_be_read_just_as_it_is_stored(viewer: Client, account: str):
    response = viewer.get(url_of(account), {"raw": "INBOUND/TRANSACTION_ACCEPTED/3"})

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert json.loads(response.text)["_itm"] == '{"desc":"Salary","amount":100}'
    assert viewer.get(url_of(account), {"raw": "INBOUND/NOPE/1"}).status_code == 404


def test_hostile_text_anywhere_is_only_text(operator: Client, ledger: Table):
    facet, id = f"F{SCRIPT}", f"id{SCRIPT}\u202e"
    ledger.load(
        record.to_item()
        for record in (
            inbound_record(
                facet, id, 1, f"T{SCRIPT}", json.dumps({SCRIPT: SCRIPT, "a": [{SCRIPT: SCRIPT}]}), 0
            ),
            outbound_record(facet, id, 1, 0, f"O{SCRIPT}", json.dumps(SCRIPT), 0),
            replace(state_record(facet, id, 1, json.dumps({SCRIPT: [SCRIPT], "a": "\ud800"}), 0), ts=10**17),
        )
    )

    for url in ("/", reverse("facet", args=[facet]), url_of(id, facet)):
        page = operator.get(url)
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "\u202e" not in page.text.replace(html.escape(id), "")


def test_a_page_of_a_long_history_stays_quick(
    viewer: Client, accounts: Facet, django_assert_max_num_queries: Any
):
    accounts.append("a", *[Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": 1}) for _ in range(90)])

    viewer.get(url_of("a"))
    # Three of them see that the directory has it already, one looks for a checkpoint.
    with django_assert_max_num_queries(10):
        assert viewer.get(url_of("a")).status_code == 200


def test_opening_an_entity_tells_the_directory_of_it(
    viewer: Client, accounts: Facet, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("facets.directory.reader.catch_up", lambda: True)
    accounts.append("a", Event("TRANSACTION_ACCEPTED", {"desc": "", "amount": 1}))

    viewer.get(url_of("a"))

    assert directory.find("BANK_ACCOUNT", "a").seq == 1


def test_looking_for_an_entity_that_is_gone_tells_the_directory_of_it(viewer: Client, ledger: Table):
    directory.note(state_record("BANK_ACCOUNT", "gone", 1, "{}", 1))

    assert viewer.get(url_of("gone")).status_code == 404

    assert directory.find("BANK_ACCOUNT", "gone") is None


def test_every_entity_that_hde_wrote_opens_by_its_link(operator: Client, ledger: Table):
    lines = (FIXTURE / "items.jsonl").read_text(encoding="utf-8").split("\n")
    ledger.load(json.loads(line) for line in lines if line)
    entities = json.loads((FIXTURE / "expected.json").read_text(encoding="utf-8"))["entities"]

    for expected in entities:
        response = operator.get(url_of(expected["id"], expected["facet"]))

        assert response.status_code == 200
        assert response.context["seq"] == expected["seq"]
        shown = [(row.seq, row.record.typ) for row in response.context["rows"]]
        assert (
            shown == [(event["seq"], event["type"]) for event in reversed(expected["inbound"])][: len(shown)]
        )
        sent = [m.record.typ for row in reversed(response.context["rows"]) for m in row.messages]
        assert sent == [event["type"] for event in expected["outbound"]]
    assert len(entities) == 41


def test_the_last_moment_of_the_calendar_is_shown_east_of_utc_too(
    viewer: Client, ledger: Table, settings: Settings
):
    settings.TIME_ZONE = "Asia/Kolkata"
    end = 253_402_300_799_000
    ledger.load(
        [
            inbound_record("BANK_ACCOUNT", "a", 1, "UNKNOWN", "{}", end).to_item(),
            state_record("BANK_ACCOUNT", "a", 1, "{}", end).to_item(),
        ]
    )

    assert str(end) in viewer.get(url_of("a")).text
