"""Grant an action to a group, or take it away. Each change and its audit entry stand or fall together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest

from hdeadmin.audit.log import record
from hdeadmin.permissions.models import Grant
from hdeadmin.permissions.permissions import Action

LONGEST_NAME = 150  # characters of a group's name, as Django has it
LONGEST_FACET = 255


class NotGrantable(Exception):
    """There can be no such grant; the message says why."""


class LastAdministrator(Exception):
    """Nobody could administer the console any longer; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody would be left who may administer. Grant it to another group with people in it first."
        )


@dataclass(frozen=True, slots=True)
class Change:
    """One action of one group, in every facet (`facets` is empty) or in named ones, to be granted or taken away."""

    group: str
    action: Action
    facets: tuple[str, ...] = ()

    @property
    def stored(self) -> tuple[str, ...]:
        return self.facets or ("",)

    def check(self) -> None:
        """Raises NotGrantable."""
        if not self.group.strip() or len(self.group) > LONGEST_NAME or not self.group.isprintable():
            raise NotGrantable(f"A group's name has 1 to {LONGEST_NAME} characters that can be read.")
        if self.action == "administer" and self.facets:
            raise NotGrantable(
                "To administer is about the console, not about a facet; it is granted in every one."
            )
        for facet in self.facets:
            if not facet or len(facet) > LONGEST_FACET or "\x00" in facet:
                raise NotGrantable(f"A facet's name has 1 to {LONGEST_FACET} characters.")


def grant(change: Change, *, request: HttpRequest | None = None, by: str | None = None) -> list[str]:
    """Grant it, making the group if it is new; the facets that it is new for, "" for every one.

    Args:
        request: whose person does it; in a command `by` is who.

    Raises:
        NotGrantable
        AuditUnavailable: nothing was changed.
    """
    change.check()
    with transaction.atomic():
        group, _ = Group.objects.get_or_create(name=change.group)
        fresh = [
            facet
            for facet in change.stored
            if Grant.objects.get_or_create(group=group, action=change.action, facet=facet)[1]
        ]
        _record("granted", change, fresh, request, by)
    return fresh


def revoke(change: Change, *, request: HttpRequest | None = None, by: str | None = None) -> list[str]:
    """Take it away; the facets that it was granted for.

    Raises:
        LastAdministrator
        AuditUnavailable: nothing was changed.
    """
    with keeping_an_administrator():
        grants = Grant.objects.filter(group__name=change.group, action=change.action, facet__in=change.stored)
        gone = sorted(grants.values_list("facet", flat=True))
        grants.delete()
        _record("revoked", change, gone, request, by)
    return gone


@contextmanager
def keeping_an_administrator() -> Iterator[None]:
    """Undo all that is done within if it leaves nobody who may come in and administer, where there was somebody.

    Raises:
        LastAdministrator
    """
    with transaction.atomic():
        # Held, so that of two who take away each other's right one waits and is told.
        list(Grant.objects.select_for_update().filter(action="administer"))
        before = anybody_administers()
        yield
        if before and not anybody_administers():
            raise LastAdministrator


def anybody_administers() -> bool:
    may = Q(is_superuser=True) | Q(groups__grant__action="administer", groups__grant__facet="")
    return User.objects.filter(may, is_active=True).exists()


def _record(
    action: str, change: Change, facets: list[str], request: HttpRequest | None, by: str | None
) -> None:
    for facet in facets:
        record(
            action,
            request=request,
            user=by,
            facet=facet,
            details={"group": change.group, "right": change.action, "facets": facet or "every facet"},
            in_transaction=True,
        )
