"""What people read about budgets and limits: how much is used, why a question is not answered, what admins decided."""

from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import User
from conversations.words import models_key
from core.show import money, number
from llm.budgets import Refusal, ends_at
from llm.models import Budget, Spending
from telegram_bot.access import escaped
from telegram_bot.notices import admin_place
from telegram_bot.outgoing import Key

Scope, Period = Budget.Scope, Budget.Period


def refused(refusal: Refusal, user: User) -> str:
    """Why the question is not answered, and when it can be."""
    if refusal.why == "unpriced":
        return "💰 " + _("Nobody knows what this model costs, and your budget is in money. Please choose another one.")
    spending = refusal.spending
    left = tokens(spending.tokens_left or 0) if refusal.why == "tokens" else money(spending.money_left)
    used_up = not (spending.tokens_left if refusal.why == "tokens" else spending.money_left)
    names = {"budget": whose(spending), "left": left}
    nearly = _("%(budget)s is nearly used up: this question needs more than what is left (%(left)s).")
    text = _("%(budget)s is used up.") if used_up else nearly
    return "🪫 " + text % names + " " + anew(spending, user)


def anew(spending: Spending, user: User | None) -> str:
    return _("It begins anew on %(when)s.") % {"when": moment(ends_at(spending), user)}


def moment(when: datetime, user: User | None) -> str:
    """A time as the person's clock shows it."""
    local = timezone.localtime(when, ZoneInfo((user.time_zone if user else "") or settings.TIME_ZONE))
    return date_format(local, "j E, H:i")


def whose(spending: Spending) -> str:
    """The budget, as the beginning of a sentence."""
    a_day = spending.budget.period == Period.DAY
    if spending.budget.scope == Scope.BOT:
        return _("The bot's budget for today") if a_day else _("The bot's budget for this month")
    if spending.budget.scope == Scope.CHAT:
        return _("This group's budget for today") if a_day else _("This group's budget for this month")
    return _("Your budget for today") if a_day else _("Your budget for this month")


def ways_on(refusal: Refusal) -> list[list[Key]]:
    """The buttons under a refusal: another model, or the admins, where they have a chat and a limit to raise."""
    if refusal.why == "unpriced":
        return [[models_key()]]
    budget = refusal.spending.budget
    if admin_place() is None or not (budget.tokens if refusal.why == "tokens" else budget.money):
        return []
    return [[Key(_("🙏 Ask for more"), "budget.ask", {"spending": refusal.spending.pk})]]


def too_many(most: int, wait: int) -> str:
    limit = ngettext(
        "%(count)d question a minute is the limit here.", "%(count)d questions a minute are the limit here.", most
    )
    later = ngettext("Please send it again in %(count)d second.", "Please send it again in %(count)d seconds.", wait)
    return "⏱ " + limit % {"count": most} + " " + later % {"count": wait}


def warning(spending: Spending, user: User | None) -> str:
    values = {"budget": whose(spending), "share": min(100, int(spending.share * 100 + 0.5)), "used": used(spending)}
    return "🔋 " + _("%(budget)s is used to %(share)d %%: %(used)s.") % values + " " + anew(spending, user)


def used(spending: Spending) -> str:
    """``1 200 of 5 000 tokens, $0.0200 of $1.0000``: of each limit what is used; reserved amounts are not."""
    parts = []
    if spending.tokens_limit is not None:
        values = {"used": number(spending.tokens), "limit": number(spending.tokens_limit)}
        parts.append(_("%(used)s of %(limit)s tokens") % values)
    if spending.money_limit is not None:
        parts.append(_("%(used)s of %(limit)s") % {"used": spent(spending), "limit": money(spending.money_limit)})
    return ", ".join(parts)


def tokens(count: int) -> str:
    return ngettext("%(number)s token", "%(number)s tokens", count) % {"number": number(count)}


def spent(spending: Spending) -> str:
    """The money; what costs nobody knows how much is said, for it is missing in the sum."""
    return money(spending.cost) + (" + ?" if spending.unpriced else "")


# --- /usage ---------------------------------------------------------------------------------------------------------


def bar(share: float) -> str:
    filled = min(10, int(share * 10 + 0.5))
    return "▰" * filled + "▱" * (10 - filled)


def budget_line(spending: Spending, user: User | None) -> str:
    """One budget in ``/usage``: whose, how full, what is left, until when."""
    left = [tokens(spending.tokens_left)] if spending.tokens_left is not None else []
    left += [money(spending.money_left)] if spending.money_left is not None else []
    lines = [
        f"**{whose(spending)}**",
        f"{bar(spending.share)} {used(spending)}",
        _("Left: %(left)s.") % {"left": ", ".join(left)} + " " + anew(spending, user),
    ]
    if spending.unpriced:
        lines.append(unpriced(spending.unpriced))
    return "\n".join(lines)


def unpriced(count: int) -> str:
    text = ngettext(
        "The price of %(count)d answer is unknown; it is not in the sum.",
        "The prices of %(count)d answers are unknown; they are not in the sum.",
        count,
    )
    return text % {"count": count}


def span_line(title: str, answers: int, count: int, cost: Decimal | None, unknown: int) -> str:
    """``Today: 3 answers, 1 200 tokens, $0.0100``."""
    if not answers and not count:
        return f"{title}: " + _("nothing yet")
    counted = ngettext("%(count)d answer", "%(count)d answers", answers) % {"count": answers}
    amount = _("cost unknown") if cost is None else money(cost) + (" + ?" if unknown else "")
    return f"{title}: {counted}, {tokens(count)}, {amount}"


# --- asking for more ------------------------------------------------------------------------------------------------


def card(spending: Spending, asked_by: User, title: str) -> str:
    """For the admins: who asks, for which budget, how much of it is used."""
    who = {"who": escaped(asked_by.name)}
    return "\n".join([
        "🙏 " + _("**%(who)s** asks for more.") % who,
        f"{escaped(str(spending.budget))}{escaped(title)}: {used(spending)}",
    ])  # fmt: skip


def card_keys(spending: Spending, ask: int) -> list[list[Key]]:
    def key(label: str, per_cent: int) -> Key:
        return Key(label, "budget.decide", {"spending": spending.pk, "ask": ask, "per_cent": per_cent})

    return [[key(_("➕ 25 %"), 25), key(_("➕ 100 %"), 100)], [key(_("🚫 Decline"), 0)]]


def decided(spending: Spending, per_cent: int) -> str:
    """For the person: what the admins said."""
    values = {"budget": whose(spending), "per_cent": per_cent}
    if not per_cent:
        return "🙏 " + _("%(budget)s stays as it is: the admins could not give more this time.") % values
    return "🔋 " + _("%(budget)s grew by %(per_cent)d %%. Please ask your question again.") % values
