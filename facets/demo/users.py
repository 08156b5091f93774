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
    """Django's database has users that the demo did not make."""


def make_users(password: str) -> None:
    """Give each role's user this password, making those that are missing. Who has it already stays signed in.

    Raises:
        OtherPeople: nothing was changed; a password that is printed must not open anybody else's console.
    """
    if User.objects.exclude(email__endswith=_DOMAIN).exists():
        raise OtherPeople("Django's database has users that the demo did not make.")
    # One hash for all: argon2 takes a quarter of a second, by design.
    hashes = set(User.objects.values_list("password", flat=True))
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
