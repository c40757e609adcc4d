from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('llm', '0002_team_chat'),
    ]

    operations = [
        migrations.AddField(
            model_name='model',
            name='by_hand',
            field=models.BooleanField(default=False, verbose_name='kept as written here'),
        ),
    ]
