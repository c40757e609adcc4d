from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0005_author'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='files',
            field=models.PositiveSmallIntegerField(default=0, verbose_name='files'),
        ),
    ]
