"""Structured logs: JSON for machines, readable lines on a terminal, one trace id per update, no secrets."""

import logging
import logging.config
import os
import re
import sys
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

# A bot's token, a bearer header, keys of the known providers, a password in an address.
SECRET = re.compile(
    r"\b\d{3,}:[A-Za-z0-9_-]{20,}"
    r"|(?<=[Bb]earer )\S+"
    r"|\b(?:sk|key|AIza)[-_A-Za-z0-9]{16,}"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"
)
NAMES = ("token", "password", "secret", "api_key", "authorization")


def mask(text: str) -> str:
    """``text`` with everything that looks like a secret, and every configured secret, replaced by ``***``."""
    for value in _configured():
        text = text.replace(value, "***")
    return SECRET.sub("***", text)


def _configured() -> list[str]:
    from django.conf import settings

    if not settings.configured:
        return []
    names = ("BOT_TOKEN", "ADMIN_PASSWORD", "WEBHOOK_SECRET", "SECRET_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY",
             "DEEPSEEK_API_KEY", "OPENAI_API_KEY", "SENTRY_DSN")  # fmt: skip
    return [value for name in names if len(value := str(getattr(settings, name, "") or "")) >= 6]


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask by name and by look; walks into lists and dicts."""
    return {key: "***" if _named_secret(key) and value else _masked(value) for key, value in event.items()}


def _named_secret(key: str) -> bool:
    lowered = key.lower()
    return any(lowered == name or lowered.endswith("_" + name) for name in NAMES)


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict):
        return {key: "***" if _named_secret(str(key)) else _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    if isinstance(value, BaseException):
        return mask(repr(value))
    return value


def _mask_rendered(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The traceback is text only after it was formatted: mask that too."""
    if isinstance(event.get("exception"), str):
        event["exception"] = mask(event["exception"])
    return event


def logging_config(level: str, style: str) -> dict[str, Any]:
    """The ``logging`` configuration; ``style`` is auto (console on a terminal), json or console."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.format_exc_info]
    last += [mask_event, _mask_rendered]
    last.append(
        structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"))
        if console
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": last,
                "foreign_pre_chain": shared,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            # They log every request with its address, and Telegram's address holds the token.
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "apscheduler": {"level": "WARNING"},
            "django.request": {"level": "ERROR"},
            "telegram": {"level": "WARNING"},
        },
    }


def configure(config: dict[str, Any], sentry_dsn: str) -> None:
    """Set up logging, structlog and, when a DSN is given, error reports."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    if sentry_dsn:
        _report_to(sentry_dsn)


def _report_to(dsn: str) -> None:
    import sentry_sdk

    def scrub(event: Any, _hint: Any) -> Any:
        return _masked(event)

    sentry_sdk.init(dsn=dsn, send_default_pii=False, include_local_variables=False, before_send=scrub)
