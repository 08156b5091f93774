"""From what happened to an invented entity to its records."""

from typing import Any

from facets.core import Processor, StateUpdaterInput
from facets.demo.history import Happening, History, in_time, records


def count(given: StateUpdaterInput[dict[str, Any]]) -> dict[str, Any]:
    given.publish("first", given.current)
    given.publish("second", given.current)
    return given.state


def test_messages_bear_the_seq_of_their_event_and_count_from_0_in_it() -> None:
    history = History(
        "X", "1", [Happening(1000, "OTHER", {}), Happening(2000, "C", 1), Happening(3000, "C", 2)]
    )

    made = records(history, Processor({"C": count}, dict))

    assert [(record.rng, record.ts, record.itm) for record in made if record.kind == "OUTBOUND"] == [
        ("OUTBOUND/first/2/0", 2000, "1"),
        ("OUTBOUND/second/2/1", 2000, "1"),
        ("OUTBOUND/first/3/0", 3000, "2"),
        ("OUTBOUND/second/3/1", 3000, "2"),
    ]


def test_events_of_one_moment_are_a_millisecond_apart() -> None:
    ordered = in_time([Happening(5, "A", 1), Happening(5, "B", 2), Happening(4, "C", 3)])

    assert [(happening.type, happening.ts) for happening in ordered] == [("C", 4), ("A", 5), ("B", 6)]
