"""Charts of the operator's pages, as unfold's component gives them to chart.js (https://www.chartjs.org/docs)."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

# Without animation, so that a page that is printed or captured at once is complete.
OPTIONS: dict[str, Any] = {
    "animation": False,
    "responsive": True,
    "maintainAspectRatio": False,
    "interaction": {"mode": "index", "intersect": False},
    "plugins": {
        "legend": {
            "position": "top",
            "align": "end",
            "labels": {"boxWidth": 6, "boxHeight": 6, "usePointStyle": True, "color": "#9ca3af"},
        }
    },
    "scales": {
        "x": {
            "ticks": {"color": "#9ca3af", "maxTicksLimit": 10, "maxRotation": 0},
            "grid": {"display": False},
            "border": {"display": False},
        },
        "y": {
            "beginAtZero": True,
            "ticks": {"color": "#9ca3af", "maxTicksLimit": 6, "precision": 0},
            "grid": {"lineWidth": 0.5, "tickWidth": 0},
            "border": {"display": False},
        },
    },
}


def options() -> str:
    return json.dumps(OPTIONS)


def lines(span: Sequence[date], *lines: tuple[str, Sequence[float | None], str], bridged: bool = True) -> str:
    """Lines over days: (label, a value for each day, colour). None is a day of which nothing is known: a gap, which
    the line bridges or, with ``bridged`` False, leaves open."""
    datasets = [
        {
            "label": label,
            "data": list(data),
            "borderColor": colour,
            "backgroundColor": colour,
            "borderWidth": 2,
            "pointRadius": 2,
            "cubicInterpolationMode": "monotone",
            "spanGaps": bridged,
            "borderRadius": 3,
        }
        for label, data, colour in lines
    ]
    return json.dumps({"labels": [f"{day:%d.%m}" for day in span], "datasets": datasets})
