"""The searchable copy of current states, in SQL. What others call is named here."""

from facets.directory.answer import count, counted, every, find, query, search
from facets.directory.known import Freshness, PassCost, found, freshness, freshness_of_all, knows, pass_cost
from facets.directory.rows import forget, note

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
    "pass_cost",
    "query",
    "search",
]
