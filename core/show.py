"""How rows, times, numbers, money and JSON are shown to operators. Needs no admin, so templates may use it."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.admin.utils import quote
from django.db import models
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

Text = str | Promise


def link(row: models.Model | None, text: str = "") -> SafeString | str:
    """The row's name (or ``text``), leading to its page."""
    if row is None:
        return "—"
    try:
        url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[quote(row.pk)])
    except NoReverseMatch:
        return text or str(row)
    return format_html('<a class="text-link" href="{}">{}</a>', url, text or row)


def trace(trace_id: str) -> SafeString | str:
    """A trace id, leading to the page of the message's whole way."""
    if not trace_id:
        return "—"
    try:
        url = reverse("trace", args=[trace_id])
    except NoReverseMatch:
        return trace_id
    return format_html('<a class="text-link" href="{}">{}</a>', url, trace_id)


def badge(text: Text, kind: str = "") -> SafeString:
    """``text`` as a label; ``kind`` is success, warning, danger, info, primary or empty (grey)."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": kind})


def stamp(moment: datetime | None) -> str:
    """A time as operators sort and compare it, in the current zone: ``2026-11-20 12:00``, never broken."""
    return f"{timezone.localtime(moment):%Y-%m-%d\N{NO-BREAK SPACE}%H:%M}" if moment else "—"


def number(value: float | None) -> str:
    """``1 234 567``; a dash for what is not known."""
    return "—" if value is None else f"{value:,}".replace(",", "\N{NO-BREAK SPACE}")


def money(cost: Decimal | None) -> str:
    """``$0.0123``; a cost that is not known is not zero."""
    if cost is None:
        return gettext("unknown")
    if 0 < cost < Decimal("0.0001"):
        return f"< ${number_format(Decimal('0.0001'), 4)}"
    return f"${localised(cost, 2)}" if cost >= 10 else f"${localised(cost, 4)}"


def seconds(milliseconds: int | None) -> str:
    return "—" if milliseconds is None else localised(Decimal(milliseconds) / 1000, 1)


def localised(value: Decimal, places: int) -> str:
    """``value`` as the reader's language writes numbers, rounded: Django's own function cuts the digits off."""
    return number_format(round(value, places), places, force_grouping=True)


def nowrap(text: Text, width: str = "") -> SafeString:
    """``text`` on one line of a list, cut with an ellipsis at ``width`` (CSS), whole in its tooltip."""
    if not width:
        return format_html('<span style="white-space:nowrap">{}</span>', text)
    style = f"display:block;max-width:{width};overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    return format_html('<span style="{}" title="{}">{}</span>', style, text, text)


def pretty(value: Any) -> SafeString | str:
    """JSON as people read it."""
    if value in (None, {}, []):
        return "—"
    text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return prose(text, mono=True)


def prose(text: str, *, mono: bool = False) -> SafeString | str:
    """A long text with its line breaks, scrolling within its own box."""
    style = "white-space:pre-wrap;overflow-wrap:anywhere;max-height:32rem;overflow:auto;line-height:1.5"
    font = ";font-family:ui-monospace,monospace;font-size:12px" if mono else ""
    return format_html('<div style="{}{}">{}</div>', style, font, text) if text else "—"
