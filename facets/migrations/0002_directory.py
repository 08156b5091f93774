"""The directory's tables, and the indexes of its search texts."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

import facets.directory.models

# Trigrams of the search texts, kept up by triggers. A later migration that rebuilds the table of entities, as SQLite
# does to alter a column, takes the triggers with it, and has to make them again.
SQLITE = (
    """CREATE VIRTUAL TABLE facets_entity_text USING fts5(
        text, content='facets_entity', content_rowid='id', tokenize='trigram case_sensitive 1'
    )""",
    "CREATE VIRTUAL TABLE facets_entity_terms USING fts5vocab('facets_entity_text', 'row')",
    """CREATE TRIGGER facets_entity_text_insert AFTER INSERT ON facets_entity BEGIN
        INSERT INTO facets_entity_text (rowid, text) VALUES (new.id, new.text);
    END""",
    """CREATE TRIGGER facets_entity_text_delete AFTER DELETE ON facets_entity BEGIN
        INSERT INTO facets_entity_text (facets_entity_text, rowid, text) VALUES ('delete', old.id, old.text);
    END""",
    """CREATE TRIGGER facets_entity_text_update AFTER UPDATE OF text ON facets_entity WHEN old.text <> new.text BEGIN
        INSERT INTO facets_entity_text (facets_entity_text, rowid, text) VALUES ('delete', old.id, old.text);
        INSERT INTO facets_entity_text (rowid, text) VALUES (new.id, new.text);
    END""",
)
SQLITE_DROP = (
    "DROP TRIGGER facets_entity_text_insert",
    "DROP TRIGGER facets_entity_text_delete",
    "DROP TRIGGER facets_entity_text_update",
    "DROP TABLE facets_entity_terms",
    "DROP TABLE facets_entity_text",
)

# Ids in the order of their characters, as in SQLite; and each text's letters, pairs and trigrams. It needs no
# extension, and finds two letters and emoji, which pg_trgm does not.
POSTGRESQL = (
    'ALTER TABLE facets_entity ALTER COLUMN entity_id TYPE text COLLATE "C"',
    """CREATE FUNCTION facets_grams(said text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
        SELECT coalesce(array_agg(DISTINCT gram), '{}') FROM (
            SELECT unnest(ARRAY[
                letters[place],
                letters[place] || letters[place + 1],
                letters[place] || letters[place + 1] || letters[place + 2]
            ]) AS gram
            FROM (SELECT string_to_array(said, NULL) AS letters) AS split,
                generate_series(1, cardinality(letters)) AS place
        ) AS grams WHERE gram IS NOT NULL
    $$""",
    "CREATE INDEX facets_entity_text ON facets_entity USING gin (facets_grams(text))",
)
POSTGRESQL_DROP = ("DROP INDEX facets_entity_text", "DROP FUNCTION facets_grams(text)")


def index_texts(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in POSTGRESQL if schema_editor.connection.vendor == "postgresql" else SQLITE:
        schema_editor.execute(statement, None)


def drop_index(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    for statement in POSTGRESQL_DROP if schema_editor.connection.vendor == "postgresql" else SQLITE_DROP:
        schema_editor.execute(statement, None)


class Migration(migrations.Migration):
    dependencies = [("facets", "0001_checkpoints")]

    operations = [
        migrations.CreateModel(
            name="FileMark",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", facets.directory.models.HostileTextField(unique=True)),
                ("identity", models.TextField()),
                ("rowid", models.BigIntegerField()),
                ("read_at", models.BigIntegerField()),
            ],
        ),
        migrations.CreateModel(
            name="Follower",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", facets.directory.models.HostileTextField(unique=True)),
                ("stream", models.TextField()),
                ("owner", models.TextField(default="")),
                ("lease_until", models.BigIntegerField(default=0)),
                ("since", models.BigIntegerField(null=True)),
                ("until", models.BigIntegerField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="IndexPass",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", facets.directory.models.HostileTextField()),
                ("facets", models.JSONField(default=list)),
                ("source", models.TextField(default="")),
                ("definitions", models.TextField()),
                ("started_at", models.BigIntegerField()),
                ("finished_at", models.BigIntegerField(null=True)),
                ("owner", models.TextField(default="")),
                ("lease_until", models.BigIntegerField(default=0)),
                ("entities", models.BigIntegerField(default=0)),
                ("unreadable", models.BigIntegerField(default=0)),
                ("records", models.BigIntegerField(default=0)),
                ("capacity", models.FloatField(default=0)),
                ("removed", models.BigIntegerField(default=0)),
            ],
            options={
                "indexes": [models.Index(fields=["table", "started_at"], name="facets_indexpass_newest")],
            },
        ),
        migrations.CreateModel(
            name="TableFacet",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("table", facets.directory.models.HostileTextField()),
                ("name", facets.directory.models.HostileTextField()),
                ("slots", models.JSONField(default=list)),
                ("version", models.IntegerField(default=0)),
                ("entities", models.BigIntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("table", "name"), name="facets_tablefacet_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="Entity",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("entity_id", facets.directory.models.HostileTextField()),
                ("seq", models.BigIntegerField()),
                ("ts", models.BigIntegerField()),
                ("values", models.TextField(default="{}")),
                ("text", models.TextField(default="")),
                ("version", models.IntegerField(default=0)),
                ("read_at", models.BigIntegerField()),
                ("drift_seq", models.BigIntegerField(null=True)),
                ("key_1", models.BinaryField(null=True)),
                ("key_2", models.BinaryField(null=True)),
                ("key_3", models.BinaryField(null=True)),
                ("key_4", models.BinaryField(null=True)),
                ("key_5", models.BinaryField(null=True)),
                ("key_6", models.BinaryField(null=True)),
                ("key_7", models.BinaryField(null=True)),
                ("key_8", models.BinaryField(null=True)),
                ("key_9", models.BinaryField(null=True)),
                ("key_10", models.BinaryField(null=True)),
                ("key_11", models.BinaryField(null=True)),
                ("key_12", models.BinaryField(null=True)),
                (
                    "facet",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="facets.tablefacet"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PassPart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.IntegerField()),
                ("facet", facets.directory.models.HostileTextField(default="")),
                ("place", models.TextField(null=True)),
                ("done", models.BooleanField(default=False)),
                (
                    "index_pass",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="parts",
                        to="facets.indexpass",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("index_pass", "number"), name="facets_passpart_once")
                ],
            },
        ),
        migrations.CreateModel(
            name="SensitiveValue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.BinaryField()),
                (
                    "entity",
                    models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, to="facets.entity"),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["digest", "entity"], name="facets_sensitive_by_digest")],
            },
        ),
        migrations.CreateModel(
            name="StreamShard",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("shard", models.TextField()),
                ("parent", models.TextField(default="")),
                ("sequence", models.TextField(default="")),
                ("done", models.BooleanField(default=False)),
                (
                    "follower",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="shards",
                        to="facets.follower",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("follower", "shard"), name="facets_streamshard_once")
                ],
            },
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(fields=["facet", "ts", "entity_id"], name="facets_entity_by_ts"),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(fields=["facet", "seq", "entity_id"], name="facets_entity_by_seq"),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(fields=["facet", "id"], name="facets_entity_sample"),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("drift_seq__isnull", False)),
                fields=["facet", "ts"],
                name="facets_entity_drifted",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_1__isnull", False)),
                fields=["facet", "key_1", "entity_id"],
                name="facets_entity_by_key_1",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_2__isnull", False)),
                fields=["facet", "key_2", "entity_id"],
                name="facets_entity_by_key_2",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_3__isnull", False)),
                fields=["facet", "key_3", "entity_id"],
                name="facets_entity_by_key_3",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_4__isnull", False)),
                fields=["facet", "key_4", "entity_id"],
                name="facets_entity_by_key_4",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_5__isnull", False)),
                fields=["facet", "key_5", "entity_id"],
                name="facets_entity_by_key_5",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_6__isnull", False)),
                fields=["facet", "key_6", "entity_id"],
                name="facets_entity_by_key_6",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_7__isnull", False)),
                fields=["facet", "key_7", "entity_id"],
                name="facets_entity_by_key_7",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_8__isnull", False)),
                fields=["facet", "key_8", "entity_id"],
                name="facets_entity_by_key_8",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_9__isnull", False)),
                fields=["facet", "key_9", "entity_id"],
                name="facets_entity_by_key_9",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_10__isnull", False)),
                fields=["facet", "key_10", "entity_id"],
                name="facets_entity_by_key_10",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_11__isnull", False)),
                fields=["facet", "key_11", "entity_id"],
                name="facets_entity_by_key_11",
            ),
        ),
        migrations.AddIndex(
            model_name="entity",
            index=models.Index(
                condition=models.Q(("key_12__isnull", False)),
                fields=["facet", "key_12", "entity_id"],
                name="facets_entity_by_key_12",
            ),
        ),
        migrations.AddConstraint(
            model_name="entity",
            constraint=models.UniqueConstraint(fields=("facet", "entity_id"), name="facets_entity_once"),
        ),
        migrations.RunPython(index_texts, drop_index),
    ]
