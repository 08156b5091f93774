"""Django's own commands that make an account or change one: they leave an entry, like everything else that does."""

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from hdeadmin.audit import log as audit_trail
from hdeadmin.audit.models import AuditEntry
from tests.hdeadmin.accounts.conftest import PASSWORD


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal at which somebody types a good password."""
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    monkeypatch.setattr("getpass.getpass", lambda prompt="": PASSWORD)


def make_superuser() -> None:
    call_command("createsuperuser", interactive=False, username="boss", email="boss@example.com", verbosity=0)


def test_whoever_may_do_everything_is_on_record(db: None, typed: None):
    make_superuser()

    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.details) == ("superuser-made", {"person": "boss"})
    assert entry.person.startswith("manage.py")


def test_a_password_changed_on_the_server_is_on_record(db: None, typed: None):
    User.objects.create_user("ann")
    call_command("changepassword", "ann")

    assert User.objects.get().check_password(PASSWORD)
    [entry] = AuditEntry.objects.all()
    assert (entry.action, entry.details) == ("password-changed", {"person": "ann"})


def test_what_cannot_be_recorded_is_not_done(db: None, typed: None, monkeypatch: pytest.MonkeyPatch):
    def refuse(*args: object, **kwargs: object) -> None:
        raise audit_trail.AuditUnavailable("disk full")

    monkeypatch.setattr("hdeadmin.accounts.management.on_record.record", refuse)

    with pytest.raises(CommandError, match="nothing was changed"):
        make_superuser()
    assert not User.objects.exists()
