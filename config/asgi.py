"""The web side: admin and webhook. No Telegram application lives here."""

import os
import sys

import django
from django.core.asgi import get_asgi_application


def refuse_half_configured() -> None:
    """End the process, with the sentences of the checks, when something serious is wrong in the settings."""
    from config.checks import settings_problems

    if serious := [problem for problem in settings_problems() if problem.is_serious()]:
        sys.exit("\n".join(f"{problem.id}: {problem.msg}" for problem in serious))


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)
refuse_half_configured()
application = get_asgi_application()
