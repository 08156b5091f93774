"""Choose another variant of a union, without losing what was typed for the one that is left."""

from typing import Any

from facets.forms.builder import Room, build_variant
from facets.forms.fields import ABSENT, Constant, Group, Shape
from facets.forms.nodes import BoxNode, GroupNode, Node, UnionNode
from facets.forms.scalars import Choice

JSON = Any


def switch(node: UnionNode, wanted: int | None, room: Room) -> None:
    """Show the variant `wanted` (None: no value), with what it held before, and with what the two have in common."""
    left = node.node
    if left is not None and node.chosen is not None:
        node.kept[node.chosen] = left.draft()
    if wanted is None:
        node.chosen, node.node = None, None
        return
    variant = node.shape.variants[wanted]
    value = node.kept.pop(wanted, ABSENT)
    if left is not None:
        value = _with_shared(variant, value, left)
    node.chosen = wanted
    node.node = build_variant(node.shape, wanted, value, node.place, room)
    # A name that was left blank is a text, and here the variant's own default stands.
    if isinstance(left, BoxNode) and isinstance(node.node, BoxNode) and value is ABSENT:
        _carry_text(left, node.node)


def _with_shared(variant: Shape, value: JSON, left: Node) -> JSON:
    if not (isinstance(variant, Group) and isinstance(left, GroupNode)):
        return value
    shared = {}
    for field in variant.fields:
        typed = left.fields.get(field.key)
        if typed is None or isinstance(field.shape, Constant) or isinstance(typed.shape, Constant):
            continue
        draft = typed.draft()
        if draft is not ABSENT and type(typed.shape) is type(field.shape):
            shared[field.key] = draft
    if not shared:
        return value
    before = value if isinstance(value, dict) else {}
    constants = {
        field.key: field.shape.value for field in variant.fields if isinstance(field.shape, Constant)
    }
    return before | constants | shared


def _carry_text(left: BoxNode, to: BoxNode) -> None:
    choices = isinstance(left.shape.scalar, Choice) or isinstance(to.shape.scalar, Choice)
    if not choices and not to.text and ("\n" not in left.text or to.shape.scalar.keeps_empty):
        to.text = left.text
