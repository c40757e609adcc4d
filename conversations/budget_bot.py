"""/usage, and the way from "Ask for more" under a refusal to the admins' decision and back."""

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from accounts.models import AuditEntry
from conversations import usage, words_budget
from core.db import in_db
from llm import grants
from llm.budgets import ends_at
from llm.models import Spending
from telegram_bot import outgoing
from telegram_bot.access import escaped
from telegram_bot.application import App, Context, on_button, on_command
from telegram_bot.incoming import Incoming, language_of
from telegram_bot.models import Button
from telegram_bot.notices import admin_place
from telegram_bot.outgoing import Place

SOURCE = "budgets"


def register(application: App) -> None:
    on_command(application, "usage", show_usage)
    on_button(application, "budget.ask", ask, toasts=True)
    on_button(application, "budget.decide", decide, toasts=True)


async def show_usage(_update: object, context: Context) -> None:
    incoming = context.incoming
    await context.reply(await in_db(usage.report, incoming.user, incoming.chat, timezone.now()))


async def ask(context: Context, button: Button) -> None:
    await context.toast(await in_db(_ask, context.incoming, button.data["spending"]), alert=True)


@transaction.atomic
def _ask(incoming: Incoming, spending_id: int) -> str:
    """Put a card into the admins' chat; whoever asks while it is open is told of the decision too."""
    spending, place, now = _spending(spending_id), admin_place(), timezone.now()
    if spending is None or ends_at(spending) <= now:
        return _("That budget has begun anew. Just ask your question again.")
    if place is None:
        return _("The admins have no chat with me. Please talk to them yourself.")
    where = {"bot": incoming.bot_id, "chat": incoming.chat_id, "thread": incoming.thread}
    number = grants.ask(spending, incoming.user, where, now)
    if number is None:
        return _("The admins have declined already.")
    with translation.override(settings.LANGUAGE_CODE):
        title = "" if incoming.chat.is_private else f" ({incoming.chat})"
        text = words_budget.card(spending, incoming.user, title)
        outgoing.say(_card(spending, number), place, text, words_budget.card_keys(spending, number), source=SOURCE)
    return _("I have asked the admins. You will hear from me.")


def _spending(key: int) -> Spending | None:
    return Spending.objects.select_related("budget__user", "budget__chat").filter(pk=key).first()


def _card(spending: Spending, number: int) -> str:
    return f"budget:{spending.pk}:ask:{number}"


async def decide(context: Context, button: Button) -> None:
    """Two admins may press at once: the first decides, the other is told."""
    if not context.incoming.user.is_bot_admin:
        await context.toast(_("This is for admins."), alert=True)
        return
    await context.toast(await in_db(_decide, context.incoming, button))


@transaction.atomic
def _decide(incoming: Incoming, button: Button) -> str:
    data, by, now = button.data, incoming.user, timezone.now()
    spending = _spending(data["spending"])
    if spending is None or ends_at(spending) <= now:
        return _("That budget has begun anew; there is nothing to decide.")
    try:
        askers = grants.decide(spending, data["ask"], data["per_cent"], by=by, via="bot", now=now)
    except grants.AlreadyDecided:
        return _("Somebody has decided already.")
    for entry in askers:
        _tell(entry, spending, data["per_cent"])
    verdict = _("+%(per_cent)d %%") % data if data["per_cent"] else _("declined")
    _close_card(
        spending, data["ask"], f"{'✅' if data['per_cent'] else '🚫'} **{verdict}** · {escaped(by.name)}", askers
    )
    return verdict


def _tell(entry: AuditEntry, spending: Spending, per_cent: int) -> None:
    """Tell who asked, where they asked."""
    where = entry.details
    with translation.override(language_of(entry.actor)):
        text = words_budget.decided(spending, per_cent)
        place = Place(where["bot"], where["chat"], where["thread"])
        outgoing.say(f"budget:{spending.pk}:told:{entry.pk}", place, text, source=SOURCE)


def _close_card(spending: Spending, number: int, verdict: str, askers: list[AuditEntry]) -> None:
    place, card = admin_place(), _card(spending, number)
    if place is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        names = ", ".join(entry.actor_label for entry in askers)
        text = "🙏 " + _("**%(who)s** asks for more.") % {"who": escaped(names)}
        whole = f"{text}\n{escaped(str(spending.budget))}\n\n{verdict}"
        outgoing.say(f"{card}:decided", place, whole, edit_of=f"{card}:0", source=SOURCE)
