"""What the frame of every page shows: the facets, and the label of the deployment."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest

from facets import registry
from facets.views.permissions import may
from hdeadmin.permissions.permissions import rights_of


def frame(request: HttpRequest) -> dict[str, Any]:
    """The frame's context; nothing for somebody who is not signed in."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"production_label": settings.HDEADMIN_PRODUCTION_LABEL}
    return {
        "production_label": settings.HDEADMIN_PRODUCTION_LABEL,
        "my_groups": rights_of(user).groups,
        "nav_facets": [
            definition
            for definition in registry.definitions().values()
            if may(request, definition.name, "view")
        ],
    }
