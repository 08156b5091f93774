"""A form's draft as a tree: what is typed in each box, which rows there are, which variant is chosen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.utils import timezone

from facets.core import InvalidRecord
from facets.definitions.number_input import AmbiguousNumber, Unreadable
from facets.forms import scalars
from facets.forms.fields import ABSENT, Constant, Entries, Flag, Group, One, OneOf, Rows, Shape
from facets.forms.json_text import NotJson, Path, indented, parse
from facets.forms.messages import FILL_IN, sayable
from facets.forms.scalars import Option

JSON = Any


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands.

    Attributes:
        name: of its box in the form: `event.items.0.cost`. What else a node sends follows a colon.
        path: in the event's JSON: ("items", 0, "cost").
        label: what staff call it.
        depth: how many nodes are around it.
    """

    name: str
    path: Path
    label: str
    depth: int = 0

    def field(self, key: str, label: str) -> "Place":
        return Place(f"{self.name}.{_segment(key)}", (*self.path, key), label, self.depth + 1)

    def row(self, index: int) -> "Place":
        return Place(f"{self.name}.{index}", (*self.path, index), f"Item {index + 1}", self.depth + 1)

    def entry(self, index: int, key: str) -> "Place":
        return Place(f"{self.name}.{index}", (*self.path, key), f"Entry {index + 1}", self.depth + 1)

    def variant(self, index: int, label: str) -> "Place":
        return Place(f"{self.name}.{index}", self.path, label, self.depth + 1)


@dataclass(eq=False)
class Node:
    """One value of the draft.

    Attributes:
        place: changes when rows before it come and go.
        errors, warnings: for the person, set when the form is judged.
        in_row: it is an item of a list, so it cannot be left out.
    """

    shape: Shape
    place: Place
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    in_row: bool = False

    template: ClassVar[str] = ""
    # How many names it sends itself, its children's aside.
    sends: ClassVar[int] = 1

    @property
    def name(self) -> str:
        return self.place.name

    @property
    def label(self) -> str:
        return sayable(self.place.label)

    @property
    def help(self) -> str:
        return sayable(self.shape.help)

    @property
    def unit(self) -> str:
        """What a number in the box counts."""
        return sayable(self.shape.unit)

    @property
    def described_by(self) -> str:
        parts = [("help", self.help), ("note", self.note), ("error", self.errors), ("warning", self.warnings)]
        return " ".join(f"{self.name}:{part}" for part, there in parts if there)

    @property
    def note(self) -> str:
        """What a person should know about the box, besides the schema's own help."""
        return ""

    @property
    def required(self) -> bool:
        """Whether an empty box is refused."""
        return self.shape.required and not self.shape.nullable

    @property
    def add_id(self) -> str:
        return f"{self.name}:add"

    @property
    def remove_id(self) -> str:
        return f"{self.name}:remove"

    @property
    def switch_id(self) -> str:
        return f"{self.name}:switch"

    @property
    def to_label(self) -> str:
        return f"to {self.label}"

    @property
    def marked_optional(self) -> bool:
        return not self.in_row and (self.shape.nullable or not self.shape.required)

    def children(self) -> list["Node"]:
        return []

    def move_to(self, place: Place) -> None:
        self.place = place

    def problems(self) -> list[str]:
        """What is wrong before the schema is asked, as text that is no JSON."""
        return []

    def judged(self) -> Any:
        """The value for the schema to judge; ABSENT where it is left out."""
        raise NotImplementedError

    def typed(self) -> Any:
        """The same as a Python value."""
        return self.judged()

    def draft(self) -> JSON:
        """The value as JSON, right or wrong; ABSENT where there is none."""
        raise NotImplementedError


@dataclass(eq=False)
class BoxNode(Node):
    """A single value. `keeps_empty`: the empty text of an optional field is a text, not null."""

    shape: One
    text: str = ""
    keeps_empty: bool = False

    @property
    def template(self) -> str:  # type: ignore[override]
        return self.shape.scalar.template

    @property
    def sends(self) -> int:  # type: ignore[override]
        return 2 if self.offers_empty else 1

    @property
    def long(self) -> bool:
        return "\n" in self.text or (self.shape.long and isinstance(self.shape.scalar, scalars.Text))

    @property
    def offers_empty(self) -> bool:
        if not (self.shape.nullable and self.shape.scalar.keeps_empty):
            return False
        return self.keeps_empty or (
            not self.shape.leaves_out and "minlength" not in self.shape.scalar.attributes
        )

    @property
    def input_type(self) -> str:
        return self.shape.scalar.input_type(self.text)

    @property
    def attributes(self) -> list[tuple[str, str]]:
        """The schema's constraints, and how the box is typed into. No `type`, no `name`."""
        given = dict(self.shape.scalar.attributes)
        if self.long:
            given.pop("pattern", None)
        if self.input_type in ("time", "datetime-local"):
            given["step"] = "any"
        if isinstance(self.shape.scalar, scalars.Number):
            given["inputmode"] = "decimal"
        if self.is_required:
            given["required"] = ""
        return list(given.items())

    @property
    def is_required(self) -> bool:
        """For the browser: an empty box is refused for certain."""
        if self.shape.scalar.keeps_empty:
            return not self.shape.nullable and "minlength" in self.shape.scalar.attributes
        return self.required or (self.in_row and not self.shape.nullable)

    @property
    def placeholder(self) -> str:
        return sayable(self.shape.placeholder)

    @property
    def options(self) -> list[Option]:
        """What a select offers, the choice that is none of them included: it is what was sent."""
        scalar = self.shape.scalar
        if not isinstance(scalar, scalars.Choice):
            return []
        options = list(scalar.options)
        if self.text and scalar.option(self.text) is None:
            options.append(Option(self.text, f"{sayable(self.text)} (not a choice)", self.text, self.text))
        return options

    @property
    def readings(self) -> list[tuple[str, str]]:
        """Where the text can mean two numbers: the verb of the button for each, and the number."""
        try:
            self.shape.scalar.judged(self._clean())
        except AmbiguousNumber as two:
            return [("whole", two.whole), ("fraction", two.fraction)]
        except Unreadable:
            pass
        return []

    @property
    def is_empty(self) -> bool:
        return not (self.text if self.shape.scalar.keeps_empty else self.text.strip())

    def _absent(self) -> Any:
        if self.shape.nullable:
            return ABSENT if self.shape.leaves_out and not self.in_row else None
        return ABSENT

    def _is_none(self) -> bool:
        if self.shape.scalar.keeps_empty:
            return not self.text and self.shape.nullable and not self.keeps_empty
        return self.is_empty

    def _clean(self) -> str:
        return self.text if self.shape.scalar.keeps_empty else self.text.strip()

    def problems(self) -> list[str]:
        try:
            if not self._is_none():
                self.shape.scalar.judged(self._clean())
        except Unreadable as error:
            return [str(error)]
        return [FILL_IN] if self.in_row and self._is_none() and not self.shape.nullable else []

    def judged(self) -> Any:
        if self._is_none():
            return self._absent()
        try:
            return self.shape.scalar.judged(self._clean())
        except Unreadable:
            return self.text

    def typed(self) -> Any:
        if self._is_none():
            return self._absent()
        try:
            return self.shape.scalar.typed(self._clean())
        except Unreadable:
            return self.text

    def draft(self) -> JSON:
        if self._is_none():
            return self._absent()
        value = self.shape.scalar.stored(self._clean())
        # Text of which nothing was made is kept to the last blank.
        return self.text if isinstance(value, str) and value == self.text.strip() else value


@dataclass(eq=False)
class MomentNode(BoxNode):
    """A date and time.

    Attributes:
        exact: the whole moment, as ISO text, of which the box may show less; it stands while the box is as it was.
        zone: the time zone of the page on which the text was typed.
    """

    exact: str = ""
    zone: str = ""

    sends: ClassVar[int] = 3

    @property
    def zone_name(self) -> str:
        return str(timezone.get_current_timezone())

    @property
    def note(self) -> str:
        scalar = self._scalar()
        if scalar.naive:
            return "Without a time zone."
        try:
            moment = self._moment()
        except Unreadable:
            moment = None
        if moment is None:
            return f"In {self.zone_name}."
        if moment.tzinfo is None:
            return "Without a time zone. Changed, it is one of " + self.zone_name + "."
        if self.input_type == "text":
            return f"A time without an offset is one of {self.zone_name}."
        local = moment.astimezone(timezone.get_current_timezone())
        note = f"In {self.zone_name}, UTC{local.isoformat()[-6:]}."
        if local.microsecond % 1000:
            note += f" To the microsecond: {local.time().isoformat()}."
        if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
            note += " The clock shows this time twice that day, before and after it is put back."
        return note

    @property
    def sent_exact(self) -> str:
        """What the page is to keep of a moment that it cannot show whole."""
        return self.exact if self._stands() else ""

    def _scalar(self) -> scalars.Moment:
        assert isinstance(self.shape.scalar, scalars.Moment)  # noqa: S101 - for the type checker
        return self.shape.scalar

    def _stands(self) -> bool:
        """Whether the text still shows the exact moment. Browsers leave out seconds that are 0."""
        moment = scalars.read_moment(self.exact)
        if moment is None or (self.zone and self.zone != self.zone_name):
            return False
        shown = scalars.read_moment(scalars.shown_moment(moment, timezone.get_current_timezone()))
        typed = scalars.read_moment(self._clean())
        return typed == shown and typed is not None

    def _moment(self) -> Any:
        return scalars.read_moment(self.exact) if self._stands() else self._scalar().read(self._clean())

    def problems(self) -> list[str]:
        if self._stands():
            return []
        moment = scalars.read_moment(self._clean())
        if moment and moment.tzinfo is None and self.zone and self.zone != self.zone_name:
            return [f"Your time zone was {sayable(self.zone)} and is {self.zone_name} now: check the time."]
        return super().problems()

    def judged(self) -> Any:
        moment = scalars.read_moment(self.exact) if self._stands() else None
        return scalars.moment_text(moment) if moment else super().judged()

    def typed(self) -> Any:
        return scalars.read_moment(self.exact) if self._stands() else super().typed()

    def draft(self) -> JSON:
        return self.judged() if self._stands() else super().draft()


@dataclass(eq=False)
class FlagNode(Node):
    shape: Flag
    checked: bool = False

    template: ClassVar[str] = "forms/_flag.html"

    @property
    def marked_optional(self) -> bool:
        return False

    def judged(self) -> Any:
        return self.checked

    def draft(self) -> JSON:
        return self.checked


@dataclass(eq=False)
class ConstantNode(Node):
    """Nothing to ask for. `hidden` where the chosen variant says it already."""

    shape: Constant
    hidden: bool = False

    template: ClassVar[str] = "forms/_constant.html"
    sends: ClassVar[int] = 0

    @property
    def text(self) -> str:
        return sayable(self.shape.value if isinstance(self.shape.value, str) else indented(self.shape.value))

    def judged(self) -> Any:
        return self.shape.value

    def typed(self) -> Any:
        return self.shape.member

    def draft(self) -> JSON:
        return self.shape.value


@dataclass(eq=False)
class JsonNode(Node):
    """A value written as JSON: one of a type that has no box, or one that does not fit the box of its type.

    Attributes:
        rest: it is the fields of a model that the schema does not name.
        whole: it is the whole event, on the JSON tab; it stays JSON until the person goes back.
    """

    text: str = ""
    rest: bool = False
    whole: bool = False
    taken: frozenset[str] = frozenset()

    template: ClassVar[str] = "forms/_json.html"
    sends: ClassVar[int] = 2

    @property
    def note(self) -> str:
        if self.rest:
            return "Fields that the schema does not name, as a JSON object."
        return "" if self.whole else "As JSON."

    @property
    def lines(self) -> int:
        return min(max(self.text.count("\n") + 2, 18 if self.whole else 3), 40)

    @property
    def text_in_page(self) -> str:
        """The text with what no page can hold written as JSON writes it."""
        return re.sub("[\x00\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", self.text)

    @property
    def required(self) -> bool:
        return super().required and not self.rest

    @property
    def marked_optional(self) -> bool:
        return super().marked_optional and not (self.rest or self.whole)

    def value(self) -> JSON:
        """
        Raises:
            NotJson
        """
        return parse(self.text) if self.text.strip() else ABSENT

    def problems(self) -> list[str]:
        try:
            value = self.value()
        except NotJson as error:
            return [sayable(str(error))]
        if self.rest:
            if value is not ABSENT and not isinstance(value, dict):
                return ["Write a JSON object: {…}."]
            twice = [key for key in value or () if key in self.taken]
            return [f"{sayable(key)} has a box of its own." for key in twice]
        if value is ABSENT and (self.whole or (self.in_row and not self.shape.nullable)):
            return [FILL_IN]
        return []

    def judged(self) -> Any:
        try:
            value = self.value()
        except NotJson:
            return self.text
        if value is ABSENT and self.in_row:
            return None
        return value

    def draft(self) -> JSON:
        return self.judged()

    def extra(self) -> dict[str, JSON]:
        """The fields that the schema does not name."""
        value = self.judged()
        return value if isinstance(value, dict) else {}


@dataclass(eq=False)
class CompositeNode(Node):
    """A node that may be not there at all: where it is optional, `present` tells."""

    present: bool = True

    def _nothing(self) -> Any:
        return ABSENT if self.shape.leaves_out and not self.in_row else None


@dataclass(eq=False)
class GroupNode(CompositeNode):
    shape: Group
    fields: dict[str, Node] = field(default_factory=dict)
    rest: JsonNode | None = None

    template: ClassVar[str] = "forms/_group.html"

    def children(self) -> list[Node]:
        return [*self.fields.values(), *([self.rest] if self.rest else [])]

    def move_to(self, place: Place) -> None:
        self.place = place
        for known in self.shape.fields:
            if known.key in self.fields:
                self.fields[known.key].move_to(place.field(known.key, known.shape.label))
        if self.rest:
            self.rest.move_to(rest_place(place))

    def judged(self) -> Any:
        if not self.present:
            return self._nothing()
        values = {key: node.judged() for key, node in self.fields.items()}
        extra = self.rest.extra() if self.rest else {}
        return {key: value for key, value in values.items() if value is not ABSENT} | {
            key: value for key, value in extra.items() if key not in values
        }

    def draft(self) -> JSON:
        if not self.present:
            return self._nothing()
        values = {key: node.draft() for key, node in self.fields.items()}
        extra = self.rest.extra() if self.rest else {}
        return {key: value for key, value in values.items() if value is not ABSENT} | {
            key: value for key, value in extra.items() if key not in values
        }


@dataclass(eq=False)
class RowsNode(CompositeNode):
    shape: Rows
    rows: list[Node] = field(default_factory=list)
    too_many: str = ""

    template: ClassVar[str] = "forms/_rows.html"

    @property
    def sends(self) -> int:  # type: ignore[override]
        return 1 + len(self.rows)

    @property
    def resizable(self) -> bool:
        return self.shape.fixed is None

    def children(self) -> list[Node]:
        return list(self.rows)

    def move_to(self, place: Place) -> None:
        self.place = place
        for index, row in enumerate(self.rows):
            row.move_to(place.row(index))

    def problems(self) -> list[str]:
        return [self.too_many] if self.too_many else []

    def judged(self) -> Any:
        return [_item(row.judged()) for row in self.rows] if self.present else self._nothing()

    def draft(self) -> JSON:
        return [_item(row.draft()) for row in self.rows] if self.present else self._nothing()


@dataclass(eq=False)
class EntriesNode(CompositeNode):
    """A mapping; `keys` are the texts of its keys, one for each row."""

    shape: Entries
    keys: list[str] = field(default_factory=list)
    rows: list[Node] = field(default_factory=list)
    key_errors: dict[int, list[str]] = field(default_factory=dict)
    too_many: str = ""

    template: ClassVar[str] = "forms/_entries.html"

    @property
    def sends(self) -> int:  # type: ignore[override]
        return 1 + 2 * len(self.rows)

    @property
    def entries(self) -> list[tuple[str, Node, list[str]]]:
        return [
            (key, row, self.key_errors.get(index, []))
            for index, (key, row) in enumerate(zip(self.keys, self.rows, strict=True))
        ]

    def children(self) -> list[Node]:
        return list(self.rows)

    def move_to(self, place: Place) -> None:
        self.place = place
        for index, (key, row) in enumerate(zip(self.keys, self.rows, strict=True)):
            row.move_to(place.entry(index, key))

    def problems(self) -> list[str]:
        return [self.too_many] if self.too_many else []

    def repeated(self) -> list[int]:
        """The indexes of rows whose key an earlier row has."""
        return [index for index, key in enumerate(self.keys) if key in self.keys[:index]]

    def judged(self) -> Any:
        if not self.present:
            return self._nothing()
        return {key: _item(row.judged()) for key, row in zip(self.keys, self.rows, strict=True)}

    def draft(self) -> JSON:
        if not self.present:
            return self._nothing()
        return {key: _item(row.draft()) for key, row in zip(self.keys, self.rows, strict=True)}


@dataclass(eq=False)
class UnionNode(Node):
    """One of several variants.

    Attributes:
        chosen: the variant's index; None where none is.
        node: what is typed for it.
        kept: drafts of the variants that were left, by index.
    """

    shape: OneOf
    chosen: int | None = None
    node: Node | None = None
    kept: dict[int, JSON] = field(default_factory=dict)

    template: ClassVar[str] = "forms/_union.html"
    sends: ClassVar[int] = 3

    @property
    def choices(self) -> list[tuple[int, str, bool]]:
        return [
            (index, sayable(variant.label), index == self.chosen)
            for index, variant in enumerate(self.shape.variants)
        ]

    @property
    def kept_text(self) -> str:
        return indented({str(index): draft for index, draft in self.kept.items()}) if self.kept else ""

    def children(self) -> list[Node]:
        return [self.node] if self.node else []

    def move_to(self, place: Place) -> None:
        self.place = place
        if self.node and self.chosen is not None:
            self.node.move_to(place.variant(self.chosen, self.shape.variants[self.chosen].label))

    def _nothing(self) -> Any:
        if self.shape.nullable:
            return ABSENT if self.shape.leaves_out and not self.in_row else None
        return ABSENT

    def problems(self) -> list[str]:
        return [FILL_IN] if self.node is None and self.in_row and not self.shape.nullable else []

    def judged(self) -> Any:
        if self.node is None or self.chosen is None:
            return self._nothing()
        if self.shape.tagged:
            return self.node.judged()
        value = self.node.typed()
        if not isinstance(self.node, GroupNode):
            return value
        # Of two models that a value fits, pydantic takes the one of which it is an instance.
        try:
            return self.shape.adapters[self.chosen].validate_python(value)
        except Exception:  # noqa: BLE001 - the whole schema is judged next, and says what is wrong
            return value

    def draft(self) -> JSON:
        return self._nothing() if self.node is None else self.node.draft()


def walk(node: Node, labels: tuple[str, ...] = ()) -> Iterator[tuple[Node, tuple[str, ...]]]:
    """A node and all below it in the order of the page, each with the labels around it."""
    yield node, labels
    below = (*labels, node.label) if node.place.depth else labels
    for child in node.children():
        yield from walk(child, below)


def count_names(root: Node) -> int:
    """How many names the form sends; Django refuses a request of too many."""
    return sum(node.sends for node, _ in walk(root))


def rest_place(place: Place) -> Place:
    return Place(f"{place.name}:rest", place.path, "Other fields", place.depth + 1)


def as_json(shape: Shape, place: Place, value: JSON, *, in_row: bool = False) -> JsonNode:
    """A value in a box of JSON; an empty box for ABSENT."""
    try:
        text = "" if value is ABSENT else indented(value)
    except (InvalidRecord, RecursionError):
        text = ""
    return JsonNode(shape, place, text=text, in_row=in_row)


def _item(value: Any) -> Any:
    """A list keeps its length, so that an error is found at its row."""
    return None if value is ABSENT else value


def _segment(key: str) -> str:
    """A key as part of a name, an id and a link alike."""
    return re.sub("[^A-Za-z0-9_-]", lambda found: f"~{ord(found[0]):x}~", key)
