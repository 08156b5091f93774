"""Numbers as a picture: the places of a line, its dots and its axes in an SVG of fixed size. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

MOST_POINTS = 240

# Room for the labels of the axes, in the units of the picture.
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 12, 12, 26


@dataclass(frozen=True, slots=True)
class Point:
    """One value: where it lies along, how high it is, what a reader is told of it, and the page behind it."""

    x: float
    y: float
    label: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Dot:
    """A point at its place in the picture."""

    x: float
    y: float
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark of an axis: where, and what it says. `anchor` is SVG's text-anchor."""

    at: float
    text: str
    anchor: str = "middle"


@dataclass(frozen=True, slots=True)
class Picture:
    """What a template draws. All places are in units of `width` x `height`, y counted from the top.

    Attributes:
        path: of the line, and `area` of what lies between it and zero.
        zero: where the axis of zero lies; None where zero is outside the picture.
    """

    width: int
    height: int
    path: str = ""
    area: str = ""
    dots: list[Dot] = field(default_factory=list)
    x_ticks: list[Tick] = field(default_factory=list)
    y_ticks: list[Tick] = field(default_factory=list)
    zero: float | None = None

    @property
    def crowded(self) -> bool:
        """Whether the dots would hide the line."""
        return len(self.dots) * 9 > self.width

    @property
    def left(self) -> int:
        return _LEFT

    @property
    def right(self) -> int:
        return self.width - _RIGHT

    @property
    def top(self) -> int:
        return _TOP

    @property
    def bottom(self) -> int:
        return self.height - _BOTTOM


def line(
    points: Sequence[Point],
    *,
    width: int = 720,
    height: int = 200,
    steps: bool = False,
    x_text: Callable[[float], str] = lambda x: number(x),
    dots: bool = True,
) -> Picture:
    """A line through the points, which lie in the order of x.

    Args:
        steps: a value holds until the next one, as a state does between events; else points are joined directly.
        x_text: what the axis says of a place along it.
    """
    shown = [point for point in thinned(points) if math.isfinite(point.y) and math.isfinite(point.x)]
    if not shown:
        return Picture(width, height)
    scale = _Scale(shown, width, height)
    places = [(scale.x(point.x), scale.y(point.y)) for point in shown]
    path = _path(places, steps=steps)
    floor = scale.y(max(scale.low, min(0.0, scale.high)))
    area = f"{path}V{_text(floor)}H{_text(places[0][0])}Z" if len(places) > 1 else ""
    return Picture(
        width=width,
        height=height,
        path=path,
        area=area,
        dots=[Dot(_r(x), _r(y), p.label, p.url) for (x, y), p in zip(places, shown, strict=True)]
        if dots
        else [],
        x_ticks=scale.x_ticks(x_text),
        y_ticks=scale.y_ticks(),
        zero=_r(scale.y(0)) if scale.low < 0 < scale.high else None,
    )


def thinned(points: Sequence[Point], most: int = MOST_POINTS) -> list[Point]:
    """At most about `most` of many points, the lowest and the highest of each stretch, so that no peak is lost.

    The first and the last are always kept, and points stay in their order.
    """
    if len(points) <= most:
        return list(points)
    stretches = max(1, (most - 2) // 2)
    kept: set[int] = {0, len(points) - 1}
    for stretch in range(stretches):
        begin = stretch * len(points) // stretches
        end = max(begin + 1, (stretch + 1) * len(points) // stretches)
        places = range(begin, end)
        kept.add(min(places, key=lambda place: points[place].y))
        kept.add(max(places, key=lambda place: points[place].y))
    return [points[place] for place in sorted(kept)]


def number(value: float) -> str:
    """A number for people: 1,234.5, with no more digits than it needs."""
    if not math.isfinite(value):
        return "∞" if value > 0 else "-∞"
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.3g}"
    text = f"{value:,.4f}".rstrip("0").rstrip(".") if value != int(value) else f"{int(value):,}"
    return "0" if text == "-0" else text


class _Scale:
    """From values to places in the picture."""

    def __init__(self, points: Sequence[Point], width: int, height: int, *, from_zero: bool = False) -> None:
        self.width, self.height = width, height
        self.first, self.last = points[0].x, points[-1].x
        low, high = min(point.y for point in points), max(point.y for point in points)
        if low == high:
            # A level line lies in the middle, and its axis says its value.
            room = abs(low) / 2 or 1.0
            low, high = low - room, high + room
        self.step = _round_step((high - low) / 4)
        self.low = math.floor(low / self.step) * self.step
        self.high = math.ceil(high / self.step) * self.step

    def x(self, value: float) -> float:
        span = self.last - self.first
        inner = self.width - _LEFT - _RIGHT
        return _LEFT + (inner / 2 if not span else inner * ((value - self.first) / span))

    def y(self, value: float) -> float:
        inner = self.height - _TOP - _BOTTOM
        return _TOP + inner * (1 - (value / (self.high - self.low) - self.low / (self.high - self.low)))

    def y_ticks(self) -> list[Tick]:
        count = min(12, round((self.high - self.low) / self.step))
        return [
            Tick(_r(self.y(value)), number(value), "end")
            for value in (self.low + self.step * place for place in range(count + 1))
        ]

    def x_ticks(self, text: Callable[[float], str]) -> list[Tick]:
        if self.first == self.last:
            return [Tick(_r(self.x(self.first)), text(self.first))]
        count = max(1, min(4, self.width // 170))
        ticks: list[Tick] = []
        for place in range(count + 1):
            value = self.first + (self.last - self.first) * place / count
            anchor = "start" if place == 0 else "end" if place == count else "middle"
            said = text(value)
            if not ticks or ticks[-1].text != said:
                ticks.append(Tick(_r(self.x(value)), said, anchor))
        return ticks


def _round_step(rough: float) -> float:
    """The next of 1, 2, 2.5 and 5 times a power of ten."""
    if not math.isfinite(rough):
        return rough
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else 1e-300
    return next((factor * power for factor in (1, 2, 2.5, 5) if factor * power >= rough), 10 * power)


def _path(places: Sequence[tuple[float, float]], *, steps: bool) -> str:
    parts = [f"M{_text(places[0][0])} {_text(places[0][1])}"]
    for x, y in places[1:]:
        parts.append(f"H{_text(x)}V{_text(y)}" if steps else f"L{_text(x)} {_text(y)}")
    if len(places) == 1:
        parts.append("h0.01")
    return "".join(parts)


def _r(value: float) -> float:
    return round(value, 1)


def _text(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
