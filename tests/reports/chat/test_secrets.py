"""Keys that are entered stand nowhere but sealed in their profile: not in the chat, the inbox, the outbox, the logs."""

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import models
from django.utils import timezone

from accounts import services as accounts
from accounts.models import Chat
from core.sealed import SealedJSON
from reports.chat import adding
from sandbox.avito import REMONT_KEYS, SEVER_KEYS
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.models import Expectation, Update
from tests.house import ANNA, OLGA, TEAM, House
from tests.reports import making
from tests.reports.chat.chatting import anna, card, press, say

SECRETS = (*SEVER_KEYS, *REMONT_KEYS, "NoSuchClient00000001", "n0-such-secret-anywhere-at-all-000000000")


@pytest.fixture(autouse=True)
def logs(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All that is logged, down to the last detail."""
    with caplog.at_level(logging.DEBUG):
        yield caplog


def stored() -> Iterator[tuple[str, str]]:
    """Every value of every column as the database holds it, with its place. What is sealed is compared as it is."""
    for model in apps.get_models(include_auto_created=True):
        sealed = [field.name for field in model._meta.local_concrete_fields if isinstance(field, SealedJSON)]
        rows: models.QuerySet[models.Model] = model._default_manager.defer(*sealed)
        for row in rows:
            for field in model._meta.local_concrete_fields:
                if field.name not in sealed:
                    yield f"{model.__name__}.{field.name}", str(getattr(row, field.attname))


def leaks() -> list[str]:
    return [place for place, value in stored() for secret in SECRETS if secret in value]


def written(house: House, chat: int) -> str:
    """All that is to be seen in a chat, whoever wrote it."""
    return "\n".join(str(message) for message in house.world.chats[chat].messages.values())


async def nowhere(house: House, logs: pytest.LogCaptureFixture, chat: int = ANNA) -> None:
    assert await house.db(leaks) == []
    assert not [secret for secret in SECRETS if secret in written(house, chat)]
    assert not [secret for secret in SECRETS if secret in logs.text]


@pytest.mark.parametrize("keys", [SEVER_KEYS, REMONT_KEYS], ids=["plain", "odd signs"])
async def test_keys_asked_for_one_by_one(house: House, logs: pytest.LogCaptureFixture, keys: tuple[str, str]) -> None:
    await say(house, "/add_profile Север")
    await say(house, keys[0])
    await nowhere(house, logs)
    await say(house, keys[1])

    assert "is connected" in card(house)
    await nowhere(house, logs)


async def test_keys_behind_the_command(house: House, logs: pytest.LogCaptureFixture) -> None:
    await say(house, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")

    await nowhere(house, logs)


async def test_keys_that_are_refused(house: House, logs: pytest.LogCaptureFixture) -> None:
    await say(house, "/add_profile Север\nNoSuchClient00000001\nn0-such-secret-anywhere-at-all-000000000")

    assert "does not accept" in card(house)
    await nowhere(house, logs)


async def test_key_in_place_of_a_name(house: House, logs: pytest.LogCaptureFixture) -> None:
    await say(house, "/add_profile")
    await say(house, SEVER_KEYS[1])

    assert "That looks like a key, so I deleted it." in card(house)
    await nowhere(house, logs)


async def test_keys_written_in_a_group(house: House, logs: pytest.LogCaptureFixture) -> None:
    await house.db(making.group)
    await say(house, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}", chat=TEAM)

    assert "connected in our private chat" in card(house, TEAM)
    assert "make new ones at Avito" in card(house, TEAM)
    assert house.calls("deleteMessage", TEAM)
    assert await house.db(leaks) == []


async def test_new_keys_of_a_profile(house: House, logs: pytest.LogCaptureFixture) -> None:
    await say(house, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")
    await press(house, "Profile")
    await press(house, "New keys")
    await say(house, f"{REMONT_KEYS[0]}\n{REMONT_KEYS[1]}")

    assert "another Avito account" in card(house)
    await nowhere(house, logs)


async def test_edited_message_with_a_key_goes_nowhere(house: House, logs: pytest.LogCaptureFixture) -> None:
    await say(house, "/add_profile Север")
    message = await say(house, SEVER_KEYS[0])
    now = timezone.now()
    raw = {**message, "text": SEVER_KEYS[1], "edit_date": message["date"]}
    await house.db(inbox.store, making.BOT, [{"update_id": 999_999_999, "edited_message": raw}], now)
    await house.quiet()

    assert not house.models.calls
    await nowhere(house, logs)


async def test_a_process_that_dies_while_it_looks_goes_on_without_the_words(house: House) -> None:
    house.sandbox.avito.trouble("self", "hold")
    house.say(ANNA, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")
    await house.sandbox.avito.until(lambda: house.sandbox.avito.count("self") == 1)

    assert await house.db(leaks) == []  # while the keys are in use
    [waiting] = await house.db(lambda: list(Expectation.objects.all()))
    assert waiting.data["client_secret"] == SEVER_KEYS[1]
    [update] = await house.db(lambda: list(Update.objects.filter(state=Update.State.RUNNING)))
    assert "text" not in update.raw["message"]

    house.sandbox.avito.release()
    await house.quiet()
    assert "is connected" in card(house)


async def test_what_a_dead_process_had_taken_is_looked_at_again(house: House) -> None:
    await house.db(_as_a_crash_left_it)
    await house.quiet()

    assert "“Север” is connected" in card(house)


def _as_a_crash_left_it() -> None:
    """An update as it stands while its keys are looked at: blank, and not done; what it said is sealed."""
    person = {"id": ANNA, "is_bot": False, "first_name": "Анна", "language_code": "en"}
    message = {"message_id": 77, "date": 1, "from": person, "chat": {"id": ANNA, "type": "private"}}
    number, now = 900_000_000, timezone.now()
    keys = {"name": "Север", "client_id": SEVER_KEYS[0], "client_secret": SEVER_KEYS[1]}
    chat, until = Chat.objects.get(telegram_id=ANNA), now + timedelta(minutes=10)
    accounts.await_words(chat, until)
    Expectation.objects.create(
        user=anna(),
        chat=chat,
        action=adding.ADDING,
        data={**keys, "progress": f"avito:{making.BOT}:{number}:0:0"},
        asked="",
        expires_at=until,
    )
    outgoing.say(f"avito:{making.BOT}:{number}:0", outgoing.Place(making.BOT, ANNA), "I am looking…")
    inbox.store(making.BOT, [{"update_id": number, "message": message}], now)


async def test_nobody_else_is_shown_them(house: House) -> None:
    await say(house, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")
    await say(house, "/profiles", user=OLGA)

    assert "There is none yet." in card(house, OLGA)
