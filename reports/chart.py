"""A report's picture: what the period's days were like, against the days before it.

    await drawn(summary, names)     PNG, in a thread, in the language of who waits
    picture(summary, names)         the same at once: tenths of a second of CPU
    drawable(summary, names)        of which figures: none, and there is nothing to draw

One panel a figure, each with a scale of its own, so money never stands beside counts. A day that was not told is a
gap. Matplotlib is loaded by the first picture, and without its pyplot, which keeps pictures for ever.
"""

import asyncio
import io
import math
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from reports.figures.periods import DAY, TREND, Period, ending
from reports.figures.summary import Days, Line, Summary, metrics_of, value_of
from reports.metrics import SPENT, Metric, Sum, Unit
from reports.words.numbers import MINUS, NARROW, WIDE, change, number, written
from reports.words.periods import days_words, period_words, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 3
# Which figures are drawn when more are chosen than there is room for; then as they stand in the table.
FIRST = ("contacts", "views", SPENT, "costPerContact")
# Inches, and dots an inch: about 1200 × 1000, which Telegram shows without shrinking it first.
WIDTH, DOTS = 12.0, 100
# The foot has room below the days: there, in the corner, Telegram lays the time over a picture.
HEAD, FOOT, BETWEEN = 2.05, 1.25, 0.95
# How high a panel is when there are so many.
PLOTS = {0: 1.5, 1: 4.0, 2: 2.25, 3: 1.55}
# Shares of the width.
LEFT, RIGHT, EDGE = 0.115, 0.955, 0.035
# Points. A phone shows the picture at a third of its size.
TITLE, HEADING, SMALL = 27, 22, 18
MOST_LABELS = 7
MOST_DOTS = 35
# Days of which months are named, no longer days.
LONG = 100
NAME_LETTERS = 36
# In FILES_DIR.
FONTS = "matplotlib"

INK, PALE, GRID, PAPER = "#1f2733", "#9aa4b2", "#e8ebf0", "#ffffff"
COLOURS = ("#0a7cff", "#7a5af8", "#f08c00")
GOOD, BAD = "#12925a", "#d92d20"
DASHES = (0, (3, 2))

# The library is not made for several threads at once.
_lock = threading.Lock()


@dataclass(frozen=True)
class _Panel:
    """``now`` and ``before``: values by day, None where none was told; equally long, or ``before`` is empty."""

    metric: Metric
    line: Line | None
    now: Sequence[float | None]
    before: Sequence[float | None]


async def drawn(summary: Summary, names: Sequence[str]) -> bytes:
    """PNG; see `picture`."""
    return await asyncio.to_thread(_in_language, translation.get_language(), summary, names)


def _in_language(language: str | None, summary: Summary, names: Sequence[str]) -> bytes:
    with translation.override(language):
        return picture(summary, names)


def picture(summary: Summary, names: Sequence[str]) -> bytes:
    """PNG of up to three of the figures ``names``, in the active language; one that says so when none can be drawn.

    Of one day the last 14 days are drawn, for a dot is no trend.
    """
    shown = shown_period(summary)
    panels = _panels(summary, shown, names)
    with _lock:
        return _drawn(summary, shown, panels)


def drawable(summary: Summary, names: Iterable[str]) -> tuple[Metric, ...]:
    """Those of ``names`` that some day of the picture tells, the most telling first, three at most."""
    shown = shown_period(summary)
    found = [
        metric
        for metric in metrics_of(names)
        if metric.sum is not Sum.NOW and any(value is not None for value in _values(metric, summary.days, shown))
    ]
    return tuple(sorted(found, key=_rank)[:MOST_PANELS])


def shown_period(summary: Summary) -> Period:
    """The days that the picture shows."""
    return summary.period if summary.period.days > 1 else ending(summary.period.last, TREND)


def _rank(metric: Metric) -> int:
    return FIRST.index(metric.name) if metric.name in FIRST else len(FIRST)


def _panels(summary: Summary, shown: Period, names: Iterable[str]) -> list[_Panel]:
    before = summary.before if summary.period.days > 1 else shown.before()
    panels = []
    for metric in drawable(summary, names):
        earlier = _values(metric, summary.days, before)[: shown.days] if before else []
        earlier += [None] * (shown.days - len(earlier))
        told = any(value is not None for value in earlier)
        now = _values(metric, summary.days, shown)
        panels.append(_Panel(metric, summary.line(metric.name), now, earlier if told else []))
    return panels


def _values(metric: Metric, days: Days, period: Period) -> list[float | None]:
    """A picture may have floats: nothing is computed of them."""
    values = (value_of(metric, days, Period(day, day), {}) for day in period.dates())
    return [None if value is None else float(value) for value in values]


# --- drawing --------------------------------------------------------------------------------------------------------


def _drawn(summary: Summary, shown: Period, panels: Sequence[_Panel]) -> bytes:
    _keep_fonts_at_hand()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    height = HEAD + FOOT + max(1, len(panels)) * PLOTS[len(panels)] + max(0, len(panels) - 1) * BETWEEN
    figure = Figure(figsize=(WIDTH, height), dpi=DOTS, facecolor=PAPER)
    FigureCanvasAgg(figure)
    _head(figure, summary, shown, any(panel.before for panel in panels))
    for row, panel in enumerate(panels):
        bottom = FOOT + (len(panels) - 1 - row) * (PLOTS[len(panels)] + BETWEEN)
        ax = figure.add_axes((LEFT, bottom / height, RIGHT - LEFT, PLOTS[len(panels)] / height))
        _draw(ax, panel, COLOURS[row])
        _days(ax, shown, labelled=row == len(panels) - 1)
    if not panels:
        figure.text(0.5, 0.35, _("No data for these days"), size=HEADING, color=PALE, ha="center")
    out = io.BytesIO()
    figure.savefig(out, format="png")
    return out.getvalue()


def _keep_fonts_at_hand() -> None:
    """Before the library is loaded, tell it where to keep its list of fonts: else it writes into a home folder, which a
    service does not have (ProtectHome), and says so in the log. Without a place of ours it takes a temporary one."""
    folder = Path(settings.FILES_DIR).absolute() / FONTS
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        os.environ.setdefault("MPLCONFIGDIR", str(folder))


def _head(figure: "Figure", summary: Summary, shown: Period, compared: bool) -> None:
    from matplotlib.lines import Line2D

    name = _printable(summary.name)
    name = f"{name[: NAME_LETTERS - 1]}…" if len(name) > NAME_LETTERS else name
    top, second = (1 - inches / figure.get_figheight() for inches in (0.5, 1.03))
    plain: dict[str, Any] = {"color": INK, "va": "center", "parse_math": False}
    figure.text(EDGE, top, name, size=TITLE, weight="bold", **plain)
    figure.text(EDGE, second, _about(summary, shown), size=SMALL, **plain)
    if compared:
        keys = [Line2D([], [], color=INK, lw=4), Line2D([], [], color=PALE, lw=3, ls=DASHES)]
        labels = [days_words(shown.days), _("before that")]
        place: dict[str, Any] = {
            "loc": "center right",
            "bbox_to_anchor": (RIGHT + 0.01, second),
            "ncols": 2,
            "frameon": False,
        }
        figure.legend(keys, labels, fontsize=SMALL, labelcolor=INK, columnspacing=1.2, handlelength=1.6, **place)


def _about(summary: Summary, shown: Period) -> str:
    """The period; of one day also how many the picture has."""
    words = period_words(summary.period, summary.as_of or timezone.now())
    words = words[:1].upper() + words[1:]
    return words if shown == summary.period else f"{words} · {days_words(shown.days)}"


def _draw(ax: "Axes", panel: _Panel, colour: str) -> None:
    xs = list(range(len(panel.now)))
    if panel.before:
        _curve(ax, xs, panel.before, PALE, width=2.5, dashed=True)
    now = _curve(ax, xs, panel.now, colour, width=4 if len(xs) <= LONG else 2.5)
    ax.fill_between(xs, now, 0, color=colour, alpha=0.10, lw=0)
    _scale(ax, panel)
    _heading(ax, panel)


def _curve(
    ax: "Axes", xs: list[int], values: Sequence[float | None], colour: str, *, width: float, dashed: bool = False
) -> list[float]:
    """A line that breaks where a day is absent; a day without neighbours is a dot, or nobody would see it."""
    ys = [math.nan if value is None else value for value in values]
    ax.plot(xs, ys, color=colour, lw=width, ls=DASHES if dashed else "-", solid_capstyle="round", clip_on=False)
    few = len(ys) <= MOST_DOTS and not dashed
    dots = [x for x in xs if not math.isnan(ys[x]) and (few or _alone(ys, x))]
    ax.plot(
        dots, [ys[x] for x in dots], "o", color=colour, ms=8 if not dashed else 5, mec=PAPER, mew=1.5, clip_on=False
    )
    return ys


def _alone(ys: Sequence[float], x: int) -> bool:
    return all(not 0 <= beside < len(ys) or math.isnan(ys[beside]) for beside in (x - 1, x + 1))


def _heading(ax: "Axes", panel: _Panel) -> None:
    """The figure's name on the left; the period's figure and its change on the right."""
    above: dict[str, Any] = {
        "xycoords": "axes fraction",
        "textcoords": "offset points",
        "size": HEADING,
        "parse_math": False,
    }
    ax.annotate(str(panel.metric.label), (0, 1), (0, 16), weight="bold", color=INK, **above)
    if panel.line is None or panel.line.value is None:
        return
    moved = _without_marks(change(panel.line))
    right = ax.annotate(moved or WIDE, (1, 1), (0, 16), ha="right", color=_mood(panel.line), **above)
    value = written(panel.line.value, panel.metric)
    beside = {**above, "xycoords": right, "xytext": (-18 if moved else 0, 0)}
    ax.annotate(value, (0, 0), ha="right", va="bottom", weight="bold", color=INK, **beside)


def _without_marks(text: str) -> str:
    return text.lstrip(f"🟢🔴{WIDE}").replace(NARROW, WIDE)


def _mood(line: Line) -> str:
    if line.value is None or line.before is None or line.value == line.before or not line.metric.better:
        return INK
    return GOOD if (line.value > line.before) == (line.metric.better > 0) else BAD


# --- scales ---------------------------------------------------------------------------------------------------------


def _scale(ax: "Axes", panel: _Panel) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    told = [value for value in (*panel.now, *panel.before) if value is not None]
    low, high = min(0.0, *told), max(0.0, *told)
    whole = panel.metric.unit is Unit.COUNT
    least = 2.0 if whole else 1.0  # all zero is a line at the bottom, not in the middle
    ax.set_ylim(low * 1.08, max(high * 1.08, least if high <= 0 else 0.0, 1.2 if whole else 0.0))
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=whole, steps=[1, 2, 5, 10], min_n_ticks=3))
    ax.yaxis.set_major_formatter(FuncFormatter(_tick(panel.metric)))
    ax.tick_params(axis="y", labelsize=SMALL, labelcolor=PALE, length=0, pad=8)
    ax.grid(axis="y", color=GRID, lw=1.5)
    ax.set_axisbelow(True)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_color(GRID)
    ax.spines["bottom"].set_linewidth(1.5)


def _tick(metric: Metric) -> Callable[[float, int | None], str]:
    def text(value: float, _position: int | None) -> str:
        return short(Decimal(repr(float(value))), metric.unit)

    return text


def short(value: Decimal, unit: Unit) -> str:
    """``1,5 млн``, ``20 тыс.``, ``1 200``, ``12,5``: as a scale says it."""
    if abs(value) >= 1_000_000_000:
        said = _("%(number)s bn") % {"number": _brief(value / 1_000_000_000)}
    elif abs(value) >= 1_000_000:
        said = _("%(number)s m") % {"number": _brief(value / 1_000_000)}
    elif abs(value) >= 10_000:
        said = _("%(number)s k") % {"number": _brief(value / 1000)}
    else:
        said = _brief(value)
    return f"{said}{WIDE}%" if unit is Unit.PERCENT else said


def _brief(value: Decimal) -> str:
    """With as few digits as tell neighbouring marks of a scale apart."""
    value = round(value, 2)
    places = next(places for places in (0, 1, 2) if value == round(value, places))
    return number(value, places).replace(NARROW, WIDE).replace(MINUS, "-")


def _days(ax: "Axes", shown: Period, *, labelled: bool) -> None:
    margin = max(0.3, (shown.days - 1) * 0.015)
    ax.set_xlim(-margin, shown.days - 1 + margin)
    marks = _marks(shown)
    ax.set_xticks(marks, [_day(shown.first + DAY * mark, shown) for mark in marks] if labelled else [""] * len(marks))
    ax.tick_params(axis="x", labelsize=SMALL, labelcolor=INK, color=GRID, length=6, width=1.5, pad=6)


def _marks(shown: Period) -> list[int]:
    """Which days have a label, as numbers from the first day: a long period's months, else evenly to the last day."""
    if shown.days > LONG:
        firsts = [n for n, day in enumerate(shown.dates()) if day.day == 1]
        return firsts[:: -(-len(firsts) // 9)]
    step = -(-shown.days // MOST_LABELS)
    return sorted(range(shown.days - 1, -1, -step))


def _day(day: date, shown: Period) -> str:
    """``16 ноя``; of a long period ``ноя``. Three letters are enough in both languages: «16 мая», but «май»."""
    if shown.days > LONG:
        return small(date_format(day, "F"))[:3]
    return f"{day.day}{WIDE}{date_format(day, 'E')[:3]}"


@lru_cache(maxsize=1)
def _letters() -> frozenset[int]:
    """What the bundled font can show."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())


def _printable(name: str) -> str:
    """``name`` without what would be an empty box."""
    kept = "".join(letter for letter in name if ord(letter) in _letters() and letter.isprintable())
    return " ".join(kept.split())
