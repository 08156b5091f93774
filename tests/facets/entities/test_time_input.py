"""A date and time in somebody's zone."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from facets.entities import time_input
from facets.entities.time_input import NoSuchMoment

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-11-20T14:34", "2026-11-20 13:34:00 UTC"),
        ("2026-07-20T14:34:05", "2026-07-20 12:34:05 UTC"),
        ("2026-11-20", "2026-11-19 23:00:00 UTC"),
        ("2026-11-20T14:34Z", "2026-11-20 14:34:00 UTC"),
        ("2026-11-20T14:34-05:00", "2026-11-20 19:34:00 UTC"),
    ],
)
def test_a_time_is_of_the_readers_zone_unless_it_names_an_offset(text: str, utc: str):
    assert time_input.read(text, BERLIN).utc == utc


def test_a_moment_says_its_zone():
    assert time_input.read("2026-11-20T14:34", BERLIN).local == "2026-11-20 14:34:00 Europe/Berlin"
    assert time_input.read("2026-11-20T14:34", UTC).local == "2026-11-20 14:34:00 UTC"


@pytest.mark.parametrize(
    ("text", "utc", "ts"),
    [
        ("2026-11-20T14:34:05", "2026-11-20 13:34:05 UTC", 1_795_181_645_999),
        ("2026-11-20T14:34", "2026-11-20 13:34:00 UTC", 1_795_181_640_999),
        ("2026-11-20T14:34:05.25", "2026-11-20 13:34:05.250 UTC", 1_795_181_645_250),
        ("2026-11-20T14:34:05,000", "2026-11-20 13:34:05.000 UTC", 1_795_181_645_000),
        ("20261120T133405.0019Z", "2026-11-20 13:34:05.001 UTC", 1_795_181_645_001),
        ("1969-12-31T23:59:59Z", "1969-12-31 23:59:59 UTC", -1),
    ],
)
def test_a_time_to_the_second_is_that_whole_second_and_milliseconds_are_exact(text: str, utc: str, ts: int):
    moment = time_input.read(text, BERLIN)

    assert (moment.utc, moment.ts) == (utc, ts)
    assert ("whole of that second" in moment.note) == (ts % 1000 == 999)


def test_a_time_that_clocks_skipped_is_refused_and_one_they_showed_twice_is_noted():
    with pytest.raises(NoSuchMoment, match="no 02:30 on that day in Europe/Berlin"):
        time_input.read("2026-03-29T02:30", BERLIN)

    twice = time_input.read("2026-10-25T02:30", BERLIN)
    assert (twice.utc, bool(twice.note)) == ("2026-10-25 00:30:00 UTC", True)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026-13-01", "0001-01-01T00:00", "9999-12-31T23:59-12:00"]
)
def test_what_is_no_moment_is_refused_in_words(text: str):
    with pytest.raises(NoSuchMoment):
        time_input.read(text, BERLIN)


def test_an_unknown_zone_is_the_settings_zone():
    assert time_input.zone_of("Europe/Berlin", UTC) == BERLIN
    for name in ("", "Nowhere/Town", "../../etc/passwd", "x" * 500, "a\0b"):
        assert time_input.zone_of(name, UTC) is UTC
