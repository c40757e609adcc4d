"""A reminder has come: Done, 10 min, 1 h, tomorrow; once each, and by whom it may."""

from datetime import timedelta

import pytest
from django.utils import timezone

from delivery import tick
from delivery.clocks import wall_at
from delivery.models import Schedule
from reminders import services
from reminders.models import Occurrence, Status
from tests.house import ANNA, BORIS, OLGA, TEAM, House
from tests.reminders.chatting import MOSCOW, comes, confirmed, press, reminders, shown, the_only

MINUTE = timedelta(minutes=1)


async def fresh(house: House, occurrence: Occurrence) -> Occurrence:
    return await house.db(Occurrence.objects.get, pk=occurrence.pk)


async def test_done_is_written_under_the_message(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    occurrence = await comes(chat, row)
    assert shown(chat) == "⏰ call mum"
    assert list(chat.buttons(ANNA)) == ["✅ Done", "10 min", "1 h", "tomorrow"]

    assert await press(chat, "✅ Done") == "✅ Done."

    assert shown(chat) == "⏰ call mum\n\n✅ Done."
    assert list(chat.buttons(ANNA)) == ["⚙️ More"]
    assert (await the_only(chat)).status == Status.COMPLETED
    assert (await fresh(chat, occurrence)).result == "done"


@pytest.mark.parametrize(("label", "pause"), [("10 min", 10 * MINUTE), ("1 h", 60 * MINUTE)])
async def test_it_comes_again_that_much_later(chat: House, label: str, pause: timedelta) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)

    toast = await press(chat, label)

    row = await the_only(chat)
    assert row.status == Status.ACTIVE
    assert row.next_run_at is not None
    assert abs(row.next_run_at - timezone.now() - pause) < MINUTE
    assert f"{wall_at(row.next_run_at, MOSCOW):%H:%M}." in toast
    assert shown(chat) == f"⏰ call mum\n\n{toast}"

    await comes(chat, row)
    assert shown(chat) == "⏰ call mum"
    await press(chat, "✅ Done")
    assert (await the_only(chat)).status == Status.COMPLETED


async def test_tomorrow_is_the_next_day_at_the_same_wall_time(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 9am gym")
    await comes(chat, row)

    await press(chat, "tomorrow")

    row = await the_only(chat)
    assert row.next_run_at is not None
    wall = wall_at(row.next_run_at, MOSCOW)
    assert (wall.hour, wall.minute) == (9, 0)
    assert (wall.date() - wall_at(timezone.now(), MOSCOW).date()).days == 1


async def test_series_that_is_put_off_goes_on_by_its_rule(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 9am gym")
    await comes(chat, row)

    await press(chat, "10 min")
    row = await the_only(chat)
    await comes(chat, row)

    row = await the_only(chat)
    assert row.next_run_at is not None
    assert wall_at(row.next_run_at, MOSCOW).hour == 9


async def test_second_press_says_what_happened_already(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)

    first, second = chat.press(ANNA, "✅ Done"), chat.press(ANNA, "10 min")
    await chat.until(lambda: first.answered and second.answered)
    await chat.quiet()

    toasts = [call.params.get("text") for call in chat.calls("answerCallbackQuery")][-2:]
    assert toasts == ["✅ Done.", "It was done already."]
    assert (await the_only(chat)).status == Status.COMPLETED


async def test_two_presses_put_it_off_once(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)

    chat.press(ANNA, "10 min")
    second = chat.press(ANNA, "1 h")
    await chat.until(lambda: second.answered)
    await chat.quiet()

    assert chat.calls("answerCallbackQuery")[-1].params["text"] == "It was put off already."
    row = await the_only(chat)
    assert row.next_run_at is not None
    assert row.next_run_at - timezone.now() < 11 * MINUTE


async def test_until_done_it_is_said_again_and_done_ends_it(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm pills, until done")
    occurrence = await comes(chat, row)
    assert (await fresh(chat, occurrence)).state in Occurrence.OPEN

    await press(chat, "✅ Done")

    assert (await fresh(chat, occurrence)).result == "done"
    assert (await the_only(chat)).status == Status.COMPLETED


async def test_it_is_said_again_and_done_under_the_newest_ends_it(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm pills, until done")
    occurrence = await comes(chat, row)

    def again() -> None:
        nagging = Schedule.objects.get(source="nag")
        assert nagging.next_at is not None
        tick._fire_batch(nagging.next_at, tick.BATCH)

    await chat.db(again)
    await chat.quiet()
    assert chat.heard(ANNA)[-2:] == ["⏰ pills", "⏰ pills\n\nOnce more, until you press Done."]

    await press(chat, "✅ Done")

    assert shown(chat) == "⏰ pills\n\nOnce more, until you press Done.\n\n✅ Done."
    assert (await fresh(chat, occurrence)).result == "done"
    assert not await chat.db(Schedule.objects.filter(source="nag", state="active").exists)


async def test_what_could_not_be_said_while_the_bot_was_blocked_comes_when_it_goes_on(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    chat.fault("sendMessage", "403")
    await comes(chat, row)
    assert (await the_only(chat)).status == Status.PAUSED

    await chat.ask(ANNA, "/reminders")
    await press(chat, "⏸ call mum")
    assert "Telegram does not let me write there any more." in shown(chat)
    await press(chat, "▶️ Resume")
    await chat.db(tick.tick)
    await chat.quiet()

    assert shown(chat).startswith("⏰ call mum")
    await press(chat, "✅ Done")
    assert (await the_only(chat)).status == Status.COMPLETED


async def test_who_writes_in_the_same_second_is_answered_in_order_and_reminded_once(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    before = len(chat.heard(ANNA))

    chat.say(ANNA, "[[text First answer]] one")
    chat.say(ANNA, "[[text Second answer]] two")
    await comes(chat, row)

    heard = chat.heard(ANNA)[before:]
    assert sorted(heard) == ["First answer", "Second answer", "⏰ call mum"]
    assert heard.index("First answer") < heard.index("Second answer")


async def test_message_that_is_full_gives_way_to_what_became_of_it(chat: House) -> None:
    await confirmed(chat, "/remind tomorrow at 6pm tea")
    row = await the_only(chat)
    await chat.db(services.change, row, by=None, via="chat", now=timezone.now(), payload={"text": "x" * 4090})
    await comes(chat, row)

    await press(chat, "✅ Done")

    assert shown(chat) == "✅ Done."


async def test_press_under_a_deleted_one_says_so(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 9am gym")
    await comes(chat, row)
    await chat.db(lambda: type(row).objects.update(status=Status.CANCELLED))

    assert await press(chat, "10 min") == "It was deleted meanwhile."


@pytest.mark.parametrize("key", ["-" * 36, "0" * 36, "00000000-0000-0000-0000-00000000000"])
async def test_callback_that_names_nothing_breaks_nothing(chat: House, key: str) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)
    message = chat.messages(ANNA)[-1]
    message["reply_markup"]["inline_keyboard"][0][0]["callback_data"] = f"r:done:{key}"
    before = len(chat.messages(ANNA))

    chat.press(ANNA, "✅ Done")
    await chat.quiet()

    assert len(chat.messages(ANNA)) == before
    assert shown(chat) == "⏰ call mum"


async def test_press_under_one_that_is_gone_says_so(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)
    await chat.db(lambda: type(row).objects.all().delete())

    assert await press(chat, "✅ Done") == "This reminder is gone. /reminders lists those that are left."


# --- in groups ------------------------------------------------------------------------------------------------------


async def in_the_group(team: House) -> Occurrence:
    row = await confirmed(team, "/remind@sekretar_bot tomorrow at 6pm stand-up", ANNA, TEAM)
    return await comes(team, row)


async def test_in_a_group_it_calls_its_author_and_anybody_may_say_done(team: House) -> None:
    occurrence = await in_the_group(team)
    assert shown(team, TEAM) == "⏰ Анна, stand-up"

    assert await press(team, "✅ Done", BORIS, TEAM) == "✅ Done: Борис."

    assert shown(team, TEAM) == "⏰ Анна, stand-up\n\n✅ Done: Борис."
    assert (await fresh(team, occurrence)).result == "done"


async def test_in_a_group_only_its_author_or_an_admin_may_put_it_off(team: House) -> None:
    await in_the_group(team)

    assert await press(team, "10 min", BORIS, TEAM) == "Only Анна or an admin may put it off."
    assert (await team.db(reminders))[0].next_run_at is None

    assert "Again " in await press(team, "10 min", OLGA, TEAM)


async def test_callback_of_another_chat_means_nothing_here(team: House) -> None:
    occurrence = await in_the_group(team)
    row = await confirmed(team, "/remind tomorrow at 6pm mine")
    await comes(team, row)
    message = team.messages(ANNA)[-1]
    message["reply_markup"]["inline_keyboard"][0][0]["callback_data"] = f"r:done:{occurrence.pk}"

    assert "is gone" in await press(team, "✅ Done")
    assert (await fresh(team, occurrence)).result == "sent"
