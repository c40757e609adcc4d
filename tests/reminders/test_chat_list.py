"""/reminders: what is still to come, and what the buttons of a card do."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry
from reminders import services
from reminders.models import Status
from sandbox.telegram.chats import Topic
from tests.house import ANNA, BORIS, OLGA, TEAM, House
from tests.reminders.chatting import comes, confirmed, press, reminders, shown, the_only, tomorrow_at


async def test_empty_list_says_how_to_make_one(chat: House) -> None:
    assert await chat.ask(ANNA, "/reminders") == "There are no reminders yet. Make one: /remind tomorrow at 9 call mum"


async def test_list_shows_the_next_first(chat: House) -> None:
    await confirmed(chat, "/remind tomorrow at 7pm later")
    await confirmed(chat, "/remind tomorrow at 6pm sooner")

    said = await chat.ask(ANNA, "/reminders")

    assert said == "Your reminders\nPress one to change it."
    labels = list(chat.buttons(ANNA))
    assert [label.partition(" · ")[2] for label in labels] == ["sooner", "later"]
    assert all(label.startswith("⏰ ") for label in labels)


async def test_long_list_comes_in_pages(chat: House) -> None:
    for hour in range(9, 18):
        await chat.ask(ANNA, f"/remind tomorrow at {hour}:00 task {hour}")

    assert (await chat.ask(ANNA, "/reminders")).startswith("Your reminders · page 1 of 2\n")
    await press(chat, "›")
    assert shown(chat).startswith("Your reminders · page 2 of 2\n")
    assert [label.rpartition(" ")[2] for label in chat.buttons(ANNA)] == ["16", "17", "‹"]
    await press(chat, "‹")
    assert shown(chat).startswith("Your reminders · page 1 of 2\n")


async def test_list_holds_neither_what_is_over_nor_what_is_somebody_elses(chat: House) -> None:
    await confirmed(chat, "/remind tomorrow at 6pm of Olga", OLGA)
    await chat.ask(ANNA, "/remind tomorrow at 6pm mine")
    await press(chat, "✖️ No")

    assert (await chat.ask(ANNA, "/reminders")).startswith("There are no reminders yet.")


async def opened(house: House, words: str) -> None:
    """Make it, list it, open its card."""
    await confirmed(house, words)
    await house.ask(ANNA, "/reminders")
    await press(house, next(iter(house.buttons(ANNA))))


async def test_card_says_when_and_offers_what_can_be_done(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")

    assert shown(chat).startswith("⏰ call mum\n")
    assert "18:00 (Europe/Moscow, UTC+3)" in shown(chat)
    assert list(chat.buttons(ANNA)) == [
        "⏸ Pause", "✏️ Change", "⏰ Put off", "✅ Done", "🔔 Insist until done", "🗑 Delete", "« Back",
    ]  # fmt: skip


async def test_pause_and_resume(chat: House) -> None:
    await opened(chat, "/remind every day at 6pm tea")

    await press(chat, "⏸ Pause")
    assert shown(chat) == "⏸ tea\nEvery day at 18:00\nPaused."
    assert (await the_only(chat)).status == Status.PAUSED

    await press(chat, "▶️ Resume")
    assert shown(chat).startswith("⏰ tea\n")
    assert (await the_only(chat)).status == Status.ACTIVE


async def test_put_off_is_from_the_planned_time(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")

    await press(chat, "⏰ Put off")
    assert shown(chat).endswith("How much later this time?")
    assert list(chat.buttons(ANNA)) == ["+10 min", "+1 h", "+1 day", "« Back"]
    await press(chat, "+1 h")

    assert (await the_only(chat)).next_run_at == tomorrow_at(19)
    assert "Put off to " in shown(chat)
    assert "19:00." in shown(chat)


async def test_two_presses_put_the_next_run_off_once(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "⏰ Put off")

    first, second = chat.press(ANNA, "+1 h"), chat.press(ANNA, "+1 h")
    await chat.until(lambda: first.answered and second.answered)
    await chat.quiet()

    assert (await the_only(chat)).next_run_at == tomorrow_at(19)
    assert shown(chat).endswith("\nIt was put off already.")


async def test_card_of_a_paused_one_shows_to_when_it_was_put_off(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "⏰ Put off")
    await press(chat, "+1 h")
    await press(chat, "⏸ Pause")

    assert ", 19:00 (Europe/Moscow, UTC+3)\nPaused." in shown(chat)


async def test_series_put_off_shows_its_next_runs_from_there(chat: House) -> None:
    await opened(chat, "/remind every day at 6pm tea")
    before = (await the_only(chat)).next_run_at
    assert before is not None

    await press(chat, "⏰ Put off")
    await press(chat, "+10 min")

    assert (await the_only(chat)).next_run_at == before + timedelta(minutes=10)
    lines = [line for line in shown(chat).split("\n") if line.startswith("• ")]
    assert [line[-5:] for line in lines] == ["18:10", "18:00", "18:00"]


async def test_done_ends_it(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm tea")

    await press(chat, "✅ Done")

    assert shown(chat) == "✅ tea\nOver."
    assert (await the_only(chat)).status == Status.COMPLETED


async def test_done_for_good_ends_a_series(chat: House) -> None:
    await opened(chat, "/remind every day at 6pm tea")
    assert "✅ Done" not in chat.buttons(ANNA)  # which would sound like this time only

    await press(chat, "✅ Done for good")

    assert shown(chat) == "✅ tea\nOver."
    assert list(chat.buttons(ANNA)) == ["« Back"]
    assert (await the_only(chat)).status == Status.COMPLETED


async def test_delete_asks_once(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")

    await press(chat, "🗑 Delete")
    assert shown(chat) == "🗑 call mum\nDelete this reminder? It will not come any more."
    await press(chat, "No")
    assert (await the_only(chat)).status == Status.ACTIVE

    await press(chat, "🗑 Delete")
    await press(chat, "🗑 Yes, delete")
    assert shown(chat) == "✖️ call mum\nDeleted."
    assert (await the_only(chat)).status == Status.CANCELLED
    await press(chat, "« Back")
    assert shown(chat).startswith("There are no reminders yet.")


async def test_insisting_can_be_turned_on_and_off(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm pills")

    await press(chat, "🔔 Insist")
    assert "🔔 Again every 10 minutes until you press Done." in shown(chat)
    await press(chat, "🔕 Do not insist")

    assert (await the_only(chat)).nag_minutes is None


async def test_only_what_is_said_can_be_insisted_on(chat: House, settings: Settings) -> None:
    settings.ASSISTANT_TASKS, settings.REMINDER_TASK_MINUTES = "somewhere", 3 * 24 * 60
    await opened(chat, "/remind every day at 6pm job")
    row = await the_only(chat)
    buttons = list(chat.buttons(ANNA))
    await chat.db(lambda: type(row).objects.update(payload={"task": "Look"}, action="task", title="Backup"))

    await press(chat, "🔔 Insist")  # of a card that was shown before
    assert "too often" in shown(chat)

    assert list(chat.buttons(ANNA)) == [label for label in buttons if not label.startswith("🔔")]


async def test_what_is_not_confirmed_is_listed_and_can_be_confirmed(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")
    await chat.ask(ANNA, "/reminders")
    [label] = chat.buttons(ANNA)
    assert label.startswith("❔ ")

    await press(chat, label)
    assert shown(chat).endswith("Not confirmed yet: nothing will come.")
    await press(chat, "✅ Yes, remind me")

    assert (await the_only(chat)).status == Status.ACTIVE


async def test_press_on_what_is_gone_says_so(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await chat.db(lambda: [row.delete() for row in reminders()])

    await press(chat, "⏸ Pause")

    assert shown(chat) == "This reminder is gone. /reminders lists those that are left."


async def test_one_time_that_passed_while_paused_cannot_be_resumed_without_a_new_time(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "⏸ Pause")
    row = await the_only(chat)
    past = tomorrow_at(18) - timedelta(days=3)
    changes = {"rule": {"kind": "once", "at": past.isoformat()}, "next_at": past, "catch_up": "none"}
    await chat.db(lambda: type(row.schedule).objects.update(**changes))

    await press(chat, "▶️ Resume")

    assert "Its time passed meanwhile. Choose a new one." in shown(chat)


# --- other words ----------------------------------------------------------------------------------------------------


async def test_change_takes_another_time(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")
    assert shown(chat).endswith("Write what shall be different: another time, another text, or both.")

    said = await chat.ask(ANNA, "tomorrow at 7pm")

    assert said.startswith("⏰ call mum\n")
    row = await the_only(chat)
    assert (row.text, row.next_run_at, row.status) == ("call mum", tomorrow_at(19), Status.ACTIVE)


async def test_change_takes_another_text(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")
    await chat.ask(ANNA, "call dad")

    row = await the_only(chat)
    assert (row.text, row.next_run_at) == ("call dad", tomorrow_at(18))


async def test_changed_while_it_waits_for_done_it_still_waits(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm pills, until done")
    await comes(chat, row)
    await chat.ask(ANNA, "/reminders")
    await press(chat, next(iter(chat.buttons(ANNA))))
    await press(chat, "✏️ Change")

    said = await chat.ask(ANNA, "two pills")

    assert said.startswith("⏰ two pills\nIt came, and waits until somebody presses Done.\n")


async def test_changed_while_it_is_paused_it_stays_paused_and_says_so(chat: House) -> None:
    await opened(chat, "/remind every day at 6pm tea")
    await press(chat, "⏸ Pause")
    await press(chat, "✏️ Change")

    assert await chat.ask(ANNA, "every day at 7pm") == "⏸ tea\nEvery day at 19:00\nPaused."


async def test_change_takes_both(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")
    await chat.ask(ANNA, "every day at 8:00 pills")

    row = await the_only(chat)
    assert (row.text, row.type, row.schedule.catch_up) == ("pills", "recurring", "none")


async def test_change_of_a_card_makes_a_new_card(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")

    said = await chat.ask(ANNA, "tomorrow at 7pm")

    assert said.startswith("❔ call mum\n")
    assert "19:00" in said
    await press(chat, "✅ Yes")
    row = await the_only(chat)
    assert (row.status, row.next_run_at) == (Status.ACTIVE, tomorrow_at(19))


async def test_change_can_be_cancelled(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")
    await press(chat, "Cancel")
    assert shown(chat).startswith("⏰ call mum\n")

    assert await chat.ask(ANNA, "[[text An answer]]") == "An answer"


async def test_unclear_change_is_asked_about(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")
    assert (await chat.ask(ANNA, "at 25:00")).startswith("❓ No clock shows")

    await chat.ask(ANNA, "tomorrow at 7pm")

    assert (await the_only(chat)).next_run_at == tomorrow_at(19)


async def test_change_to_a_time_that_is_over_is_told_and_asked_again(chat: House) -> None:
    await opened(chat, "/remind tomorrow at 6pm call mum")
    await press(chat, "✏️ Change")

    assert "is in the past" in await chat.ask(ANNA, "yesterday at 5pm")


async def test_reply_to_a_card_changes_it(chat: House) -> None:
    await chat.ask(ANNA, "/remind tomorrow at 6pm call mum")
    chat.say(ANNA, "tomorrow at 7pm", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert shown(chat).startswith("❔ call mum\n")
    assert (await the_only(chat)).next_run_at == tomorrow_at(19)


async def test_reply_to_a_confirmed_card_changes_the_text(chat: House) -> None:
    await confirmed(chat, "/remind tomorrow at 6pm call mum")
    chat.say(ANNA, "call dad", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert (await the_only(chat)).text == "call dad"


async def test_reply_with_a_time_to_what_has_come_makes_it_come_once_more(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)

    chat.say(ANNA, "tomorrow at 7pm", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert shown(chat).startswith("❔ call mum\n")
    await press(chat, "✅ Yes")
    _first, again = await chat.db(reminders)
    assert (again.text, again.next_run_at) == ("call mum", tomorrow_at(19))


async def test_reply_with_a_rule_to_a_series_that_has_come_changes_it(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 6pm tea")
    await comes(chat, row)

    chat.say(ANNA, "every day at 7pm", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert (await the_only(chat)).schedule.rule["at"] == "19:00"


async def test_talk_in_reply_to_what_has_come_goes_to_the_dialog(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)

    chat.say(ANNA, "[[text Try again later]] she does not answer", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert shown(chat) == "Try again later"


async def test_talk_in_reply_to_what_was_settled_goes_to_the_dialog(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 6pm tea")
    await comes(chat, row)
    await press(chat, "✅ Done")

    chat.say(ANNA, "[[text Good]] it was cold", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert shown(chat) == "Good"
    assert (await the_only(chat)).text == "tea"


async def test_another_rule_takes_up_a_series_that_was_over_but_for_what_was_put_off(chat: House) -> None:
    row = await confirmed(chat, "/remind every day at 6pm tea")
    await comes(chat, row)
    await chat.db(services.complete, row, by=None, via="chat", now=timezone.now())
    await press(chat, "1 h")
    await press(chat, "⚙️ More")
    assert len([line for line in shown(chat).split("\n") if line.startswith("• ")]) == 1

    await press(chat, "✏️ Change")
    await chat.ask(ANNA, "every day at 7pm")

    assert len([line for line in shown(chat).split("\n") if line.startswith("• ")]) == 3


async def test_request_in_reply_to_a_reminder_takes_its_text(chat: House) -> None:
    row = await confirmed(chat, "/remind tomorrow at 6pm call mum")
    await comes(chat, row)
    await press(chat, "✅ Done")

    chat.say(ANNA, "/remind tomorrow at 7pm", reply_to=chat.messages(ANNA)[-1]["message_id"])
    await chat.quiet()

    assert shown(chat).startswith("❔ call mum\n")


async def test_what_is_done_is_on_record_without_the_words(chat: House) -> None:
    await opened(chat, "/remind every day at 6pm secret tea")
    await press(chat, "⏸ Pause")

    entries = await chat.db(lambda: list(AuditEntry.objects.filter(action__startswith="reminder.").order_by("id")))

    assert [entry.action for entry in entries] == ["reminder.created", "reminder.confirmed", "reminder.paused"]
    assert "secret" not in str([(entry.details, entry.target_label) for entry in entries])


# --- groups ---------------------------------------------------------------------------------------------------------


async def test_in_a_group_the_card_answers_the_one_who_asked_and_obeys_nobody_else(team: House) -> None:
    asked = team.say(ANNA, "/remind@sekretar_bot tomorrow at 6pm stand-up", TEAM)
    await team.quiet()
    assert team.messages(TEAM)[-1]["reply_to_message"]["message_id"] == asked["message_id"]

    assert await press(team, "✅ Yes", BORIS, TEAM) == "This button is somebody else's."
    assert (await the_only(team)).status == Status.PENDING

    await press(team, "✅ Yes", ANNA, TEAM)
    row = await the_only(team)
    assert (row.status, row.chat.telegram_id) == (Status.ACTIVE, TEAM)


@pytest.mark.parametrize("words", ["@sekretar_bot напомни завтра в 18:00 планёрку", "remind me tomorrow at 6pm of tea"])
async def test_in_a_group_a_sentence_is_heard_only_when_it_is_addressed(team: House, words: str) -> None:
    await team.ask(ANNA, "/ping@sekretar_bot", TEAM)
    team.say(ANNA, words, TEAM)
    await team.quiet()

    assert bool(await team.db(reminders)) == ("@sekretar_bot" in words)


async def test_in_a_group_a_reply_to_the_bot_is_addressed(team: House) -> None:
    await team.ask(ANNA, "/ping@sekretar_bot", TEAM)

    team.say(ANNA, "remind us tomorrow at 6pm of tea", TEAM, reply_to=team.messages(TEAM)[-1]["message_id"])
    await team.quiet()

    assert (await the_only(team)).text == "of tea"


async def test_in_a_group_the_answer_to_a_question_is_a_reply(team: House) -> None:
    await team.ask(ANNA, "/remind@sekretar_bot stand-up", TEAM)
    assert shown(team, TEAM).endswith("Reply to this message.")

    team.say(ANNA, "tomorrow at 7pm", TEAM)
    team.say(BORIS, "tomorrow at 8pm [[text Yes?]]", TEAM, reply_to=team.messages(TEAM)[-1]["message_id"])
    await team.quiet()
    assert await team.db(reminders) == []

    question = next(message for message in team.messages(TEAM) if message["text"].startswith("❓"))
    team.say(ANNA, "tomorrow at 6pm", TEAM, reply_to=question["message_id"])
    await team.quiet()

    assert (await the_only(team)).next_run_at == tomorrow_at(18)


async def test_group_lists_its_own_and_private_lists_all_of_mine(team: House) -> None:
    await confirmed(team, "/remind@sekretar_bot tomorrow at 6pm ours", ANNA, TEAM)
    await confirmed(team, "/remind tomorrow at 7pm mine")

    assert (await team.ask(BORIS, "/reminders@sekretar_bot", TEAM)).startswith("Reminders of this group\n")
    assert [label.partition(" · ")[2] for label in team.buttons(TEAM)] == ["ours"]

    await team.ask(ANNA, "/reminders")
    assert [label.partition(" · ")[2] for label in team.buttons(ANNA)] == ["ours", "mine"]
    await press(team, next(iter(team.buttons(ANNA))))
    assert "👥 In the group Команда" in shown(team)


async def test_card_of_a_group_offers_nothing_to_those_who_may_not(team: House) -> None:
    await confirmed(team, "/remind@sekretar_bot tomorrow at 6pm ours", ANNA, TEAM)
    await team.ask(BORIS, "/reminders@sekretar_bot", TEAM)
    await press(team, "⏰", BORIS, TEAM)
    assert list(team.buttons(TEAM)) == ["« Back"]

    await team.ask(OLGA, "/reminders@sekretar_bot", TEAM)
    await press(team, "⏰", OLGA, TEAM)
    assert "⏸ Pause" in team.buttons(TEAM)


async def test_in_a_group_new_words_are_a_reply_to_the_question(team: House) -> None:
    await confirmed(team, "/remind@sekretar_bot tomorrow at 6pm ours", ANNA, TEAM)
    await press(team, "✏️ Change", ANNA, TEAM)
    prompt = team.messages(TEAM)[-1]
    assert prompt["text"].endswith(
        "Reply to this message with what shall be different: another time, another text, or both."
    )

    team.say(ANNA, "tomorrow at 7pm", TEAM)
    team.say(BORIS, "tomorrow at 8pm", TEAM, reply_to=prompt["message_id"])
    team.say(ANNA, "tomorrow at 9pm", TEAM, reply_to=prompt["message_id"])
    await team.quiet()

    assert (await the_only(team)).next_run_at == tomorrow_at(21)


async def test_in_private_new_words_for_what_comes_in_a_group_need_no_reply(team: House) -> None:
    await confirmed(team, "/remind@sekretar_bot tomorrow at 6pm ours", ANNA, TEAM)
    await team.ask(ANNA, "/reminders")
    await press(team, next(iter(team.buttons(ANNA))))
    await press(team, "✏️ Change")
    assert shown(team).endswith("\nWrite what shall be different: another time, another text, or both.")

    await team.ask(ANNA, "tomorrow at 9pm")

    row = await the_only(team)
    assert (row.next_run_at, row.chat.telegram_id) == (tomorrow_at(21), TEAM)


async def test_what_is_made_in_a_topic_comes_there(team: House) -> None:
    group = team.world.chats[TEAM]
    group.is_forum, group.topics = True, {7: Topic(7, "Plans")}
    team.say(ANNA, "/remind@sekretar_bot tomorrow at 6pm ours", TEAM, thread_id=7)
    await team.quiet()
    await press(team, "✅ Yes", ANNA, TEAM)

    await comes(team, await the_only(team))

    assert team.messages(TEAM)[-1]["message_thread_id"] == 7
    assert shown(team, TEAM) == "⏰ Анна, ours"
