"""`manage.py runworker`: one more process that sends and fires, beside the bot or on another machine."""

import asyncio
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from core.db import close_db_threads
from telegram_bot.management.commands.runbot import refuse_half_configured


class Command(BaseCommand):
    help = "Send what waits and fire what is due, beside the bot: any number of processes, on PostgreSQL."
    requires_system_checks = ()  # as runbot: the checks of what it needs are its own

    def handle(self, *_args: Any, **_options: Any) -> None:
        if connection.vendor == "sqlite":
            raise CommandError(
                "SQLite has one writer, so a second process would only wait for the bot's. "
                "Set DATABASE_URL=postgres://… to work with several; with SQLite runbot does everything."
            )
        refuse_half_configured()
        try:
            _run()
        finally:
            close_db_threads()


def _run() -> None:
    from telegram_bot.poll import TokenRevoked
    from telegram_bot.worker import work

    try:
        asyncio.run(work(_nothing_to_watch, hears=False))
    except TokenRevoked as error:
        raise CommandError(
            f"Telegram refuses BOT_TOKEN ({error}). Ask @BotFather for a new one, put it into .env."
        ) from None


def _nothing_to_watch() -> str:
    """It holds no lock and runs no jobs."""
    return ""
