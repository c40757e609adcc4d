"""One trace id from an update to the messages it led to; it stands in each log line and in the rows."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


def new_trace() -> str:
    """A new trace id: 12 letters and digits, short enough to be read out to an operator."""
    return secrets.token_hex(6)


@contextmanager
def trace(trace_id: str, **values: object) -> Iterator[None]:
    """Bind ``trace_id`` (and more values) to the log lines of this block."""
    tokens = structlog.contextvars.bind_contextvars(trace=trace_id, **values)
    try:
        yield
    finally:
        structlog.contextvars.reset_contextvars(**tokens)


def current_trace() -> str:
    """The trace id bound to this context, or an empty string."""
    return str(structlog.contextvars.get_contextvars().get("trace", ""))
