"""SqliteEventDB and SqliteTable: the same records and promises in one SQLite file, with no server.

One append is one transaction. Several processes may share the file: it is in WAL mode, and each thread has a
connection of its own.
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from facets.core.errors import InvalidRecord, SequenceConflict, StateReplaced, StoreUnavailable, TableNotFound
from facets.core.history import Log, LogEntry, in_history_order
from facets.core.pages import MAX_UNPLACED, Place, Window
from facets.core.records import MAX_SEQ, STATE_KEY, Item, Record, kind_of, partition_key
from facets.core.store import (
    FacetPage,
    HistoryPage,
    ReadCost,
    StatePage,
    check_transaction,
    operation_id_or_new,
)
from facets.core.streaming import StreamEntry, entry_of
from facets.core.unreadable import (
    StoredRecord,
    UnreadableRecord,
    UnreadableState,
    is_another_state,
    is_of_another,
    read_item,
)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    id TEXT NOT NULL, rng TEXT NOT NULL, facet TEXT NOT NULL, typ TEXT NOT NULL, seq INTEGER NOT NULL,
    ts INTEGER NOT NULL, date TEXT NOT NULL, itm TEXT NOT NULL, meta TEXT, PRIMARY KEY (id, rng)
);
CREATE INDEX IF NOT EXISTS records_in_history_order ON records (id, seq);
CREATE INDEX IF NOT EXISTS states_of_a_facet ON records (facet, id) WHERE rng = 'STATE';
CREATE TABLE IF NOT EXISTS operations (
    operation_id TEXT PRIMARY KEY, digest BLOB NOT NULL, at REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS operations_by_age ON operations (at);
"""
# Our own names only: no text of anybody else is ever put into a statement.
_COLUMNS = "id, rng, facet, typ, seq, ts, date, itm, meta"
_INSERT = f"INSERT INTO records ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
# What is replaced gets a new rowid, so that whoever remembers the highest can tell what was written since.
_REPLACE = (
    f"{_INSERT} ON CONFLICT (id, rng) DO UPDATE SET rowid = (SELECT max(rowid) FROM records) + 1, "
    + ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.split(", ")[2:])
)

# As long as DynamoDB remembers a ClientRequestToken.
_OPERATIONS_KEPT = 600.0

_BUSY_SECONDS = 5.0
# What was acknowledged outlives a loss of power.
_SYNCHRONOUS = "FULL"

# Whether a row is what we write, of the facet that is the parameter.
_SOUND = (
    "facet = ? AND typeof(typ) = 'text' AND typeof(seq) = 'integer' AND seq >= 0 AND seq < 9007199254740992"
    " AND typeof(ts) = 'integer' AND typeof(date) = 'text' AND typeof(itm) = 'text'"
    " AND (meta IS NULL OR typeof(meta) = 'text')"
)
# Sort keys that are none of hde's.
_FOREIGN = (
    "(rng < 'INBOUND/' OR (rng >= 'INBOUND0' AND rng < 'OUTBOUND/')"
    " OR (rng >= 'OUTBOUND0' AND rng < 'STATE') OR rng > 'STATE')"
)

# How many rows of a stream are read at once.
_STREAMED = 500

# Of the integers that SQLite holds.
_LARGEST = 2**63 - 1


class SqliteEventDB:
    """One facet's records in a SQLite file. See EventStore for what each method promises.

    May be shared by threads. The file is made by `SqliteTable(path).create()`.
    """

    def __init__(self, path: str | Path, facet: str) -> None:
        self.facet = facet
        self._connections = _Connections.of(path)

    def get_state(self, id: str) -> Record | None:
        state = self.read_state(id)
        if isinstance(state, UnreadableRecord):
            raise UnreadableState(state)
        return state

    def read_state(self, id: str) -> StoredRecord | None:
        with self._connections.read() as db:
            return self._state(db, _key(self.facet, id))

    def get_records(self, id: str) -> list[StoredRecord]:
        with self._connections.read() as db:
            rows = _fetch(
                db,
                f"SELECT {_COLUMNS} FROM records WHERE id = ? AND NOT {_FOREIGN} ORDER BY seq",
                (_key(self.facet, id),),
            )
        records = (_stored(row, self.facet) for row in rows)
        return in_history_order(record for record in records if record and record.kind)

    def get_item(self, id: str, rng: str) -> Item | None:
        with self._connections.read() as db:
            rows = _fetch(
                db,
                f"SELECT {_COLUMNS} FROM records WHERE id = ? AND rng = ?",
                (_key(self.facet, id), _text(rng)),
            )
        items = [_item(row) for row in rows]
        return next((item for item in items if not is_of_another(item, self.facet)), None)

    def get_foreign(self, id: str, *, limit: int = MAX_UNPLACED) -> list[UnreadableRecord]:
        with self._connections.read() as db:
            return self._foreign(db, _key(self.facet, id), limit)

    def get_log(self, id: str) -> Log:
        key = _key(self.facet, id)
        with self._connections.read() as db:
            rows = _fetch(
                db,
                f"SELECT seq, typ, itm, rng, {_SOUND} FROM records"
                " WHERE id = ? AND rng >= 'INBOUND/' AND rng < 'INBOUND0' ORDER BY seq",
                (self.facet, key),
            )
            unsound = self._unsound(db, key, [row[3] for row in rows if not row[4]])
            state = self._state(db, key)
        entries = [LogEntry(seq, typ, itm) for seq, typ, itm, _, sound in rows if sound]
        entries.sort()
        if isinstance(state, UnreadableRecord):
            return Log(None, None, entries, [*unsound, state])
        return Log(state.seq if state else None, state.itm if state else None, entries, unsound)

    def _state(self, db: sqlite3.Connection, key: str) -> StoredRecord | None:
        rows = _fetch(db, f"SELECT {_COLUMNS} FROM records WHERE id = ? AND rng = ?", (key, STATE_KEY))
        return _stored(rows[0], self.facet) if rows else None

    def _unsound(self, db: sqlite3.Connection, key: str, rngs: Sequence[str]) -> list[UnreadableRecord]:
        """The records under these keys, those of other facets left out."""
        found: list[UnreadableRecord] = []
        for rng in rngs:
            rows = _fetch(db, f"SELECT {_COLUMNS} FROM records WHERE id = ? AND rng = ?", (key, rng))
            record = _stored(rows[0], self.facet)
            if isinstance(record, UnreadableRecord) and record.kind:
                found.append(record)
        return in_history_order(found)

    def _foreign(self, db: sqlite3.Connection, key: str, limit: int) -> list[UnreadableRecord]:
        rows = _fetch(
            db,
            f"SELECT {_COLUMNS} FROM records WHERE id = ? AND {_FOREIGN} ORDER BY rng LIMIT ?",
            (key, limit),
        )
        records = (_stored(row, self.facet) for row in rows)
        return [record for record in records if isinstance(record, UnreadableRecord)]

    def _without_number(self, db: sqlite3.Connection, key: str) -> list[StoredRecord]:
        """The records whose seq is no integer: such values follow all numbers in the index."""
        rows = _fetch(
            db,
            f"SELECT {_COLUMNS} FROM records INDEXED BY records_in_history_order"
            f" WHERE id = ? AND seq >= '' AND NOT {_FOREIGN} AND rng <> 'STATE'",
            (key,),
        )
        return [record for row in rows if (record := _stored(row, self.facet))]

    def stream(
        self, id: str, *, after: int = 0, upto: int | None = None, inbound_types: Collection[str] = ()
    ) -> Generator[StreamEntry, None, None]:
        key, after = _key(self.facet, id), max(-_LARGEST, min(after, _LARGEST))
        with self._connections.read() as db:
            newest = db.execute(
                "SELECT max(seq) FROM records WHERE id = ? AND seq <= ?", (key, _LARGEST)
            ).fetchone()[0]
            unplaced = [
                entry_of(record) for record in self._without_number(db, key) if record.kind == "INBOUND"
            ]
        # Those whose sort key names a seq take their places among the others.
        placed = sorted((entry for entry in unplaced if entry.seq > after), reverse=True)
        newest = max([int(newest or 0), *(entry.seq for entry in placed)])
        end = min(_LARGEST, newest) if upto is None else min(upto, newest)
        at_once = _STREAMED
        while after < end:
            # A snapshot for each part: one that is held as long as a stream is used would keep its thread from others.
            with self._connections.read() as db:
                rows = _fetch(
                    db,
                    f"SELECT seq, typ, itm, ts, rng, {_SOUND} FROM records INDEXED BY records_in_history_order"
                    " WHERE id = ? AND seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
                    (self.facet, key, after, end, at_once),
                )
                reached = end if len(rows) < at_once else int(rows[-1][0]) - 1
                unsound = self._unsound(
                    db,
                    key,
                    [
                        row[4]
                        for row in rows
                        if not row[5] and row[0] <= reached and kind_of(row[4]) == "INBOUND"
                    ],
                )
            if reached == after:
                # So many records of one seq: what follows of them is not to be lost.
                at_once *= 2
                continue
            entries = [
                StreamEntry(seq, typ, itm, ts, rng)
                for seq, typ, itm, ts, rng, sound in rows
                if sound and seq <= reached and rng.startswith("INBOUND/")
            ]
            entries += map(entry_of, unsound)
            while placed and placed[-1].seq <= reached:
                entries.append(placed.pop())
            entries.sort()
            yield from entries
            after = reached
        yield from (entry for entry in unplaced if not entry.seq)

    def get_page(
        self,
        id: str,
        *,
        before: int | None = None,
        after: int | None = None,
        limit: int = 50,
        inbound_types: Collection[str] = (),
        outbound_types: Collection[str] = (),
    ) -> HistoryPage:
        place = Place(before, after, limit)
        window = Window(place)
        # The index holds the page in order; the nearest event beyond each end of it tells whether there are others.
        if after is not None:
            onwards, back, edge = "seq > ? AND seq < '' ORDER BY seq", "seq <= ? ORDER BY seq DESC", after
        else:
            onwards, back = "seq < ? ORDER BY seq DESC", "seq >= ? AND seq < '' ORDER BY seq"
            edge = _LARGEST if before is None else before
        key, edge = _key(self.facet, id), max(-_LARGEST, min(edge, _LARGEST))
        looked_at = 1
        with self._connections.read() as db:
            state = self._state(db, key)
            for record in (*self._without_number(db, key), *self._foreign(db, key, MAX_UNPLACED)):
                looked_at += 1
                window.add(record)
            for reading in (back, onwards):
                rows = _each(
                    db,
                    f"SELECT {_COLUMNS} FROM records INDEXED BY records_in_history_order"
                    f" WHERE id = ? AND {reading}",
                    (key, edge),
                )
                for row in rows:
                    looked_at += 1
                    stored = _stored(row, self.facet)
                    if stored is None or stored.kind == "STATE":
                        continue
                    window.add(stored)
                    if stored.kind is None:
                        continue
                    if reading is back or window.overfull:
                        break
        return window.page(
            state,
            ReadCost(looked_at, 3),
            inbound_types=inbound_types,
            outbound_types=outbound_types,
        )

    def put_state(
        self,
        state: Record,
        previous_seq: int,
        inbound: Sequence[Record] = (),
        outbound: Sequence[Record] = (),
        *,
        previous: StoredRecord | None = None,
        operation_id: str | None = None,
    ) -> None:
        records = check_transaction(self.facet, state, inbound, outbound)
        rows = [_row(record) for record in records]
        before = previous.item if isinstance(previous, UnreadableRecord) else previous and _row(previous)
        digest = sha256(repr((rows, previous_seq, before)).encode()).digest()
        with self._connections.write() as db:
            if _was_done(db, operation_id_or_new(operation_id), digest):
                return
            stored = _fetch(
                db, f"SELECT {_COLUMNS} FROM records WHERE id = ? AND rng = ?", (state.id, STATE_KEY)
            )
            now = _stored(stored[0], self.facet) if stored else None
            actual_seq = (now.seq or 0) if now else 0
            lost = previous is not None and now is None
            if isinstance(previous, UnreadableRecord) and now is not None:
                if is_another_state(now, previous):
                    raise StateReplaced(state.entity_id, seq=actual_seq)
            elif actual_seq != previous_seq or lost or (stored and now is None):
                raise SequenceConflict(state.entity_id, expected_seq=previous_seq, actual_seq=actual_seq)
            elif now is not None and (
                isinstance(now, UnreadableRecord) if previous is None else is_another_state(now, previous)
            ):
                raise StateReplaced(state.entity_id, seq=previous_seq)
            try:
                db.executemany(_INSERT, rows[:-1])
            except sqlite3.IntegrityError as error:
                # An event is there that STATE does not know of.
                highest = db.execute(
                    "SELECT max(seq) FROM records WHERE id = ? AND seq <= ?", (state.id, _LARGEST)
                ).fetchone()[0]
                raise SequenceConflict(
                    state.entity_id, expected_seq=previous_seq, actual_seq=int(highest or 0)
                ) from error
            db.execute(_REPLACE, rows[-1])


class SqliteTable:
    """A SQLite file that stands for a table of several facets. See Table for what each method promises."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = self.path.name
        self._connections = _Connections.of(path)

    def create(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with _raising(self.path), closing(sqlite3.connect(self.path, timeout=_BUSY_SECONDS)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute(f"PRAGMA synchronous = {_SYNCHRONOUS}")
            db.executescript(_SCHEMA)

    def check(self) -> None:
        with self._connections.read() as db:
            db.execute(f"SELECT {_COLUMNS} FROM records LIMIT 1").fetchone()

    def is_empty(self) -> bool:
        with self._connections.read() as db:
            return db.execute("SELECT 1 FROM records LIMIT 1").fetchone() is None

    def db(self, facet: str) -> SqliteEventDB:
        return SqliteEventDB(self.path, facet)

    def browse(self, facet: str, *, after: str | None = None, limit: int = 50) -> StatePage:
        with self._connections.read() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS} FROM records WHERE rng = 'STATE' AND facet = ? AND id > ? ORDER BY id LIMIT ?",
                (facet, _text(after or ""), limit + 1),
            ).fetchall()
        states: list[Record] = []
        unreadable: list[InvalidRecord] = []
        for row in rows[:limit]:
            try:
                states.append(_record(row))
            except InvalidRecord as error:
                unreadable.append(error)
        following = rows[limit - 1][0] if len(rows) > limit else None
        return StatePage(states, following, ReadCost(len(rows[:limit]), 1), unreadable)

    def facets(self, *, after: str | None = None) -> FacetPage:
        with self._connections.read() as db:
            rows = db.execute(
                "SELECT facet, count(*) FROM records WHERE rng = 'STATE' GROUP BY facet"
            ).fetchall()
        return FacetPage(dict(rows), None, ReadCost(sum(count for _, count in rows), 1))

    def written(self) -> tuple[str, int]:
        """Which file it is, and how far it has been written: the place after which `states_after` finds nothing.

        Raises:
            TableNotFound, StoreUnavailable
        """
        with self._connections.read() as db:
            last = db.execute("SELECT max(rowid) FROM records").fetchone()[0]
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise TableNotFound(str(self.path)) from None
        return f"{found.st_dev}-{found.st_ino}", last or 0

    def states_after(self, place: int, *, limit: int = 1_000) -> tuple[list[Record], int]:
        """STATE records written after a place, up to `limit`, oldest first, and the place after them.

        An entity that was written more than once is there once, at the last of its places. What is not of hde's
        format is passed over.

        Raises:
            TableNotFound, StoreUnavailable
        """
        with self._connections.read() as db:
            rows = db.execute(
                f"SELECT {_COLUMNS}, rowid FROM records WHERE rowid > ? AND +rng = 'STATE' ORDER BY rowid LIMIT ?",
                (place, limit),
            ).fetchall()
            last = db.execute("SELECT max(rowid) FROM records").fetchone()[0] or 0
        states: list[Record] = []
        for *row, _ in rows:
            with suppress(InvalidRecord):
                states.append(_record(row))
        return states, rows[-1][-1] if len(rows) == limit else last

    def events_between(
        self, place: int, end: int, *, since: int, until: int, span: int
    ) -> dict[tuple[str, int], int]:
        """Events of each (facet, span of time) among what was written after a place, up to and with another.

        Args:
            since, until: only events from the one moment to the other, in milliseconds since 1970.
            span: how long one is, in milliseconds; they are numbered from 1970 on.

        Raises:
            TableNotFound, StoreUnavailable
        """
        with self._connections.read() as db:
            counted = db.execute(
                "SELECT facet, ts / ? AS span, count(*) FROM records WHERE rowid > ? AND rowid <= ? AND +ts BETWEEN ? AND ?"
                " AND +rng >= 'INBOUND/' AND +rng < 'INBOUND0' GROUP BY facet, span",
                (span, place, end, since, until),
            ).fetchall()
        return {(facet, number): events for facet, number, events in counted}

    def load(self, items: Iterable[Item]) -> int:
        """As Table promises, and all or nothing."""
        rows = (_row(Record.from_item(item)) for item in items)
        with self._connections.write() as db:
            return db.executemany(_REPLACE, rows).rowcount


class _Connection(sqlite3.Connection):
    """Closed when its thread ends; from Python 3.13 on, one that is left open is warned of."""

    def __del__(self) -> None:
        # Whoever collects it may be another thread, which may not close it; freeing it does so.
        with suppress(sqlite3.ProgrammingError):
            self.close()


class _Connections:
    """One connection for each thread and process, to one file."""

    _by_path: ClassVar[dict[str, _Connections]] = {}

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    @classmethod
    def of(cls, path: str | Path) -> _Connections:
        path = Path(path).absolute()
        return cls._by_path.setdefault(str(path), cls(path))

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One snapshot of the file."""
        with self._transaction("BEGIN") as db:
            yield db

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """The only writer, until the block ends; what it wrote is on the disk then, or undone."""
        with self._transaction("BEGIN IMMEDIATE") as db:
            yield db

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with _raising(self.path):
            db = self._connect()
            db.execute(begin)
            try:
                yield db
                db.execute("COMMIT")
            except BaseException:
                # SQLite itself undoes what a full disk cut short, and leaves nothing to roll back.
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise

    def _connect(self) -> sqlite3.Connection:
        # A connection does not survive a fork, and is of no use once its file was put in another's place.
        try:
            found = self.path.stat()
        except FileNotFoundError:
            raise TableNotFound(str(self.path)) from None
        owner = (os.getpid(), found.st_dev, found.st_ino)
        if getattr(self._local, "owner", None) != owner:
            db = sqlite3.connect(
                f"{self.path.as_uri()}?mode=rw",
                uri=True,
                timeout=_BUSY_SECONDS,
                isolation_level=None,
                factory=_Connection,
            )
            db.execute(f"PRAGMA synchronous = {_SYNCHRONOUS}")
            self._local.db, self._local.owner = db, owner
        connection: sqlite3.Connection = self._local.db
        return connection


@contextmanager
def _raising(path: Path) -> Iterator[None]:
    """Raise what SQLite raises in the core's own words, the cause kept."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "no such table" in str(error):
            raise TableNotFound(str(path)) from error
        if "no such column" in str(error):
            raise StoreUnavailable(f"{path} is a file of another program.") from error
        if "Could not decode to UTF-8" in str(error):
            raise InvalidRecord("Not hde's format: a text is not UTF-8.") from error
        raise StoreUnavailable(str(error)) from error
    except sqlite3.DatabaseError as error:
        raise StoreUnavailable(str(error)) from error
    except UnicodeEncodeError:
        raise InvalidRecord("A text is not valid Unicode.") from None
    except OverflowError as error:
        raise InvalidRecord("A number is beyond 64 bits.") from error


def _was_done(db: sqlite3.Connection, operation_id: str, digest: bytes) -> bool:
    """Whether this operation has been written; notes it if not."""
    now = time.time()
    db.execute("DELETE FROM operations WHERE at < ?", (now - _OPERATIONS_KEPT,))
    done = db.execute("SELECT digest FROM operations WHERE operation_id = ?", (operation_id,)).fetchone()
    if done is None:
        db.execute("INSERT INTO operations VALUES (?, ?, ?)", (operation_id, digest, now))
    elif done[0] != digest:
        raise InvalidRecord("This operation id was used before, for other records.")
    return done is not None


def _row(record: Record) -> tuple[Any, ...]:
    return (
        record.id,
        record.rng,
        record.facet,
        record.typ,
        record.seq,
        record.ts,
        record.date,
        record.itm,
        record.meta,
    )


def _record(row: Sequence[Any]) -> Record:
    """A row as a record. SQLite keeps values of any type in any column, and others may have written the file.

    Raises:
        InvalidRecord: one of them is of another type than ours.
    """
    id, rng, facet, typ, seq, ts, date, itm, meta = row
    texts = (id, rng, facet, typ, date, itm, *([] if meta is None else [meta]))
    if not (all(isinstance(text, str) for text in texts) and isinstance(seq, int) and isinstance(ts, int)):
        raise InvalidRecord("Not hde's format: a value is of another type.", id=str(id), rng=str(rng))
    return Record(id, rng, facet, typ, seq, ts, date, itm, meta)


def _stored(row: Sequence[Any], facet: str) -> StoredRecord | None:
    """A row as a record, readable or not; None where it is of another facet that shares the partition."""
    id, rng, of, typ, seq, ts, date, itm, meta = row
    if not isinstance(rng, str):
        return UnreadableRecord(id, repr(rng), facet, _item(row), "its sort key is not text")
    if of == facet and type(seq) is int and type(ts) is int and 0 <= seq <= MAX_SEQ and kind_of(rng):
        texts = (typ, date, itm, "" if meta is None else meta)
        if all(type(text) is str for text in texts):
            return Record(id, rng, of, typ, seq, ts, date, itm, meta)
    return read_item(_item(row), facet)


def _item(row: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """A row as DynamoDB's API would give it; no meta is no attribute."""
    values = {f"_{name}": value for name, value in zip(_COLUMNS.split(", "), row, strict=True)}
    return {name: _typed(value) for name, value in values.items() if value is not None or name != "_meta"}


def _typed(value: Any) -> dict[str, Any]:
    match value:
        case None:
            return {"NULL": True}
        case bytes():
            return {"B": value}
        case int() | float():
            return {"N": repr(value)}
    return {"S": value}


def _fetch(db: sqlite3.Connection, statement: str, parameters: Sequence[Any]) -> list[Any]:
    """All rows; what is stored as text and is not UTF-8 is bytes."""
    return list(_each(db, statement, parameters))


def _each(db: sqlite3.Connection, statement: str, parameters: Sequence[Any]) -> Iterator[Any]:
    """The rows, one by one, as `_fetch` gives them."""
    try:
        first = db.execute(statement, parameters)
        done = 0
        for row in first:
            done += 1
            yield row
    except sqlite3.OperationalError as error:
        if "Could not decode to UTF-8" not in str(error):
            raise
        # Slower, so that it is done only where it must be.
        db.text_factory = _text_or_bytes
        try:
            yield from islice(db.execute(statement, parameters).fetchall(), done, None)
        finally:
            db.text_factory = str


def _text_or_bytes(stored: bytes) -> str | bytes:
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def _key(facet: str, id: str) -> str:
    return _text(partition_key(facet, id))


def _text(text: str) -> str:
    """Refuse here what SQLite and DynamoDB could not be asked for."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRecord("The id is not valid Unicode.") from None
    return text
