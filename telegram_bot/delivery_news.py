"""Messages that did not leave, told to the admins where they can do something about it.

A person who blocked the bot is their own affair, and a fault that passes by itself is no news. What the message says,
and what a bug's error says, stays out of the chat: the delivery's number leads to both in the admin.
"""

from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Chat
from delivery import hooks
from delivery.models import Delivery
from delivery.signals import delivery_ended_badly
from telegram_bot.access import escaped
from telegram_bot.notices import notify_admins

# Backends whose deliveries are a message in a chat.
SAID = ("telegram", "reminder", "card", "standup")


def connect() -> None:
    delivery_ended_badly.connect(on_ended_badly, dispatch_uid="telegram_bot.delivery_news")


def on_ended_badly(delivery: Delivery, **_kwargs: Any) -> None:
    if delivery.backend == hooks.BACKEND:
        _tell_of_webhook(delivery)
        return
    # A notice about the admins' own chat would fail as the message did.
    if delivery.backend not in SAID or delivery.chat_id == settings.ADMIN_CHAT_ID:
        return
    with translation.override(settings.LANGUAGE_CODE):
        if reason := _reason(delivery):
            place, what_to_do = reason
            text = _("⚠️ A message for %(chat)s was not sent: %(reason)s (delivery %(id)d, trace %(trace)s)")
            names = {"chat": place, "reason": what_to_do, "id": delivery.pk, "trace": delivery.trace_id or "—"}
            notify_admins(_kind(delivery), text % names)


def _tell_of_webhook(delivery: Delivery) -> None:
    """An event that nobody took. Where it went stays out of the chat: an address may hold a secret."""
    key = hooks.key_of(delivery.lane)
    with translation.override(settings.LANGUAGE_CODE):
        gone = _("⚠️ The webhook of %(key)s says that it is gone, so it was switched off.")
        text = _(
            "⚠️ The webhook of %(key)s did not take an event: %(error)s (delivery %(id)d). Check its address in the "
            "admin, under Webhooks."
        )
        names = {"key": f"`{ApiKey.objects.filter(pk=key).first() or key}`", "error": delivery.error}
        text = gone if delivery.error_kind == hooks.GONE_KIND else text
        notify_admins(f"webhook-{delivery.error_kind}-{key}", text % {**names, "id": delivery.pk})


def _kind(delivery: Delivery) -> str:
    """One notice a chat where the chat is the trouble, else one for all."""
    ours = delivery.error_kind in ("rejected", "bug")
    return f"delivery-{delivery.error_kind}" + ("" if ours else f"-{delivery.chat_id}")


def _reason(delivery: Delivery) -> tuple[str, str] | None:
    """Which chat, and what is wrong and to be done; None when it is nothing for the admins."""
    in_group = delivery.chat_id is not None and delivery.chat_id < 0
    told = {
        "topic": _("its topic is closed or gone. Open it, or choose another one."),
        "forbidden": _("the bot is not in this chat or may not write there. Add it, or give it the right.")
        if in_group
        else "",
        "rejected": _("Telegram refused it. The reason is in the admin, under Outbox."),
        "bug": _("an error of ours. The details are in the admin, under Outbox."),
    }.get(delivery.error_kind, "")
    return (_chat(delivery, in_group), told) if told else None


def _chat(delivery: Delivery, in_group: bool) -> str:
    """The group's title, or the number of a person's chat."""
    title = ""
    if in_group:
        rows = Chat.objects.filter(bot_id=delivery.bot_id, telegram_id=delivery.chat_id or 0)
        title = rows.values_list("title", flat=True).first() or ""
    return f"**{escaped(title)}**" if title else f"`{delivery.chat_id}`"
