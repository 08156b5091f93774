"""Write down what was done: the one place that adds to the trail."""

import getpass
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.cache import cache
from django.db import DatabaseError, InterfaceError, connection, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest

from hdeadmin.audit import chain
from hdeadmin.audit.fields import shortened
from hdeadmin.audit.models import AuditEntry, ChainHead
from hdeadmin.http import client_address

# Bytes, so that what an index holds stays within what databases allow. No id of an entity is longer than DynamoDB's keys.
_LONGEST = {"person": 300, "facet": 400, "entity": 2_100, "operation_id": 100, "ticket": 300}
_LONGEST_TEXT = 4_000
# How long to wait for others that are adding to the trail.
_LOCK_MS = 5_000
_SETTLED_BELOW, _SETTLED_STEP = "audit:settled-below", 1_000


class AuditUnavailable(Exception):
    """The trail could not be written, so what was to be recorded must not happen."""


def record(
    action: str,
    *,
    request: HttpRequest | None = None,
    user: AbstractBaseUser | AnonymousUser | str | None = None,
    facet: str = "",
    entity: str = "",
    operation_id: str = "",
    phase: str = "event",
    intent: AuditEntry | None = None,
    result: str = "ok",
    reason: str = "",
    ticket: str = "",
    seq_before: int | None = None,
    seq_after: int | None = None,
    changes: Sequence[Any] | None = None,
    details: Mapping[str, Any] | None = None,
    in_transaction: bool = False,
) -> AuditEntry:
    """Add one entry, which is on the disk when this returns.

    Args:
        action: a word, with hyphens: `sign-in`, `append`.
        request: whose person, session, address and id are noted.
        user: who did it, where that is not the request's person: before a sign-in, or in a command. A text is a name.
        intent: of an outcome, the entry that announced it.
        changes: the difference, as plain JSON, masked already.
        details: plain JSON; nothing secret.
        in_transaction: stand or fall with the caller's own transaction, which changes this database only, such as a
            grant. Everything else is written in a transaction of its own, and stays whatever becomes of the request.

    Raises:
        AuditUnavailable: nothing was recorded.
        RuntimeError: called within a transaction, without `in_transaction`.
    """
    said = dict(details or {})
    seqs = {"seq_before": seq_before, "seq_after": seq_after}
    for name, seq in seqs.items():
        if seq is not None and abs(seq) >= 2**63:
            # DynamoDB keeps longer numbers than a column does.
            said[name], seqs[name] = str(seq), None
    values: dict[str, Any] = {
        "action": action,
        "phase": phase,
        "result": result,
        **_who(request, user),
        "facet": facet,
        "entity": entity,
        "operation_id": operation_id,
        "intent": intent.number if intent else None,
        "reason": reason,
        "ticket": ticket,
        **seqs,
        "changes_json": _json(list(changes)) if changes else "",
        "details_json": _json(said) if said else "",
    }
    for name, value in values.items():
        if isinstance(value, str) and not name.endswith("_json"):
            values[name] = shortened(value, _LONGEST.get(name, _LONGEST_TEXT))
    try:
        with transaction.atomic(durable=not in_transaction):
            return _add(values)
    except (DatabaseError, InterfaceError) as error:
        raise AuditUnavailable(str(error)) from error


def record_outcome(
    intent: AuditEntry,
    result: str,
    *,
    request: HttpRequest | None = None,
    user: AbstractBaseUser | AnonymousUser | str | None = None,
    details: Mapping[str, Any] | None = None,
) -> AuditEntry | None:
    """Say what came of an intent; None where that has been said before, as by another process.

    Raises:
        AuditUnavailable
    """
    try:
        with transaction.atomic(durable=True):
            # Whoever holds the head is the only one that adds, so that no intent gets two outcomes.
            _head()
            if AuditEntry.objects.filter(intent=intent.number).exists():
                return None
            return record(
                intent.action,
                request=request,
                user=user,
                facet=intent.facet,
                entity=intent.entity,
                operation_id=intent.operation_id,
                phase="outcome",
                intent=intent,
                result=result,
                reason=intent.reason,
                ticket=intent.ticket,
                seq_before=intent.seq_before,
                seq_after=intent.seq_after if result == "applied" else None,
                details=details,
                in_transaction=True,
            )
    except (DatabaseError, InterfaceError) as error:
        raise AuditUnavailable(str(error)) from error


def command_user() -> str:
    """Who runs this command, as `user` of what goes on record."""
    try:
        return f"manage.py, {getpass.getuser()}"
    except (OSError, KeyError, ImportError):
        return "manage.py"


def open_intents() -> QuerySet[AuditEntry]:
    """The intents of which it is not on record what came of them, oldest first."""
    outcomes = AuditEntry.objects.filter(intent=OuterRef("number"))
    return AuditEntry.objects.filter(~Exists(outcomes), phase="intent").order_by("number")


def count_open() -> int:
    """How many intents are open, for a page: those below which all have outcomes already are not looked at again."""
    newest = ChainHead.objects.filter(id=1).values_list("number", flat=True).first() or 0
    below: int = cache.get(_SETTLED_BELOW, 0)
    if below > newest:
        # Another database than the one that the cache was filled from, such as a restored one.
        below = 0
    numbers = list(open_intents().filter(number__gte=below).values_list("number", flat=True))
    settled_below = numbers[0] if numbers else newest
    if settled_below - below > _SETTLED_STEP:
        cache.set(_SETTLED_BELOW, settled_below, None)
    return len(numbers)


def fingerprint(text: str) -> str:
    """Tells a text from any other, to whoever has the key and nobody else."""
    return chain.fingerprint(text, settings.HDEADMIN_AUDIT_KEY)


def matches(print: str, text: str) -> bool:
    """Whether the fingerprint is of this text, made with the key of now or an earlier one."""
    return any(chain.fingerprint(text, key) == print for key in keys().values())


def keys() -> dict[str, str]:
    """From a key's id to the key: the one that signs, then earlier ones."""
    known = (settings.HDEADMIN_AUDIT_KEY, *settings.HDEADMIN_AUDIT_KEY_FALLBACKS)
    return {chain.key_id(key): key for key in known}


def _add(values: dict[str, Any]) -> AuditEntry:
    """The next entry of the chain; others wait for the end of the transaction."""
    head = _head()
    now = datetime.now(UTC)
    key = settings.HDEADMIN_AUDIT_KEY
    values |= {
        "number": head.number + 1,
        # Clocks are set back; the order of the trail is not.
        "at": max(now, head.at) if head.at else now,
        "version": chain.VERSION,
        "key_id": chain.key_id(key),
        "previous": head.mac,
    }
    entry = AuditEntry(**values, mac=chain.sign(values, key))
    entry.save(force_insert=True)
    ChainHead.objects.filter(id=1).update(number=entry.number, at=entry.at, mac=entry.mac)
    return entry


def _head() -> ChainHead:
    """The head, held until the transaction ends; made where the trail has not begun."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL lock_timeout = {_LOCK_MS}")
    heads = ChainHead.objects.select_for_update()
    head = heads.filter(id=1).first()
    if head is None:
        ChainHead.objects.bulk_create([ChainHead(id=1, number=0, mac="")], ignore_conflicts=True)
        head = heads.get(id=1)
    return head


def _who(request: HttpRequest | None, user: AbstractBaseUser | AnonymousUser | str | None) -> dict[str, Any]:
    if user is None and request is not None:
        user = getattr(request, "user", None)
    session = getattr(request, "session", None)
    session_key = getattr(session, "session_key", None)
    return {
        "person": user if isinstance(user, str) else user.get_username() if user else "",
        "person_id": None if isinstance(user, str) or user is None else user.pk,
        "signed_in_by": _signed_in_by(session) if session is not None else "",
        "session": chain.session_mark(session_key, settings.HDEADMIN_AUDIT_KEY) if session_key else "",
        "address": client_address(request) if request else "",
        "request_id": str(getattr(request, "request_id", "") or ""),
    }


def _signed_in_by(session: Any) -> str:
    """What allauth noted in the session of how the person signed in: `password, totp`."""
    methods = [
        str(noted.get("type") or noted.get("provider") or noted.get("method") or "")
        for noted in session.get("account_authentication_methods", ())
        if isinstance(noted, Mapping)
    ]
    return ", ".join(dict.fromkeys(method for method in methods if method))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"), default=str)
