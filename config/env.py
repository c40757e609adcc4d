"""Reading of settings: the environment, `.env`, and `NAME_FILE` for every secret.

Nothing here stops the process: what is wrong or missing is collected and shown by the system checks (config/checks.py),
each with a sentence that says what to write where.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import environ

T = TypeVar("T")

PROBLEMS: list[tuple[str, str]] = []  # (setting's name, sentence)


class Env:
    """Typed reads with defaults; a value that cannot be read is a problem on record, and the default stands."""

    def __init__(self, dotenv: Path) -> None:
        self.environ = environ.Env()
        if dotenv.is_file() and os.environ.get("SEKRETAR_IGNORE_DOTENV") != "1":
            environ.Env.read_env(dotenv)

    def text(self, name: str, default: str = "") -> str:
        return os.environ.get(name, default).strip()

    def secret(self, name: str, default: str = "") -> str:
        """NAME, or the content of the file that NAME_FILE names."""
        path = self.text(f"{name}_FILE")
        if not path:
            return self.text(name, default)
        try:
            return Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            PROBLEMS.append(
                (f"{name}_FILE", f"{name}_FILE names {path}, which cannot be read ({error.__class__.__name__}).")
            )
            return default

    def read(self, name: str, default: T, convert: Callable[[str], T], wanted: str) -> T:
        value = self.text(name)
        if not value:
            return default
        try:
            return convert(value)
        except (ValueError, TypeError):
            PROBLEMS.append((name, f"{name} is {value!r}, but must be {wanted}."))
            return default

    def integer(self, name: str, default: int) -> int:
        return self.read(name, default, int, "a whole number")

    def number(self, name: str, default: float) -> float:
        return self.read(name, default, _number, "a number, 0 or more")

    def flag(self, name: str, default: bool) -> bool:
        return self.read(name, default, _flag, "1 or 0")

    def choice(self, name: str, default: str, choices: tuple[str, ...]) -> str:
        def one_of(value: str) -> str:
            if value not in choices:
                raise ValueError(value)
            return value

        return self.read(name, default, one_of, "one of: " + ", ".join(choices))

    def many(self, name: str, default: list[str]) -> list[str]:
        value = self.text(name)
        return [part.strip() for part in value.split(",") if part.strip()] if value else default

    def database(self, name: str, default: str) -> dict[str, object]:
        try:
            return dict(environ.Env.db_url_config(self.secret(name, default)))
        except (ValueError, KeyError, environ.ImproperlyConfigured):
            PROBLEMS.append(
                (name, f"{name} cannot be read; write for example postgres://user:password@127.0.0.1:5432/sekretar.")
            )
            return dict(environ.Env.db_url_config(default))


def _flag(value: str) -> bool:
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError(value)


def _number(value: str) -> float:
    number = float(value)
    if not 0 <= number < float("inf"):
        raise ValueError(value)
    return number
