"""The one Telegram application of this process. Set by runbot (and tests), asked by the backend and the handlers."""

from typing import Any

from telegram.ext import Application, ExtBot

_application: Application[Any, Any, Any, Any, Any, Any] | None = None


def use(application: Application[Any, Any, Any, Any, Any, Any] | None) -> None:
    global _application
    _application = application


def application() -> Application[Any, Any, Any, Any, Any, Any]:
    if _application is None:
        raise RuntimeError("No Telegram application runs in this process: messages leave from `manage.py runbot`.")
    return _application


def bot() -> ExtBot[Any]:
    found: ExtBot[Any] = application().bot
    return found


def is_running() -> bool:
    return _application is not None
