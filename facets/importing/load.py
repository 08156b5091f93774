"""Load files of items into a table: every line is checked first, and one bad line keeps all of them out."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import islice
from typing import Any

from facets.core import FacetError, InvalidRecord, Record
from facets.core.records import Item, kind_of, whole_number
from facets.core.sqlite import SqliteTable
from facets.core.store import MAX_RECORD_BYTES, Table
from facets.importing.dynamodb_json import ItemFile, Line, UnreadableFile, parse, weigh

Told = Callable[[int, int], None]

_TYPES = {
    "_id": "S",
    "_rng": "S",
    "_facet": "S",
    "_typ": "S",
    "_seq": "N",
    "_ts": "N",
    "_date": "S",
    "_itm": "S",
}
_KNOWN = {*_TYPES, "_meta"}
_RNG = re.compile(
    r"STATE|(?:INBOUND/(?P<inbound>.*)|OUTBOUND/(?P<outbound>.*)/(?P<at>\d+))/(?P<index>\d+)", re.DOTALL
)
_NUMBER = re.compile(r"[\d.]{1,40}([eE]\+?\d{1,2})?", re.ASCII)
_LARGEST = 2**63 - 1
_LONGEST_KEYS = {"_id": 2048, "_rng": 1024}  # bytes of UTF-8
_BATCH = 1000
_SHOWN = 20


class BadLines(Exception):
    """Lines that cannot be loaded; nothing was.

    Attributes:
        problems: up to 20 of them, each with file, line number and reason; repeated keys come last.
        count: how many there are.
    """

    def __init__(self, problems: Sequence[str], count: int) -> None:
        super().__init__(f"{count} bad lines")
        self.problems = problems
        self.count = count


class PartlyLoaded(Exception):
    """The table failed, or somebody stopped the load, when at least `written` of the items were written."""

    def __init__(self, written: int) -> None:
        super().__init__(f"at least {written} items were written")
        self.written = written


@dataclass(slots=True)
class Contents:
    """What files hold.

    Attributes:
        items: those of hde's format.
        others: items of other makers, whose sort keys are none of hde's; they are not loaded.
        entities: how many of each facet.
        more: how many items have each attribute that hde does not know.
    """

    items: int = 0
    others: int = 0
    entities: dict[str, int] = field(default_factory=dict)
    more: Counter[str] = field(default_factory=Counter)


def check(files: Sequence[ItemFile], told: Told = lambda done, items: None) -> Contents:
    """Read everything, write nothing, in bounded memory.

    Args:
        told: called with the bytes read so far, of the files as stored, and the items found so far.

    Raises:
        BadLines, UnreadableFile
    """
    contents = Contents()
    problems: list[str] = []
    bad = 0
    with closing(_Keys()) as keys:
        for place, line, done in _lines(files):
            try:
                item = parse(line.text)
                record = judge(item)
            except InvalidRecord as error:
                bad += 1
                if len(problems) < _SHOWN:
                    problems.append(f"{line.file}, line {line.number}: {error.reason}")
                continue
            if record is None:
                contents.others += 1
            else:
                contents.items += 1
                contents.more.update(item.keys() - _KNOWN)
                keys.add(record, place, line.number)
            told(done, contents.items)
        for place, number, first_place, first_number in keys.repeated():
            bad += 1
            if len(problems) < _SHOWN:
                there = f"{files[first_place].name}, line {first_number}"
                problems.append(f"{files[place].name}, line {number}: The same key as in {there}.")
        if bad:
            raise BadLines(problems, bad)
        contents.entities = keys.entities()
    return contents


def load(table: Table, files: Sequence[ItemFile], told: Told = lambda done, items: None) -> int:
    """Write what `check` has passed; returns how many items. Into a SQLite file all or nothing.

    Raises:
        PartlyLoaded: with what was raised as its cause.
        FacetError, UnreadableFile: nothing was written.
    """
    items = _items(files, told)
    if isinstance(table, SqliteTable):
        return table.load(items)
    written = 0
    try:
        while batch := list(islice(items, _BATCH)):
            written += table.load(batch)
    except (FacetError, UnreadableFile, KeyboardInterrupt) as error:
        raise PartlyLoaded(written) from error
    return written


def judge(item: Item) -> Record | None:
    """The item as a record of hde's, None if it is of another maker.

    Its payload is not judged: one that is not even JSON is there to be seen.

    Raises:
        InvalidRecord: it says that it is hde's, and is not of hde's format.
    """
    for name, longest in _LONGEST_KEYS.items():
        text = item.get(name, {}).get("S")
        if not text:
            raise InvalidRecord(f"There is no {name} of type S.")
        if len(text.encode()) > longest:
            raise InvalidRecord(f"{name} is longer than {longest:,} bytes.")
    if kind_of(item["_rng"]["S"]) is None:
        return None
    for name, kind in _TYPES.items():
        if name not in item:
            raise InvalidRecord(f"There is no {name}.")
        if kind not in item[name]:
            raise InvalidRecord(f"{name} is not of type {kind}.")
    if "_meta" in item and "S" not in item["_meta"]:
        raise InvalidRecord("_meta is not of type S.")
    for name in ("_seq", "_ts"):
        _judge_number(name, item[name]["N"])
    record = Record.from_item(item)
    _judge_keys(record)
    size = weigh(item)
    if size > MAX_RECORD_BYTES:
        raise InvalidRecord(f"The item has {size:,} bytes; DynamoDB keeps at most {MAX_RECORD_BYTES:,}.")
    return record


def _judge_keys(record: Record) -> None:
    if not record.facet or not record.id.startswith(f"{record.facet}/") or not record.entity_id:
        raise InvalidRecord("_id is not _facet, a slash and an id.")
    parts = _RNG.fullmatch(record.rng)
    if parts is None:
        raise InvalidRecord("_rng is not of hde's form.")
    if record.rng == "STATE":
        return
    inbound = parts["inbound"] is not None
    type, seq = (parts["inbound"], parts["index"]) if inbound else (parts["outbound"], parts["at"])
    if type != record.typ or seq != str(record.seq):
        raise InvalidRecord("_rng does not agree with _typ and _seq.")


def _judge_number(name: str, text: str) -> None:
    """Refuse what is not a count; a large exponent is refused unread, since its digits would fill the memory."""
    try:
        if _NUMBER.fullmatch(text) and 0 <= whole_number(text) <= _LARGEST:
            return
    except ValueError:
        pass
    raise InvalidRecord(f"{name} is not a whole number from 0 to 2^63 - 1.")


def _items(files: Sequence[ItemFile], told: Told) -> Iterator[Item]:
    count = 0
    for _, line, done in _lines(files):
        item = parse(line.text)
        if judge(item) is not None:
            count += 1
            yield item
        told(done, count)


def _lines(files: Sequence[ItemFile]) -> Iterator[tuple[int, Line, int]]:
    """The place of the file, the line, and the bytes read of all files."""
    before = 0
    for place, file in enumerate(files):
        for line in file.lines():
            yield place, line, before + line.done
        before += file.size


class _Keys:
    """The keys seen, in a temporary database that spills to the disk: a table may have a hundred million."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("CREATE TABLE seen (digest BLOB, entity BLOB, facet INT, file INT, line INT)")
        self._db.execute("BEGIN")
        self._facets: dict[str, int] = {}
        self._waiting: list[tuple[Any, ...]] = []

    def add(self, record: Record, file: int, line: int) -> None:
        entity = _digest(record.id)
        facet = self._facets.setdefault(record.facet, len(self._facets))
        self._waiting.append((_digest(record.rng, entity), entity, facet, file, line))
        if len(self._waiting) == _BATCH:
            self._flush()

    def repeated(self) -> Iterable[tuple[int, int, int, int]]:
        """(file, line) of each key that was there before, and where it was, in the order of the files."""
        self._flush()
        self._db.execute(
            "CREATE TEMP TABLE twins AS SELECT digest, min(rowid) AS first FROM seen GROUP BY digest HAVING count(*) > 1"
        )
        if not self._db.execute("SELECT 1 FROM twins LIMIT 1").fetchone():
            return []
        return self._db.execute(
            "SELECT again.file, again.line, earlier.file, earlier.line FROM seen AS again"
            " JOIN twins USING (digest) JOIN seen AS earlier ON earlier.rowid = twins.first"
            " WHERE again.rowid > twins.first ORDER BY again.rowid"
        )

    def entities(self) -> dict[str, int]:
        self._flush()
        counts = dict(self._db.execute("SELECT facet, count(DISTINCT entity) FROM seen GROUP BY facet"))
        return {name: counts[number] for name, number in sorted(self._facets.items())}

    def close(self) -> None:
        self._db.close()

    def _flush(self) -> None:
        self._db.executemany("INSERT INTO seen VALUES (?, ?, ?, ?, ?)", self._waiting)
        self._waiting.clear()


def _digest(text: str, salt: bytes = b"") -> bytes:
    return blake2b(text.encode(), digest_size=16, key=salt).digest()
