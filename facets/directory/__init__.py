"""The searchable copy of current states, in SQL. What others call is named here."""

from facets.directory.answer import count, every, find, query, search
from facets.directory.known import Freshness, found, freshness, freshness_of_all, knows
from facets.directory.rows import forget, note, remove

__all__ = [
    "Freshness",
    "count",
    "every",
    "find",
    "forget",
    "found",
    "freshness",
    "freshness_of_all",
    "knows",
    "note",
    "query",
    "remove",
    "search",
]
