"""Who may do what: the matrix of groups, actions and facets for administrators, and for everybody what they may do."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from facets import registry
from facets.definitions import display
from facets.views.permissions import WORDS, require
from hdeadmin.accounts import grants
from hdeadmin.accounts.grants import Change, LastAdministrator, NotGrantable
from hdeadmin.permissions.permissions import ACTIONS, FACET_ACTIONS, ROLES, administrators, rights_of, who_may


@dataclass(frozen=True, slots=True)
class Cell:
    """What a group may do in one column: the facets, by stored name, "" being every one."""

    action: str
    facets: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group of the matrix, and how many people are in it who may come in."""

    name: str
    people: int
    cells: list[Cell]


@require_http_methods(["GET", "HEAD", "POST"])
def rights(request: HttpRequest) -> HttpResponse:
    """The matrix; a POST grants or takes away what it says, once it is confirmed.

    422: there can be no such grant. 409: nobody would be left who may administer.
    """
    require(request, None, "administer")
    if request.method != "POST":
        return _matrix(request)
    revokes = request.POST.get("do") == "revoke"
    try:
        change = _change(request.POST)
        change.check()
    except NotGrantable as error:
        return _matrix(request, problem=str(error), status=422)
    if "confirmed" not in request.POST:
        return _confirm(request, change, revokes=revokes)
    try:
        done = (grants.revoke if revokes else grants.grant)(change, request=request)
    except LastAdministrator as error:
        return _matrix(request, problem=str(error), status=409)
    words = WORDS[change.action]
    if not done:
        messages.info(request, "There was nothing to change.")
    elif revokes:
        messages.success(request, f"{change.group} may no longer {words} in {_where(done)}.")
    else:
        messages.success(request, f"{change.group} may {words} in {_where(done)}.")
    return redirect("rights")


@require_safe
def my_rights(request: HttpRequest) -> HttpResponse:
    """What the person may do, facet by facet, and whom to ask for more."""
    mine = rights_of(request.user)
    view = mine.scopes.get("view")
    named = {facet for scope in mine.scopes.values() for facet in scope.facets}
    names = [name for name in registry.definitions() if view and view.includes(name)]
    names += sorted(name for name in named - set(names) if view and view.includes(name))
    rows = [
        {
            "name": name,
            "title": _title(name),
            "cells": [(action, mine.scopes[action].includes(name)) for action in FACET_ACTIONS],
        }
        for name in names
    ]
    if view and view.every:
        rows.append(
            {
                "name": "",
                "title": "Any other facet",
                "cells": [(action, mine.scopes[action].every) for action in FACET_ACTIONS],
            }
        )
    context = {
        "groups": mine.groups,
        "columns": [(action, WORDS[action], who_may(action, None)) for action in FACET_ACTIONS],
        "rows": rows,
        "administers": bool(mine.scopes.get("administer")),
        "administrators": administrators(),
    }
    return render(request, "facets/my_rights.html", context)


def _matrix(request: HttpRequest, *, problem: str = "", status: int = 200) -> HttpResponse:
    groups = Group.objects.prefetch_related("grants", "user_set")
    order = {name: place for place, name in enumerate(ROLES)}
    rows = [_row(group) for group in sorted(groups, key=lambda each: (order.get(each.name, 99), each.name))]
    context = {
        "columns": [(action, WORDS[action]) for action in ACTIONS],
        "rows": rows,
        "defined": list(registry.definitions().values()),
        "posted": request.POST,
        "chosen": request.POST.getlist("facet"),
        "problem": problem,
        "superusers": User.objects.filter(is_superuser=True, is_active=True).order_by("username"),
    }
    return render(request, "facets/rights.html", context, status=status)


def _row(group: Group) -> GroupRow:
    facets: dict[str, list[str]] = {}
    for each in group.grants.all():
        facets.setdefault(each.action, []).append(each.facet)
    people = sum(user.is_active for user in group.user_set.all())
    cells = [
        Cell(action, [(facet, _title(facet)) for facet in sorted(facets.get(action, ()))])
        for action in ACTIONS
    ]
    return GroupRow(group.name, people, cells)


def _change(posted: QueryDict) -> Change:
    """Raises NotGrantable."""
    action = posted.get("right", "")
    if action not in ACTIONS:
        raise NotGrantable("Choose a right.")
    named = [*posted.getlist("facet"), *posted.get("other", "").split(",")]
    facets = tuple(dict.fromkeys(name.strip() for name in named if name.strip()))
    if posted.get("where") == "named" and not facets:
        raise NotGrantable("Choose at least one facet, or every one.")
    group = posted.get("new_group", "").strip() or posted.get("group", "")
    return Change(group, action, facets if posted.get("where") == "named" else ())


def _confirm(request: HttpRequest, change: Change, *, revokes: bool) -> HttpResponse:
    people = User.objects.filter(groups__name=change.group, is_active=True).order_by("username")
    context = {
        "change": change,
        "words": WORDS[change.action],
        "where": _where(change.stored),
        "revokes": revokes,
        "is_new": not Group.objects.filter(name=change.group).exists(),
        "people": people[:20],
        "count": people.count(),
        "unknown": [name for name in change.facets if registry.get(name) is None],
        "is_mine": change.group in rights_of(request.user).groups,
    }
    return render(request, "facets/rights_confirm.html", context)


def _where(facets: Iterable[str]) -> str:
    return ", ".join(_title(facet) for facet in facets)


def _title(facet: str) -> str:
    if not facet:
        return "every facet"
    definition = registry.get(facet)
    return display.visible(definition.title if definition else facet)
