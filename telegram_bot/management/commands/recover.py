"""`manage.py recover`: give back what a dead process held. runbot does the same at its start."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core.locks import ProcessLock


class Command(BaseCommand):
    help = "Give back updates and messages that a dead process held. Only while no runbot works."

    def handle(self, *_args: Any, **_options: Any) -> None:
        lock = ProcessLock("runbot")
        if not lock.acquire():
            raise CommandError("A runbot works with this database; it recovers by itself every few seconds.")
        try:
            for kind, path in settings.LANES.items():
                self.stdout.write(f"{kind}: {import_module(path).recover(everything=True)} given back")
        finally:
            lock.release()
