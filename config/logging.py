"""Structured logs: JSON for machines, readable lines on a terminal, one trace id per update, no secrets."""

import functools
import json
import logging
import logging.config
import os
import re
import sys
import threading
import traceback
from collections.abc import Iterable
from datetime import date, timedelta
from types import TracebackType
from typing import Any
from urllib.parse import quote

import structlog
from structlog.typing import EventDict, WrappedLogger

from config.env import SECRETS

NAMES = ("token", "password", "passwd", "secret", "api_key", "apikey", "secret_key", "authorization", "cookie", "dsn")
ENDINGS = tuple(f"_{name}" for name in NAMES)
_WORD = r"[A-Za-z0-9_-]"
_REST = r"[^\s\"',;&]+"
_NAMED = r"(=b?[\"']?|[\"']: ?b?[\"'])(basic |bearer )?" + _REST
# What looks like a secret, whoever's it is. The key must stand in the text, in small letters, for the pattern to be
# tried at all: that makes it fast, nearly all lines hold nothing but the colon. The pattern's groups are kept.
LOOKS = {
    ":": re.compile(rf"(:)(?<=\d\d\d:){_WORD}{{20,}}"),  # a bot's token, in an address as well
    "%3a": re.compile(rf"(%3[Aa])(?<=\d\d\d%3.){_WORD}{{20,}}"),
    "sk-": re.compile(rf"(sk-){_WORD}{{16,}}"),
    "skr_": re.compile(rf"(skr_){_WORD}{{16,}}"),
    "gsk_": re.compile(rf"(gsk_){_WORD}{{16,}}"),
    "xai-": re.compile(rf"(xai-){_WORD}{{16,}}"),
    "aiza": re.compile(rf"(AIza){_WORD}{{16,}}"),
    "://": re.compile(r"(://)[^/\s\"'<>]+(?=@)"),  # user and password in an address
    "bearer ": re.compile(rf"([Bb]earer ){_REST}"),
    "key=": re.compile(rf"([?&]key=){_REST}"),
    # PostgreSQL quotes values there: what people said, when it is what did not fit.
    "detail:  ": re.compile(r"(DETAIL:  )[^\n]+"),
    "context:  ": re.compile(r"(CONTEXT:  )[^\n]+"),
} | {
    name: re.compile(rf"(?i:({name}){_NAMED})")
    for name in ("token", "password", "passwd", "secret", "api_key", "api-key", "apikey", "authorization", "cookie")
}
# Shorter ones ("ollama") would blot out plain words.
SHORTEST = 8
DEEPEST = 8
PLAIN = (bool, int, float, date, timedelta, type(None))
# What logging itself puts into an event: nobody's secret.
OUR_OWN = frozenset({"level", "logger", "timestamp"})

_known: tuple[str, ...] = ()


def hide(secrets: Iterable[str]) -> None:
    """Let ``mask`` replace these values from now on, also as they stand in an address or in JSON."""
    global _known
    long_ones = {secret for secret in secrets if len(secret) >= SHORTEST}
    forms = {form for value in long_ones for form in (value, quote(value, safe=""), json.dumps(value)[1:-1])}
    # The longest first: one secret may begin with another.
    _known = tuple(sorted(forms, key=len, reverse=True))


def mask(text: str) -> str:
    """``text`` with every configured secret, and everything that looks like one, replaced by ``***``."""
    for value in _known:
        if value in text:
            text = text.replace(value, "***")
    lowered = text.lower()
    for needle, pattern in LOOKS.items():
        if needle in lowered:
            text = pattern.sub(_blot, text)
    return text


def _blot(match: re.Match[str]) -> str:
    return "".join(filter(None, match.groups())) + "***"


def mask_event(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask by name and by look; walks into lists and dicts."""
    return {key: value if key in OUR_OWN else _item(key, value) for key, value in event.items()}


def _item(key: str, value: Any, depth: int = 0) -> Any:
    # Numbers are counts and times ("first_token": 0.7).
    if isinstance(value, PLAIN):
        return value
    if value and _is_secret(key):
        return "***"
    return mask(value) if type(value) is str else _masked(value, depth)


@functools.lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return f"_{key}".lower().replace("-", "_").endswith(ENDINGS)


def _masked(value: Any, depth: int = 0) -> Any:
    if isinstance(value, PLAIN):
        return value
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, dict) and depth < DEEPEST:
        return {mask(str(key)): _item(str(key), item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
        return [_masked(item, depth + 1) for item in value]
    # The renderers would call repr themselves, and show what is in it.
    return mask(repr(value))


def logging_config(level: str, style: str) -> dict[str, Any]:
    """The ``logging`` configuration; ``style`` is auto (console on a terminal), json or console."""
    console = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        # After what a library adds: it may bear one of OUR_OWN names, which nobody masks.
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _drop_colours,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    last: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        mask_event,  # after the traceback became text
        *(_for_people() if console else [_as_json]),
    ]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "structured": {
                "()": Formatter,
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
            # It weighs every font of the machine, a line each.
            "matplotlib": {"level": "INFO"},
            # With DEBUG=1 it logs every statement with its values, and those are what people said.
            "django.db.backends": {"level": "INFO"},
            # The web side's server comes with handlers of its own, past the mask. Requests are the proxy's to list.
            "uvicorn": {"handlers": [], "propagate": True},
            "uvicorn.error": {"level": logging.getLogger("uvicorn.error").level},  # what its command line said
            "uvicorn.access": {"handlers": [], "propagate": False},
        },
    }


class Formatter(structlog.stdlib.ProcessorFormatter):
    """A line of ours is an event already and takes the last steps only. The library would make a second record of it,
    and format that too: a third of what a line cost."""

    def format(self, record: logging.LogRecord) -> str:
        if not isinstance(record.msg, dict):
            return super().format(record)
        event: Any = record.msg.copy()  # another handler may want it as well
        for step in self.processors[1:]:  # the first takes away what the library would have added
            event = step(None, "", event)
        return str(event)


_encode = json.JSONEncoder(ensure_ascii=False, default=repr).encode


def _as_json(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    return _encode(event)


def _drop_colours(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The web side's server says everything a second time, in colour."""
    event.pop("color_message", None)
    return event


def _for_people() -> list[Any]:
    """Lines for a terminal: the time of day here, and nothing that is empty."""
    return [
        structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False),
        lambda _logger, _method, event: {key: value for key, value in event.items() if value not in (None, "")},
        structlog.dev.ConsoleRenderer(colors=not os.environ.get("NO_COLOR"), pad_event_to=0, pad_level=False),
    ]


class Logger(structlog.stdlib.BoundLogger):
    """Looks at the level first: a line that nobody reads, and there are four a message, costs next to nothing."""

    def debug(self, event: str | None = None, *args: Any, **facts: Any) -> Any:
        if self._logger.isEnabledFor(logging.DEBUG):
            super().debug(event, *args, **facts)


def configure(config: dict[str, Any], sentry_dsn: str) -> None:
    """Set up logging, structlog, the last words of a crash and, when a DSN is given, error reports."""
    hide(SECRETS)
    logging.config.dictConfig(config)
    # Our lines name none of these, and to find them out for each is not free
    # (https://docs.python.org/3/howto/logging.html#optimization).
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=Logger,
        cache_logger_on_first_use=True,
    )
    _mask_crashes()
    if sentry_dsn:
        _report_to(sentry_dsn)


def _mask_crashes() -> None:
    """An uncaught exception does not go through logging, and its message may hold a token."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = crash
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _crash_of_thread


def crash(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    """Print a traceback as Python does, masked."""
    sys.stderr.write(mask("".join(traceback.format_exception(kind, error, where))))


def _crash_of_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and args.exc_type is not SystemExit:
        crash(args.exc_type, args.exc_value, args.exc_traceback)


def _report_to(dsn: str) -> None:
    import sentry_sdk
    from sentry_sdk.utils import BadDsn

    def scrub(event: Any, hint: Any) -> Any:
        return _masked(_told(event, getattr(hint.get("log_record"), "msg", None)))

    try:
        sentry_sdk.init(
            dsn=dsn,
            send_default_pii=False,
            include_local_variables=False,
            max_request_body_size="never",  # a body is what people write
            before_send=scrub,
        )
    except BadDsn:
        return  # the system checks tell


def _told(event: Any, said: Any) -> Any:
    """``event`` with the trace as a tag. A line of ours (``said``) carries its error and its facts inside, where the
    library does not look: they are laid out, so that it is grouped by its place in the code."""
    facts = dict(said) if isinstance(said, dict) else {}
    trace = facts.get("trace") or structlog.contextvars.get_contextvars().get("trace")
    if trace:
        event["tags"] = {**(event.get("tags") or {}), "trace": trace}
    if facts:
        error = facts.pop("exc_info", None)
        event["logentry"] = {"message": str(facts.pop("event", ""))}
        event["extra"] = facts
        if error:
            event["exception"] = _exception(error)
    return event


def _exception(error: Any) -> Any:
    import sentry_sdk
    from sentry_sdk.utils import event_from_exception

    raised = sys.exc_info() if error is True else error
    described, _hint = event_from_exception(raised, client_options=sentry_sdk.get_client().options)
    return described["exception"]
