"""The cache keeps what Django's keeps, as JSON, and a row of it never runs code."""

import base64
import json
import pickle
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core.cache import cache, caches
from django.db import connection, connections
from hypothesis import given
from hypothesis import strategies as st

from hdeadmin.cache import JsonCache

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 12, 1, 12, 0, 0, 600_000, UTC)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


class Program:
    """Runs when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> Any:
        return (Path.touch, (self.file,))


def insert(key: str, text: str, *, expires: str = "9999-12-31 00:00:00") -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO hdeadmin_cache (cache_key, value, expires) VALUES (%s, %s, %s)",
            [cache.make_key(key), text, expires],
        )


def pickled(value: Any) -> str:
    return base64.b64encode(pickle.dumps(value)).decode()


def test_every_cache_is_of_json():
    assert all(isinstance(caches[name], JsonCache) for name in settings.CACHES)


@given(JSON)
def test_a_value_comes_back_as_json_has_it(value: Any):
    cache.set("it", value)

    assert cache.get("it", "missing") == value


def test_a_row_holds_json():
    cache.set("it", {"a": [1, 2.5, None]})

    with connection.cursor() as cursor:
        cursor.execute("SELECT value FROM hdeadmin_cache")
        assert json.loads(cursor.fetchone()[0]) == {"a": [1, 2.5, None]}


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", float("nan")])
def test_a_value_that_is_not_json_is_refused(value: Any):
    with pytest.raises((TypeError, ValueError)):
        cache.set("it", value)
    assert cache.get("it") is None


def test_a_pickled_row_is_a_miss_and_runs_nothing(tmp_path: Path):
    insert("it", pickled(Program(tmp_path / "ran")))

    assert cache.get("it", "missing") == "missing"
    assert cache.get_many(["it"]) == {}
    assert "it" not in cache
    assert cache.get_or_set("it", "other") == "other"
    assert cache.get("it") == "other"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("text", ["", "no JSON", "[" * 100_000, pickled([1]), pickled(True)])
def test_an_unreadable_row_is_a_miss_and_gives_way(text: str):
    insert("it", text)

    assert cache.get("it") is None
    assert cache.add("it", 1)
    assert cache.get("it") == 1


def test_only_the_first_adds():
    assert cache.add("it", 1)
    assert not cache.add("it", 2)
    assert cache.get("it") == 1


def test_a_value_is_gone_when_its_time_is_over():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.set("short", 1, 60)
        cache.set("for-good", 2, None)
        cache.set("at-once", 3, 0)
        before = cache.get_many(["short", "for-good", "at-once"])
        clock.shift(61)
        after = cache.get_many(["short", "for-good"])
        again = cache.add("short", 4, 60)

        assert before == {"short": 1, "for-good": 2}
        assert after == {"for-good": 2}
        assert again
        assert cache.get("short") == 4


def test_touch_moves_the_end_of_what_is_there():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.set("it", 1, 60)
        clock.shift(50)
        touched = cache.touch("it", 60)
        clock.shift(50)

        assert touched
        assert cache.get("it") == 1
        clock.shift(50)
        assert not cache.touch("it", 60)
        assert not cache.touch("never-set", 60)


def test_numbers_count_up_and_down():
    cache.set("it", 1)

    assert cache.incr("it") == 2
    assert cache.decr("it", 2) == 0
    with pytest.raises(ValueError, match="not found"):
        cache.incr("other")


def test_what_is_deleted_is_gone():
    cache.set_many({"a": 1, "b": 2, "c": 3, "d": 4})

    assert cache.delete("a")
    assert not cache.delete("a")
    cache.delete_many(["b", "c"])
    assert cache.get_many(["a", "b", "c", "d"]) == {"d": 4}
    cache.clear()
    assert cache.get("d") is None


def test_a_full_cache_drops_what_has_expired_first():
    small = JsonCache("hdeadmin_cache", {"OPTIONS": {"MAX_ENTRIES": 5}})
    with time_machine.travel(NOW, tick=False) as clock:
        for number in range(5):
            small.set(f"old-{number}", number, 60)
        clock.shift(61)
        for number in range(5):
            small.set(f"new-{number}", number, 60)
        kept = small.get_many([f"new-{number}" for number in range(5)])

    assert len(kept) == 5


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("before", ["nothing", "an expired row", "a pickled row"])
def test_of_workers_that_add_at_once_one_does(before: str):
    if before == "an expired row":
        insert("it", "1", expires="2020-01-01 00:00:00")
    elif before == "a pickled row":
        insert("it", pickled(1))

    def add(number: int) -> bool:
        try:
            return cache.add("it", number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as workers:
        answers = list(workers.map(add, range(24)))

    assert answers.count(True) == 1
    assert cache.get("it") == answers.index(True)
