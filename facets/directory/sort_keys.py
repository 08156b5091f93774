"""Sort keys: a column's values as bytes that both databases put into the same order. Pure.

Numbers come before texts, true and false before both; a value that is absent, null or empty is after all of them.
Integers of any size keep their order, up to 2^63 beyond what a double tells apart.
"""

from __future__ import annotations

import struct
from datetime import UTC, date, datetime, time
from typing import Any, Literal

from facets.core import FacetError, json
from facets.directory.normalize import fold

JSON = Any
Kind = Literal["number", "text", "date", "bool", "choice", "other"]

# Longer texts are told apart by their id alone; PostgreSQL indexes no more than 2,700 bytes.
LONGEST = 240  # bytes

_BOOL, _NUMBER, _DATE, _TEXT, _OTHER = b"\x10", b"\x20", b"\x28", b"\x30", b"\x40"
EMPTY = b"\xf0"

_EXACT = 2.0**53


def sort_key(value: JSON, kind: Kind) -> bytes:
    """The key of a stored value, in a column of this kind. Never raises.

    A number or a date that is written as text sorts as what the column holds; what cannot be read so, as the text.
    """
    if value is None or value == "" or (isinstance(value, list | dict) and not value):
        return EMPTY
    if isinstance(value, bool):
        return _BOOL + (b"\1" if value else b"\0")
    if isinstance(value, int | float):
        return _NUMBER + _number(value)
    if isinstance(value, str):
        if kind == "date" and (moment := _moment(value)) is not None:
            return _DATE + _number(moment)
        if kind == "number" and (number := _read_number(value)) is not None:
            return _NUMBER + _number(number)
        folded = fold(value)
        # Folded to nothing, such as a lone accent, it is still no empty value.
        return _TEXT + folded.encode(errors="replace")[:LONGEST]
    try:
        text = json.dumps(value)
    except FacetError:
        text = ""
    return _OTHER + fold(text).encode(errors="replace")[:LONGEST]


def contained(text: str) -> bytes:
    """The bytes that are in the key of each text that contains this one."""
    return fold(text).encode(errors="replace")


# Between these stand the keys of texts, and of lists and objects, which `contains` looks through.
TEXTS = (_TEXT, EMPTY)


def _number(value: float) -> bytes:
    """Eight bytes of a double in its order, and eight more for what an integer beyond 2^53 is off it."""
    try:
        rounded = float(value)
    except OverflowError:
        rounded = float("inf") if value > 0 else float("-inf")
    if rounded != rounded:
        rounded = float("inf")
    bits = struct.unpack(">Q", struct.pack(">d", rounded + 0.0))[0]
    ordered = bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 0x8000_0000_0000_0000)
    key = struct.pack(">Q", ordered)
    if abs(rounded) < _EXACT:
        return key
    off = 0
    if isinstance(value, int) and abs(rounded) != float("inf"):
        off = max(-(2**63), min(value - int(rounded), 2**63 - 1))
    return key + struct.pack(">Q", off + 2**63)


def _read_number(text: str) -> float | None:
    try:
        return (
            int(text) if text.isascii() and text.lstrip("-").isdecimal() and len(text) < 400 else float(text)
        )
    except ValueError:
        return None


def _moment(text: str) -> float | None:
    """Seconds since 1970 of an ISO date or time; one without a zone is taken for UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        try:
            moment = datetime.combine(date.fromisoformat(text), time())
        except ValueError:
            return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (OverflowError, ValueError):
        return None
