"""State-, inbound and outbound records: their keys, and the form in which DynamoDB stores them.

Source: a-h/hde, src/db/index.ts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Literal, TypeAlias

from facets.core import json
from facets.core.errors import InvalidRecord
from facets.core.json import JSON

Kind = Literal["STATE", "INBOUND", "OUTBOUND"]

# One item as DynamoDB's API writes it: {"_id": {"S": "ORDER/1"}, "_seq": {"N": "3"}, ...}
Item: TypeAlias = Mapping[str, Mapping[str, Any]]

STATE_KEY = "STATE"

# JavaScript counts no further.
MAX_SEQ = 2**53 - 1

# DynamoDB refuses longer ones, in bytes of UTF-8.
_LONGEST_ID = 2048
LONGEST_RNG = 1024


@dataclass(frozen=True, slots=True)
class Record:
    """One stored item of an entity; the names are hde's attributes without their underscore.

    Attributes:
        id: `FACET/ID`, the partition key; `entity_id` is the bare id.
        rng: `STATE`, `INBOUND/TYPE/SEQ` or `OUTBOUND/TYPE/SEQ/INDEX`, numbers in plain decimal.
        typ: the event's type; on STATE the facet's name.
        seq: counts an entity's inbound events from 1. On OUTBOUND that of the last inbound event of the append
            that published it, on STATE that of the last event, 0 if there is none.
        ts: milliseconds since 1970 of the append, the same on all that one append wrote.
        date: the same instant as text, `YYYY-MM-DDTHH:MM:SS.mmmZ`.
        itm: the payload or the state, as JSON text.
        meta: JSON text that the console adds to events it appends (who and why); hde ignores it.
    """

    id: str
    rng: str
    facet: str
    typ: str
    seq: int
    ts: int
    date: str
    itm: str
    meta: str | None = None

    @property
    def data(self) -> JSON:
        """`itm`, parsed anew at each call. Raises InvalidRecord where it is not JSON."""
        return json.loads(self.itm)

    @property
    def entity_id(self) -> str:
        return self.id[len(self.facet) + 1 :]

    @property
    def kind(self) -> Kind:
        kind = kind_of(self.rng)
        if kind is None:
            raise InvalidRecord("The sort key is none of hde's.", id=self.id, rng=self.rng)
        return kind

    @property
    def index(self) -> int:
        """An outbound record's place among all that its append published, from 0; 0 for other records."""
        return index_in(self.rng)

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Sorts an entity's records as they happened: seq, inbound before outbound before STATE, then index."""
        return self.seq, _RANK[self.kind], self.index, self.rng

    def to_item(self) -> dict[str, dict[str, str]]:
        item = {
            "_id": {"S": self.id},
            "_rng": {"S": self.rng},
            "_facet": {"S": self.facet},
            "_typ": {"S": self.typ},
            "_seq": {"N": str(self.seq)},
            "_ts": {"N": str(self.ts)},
            "_date": {"S": self.date},
            "_itm": {"S": self.itm},
        }
        if self.meta is not None:
            item["_meta"] = {"S": self.meta}
        return item

    @classmethod
    def from_item(cls, item: Item) -> Record:
        """Read an item as DynamoDB's API gives it; attributes of other makers are left out.

        Raises:
            InvalidRecord: one of hde's eight attributes is missing, or is of another type.
        """
        try:
            return cls(
                id=item["_id"]["S"],
                rng=item["_rng"]["S"],
                facet=item["_facet"]["S"],
                typ=item["_typ"]["S"],
                seq=whole_number(item["_seq"]["N"]),
                ts=whole_number(item["_ts"]["N"]),
                date=item["_date"]["S"],
                itm=item["_itm"]["S"],
                meta=item["_meta"]["S"] if "_meta" in item else None,
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            key = [
                str(next(iter(item[name].values()), "")) if name in item else "" for name in ("_id", "_rng")
            ]
            raise InvalidRecord(f"Not hde's format: {error!r}", id=key[0], rng=key[1]) from error


_RANK: dict[Kind, int] = {"INBOUND": 0, "OUTBOUND": 1, "STATE": 2}


def state_record(facet: str, id: str, seq: int, itm: str, ts: int) -> Record:
    """The STATE record of one entity. `itm` is JSON text, `ts` milliseconds since 1970."""
    return _record(facet, id, STATE_KEY, facet, seq, itm, ts)


def inbound_record(
    facet: str, id: str, seq: int, type: str, itm: str, ts: int, meta: str | None = None
) -> Record:
    """One event, at its place in the entity's history."""
    return _record(facet, id, f"INBOUND/{type}/{seq}", type, seq, itm, ts, meta)


def outbound_record(facet: str, id: str, seq: int, index: int, type: str, itm: str, ts: int) -> Record:
    """One published message; `seq` is that of the last inbound event of the append that published it."""
    return _record(facet, id, f"OUTBOUND/{type}/{seq}/{index}", type, seq, itm, ts)


def partition_key(facet: str, id: str) -> str:
    return f"{facet}/{id}"


def key_fits(facet: str, id: str) -> bool:
    """Whether an entity of this id can exist; DynamoDB refuses to be asked for one with a longer key."""
    return len(partition_key(facet, id).encode(errors="surrogatepass")) <= _LONGEST_ID


def kind_of(rng: str) -> Kind | None:
    """What a sort key says it is; None for keys of other makers, which hde passes over."""
    if rng == STATE_KEY:
        return "STATE"
    if rng.startswith("INBOUND/"):
        return "INBOUND"
    return "OUTBOUND" if rng.startswith("OUTBOUND/") else None


def type_in(rng: str) -> str | None:
    """The event type that an event's sort key names; None where the key is not of hde's form."""
    kind, _, rest = rng.partition("/")
    type, slash, number = rest.rpartition("/")
    if kind == "OUTBOUND" and _is_number(number):
        type, slash, number = type.rpartition("/")
    return type if slash and _is_number(number) else None


def seq_in(rng: str) -> int | None:
    """The seq that an event's sort key names; None where it names none."""
    parts = rng.split("/")
    if parts[0] == "OUTBOUND" and len(parts) > 3 and _is_number(parts[-1]) and _is_number(parts[-2]):
        return _seq(parts[-2])
    return _seq(parts[-1]) if parts[0] in ("INBOUND", "OUTBOUND") and len(parts) > 2 else None


def index_in(rng: str) -> int:
    """A message's place in its append, by its sort key; 0 for other records."""
    last = rng.rpartition("/")[2]
    return int(last) if rng.startswith("OUTBOUND/") and _is_number(last) else 0


def whole_number(text: str) -> int:
    """DynamoDB's text of a number, which may be `3`, `3.0` or `3E0`. Raises ValueError for any but a whole one."""
    if text.isdecimal():
        return int(text)
    try:
        number = Decimal(text)
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError(f"{text!r} is no number") from None
    if whole != number:
        raise ValueError(f"{text!r} is not whole")
    return whole


def iso_date(ts: int) -> str:
    """Milliseconds since 1970 as JavaScript's Date.toISOString writes them."""
    seconds, milliseconds = divmod(ts, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal()


def _seq(text: str) -> int | None:
    number = int(text) if _is_number(text) and len(text) < 20 else -1
    return number if 0 <= number <= MAX_SEQ else None


def _record(
    facet: str, id: str, rng: str, typ: str, seq: int, itm: str, ts: int, meta: str | None = None
) -> Record:
    key = partition_key(facet, id)
    for what, text, longest in (("id", key, _LONGEST_ID), ("event type", rng, LONGEST_RNG)):
        try:
            size = len(text.encode())
        except UnicodeEncodeError:
            raise InvalidRecord(f"The {what} is not valid Unicode.", id=key, rng=rng) from None
        if size > longest:
            raise InvalidRecord(
                f"The {what} makes a key of {size} bytes; the most is {longest}.", id=key, rng=rng
            )
    if not id:
        raise InvalidRecord("An entity's id may not be empty.", id=key, rng=rng)
    return Record(key, rng, facet, typ, seq, ts, iso_date(ts), itm, meta)
