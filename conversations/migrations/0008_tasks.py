"""Assistants get an id for programs; those that are there already, each one of its own."""

import uuid

from django.db import migrations, models


def give(apps, _editor):
    assistants = apps.get_model("conversations", "Assistant")
    for key in assistants.objects.values_list("pk", flat=True):
        assistants.objects.filter(pk=key).update(uid=uuid.uuid4())


class Migration(migrations.Migration):
    dependencies = [("conversations", "0007_assistants")]

    operations = [
        migrations.AddField(
            model_name="assistant",
            name="uid",
            field=models.UUIDField(default=uuid.uuid4, editable=False, null=True, verbose_name="id for programs"),
        ),
        migrations.RunPython(give, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="assistant",
            name="uid",
            field=models.UUIDField(default=uuid.uuid4, editable=False, unique=True, verbose_name="id for programs"),
        ),
        migrations.AlterField(
            model_name="request",
            name="kind",
            field=models.CharField(
                choices=[("answer", "answer"), ("summary", "summary"), ("task", "task")],
                default="answer",
                max_length=10,
                verbose_name="what for",
            ),
        ),
    ]
