"""Chats: groups and channels need a decision of their own; a private chat follows its person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from accounts import signals
from accounts.models import Access, Chat, ChatKind, User
from accounts.services.record import audit, clip, decision, may_ask, put, refresh, target_of


def see_chat(
    bot_id: int,
    telegram_id: int,
    kind: str,
    title: str | None,
    username: str | None,
    *,
    person: User | None = None,
    now: datetime,
) -> Chat:
    """The chat's row: found or created (pending), with the title Telegram gives it now.

    One SELECT when nothing changed. ``person`` is the other side of a private chat.
    """
    facts: dict[str, Any] = {"kind": kind, "title": clip(title, 255), "username": clip(username, 64)}
    if person is not None:
        facts["person_id"] = person.pk
    chat = _rows(bot_id, telegram_id).first()
    if chat is None:
        fresh = {"created_at": now, **facts}
        chat, _created = Chat.objects.get_or_create(bot_id=bot_id, telegram_id=telegram_id, defaults=fresh)
    refresh(chat, facts)
    return chat


def await_words(chat: Chat, until: datetime) -> None:
    """Remember until when the bot waits for somebody's words in this chat. It may wait for others longer."""
    if chat.awaits_until is None or chat.awaits_until < until:
        refresh(chat, {"awaits_until": until})


def _rows(bot_id: int, telegram_id: int) -> QuerySet[Chat]:
    return Chat.objects.filter(bot_id=bot_id, telegram_id=telegram_id)


@transaction.atomic
def request_chat(chat: Chat, by: User | None, now: datetime) -> bool:
    """Ask the admins to let a group or channel in; True when this call asked.

    ``by`` is who added the bot. Rejected chats may ask again after 24 hours, blocked ones never; private
    chats never ask. Sends ``chat_requested``.
    """
    asked = {
        "status": Access.PENDING,
        "requested_by": by,
        "requested_at": now,
        "decided_by": None,
        "decided_at": None,
    }
    groups = Chat.objects.exclude(kind=ChatKind.PRIVATE)
    if not groups.filter(may_ask(now), pk=chat.pk).update(**asked):
        return False
    put(chat, asked)
    audit("chat.requested", by=by, via="bot", **target_of(chat), now=now)
    signals.chat_requested.send(sender=Chat, chat=chat, by=by, now=now)
    return True


@transaction.atomic
def decide_chat(chat: Chat, status: Access, *, by: User | None, via: str, now: datetime) -> bool:
    """Let a group in, reject or block it; True when this call changed it.

    It counts only while the status is the one ``chat`` was loaded with; after False ``chat`` shows what
    stands. Sends ``chat_decided``.
    """
    old = chat.status
    change = decision(status, by, now)
    if old == status or not Chat.objects.filter(pk=chat.pk, status=old).update(**change):
        chat.refresh_from_db(fields=["status", "requested_at", "decided_by", "decided_at"])
        return False
    put(chat, change)
    audit("chat.decided", by=by, via=via, **target_of(chat), details={"old": old, "new": str(status)}, now=now)
    signals.chat_decided.send(sender=Chat, chat=chat, status=status, by=by, via=via, now=now)
    return True


@transaction.atomic
def set_chat_options(chat: Chat, *, by: User | None, via: str, now: datetime, **options: Any) -> bool:
    """Set ``payer`` or ``fallbacks`` of a chat; True when that changed something."""
    changed = {name: value for name, value in options.items() if getattr(chat, name) != value}
    if not changed or not Chat.objects.filter(pk=chat.pk).update(**changed):
        return False
    put(chat, changed)
    audit("chat.options", by=by, via=via, **target_of(chat), details=changed, now=now)
    return True


@transaction.atomic
def set_rights(chat: Chat, status: str, rights: Mapping[str, bool], now: datetime) -> bool:
    """Note as what the bot is in a group or channel, and what it may do there, as Telegram just told; True when that is
    news. Sends ``chat_rights_changed`` then.

    Of a plain member an update tells no rights: what was known of them stays.
    """
    known = dict(rights) or (chat.bot_rights if status == chat.bot_status else {})
    facts: dict[str, Any] = {"bot_status": clip(status, 20), "bot_rights": known}
    before = {name: getattr(chat, name) for name in facts}
    refresh(chat, {**facts, "rights_at": now})
    if before != facts:
        signals.chat_rights_changed.send(sender=Chat, chat=chat, before=before, now=now)
    return before != facts


def mark_unreachable(bot_id: int, chat_telegram_id: int, reason: str) -> bool:
    """Remember why nothing can be delivered to the chat; True when that is news."""
    rows = _rows(bot_id, chat_telegram_id)
    return bool(rows.exclude(unreachable=clip(reason, 200)).update(unreachable=clip(reason, 200)))


def mark_reachable(bot_id: int, chat_telegram_id: int) -> bool:
    """Forget why nothing could be delivered; True when something had stood there.

    It runs after each message that left, so it looks before it writes: SQLite has one writer.
    """
    rows = _rows(bot_id, chat_telegram_id).exclude(unreachable="")
    return rows.exists() and bool(rows.update(unreachable=""))


@transaction.atomic
def migrate_chat(bot_id: int, old: int, new: int) -> Chat:
    """The group ``old`` became the supergroup ``new``: its row, with its dialogs and its access, goes on
    under ``new``.

    Both chats report the change and a refused message does too, in any order, so a second call changes
    nothing.
    """
    if moved := _rows(bot_id, new).filter(migrated_from=old).first():
        return moved
    arrived = _rows(bot_id, new).select_for_update().first()
    group = _rows(bot_id, old).select_for_update().first()
    facts: dict[str, Any] = {"kind": ChatKind.SUPERGROUP, "migrated_from": old, "unreachable": ""}
    if group is None:
        chat, _created = Chat.objects.get_or_create(bot_id=bot_id, telegram_id=new, defaults=facts)
        refresh(chat, facts)
        return chat
    if arrived is not None:
        facts |= _later_decision(group, arrived)
        _park(arrived, old, new)
    refresh(group, {"telegram_id": new, **facts})
    return group


def _later_decision(group: Chat, arrived: Chat) -> dict[str, Any]:
    """What was decided about the supergroup stands if it was decided after the group's decision."""
    if arrived.decided_at is None or (group.decided_at and group.decided_at > arrived.decided_at):
        return {}
    return {name: getattr(arrived, name) for name in ("status", "decided_by", "decided_at")}


def _park(arrived: Chat, old: int, new: int) -> None:
    """The row that was made for ``new`` before the news of the migration takes the dead id: nothing is
    deleted.

    The two rows swap their ids; in between it sits on 0, which is no chat's id.
    """
    refresh(arrived, {"telegram_id": 0})
    group = _rows(arrived.bot_id, old)
    group.update(telegram_id=new)
    refresh(arrived, {"telegram_id": old, "unreachable": f"became the supergroup {new}"})
