"""manage.py index, killed at any line and begun twice."""

from __future__ import annotations

from collections.abc import Callable

from facets import directory
from facets.core import json
from facets.core.dynamodb import DynamoTable
from facets.core.records import state_record
from facets.directory.models import Entity, IndexPass
from facets.directory.queries import Question
from tests.facets.management.conftest import Process, until

Start = Callable[..., Process]


def put(ledger: DynamoTable, ids: range, seq: int) -> None:
    # Of a size that takes a slow pass some seconds.
    state = json.dumps({"ownerLast": f"Owner {seq}", "balance": seq, "note": "x" * 4_000})
    ledger.load(state_record("BANK_ACCOUNT", str(id), seq, state, seq).to_item() for id in ids)


def test_killed_and_begun_twice_it_still_comes_to_what_the_table_holds(
    ledger: DynamoTable, start: Start
) -> None:
    put(ledger, range(120), 1)
    assert start("index").end() == 0
    put(ledger, range(120), 2)
    for id in range(100, 120):
        key = {"_id": {"S": f"BANK_ACCOUNT/{id}"}, "_rng": {"S": "STATE"}}
        ledger.client.delete_item(TableName=ledger.name, Key=key)
    read = 0
    for _ in range(2):
        process = start("index", "--max-rcu", "4")
        until(lambda read=read: Entity.objects.filter(seq=2).count() > read)
        process.kill()
        read = Entity.objects.filter(seq=2).count()
        assert read < 100
        # Nothing goes before the end.
        assert Entity.objects.count() == 120
    # What is written meanwhile, and read before by another way, is not lost.
    directory.note(state_record("BANK_ACCOUNT", "0", 3, '{"ownerLast":"Owner 3"}', 3))
    ledger.load([state_record("BANK_ACCOUNT", "0", 3, '{"ownerLast":"Owner 3"}', 3).to_item()])
    first, second = start("index", "--max-rcu", "16"), start("index", "--max-rcu", "16")
    statuses = [first.end(), second.end()]
    said = first.said + second.said
    assert "Traceback" not in said
    assert 0 in statuses, said
    if 1 in statuses:
        assert "It is being done already, by " in said
    assert dict(Entity.objects.values_list("entity_id", "seq")) == {
        str(id): 3 if id == 0 else 2 for id in range(100)
    }
    assert directory.count(Question("BANK_ACCOUNT", "owner")).number == 100
    assert not IndexPass.objects.filter(finished_at__isnull=True).exists()
