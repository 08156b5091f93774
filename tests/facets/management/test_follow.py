"""manage.py follow as a service: killed, doubled, stopped, and left without its stream."""

from __future__ import annotations

import random
from collections.abc import Callable

from facets import directory
from facets.core import json
from facets.core.dynamodb import DynamoTable
from facets.core.records import state_record
from facets.directory.models import Entity, Follower
from facets.directory.queries import Question
from tests.facets.management.conftest import Process, until

Start = Callable[..., Process]


def put(ledger: DynamoTable, id: str, seq: int = 1) -> None:
    state = {"id": id, "ownerLast": f"Owner {seq}", "balance": seq}
    ledger.load([state_record("BANK_ACCOUNT", id, seq, json.dumps(state), seq).to_item()])


def delete(ledger: DynamoTable, id: str) -> None:
    key = {"_id": {"S": f"BANK_ACCOUNT/{id}"}, "_rng": {"S": "STATE"}}
    ledger.client.delete_item(TableName=ledger.name, Key=key)


def listed() -> dict[str, int]:
    return dict(Entity.objects.values_list("entity_id", "seq"))


def test_however_often_it_is_killed_the_directory_becomes_what_the_table_is(
    ledger: DynamoTable, start: Start
) -> None:
    chance = random.Random(6)
    truth: dict[str, int] = {}
    for _ in range(3):
        process = start("follow")
        process.wait_for("Following")
        for _ in range(40):
            id = str(chance.randrange(25))
            if id in truth and chance.random() < 0.2:
                delete(ledger, id)
                del truth[id]
            else:
                # What is made anew begins at 1 again.
                truth[id] = truth.get(id, 0) + 1
                put(ledger, id, truth[id])
        before = listed()
        until(lambda before=before: listed() != before or listed() == truth)
        process.kill()
    assert start("follow", "--once").end() == 0
    assert listed() == truth
    assert directory.count(Question("BANK_ACCOUNT")).number == len(truth)
    found = directory.query(Question("BANK_ACCOUNT", "owner"), limit=100).rows
    assert {row.id: row.values["balance"] for row in found} == truth


def test_the_second_takes_over_where_the_first_was_killed(ledger: DynamoTable, start: Start) -> None:
    put(ledger, "a")
    first = start("follow")
    until(lambda: listed() == {"a": 1})
    second = start("follow")
    second.wait_for(f"Standing by: {Follower.objects.get().owner.partition(' (')[0]} reads.")
    put(ledger, "b")
    until(lambda: listed() == {"a": 1, "b": 1})
    assert "Reading." not in second.said
    first.kill()
    put(ledger, "c")
    second.wait_for("Reading.")
    until(lambda: listed() == {"a": 1, "b": 1, "c": 1})
    assert f"process {second.pid} (" in Follower.objects.get().owner


def test_stopped_it_says_what_it_did_and_leaves_its_place_to_the_next(
    ledger: DynamoTable, start: Start
) -> None:
    put(ledger, "a")
    process = start("follow")
    until(lambda: listed() == {"a": 1})
    assert process.terminate() == 0
    assert "1 state read, 0 gone" in process.said
    assert "Traceback" not in process.said
    assert Follower.objects.get().lease_until == 0


def test_it_ends_with_a_word_on_what_to_do_where_its_stream_was_disabled(
    ledger: DynamoTable, start: Start
) -> None:
    process = start("follow")
    process.wait_for("Following")
    put(ledger, "a")
    until(lambda: listed() == {"a": 1})
    ledger.client.update_table(TableName=ledger.name, StreamSpecification={"StreamEnabled": False})
    assert process.end() == 1
    assert "was disabled" in process.said
    assert "manage.py index" in process.said
    again = start("follow")
    assert again.end() == 1
    assert "createtable --stream" in again.said
