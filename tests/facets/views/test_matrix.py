"""Every URL x every person x every method has its expected answer here. A new URL needs a row of its own."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, User
from django.core.cache import cache
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from facets.core import Event
from facets.core.store import Table
from facets.demo.definitions.bank_account import bank_account
from facets.demo.definitions.order import order
from hdeadmin.permissions.models import Grant

LOGIN, HIDDEN, REFUSED, NOT_ALLOWED = 302, 404, 403, 405
FACET, ENTITY, OPERATION = "BANK_ACCOUNT", "acc-1", UUID(int=7)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who asks. `actions` are what they may do with FACET."""

    name: str
    groups: tuple[str, ...] = ()
    actions: frozenset[str] = frozenset()
    superuser: bool = False
    signed_in: bool = True


def _role(name: str, *actions: str) -> Person:
    return Person(name, (name,), frozenset(actions))


EVERYTHING = frozenset({"view", "reveal", "append", "recalculate", "export", "audit", "administer"})
ANONYMOUS = Person("anonymous", signed_in=False)
NOBODY = Person("nobody")
# May do everything, but with orders only.
ELSEWHERE = Person("elsewhere", ("elsewhere",))
ROOT = Person("root", (), EVERYTHING, superuser=True)
CAST = (
    ANONYMOUS,
    NOBODY,
    ELSEWHERE,
    _role("viewer", "view"),
    _role("corrector", "view", "append"),
    _role("operator", "view", "append", "recalculate", "reveal", "export"),
    _role("auditor", "view", "audit", "export"),
    _role("administrator", "view", "audit", "administer"),
    ROOT,
)

# From a person to the status that refuses them, None for those who are let in.
Access = Callable[[Person], int | None]


def everybody(person: Person) -> int | None:
    return None


def signed_in(person: Person) -> int | None:
    return None if person.signed_in else LOGIN


def elsewhere_at_once(person: Person) -> int | None:
    """A page between two others: whoever comes to it by themselves is sent on."""
    return LOGIN


def needs(action: str) -> Access:
    """A right in FACET: who may not see it is told that it is not there, who lacks the action is refused."""

    def access(person: Person) -> int | None:
        if not person.signed_in:
            return LOGIN
        if "view" not in person.actions:
            return HIDDEN
        return None if action in person.actions else REFUSED

    return access


def administers(person: Person) -> int | None:
    return LOGIN if not person.signed_in else None if "administer" in person.actions else REFUSED


def audits(person: Person) -> int | None:
    """The trail is for whoever may audit anywhere; what they see of it is another test's."""
    if not person.signed_in:
        return LOGIN
    return None if person is ELSEWHERE or "audit" in person.actions else REFUSED


@dataclass(frozen=True, slots=True)
class Row:
    """What one URL answers.

    Attributes:
        get: the status of GET and HEAD for those who are let in; NOT_ALLOWED where there is none.
        post: that of a POST of `data`. Choose data that changes nothing, so that each person meets the same.
        put: that of a PUT, which Django's own form views take for a POST.
        args: of the address; those of `ARGUMENTS` where None.
        again: sign in for every request, where the URL signs people out.
    """

    access: Access
    get: int = 200
    post: int = NOT_ALLOWED
    put: int = NOT_ALLOWED
    data: dict[str, str] = field(default_factory=dict)
    args: dict[str, Any] | None = None
    again: bool = False


ARGUMENTS = {
    "facet": FACET,
    "entity_id": ENTITY,
    "operation_id": OPERATION,
    "seq": 1,
    "pk": 0,
    "object_id": "0",
}

# By the URL's name, with its namespace: `admin:index`. By its route where it has no name.
ROWS: dict[str, Row] = {
    "healthz": Row(everybody),
    "readyz": Row(everybody),
    "theme": Row(signed_in, get=NOT_ALLOWED, post=302, data={"theme": "dark"}),
    "account_login": Row(lambda person: LOGIN if person.signed_in else None, post=200, put=200),
    "account_logout": Row(signed_in, get=NOT_ALLOWED, post=302, again=True),
    "account": Row(signed_in),
    "account_inactive": Row(everybody),
    "account_reauthenticate": Row(signed_in, post=200, put=200),
    "account_change_password": Row(signed_in, post=200, put=200),
    "mfa_index": Row(signed_in),
    # Between password and code only.
    "mfa_authenticate": Row(elsewhere_at_once),
    # For whoever has a second factor, which none of the cast has.
    "mfa_reauthenticate": Row(elsewhere_at_once),
    "mfa_reauthenticate_webauthn": Row(elsewhere_at_once),
    "mfa_activate_totp": Row(signed_in, post=200, put=200),
    "mfa_deactivate_totp": Row(lambda person: HIDDEN if person.signed_in else LOGIN),
    "mfa_view_recovery_codes": Row(signed_in, get=404),
    "mfa_generate_recovery_codes": Row(signed_in, post=200, put=200),
    "mfa_add_webauthn": Row(signed_in, post=200, put=200),
    "mfa_edit_webauthn": Row(signed_in, get=404, post=404, put=404),
    "mfa_remove_webauthn": Row(signed_in, get=404, post=404),
    "mfa_login_webauthn": Row(lambda person: LOGIN if person.signed_in else None, get=302, post=302, put=302),
    "usersessions_list": Row(signed_in, post=302),
    "end-session": Row(signed_in, get=NOT_ALLOWED, post=404),
    "invitation": Row(everybody, get=302, args={"uid": "MQ", "token": "no-such-token"}),
    "welcome": Row(everybody, get=410, post=410),
    "sso": Row(everybody, get=NOT_ALLOWED, post=401),
    "sso-callback": Row(everybody, get=401),
    "socialaccount_login_cancelled": Row(everybody),
    "unlink": Row(signed_in, get=NOT_ALLOWED, post=404),
    "people": Row(administers),
    "invite": Row(administers, post=422),
    "sign-everybody-out": Row(administers, get=NOT_ALLOWED, post=302, again=True),
    "person": Row(administers, get=404),
    "change-person": Row(administers, get=NOT_ALLOWED, post=404, args={"action": "roles"}),
    "admin:index": Row(administers, post=200),
    "admin:login": Row(elsewhere_at_once),
    "admin:logout": Row(administers, get=302, post=302, again=True),
    "admin:jsi18n": Row(administers),
    "admin:app_list": Row(administers, post=200, args={"app_label": "auth"}),
    "admin:auth_user_changelist": Row(administers, post=200),
    "admin:auth_group_changelist": Row(administers, post=200),
    "admin:auth_group_add": Row(administers, post=200),
    # Of nobody and no group: back to the start.
    "admin:auth_user_change": Row(administers, get=302, post=302),
    "admin:auth_user_history": Row(administers, get=302, post=302),
    "admin:auth_group_change": Row(administers, get=302, post=302),
    "admin:auth_group_delete": Row(administers, get=302, post=302),
    "admin:auth_group_history": Row(administers, get=302, post=302),
    "rights": Row(administers, post=422),
    "my-rights": Row(signed_in),
    "audit": Row(audits),
    "audit-entry": Row(audits, get=404, args={"number": 2**62}),
    "audit-export": Row(audits, get=NOT_ALLOWED, post=400, data={"since": "the other day"}),
    "home": Row(signed_in),
    # What is not asked for is not found, and costs nothing.
    "search": Row(signed_in),
    "facet": Row(needs("view")),
    # A format that there is not.
    "export": Row(needs("export"), get=NOT_ALLOWED, post=404),
    "entity": Row(needs("view")),
    "event": Row(needs("view"), get=302),
    "entity-state": Row(needs("export"), get=NOT_ALLOWED, post=200),
    "news": Row(needs("view"), get=204),
    "chart": Row(needs("view")),
    "compare": Row(needs("view")),
    "drift": Row(needs("view")),
    "when": Row(needs("view")),
    # Nothing was appended under that operation.
    "receipt": Row(needs("view"), get=404),
    "reveal": Row(needs("reveal"), get=302, post=422),
    "new-entity": Row(needs("append")),
    "append": Row(needs("append"), post=422),
    "recalculate": Row(needs("recalculate"), post=422),
}


def _urls(resolver: URLResolver, namespace: str = "", route: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in resolver.url_patterns:
        path = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _urls(pattern, inner, path)
        else:
            yield (namespace + pattern.name if pattern.name else path), pattern


URLS = dict(_urls(get_resolver()))


def test_every_url_has_a_row():
    missing = sorted(set(URLS) - set(ROWS))
    assert not missing, (
        f"No row for {', '.join(missing)}. Add one to ROWS in {__file__}: "
        '"name": Row(access, get=STATUS, post=STATUS), where access is everybody, signed_in, needs("action") or '
        "administers."
    )
    assert not sorted(set(ROWS) - set(URLS)), "ROWS has rows of URLs that are gone."


@pytest.fixture
def cast(db: None, ledger: Table) -> dict[str, Client]:
    """A browser for each person, over one account and one order."""
    bank_account.facet(ledger.db(FACET)).append(ENTITY, Event("ACCOUNT_CREATION", {"id": ENTITY}))
    order.facet(ledger.db("ORDER")).append("o-1", Event("ORDER_CREATED", {"id": "o-1", "items": []}))
    elsewhere = Group.objects.create(name="elsewhere")
    Grant.objects.bulk_create(
        Grant(group=elsewhere, action=action, facet="ORDER") for action in EVERYTHING - {"administer"}
    )
    return {person.name: _browser(person) for person in CAST}


def _browser(person: Person) -> Client:
    client = Client(raise_request_exception=True)
    if person.signed_in:
        user = User.objects.create(
            username=person.name, is_superuser=person.superuser, is_staff=person.superuser
        )
        user.groups.set(Group.objects.filter(name__in=person.groups))
        client.force_login(user)
    return client


def _address(name: str, row: Row) -> str:
    pattern = URLS[name].pattern
    given = row.args if row.args is not None else {}
    arguments = {key: given.get(key, ARGUMENTS.get(key)) for key in pattern.regex.groupindex}
    return reverse(name, kwargs=arguments) if URLS[name].name else f"/{pattern}"


def test_every_person_meets_the_expected_answer(cast: dict[str, Client]):
    unexpected: list[str] = []
    cookies = {name: client.cookies.output() for name, client in cast.items()}
    for name in sorted(set(URLS) & set(ROWS)):
        # What one URL changes is no matter of the next.
        before = transaction.savepoint()
        unexpected += _unexpected(name, cast)
        transaction.savepoint_rollback(before)
        for person, client in cast.items():
            client.cookies = SimpleCookie(cookies[person].replace("Set-Cookie: ", ""))
    assert not unexpected, "\n".join(unexpected)


def test_no_form_is_taken_without_its_token(cast: dict[str, Client]):
    """Whatever it would do, and whether it is sent by somebody who may do everything or by a stranger."""
    root = Client(enforce_csrf_checks=True)
    root.force_login(User.objects.get(username="root"))
    taken = [
        (name, method, client is root)
        for name in sorted(set(URLS) & set(ROWS))
        for client in (root, Client(enforce_csrf_checks=True))
        for method in ("POST", "PUT", "PATCH", "DELETE")
        if client.generic(method, _address(name, ROWS[name])).status_code != REFUSED
    ]
    assert not taken


def _unexpected(name: str, cast: dict[str, Client]) -> list[str]:
    row = ROWS[name]
    url = _address(name, row)
    found = []
    for person in CAST:
        refused = row.access(person)
        methods = {"GET": row.get, "POST": row.post}
        if person in (ANONYMOUS, ELSEWHERE, ROOT):
            methods |= {"HEAD": row.get, "PUT": row.put, "PATCH": NOT_ALLOWED, "DELETE": NOT_ALLOWED}
        # How often somebody may ask is tested elsewhere.
        cache.clear()
        for method, allowed in methods.items():
            client = cast[person.name]
            if row.again and person.signed_in:
                client.force_login(User.objects.get(username=person.name))
            expected: set[int | str] = {allowed if refused is None else refused}
            if allowed == NOT_ALLOWED:
                # Which of the two is asked first is the same for every facet, so it tells nothing.
                expected.add(NOT_ALLOWED)
            try:
                response = client.generic(
                    method, url, urlencode(row.data), content_type="application/x-www-form-urlencoded"
                )
                status: int | str = response.status_code
            except Exception as error:  # noqa: BLE001 - a view that breaks is told like any other answer
                status = f"{type(error).__name__}: {error}"
            if status not in expected:
                found.append(
                    f"{name}: {method} {url} by {person.name}: {status}, not {sorted(map(str, expected))}"
                )
    return found


_LONG = "x" * 3_000
_VARIANTS = (
    {},
    {"entity_id": _LONG},
    {"entity_id": "no-such-entity"},
    {"entity_id": "a/../b"},
)
_QUERIES = (
    "",
    "?raw=STATE",
    "?event=1",
    "?before=x",
    "?after=zzz",
    "?type=NO_SUCH",
    "?like=1",
    "?correct=1",
    "?id=acc-1",
)


@pytest.mark.parametrize(
    "name", sorted(name for name in set(URLS) & set(ROWS) if "facet" in URLS[name].pattern.converters)
)
def test_a_facet_that_may_not_be_viewed_answers_as_one_that_does_not_exist(
    name: str, cast: dict[str, Client]
):
    """Byte for byte, but for the names that stand in the address itself."""
    absent = "NO_SUCHFACET"
    for person in (NOBODY, ELSEWHERE):
        client = cast[person.name]
        for variant in _VARIANTS if person is ELSEWHERE else _VARIANTS[:1]:
            if variant and "entity_id" not in URLS[name].pattern.converters:
                continue
            hidden_url = _address(name, Row(everybody, args=variant))
            absent_url = _address(name, Row(everybody, args={**variant, "facet": absent}))
            requests = [(method, query, {}) for query in _QUERIES for method in ("GET", "POST")]
            for method, query, headers in [*requests, ("GET", "", {"HX-Request": "true"})]:
                hidden = client.generic(method, hidden_url + query, headers=headers)
                other = client.generic(method, absent_url + query, headers=headers)
                assert hidden.status_code == other.status_code, hidden_url + query
                assert _told(hidden, FACET) == _told(other, absent), hidden_url + query


def _told(response: Any, facet: str) -> tuple[list[tuple[str, str]], str]:
    """All that an answer tells, without what differs from one request to the next."""
    headers = sorted(
        (key, value)
        for key, value in response.headers.items()
        if key.lower() not in ("content-length", "x-request-id")
    )
    text = response.content.decode().replace(facet, "FACET")
    text = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", text)
    return headers, re.sub(rf"\b{response.headers.get('X-Request-ID') or '$^'}\b", "", text)
