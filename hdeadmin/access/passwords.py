"""What a password must not be made of: the words that everybody would try first at this console."""

import re

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError

# Letters that must be left when those words are taken away.
_LEFT = 6


class OwnWordsValidator:
    """Refuses a password that is little more than the console's name, its hosts' names, and digits."""

    def validate(self, password: str, user: AbstractBaseUser | None = None) -> None:
        left = password.casefold()
        for word in sorted(_words(), key=len, reverse=True):
            left = left.replace(word, "")
        if len(left) < len(password) and sum(map(str.isalpha, left)) < _LEFT:
            raise ValidationError(
                "This password is little more than a word that everybody would try here.",
                code="password_own_words",
            )

    def get_help_text(self) -> str:
        return "Your password must be more than the console's name and some digits."


def _words() -> set[str]:
    """Of three letters or more, from settings that people at the sign-in page can see."""
    named = ["hdeadmin", "hde", *settings.ALLOWED_HOSTS, settings.HDEADMIN_PRODUCTION_LABEL]
    return {word for text in named for word in re.findall(r"[^\W\d_]{3,}", text.casefold())}
