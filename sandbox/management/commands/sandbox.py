"""`manage.py sandbox`: the fakes of Telegram, of the model providers and of Avito, with a chat page, on loopback."""

import sys
from argparse import Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from sandbox import server


class Command(BaseCommand):
    """Runs until Ctrl-C; prints one JSON line with the URL when ready."""

    help = "Serve the sandbox: a fake Telegram with a chat page, fake model providers and a fake Avito, on 127.0.0.1."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        server.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        code = server.start(Namespace(**options))
        if code:
            sys.exit(code)
