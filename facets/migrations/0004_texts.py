"""SQLite's index of the search texts is kept up by the code that writes them, all of a batch at once."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor


def drop_triggers(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    if schema_editor.connection.vendor == "sqlite":
        schema_editor.execute("DROP TRIGGER IF EXISTS facets_entity_text_insert", None)
        schema_editor.execute("DROP TRIGGER IF EXISTS facets_entity_text_update", None)


class Migration(migrations.Migration):
    dependencies = [("facets", "0003_drift")]

    operations = [migrations.RunPython(drop_triggers, migrations.RunPython.noop)]
