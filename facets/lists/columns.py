"""The columns of a facet's list: what each holds by the state's schema, and so how it is filtered and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from facets.definitions.definition import FacetDefinition, with_unit
from facets.definitions.masking import MASKED, mask
from facets.directory.index_entry import columns_of
from facets.directory.queries import ID, SEQ, UPDATED
from facets.forms import scalars
from facets.forms.fields import Constant, Field, Flag, Group, One, OneOf, Shape, shape_of_model

JSON = Any
Kind = Literal["text", "choice", "number", "day", "moment", "other"]


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice. `key` stands for it in an address, `label` on the page."""

    key: str
    label: str
    value: JSON


@dataclass(frozen=True, slots=True)
class Column:
    """One value that a list shows of each entity.

    Attributes:
        path: dotted, as `list_display` names it; or ID, SEQ, UPDATED.
        listed: it is a column of the table; one that is only searched can be filtered by all the same.
        searched: words are looked for in it.
        usable: a list can be sorted and filtered by it.
        sensitive: what of its values is masked; all of them where `masked`.
        unit: what its numbers count, such as EUR.
    """

    path: str
    label: str
    kind: Kind
    options: tuple[Option, ...] = ()
    listed: bool = True
    searched: bool = False
    usable: bool = True
    sensitive: tuple[str, ...] = ()
    unit: str = ""

    masked: bool = field(init=False)

    def __post_init__(self) -> None:
        # Once, since a page asks for each of its values.
        object.__setattr__(self, "masked", self._mask(None) is MASKED)

    def shown(self, value: JSON) -> JSON:
        """A value of the column with what is sensitive in it masked."""
        if self.masked:
            return MASKED
        return self._mask(value) if isinstance(value, (dict, list)) else value

    def _mask(self, value: JSON) -> JSON:
        return mask(value, self.sensitive, under=self.path.split("."))

    @property
    def heading(self) -> str:
        return with_unit(self.label, self.unit)

    @property
    def numeric(self) -> bool:
        return self.kind == "number" and not self.masked

    @property
    def ranged(self) -> bool:
        return self.kind in ("number", "day", "moment")

    def option(self, value: JSON) -> Option | None:
        if not self.options:
            return None
        # By type too: in Python True is 1.
        return next(
            (each for each in self.options if each.value == value and type(each.value) is type(value)), None
        )


OWN = {
    ID: Column(ID, "Id", "text"),
    SEQ: Column(SEQ, "Events", "number"),
    UPDATED: Column(UPDATED, "Last change", "moment"),
}


@lru_cache(maxsize=256)
def columns(definition: FacetDefinition[Any] | None) -> tuple[Column, ...]:
    """Those of `list_display`, in its order, then those that are only searched; none of a facet that nobody defined."""
    if definition is None:
        return ()
    group = shape_of_model(definition.state)
    paths = dict.fromkeys((*definition.list_display, *definition.search_fields))
    return tuple(_column(definition, group, path) for path in paths)


def _column(definition: FacetDefinition[Any], group: Group, path: str) -> Column:
    first, *rest = path.split(".")
    found = _field(group, [first, *rest])
    kind, options = _kind(found.shape) if found else ("other", ())
    label = definition.label(first)
    if rest:
        label = f"{label} › {found.shape.label if found else '.'.join(rest)}"
    masked = mask(None, definition.sensitive_fields, under=path.split(".")) is MASKED
    return Column(
        path,
        label,
        kind,
        options,
        listed=path in definition.list_display,
        searched=path in definition.search_fields,
        usable=not masked and path in dict(columns_of(definition)),
        sensitive=definition.sensitive_fields,
        unit=found.shape.unit if found else "",
    )


def _field(group: Group, parts: Sequence[str]) -> Field | None:
    found = next((field for field in group.fields if field.key == parts[0]), None)
    if found is None or len(parts) == 1:
        return found
    return _field(found.shape, parts[1:]) if isinstance(found.shape, Group) else None


def _kind(shape: Shape) -> tuple[Kind, tuple[Option, ...]]:
    match shape:
        case Flag():
            return "choice", (Option("true", "Yes", True), Option("false", "No", False))
        case Constant():
            return "choice", (Option(str(shape.value), str(shape.value), shape.value),)
        case One(scalar=scalars.Choice(options=options)):
            return "choice", tuple(Option(each.token, each.label, each.value) for each in options)
        case One(scalar=scalars.Integer() | scalars.Float() | scalars.DecimalNumber()):
            return "number", ()
        case One(scalar=scalars.Day()):
            return "day", ()
        case One(scalar=scalars.Moment()):
            return "moment", ()
        case One():
            return "text", ()
        case OneOf():
            kinds = {_kind(variant)[0] for variant in shape.variants}
            if kinds == {"number"}:
                return "number", ()
            if kinds == {"text"}:
                return "text", ()
    return "other", ()
