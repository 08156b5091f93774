"""What a reader is shown where DynamoDB stops answering in the middle of a page, or answers a part at a time."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError
from django.test import Client
from django.urls import reverse

from facets.core.dynamodb import DynamoTable
from facets.core.json import JSON
from facets.core.records import inbound_record, outbound_record, state_record
from facets.demo.definitions.bank_account import bank_account
from facets.entities import replay
from facets.entities.checkpoints import Checkpoint, Shelf
from facets.views import chart, long_replay

FACET, ID, LENGTH = "BANK_ACCOUNT", "acc-1", 330
THROTTLED = ClientError({"Error": {"Code": "ProvisionedThroughputExceededException"}}, "Query")
SILENT = ReadTimeoutError(endpoint_url="https://dynamodb")
RESET = ConnectionClosedError(endpoint_url="https://dynamodb")

PAGES = ("entity", "entity?before=250", "entity?seq=310", "compare?from=200&to=320", "when?field=balance&is=gt&value=77", "chart", "drift")  # fmt: skip


@pytest.fixture
def long(local_ledger: DynamoTable, monkeypatch: pytest.MonkeyPatch) -> DynamoTable:
    """An account that is read and run as one of many more events is, with messages."""
    monkeypatch.setattr("facets.core.streaming.SHORT", 100)
    monkeypatch.setattr(replay, "EVERY", 100)
    monkeypatch.setattr(long_replay, "SECONDS", 0)
    monkeypatch.setattr(chart, "SHORT", 50)
    records = []
    for seq in range(1, LENGTH + 1):
        type = "TRANSACTION_ACCEPTED" if seq % 7 else "ACCOUNT_UPDATE"
        itm = f'{{"amount":{seq % 13 - 5}}}' if seq % 7 else '{"ownerFirst":"Ada"}'
        records.append(inbound_record(FACET, ID, seq, type, itm, seq))
        if seq % 9 == 0:
            records.append(outbound_record(FACET, ID, seq, 0, "accountOverdrawn", "{}", seq))
    records.append(state_record(FACET, ID, LENGTH, '{"balance":12}', 1))
    local_ledger.load(record.to_item() for record in records)
    return local_ledger


@pytest.fixture
def viewer(sign_in: Callable[[str], Client]) -> Client:
    return sign_in("viewer")


def looked_at(viewer: Client, page: str) -> tuple[int, str]:
    """A page's status and what it says at its end, asked for as it asks for itself while a replay is under way."""
    name, _, query = page.partition("?")
    response: Any = viewer.get(f"{reverse(name, args=[FACET, ID])}?{query}")
    while "facets/under_way.html" in [template.name for template in response.templates]:
        response = viewer.get(response.context["go_on"])
    main = response.text[response.text.index("<main") :]
    return response.status_code, re.sub(r'<span id="cost".*?</span>', "", main)


def kept(table: DynamoTable) -> dict[int, JSON]:
    shelf = Shelf.of(f"dynamodb:{table.name}", bank_account, ID)
    return dict(shelf.all(upto=LENGTH))


@pytest.mark.parametrize("page", PAGES)
def test_a_page_whose_reads_are_cut_off_is_a_503_and_leaves_nothing_wrong_behind(
    long: DynamoTable, viewer: Client, page: str
):
    calls = 0
    failing: dict[int, Exception] = {}

    def count(**_: Any) -> None:
        nonlocal calls
        calls += 1
        if calls in failing:
            raise failing[calls]

    long.client.meta.events.register("before-call.dynamodb", count)
    whole = looked_at(viewer, page)
    once, checkpoints = calls, kept(long)
    assert whole[0] == 200

    for place, error in ((1, SILENT), (once // 2, RESET), (once, THROTTLED)):
        failing[place] = error
        Checkpoint.objects.all().delete()
        calls = 0
        status, text = looked_at(viewer, page)
        assert status == 503
        assert "The table does not answer" in text
        assert "Try again" in text
        assert kept(long).items() <= checkpoints.items()

        failing.clear()
        assert looked_at(viewer, page) == whole
        assert kept(long) == checkpoints


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_however_few_records_each_answer_holds(long: DynamoTable, viewer: Client, page: str):
    whole = looked_at(viewer, page)
    checkpoints = kept(long)
    Checkpoint.objects.all().delete()

    def cut(params: dict[str, Any], **_: Any) -> None:
        params["Limit"] = min(7, params.get("Limit", 7))

    long.client.meta.events.register("provide-client-params.dynamodb.Query", cut)

    assert looked_at(viewer, page) == whole
    assert kept(long) == checkpoints
