"""What ``core.show`` says, for templates: links, dates, numbers, money."""

from datetime import datetime
from decimal import Decimal

from django.db.models import Model
from django.template import Library
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from core import show

register = Library()


@register.filter
def page_link(row: Model, text: str = "") -> SafeString | str:
    """The row's name (or ``text``), leading to its page."""
    return show.link(row, text)


@register.filter
def stamp(moment: datetime | None) -> str:
    return show.stamp(moment)


@register.filter
def spaced(value: int | None) -> str:
    return show.number(value)


@register.filter
def compact(value: int | None) -> str:
    """``842``, ``12.3k``, ``4.6M``; a dash for what is not known."""
    if value is None or value < 10_000:
        return show.number(value)
    if value < 999_950:
        return gettext("%(number)sk") % {"number": show.localised(Decimal(value) / 1000, 1)}
    return gettext("%(number)sM") % {"number": show.localised(Decimal(value) / 1_000_000, 1)}


@register.filter
def money(cost: Decimal | None) -> str:
    return show.money(cost)
