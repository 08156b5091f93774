"""Entities that `manage.py verify` found to differ from their events, noted beside them in the directory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Count, F, QuerySet

from facets import directory
from facets.core.store import EventStore, Table
from facets.definitions import FacetDefinition
from facets.directory.models import Entity, TableFacet
from facets.directory.writer import facet_of, now_ms
from facets.jobs.bulk_recalculate import Settled, settle, settle_all

# Entities a read; DynamoDB gives fewer, what one read of 1 MB holds.
_PAGE = 1_000


def has_drifted(settled: Settled) -> bool:
    """Whether a replay came to another state, or another seq, than is stored.

    Of a history with gaps or twins too; one that a rule refuses, or that cannot be read, cannot be judged.
    """
    return settled.result == "would-change" or settled.why == "history-not-whole"


def verify(
    definition: FacetDefinition[Any],
    db: EventStore,
    ids: Iterable[str],
    *,
    workers: int = 8,
    stopping: Callable[[], bool] = lambda: False,
) -> Iterator[Settled]:
    """Replay entities, note of each whether it drifts, and tell what came of it. Nothing is written to the table.

    Raises:
        TableNotFound, StoreUnavailable: as `ids` does; what is wrong with one entity is told in what came of it.
    """
    notes = _Notes(db)
    replay = partial(settle, definition.facet(db), authority=None)
    for settled in settle_all(replay, ids, workers=workers, stopping=stopping):
        notes.add(settled)
        yield settled


def ids_of(table: Table, facet: str, *, stopping: Callable[[], bool] = lambda: False) -> Iterator[str]:
    """The ids of a facet as the table gives them, a page at a time. Raises TableNotFound, StoreUnavailable."""
    after: str | None = None
    while not stopping():
        page = table.browse(facet, after=after, limit=_PAGE)
        yield from (state.entity_id for state in page.states)
        if (after := page.next) is None:
            return


def finish(facet: str) -> None:
    """Note that all of the facet has been verified."""
    TableFacet.objects.filter(pk=facet_of(facet).pk).update(verified_at=now_ms())


class _Notes:
    """Keeps one facet's findings; asks only once which entities are known to drift, which are few."""

    def __init__(self, db: EventStore) -> None:
        self._db = db
        self._known: set[str] = set(
            _entities(db.facet).filter(drift_seq__isnull=False).values_list("entity_id", flat=True)
        )

    def add(self, settled: Settled) -> None:
        """Note what came of one entity; an entity that could not be judged stays as it was known."""
        if settled.result == "failed" and not has_drifted(settled):
            return
        if not has_drifted(settled):
            if settled.id in self._known:
                _entities(self._db.facet).filter(entity_id=settled.id).update(drift_seq=None)
            return
        # The directory may have an older state, or none.
        if (state := self._db.get_state(settled.id)) is not None and state.seq == settled.stored_seq:
            directory.note(state)
            _entities(self._db.facet).filter(entity_id=settled.id, seq=state.seq).update(
                drift_seq=state.seq, drift_fields=len(settled.changes), drift_at=now_ms()
            )


def counts(facets: Iterable[TableFacet]) -> Mapping[str, int]:
    """By facet, how many entities are at the seq at which they were found to differ."""
    found = Entity.objects.filter(facet__in=list(facets), drift_seq=F("seq"))
    return dict(found.order_by().values_list("facet__name").annotate(count=Count("pk")))


def verified_at(facet: str) -> int | None:
    """When all of the facet was verified last, in milliseconds since 1970; None if never."""
    return (
        TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name=facet)
        .values_list("verified_at", flat=True)
        .first()
    )


def _entities(facet: str) -> QuerySet[Entity]:
    return Entity.objects.filter(facet__table=settings.HDEADMIN_STORE, facet__name=facet)
