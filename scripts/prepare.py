"""One Django process that makes everything ready: checks, database, operator, the sandbox's administrator.

`python -m scripts.prepare [telegram id of an administrator]`. What a person has to mend goes to
standard error, a sentence a line, and the exit code is 1; the last line of standard output is a JSON report.
"""

import io
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

ROOT = Path(__file__).resolve().parent.parent


def refuse() -> list[str]:
    """What the system checks say that keeps Sekretar from starting. When nothing does, warnings are said as notes."""
    from django.core import checks

    found = [message for message in checks.run_checks() if not message.is_silenced()]
    serious = [_sentence(message) for message in found if message.is_serious()]
    notes = [f"Note: {_sentence(message)}" for message in found if checks.WARNING <= message.level < checks.ERROR]
    for line in serious or notes:
        print(line, file=sys.stderr)
    return serious


def _sentence(message: "CheckMessage") -> str:
    return f"{message.msg} {message.hint}" if message.hint else str(message.msg)


def command(name: str, *args: str, **options: object) -> str:
    """Run a management command; returns what it printed."""
    from django.core.management import call_command

    out = io.StringIO()
    call_command(name, *args, stdout=out, **options)
    return out.getvalue().strip()


def catalogue() -> str:
    """Whether any model is known: "empty" or "filled"."""
    from django.apps import apps

    return "filled" if apps.get_model("llm", "Model").objects.exists() else "empty"


def main(administrators: list[str]) -> int:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    (ROOT / "data").mkdir(mode=0o700, exist_ok=True)
    django.setup()
    if refuse():
        return 1
    command("migrate", interactive=False, verbosity=0)
    operator = command("create_operator")
    if administrators:
        command("approve", *administrators, role="admin")
    print(json.dumps({"operator": operator, "catalogue": catalogue()}))
    return 0


if __name__ == "__main__":
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import CommandError
    from django.db import Error

    try:
        sys.exit(main(sys.argv[1:]))
    except (ImproperlyConfigured, CommandError) as error:
        sys.exit(str(error))
    except Error as error:
        said = str(error).strip().partition("\n")[0]
        sys.exit(f"The database did not do what was asked ({said}): check DATABASE_URL in .env.")
