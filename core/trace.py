"""One trace id from an update to the messages it led to; it stands in each log line and in the rows."""

import secrets

import structlog


def new_trace() -> str:
    """A new trace id: 12 letters and digits, short enough to be read out to an operator."""
    return secrets.token_hex(6)


def set_trace(trace_id: str, **values: object) -> None:
    """Bind ``trace_id`` (and more values) to this context's log lines."""
    structlog.contextvars.bind_contextvars(trace=trace_id, **values)


def current_trace() -> str:
    """The trace id bound to this context, or an empty string."""
    return str(structlog.contextvars.get_contextvars().get("trace", ""))
