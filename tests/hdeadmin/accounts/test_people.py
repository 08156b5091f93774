"""What an administrator does to other people's accounts, by our pages and Django's admin."""

import re
from collections.abc import Callable

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Group, User
from django.test import Client
from pytest_django import Settings

from hdeadmin.audit import log as audit
from hdeadmin.audit.models import AuditEntry
from hdeadmin.permissions.models import Grant
from tests.hdeadmin.accounts.browsing import is_in, sign_in
from tests.hdeadmin.accounts.conftest import Make


def roles_of(user: User) -> set[str]:
    return {group.name for group in user.groups.all()}


def test_people_are_listed_with_their_roles_and_state(
    administrator: Client, make_person: Make, client: Client
):
    make_person("ada", "viewer", first_name="Ada", last_name="Reed")
    make_person("gone", is_active=False)
    administrator.post("/people/invite/", {"email": "new@example.com"})
    page = administrator.get("/people/").text

    assert "Ada Reed" in page
    assert re.findall(r'class="chip \w+">(\w+)<', page) == ["active", "disabled", "invited", "active"]
    found = administrator.get("/people/?q=REED").text
    assert "Ada Reed" in found
    assert "gone" not in found
    assert "Nobody is called so" in administrator.get("/people/", {"q": "<script>alert(1)</script>"}).text


def test_an_invitation_is_shown_once_and_opens_the_account(
    administrator: Client, client: Client, trail: Callable[[], list[str]]
):
    answer = administrator.post(
        "/people/invite/", {"email": "Ann@Example.com", "roles": ["viewer", "corrector"]}
    )
    link = re.search(r'value="http://testserver(/account/invitation/[^"]+)"', answer.text)
    ann = User.objects.get(username="ann")

    assert link
    assert client.get(link[1], follow=True).status_code == 200
    assert "/account/invitation/" not in administrator.get(f"/people/{ann.pk}/").text
    assert roles_of(ann) == {"viewer", "corrector"}
    entry = AuditEntry.objects.get(action="invited")
    assert entry.person == "root"
    assert entry.details["roles"] == ["corrector", "viewer"]
    assert link[1].split("/")[-2] not in str(AuditEntry.objects.values())


def test_a_bad_or_taken_e_mail_is_refused_and_kept(administrator: Client, ada: User):
    bad = administrator.post("/people/invite/", {"email": "ann", "roles": ["auditor"]})
    taken = administrator.post("/people/invite/", {"email": "ADA@example.com"})

    assert bad.status_code == taken.status_code == 422
    assert 'value="ann"' in bad.text
    assert re.search(r'value="auditor"\s+checked', bad.text)
    assert f'href="/people/{ada.pk}/"' in taken.text
    assert User.objects.count() == 2


def test_roles_are_set_and_each_change_is_on_record(
    administrator: Client, ada: User, trail: Callable[[], list[str]]
):
    administrator.post(f"/people/{ada.pk}/roles/", {"roles": ["corrector", "auditor", "no such role"]})

    assert roles_of(ada) == {"corrector", "auditor"}
    assert trail() == ["granted root", "revoked root"]
    assert AuditEntry.objects.get(action="revoked").details == {
        "person": "ada",
        "person_id": ada.pk,
        "roles": ["viewer"],
    }


def test_what_a_person_may_do_is_told_facet_by_facet(administrator: Client, ada: User):
    desk = Group.objects.create(name="order desk")
    for facet in ("ORDER", "<b>CLAIM"):
        Grant.objects.create(group=desk, action="append", facet=facet)
    ada.groups.add(desk)
    page = administrator.get(f"/people/{ada.pk}/").text

    assert '<dt>View</dt><dd class="break">every facet</dd>' in page
    assert '<dt>Append</dt><dd class="break">&lt;b&gt;CLAIM, ORDER</dd>' in page
    assert "<dt>Reveal</dt>" not in page
    administrator.post(f"/people/{ada.pk}/disable/")
    assert "Nothing while they are disabled." in administrator.get(f"/people/{ada.pk}/").text


def test_who_is_disabled_is_out_at_the_next_request(administrator: Client, ada: User, client: Client):
    sign_in(client)
    administrator.post(f"/people/{ada.pk}/disable/")
    assert not is_in(client)
    assert sign_in(Client()).url == "/account/inactive/"

    administrator.post(f"/people/{ada.pk}/enable/")
    assert sign_in(client).url == "/"


def test_a_new_link_and_a_reset_factor_end_what_was_there(administrator: Client, ada: User, client: Client):
    sign_in(client)
    Authenticator.objects.create(user=ada, type="totp", data={"secret": "x"})
    administrator.post(f"/people/{ada.pk}/factors/")
    assert not Authenticator.objects.exists()
    assert not is_in(client)

    sign_in(client)
    assert is_in(client)
    answer = administrator.post(f"/people/{ada.pk}/link/")
    assert "/account/invitation/" in answer.text
    assert not is_in(client)
    assert sign_in(Client()).status_code == 200


def test_sessions_are_ended(administrator: Client, ada: User, client: Client):
    sign_in(client)
    administrator.post(f"/people/{ada.pk}/sessions/")

    assert not is_in(client)
    assert sign_in(client).status_code == 302


def test_administrators_do_not_lock_themselves_out(administrator: Client, root: User):
    administrator.post(f"/people/{root.pk}/roles/", {"roles": ["viewer"]})
    administrator.post(f"/people/{root.pk}/disable/")
    page = administrator.get(f"/people/{root.pk}/")

    assert roles_of(root) == {"administrator"}
    assert User.objects.get(pk=root.pk).is_active
    assert "ask another administrator" in page.text


def test_the_last_who_may_administer_keeps_a_role_that_lets_them(make_person: Make, client: Client):
    """Whatever the role is called that gives the right."""
    platform = Group.objects.create(name="platform")
    Grant.objects.create(group=platform, action="administer", facet="")
    boss = make_person("boss", "platform")
    sign_in(client, "boss")

    page = client.post(f"/people/{boss.pk}/roles/", {"roles": ["viewer"]}, follow=True)

    assert "Nobody would be left who may administer" in page.text
    assert roles_of(boss) == {"platform"}
    second = make_person("second", "platform")
    client.post(f"/people/{boss.pk}/roles/", {"roles": ["viewer"]})
    assert (roles_of(boss), roles_of(second)) == ({"viewer"}, {"platform"})


def test_nobody_takes_from_themselves_that_they_may_do_everything(make_person: Make, client: Client):
    root = make_person("root", is_superuser=True)
    sign_in(client, "root")

    client.post(f"/admin/auth/user/{root.pk}/change/", {"username": "root", "email": "root@example.com"})

    root.refresh_from_db()
    assert root.is_superuser


@pytest.mark.parametrize("action", ["roles", "disable", "link", "sessions", "factors"])
def test_who_may_do_everything_is_changed_by_their_like_only(
    administrator: Client, make_person: Make, action: str
):
    above = make_person("above", is_superuser=True)
    before = User.objects.values().get(pk=above.pk)
    administrator.post(f"/people/{above.pk}/{action}/", {"roles": ["viewer"]})
    administrator.post(
        f"/admin/auth/user/{above.pk}/change/", {"username": "mine", "email": "mine@example.com"}
    )

    assert User.objects.values().get(pk=above.pk) == before
    assert not roles_of(above)


def test_nobody_makes_themselves_more_than_an_administrator(administrator: Client, root: User):
    administrator.post(
        f"/admin/auth/user/{root.pk}/change/",
        {"username": "root", "email": "root@example.com", "is_superuser": "on", "is_active": "on"},
    )

    assert not User.objects.get(pk=root.pk).is_superuser


def test_a_change_that_cannot_be_recorded_is_not_made(
    administrator: Client, ada: User, monkeypatch: pytest.MonkeyPatch
):
    def unavailable(values: object) -> None:
        raise audit.AuditUnavailable("gone")

    monkeypatch.setattr(audit, "_add", unavailable)
    administrator.raise_request_exception = False
    for action in ("roles", "disable", "factors"):
        assert administrator.post(f"/people/{ada.pk}/{action}/").status_code in (500, 503)

    assert roles_of(ada) == {"viewer"}
    assert User.objects.get(pk=ada.pk).is_active


def test_django_admin_changes_names_and_groups_and_nothing_else(
    administrator: Client, ada: User, trail: Callable[[], list[str]]
):
    index = administrator.get("/admin/").text
    assert set(re.findall(r'href="/admin/auth/(\w+)/"', index)) == {"user", "group"}
    for gone in (
        "auth/user/add/",
        f"auth/user/{ada.pk}/delete/",
        f"auth/user/{ada.pk}/password/",
        "account/",
        "mfa/",
        "password_change/",
        "socialaccount/",
    ):
        assert administrator.get(f"/admin/{gone}").status_code == 404, gone

    administrator.post(
        f"/admin/auth/user/{ada.pk}/change/",
        {
            "username": "ada",
            "first_name": "Ada",
            "last_name": "Reed",
            "email": "Reed@Example.com",
            "groups": "1",
        },
    )
    administrator.post("/admin/auth/group/add/", {"name": "specialists"})
    ada.refresh_from_db()
    assert (ada.get_full_name(), ada.email, ada.is_active, roles_of(ada)) == (
        "Ada Reed",
        "reed@example.com",
        True,
        {"viewer"},
    )
    assert trail() == ["person-changed root", "group-added root"]


def test_a_group_goes_with_its_grants_and_a_role_stays(administrator: Client, trail: Callable[[], list[str]]):
    group = Group.objects.create(name="specialists")
    Grant.objects.create(group=group, action="view", facet="ORDER")
    viewer = Group.objects.get(name="viewer")

    administrator.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"})
    assert administrator.post(f"/admin/auth/group/{viewer.pk}/delete/", {"post": "yes"}).status_code == 403
    assert administrator.post(f"/admin/auth/group/{viewer.pk}/change/", {"name": "x"}).status_code == 403

    assert not Group.objects.filter(name="specialists").exists()
    assert Group.objects.filter(name="viewer").exists()
    assert "group-deleted root" in trail()


def test_a_group_that_may_administer_stays_until_that_is_taken_away(administrator: Client):
    group = Group.objects.create(name="admins")
    Grant.objects.create(group=group, action="administer")

    assert administrator.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Group.objects.filter(name="admins").exists()


def test_who_may_not_administer_is_refused_and_it_is_on_record(
    ada: User, client: Client, trail: Callable[[], list[str]]
):
    sign_in(client)
    for url in ("/people/", "/people/invite/", f"/people/{ada.pk}/", "/admin/", "/admin/auth/user/"):
        assert client.get(url).status_code == 403, url
    assert "People" not in client.get("/account/").text

    assert trail().count("denied ada") == 5
    assert set(AuditEntry.objects.filter(action="denied").values_list("result", flat=True)) == {"denied"}


def test_a_person_sees_their_own_account(make_person: Make, client: Client, settings: Settings):
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": []}}
    client.force_login(make_person("eve", "viewer", "auditor", first_name="<b>Eve</b>"))
    page = client.get("/account/").text

    assert "auditor, viewer" in page
    assert "&lt;b&gt;Eve&lt;/b&gt;" in page
    assert "<b>Eve</b>" not in page
