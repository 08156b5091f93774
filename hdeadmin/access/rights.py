"""What a person may do with a facet."""

from typing import Literal

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, User

Action = Literal["view", "append", "recalculate"]

# Roles are groups in Django's database, made by migration 0001.
ROLES: dict[str, frozenset[Action]] = {
    "viewer": frozenset({"view"}),
    "corrector": frozenset({"view", "append"}),
    "operator": frozenset({"view", "append", "recalculate"}),
    "auditor": frozenset({"view"}),
    "administrator": frozenset({"view"}),
}
# Whoever may sign in may look.
EVERYONE: frozenset[Action] = frozenset({"view"})


def can(user: AbstractBaseUser | AnonymousUser, facet: str, action: Action) -> bool:
    """Whether `user` may do `action` with the facet of this name. The one place that decides it.

    Asks the database once for each user object, which lives as long as a request.
    """
    if not isinstance(user, User) or not user.is_active:
        return False
    return user.is_superuser or action in EVERYONE or any(action in ROLES[role] for role in _roles(user))


def who_may(action: Action) -> str:
    """The roles that grant `action`, for a page that refuses it: "corrector or operator"."""
    return " or ".join(role for role, actions in ROLES.items() if action in actions)


def _roles(user: User) -> frozenset[str]:
    known: frozenset[str] | None = getattr(user, "_hdeadmin_roles", None)
    if known is None:
        known = frozenset(user.groups.filter(name__in=ROLES).values_list("name", flat=True))
        user._hdeadmin_roles = known  # type: ignore[attr-defined]
    return known
