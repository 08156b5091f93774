"""Words looked for in search texts: the one module that knows how SQLite and PostgreSQL index them.

SQLite has an FTS5 table of trigrams beside the entities; PostgreSQL a GIN index over each text's letters, pairs and
trigrams, which needs no extension. The index only narrows down; `contains` is what decides, in both alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection

from facets.directory.normalize import marker

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


def contains(word: str) -> tuple[str, list[Any]]:
    """SQL and its parameters: the text of the entity `e` holds the folded word."""
    function = "instr" if connection.vendor == "sqlite" else "strpos"
    return f"{function}(e.text, %s) > 0", [word]


def narrowed(facet: int, words: Sequence[str]) -> tuple[str, list[Any]] | None:
    """SQL and its parameters: ids of all entities of a facet that hold the words, and of few others.

    None where the index is of no use; an answer without rows where no entity can hold them.
    """
    if connection.vendor == "sqlite":
        return _narrowed_by_trigrams(facet, words)
    grams = dict.fromkeys(gram for word in (marker(facet), *words) for gram in _grams(word))
    return "SELECT id FROM facets_entity WHERE facets_grams(text) @> %s::text[]", [list(grams)]


def are_short(words: Sequence[str]) -> bool:
    """Whether no word has a trigram, where those are all that is indexed."""
    return connection.vendor == "sqlite" and all(len(word) < 3 for word in words)


def exact(facet: int, words: Sequence[str]) -> tuple[str, list[Any]] | None:
    """As `narrowed`, where its answer is exact without looking at the texts: a phrase of trigrams is the word itself."""
    if connection.vendor == "sqlite" and all(len(word) >= 3 for word in words):
        return _narrowed_by_trigrams(facet, words)
    return None


def _narrowed_by_trigrams(facet: int, words: Sequence[str]) -> tuple[str, list[Any]] | None:
    wanted = [_quoted(word) for word in words if len(word) >= 3]
    if not wanted:
        for word in words:
            terms = _terms(word)
            if terms is not None:
                wanted.append("(" + " OR ".join(map(_quoted, terms)) + ")" if terms else "")
        if not wanted:
            return None
        if "" in wanted:
            return "SELECT id FROM facets_entity WHERE 1 = 0", []
    match = " AND ".join([_quoted(marker(facet)), *wanted])
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
