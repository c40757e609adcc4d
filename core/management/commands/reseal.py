"""`manage.py reseal`: seal what is kept encrypted with the first of FIELD_ENCRYPTION_KEYS."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from core.resealing import reseal_all

SHOWN = 10


class Command(BaseCommand):
    help = "Seals every encrypted column with the first of FIELD_ENCRYPTION_KEYS; then the old keys may go."

    def handle(self, *_args: Any, **_options: Any) -> None:
        lost: list[str] = []
        for column in reseal_all():
            self.stdout.write(f"{column.name}: {column.values} values, {column.changed} sealed with the first key")
            lost += [f"{column.name} {key}" for key in column.unreadable]
        if lost:
            named = ", ".join(lost[:SHOWN]) + (f" and {len(lost) - SHOWN} more" if len(lost) > SHOWN else "")
            raise CommandError(
                f"No key opens {len(lost)} of them: {named}. Put their key back into FIELD_ENCRYPTION_KEYS,"
                " behind the others, and run this again."
            )
        self.stdout.write("Keys behind the first one are not needed any more.")
