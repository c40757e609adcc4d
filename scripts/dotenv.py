"""The file `.env`: read it, and make it on the first start with secrets of its own."""

import base64
import os
import re
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path

LINE = re.compile(r"\A(?:export )?([A-Za-z_0-9]+)=(.*)\Z")

FALLBACK = """\
# Settings of Sekretar. An empty value means the default.
BOT_TOKEN=
ADMIN_CHAT_ID=
"""


def field_key() -> str:
    """32 random bytes in URL-safe base64: what Fernet takes."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode("ascii")


GENERATED: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "FIELD_ENCRYPTION_KEYS": field_key,
}


def read(path: Path) -> dict[str, str]:
    """The settings in ``path`` as django-environ reads them; empty when there is no such file."""
    if not path.is_file():
        return {}
    found = (LINE.match(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match[1]: _unquoted(match[2]) for match in found if match}


def _unquoted(value: str) -> str:
    if match := re.match(r"\A'(.*)'\Z", value):
        return match[1]
    if match := re.match(r'\A"(.*)"\Z', value):
        return re.sub(r"\\(.)", lambda m: m[0] if m[1] in "rnt" else m[1], match[1])
    return value


def configured(values: Mapping[str, str], name: str) -> bool:
    """Whether ``name`` is set, directly or through the file that ``name_FILE`` names."""
    return bool(values.get(name, "").strip() or values.get(f"{name}_FILE", "").strip())


def ensure(path: Path, example: Path, environ: Mapping[str, str]) -> list[str]:
    """Make ``path`` from ``example`` and fill the secrets nobody chose; returns the names that were filled.

    What stands in the file or in ``environ`` is never changed. A new file is readable by its owner alone.
    """
    old = path.read_text(encoding="utf-8") if path.is_file() else None
    text = old if old is not None else _template(example)
    known = {**read(path), **environ}
    missing = [name for name in GENERATED if not configured(known, name)]
    for name in missing:
        text = with_value(text, name, GENERATED[name]())
    if missing:
        _write(path, text, path.stat().st_mode & 0o777 if old is not None else 0o600)
    return missing


def _template(example: Path) -> str:
    return example.read_text(encoding="utf-8") if example.is_file() else FALLBACK


def with_value(text: str, name: str, value: str) -> str:
    """``text`` with ``name=value``: on the name's empty (or commented) line, else on a new last one."""
    line = f"{name}={value}"
    empty = re.compile(rf"^(?:#|export )?{name}=[ \t]*$", re.MULTILINE)
    if empty.search(text):
        return empty.sub(line, text, count=1)
    return text.rstrip("\n") + f"\n{line}\n" if text else f"{line}\n"


def _write(path: Path, text: str, mode: int) -> None:
    """Replace ``path`` in one step: a stop in the middle leaves the old file."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as file:
        file.write(text)
    fresh.chmod(mode)
    fresh.replace(path)
