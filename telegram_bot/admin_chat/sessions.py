"""The admin password: asked once a session before what is sensitive, taken from the next message, and gone at once.

The message with it stands in the inbox's row from the moment it arrives; the transaction that compares it blanks the
row and enqueues the deletion from the chat, right or wrong. Nothing here keeps or logs what was written.
"""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import services as accounts
from accounts.models import User
from delivery.models import Delivery
from telegram_bot import outgoing, services
from telegram_bot.admin_chat.command import Asked, View, key
from telegram_bot.admin_chat.people import VIA
from telegram_bot.incoming import Incoming
from telegram_bot.models import AdminSession, Update
from telegram_bot.notices import notify_admins
from telegram_bot.outgoing import Key, Keyboard, Place

WRONG_AT_MOST = 5
CLOSED = timedelta(minutes=15)
# After this the next message is a message again.
WAITS = timedelta(minutes=10)


@dataclass(frozen=True)
class Opened:
    """The password was right: what had been asked for before it, and where."""

    words: list[str]
    place: Place


def question(asked: Asked, words: list[str]) -> View | None:
    """What to say instead of doing something sensitive; None when it may be done. Remembers what waits."""
    if not settings.ADMIN_PASSWORD:
        return None
    with transaction.atomic():
        session = _locked(asked.by)
        if session.until is not None and session.until > asked.now:
            return None
        if minutes := _closed_minutes(session, asked.now):
            return View(_too_many(minutes), back=None)
        place = asked.place
        waiting = {"words": words, "chat_id": place.chat_id, "thread": place.thread, "at": asked.now.timestamp()}
        session.waiting = waiting | ({"edit": place.edit} if place.edit is not None else {})
        session.save()
    return _asking(asked)


def _asking(asked: Asked) -> View:
    private = asked.place.chat_id == asked.by.telegram_id
    said = _("🔐 This needs the admin password. Write it as your next message; I take it away at once.")
    if not private:
        # Where privacy mode is on, only replies reach the bot.
        said = _("🔐 This needs the admin password. Reply to this message with it; I take it away at once.")
    return View(said, [[cancel_key()]], back=None)


def cancel_key() -> Key:
    return key(_("Cancel"), "password", "cancel")


def cancel(asked: Asked) -> View:
    """The admin changed their mind: the next message is a message."""
    AdminSession.objects.filter(user=asked.by).update(waiting={})
    return View(_("Good, I do not wait for a password any more."))


def take(incoming: Incoming, message: dict[str, Any], now: datetime) -> Opened | bool:
    """Look whether ``message`` is the awaited password. False: it is none, and goes its way; True: it was, and the
    answer is on its way; Opened: it was right. One query when nothing is awaited."""
    if not AdminSession.objects.filter(user=incoming.user).exclude(waiting={}).exists():
        return False
    with transaction.atomic():
        return _taken(_locked(incoming.user), incoming, message, now)


def _taken(session: AdminSession, incoming: Incoming, message: dict[str, Any], now: datetime) -> Opened | bool:
    waiting = session.waiting
    if (waiting.get("chat_id"), waiting.get("thread")) != (incoming.chat_id, incoming.thread):
        return False
    if incoming.update.kind == "edited_message":
        # Edited before it could be deleted: it is what it was.
        again = bool(message["message_id"] == waiting.get("taken"))
        if again:
            _forget(incoming, message)
        return again
    if "words" not in waiting:
        _wait_no_more(session)
        return False
    right = _is_right(str(message.get("text") or ""))
    if not (right or incoming.chat.is_private or _replies(message, incoming.bot_id)):
        return False  # the admins talk among themselves
    return _looked_at(session, incoming, message, now, right=right)


def _looked_at(
    session: AdminSession, incoming: Incoming, message: dict[str, Any], now: datetime, *, right: bool
) -> Opened | bool:
    waiting = session.waiting
    late = now.timestamp() - waiting["at"] > WAITS.total_seconds()
    if late and not right:
        _wait_no_more(session)
        return False
    _forget(incoming, message)
    if late:
        _wait_no_more(session, message["message_id"])
        _say(incoming, _("That took too long. Please ask for it once more."))
    elif minutes := _closed_minutes(session, now):
        _wait_no_more(session, message["message_id"])
        _say(incoming, _too_many(minutes))
    elif not right:
        _wrong(session, incoming, message["message_id"], now)
    else:
        return _open(session, incoming, message["message_id"], now)
    return True


def _wait_no_more(session: AdminSession, taken: int | None = None) -> None:
    """``taken``: the message that was taken for the password; an edit of it may still be on its way."""
    place = {name: session.waiting[name] for name in ("chat_id", "thread")}
    session.waiting = place | {"taken": taken} if taken is not None else {}
    session.save()


def _is_right(text: str) -> bool:
    return hmac.compare_digest(text.strip().encode(), settings.ADMIN_PASSWORD.encode())


def _replies(message: dict[str, Any], bot_id: int) -> bool:
    replied = message.get("reply_to_message") or {}
    if "forum_topic_created" in replied:
        return False  # so stands everything in a topic
    return bool(replied.get("from", {}).get("id") == bot_id)


def _forget(incoming: Incoming, message: dict[str, Any]) -> None:
    """Blank what was written, in the inbox's row and in the chat."""
    services.erase(Update.objects.filter(pk__in=incoming.ids))
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    params = {"chat_id": incoming.chat_id, "message_id": message["message_id"]}
    outgoing.call(f"password:{incoming.key}", place, "deleteMessage", params)


def _open(session: AdminSession, incoming: Incoming, taken: int, now: datetime) -> Opened:
    words, edit = list(session.waiting["words"]), session.waiting.get("edit")
    session.until = now + timedelta(minutes=settings.ADMIN_SESSION_MINUTES)
    session.failures, session.failed_at = 0, None
    _wait_no_more(session, taken)
    _audit("admin.password_right", incoming.user, now)
    return Opened(words, Place(incoming.bot_id, incoming.chat_id, incoming.thread, edit=edit))


def _wrong(session: AdminSession, incoming: Incoming, taken: int, now: datetime) -> None:
    past = session.failed_at is None or now - session.failed_at >= CLOSED
    session.failures = 1 if past else session.failures + 1
    session.failed_at = now
    _audit("admin.password_wrong", incoming.user, now, tries=session.failures)
    left = WRONG_AT_MOST - session.failures
    if left <= 0:
        _wait_no_more(session, taken)
        _say(incoming, _too_many(round(CLOSED.total_seconds() / 60)))
        _tell_admins(incoming.user)
        return
    session.waiting = session.waiting | {"at": now.timestamp(), "taken": taken}
    session.save()
    said = ngettext(
        "That is not the password. Write it again; %(count)d try is left.",
        "That is not the password. Write it again; %(count)d tries are left.",
        left,
    )
    _say(incoming, said % {"count": left}, [[cancel_key()]])


def _tell_admins(user: User) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        text = _("⚠️ The admin password was wrong %(count)d times: `%(id)d`.")
        notify_admins(f"password-{user.pk}", text % {"count": WRONG_AT_MOST, "id": user.telegram_id})


def _audit(action: str, user: User, now: datetime, **details: Any) -> None:
    accounts.audit(action, by=user, via=VIA, **accounts.target_of(user), details=details, now=now)


def _too_many(minutes: int) -> str:
    said = ngettext(
        "Too many wrong passwords. Try again in %(count)d minute.",
        "Too many wrong passwords. Try again in %(count)d minutes.",
        minutes,
    )
    return said % {"count": minutes}


def _closed_minutes(session: AdminSession, now: datetime) -> int:
    """How long the door is still closed; 0: it is not."""
    if session.failures < WRONG_AT_MOST or session.failed_at is None:
        return 0
    left = (session.failed_at + CLOSED - now).total_seconds()
    return max(0, -(-int(left) // 60))


def _locked(user: User) -> AdminSession:
    AdminSession.objects.get_or_create(user=user)
    return AdminSession.objects.select_for_update().get(user=user)


def _say(incoming: Incoming, text: str, keyboard: Keyboard = ()) -> None:
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread)
    outgoing.say(f"password:{incoming.key}:said", place, text, keyboard)


def on_ended_badly(delivery: Delivery, **_kwargs: Any) -> None:
    """The message with the password could not be taken away (in a group that needs the right to): say so there."""
    ours = delivery.key.startswith("password:") and delivery.content.get("method") == "deleteMessage"
    if not ours or delivery.chat_id is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        text = _(
            "⚠️ I could not delete the message with the admin password. Please delete it yourself, and give me the "
            "right to delete messages here."
        )
        place = Place(delivery.bot_id, delivery.chat_id)
        outgoing.say(f"{delivery.key}:kept:{int(timezone.now().timestamp())}", place, text)
