"""What an answer adds to the figures of this process (core/metrics.py)."""

from collections.abc import Mapping
from typing import Any

from core import metrics


def count(model_ref: str, values: Mapping[str, Any]) -> None:
    """Count one answer; ``values`` are its request's columns, ``model_ref`` names who answered."""
    provider, _colon, model = model_ref.partition(":")
    metrics.ANSWERS.labels(provider, model, str(values["state"]), values["error_kind"]).inc()
    if values["first_token_ms"] is not None:
        metrics.FIRST_WORD.labels(provider).observe(values["first_token_ms"] / 1000)
    metrics.WHOLE_ANSWER.labels(provider).observe(values["total_ms"] / 1000)
    for direction in ("input", "output"):
        metrics.TOKENS.labels(provider, model, direction).inc(values[f"{direction}_tokens"] or 0)
    if values["cost"] is not None:
        metrics.COST.labels(provider, model).inc(float(values["cost"]))
    elif values["output_tokens"]:
        metrics.UNPRICED.labels(provider, model).inc()
