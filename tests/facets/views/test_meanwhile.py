"""What a reader is shown of an entity to which services append while it is read."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event as Flag

from django.test import Client
from django.urls import reverse

from facets.core import Event
from facets.core.dynamodb import DynamoTable
from facets.demo.definitions.bank_account import bank_account

ID = "busy"
URL = reverse("entity", args=["BANK_ACCOUNT", ID])
NEWS = reverse("news", args=["BANK_ACCOUNT", ID])
# The first overdraws the account, which is published under the second, the last of its append.
TURN = [Event("TRANSACTION_ACCEPTED", {"desc": "x", "amount": amount}) for amount in (-10, 10)]


def test_pages_that_are_followed_while_services_append_join_without_gap_or_twin(
    local_ledger: DynamoTable, sign_in: Callable[[str], Client]
):
    viewer = sign_in("viewer")
    facet = bank_account.facet(local_ledger.db("BANK_ACCOUNT"))
    facet.append(ID, Event("TRANSACTION_ACCEPTED", {"desc": "x", "amount": 5}))
    for _ in range(4):
        facet.append(ID, *(TURN * 22))
    done = Flag()

    def write() -> None:
        try:
            for _ in range(60):
                facet.append(ID, *TURN)
        finally:
            done.set()

    walks = []
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        while not done.is_set() or not walks:
            context = viewer.get(URL).context
            last = context["seq"]
            pages = [context]
            while address := pages[-1]["older_url"]:
                pages.append(viewer.get(address, headers={"HX-Request": "true"}).context)
            linked = viewer.get(f"{URL}?event={last}").context
            news = viewer.get(NEWS, {"since": last})
            walks.append((last, pages, linked, news.context["count"] if news.status_code == 200 else 0))
        writing.result()

    messages = [record.seq for record in facet.db.get_records(ID) if record.kind == "OUTBOUND"]
    for last, pages, linked, news_count in walks:
        assert [row.seq for page in pages for row in page["rows"]] == list(range(last, 0, -1))
        for page in pages:
            assert not page["faults"]
            for row in page["rows"]:
                assert row.messages_unread or len(row.messages) == messages.count(row.seq)
        around = [row.seq for row in linked["rows"]]
        assert linked["found"] == last
        assert around == list(range(around[0], around[0] - 50, -1))
        assert 0 <= news_count <= messages[-1] - last
    assert viewer.get(NEWS, {"since": walks[0][0]}).context["count"] == messages[-1] - walks[0][0]
