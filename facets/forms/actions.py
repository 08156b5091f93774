"""What the buttons within a form do to its draft: add, remove and move rows, begin and leave out optional parts.

They also choose between the two readings of a number.
"""

from facets.forms.builder import MAX_ROWS, Room, begin_group, begin_rows, build
from facets.forms.fields import ABSENT
from facets.forms.nodes import BoxNode, CompositeNode, EntriesNode, GroupNode, Node, RowsNode, walk

FULL = "The form is full. Go on with it as JSON."
_READINGS = ("whole", "fraction")
_STEPS = {"up": -1, "down": 1}


def apply(root: Node, verb: str, name: str, room: Room) -> str:
    """Do what a button says: `add`, `remove`, `up`, `down`, `whole` or `fraction`, at the node of that name.

    Returns what to tell the person, "" for nothing. What the draft does not have is left alone: buttons are forged.
    """
    for node, _ in walk(root):
        if verb in _READINGS and isinstance(node, BoxNode) and node.name == name:
            node.text = dict(node.readings).get(verb, node.text)
            return ""
        if isinstance(node, (RowsNode, EntriesNode)) and verb not in _READINGS:
            names = [row.name for row in node.rows]
            if name in names and _resizable(node):
                _row(node, verb, names.index(name))
                return ""
        if node.name == name and isinstance(node, CompositeNode):
            return _part(node, verb, room)
    return ""


def _part(node: CompositeNode, verb: str, room: Room) -> str:
    if verb == "remove" and node.shape.nullable:
        node.present = False
        if isinstance(node, GroupNode):
            node.fields, node.rest = {}, None
        elif isinstance(node, RowsNode):
            node.rows = []
        elif isinstance(node, EntriesNode):
            node.keys, node.rows = [], []
    elif verb == "add" and isinstance(node, GroupNode):
        if not node.present:
            node.present = True
            begin_group(node)
    elif verb == "add" and isinstance(node, (RowsNode, EntriesNode)):
        return _add_row(node, room)
    return ""


def _add_row(node: RowsNode | EntriesNode, room: Room) -> str:
    began = not node.present
    node.present = True
    if began:
        begin_rows(node)
    if (began and node.rows) or not _resizable(node):
        return ""
    if len(node.rows) >= MAX_ROWS:
        return FULL
    index = len(node.rows)
    if isinstance(node, RowsNode):
        row = build(node.shape.item, ABSENT, node.place.row(index), room, in_row=True)
    else:
        row = build(node.shape.item, ABSENT, node.place.entry(index, ""), room, in_row=True)
        node.keys.append("")
    node.rows.append(row)
    return ""


def _row(node: RowsNode | EntriesNode, verb: str, index: int) -> None:
    lists: list[list[object]] = [node.rows]  # type: ignore[list-item]  # only moved about
    if isinstance(node, EntriesNode):
        lists.append(node.keys)  # type: ignore[arg-type]  # likewise
    other = index + _STEPS.get(verb, 0)
    for items in lists:
        if verb == "remove":
            del items[index]
        elif other != index and 0 <= other < len(items):
            items[index], items[other] = items[other], items[index]
    node.move_to(node.place)


def _resizable(node: RowsNode | EntriesNode) -> bool:
    return not isinstance(node, RowsNode) or node.resizable
