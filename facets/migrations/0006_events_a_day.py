"""Events a day, counted by the directory; a SQLite file is read anew for them, as they are all in it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("facets", "0005_one_pass_at_a_time"),
    ]

    operations = [
        migrations.RunSQL("DELETE FROM facets_filemark", migrations.RunSQL.noop),
        migrations.AddField(
            model_name="tablefacet",
            name="counted_since",
            field=models.BigIntegerField(null=True),
        ),
        migrations.CreateModel(
            name="EventCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("quarter", models.BigIntegerField()),
                ("events", models.BigIntegerField()),
                (
                    "facet",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.CASCADE, to="facets.tablefacet"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("facet", "quarter"), name="facets_eventcount_once")
                ],
            },
        ),
    ]
