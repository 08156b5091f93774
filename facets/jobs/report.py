"""The report of a recalculation of many entities: a file of JSON lines, one an entity, added to and read again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from facets.core import InvalidRecord, json
from facets.core.diff import ABSENT, Change
from facets.core.json import JSON
from facets.definitions.masking import mask_changes
from facets.jobs.bulk_recalculate import Authority, Settled

Mode = Literal["dry-run", "apply"]

# Of one entity; `changes_count` is whole.
MAX_CHANGES = 100

_SETTLED = ("unchanged", "would-change", "changed")


class NotAReport(Exception):
    """The file holds something else, which is not to be added to."""


class Report:
    """Adds a line for each entity to a file, which may hold those of an earlier run.

    Args:
        sensitive: paths whose values are masked.

    Raises:
        NotAReport: naming the file and the line.
        OSError
    """

    def __init__(
        self, path: Path, facet: str, authority: Authority | None, *, sensitive: Sequence[str]
    ) -> None:
        self.path = path
        self.mode: Mode = "apply" if authority else "dry-run"
        self.settled: set[str] = set()
        self._facet = facet
        self._authority = authority
        self._sensitive = sensitive
        whole = self._read()
        self._file = path.open("a", encoding="utf-8", newline="\n", buffering=1)
        if not whole:
            self._file.write("\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, settled: Settled) -> None:
        """Write one entity's line; it is in the file when this returns."""
        line = {
            "facet": self._facet,
            "id": settled.id,
            "mode": self.mode,
            "result": settled.result,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "seq": settled.seq,
            "stored_seq": settled.stored_seq,
            "events": settled.events,
            "changes_count": len(settled.changes),
            "changes": [
                self._change(change)
                for change in mask_changes(settled.changes[:MAX_CHANGES], self._sensitive)
            ],
            "unruled": {unruled.type: unruled.count for unruled in settled.unruled},
            "messages": settled.messages,
            "faults": settled.faults,
            "conflicts": settled.conflicts,
        }
        if settled.why:
            line |= {"why": settled.why, "error": settled.error}
        if self._authority:
            line |= {
                "actor": self._authority.actor,
                "reason": self._authority.reason,
                "operation_id": settled.operation_id,
            }
        self._file.write(f"{json.dumps(line)}\n")

    def _read(self) -> bool:
        """Note what the file has settled in this mode; False where its last line was cut short, as by a crash."""
        if not self.path.exists():
            return True
        whole = True
        with self.path.open(encoding="utf-8", newline="\n") as file:
            try:
                for number, text in enumerate(file, start=1):
                    whole = text.endswith("\n")
                    if text.strip():
                        self._note(text, number, whole)
            except UnicodeDecodeError as error:
                raise NotAReport(f"{self.path} is no report of recalculations: it is not UTF-8.") from error
        return whole

    def _note(self, text: str, number: int, whole: bool) -> None:
        try:
            line = json.loads(text.strip())
        except InvalidRecord as error:
            # A line that a crash cut short, and to which the next run added its line break.
            if not whole or text.startswith('{"facet":'):
                return
            raise self._other(number) from error
        if not isinstance(line, Mapping) or not {"facet", "id", "mode", "result"} <= line.keys():
            raise self._other(number)
        if (line["facet"], line["mode"]) == (self._facet, self.mode):
            # What an earlier line says of an entity is over with a later one.
            (self.settled.add if line["result"] in _SETTLED else self.settled.discard)(line["id"])

    def _other(self, number: int) -> NotAReport:
        return NotAReport(
            f"{self.path}, line {number}, is no line of a report of recalculations. Name another file."
        )

    @staticmethod
    def _change(change: Change) -> dict[str, JSON]:
        values = {"old": change.old, "new": change.new}
        there = {name: value for name, value in values.items() if value is not ABSENT}
        return {"path": list(change.path), "kind": change.kind, **there}
