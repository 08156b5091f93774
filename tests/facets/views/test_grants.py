"""The page of rights: a matrix for administrators, and for everybody what they may do."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.db import DatabaseError
from django.test import Client

from hdeadmin.accounts import grants
from hdeadmin.audit.models import AuditEntry
from hdeadmin.permissions.models import Grant
from hdeadmin.permissions.permissions import can

RIGHTS = "/rights/"
GRANT = {"do": "grant", "group": "viewer", "right": "append", "where": "named", "facet": ["ORDER"]}
REVOKE = {"do": "revoke", "group": "corrector", "right": "append"}
CONFIRMED = {"confirmed": "1"}


@pytest.fixture
def administrator(sign_in: Callable[[str | None], Client]) -> Client:
    return sign_in("administrator")


@pytest.fixture
def ann(db: None) -> User:
    ann = User.objects.create_user("ann", first_name="Ann", last_name="Lee")
    ann.groups.add(Group.objects.get(name="viewer"))
    return ann


def _fresh(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_a_right_is_granted_for_named_facets_once_it_is_confirmed(administrator: Client, ann: User):
    asked = administrator.post(RIGHTS, GRANT)

    assert "viewer</bdi> may append events" in asked.text
    assert "Ann Lee" in asked.text
    assert not can(_fresh(ann), "ORDER", "append")

    done = administrator.post(RIGHTS, GRANT | CONFIRMED, follow=True)

    assert "viewer may append events in Orders." in done.text
    assert can(_fresh(ann), "ORDER", "append")
    assert not can(_fresh(ann), "BANK_ACCOUNT", "append")
    entry = AuditEntry.objects.get(action="granted")
    assert (entry.person, entry.facet) == ("administrator", "ORDER")
    assert '"group":"viewer"' in entry.details_json


def test_a_right_is_taken_away_once_it_is_confirmed(administrator: Client, ann: User):
    ann.groups.set([Group.objects.get(name="corrector")])

    assert "may no longer" in administrator.post(RIGHTS, REVOKE).text
    assert can(_fresh(ann), "ORDER", "append")

    administrator.post(RIGHTS, REVOKE | CONFIRMED)

    assert not can(_fresh(ann), "ORDER", "append")
    assert AuditEntry.objects.filter(action="revoked", person="administrator").count() == 1


def test_the_matrix_shows_each_grant_with_a_way_to_take_it_away(administrator: Client):
    Grant.objects.create(group=Group.objects.get(name="viewer"), action="reveal", facet="LEGACY/cards")

    page = administrator.get(RIGHTS)

    assert "Take away: viewer may reveal in LEGACY/cards" in page.text
    assert "Take away: operator may recalculate in every facet" in page.text


def test_a_new_group_is_made_with_its_first_right(administrator: Client):
    administrator.post(
        RIGHTS, GRANT | CONFIRMED | {"new_group": "order desk", "right": "view", "other": "LEGACY/cards, X"}
    )

    facets = set(
        Grant.objects.filter(group__name="order desk", action="view").values_list("facet", flat=True)
    )
    assert facets == {"ORDER", "LEGACY/cards", "X"}


def test_the_last_administrator_cannot_be_locked_out(administrator: Client):
    last = {"do": "revoke", "group": "administrator", "right": "administer"} | CONFIRMED

    refused = administrator.post(RIGHTS, last)

    assert refused.status_code == 409
    assert "Nobody would be left" in refused.text
    assert administrator.get(RIGHTS).status_code == 200

    # With another who may, the right can go.
    User.objects.create_superuser("root")
    assert administrator.post(RIGHTS, last).status_code == 302
    assert administrator.get(RIGHTS).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"right": "fly"},
        {"right": "administer"},
        {"facet": [], "other": " , "},
        {"group": "", "new_group": ""},
        {"new_group": "x" * 151},
        {"new_group": "a\nb"},
        {"other": "x" * 256},
    ],
)
def test_what_cannot_be_granted_is_refused_and_what_was_chosen_stays(
    administrator: Client, wrong: dict[str, object]
):
    before = Grant.objects.count()

    refused = administrator.post(RIGHTS, GRANT | CONFIRMED | wrong)

    assert refused.status_code == 422
    assert "Nothing was changed." in refused.text
    assert Grant.objects.count() == before


def test_a_grant_that_cannot_be_put_on_record_is_not_made(
    administrator: Client, ann: User, monkeypatch: pytest.MonkeyPatch
):
    def fail(*args: object, **kwargs: object) -> None:
        raise DatabaseError("no space left")

    monkeypatch.setattr("hdeadmin.audit.log._add", fail)

    assert administrator.post(RIGHTS, GRANT | CONFIRMED).status_code == 503
    assert not can(_fresh(ann), "ORDER", "append")


def test_only_administrators_come_to_the_page_and_others_are_put_on_record(operator: Client):
    assert operator.get(RIGHTS).status_code == 403
    assert operator.post(RIGHTS, GRANT | CONFIRMED).status_code == 403
    assert AuditEntry.objects.filter(action="denied", person="operator").count() == 2


def test_everybody_sees_what_they_may_do_and_whom_to_ask(
    sign_in: Callable[[str | None], Client], corrector: Client
):
    User.objects.create_user("boss", first_name="Mary", last_name="Boss").groups.add(
        Group.objects.get(name="administrator")
    )

    page = corrector.get("/rights/mine/")
    nothing = sign_in(None).get("/rights/mine/")

    cells = dict(page.context["rows"][0]["cells"])
    assert cells == {
        "view": True,
        "reveal": False,
        "append": True,
        "recalculate": False,
        "export": False,
        "audit": False,
    }
    assert "Mary Boss" in page.text
    assert "You may not see anything yet" in nothing.text
    assert "Mary Boss" in nothing.text


def test_facets_that_may_not_be_viewed_are_not_among_ones_rights(sign_in: Callable[[str | None], Client]):
    desk = Group.objects.create(name="order desk")
    Grant.objects.create(group=desk, action="view", facet="ORDER")
    client = sign_in("order desk")

    page = client.get("/rights/mine/")

    assert [row["name"] for row in page.context["rows"]] == ["ORDER"]
    assert "BANK_ACCOUNT" not in page.text
    assert "Bank accounts" not in page.text


def test_two_who_take_away_each_others_right_leave_one(db: None):
    for name in ("a", "b"):
        User.objects.create_user(name).groups.add(Group.objects.create(name=name))
        grants.grant(grants.Change(name, "administer"))
    grants.revoke(grants.Change("a", "administer"))

    with pytest.raises(grants.LastAdministrator):
        grants.revoke(grants.Change("b", "administer"))

    assert grants.anybody_administers()
