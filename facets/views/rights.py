"""What the person of a request may do with a facet, and the words for what they may not."""

from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest

from facets import registry
from facets.definition import FacetDefinition
from hdeadmin.access.rights import Action, can, who_may

UNDEFINED = "No definition of this facet is loaded, so its rules are not known. It can be read, not changed."


@dataclass(frozen=True, slots=True)
class Control:
    """A button: whether it can be used, and if not, why."""

    allowed: bool
    reason: str = ""


def may(request: HttpRequest, facet: str, action: Action) -> bool:
    return can(request.user, facet, action)


def control(request: HttpRequest, facet: str, action: Action) -> Control:
    """The button for an action on the facet's entities."""
    if registry.get(facet) is None:
        return Control(False, UNDEFINED)
    if not may(request, facet, action):
        return Control(False, f"Needs the role {who_may(action)}.")
    return Control(True)


def require_view(request: HttpRequest, facet: str) -> None:
    """Raise Http404, as for a facet that does not exist, where the person may not see it."""
    if not may(request, facet, "view"):
        raise Http404("There is no such facet.")


def require_definition(request: HttpRequest, facet: str, action: Action) -> FacetDefinition[Any]:
    """The facet's definition, if the person may do `action`, which writes.

    Raises:
        Http404: they may not even see the facet.
        PermissionDenied: the facet is not defined, or they lack the right.
    """
    require_view(request, facet)
    definition = registry.get(facet)
    if definition is None:
        raise PermissionDenied(UNDEFINED)
    if not may(request, facet, action):
        raise PermissionDenied(f"To {action} in {definition.title}, you need the role {who_may(action)}.")
    return definition
