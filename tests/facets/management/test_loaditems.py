"""manage.py loaditems: a copy of a table, whole or not at all."""

import gzip
import io
import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from facets.core.dynamodb import DynamoTable, make_client
from facets.core.errors import StoreUnavailable
from facets.core.sqlite import SqliteTable
from facets.core.store import Table
from facets.importing.dynamodb_json import ItemFile, parse
from facets.importing.load import PartlyLoaded, load

FIXTURE = Path(__file__).parents[2] / "fixtures/hde-ledger/items.jsonl"


@pytest.fixture
def embedded(tmp_path: Path, settings: Any) -> SqliteTable:
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'ledger.sqlite3'}"
    table = SqliteTable(tmp_path / "ledger.sqlite3")
    table.create()
    return table


def item(id: str = "ORDER/1", rng: str = "STATE", **changed: Any) -> dict[str, Any]:
    attributes = {
        "_id": {"S": id},
        "_rng": {"S": rng},
        "_facet": {"S": "ORDER"},
        "_typ": {"S": "ORDER" if rng == "STATE" else rng.split("/")[1]},
        "_seq": {"N": "1"},
        "_ts": {"N": "1700000000000"},
        "_date": {"S": "2023-11-14T22:13:20.000Z"},
        "_itm": {"S": "{}"},
    }
    return {name: value for name, value in (attributes | changed).items() if value is not None}


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for _ in range(depth):
        value = {"L": [value]}
    return value


def write(path: Path, *lines: Any) -> str:
    texts = [line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines]
    path.write_text("\n".join(texts) + "\n", newline="\n")
    return str(path)


def run(*files: str) -> str:
    out = io.StringIO()
    call_command("loaditems", *files, stdout=out)
    return out.getvalue()


def refusal(*files: str) -> str:
    with pytest.raises(CommandError) as refused:
        run(*files)
    return str(refused.value)


def test_every_item_of_hdes_own_table_arrives_as_it_was(embedded: SqliteTable) -> None:
    summary = run(str(FIXTURE))

    assert "Loaded 1,781 items of 41 entities" in summary
    assert "BANK_ACCOUNT: 30\n" in summary
    stored = {}
    for line in FIXTURE.read_bytes().split(b"\n"):
        if line:
            wanted = json.loads(line)
            facet, _, id = wanted["_id"]["S"].partition("/")
            if (facet, id) not in stored:
                stored[facet, id] = {
                    record.rng: record.to_item() for record in embedded.db(facet).get_records(id)
                }
            assert stored[facet, id].pop(wanted["_rng"]["S"]) == wanted
    assert not any(stored.values())


def test_an_export_to_s3_loads_though_it_is_gzipped(embedded: SqliteTable, tmp_path: Path) -> None:
    packed = tmp_path / "no-telling-name"
    lines = (f'{{"Item":{json.dumps(item(f"ORDER/{number}"))}}}\n' for number in range(3))
    packed.write_bytes(gzip.compress("".join(lines).encode()))

    assert "Loaded 3 items of 3 entities" in run(str(packed))


def test_the_standard_input_loads(embedded: SqliteTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(json.dumps(item()).encode())))

    assert "Loaded 1 items" in run("-")


def test_raw_line_separators_in_a_payload_do_not_end_its_line(embedded: SqliteTable, tmp_path: Path) -> None:
    text = json.dumps({"note": "a\u2028b\u2029c\u0085d"}, ensure_ascii=False)

    run(write(tmp_path / "items", item(_itm={"S": text})))

    state = embedded.db("ORDER").get_state("1")
    assert state is not None
    assert state.itm == text


def test_bad_lines_are_named_and_then_nothing_is_loaded(embedded: SqliteTable, tmp_path: Path) -> None:
    path = write(tmp_path / "items", item(), "", "{broken", item("ORDER/2", _itm=None))

    message = refusal(path)

    assert f"{path}, line 3: Not JSON" in message
    assert f"{path}, line 4: There is no _itm." in message
    assert message.endswith("Nothing was loaded.")
    assert embedded.is_empty()


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ([], "Not a JSON object."),
        ({"Item": []}, "Item is not a JSON object."),
        ({"Keys": {}, "NewImage": {}}, "From an incremental export"),
        ({"id": {"S": "1"}}, "There is no _id of type S."),
        ({"_id": "ORDER/1"}, "Not a typed value"),
        ({"_id": {"S": 1}}, "Not a typed value"),
        (item(_seq={"S": "1"}), "_seq is not of type N."),
        (item(_seq={"N": "1.5"}), "_seq is not a whole number"),
        (item(_seq={"N": "1e999999999"}), "_seq is not a whole number"),
        (item(_ts={"N": "9223372036854775808"}), "_ts is not a whole number"),
        (item(_meta={"M": {}}), "_meta is not of type S."),
        (item(_facet={"S": "BIG"}), "_id is not _facet, a slash and an id."),
        (item(rng="INBOUND/X"), "_rng is not of hde's form."),
        (item(rng="INBOUND/X/2"), "_rng does not agree"),
        (item(rng="OUTBOUND/X/1"), "_rng is not of hde's form."),
        (item(_itm={"S": "x" * 410_000}), "The item has 410,089 bytes"),
        (item("ORDER/" + "x" * 2048), "_id is longer than"),
        ('{"_id": {"S": "ORDER/\\ud800"}}', "A text is not valid Unicode."),
        (item(photo={"B": "?"}), "A binary value is not base64."),
        (item(price={"N": "a lot"}), "price: 'a lot' is not a number."),
        (item(price={"N": "٣"}), "price: '٣' is not a number."),
        (item(price={"N": "NaN"}), "price: 'NaN' is beyond DynamoDB's numbers."),
        (item(price={"N": "1E126"}), "price: '1E126' is beyond"),
        (item(price={"N": "1" * 39}), "price: '111"),
        (item(tags={"SS": []}), "tags: A set is not empty"),
        (item(tags={"NS": ["1", "1.0"]}), "tags: A set is not empty and holds nothing twice."),
        (item(tags={"L": [{"M": {"x": {"NS": ["?"]}}}]}), "tags: '?' is not a number."),
        (item(gone={"NULL": False}), "gone: NULL is true"),
        (item(**{"": {"S": "x"}}), "An attribute has no name."),
        (item(deep=nested(33)), "deep: Nested more than 32 deep."),
        (item(photo={"B": "QUJD" * 140_000}), "The item has 420,09"),
        ("[" * 100_000, "The JSON text is nested too deeply"),
    ],
)
def test_what_says_that_it_is_hdes_and_is_not_is_refused(
    embedded: SqliteTable, tmp_path: Path, line: Any, reason: str
) -> None:
    assert f"items, line 1: {reason}" in refusal(write(tmp_path / "items", line))


def test_only_twenty_bad_lines_are_shown_and_the_rest_counted(embedded: SqliteTable, tmp_path: Path) -> None:
    message = refusal(write(tmp_path / "items", *["nonsense"] * 25))

    assert message.count("Not JSON") == 20
    assert "5 more bad lines" in message


def test_a_key_that_comes_twice_is_named_with_its_first_place(embedded: SqliteTable, tmp_path: Path) -> None:
    first = write(tmp_path / "first", item("ORDER/0"), item())
    second = write(tmp_path / "second", item())

    assert f"{second}, line 1: The same key as in {first}, line 2." in refusal(first, second)
    assert embedded.is_empty()


def test_items_of_other_makers_are_left_out_and_counted(embedded: SqliteTable, tmp_path: Path) -> None:
    other = {"_id": {"S": "CONFIG"}, "_rng": {"S": "v1"}, "photo": {"B": "AA=="}}

    summary = run(write(tmp_path / "items", other, item()))

    assert "Loaded 1 items" in summary
    assert "Left out 1 items of other makers" in summary


def test_attributes_that_a_file_does_not_keep_are_counted(embedded: SqliteTable, tmp_path: Path) -> None:
    assert "ttl (1)" in run(write(tmp_path / "items", item(ttl={"N": "5"})))


def test_payloads_that_are_not_even_json_are_loaded_to_be_seen(embedded: SqliteTable, tmp_path: Path) -> None:
    assert "Loaded 1 items" in run(write(tmp_path / "items", item(_itm={"S": "{not json"})))


def test_numbers_may_have_dynamodbs_other_forms(embedded: SqliteTable, tmp_path: Path) -> None:
    run(write(tmp_path / "items", item(_ts={"N": "1.7E12"})))

    state = embedded.db("ORDER").get_state("1")
    assert state is not None
    assert state.ts == 1_700_000_000_000


def test_a_table_that_is_not_empty_is_refused(embedded: SqliteTable, tmp_path: Path) -> None:
    path = write(tmp_path / "items", item())
    run(path)

    assert "is not empty" in refusal(path)


def test_a_table_that_is_not_there_is_refused(settings: Any, tmp_path: Path) -> None:
    settings.HDEADMIN_STORE = f"sqlite:{tmp_path / 'none.sqlite3'}"

    assert "createtable" in refusal(write(tmp_path / "items", item()))


def test_files_that_cannot_be_read_are_named(embedded: SqliteTable, tmp_path: Path) -> None:
    cut = tmp_path / "cut.gz"
    cut.write_bytes(gzip.compress(FIXTURE.read_bytes()[:200_000])[:-20])

    assert f"{tmp_path / 'none'}: No such file" in refusal(str(tmp_path / "none"))
    assert f"{tmp_path}: this is a directory" in refusal(str(tmp_path))
    assert f"{cut}: " in refusal(str(cut))
    assert embedded.is_empty()


def test_a_line_without_end_is_refused_before_it_fills_the_memory(
    embedded: SqliteTable, tmp_path: Path
) -> None:
    path = tmp_path / "endless"
    path.write_bytes(b" " * 9_000_000)

    assert "line 1 is longer than any item can be" in refusal(str(path))


def test_a_file_that_changes_between_the_passes_leaves_nothing(
    embedded: SqliteTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "items"
    write(path, item())
    monkeypatch.setattr(
        "facets.importing.load.load",
        lambda table, files, told: (write(path, item("ORDER/2"), "broken"), load(table, files, told))[1],
    )

    assert "Not JSON" in refusal(str(path))
    assert embedded.is_empty()


def test_items_arrive_on_every_engine(table: Table, tmp_path: Path) -> None:
    lines = [item(f"ORDER/{number}", photo={"B": "aGk="}) for number in range(60)]

    with ItemFile(write(tmp_path / "items", *lines)) as file:
        assert load(table, [file]) == 60

    assert table.facets().counts == {"ORDER": 60}
    if isinstance(table, DynamoTable):
        assert table.client.scan(TableName=table.name)["Items"][0]["photo"] == {"B": b"hi"}


def test_a_load_into_dynamodb_that_fails_says_how_much_was_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "items", *(item(f"ORDER/{number}") for number in range(1500)))
    batches: list[int] = []

    def fail_at_the_second(self: DynamoTable, items: Any) -> int:
        batches.append(len(list(items)))
        if len(batches) == 2:
            raise StoreUnavailable("throttled")
        return batches[-1]

    monkeypatch.setattr(DynamoTable, "load", fail_at_the_second)

    with ItemFile(path) as file, pytest.raises(PartlyLoaded) as failed:
        load(DynamoTable(make_client(), "ledger"), [file])

    assert failed.value.written == 1000


def test_binary_values_are_decoded_for_dynamodb_at_any_depth() -> None:
    line = b'{"_id": {"S": "x"}, "a": {"B": "aGk="}, "b": {"M": {"c": {"L": [{"BS": ["aGk="]}, {"NULL": true}]}}}}'

    assert parse(line) == {
        "_id": {"S": "x"},
        "a": {"B": b"hi"},
        "b": {"M": {"c": {"L": [{"BS": [b"hi"]}, {"NULL": True}]}}},
    }
