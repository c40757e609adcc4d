"""System checks: each wrong or missing setting has an id and a sentence that says what to write where."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project
from django.core.checks import registry

from config import checks
from config.env import PROBLEMS

FIELD_KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.fixture
def good(settings: Any, tmp_path: Path) -> Any:
    """An installation with nothing to complain about."""
    settings.BOT_TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1"
    settings.ADMIN_CHAT_ID = -1001000000001
    settings.ADMIN_PASSWORD = "correct horse battery staple"
    settings.MISTRAL_API_KEY = "some-key"
    settings.DEFAULT_MODEL = "mistral:mistral-small-latest"
    settings.FIELD_ENCRYPTION_KEYS = [FIELD_KEY]
    settings.WEBHOOK_URL = "https://sekretar.example/webhook"
    settings.WEBHOOK_SECRET = "Only_Telegram-knows"
    settings.ALLOWED_HOSTS = ["sekretar.example"]
    settings.FILES_DIR = tmp_path / "not" / "yet"
    return settings


def ids() -> list[str]:
    return [str(problem.id) for problem in checks.settings_problems()]


def sentence() -> str:
    [problem] = checks.settings_problems()
    return str(problem.msg)


def test_good_installation_has_no_problems(good: Any) -> None:
    assert checks.settings_problems() == []


def test_framework_runs_the_checks() -> None:
    assert checks.settings_problems in registry.registry.get_checks()


BAD: list[tuple[str, Any, str, str]] = [
    ("SECRET_KEY", "", "sekretar.E004", "SECRET_KEY is missing. Put into .env"),
    ("SECRET_KEY", "x" * 31, "sekretar.E005", "SECRET_KEY has only 31 characters"),
    ("BOT_TOKEN", "", "sekretar.W001", "BOT_TOKEN is missing"),
    ("BOT_TOKEN", "123456789", "sekretar.E002", "BOT_TOKEN is no token"),
    ("BOT_TOKEN", "123456789:short", "sekretar.E002", "BOT_TOKEN is no token"),
    ("BOT_TOKEN", "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1 ", "sekretar.E002", "BOT_TOKEN is no token"),
    ("ADMIN_CHAT_ID", 0, "sekretar.W002", "ADMIN_CHAT_ID is missing"),
    ("ADMIN_CHAT_ID", 100, "sekretar.W003", "ADMIN_CHAT_ID is the id of a person"),
    ("WEBHOOK_URL", "http://sekretar.example/webhook", "sekretar.E006", "only https addresses"),
    ("WEBHOOK_URL", "sekretar.example", "sekretar.E006", "only https addresses"),
    ("WEBHOOK_SECRET", "", "sekretar.E007", "WEBHOOK_URL needs a WEBHOOK_SECRET"),
    ("WEBHOOK_SECRET", "with a space", "sekretar.E007", "WEBHOOK_URL needs a WEBHOOK_SECRET"),
    ("WEBHOOK_SECRET", "x" * 257, "sekretar.E007", "WEBHOOK_URL needs a WEBHOOK_SECRET"),
    ("DEFAULT_MODEL", "mistral-small", "sekretar.E008", "must be provider:name. The providers are gemini,"),
    ("DEFAULT_MODEL", "mistral:", "sekretar.E008", "must be provider:name"),
    ("DEFAULT_MODEL", "claude:opus", "sekretar.E008", "must be provider:name"),
    ("DEFAULT_MODEL", "gemini:gemini-flash", "sekretar.W005", "DEFAULT_MODEL names gemini, which has no key"),
    ("FIELD_ENCRYPTION_KEYS", [FIELD_KEY, "short"], "sekretar.E009", "Key 2 in FIELD_ENCRYPTION_KEYS"),
    ("FIELD_ENCRYPTION_KEYS", ["ключ"], "sekretar.E009", "Key 1 in FIELD_ENCRYPTION_KEYS"),
    ("DEBUG", True, "sekretar.E010", "ALLOWED_HOSTS lets in sekretar.example"),
    ("FILES_DIR", Path(__file__), "sekretar.E011", "nothing can be written to"),
    ("FILES_DIR", Path("/proc/self/files"), "sekretar.E011", "nothing can be written to '/proc"),
    ("FALLBACK_MODELS", ["claude:opus"], "sekretar.E020", "must be provider:name, separated by commas"),
    ("FALLBACK_MODELS", ["mistral:"], "sekretar.E020", "must be provider:name"),
    ("ASSISTANT_TOOLS", {"time": "conversations.tools.nothing"}, "sekretar.E021", "names a tool 'time'"),
    ("ASSISTANT_TOOLS", {"time": "conversations.tools.current_time"}, "sekretar.E021", "its own name is"),
    ("DIALOG_TOOLS", ["current_time", "rm"], "sekretar.E022", "names what is no tool: rm."),
    ("SENTRY_DSN", "sentry.example", "sekretar.E012", "SENTRY_DSN is no DSN"),
    ("SUMMARY_MODEL", "gpt-4o-mini", "sekretar.E014", "must be provider:name, or empty"),
    ("CONTEXT_WARN_TOKENS", 10**6, "sekretar.W006", "above MAX_CONTEXT_TOKENS"),
    ("WORKER_RETRY_BACKOFF_BASE_SEC", 31, "sekretar.E023", "above WORKER_RETRY_BACKOFF_MAX_SEC, but pauses only grow"),
    ("ADMIN_PASSWORD", "", "sekretar.W010", "without asking for it"),
    ("ADMIN_PASSWORD", "/open sesame", "sekretar.W011", "taken for a command"),
]


@pytest.mark.parametrize(("name", "value", "problem", "said"), BAD)
def test_wrong_setting_is_named(good: Any, name: str, value: Any, problem: str, said: str) -> None:
    setattr(good, name, value)
    assert (ids(), said in sentence()) == ([problem], True)


SECRETS = {"SECRET_KEY", "BOT_TOKEN", "WEBHOOK_SECRET", "FIELD_ENCRYPTION_KEYS", "SENTRY_DSN"}


@pytest.mark.parametrize(("name", "value", "_problem", "_said"), [row for row in BAD if row[0] in SECRETS])
def test_sentence_does_not_show_the_secret(good: Any, name: str, value: Any, _problem: str, _said: str) -> None:
    setattr(good, name, value)
    shown = value if isinstance(value, str) else value[-1]
    assert not shown or shown not in sentence()


GOOD: list[tuple[str, Any]] = [
    ("WEBHOOK_URL", ""),
    ("WEBHOOK_URL", "http://127.0.0.1:8000/webhook"),
    ("DEFAULT_MODEL", ""),
    ("DEFAULT_MODEL", "mistral:ft:small:1"),
    ("SENTRY_DSN", "https://0123456789abcdef@errors.example/1"),
    ("FILES_DIR", Path(__file__).parent),
]


@pytest.mark.parametrize(("name", "value"), GOOD)
def test_right_setting_is_no_problem(good: Any, name: str, value: Any) -> None:
    setattr(good, name, value)
    assert ids() == []


def test_value_that_cannot_be_read_is_an_error(good: Any) -> None:
    PROBLEMS.append(("MAX_FILE_MB", "MAX_FILE_MB is 'x', but must be a number."))
    try:
        [problem] = checks.settings_problems()
    finally:
        PROBLEMS.clear()
    assert (problem.id, problem.is_serious()) == ("sekretar.E003", True)


def test_no_encryption_key_is_a_warning_with_what_makes_one(good: Any) -> None:
    good.FIELD_ENCRYPTION_KEYS = []
    assert (ids(), "Put a key into .env. This prints one: python" in sentence()) == (["sekretar.W012"], True)


def test_other_servers_take_other_tokens(good: Any) -> None:
    good.BOT_TOKEN, good.TELEGRAM_API_URL = "1000:sandbox-token", "http://127.0.0.1:8081"
    good.ADMIN_PASSWORD, good.FIELD_ENCRYPTION_KEYS = "", []  # nobody to protect the sandbox from
    assert ids() == []


def test_no_provider_at_all_is_a_warning(good: Any) -> None:
    good.MISTRAL_API_KEY = good.DEFAULT_MODEL = ""
    assert (ids(), "GEMINI_API_KEY" in sentence()) == (["sekretar.W004"], True)


def test_server_without_key_is_a_provider(good: Any) -> None:
    good.MISTRAL_API_KEY = ""
    good.OPENAI_BASE_URL, good.DEFAULT_MODEL = "http://127.0.0.1:11434/v1", "openai:llama"
    assert ids() == []


def test_debug_on_this_machine_alone_is_no_problem(good: Any) -> None:
    good.DEBUG, good.ALLOWED_HOSTS = True, ["127.0.0.1", "localhost", "[::1]", "sekretar.localhost"]
    assert ids() == []


def test_missing_token_stops_the_bot_alone(good: Any) -> None:
    good.BOT_TOKEN = ""
    [problem] = checks.bot_problems()
    assert (problem.id, problem.is_serious()) == ("sekretar.E001", True)
    assert not checks.settings_problems()[0].is_serious()


def test_bot_hears_of_every_other_problem(good: Any) -> None:
    good.SECRET_KEY = ""
    assert [problem.id for problem in checks.bot_problems()] == ["sekretar.E004"]


def test_tests_themselves_run_with_readable_settings() -> None:
    assert PROBLEMS == []


def test_every_id_is_described() -> None:
    source = Path(checks.__file__).read_text(encoding="utf-8")
    description = str(checks.__doc__)
    used = {f"{kind}{number:03}" for kind in "EW" for number in range(1, 50) if f"sekretar.{kind}{number:03}" in source}
    assert [name for name in sorted(used) if name not in description] == []


def test_check_names_everything_that_is_wrong_at_once(tmp_path: Path) -> None:
    wrong = {
        "TIME_ZONE": "Moscow",
        "REFRESH_CRON": "daily",
        "MAX_FILE_MB": "5000",
        "ENGINE": "celery",
        "BEHIND_HTTPS_PROXY": "maybe",
        "TELEGRAM_API_URL": "telegram",
        "DATABASE_URL": "mysql://anna:hunter22@host/db",
        "BOT_TOKEN_FILE": str(tmp_path / "nowhere"),
        "SENTRY_DSN": "nonsense",
        "SECRET_KEY": "",
    }
    environ = {**os.environ, **wrong, "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=project.BASE_DIR,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    not_once = [name for name in wrong if done.stderr.count(f") {name} ") != 1]
    assert (done.returncode, not_once, "Traceback" in done.stderr) == (1, [], False)
    assert "hunter22" not in done.stderr
