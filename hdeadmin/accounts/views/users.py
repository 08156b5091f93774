"""Who may come in: the list of people, inviting, and what an administrator does to one account."""

from collections.abc import Callable
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from hdeadmin import mail
from hdeadmin.accounts import emails, invitations, mfa, users
from hdeadmin.audit.log import record
from hdeadmin.permissions.permissions import ROLES, Scope, can, rights_of

_PAGE = 100  # people


def _administrators_only(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not can(request.user, None, "administer"):
            record("denied", request=request, result="denied", details={"page": request.path})
            raise PermissionDenied("To see who may come in, you need the right to administer.")
        return view(request, *args, **kwargs)

    return guarded


@require_safe
@_administrators_only
def listed(request: HttpRequest) -> HttpResponse:
    """People by name, a page at a time, found by any part of name or e-mail."""
    words = request.GET.get("q", "").replace("\x00", "").strip()
    found = User.objects.prefetch_related("groups").order_by("username")
    if words:
        found = found.filter(
            Q(username__icontains=words)
            | Q(email__icontains=words)
            | Q(first_name__icontains=words)
            | Q(last_name__icontains=words)
        )
    strong = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type=Authenticator.Type.RECOVERY_CODES)
    page = Paginator(
        found.annotate(
            with_factor=Exists(strong),
            by_provider=Exists(SocialAccount.objects.filter(user=OuterRef("pk"))),
        ),
        _PAGE,
    ).get_page(request.GET.get("page"))
    rows = [{"person": person, "waiting": _is_waiting(person)} for person in page]
    return render(request, "access/people.html", {"rows": rows, "page": page, "q": words})


@require_http_methods(["GET", "HEAD", "POST"])
@_administrators_only
def invite(request: HttpRequest) -> HttpResponse:
    email, roles = request.POST.get("email", ""), request.POST.getlist("roles")
    if request.method != "POST":
        return _invite_form(request, email, roles)
    try:
        user, path = users.invite(email.replace("\x00", ""), roles, by=users.By(request))
    except ValidationError as error:
        return _invite_form(request, email, roles, error=" ".join(error.messages))
    except invitations.Taken as taken:
        return _invite_form(request, email, roles, taken=taken.args[0])
    return _hand_over(request, user, path, first=True)


@require_safe
@_administrators_only
def person(request: HttpRequest, pk: int) -> HttpResponse:
    return _page(request, get_object_or_404(User, pk=pk))


@require_POST
@_administrators_only
def change(request: HttpRequest, pk: int, action: str) -> HttpResponse:
    """One of the buttons on a person's page."""
    user = get_object_or_404(User, pk=pk)
    if action != "link" and action not in _CHANGES:
        raise Http404
    by = users.By(request)
    try:
        if action == "link":
            if not user.is_active:
                raise users.NotAllowed("They are disabled. Enable them first.")
            first = invitations.is_waiting(user)
            return _hand_over(request, user, users.invite_again(user, by=by), first=first)
        said = _CHANGES[action](request, user, by)
    except users.NotAllowed as error:
        messages.error(request, str(error))
    else:
        messages.success(request, said)
    return redirect("person", pk)


@require_POST
@_administrators_only
def sign_everybody_out(request: HttpRequest) -> HttpResponse:
    ended = users.end_everybodys_sessions(by=users.By(request))
    messages.success(
        request, f"{ended} session{'' if ended == 1 else 's'} ended. You are still signed in here."
    )
    return redirect("people")


def _set_roles(request: HttpRequest, user: User, by: users.By) -> str:
    users.set_roles(user, request.POST.getlist("roles"), by=by)
    return "The roles are set."


def _disable(request: HttpRequest, user: User, by: users.By) -> str:
    users.disable(user, by=by)
    return f"{user.get_username()} is disabled and signed out everywhere."


def _enable(request: HttpRequest, user: User, by: users.By) -> str:
    users.enable(user, by=by)
    return f"{user.get_username()} may come in again."


def _end_sessions(request: HttpRequest, user: User, by: users.By) -> str:
    ended = users.end_sessions(user, by=by)
    return f"{ended} session{'' if ended == 1 else 's'} ended."


def _reset_factors(request: HttpRequest, user: User, by: users.By) -> str:
    users.reset_factors(user, by=by)
    return f"{user.get_username()} sets up a second factor anew when they next sign in."


_CHANGES: dict[str, Callable[[HttpRequest, User, users.By], str]] = {
    "roles": _set_roles,
    "disable": _disable,
    "enable": _enable,
    "sessions": _end_sessions,
    "factors": _reset_factors,
}


def _hand_over(request: HttpRequest, user: User, path: str, *, first: bool) -> HttpResponse:
    """Send the link, or show it, this once."""
    link = request.build_absolute_uri(path)
    problem = ""
    if mail.is_configured():
        try:
            emails.send_link(user, link, first=first)
        except mail.MailUnavailable as error:
            problem = str(error)
        else:
            messages.success(request, f"{user.get_username()} was sent a link to {user.email}.")
            return redirect("person", user.pk)
    return _page(request, user, link=link, first=first, problem=problem)


def _page(request: HttpRequest, user: User, **more: Any) -> HttpResponse:
    reachable = bool(request.user.is_superuser or not user.is_superuser)
    return render(
        request,
        "access/person.html",
        {
            "person": user,
            "roles": _roles(user.groups.values_list("name", flat=True)),
            "rights": [
                (action.capitalize(), _where(scope))
                for action, scope in rights_of(user).scopes.items()
                if scope
            ],
            "waiting": _is_waiting(user),
            "has_factor": mfa.has_factor(user),
            "must_have_factor": mfa.must_have_factor(user),
            "identities": SocialAccount.objects.filter(user=user),
            "session_count": len(UserSession.objects.purge_and_list(user)),
            "is_me": user.pk == request.user.pk,
            "reachable": reachable,
            "mail": mail.is_configured() and bool(user.email),
            **more,
        },
    )


def _invite_form(
    request: HttpRequest, email: str, roles: list[str], *, error: str = "", taken: User | None = None
) -> HttpResponse:
    return render(
        request,
        "access/invite.html",
        {
            "email": email,
            "roles": _roles(roles),
            "error": error,
            "taken": taken,
            "mail": mail.is_configured(),
        },
        status=422 if error or taken else 200,
    )


def _roles(chosen: Any) -> list[dict[str, Any]]:
    """The groups to choose from, those that every deployment has first."""
    names = list(Group.objects.order_by("name").values_list("name", flat=True))
    own = [name for name in names if name not in ROLES]
    return [
        {"name": name, "chosen": name in set(chosen)}
        for name in [role for role in ROLES if role in names] + own
    ]


def _where(scope: Scope) -> str:
    return "every facet" if scope.every else ", ".join(sorted(scope.facets))


def _is_waiting(user: User) -> bool:
    return invitations.is_waiting(user) and not getattr(user, "by_provider", False)
