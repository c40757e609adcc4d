"""`/metrics` of the web side: what stands in rows, so it holds for all processes and survives them.

What only happens (answers, retries, latencies) is counted where it happens (core/metrics.py). Cheap enough for every
15 seconds: open rows have partial indexes, and what is summed over a day is kept for a minute.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError
from django.db.models import Count, Sum
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE

from conversations.models import Request
from core.health import examine
from core.waiting import open_rows
from delivery import outbox
from delivery.models import Delivery
from llm.models import ProviderState
from telegram_bot import inbox
from telegram_bot.models import Update

__all__ = ["CONTENT_TYPE", "page"]

SECONDS_KEPT = 60
# More models than this in one day are no figure anybody reads.
MOST_MODELS = 100

Sample = tuple[tuple[str, ...], float]


def page() -> bytes:
    """The figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Rows())
    return generate_latest(registry)


class _Rows:
    """Read anew at each scrape; without the database only what is known of it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        yield from checks(now)
        try:
            yield from [*queues(), *providers(now), *today(now)]
        except DatabaseError:
            return


def gauge(name: str, words: str, labels: Iterable[str], samples: Iterable[Sample]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"sekretar_{name}", words, labels=list(labels))
    for values, number in samples:
        family.add_metric(values, number)
    return family


def checks(now: datetime) -> Iterator[GaugeMetricFamily]:
    """What /readyz says, and each of its figures."""
    found = examine(now)
    yield gauge("check_ok", "1: this check is well.", ["check"], [((n,), float(f.well)) for n, f in found.items()])
    facts = [
        ((check, fact), float(value))
        for check, finding in found.items()
        for fact, value in finding.facts.items()
        if isinstance(value, int | float)
    ]
    yield gauge("check_figure", "Figures of the checks: ages in seconds, free per cent.", ["check", "figure"], facts)


def queues() -> Iterator[GaugeMetricFamily]:
    for name, queue in (("inbox", inbox.QUEUE), ("outbox", outbox.QUEUE)):
        rows = [((state,), float(count)) for state, count in open_rows(queue).items()]
        yield gauge(f"{name}_rows", f"Open rows of the {name}.", ["state"], rows)


def providers(now: datetime) -> Iterator[GaugeMetricFamily]:
    states = list(ProviderState.objects.order_by("name"))
    paused = [((row.name,), float(row.paused_until is not None and row.paused_until > now)) for row in states]
    yield gauge("provider_paused", "1: the breaker is open, the provider is not asked.", ["provider"], paused)
    failures = [((row.name,), float(row.failures)) for row in states]
    yield gauge("provider_failures", "Failures of a provider in a row.", ["provider"], failures)


def today(now: datetime) -> Iterator[GaugeMetricFamily]:
    """Since midnight in TIME_ZONE, at most a minute old."""
    sums: dict[str, list[Sample]] = cache.get_or_set("metrics:today", partial(_sums, now), SECONDS_KEPT) or {}
    yield gauge("today_requests", "Questions since midnight.", ["model", "state"], sums["requests"])
    yield gauge("today_tokens", "Tokens since midnight.", ["model", "direction"], sums["tokens"])
    yield gauge("today_cost_dollars", "Cost since midnight, of known prices.", ["model"], sums["cost"])
    yield gauge("day_updates", "Updates of the last 24 hours.", ["kind", "state"], sums["updates"])
    yield gauge("day_deliveries", "Deliveries of the last 24 hours.", ["source", "state"], sums["deliveries"])


def _sums(now: datetime) -> dict[str, list[Sample]]:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    asked = Request.objects.filter(created_at__gte=midnight).order_by()
    models: Any = asked.values("model_ref").annotate(
        n=Count("id"), input=Sum("input_tokens"), output=Sum("output_tokens"), cost=Sum("cost")
    )
    models = list(models.order_by("-n")[:MOST_MODELS])
    day = now - timedelta(days=1)
    return {
        "requests": _counts(asked, "model_ref", "state")[: 4 * MOST_MODELS],
        "tokens": [((m["model_ref"], way), float(m[way] or 0)) for m in models for way in ("input", "output")],
        "cost": [((m["model_ref"],), float(m["cost"])) for m in models if m["cost"] is not None],
        "updates": _counts(Update.objects.filter(received_at__gte=day), "kind", "state"),
        "deliveries": _counts(Delivery.objects.filter(created_at__gte=day), "source", "state"),
    }


def _counts(rows: Any, *labels: str) -> list[Sample]:
    counted = rows.order_by().values_list(*labels).annotate(n=Count("id")).order_by("-n")
    return [(tuple(found[:-1]), float(found[-1])) for found in counted]
