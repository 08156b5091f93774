"""Two entities that differ in what is masked alone look the same on every page of their past, at every step."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets import registry
from facets.core import json
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.store import Table
from facets.entities import field_search, replay
from facets.views import chart, long_replay
from tests.facets.views.vault import vault


@pytest.fixture(autouse=True)
def _with_vaults(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Their histories are run three events at a time."""
    settings.HDEADMIN_FACETS = ["facets.demo.definitions", "tests.facets.views.vault"]
    registry.definitions.cache_clear()
    monkeypatch.setattr(replay, "EVERY", 3)
    monkeypatch.setattr(long_replay, "SECONDS", 0)
    monkeypatch.setattr(chart, "SHORT", 4)
    yield
    registry.definitions.cache_clear()


def store(ledger: Table, id: str, secrets: list[str], pin: int) -> None:
    one, two, three = secrets
    events = [
        ("OPENED", {"label": "Blue", "email": one, "cards": [{"number": two, "label": "gold"}]}),
        ("SPENT", {"amount": 3, "token": three, "memo": "Lunch"}),
        ("LOCKED", {"pin": pin}),
        ("CHECKED", {"iban": two}),
        ("OPENED", {"label": "Red", "email": two, "address": {"street": one, "town": three}}),
        ("SPENT", {"amount": "much", "token": three}),
        ("NEVER_DEFINED", {"email": three}),
        ("OPENED", {"label": "Red", "email": three, "address": {"street": two, "town": one}}),
        ("SPENT", {"amount": 1, "token": one}),
        ("SPENT", {"amount": -2, "token": one, "iban": two}),
    ]
    state = {"label": "Red", "balance": 9, "email": two, "pin": pin, "address": {"street": one}, "iban": one}
    meta = json.dumps({"actor": "ann", "reason": "As agreed"})
    records = [
        inbound_record("VAULT", id, seq, type, json.dumps(data), 1_700_000_000_000 + seq, meta)
        for seq, (type, data) in enumerate(events, start=1)
    ]
    records += [
        outbound_record("VAULT", id, 2, 0, "vaultSpent", json.dumps([three]), 1_700_000_000_002),
        outbound_record("VAULT", id, 5, 0, "vaultOpened", json.dumps({"email": two}), 1_700_000_000_005),
        state_record("VAULT", id, len(events), json.dumps(state), 1_700_000_000_010),
    ]
    ledger.load(record.to_item() for record in records)


def looks(viewer: Client, name: str, id: str, query: str) -> list[str]:
    """What each answer says until the page has come to its end, without what is the entity's own."""
    address = reverse(name, args=["VAULT", id]) + query
    texts = []
    for _ in range(20):
        response = viewer.get(address)
        text = response.text[response.text.index("<main") :]
        texts.append(re.sub(r'<span id="cost".*?</span>', "", text).replace(id, "ID"))
        if "facets/under_way.html" not in [template.name for template in response.templates]:
            return texts
        address = response.context["go_on"]
    raise AssertionError("It never came to an end.")


def questions() -> Iterator[tuple[str, str]]:
    yield from (("entity", query) for query in ("", "?unfold=1", "?words=a", "?words=zq"))
    yield from (("entity", f"?seq={seq}") for seq in range(11))
    yield from (("compare", f"?from={first}&to={last}") for first in (0, 1, 4) for last in (5, 8, 10))
    yield from (("chart", ""), ("chart", "?by=time"), ("drift", ""))
    for field in field_search.fields(vault, ()):
        for operation in field.operations:
            for value in ("1", "zq"):
                yield "when", f"?field={field.path}&is={operation}&value={value}"


def test_no_page_of_the_past_tells_two_entities_apart_by_what_is_masked(viewer: Client, ledger: Table):
    store(ledger, "v-1", ["zq-first@example.org", "zq1234567812345678", "zqtoken"], 1234)
    store(ledger, "v-2", ["alpha@example.com", "8765", "a rather longer token"], 987654)

    steps = 0
    for name, query in questions():
        one, two = (looks(viewer, name, id, query) for id in ("v-1", "v-2"))
        assert one == two, f"{name}{query}"
        steps += len(one) - 1
    assert steps > 20
