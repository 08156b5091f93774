"""A facet that a person may not view is nowhere: in no menu, list, count, search, export or rights of theirs."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from facets.core import Event, Facet
from facets.core.store import Table
from facets.demo.definitions.order import order
from hdeadmin.audit import log
from hdeadmin.permissions.models import Grant
from hdeadmin.permissions.permissions import FACET_ACTIONS

TRACES = ("BANK_ACCOUNT", "Bank account", "acc-1", "Reed")


@pytest.fixture
def desk(sign_in: Callable[[str | None], Client], accounts: Facet, account: str, ledger: Table) -> Client:
    """Somebody who may do everything with orders and nothing else, over an account and an order."""
    order.facet(ledger.db("ORDER")).append("o-1", Event("ORDER_CREATED", {"id": "o-1", "items": []}))
    call_command("index", verbosity=0)
    group = Group.objects.create(name="order desk")
    Grant.objects.bulk_create(Grant(group=group, action=action, facet="ORDER") for action in FACET_ACTIONS)
    return sign_in("order desk")


@pytest.mark.parametrize(
    "url",
    [
        "/",
        "/?look=1",
        "/search/?q=Reed&all=1",
        "/search/?q=acc-1",
        "/search/?q=BANK_ACCOUNT/acc-1",
        "/search/?q=Reed&in=BANK_ACCOUNT",
        "/facets/ORDER/",
        "/facets/ORDER/?q=Reed",
        "/facets/ORDER/entity/o-1",
        "/rights/mine/",
        "/account/",
        "/audit/",
        "/audit/?entity=acc-1",
    ],
)
def test_no_page_shows_a_trace_of_it(desk: Client, url: str):
    for headers in ({}, {"HX-Request": "true", "HX-Target": "palette"}):
        response = desk.get(url, headers=headers)
        body = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
        text = body.decode()
        # What was typed stands in its own box.
        for asked in ("Reed", "acc-1", "BANK_ACCOUNT"):
            if asked in url:
                text = (
                    text.replace(f'value="{asked}', "").replace(f"“<bdi>{asked}", "").replace(f"“{asked}", "")
                )
        found = [trace for trace in TRACES if trace in text and trace not in url]
        assert not found, url
        assert response.status_code < 500


@pytest.mark.parametrize("format", ["csv", "jsonl"])
@pytest.mark.parametrize("url", ["/facets/ORDER/export/", "/facets/ORDER/export/?q=Reed", "/audit/export"])
def test_no_file_holds_a_trace_of_it(desk: Client, url: str, format: str):
    log.record("append", user="ann", facet="BANK_ACCOUNT", entity="acc-1")

    response = desk.post(url, {"format": format})

    assert response.status_code == 200
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    assert not [trace for trace in TRACES if trace in text]


@pytest.mark.parametrize("url", ["/", "/search/?q=Reed&all=1", "/facets/ORDER/entity/o-1", "/rights/mine/"])
def test_who_may_view_it_finds_it_on_the_same_pages(desk: Client, operator: Client, url: str):
    assert any(trace in operator.get(url).text for trace in TRACES)


def test_who_has_no_role_is_told_so_and_whom_to_ask(sign_in: Callable[[str | None], Client], account: str):
    boss = User.objects.create_user("boss", "mary@example.com", first_name="Mary", last_name="Boss")
    boss.groups.add(Group.objects.get(name="administrator"))
    User.objects.create_user("left", first_name="Lena", last_name="Left", is_active=False).groups.add(
        Group.objects.get(name="administrator")
    )

    page = sign_in(None).get("/")

    assert page.status_code == 200
    assert "You may not see anything yet" in page.text
    assert "Mary Boss" in page.text
    assert "mary@example.com" in page.text
    assert "Lena Left" not in page.text
    assert "Bank accounts" not in page.text


@pytest.mark.parametrize("url", ["/", "/facets/BANK_ACCOUNT/entity/acc-1", "/facets/ORDER/"])
def test_groups_and_grants_are_read_once_a_request(operator: Client, account: str, url: str):
    with CaptureQueriesContext(connection) as queries:
        operator.get(url)

    mine = [each["sql"] for each in queries if '"auth_user_groups"."user_id"' in each["sql"]]
    assert len(mine) == 1, mine
