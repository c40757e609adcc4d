"""What people do to get a report, for tests that read like a chat; the sandbox's Avito answers."""

import asyncio
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Chat, User
from delivery.models import Delivery
from reports.models import AvitoProfile, Report
from sandbox.avito import SEVER, AvitoWorld
from telegram_bot import outgoing
from telegram_bot.outgoing import Key, Place
from tests.house import ANNA, BOT, TEAM, House
from tests.posts.chatting import label_of
from tests.reports import making


def avito(house: House) -> AvitoWorld:
    found: AvitoWorld = house.sandbox.avito
    return found


@transaction.atomic
def given(house: House, uid: int = SEVER, name: str = "Север", person: int = ANNA, **facts: Any) -> AvitoProfile:
    """A profile of an account of the fake, with keys that open it."""
    keys = avito(house).keys_of(uid)
    owner = User.objects.get(telegram_id=person)
    User.objects.filter(pk=owner.pk).update(time_zone="Europe/Moscow")
    owner.refresh_from_db()
    facts = {"client_id": keys.client_id, "client_secret": keys.client_secret} | facts
    profile = making.make_profile(owner, name, uid, **facts)
    # Its first collection would take the minute's one question about statistics.
    Delivery.objects.filter(key__startswith="avito_day:").delete()
    return profile


def team(*profiles: AvitoProfile) -> Chat:
    """The group, let in, with these profiles shown there."""
    chat = Chat.objects.filter(telegram_id=TEAM).first() or making.group()
    for profile in profiles:
        making.bind(profile, chat)
    return chat


def card(profile: AvitoProfile, action: str = "report_now", chat: int = ANNA) -> None:
    """A message with the button that a profile's card has; anybody may press it."""
    button = Key("Do it", action, {"profile": profile.pk})
    key = f"card:{profile.pk}:{action}:{timezone.now().timestamp()}"
    outgoing.say(key, Place(BOT, chat), "A card", [[button]])


async def press(house: House, label: str, user: int = ANNA, chat: int | None = None) -> str:
    """Press the button under the bot's newest message that has it; the toast. What follows goes on."""
    place = chat or user
    await house.until(lambda: any(label_of(one, label) for one in house.messages(place)))
    message = next(one for one in reversed(house.messages(place)) if label_of(one, label))
    pressed = house.world.press(user, message["message_id"], label_of(message, label), chat)
    await house.until(lambda: pressed.answered)
    return str(house.calls("answerCallbackQuery")[-1].params.get("text") or "")


async def ended(house: House, seconds: float = 60.0) -> Report:
    """The newest report, once none is at work any more and all is said."""
    async with asyncio.timeout(seconds):
        while await house.db(Report.objects.filter(state=Report.State.QUEUED).exists):
            await asyncio.sleep(0.02)
    await house.quiet()
    return await house.db(Report.objects.latest, "created_at")


async def report_now(house: House, profile: AvitoProfile) -> Report:
    """From the card's button to the report in the chat."""
    await house.db(card, profile)
    await press(house, "Do it")
    return await ended(house)


def pictures(house: House, chat: int = ANNA) -> list[dict[str, Any]]:
    return [message for message in house.messages(chat) if "photo" in message]
