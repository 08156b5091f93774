"""Read the environment, or stop the start naming the variable that is wrong."""

import re
import secrets
from pathlib import Path
from typing import Annotated, Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit
from zoneinfo import ZoneInfo

from django.core.exceptions import ImproperlyConfigured
from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

BASE_DIR = Path(__file__).resolve().parent.parent
DEMO_DIR = BASE_DIR / ".demo"

# Django's own `check --deploy` asks for this many.
MIN_SECRET_KEY = 50

# Those of hdeadmin.permissions.permissions, which needs Django's settings to be read first.
ROLES = ("viewer", "corrector", "operator", "auditor", "administrator")

Words = Annotated[tuple[str, ...], NoDecode]


class Environment(BaseSettings):
    """Every variable that hdeadmin reads, by its name. Lists are comma-separated; an empty value counts as unset."""

    model_config = SettingsConfigDict(case_sensitive=True, env_ignore_empty=True, extra="ignore")

    DEBUG: bool = Field(False, description="Django's debug pages. Never on a server.")
    HDEADMIN_DEMO: bool = Field(
        False,
        description="Run as the demo: this machine only, no HTTPS, data under `.demo/`. Set by `manage.py demo`.",
    )
    SECRET_KEY: str = Field(
        "", description=f"Signs sessions and forms; at least {MIN_SECRET_KEY} characters. Required."
    )
    SECRET_KEY_FALLBACKS: Words = Field(
        (), description="Earlier keys that are still accepted while keys are rotated."
    )
    ALLOWED_HOSTS: Words = Field(
        (), description="Host names that the console answers to. Required on a server."
    )
    CSRF_TRUSTED_ORIGINS: Words = Field(
        (),
        description="Origins (`https://console.example.com`) whose forms are accepted, where a proxy changes the host.",
    )
    HDEADMIN_HTTPS: bool | None = Field(
        None, description="Redirect to HTTPS, secure cookies, HSTS. On, except with `DEBUG` and in the demo."
    )
    HDEADMIN_HSTS_SECONDS: int = Field(
        31_536_000, ge=0, description="How long browsers remember to use HTTPS; in seconds, 0 for not at all."
    )
    HDEADMIN_TRUST_PROXY: bool = Field(
        False,
        description="Believe `X-Forwarded-Proto`. Only behind a proxy that always sets it, whatever the browser sent.",
    )
    HDEADMIN_PROXY_COUNT: int = Field(
        0,
        ge=0,
        description="How many proxies of yours add to `X-Forwarded-For`. With none, that header is not believed.",
    )
    DATABASE_URL: str = Field(
        "",
        description="Django's database: `postgres://user:password@host:5432/name?sslmode=require` or `sqlite:///path`.",
    )
    HDEADMIN_MFA: bool | None = Field(
        None,
        description="Ask a second factor of everyone who may write, reveal or administer. On, except in the demo.",
    )
    HDEADMIN_EMAIL_URL: str = Field(
        "",
        description="Sends invitations: `smtps://user:password@host:465`, or `smtp://…:587`, which begins TLS. Unset, links are shown to whoever invites.",
    )
    HDEADMIN_EMAIL_FROM: str = Field(
        "", description="The sender of invitations, such as `hdeadmin@example.com`."
    )
    HDEADMIN_OIDC_ISSUER: str = Field(
        "",
        description="Single sign-on: the OpenID Connect provider's address, as it names itself, such as `https://id.example.com/realms/acme`.",
    )
    HDEADMIN_OIDC_CLIENT_ID: str = Field("", description="The console's name at the provider.")
    HDEADMIN_OIDC_CLIENT_SECRET: str = Field("", description="The console's secret at the provider.")
    HDEADMIN_OIDC_NAME: str = Field(
        "single sign-on",
        max_length=40,
        description="What the button calls the provider: Sign in with ….",
    )
    HDEADMIN_OIDC_SCOPES: Words = Field(
        ("openid", "profile", "email"), description="What the provider is asked to tell."
    )
    HDEADMIN_OIDC_GROUPS_CLAIM: str = Field(
        "groups", description="The claim that lists a person's groups; a dotted path where it is nested."
    )
    HDEADMIN_OIDC_ROLES: Words = Field(
        (),
        description="Which group at the provider gives which role: `support=corrector,sre=operator`. Unset, roles are given in the console.",
    )
    HDEADMIN_OIDC_LINK_EMAIL: bool = Field(
        False,
        description="Let an identity whose e-mail the provider has verified sign in as the person who already has that e-mail here.",
    )
    HDEADMIN_OIDC_MFA: Words = Field(
        (),
        description="Values of the provider's `amr` or `acr` that tell of a second factor, such as `mfa`; whoever comes with one needs none here.",
    )
    HDEADMIN_STORE: str = Field(
        "", description="The table of events: `dynamodb:TABLE` or `sqlite:PATH`. Required on a server."
    )
    HDEADMIN_FACETS: Words = Field(
        (),
        description="Modules or packages that define your facets, such as `acme.facets`. Facets that none defines can be read only.",
    )
    HDEADMIN_PRODUCTION_LABEL: str = Field(
        "",
        max_length=40,
        description="Text of the red chip in the top bar, such as `PRODUCTION`; unset, there is none.",
    )
    HDEADMIN_TICKET_PATTERN: str = Field(
        "",
        description="What a whole ticket number looks like, as a regular expression, such as `[A-Z]+-[0-9]+`.",
    )
    HDEADMIN_TICKET_URL: str = Field(
        "", description="Where a ticket is read, such as `https://tickets.example/{ticket}`."
    )
    HDEADMIN_AUDIT_KEY: str = Field(
        "",
        description=f"Seals the audit trail; at least {MIN_SECRET_KEY} characters, not `SECRET_KEY`, kept outside the database. Required.",
    )
    HDEADMIN_AUDIT_KEY_FALLBACKS: Words = Field(
        (),
        description="Earlier keys of the audit trail, by which its older entries are still verified. Keep all.",
    )
    HDEADMIN_AUDIT_SIGNING_KEY: str = Field(
        "",
        description="File of the Ed25519 key that signs anchors and exports of the audit trail; `manage.py audit_anchor --make-key` makes one.",
    )
    HDEADMIN_AUDIT_ANCHORS: str = Field(
        "",
        description="Where anchors of the audit trail are kept: a file, or `s3://bucket/prefix`.",
    )
    HDEADMIN_AUDIT_VIEWS: bool = Field(
        False, description="Record every look at an entity in the audit trail."
    )
    TIME_ZONE: str = Field(
        "UTC", description="The zone of times on pages where the browser does not run JavaScript."
    )

    @field_validator(
        "SECRET_KEY_FALLBACKS",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "HDEADMIN_FACETS",
        "HDEADMIN_AUDIT_KEY_FALLBACKS",
        "HDEADMIN_OIDC_SCOPES",
        "HDEADMIN_OIDC_ROLES",
        "HDEADMIN_OIDC_MFA",
        mode="before",
    )
    @classmethod
    def split_words(cls, value: Any) -> Any:
        return (
            tuple(word.strip() for word in value.split(",") if word.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("TIME_ZONE")
    @classmethod
    def zone_exists(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("use the name of a time zone, such as Europe/Berlin") from error
        return value

    @field_validator("HDEADMIN_TICKET_PATTERN")
    @classmethod
    def pattern_is_one(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"use a regular expression: {error}") from error
        return value

    @field_validator("HDEADMIN_TICKET_URL")
    @classmethod
    def tickets_have_a_place(cls, value: str) -> str:
        if value and (not value.startswith(("https://", "http://")) or "{ticket}" not in value):
            raise ValueError("use an address with {ticket} in it, such as https://tickets.example/{ticket}")
        return value

    @field_validator("CSRF_TRUSTED_ORIGINS")
    @classmethod
    def origins_have_a_scheme(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if not origin.startswith(("https://", "http://")):
                raise ValueError(f"{origin} has no https:// or http:// in front")
        return value

    @field_validator("HDEADMIN_OIDC_ROLES")
    @classmethod
    def groups_give_roles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for pair in value:
            group, _, role = pair.rpartition("=")
            if not group.strip() or role.strip() not in ROLES:
                raise ValueError(f"use group=role, with a role of {', '.join(ROLES)}")
        return value

    @field_validator("HDEADMIN_OIDC_ISSUER")
    @classmethod
    def issuer_is_safe(cls, value: str) -> str:
        parts = urlsplit(value)
        here = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost")
        if value and not (here or (parts.scheme == "https" and parts.hostname)):
            raise ValueError("use an address that begins with https://")
        return value

    @field_validator("HDEADMIN_EMAIL_URL")
    @classmethod
    def email_is_known(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("smtp", "smtps") or not parts.hostname):
            raise ValueError("use smtps://user:password@host:465 or smtp://user:password@host:587")
        return value

    @field_validator("HDEADMIN_STORE")
    @classmethod
    def store_is_known(cls, value: str) -> str:
        engine, _, place = value.partition(":")
        if value and (engine not in ("dynamodb", "sqlite") or not place):
            raise ValueError("use dynamodb:TABLE or sqlite:PATH")
        return value

    @field_validator("DATABASE_URL")
    @classmethod
    def database_is_known(cls, value: str) -> str:
        if value:
            database(value)
        return value

    @model_validator(mode="after")
    def fill_in(self) -> Self:
        """Choose what depends on where this runs; a server is told everything and guesses nothing."""
        local = self.DEBUG or self.HDEADMIN_DEMO
        missing = []
        if len(self.SECRET_KEY) < MIN_SECRET_KEY:
            missing.append(f"SECRET_KEY: set it to at least {MIN_SECRET_KEY} random characters")
        if len(self.HDEADMIN_AUDIT_KEY) < MIN_SECRET_KEY:
            missing.append(
                f"HDEADMIN_AUDIT_KEY: set it to at least {MIN_SECRET_KEY} random characters, and keep it as long as the trail"
            )
        elif self.HDEADMIN_AUDIT_KEY == self.SECRET_KEY:
            missing.append("HDEADMIN_AUDIT_KEY: set it to another key than SECRET_KEY")
        if not self.HDEADMIN_STORE:
            missing.append("HDEADMIN_STORE: set it to dynamodb:TABLE or sqlite:PATH")
        if not self.ALLOWED_HOSTS:
            missing.append("ALLOWED_HOSTS: set it to the host names of this console")
        if missing and not local:
            raise ValueError("\n".join(missing))
        if self.HDEADMIN_OIDC_ISSUER and not self.HDEADMIN_OIDC_CLIENT_ID:
            raise ValueError("HDEADMIN_OIDC_CLIENT_ID: set it to the console's name at the provider")
        if self.HDEADMIN_EMAIL_URL and "@" not in self.HDEADMIN_EMAIL_FROM:
            raise ValueError("HDEADMIN_EMAIL_FROM: set it to the sender of invitations")
        if self.HDEADMIN_DEMO:
            # Nowhere else: another company's ORDER has rules of its own.
            self.HDEADMIN_FACETS = self.HDEADMIN_FACETS or ("facets.demo.definitions",)
        if self.HDEADMIN_DEMO and len(self.SECRET_KEY) < MIN_SECRET_KEY:
            self.SECRET_KEY = _kept_key(DEMO_DIR / "secret_key")
        if 0 < len(self.HDEADMIN_AUDIT_KEY) < MIN_SECRET_KEY:
            # Not replaced in silence: what it sealed could never be verified.
            raise ValueError(f"HDEADMIN_AUDIT_KEY: it has fewer than {MIN_SECRET_KEY} characters")
        if not self.HDEADMIN_AUDIT_KEY:
            # In a folder, whichever database it is of: another key at the next start would break the trail.
            self.HDEADMIN_AUDIT_KEY = _kept_key(DEMO_DIR / "audit_key")
        self.SECRET_KEY = self.SECRET_KEY or secrets.token_urlsafe(MIN_SECRET_KEY)
        self.ALLOWED_HOSTS = self.ALLOWED_HOSTS or ("localhost", "127.0.0.1", "[::1]")
        self.HDEADMIN_STORE = self.HDEADMIN_STORE or f"sqlite:{DEMO_DIR / 'ledger.sqlite3'}"
        default_dir = DEMO_DIR if self.HDEADMIN_DEMO else BASE_DIR
        self.DATABASE_URL = self.DATABASE_URL or f"sqlite:///{default_dir / 'hdeadmin.sqlite3'}"
        return self

    def oidc_roles(self) -> dict[str, frozenset[str]]:
        """From a group at the provider to the roles that it gives."""
        roles: dict[str, frozenset[str]] = {}
        for pair in self.HDEADMIN_OIDC_ROLES:
            group, _, role = pair.rpartition("=")
            roles[group.strip()] = roles.get(group.strip(), frozenset()) | {role.strip()}
        return roles


def read() -> Environment:
    """Read and judge the environment of this process.

    Raises:
        ImproperlyConfigured: one line for each variable that is missing or wrong. Values are not
            repeated, since some of them are secret.
    """
    try:
        return Environment()
    except ValidationError as error:
        problems = [
            ": ".join(
                [*(str(part) for part in problem["loc"][:1]), problem["msg"].removeprefix("Value error, ")]
            )
            for problem in error.errors(include_input=False, include_url=False)
        ]
        raise ImproperlyConfigured("\n".join(problems)) from None


def _kept_key(path: Path) -> str:
    """The demo's key, made once, so that who has signed in there stays so when it starts again."""
    try:
        key = path.read_text() if path.exists() else ""
        if len(key) < MIN_SECRET_KEY:
            key = secrets.token_urlsafe(MIN_SECRET_KEY)
            path.parent.mkdir(exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(key)
    except OSError as error:
        raise ValueError(f"{path} cannot be kept: {error.strerror}") from error
    return key


def database(url: str) -> dict[str, Any]:
    """Turn a database's address into Django's settings for it.

    Raises:
        ValueError: the address is of no kind that hdeadmin runs on.
    """
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        path = unquote(parts.path).removeprefix("/")
        if parts.netloc or not path or not parts.path.startswith("/"):
            raise ValueError("use sqlite:///relative/path or sqlite:////absolute/path")
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": path if path == ":memory:" else BASE_DIR / path,
            "OPTIONS": {
                "timeout": 10,
                # A transaction that will write takes its place at once, instead of failing half-way.
                "transaction_mode": "IMMEDIATE",
                # FULL: what is recorded before a write to DynamoDB outlives a loss of power.
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            },
        }
    if parts.scheme in ("postgres", "postgresql"):
        name = unquote(parts.path).removeprefix("/")
        if not name:
            raise ValueError("name the database: postgres://user:password@host:5432/name")
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(parts.query))},
        }
    raise ValueError("use postgres://… or sqlite:///…")
