"""Stored payloads that JSON allows and programs choke on: every page of their entity opens all the same."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.store import Table
from facets.urls import urlpatterns
from tests.facets.views.filled import Filled

FACET, ID, OPERATION = "BANK_ACCOUNT", "1", "00000000-0000-0000-0000-000000000007"
FINE = '{"desc":"x","amount":1}'
_DEEP = "[" * 900 + "1" + "]" * 900
PAYLOADS = {
    "a number beyond doubles": '{"balance":1e400,"ownerFirst":-1e400,"desc":1e400,"amount":1e400}',
    "nested 900 deep": f'{{"balance":{_DEEP},"ownerFirst":{_DEEP},"desc":{_DEEP},"amount":1}}',
    "nested beyond reading": "[" * 5_000 + "]" * 5_000,
    "6,000 digits": f'{{"balance":{"9" * 6_000},"desc":"x","amount":{"9" * 6_000}}}',
    "half a character": r'{"balance":"\ud800","desc":"\udfff","amount":1,"\ud800":1}',
}


@pytest.mark.parametrize("where", ["STATE", "INBOUND", "OUTBOUND"])
@pytest.mark.parametrize("name", PAYLOADS)
def test_no_page_of_an_entity_is_taken_down_by_what_one_record_holds(
    operator: Client, ledger: Table, name: str, where: str
):
    payload = dict.fromkeys(("STATE", "INBOUND", "OUTBOUND"), FINE) | {where: PAYLOADS[name]}
    meta = json.dumps({"actor": "x", "reason": "because", "operation_id": OPERATION})
    records = [
        inbound_record(FACET, ID, 1, "TRANSACTION_ACCEPTED", FINE, 0),
        inbound_record(FACET, ID, 2, "TRANSACTION_ACCEPTED", payload["INBOUND"], 1, meta),
        outbound_record(FACET, ID, 2, 0, "accountOverdrawn", payload["OUTBOUND"], 1),
        state_record(FACET, ID, 2, payload["STATE"], 1),
    ]
    ledger.load(record.to_item() for record in records)
    operator.raise_request_exception = False

    failed = [url for url in _addresses([record.rng for record in records]) if _get(operator, url) >= 500]
    for url in (reverse("append", args=[FACET, ID]), reverse("recalculate", args=[FACET, ID])):
        typed: dict[str, Any] = {"slot": "e1", "e1-type": "TRANSACTION_ACCEPTED", "since": "2"}
        for draft in ({"e1.amount": "1", "e1.desc": "x"}, {"e1:as": "json", "e1": PAYLOADS[name]}):
            preview = operator.post(url, typed | draft | {"_action": "preview"})
            promised = dict(Filled(preview).data.items())
            confirmed = operator.post(url, promised | {"_action": "confirm", "reason": "because"})
            failed += [url for answer in (preview, confirmed) if answer.status_code >= 500]
    for url, sent in (
        (reverse("export", args=[FACET]), {"format": "jsonl"}),
        (reverse("export", args=[FACET]), {"format": "csv"}),
        (reverse("reveal", args=[FACET, ID]), {"reason": "because"}),
    ):
        failed += [url] if _status(operator.post(url, sent)) >= 500 else []

    assert failed == []


def _addresses(keys: list[str]) -> list[str]:
    """Every page of the entity, by the routes that take one, and the lists that it is in."""
    given = {"facet": FACET, "entity_id": ID, "operation_id": OPERATION, "seq": 2}
    found = [
        reverse(pattern.name, kwargs={key: given[key] for key in pattern.pattern.converters})
        for pattern in urlpatterns
        if set(pattern.pattern.converters) <= set(given)
    ]
    entity, append = reverse("entity", args=[FACET, ID]), reverse("append", args=[FACET, ID])
    found += [f"{entity}?{query}" for query in ("event=2", "unfold=1", "seq=1", "seq=2", "all=1")]
    found += [f"{entity}?raw={quote(key)}" for key in keys]
    found += [f"{reverse('search')}?q={query}" for query in ("1", "x", "1e400")]
    return [*found, f"{append}?like=2", f"{append}?correct=2"]


def _get(client: Client, url: str) -> int:
    return _status(client.get(url))


def _status(response: Any) -> int:
    if response.streaming:
        b"".join(response.streaming_content)
    return response.status_code
