"""The overview: a card for each facet that a person may view."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from facets.core import Event, Facet
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import facts_of
from facets.core.records import inbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.directory import full_scan
from facets.directory.models import Entity, TableFacet
from facets.jobs import verify
from hdeadmin.audit import log
from hdeadmin.permissions.models import Grant
from tests.facets.views.undefined import add_undefined


def cards(response: Any) -> dict[str, Any]:
    return {card.name: card for card in response.context["cards"]}


def test_facets_are_listed_with_their_titles_and_number_of_entities(viewer: Client, account: str):
    response = viewer.get("/")

    assert response.status_code == 200
    found = cards(response)
    assert list(found)[:2] == ["BANK_ACCOUNT", "ORDER"]
    assert (found["BANK_ACCOUNT"].entities, found["ORDER"].entities) == (1, 0)
    assert "Bank accounts" in response.text
    assert "All changes up to now" in response.text
    assert "Not verified yet" in response.text


def test_a_facet_without_a_definition_is_listed_as_read_only_and_says_why(
    viewer: Client, ledger: SqliteTable
):
    add_undefined(ledger, "LEGACY/cards", "1")

    response = viewer.get("/")

    assert cards(response)["LEGACY/cards"].entities == 1
    assert "not defined here: shown raw, cannot be changed." in response.text
    assert reverse("facet", args=["LEGACY/cards"]) in response.text


def put_events(ledger: Table, id: str, *moments: datetime) -> None:
    """An entity of ORDER with an event at each of the moments."""
    stamps = [round(moment.timestamp() * 1000) for moment in moments]
    ledger.load(
        [
            *(
                inbound_record("ORDER", id, seq, "NOTED", "{}", ts).to_item()
                for seq, ts in enumerate(stamps, start=1)
            ),
            state_record("ORDER", id, len(stamps), "{}", stamps[-1]).to_item(),
        ]
    )


def test_a_card_draws_the_events_of_each_day(sign_in: Callable[[str | None], Client], ledger: Table):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    put_events(ledger, "1", *(now - timedelta(days=days) for days in (30, 29, 1, 0)))
    put_events(ledger, "2", now - timedelta(days=3), now, now)

    with time_machine.travel(now, tick=False):
        response = sign_in("viewer").get("/")

    activity = cards(response)["ORDER"].activity
    assert [bar.count for bar in activity.bars if bar.count] == [1, 1, 1, 3]
    assert len(activity.bars) == 30
    assert activity.bars[-1].day.isoformat() == "2026-11-24"
    assert (activity.today, activity.changed) == (3, 2)
    assert "Events a day, the last 30 days: at most 3 on one day, 3 today" in response.text
    assert "only each entity’s last event" not in response.text


def test_a_picture_says_from_when_on_it_has_all_events(
    sign_in: Callable[[str | None], Client], ledger: Table
):
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    put_events(ledger, "1", now)
    with time_machine.travel(now, tick=False):
        viewer = sign_in("viewer")
        viewer.get("/")
        first_read = round((now - timedelta(days=2)).timestamp() * 1000)
        TableFacet.objects.filter(name="ORDER").update(counted_since=first_read)
        said = "Before 22 Nov, only each entity’s last event is counted."
        assert said in viewer.get("/").text
        assert said in viewer.get(reverse("facet", args=["ORDER"])).text


def test_days_are_those_of_the_consoles_zone_and_one_of_them_may_have_25_hours(
    sign_in: Callable[[str | None], Client], ledger: Table
):
    put_events(
        ledger,
        "1",
        datetime(2026, 10, 24, 21, 59, tzinfo=UTC),
        datetime(2026, 10, 24, 22, 0, tzinfo=UTC),
        datetime(2026, 10, 25, 22, 59, tzinfo=UTC),
        datetime(2026, 10, 25, 23, 0, tzinfo=UTC),
    )

    with (
        time_machine.travel(datetime(2026, 10, 26, 12, tzinfo=UTC), tick=False),
        timezone.override("Europe/Berlin"),
    ):
        activity = cards(sign_in("viewer").get("/"))["ORDER"].activity

    assert [(bar.day.day, bar.count) for bar in activity.bars if bar.count] == [(24, 1), (25, 2), (26, 1)]


def test_drift_that_is_known_leads_to_those_entities(viewer: Client, account: str):
    viewer.get("/")
    Entity.objects.filter(entity_id=account).update(drift_seq=3, drift_fields=1)
    verify.finish("BANK_ACCOUNT")

    response = viewer.get("/")

    assert cards(response)["BANK_ACCOUNT"].drifted == 1
    assert "Verified <time" in response.text
    url = reverse("facet", args=["BANK_ACCOUNT"])
    assert f'href="{url}?drifted=1"' in response.text
    assert [listed.row.id for listed in viewer.get(f"{url}?drifted=1").context["rows"]] == [account]


def test_corrections_of_the_week_are_counted_and_nothing_else_of_the_trail(viewer: Client, account: str):
    def note(
        action: str, *, phase: str = "outcome", result: str = "applied", facet: str = "BANK_ACCOUNT"
    ) -> None:
        log.record(action, user="ann", facet=facet, entity="acc-1", phase=phase, result=result)

    with time_machine.travel(timezone.now() - timedelta(days=8)):
        note("append")
    note("append")
    note("recalculate")
    note("append", result="not-applied")
    note("append", phase="intent")
    note("export", phase="event")
    note("append", facet="ORDER")

    found = cards(viewer.get("/"))

    assert (found["BANK_ACCOUNT"].corrections, found["ORDER"].corrections) == (2, 1)


def test_a_facet_that_may_not_be_viewed_leaves_no_trace(
    sign_in: Callable[[str | None], Client], account: str
):
    group = Group.objects.create(name="orders only")
    Grant.objects.create(group=group, action="view", facet="ORDER")
    client = sign_in(None)
    User.objects.get(username="nobody").groups.add(group)

    response = client.get("/")

    assert list(cards(response)) == ["ORDER"]
    assert "BANK_ACCOUNT" not in response.text


def test_a_table_that_is_not_indexed_says_how_to_index_it_and_is_not_read(
    viewer: Client, dynamo_ledger: DynamoTable, monkeypatch: pytest.MonkeyPatch
):
    dynamo_ledger.load([state_record("BANK_ACCOUNT", "1", 0, "{}", 0).to_item()])
    monkeypatch.setattr(DynamoTable, "browse", None)
    monkeypatch.setattr(DynamoTable, "facets", None)

    response = viewer.get("/")

    assert response.status_code == 200
    assert cards(response)["BANK_ACCOUNT"].entities is None
    assert "manage.py index" in response.text
    assert "Not counted or searched yet" in response.text


def test_the_page_takes_as_many_queries_for_many_entities_as_for_one(
    viewer: Client, accounts: Facet, django_assert_max_num_queries: Any
):
    for number in range(50):
        accounts.append(f"acc-{number}", Event("ACCOUNT_CREATION", {"id": "x"}))
    viewer.get("/")

    with django_assert_max_num_queries(40):
        viewer.get("/")


def test_a_card_tells_its_own_freshness_only_where_it_is_not_that_of_all(
    viewer: Client, dynamo_ledger: DynamoTable
):
    for facet in ("BANK_ACCOUNT", "ORDER"):
        dynamo_ledger.load([state_record(facet, "1", 0, "{}", 0).to_item()])
    now = timezone.now()
    with time_machine.travel(now - timedelta(hours=3), tick=False):
        full_scan.run(dynamo_ledger, facts_of(dynamo_ledger))
    assert [card.freshness for card in cards(viewer.get("/")).values()] == [None, None]

    with time_machine.travel(now, tick=False):
        full_scan.run(dynamo_ledger, facts_of(dynamo_ledger), ["ORDER"])
        found = cards(viewer.get("/"))
    assert found["BANK_ACCOUNT"].freshness is None
    assert found["ORDER"].freshness.text == "indexed 0 s ago"


def test_an_overview_never_counts_what_has_moved_on(viewer: Client, account: str, accounts: Facet):
    viewer.get("/")
    Entity.objects.filter(entity_id=account).update(drift_seq=2, drift_fields=1)

    assert verify.counts([Entity.objects.get(entity_id=account).facet]) == {}
