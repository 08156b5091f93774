"""Bank accounts: opened, renamed, credited and debited down to an agreed minimum. How to reach their owner is masked."""

from __future__ import annotations

from pydantic import Field
from pydantic.config import JsonDict

from facets.core.processor import Publish
from facets.definitions import FacetDefinition, Model

EUR: JsonDict = {"unit": "EUR"}


class InsufficientFunds(Exception):
    """The balance would fall below the agreed minimum."""

    def __init__(self) -> None:
        super().__init__("insufficient funds")


class BankAccount(Model):
    balance: float = Field(0, json_schema_extra=EUR)
    minimumBalance: float = Field(
        -1000, description="The lowest balance that the account may have.", json_schema_extra=EUR
    )
    id: str | None = Field(None, title="Account number")
    ownerFirst: str | None = Field(None, title="First name")
    ownerLast: str | None = Field(None, title="Last name")
    email: str | None = Field(None, title="E-mail")
    phone: str | None = None


class AccountCreation(Model):
    id: str = Field(title="Account number", min_length=1)


class AccountUpdate(Model):
    ownerFirst: str | None = Field(None, title="First name", description="Left empty, the name is removed.")
    ownerLast: str | None = Field(None, title="Last name", description="Left empty, the name is removed.")


class ContactUpdate(Model):
    email: str | None = Field(None, title="E-mail", description="Left empty, the address is removed.")
    phone: str | None = Field(None, description="Left empty, the number is removed.")


class Transaction(Model):
    desc: str = Field("", title="Description", examples=["Salary October"])
    amount: float = Field(
        description="Positive credits the account, negative debits it.",
        allow_inf_nan=False,
        json_schema_extra=EUR,
    )


def reverse_transaction(event: Transaction) -> tuple[str, Transaction]:
    return "TRANSACTION_ACCEPTED", Transaction(desc=f"Reversal: {event.desc}", amount=-event.amount)


bank_account = FacetDefinition(
    name="BANK_ACCOUNT",
    title="Bank accounts",
    help="Customers' current accounts, with every credit and debit.",
    state=BankAccount,
    list_display=("ownerFirst", "ownerLast", "balance"),
    search_fields=("ownerFirst", "ownerLast"),
    sensitive_fields=("email", "phone"),
    searchable_sensitive=("email",),
    chart_fields=("balance",),
)


@bank_account.event(
    "ACCOUNT_CREATION",
    AccountCreation,
    title="Open account",
    help="Gives a new account its number.",
    sentence="Account {id} opened",
)
def open_account(state: BankAccount, event: AccountCreation, publish: Publish) -> BankAccount:
    state.id = event.id
    return state


@bank_account.event(
    "ACCOUNT_UPDATE",
    AccountUpdate,
    title="Change owner's name",
    help="Replaces both names.",
    sentence="Owner is now {ownerFirst} {ownerLast}",
)
def rename_owner(state: BankAccount, event: AccountUpdate, publish: Publish) -> BankAccount:
    state.ownerFirst = event.ownerFirst
    state.ownerLast = event.ownerLast
    return state


@bank_account.event(
    "CONTACT_UPDATE",
    ContactUpdate,
    title="Change contact",
    help="Replaces e-mail and phone.",
    sentence="Contact is now {email}, {phone}",
)
def change_contact(state: BankAccount, event: ContactUpdate, publish: Publish) -> BankAccount:
    state.email = event.email
    state.phone = event.phone
    return state


@bank_account.event(
    "TRANSACTION_ACCEPTED",
    Transaction,
    title="Credit or debit",
    help="Adds an amount to the balance, or takes one from it.",
    sentence="{amount:+,.2f} · {desc}",
    compensate=reverse_transaction,
)
def accept_transaction(state: BankAccount, event: Transaction, publish: Publish) -> BankAccount:
    before = state.balance
    state.balance = before + event.amount
    if state.balance < state.minimumBalance:
        raise InsufficientFunds
    if before >= 0 > state.balance:
        publish("accountOverdrawn", {"accountId": state.id} if state.id is not None else {})
    return state
