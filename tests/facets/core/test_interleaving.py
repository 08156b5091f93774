"""However two writers take turns, an entity's seqs stay whole and its state stays what a replay makes of it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from facets.core import Event, Facet, Processor, SequenceConflict
from facets.core.sqlite import SqliteTable

WRITERS = st.sampled_from(["ann", "ben"])
EVENTS = st.lists(
    st.builds(Event, st.sampled_from(["ADD", "TAKE"]), st.integers(0, 9).map(lambda n: {"n": n})), max_size=3
)


class TooLittle(Exception):
    pass


def _add(given: Any) -> Any:
    given.state["sum"] += given.current["n"]
    return given.state


def _take(given: Any) -> Any:
    given.state["sum"] -= given.current["n"]
    if given.state["sum"] < -10:
        raise TooLittle
    if given.state["sum"] < 0:
        given.publish("LOW", given.state)
    return given.state


class TwoWriters(RuleBasedStateMachine):
    """Each writer has a connection's worth of its own: what it saw last."""

    @initialize()
    def start(self) -> None:
        self.folder = TemporaryDirectory()
        table = SqliteTable(Path(self.folder.name) / "t.db")
        table.create()
        processor = Processor({"ADD": _add, "TAKE": _take}, lambda: {"sum": 0})
        self.facet = Facet("A", table.db("A"), processor)
        self.seen: dict[str, tuple[Any, int]] = {"ann": (None, 0), "ben": (None, 0)}
        # What a correct entity would hold.
        self.log: list[Event] = []
        self.exists = False

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()

    @rule(writer=WRITERS)
    def look(self, writer: str) -> None:
        got = self.facet.get("1")
        self.seen[writer] = (got.item, got.record.seq) if got else (None, 0)

    @rule(writer=WRITERS, events=EVENTS)
    def append_to(self, writer: str, events: list[Event]) -> None:
        state, seq = self.seen[writer]
        refused = None
        try:
            output = self.facet.append_to("1", state, seq, *events)
        except SequenceConflict as conflict:
            refused = conflict
        except TooLittle:
            return
        if seq == len(self.log):
            assert refused is None
            self._landed(writer, output, events)
        else:
            assert refused is not None
            assert (refused.expected_seq, refused.actual_seq) == (seq, len(self.log))

    @rule(writer=WRITERS, events=EVENTS, retries=st.integers(0, 2))
    def append(self, writer: str, events: list[Event], retries: int) -> None:
        try:
            output = self.facet.append("1", *events, retries=retries)
        except TooLittle:
            return
        self._landed(writer, output, events)

    @rule(writer=WRITERS, events=EVENTS)
    def recalculate(self, writer: str, events: list[Event]) -> None:
        try:
            output = self.facet.recalculate("1", *events)
        except TooLittle:
            return
        assert (output.faults, output.skipped) == ([], [])
        self._landed(writer, output, events)

    @invariant()
    def seqs_are_whole_and_the_state_is_that_of_a_replay(self) -> None:
        if not hasattr(self, "facet"):
            return
        got = self.facet.get("1")
        assert (got is not None) == self.exists
        records = self.facet.db.get_records("1")
        inbound = [record for record in records if record.kind == "INBOUND"]
        assert [record.seq for record in inbound] == list(range(1, len(self.log) + 1))
        assert [Event(record.typ, record.data) for record in inbound] == self.log
        if got:
            replayed = self.facet.processor.process(None, self.log)
            assert (got.record.seq, got.item) == (len(self.log), replayed.state)
            outbound = [record.data for record in records if record.kind == "OUTBOUND"]
            assert outbound == [event.data for event in replayed.past_outbound_events]

    def _landed(self, writer: str, output: Any, events: list[Event]) -> None:
        self.log += events
        self.exists = True
        assert output.seq == len(self.log)
        self.seen[writer] = (output.item, output.seq)


TwoWriters.TestCase.settings = settings(max_examples=60, stateful_step_count=20)
TestTwoWritersMayTakeTurnsInAnyWay = TwoWriters.TestCase
