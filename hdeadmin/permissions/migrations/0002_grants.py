"""What each role may do from the start; an administrator changes it on the rights page."""

import django.db.models.deletion
from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

DEFAULTS = {
    "viewer": ("view",),
    "corrector": ("view", "append"),
    "operator": ("view", "append", "recalculate", "reveal", "export"),
    "auditor": ("view", "audit", "export"),
    "administrator": ("view", "audit", "administer"),
}


def grant_defaults(apps: Apps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    groups = apps.get_model("auth", "Group").objects
    grants = apps.get_model("access", "Grant").objects
    for name, actions in DEFAULTS.items():
        group, _ = groups.get_or_create(name=name)
        for action in actions:
            grants.get_or_create(group=group, action=action, facet="")


class Migration(migrations.Migration):
    dependencies = (("access", "0001_roles"), ("auth", "0012_alter_user_first_name_max_length"))
    operations = (
        migrations.CreateModel(
            name="Grant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("action", models.CharField(max_length=20)),
                ("facet", models.CharField(blank=True, max_length=255)),
                (
                    "group",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="grants",
                        related_query_name="grant",
                        to="auth.group",
                    ),
                ),
            ],
            options={
                "ordering": ("group__name", "action", "facet"),
                "constraints": (
                    models.UniqueConstraint(fields=("group", "action", "facet"), name="access_grant_once"),
                ),
            },
        ),
        migrations.RunPython(grant_defaults, migrations.RunPython.noop),
    )
