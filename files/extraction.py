"""Text of a stored file, read by a process with limits of memory, CPU and time. Sync: call it in a thread."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import structlog
from django.conf import settings

log = structlog.get_logger(__name__)

# Seconds before the process is ended from outside. It stops by itself much earlier unless a file holds it up.
WALL_SECONDS = 45


@dataclass(frozen=True)
class Extracted:
    """``error``: a kind of files.errors: why there is no text, or only its beginning; empty when all is well."""

    text: str = ""
    error: str = ""
    pages: int | None = None


def extract(path: Path, mime: str, seconds: float = WALL_SECONDS) -> Extracted:
    """The text of the file at ``path``; raises nothing that the file could cause."""
    command = [sys.executable, "-m", "files.extract", str(path), mime]
    try:
        # No environment: the process that a hostile file may take over knows no secret.
        ended = subprocess.run(  # noqa: S603
            command,
            cwd=settings.BASE_DIR,
            env={"PYTHONUTF8": "1", "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("file not read in time", path=path.name, mime=mime)
        return Extracted(error="timeout")
    if ended.returncode != 0:
        return Extracted(error=_meaning(ended, path, mime))
    found = json.loads(ended.stdout)
    # A database takes no NUL and no half of a character.
    text = found["text"].replace("\x00", "").encode("utf-8", "replace").decode()
    return Extracted(text, found["error"], found["pages"])


def _meaning(ended: "subprocess.CompletedProcess[bytes]", path: Path, mime: str) -> str:
    """What the end of the process says: by a signal it ran out of CPU, else out of memory."""
    words = ended.stderr.decode("utf-8", "replace")[-300:]
    log.warning("file not read", path=path.name, mime=mime, code=ended.returncode, error=words)
    if "MemoryError" in words:
        return "bomb"
    return "timeout" if ended.returncode < 0 else "broken"
