"""Records and the items that DynamoDB keeps of them, also those that no writer of ours made."""

from __future__ import annotations

import pytest

from facets.core import InvalidRecord, Record
from facets.core.records import inbound_record, iso_date, outbound_record, state_record, whole_number
from tests.facets.core import ledger

ITEM = inbound_record("A", "1", 3, "X", "{}", 0).to_item()


def test_every_item_of_the_fixture_is_read_and_written_back_as_it_was():
    for item in ledger.items():
        assert Record.from_item(item).to_item() == item


@pytest.mark.parametrize(
    ("record", "id", "rng", "kind", "index"),
    [
        (state_record("A", "b/c", 7, "{}", 0), "A/b/c", "STATE", "STATE", 0),
        (inbound_record("A", "1", 10, "a/b 3/é", "{}", 0), "A/1", "INBOUND/a/b 3/é/10", "INBOUND", 0),
        (
            outbound_record("A", "1", 10, 12, "OUTBOUND/1", "{}", 0),
            "A/1",
            "OUTBOUND/OUTBOUND/1/10/12",
            "OUTBOUND",
            12,
        ),
    ],
)
def test_keys_are_those_of_hde(record, id, rng, kind, index):
    assert (record.id, record.rng, record.kind, record.index) == (id, rng, kind, index)
    assert record.entity_id == id.removeprefix("A/")


def test_a_states_type_is_its_facet():
    assert state_record("A", "1", 7, "{}", 0).typ == "A"


@pytest.mark.parametrize("name", sorted(ITEM))
def test_an_item_that_lacks_an_attribute_is_refused_by_its_key(name):
    item = {key: value for key, value in ITEM.items() if key != name}

    with pytest.raises(InvalidRecord) as refused:
        Record.from_item(item)

    assert refused.value.id == ("" if name == "_id" else "A/1")
    assert refused.value.rng == ("" if name == "_rng" else "INBOUND/X/3")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("_seq", {"S": "3"}),
        ("_seq", {"N": "3.5"}),
        ("_seq", {"N": "three"}),
        ("_seq", {"N": "Infinity"}),
        ("_itm", {"M": {}}),
        ("_itm", {"NULL": True}),
        ("_ts", {"N": ""}),
        ("_typ", "X"),
        ("_typ", None),
        ("_meta", {"N": "1"}),
    ],
)
def test_an_item_with_an_attribute_of_another_type_is_refused(name, value):
    with pytest.raises(InvalidRecord):
        Record.from_item({**ITEM, name: value})


def test_attributes_of_other_makers_are_passed_over():
    assert Record.from_item({**ITEM, "ttl": {"N": "1"}}).to_item() == ITEM


@pytest.mark.parametrize(
    ("text", "number"), [("3", 3), ("3.0", 3), ("3E0", 3), ("1E+3", 1000), ("-2", -2), ("0", 0)]
)
def test_a_whole_number_is_read_in_any_form_that_dynamodb_gives(text, number):
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "1.5", "NaN", "Infinity", "²"])
def test_other_texts_are_no_whole_numbers(text):
    with pytest.raises(ValueError, match=r"no number|not whole|invalid"):
        whole_number(text)


def test_a_payload_that_is_not_json_is_refused_when_it_is_looked_at():
    record = inbound_record("A", "1", 1, "X", "{", 0)

    with pytest.raises(InvalidRecord):
        record.data  # noqa: B018


def test_a_key_of_another_maker_has_no_kind():
    record = Record.from_item({**ITEM, "_rng": {"S": "LOCK"}})

    with pytest.raises(InvalidRecord):
        record.kind  # noqa: B018


def test_a_payload_is_parsed_anew_each_time():
    record = inbound_record("A", "1", 1, "X", '{"a":[]}', 0)

    record.data["a"].append(1)

    assert record.data == {"a": []}


@pytest.mark.parametrize(
    ("ts", "date"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_422_597_073, "2026-11-23T08:29:57.073Z"),
        (999, "1970-01-01T00:00:00.999Z"),
    ],
)
def test_a_date_is_written_as_javascript_writes_it(ts, date):
    assert iso_date(ts) == date
