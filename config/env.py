"""Reading of settings: the environment, `.env`, and `NAME_FILE` for every secret.

Nothing here stops the process: what is wrong is collected in ``PROBLEMS``, the default stands in for it, and the system
checks (config/checks.py) show each with a sentence that says what to write.
"""

import os
import re
import warnings
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

import environ
from cronsim import CronSim, CronSimError

T = TypeVar("T")
Problem = tuple[str, str]  # (setting's name, sentence)

PROBLEMS: list[Problem] = []
SECRETS: set[str] = set()  # every secret that was read, for the logs to hide
DATABASES = ("django.db.backends.postgresql", "django.db.backends.sqlite3")


class Env:
    """Typed reads with defaults; a value that cannot be read is a problem on record, and the default stands.

    An empty value is an absent one. The environment wins over the file.
    """

    def __init__(self, dotenv: Path, problems: list[Problem] | None = None) -> None:
        self.problems = PROBLEMS if problems is None else problems
        if dotenv.is_file() and os.environ.get("SEKRETAR_IGNORE_DOTENV") != "1":
            self._load(dotenv)

    def _load(self, dotenv: Path) -> None:
        try:
            environ.Env.read_env(dotenv, encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            why = type(error).__name__
            self._problem(dotenv.name, f"{dotenv} cannot be read ({why}). It must be a text file in UTF-8.")

    def _problem(self, name: str, sentence: str) -> None:
        self.problems.append((name, sentence))

    def text(self, name: str, default: str = "") -> str:
        return os.environ.get(name, "").strip() or default

    def secret(self, name: str, default: str = "") -> str:
        """NAME, or the content of the file that NAME_FILE names (which wins)."""
        path = self.text(f"{name}_FILE")
        value = self._content(name, path) if path else self.text(name)
        SECRETS.update([value, *(part.strip() for part in value.split(","))])  # some hold several
        return value or default

    def _content(self, name: str, path: str) -> str:
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = type(error).__name__
            self._problem(f"{name}_FILE", f"{name}_FILE names {path}, which cannot be read ({why}).")
            return ""
        if not value:
            self._problem(f"{name}_FILE", f"{name}_FILE names {path}, which is empty. Write the secret into it.")
        return value

    def read(self, name: str, default: T, convert: Callable[[str], T], wanted: str) -> T:
        """The value as ``convert`` makes it; ``wanted`` completes the sentence "must be …" when that fails."""
        value = self.text(name)
        if not value:
            return default
        try:
            return convert(value)
        except (ValueError, TypeError, LookupError, OSError):
            shown = re.sub(r"//.*@", "//***@", value)  # an address may hold a password
            self._problem(name, f"{name} is {shown!r}, but must be {wanted}.")
            return default

    def integer(self, name: str, default: int, low: int | None = None, high: int | None = None) -> int:
        return self.read(name, default, _between(int, low, high), "a whole number" + _range(low, high))

    def number(self, name: str, default: float, low: float = 0, high: float | None = None) -> float:
        return self.read(name, default, _between(float, low, high), "a number" + _range(low, high))

    def flag(self, name: str, default: bool) -> bool:
        return self.read(name, default, lambda value: _FLAGS[value.lower()], "1 or 0")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        known = {choice: choice for choice in choices}
        return self.read(name, default, known.__getitem__, "one of: " + ", ".join(choices))

    def many(self, name: str, default: list[str]) -> list[str]:
        value = self.text(name)
        return [part.strip() for part in value.split(",") if part.strip()] if value else default

    def url(self, name: str, default: str) -> str:
        """An address without the slash at its end."""
        return self.read(name, default, _url, f"an address such as {default}").rstrip("/")

    def time_zone(self, name: str, default: str) -> str:
        # A wrong one would stop Django before its checks could speak.
        return self.read(name, default, lambda value: ZoneInfo(value).key, "a name such as Europe/Moscow")

    def cron(self, name: str, default: str) -> str:
        fields = "five fields: minute, hour, day, month, weekday; for example 0 3 * * * is each night at three"
        return self.read(name, default, _cron, fields)

    def database(self, name: str, default: str) -> dict[str, Any]:
        """Django's description of the database behind an address; the password never gets into a sentence."""
        try:
            return _database(self.secret(name, default))
        except (ValueError, LookupError, environ.ImproperlyConfigured):
            example = "postgres://user:password@127.0.0.1:5432/sekretar"
            wanted = f"Write for example {example}, or sqlite:////path/to/a/file."
            self._problem(name, f"{name} is no address of a PostgreSQL database or an SQLite file. {wanted}")
            return _database(default)

    def redis(self, name: str) -> str:
        """The address of a Redis server, or nothing; it may hold a password, so it is a secret."""
        value = self.secret(name)
        try:
            return _redis(value) if value else ""
        except ValueError:
            example = "redis://:password@127.0.0.1:6379/0"
            self._problem(name, f"{name} is no address of a Redis server. Write for example {example}, or nothing.")
            return ""

    def mail(self, name: str) -> dict[str, Any]:
        """Django's settings of the mail server behind an address, or none; it may hold a password."""
        value = self.secret(name)
        try:
            return _mail(value) if value else {}
        except (ValueError, LookupError, environ.ImproperlyConfigured):
            example = "smtp+tls://user:password@mail.example.org:587"
            wanted = f"Write for example {example}, smtps://… for port 465, or nothing."
            self._problem(name, f"{name} is no address of a mail server. {wanted}")
            return {}


_FLAGS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


def _between(convert: Callable[[str], T], low: float | None, high: float | None) -> Callable[[str], T]:
    def checked(value: str) -> T:
        number: Any = convert(value)
        # Written so that "nan", which is neither, fails too.
        if (low is not None and not number >= low) or not number <= (float("inf") if high is None else high):
            raise ValueError(value)
        if number in (float("inf"), float("-inf")):
            raise ValueError(value)
        return number  # type: ignore[no-any-return]

    return checked


def _range(low: float | None, high: float | None) -> str:
    if low is not None and high is not None:
        return f" from {low} to {high}"
    return "" if low is None else f", {low} or more"


def _url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or any(c.isspace() for c in value):
        raise ValueError(value)
    _ = parts.port  # raises ValueError when it is no number
    return value


def _redis(value: str) -> str:
    parts = urlsplit(value)
    SECRETS.update({parts.password or "", unquote(parts.password or "")})
    _ = parts.port  # raises ValueError when it is no number
    number = parts.path.strip("/")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not (number.isdecimal() or not number):
        raise ValueError
    return value


# How a mail server may be spoken to: as django-environ calls it, and the usual port.
_MAIL = {"smtp": ("smtp", 25), "smtp+tls": ("smtp+tls", 587), "smtps": ("smtp+ssl", 465), "smtp+ssl": ("smtp+ssl", 465)}


def _mail(value: str) -> dict[str, Any]:
    scheme, _colon, rest = value.partition("://")
    SECRETS.update({urlsplit(value).password or "", unquote(urlsplit(value).password or "")})
    # smtps is TLS from the first byte everywhere but in django-environ.
    known, port = _MAIL[scheme.lower()]
    found = dict(environ.Env.email_url_config(f"{known}://{rest}"))
    if not found["EMAIL_HOST"] or any(c.isspace() for c in value):
        raise ValueError
    found.pop("EMAIL_FILE_PATH")
    return found | {"EMAIL_PORT": found["EMAIL_PORT"] or port}


def _cron(value: str) -> str:
    fields = value.split()
    # cronsim also takes six, the first for seconds.
    if len(fields) != 5:
        raise ValueError(value)
    try:
        next(CronSim(value, datetime.now(UTC)))
    except (CronSimError, StopIteration) as error:
        raise ValueError(value) from error
    return " ".join(fields)


def _database(address: str) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # "Engine not recognized", said better by the problem
        found = dict(environ.Env.db_url_config(address))
    if found.get("ENGINE") not in DATABASES or found.get("NAME") in ("", ":memory:"):
        raise ValueError
    SECRETS.add(str(found.get("PASSWORD") or ""))
    return found
