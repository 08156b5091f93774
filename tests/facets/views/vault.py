"""A facet full of secrets, for the canary test: every kind of value that is masked, and every way to let it out."""

from __future__ import annotations

from pydantic import Field, field_validator

from facets.core.processor import Publish
from facets.definitions import FacetDefinition, Model


class Card(Model):
    number: str = ""
    label: str = ""


class Address(Model):
    street: str = ""
    town: str = ""


class Vault(Model):
    label: str = ""
    balance: float = 0
    email: str | None = None
    pin: int | None = None
    cards: list[Card] = Field(default_factory=list)
    address: Address | None = None
    tokens: list[str] = Field(default_factory=list)


class Opened(Model):
    label: str = ""
    email: str | None = None
    cards: list[Card] = Field(default_factory=list)
    address: Address | None = None


class Spent(Model):
    amount: float
    token: str = ""
    memo: str = ""


class Locked(Model):
    pin: int


class Checked(Model):
    iban: str

    @field_validator("iban")
    @classmethod
    def known(cls, value: str) -> str:
        raise ValueError(f"no such iban: {value}")


vault = FacetDefinition(
    name="VAULT",
    title="Vaults",
    state=Vault,
    list_display=("label", "email", "balance", "cards"),
    search_fields=("label", "email"),
    sensitive_fields=("email", "pin", "cards.number", "address", "token", "tokens", "iban"),
    searchable_sensitive=("email",),
    chart_fields=("balance",),
)


@vault.event("OPENED", Opened, sentence="{label} opened for {email}, {cards}")
def open_vault(state: Vault, event: Opened, publish: Publish) -> Vault:
    state.label, state.email, state.cards, state.address = (
        event.label,
        event.email,
        event.cards,
        event.address,
    )
    publish("vaultOpened", {"email": event.email, "cards": event.cards})
    return state


def reverse(event: Spent) -> tuple[str, Spent]:
    return "SPENT", Spent(amount=-event.amount, token=event.token, memo=f"Reversal of {event.token}")


@vault.event("SPENT", Spent, sentence="{amount:+} by {token:>60}", compensate=reverse)
def spend(state: Vault, event: Spent, publish: Publish) -> Vault:
    state.balance -= event.amount
    state.tokens = [*state.tokens, event.token]
    publish("vaultSpent", [event.token])
    return state


@vault.event("LOCKED", Locked, sentence="Locked with {pin:,}")
def lock(state: Vault, event: Locked, publish: Publish) -> Vault:
    state.pin = event.pin
    raise ValueError(f"pin {event.pin:,} of {state.email} is taken")


@vault.event("CHECKED", Checked, sentence="{iban}")
def check(state: Vault, event: Checked, publish: Publish) -> Vault:
    return state
