"""manage.py grant."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from hdeadmin.audit.models import AuditEntry
from hdeadmin.permissions.models import Grant
from hdeadmin.permissions.permissions import can

pytestmark = pytest.mark.django_db


def run(*arguments: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("grant", *arguments, stdout=out, stderr=out, **options)
    return out.getvalue()


def test_a_right_is_granted_and_taken_away():
    ann = User.objects.create_user("ann")
    ann.groups.add(Group.objects.get(name="viewer"))

    assert "viewer may append: ORDER." in run("viewer", "append", "--facet", "ORDER")
    assert can(User.objects.get(username="ann"), "ORDER", "append")
    assert "granted already" in run("viewer", "append", "--facet", "ORDER")
    assert "may no longer append: ORDER." in run("viewer", "append", "--facet", "ORDER", "--revoke")
    assert "Nothing to take away" in run("viewer", "append", "--facet", "ORDER", "--revoke")
    assert not can(User.objects.get(username="ann"), "ORDER", "append")
    assert list(AuditEntry.objects.order_by("number").values_list("action", flat=True)) == [
        "granted",
        "revoked",
    ]
    assert AuditEntry.objects.first().person.startswith("manage.py")  # type: ignore[union-attr]


def test_a_group_is_made_only_where_it_is_asked_for():
    with pytest.raises(CommandError, match=r"no group 'desk'.*viewer.*--create"):
        run("desk", "view")

    assert "desk may view: every facet." in run("desk", "view", "--create")


def test_who_has_what_is_listed():
    Group.objects.create(name="idle")
    run("viewer", "reveal", "--facet", "ORDER", "--facet", "BANK_ACCOUNT")

    listed = run("--list")

    assert "viewer\n  view: every facet\n  reveal: BANK_ACCOUNT, ORDER\n" in listed
    assert "idle\n  nothing\n" in listed
    assert run("idle", "--list") == "idle\n  nothing\n"


def test_a_facet_without_a_definition_is_taken_as_it_is_and_said():
    assert "No definition of 'NOPE' is loaded" in run("viewer", "append", "--facet", "NOPE")
    assert Grant.objects.filter(action="append", facet="NOPE").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "Name a GROUP and an ACTION"),
        (("viewer", "administer", "--facet", "ORDER"), "Nothing was changed"),
        (("viewer", "fly"), "invalid choice"),
    ],
)
def test_what_makes_no_sense_changes_nothing(arguments: tuple[str, ...], words: str):
    with pytest.raises(CommandError, match=words):
        run(*arguments)


def test_the_last_administrator_stays():
    User.objects.create_user("ann").groups.add(Group.objects.get(name="administrator"))

    with pytest.raises(CommandError, match="Nobody would be left"):
        run("administrator", "administer", "--revoke")
