"""Fills the directory with invented accounts, as many as a benchmark asks for, without a table behind them."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from django.db import transaction

from facets.core import Record, json
from facets.core.records import state_record
from facets.directory.models import IndexPass
from facets.directory.writer import facet_of, now_ms, recipe_of, recount, settle_version, write

FACET = "BANK_ACCOUNT"
STORE = "dynamodb:benchmark"

_BATCH = 5_000
_FIRST = (
    "Ada",
    "Łukasz",
    "Zoë",
    "Grace",
    "Noor",
    "Oliver",
    "Ruth",
    "Desmond",
    "Harriet",
    "Amelia",
    "José",
    "Mei",
)
_SYLLABLES = (
    "ba",
    "cor",
    "den",
    "fi",
    "gal",
    "hen",
    "is",
    "jor",
    "kel",
    "lam",
    "mon",
    "nor",
    "pet",
    "ri",
    "sal",
    "tor",
)

# In half of all accounts, and in one of 1,000.
COMMON, RARE = "common", "quixotic"


def accounts(count: int, *, seed: int = 1) -> Iterator[Record]:
    """STATE records with random names, balances and times of the last 400 days."""
    chance = random.Random(seed)
    now = now_ms()
    for number in range(count):
        last = "".join(chance.choices(_SYLLABLES, k=3)).capitalize()
        if number % 2:
            last += f" {COMMON.capitalize()}"
        if number % 1_000 == 0:
            last += f" {RARE.capitalize()}"
        state = {
            "balance": round(chance.uniform(-1_000, 50_000), 2),
            "minimumBalance": -1000,
            "id": f"{chance.randrange(10**9):09d}",
            "ownerFirst": chance.choice(_FIRST),
            "ownerLast": last,
        }
        ts = now - chance.randrange(400 * 86_400_000)
        yield state_record(
            FACET, f"{chance.randrange(10**12):012d}", chance.randint(1, 400), json.dumps(state), ts
        )


def fill(count: int) -> float:
    """Write so many accounts into an empty directory that is taken to be indexed; returns the seconds it took."""
    begun = time.perf_counter()
    facet = facet_of(FACET)
    recipe = recipe_of(facet)
    batch: list[Record] = []

    def flush() -> None:
        with transaction.atomic():
            write(facet, [recipe.entry(record) for record in batch], now_ms())
        batch.clear()

    for record in accounts(count):
        batch.append(record)
        if len(batch) == _BATCH:
            flush()
    flush()
    recount(facet)
    settle_version(facet)
    IndexPass.objects.create(table=STORE, definitions="", started_at=now_ms(), finished_at=now_ms())
    return time.perf_counter() - begun
