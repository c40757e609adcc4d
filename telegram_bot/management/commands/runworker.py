"""`manage.py runworker`: one more process that sends and fires, beside the bot or on another machine."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from core.db import close_db_threads
from telegram_bot.management.commands.runbot import when_database_answers
from telegram_bot.patience import GaveUp, Interrupted


class Command(BaseCommand):
    help = "Send what waits and fire what is due, beside the bot: any number of processes, on PostgreSQL."
    requires_system_checks = ()  # as runbot: the checks of what it needs are its own

    def handle(self, *_args: Any, **_options: Any) -> None:
        if connection.vendor == "sqlite":
            raise CommandError(
                "SQLite has one writer, so a second process would only wait for the bot's. "
                "Set DATABASE_URL=postgres://… to work with several; with SQLite runbot does everything."
            )
        try:
            when_database_answers(_nothing_to_watch)
            _run()
        except Interrupted:
            return
        finally:
            close_db_threads()


def _run() -> None:
    from telegram_bot.poll import TokenRevoked
    from telegram_bot.worker import run, work

    try:
        run(work(_nothing_to_watch, hears=False))
    except TokenRevoked as error:
        raise CommandError(
            f"Telegram refuses BOT_TOKEN ({error}). Ask @BotFather for a new one, put it into .env."
        ) from None
    except GaveUp as error:
        raise CommandError(str(error)) from None


def _nothing_to_watch() -> str:
    """It holds no lock and runs no jobs."""
    return ""
