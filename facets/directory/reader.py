"""Answer a list's questions from the directory, at a cost that hardly depends on how many entities there are.

What few entities answer is gathered by an index and then sorted; what many answer is found by walking the list in its
order. Which of the two, a count that ends early says.
"""

from __future__ import annotations

import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import connection

from facets import registry
from facets.core import InvalidRecord, json
from facets.definitions import FacetDefinition
from facets.definitions.masking import holds_sensitive
from facets.directory import fulltext
from facets.directory.index_entry import columns_of, digests_of, is_masked, slot_of, versions_of
from facets.directory.models import TableFacet, escaped, unescaped
from facets.directory.normalize import fold, readings_of
from facets.directory.queries import ID, SEQ, UPDATED, Condition, Count, NoSuchPlace, Page, Question, Row
from facets.directory.sort_keys import EMPTY, TEXTS, Kind, contained, sort_key
from facets.directory.sqlite_sync import catch_up
from facets.directory.writer import KEY_COLUMNS, current_version, secret

JSON = Any

# A facet of no more entities is looked through whole.
SMALL = 20_000
# Up to so many answers are gathered and sorted, and up to so many are told exactly: one count says both.
_FEW = _COUNTED = 10_000
# How far a list is walked for one page, in entities, before the answers are gathered after all; and how far for words
# of one or two letters, which are in most texts or else dear to look up.
_WALK, _WALK_SHORT = 50_000, 20_000
_ALL = 2**31
# An estimate looks at so many entities, in so many places of the facet.
_SAMPLE, _PLACES = 1_000, 20

# Rows of a whole list that are held at once.
_AT_ONCE = 1_000

_ROW = (
    'e.entity_id, e.seq, e.ts, e.read_at, e.version, e."values",'
    " CASE WHEN e.drift_seq = e.seq THEN e.drift_fields END"
)


def query(question: Question, *, limit: int, after: str | None = None, before: str | None = None) -> Page:
    """The rows that answer a question, one page of them.

    From the first on, or after or before a place that another page gave. Those without a value in the sorted column
    come last, in either direction; ties are in the order of their ids, in the direction of the list.

    Raises:
        ValueError: the question sorts or filters by what is no column, or is masked; `limit` is below 1.
        NoSuchPlace
    """
    return _page(question, _Asked.of(question), limit, after, before)


def counted(
    question: Question, *, limit: int, after: str | None = None, before: str | None = None
) -> tuple[Page, Count]:
    """What `query` and `count` answer, for a page that shows both: the rows are counted once for both."""
    asked = _Asked.of(question)
    return _page(question, asked, limit, after, before), _count(asked, _COUNTED)


def _page(
    question: Question, asked: _Asked | None, limit: int, after: str | None, before: str | None
) -> Page:
    if limit < 1 or (after and before):
        raise ValueError("A page has at least one row, and is after or before one place.")
    if asked is None:
        return Page([], None, None)
    place = _read_place(question, asked, after or before)
    found = list(_rows(asked, question.descending, place, limit + 1, backwards=bool(before)))
    more = len(found) > limit
    found = found[:limit]
    if before:
        found.reverse()
    if not found:
        return Page([], None, None)
    has_before, has_after = (more, True) if before else (place is not None, more)
    return Page(
        [row for row, _ in found],
        after=_write_place(question, found[-1]) if has_after else None,
        before=_write_place(question, found[0]) if has_before else None,
    )


def count(question: Question, *, most: int = _COUNTED) -> Count:
    """How many rows answer a question: counted up to `most`, estimated beyond. Raises ValueError as `query` does."""
    return _count(_Asked.of(question), most)


def _count(asked: _Asked | None, most: int) -> Count:
    if asked is None:
        return Count(0, True)
    if not asked.where and asked.facet.entities > 2 * most:
        return Count(_about(asked.facet.entities), False)
    if asked.has_short_words and (estimate := asked.estimate()) > 2 * most:
        return Count(_about(estimate), False)
    number = asked.count_to(most + 1)
    return Count(number, True) if number <= most else Count(_about(max(asked.estimate(), most)), False)


def every(question: Question) -> Iterator[Row]:
    """All rows that answer a question, in its order; not all at once. Raises ValueError as `query` does.

    They are those of one moment: what changes meanwhile, and moves within the list, is neither missed nor met twice.
    """
    asked = _Asked.of(question)
    if asked is None:
        return
    for phase, _ in _phases(asked, None, backwards=False):
        sql, parameters = _whole(asked, phase, question.descending)
        with connection.chunked_cursor() as cursor:
            cursor.execute(sql, parameters)
            while found := cursor.fetchmany(_AT_ONCE):
                yield from (_row(asked.facet.name, asked.definition, row) for row in found)


def search(words: str, facets: Iterable[str], *, limit: int) -> list[Row]:
    """Entities of several facets by an id, or by words: with just that id first, then the last changed ones."""
    names = list(facets)
    exact = [row for name in names for row in [find(name, words.strip().removeprefix(f"{name}/"))] if row]
    found = (
        [row for name in names for row in query(Question(name, words), limit=limit).rows]
        if fold(words)
        else []
    )
    known = {(row.facet, row.id) for row in exact}
    found = [row for row in found if (row.facet, row.id) not in known]
    return (exact + sorted(found, key=attrgetter("updated"), reverse=True))[:limit]


def find(facet: str, id: str) -> Row | None:
    """One entity by its id, as the directory knows it."""
    catch_up()
    row = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name=facet).first()
    if row is None or not id:
        return None
    definition = registry.get(facet)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {_ROW} FROM facets_entity AS e WHERE e.facet_id = %s AND e.entity_id = %s",
            [row.pk, escaped(id).encode(errors="replace").decode()],
        )
        found = cursor.fetchone()
    return _row(facet, definition, found) if found else None


@dataclass(frozen=True, slots=True)
class _Sql:
    text: str
    parameters: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Order:
    """What a list is sorted by: one SQL column besides the id, or none; `kind` of a column of the definition."""

    column: str | None
    kind: Kind | None = None


class _Asked:
    """A question as SQL.

    Attributes:
        where: what the entity `e` must be, besides of the facet; empty for any.
        readings: the words, folded, in each way to read them.
        digests: of the masked values that the words may be.
    """

    def __init__(
        self, question: Question, facet: TableFacet, definition: FacetDefinition[Any] | None
    ) -> None:
        self.facet = facet
        self.definition = definition
        self._counts: dict[int, int] = {}
        self._slots = {slot: number for number, slot in enumerate(facet.slots) if slot}
        self._kinds = dict(columns_of(definition))
        self.order = self._order(question.sort)
        self.stale = bool(self.order.kind) and facet.version != current_version(definition)
        self.readings = readings_of(question.words)
        self.where = [self._condition(condition) for condition in question.conditions]
        self.digests: tuple[bytes, ...] = ()
        if self.readings:
            text, parameters = fulltext.holds(self.readings)
            if definition and definition.searchable_sensitive:
                self.digests = digests_of(definition.name, question.words, secret())
                text = (
                    f"({text} OR e.id IN (SELECT entity_id FROM facets_sensitivevalue"
                    f" WHERE digest IN ({_places(self.digests)})))"
                )
                parameters += self.digests
            self.where.append(_Sql(text, parameters))
        elif question.words.strip():
            # Typed was what nothing is found by, such as a lone accent.
            self.where.append(_Sql("1 = 0"))
        if question.drifted:
            self.where.append(_Sql("e.drift_seq = e.seq"))
        if self.where and definition and definition.sensitive_fields:
            # What an earlier definition did not mask must not be found either.
            versions = versions_of(definition, secret())
            self.where.append(_Sql(f"e.version IN ({_places(versions)})", [*versions]))

    @classmethod
    def of(cls, question: Question) -> _Asked | None:
        """None where the directory holds nothing of the facet."""
        catch_up()
        facet = TableFacet.objects.filter(table=settings.HDEADMIN_STORE, name=question.facet).first()
        return cls(question, facet, registry.get(question.facet)) if facet else None

    @property
    def is_large(self) -> bool:
        return self.facet.entities > SMALL

    @property
    def has_short_words(self) -> bool:
        """Whether the words have to be looked up among those that begin with them; see `fulltext.narrowed`."""
        return bool(self.readings) and self.is_large and fulltext.are_short(self.readings)

    @property
    def is_few(self) -> bool:
        """Whether the answers are gathered sooner than the list is walked."""
        return self.count_to(_FEW + 1) <= _FEW

    def count_to(self, most: int) -> int:
        """How many entities answer, counted no further than to `most`, and once."""
        if most not in self._counts:
            self._counts[most] = self._count_to(most)
        return self._counts[most]

    def _count_to(self, most: int) -> int:
        sql, parameters = _hits(self)
        if self.is_large and len(self.where) == 1 and self.readings and not self.digests:
            # The index by itself counts faster, where it is exact.
            sql, parameters = fulltext.exact(self.facet.pk, self.readings) or (sql, parameters)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM ({sql} LIMIT %s) AS hits", [*parameters, most])
            number: int = cursor.fetchone()[0]
        return number

    def conditions(self) -> tuple[str, list[Any]]:
        """All of `where`, joined."""
        text = " AND ".join(each.text for each in self.where)
        return text, [value for each in self.where for value in each.parameters]

    def estimate(self) -> int:
        """About how many entities answer; 0 where they are too rare to tell from a sample."""
        if not self.where:
            return self.facet.entities
        text, parameters = self.conditions()
        with connection.cursor() as cursor:
            # Each on its own, which is one look into the index; SQLite reads all of it for both at once.
            ends = "SELECT {}(id) FROM facets_entity WHERE facet_id = %s"
            cursor.execute(f"SELECT ({ends.format('min')}), ({ends.format('max')})", [self.facet.pk] * 2)
            low, high = cursor.fetchone()
            if low is None:
                return 0
            starts = [random.randint(low, high) for _ in range(_PLACES)]
            block = "SELECT * FROM (SELECT * FROM facets_entity WHERE facet_id = %s AND id >= %s ORDER BY id LIMIT %s) AS b"
            blocks = " UNION ALL ".join([block] * _PLACES)
            cursor.execute(
                f"SELECT count(*), sum(CASE WHEN {text} THEN 1 ELSE 0 END) FROM ({blocks}) AS e",
                [
                    *parameters,
                    *(value for start in starts for value in (self.facet.pk, start, _SAMPLE // _PLACES)),
                ],
            )
            looked_at, hits = cursor.fetchone()
        return round(hits / looked_at * self.facet.entities) if looked_at else 0

    def _order(self, sort: str) -> _Order:
        if sort in _OWN:
            return _Order(None if sort == ID else _OWN[sort])
        return _Order(*self._column(sort))

    def _column(self, path: str) -> tuple[str | None, Kind]:
        kind = self._kinds.get(path)
        if kind is None:
            masked = self.definition and is_masked(self.definition, path)
            raise ValueError(
                f"{path!r} is {'masked' if masked else 'no column that a list can be sorted by'}."
            )
        number = self._slots.get(slot_of(path, kind))
        # A column that was added since any entity was read has no key anywhere yet.
        return f"e.{KEY_COLUMNS[number]}" if number is not None else None, kind

    def _condition(self, condition: Condition) -> _Sql:
        if condition.field in _OWN:
            return _own_condition(condition)
        column, kind = self._column(condition.field)
        if column is None:
            return _Sql("1 = 0")
        if condition.test == "empty":
            return _Sql(f"{column} >= %s", [EMPTY])
        keys = [sort_key(value, kind) for value in condition.values]
        if condition.test == "is":
            return (
                _Sql(f"{column} IN ({', '.join(['%s'] * len(keys))})", list(keys)) if keys else _Sql("1 = 0")
            )
        if condition.test == "contains":
            function = "instr({}, %s) > 0" if connection.vendor == "sqlite" else "position(%s in {}) > 0"
            low, high = TEXTS
            return _Sql(
                f"({column} >= %s AND {column} < %s AND {function.format(column)})",
                [low, high, contained(str(condition.values[0]))],
            )
        # Values of other types are neither above nor below.
        low, high = keys[0][:1], bytes([keys[0][0] + 1])
        if condition.test == "from":
            return _Sql(f"({column} >= %s AND {column} < %s)", [keys[0], high])
        return _Sql(f"({column} >= %s AND {column} <= %s)", [low, keys[0]])


_SMALL_LETTERS = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_OWN = {ID: "e.entity_id", SEQ: "e.seq", UPDATED: "e.ts"}


def _own_condition(condition: Condition) -> _Sql:
    column = _OWN[condition.field]
    if condition.test == "empty":
        return _Sql("1 = 0")
    if condition.field == ID:
        texts: list[Any] = [escaped(str(value)) for value in condition.values]
        if condition.test == "contains":
            # Of ASCII letters alone both databases know the small ones.
            function = "instr" if connection.vendor == "sqlite" else "strpos"
            return _Sql(f"{function}(lower(e.entity_id), %s) > 0", [texts[0].translate(_SMALL_LETTERS)])
    else:
        texts = list(condition.values)
        if not all(isinstance(value, int) and abs(value) < 2**63 for value in texts):
            return _Sql("1 = 0")
    if condition.test == "is":
        return _Sql(f"{column} IN ({', '.join(['%s'] * len(texts))})", texts) if texts else _Sql("1 = 0")
    if condition.test == "contains":
        return _Sql("1 = 0")
    return _Sql(f"{column} {'>=' if condition.test == 'from' else '<='} %s", [texts[0]])


def _hits(asked: _Asked) -> tuple[str, list[Any]]:
    """SQL for the ids of all entities that answer."""
    if not asked.where:
        return "SELECT e.id FROM facets_entity AS e WHERE e.facet_id = %s", [asked.facet.pk]
    text, parameters = asked.conditions()
    narrowed = (
        fulltext.narrowed(asked.facet.pk, asked.readings) if asked.readings and asked.is_large else None
    )
    if narrowed is None:
        return f"SELECT e.id FROM facets_entity AS e WHERE e.facet_id = %s AND {text}", [
            asked.facet.pk,
            *parameters,
        ]
    inner, inner_parameters = narrowed
    if asked.digests:
        # Those that both find are left out of the second: to tell twins apart, all of the first would be read.
        inner += (
            " UNION ALL SELECT DISTINCT entity_id AS id FROM facets_sensitivevalue"
            f" WHERE digest IN ({_places(asked.digests)}) AND entity_id NOT IN ({inner})"
        )
        inner_parameters = [*inner_parameters, *asked.digests, *inner_parameters]
    return (
        f"SELECT e.id FROM ({inner}) AS n CROSS JOIN facets_entity AS e WHERE e.id = n.id AND e.facet_id = %s AND {text}",
        [*inner_parameters, asked.facet.pk, *parameters],
    )


def _rows(
    asked: _Asked, descending: bool, place: tuple[Any, str] | None, limit: int, *, backwards: bool
) -> Iterator[tuple[Row, Any]]:
    """Up to `limit` rows from the place on, with the sort key of each; the nearest first."""
    down = descending != backwards
    for phase, here in _phases(asked, place, backwards):
        if limit <= 0:
            return
        found: Sequence[Any] | None = None
        if not asked.where:
            found = _walked(asked, phase, here, down, limit, _ALL)
        elif asked.has_short_words:
            found = _walked(asked, phase, here, down, limit, _WALK_SHORT)
        if found is None and not asked.is_few:
            found = _walked(asked, phase, here, down, limit, _WALK)
        if found is None:
            found = _gathered(asked, phase, here, down, limit)
        limit -= len(found)
        for *row, key in found:
            yield (
                _row(asked.facet.name, asked.definition, row),
                bytes(key) if isinstance(key, memoryview) else key,
            )


@dataclass(frozen=True, slots=True)
class _Phase:
    """A part of a list in which one index has all in order: a condition, and the column; None for the id alone."""

    text: str
    parameters: list[Any]
    column: str | None


def _phases(
    asked: _Asked, place: tuple[Any, str] | None, backwards: bool
) -> Iterator[tuple[_Phase, tuple[Any, str] | None]]:
    """The parts of the list from the place on, each with the place if it is in there."""
    order = asked.order
    if order.kind is None or order.column is None:
        yield _Phase("1 = 1", [], order.column), place
        return
    phases: list[tuple[_Phase, Callable[[Any], bool]]] = [
        (_Phase(f"{order.column} < %s", [EMPTY], order.column), lambda key: key is not None and key < EMPTY),
        (_Phase(f"{order.column} >= %s", [EMPTY], None), lambda key: key is not None and key >= EMPTY),
    ]
    if asked.stale:
        # Entities that were last read when the definition had no such column.
        phases.append((_Phase(f"{order.column} IS NULL", [], None), lambda key: key is None))
    elif place is not None and place[0] is None:
        # They have been read since, and all of them have a key.
        place = EMPTY, place[1]
    if backwards:
        phases.reverse()
    reached = place is None
    for phase, holds in phases:
        if reached:
            yield phase, None
        elif place is not None and holds(place[0]):
            reached = True
            yield phase, place


def _walked(
    asked: _Asked, phase: _Phase, place: tuple[Any, str] | None, down: bool, limit: int, far: int
) -> Sequence[Any] | None:
    """Rows found by walking the list in its order; None where they are not found within so many entities."""
    window, parameters = _window(phase, place, down)
    key = asked.order.column or "NULL"
    order = _order_by(phase, down)
    text, values = asked.conditions()
    if not text:
        return _fetch(
            f"SELECT {_ROW}, {key} FROM facets_entity AS e WHERE e.facet_id = %s AND {window} {order} LIMIT %s",
            [asked.facet.pk, *parameters, limit],
        )
    found = _fetch(
        f"SELECT {_ROW}, {key} FROM (SELECT * FROM facets_entity AS e WHERE e.facet_id = %s AND {window} {order}"
        f" LIMIT %s) AS e WHERE {text} LIMIT %s",
        [asked.facet.pk, *parameters, far, *values, limit],
    )
    if len(found) == limit:
        return found
    # There are no more if the list ends before that.
    end = _fetch(
        f"SELECT count(*) FROM (SELECT 1 FROM facets_entity AS e WHERE e.facet_id = %s AND {window} LIMIT %s) AS walked",
        [asked.facet.pk, *parameters, far],
    )
    return found if end[0][0] < far else None


def _gathered(
    asked: _Asked, phase: _Phase, place: tuple[Any, str] | None, down: bool, limit: int
) -> Sequence[Any]:
    """Rows found by the conditions' own indexes, then sorted."""
    hits, hit_parameters = _hits(asked)
    window, parameters = _window(phase, place, down)
    key = asked.order.column or "NULL"
    return _fetch(
        f"WITH hits AS MATERIALIZED ({hits}) SELECT {_ROW}, {key} FROM hits CROSS JOIN facets_entity AS e"
        f" WHERE e.id = hits.id AND {window} {_order_by(phase, down)} LIMIT %s",
        [*hit_parameters, *parameters, limit],
    )


def _whole(asked: _Asked, phase: _Phase, down: bool) -> tuple[str, list[Any]]:
    """SQL for all rows of a phase, in order."""
    order = _order_by(phase, down)
    if not asked.where:
        return (
            f"SELECT {_ROW} FROM facets_entity AS e WHERE e.facet_id = %s AND {phase.text} {order}",
            [asked.facet.pk, *phase.parameters],
        )
    hits, parameters = _hits(asked)
    found = f"WITH hits AS MATERIALIZED ({hits}) SELECT {_ROW} FROM hits CROSS JOIN facets_entity AS e"
    return f"{found} WHERE e.id = hits.id AND {phase.text} {order}", [*parameters, *phase.parameters]


def _window(phase: _Phase, place: tuple[Any, str] | None, down: bool) -> tuple[str, list[Any]]:
    if place is None:
        return phase.text, phase.parameters
    key, id = place
    than = "<" if down else ">"
    if phase.column is None:
        return f"{phase.text} AND e.entity_id {than} %s", [*phase.parameters, id]
    if down and phase.parameters:
        # The place is a bound from above too, and a nearer one; of two, SQLite begins at the one that it reads first.
        return f"{phase.column} IS NOT NULL AND ({phase.column}, e.entity_id) < (%s, %s)", [key, id]
    return f"{phase.text} AND ({phase.column}, e.entity_id) {than} (%s, %s)", [*phase.parameters, key, id]


def _order_by(phase: _Phase, down: bool) -> str:
    way = " DESC" if down else ""
    return "ORDER BY " + ", ".join(f"{column}{way}" for column in (phase.column, "e.entity_id") if column)


def _fetch(sql: str, parameters: list[Any]) -> Sequence[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        found: Sequence[Any] = cursor.fetchall()
        return found


def _row(facet: str, definition: FacetDefinition[Any] | None, found: Sequence[Any]) -> Row:
    id, seq, ts, read_at, version, values, drifted = found
    kept: dict[str, JSON] = json.loads(values)
    if definition and definition.sensitive_fields and version not in versions_of(definition, secret()):
        # It was read before its definition masked what it masks now.
        kept = {
            path: value
            for path, value in kept.items()
            if not holds_sensitive(value, definition.sensitive_fields, under=path.split("."))
        }
    return Row(facet, unescaped(id), seq, ts, read_at, kept, drifted)


def _places(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def _about(number: int) -> int:
    """The number with its first two digits."""
    digits = len(str(number)) - 2
    return round(number, -digits) if digits > 0 else number


def _write_place(question: Question, found: tuple[Row, Any]) -> str:
    row, key = found
    said = [question.sort, key.hex() if isinstance(key, bytes) else key, row.id]
    return urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def _read_place(question: Question, asked: _Asked, text: str | None) -> tuple[Any, str] | None:
    if not text:
        return None
    try:
        sort, key, id = json.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode())
        if sort != question.sort or not isinstance(id, str) or (not id.isprintable() and "\ud800" in id):
            raise ValueError
        id.encode()
        if asked.order.kind is not None:
            key = bytes.fromhex(key) if key is not None else None
        elif (
            (asked.order.column is None) != (key is None)
            or not isinstance(key, int | None)
            or (isinstance(key, int) and not abs(key) < 2**63)
        ):
            raise ValueError
    except (ValueError, TypeError, InvalidRecord):
        raise NoSuchPlace("There is no such place in the list; the link may have been cut.") from None
    return key, escaped(id)
