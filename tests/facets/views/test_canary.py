"""Known secrets in every place that is masked are in no answer, no line of a log, no command's output, no row of SQL."""

from __future__ import annotations

import base64
import html
import io
import json as plain_json
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets import registry
from facets.changes import recalculate
from facets.core import Event, Facet, json
from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from hdeadmin.audit.models import AuditEntry
from tests.facets.views.filled import Filled, press
from tests.facets.views.test_matrix import URLS
from tests.facets.views.vault import vault

ID = "v-1"
OPERATION = "11111111-2222-3333-4444-555555555555"
# With characters that HTML, JSON and addresses write otherwise, and numbers that a text may group.
PLACES = (
    "state email",
    "state card",
    "state street",
    "state town",
    "event email",
    "event card",
    "event street",
    "event town",
    "token",
    "message",
    "message list",
    "not json",
    "misfit",
    "unruled",
    "iban",
    "meta",
    "extra",
    "misfit state",
    "broken state",
)
SECRETS = {
    place: f"Zqcanary{number:02}é<&\"'x{place.replace(' ', '')}" for number, place in enumerate(PLACES)
}
PIN = 918_273_645


@pytest.fixture(autouse=True)
def _with_vaults(settings: Settings) -> Iterator[None]:
    settings.HDEADMIN_FACETS = ["facets.demo.definitions", "tests.facets.views.vault"]
    registry.definitions.cache_clear()
    yield
    registry.definitions.cache_clear()


@pytest.fixture
def planted(ledger: Table) -> str:
    """The id of an entity whose every record holds secrets."""
    assert isinstance(ledger, SqliteTable)
    opened = {
        "label": "Blue",
        "email": SECRETS["event email"],
        "cards": [{"number": SECRETS["event card"], "label": "gold"}],
        "address": {"street": SECRETS["event street"], "town": SECRETS["event town"]},
        "inner": [{"email": SECRETS["extra"]}],
    }
    state = {
        "label": "Blue",
        "balance": 3,
        "email": SECRETS["state email"],
        "pin": PIN,
        "cards": [{"number": SECRETS["state card"], "label": "gold"}],
        "address": {"street": SECRETS["state street"], "town": SECRETS["state town"]},
        "tokens": [SECRETS["token"]],
        "unknown": {"deep": [{"iban": SECRETS["iban"]}]},
    }
    meta = json.dumps(
        {
            "actor": "ann",
            "reason": f"because {SECRETS['token']} was wrong",
            "operation_id": OPERATION,
            "corrects": 1,
            "email": SECRETS["meta"],
        }
    )
    events = [
        ("OPENED", json.dumps(opened), None),
        ("SPENT", json.dumps({"amount": 3, "token": SECRETS["token"]}), meta),
        ("LOCKED", json.dumps({"pin": PIN}), None),
        ("CHECKED", json.dumps({"iban": SECRETS["iban"]}), None),
        ("SPENT", json.dumps({"amount": SECRETS["misfit"]}), None),
        ("SPENT", '{"token": "' + SECRETS["not json"], None),
        ("NEVER_DEFINED", json.dumps({"email": SECRETS["unruled"]}), None),
        ("SPENT", json.dumps({"amount": 1, "token": "t"}), None),
    ]
    records = [
        inbound_record("VAULT", ID, seq, type, itm, 1_700_000_000_000 + seq, meta)
        for seq, (type, itm, meta) in enumerate(events, start=1)
    ]
    records += [
        outbound_record(
            "VAULT", ID, 1, 0, "vaultOpened", json.dumps({"email": SECRETS["message"]}), 1_700_000_000_000
        ),
        outbound_record(
            "VAULT", ID, 2, 0, "vaultSpent", json.dumps([SECRETS["message list"]]), 1_700_000_000_000
        ),
        state_record("VAULT", ID, len(events), json.dumps(state), 1_700_000_000_000),
    ]
    misfit = {
        "label": "Odd",
        "balance": SECRETS["misfit state"],
        "email": "x",
        "odd": [SECRETS["misfit state"]],
    }
    records += [
        inbound_record("VAULT", "v-2", 1, "SPENT", '{"amount":1}', 0),
        state_record("VAULT", "v-2", 1, json.dumps(misfit), 0),
        inbound_record("VAULT", "v-3", 1, "SPENT", '{"amount":1}', 0),
        state_record("VAULT", "v-3", 1, '{"label": "' + SECRETS["broken state"], 0),
    ]
    # One whose history the rules accept, so that it can be recalculated.
    records += [
        inbound_record("VAULT", "v-4", 1, "OPENED", json.dumps(opened), 0),
        state_record("VAULT", "v-4", 1, json.dumps(state), 0),
    ]
    ledger.load(record.to_item() for record in records)
    return ID


def forms_of(secret: str) -> set[str]:
    """The ways in which a text may stand in a page, an address, a log or a row."""
    found = {secret, html.escape(secret), quote(secret), quote(secret, safe=""), repr(secret)[1:-1]}
    found |= {plain_json.dumps(secret)[1:-1], html.escape(plain_json.dumps(secret)[1:-1])}
    found |= {plain_json.dumps(plain_json.dumps(secret))[3:-3]}
    for shift in range(3):
        # Within a longer text base64 begins at any of three places; the ends depend on the neighbours.
        encoded = base64.b64encode(b" " * shift + secret.encode()).decode()
        found |= {encoded[4:-4], encoded[4:-4].replace("+", "-").replace("/", "_")}
    # A part of it is too much as well.
    return found | {secret[:10], secret[13:]}


NEEDLES = {form: place for place, secret in SECRETS.items() for form in forms_of(secret)} | {
    str(PIN): "pin",
    f"{PIN:,}": "pin",
    f"{PIN:,}".replace(",", "\u00a0"): "pin",
}


def told(text: str) -> set[str]:
    """The places whose secrets a text gives away."""
    return {f"{place}: {form}" for form, place in NEEDLES.items() if form in text}


def in_answer(response: Any) -> set[str]:
    headers = "\n".join(f"{key}: {value}" for key, value in response.headers.items())
    body = b"".join(response.streaming_content) if response.streaming else response.content
    return told(headers + body.decode(errors="replace"))


def rows_of_sql() -> Iterator[tuple[str, str]]:
    """Every cell of Django's database, with its table."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - names of our tables
            for row in cursor.fetchall():
                for cell in row:
                    if isinstance(cell, (bytes, memoryview)):
                        yield table, bytes(cell).decode("latin-1")
                    elif cell is not None:
                        yield table, str(cell)


# What each URL is asked beside its bare address.
QUERIES = {
    "entity": [
        "?unfold=1",
        "?all=1&unfold=1",
        "?event=1",
        "?raw=STATE",
        "?raw=STATE&part=itm",
        *(
            f"?raw=INBOUND/{type}/{seq}"
            for seq, type in enumerate(["OPENED", "SPENT", "LOCKED", "CHECKED"], start=1)
        ),
        "?raw=INBOUND/SPENT/2&part=itm",
        "?raw=INBOUND/SPENT/5",
        "?raw=INBOUND/SPENT/6",
        "?raw=INBOUND/NEVER_DEFINED/7",
        "?raw=OUTBOUND/vaultOpened/1/0",
        "?raw=OUTBOUND/vaultSpent/2/0",
        "?words=zq",
        "?manual=1&unfold=1",
        *(f"?seq={seq}" for seq in range(9)),
        "?at=2023-11-14T22:13",
    ],
    "compare": ["?from=0&to=8", "?from=1&to=2"],
    "chart": ["?by=time"],
    "when": [
        "?field=email&is=set",
        "?field=tokens&is=set",
        "?field=pin&is=gt&value=1",
        "?field=balance&is=set",
        "?field=cards&is=changed",
        "?field=cards&is=set",
    ],
    "append": [
        "?like=1",
        "?like=2",
        "?like=5",
        "?like=6",
        "?correct=2",
        "?correct=8",
        "?type=SPENT",
        "?type=OPENED",
    ],
    "facet": ["?q=blue", "?q=zq", "?sort=email", "?sort=-email", "?sort=cards", "?email=zq"],
    "receipt": ["?seq=2"],
    "home": ["?look=1"],
    "search": ["?q=blue", "?q=zq"],
}


# What each URL is sent; an empty form otherwise.
FORMS = {
    "export": [{"format": "csv"}, {"format": "jsonl"}],
    "audit-export": [{"format": "csv"}, {"format": "jsonl"}],
}


def _reachable(facet: str, id: str) -> Iterator[tuple[str, str]]:
    """The address of every URL that takes no more than a facet, an entity, a seq and an operation, and its name."""
    given = {"facet": facet, "entity_id": id, "operation_id": OPERATION}
    for name, pattern in URLS.items():
        keys = set(pattern.pattern.regex.groupindex)
        if name.startswith("admin") or not pattern.name or not keys <= {*given, "seq"}:
            continue
        for seq in range(1, 9) if "seq" in keys else [0]:
            yield name, reverse(name, kwargs={key: {**given, "seq": seq}[key] for key in keys})


def test_no_answer_no_log_and_no_row_gives_a_secret_away(
    sign_in: Callable[[str | None], Client],
    planted: str,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    caplog.set_level(logging.DEBUG)
    client = sign_in("operator")
    client.raise_request_exception = False
    User.objects.filter(username="operator").update(is_superuser=True)
    client.force_login(User.objects.get(username="operator"))
    given_away: list[str] = []

    def look(what: str, response: Any) -> Any:
        given_away.extend(
            f"{what} ({response.status_code}): {found}" for found in sorted(in_answer(response))
        )
        if response.status_code == 500:
            given_away.append(f"{what} is broken")
        return response

    out = io.StringIO()
    for command in (["index"], ["verify"], ["recalculate", "VAULT", "--all"], ["audit_verify"], ["check"]):
        with suppress(CommandError, SystemExit):
            call_command(*command, stdout=out, stderr=out)
    addresses = [*_reachable("VAULT", ID), *_reachable("VAULT", "v-2"), *_reachable("VAULT", "v-3")]
    for name, url in dict.fromkeys(addresses):
        for query in ["", *QUERIES.get(name, [])]:
            for headers in ({}, {"HX-Request": "true", "HX-Target": "palette"}):
                look(f"GET {url}{query} {headers or ''}", client.get(url + query, headers=headers))
        if name not in ("account_logout", "sign-everybody-out", "reveal", "audit-export"):
            for form in FORMS.get(name, [{}]):
                look(f"POST {url} {form or ''}", client.post(url, form))
    client.force_login(User.objects.get(username="operator"))

    # Corrections and recalculations, to their ends.
    append = reverse("append", args=["VAULT", ID])
    for query in ("?type=SPENT", "?correct=2", "?like=2", "?correct=8"):
        page = client.get(append + query)
        previewed = look(f"preview {query}", press(client, append, page, "preview", {"e1.memo": "A memo"}))
        if "confirm" in Filled(previewed).buttons:
            look(f"confirm {query}", press(client, append, previewed, "confirm", {"reason": "Because of it"}))
    for type in ("LOCKED", "CHECKED", "OPENED"):
        page = client.get(append + f"?type={type}")
        look(f"preview {type}", press(client, append, page, "preview"))
    recalculate_url = reverse("recalculate", args=["VAULT", "v-4"])
    page = look("recalculate", client.get(recalculate_url))
    done = client.post(recalculate_url, Filled(page).data.dict() | {"reason": "Because of it"}, follow=True)
    look("recalculated", done)
    look("entity after", client.get(reverse("entity", args=["VAULT", ID]) + "?unfold=1"))

    # What all of that left in the trail.
    numbers = list(AuditEntry.objects.values_list("number", flat=True))
    assert {"append", "recalculate", "export"} <= set(AuditEntry.objects.values_list("action", flat=True))
    for number in numbers:
        look(f"audit entry {number}", client.get(reverse("audit-entry", args=[number])))
    for form in FORMS["audit-export"]:
        look(f"audit export {form}", client.post(reverse("audit-export"), form))
    look("audit", client.get(reverse("audit")))

    # A draft's own words are the person's; what was revealed is theirs for that page; both leave no trace.
    revealed = client.post(reverse("reveal", args=["VAULT", ID]), {"reason": "To see that it is there"})
    assert len({found.split(":")[0] for found in in_answer(revealed)}) > 10

    printed = capsys.readouterr()
    given_away += [f"command: {found}" for found in told(out.getvalue() + printed.out + printed.err)]
    for path in tmp_path.rglob("*"):
        if path.is_file() and path.suffix in (".jsonl", ".csv", ".txt"):
            given_away += [f"{path.name}: {found}" for found in told(path.read_text(errors="replace"))]
    for line in caplog.records:
        text = f"{line.getMessage()} {line.__dict__} {line.exc_text}"
        if line.exc_info and line.exc_info[1]:
            text += (
                repr(line.exc_info[1]) + repr(line.exc_info[1].__cause__) + repr(line.exc_info[1].__context__)
            )
        given_away += [f"log of {line.name}: {found}" for found in told(text)]
    for table, cell in rows_of_sql():
        given_away += [f"table {table}: {found}" for found in told(cell)]
    assert not given_away, "\n".join(dict.fromkeys(given_away))


def test_what_somebody_types_stays_in_their_draft_alone(
    operator: Client, planted: str, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    typed = "Typed-7-canary"
    append = reverse("append", args=["VAULT", ID])

    page = operator.get(append + "?type=SPENT")
    preview = press(operator, append, page, "preview", {"e1.token": typed, "e1.amount": "2"})
    done = press(operator, append, preview, "confirm", {"reason": "Because of it"})
    receipt = operator.get(done.url)

    assert typed in Filled(preview).data["e1.token"]
    assert typed not in re.sub(r'<input type="hidden"[^>]*>', "", preview.text)
    assert receipt.status_code == 200
    assert typed not in receipt.text
    assert typed not in "".join(f"{line.getMessage()} {line.__dict__}" for line in caplog.records)
    assert not [table for table, cell in rows_of_sql() if typed in cell]


@pytest.mark.parametrize("place", PLACES)
def test_the_canary_would_be_heard(place: str):
    secret = SECRETS[place]
    for text in (
        secret,
        html.escape(f"x{secret}x"),
        plain_json.dumps({"a": [secret]}),
        quote(f"a={secret}"),
        base64.b64encode(f'{{"a":"{secret}"}}'.encode()).decode(),
        base64.b64encode(f'{{"ab":"{secret}"}}'.encode()).decode(),
        base64.b64encode(f'{{"abc":"{secret}"}}'.encode()).decode(),
    ):
        assert any(found.startswith(f"{place}:") for found in told(text)), text


def test_a_rule_and_a_schema_quote_no_secret(planted: str, ledger: Table):
    engine: Facet = vault.facet(ledger.db("VAULT"))
    outcome = recalculate.preview(engine, ID)

    assert outcome is not None
    texts = " ".join(failure.error for failure in outcome.failures) + outcome.refusal
    assert "is taken" in texts
    assert "no such iban" in texts
    assert not told(texts)
    with pytest.raises(Exception, match="no such iban") as caught:
        engine.append(ID, Event("CHECKED", {"iban": SECRETS["iban"]}))
    assert not told(str(caught.value))


def test_a_receipt_does_not_say_what_a_rule_quotes(operator: Client, ledger: Table):
    assert isinstance(ledger, SqliteTable)
    records = [
        inbound_record("VAULT", "v-5", 1, "OPENED", json.dumps({"email": SECRETS["event email"]}), 0),
        inbound_record("VAULT", "v-5", 2, "LOCKED", json.dumps({"pin": PIN}), 0),
        state_record("VAULT", "v-5", 2, json.dumps({"email": SECRETS["event email"], "pin": PIN}), 0),
    ]
    ledger.load(record.to_item() for record in records)
    append = reverse("append", args=["VAULT", "v-5"])
    page = operator.get(append + "?type=SPENT")
    preview = press(operator, append, page, "preview", {"e1.amount": "2"})

    receipt = operator.get(press(operator, append, preview, "confirm", {"reason": "Because of it"}).url)

    assert "The history cannot be replayed" in receipt.text
    assert "is taken" in receipt.text
    assert not in_answer(receipt)


def test_no_promise_lets_a_masked_value_be_guessed_at(operator: Client, planted: str, ledger: Table):
    """A hash of the state in it would: all else of the state is known to whoever tries a million PINs."""
    state = ledger.db("VAULT").get_state("v-4")
    assert state is not None
    append, recalculate_url = (reverse(name, args=["VAULT", "v-4"]) for name in ("append", "recalculate"))
    page = operator.get(append + "?type=SPENT")
    preview = press(operator, append, page, "preview", {"e1.amount": "2"})
    outcome = recalculate.preview(vault.facet(ledger.db("VAULT")), "v-4")
    assert outcome is not None

    for shown in (preview, operator.get(recalculate_url)):
        promise = str(signing.loads(Filled(shown).data["promise"], salt="facets.confirmations"))
        for text in (state.itm, json.dumps([outcome.seq, state.itm, outcome.itm])):
            assert sha256(text.encode()).hexdigest()[:16] not in promise
