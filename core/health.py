"""Is all well? ``settings.HEALTH_CHECKS`` is a table of functions(now) -> Finding.

`/readyz` shows what they find, without words of people; the bot's process tells the admins when it changes.
"""

import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from core.claims import Queue
from core.waiting import waiting_since

log = structlog.get_logger(__name__)


class Level(StrEnum):
    """A warning is for the admins; only a failure makes the whole not ready."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """What one check found: figures for machines, and a sentence for the admins when not all is well."""

    level: Level
    facts: Mapping[str, Any] = field(default_factory=dict)
    words: str = ""

    @property
    def well(self) -> bool:
        return self.level == Level.OK


def examine(now: datetime) -> dict[str, Finding]:
    """Every check's finding, in the table's order; it ends with the first that the database did not answer.

    A check that breaks in another way (a folder that cannot be read) is a warning, and stops nobody.
    """
    found: dict[str, Finding] = {}
    for name, path in settings.HEALTH_CHECKS.items():
        try:
            found[name] = import_string(path)(now)
        except DatabaseError as error:
            log.warning("health not known", check=name, error=str(error))
            found[name] = Finding(Level.FAILED, {"error": type(error).__name__}, _("The database does not answer."))
            break
        except Exception as error:
            log.exception("check broke", check=name)
            kind = type(error).__name__
            words = _("The check “%(name)s” could not be made: %(error)s.") % {"name": name, "error": kind}
            found[name] = Finding(Level.WARNING, {"error": kind}, words)
    return found


def database(_now: datetime) -> Finding:
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Finding(Level.OK, {"milliseconds": round((time.monotonic() - began) * 1000, 1)})


def waiting(queue: Queue, arrived: str, words: str, now: datetime) -> Finding:
    """Whether the rows of ``queue`` are worked on: for capabilities' own checks. ``words`` tell of it in ``minutes``;
    ``arrived`` is the column that says when a row came."""
    since = waiting_since(queue, arrived)
    seconds = 0.0 if since is None else max(0.0, (now - since).total_seconds())
    facts = {"oldest_seconds": round(seconds, 1)}
    if seconds <= settings.WAIT_WARN_SEC:
        return Finding(Level.OK, facts)
    return Finding(Level.FAILED, facts, words % {"minutes": round(seconds / 60)})


def disk(_now: datetime) -> Finding:
    """The folders we write to: files, and SQLite's. The least free part of their disks counts."""
    free = min(_free_percent(folder) for folder in _folders())
    facts = {"free_percent": round(free, 1)}
    if free >= settings.DISK_WARN_PERCENT:
        return Finding(Level.OK, facts)
    words = _("The disk is nearly full, %(free)d %% are free. Make room, or nothing more can be received.")
    return Finding(Level.WARNING, facts, words % {"free": free})


def _folders() -> list[Path]:
    folders = [Path(settings.FILES_DIR)]
    if connection.vendor == "sqlite":
        folders.append(Path(connection.settings_dict["NAME"]).parent)
    return folders


def _free_percent(folder: Path) -> float:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    usage = shutil.disk_usage(there)
    return 100 * usage.free / usage.total
