"""Start-up checks: every event of every definition has a form, and what is sensitive is there to be masked."""

from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register

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


@register()
def sensitive_fields_are_fields(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """A mistyped path masks nothing, and nobody would notice."""
    problems: list[CheckMessage] = []
    for definition in registry.definitions().values():
        problems += [
            Warning(
                f"{definition.name}: sensitive_fields names {path!r}, which neither the state nor any event has.",
                hint="Mend the path. If it is of messages or of another service's fields, silence facets.W001.",
                id="facets.W001",
            )
            for path in definition.unknown_sensitive_fields()
        ]
        searched = set(definition.search_fields) & set(definition.sensitive_fields)
        problems += [
            Warning(
                f"{definition.name}: {path!r} is sensitive, so it is not searched.",
                hint="Take it out of search_fields.",
                id="facets.W002",
            )
            for path in sorted(searched)
        ]
    return problems
