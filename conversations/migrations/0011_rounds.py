from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0010_leave")]

    operations = [
        migrations.AddField(
            model_name="standup",
            name="moved",
            field=models.BooleanField(default=False, verbose_name="moved"),
        ),
        migrations.AlterField(
            model_name="standup",
            name="series",
            field=models.UUIDField(db_index=True, verbose_name="reminder"),
        ),
        migrations.AlterField(
            model_name="standup",
            name="state",
            field=models.CharField(
                choices=[
                    ("open", "waits for answers"),
                    ("closed", "is being summed up"),
                    ("posted", "summed up"),
                    ("off", "called off"),
                ],
                default="open",
                max_length=6,
                verbose_name="state",
            ),
        ),
    ]
