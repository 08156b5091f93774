"""The searchable copy of current states, in SQL. What others call is named here."""

from facets.directory.reader import count, counted, every, find, query, search
from facets.directory.status import (
    Freshness,
    PassCost,
    found,
    freshness,
    freshness_of_all,
    knows,
    outdated,
    pass_cost,
)
from facets.directory.writer import forget, note

__all__ = [
    "Freshness",
    "PassCost",
    "count",
    "counted",
    "every",
    "find",
    "forget",
    "found",
    "freshness",
    "freshness_of_all",
    "knows",
    "note",
    "outdated",
    "pass_cost",
    "query",
    "search",
]
