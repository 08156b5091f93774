"""The demo's people, one for each role."""

import secrets

from django.contrib.auth.hashers import check_password, make_password
from django.contrib.auth.models import Group, User
from django.db import transaction

# Nobody's mail can end so (RFC 2606), and so the demo knows its own.
_DOMAIN = "@demo.invalid"
ROLES = ("viewer", "corrector", "operator", "auditor", "administrator")

# Without those that look alike.
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"


class OtherPeople(Exception):
    """Django's database is not the demo's: its users are others."""


def make_users(password: str) -> None:
    """Give each role's user this password, making those that are missing. Who has it already stays signed in, and
    whoever was invited into the demo is left alone.

    Raises:
        OtherPeople: nothing was changed; a password that is printed must not open anybody else's console.
    """
    own = User.objects.filter(username__in=ROLES, email__endswith=_DOMAIN)
    if User.objects.exists() and own.count() < len(ROLES):
        raise OtherPeople("Django's database has users that the demo did not make.")
    # One hash for all: argon2 takes a quarter of a second, by design.
    hashes = set(own.values_list("password", flat=True))
    kept = hashes.pop() if len(hashes) == 1 else ""
    hashed = kept if kept and check_password(password, kept) else make_password(password)
    with transaction.atomic():
        for role in ROLES:
            user, _ = User.objects.get_or_create(username=role, defaults={"email": f"{role}{_DOMAIN}"})
            user.password = hashed
            user.is_active = True
            user.save()
            user.groups.set([Group.objects.get(name=role)])


def new_password() -> str:
    """Fifteen letters and digits in groups that can be read out, of some 74 bits."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(5)) for _ in range(3))
