"""Whether the tables are up to date: told at the start by the names of the migrations."""

import pytest
from django.core.management import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from telegram_bot.management.commands import runbot

pytestmark = pytest.mark.django_db


def test_a_database_that_is_up_to_date_is_not_refused() -> None:
    runbot.refuse_old_tables()


def test_every_migration_that_is_known_is_looked_for() -> None:
    assert runbot._migrations() == set(MigrationRecorder(connection).applied_migrations())


def test_one_migration_that_is_missing_is_told() -> None:
    newest = max(name for app, name in runbot._migrations() if app == "accounts")
    MigrationRecorder(connection).record_unapplied("accounts", newest)
    with pytest.raises(CommandError, match=r"not up to date. Run: python manage.py migrate"):
        runbot.refuse_old_tables()


def test_one_that_only_replaces_others_is_not_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its name is not on record while those it replaces are; Django's own look at it decides."""
    known = runbot._migrations()
    monkeypatch.setattr(runbot, "_migrations", lambda: known | {("accounts", "0001_squashed_0004")})
    runbot.refuse_old_tables()


def test_what_a_newer_version_has_applied_is_no_reason_to_refuse() -> None:
    MigrationRecorder(connection).record_applied("accounts", "9999_of_tomorrow")
    runbot.refuse_old_tables()
