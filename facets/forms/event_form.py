"""An event's schema as a form: it collects text for one event; the schema, not the form, decides what is valid."""

from functools import cache
from typing import Any, cast

from django import forms
from pydantic import BaseModel, ValidationError

from facets.core import InvalidRecord, json
from facets.display import field_label
from facets.forms.fields import LEFT_OUT, field_for
from facets.stored_form import stored_key, to_stored

# Keeps a schema's field names apart from those of the page, such as `seq`.
PREFIX = "event"


class EventForm(forms.Form):
    """The base of the forms that `form_for` makes. After `is_valid`, `event_data` is the payload as plain JSON."""

    template_name = "forms/fields.html"
    schema: type[BaseModel]
    event_data: Any

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, prefix=PREFIX, use_required_attribute=False)

    def clean(self) -> dict[str, Any]:
        values = {name: value for name, value in self.cleaned_data.items() if value is not LEFT_OUT}
        for name in self.errors:
            # Judged already, as text that is not even JSON; the schema must not complain that it is missing.
            values.pop(name, None)
        try:
            event = self.schema.model_validate(values)
            self._add_unwritable(event)
            if not self.errors:
                self.event_data = to_stored(event)
        except ValidationError as error:
            for problem in error.errors(include_url=False):
                self._add_problem(problem["loc"], problem["msg"])
        return self.cleaned_data

    def _add_problem(self, place: tuple[int | str, ...], message: str) -> None:
        """Put a complaint of the schema at its field; within a JSON field, say where in it."""
        name = str(place[0]) if place else None
        inner = ".".join(str(part) for part in place[1:])
        if name in self.errors:
            return
        message = message.removeprefix("Value error, ")
        self.add_error(name if name in self.fields else None, f"{inner}: {message}" if inner else message)

    def _add_unwritable(self, event: BaseModel) -> None:
        """What the schema allows and JSON cannot hold: an infinite number, or a decimal of too many digits."""
        for name, info in self.schema.model_fields.items():
            try:
                json.dumps(to_stored(getattr(event, name)))
            except InvalidRecord as error:
                self.add_error(stored_key(name, info), error.reason)


@cache
def form_for(schema: type[BaseModel]) -> type[EventForm]:
    """A form class with one field for each of the schema's, in the same order."""
    fields: dict[str, Any] = {}
    for name, info in schema.model_fields.items():
        field = field_for(info, field_label(name, info))
        fields[stored_key(name, info)] = field
    made = cast(type[EventForm], type(f"{schema.__name__}Form", (EventForm,), fields))
    # Not among the fields above: one of them may have this name.
    made.schema = schema
    return made
