"""What a console must bear: hostile text, odd ids, broken histories, states that drifted, an account of 20,000 events.

Those that are looked for by hand have ids that begin with SHOW-.
"""

from collections.abc import Iterator
from random import Random
from uuid import UUID

from facets.core.json import JSON
from facets.demo.accounts import DAY, FACET, TWO_YEARS
from facets.demo.history import Flaw, Happening, History, in_time
from facets.demo.orders import FACET as ORDER

LONG_HISTORY = "SHOW-20000-EVENTS"

# They sort after the ordinary accounts, so that the first page of the list is the one that a bank would see.
ODD_IDS = (
    "4711",
    "Smith/Jones/joint",
    "Smith//Jones/",
    "a%2Fb",
    "who?",
    "q&a=1#top",
    "back\\slash;semicolon+plus",
    "tab\tand\nnew line",
    "two words",
    "<script>alert('id')</script>",
    'Mrs "><img src=x onerror=alert(1)>',
    "Robert'); DROP TABLE records; --",
    "{{ 7*7 }}{% debug %}",
    "💶 Sparschwein 🐷👨‍👩‍👧‍👦",
    "عميل/١٢٣",
    "invoice\u202egpj.exe",
    "zero\u200bwidth",
    "cafe\u0301",
    "café",
    "STATE",
    "INBOUND/TRANSACTION_ACCEPTED/1",
    "~2E~2E",
    "null",
    "SHOW-LONG-ID-" + "ñandú·" * 110 + "end",
)
ODD_ORDER_IDS = (".", "..", "../../etc/passwd", " leading and trailing ", "#1", "%2e%2e%2f", "0")

_HOSTILE = (
    "<script>alert('desc')</script>",
    "<img src=x onerror=alert(1)>",
    "</td></tr></table><h1>Hello</h1>",
    "javascript:alert(1)",
    "{{ settings.SECRET_KEY }} {% debug %}",
    "{amount.__class__.__mro__}",
    "control " + "".join(map(chr, range(1, 32))) + " characters",
    "line\u2028separator, paragraph\u2029separator, next\u0085line",
    "right to left: \u202eevil\u202c, عربي, עברית",
    "Z̸̡͈a̶͜l̵̢g̶͇o̷ ͎t̶̰e̶x̸t̵",
    "👩🏽‍❤️‍💋‍👨🏿 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🇪🇺",
    "one" + "long" * 600 + "word",
    "'; UPDATE records SET itm = '{}'; --",
    "",
    "   ",
)


def oddities(random: Random, now: int, *, events: int) -> Iterator[History]:
    """All of them; the long history has `events` events."""
    yield _long_history(random, now, events)
    yield from _odd_ids(random, now)
    yield from _odd_orders(random, now)
    yield _hostile_text(random, now)
    yield _overdrawn(random, now)
    yield _misfit(random, now)
    yield _without_rule(random, now)
    yield _beyond_doubles(random, now)
    yield _unknown_fields(random, now)
    yield _sensitive(now)
    flaws: tuple[tuple[str, Flaw], ...] = (
        ("SHOW-GAP", "gap"),
        ("SHOW-TWIN", "twin"),
        ("SHOW-LOST-STATE", "state-missing"),
    )
    for id, flaw in flaws:
        history = _account(random, now, id, ("Flawed", "History"))
        history.flaw = flaw
        yield history
    drifted = _account(random, now, "SHOW-DRIFTED", ("Drifted", "State"))
    drift(drifted, random)
    yield drifted


def drift(history: History, random: Random) -> None:
    """Have the stored state disagree with the events, as after a week with a wrong rule or a script's mistake."""
    if history.facet == ORDER:

        def change(state: JSON) -> None:
            state["status"] = "shipped"
    else:
        fee = random.choice((2.5, 10, 125, -40))

        def change(state: JSON) -> None:
            state["balance"] -= fee
            if fee == 10:
                state["ownerLast"] = "?" * len(state.get("ownerLast") or "")

    history.flaw = "drifted"
    history.drift = change


def _account(
    random: Random,
    now: int,
    id: str,
    owner: tuple[str, str],
    postings: tuple[tuple[str, JSON], ...] = (("Opening deposit", 500), ("Groceries · Green Basket", -41.25)),
) -> History:
    """An account opened within the last two months, one posting a day."""
    opened = now - random.randint(50 * DAY, 60 * DAY)
    happenings = [
        Happening(opened, "ACCOUNT_CREATION", {"id": id}),
        Happening(opened + 1500, "ACCOUNT_UPDATE", {"ownerFirst": owner[0], "ownerLast": owner[1]}),
    ]
    for day, (desc, amount) in enumerate(postings, start=1):
        ts = opened + day * DAY + random.randrange(3_600_000)
        happenings.append(Happening(ts, "TRANSACTION_ACCEPTED", {"desc": desc, "amount": amount}))
    return History(FACET, id, happenings)


def _long_history(random: Random, now: int, events: int) -> History:
    step = (TWO_YEARS - DAY) / events
    start = now - TWO_YEARS + DAY // 2
    happenings = [
        Happening(start, "ACCOUNT_CREATION", {"id": LONG_HISTORY}),
        Happening(start + 900, "ACCOUNT_UPDATE", {"ownerFirst": "Harbour", "ownerLast": "Market Ltd"}),
    ]
    balance = 0.0
    for number in range(2, events):
        ts = start + int((number + random.random() * 0.9) * step)
        if balance > 2000:
            amount, desc = -balance + random.randrange(-800, 1000) / 4, "Payout to supplier"
        else:
            amount, desc = random.randint(20, 900) / 4, f"Card sale · till {number % 14 + 1}"
        balance += amount
        happenings.append(Happening(ts, "TRANSACTION_ACCEPTED", {"desc": desc, "amount": amount}))
    return History(FACET, LONG_HISTORY, in_time(happenings))


def _odd_ids(random: Random, now: int) -> Iterator[History]:
    for number, id in enumerate(ODD_IDS, start=1):
        yield _account(random, now, id, ("Odd", f"Id {number}"))


def _odd_orders(random: Random, now: int) -> Iterator[History]:
    for number, id in enumerate(ODD_ORDER_IDS, start=1):
        ts = now - random.randint(DAY, 90 * DAY)
        items = [{"desc": f"Odd order {number}", "qty": 1, "cost": 10 * number}]
        yield History(ORDER, id, [Happening(ts, "ORDER_CREATED", {"id": id, "items": items})])


def _hostile_text(random: Random, now: int) -> History:
    owner = ("<script>alert('first')</script>", '"><img src=x onerror=alert(1)> \u202enaem')
    postings = tuple((text, 1) for text in _HOSTILE)
    return _account(random, now, "SHOW-HOSTILE-TEXT", owner, postings)


def _overdrawn(random: Random, now: int) -> History:
    amounts = (300, -420, 200, -90, -700, 900, -250)
    postings = tuple((f"Transfer {number}", amount) for number, amount in enumerate(amounts, start=1))
    return _account(random, now, "SHOW-OVERDRAWN", ("Over", "Drawn"), postings)


def _misfit(random: Random, now: int) -> History:
    """An importer once wrote amounts as text, and a payload that is no object."""
    history = _account(random, now, "SHOW-MISFIT", ("Mis", "Fit"))
    history.flaw = "misfit"
    last = history.happenings[-1].ts
    for place, data in enumerate(
        ({"desc": "Import 2024", "amount": "12,50 EUR"}, ["not", "an", "object"], None)
    ):
        history.happenings.append(Happening(last + place + 1, "TRANSACTION_ACCEPTED", data, fits=False))
    return history


def _without_rule(random: Random, now: int) -> History:
    history = _account(random, now, "SHOW-NO-RULE", ("No", "Rule"))
    last = history.happenings[-1].ts
    history.happenings += [
        Happening(last + 1, "CARD_BLOCKED", {"card": "…4242", "by": "fraud desk"}),
        Happening(last + 2, "odd/type name/7 🎈", {}),
    ]
    return history


def _beyond_doubles(random: Random, now: int) -> History:
    postings = (
        ("2^53 + 1, which JavaScript rounds", 9007199254740993),
        ("1e21", 1e21),
        ("0.1", 0.1),
        ("0.2", 0.2),
    )
    return _account(random, now, "SHOW-NUMBERS", ("Large", "Numbers"), postings)


def _sensitive(now: int) -> History:
    """An owner whose e-mail and phone were changed, once with a reason that quotes them."""
    random = Random("SHOW-SENSITIVE")
    history = _account(random, now, "SHOW-SENSITIVE", ("Grace", "Whitfield"))
    last = history.happenings[-1].ts
    old = {"email": "grace.whitfield@example.com", "phone": "+44 20 7946 0123"}
    new = {"email": "grace@example.org", "phone": "+44 20 7946 0456"}
    meta = {
        "actor": "corrector",
        "reason": "She moved from grace.whitfield@example.com, called herself.",
        "ticket": "SUP-4711",
        "operation_id": str(UUID(int=random.getrandbits(128), version=4)),
    }
    history.happenings += [
        Happening(last + 1, "CONTACT_UPDATE", old),
        Happening(last + DAY, "CONTACT_UPDATE", new, meta),
        Happening(last + DAY + 1, "NEWSLETTER_SENT", {"email": new["email"], "issue": 12}),
    ]
    return history


def _unknown_fields(random: Random, now: int) -> History:
    """Fields that a TypeScript service writes and no schema here names."""
    history = _account(random, now, "SHOW-UNKNOWN-FIELDS", ("Unknown", "Fields"))
    data = {
        "desc": "Card payment",
        "amount": -7.5,
        "merchant": {"name": "Kiosk 9", "mcc": "5994", "location": {"city": "Kraków", "geo": [50.06, 19.94]}},
        "tags": ["contactless", None, True],
        "__proto__": {"polluted": True},
    }
    history.happenings.append(Happening(history.happenings[-1].ts + 1, "TRANSACTION_ACCEPTED", data))
    return history
