"""Who may do what."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User

from hdeadmin.access.rights import ROLES, can, who_may

ACTIONS = ("view", "append", "recalculate")


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, {"view"}),
        ("viewer", {"view"}),
        ("corrector", {"view", "append"}),
        ("operator", {"view", "append", "recalculate"}),
        ("auditor", {"view"}),
        ("administrator", {"view"}),
    ],
)
def test_a_role_grants_its_actions_and_no_more(db: None, role: str | None, allowed: set[str]):
    user = User.objects.create_user("ada")
    if role:
        user.groups.add(Group.objects.get(name=role))

    assert {action for action in ACTIONS if can(user, "BANK_ACCOUNT", action)} == allowed


def test_a_superuser_may_do_all(db: None):
    root = User.objects.create_superuser("root")

    assert all(can(root, "BANK_ACCOUNT", action) for action in ACTIONS)


def test_whoever_is_not_signed_in_or_was_switched_off_may_do_nothing(db: None):
    gone = User.objects.create_user("gone", is_active=False, is_superuser=True)

    assert not any(can(user, "ORDER", action) for user in (AnonymousUser(), gone) for action in ACTIONS)


def test_the_roles_are_there_after_migrating(db: None):
    assert set(Group.objects.values_list("name", flat=True)) >= set(ROLES)


def test_asking_twice_reads_the_roles_once(db: None, django_assert_num_queries):
    user = User.objects.create_user("ada")

    with django_assert_num_queries(1):
        assert not can(user, "ORDER", "append")
        assert not can(user, "ORDER", "recalculate")


def test_a_refusal_names_the_roles_that_would_do():
    assert who_may("append") == "corrector or operator"
    assert who_may("recalculate") == "operator"
