"""What the owner of a profile does to have its chats in a file, for tests that read like a chat."""

import asyncio
import io
from typing import Any

import openpyxl
from django.utils import timezone

from accounts.models import User
from reports.export.bot import ASK
from reports.models import AvitoProfile, Export
from sandbox.avito import SEVER, AvitoWorld
from telegram_bot import outgoing
from telegram_bot.outgoing import Key, Place
from tests.house import ANNA, BOT, House
from tests.posts.chatting import label_of
from tests.reports import making


def world(house: House) -> AvitoWorld:
    found: AvitoWorld = house.sandbox.avito
    return found


def given(house: House, uid: int = SEVER, **facts: Any) -> AvitoProfile:
    """Анна's profile of an account of the fake, with keys that open it, and its card's button in her chat."""
    keys = world(house).keys_of(uid)
    owner = User.objects.get(telegram_id=ANNA)
    User.objects.filter(pk=owner.pk).update(time_zone="Europe/Moscow")
    owner.refresh_from_db()
    profile = making.make_profile(
        owner, account_id=uid, client_id=keys.client_id, client_secret=keys.client_secret, **facts
    )
    card(profile)
    return profile


def card(profile: AvitoProfile, chat: int = ANNA, owner: User | None = None) -> None:
    button = Key("Export chats", ASK, {"profile": profile.pk})
    key = f"card:{profile.pk}:{timezone.now().timestamp()}"
    outgoing.say(key, Place(BOT, chat), "A card", [[button]], owner=owner)


async def press(house: House, label: str, user: int = ANNA, chat: int | None = None) -> str:
    """Press the button under the bot's newest message that has it; the toast. What follows goes on."""
    place = chat or user
    await house.until(lambda: any(label_of(one, label) for one in house.messages(place)))
    message = next(one for one in reversed(house.messages(place)) if label_of(one, label))
    pressed = house.world.press(user, message["message_id"], label_of(message, label), chat)
    await house.until(lambda: pressed.answered)
    return str(house.calls("answerCallbackQuery")[-1].params.get("text", ""))


async def start(house: House, which: str = "All chats") -> None:
    """From the card to an export that is on its way."""
    await press(house, "Export")
    await press(house, which)


async def run(house: House, which: str = "All chats") -> None:
    """Until it has ended and all is said."""
    await start(house, which)
    await ended(house)


async def ended(house: House) -> Export:
    """The newest export, once it is over and all is said."""
    async with asyncio.timeout(60):
        while await house.db(Export.objects.filter(state=Export.State.QUEUED).exists):
            await asyncio.sleep(0.02)
    await house.quiet()
    return await house.db(Export.objects.latest, "created_at")


def told(house: House, user: int = ANNA) -> str:
    """What the message about the export says now."""
    return next(text for text in reversed(house.heard(user)) if text.startswith("📥"))


def documents(house: House, user: int = ANNA) -> list[dict[str, Any]]:
    """Files that came, oldest first: name, caption, content."""
    found = []
    for message in house.messages(user):
        if "document" in message:
            stored = house.world.files.find(message["document"]["file_id"])
            found.append({"name": stored.name, "caption": message.get("caption", ""), "content": stored.content})
    return found


def book(document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Sheet -> its rows, each by the titles in its first row."""
    opened = openpyxl.load_workbook(io.BytesIO(document["content"]))
    return {sheet.title: rows(sheet) for sheet in opened}


def rows(sheet: Any) -> list[dict[str, Any]]:
    lines = [[cell.value for cell in line] for line in sheet.iter_rows()]
    if sheet.title == "About the file":
        return [{str(line[0]): line[1] for line in lines}, *({"note": b} for a, b in lines if a == "Note")]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]
