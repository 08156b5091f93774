"""Text as both databases compare it: folded here, so that accents, case and forms of Unicode are no matter. Pure."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from facets.core import InvalidRecord, json

JSON = Any

LONGEST = 4_000  # characters of an entity that words are looked for in
MOST_WORDS = 12
LONGEST_WORD = 200  # characters

# Letters that are not a letter and an accent to Unicode, but are to who types them; controls and marks that nobody
# types; NUL, which PostgreSQL does not hold; and the letters of our own that tell facets apart.
_FOLDED = (
    {
        ord(letter): plain
        for letter, plain in zip(
            "øđłıħŧŋæœþð", ["o", "d", "l", "i", "h", "t", "n", "ae", "oe", "th", "d"], strict=True
        )
    }
    | dict.fromkeys((*range(32), *range(127, 160), 8232, 8233), " ")
    | dict.fromkeys((173, 8203, 8206, 8207, *range(8234, 8239), 8288, 65279))
)
_OWN = 0xE000
_OWN_COUNT = 0x1900


def fold(text: str) -> str:
    """The text without case, accents and differences of form: `Łódź` and `LODZ` are both `lodz`.

    White space of any kind and length is one space; there is none at the ends.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.casefold()).casefold()
        text = "".join(
            [one for one in text if not unicodedata.combining(one) and not 0xFE00 <= ord(one) <= 0xFE0F]
        )
        text = "".join(
            [
                one
                for one in text
                if not _OWN <= ord(one) < _OWN + _OWN_COUNT and not 0xD800 <= ord(one) < 0xE000
            ]
        )
        text = text.translate(_FOLDED)
    elif not text.isprintable():
        text = text.translate(_FOLDED)
    return " ".join(text.lower().split())


def words_of(query: str) -> list[str]:
    """The folded words of what somebody typed, the longest first; no more and no longer than is sensible."""
    words = dict.fromkeys(word[:LONGEST_WORD] for word in fold(query[: 10 * LONGEST_WORD]).split(" ") if word)
    found = sorted(words, key=len, reverse=True)
    # A word that another one holds asks for nothing more.
    kept: list[str] = []
    for word in found:
        if not any(word in longer for longer in kept):
            kept.append(word)
    return kept[:MOST_WORDS]


@lru_cache(maxsize=1024)
def marker(facet: int) -> str:
    """Three letters that begin the search text of each of a facet's entities, and are in nobody else's."""
    return chr(_OWN + facet % _OWN_COUNT) * 3


def search_text(facet: int, id: str, values: Iterable[JSON]) -> str:
    """What an entity is found by: its facet's marker, its id, and every text and number in the values."""
    parts = [fold(id)]
    for value in values:
        parts += [fold(text) for text in _texts(value)]
    # The spaces at the end let the last letter and the last two begin a trigram, as all others do.
    return (marker(facet) + " ".join(filter(None, parts)))[:LONGEST] + "  "


def _texts(value: JSON) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        try:
            yield json.dumps(value)
        except InvalidRecord:  # beyond what a number holds
            return
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
