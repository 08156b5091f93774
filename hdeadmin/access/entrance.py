"""For one version: the backend's path in the sessions of people who signed in before hdeadmin.accounts."""

from typing import Any

from django.http import HttpRequest

from hdeadmin.accounts import adapter


class Backend(adapter.Backend):
    """Knows who somebody is; lets nobody in."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> None:
        return None
