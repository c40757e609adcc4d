"""Who sent an update, in which chat, and may they: the gate every update passes before a handler sees it.

Closed by default. The whole gate is one function of the raw update and the database, run in the transaction that
claims the update; a private chat of a known person costs it one query.

Some kinds tell what became of the bot's own messages, and no person sends them: settings.UPDATE_NEWS names who reads
them, a function that writes rows and answers nobody. What is not in that table gets no further than before.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, transaction
from django.utils.module_loading import import_string

from accounts import services as accounts
from accounts.models import Access, Chat, User
from core.prepared import Prepared
from telegram_bot import lanes
from telegram_bot.models import Update

log = structlog.get_logger(__name__)

# What reads an update that is news: the bot, the update's body, the time.
Reader = Callable[[int, lanes.Raw, datetime], None]


class Verdict(StrEnum):
    """What the gate says. Everything but PASS ends the update here."""

    PASS = "pass"  # noqa: S105  (a verdict, no password)
    REQUESTED = "requested"  # a stranger's first word: the request is on record, the admins have a card
    WAITING = "waiting"
    REFUSED = "refused"
    GROUP_CLOSED = "group_closed"
    IGNORE = "ignore"


@dataclass
class Incoming:
    """One update on its way to a handler. ``ids``: the inbox rows it came from (a long paste is several).

    ``album``: the raw messages of one, if it came as several; ``pasted``: those of a long text that an app cut.
    """

    update: Update
    user: User
    chat: Chat
    verdict: Verdict
    ids: list[int] = field(default_factory=list)
    finished: bool = False
    said: int = 0
    album: list[dict[str, Any]] = field(default_factory=list)
    pasted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The raw messages it is made of."""
        return self.album or self.pasted or [dict(lanes.body_of(self.update.raw))]

    @property
    def bot_id(self) -> int:
        return self.update.bot_id

    @property
    def chat_id(self) -> int:
        return self.chat.telegram_id

    @property
    def thread(self) -> int:
        return lanes.thread_of(self.update.raw)

    @property
    def key(self) -> str:
        """Stable name of this update, the root of every key it causes."""
        return f"{self.update.bot_id}:{self.update.update_id}"

    @property
    def language(self) -> str:
        return language_of(self.user)

    @property
    def replied_to(self) -> int | None:
        """The message of the bot that the message replies to. Asks nothing of the database."""
        replied = lanes.body_of(self.update.raw).get("reply_to_message")
        if not isinstance(replied, dict) or (replied.get("from") or {}).get("id") != self.bot_id:
            return None
        message_id = replied.get("message_id")
        return message_id if isinstance(message_id, int) else None

    @property
    def in_admin_chat(self) -> bool:
        return settings.ADMIN_CHAT_ID in (self.chat.telegram_id, self.chat.migrated_from)


def language_of(user: User | None) -> str:
    """The person's choice, else their app's language if we speak it, else the setting."""
    if user is None:
        return settings.LANGUAGE_CODE
    reported = user.telegram_language.partition("-")[0]
    return user.language or (reported if reported in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE)


def check(update: Update, now: datetime) -> Incoming | None:
    """Who and where, and the verdict. None: an update about nobody or from a bot, to be dropped silently."""
    if update.kind == "stopped_message_generation":
        return _stopped(update)
    body, chat = lanes.body_of(update.raw), lanes.chat_of(update.raw)
    if update.kind == "message" and body.get("is_topic_message"):
        read(update, now, of=TOPIC)
    sender = body.get("from") or body.get("user")
    if not isinstance(sender, dict) or sender.get("is_bot") or not isinstance(chat.get("id"), int):
        if update.kind == "my_chat_member":
            read(update, now, of=MEMBERSHIP)
        return None
    user, row = who(update.bot_id, sender, dict(chat), now)
    incoming = Incoming(update, user, row, Verdict.PASS, [update.pk])
    incoming.verdict = _verdict(incoming, body, now)
    if update.kind == "message" and incoming.verdict is Verdict.PASS and _shows_another(incoming, body):
        read(update, now)
    return incoming


def _shows_another(incoming: Incoming, body: lanes.Raw) -> bool:
    """A person's message with another one in it that may be the bot's own, in a channel or a group."""
    return "forward_origin" in body or (
        not incoming.chat.is_private and ("pinned_message" in body or "reply_to_message" in body)
    )


# What any message in a topic of a forum is, whoever wrote it: news of the topic.
TOPIC = "topic"
# Of the bot's own place in a chat, as an admin changed it who stays anonymous.
MEMBERSHIP = "membership"


def is_news(update: Update) -> bool:
    """Whether it is for settings.UPDATE_NEWS and for nobody else. Of messages: what a channel copies by itself into
    its discussion group, under Telegram's own name."""
    if update.kind == "message":
        return bool(lanes.body_of(update.raw).get("is_automatic_forward"))
    return update.kind in settings.UPDATE_NEWS


def read(update: Update, now: datetime, *, of: str = "") -> None:
    """Let it be read by whom its kind (or ``of``) concerns. Their errors hold up nobody, least of all a person."""
    if (path := settings.UPDATE_NEWS.get(of or update.kind)) is None:
        return
    try:
        with transaction.atomic():
            _reader(path)(update.bot_id, lanes.body_of(update.raw), now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("news not read", kind=update.kind, exc_info=error)


@functools.cache
def _reader(path: str) -> Reader:
    found: Reader = import_string(path)
    return found


def _stopped(update: Update) -> Incoming | None:
    """A stopped draft names its private chat and no sender: the chat's person pressed
    (https://core.telegram.org/bots/api#messagegenerationstopped)."""
    chats = Chat.objects.select_related("person").filter(bot_id=update.bot_id, telegram_id=update.chat_id or 0)
    chat = chats.first()
    if chat is None or chat.person is None or not chat.person.may_use:
        return None
    return Incoming(update, chat.person, chat, Verdict.PASS, [update.pk])


CHAT = Prepared(
    2, lambda bot, chat: Chat.objects.filter(bot_id=bot, telegram_id=chat).select_related("person").order_by()
)


def who(bot_id: int, sender: dict[str, Any], chat: dict[str, Any], now: datetime) -> tuple[User, Chat]:
    """The sender's and the chat's rows, with the names Telegram gives now. One query when nothing is new."""
    person = accounts.TelegramPerson(
        sender["id"],
        sender.get("first_name", ""),
        sender.get("last_name"),
        sender.get("username"),
        sender.get("language_code"),
    )
    row = next(iter(CHAT(bot_id, chat["id"])), None)
    known = row.person if row is not None else None
    if known is not None and known.telegram_id != person.id:
        known = None
    user = accounts.see(person, now, known)
    private = chat.get("type") == "private"
    title = user.name if private else chat.get("title", "")
    if row is None or row.title != title or row.username != chat.get("username", ""):
        row = accounts.see_chat(
            bot_id,
            chat["id"],
            chat.get("type", "private"),
            title,
            chat.get("username", ""),
            person=user if private else None,
            now=now,
        )
    return user, row


def _verdict(incoming: Incoming, body: lanes.Raw, now: datetime) -> Verdict:
    kind = incoming.update.kind
    if kind == "my_chat_member":
        return Verdict.PASS
    if incoming.chat.is_private:
        return _private(incoming.user, body, kind, now)
    if not incoming.user.may_use:
        return Verdict.IGNORE
    if incoming.chat.allowed or incoming.in_admin_chat:
        return Verdict.PASS
    # Only who asks something of the bot is told; news of the group's life and its talk are nobody's question.
    asked = kind == "callback_query" or (kind == "message" and str(body.get("text") or "").startswith("/"))
    return Verdict.GROUP_CLOSED if asked else Verdict.IGNORE


def _private(user: User, body: lanes.Raw, kind: str, now: datetime) -> Verdict:
    if user.status == Access.BLOCKED or not user.is_active:
        return Verdict.IGNORE
    # Those who are in may redeem one too: it can hold a higher role.
    if kind == "message" and (token := invite_token(body)) and accounts.redeem_invite(token, user, now):
        user.refresh_from_db()
        return Verdict.PASS
    if user.may_use:
        return Verdict.PASS
    if kind != "message":
        return Verdict.WAITING if kind == "callback_query" else Verdict.IGNORE
    if accounts.request_access(user, now):
        return Verdict.REQUESTED
    return Verdict.REFUSED if user.status == Access.REJECTED else Verdict.WAITING


def invite_token(body: lanes.Raw) -> str:
    """The payload of ``/start <payload>``, or an empty string."""
    text = str(body.get("text") or "")
    words = text.split() if text.startswith("/start") else []
    return words[1] if len(words) == 2 and words[0].partition("@")[0] == "/start" else ""
