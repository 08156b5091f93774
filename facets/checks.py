"""Start-up checks: every event of every definition has a form, what is sensitive is masked, every column has a key."""

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


@register()
def columns_have_keys(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What has no sort key is shown and searched, but a list can be neither sorted nor filtered by it."""
    # Not before the models are loaded.
    from facets.directory.index_entry import columns_of, is_masked, paths_of

    problems: list[CheckMessage] = []
    for definition in registry.definitions().values():
        keyed = {path for path, _ in columns_of(definition)}
        left = [
            path for path in paths_of(definition) if path not in keyed and not is_masked(definition, path)
        ]
        if left:
            problems.append(
                Warning(
                    f"{definition.name}: lists cannot be sorted or filtered by {', '.join(left)}: only the first "
                    f"{len(keyed)} of list_display and search_fields can be.",
                    hint="Name fewer, or those first by which staff look for entities.",
                    id="facets.W003",
                )
            )
    return problems
