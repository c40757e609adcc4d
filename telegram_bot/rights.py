"""What the bot may do in a chat, asked of Telegram at this moment and put on record (accounts.Chat)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils import timezone
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from accounts import services as accounts
from accounts.models import Chat
from core.db import in_db
from telegram_bot import runtime
from telegram_bot.backend import meaning_of

MEMBERS, AWAY = ("member", "restricted"), ("left", "kicked")


def told(member: Mapping[str, Any], permissions: Mapping[str, Any] | None = None) -> tuple[str, dict[str, bool]]:
    """Status and rights as a ChatMember tells them; ``permissions``: what all members of the group may do, which limits
    those who lead nothing. One who is restricted and not there has left."""
    status = str(member.get("status") or "")
    if status == "restricted" and member.get("is_member") is False:
        return "left", {}
    rights = _flags(member)
    if status in MEMBERS and permissions is not None:
        common = _flags(permissions)
        rights = {name: allowed and rights.get(name, True) for name, allowed in common.items()} | {
            name: allowed for name, allowed in rights.items() if name not in common
        }
    return status, rights


def _flags(found: Mapping[str, Any]) -> dict[str, bool]:
    return {name: value for name, value in found.items() if name.startswith("can_") and isinstance(value, bool)}


def heard(bot_id: int, body: Mapping[str, Any], now: datetime) -> None:
    """An update ``my_chat_member`` that no person sent: a group's admin who stays anonymous, or a channel
    (settings.UPDATE_NEWS)."""
    place, member = body.get("chat") or {}, body.get("new_chat_member") or {}
    chat = Chat.objects.filter(bot_id=bot_id, telegram_id=place.get("id") or 0).first()
    if chat is None or chat.is_private:
        return
    status, rights = told(member)
    accounts.set_rights(chat, status, rights, now)
    if status in AWAY:
        accounts.mark_unreachable(bot_id, chat.telegram_id, f"bot is {status}")
    else:
        accounts.mark_reachable(bot_id, chat.telegram_id)


async def refresh(chat: Chat) -> Chat:
    """Ask about a group or channel; ``chat`` then shows what Telegram said. Raises DeliveryError: it did not answer."""
    bot = runtime.bot()
    try:
        place = {"chat_id": chat.telegram_id}
        seen = await bot.do_api_request("getChat", api_kwargs=place)
        member = await bot.do_api_request("getChatMember", api_kwargs={**place, "user_id": chat.bot_id})
    except ChatMigrated as error:
        moved = await in_db(accounts.migrate_chat, chat.bot_id, chat.telegram_id, error.new_chat_id)
        await refresh(moved)
    except (BadRequest, Forbidden) as error:
        await in_db(_closed, chat, str(error))
    except TelegramError as error:
        raise meaning_of(error) from error
    else:
        await in_db(_open, chat, *told(member, seen.get("permissions")))
    await in_db(chat.refresh_from_db)
    return chat


async def standing(chat: Chat, person: int) -> str:
    """What somebody (their Telegram id) is in a group or channel, as Telegram names it; "left" where nothing shows that
    they are there. Raises DeliveryError: it did not answer."""
    try:
        asked = {"chat_id": chat.telegram_id, "user_id": person}
        member = await runtime.bot().do_api_request("getChatMember", api_kwargs=asked)
    except (BadRequest, Forbidden, ChatMigrated):
        return "left"
    except TelegramError as error:
        raise meaning_of(error) from error
    return told(member)[0]


def _closed(chat: Chat, error: str) -> None:
    accounts.set_rights(chat, "kicked" if "kicked" in error.lower() else "left", {}, timezone.now())
    accounts.mark_unreachable(chat.bot_id, chat.telegram_id, error)


def _open(chat: Chat, status: str, rights: dict[str, bool]) -> None:
    accounts.set_rights(chat, status, rights, timezone.now())
    if status not in AWAY:
        accounts.mark_reachable(chat.bot_id, chat.telegram_id)
