from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("telegram_bot", "0002_team_chat"),
    ]

    operations = [
        migrations.AddField(
            model_name="broadcast",
            name="chat_id",
            field=models.BigIntegerField(default=0, verbose_name="chat"),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="entities",
            field=models.JSONField(blank=True, default=list),
        ),
        migrations.AddField(
            model_name="broadcast",
            name="thread_id",
            field=models.BigIntegerField(default=0, verbose_name="topic"),
        ),
    ]
