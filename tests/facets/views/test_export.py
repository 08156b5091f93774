"""A list as a file: for whom, what is in it, and that it is on record first."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from facets.core import Event, Facet, json
from facets.core.store import Table
from facets.demo.definitions.order import order
from facets.directory import reader
from hdeadmin import ratelimit
from hdeadmin.audit import log
from hdeadmin.audit.log import AuditUnavailable
from hdeadmin.audit.models import AuditEntry

URL = reverse("export", args=["BANK_ACCOUNT"])


@pytest.fixture
def people(accounts: Facet) -> None:
    for number, name in enumerate(("=HYPERLINK(1)", "Ada", "Adam")):
        accounts.append(f"acc-{number}", Event("ACCOUNT_UPDATE", {"ownerFirst": name, "ownerLast": "Reed"}))


def text_of(response: Any) -> str:
    return b"".join(response.streaming_content).decode()


def test_the_file_has_what_the_list_finds_in_its_order(operator: Client, people: None):
    response = operator.post(f"{URL}?has.ownerFirst=ada&sort=-@id&size=25", {"format": "csv"})

    assert response.status_code == 200
    rows = list(csv.reader(io.StringIO(text_of(response).removeprefix("\ufeff"), newline="")))
    assert [row[1] for row in rows] == ["id", "acc-2", "acc-1"]
    assert response.headers["Content-Disposition"].startswith('attachment; filename="BANK_ACCOUNT-')
    assert response.headers["Content-Disposition"].endswith('.csv"')


def test_all_of_a_long_list_is_in_the_file(operator: Client, people: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(reader, "_AT_ONCE", 2)

    lines = text_of(operator.post(f"{URL}?sort=@id", {"format": "jsonl"})).split("\n")

    assert [json.loads(line)["id"] for line in lines if line] == ["acc-0", "acc-1", "acc-2"]


def test_formulas_are_neutralised(operator: Client, people: None):
    assert "'=HYPERLINK(1)" in text_of(operator.post(URL, {"format": "csv"}))


def test_an_export_is_on_record_before_its_first_byte(operator: Client, people: None):
    response = operator.post(f"{URL}?q=ada&sort=@id", {"format": "csv"})

    [entry] = AuditEntry.objects.filter(action="export")
    assert (entry.person, entry.facet) == ("operator", "BANK_ACCOUNT")
    # Of a facet with sensitive fields the words may be one of their values.
    said = {"format": "csv", "query": "sort=@id", "entities": 2, "words": "not recorded"}
    assert entry.details == said
    text_of(response)


def test_the_words_of_an_export_are_on_record_where_nothing_is_sensitive(operator: Client, ledger: Table):
    order.facet(ledger.db("ORDER")).append("ord-1", Event("ORDER_CREATED", {"id": "ord-1", "items": []}))

    operator.post(reverse("export", args=["ORDER"]) + "?q=ord", {"format": "jsonl"})

    [entry] = AuditEntry.objects.filter(action="export")
    assert entry.details == {"format": "jsonl", "query": "q=ord", "entities": 1}


def test_what_cannot_be_put_on_record_is_not_exported(
    operator: Client, people: None, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*args: object, **options: object) -> None:
        raise AuditUnavailable("full")

    monkeypatch.setattr(log, "record", refuse)

    response = operator.post(URL, {"format": "csv"})

    assert response.status_code == 503
    assert "Ada" not in response.text


def test_who_has_no_right_to_export_is_refused_and_sees_why(viewer: Client, people: None):
    assert viewer.post(URL, {"format": "csv"}).status_code == 403
    page = viewer.get(reverse("facet", args=["BANK_ACCOUNT"])).text
    assert "Needs the right to export" in page
    assert URL not in page


def test_exports_are_limited(operator: Client, people: None, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ratelimit, "allow", lambda *args, **options: False)

    assert operator.post(URL, {"format": "csv"}).status_code == 429


@pytest.mark.parametrize("format", ["", "xlsx", "../csv"])
def test_there_is_no_file_of_another_format(operator: Client, people: None, format: str):
    assert operator.post(URL, {"format": format}).status_code == 404


def test_a_filter_that_makes_no_sense_leads_back_to_the_list(operator: Client, people: None):
    response = operator.post(f"{URL}?from.balance=lots", {"format": "csv"})

    assert response.status_code == 302
    assert response.url == reverse("facet", args=["BANK_ACCOUNT"]) + "?from.balance=lots"


def test_a_link_from_elsewhere_exports_nothing(operator: Client, people: None):
    assert operator.get(URL).status_code == 405
    assert AuditEntry.objects.filter(action="export").count() == 0
