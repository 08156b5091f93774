"""How far long work has come: a bar on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from typing import TextIO

_WIDTH = 30  # characters
_BAR_EVERY = 0.1  # seconds
_LINE_EVERY = 5.0


class Progress:
    """Tells `stream` about work of `total` units, whatever is counted: bytes, entities.

    Args:
        total: 0 where nobody knows; then only what is done is told.
        unit: what one item is called, and several.
        resumed: of `done` and of `items`, what an earlier run has done.
        left: tell how much time the rest will take.
    """

    def __init__(
        self,
        stream: TextIO,
        label: str,
        total: int,
        *,
        unit: tuple[str, str] = ("item", "items"),
        resumed: tuple[int, int] = (0, 0),
        left: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stream = stream
        self._label = label
        self._total = total
        self._unit = unit
        self._resumed = resumed
        self._left = left
        self._clock = clock
        self._bar = stream.isatty()
        self._begun = clock()
        self._told = self._begun if not self._bar else 0.0

    def update(self, done: int, items: int) -> None:
        """`done` of the total, which was `items` items."""
        now = self._clock()
        if now - self._told >= (_BAR_EVERY if self._bar else _LINE_EVERY):
            self._told = now
            self._tell(min(done, self._total) if self._total else done, items, now)

    def finish(self, items: int) -> None:
        """Leave the whole bar standing; elsewhere work that was over quickly says nothing."""
        if self._bar:
            self._tell(self._total, items, self._clock())
            self._stream.write("\n")
            self._stream.flush()

    def stop(self) -> None:
        """Leave the bar as it is, for a message below it."""
        if self._bar:
            self._stream.write("\n")
            self._stream.flush()

    def _tell(self, done: int, items: int, now: float) -> None:
        share = done / self._total if self._total else 0.0
        seconds = max(now - self._begun, 0.001)
        done_before, items_before = self._resumed
        text = f"{items:,} {self._unit[items != 1]}, {(items - items_before) / seconds:,.0f} a second"
        if self._total:
            text = f"{share:4.0%}  {text}"
        if self._left and done_before < done < self._total:
            text += f", {in_time((self._total - done) * seconds / (done - done_before))} left"
        if self._bar:
            filled = round(share * _WIDTH)
            bar = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] " if self._total else ""
            self._stream.write(f"\r{self._label} {bar}{text} ")
        else:
            self._stream.write(f"{self._label} {text.strip()}\n")
        self._stream.flush()


def in_time(seconds: float) -> str:
    """A duration in its largest unit: `40 s`, `3 min`, `2 h`."""
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= 1.5 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"
