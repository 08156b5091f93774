"""The role in the README lets the console do its work and nothing else."""

import ast
import json
import re
from pathlib import Path
from typing import Any

import botocore.client
import pytest
from botocore import xform_name
from botocore.session import get_session
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from facets.core import Event
from facets.core.dynamodb import DynamoTable, create_table, extend_table
from facets.core.records import state_record
from facets.demo.definitions.bank_account import bank_account
from hdeadmin.env import BASE_DIR
from tests.facets.views.filled import press
from tests.facets.views.test_matrix import ENTITY, FACET, ROWS, URLS, _address

README = (Path(BASE_DIR) / "README.md").read_text(encoding="utf-8")
POLICY = json.loads(
    next(block for block in re.findall(r"```json\n(.*?)```", README, re.DOTALL) if "Statement" in block)
)
STATEMENTS = {statement["Sid"]: statement for statement in POLICY["Statement"]}
# AWS asks for the action of each part of a transaction, not for one of its own.
PARTS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# Methods of a DynamoDB client that the code may name, and where. The last three are for copies, not for production.
ALLOWED = {
    "get_item",
    "batch_get_item",
    "query",
    "scan",
    "transact_write_items",
    "describe_table",
    "create_table",
    "update_table",
    "batch_write_item",
}


def actions(*sids: str) -> set[str]:
    found: set[str] = set()
    for sid in sids:
        given = STATEMENTS[sid]["Action"]
        found |= {given} if isinstance(given, str) else set(given)
    return found


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every action that AWS is asked for, by whatever client."""
    found: set[str] = set()
    call = botocore.client.BaseClient._make_api_call

    def noting(client: Any, operation: str, params: dict[str, Any]) -> Any:
        service = client.meta.service_model.signing_name
        if operation == "TransactWriteItems":
            found.update(f"{service}:{PARTS[part]}" for item in params["TransactItems"] for part in item)
        else:
            found.add(f"{service}:{operation}")
        return call(client, operation, params)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", noting)
    return found


@pytest.fixture
def root(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


def test_all_that_the_console_does_needs_exactly_what_the_role_allows(
    dynamo_ledger: DynamoTable, root: Client, asked: set[str], tmp_path: Path
):
    accounts = bank_account.facet(dynamo_ledger.db(FACET))
    accounts.append(ENTITY, Event("ACCOUNT_CREATION", {"id": ENTITY}))
    for _ in range(3):
        accounts.append(ENTITY, *[Event("TRANSACTION_ACCEPTED", {"desc": "x", "amount": 1})] * 99)
    dynamo_ledger.load([state_record(FACET, "drifted", 0, '{"balance":7}', 0).to_item()])
    asked.clear()

    # Every page.
    for name in sorted(set(URLS) & set(ROWS)):
        root.force_login(User.objects.get(username="root"))
        url = _address(name, ROWS[name])
        root.get(url)
        root.post(url, ROWS[name].data)
    root.force_login(User.objects.get(username="root"))
    for url in ("/?look=1", reverse("entity", args=[FACET, ENTITY]) + "?before=60"):
        assert root.get(url).status_code == 200
    # Every write.
    url = reverse("append", args=[FACET, ENTITY])
    typed = {"e1.amount": "1", "e1.desc": "x"}
    preview = press(root, url, root.get(f"{url}?type=TRANSACTION_ACCEPTED"), "preview", typed)
    assert press(root, url, preview, "confirm", {"reason": "to see what it asks for"}).status_code == 302
    url = reverse("recalculate", args=[FACET, "drifted"])
    preview = root.get(url)
    form = {"reason": "to see what it asks for", "confirm": "on"}
    hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', preview.text))
    assert root.post(url, hidden | form).status_code in (200, 302)
    # Every command that is for production.
    for command in COMMANDS:
        report = [] if command[0] == "index" else ["--report", str(tmp_path / command[0])]
        call_command(*command, *report)

    assert asked == actions("Read", "Append")


COMMANDS = [
    ("recalculate", FACET, "--all", "--apply", "--reason", "to see what it asks for"),
    ("verify",),
    ("index",),
]


def test_following_needs_exactly_what_the_role_allows(local_ledger: DynamoTable, db: None, asked: set[str]):
    extend_table(local_ledger.client, local_ledger.name, stream=True)
    local_ledger.load([state_record(FACET, "1", 0, "{}", 0).to_item()])
    asked.clear()

    call_command("follow", "--once")

    assert asked == actions("Follow") | {"dynamodb:DescribeTable"}


def test_an_index_of_states_needs_no_more_than_the_role_allows(
    local_ledger: DynamoTable, db: None, asked: set[str]
):
    local_ledger.client.delete_table(TableName=local_ledger.name)
    create_table(local_ledger.client, local_ledger.name, states_index=True)
    asked.clear()

    call_command("index")

    assert asked <= actions("Read", "Index")


def test_the_role_is_of_one_table_and_writes_in_transactions_only():
    table = "arn:aws:dynamodb:eu-west-1:123456789012:table/ledger"

    for statement in STATEMENTS.values():
        resources = statement["Resource"]
        for resource in [resources] if isinstance(resources, str) else resources:
            assert resource == table or resource.startswith((f"{table}/stream/", f"{table}/index/"))
        assert statement["Effect"] == "Allow"
    assert STATEMENTS["Append"]["Condition"] == {
        "ForAnyValue:StringEquals": {"dynamodb:EnclosingOperation": ["TransactWriteItems"]}
    }
    everything = actions(*STATEMENTS)
    assert not {action for action in everything if re.search(r"\*|Delete|Update|BatchWrite|PartiQL", action)}


def test_no_line_of_the_code_names_another_method_of_a_dynamodb_client():
    operations = get_session().get_service_model("dynamodb").operation_names
    methods = {xform_name(operation) for operation in operations}
    found: dict[str, set[str]] = {}
    for package in ("facets", "hdeadmin"):
        for source in (Path(BASE_DIR) / package).rglob("*.py"):
            for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in methods:
                    found.setdefault(node.attr, set()).add(str(source.relative_to(BASE_DIR)))

    assert set(found) <= ALLOWED
    for method in ALLOWED - {"query", "scan"}:
        assert found[method] <= {"facets/core/dynamodb/store.py", "facets/core/dynamodb/scan.py"}
    assert found["transact_write_items"] == {"facets/core/dynamodb/store.py"}
