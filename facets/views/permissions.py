"""What the person of a request may do with a facet, and the words for what they may not."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from facets import registry
from facets.definitions import FacetDefinition
from hdeadmin.audit.log import AuditUnavailable, record
from hdeadmin.permissions.permissions import Action, can, who_may

UNDEFINED = "No definition of this facet is loaded, so its rules are not known. It can be read, not changed."
# What changes an entity takes rules.
_WRITES: tuple[Action, ...] = ("append", "recalculate")

WORDS: dict[Action, str] = {
    "view": "look at entities",
    "reveal": "reveal sensitive values",
    "append": "append events",
    "recalculate": "recalculate",
    "export": "export",
    "audit": "read the audit trail",
    "administer": "administer the console",
}


@dataclass(frozen=True, slots=True)
class Control:
    """A button: whether it can be used, and if not, why."""

    allowed: bool
    reason: str = ""


def may(request: HttpRequest, facet: str | None, action: Action) -> bool:
    return can(request.user, facet, action)


def control(request: HttpRequest, facet: str, action: Action) -> Control:
    """The button for an action on the facet's entities."""
    if action in _WRITES and registry.get(facet) is None:
        return Control(False, UNDEFINED)
    if not may(request, facet, action):
        return Control(False, f"{_needs(facet, action)}.")
    return Control(True)


def require_view(request: HttpRequest, facet: str) -> None:
    """Raise Http404, as for a facet that does not exist, where the person may not see it, which is put on record.

    Whether there is such a facet makes no difference to that either, nor to the time that it takes.
    """
    if not may(request, facet, "view"):
        _record_denial(request, facet, "view")
        raise Http404("There is no such facet.")


def require(request: HttpRequest, facet: str | None, action: Action) -> None:
    """Let the request go on only if its person may do `action` with the facet; with None, in every facet.

    Raises:
        Http404: they may not even see the facet.
        PermissionDenied: they lack the right, which is put on record.
    """
    if facet is not None:
        require_view(request, facet)
    if not may(request, facet, action):
        _record_denial(request, facet or "", action)
        raise PermissionDenied(f"{_needs(facet, action)}.")


def require_definition(request: HttpRequest, facet: str, action: Action) -> FacetDefinition[Any]:
    """The facet's definition, if the person may do `action`.

    Raises:
        Http404: they may not even see the facet.
        PermissionDenied: the facet is not defined, or they lack the right.
    """
    require_view(request, facet)
    definition = registry.get(facet)
    if definition is None:
        raise PermissionDenied(UNDEFINED)
    require(request, facet, action)
    return definition


def _record_denial(request: HttpRequest, facet: str, action: Action) -> None:
    match = request.resolver_match
    entity = str(match.kwargs.get("entity_id", "")) if match else ""
    # A refusal that cannot be recorded is one all the same.
    with suppress(AuditUnavailable):
        record(
            "denied", request=request, facet=facet, entity=entity, result="denied", details={"right": action}
        )


def _needs(facet: str | None, action: Action) -> str:
    """`Needs the right to append events, which corrector and operator have`."""
    holders = who_may(action, facet)
    have = "have" if len(holders) > 1 else "has"
    whose = f"{' and '.join([', '.join(holders[:-1]), holders[-1]] if holders[1:] else holders)} {have}"
    return f"Needs the right to {WORDS[action]}, which {whose if holders else 'nobody has'}"
