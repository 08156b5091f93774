"""Text as both databases compare it: folded here, so that accents, case and forms of Unicode are no matter. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from facets.core import InvalidRecord, json

JSON = Any

LONGEST = 4_000  # characters of an entity that words are looked for in
MAX_WORDS = 12
LONGEST_WORD = 200  # characters

# What looks alike, and is typed by one key or written by a word processor: quotes, apostrophes and dashes.
_APOSTROPHES = "`´‘’‚‛‹›ʹʻʼʽˈˊˋʾʿ′‵❛❜❮❯᾽᾿῾´`՚׳ꞌꞋ＇｀"
_QUOTES = "“”„‟«»″‶〝〞〟❝❞״＂ʺ˝"
_DASHES = "‐‑‒–—―−⁃⸗⸺⸻﹘﹣－⁻₋֊־➖"

# Letters that are not a letter and an accent to Unicode, but are to who types them; controls that nobody types; NUL,
# which PostgreSQL does not hold.
_FOLDED = (
    {
        ord(letter): plain
        for letter, plain in zip(
            "øđłıħŧŋæœþð", ["o", "d", "l", "i", "h", "t", "n", "ae", "oe", "th", "d"], strict=True
        )
    }
    | dict.fromkeys((*range(32), *range(127, 160), 8232, 8233, 0x2800), " ")
    | dict.fromkeys(map(ord, _APOSTROPHES), "'")
    | dict.fromkeys(map(ord, _QUOTES), '"')
    | dict.fromkeys(map(ord, _DASHES), "-")
)
# Not to be seen, and no format character to Unicode: joiners, fillers and selectors of a form.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f\u3164\uffa0")
_SELECTORS = "\ufe00", "\ufe0f", "\U000e0100", "\U000e01ef"
# The letters of our own that tell facets apart.
_OWN = 0xE000
_OWN_COUNT = 0x1900

# Numbers that people write in groups. A group holds a digit; or it is short, as the bank in an IBAN; or it stands at a
# dash, as in ORDER-2026-0001.
SEPARATORS = " ()./+-"
_GROUP = r"(?:(?=[a-z]*\d)[a-z0-9]++|[a-z]{1,4}+|[a-z]{1,16}+(?=-)|(?<=-)[a-z]{1,16}+)(?![^\W_])"
_GROUPS = re.compile(rf"(?<![^\W_]){_GROUP}(?:[ ()./+-]{{1,3}}{_GROUP})++", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[t ]\d\d:[\d:.]++)?", re.ASCII)
_DECIMAL = re.compile(r"\d++\.\d++", re.ASCII)
_UNGROUPED = str.maketrans("", "", SEPARATORS)
_GROUPABLE = re.compile(r"[a-z0-9 ()./+-]+", re.ASCII)
_COUNTRY = re.compile(r"[a-z]{2}\d{2}", re.ASCII)
# Fewer digits than this are no number that people group; of one that is being typed, fewer are there yet.
_MIN_DIGITS, _MIN_TYPED_DIGITS = 5, 3


def fold(text: str) -> str:
    """The text without case, accents and differences of form: `Łódź` and `LODZ` are both `lodz`.

    Quotes, apostrophes and dashes are those of a keyboard, and what cannot be seen is left out: `O’Brien` is `o'brien`.
    White space of any kind and length is one space; there is none at the ends.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.translate(_FOLDED).casefold()).casefold()
        text = "".join([one for one in text if not unicodedata.combining(one) and not _is_unseen(one)])
        text = text.translate(_FOLDED)
    elif not text.isprintable() or "`" in text:
        text = text.translate(_FOLDED)
    return " ".join(text.lower().split())


def unstyled(text: str) -> str:
    """The text as a keyboard writes it, in its own letters: plain punctuation, nothing that cannot be seen."""
    text = "".join([one for one in text.translate(_PUNCTUATION) if not _is_unseen(one)])
    return " ".join(text.split())


_PUNCTUATION = {code: plain for code, plain in _FOLDED.items() if plain in ("'", '"', "-") and code > 127}


def _is_unseen(character: str) -> bool:
    """Whether nobody sees or types it: format characters, halves of pairs, and letters of our own."""
    if character.isascii():
        return False
    if character in _INVISIBLE or 0xD800 <= ord(character) < _OWN + _OWN_COUNT:
        return True
    first, last, first_of_more, last_of_more = _SELECTORS
    if first <= character <= last or first_of_more <= character <= last_of_more:
        return True
    return unicodedata.category(character) == "Cf"


def readings_of(query: str) -> tuple[tuple[str, ...], ...]:
    """The ways to read what somebody typed; each is folded words that must all be there, the longest first.

    Numbers that people write in groups are read as typed, and without their spaces and dashes. Between the letters
    that something invisible stands, there may be two words or one: the pieces are in either.
    """
    text = "".join([" " if _is_unseen(one) else one for one in query[: 10 * LONGEST_WORD]])
    typed = [word for word in fold(text).split(" ") if word]
    ungrouped = [_typed_number(word) or word for word in typed]
    readings = (typed, ungrouped, _join_groups(typed))
    return tuple(dict.fromkeys(reading for words in readings if (reading := _few(words))))


def words_of(query: str) -> list[str]:
    """The words of all ways to read what somebody typed."""
    return list(dict.fromkeys(word for reading in readings_of(query) for word in reading))


def _few(words: Sequence[str]) -> tuple[str, ...]:
    """The words, the longest first; no more and no longer than is sensible."""
    ordered = sorted(dict.fromkeys(word[:LONGEST_WORD] for word in words), key=len, reverse=True)
    # A word that another one holds asks for nothing more.
    kept: list[str] = []
    for word in ordered:
        if not any(word in longer for longer in kept):
            kept.append(word)
    return tuple(kept[:MAX_WORDS])


def _join_groups(words: Sequence[str]) -> list[str]:
    """The words, with those that stand side by side and are groups of one number joined."""
    joined: list[str] = []
    place = 0
    while place < len(words):
        end = place
        is_iban = bool(_COUNTRY.match(words[place]))
        while end < len(words) and _is_group(words[end], is_iban=is_iban):
            end += 1
        while end > place and not _has_digit(words[end - 1]):
            end -= 1
        if end > place and (number := _typed_number(" ".join(words[place:end]))):
            joined.append(number)
            place = end
        else:
            joined.append(words[place])
            place += 1
    return joined


def _is_group(word: str, *, is_iban: bool) -> bool:
    if not _GROUPABLE.fullmatch(word):
        return False
    return _has_digit(word) or not word.strip(SEPARATORS) or (is_iban and len(word) <= 4)


def _has_digit(word: str) -> bool:
    return any("0" <= letter <= "9" for letter in word)


def _typed_number(text: str) -> str:
    """Typed groups, or one group, without separators; "" where the text is no number."""
    return _ungrouped(text, _MIN_TYPED_DIGITS)


def _ungrouped(text: str, digits: int) -> str:
    if not _GROUPABLE.fullmatch(text) or sum("0" <= letter <= "9" for letter in text) < digits:
        return ""
    return text.translate(_UNGROUPED)


def exact_forms(text: str) -> tuple[str, ...]:
    """The folded forms by which a whole value is found; the first is the one that is kept of it.

    A number that people group is without its spaces and dashes in it.
    """
    folded = fold(text)
    apart = fold("".join([" " if _is_unseen(one) else one for one in text]))
    forms = [form for each in (folded, apart) for form in (_ungrouped(each, _MIN_DIGITS), each) if form]
    return tuple(dict.fromkeys(forms)) or (folded,)


@lru_cache(maxsize=1024)
def marker(facet: int) -> str:
    """Three letters that begin the search text of each of a facet's entities, and are in nobody else's."""
    return chr(_OWN + facet % _OWN_COUNT) * 3


def search_text(facet: int, id: str, values: Iterable[JSON]) -> str:
    """What an entity is found by: its facet's marker, its id, and every text and number in the values.

    Numbers that people write in groups are in it a second time, without their spaces and dashes.
    """
    parts: list[str] = []
    for part in (id, *(text for value in values for text in _texts(value))):
        folded = fold(part)
        parts += [folded, *_numbers_in(folded[:LONGEST])]
    # The spaces at the end let the last letter and the last two begin a trigram, as all others do.
    return (marker(facet) + " ".join(filter(None, parts)))[:LONGEST] + "  "


def _numbers_in(folded: str) -> list[str]:
    """The numbers that a folded text has in groups, without their separators."""
    if not any(separator in folded for separator in SEPARATORS):
        return []
    return [
        number
        for groups in _GROUPS.findall(_DATE.sub("|", folded))
        if not _DECIMAL.fullmatch(groups) and (number := _ungrouped(groups, _MIN_DIGITS))
    ]


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
