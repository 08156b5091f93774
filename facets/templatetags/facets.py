"""What templates of facets need: hostile text made visible, instants, and who may press which button."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from functools import cache

# Django's own does the same, once it has looked, for longer than that takes, whether the text is a promise.
from html import escape
from typing import Any
from urllib.parse import urlencode

from django import template
from django.http import QueryDict
from django.template.defaultfilters import truncatechars
from django.template.loader import get_template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from facets.converters import id_in_path
from facets.definitions import display
from facets.definitions.display import Value
from facets.directory.queries import UPDATED
from facets.lists.cells import Cell
from facets.lists.highlight import Part

register = template.Library()

register.filter("id_in_path", id_in_path)


@register.filter
def visible(text: object) -> str:
    """Text out of a table, an id or an event, in which every character can be seen. The template still escapes it."""
    return display.visible(str(text))


@register.filter
def instant(ts: int) -> dict[str, str]:
    """Milliseconds since 1970 for `<time>`: `iso` in UTC to the millisecond, `text` in the zone of the settings.

    Empty where the number is no instant, as in a record that something else wrote.
    """
    try:
        moment = datetime.fromtimestamp(ts / 1000, UTC)
        local = moment.astimezone(timezone.get_default_timezone())
    except (ValueError, OverflowError, OSError):
        return {}
    return {
        "iso": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "text": f"{local.isoformat(' ')[:19]} {local.tzname()}",
    }


@register.filter
def marked_up(parts: Iterable[Part]) -> SafeString:
    """A text in pieces, escaped, with `<mark>` round those that were searched for."""
    return mark_safe(  # noqa: S308  # each piece is escaped here
        "".join(f"<mark>{escape(part.text)}</mark>" if part.hit else escape(part.text) for part in parts)
    )


@register.filter
def time_tag(ts: int) -> SafeString:
    """Milliseconds since 1970 as `_time.html` shows them. Cheaper than to include it, where there are hundreds."""
    at = instant(ts)
    if not at:
        return format_html('<span title="Milliseconds since 1970">{}</span>', str(ts))
    return mark_safe(  # noqa: S308 - digits, and the name of a zone of the settings
        f'<time datetime="{at["iso"]}" title="{at["iso"]}">{at["text"]}</time>'
    )


@register.simple_tag
def icon(name: str) -> SafeString:
    """The drawing `icons/NAME.svg`. Cheaper than to include it, where there are hundreds."""
    return _drawing(name)


@cache
def _drawing(name: str) -> SafeString:
    return mark_safe(get_template(f"icons/{name}.svg").render())  # noqa: S308 - a drawing of our own


@register.filter
def value_tag(value: Value) -> SafeString:
    """One scalar, a long text folded. A filter, since a page has hundreds."""
    text = escape(value.text)
    if value.kind == "time":
        written = f'<time class="value-time" datetime="{text}">{text}</time>'
    elif value.long:
        begin = escape(truncatechars(value.text, 160))
        written = (
            f'<details class="long-text"><summary><bdi class="value-text">{begin}</bdi></summary>'
            f'<bdi class="value-text">{text}</bdi></details>'
        )
    else:
        digits = f' data-digits="{escape(value.digits)}"' if value.digits else ""
        written = f'<bdi class="value-{value.kind}"{digits}>{text}</bdi>'
    if value.note:
        written += f' <span class="chip warn">{escape(value.note)}</span>'
    return mark_safe(written)  # noqa: S308 - each text is escaped here


@register.filter
def marked_up_cell(cell: Cell) -> SafeString:
    """One value of a list, with what was searched for marked in it; a dash where there is none."""
    if cell.parts:
        return mark_safe(f'<bdi class="value-text">{marked_up(cell.parts)}</bdi>')  # noqa: S308 - escaped there
    if cell.blank:
        text = escape(cell.value.text)
        return mark_safe(  # noqa: S308 - the text is escaped here
            f'<span class="value-absent" title="{text}">–<span class="visually-hidden">{text}</span></span>'
        )
    return value_tag(cell.value)


@register.filter
def changes_line(changes: Iterable[Mapping[str, Any]]) -> SafeString:
    """Changes, as `display.changes` makes them, on one line. A filter, since a page has hundreds."""
    return mark_safe("".join(map(_change, changes)))  # noqa: S308 - each text is escaped there


def _change(change: Mapping[str, Any]) -> str:
    def written(value: Value) -> str:
        return f'<bdi class="value-{value.kind}">{escape(value.text)}</bdi>'

    was = f'<del class="was">{written(change["old"])}</del>' if change["kind"] != "added" else ""
    becomes = f'<ins class="becomes">{written(change["new"])}</ins>' if change["kind"] != "removed" else ""
    return (
        f'<span class="change"><bdi class="change-path">{escape(change["path"])}</bdi> {was}{becomes}</span>'
    )


@register.filter
def table_cells(cells: Iterable[Cell]) -> SafeString:
    """A row's values as cells of a table. A filter, since a loop in the template took longer than the query."""
    return mark_safe(  # noqa: S308 - each text is escaped here
        "".join(
            f'<td class="value-cell{" number" if cell.numeric else ""}" data-label="{escape(cell.label)}">'
            f"{marked_up_cell(cell)}</td>"
            for cell in cells
        )
    )


@register.filter
def grouped(number: int) -> str:
    """A count with its thousands apart: 1,000,000."""
    return f"{number:,}"


@register.simple_tag
def on_day(day: date) -> str:
    """The query of a list for the entities that were changed last on this day."""
    return f"?{urlencode({f'{test}.{UPDATED}': day.isoformat() for test in ('from', 'to')}, safe='@')}"


@register.simple_tag
def query(**values: Any) -> str:
    """A query string, `?a=1&b=2`, of the values that are not None."""
    made = QueryDict(mutable=True)
    for name, value in values.items():
        if value is not None:
            made[name] = str(value)
    return f"?{made.urlencode()}" if made else ""
