"""What the directory keeps of an entity, and which of two readings stays."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from django.db import connection
from pytest_django import Settings

from facets import directory
from facets.checks import columns_have_keys
from facets.core.records import Record, state_record
from facets.directory import writer
from facets.directory.models import Entity, SensitiveValue, TableFacet
from facets.directory.queries import Question
from tests.facets.directory.conftest import Note


def found(id: str) -> tuple[int, int] | None:
    row = directory.find("PERSON", id)
    return (row.seq, row.updated) if row else None


def test_keeps_the_values_that_the_definition_names_and_nothing_else(people: Note) -> None:
    people("a", name="Ada", age=3, address={"city": "Wien", "street": "Graben"}, other="x", tags=["new"])
    row = directory.find("PERSON", "a")
    assert row is not None
    assert row.values == {"name": "Ada", "age": 3, "address.city": "Wien", "tags": ["new"]}


def test_keeps_nothing_that_is_masked(people: Note) -> None:
    people("a", name="Ada", iban="AT61 1904", address={"city": "Wien", "phone": "555-0100"})
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM facets_entity")
        everything = repr(cursor.fetchall())
    assert "AT61" not in everything
    assert "at61" not in everything
    assert "555" not in everything


def test_an_older_reading_never_overwrites_a_newer_one(people: Note) -> None:
    people("a", seq=3, ts=300)
    people("a", seq=2, ts=400)
    assert found("a") == (3, 300)
    people("a", seq=3, ts=299)
    assert found("a") == (3, 300)
    people("a", seq=3, ts=301)
    assert found("a") == (3, 301)
    people("a", seq=4, ts=200)
    assert found("a") == (4, 200)


def test_counts_each_entity_once(people: Note) -> None:
    people("a")
    people("a", seq=2)
    people("b")
    writer.remove("PERSON", "b")
    writer.remove("PERSON", "b")
    assert TableFacet.objects.get().entities == 1
    assert directory.count(Question("PERSON")).number == 1


def test_a_removal_that_is_older_than_the_state_is_passed_over(people: Note) -> None:
    people("a", ts=5_000)
    writer.remove("PERSON", "a", unless_after=4_999)
    assert found("a")
    writer.remove("PERSON", "a", unless_after=5_000)
    assert found("a") is None


@pytest.mark.parametrize("id", ["a/b", "..", "%_", "nul\0in", "\1\1", "🎉", "'; --", " ", "x" * 1500])
def test_an_id_of_any_kind_is_found_as_it_is(people: Note, id: str) -> None:
    people(id)
    row = directory.find("PERSON", id)
    assert row is not None
    assert row.id == id


def test_a_payload_that_is_no_json_is_kept_as_an_entity_without_values(people: Note) -> None:
    directory.note(state_record("PERSON", "a", 1, "not json", 0))
    row = directory.find("PERSON", "a")
    assert row is not None
    assert row.values == {}


def test_a_seq_beyond_what_sql_holds_does_not_stop_anything(people: Note) -> None:
    people("a", seq=10**30)
    assert found("a") == (2**63 - 1, 1_000)


@pytest.mark.parametrize(("seq", "ts"), [(-(10**30), 1), (1, -(10**30)), (1, 10**30)])
def test_numbers_that_no_writer_of_hde_makes_do_not_stop_anything(people: Note, seq: int, ts: int) -> None:
    directory.note(replace(state_record("PERSON", "a", 1, "{}", 1), seq=seq, ts=ts))
    assert found("a") == (max(seq, -(2**63) + 1), max(-(2**63) + 1, min(ts, 2**63 - 1)))


def test_what_is_kept_already_is_not_written_again(people: Note) -> None:
    people("a")
    before = Entity.objects.get().read_at
    people("a")
    assert Entity.objects.get().read_at == before


def test_a_masked_value_is_found_by_all_of_it_alone_where_its_definition_says_so(
    people: Note, define: Callable[..., object]
) -> None:
    define(searchable_sensitive=("iban", "address.phone"))
    people("a", iban="AT61 1904", address={"phone": "555-0100"})
    people("b", iban="AT61 1905")

    def ids(words: str) -> list[str]:
        return [row.id for row in directory.query(Question("PERSON", words), limit=9).rows]

    assert ids("at61 1904") == ["a"]
    assert ids("555-0100") == ["a"]
    assert ids("AT61") == []
    assert ids("555") == []
    assert b"AT61" not in b"".join(bytes(row.digest) for row in SensitiveValue.objects.all())
    people("a", seq=2, iban="DE02")
    assert ids("at61 1904") == []
    assert ids("de02") == ["a"]


def test_never_raises_where_the_database_fails(people: Note, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def fail(*arguments: object) -> None:
        raise OperationalError("locked")

    monkeypatch.setattr("facets.directory.writer.write", fail)
    people("a")
    assert found("a") is None


def test_another_table_has_a_directory_of_its_own(people: Note, settings: Settings) -> None:
    people("a")
    settings.HDEADMIN_STORE = "dynamodb:elsewhere"
    assert found("a") is None


def test_a_facet_that_nobody_defined_is_kept_without_columns(people: Note) -> None:
    record: Record = people("a", facet="OTHER\0", name="Ada")
    row = directory.find("OTHER\0", "a")
    assert row is not None
    assert (row.seq, row.values) == (record.seq, {})


def test_a_column_too_many_is_warned_of(define: Callable[..., object]) -> None:
    assert columns_have_keys(None) == []
    define(list_display=tuple(f"address.{number}" for number in range(13)), search_fields=())
    [warning] = columns_have_keys(None)
    assert "PERSON" in warning.msg
    assert "address.12" in warning.msg
