"""Numbers as a picture: nothing that stands out is lost, and everything lies inside."""

import math
import re

from hypothesis import given
from hypothesis import strategies as st

from facets.entities.charts import MOST_POINTS, Picture, Point, line, number, thinned

VALUES = st.floats(-1e12, 1e12, allow_nan=False)


def points(values: list[float]) -> list[Point]:
    return [Point(place, value, f"event {place}", f"?seq={place}") for place, value in enumerate(values)]


def inside(picture: Picture, x: float, y: float) -> bool:
    return picture.left <= x <= picture.right and picture.top <= y <= picture.bottom


@given(st.lists(VALUES, min_size=1, max_size=40), st.booleans())
def test_every_point_lies_inside_its_picture(values: list[float], steps: bool):
    picture = line(points(values), steps=steps)

    assert len(picture.dots) == len(values)
    assert all(inside(picture, dot.x, dot.y) for dot in picture.dots)
    assert all(picture.top <= tick.at <= picture.bottom for tick in picture.y_ticks)
    assert re.fullmatch(r"[MLHVh\d. ]+", picture.path)


@given(st.lists(VALUES, min_size=1, max_size=2000))
def test_of_many_points_the_first_the_last_and_the_peaks_are_kept(values: list[float]):
    found = thinned(points(values))

    assert len(found) <= max(MOST_POINTS, 3)
    assert (found[0].x, found[-1].x) == (0, len(values) - 1)
    assert min(point.y for point in found) == min(values)
    assert max(point.y for point in found) == max(values)
    assert [point.x for point in found] == sorted(point.x for point in found)


@given(st.lists(VALUES, min_size=1, max_size=40))
def test_higher_values_stand_higher(values: list[float]):
    dots = line(points(values)).dots

    for one in dots:
        for other in dots:
            if values[dots.index(one)] < values[dots.index(other)]:
                assert one.y >= other.y


def test_a_state_holds_until_the_next_event():
    assert re.fullmatch(r"M[\d.]+ [\d.]+H[\d.]+V[\d.]+", line(points([1, 5]), steps=True).path)


def test_the_axis_counts_in_round_numbers():
    assert [tick.text for tick in line(points([0, 930])).y_ticks] == ["0", "250", "500", "750", "1,000"]
    assert [tick.text for tick in line(points([-20, 20])).y_ticks] == ["-20", "-10", "0", "10", "20"]


def test_a_level_line_says_its_value():
    picture = line(points([40, 40]))

    assert "40" in [tick.text for tick in picture.y_ticks]


def test_nothing_to_draw_is_an_empty_picture():
    assert line([]).path == ""
    assert line(points([math.nan, math.inf])).dots == []


def test_numbers_have_no_more_digits_than_they_need():
    assert [number(value) for value in (0, -0.0, 1234.5, 1_000_000, 0.1 + 0.2, 1e20, -3e-9)] == [
        "0",
        "0",
        "1,234.5",
        "1,000,000",
        "0.3",
        "1e+20",
        "-3e-09",
    ]
