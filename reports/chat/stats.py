"""/stats: the figures of all profiles that stand in this chat; in a private one, of the person's own.

Anybody who is let in may ask. The figures are those that the profiles' reports show, taken together, so that every
profile says the same and the total adds up. Without words: the last seven full days against the seven before.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from reports.chat import asking, place
from reports.figures.periods import DAY, Period, PeriodError, comparison, ending, read_range, today_at_avito
from reports.models import Report, visible_in
from reports.services import ordering
from telegram_bot.incoming import Incoming

# So many full days, when nobody says how many.
USUAL_DAYS = 7


@transaction.atomic
def stats(incoming: Incoming, words: str, now: datetime) -> None:
    """``words``: what was written after the command, a period or nothing."""
    refused = _refused(incoming, words, now)
    if refused:
        place.say(incoming, (place.said(refused), ()))
        place.finish(incoming, now)


def _refused(incoming: Incoming, words: str, now: datetime) -> str:
    """Order it; or why not, in words."""
    profiles = list(visible_in(incoming.user, incoming.chat).defer("credentials"))
    if not profiles:
        return _unbound(incoming)
    try:
        period = read_range(words, now) if words.strip() else usual(now)
    except PeriodError as error:
        return f"{error}\n{example()}"
    if ordering.asked_here(incoming.chat, incoming.thread, period).exists():
        return _("I am asking Avito about these days already; the answer comes here in a moment.")
    asking.order(incoming, Report.Kind.STATS, profiles, period, comparison(period, now), now)
    return ""


def usual(now: datetime) -> Period:
    return ending(today_at_avito(now) - DAY, USUAL_DAYS)


def example() -> str:
    return _("For example: /stats yesterday, /stats week, /stats 01.11.2026 - 15.11.2026")


def _unbound(incoming: Incoming) -> str:
    if incoming.chat.is_private:
        return _("You have no Avito profile yet. Connect one: /add_profile")
    return _(
        "No Avito profile is shown in this group. Its owner writes /profiles here, opens the profile and chooses "
        "“Where to” in the report's settings; then /stats works for everybody here."
    )
