"""What owners do in the chat, for tests that read like one."""

from typing import Any

from django.db import transaction

from accounts.models import User
from delivery.models import Delivery
from reports.models import AvitoProfile, ReportTask
from reports.services.collecting import SOURCE as COLLECTION
from sandbox.avito import SEVER_KEYS
from tests.house import ANNA, House
from tests.reports import making


async def say(house: House, text: str = "", user: int = ANNA, chat: int | None = None, **more: Any) -> dict[str, Any]:
    """A person writes, and all that follows has happened; their message."""
    message = house.say(user, text, chat, **more)
    await house.quiet()
    return message


async def press(house: House, label: str, user: int = ANNA, chat: int | None = None) -> str:
    """Press the button under the bot's newest message that has it; the toast."""
    message = next(one for one in reversed(house.messages(chat or user)) if data_of(one, label))
    pressed = house.world.press(user, message["message_id"], data_of(message, label), chat)
    await house.until(lambda: pressed.answered)
    await house.quiet()
    return str(house.calls("answerCallbackQuery")[-1].params.get("text", ""))


def data_of(message: dict[str, Any], label: str) -> str:
    """The data of the button that begins, or after its sign, with ``label``; empty when there is none."""
    for row in message.get("reply_markup", {}).get("inline_keyboard", []):
        for button in row:
            if button["text"].startswith(label) or button["text"].partition(" ")[2].startswith(label):
                return str(button.get("callback_data", ""))
    return ""


def labels(house: House, chat: int = ANNA) -> list[str]:
    """Those under the newest message."""
    rows = newest(house, chat).get("reply_markup", {}).get("inline_keyboard", [])
    return [button["text"] for row in rows for button in row]


def card(house: House, chat: int = ANNA) -> str:
    """What the bot's newest message says."""
    return str(newest(house, chat).get("text", ""))


def newest(house: House, chat: int) -> dict[str, Any]:
    """The bot's newest message but alerts, which come by themselves once an account is connected."""
    return next(one for one in reversed(house.messages(chat)) if not one.get("text", "").startswith("💰"))


def anna() -> User:
    return User.objects.get(telegram_id=ANNA)


def profiles() -> list[AvitoProfile]:
    return list(AvitoProfile.objects.select_related("owner").order_by("created_at", "id"))


def task() -> ReportTask:
    """Of the only profile."""
    return ReportTask.objects.select_related("schedule", "chat", "profile").get()


async def the_only(house: House) -> AvitoProfile:
    [row] = await house.db(profiles)
    return row


def known(name: str = "Север", keys: tuple[str, str] = SEVER_KEYS, **more: Any) -> AvitoProfile:
    """A profile of Анна's with keys that Avito takes."""
    client_id, secret = keys
    with transaction.atomic():
        profile = making.make_profile(anna(), name, client_id=client_id, client_secret=secret, **more)
        # What is tested is not what is collected.
        Delivery.objects.filter(backend=COLLECTION).delete()
    return profile


async def connected(house: House, name: str = "Север") -> AvitoProfile:
    """Анна has a profile, and its card is open."""
    profile = await house.db(known, name)
    await say(house, "/profiles")
    await press(house, name)
    return profile
