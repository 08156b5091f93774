"""The demo's people."""

import pytest
from django.contrib.auth import authenticate
from django.contrib.auth.models import User

from facets.demo.users import ROLES, OtherPeople, make_users, new_password
from hdeadmin.permissions import permissions

pytestmark = pytest.mark.django_db


def test_there_is_one_for_each_role_who_can_sign_in() -> None:
    make_users("open sesame")

    assert set(ROLES) == set(permissions.ROLES)
    for role in ROLES:
        user = authenticate(username=role, password="open sesame")
        assert user is not None
        assert [group.name for group in user.groups.all()] == [role]
        assert not user.is_superuser


def test_another_password_replaces_the_last_one() -> None:
    make_users("open sesame")
    make_users("another one")

    assert authenticate(username="viewer", password="open sesame") is None
    assert authenticate(username="viewer", password="another one") is not None


def test_who_has_signed_in_stays_so_while_the_password_is_the_same() -> None:
    make_users("open sesame")
    before = User.objects.get(username="viewer").get_session_auth_hash()
    make_users("open sesame")

    assert User.objects.get(username="viewer").get_session_auth_hash() == before


def test_a_database_with_other_people_is_left_alone() -> None:
    User.objects.create_user("viewer", "viewer@example.com", "her own")

    with pytest.raises(OtherPeople):
        make_users("open sesame")

    assert authenticate(username="viewer", password="her own") is not None
    assert User.objects.count() == 1


def test_whoever_was_invited_into_the_demo_stays_there_with_their_password() -> None:
    make_users("open sesame")
    ann = User.objects.create_user("ann", "ann@example.com", "her own")
    before = User.objects.get(username="viewer").get_session_auth_hash()
    make_users("open sesame")
    assert User.objects.get(username="viewer").get_session_auth_hash() == before
    make_users("another one")

    assert authenticate(username="ann", password="her own") == ann
    assert authenticate(username="viewer", password="another one") is not None


def test_passwords_are_long_and_never_the_same() -> None:
    made = {new_password() for _ in range(100)}

    assert len(made) == 100
    assert min(map(len, made)) >= 15
