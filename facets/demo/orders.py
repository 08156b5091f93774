"""Ordinary orders: their items, and what was paid of them, at once, in parts, twice, or not yet."""

from random import Random

from facets.core.json import JSON
from facets.demo.accounts import DAY, TWO_YEARS
from facets.demo.history import Happening, History, in_time

FACET = "ORDER"

_GOODS = (
    ("Oak table", 32900),
    ("Linen curtain, 2 m", 4975),
    ("Teekanne “Kōri”", 3850),
    ("Desk lamp", 5425),
    ("Коврик шерстяной", 8900),
    ("Coffee beans, 1 kg", 1850),
    ("Notebook, dotted", 725),
    ("Bicycle bell 🔔", 1250),
    ("Φανάρι κήπου", 2975),
    ("Raincoat", 7900),
    ("Espresso cup", 975),
    ("Houseplant “Monstera”", 2450),
)
_COLOURS = ("sand", "forest", "midnight", "brique", "藍")


def order(random: Random, number: int, now: int) -> History:
    """The order with this number (from 1), as it stands at `now`, in milliseconds since 1970."""
    created = now - round(TWO_YEARS * random.uniform(0.001, 0.999))
    id = f"ORD-{number:05d}"
    items = [_item(random) for _ in range(random.choice((1, 1, 2, 2, 3, 4, 6)))]
    due: float = sum(item["cost"] for item in items)
    happenings = [Happening(created, "ORDER_CREATED", {"id": id, "items": items})]
    ts = created
    for part, amount in enumerate(_payments(random, due), start=1):
        ts += random.randint(60_000, 4 * DAY)
        intent = {"amount": amount, "invoice": f"INV-{number:05d}", "id": f"pi_{number:05d}_{part}"}
        payment = Happening(ts, "PAYMENT_COMPLETED", {"intent": intent})
        happenings.append(payment)
        if random.random() < 0.06:
            happenings.append(payment._replace(ts=ts + random.randint(800, 90_000)))
    if random.random() < 0.05:
        shipment = {"carrier": "Northway Parcel", "tracking": f"NW{random.randrange(10**9):09d}"}
        happenings.append(Happening(ts + DAY, "ORDER_SHIPPED", shipment))
    return History(FACET, id, in_time(happening for happening in happenings if happening.ts < now - 1000))


def _item(random: Random) -> dict[str, JSON]:
    desc, cents = random.choice(_GOODS)
    qty = random.choice((1, 1, 1, 2, 3, 6))
    item: dict[str, JSON] = {"desc": desc, "qty": qty, "cost": cents * qty / 100}
    if random.random() < 0.4:
        # Fields of the shop's own, which the console's schema does not name.
        item["sku"] = f"{random.choice('ABCDEF')}{random.randrange(10_000):04d}"
        item["options"] = {
            "colour": random.choice(_COLOURS),
            "gift": {"wrapped": True, "note": "Alles Gute 🎁"},
        }
    return item


def _payments(random: Random, due: float) -> list[float]:
    kind = random.random()
    if kind < 0.15:
        return []
    if kind < 0.65:
        return [due]
    if kind < 0.85:
        deposit = due // 3
        return [deposit, due - deposit] if deposit else [due]
    if kind < 0.97:
        return [due // 2 or due / 2]
    return [due + 10]
