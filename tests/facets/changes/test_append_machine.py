"""Two people, a service and a recalculation take turns on one entity in every order that Hypothesis can think of."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from facets.changes import append
from facets.changes.append import Preview, StateChanged
from facets.changes.preview_token import PromisedEvent
from facets.core import Event, FacetError, SequenceConflict, StoreUnavailable
from facets.core.sqlite import SqliteEventDB, SqliteTable
from facets.core.store import new_operation_id
from facets.demo.definitions.bank_account import InsufficientFunds, bank_account
from tests.support.unannounced import unannounced

PEOPLE = st.sampled_from(("ada", "ben"))
AMOUNTS = st.lists(st.integers(-400, 400), min_size=1, max_size=3)
FATES = st.sampled_from(("answered", "answered", "answered", "lost before", "lost after"))


class Unsteady(SqliteEventDB):
    """A store whose answer to a write can be lost, before it is written or after."""

    fate = "answered"

    def put_state(self, *args: Any, **kwargs: Any) -> None:
        if self.fate == "lost before":
            raise StoreUnavailable("lost", maybe_written=True)
        super().put_state(*args, **kwargs)
        if self.fate == "lost after":
            raise StoreUnavailable("lost", maybe_written=True)


class Corrections(RuleBasedStateMachine):
    """What must hold whoever is first: no event lost, none twice, seqs whole, a recalculated state its replay."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="hdeadmin-machine-")
        path = Path(self.folder.name) / "ledger.sqlite3"
        SqliteTable(path).create()
        self.db = Unsteady(path, "BANK_ACCOUNT")
        self.facet = bank_account.facet(self.db)
        self.previews: dict[str, tuple[str, Preview, list[PromisedEvent]]] = {}
        self.number = 0
        # What was reported as written must be there once; what was not, nowhere; the rest at most once.
        self.written: set[str] = set()
        self.unknown: dict[str, set[str]] = {}

    def teardown(self) -> None:
        self.folder.cleanup()

    def event(self, amount: int) -> PromisedEvent:
        self.number += 1
        return PromisedEvent("TRANSACTION_ACCEPTED", {"desc": f"no {self.number}", "amount": amount})

    @rule(person=PEOPLE, amounts=AMOUNTS)
    def look(self, person: str, amounts: list[int]) -> None:
        events = [self.event(amount) for amount in amounts]
        before = self.db.get_records("1")
        preview = append.preview(self.facet, "1", events)
        assert self.db.get_records("1") == before
        if not preview.failed:
            self.previews[person] = (new_operation_id(), preview, events)

    @precondition(lambda self: self.previews)
    @rule(person=PEOPLE, fate=FATES)
    def confirm(self, person: str, fate: str) -> None:
        if person not in self.previews:
            return
        operation_id, preview, events = self.previews[person]
        named = {event.data["desc"] for event in events}
        self.db.fate = fate
        try:
            receipt = append.apply(
                self.facet,
                "1",
                events,
                seen_seq=preview.seq,
                seen_state=preview.state,
                actor=person,
                reason="because it was wrong",
                operation_id=operation_id,
                announce=unannounced,
            )
        except StoreUnavailable:
            self.unknown[operation_id] = named
        except (SequenceConflict, StateChanged):
            # Looked for by its operation id and not found: it was not written, and never will be.
            assert not named & self.stored()
            self.unknown.pop(operation_id, None)
            del self.previews[person]
        else:
            assert receipt.last_seq - receipt.first_seq + 1 == len(events)
            assert receipt.first_seq == preview.seq + 1
            self.unknown.pop(operation_id, None)
            self.written |= named
        finally:
            self.db.fate = "answered"

    @rule(amount=st.integers(-400, 400))
    def a_service_appends(self, amount: int) -> None:
        event = self.event(amount)
        try:
            self.facet.append("1", Event(event.type, event.data))
        except InsufficientFunds:
            return
        self.written.add(event.data["desc"])

    @rule()
    def recalculate(self) -> None:
        try:
            self.facet.recalculate("1")
        except FacetError:
            return
        stored = self.facet.get("1")
        assert stored is not None
        replay = self.facet.read("1")
        assert stored.item == self.facet.processor.process(None, replay.past).state
        assert stored.record.seq == replay.log.seq

    @invariant()
    def nothing_is_lost_and_nothing_there_twice(self) -> None:
        descriptions = [record.data["desc"] for record in self.inbound()]
        assert len(descriptions) == len(set(descriptions))
        assert self.written <= set(descriptions)
        open_to_doubt = set().union(*self.unknown.values()) if self.unknown else set()
        assert set(descriptions) <= self.written | open_to_doubt

    @invariant()
    def seqs_are_whole(self) -> None:
        log = self.db.get_log("1")
        assert [entry.seq for entry in log.entries] == list(range(1, len(log.entries) + 1))
        assert (log.state_seq or 0) == len(log.entries)

    def inbound(self) -> list[Any]:
        return [record for record in self.db.get_records("1") if record.kind == "INBOUND"]

    def stored(self) -> set[str]:
        return {record.data["desc"] for record in self.inbound()}


Corrections.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestCorrections = pytest.mark.filterwarnings("error")(Corrections.TestCase)
