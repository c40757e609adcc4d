"""A long paste comes as several messages and is one question; nothing else is held back."""

from typing import Any

import pytest
from django.utils import timezone

from conversations.models import Request
from telegram_bot import paste
from telegram_bot.incoming import Incoming
from telegram_bot.models import Update
from telegram_bot.paste import NEAR_LIMIT, joined
from tests.house import ANNA, BOT, OLGA, TEAM, House
from tests.telegram_bot.test_groups import open_group

LONG = " ".join(f"word{number}" for number in range(1200))


async def prompts(house: House) -> list[str]:
    return await house.db(lambda: list(Request.objects.order_by("id").values_list("prompt", flat=True)))


# --- joining --------------------------------------------------------------------------------------------------------


def test_part_that_is_full_to_the_last_unit_was_cut_in_the_middle() -> None:
    assert joined(["x" * 4096, "yz"]) == "x" * 4096 + "yz"


def test_shorter_part_was_cut_at_a_blank() -> None:
    assert joined(["x" * 4000, "yz"]) == "x" * 4000 + "\nyz"


def test_units_count_and_not_letters() -> None:
    assert joined(["😀" * 2048, "z"]) == "😀" * 2048 + "z"


# --- as a chat ------------------------------------------------------------------------------------------------------


async def test_long_paste_is_one_question(house: House) -> None:
    sent = house.world.paste(ANNA, LONG)
    assert len(sent) >= 2
    await house.quiet()

    (prompt,) = await prompts(house)
    assert prompt.split() == LONG.split()
    assert len(house.heard(ANNA)) == 1
    assert await house.db(lambda: Update.objects.filter(state="done").count()) == len(sent)


async def test_part_that_never_comes_is_not_waited_for_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the looks and not by the clock: a busy machine takes its time for everything."""
    look, looks = paste._claim_next, []

    def counted(first: Update, last_id: int) -> tuple[Update | None, bool]:
        looks.append(last_id)
        return look(first, last_id)

    monkeypatch.setattr(paste, "_claim_next", counted)
    await house.ask(ANNA, "word " * 800)

    assert len(await prompts(house)) == 1
    assert 0 < len(looks) * paste.LOOK_EVERY < 5


async def test_short_question_is_not_held_back(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paste, "QUIET_SECONDS", 600.0)  # longer than any machine takes
    house.say(ANNA, "Hello")
    house.say(ANNA, "Hello again")
    await house.quiet()

    received, asked = await house.db(_times)
    assert asked - received < paste.QUIET_SECONDS / 2
    assert await prompts(house) == ["Hello", "Hello again"]


def _times() -> tuple[float, float]:
    """When the first update came and when its question was put to the model (seconds)."""
    return (
        Update.objects.order_by("id")[0].received_at.timestamp(),
        Request.objects.order_by("id")[0].created_at.timestamp(),
    )


async def test_others_are_answered_while_a_paste_waits_for_its_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paste, "QUIET_SECONDS", 600.0)
    house.say(ANNA, "word " * 800)
    house.say(OLGA, "Hello")
    await house.until(lambda: house.heard(OLGA))
    house.say(ANNA, "/ping")  # the end
    await house.quiet()

    finished = await house.db(lambda: list(Request.objects.order_by("created_at").values_list("user__first_name")))
    assert finished == [("Ольга",), ("Анна",)]


async def test_command_after_a_long_message_is_a_command(house: House) -> None:
    house.say(ANNA, "word " * 800)
    house.say(ANNA, "/ping")
    await house.quiet()

    (prompt,) = await prompts(house)
    assert "/ping" not in prompt
    assert house.heard(ANNA)[-1] == "Bot ready"


async def test_forwarded_text_is_no_part_of_a_paste(house: House) -> None:
    house.say(ANNA, "word " * 800)
    house.say(ANNA, "From somebody else", forward_from=OLGA)
    await house.quiet()

    assert len(await prompts(house)) == 2


async def test_next_persons_message_in_a_group_is_not_joined(house: House) -> None:
    await open_group(house)
    house.world.member(TEAM, BOT, "administrator", OLGA)
    house.say(ANNA, "@sekretar_bot " + "word " * 800, TEAM)
    house.say(OLGA, "@sekretar_bot And I?", TEAM)
    await house.quiet()

    first, second = await prompts(house)
    assert "And I?" not in first
    assert second == "And I?"


async def test_history_keeps_the_whole_paste(house: House) -> None:
    house.world.paste(ANNA, LONG)
    await house.quiet()

    await house.ask(ANNA, "And now?")

    first, _answer, _second = house.models.calls[-1].body["messages"]
    assert first["content"].split() == LONG.split()


# --- claims of parts ------------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_part_is_claimed_with_the_first_parts_lease() -> None:
    first = _update(1, "x" * NEAR_LIMIT, state="running", lease_until=timezone.now())
    second = _update(2, "rest")

    assert paste._claim_next(first, first.pk) == (second, False)
    second.refresh_from_db()
    assert (second.state, second.lease_until) == ("running", first.lease_until)
    assert paste._claim_next(first, second.pk) == (None, False)


@pytest.mark.django_db
def test_something_else_in_the_line_ends_the_paste_at_once() -> None:
    first = _update(1, "x" * NEAR_LIMIT, state="running")
    command = _update(2, "/ping")

    assert paste._claim_next(first, first.pk) == (None, True)
    command.refresh_from_db()
    assert command.state == "new"


def _update(update_id: int, text: str, **facts: Any) -> Update:
    raw = {"update_id": update_id, "message": {"from": {"id": ANNA}, "chat": {"id": ANNA}, "text": text}}
    return Update.objects.create(bot_id=BOT, update_id=update_id, lane="in:1:1:0", raw=raw, **facts)


def test_incoming_names_itself_by_its_first_update() -> None:
    update = Update(bot_id=1, update_id=5, raw={})

    assert Incoming(update, None, None, None).key == "1:5"  # type: ignore[arg-type]
