"""The figures there are: a table. A line is a figure that Avito gives, or one that is computed of those.

Names in Avito's own spelling are its slugs of statistics v2 (its API description, items.json). Numbers are Decimal
everywhere inside: money in roubles, shares in percent. What is absent (None) was not told; zero was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

# A day's, or a period's, figures by name; what was not told is not there.
Figures = Mapping[str, Decimal]


class Section(StrEnum):
    """A part of Avito that is asked, and can fail, on its own."""

    ACCOUNT = "account"
    STATISTICS = "statistics"
    MONEY = "money"
    ADVANCE = "advance"
    CALLS = "calls"
    ITEMS = "items"
    MESSENGER = "messenger"
    RATINGS = "ratings"


class Unit(StrEnum):
    COUNT = "count"
    MONEY = "money"
    PERCENT = "percent"
    SCORE = "score"


class Sum(StrEnum):
    """What makes a period's figure of its days'."""

    ADD = "add"
    # As on the last day that has it: what is, not what happened.
    LAST = "last"
    # From sums of others, never from its own days.
    RATIO = "ratio"
    # As it stands now (reports.models.Standing); it belongs to no period.
    NOW = "now"


@dataclass(frozen=True)
class Metric:
    """``better``: 1 when more of it is good news, -1 when less is, 0 when neither."""

    name: str
    label: Promise
    unit: Unit = Unit.COUNT
    sum: Sum = Sum.ADD
    section: Section = Section.STATISTICS
    better: int = 1
    # In a new profile's report.
    usual: bool = False
    # Of Sum.RATIO: what is divided by what.
    over: tuple[str, str] = ("", "")


MONEY, PERCENT, LAST, RATIO, NOW = Unit.MONEY, Unit.PERCENT, Sum.LAST, Sum.RATIO, Sum.NOW
SPENT = "allSpending"

METRICS: tuple[Metric, ...] = (
    Metric("impressions", _("Impressions")),
    Metric("views", _("Views"), usual=True),
    Metric("contacts", _("Contacts"), usual=True),
    Metric("contactsShowPhone", _("Looked at the phone number")),
    Metric("contactsMessenger", _("Wrote in the chat")),
    Metric("contactsShowPhoneAndMessenger", _("Both phone and chat")),
    Metric("contactsSbcDiscount", _("Answered a discount offer")),
    Metric("favorites", _("Added to favourites")),
    Metric("impressionsToViewsConversion", _("Impressions → views"), PERCENT, RATIO, over=("views", "impressions")),
    Metric("viewsToContactsConversion", _("Views → contacts"), PERCENT, RATIO, usual=True, over=("contacts", "views")),
    Metric("clickPackages", _("Target views")),
    Metric("jobContacts", _("Answers to jobs")),
    Metric("orderedItems", _("Items ordered")),
    Metric("orderedItemsPrice", _("Ordered for"), MONEY),
    Metric("deliveredItems", _("Items delivered")),
    Metric("deliveredItemsPrice", _("Delivered for"), MONEY),
    Metric("bookingPlacedCount", _("Bookings asked for")),
    Metric("bookingPlacedPrice", _("Bookings asked for, value"), MONEY),
    Metric("bookingApprovedCount", _("Bookings confirmed")),
    Metric("bookingApprovedPrice", _("Bookings confirmed, value"), MONEY),
    Metric("bookingAcceptedCount", _("Bookings moved in")),
    Metric("bookingAcceptedPrice", _("Bookings moved in, value"), MONEY),
    Metric(SPENT, _("All spending, bonuses too"), MONEY, better=0, usual=True),
    Metric("spending", _("Spending on listings"), MONEY, better=0),
    Metric("spendingBonus", _("Bonuses spent"), MONEY, better=0),
    Metric("presenceSpending", _("Placement and target actions"), MONEY, better=0),
    Metric("promoSpending", _("Promotion"), MONEY, better=0),
    Metric("restSpending", _("Other spending"), MONEY, better=0),
    Metric("commission", _("Commission"), MONEY, better=0),
    Metric("costPerView", _("Cost of a view"), MONEY, RATIO, better=-1, usual=True, over=(SPENT, "views")),
    Metric("costPerContact", _("Cost of a contact"), MONEY, RATIO, better=-1, usual=True, over=(SPENT, "contacts")),
    Metric("activeItems", _("Active listings"), sum=LAST, usual=True),
    Metric("newActiveItems", _("New and republished"), sum=LAST),
    Metric("oldActiveItems", _("Active from before"), sum=LAST),
    Metric("calls", _("Calls"), section=Section.CALLS, usual=True),
    Metric("callsAnswered", _("Calls answered"), section=Section.CALLS),
    Metric("callsNew", _("New callers"), section=Section.CALLS),
    Metric("wallet", _("Wallet"), MONEY, NOW, Section.MONEY, better=0, usual=True),
    Metric("bonus", _("Bonuses"), MONEY, NOW, Section.MONEY, better=0, usual=True),
    Metric("advance", _("Advance"), MONEY, NOW, Section.ADVANCE, better=0, usual=True),
    Metric("score", _("Rating"), Unit.SCORE, NOW, Section.RATINGS),
    Metric("reviews", _("Reviews"), Unit.COUNT, NOW, Section.RATINGS),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
USUAL = tuple(metric.name for metric in METRICS if metric.usual)
# What is asked of statistics v2, always all of it: one answer then serves every report. A slug that the account does
# not have is left out of the answer.
ASKED = tuple(m.name for m in METRICS if m.section is Section.STATISTICS and m.sum in (Sum.ADD, LAST))


def packed(figures: Figures) -> dict[str, str]:
    """For a JSON column: numbers as text, so that no float ever stands between."""
    return {name: str(value) for name, value in figures.items()}


def unpacked(stored: Mapping[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(value) for name, value in stored.items()}
