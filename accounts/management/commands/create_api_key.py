"""`manage.py create_api_key --name … --scopes a,b`: a key for another service, alone on the last line."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.services import create_api_key


class Command(BaseCommand):
    help = "Creates an API key and prints it, once, alone on the last line."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--name", required=True, help="what the key is for; people see it")
        parser.add_argument("--scopes", required=True, help="what it opens, separated by commas")
        parser.add_argument("--expires-days", type=int, metavar="N", help="after how many days it ends")

    def handle(self, *, name: str, scopes: str, expires_days: int | None, **_options: Any) -> None:
        if expires_days is not None and expires_days < 1:
            raise CommandError(f"--expires-days is {expires_days}, but must be 1 or more.")
        if not name.strip():
            raise CommandError("--name is empty. Write what the key is for, for example --name crm.")
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
        now = timezone.now()
        expires_at = now + timedelta(days=expires_days) if expires_days else None
        try:
            key, secret = create_api_key(name.strip(), wanted, by=None, expires_at=expires_at, now=now)
        except ValueError as error:
            raise CommandError(f"--scopes is {scopes!r}. {error}") from error
        until = f"until {expires_at:%Y-%m-%d}" if expires_at else "until it is revoked"
        self.stdout.write(f"{key.name} may use {', '.join(key.scopes)} {until}. The key is shown only now:")
        self.stdout.write(secret)
