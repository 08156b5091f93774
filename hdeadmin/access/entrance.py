"""The backend by its old path, which sessions of the version before hold. Removed in the next version."""

from typing import Any

from django.http import HttpRequest

from hdeadmin.accounts import adapter


class Backend(adapter.Backend):
    """Reads the user of a session that began before; signs nobody in."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        return None
