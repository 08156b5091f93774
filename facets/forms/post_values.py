"""From a POST to a draft. The schema leads and the POST follows: a name that nothing asks for is never looked at."""

import re
from typing import Any

from facets.forms.builder import MAX_DEPTH, MAX_ROWS, Chain, Room, build, rest_node
from facets.forms.fields import ABSENT, Constant, Entries, Flag, Group, One, OneOf, Rows, Shape
from facets.forms.json_text import NotJson, parse
from facets.forms.nodes import (
    BoxNode,
    ConstantNode,
    EntriesNode,
    FlagNode,
    GroupNode,
    JsonNode,
    MomentNode,
    Node,
    Place,
    RowsNode,
    UnionNode,
    as_json,
    rest_place,
)
from facets.forms.scalars import Moment, fits_a_box
from facets.forms.variants import switch

JSON = Any

_TOO_MANY = f"A form has at most {MAX_ROWS} rows here; the others were not read. Write it as JSON."


class Posted:
    """What a browser sent, or somebody who says to be one."""

    def __init__(self, data: Any) -> None:
        self._data = data

    def __contains__(self, name: str) -> bool:
        return name in self._data

    def text(self, name: str, default: str = "") -> str:
        """The last text of that name, its lines ended as in the value, not as in a request."""
        values = self.all(name)
        text = values[-1] if values else default
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def all(self, name: str) -> list[str]:
        get = getattr(self._data, "getlist", None)
        values = get(name) if get else [self._data[name]] if name in self._data else []
        return [value for value in values if isinstance(value, str)]

    def index(self, name: str, count: int) -> int | None:
        """A number below `count`, None where there is none."""
        text = self.text(name)
        return int(text) if re.fullmatch("[0-9]{1,4}", text) and int(text) < count else None

    def rows(self, name: str) -> list[int]:
        """The numbers of a list's rows, in the order of the page."""
        return list(
            dict.fromkeys(int(text) for text in self.all(f"{name}:row") if re.fullmatch("[0-9]{1,6}", text))
        )


def read_form(shape: Group, place: Place, posted: Posted, room: Room) -> Node:
    """The draft of a whole event."""
    if posted.text(f"{place.name}:as") == "json":
        return JsonNode(shape, place, text=posted.text(place.name), whole=True)
    node = _read(shape, place, posted, room, ())
    # Rows bear the numbers that they had on the page, in the order that they have now.
    node.move_to(place)
    return node


def _read(
    shape: Shape, place: Place, posted: Posted, room: Room, chain: Chain, *, in_row: bool = False
) -> Node:
    if posted.text(f"{place.name}:as") == "json":
        node = _from_json(shape, place, posted.text(place.name), room, in_row)
    else:
        found = _read_shape(shape, place, posted, room, chain) if place.depth <= MAX_DEPTH else None
        node = found or as_json(shape, place, ABSENT)
    node.in_row = in_row
    return node


def _from_json(shape: Shape, place: Place, text: str, room: Room, in_row: bool) -> Node:
    """A box of JSON, or, where what it holds has become right for one, the box of its type."""
    as_it_is = JsonNode(shape, place, text=text, in_row=in_row)
    try:
        value = parse(text) if text.strip() else ABSENT
    except NotJson:
        return as_it_is
    if value is ABSENT:
        return as_it_is
    node = build(shape, value, place, room, in_row=in_row)
    return as_it_is if isinstance(node, JsonNode) else node


def _read_shape(shape: Shape, place: Place, posted: Posted, room: Room, chain: Chain) -> Node | None:
    match shape:
        case One():
            return _box(shape, place, posted)
        case Flag():
            return FlagNode(shape, place, checked=place.name in posted)
        case Constant():
            return ConstantNode(shape, place)
        case Group():
            return _group(shape, place, posted, room, chain)
        case Rows():
            return _rows(shape, place, posted, room)
        case Entries():
            return _entries(shape, place, posted, room)
        case OneOf():
            return _union(shape, place, posted, room, chain)
    return JsonNode(shape, place, text=posted.text(place.name))


def _box(shape: One, place: Place, posted: Posted) -> Node:
    text = posted.text(place.name)
    if not fits_a_box(text, lines=shape.scalar.keeps_empty):
        # No browser sends it from one of our boxes, and none of them can show it.
        return as_json(shape, place, text)
    if isinstance(shape.scalar, Moment):
        return MomentNode(
            shape,
            place,
            text=text,
            exact=posted.text(f"{place.name}:exact"),
            zone=posted.text(f"{place.name}:zone"),
        )
    empty = shape.scalar.keeps_empty and not text and f"{place.name}:empty" in posted
    return BoxNode(shape, place, text=text, keeps_empty=shape.nullable and empty)


def _group(shape: Group, place: Place, posted: Posted, room: Room, chain: Chain) -> Node | None:
    if shape.nullable and f"{place.name}:on" not in posted:
        return GroupNode(shape, place, present=False)
    if shape.nullable:
        chain = ()
    if shape.model in chain:
        return None
    node = GroupNode(shape, place)
    for field in shape.fields:
        child = place.field(field.key, field.shape.label)
        node.fields[field.key] = _read(field.shape, child, posted, room, (*chain, shape.model))
    rest = posted.text(rest_place(place).name)
    if rest.strip():
        node.rest = rest_node(shape, place, ABSENT)
        node.rest.text = rest
    return node


def _rows(shape: Rows, place: Place, posted: Posted, room: Room) -> Node:
    numbers = posted.rows(place.name)
    if shape.nullable and not numbers and f"{place.name}:on" not in posted:
        return RowsNode(shape, place, present=False)
    node = RowsNode(shape, place)
    if shape.items is not None:
        for index, item in enumerate(shape.items):
            node.rows.append(_read(item, place.row(index), posted, room, (), in_row=True))
        return node
    for number in numbers[:MAX_ROWS]:
        node.rows.append(_read(shape.item, place.row(number), posted, room, (), in_row=True))
    node.too_many = _TOO_MANY if len(numbers) > MAX_ROWS else ""
    return node


def _entries(shape: Entries, place: Place, posted: Posted, room: Room) -> Node:
    numbers = posted.rows(place.name)
    if shape.nullable and not numbers and f"{place.name}:on" not in posted:
        return EntriesNode(shape, place, present=False)
    node = EntriesNode(shape, place)
    for number in numbers[:MAX_ROWS]:
        row = place.row(number)
        key = posted.text(f"{row.name}:key")
        node.keys.append(key if fits_a_box(key) else "")
        node.rows.append(_read(shape.item, row, posted, room, (), in_row=True))
    node.too_many = _TOO_MANY if len(numbers) > MAX_ROWS else ""
    return node


def _union(shape: OneOf, place: Place, posted: Posted, room: Room, chain: Chain) -> Node:
    if f"{place.name}:kind" not in posted:
        return build(shape, ABSENT, place, room, chain=chain)
    count = len(shape.variants)
    wanted = posted.index(f"{place.name}:kind", count)
    shown = posted.index(f"{place.name}:shown", count)
    node = UnionNode(shape, place, chosen=shown, kept=_kept(posted.text(f"{place.name}:kept"), count))
    if shown is not None:
        variant = shape.variants[shown]
        node.node = _read(variant, place.variant(shown, variant.label), posted, room, ())
        _hide_constants(node.node)
    if wanted != shown:
        # Chosen without the button beside it: what the other variant's boxes hold is no longer meant.
        switch(node, wanted, room)
    return node


def _hide_constants(node: Node) -> None:
    if isinstance(node, GroupNode):
        for child in node.fields.values():
            if isinstance(child, ConstantNode):
                child.hidden = True


def _kept(text: str, count: int) -> dict[int, JSON]:
    """Drafts of variants that were left, as the page sent them back."""
    try:
        value = parse(text) if text.strip() else {}
    except NotJson:
        return {}
    if not isinstance(value, dict):
        return {}
    return {index: value[str(index)] for index in range(count) if str(index) in value}
