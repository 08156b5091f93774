"""The link by which somebody sets the password that they sign in with: signed, for one use, and for three days."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.tokens import PasswordResetTokenGenerator
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.http import urlsafe_base64_decode, urlsafe_base64_encode
from django.utils.text import slugify


class Taken(Exception):
    """Somebody with that e-mail is here already."""


class _Tokens(PasswordResetTokenGenerator):
    """Django's signed tokens. They hold the password's hash, so setting one, or a new link, ends all earlier ones."""

    key_salt = "hdeadmin.access.invitations"


_tokens = _Tokens()


def new_person(email: str) -> User:
    """A person who cannot sign in yet, named after their e-mail.

    Raises:
        ValidationError: that is no e-mail address.
        Taken: whose `args[0]` is the person who has it.
    """
    email = email.strip().lower()
    validate_email(email)
    here = (
        User.objects.filter(email__iexact=email).first()
        or User.objects.filter(username__iexact=email).first()
    )
    if here:
        raise Taken(here)
    name = slugify(email.partition("@")[0].replace(".", "-")) or "person"
    for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
        username = f"{name[:140]}{suffix}"
        if User.objects.filter(username__iexact=username).exists():
            continue
        try:
            with transaction.atomic():
                return User.objects.create_user(username, email)
        except IntegrityError:
            # Another administrator was first with that name.
            continue
    raise ValidationError("Too many people are called so; invite them by another address.")


def path_of_new_link(user: User) -> str:
    """A new link's path; what opened before, a password or an earlier link, opens no longer."""
    # A new unusable password differs from the last one.
    user.password = make_password(None)
    user.save(update_fields=["password"])
    return reverse(
        "invitation", args=[urlsafe_base64_encode(str(user.pk).encode()), _tokens.make_token(user)]
    )


def invited(uid: str, token: str) -> User | None:
    """Whom a link is for; None where it is wrong, was used, is too old, or was replaced by another."""
    try:
        user = User.objects.get(pk=int(urlsafe_base64_decode(uid)), is_active=True)
    except (ValueError, OverflowError, User.DoesNotExist):
        return None
    return user if _tokens.check_token(user, token) else None


def accept(user: User, *, password: str, first_name: str, last_name: str) -> bool:
    """Set the password, unless the link was used meanwhile; whether it was set."""
    return bool(
        User.objects.filter(pk=user.pk, password=user.password, is_active=True).update(
            password=make_password(password), first_name=first_name, last_name=last_name
        )
    )


def is_waiting(user: User) -> bool:
    """Whether they were invited and have never come in."""
    return user.last_login is None and not user.has_usable_password()
