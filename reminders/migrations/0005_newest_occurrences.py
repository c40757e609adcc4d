from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("reminders", "0004_note"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="occurrence",
            index=models.Index(fields=["-planned_at", "-created_at"], name="occurrence_newest"),
        ),
    ]
