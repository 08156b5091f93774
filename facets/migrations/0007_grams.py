"""PostgreSQL's letters, pairs and trigrams of a text: the same ones, in time that grows with its length, not its square."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# A subscript of an array of texts counts through those before it.
_FUNCTION = """CREATE OR REPLACE FUNCTION facets_grams(said text) RETURNS text[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(DISTINCT gram), '{}') FROM (
        SELECT unnest(ARRAY[letter, letter || second, letter || second || third]) AS gram
        FROM (
            SELECT letter, lead(letter) OVER along AS second, lead(letter, 2) OVER along AS third
            FROM unnest(string_to_array(said, NULL)) WITH ORDINALITY AS split (letter, place)
            WINDOW along AS (ORDER BY place)
        ) AS letters
    ) AS grams WHERE gram IS NOT NULL
$$"""


def replace(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(_FUNCTION, None)


class Migration(migrations.Migration):
    dependencies = [("facets", "0006_events_a_day")]

    operations = [migrations.RunPython(replace, migrations.RunPython.noop)]
