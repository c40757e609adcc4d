from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("reminders", "0005_newest_occurrences"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="reminder",
            index=models.Index(fields=["created_by_key", "status"], name="reminder_key_status"),
        ),
    ]
