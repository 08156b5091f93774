"""How often somebody may do something, whichever worker they meet."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.db import connections
from django.http import HttpRequest
from django.test import Client, RequestFactory

from hdeadmin.ratelimit import allow, too_many


def asked_by(user: User | AnonymousUser, address: str = "192.0.2.1") -> HttpRequest:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    request.user = user
    return request


def test_a_person_may_so_often_and_again_when_the_time_is_over(db: None):
    request = asked_by(User.objects.create_user("ada"))

    with time_machine.travel(1_700_000_010, tick=False) as clock:
        first = [allow(request, "export", times=3, seconds=60) for _ in range(5)]
        answer = too_many(request)
        clock.shift(int(answer.headers["Retry-After"]))
        later = allow(request, "export", times=3, seconds=60)

    assert first == [True, True, True, False, False]
    assert answer.status_code == 429
    assert "Too many requests" in answer.content.decode()
    assert later


def test_people_addresses_and_names_are_counted_apart(db: None):
    ada, bob = User.objects.create_user("ada"), User.objects.create_user("bob")
    strangers = [asked_by(AnonymousUser(), address) for address in ("192.0.2.1", "192.0.2.2")]

    with time_machine.travel(1_700_000_010, tick=False):
        assert all(
            allow(request, name, times=1, seconds=60)
            for request in (asked_by(ada), asked_by(bob), *strangers)
            for name in ("search", "export")
        )
        assert not allow(asked_by(ada, "192.0.2.9"), "search", times=1, seconds=60)
        assert not allow(strangers[0], "search", times=1, seconds=60)


def test_workers_that_ask_at_once_let_no_more_through(transactional_db: None):
    ada = User.objects.create_user("ada")

    def ask(_: int) -> bool:
        try:
            return allow(asked_by(ada), "search", times=5, seconds=3600)
        finally:
            connections.close_all()

    with time_machine.travel(1_700_000_010, tick=False), ThreadPoolExecutor(8) as workers:
        answers = list(workers.map(ask, range(24)))

    assert answers.count(True) == 5


def test_the_search_box_is_limited_and_says_when_to_go_on(db: None, client: Client):
    client.force_login(User.objects.create_superuser("root"))

    with time_machine.travel(1_700_000_010, tick=False):
        answers = [client.get("/search/") for _ in range(61)]

    assert [answer.status_code for answer in answers] == [200] * 60 + [429]
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert "Go on in" in answers[-1].text


@pytest.mark.django_db
def test_the_cache_has_its_table_after_migrating():
    cache.set("asked", "answered")

    assert cache.get("asked") == "answered"
