"""Numbers as a report writes them, in the active language: ``15 420,50 ₽``, ``3,1 %``, ``▲ +12,3 %``.

Spaces within a number are narrow and never break. Kopecks are written when there are any, always both digits;
rounding is that of school.
"""

from decimal import ROUND_HALF_UP, Decimal

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from reports.figures.summary import Line
from reports.metrics import Metric, Unit

NARROW, WIDE, MINUS = "\N{NARROW NO-BREAK SPACE}", "\N{NO-BREAK SPACE}", "\N{MINUS SIGN}"
UP, DOWN, SAME, NEARLY = "▲", "▼", "=", "≈"
GOOD, BAD = "🟢", "🔴"


def rounded(value: Decimal, places: int) -> Decimal:
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def number(value: Decimal, places: int = 0) -> str:
    """``1 204`` or ``1,204`` as the language has it, rounded to ``places``."""
    text: str = number_format(rounded(abs(value), places), places, force_grouping=True)
    negative = rounded(value, places) < 0
    return (MINUS if negative else "") + text.replace(WIDE, NARROW).replace(" ", NARROW)


def money(roubles: Decimal) -> str:
    """``250 000 ₽``, ``15 420,50 ₽``."""
    whole = rounded(roubles, 2) == rounded(roubles, 0)
    return f"{number(roubles, 0 if whole else 2)}{WIDE}₽"


def percent(value: Decimal) -> str:
    return f"{number(value, 1)}{WIDE}%"


def written(value: Decimal, metric: Metric) -> str:
    """``value`` in the metric's unit."""
    match metric.unit:
        case Unit.MONEY:
            return money(value)
        case Unit.PERCENT:
            return percent(value)
        case Unit.SCORE:
            return number(value, 1)
    return number(value, 0 if value == value.to_integral_value() else 2)


def change(line: Line) -> str:
    """``🟢 ▲ +12,3 %``: how it changed, whether that is good news; of shares in points. Empty: nothing to compare."""
    if line.value is None or line.before is None:
        return ""
    if line.metric.unit is Unit.PERCENT:
        return _moved(line.value - line.before, _("pp"), line.metric.better)
    if line.change is not None:
        return _moved(line.change, "%", line.metric.better)
    if line.value == line.before:  # there was nothing, and there is nothing
        return ""
    sign = _colour(line.value, line.metric.better) + (UP if line.value > 0 else DOWN)
    return sign + WIDE + _("there was %(nothing)s") % {"nothing": written(line.before, line.metric)}


def _moved(by: Decimal, unit: str, better: int) -> str:
    shown = rounded(by, 1)
    if shown == 0:
        return f"{SAME if by == 0 else NEARLY}{WIDE}0{WIDE}{unit}"
    arrow, plus = (UP, "+") if shown > 0 else (DOWN, "")
    return f"{_colour(shown, better)}{arrow}{WIDE}{plus}{number(shown, 1)}{WIDE}{unit}"


def _colour(by: Decimal, better: int) -> str:
    return "" if not better else (GOOD if by * better > 0 else BAD) + WIDE
