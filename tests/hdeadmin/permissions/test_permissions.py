"""Who may do what."""

import pytest
from django.contrib.auth.models import AnonymousUser, Group, User

from hdeadmin.permissions.models import Grant
from hdeadmin.permissions.permissions import ACTIONS, ROLES, can, rights_of, scope, who_may


@pytest.fixture
def ada(db: None) -> User:
    return User.objects.create_user("ada")


def _grant(user: User, group: str, action: str, facet: str = "") -> None:
    made, _ = Group.objects.get_or_create(name=group)
    user.groups.add(made)
    Grant.objects.get_or_create(group=made, action=action, facet=facet)


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, set()),
        ("viewer", {"view"}),
        ("corrector", {"view", "append"}),
        ("operator", {"view", "append", "recalculate", "reveal", "export"}),
        ("auditor", {"view", "audit", "export"}),
        ("administrator", {"view", "audit", "administer"}),
    ],
)
def test_a_role_grants_its_actions_and_no_more(ada: User, role: str | None, allowed: set[str]):
    if role:
        ada.groups.add(Group.objects.get(name=role))

    assert {action for action in ACTIONS if can(ada, "BANK_ACCOUNT", action)} == allowed
    assert {action for action in ACTIONS if can(ada, None, action)} == allowed
    assert rights_of(ada).none_at_all == (not allowed)


def test_a_superuser_may_do_all(db: None):
    root = User.objects.create_superuser("root")

    assert all(can(root, facet, action) for action in ACTIONS for facet in ("BANK_ACCOUNT", None))


def test_whoever_is_not_signed_in_or_was_switched_off_may_do_nothing(db: None):
    gone = User.objects.create_user("gone", is_active=False, is_superuser=True)
    gone.groups.add(Group.objects.get(name="operator"))

    assert not any(can(user, "ORDER", action) for user in (AnonymousUser(), gone) for action in ACTIONS)


def test_the_roles_are_there_after_migrating(db: None):
    assert set(Group.objects.values_list("name", flat=True)) >= set(ROLES)


def test_a_right_for_one_facet_is_none_for_another_nor_for_all(ada: User):
    _grant(ada, "order desk", "view", "ORDER")

    assert can(ada, "ORDER", "view")
    assert not can(ada, "BANK_ACCOUNT", "view")
    assert not can(ada, "", "view")
    assert not can(ada, None, "view")
    assert scope(ada, "view").facets == {"ORDER"}
    assert not scope(ada, "view").every


def test_what_may_not_be_viewed_may_not_be_changed_either(ada: User):
    _grant(ada, "order desk", "view", "ORDER")
    _grant(ada, "order desk", "append")
    _grant(ada, "order desk", "reveal", "BANK_ACCOUNT")

    assert can(ada, "ORDER", "append")
    assert not can(ada, "BANK_ACCOUNT", "append")
    assert not can(ada, None, "append")
    assert not scope(ada, "reveal")


def test_the_rights_of_several_groups_add_up(ada: User):
    ada.groups.add(Group.objects.get(name="viewer"))
    _grant(ada, "order desk", "append", "ORDER")

    assert can(ada, "BANK_ACCOUNT", "view")
    assert can(ada, "ORDER", "append")
    assert not can(ada, "BANK_ACCOUNT", "append")


def test_asking_often_reads_groups_and_grants_once(ada: User, django_assert_num_queries):
    ada.groups.set(Group.objects.filter(name__in=["viewer", "operator"]))
    user = User.objects.get(username="ada")

    with django_assert_num_queries(1):
        assert can(user, "ORDER", "append")
        assert not can(user, "ORDER", "audit")
        assert rights_of(user).groups == ("operator", "viewer")


def test_a_refusal_names_the_groups_that_would_do(ada: User):
    _grant(ada, "order desk", "append", "ORDER")

    assert who_may("append", "ORDER") == ["corrector", "operator", "order desk"]
    assert who_may("append", "BANK_ACCOUNT") == ["corrector", "operator"]
    assert who_may("administer", None) == ["administrator"]
