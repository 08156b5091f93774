"""The trail's pages: found, paged, masked, and for those alone who may audit."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from pytest_django import Settings

from hdeadmin.audit import export, log
from hdeadmin.audit.models import AuditEntry
from hdeadmin.audit.views.entries import PAGE
from hdeadmin.permissions.models import Grant
from tests.hdeadmin.audit.outage import unwritable
from tests.hdeadmin.audit.unguarded import drop_triggers

pytestmark = pytest.mark.django_db

HOSTILE = "<script>alert(1)</script>\u202e\x00"


@pytest.fixture
def browser() -> Callable[..., Client]:
    """Somebody who is signed in with these grants, as action and facet."""

    def browser(*grants: tuple[str, str], name: str = "olga") -> Client:
        group = Group.objects.create(name=f"of {name}")
        Grant.objects.bulk_create(Grant(group=group, action=action, facet=facet) for action, facet in grants)
        user = User.objects.create_user(name)
        user.groups.add(group)
        client = Client()
        client.force_login(user)
        return client

    return browser


@pytest.fixture
def auditor(browser: Callable[..., Client]) -> Client:
    return browser(("view", ""), ("audit", ""))


@pytest.fixture
def of_orders(browser: Callable[..., Client]) -> Client:
    return browser(("view", "ORDER"), ("audit", "ORDER"))


def numbers(response: Any) -> list[int]:
    assert response.status_code == 200
    return [row["entry"].number for row in response.context["rows"]]


def test_the_newest_come_first_a_page_at_a_time(auditor: Client):
    first = log.record("append").number
    for _ in range(PAGE + 10):
        last = log.record("append").number

    page = auditor.get("/audit/", {"action": "append"})
    assert numbers(page) == list(range(last, last - PAGE, -1))

    older = auditor.get(page.context["older_url"])
    assert numbers(older) == list(range(last - PAGE, first - 1, -1))
    assert older.context["older_url"] is None


def test_each_filter_finds_its_own(auditor: Client):
    with time_machine.travel(datetime(2026, 10, 5, 12, tzinfo=UTC), tick=False):
        old = log.record(
            "append", user="ann", facet="ORDER", entity=" o/1 ", ticket="SUP-1", operation_id="op"
        )
    new = log.record("denied", user="bob", facet="BANK_ACCOUNT", entity="a-1", result="denied")

    found = {
        "old": [
            {"person": "ann"},
            {"action": "append"},
            {"facet": "ORDER"},
            {"entity": " o/1 "},
            {"ticket": "SUP-1"},
            {"operation": "op"},
            {"until": "2026-10-05"},
            {"since": "2026-10-05 12:00", "until": "2026-10-05 12:00"},
        ],
        "new": [{"person": "bob"}, {"result": "denied"}, {"since": "2026-10-06", "facet": "BANK_ACCOUNT"}],
    }
    for asked in found["old"]:
        assert numbers(auditor.get("/audit/", asked)) == [old.number], asked
    for asked in found["new"]:
        assert numbers(auditor.get("/audit/", asked)) == [new.number], asked
    assert "No entry is of this kind" in auditor.get("/audit/", {"person": "eve"}).text


def test_a_time_that_cannot_be_read_is_said_and_finds_nothing(auditor: Client):
    response = auditor.get("/audit/", {"since": "the other day"})

    assert "Use a date" in response.text
    assert numbers(response) == []


def test_of_other_facets_and_of_people_there_is_no_trace(of_orders: Client):
    mine = log.record("append", facet="ORDER", entity="o-1", user="ann")
    other = log.record("append", facet="BANK_ACCOUNT", entity="secret-account", user="ann")
    person = log.record("sign-in", user="ann")

    assert numbers(of_orders.get("/audit/")) == [mine.number]
    assert numbers(of_orders.get("/audit/", {"facet": "BANK_ACCOUNT"})) == []
    assert of_orders.get(f"/audit/{mine.number}/").status_code == 200
    assert of_orders.get(f"/audit/{other.number}/").status_code == 404
    assert of_orders.get(f"/audit/{person.number}/").status_code == 404
    written = of_orders.post("/audit/export").getvalue().decode()
    assert "secret-account" not in written
    assert "BANK_ACCOUNT" not in of_orders.get("/audit/").text


def test_who_may_not_audit_is_refused_and_that_is_on_record(browser: Callable[..., Client]):
    assert browser(("view", "")).get("/audit/").status_code == 403

    assert AuditEntry.objects.get(action="denied").details == {"right": "audit"}


def test_an_entry_says_all_and_hostile_text_is_text(auditor: Client):
    intent = log.record(
        "append",
        user=HOSTILE,
        phase="intent",
        result="announced",
        facet="ORDER",
        entity=HOSTILE,
        reason=HOSTILE,
        ticket=HOSTILE,
        changes=[{"path": ["lines", 0, HOSTILE], "kind": "changed", "old": '"••••••"', "new": HOSTILE}],
        details={"changes": 3, "more": HOSTILE},
    )

    page = auditor.get(f"/audit/{intent.number}/")

    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "\u202e" not in page.text
    assert "••••••" in page.text
    assert "And 2 more" in page.text
    assert "What came of it is not on record yet" in page.text
    assert "<script>alert" not in auditor.get("/audit/").text


def test_the_list_says_whom_a_change_is_about_and_what_was_given_or_missing(auditor: Client):
    log.record(
        "granted", user="root", details={"person": "ann", "person_id": 4, "roles": ["auditor", "viewer"]}
    )
    log.record("factor-added", user="ann", details={"factor": "passkey"})
    log.record(
        "denied", user="ann", facet="ORDER", entity="o-1", result="refused", details={"right": "append"}
    )
    log.record("group-added", user="root", details={"group": HOSTILE})

    page = auditor.get("/audit/")

    told = [(row["about"], row["which"]) for row in page.context["rows"]]
    assert told == [
        (HOSTILE, ""),
        ("", "append"),
        ("passkey", ""),
        ("ann", "auditor, viewer"),
    ]
    for text in ("ann", "auditor, viewer", "passkey", "append"):
        assert f"<bdi>{text}</bdi>" in page.text
    assert "<script>alert" not in page.text
    assert "Whose account" in auditor.get(f"/audit/{page.context['rows'][-1]['entry'].number}/").text


def test_an_intent_and_its_outcome_lead_to_each_other(auditor: Client):
    intent = log.record("append", phase="intent", facet="ORDER", entity="o-1", seq_after=4)
    outcome = log.record_outcome(intent, "applied")
    assert outcome is not None

    page = auditor.get(f"/audit/{intent.number}/")
    assert f'href="/audit/{outcome.number}/"' in page.text
    assert 'href="/facets/ORDER/entity/o-1?event=4#event-4"' in page.text
    assert f'href="/audit/{intent.number}/"' in auditor.get(f"/audit/{outcome.number}/").text


def test_a_broken_chain_is_loud_on_the_list_and_on_the_entry(auditor: Client):
    entry = log.record("append", user="ann")
    assert "The audit trail is not as it was written" not in auditor.get("/audit/").text

    drop_triggers()
    AuditEntry.objects.filter(number=entry.number).update(person="bob", changes_json="{", details_json="[")

    page = auditor.get("/audit/").text
    assert "The audit trail is not as it was written" in page
    assert f"Entry {entry.number}: altered" in page
    assert "The database does not guard it" in page
    assert "This entry is not as it was written" in auditor.get(f"/audit/{entry.number}/").text


def test_an_entry_that_cannot_be_read_takes_no_page_down(auditor: Client):
    entry = log.record("append")
    drop_triggers()
    value = "'yesterday'" if connection.vendor == "sqlite" else "'20000-01-01'"
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE audit_auditentry SET at = {value} WHERE number = {entry.number}")

    page = auditor.get("/audit/")
    assert "An entry of this page cannot be read" in page.text
    assert f"Entry {entry.number}: " in page.text
    assert auditor.get(f"/audit/{entry.number}/").status_code == 404


@pytest.mark.parametrize("format", ["jsonl", "csv"])
def test_what_was_found_is_exported_and_that_is_on_record_before(auditor: Client, format: str, tmp_path):
    log.record("append", user="ann", facet="ORDER")
    log.record("append", user="bob", facet="ORDER")

    response = auditor.post("/audit/export", {"format": format, "person": "ann"})

    written = response.getvalue().decode()
    assert response.headers["Content-Disposition"].endswith(f'.{format}"')
    assert "ann" in written
    assert "bob" not in written
    entry = AuditEntry.objects.get(action="export")
    assert (entry.person, entry.details["asked"]) == ("olga", {"person": "ann"})
    if format == "jsonl":
        (tmp_path / "export").write_text(written)
        assert export.check_file(tmp_path / "export", keys=log.keys()).entries == 1


def test_an_export_that_cannot_be_recorded_does_not_leave(auditor: Client):
    with unwritable():
        response = auditor.post("/audit/export")

    assert response.status_code == 503
    assert "It was not done." in response.text


def test_exports_are_counted(auditor: Client):
    with time_machine.travel(datetime(2026, 11, 20, 10, 1, tzinfo=UTC), tick=False):
        statuses = [auditor.post("/audit/export").status_code for _ in range(21)]

    assert statuses == [200] * 20 + [429]


def test_a_signing_key_that_is_gone_is_said(auditor: Client, settings: Settings):
    settings.HDEADMIN_AUDIT_SIGNING_KEY = "/nowhere/key.pem"

    response = auditor.post("/audit/export")

    assert response.status_code == 503
    assert "Nothing was exported" in response.text
    assert not AuditEntry.objects.filter(action="export").exists()
