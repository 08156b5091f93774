"""Records of a facet that no definition knows."""

from facets.core.records import inbound_record, outbound_record, state_record
from facets.core.store import Table


def add_undefined(ledger: Table, facet: str, id: str) -> None:
    """One entity of one event, which published one message."""
    ledger.load(
        record.to_item()
        for record in (
            inbound_record(facet, id, 1, "CARD_ISSUED", '{"holder":"Ada"}', 1_700_000_000_000),
            outbound_record(facet, id, 1, 0, "cardIssued", "{}", 1_700_000_000_000),
            state_record(facet, id, 1, '{"holder":"Ada"}', 1_700_000_000_000),
        )
    )
