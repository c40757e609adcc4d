"""The person's clock: asked for once, before the first card; shown and changed by /timezone."""

from datetime import timedelta

from django.utils import timezone

from accounts.models import User
from reminders.models import Status
from telegram_bot.expecting import forget_old
from telegram_bot.models import Expectation
from tests.house import ANNA, TEAM, House
from tests.reminders.chatting import anna, confirmed, press, reminders, shown, the_only


async def zone(house: House) -> str:
    return (await house.db(anna)).time_zone


async def test_zone_is_asked_for_before_the_first_card(newcomer: House) -> None:
    said = await newcomer.ask(ANNA, "/remind tomorrow at 6pm call mum")

    assert said.startswith("🌍 Where are you? I ask only once")
    assert any(label.startswith("Berlin ") for label in newcomer.buttons(ANNA))
    assert await newcomer.db(reminders) == []


async def test_press_on_a_place_goes_on_with_the_card(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/remind tomorrow at 6pm call mum")

    await press(newcomer, "Moscow")

    first, second = newcomer.heard(ANNA)
    assert first.startswith("🌍 Your time zone is Europe/Moscow: it is ")
    assert first.endswith("Change it with /timezone.")
    assert second.startswith("❔ call mum\n")
    assert "18:00 (Europe/Moscow, UTC+3)" in second


async def test_press_on_a_place_goes_on_however_late(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/remind tomorrow at 6pm call mum")
    await newcomer.db(lambda: Expectation.objects.update(expires_at=timezone.now() - timedelta(hours=1)))

    await press(newcomer, "Moscow")

    assert shown(newcomer).startswith("❔ call mum\n")


async def test_press_on_a_place_after_all_was_forgotten_says_so(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/remind tomorrow at 6pm call mum")
    assert await newcomer.db(forget_old, timezone.now() + timedelta(days=1)) == 1

    await press(newcomer, "Moscow")

    assert shown(newcomer).endswith("What you wanted to be reminded of is too long ago. Write it once more: /remind")
    assert await zone(newcomer) == "Europe/Moscow"


async def test_press_on_a_place_when_nothing_waits_says_no_more_than_the_zone(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/timezone")
    await newcomer.ask(ANNA, "/cancel")

    await press_first(newcomer, "Moscow")

    assert newcomer.heard(ANNA)[0].endswith("Change it with /timezone.")


async def press_first(house: House, label: str) -> None:
    """Press a button under the first message of the bot."""
    message = house.messages(ANNA)[0]
    rows = message["reply_markup"]["inline_keyboard"]
    data = next(key["callback_data"] for row in rows for key in row if key["text"].startswith(label))
    pressed = house.world.press(ANNA, message["message_id"], data)
    await house.until(lambda: pressed.answered)
    await house.quiet()


async def test_city_in_words_goes_on_with_the_card(newcomer: House) -> None:
    await newcomer.ask(ANNA, "напомни завтра в 18:00 позвонить маме")

    said = await newcomer.ask(ANNA, "я в Новосибирске")

    assert "18:00 (Asia/Novosibirsk, UTC+7)" in said
    assert await zone(newcomer) == "Asia/Novosibirsk"


async def test_zone_is_asked_for_only_once(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/remind tomorrow at 6pm one")
    await press(newcomer, "Moscow")

    assert (await newcomer.ask(ANNA, "/remind tomorrow at 7pm two")).startswith("❔ two\n")


async def test_unknown_place_is_asked_about_and_then_let_go(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/remind tomorrow at 6pm call mum")

    assert (await newcomer.ask(ANNA, "Atlantis")).startswith("🌍 I do not know where “Atlantis” is.")
    assert (await newcomer.ask(ANNA, "Lemuria")).startswith("🌍 I do not know where “Lemuria” is.")
    assert await newcomer.ask(ANNA, "[[text An answer]] why?") == "An answer"


async def test_minutes_count_from_when_they_were_said_and_not_from_the_zone(newcomer: House) -> None:
    message = newcomer.say(ANNA, "/remind in 30 minutes tea")
    await newcomer.quiet()
    await newcomer.ask(ANNA, "Berlin")

    row = await the_only(newcomer)
    assert row.trigger_at is not None
    assert row.trigger_at.timestamp() == message["date"] + 1800


async def test_missing_time_and_zone_are_both_asked_for(newcomer: House) -> None:
    await newcomer.ask(ANNA, "/remind call mum")
    assert (await newcomer.ask(ANNA, "Berlin")).startswith("❓ When?")

    assert "Europe/Berlin" in await newcomer.ask(ANNA, "tomorrow at 6pm")


async def test_sentence_without_a_time_asks_for_no_zone(newcomer: House) -> None:
    assert await newcomer.ask(ANNA, "remind me of tea [[text Which?]]") == "Which?"


async def test_timezone_shows_what_it_is_and_offers_others(chat: House) -> None:
    said = await chat.ask(ANNA, "/timezone")

    assert said.startswith("🌍 Your time zone is Europe/Moscow: it is ")
    assert len(chat.buttons(ANNA)) > 6


async def test_timezone_takes_a_place_at_once(chat: House) -> None:
    said = await chat.ask(ANNA, "/timezone New York")

    assert said.startswith("🌍 Your time zone is America/New_York: it is ")
    assert await zone(chat) == "America/New_York"


async def test_timezone_says_what_it_does_not_know(chat: House) -> None:
    assert (await chat.ask(ANNA, "/timezone Atlantis")).startswith("🌍 I do not know where “Atlantis” is.")
    assert await zone(chat) == "Europe/Moscow"


async def test_series_moves_along_with_the_person_and_an_instant_stays(chat: House) -> None:
    series = await confirmed(chat, "/remind every day at 9am gym")
    once = await confirmed(chat, "/remind tomorrow at 6pm call mum")

    said = await chat.ask(ANNA, "/timezone Berlin")

    assert said.endswith("1 reminder moved along.")
    moved, stayed = await chat.db(reminders)
    assert moved.schedule.zone == stayed.schedule.zone == "Europe/Berlin"
    assert moved.next_run_at != series.next_run_at
    assert stayed.next_run_at == once.next_run_at


async def test_places_are_offered_in_the_persons_language(newcomer: House) -> None:
    await newcomer.db(lambda: User.objects.filter(telegram_id=ANNA).update(language="ru"))

    await newcomer.ask(ANNA, "/timezone")

    labels = [label.rpartition(" ")[0] for label in newcomer.buttons(ANNA)]
    assert labels[:3] == ["Калининград", "Москва", "Самара"]


async def test_in_a_group_the_place_is_a_reply(team: House) -> None:
    await team.db(lambda: User.objects.update(time_zone=""))
    await team.ask(ANNA, "/remind@sekretar_bot tomorrow at 6pm lunch", TEAM)
    assert shown(team, TEAM).endswith("Reply to this message.")

    team.say(ANNA, "Berlin", TEAM, reply_to=team.messages(TEAM)[-1]["message_id"])
    await team.quiet()

    assert shown(team, TEAM).startswith("❔ lunch\n")
    assert (await the_only(team)).status == Status.PENDING
