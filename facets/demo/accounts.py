"""Ordinary bank accounts: salaries, rents and groceries of the last two years.

Amounts are in quarters, which are exact as doubles, so that balances read as people expect. Every twentieth account
has cents, whose sums come out as JavaScript adds them up.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from random import Random
from uuid import UUID

from facets.demo.history import Happening, History, in_time
from facets.demo.names import contact, person

FACET = "BANK_ACCOUNT"
DAY = 24 * 60 * 60 * 1000  # milliseconds
TWO_YEARS = 730 * DAY
# Accounts have their defaults here, and BankAccount's rule refuses what would go below.
MINIMUM_BALANCE = -1000

_SHOPS = (
    ("Groceries · Green Basket", 12, 95),
    ("Groceries · Corner Market", 4, 40),
    ("Bakery · Brot & Söhne", 3, 14),
    ("Fuel · Northway", 35, 90),
    ("Pharmacy · St. Anne", 5, 60),
    ("Restaurant · Trattoria Da Gió", 18, 110),
    ("Café · 喫茶店 こもれび", 4, 18),
    ("Books · Βιβλιοπωλείο Πολιτεία", 8, 55),
    ("Clothing · Maison Élodie", 25, 180),
    ("Cash withdrawal", 20, 200),
    ("Train ticket", 9, 120),
    ("Online order 📦", 10, 250),
)
_REASONS = (
    ("Charged twice for one card, customer called.", "SUP-{}"),
    ("Fee was taken after the card had been given back.", "SUP-{}"),
    ("Goodwill, agreed with the branch.", ""),
)


def account(random: Random, number: int, now: int) -> History:
    """The account with this number (from 1), as it stands at `now`, in milliseconds since 1970."""
    id = str(10_000_000 + 7919 * number)
    opened = now - round(TWO_YEARS * random.uniform(0.02 if number > 1 else 0.9, 0.999))
    cents = number % 20 == 0
    kind = random.random()
    if number == 1 or kind < 0.2:
        postings = _salaried(random, opened, now)
    elif kind < 0.5:
        postings = _saver(random, opened, now)
    else:
        postings = _occasional(random, opened, now)
    first, last = person(random)
    happenings = [
        Happening(opened, "ACCOUNT_CREATION", {"id": id}),
        Happening(
            opened + random.randint(300, 9000), "ACCOUNT_UPDATE", {"ownerFirst": first, "ownerLast": last}
        ),
        *_contacts(id, first, last, opened, now),
        *_within_limit(_in_cents(random, postings) if cents else postings),
    ]
    if random.random() < 0.06:
        renamed = random.randint(opened + DAY, now)
        data = {"ownerFirst": first, "ownerLast": person(random)[1]}
        happenings.append(Happening(renamed, "ACCOUNT_UPDATE", data))
    return History(FACET, id, in_time(happenings))


def _contacts(id: str, first: str, last: str, opened: int, now: int) -> Iterator[Happening]:
    """How most owners can be reached, and some of them elsewhere later."""
    random = Random(f"{FACET}/{id}/contact")
    if random.random() < 0.8:
        yield Happening(
            opened + random.randint(10_000, 90_000), "CONTACT_UPDATE", contact(random, first, last)
        )
        if random.random() < 0.1:
            yield Happening(random.randint(opened + DAY, now), "CONTACT_UPDATE", contact(random, first, last))


def _salaried(random: Random, opened: int, now: int) -> list[Happening]:
    salary = random.randrange(1800, 5200, 50)
    rent = round(salary * random.uniform(0.27, 0.42))
    employer = random.choice(("Halden Works", "Stadtklinik", "Açaí & Co", "株式会社ミナト", "City Council"))
    postings = [_posting(opened + 2 * DAY, "Opening deposit", random.randrange(100, 900, 25))]
    for payday in _months(opened, now, random.randint(24, 27)):
        postings.append(_posting(_at(random, payday, 5, 7), f"Salary · {employer}", salary))
        saved = -round(salary * random.uniform(0.1, 0.45))
        postings.append(_posting(_at(random, payday + DAY, 3, 5), "Transfer · Savings account", saved))
        if random.random() < 0.35:
            postings.append(_posting(_at(random, payday + 3 * DAY, 2, 4), "Card fee", -2.5))
        for _ in range(random.randint(1, 6)):
            postings += _shopping(random, _at(random, payday + random.randrange(30) * DAY, 8, 21))
    for month in _months(opened, now, 1):
        postings.append(_posting(_at(random, month, 4, 6), "Rent", -rent))
    return _corrected(random, [posting for posting in postings if posting.ts < now], now)


def _saver(random: Random, opened: int, now: int) -> list[Happening]:
    amount = random.randrange(25, 400, 25)
    postings = [_posting(opened + DAY, "Opening deposit", random.randrange(500, 9000, 100))]
    for number, month in enumerate(_months(opened, now, random.randint(1, 5)), start=1):
        postings.append(_posting(_at(random, month, 3, 5), "Standing order · Savings", amount))
        if number % 3 == 0:
            postings.append(_posting(_at(random, month + DAY, 1, 2), "Interest", random.randint(1, 90) / 4))
        if random.random() < 0.45:
            postings += _shopping(random, _at(random, month + random.randrange(28) * DAY, 8, 21))
    return [posting for posting in postings if posting.ts < now]


def _occasional(random: Random, opened: int, now: int) -> list[Happening]:
    postings = [_posting(opened + 60_000, "Opening deposit", random.randrange(20, 600, 10))]
    for _ in range(random.randint(0, 9)):
        day = random.randint(opened + DAY, now - DAY) // DAY * DAY
        postings += _shopping(random, _at(random, day, 8, 21))
    return [posting for posting in postings if posting.ts < now]


def _shopping(random: Random, ts: int) -> Iterator[Happening]:
    shop, least, most = random.choice(_SHOPS)
    amount = random.randint(least * 4, most * 4) / 4
    yield _posting(ts, shop, -amount)
    if random.random() < 0.05:
        yield _posting(ts + random.randint(2, 12) * DAY, f"Refund · {shop}", amount)


def _corrected(random: Random, postings: list[Happening], now: int) -> list[Happening]:
    """Now and then somebody took a card fee back in the console."""
    fees = [posting for posting in postings if posting.data["desc"] == "Card fee"]
    if not fees or random.random() > 0.15:
        return postings
    fee = random.choice(fees)
    reason, ticket = random.choice(_REASONS)
    meta = {
        "actor": random.choice(("corrector", "operator")),
        "reason": reason,
        "ticket": ticket.format(random.randint(1000, 9999)),
        "operation_id": str(UUID(int=random.getrandbits(128), version=4)),
    }
    data = {"desc": "Reversal: Card fee", "amount": -fee.data["amount"]}
    ts = min(fee.ts + random.randint(DAY, 9 * DAY), now - 60_000)
    return [*postings, Happening(ts, "TRANSACTION_ACCEPTED", data, meta)]


def _within_limit(postings: Iterable[Happening]) -> Iterator[Happening]:
    """Leave out what the bank would have declined."""
    balance = 0.0
    for posting in sorted(postings, key=lambda posting: posting.ts):
        after = balance + posting.data["amount"]
        if after >= MINIMUM_BALANCE:
            balance = after
            yield posting


def _in_cents(random: Random, postings: Iterable[Happening]) -> Iterator[Happening]:
    for posting in postings:
        amount = round(posting.data["amount"] + random.randint(-24, 24) / 100, 2)
        yield posting._replace(data={**posting.data, "amount": amount})


def _posting(ts: int, desc: str, amount: float) -> Happening:
    return Happening(ts, "TRANSACTION_ACCEPTED", {"desc": desc, "amount": amount})


def _months(opened: int, now: int, day: int) -> Iterator[int]:
    """Midnight (UTC) of the day `day`, at most 28, in each month from the opening until now."""
    first, last = (datetime.fromtimestamp(ts / 1000, UTC) for ts in (opened, now))
    for month in range(first.year * 12 + first.month - 1, last.year * 12 + last.month):
        ts = round(datetime(month // 12, month % 12 + 1, day, tzinfo=UTC).timestamp()) * 1000
        if opened + DAY < ts < now - DAY:
            yield ts


def _at(random: Random, day: int, earliest: int, latest: int) -> int:
    """A moment of that day between two hours."""
    return day + random.randint(earliest * 3_600_000, latest * 3_600_000)
