"""What is asked when plain words do not settle a time, and what is said of that which was taken for granted."""

from dataclasses import dataclass
from datetime import date, time

from django.db.models import TextChoices
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy as _


class Question(TextChoices):
    """What is unclear. ``words`` are the person's own, when some of them are to blame."""

    NO_TIME = "no_time", _("When? Say for instance “tomorrow at 9” or “every Monday at 10”.")
    NO_TEXT = "no_text", _("What shall I remind you of?")
    PAST = "past", _("“%(words)s” is in the past. When shall it be?")
    AMBIGUOUS_HOUR = "ambiguous_hour", _("“%(words)s”: I am not sure which hour you mean. Write it like 18:30.")
    IMPOSSIBLE_TIME = "impossible_time", _("No clock shows “%(words)s”. Write the time like 18:30.")
    IMPOSSIBLE_DATE = "impossible_date", _("There is no such date: “%(words)s”. Which one do you mean?")
    TOO_OFTEN = "too_often", _("“%(words)s” is too often: once a minute is the most.")
    TOO_FAR = "too_far", _("“%(words)s” is too far away: five years ahead is the limit.")
    SEVERAL = "several", _("I see more than one time here: “%(words)s”. Which one? Make one reminder for each.")
    UNEVEN = (
        "uneven",
        _(
            "“%(words)s” does not come out even. Minutes can be 1 to 6, 10, 12, 15, 20 or 30; hours 1 to 4, 6, 8 or "
            "12; months 1 to 4 or 6; years 1."
        ),
    )
    INEXPRESSIBLE = "inexpressible", _("“%(words)s” is more than one reminder can hold. Split it into several.")
    UNTIL = (
        "until",
        _("I cannot end a series by words yet: “%(words)s”. Leave that out, and cancel the reminder when it is time."),
    )
    BAD_CRON = "bad_cron", "%(words)s"  # the sentence of the rule itself


class Assumption(TextChoices):
    """What was taken for granted."""

    TIME = "time", _("No hour was said: %(time)s.")
    HOUR = "hour", _("I took %(time)s; for another hour write it like 18:30 or 6:30 am.")
    TODAY = "today", _("That is today.")
    TOMORROW = "tomorrow", _("Today that is over: tomorrow.")
    LATER = "later", _("That is over for now: the next is %(date)s.")
    NEXT_WEEK = "next_week", _("“Next” is the one of next week: %(date)s.")
    DATE = "date", _("I took %(date)s.")
    SAME_TIME = "same_time", _("At the same time of day as now: %(time)s.")
    DAY_FIRST = "day_first", _("I read the day first: %(date)s.")
    ONCE = "once", _("Only once. To repeat it, say “every other day” or “every month”.")
    EVERY_WEEK = "every_week", _("Every week.")
    WEEKDAY = "weekday", _("On the weekday of today: %(weekday)s.")
    DAY_OF_MONTH = "day_of_month", _("On the day of the month that is today: %(day)s.")
    DAY_OF_YEAR = "day_of_year", _("On the date of today: %(date)s.")
    ON_THE_HOUR = "on_the_hour", _("Counted from midnight, at full hours.")
    OF_THE_HOUR = "of_the_hour", _("Counted from the full hour.")
    SINCE = "since", _("Counted from %(date)s.")
    SHORT_MONTH = "short_month", _("In a shorter month, on its last day.")
    LEAP_YEAR = "leap_year", _("29 February comes in leap years only.")
    DAY_ENDS = "day_ends", _("Midnight is when the day ends: %(date)s, %(time)s.")
    DAY_BEGINS = "day_begins", _("Midnight is when the day begins: %(time)s.")
    GAP = "gap", _("There is no %(time)s on %(date)s: the clock goes forward. It comes at that moment.")
    EARLIER = "earlier", _("That much earlier: %(time)s.")


@dataclass(frozen=True, slots=True)
class Assumed:
    """One thing taken for granted; ``str()`` is its sentence in the active language."""

    what: Assumption
    at: time | None = None
    on: date | None = None

    def __str__(self) -> str:
        values = {"time": f"{self.at:%H:%M}"} if self.at else {}
        if self.on:
            values |= {"date": date_format(self.on, "j E Y"), "weekday": date_format(self.on, "l")}
            values |= {"day": str(self.on.day)}
        return str(self.what.label) % values


def asked(question: Question, words: str) -> str:
    """The sentence of a question in the active language; ``words`` are those that it is about."""
    return str(question.label) % {"words": words}
