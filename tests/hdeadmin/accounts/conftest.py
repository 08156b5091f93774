"""The cast of tests about coming in: people with roles, browsers, and what the trail says of them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from hdeadmin.audit.models import AuditEntry

PASSWORD = "correct horse battery"

Make = Callable[..., User]


@pytest.fixture
def make_person(db: None) -> Make:
    """Make a person with roles, who signs in by PASSWORD."""

    def make(name: str = "ada", *roles: str, **fields: Any) -> User:
        fields.setdefault("email", f"{name}@example.com")
        user = User.objects.create_user(name, password=PASSWORD, **fields)
        for role in roles:
            user.groups.add(Group.objects.get_or_create(name=role)[0])
        return user

    return make


@pytest.fixture
def ada(make_person: Make) -> User:
    """A viewer."""
    return make_person("ada", "viewer")


@pytest.fixture
def root(make_person: Make) -> User:
    """An administrator."""
    return make_person("root", "administrator")


@pytest.fixture
def administrator(root: User) -> Client:
    """The administrator's browser."""
    client = Client()
    client.force_login(root)
    return client


@pytest.fixture
def trail(db: None) -> Callable[[], list[str]]:
    """What was recorded, oldest first, as `action person`."""

    def read() -> list[str]:
        return [
            f"{action} {person}".strip()
            for action, person in AuditEntry.objects.order_by("number").values_list("action", "person")
        ]

    return read
