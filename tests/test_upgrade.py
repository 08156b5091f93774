"""A console goes on after an upgrade: what people left in the database of the version before still works.

The dumps under fixtures/upgrade are made by its make.py, which says how.
"""

import gzip
import html
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from facets import directory
from facets.conf import current_table, table
from facets.directory.models import TableFacet
from facets.directory.queries import Question
from facets.models import Checkpoint
from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.accounts.browsing import code_of
from tests.hdeadmin.accounts.oidc import CLIENT, SECRET, provider
from tests.support.passkey import Passkey

FOLDER = Path(__file__).parent / "fixtures" / "upgrade"
# As in make.py.
PASSWORD = "correct horse battery"
ORIGIN = "https://localhost"
ISSUER = "http://id.example.com"
STORE = "sqlite:ledger.sqlite3"
APPEND = "/facets/BANK_ACCOUNT/append/acc-1"

Hands = dict[str, Any]


@pytest.fixture
def hands(transactional_db: None, settings: Settings, tmp_path: Path) -> Iterator[Hands]:
    """What people have in their hands, a minute after the console was upgraded under them."""
    folder = FOLDER / connection.vendor
    hands: Hands = json.loads((folder / "hands.json").read_text(encoding="utf-8"))
    (tmp_path / "ledger.sqlite3").write_bytes(gzip.decompress((folder / "ledger.sqlite3.gz").read_bytes()))
    # Rows of the directory and checkpoints are those of a store by its name.
    settings.BASE_DIR = tmp_path
    settings.HDEADMIN_STORE = STORE
    table.cache_clear()
    settings.HDEADMIN_MFA = True
    settings.ALLOWED_HOSTS = ["localhost"]
    for name, value in hands["settings"].items():
        setattr(settings, name, value)
    with (
        time_machine.travel(hands["at"] + 60, tick=True),
        restored(gzip.decompress((folder / "database.gz").read_bytes()), tmp_path),
    ):
        # What an upgrade asks for, and all that it asks for.
        call_command("migrate", verbosity=0)
        yield hands
    table.cache_clear()


@contextmanager
def restored(dump: bytes, folder: Path) -> Iterator[None]:
    """Django's database is the one of a dump until the end of the block."""
    usual = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        name = str(folder / "hdeadmin.sqlite3")
        Path(name).write_bytes(dump)
    else:
        name = f"{usual}_upgrade"
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    connect(name)
    try:
        if connection.vendor != "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(dump.decode())
            # The dump has set this session as it needed it.
            connection.close()
        yield
    finally:
        connect(usual)
        if connection.vendor != "sqlite":
            with connection.cursor() as cursor:
                cursor.execute(f"DROP DATABASE {name}")
            connection.close()


def connect(name: str) -> None:
    connections.close_all()
    connection.settings_dict["NAME"] = name


def browser(hands: Hands | None = None) -> Client:
    """A browser; with the operator's cookies where hands are given."""
    client = Client(headers={"Host": "localhost", "Origin": ORIGIN})
    for name, value in (hands["session"] if hands else {}).items():
        client.cookies[name] = value
    return client


def name_in(client: Client) -> str:
    """Who is signed in."""
    page = client.get("/account/")
    assert page.status_code == 200, page.headers.get("Location")
    return str(page.context["user"].get_username())


def sign_in(name: str) -> Client:
    client = browser()
    answer = client.post("/login/", {"login": name, "password": PASSWORD})
    assert answer.status_code == 302
    return client


def test_nothing_is_left_to_migrate(hands: Hands):
    call_command("migrate", check=True, verbosity=0)
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_who_was_signed_in_still_is(hands: Hands):
    client = browser(hands)

    assert name_in(client) == "bob"
    assert client.get(reverse("entity", args=["BANK_ACCOUNT", "acc-1"])).status_code == 200


def test_an_open_invitation_opens(hands: Hands):
    client = browser()
    page = client.get(hands["invitation"], follow=True)
    new = {
        "first_name": "Eve",
        "last_name": "Lee",
        "password1": "another good one",
        "password2": "another good one",
    }

    assert page.status_code == 200
    assert client.post("/account/welcome/", new).status_code == 302
    assert name_in(client) == "eve"


def test_an_authenticator_app_signs_in(hands: Hands):
    client = sign_in("bob")
    client.post("/account/factors/sign-in/", {"code": code_of(hands["app"])})

    assert name_in(client) == "bob"


def test_a_passkey_signs_in(hands: Hands):
    client = browser()
    address = "/account/factors/passkeys/sign-in/"
    options = client.get(address, headers={"Accept": "application/json"}).json()["request_options"]
    client.post(address, {"credential": Passkey(**hands["passkey"]).sign(options, ORIGIN)})

    assert name_in(client) == "carol"


def test_who_is_linked_by_single_sign_on_comes_in_as_before(
    hands: Hands, settings: Settings, monkeypatch: pytest.MonkeyPatch
):
    before = User.objects.get(username="dora").pk
    client = browser()
    with provider(ISSUER) as acme:
        monkeypatch.setenv("HTTP_PROXY", acme.address)
        app = {"provider_id": "sso", "name": "Acme", "client_id": CLIENT, "secret": SECRET}
        wanted = {"server_url": acme.issuer, "scope": ["openid"], "oauth_pkce_enabled": True}
        settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app | {"settings": wanted}]}}
        settings.HDEADMIN_OIDC_ROLES = {"support": frozenset({"viewer"})}
        acme.claims = {"sub": "person-1", "groups": ["support"]}
        to = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', client.post("/account/sso/").text)
        assert to
        client.get(re.sub(r"^https?://[^/]+", "", acme.authorize(html.unescape(to[1]))))

    assert name_in(client) == "dora"
    assert User.objects.get(username="dora").pk == before


def test_grants_hold(hands: Hands):
    client = sign_in("frank")

    assert client.get("/facets/ORDER/").status_code == 200
    assert client.get("/facets/BANK_ACCOUNT/").status_code == 404


def test_the_trail_goes_on_and_is_whole(hands: Hands, capsys: pytest.CaptureFixture[str]):
    entries = AuditEntry.objects.count()
    sign_in("frank")
    call_command("audit_verify")

    assert entries > 15
    assert AuditEntry.objects.count() > entries
    assert AuditEntry.objects.filter(action="append", entity="acc-1").exists()


def test_a_preview_is_confirmed(hands: Hands):
    facet = current_table().db("BANK_ACCOUNT")
    before = facet.get_state("acc-1")
    sent = hands["preview"] | {"reason": "A parking fine was booked twice.", "_action": "confirm"}
    answer = browser(hands).post(APPEND, sent)
    after = facet.get_state("acc-1")

    assert answer.status_code == 302, answer.text
    assert before is not None
    assert after is not None
    assert after.seq == before.seq + 1
    assert json.loads(after.itm)["balance"] == json.loads(before.itm)["balance"] - 12.5


def test_the_directory_finds_whom_it_found(hands: Hands, settings: Settings):
    # As of a table on DynamoDB: a SQLite file is read again whenever another one takes its place.
    settings.HDEADMIN_STORE = "dynamodb:ledger"
    TableFacet.objects.update(table=settings.HDEADMIN_STORE)

    def ids(words: str) -> list[str]:
        return sorted(row.id for row in directory.query(Question("BANK_ACCOUNT", words), limit=10).rows)

    assert ids("grace hopper") == ["acc-1", "long"]
    assert ids("grace@acc-1.example") == ["acc-1"]


def test_a_list_finds_whom_it_found(hands: Hands):
    assert "acc-1" in browser(hands).get("/facets/BANK_ACCOUNT/?q=grace").text


def test_a_long_history_is_replayed_from_its_first_event(hands: Hands):
    page = browser(hands).get("/facets/BANK_ACCOUNT/drift/long?go=1")

    # There are checkpoints; they are of rules that stood in other modules.
    assert Checkpoint.objects.filter(seq__gt=0).exists()
    assert page.status_code == 200
    assert page.context["drift"] is not None
    assert page.context["read_before"] == 0
