"""manage.py index, follow and createtable's options."""

import io
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from facets import directory
from facets.core.dynamodb import DynamoTable
from facets.core.dynamodb.scan import facts_of
from facets.core.records import state_record
from facets.core.sqlite import SqliteTable
from facets.directory import full_scan
from facets.directory.models import MIXED, IndexPass, TableFacet
from facets.directory.queries import Question
from tests.support.stores import console_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def dynamo(dynamodb_table: DynamoTable, settings: Settings) -> Iterator[DynamoTable]:
    """Three accounts and an order in DynamoDB Local, which the commands are set to."""
    for facet, id in (("BANK_ACCOUNT", "1"), ("BANK_ACCOUNT", "2"), ("BANK_ACCOUNT", "3"), ("ORDER", "4")):
        dynamodb_table.load([state_record(facet, id, 1, "{}", 1).to_item()])
    with console_of(dynamodb_table, settings):
        yield dynamodb_table


def run(*arguments: str, status: int = 0) -> str:
    """What the command writes, and what it fails with."""
    out = io.StringIO()
    with pytest.raises(CommandError) if status else nullcontext() as failure:
        call_command(*arguments, stdout=out, stderr=out)
    if failure:
        assert failure.value.returncode == status
    return out.getvalue() + (str(failure.value) if failure else "")


def test_it_says_what_it_reads_and_what_came_of_it(dynamo: DynamoTable) -> None:
    said = run("index")
    assert "about 4 items" in said
    assert "read units" in said
    assert "4 entities, 4 records" in said
    assert "  BANK_ACCOUNT: 3\n  ORDER: 1" in said
    assert directory.count(Question("BANK_ACCOUNT")).number == 3


def test_it_names_the_facets_of_which_the_index_is_of_an_earlier_version(dynamo: DynamoTable) -> None:
    assert "earlier version" not in run("index")
    TableFacet.objects.update(version=MIXED)
    assert "Fix: manage.py index BANK_ACCOUNT" in run("index", "ORDER")
    assert "earlier version" not in run("index")


def test_it_reads_the_facets_that_are_named(dynamo: DynamoTable) -> None:
    with time_machine.travel(timezone.now(), tick=False):
        assert "1 entity" in run("index", "ORDER", "--max-rcu", "1000", "--segments", "1")
        fresh = directory.freshness_of_all(["ORDER", "BANK_ACCOUNT"])
    assert directory.knows("ORDER")
    assert not directory.knows("BANK_ACCOUNT")
    assert fresh.text == "indexed 0 s ago, 1 of 2 facets"


def test_what_is_gone_is_told(dynamo: DynamoTable) -> None:
    run("index")
    dynamo.client.delete_item(
        TableName=dynamo.name, Key={"_id": {"S": "BANK_ACCOUNT/1"}, "_rng": {"S": "STATE"}}
    )
    assert "gone from the table, and now from the directory: 1" in run("index")


def test_a_second_one_is_refused_while_the_first_is_at_work(dynamo: DynamoTable) -> None:
    IndexPass.objects.create(
        table=f"dynamodb:{dynamo.name}",
        definitions="",
        started_at=1,
        owner="elsewhere, process 7 (a)",
        lease_until=full_scan.now_ms() + 60_000,
    )
    assert "being done already, by elsewhere, process 7." in run("index", status=1)


def test_a_pass_that_costs_something_is_told_beforehand(dynamo: DynamoTable) -> None:
    cost = directory.pass_cost()
    assert cost
    assert cost.records == 4
    assert cost.capacity == 1
    assert cost.index == ""


def test_a_file_needs_neither_pass_nor_stream(sqlite_table: SqliteTable, settings: Settings) -> None:
    settings.HDEADMIN_STORE = f"sqlite:{sqlite_table.path}"
    sqlite_table.load([state_record("ORDER", "1", 1, "{}", 1).to_item()])
    assert "needs no index: 1 entity in the directory" in run("index")
    assert "needs none" in run("follow", status=1)
    assert "neither an index nor a stream" in run("createtable", "--stream", status=1)
    assert directory.pass_cost() is None


def test_following_needs_a_stream_of_what_items_became(dynamo: DynamoTable) -> None:
    assert "createtable --stream" in run("follow", status=1)
    options: Any = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    dynamo.client.update_table(TableName=dynamo.name, StreamSpecification=options)
    assert "KEYS_ONLY" in run("follow", status=1)


def test_createtable_adds_a_stream_and_an_index_to_a_table_that_is_there(dynamo: DynamoTable) -> None:
    assert "gets its stream" in run("createtable", "--stream")
    assert "nothing was changed" in run("createtable", "--stream")
    dynamo.load([state_record("ORDER", "5", 1, "{}", 1).to_item()])
    assert "1 state read" in run("follow", "--once")
    assert directory.find("ORDER", "5")
    assert "gets its index of states" in run("createtable", "--states-index")
    while facts_of(dynamo).index is None:
        pass
    assert "Reading the index 'states'" in run("index")
    facts = facts_of(dynamo)
    assert full_scan.expected(facts) == 5
    assert full_scan.expected(facts, ["ORDER"]) == 2
    assert full_scan.expected(facts, whole_table=True) == facts.items


@pytest.mark.parametrize(
    "arguments", [["--max-rcu", "0"], ["--max-rcu", "x"], ["--segments", "0"], ["--segments", "65"]]
)
def test_an_argument_that_makes_no_sense_is_refused(arguments: list[str]) -> None:
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("index", *arguments)
