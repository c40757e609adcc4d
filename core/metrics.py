"""Figures of this process for Prometheus: what happened since it started.

The bot's process shows them on METRICS_PORT of this machine (docs/howto/monitoring.md); what stands in rows is shown by
the web side (config/metrics.py). Labels are bounded: kinds, states, and models of the catalogue; never a person or a
text. Counting costs about a microsecond.
"""

import functools
from typing import Any

import prometheus_client
from prometheus_client import CollectorRegistry, Gauge, start_http_server

REGISTRY = CollectorRegistry()
SECONDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 900.0)


class _Found:
    """Remembers which figure stands behind labels: to look each of them up was a fiftieth of a message's work."""

    @functools.cache  # noqa: B019  (these live as long as the process)
    def labels(self, *values: str) -> Any:
        return super().labels(*values)  # type: ignore[misc]


class Counter(_Found, prometheus_client.Counter):
    pass


class Histogram(_Found, prometheus_client.Histogram):
    pass


def _counter(name: str, words: str, *labels: str) -> Counter:
    return Counter(f"sekretar_{name}", words, labels, registry=REGISTRY)


def _gauge(name: str, words: str, *labels: str) -> Gauge:
    return Gauge(f"sekretar_{name}", words, labels, registry=REGISTRY)


def _histogram(name: str, words: str) -> Histogram:
    return Histogram(f"sekretar_{name}", words, ["provider"], registry=REGISTRY, buckets=SECONDS)


UPDATES = _counter("updates", "Updates that were worked on.", "kind", "outcome")
ANSWERS = _counter("answers", "Questions to models, by how they ended.", "provider", "model", "state", "error")
FIRST_WORD = _histogram("first_token_seconds", "From the question to the first words.")
WHOLE_ANSWER = _histogram("answer_seconds", "From the question to the end of the answer.")
TOKENS = _counter("tokens", "Tokens that providers counted or we estimated.", "provider", "model", "direction")
COST = _counter("cost_dollars", "Cost of answers whose price is known.", "provider", "model")
UNPRICED = _counter("unpriced_answers", "Answers whose price is not known.", "provider", "model")
PROVIDER_ERRORS = _counter("provider_errors", "Failed calls of providers.", "provider", "kind")
PROVIDER_RETRIES = _counter("provider_retries", "Calls of providers that were tried again.", "provider", "kind")
DELIVERIES = _counter("deliveries", "Attempts to send, by what came of them.", "outcome", "error")
FIRED = _counter("fired", "Planned runs that were fired.", "source")
MISSED = _counter("missed", "Planned runs that were left out because they were too late.", "source")
OCCURRENCES = _counter("occurrences", "What became of fired reminders, in the end: acked, dead.", "outcome")
LANES_BUSY = _gauge("lanes_busy", "Lanes that are being worked on.", "kind")
HEARD_AGO = _gauge("heard_seconds_ago", "Seconds since Telegram last answered.")


def serve(port: int) -> None:
    """Show the figures on ``port`` of this machine, to programs here alone."""
    start_http_server(port, addr="127.0.0.1", registry=REGISTRY)
