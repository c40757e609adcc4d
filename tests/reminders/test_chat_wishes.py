"""What is heard of a wish, message by message: pure functions of the words and the clock."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from delivery.schedule import Daily, Once
from reminders.chat.wishes import Wish, changed, heard

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=MOSCOW)  # a Friday


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def hear(wish: Wish, *messages: str) -> str:
    question = ""
    for words in messages:
        question = heard(wish, words, NOW, MOSCOW, "ru")
    return question


def change(wish: Wish, *messages: str) -> str:
    question = ""
    for words in messages:
        question = changed(wish, words, NOW, MOSCOW, "ru")
    return question


def at(wall: str) -> Once:
    return Once(datetime.fromisoformat(wall).replace(tzinfo=MOSCOW))


def test_all_at_once_leaves_no_question() -> None:
    wish = Wish()
    assert hear(wish, "завтра в 10 позвонить") == ""
    assert (wish.text, wish.when, wish.asked) == ("позвонить", at("2026-11-21 10:00"), "")


def test_text_stays_while_the_time_is_asked_for() -> None:
    wish = Wish()
    assert hear(wish, "позвонить маме").startswith("When?")
    assert hear(wish, "завтра в 10, пожалуйста") == ""
    assert (wish.text, wish.when) == ("позвонить маме", at("2026-11-21 10:00"))


def test_time_stays_while_the_text_is_asked_for() -> None:
    wish = Wish()
    assert hear(wish, "завтра в 10") == "What shall I remind you of?"
    assert hear(wish, "отчёт к пятнице в 9") == ""
    assert (wish.text, wish.when) == ("отчёт к пятнице в 9", at("2026-11-21 10:00"))


def test_insisting_is_heard_in_any_of_the_messages() -> None:
    wish = Wish()
    hear(wish, "позвонить маме, пока не сделаю", "завтра в 10")
    assert (wish.text, wish.nag) == ("позвонить маме", 10)


def test_minutes_until_done_are_also_the_first_time() -> None:
    wish = Wish()
    assert hear(wish, "напоминай каждые 5 минут, пока не сделаю, выпить воды") == ""
    assert (wish.text, wish.nag, wish.when) == ("выпить воды", 5, at("2026-11-20 12:05"))


def test_minutes_until_done_are_an_answer_to_when() -> None:
    wish = Wish()
    assert hear(wish, "выпить воды").startswith("When?")
    assert hear(wish, "каждые 5 минут, пока не сделаю") == ""
    assert (wish.text, wish.nag, wish.when) == ("выпить воды", 5, at("2026-11-20 12:05"))


def test_minutes_until_done_without_a_text_leave_only_that_to_be_asked_for() -> None:
    wish = Wish()
    assert hear(wish, "каждые 5 минут, пока не сделаю") == "What shall I remind you of?"
    assert (wish.asked, wish.when) == ("text", at("2026-11-20 12:05"))


def test_only_answers_without_any_time_are_counted() -> None:
    wish = Wish()
    hear(wish, "чай")
    assert wish.tries == 1
    hear(wish, "хм")
    assert wish.tries == 2
    hear(wish, "в 25:00")
    assert wish.tries == 0


def test_what_was_said_survives_as_json() -> None:
    wish = Wish(message=7)
    hear(wish, "завтра в 10 позвонить, пока не сделаю")
    assert Wish(**wish.as_json()) == wish


# --- changes --------------------------------------------------------------------------------------------------------


def test_change_of_the_time_alone_says_no_text() -> None:
    wish = Wish(reminder="x")
    assert change(wish, "каждый день в 9") == ""
    assert (wish.text, wish.when) == ("", Daily(datetime.min.time().replace(hour=9)))


def test_change_without_a_time_is_the_text() -> None:
    wish = Wish(reminder="x")
    assert change(wish, "позвонить папе") == ""
    assert (wish.text, wish.when) == ("позвонить папе", None)


def test_change_that_only_insists_leaves_time_and_text() -> None:
    wish = Wish(reminder="x")
    assert change(wish, "пока не сделаю") == ""
    assert (wish.text, wish.when, wish.nag) == ("", None, 10)


def test_change_to_an_impossible_time_is_asked_about_and_then_only_a_time_helps() -> None:
    wish = Wish(reminder="x")
    assert change(wish, "в 25:00").startswith("No clock shows")
    assert change(wish, "не знаю").startswith("When?")
    assert change(wish, "завтра в 10") == ""
    assert (wish.text, wish.when) == ("", at("2026-11-21 10:00"))
