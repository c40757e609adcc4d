"""scripts/prepare.py and scripts/check_django.py: each is a process, as it is in life."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
Done = subprocess.CompletedProcess[str]


def python(*args: str, **env: str) -> Done:
    own = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")}
    return subprocess.run(
        [sys.executable, *args], cwd=ROOT, env={**own, **env}, capture_output=True, text=True, check=False
    )


def prepare(database: Path | str, *args: str, **env: str) -> Done:
    settings = {
        "DATABASE_URL": f"sqlite:///{database}",
        "BOT_TOKEN": "1000:x",
        "TELEGRAM_API_URL": "http://127.0.0.1:1",
    }
    return python("-m", "scripts.prepare", *args, **{**settings, **env})


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prepared") / "play.sqlite3"


@pytest.fixture(scope="module")
def first(database: Path) -> Done:
    """The first start, with an administrator to let in."""
    return prepare(database, "100")


def rows(database: Path, query: str) -> list[Any]:
    with sqlite3.connect(database) as connection:
        found = connection.execute(query).fetchall()
    connection.close()
    return found


def test_first_start_shows_the_operators_password(first: Done) -> None:
    assert first.returncode == 0, first.stderr
    assert "password, shown only now" in json.loads(first.stdout)["operator"]


def test_first_start_knows_that_there_are_no_models(first: Done) -> None:
    assert json.loads(first.stdout)["catalogue"] == "empty"


def test_first_start_makes_the_operators_account(first: Done, database: Path) -> None:
    assert rows(database, "SELECT username FROM accounts_user WHERE is_superuser") == [("admin",)]


def test_administrator_of_the_sandbox_is_let_in(first: Done, database: Path) -> None:
    assert rows(database, "SELECT status, role FROM accounts_user WHERE telegram_id = 100") == [("active", "admin")]


def test_second_start_makes_no_second_account(first: Done, database: Path) -> None:
    second = prepare(database, "100")
    assert "is there already" in json.loads(second.stdout)["operator"]
    assert rows(database, "SELECT count(*) FROM accounts_user") == [(2,)]


def test_missing_provider_is_a_note_that_stops_nothing(first: Done) -> None:
    assert "Note: No provider of models is configured" in first.stderr


def test_wrong_setting_stops_the_start_with_its_sentence_alone(database: Path) -> None:
    refused = prepare(database, MAX_FILE_MB="ten")
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr == "MAX_FILE_MB is 'ten', but must be a whole number from 1 to 2000.\n"


def test_database_that_does_not_answer_is_one_sentence() -> None:
    refused = prepare("", DATABASE_URL="postgres://nobody:x@127.0.0.1:1/nothing")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("The database did not do what was asked (")
    assert refused.stderr.endswith("): check DATABASE_URL in .env.\n")
    assert "Traceback" not in refused.stderr


def test_password_that_will_not_do_is_one_sentence(tmp_path: Path) -> None:
    refused = prepare(tmp_path / "new.sqlite3", ADMIN_PASSWORD="short")
    assert refused.returncode == 1
    assert refused.stderr.splitlines()[-1].startswith("ADMIN_PASSWORD will not do: ")


def test_deployment_checks_have_nothing_to_say() -> None:
    done = python("-m", "scripts.check_django")
    assert (done.returncode, done.stderr) == (0, "")


def test_deployment_check_that_is_not_excused_fails() -> None:
    code = "import sys; from scripts import check_django; check_django.NOT_OURS = {}; sys.exit(check_django.main())"
    done = python("-c", code)
    assert done.returncode == 1
    assert "security.W004" in done.stderr
