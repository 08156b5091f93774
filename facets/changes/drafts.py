"""A draft: the events that a person is putting together for one entity, each a form, in an order they choose."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import QueryDict

from facets.changes.preview_token import PromisedEvent
from facets.core.store import MAX_RECORDS, new_operation_id
from facets.definitions import EventType, FacetDefinition
from facets.forms.event_form import NAMES_OF_THE_PAGE, EventForm
from facets.forms.fields import ABSENT
from facets.forms.nodes import count_names

JSON = Any

# One append writes the state too.
MAX_EVENTS = MAX_RECORDS - 1
FULL = f"One append has at most {MAX_EVENTS} events. Append these first, then the others."
TOO_MUCH = (
    "The draft is as large as one form can be, so nothing was added. Append this first, or write it as JSON."
)

_KEY = re.compile(r"e[1-9][0-9]{0,3}")
_NAMES_OF_A_SLOT = 3


class UnknownType(Exception):
    """The draft names a type of event that has no rule: the definition has changed, or the form was forged."""

    def __init__(self, type: str) -> None:
        super().__init__(type)
        self.type = type


@dataclass(slots=True)
class Slot:
    """One event of a draft.

    Attributes:
        key: begins the names of its form; it stays while the event moves.
        corrects: the seq of the event that this one makes good, None if there is none.
    """

    key: str
    event_type: EventType
    form: EventForm
    corrects: int | None = None

    @property
    def promised(self) -> PromisedEvent:
        return PromisedEvent(self.event_type.type, self.form.value, self.corrects)


@dataclass(slots=True)
class Draft:
    """Events in the order in which they would be appended.

    Attributes:
        operation_id: of the append that this draft is to become.
        since: the seq that the entity was at when the draft was begun.
        posted: what was sent, None for a draft that was only begun.
        notice: what the last button has to say, "" for nothing.
    """

    definition: FacetDefinition[Any]
    slots: list[Slot] = field(default_factory=list)
    operation_id: str = field(default_factory=new_operation_id)
    since: int = 0
    posted: QueryDict | None = None
    notice: str = ""

    @classmethod
    def read(cls, definition: FacetDefinition[Any], posted: QueryDict) -> Draft:
        """The draft that was sent.

        Raises:
            UnknownType: an event of it has no rule.
        """
        draft = cls(definition, since=_number(posted.get("since")) or 0, posted=posted)
        try:
            draft.operation_id = str(UUID(posted.get("operation_id", "")))
        except ValueError:
            draft.operation_id = new_operation_id()
        keys = dict.fromkeys(key for key in posted.getlist("slot") if _KEY.fullmatch(key))
        for key in list(keys)[:MAX_EVENTS]:
            event_type = _event_type(definition, posted.get(f"{key}-type", ""))
            form = EventForm(event_type.schema, data=posted, prefix=key)
            draft.slots.append(Slot(key, event_type, form, _number(posted.get(f"{key}-corrects"))))
        return draft

    def add(self, type: str, initial: JSON = ABSENT, *, corrects: int | None = None) -> Slot | None:
        """Put one more event at the end; None, and a notice, if the draft is full.

        Raises:
            UnknownType
        """
        event_type = _event_type(self.definition, type)
        if len(self.slots) >= MAX_EVENTS:
            self.notice = FULL
            return None
        number = max((int(slot.key[1:]) for slot in self.slots), default=0) + 1
        if number > 9999:
            number = min(set(range(1, MAX_EVENTS + 1)) - {int(slot.key[1:]) for slot in self.slots})
        form = EventForm(event_type.schema, initial=initial, prefix=f"e{number}")
        self.slots.append(Slot(f"e{number}", event_type, form, corrects))
        return self.slots[-1]

    def act(self, action: str) -> Draft:
        """The draft after one of its buttons, or of one of its forms'; what nobody's button sends changes nothing."""
        verb, _, name = action.partition(":")
        before = [slot.key for slot in self.slots]
        if verb == "draft-add":
            if name in self.definition.events:
                self.add(name)
        elif name in before and verb in ("draft-remove", "draft-up", "draft-down"):
            place = before.index(name)
            slot = self.slots.pop(place)
            if verb != "draft-remove":
                place += 1 if verb == "draft-down" else -1
                self.slots.insert(max(0, place), slot)
        else:
            for slot in self.slots:
                slot.form.act(action)
        if self.posted is not None and self._names() > _most_names():
            # What was sent did fit, so that is what stays.
            whole = Draft.read(self.definition, self.posted)
            whole.notice = TOO_MUCH
            return whole
        return self

    def is_valid(self) -> bool:
        """Whether all of the events are right; judges each of them, so that each shows its errors."""
        verdicts = [slot.form.is_valid() for slot in self.slots]
        return all(verdicts)

    @property
    def events(self) -> tuple[PromisedEvent, ...]:
        """Raises ValueError where the draft is not valid."""
        return tuple(slot.promised for slot in self.slots)

    @property
    def is_full(self) -> bool:
        return len(self.slots) >= MAX_EVENTS

    def hidden(self) -> list[tuple[str, str]]:
        """The draft as it was sent, for hidden fields, so that it can be taken up again on a later page."""
        fields = [("operation_id", self.operation_id), ("since", str(self.since))]
        return fields + list(self._typed())

    def fingerprint(self) -> str:
        """Tells what was typed from anything else that could have been, by the values as a browser keeps them."""
        digest = hashlib.sha256()
        for name, value in self._typed():
            kept = value.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "\ufffd")
            digest.update(f"{len(name)} {len(kept)} {name}{kept}".encode(errors="surrogatepass"))
        return digest.hexdigest()[:32]

    def _typed(self) -> Iterator[tuple[str, str]]:
        if self.posted is None:
            return
        for slot in self.slots:
            yield "slot", slot.key
            # The fields of one event follow each other in one order, whatever order the browser sends them in.
            for name in sorted(self.posted):
                if re.match(rf"{slot.key}(?![0-9])", name):
                    for value in self.posted.getlist(name):
                        yield name, value

    def _names(self) -> int:
        return sum(_NAMES_OF_A_SLOT + count_names(slot.form.root) for slot in self.slots)


def _event_type(definition: FacetDefinition[Any], type: str) -> EventType:
    if type not in definition.events:
        raise UnknownType(type)
    return definition.events[type]


def _most_names() -> int:
    most = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS
    return (100_000 if most is None else most) - NAMES_OF_THE_PAGE


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else None
