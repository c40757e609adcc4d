"""The assistants that come with Sekretar. None of them becomes the default: that is for an operator to say."""

from django.db import migrations

from conversations.personas.shipped import put_in


def ship(apps, _schema_editor):
    put_in(apps.get_model("conversations", "Assistant"), apps.get_model("conversations", "AssistantVersion"))


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0006_message_files"),
    ]

    operations = [
        # What an operator made of them is theirs: going back leaves them where they are.
        migrations.RunPython(ship, migrations.RunPython.noop),
    ]
