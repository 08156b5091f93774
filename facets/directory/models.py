"""The directory's SQL tables: one row for each entity, and how far each reader of the table has come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    _TextField = models.TextField[str, str]
else:
    _TextField = models.TextField

# How many columns of a facet can be sorted and filtered by.
KEYS = 12

# The version of a facet whose rows were read by several definitions.
MIXED = 0


class HostileTextField(_TextField):
    """Any text that DynamoDB holds. PostgreSQL holds no NUL, so that one is written in two characters."""

    def get_prep_value(self, value: Any) -> Any:
        return escaped(value) if isinstance(value, str) else value

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return unescaped(value) if value is not None else None


def escaped(text: str) -> str:
    """The text without NUL, in an order that is nearly its own; `unescaped` gives it back."""
    if "\0" not in text and "\1" not in text:
        return text
    return text.replace("\1", "\1\2").replace("\0", "\1\1")


def unescaped(text: str) -> str:
    return text if "\1" not in text else text.replace("\1\1", "\0").replace("\1\2", "\1")


class TableFacet(models.Model):
    """One facet of one table.

    Attributes:
        table: the table's address, as HDEADMIN_STORE writes it.
        slots: which column's key is in which of an entity's key columns: its path and kind, "" for none. A column
            keeps its slot for as long as there may be rows that have it there.
        version: of the definition by which all rows were read, see `index_entry.version_of`; or MIXED.
        entities: how many rows there are, as last counted and kept up since.
        counted_since: from when on all events are counted, in milliseconds since 1970; None until all entities were
            read once. An entity that comes to be known later has been made since. See `activity`.
        verified_at: when `manage.py verify` last came to the facet's end, in milliseconds since 1970.
    """

    table = HostileTextField()
    name = HostileTextField()
    slots = models.JSONField(default=list)
    version = models.IntegerField(default=0)
    entities = models.BigIntegerField(default=0)
    counted_since = models.BigIntegerField(null=True)
    verified_at = models.BigIntegerField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("table", "name"), name="facets_tablefacet_once"),)

    def __str__(self) -> str:
        return self.name


class Entity(models.Model):
    """One entity as a list shows and finds it.

    Attributes:
        ts: STATE's timestamp, milliseconds since 1970.
        values: JSON text: by path, what `list_display` and `search_fields` name. Nothing masked is in it.
        text: what words are looked for in; see `normalize.search_text`.
        version: of the definition by which it was read.
        read_at: when, in milliseconds since 1970.
        drift_seq: the seq at which `manage.py verify` found state and events to differ; it drifts while it is there.
        drift_fields: in how many fields; 0 where only the seq is wrong.
        drift_at: when that was found, in milliseconds since 1970.
        key_1 …: sort keys, see `sort_keys.sort_key`; NULL where the definition at the time had no such column.
    """

    facet = models.ForeignKey(TableFacet, models.CASCADE, db_index=False)
    entity_id = HostileTextField()
    seq = models.BigIntegerField()
    ts = models.BigIntegerField()
    values = models.TextField(default="{}")
    text = models.TextField(default="")
    version = models.IntegerField(default=0)
    read_at = models.BigIntegerField()
    drift_seq = models.BigIntegerField(null=True)
    drift_fields = models.IntegerField(null=True)
    drift_at = models.BigIntegerField(null=True)
    key_1 = models.BinaryField(null=True)
    key_2 = models.BinaryField(null=True)
    key_3 = models.BinaryField(null=True)
    key_4 = models.BinaryField(null=True)
    key_5 = models.BinaryField(null=True)
    key_6 = models.BinaryField(null=True)
    key_7 = models.BinaryField(null=True)
    key_8 = models.BinaryField(null=True)
    key_9 = models.BinaryField(null=True)
    key_10 = models.BinaryField(null=True)
    key_11 = models.BinaryField(null=True)
    key_12 = models.BinaryField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("facet", "entity_id"), name="facets_entity_once"),)
        indexes = (
            models.Index(fields=("facet", "ts", "entity_id"), name="facets_entity_by_ts"),
            models.Index(fields=("facet", "seq", "entity_id"), name="facets_entity_by_seq"),
            models.Index(fields=("facet", "id"), name="facets_entity_sample"),
            models.Index(
                fields=("facet", "ts"),
                condition=models.Q(drift_seq__isnull=False),
                name="facets_entity_drifted",
            ),
            *(
                models.Index(
                    fields=("facet", f"key_{number}", "entity_id"),
                    condition=models.Q(**{f"key_{number}__isnull": False}),
                    name=f"facets_entity_by_key_{number}",
                )
                for number in range(1, KEYS + 1)
            ),
        )

    def __str__(self) -> str:
        return self.entity_id


class EventCount(models.Model):
    """How many events of a facet happened in a quarter of an hour, numbered from 1970 on; see `activity`."""

    facet = models.ForeignKey(TableFacet, models.CASCADE, db_index=False)
    quarter = models.BigIntegerField()
    events = models.BigIntegerField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("facet", "quarter"), name="facets_eventcount_once"),)

    def __str__(self) -> str:
        return f"{self.events} in {self.quarter}"


class SensitiveValue(models.Model):
    """A keyed hash of a masked value that its definition lets people find exactly."""

    entity = models.ForeignKey(Entity, models.CASCADE)
    digest = models.BinaryField()

    class Meta:
        indexes = (models.Index(fields=("digest", "entity"), name="facets_sensitive_by_digest"),)

    def __str__(self) -> str:
        return f"of entity {self.entity_id}"


class FileMark(models.Model):
    """How far a SQLite file has been read: of the file with this identity, all records up to a rowid."""

    table = HostileTextField(unique=True)
    identity = models.TextField()
    rowid = models.BigIntegerField()
    read_at = models.BigIntegerField()

    def __str__(self) -> str:
        return self.table


class IndexPass(models.Model):
    """One reading of the table by `manage.py index`; one that is not finished can be gone on with.

    Attributes:
        facets: those that it is about, sorted; all if empty.
        source: the secondary index that is read; "" for the table itself.
        definitions: stands for the definitions that it began with.
        started_at, finished_at: milliseconds since 1970.
        owner, lease_until: who works on it, and until when nobody else may.
        entities, records, capacity, removed: found, looked at, read units, rows of entities that are gone.
    """

    table = HostileTextField()
    facets = models.JSONField(default=list)
    source = models.TextField(default="")
    definitions = models.TextField()
    started_at = models.BigIntegerField()
    finished_at = models.BigIntegerField(null=True)
    owner = models.TextField(default="")
    lease_until = models.BigIntegerField(default=0)
    entities = models.BigIntegerField(default=0)
    unreadable = models.BigIntegerField(default=0)
    records = models.BigIntegerField(default=0)
    capacity = models.FloatField(default=0)
    removed = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("table", "facets"),
                condition=models.Q(finished_at__isnull=True),
                name="facets_indexpass_one_at_a_time",
            ),
        )
        indexes = (models.Index(fields=("table", "started_at"), name="facets_indexpass_newest"),)

    def __str__(self) -> str:
        return f"{self.table}, {self.started_at}"


class PassPart(models.Model):
    """One of the parts that a pass reads side by side, and where to go on; `place` is None before its first page."""

    index_pass = models.ForeignKey(IndexPass, models.CASCADE, related_name="parts", db_index=False)
    number = models.IntegerField()
    facet = HostileTextField(default="")
    place = models.TextField(null=True)  # noqa: DJ001  # None and "" are different places
    done = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("index_pass", "number"), name="facets_passpart_once"),)

    def __str__(self) -> str:
        return f"part {self.number}"


class Follower(models.Model):
    """The reader of a table's stream.

    Attributes:
        stream: the stream's ARN.
        owner, lease_until: who reads it, and until when nobody else may; milliseconds since 1970.
        since, until: every change between these moments is in the directory; None before any is.
    """

    table = HostileTextField(unique=True)
    stream = models.TextField()
    owner = models.TextField(default="")
    lease_until = models.BigIntegerField(default=0)
    since = models.BigIntegerField(null=True)
    until = models.BigIntegerField(null=True)

    def __str__(self) -> str:
        return self.table


class StreamShard(models.Model):
    """How far one shard of a stream has been read: up to and with `sequence`, "" for nothing yet."""

    follower = models.ForeignKey(Follower, models.CASCADE, related_name="shards", db_index=False)
    shard = models.TextField()
    parent = models.TextField(default="")
    sequence = models.TextField(default="")
    done = models.BooleanField(default=False)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("follower", "shard"), name="facets_streamshard_once"),)

    def __str__(self) -> str:
        return self.shard
