"""Words looked for in search texts: the one module that knows how SQLite and PostgreSQL index them.

SQLite has an FTS5 table of trigrams beside the entities; PostgreSQL a GIN index over each text's letters, pairs and
trigrams, which needs no extension. The index only narrows down; `contains` is what decides, in both alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import connection

from facets.directory.text import marker

# A table of trigrams has pairs and single letters as the beginnings of its terms; of more than so many, the word is
# in most texts anyway.
_MOST_TERMS = 2_000


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
