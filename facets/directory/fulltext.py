"""Words looked for in search texts: the one module that knows how SQLite and PostgreSQL index them.

SQLite has an FTS5 table of trigrams beside the entities; PostgreSQL a GIN index over each text's letters, pairs and
trigrams, which needs no extension. The index only narrows down; `holds` is what decides, in both alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection

from facets.directory.normalize import marker

# Folded words that must all be there, for each way to read what was typed; see `normalize.readings_of`.
Readings = Sequence[Sequence[str]]

# SQLite takes 32,766 parameters; a batch may be larger.
_AT_ONCE = 1_000

# A table of trigrams has pairs and single letters as the beginnings of its terms; of more than so many, the word is
# in most texts anyway.
_MOST_TERMS = 2_000


@contextmanager
def kept_up(facet: int, ids: Sequence[str], before: Mapping[int, str]) -> Iterator[None]:
    """Write rows of these ids, as they are stored, within the block; the index follows. In a transaction.

    PostgreSQL sees to it by itself. SQLite would by triggers too, but writes its table of trigrams to the disk after
    each row then, which takes five times as long. Deletions, being rare, have a trigger.

    Args:
        before: the texts of those that were there, by primary key.
    """
    if connection.vendor != "sqlite":
        yield
        return
    yield
    after = _texts(facet, ids)
    gone = [(rowid, text) for rowid, text in before.items() if after.get(rowid) != text]
    new = [(rowid, text) for rowid, text in after.items() if before.get(rowid) != text]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO facets_entity_text (facets_entity_text, rowid, text) VALUES ('delete', %s, %s)", gone
        )
        cursor.executemany("INSERT INTO facets_entity_text (rowid, text) VALUES (%s, %s)", new)


def _texts(facet: int, ids: Sequence[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    with connection.cursor() as cursor:
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            cursor.execute(
                f"SELECT id, text FROM facets_entity WHERE facet_id = %s AND entity_id IN ({', '.join(['%s'] * len(part))})",
                [facet, *part],
            )
            found.update(cursor.fetchall())
    return found


def holds(readings: Readings) -> tuple[str, list[Any]]:
    """SQL and its parameters: the text of the entity `e` holds all words of any of the readings."""
    function = "instr" if connection.vendor == "sqlite" else "strpos"
    text = " OR ".join(" AND ".join([f"{function}(e.text, %s) > 0"] * len(words)) for words in readings)
    return f"({text})", [word for words in readings for word in words]


def narrowed(facet: int, readings: Readings) -> tuple[str, list[Any]] | None:
    """SQL and its parameters: ids of all entities of a facet that hold a reading's words, and of few others.

    None where the index is of no use; an answer without rows where no entity can hold them.
    """
    if connection.vendor == "sqlite":
        return _narrowed_by_trigrams(facet, readings)
    grams = [
        list(dict.fromkeys(gram for word in (marker(facet), *words) for gram in _grams(word)))
        for words in readings
    ]
    held = " OR ".join(["facets_grams(text) @> %s::text[]"] * len(grams))
    return f"SELECT id FROM facets_entity WHERE {held}", [*grams]


def are_short(readings: Readings) -> bool:
    """Whether no word of a reading has a trigram, where those are all that is indexed."""
    return connection.vendor == "sqlite" and any(all(len(word) < 3 for word in words) for words in readings)


def exact(facet: int, readings: Readings) -> tuple[str, list[Any]] | None:
    """As `narrowed`, where its answer is exact without looking at the texts: a phrase of trigrams is the word itself."""
    if connection.vendor == "sqlite" and all(len(word) >= 3 for words in readings for word in words):
        return _narrowed_by_trigrams(facet, readings)
    return None


def _narrowed_by_trigrams(facet: int, readings: Readings) -> tuple[str, list[Any]] | None:
    matches: list[str] = []
    for words in readings:
        wanted = [_quoted(word) for word in words if len(word) >= 3]
        if not wanted:
            for word in words:
                terms = _terms(word)
                if terms is not None:
                    wanted.append("(" + " OR ".join(map(_quoted, terms)) + ")" if terms else "")
            if not wanted:
                return None
        if "" not in wanted:
            matches.append("(" + " AND ".join(wanted) + ")")
    if not matches:
        return "SELECT id FROM facets_entity WHERE 1 = 0", []
    match = f"{_quoted(marker(facet))} AND ({' OR '.join(matches)})"
    return "SELECT rowid AS id FROM facets_entity_text WHERE facets_entity_text MATCH %s", [match]


def _terms(word: str) -> list[str] | None:
    """The trigrams in which a word of one or two letters is; None if they are too many."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT term FROM facets_entity_terms WHERE term >= %s AND term < %s LIMIT %s",
            [word, word + "\U0010ffff", _MOST_TERMS + 1],
        )
        terms = [row[0] for row in cursor.fetchall()]
    return terms if len(terms) <= _MOST_TERMS else None


def _quoted(text: str) -> str:
    """A phrase of FTS5's query language, in which nothing but the quote has a meaning."""
    return '"' + text.replace('"', '""') + '"'


def _grams(word: str) -> list[str]:
    if len(word) <= 3:
        return [word]
    return [word[place : place + 3] for place in range(len(word) - 2)]
