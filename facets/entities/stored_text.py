"""A record's texts as they are stored but for what is masked, to be searched, copied and taken away. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

from facets.core import InvalidRecord, Record, json
from facets.definitions import FacetDefinition, display
from facets.definitions.masking import BULLETS, mask_unknown, redact


def payload_text(record: Record, definition: FacetDefinition[Any] | None, *, sensitive: Sequence[str]) -> str:
    """The payload's JSON as it is stored but for what is masked."""
    if definition is None or not sensitive:
        return record.itm
    return display.compact(definition.masked(record, sensitive=sensitive))


def meta_text(record: Record, *, sensitive: Sequence[str], others: Iterable[Record] = ()) -> str | None:
    """The record's `_meta` as it is stored but for what is masked; a reason may quote the payload, or `others`."""
    if record.meta is None or not sensitive:
        return record.meta
    try:
        meta = mask_unknown(json.loads(record.meta), sensitive)
    except InvalidRecord:
        return BULLETS
    if isinstance(meta, dict):
        quoted = [data for each in (record, *others) for data in data_of(each)]
        meta = {
            key: redact(item, sensitive, *quoted) if isinstance(item, str) else item
            for key, item in meta.items()
        }
    return display.compact(meta)


def data_of(record: Record | None) -> list[Any]:
    """The payload, if there is one and it is JSON: what a text about it may quote."""
    if record is None:
        return []
    try:
        return [record.data]
    except InvalidRecord:
        return []
