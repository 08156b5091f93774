"""Settings out of the environment: what is wrong stops the start and is named."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from hdeadmin import env
from hdeadmin.permissions import permissions

ROOT = Path(env.BASE_DIR)
SECRET = "s3cret-" * 10
SERVER = {
    "SECRET_KEY": SECRET,
    "HDEADMIN_AUDIT_KEY": "tr4il-" * 10,
    "HDEADMIN_STORE": "dynamodb:ledger",
    "ALLOWED_HOSTS": "console.example.com",
}


@pytest.fixture
def environ(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing of ours is set."""
    for name in env.Environment.model_fields:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def read(environ: pytest.MonkeyPatch, **variables: str) -> env.Environment:
    for name, value in variables.items():
        environ.setenv(name, value)
    return env.read()


def test_a_server_must_be_told_its_key_its_store_and_its_hosts(environ: pytest.MonkeyPatch):
    with pytest.raises(ImproperlyConfigured) as stopped:
        read(environ)

    for name in SERVER:
        assert f"{name}:" in str(stopped.value)


def test_the_trail_has_a_key_of_its_own(environ: pytest.MonkeyPatch):
    with pytest.raises(ImproperlyConfigured, match="another key than SECRET_KEY"):
        read(environ, **SERVER | {"HDEADMIN_AUDIT_KEY": SECRET})


def test_a_short_key_of_the_trail_is_not_replaced_in_silence(environ: pytest.MonkeyPatch):
    with pytest.raises(ImproperlyConfigured, match="HDEADMIN_AUDIT_KEY: it has fewer than 50 characters"):
        read(environ, DEBUG="true", HDEADMIN_AUDIT_KEY="short")


def test_a_server_that_is_told_starts_with_debug_off(environ: pytest.MonkeyPatch):
    found = read(environ, **SERVER)

    assert not found.DEBUG
    assert found.ALLOWED_HOSTS == ("console.example.com",)


def test_the_demos_facets_are_defined_in_the_demo_only(environ: pytest.MonkeyPatch):
    assert read(environ, **SERVER).HDEADMIN_FACETS == ()
    assert read(environ, HDEADMIN_DEMO="true").HDEADMIN_FACETS == ("facets.demo.definitions",)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DEBUG", "maybe"),
        ("HDEADMIN_OIDC_ISSUER", "http://id.example.com"),
        ("HDEADMIN_OIDC_ISSUER", "id.example.com"),
        ("HDEADMIN_OIDC_ROLES", "support"),
        ("HDEADMIN_OIDC_ROLES", "support=corrector,sre=emperor"),
        ("HDEADMIN_OIDC_ROLES", "=viewer"),
        ("HDEADMIN_EMAIL_URL", "mail.example.com:25"),
        ("HDEADMIN_PROXY_COUNT", "-1"),
        ("SECRET_KEY", "short"),
        ("HDEADMIN_STORE", "ledger"),
        ("HDEADMIN_STORE", "mongodb:x"),
        ("HDEADMIN_STORE", "sqlite:"),
        ("DATABASE_URL", "mysql://u:hunter2@h/n"),
        ("DATABASE_URL", "sqlite:relative.db"),
        ("DATABASE_URL", "postgres://host"),
        ("HDEADMIN_TICKET_PATTERN", "[A-Z"),
        ("HDEADMIN_TICKET_URL", "javascript:alert('{ticket}')"),
        ("HDEADMIN_TICKET_URL", "https://tickets.example/"),
        ("TIME_ZONE", "Mars/Olympus"),
        ("TIME_ZONE", "/etc/passwd"),
        ("CSRF_TRUSTED_ORIGINS", "console.example.com"),
        ("HDEADMIN_HSTS_SECONDS", "-1"),
        ("HDEADMIN_HTTPS", "perhaps"),
        ("HDEADMIN_PRODUCTION_LABEL", "x" * 41),
    ],
)
def test_a_bad_value_stops_the_start_and_is_named_but_not_repeated(
    environ: pytest.MonkeyPatch, name: str, value: str
):
    with pytest.raises(ImproperlyConfigured) as stopped:
        read(environ, **{**SERVER, name: value})

    assert str(stopped.value).startswith(f"{name}: ")
    assert "hunter2" not in str(stopped.value)
    assert SECRET not in str(stopped.value)


def test_an_empty_value_counts_as_unset(environ: pytest.MonkeyPatch):
    assert read(environ, **SERVER, TIME_ZONE="", HDEADMIN_FACETS="").TIME_ZONE == "UTC"


def test_lists_are_split_at_commas(environ: pytest.MonkeyPatch):
    assert read(environ, **SERVER, HDEADMIN_FACETS=" acme.facets, other.module,").HDEADMIN_FACETS == (
        "acme.facets",
        "other.module",
    )


def test_the_demo_needs_nothing_and_answers_to_this_machine_only(environ: pytest.MonkeyPatch):
    found = read(environ, HDEADMIN_DEMO="True")

    assert found.ALLOWED_HOSTS == ("localhost", "127.0.0.1", "[::1]")
    assert found.HDEADMIN_STORE.startswith("sqlite:")
    assert len(found.SECRET_KEY) >= env.MIN_SECRET_KEY


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "postgres://us%40er:p%2Fw@db.example.com:6432/console?sslmode=require",
            {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": "console",
                "USER": "us@er",
                "PASSWORD": "p/w",
                "HOST": "db.example.com",
                "PORT": "6432",
            },
        ),
        ("sqlite:////var/lib/x.sqlite3", {"NAME": Path("/var/lib/x.sqlite3")}),
        ("sqlite:///x.sqlite3", {"NAME": ROOT / "x.sqlite3"}),
    ],
)
def test_a_databases_address_is_read(url: str, expected: dict[str, object]):
    found = env.database(url)

    assert {name: found[name] for name in expected} == expected
    if "sslmode" in url:
        assert found["OPTIONS"]["sslmode"] == "require"


def test_every_variable_says_what_it_does():
    for name, field in env.Environment.model_fields.items():
        assert field.description, name
        assert f"`{name}`" in (ROOT / "README.md").read_text(encoding="utf-8"), f"README does not say {name}"


def test_djangos_own_check_for_deployment_finds_nothing():
    environment = {
        name: value for name, value in os.environ.items() if name not in env.Environment.model_fields
    }
    # Set by the tests' own settings, and rightly complained of.
    environment.pop("DJANGO_ALLOW_ASYNC_UNSAFE", None)
    environment |= SERVER | {"DJANGO_SETTINGS_MODULE": "hdeadmin.settings", "SECRET_KEY": "aB3$xY9!" * 8}

    run = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "INFO"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
    assert "no issues" in run.stdout


def test_groups_at_the_provider_give_roles(environ: pytest.MonkeyPatch):
    # A group's name may hold an equals sign itself, as those of a directory do.
    found = read(environ, **SERVER, HDEADMIN_OIDC_ROLES="sre=operator, sre=auditor ,CN=support=corrector")

    assert found.oidc_roles() == {"sre": {"operator", "auditor"}, "CN=support": {"corrector"}}


@pytest.mark.parametrize(
    ("name", "value", "missing"),
    [
        ("HDEADMIN_OIDC_ISSUER", "https://id.example.com", "HDEADMIN_OIDC_CLIENT_ID"),
        ("HDEADMIN_EMAIL_URL", "smtps://mail.example.com", "HDEADMIN_EMAIL_FROM"),
    ],
)
def test_half_a_setting_stops_the_start(environ: pytest.MonkeyPatch, name: str, value: str, missing: str):
    with pytest.raises(ImproperlyConfigured, match=missing):
        read(environ, **SERVER, **{name: value})


def test_roles_are_called_here_as_they_are_in_the_console():
    assert env.ROLES == permissions.ROLES
