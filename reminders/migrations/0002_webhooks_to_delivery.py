"""Webhooks serve every capability now, so their rows go where deliveries are. Sealed secrets move as they are."""

from typing import Any

from django.db import migrations

COLUMNS = "id, key_id, url, secret, enabled, created_at"


def move(source: str, target: str, also: str = "", value: str = "") -> Any:
    def run(apps: Any, editor: Any) -> None:
        with editor.connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {target} ({COLUMNS}{also}) SELECT {COLUMNS}{value} FROM {source}")  # noqa: S608
            # Gone from there, so that they can come back.
            cursor.execute(f"DELETE FROM {source}")  # noqa: S608
            if editor.connection.vendor == "postgresql":
                highest = f"SELECT max(id) AS id FROM {target} HAVING count(*) > 0"  # noqa: S608
                number = f"SELECT setval(pg_get_serial_sequence('{target}', 'id'), id) FROM ({highest}) AS highest"  # noqa: S608
                cursor.execute(number)

    return run


class Migration(migrations.Migration):
    dependencies = [
        ("delivery", "0004_webhook"),
        ("reminders", "0001_reminders"),
    ]

    operations = [
        migrations.RunPython(
            move("reminders_webhook", "delivery_webhook", ", all_posts", ", false"),
            move("delivery_webhook", "reminders_webhook"),
        ),
        migrations.DeleteModel(name="Webhook"),
    ]
