"""What a person may do with a facet: the one place that decides it, from the grants of their groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, User

from hdeadmin.permissions.models import Grant

Action = Literal["view", "reveal", "append", "recalculate", "export", "audit", "administer"]
ACTIONS: tuple[Action, ...] = get_args(Action)
# Those that are done with one facet, which is to be seen for it; to administer is done with the console.
FACET_ACTIONS: tuple[Action, ...] = ACTIONS[:-1]
# The groups that migration 0001 makes; what each may do from the start stands in 0002.
ROLES = ("viewer", "corrector", "operator", "auditor", "administrator")


@dataclass(frozen=True, slots=True)
class Scope:
    """Facets that an action is allowed in: every one, or those named. False where there is none."""

    every: bool = False
    facets: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return self.every or bool(self.facets)

    def includes(self, facet: str) -> bool:
        return self.every or facet in self.facets

    def both(self, other: Scope) -> Scope:
        """Where this one and the other allow it."""
        if self.every:
            return other
        return self if other.every else Scope(facets=self.facets & other.facets)


NOWHERE, EVERYWHERE = Scope(), Scope(every=True)


@dataclass(frozen=True, slots=True)
class Rights:
    """A person's groups, by name, and where each action is allowed."""

    groups: tuple[str, ...] = ()
    scopes: Mapping[Action, Scope] = field(default_factory=dict)

    @property
    def none_at_all(self) -> bool:
        return not any(self.scopes.values())


def can(user: AbstractBaseUser | AnonymousUser, facet: str | None, action: Action) -> bool:
    """Whether `user` may do `action` with the facet of this name; with None, in every facet.

    Nothing can be done with a facet that may not be viewed.
    """
    allowed = scope(user, action)
    return allowed.every if facet is None else allowed.includes(facet)


def scope(user: AbstractBaseUser | AnonymousUser, action: Action) -> Scope:
    """Where `user` may do `action`, to filter what a page or a query shows."""
    return rights_of(user).scopes.get(action, NOWHERE)


def rights_of(user: AbstractBaseUser | AnonymousUser) -> Rights:
    """Everything that `user` may do. Asks the database once for each user object, which lives as long as a request."""
    if not isinstance(user, User) or not user.is_active:
        return Rights()
    known: Rights | None = getattr(user, "_hdeadmin_rights", None)
    if known is None:
        known = _read(user)
        user._hdeadmin_rights = known  # type: ignore[attr-defined]
    return known


def who_may(action: Action, facet: str | None) -> list[str]:
    """The groups whose people may do `action` with the facet, by name, for a page that refuses it."""
    grants = Grant.objects.filter(action=action, facet__in=["", facet or ""])
    return list(grants.order_by("group__name").values_list("group__name", flat=True).distinct())


def administrators() -> list[User]:
    """Who may administer, by name: whom to ask for a right. People who were switched off are not among them."""
    return list(
        User.objects.filter(is_active=True, groups__grant__action="administer")
        .distinct()
        .order_by("first_name", "last_name", "username")
    )


def _read(user: User) -> Rights:
    # Groups without a grant come too, as a row of its own with nulls.
    rows = (
        Group.objects.filter(user=user).order_by("name").values_list("name", "grant__action", "grant__facet")
    )
    granted: dict[str, set[str]] = {}
    groups: dict[str, None] = {}
    for name, action, facet in rows:
        groups[name] = None
        if action is not None:
            granted.setdefault(action, set()).add(facet)
    if user.is_superuser:
        return Rights(tuple(groups), dict.fromkeys(ACTIONS, EVERYWHERE))
    scopes: dict[Action, Scope] = {}
    for action in ACTIONS:
        facets = granted.get(action, set())
        found = EVERYWHERE if "" in facets else Scope(facets=frozenset(facets))
        scopes[action] = found if action in ("view", "administer") else found.both(scopes["view"])
    return Rights(tuple(groups), scopes)
