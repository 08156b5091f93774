"""What an administrator does to somebody's account. Each change and its audit entry stand or fall together."""

from collections.abc import Callable, Collection
from functools import wraps
from typing import Any

from django.contrib.auth.models import Group, User
from django.http import HttpRequest

from hdeadmin.accounts import invitations, mfa, sessions
from hdeadmin.accounts.grants import LastAdministrator, keeping_an_administrator
from hdeadmin.audit.log import record


class NotAllowed(Exception):
    """The change would lock its maker out, or reach above them. `args[0]` says why."""


def _whole(change: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(change)
    def whole(*args: Any, **kwargs: Any) -> Any:
        try:
            with keeping_an_administrator():
                return change(*args, **kwargs)
        except LastAdministrator as error:
            raise NotAllowed(*error.args) from error

    return whole


@_whole
def invite(email: str, roles: Collection[str], *, by: "By") -> tuple[User, str]:
    """Make somebody an account with these roles; the account and the path of the link that opens it.

    Raises:
        ValidationError, invitations.Taken
    """
    user = invitations.new_person(email)
    user.groups.set(Group.objects.filter(name__in=roles))
    path = invitations.path_of_new_link(user)
    by.record("invited", user, e_mail=user.email, roles=sorted(roles))
    return user, path


@_whole
def invite_again(user: User, *, by: "By") -> str:
    """The path of a new link. The password, earlier links and sessions are good no longer."""
    by.require_reach(user)
    waiting = invitations.is_waiting(user)
    path = invitations.path_of_new_link(user)
    sessions.end_sessions(user)
    by.record("invited" if waiting else "password-link-made", user)
    return path


@_whole
def set_roles(user: User, roles: Collection[str], *, by: "By") -> None:
    """Let these be the person's groups, and no others."""
    by.require_reach(user)
    before = set(user.groups.values_list("name", flat=True))
    after = set(Group.objects.filter(name__in=roles).values_list("name", flat=True))
    if by.is_person(user) and "administrator" in before - after:
        raise NotAllowed(
            "You cannot take the role of administrator from yourself; ask another administrator."
        )
    user.groups.set(Group.objects.filter(name__in=after))
    if after - before:
        by.record("granted", user, roles=sorted(after - before))
    if before - after:
        by.record("revoked", user, roles=sorted(before - after))


@_whole
def disable(user: User, *, by: "By") -> None:
    """Keep somebody out, from their next request on."""
    by.require_reach(user)
    if by.is_person(user):
        raise NotAllowed("You cannot disable yourself; ask another administrator.")
    User.objects.filter(pk=user.pk).update(is_active=False)
    sessions.end_sessions(user)
    by.record("disabled", user)


@_whole
def enable(user: User, *, by: "By") -> None:
    by.require_reach(user)
    User.objects.filter(pk=user.pk).update(is_active=True)
    by.record("enabled", user)


@_whole
def end_sessions(user: User, *, by: "By") -> int:
    """Sign somebody out everywhere; how many sessions that ended."""
    by.require_reach(user)
    ended = sessions.end_sessions(user)
    by.record("sessions-ended", user, sessions=ended)
    return ended


@_whole
def end_everybodys_sessions(*, by: "By") -> int:
    """Sign everybody out but whoever does it; how many sessions that ended."""
    own = by.request.session.session_key if by.request else None
    ended = sessions.end_all_but(own)
    record("sessions-ended", request=by.request, details={"sessions": ended}, in_transaction=True)
    return ended


@_whole
def reset_factors(user: User, *, by: "By") -> None:
    """Take somebody's second factors away, so that they set up new ones; their sessions end."""
    by.require_reach(user)
    mfa.reset(user)
    sessions.end_sessions(user)
    by.record("factors-reset", user)


class By:
    """Who makes a change: the person of a request, or whoever runs a command on the server."""

    def __init__(self, request: HttpRequest | None = None, name: str = "") -> None:
        self.request = request
        self.name = name

    def is_person(self, user: User) -> bool:
        return self.request is not None and self.request.user.pk == user.pk

    def require_reach(self, user: User) -> None:
        """Raises NotAllowed where the person may do everything and whoever changes them may not."""
        if self.request is not None and user.is_superuser and not self.request.user.is_superuser:
            raise NotAllowed("Only somebody who may do everything can change somebody who may do everything.")

    def record(self, action: str, user: User, **details: Any) -> None:
        record(
            action,
            request=self.request,
            user=self.name or None,
            details={"person": user.get_username(), "person_id": user.pk, **details},
            in_transaction=True,
        )
