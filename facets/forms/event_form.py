"""An event's schema as a form: it collects text for one event; the schema, not the form, decides what is valid."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from pydantic import BaseModel

from facets.forms import actions
from facets.forms.builder import Room, build
from facets.forms.fields import ABSENT, Group, shape_of_model
from facets.forms.json_text import MAX_DEPTH, NotJson, Path, Position, indented, positions
from facets.forms.nodes import EntriesNode, JsonNode, Node, Place, as_json, count_names, walk
from facets.forms.post_values import Posted, read_form
from facets.forms.validation import Complaint, Verdict, judge, roundings

JSON = Any

# Names that the page around the form sends: its token, the seq, the operation id, the buttons.
NAMES_OF_THE_PAGE = 50


@dataclass(frozen=True, slots=True)
class Message:
    """One line of the summary above a form.

    Attributes:
        id: of what it is about, "" for the whole event.
        label: where that is, as staff read it: "Items › Item 2 › Cost".
        text: of unescaped, hostile origin.
        line, column: in the JSON text, counted from 1; None where the event is not written as JSON, and the column
            where a whole value is wrong and not a character of the text.
    """

    id: str
    label: str
    text: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        where = (
            f" Line {self.line}, column {self.column}."
            if self.column
            else f" Line {self.line}."
            if self.line
            else ""
        )
        return f"{self.label}: {self.text}{where}" if self.label else f"{self.text}{where}"


class EventForm:
    """The draft of one event, as a form or as JSON text.

    Args:
        schema: the event's model.
        data: what was posted, as a QueryDict. It wins over `initial`.
        initial: the event to begin with, as plain JSON, right or wrong; without it the schema's defaults.
        prefix: begins every name and id of the form; another for each event of one page.

    Attributes:
        notice: what the last button has to say, "" for nothing.
    """

    template_name = "forms/form.html"

    def __init__(
        self, schema: type[BaseModel], *, data: Any = None, initial: JSON = ABSENT, prefix: str = "event"
    ) -> None:
        self.schema = schema
        self.prefix = prefix
        self.notice = ""
        self.is_bound = data is not None
        self._shape = _shape(schema)
        self._place = Place(prefix, (), self._shape.label)
        if data is not None:
            self.root = read_form(self._shape, self._place, Posted(data), self._room())
        else:
            self.root = self._built(initial)

    @classmethod
    def from_json_text(cls, schema: type[BaseModel], text: str, *, prefix: str = "event") -> "EventForm":
        """The draft that a JSON text is, on the JSON tab; `act("form")` carries it over."""
        return cls(schema, data={f"{prefix}:as": "json", prefix: text}, prefix=prefix)

    @property
    def is_json(self) -> bool:
        """Whether the JSON tab is open."""
        return isinstance(self.root, JsonNode)

    @property
    def part_id(self) -> str:
        """The id of the part of the page that the form's own buttons replace."""
        return f"{self.prefix}-form"

    @property
    def form_pressed(self) -> str:
        return "false" if self.is_json else "true"

    @property
    def json_pressed(self) -> str:
        return "true" if self.is_json else "false"

    def is_valid(self) -> bool:
        return not self._verdict.complaints

    @property
    def value(self) -> JSON:
        """The event as it is to be stored, plain JSON.

        Raises:
            ValueError: the form is not valid.
        """
        if not self.is_valid():
            raise ValueError("The form is not valid.")
        return self._verdict.value

    @property
    def model(self) -> BaseModel:
        """The event as its rule is given it.

        Raises:
            ValueError: the form is not valid.
        """
        model = self._verdict.model
        if model is None or not self.is_valid():
            raise ValueError("The form is not valid.")
        return model

    @cached_property
    def errors(self) -> list[Message]:
        """What is wrong, in the order of the page, what is about the whole event first."""
        found = self._messages(self._verdict.complaints)
        if self.is_json:
            self.root.errors = [str(message) for message in found]
        return found

    @cached_property
    def warnings(self) -> list[Message]:
        """What a person should know before they go on; no error."""
        value = self._verdict.value if self.is_valid() else self.draft()
        found = self._messages(roundings(self._tree, value))
        if self._verdict.note:
            found.insert(0, Message("", "", self._verdict.note))
        return found

    @property
    def judged(self) -> bool:
        """Whether anybody has asked for the verdict yet. A form that was only opened shows no errors."""
        return "_verdict" in self.__dict__

    @property
    def shown_errors(self) -> list[Message]:
        return self.errors if self.judged else []

    @property
    def shown_warnings(self) -> list[Message]:
        return self.warnings if self.judged else []

    def add_error(self, text: str) -> None:
        """Say that the event is refused for a reason that the schema does not know, such as a rule's."""
        self._verdict.complaints.append(Complaint(self.root, (), text, ""))
        self.__dict__.pop("errors", None)
        self.root.errors.append(text)

    def draft(self) -> JSON:
        """The event as JSON, right or wrong; what is no JSON yet is there as text."""
        draft = self.root.draft()
        return {} if draft is ABSENT else draft

    def to_json_text(self) -> str:
        """The draft as JSON text, indented; on the JSON tab the text as it was typed."""
        return self.root.text if isinstance(self.root, JsonNode) else indented(self.draft())

    def act(self, action: str | None) -> "EventForm":
        """The form after one of its buttons, `verb:name`; it is this form, changed.

        A button of another form, or of nobody's, changes nothing. Nothing is judged, except where a broken draft
        cannot be carried over to the other tab: then the errors say why.
        """
        verb, _, name = (action or "").partition(":")
        if name != self.prefix and not name.startswith(f"{self.prefix}."):
            return self
        if verb in ("json", "form") and name == self.prefix:
            self._turn(to_json=verb == "json")
        elif verb != "switch":
            # A switch was made while the form was read: the select beside the button tells.
            room = self._room()
            room.left -= count_names(self.root)
            full = verb == "add" and room.left <= 0
            self.notice = actions.FULL if full else actions.apply(self.root, verb, name, room)
        return self

    def _turn(self, *, to_json: bool) -> None:
        if to_json and not self.is_json:
            if any(node.problems() for node, _ in walk(self.root) if isinstance(node, JsonNode)):
                self.is_valid()
                return
            if any(node.repeated() for node, _ in walk(self.root) if isinstance(node, EntriesNode)):
                self.is_valid()
                return
            self.root = JsonNode(self._shape, self._place, text=self.to_json_text(), whole=True)
        elif not to_json and isinstance(self.root, JsonNode):
            try:
                value = self.root.value()
            except NotJson:
                self.is_valid()
                return
            built = self._built(value)
            if isinstance(built, JsonNode):
                self.is_valid()
                return
            self.root = built

    def _built(self, value: JSON) -> Node:
        node = build(self._shape, value, self._place, self._room()) if _is_shallow(value) else None
        if node is None or isinstance(node, JsonNode):
            node = as_json(self._shape, self._place, value)
            node.whole = True
        return node

    def _room(self) -> Room:
        most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
        return Room((100_000 if most is None else most) - NAMES_OF_THE_PAGE)

    @cached_property
    def _json(self) -> tuple[JSON, NotJson | None]:
        """The value on the JSON tab, or what is wrong with its text."""
        assert isinstance(self.root, JsonNode)  # noqa: S101 - asked by the callers
        try:
            value = self.root.value()
        except NotJson as error:
            return ABSENT, error
        return value, NotJson("Write the event as a JSON object.") if value is ABSENT else None

    @cached_property
    def _tree(self) -> Node:
        """The draft as a form, whichever tab is open: it knows what each part is called."""
        if isinstance(self.root, JsonNode) and not self._json[1]:
            return build(self._shape, self._json[0], self._place, Room(100_000))
        return self.root

    @cached_property
    def _verdict(self) -> Verdict:
        if not isinstance(self.root, JsonNode):
            verdict = judge(self.schema, self.root)
        elif refusal := self._json[1]:
            verdict = Verdict([Complaint(self.root, (), refusal.reason, self.root.name)])
        else:
            verdict = judge(self.schema, self._tree, self._json[0])
        if not isinstance(self.root, JsonNode):
            for complaint in verdict.complaints:
                if complaint.id == complaint.node.name and complaint.message not in complaint.node.errors:
                    complaint.node.errors.append(complaint.message)
            value = verdict.value if not verdict.complaints else self.draft()
            for warning in roundings(self.root, value):
                warning.node.warnings.append(warning.message)
        return verdict

    def _messages(self, complaints: list[Complaint]) -> list[Message]:
        """As lines of the summary, in the order of the page."""
        order: dict[int, tuple[int, str]] = {}
        for number, (node, labels) in enumerate(walk(self._tree)):
            order[id(node)] = (number, " › ".join([*labels, node.label] if node.place.depth else []))
        lines = self._lines()
        found = [
            (
                order.get(id(complaint.node), (-1, "")),
                Message(
                    self.prefix if self.is_json else complaint.id if complaint.node is not self.root else "",
                    order.get(id(complaint.node), (-1, ""))[1],
                    complaint.message,
                    _line(lines, complaint.path),
                    lines[()].column if self.is_json and lines and self._json[1] else None,
                ),
            )
            for complaint in complaints
        ]
        found.sort(key=lambda pair: pair[0][0])
        return list(dict.fromkeys(message for _, message in found))

    def _lines(self) -> dict[Path, Position]:
        if not isinstance(self.root, JsonNode):
            return {}
        if refusal := self._json[1]:
            return {(): refusal.position} if refusal.position else {}
        return positions(self.root.text)


@cache
def _shape(schema: type[BaseModel]) -> Group:
    return shape_of_model(schema)


def _line(lines: dict[Path, Position], path: Path) -> int | None:
    """The line of a path, or of the nearest that there is around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines[path].line if path in lines else None


def _is_shallow(value: JSON) -> bool:
    """Whether the value may be walked by recursion."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for part in level
            if isinstance(part, (dict, list))
            for item in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return True
    return False
