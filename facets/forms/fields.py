"""The form field for a type of a schema's field, and what its text means."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from django import forms
from pydantic.fields import FieldInfo

from facets.core import InvalidRecord, json
from facets.display import indented
from facets.stored_form import to_stored

# The value of a field that was left empty: it is not handed to the schema.
LEFT_OUT: Any = type("LeftOut", (), {"__repr__": lambda self: "LEFT_OUT", "__bool__": lambda self: False})()


class TextField(forms.CharField):
    """Text as it was typed. What it means, and whether it is right, is for the schema to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strip=False, empty_value=LEFT_OUT, **options)

    def to_python(self, value: Any) -> Any:
        return super().to_python(value)


class NumberField(TextField):
    """The text of a number. No `type="number"`: browsers throw away what they cannot read."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "mono", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.strip() or LEFT_OUT if text is not LEFT_OUT else text


class MomentField(TextField):
    """A date and time, taken as UTC where it names no zone."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "1"}, format="%Y-%m-%dT%H:%M:%S")

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        try:
            moment = datetime.fromisoformat(text)
        except (TypeError, ValueError):
            return text
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class DayField(TextField):
    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")


class ChoiceField(forms.TypedChoiceField):
    """One of several JSON values; the option's value is its JSON text, so that 1 and "1" are two options."""

    def __init__(self, values: list[Any], **options: Any) -> None:
        choices = [
            (json.dumps(value), value if isinstance(value, str) else json.dumps(value)) for value in values
        ]
        super().__init__(choices=[("", "—"), *choices], coerce=json.loads, empty_value=LEFT_OUT, **options)


class JsonField(TextField):
    """Any JSON value, typed as JSON."""

    widget = forms.Textarea(attrs={"class": "mono", "rows": 5, "spellcheck": "false", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text is LEFT_OUT or not text.strip():
            return LEFT_OUT
        try:
            return json.loads(text)
        except InvalidRecord as error:
            raise forms.ValidationError(error.reason, code="json") from error


FIELD_FOR_TYPE: dict[type, Callable[..., forms.Field]] = {
    str: TextField,
    int: NumberField,
    float: NumberField,
    Decimal: NumberField,
    date: DayField,
    datetime: MomentField,
}


def field_for(info: FieldInfo, label: str) -> forms.Field:
    """The form field for one field of a schema; one for JSON where the type is nested or unknown.

    No field is required by the form: what is required, the schema says.
    """
    kind, optional = _unwrap(info.annotation)
    options: dict[str, Any] = {"required": False, "label": label, "help_text": info.description or ""}
    values = _values(kind)
    if kind is bool and optional:
        field: forms.Field = ChoiceField([True, False], **options)
    elif kind is bool:
        field = forms.BooleanField(**options)
    elif values:
        field = ChoiceField(values, **options)
    else:
        field = FIELD_FOR_TYPE.get(kind, JsonField)(**options)
    if isinstance(field, MomentField):
        field.help_text = f"{field.help_text} In UTC.".strip()
    if isinstance(field, JsonField):
        field.help_text = f"{field.help_text} As JSON.".strip()
    if info.examples and isinstance(info.examples[0], str) and isinstance(field, TextField):
        field.widget.attrs["placeholder"] = f"e.g. {info.examples[0]}"
    field.initial = _initial(field, info)
    # For the template: `required` would make Django judge it too.
    field.widget.attrs |= {"aria-required": "true"} if info.is_required() and kind is not bool else {}
    return field


def _initial(field: forms.Field, info: FieldInfo) -> Any:
    if info.is_required() or info.default_factory is not None or info.default is None:
        return None
    default = to_stored(info.default)
    if isinstance(field, forms.BooleanField) or (isinstance(field, TextField) and isinstance(default, str)):
        return default
    return indented(default) if isinstance(field, JsonField) else json.dumps(default)


def _values(kind: Any) -> list[Any]:
    if get_origin(kind) is Literal:
        return [to_stored(value) for value in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [to_stored(member) for member in kind]
    return []


def _unwrap(annotation: Any) -> tuple[Any, bool]:
    """The type without `Annotated` and `| None`, and whether None was allowed."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _unwrap(get_args(annotation)[0])
    if origin in (Union, UnionType):
        kinds = [kind for kind in get_args(annotation) if kind is not type(None)]
        if len(kinds) == 1:
            return _unwrap(kinds[0])[0], len(kinds) < len(get_args(annotation))
    return annotation, False
