"""FacetDefinition: everything about one facet. Its schema, its rules, and how staff see them."""

from __future__ import annotations

import enum
import re
import string
from _string import formatter_field_name_split  # type: ignore[import-not-found]  # as string.Formatter does
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.fields import FieldInfo

from facets.core import Facet, InvalidRecord, Processor, Record, StateUpdaterInput, json
from facets.core.diff import ABSENT, Change, diff
from facets.core.json import JSON
from facets.core.processor import Publish
from facets.core.store import EventStore
from facets.definitions.masking import MASKED, holds_sensitive, mask, mask_unknown, redact
from facets.definitions.merge import keep_stored
from facets.definitions.serialization import WrittenAsNull, initial_of, stored_key, to_stored
from facets.definitions.source import attach, models_in, reader

__all__ = [
    "DefinitionError",
    "EventType",
    "FacetDefinition",
    "Model",
    "TypedProcessor",
    "WrittenAsNull",
    "difference",
    "first_problem",
    "fits",
    "humanize",
    "in_words",
]

_DEEPEST = 6  # keys; a model may hold itself

State = TypeVar("State", bound=BaseModel)
Schema = TypeVar("Schema", bound=BaseModel)
Rule = Callable[[State, Schema, Publish], State]
_ModelClass: TypeAlias = type[BaseModel]


class DefinitionError(ValueError):
    """A facet's definition contradicts itself; the message names the facet and the field."""


class Model(BaseModel):
    """The base of states and events: fields that it does not name are kept, since other services write them."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True)
class EventType:
    """One type of inbound event.

    Attributes:
        sentence: what the timeline says, a template over the event's fields: "{amount:+} · {desc}".
        compensate: from an event to the type and event that take its effect back; None where nothing can.
        dangerous: what a person is warned of before they append one; "" for nothing.
    """

    type: str
    schema: _ModelClass
    title: str
    help: str
    sentence: str
    compensate: Callable[[Any], tuple[str, BaseModel]] | None
    rule: Callable[[Any, Any, Publish], Any]
    dangerous: str = ""


class FacetDefinition(Generic[State]):
    """A facet that staff can open.

    Args:
        name: the facet's name in the table; holds no `/`.
        title: what staff call its entities, in the plural.
        state: the state's schema; its defaults are the state before the first event. Derive it from `Model`.
        list_display, search_fields, chart_fields: names of fields of the state, as they are stored.
        sensitive_fields: paths in the state, in events and in messages whose values are masked: dotted keys as they
            are stored, list indexes left out, each matching at any depth. None of them can be drawn, sorted by, or
            searched but as the next line says.
        searchable_sensitive: those fields of the state, sensitive as they are, by whose whole value an entity may be
            found. The directory keeps a keyed hash of them.
        help: a line about the facet for staff.

    Raises:
        DefinitionError
    """

    def __init__(
        self,
        *,
        name: str,
        title: str,
        state: type[State],
        list_display: tuple[str, ...] = (),
        search_fields: tuple[str, ...] = (),
        sensitive_fields: tuple[str, ...] = (),
        searchable_sensitive: tuple[str, ...] = (),
        chart_fields: tuple[str, ...] = (),
        help: str = "",
    ) -> None:
        self.name = name
        self.title = title
        self.state = state
        self.list_display = list_display
        self.search_fields = search_fields
        self.sensitive_fields = sensitive_fields
        self.searchable_sensitive = searchable_sensitive
        self.chart_fields = chart_fields
        self.help = help
        self.events: dict[str, EventType] = {}
        if not name or "/" in name:
            raise DefinitionError(f"Facet {name!r}: its name must not be empty, nor hold '/'.")
        self._check_model(state)
        try:
            state()
        except ValidationError as error:
            fields = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
            raise DefinitionError(f"Facet {name}: {state.__name__} needs defaults for {fields}.") from error
        known = {stored_key(field_name, field) for field_name, field in state.model_fields.items()}
        for option in ("list_display", "search_fields", "chart_fields", "searchable_sensitive"):
            for path in getattr(self, option):
                if path.split(".")[0] not in known:
                    raise DefinitionError(f"Facet {name}: {option} names {path!r}, not a field of the state.")
        for path in searchable_sensitive:
            *under, key = path.split(".")
            if not holds_sensitive({key: True}, sensitive_fields, under=under):
                raise DefinitionError(
                    f"Facet {name}: searchable_sensitive names {path!r}, which sensitive_fields does not mask; name it "
                    "in search_fields."
                )
        for path in sensitive_fields:
            if not path or not all(path.split(".")):
                raise DefinitionError(
                    f"Facet {name}: sensitive_fields names {path!r}, which is no path of keys."
                )
        for path in chart_fields:
            if mask(None, sensitive_fields, under=path.split(".")) is MASKED:
                raise DefinitionError(f"Facet {name}: chart_fields draws {path!r}, which is sensitive.")

    def __repr__(self) -> str:
        return f"FacetDefinition({self.name!r})"

    def event(
        self,
        type: str,
        schema: type[Schema],
        *,
        sentence: str = "",
        title: str = "",
        help: str = "",
        compensate: Callable[[Schema], tuple[str, BaseModel]] | None = None,
        dangerous: str = "",
    ) -> Callable[[Rule[State, Schema]], Rule[State, Schema]]:
        """Register the decorated rule for one type of event.

        The rule is given the state, the event and `publish(name, message)`; it returns the new state, which may be
        the one it was given, changed. `dangerous` is a warning that staff read before they append such an event.
        """

        def register(rule: Rule[State, Schema]) -> Rule[State, Schema]:
            if type in self.events:
                raise DefinitionError(f"Facet {self.name}: two rules for {type!r}.")
            self._check_model(schema)
            _check_sentence(self.name, type, sentence)
            self.events[type] = EventType(
                type, schema, title or humanize(type), help, sentence, compensate, rule, dangerous
            )
            return rule

        return register

    @cached_property
    def processor(self) -> TypedProcessor:
        return TypedProcessor(self)

    def facet(self, db: EventStore) -> Facet:
        return Facet(self.name, db, self.processor)

    def sentence(self, type: str, data: JSON, *, sensitive: Sequence[str] | None = None) -> str:
        """What happened, as plain text of unescaped, hostile origin. Never raises: falls back on the type's title.

        Sensitive values are masked, unless `sensitive` is (): they were revealed.
        """
        sensitive = self.sensitive_fields if sensitive is None else sensitive
        event_type = self.events.get(type)
        if event_type is None:
            return humanize(type)
        try:
            event = event_type.schema.model_validate(data)
            text = _Sentences(event, sensitive).vformat(event_type.sentence, (), dict(event))
            return text or event_type.title
        except Exception:  # noqa: BLE001 - whatever a template meets in hostile data, the page must stand
            return event_type.title

    def masked(self, record: Record, *, sensitive: Sequence[str] | None = None) -> JSON:
        """A record's payload with its sensitive values masked, unless `sensitive` is (): they were revealed.

        MASKED whole where it is not JSON, does not fit its schema, or has no schema and is no object: what stands where
        in it is not known then.

        Raises:
            InvalidRecord: it is not JSON, and nothing is sensitive.
        """
        sensitive = self.sensitive_fields if sensitive is None else sensitive
        if not sensitive:
            return record.data
        schema: _ModelClass | None = self.state if record.kind == "STATE" else None
        if record.kind == "INBOUND" and record.typ in self.events:
            schema = self.events[record.typ].schema
        try:
            data = record.data
        except InvalidRecord:
            return MASKED
        if schema is None:
            return mask_unknown(data, sensitive)
        return mask(data, sensitive) if fits(data, schema) else MASKED

    def label(self, field: str) -> str:
        """A field of the state as staff read it: its title, or its name in words."""
        for name, info in self.state.model_fields.items():
            if field == stored_key(name, info) and info.title:
                return info.title
        return humanize(field)

    def heading(self, field: str) -> str:
        """The label with what the field's numbers count, where the schema says so: `Balance, EUR`."""
        fields = self.state.model_fields.items()
        units = (unit_of(info) for name, info in fields if field == stored_key(name, info))
        return with_unit(self.label(field), next(units, ""))

    def unknown_sensitive_fields(self) -> list[str]:
        """Those sensitive fields that neither the state nor any event has: mistyped, or of messages alone."""
        models: list[_ModelClass] = [self.state, *(event.schema for event in self.events.values())]
        chains = {chain for model in models for chain in _chains(model)}
        return [
            path
            for path in self.sensitive_fields
            if not any(mask(None, (path,), under=chain) is MASKED for chain in chains)
        ]

    def _check_model(self, model: type[BaseModel]) -> None:
        """Refuse models that would drop what they do not know."""
        for reached in models_in(model):
            if reached.model_config.get("extra") != "allow":
                raise DefinitionError(
                    f"Facet {self.name}: {reached.__module__}.{reached.__name__} would drop fields that other "
                    'services wrote. Derive it from facets.definitions.Model, or set extra="allow".'
                )


class TypedProcessor(Processor[BaseModel]):
    """Runs a definition's rules on its models; takes and gives plain JSON like any processor.

    What it raises itself quotes no sensitive value, nor does what it was raised from, which logs would show.
    """

    def __init__(self, definition: FacetDefinition[Any]) -> None:
        rules = {event.type: _on_models(event, definition) for event in definition.events.values()}
        super().__init__(rules, lambda: initial_of(definition.state))
        self.model = definition.state
        self._definition = definition

    @property
    def sensitive(self) -> tuple[str, ...]:
        return self._definition.sensitive_fields

    def load(self, state: JSON) -> BaseModel:
        try:
            loaded: BaseModel = self.model.model_validate(state)
        except ValidationError as error:
            problem = redact(first_problem(error), self.sensitive, state)
            raise InvalidRecord(f"The state does not fit {self.model.__name__}: {problem}") from None
        try:
            attach(loaded, state)
        except RecursionError:
            raise InvalidRecord("The state is nested too deeply.") from None
        return loaded

    def dump(self, state: BaseModel, before: JSON | None, replaced: JSON | None) -> JSON:
        try:
            stored = to_stored(state, ABSENT if before is None else before)
            return stored if replaced is None else keep_stored(stored, state, replaced)
        except RecursionError:
            raise InvalidRecord("The state is nested too deeply, or holds itself.") from None
        except InvalidRecord as error:
            if not self.sensitive:
                raise
            raise InvalidRecord(
                redact(error.reason, self.sensitive, state.model_dump(by_alias=True))
            ) from None

    def message(self, data: Any) -> JSON:
        try:
            return json.copy(to_stored(data))
        except RecursionError:
            raise InvalidRecord("The message is nested too deeply, or holds itself.") from None


def fits(data: JSON, schema: type[BaseModel]) -> bool:
    """Whether a payload is what its schema says. Never raises."""
    try:
        schema.model_validate(data)
    except Exception:  # noqa: BLE001 - not of the schema, or a validator of the schema itself failed
        return False
    return True


def difference(processor: Processor[Any], stored: JSON, replayed: JSON) -> list[Change]:
    """From a stored state, ABSENT where there is none, to the one that the rules make.

    Of a stored state that does not fit its schema the values are MASKED where something is sensitive in the facet.
    """
    changes = diff(stored, replayed)
    typed = processor if isinstance(processor, TypedProcessor) else None
    if typed is None or not typed.sensitive or stored is ABSENT or fits(stored, typed.model):
        return changes
    return [change if change.old is ABSENT else replace(change, old=MASKED) for change in changes]


def in_words(processor: Processor[Any], error: Exception, *values: JSON) -> str:
    """What an exception of a rule says, without the sensitive values that it quotes. Hostile text maybe; never empty.

    Args:
        processor: whose rule it is. Of a definition it knows what is sensitive.
        values: all that the rule was given: the state before, the event.
    """
    try:
        text = error.reason if isinstance(error, InvalidRecord) else str(error)
    except Exception:  # noqa: BLE001 - an exception's own words are somebody else's code too
        text = ""
    text = text or type(error).__name__
    return redact(text, processor.sensitive, *values) if isinstance(processor, TypedProcessor) else text


def unit_of(info: FieldInfo | None) -> str:
    """What the field's numbers count, as its `json_schema_extra={"unit": "EUR"}` says; else ""."""
    extra = info.json_schema_extra if info else None
    return str(extra.get("unit", "")) if isinstance(extra, dict) else ""


def with_unit(label: str, unit: str) -> str:
    return f"{label}, {unit}" if unit else label


def humanize(name: str) -> str:
    """`ACCOUNT_UPDATE` and `accountUpdate` both read `Account update`."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).replace("_", " ").split()
    return " ".join(words).capitalize() or name


# What pydantic says of them names a class of Python's, which staff do not know.
_NO_OBJECT = ("dict_type", "model_type", "model_attributes_type")


def first_problem(error: ValidationError) -> str:
    """`intent.amount: Field required`: where and what, without the value, which may be secret."""
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"])
    words = "Input should be an object" if problem["type"] in _NO_OBJECT else problem["msg"]
    return f"{where}: {words}" if where else words


def _on_models(
    event: EventType, definition: FacetDefinition[Any]
) -> Callable[[StateUpdaterInput[BaseModel]], BaseModel]:
    read = reader(event.schema, definition.state)
    rule = event.rule

    def run(given: StateUpdaterInput[BaseModel]) -> BaseModel:
        try:
            current = read(given.current)
        except ValidationError as error:
            problem = redact(first_problem(error), definition.sensitive_fields, given.current)
            raise InvalidRecord(
                f"Event {given.current_index + 1} does not fit {event.type}: {problem}"
            ) from None
        state: BaseModel = rule(given.state, current, given.publish)
        if not (state is None or issubclass(type(state), definition.state)):
            made, wanted = type(state).__name__, definition.state.__name__
            raise InvalidRecord(f"The rule for {event.type} returned {made} instead of {wanted}.")
        return state

    return run


def _chains(model: type[BaseModel], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The keys, as stored, that lead to each field of a model and of those in it, once round where it holds itself."""
    for name, field in model.model_fields.items():
        chain = (*above, stored_key(name, field))
        yield chain
        if len(chain) < _DEEPEST:
            for reached, keys in _models_of(field.annotation):
                yield from _chains(reached, (*chain, *keys))


def _models_of(annotation: Any) -> Iterator[tuple[type[BaseModel], tuple[str, ...]]]:
    """The models that a value of this annotation is or holds, each with `*` for the keys of mappings on the way."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation, ()
    origin = get_origin(annotation)
    is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
    for argument in get_args(annotation):
        for model, keys in _models_of(argument):
            yield model, ("*", *keys) if is_mapping else keys


class _Sentences(string.Formatter):
    """Formats an event's fields as staff read them: 42 and not 42.0, true and not True, a dash for what is not set."""

    def __init__(self, event: BaseModel | None = None, sensitive: Sequence[str] = ()) -> None:
        self._event = event
        self._sensitive = sensitive

    def format_field(self, value: Any, format_spec: str) -> str:
        if value is None:
            return "–"
        if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
            value = int(value)
        elif isinstance(value, (bool, enum.Enum, BaseModel, Mapping, list, tuple, set, frozenset)):
            stored = to_stored(value)
            if isinstance(stored, list) and all(isinstance(item, (str, int, float)) for item in stored):
                value = ", ".join(self.format_field(item, "") for item in stored)
            else:
                value = stored if isinstance(stored, str) else json.dumps(stored)
        return str(super().format_field(value, format_spec))

    def convert_field(self, value: Any, conversion: Any) -> Any:
        return value if value is None else super().convert_field(value, conversion)

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """As the base does; MASKED where the field is sensitive, holds what is, or was made of it."""
        found = super().get_field(field_name, args, kwargs)
        if not self._sensitive or self._event is None:
            return found
        first, rest = formatter_field_name_split(field_name)
        value: Any = self._event
        path: list[str] = []
        for is_attribute, name in [(True, first), *rest]:
            if is_attribute and isinstance(value, BaseModel):
                fields = type(value).model_fields
                is_field = name in fields or name in (value.__pydantic_extra__ or {})
                if not is_field and self._hides(value, path):
                    return MASKED, found[1]
                path.append(stored_key(name, fields[name]) if name in fields else str(name))
                value = getattr(value, name)
            elif is_attribute:
                # A part of a leaf, such as a date's year.
                break
            else:
                path += [name] if isinstance(name, str) else []
                value = value[name]
        return (MASKED if self._hides(value, path) else found[0]), found[1]

    def _hides(self, value: Any, path: list[str]) -> bool:
        return holds_sensitive(to_stored(value), self._sensitive, under=path)


def _check_sentence(facet: str, type: str, sentence: str) -> None:
    try:
        list(_Sentences().parse(sentence))
    except ValueError as error:
        raise DefinitionError(f"Facet {facet}: the sentence of {type!r} is no template: {error}") from error
