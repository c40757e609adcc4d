"""`manage.py approve <telegram id>…`: let people in from the command line, the first admin above all."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.models import Role, User
from accounts.services import approve_telegram_ids

# Telegram's ids take at most 52 bits (https://core.telegram.org/bots/api#user).
HIGHEST_ID = 2**52


class Command(BaseCommand):
    help = "Lets people in by their Telegram ids, whether they have written to the bot yet or not."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ids", nargs="+", metavar="telegram_id", help="for example 123456789")
        parser.add_argument("--role", choices=Role.values, help="the role to give; without it newcomers are members")

    def handle(self, *, ids: list[str], role: str | None, **_options: Any) -> None:
        numbers = [_telegram_id(text) for text in ids]
        wanted = Role(role) if role else None
        results = approve_telegram_ids(numbers, role=wanted, by=None, via="command", now=timezone.now())
        roles = dict(User.objects.filter(telegram_id__in=numbers).values_list("telegram_id", "role"))
        for telegram_id, result in results:
            self.stdout.write(f"{telegram_id}: {result} ({roles[telegram_id]})")


def _telegram_id(text: str) -> int:
    ask = "Write the Telegram id that the admin site shows under People, for example 123456789."
    try:
        number = int(text)
    except ValueError:
        raise CommandError(f"{text!r} is not a Telegram id. {ask}") from None
    if number < 0:
        raise CommandError(f"{number} is the id of a group, and this command lets people in. {ask}")
    if not 0 < number < HIGHEST_ID:
        raise CommandError(f"{number} cannot be a Telegram id. {ask}")
    return number
