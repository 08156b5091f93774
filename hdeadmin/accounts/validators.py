"""What a password must not be made of: the words that everybody would try first at this console, and common passwords."""

import re

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, User
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError

# Letters that must be left when those words are taken away.
_LEFT = 6

_PADDING = re.compile(r"^[\W\d_]+|[\W\d_]+$")


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


class KnownPasswordValidator(CommonPasswordValidator):
    """Refuses the 20,000 passwords that were stolen most often, padded with digits and signs or doubled, too.

    Few of them are as long as ours must be; those that people make of them are.
    """

    def validate(self, password: str, user: User | None = None) -> None:
        super().validate(password, user)
        typed = password.casefold()
        half = typed[: len(typed) // 2]
        if _PADDING.sub("", half if typed == half * 2 else typed) in self.passwords:
            raise ValidationError(self.get_error_message(), code="password_too_common")


def _words() -> set[str]:
    """Of three letters or more, from settings that people at the sign-in page can see."""
    named = ["hdeadmin", "hde", *settings.ALLOWED_HOSTS, settings.HDEADMIN_PRODUCTION_LABEL]
    return {word for text in named for word in re.findall(r"[^\W\d_]{3,}", text.casefold())}
