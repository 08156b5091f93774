"""Where replays of long histories have come to, kept in SQL so that the next one begins there. Sealed: states are data.

A checkpoint is a shortcut and never the truth: one that is lost, cannot be opened or does not belong to the history at
hand is passed over. That is known by the event it stands at, which is read again, and by any later replay of what lies
before it; that somebody edited an older event in the table is not known until that event is read again.
"""

from __future__ import annotations

import hashlib
import inspect
import logging
import marshal
import secrets
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pydantic
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.db import DatabaseError, models, transaction
from django.utils import timezone

from facets.core import InvalidRecord, json
from facets.core.json import JSON
from facets.definitions import FacetDefinition

logger = logging.getLogger(__name__)

# All of them together; those that were not used for longest make room.
MOST = 50_000
MOST_BYTES = 256 * 1024 * 1024

# A larger one is not kept. A state that can be stored has at most 400 KB, but one on the way may have more.
_LARGEST = 4 * 1024 * 1024  # bytes, compressed

_FORMAT = "3"
_NONCE = 12
_USED_WITHIN = timedelta(hours=1)
_AT_ONCE = 200
_TRIED = 3
_LARGEST_SEQ = 2**63 - 1


class Checkpoint(models.Model):
    """Where the replay of one history by one version of its rules stood after the events of a seq.

    Attributes:
        history: a digest of table, facet and id, so that none of them stands in the clear.
        version: of the definition, see `version_of`.
        body: compressed JSON, sealed with a key that is made from SECRET_KEY.
    """

    history = models.CharField(max_length=64)
    version = models.CharField(max_length=64)
    seq = models.BigIntegerField()
    body = models.BinaryField()
    size = models.IntegerField()
    used_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("history", "version", "seq"), name="facets_checkpoint_once"),
        )

    def __str__(self) -> str:
        return f"{self.history[:12]} at {self.seq}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """The checkpoints of one history by one version of its rules."""

    history: str
    version: str

    @classmethod
    def of(cls, table: str, definition: FacetDefinition[Any], id: str) -> Shelf:
        """`table` as HDEADMIN_STORE names it."""
        key = json.dumps([table, definition.name, id])
        return cls(hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest(), version_of(definition))

    def nearest(self, seq: int) -> tuple[int, JSON] | None:
        """The last one at or before `seq`: its own seq, and what was put there; None where there is none."""
        found: tuple[int, JSON] | None = None
        # Not in a transaction, which on SQLite would wait for whoever writes.
        with _passed_over():
            rows = self._rows().filter(seq__lte=min(seq, _LARGEST_SEQ)).order_by("-seq")
            for row in rows[:_TRIED]:
                if (body := self._opened(row)) is not None:
                    now = timezone.now()
                    if row.used_at < now - _USED_WITHIN:
                        self._rows().update(used_at=now)
                    found = row.seq, body
                    break
        return found

    def all(self, *, upto: int) -> list[tuple[int, JSON]]:
        """Each one up to `upto`, ascending."""
        found: list[tuple[int, JSON]] = []
        with _passed_over(), transaction.atomic():
            rows = self._rows().filter(seq__lte=min(upto, _LARGEST_SEQ)).order_by("seq")
            opened = ((row.seq, self._opened(row)) for row in rows.iterator(_AT_ONCE))
            found.extend((seq, body) for seq, body in opened if body is not None)
        return found

    def put(self, found: Sequence[tuple[int, JSON]]) -> bool:
        """Keep these, and let go of what is too much; whether the last of them is kept now.

        One that is there already stays. Where it says otherwise, all that was kept is of other events, and goes.
        """
        now = timezone.now()
        rows = []
        for seq, body in found:
            if seq <= _LARGEST_SEQ and (sealed := self._sealed(seq, body)) is not None:
                rows.append(
                    Checkpoint(
                        history=self.history,
                        version=self.version,
                        seq=seq,
                        body=sealed,
                        size=len(sealed),
                        used_at=now,
                    )
                )
        done = False
        with _passed_over(), transaction.atomic():
            bodies = dict(found)
            for row in self._rows().filter(seq__in=bodies):
                if self._opened(row) != bodies[row.seq]:
                    self._rows().delete()
                    break
            Checkpoint.objects.bulk_create(rows, ignore_conflicts=True, batch_size=_AT_ONCE)
            self._make_room()
            done = True
        return done and bool(rows) and rows[-1].seq == found[-1][0]

    def forget(self) -> None:
        """Let go of all: they are of another history of the same name."""
        with _passed_over(), transaction.atomic():
            self._rows().delete()

    def _make_room(self) -> None:
        """Histories that nobody asked for in longest go, each whole; the beginning of this one goes last."""
        rows = Checkpoint.objects.all()
        for _ in range(_AT_ONCE):
            held = rows.aggregate(count=models.Count("pk"), size=models.Sum("size"))
            if held["count"] <= MOST and (held["size"] or 0) <= MOST_BYTES:
                return
            others = rows.exclude(history=self.history, version=self.version).order_by("used_at")
            if (oldest := others.first()) is not None:
                rows.filter(history=oldest.history, version=oldest.version).delete()
            else:
                first = self._rows().order_by("seq").values_list("pk", flat=True)[:_AT_ONCE]
                rows.filter(pk__in=list(first)).delete()

    def _rows(self) -> models.QuerySet[Checkpoint]:
        return Checkpoint.objects.filter(history=self.history, version=self.version)

    def _about(self, seq: int) -> bytes:
        # Sealed with the body: a row that is moved to another place does not open there.
        return f"{self.history}/{self.version}/{seq}".encode()

    def _sealed(self, seq: int, body: JSON) -> bytes | None:
        try:
            plain = zlib.compress(json.dumps(body).encode(), 3)
        except InvalidRecord:
            return None
        if len(plain) > _LARGEST:
            return None
        nonce = secrets.token_bytes(_NONCE)
        return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, plain, self._about(seq))

    def _opened(self, row: Checkpoint) -> JSON | None:
        sealed = bytes(row.body)
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
            try:
                plain = _cipher(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], self._about(row.seq))
                return json.loads(zlib.decompress(plain).decode())
            except (InvalidTag, ValueError, zlib.error, InvalidRecord):
                continue
        return None


@cache
def version_of(definition: FacetDefinition[Any]) -> str:
    """A digest of all that a replay by this definition depends on: the source of its rules and models, and ours."""
    digest = hashlib.sha256(f"{_FORMAT}\0{pydantic.VERSION}\0{sys.version}\0{definition.name}".encode())
    parts: list[Any] = [definition.state]
    for event in definition.events.values():
        parts += [event.rule, event.schema]
        digest.update(event.type.encode("utf-8", "surrogatepass") + b"\0")
        if code := getattr(event.rule, "__code__", None):
            digest.update(marshal.dumps(code))
    for module in sorted(_modules(parts), key=lambda module: module.__name__):
        if path := getattr(module, "__file__", None):
            digest.update(module.__name__.encode() + b"\0" + Path(path).read_bytes())
    return digest.hexdigest()


def _modules(parts: Iterable[Any]) -> set[ModuleType]:
    """The modules of these, and those of the same packages that they take anything from."""
    found = {module for part in parts if (module := inspect.getmodule(part)) is not None}
    packages = {module.__name__.partition(".")[0] for module in found}
    todo = list(found)
    while todo:
        for value in list(vars(todo.pop()).values()):
            module = (
                value
                if isinstance(value, ModuleType)
                else sys.modules.get(getattr(value, "__module__", "") or "")
            )
            if module is not None and module not in found and module.__name__.partition(".")[0] in packages:
                found.add(module)
                todo.append(module)
    return found


@cache
def _cipher(secret: str) -> AESGCM:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"facets.checkpoints").derive(secret.encode())
    return AESGCM(key)


@contextmanager
def _passed_over() -> Iterator[None]:
    """Where SQL cannot be asked, a replay takes longer; that is no reason to show nothing."""
    try:
        yield
    except DatabaseError as error:
        logger.warning("Checkpoints cannot be used: %s", error)
