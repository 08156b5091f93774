"""Start-up checks: every event of every definition has a form."""

from typing import Any

from django.core.checks import CheckMessage, Error, register

from facets import registry
from facets.forms.event_form import EventForm


@register()
def events_have_forms(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Build each form once, here and not in front of a customer."""
    problems: list[CheckMessage] = []
    for definition in registry.definitions().values():
        for event in definition.events.values():
            try:
                EventForm(event.schema)
            except Exception as error:  # noqa: BLE001  # whatever a schema makes a form field raise
                problems.append(
                    Error(f"{definition.name}: no form for {event.type}: {error}", id="facets.E001")
                )
    return problems
