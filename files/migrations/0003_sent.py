from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('files', '0002_team_chat'),
    ]

    operations = [
        migrations.AddField(
            model_name='storedfile',
            name='telegram_ids',
            field=models.JSONField(blank=True, default=dict),
        ),
    ]
