"""`manage.py runbot`: the bot's process. `--ping`: check everything and exit 0 or 1."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from core.db import close_db_threads
from core.locks import LINGERS_SEC, ProcessLock
from telegram_bot.patience import (
    GaveUp,
    Interrupted,
    database_at_start,
    ended_by_signals,
    first_line,
    until_database_answers,
)

T = TypeVar("T")


class Command(BaseCommand):
    help = "Receive, answer and deliver: the bot's process. --ping checks configuration, database, token, providers."
    requires_system_checks = ()  # own checks below; all of Django's would cost a second

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--ping", action="store_true", help="check everything, print what is wrong, exit 0 or 1")

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["ping"]:
            from telegram_bot import ping

            sys.exit(0 if ping.report(self.stdout.write) else 1)
        lock = ProcessLock("runbot")
        try:
            if not when_database_answers(partial(lock.acquire, LINGERS_SEC)):
                raise CommandError("Another runbot works with this database already. Stop it first.")
            _run(lock)
        except Interrupted:
            return
        finally:
            close_db_threads()
            lock.release()


def when_database_answers(begin: Callable[[], T]) -> T:
    """What ``begin()`` gives, called once the settings are right, the database answers and its tables are up to date.

    Raises CommandError, and Interrupted when it is time to stop.
    """
    refuse_wrong_settings()

    def look() -> T:
        refuse_old_tables()
        return begin()

    try:
        with ended_by_signals():
            return until_database_answers(look, database_at_start())
    except GaveUp as error:
        raise CommandError(str(error)) from None
    except DatabaseError as error:
        raise _refused_by_database(error) from error


def refuse_half_configured() -> None:
    """Stop with a sentence when anything is not as it should be for a start, without waiting for it."""
    refuse_wrong_settings()
    try:
        refuse_old_tables()
    except DatabaseError as error:
        raise _refused_by_database(error) from error


def _refused_by_database(error: DatabaseError) -> CommandError:
    return CommandError(f"The database does not answer ({first_line(error)}). Check DATABASE_URL.")


def refuse_wrong_settings() -> None:
    """Stop with the sentences of the checks; the process does not start half-configured."""
    from django.core.checks import run_checks

    # W001, no token: the web side can do without one, this process cannot.
    found = run_checks(tags=["sekretar"])
    problems = [problem for problem in found if problem.is_serious() or problem.id == "sekretar.W001"]
    if problems:
        raise CommandError("\n".join(f"{problem.id}: {problem.msg}" for problem in problems))


def refuse_old_tables() -> None:
    """Raises CommandError, and DatabaseError when the database does not answer.

    By the names of the migrations, where that says enough: to import them all takes 2 MB and a tenth of a second, and
    they would stay for as long as the bot runs.
    """
    if _migrations() <= MigrationRecorder(connection).applied_migrations().keys():
        return
    from django.db.migrations.executor import MigrationExecutor

    # One that replaces others counts as applied when those are.
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise CommandError("The database is not up to date. Run: python manage.py migrate")


def _migrations() -> set[tuple[str, str]]:
    """(app, name) of all there are."""
    found: set[tuple[str, str]] = set()
    for app in apps.get_app_configs():
        folder = Path(app.path) / "migrations"
        found |= {(app.label, name) for _finder, name, _package in iter_modules([str(folder)]) if name[0] not in "_~"}
    return found


def _run(lock: ProcessLock) -> None:
    from telegram_bot.poll import TokenRevoked
    from telegram_bot.worker import Stopped, run, work

    scheduler: Any = None
    if settings.ENABLE_SCHEDULER:
        # On the main thread and before the loop: inside one its store would refuse to work.
        from delivery import scheduler as jobs

        scheduler = jobs.start()

    def watch() -> str:
        """Asked every few seconds: a text means that this process must end."""
        if not lock.still_held():
            return "The lock of this bot was lost (the database restarted?)."
        if scheduler is None:
            return ""
        jobs.run_requested(scheduler, timezone.now())
        return "" if jobs.alive(scheduler) else "The scheduler's thread died."

    try:
        run(work(watch, leads=scheduler is not None))
    except TokenRevoked as error:
        raise CommandError(
            f"Telegram refuses BOT_TOKEN ({error}). Ask @BotFather for a new one, put it into .env."
        ) from None
    except (Stopped, GaveUp) as error:
        raise CommandError(str(error)) from None
    finally:
        if scheduler is not None:
            jobs.stop(scheduler)
