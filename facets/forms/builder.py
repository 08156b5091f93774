"""From a value, or from nothing, to a draft: which box each part of it gets."""

from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from pydantic import BaseModel

from facets.forms import scalars
from facets.forms.fields import ABSENT, Constant, Entries, Field, Flag, Free, Group, One, OneOf, Rows, Shape
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
    count_names,
    rest_place,
)
from facets.forms.scalars import fits_a_box

JSON = Any

# Nodes within nodes; a value that goes deeper is JSON from there on. Templates include each other this deep.
MAX_DEPTH = 12
# Rows of one list; a longer one is JSON.
MAX_ROWS = 300

# The models that are being filled with defaults around a node: none of them is begun again, or it would never end.
Chain = tuple[type[BaseModel], ...]


@dataclass
class Room:
    """How many names the form may still send."""

    left: int


def build(
    shape: Shape, value: JSON, place: Place, room: Room, *, chain: Chain = (), in_row: bool = False
) -> Node:
    """The draft of a value; ABSENT takes the schema's default, or is empty.

    A value that does not fit the boxes of its shape is kept whole, in a box of JSON.
    """
    if value is ABSENT:
        value = shape.default()
    node = _build(shape, value, place, room, chain, in_row) if place.depth <= MAX_DEPTH else None
    if node is None:
        # Left blank, it is None anyway.
        value = ABSENT if value is None and shape.leaves_out else value
        node = as_json(shape, place, value, in_row=in_row)
    node.in_row = in_row
    if not isinstance(node, (RowsNode, EntriesNode)):
        room.left -= node.sends
    return node


def begin_rows(node: RowsNode | EntriesNode, chain: Chain = ()) -> None:
    """Give a list that has no rows the ones that it cannot do without."""
    room = Room(MAX_ROWS)
    if isinstance(node, RowsNode):
        shapes = node.shape.items
        if shapes is None:
            shapes = (node.shape.item,) * min(node.shape.least, 3)
        node.rows = [
            build(shape, ABSENT, node.place.row(index), room, chain=chain, in_row=True)
            for index, shape in enumerate(shapes)
        ]


def begin_group(node: GroupNode, chain: Chain = ()) -> None:
    """Give a group its fields, each with its default."""
    node.fields = {
        field.key: _build_field(field, ABSENT, node.place, Room(MAX_ROWS), (*chain, node.shape.model))
        for field in node.shape.fields
    }


def pick(shape: OneOf, value: JSON) -> int | None:
    """The variant that a value is of: the one that pydantic takes; for a value that it refuses, the nearest."""
    try:
        taken = shape.adapter.validate_python(value)
    except Exception:  # noqa: BLE001 - a schema's own checks may raise anything
        taken = ABSENT
    if taken is not ABSENT:
        owners = [index for index, member in enumerate(shape.variants) if _is_of(member, taken)]
        if len(owners) == 1 and _fits(shape.variants[owners[0]], value):
            return owners[0]
    for index, adapter in enumerate(shape.adapters):
        try:
            found = adapter.validate_python(value)
        except Exception:  # noqa: BLE001, S112 - as above
            continue
        same = taken is ABSENT or (type(found) is type(taken) and found == taken)
        if same and _fits(shape.variants[index], value):
            return index
        if same and taken is not ABSENT:
            # Such as a number for a time: in the boxes of another variant it would be something else.
            return None
    nearness = [_nearness(variant, value) for variant in shape.variants]
    best = max(nearness, default=-1)
    return nearness.index(best) if best >= 0 else None


def build_variant(shape: OneOf, index: int, value: JSON, place: Place, room: Room, chain: Chain = ()) -> Node:
    variant = shape.variants[index]
    node = build(variant, value, place.variant(index, variant.label), room, chain=chain)
    if isinstance(node, GroupNode):
        for child in node.fields.values():
            if isinstance(child, ConstantNode):
                child.hidden = True
    return node


def _build(shape: Shape, value: JSON, place: Place, room: Room, chain: Chain, in_row: bool) -> Node | None:
    """None where the value does not fit."""
    match shape:
        case One():
            return _box(shape, value, place)
        case Flag():
            return (
                FlagNode(shape, place, checked=bool(value))
                if value is ABSENT or isinstance(value, bool)
                else None
            )
        case Constant():
            return ConstantNode(shape, place) if value is ABSENT or _fits(shape, value) else None
        case Group():
            return _group(shape, value, place, room, chain)
        case Rows():
            return _rows(shape, value, place, room, chain)
        case Entries():
            return _entries(shape, value, place, room)
        case OneOf():
            return _union(shape, value, place, room, chain)
    return None


def _box(shape: One, value: JSON, place: Place) -> Node | None:
    moment = isinstance(shape.scalar, scalars.Moment)
    if value is ABSENT or (value is None and shape.nullable):
        return MomentNode(shape, place) if moment else BoxNode(shape, place)
    text = shape.scalar.show(value)
    if text is None:
        return None
    if moment:
        return moment_node(shape, text, place)
    return BoxNode(shape, place, text=text, keeps_empty=shape.nullable and text == "")


def moment_node(shape: One, text: str, place: Place) -> MomentNode:
    """A box for a moment of which the text says all."""
    moment = scalars.read_moment(text)
    if moment is None:
        return MomentNode(shape, place, text=text)
    shown = scalars.shown_moment(moment, timezone.get_current_timezone())
    return MomentNode(shape, place, text=shown, exact=moment.isoformat())


def _group(shape: Group, value: JSON, place: Place, room: Room, chain: Chain) -> Node | None:
    if shape.nullable and (value is None or value is ABSENT):
        return GroupNode(shape, place, present=False)
    if value is ABSENT:
        if shape.model in chain:
            return None
        node = GroupNode(shape, place)
        node.fields = {
            field.key: _build_field(field, ABSENT, place, room, (*chain, shape.model))
            for field in shape.fields
        }
        return node
    if not isinstance(value, dict):
        return None
    node = GroupNode(shape, place)
    known = {field.key for field in shape.fields}
    for field in shape.fields:
        # A draft begins no optional part again that is not in it.
        child_chain = (*chain, shape.model) if field.key not in value else ()
        node.fields[field.key] = _build_field(field, value.get(field.key, ABSENT), place, room, child_chain)
    extra = {key: item for key, item in value.items() if key not in known}
    if extra:
        node.rest = rest_node(shape, place, extra)
        room.left -= node.rest.sends
    return node


def rest_node(shape: Group, place: Place, extra: JSON) -> JsonNode:
    node = as_json(Shape(required=False), rest_place(place), extra)
    node.rest = True
    node.taken = frozenset(field.key for field in shape.fields)
    return node


def _build_field(field: Field, value: JSON, place: Place, room: Room, chain: Chain) -> Node:
    return build(field.shape, value, place.field(field.key, field.shape.label), room, chain=chain)


def _rows(shape: Rows, value: JSON, place: Place, room: Room, chain: Chain) -> Node | None:
    if shape.nullable and (value is None or value is ABSENT):
        room.left -= 1
        return RowsNode(shape, place, present=False)
    node = RowsNode(shape, place)
    if value is ABSENT:
        begin_rows(node, chain)
        room.left -= count_names(node)
        return node
    if not isinstance(value, list):
        return None
    shapes = shape.items if shape.items is not None else [shape.item] * len(value)
    before = room.left
    room.left -= 1 + len(value)
    if len(shapes) != len(value) or len(value) > MAX_ROWS:
        room.left = before
        return None
    for index, (item_shape, item) in enumerate(zip(shapes, value, strict=True)):
        if room.left < 0:
            break
        node.rows.append(build(item_shape, item, place.row(index), room, in_row=True))
    if room.left < 0:
        room.left = before
        return None
    return node


def _entries(shape: Entries, value: JSON, place: Place, room: Room) -> Node | None:
    if shape.nullable and (value is None or value is ABSENT):
        room.left -= 1
        return EntriesNode(shape, place, present=False)
    node = EntriesNode(shape, place)
    if value is ABSENT:
        room.left -= 1
        return node
    if not isinstance(value, dict) or not all(fits_a_box(key) for key in value):
        return None
    before = room.left
    room.left -= 1 + 2 * len(value)
    if len(value) > MAX_ROWS:
        room.left = before
        return None
    for index, (key, item) in enumerate(value.items()):
        if room.left < 0:
            break
        node.keys.append(key)
        node.rows.append(build(shape.item, item, place.entry(index, key), room, in_row=True))
    if room.left < 0:
        room.left = before
        return None
    return node


def _union(shape: OneOf, value: JSON, place: Place, room: Room, chain: Chain) -> Node | None:
    node = UnionNode(shape, place)
    if shape.nullable and (value is None or value is ABSENT):
        return node
    if value is ABSENT:
        first = shape.variants[0]
        if not (isinstance(first, Group) and first.model in chain):
            node.chosen, node.node = 0, build_variant(shape, 0, ABSENT, place, room, chain)
        return node
    node.chosen = pick(shape, value)
    if node.chosen is None:
        return None
    node.node = build_variant(shape, node.chosen, value, place, room)
    return node


def _is_of(shape: Shape, value: Any) -> bool:
    """Whether a validated value is certainly of this shape's type."""
    if isinstance(shape, Group):
        return type(value) is shape.model
    return False


def _fits(shape: Shape, value: JSON) -> bool:
    """Whether the value, what it holds aside, is shown in boxes of this shape's own."""
    match shape:
        case One():
            return shape.scalar.show(value) is not None or (value is None and shape.nullable)
        case Flag():
            return isinstance(value, bool)
        case Constant():
            return type(value) is type(shape.value) and bool(value == shape.value)
        case Group() | Entries():
            return isinstance(value, dict) or (value is None and shape.nullable)
        case Rows():
            return isinstance(value, list) or (value is None and shape.nullable)
    return True


def _nearness(shape: Shape, value: JSON) -> int:
    """How much a value that no variant allows looks like this one; -1 where not at all."""
    match shape:
        case Group() if isinstance(value, dict):
            score = 0
            for field in shape.fields:
                if field.key in value:
                    if isinstance(field.shape, Constant):
                        if value[field.key] != field.shape.value:
                            return -1
                        score += 100
                    score += 1
            return score
        case Rows() if isinstance(value, list):
            return 1
        case Entries() if isinstance(value, dict):
            return 0
        case One() | Flag() | Constant() if not isinstance(value, (dict, list)) and _fits(shape, value):
            natural = isinstance(value, str) == isinstance(shape, One) and (
                not isinstance(shape, One) or shape.scalar.keeps_empty or not isinstance(value, str)
            )
            return 1 if natural else 0
        case Free():
            return 0
    return -1
