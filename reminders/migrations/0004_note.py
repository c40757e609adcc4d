from django.db import migrations

import core.sealed


class Migration(migrations.Migration):
    dependencies = [("reminders", "0003_erased")]

    operations = [
        migrations.AddField(
            model_name="occurrence",
            name="note",
            field=core.sealed.SealedJSON(null=True, verbose_name="note for the next run"),
        ),
    ]
