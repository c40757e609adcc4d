"""How a reminder comes about in the chat: words, a question where something is unclear, a card, a yes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry
from delivery.models import Delivery
from reminders.models import Status, Type
from reminders.services.dropping import WAITED, drop_unconfirmed
from telegram_bot import runtime
from telegram_bot.application import build
from telegram_bot.models import Expectation
from tests.house import ANNA, BORIS, House
from tests.reminders.chatting import confirmed, entities, press, reminders, shown, the_only, tomorrow_at


async def test_words_become_a_card_and_yes_puts_it_in_force(chat: House) -> None:
    said = await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")

    assert said.startswith("❔ call mum\n")
    assert "18:00 (Europe/Moscow, UTC+3)" in said
    assert said.endswith("Is that right? Until you say yes, nothing will come.")
    assert list(chat.buttons(ANNA)) == ["✅ Yes", "✏️ Change", "✖️ No", "🔔 Insist until done"]
    assert (await the_only(chat)).status == Status.PENDING

    await press(chat, "✅ Yes")

    row = await the_only(chat)
    assert (row.status, row.text, row.next_run_at) == (Status.ACTIVE, "call mum", tomorrow_at(18))
    assert shown(chat).startswith("✅ call mum\n")
    assert len(chat.messages(ANNA)) == 1


async def test_words_are_understood_in_russian(chat: House) -> None:
    row = await confirmed(chat, "/remind завтра в 18:00 позвонить маме")

    assert (row.text, row.next_run_at) == ("позвонить маме", tomorrow_at(18))


async def test_sentence_without_the_command_is_understood_too(chat: House) -> None:
    said = await chat.ask(ANNA, "напомни через 1 минуту выпить чаю")

    assert said.startswith("❔ выпить чаю\n")
    assert not chat.models.calls


async def test_what_is_made_here_knows_where_from(chat: House) -> None:
    message = chat.say(ANNA, "/remind tomorrow at 6pm call mum")
    await chat.quiet()

    row = await the_only(chat)
    assert (row.source_message_id, row.chat.telegram_id) == (message["message_id"], ANNA)
    assert (row.zone_of_owner, row.created_by_id, row.type) == (True, row.user_id, Type.ONE_TIME)


@pytest.mark.parametrize(("words", "catch_up"), [("tomorrow at 6pm tea", "last"), ("every day at 6pm tea", "none")])
async def test_what_comes_once_is_made_up_for_and_a_series_is_not(chat: House, words: str, catch_up: str) -> None:
    await chat.ask(ANNA, f"/remind {words}")

    assert (await the_only(chat)).schedule.catch_up == catch_up


async def test_two_hours_count_from_when_it_was_written(chat: House) -> None:
    message = chat.say(ANNA, "/remind in 2 hours call")
    await chat.quiet()

    row = await the_only(chat)
    assert row.trigger_at is not None
    assert row.trigger_at.timestamp() == message["date"] + 7200


async def test_card_of_a_series_shows_rule_zone_and_next_runs(chat: House) -> None:
    said = await chat.ask(ANNA, "/remind каждый будний день в 9:30 планёрка")

    lines = said.split("\n")
    assert lines[:3] == ["❔ планёрка", "Every weekday at 09:30 (Europe/Moscow)", "Next:"]
    assert [line.endswith("09:30") and line.startswith("• ") for line in lines[3:6]] == [True] * 3


async def test_card_tells_what_was_taken_for_granted(chat: House) -> None:
    assert "\nℹ️ No hour was said: 09:00." in await chat.ask(ANNA, "/remind tomorrow tea")


async def test_card_tells_of_the_last_day_of_a_month(chat: House) -> None:
    said = await chat.ask(ANNA, "/remind every 31st of the month at 10:30 report")

    assert "ℹ️ In a shorter month, on its last day." in said


async def test_text_stands_on_the_card_as_it_was_written(chat: House) -> None:
    said = await chat.ask(ANNA, "/remind tomorrow at 6pm buy *two* [milks](x) _and_ <b>")

    assert said.startswith("❔ buy *two* [milks](x) _and_ <b>\n")
    assert [entity["type"] for entity in entities(chat)] == ["bold"]


async def test_no_means_nothing_will_come(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")
    await press(chat, "✖️ No")

    assert shown(chat) == "✖️ Good, no reminder."
    assert (await the_only(chat)).status == Status.CANCELLED


async def test_two_presses_at_once_are_one_yes(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")

    chat.press(ANNA, "✅ Yes")
    chat.press(ANNA, "✅ Yes")
    await chat.quiet()

    notes = await chat.db(lambda: list(AuditEntry.objects.filter(action="reminder.confirmed")))
    assert len(notes) == 1
    assert shown(chat).startswith("✅ call mum\n")


async def test_text_that_is_a_message_replied_to(chat: House) -> None:
    letter = chat.say(ANNA, "[[text ok]] Pay the bill 17")
    await chat.quiet()

    chat.say(ANNA, "/remind tomorrow at 6pm", reply_to=letter["message_id"])
    await chat.quiet()

    assert shown(chat).startswith("❔ [[text ok]] Pay the bill 17\n")


async def test_stranger_is_shown_no_card_and_makes_nothing(chat: House) -> None:
    await chat.ask(BORIS, "/remind tomorrow at 6pm call mum")
    await chat.ask(BORIS, "remind me tomorrow at 6pm to call mum")
    await chat.ask(BORIS, "/reminders")
    await chat.ask(BORIS, "/timezone Berlin")

    assert [said for said in chat.heard(BORIS) if "call mum" in said or "Berlin" in said] == []
    assert await chat.db(reminders) == []


async def test_words_of_a_card_stand_sealed_in_the_outbox(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")

    rows = await chat.db(lambda: str(list(Delivery.objects.values_list("content", "error", "result"))))
    assert "call mum" not in rows


async def test_limit_is_told_with_what_to_do(chat: House, settings: object) -> None:
    settings.REMINDERS_PER_PERSON = 1  # type: ignore[attr-defined]
    await confirmed(chat, "/remind tomorrow at 6pm one")

    said = await chat.ask(ANNA, "/remind tomorrow at 7pm two")

    assert "There is 1 open reminder already, the limit. Cancel one first." in said
    assert said.endswith("/reminders")


# --- until done -----------------------------------------------------------------------------------------------------


async def test_words_that_insist_are_understood(chat: House) -> None:
    said = await chat.ask(ANNA, "/remind завтра в 10:00 таблетки, каждые 5 минут, пока не сделаю")

    assert said.startswith("❔ таблетки\n")
    assert "🔔 Again every 5 minutes until you press Done." in said
    assert (await the_only(chat)).nag_minutes == 5


async def test_card_has_a_button_that_insists_and_one_that_does_not(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm pills")

    await press(chat, "🔔 Insist")
    assert "🔔 Again every 10 minutes until you press Done." in shown(chat)
    assert (await the_only(chat)).nag_minutes == 10

    await press(chat, "🔕 Do not insist")
    assert "Again every" not in shown(chat)
    row = await the_only(chat)
    assert (row.nag_minutes, row.status) == (None, Status.PENDING)


# --- what is unclear ------------------------------------------------------------------------------------------------


async def test_missing_time_is_asked_for_and_the_next_message_is_the_answer(chat: House) -> None:
    asked = await chat.ask(ANNA, "/remind call mum")
    assert asked.startswith("❓ When? Say for instance")
    assert list(chat.buttons(ANNA)) == ["Cancel"]

    said = await chat.ask(ANNA, "tomorrow at 6pm")

    assert said.startswith("❔ call mum\n")
    assert (await the_only(chat)).next_run_at == tomorrow_at(18)
    assert not chat.models.calls


async def test_missing_text_is_asked_for_and_taken_as_it_is(chat: House) -> None:
    assert await chat.ask(ANNA, "/remind tomorrow at 6pm") == "❓ What shall I remind you of?"

    said = await chat.ask(ANNA, "the report for Friday at 9")

    assert said.startswith("❔ the report for Friday at 9\n")
    assert (await the_only(chat)).next_run_at == tomorrow_at(18)


async def test_command_alone_asks_for_both(chat: House) -> None:
    assert "What shall I remind you of, and when?" in await chat.ask(ANNA, "/remind")

    assert (await chat.ask(ANNA, "tomorrow at 6pm call mum")).startswith("❔ call mum\n")


async def test_answer_may_say_it_all_anew(chat: House) -> None:
    await chat.ask(ANNA, "/remind call mum")

    assert (await chat.ask(ANNA, "remind me tomorrow at 6pm to call dad")).startswith("❔ call dad\n")


async def test_impossible_time_is_asked_about_by_its_own_words(chat: House) -> None:
    assert await chat.ask(ANNA, "/remind at 25:00 tea") == "❓ No clock shows “at 25:00”. Write the time like 18:30."

    assert (await chat.ask(ANNA, "tomorrow at 18:30")).startswith("❔ tea\n")


async def test_answer_that_is_none_is_asked_once_more_and_then_let_go(chat: House) -> None:
    await chat.ask(ANNA, "/remind call mum")
    assert (await chat.ask(ANNA, "hmm")).startswith("❓ When?")

    assert await chat.ask(ANNA, "[[text An answer]] what is the weather like") == "An answer"
    assert await chat.ask(ANNA, "[[text Another]] tomorrow at 6") == "Another"


async def test_cancel_ends_the_question(chat: House) -> None:
    await chat.ask(ANNA, "/remind call mum")
    assert await chat.ask(ANNA, "/cancel") == "Good, I leave it at that: the question about the reminder."

    assert await chat.ask(ANNA, "[[text An answer]] tomorrow at 6pm") == "An answer"


async def test_button_under_the_question_ends_it(chat: House) -> None:
    await chat.ask(ANNA, "/remind call mum")
    await press(chat, "Cancel")

    assert shown(chat) == "Good, I leave it at that."
    assert await chat.ask(ANNA, "[[text An answer]] tomorrow at 6pm") == "An answer"


async def test_sentence_without_a_time_goes_to_the_dialog(chat: House) -> None:
    assert await chat.ask(ANNA, "напомни мне про чай [[text Which tea?]]") == "Which tea?"
    assert await chat.db(reminders) == []


async def test_question_that_begins_like_a_wish_goes_to_the_dialog(chat: House) -> None:
    assert await chat.ask(ANNA, "remind me what we decided tomorrow [[text Nothing]]") == "Nothing"


async def test_forwarded_wish_is_somebody_elses(chat: House) -> None:
    chat.say(ANNA, "remind me tomorrow at 6pm to call mum [[text Shall I?]]", forward_from=BORIS)
    await chat.quiet()

    assert shown(chat) == "Shall I?"


async def test_past_is_asked_about(chat: House) -> None:
    assert "is in the past. When shall it be?" in await chat.ask(ANNA, "/remind yesterday tea")


async def test_what_was_said_so_far_outlives_a_restart(chat: House) -> None:
    await chat.ask(ANNA, "/remind call mum")

    [kept] = await chat.db(lambda: list(Expectation.objects.all()))
    assert kept.data["text"] == "call mum"

    anew = build()  # another process knows no more than the rows
    await anew.initialize()
    runtime.use(anew)
    said = await chat.ask(ANNA, "tomorrow at 6pm")
    await anew.shutdown()

    assert said.startswith("❔ call mum\n")
    assert (await the_only(chat)).next_run_at == tomorrow_at(18)


# --- written anew ---------------------------------------------------------------------------------------------------


async def edit(house: House, message: dict[str, Any], text: str, chat: int | None = None) -> str:
    house.world.edit(ANNA, message["message_id"], text, chat_id=chat)
    await house.quiet()
    return shown(house, chat or ANNA)


@pytest.mark.parametrize("asking", ["/remind ", "remind me "])
async def test_request_that_is_edited_is_understood_anew(chat: House, asking: str) -> None:
    message = chat.say(ANNA, f"{asking}tomorrow at 6pm call mum")
    await chat.quiet()

    said = await edit(chat, message, f"{asking}tomorrow at 7pm call dad")

    assert said.startswith("❔ call dad\n")
    row = await the_only(chat)
    assert (row.text, row.next_run_at, row.status) == ("call dad", tomorrow_at(19), Status.PENDING)


async def test_request_that_was_unclear_may_be_mended_where_it_stands(chat: House) -> None:
    message = chat.say(ANNA, "/remind at 25:00 tea")
    await chat.quiet()

    assert (await edit(chat, message, "/remind tomorrow at 18:00 tea")).startswith("❔ tea\n")
    assert await chat.ask(ANNA, "[[text An answer]]") == "An answer"


async def test_edit_of_a_request_that_is_over_makes_nothing(chat: House) -> None:
    message = chat.say(ANNA, "/remind tomorrow at 6pm call mum")
    await chat.quiet()
    await press(chat, "✖️ No")

    assert await edit(chat, message, "/remind tomorrow at 7pm call dad") == "✖️ Good, no reminder."


# --- too late for a yes ---------------------------------------------------------------------------------------------


async def test_time_that_passed_before_the_yes_is_asked_for_anew(chat: House) -> None:
    await chat.ask(ANNA, "/remind in 5 minutes tea")
    row = await the_only(chat)
    past = timezone.now() - timedelta(minutes=2)
    rule = {"kind": "once", "at": past.isoformat()}
    await chat.db(lambda: type(row.schedule).objects.update(rule=rule, next_at=past))

    await press(chat, "✅ Yes")
    assert "Its time passed before you said yes. When shall it be now?" in shown(chat)

    assert (await chat.ask(ANNA, "tomorrow at 6pm")).startswith("❔ tea\n")
    await press(chat, "✅ Yes")
    row = await the_only(chat)
    assert (row.status, row.next_run_at) == (Status.ACTIVE, tomorrow_at(18))


async def test_card_that_was_dropped_says_so(chat: House) -> None:
    await chat.ask(ANNA, "/remind every day at 6pm tea")
    assert await chat.db(drop_unconfirmed, timezone.now()) == 0
    assert await chat.db(drop_unconfirmed, timezone.now() + WAITED) == 1

    await press(chat, "✅ Yes")

    assert shown(chat) == "Nobody confirmed it. It will not come. Write it once more: /remind"
    assert (await the_only(chat)).status == Status.CANCELLED
