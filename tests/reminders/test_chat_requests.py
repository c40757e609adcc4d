"""What counts as a wish to be reminded, and which words ask for it until it is done."""

import pytest

from reminders.chat.insisting import taken_out
from reminders.chat.requests import is_request


@pytest.mark.parametrize(
    "text",
    [
        "напомни через 1 минуту выпить чаю",
        "Напомни мне позвонить маме завтра в 10",
        "Напомните, пожалуйста, завтра про отчёт",
        "напоминай каждый день в 9 пить воду",
        "Пожалуйста, напомни завтра в 10 про отчёт",
        "напомни, что завтра в 10 встреча",
        "напомни как-нибудь завтра",
        "поставь напоминание на завтра на 9 утра купить хлеб",
        "создай мне напоминание на пятницу",
        "remind me to call mum tomorrow at 6pm",
        "Remind us on Friday at noon about lunch",
        "please remind me in 2 hours",
        "Could you remind me to buy milk tomorrow?",
        "set a reminder for tomorrow at 9",
    ],
)
def test_wish_is_heard(text: str) -> None:
    assert is_request(text)


@pytest.mark.parametrize(
    "text",
    [
        "Как работает напоминание?",
        "Напоминание о встрече вчера не пришло",
        "завтра встреча, не напоминай",
        "напомнить маме завтра",
        "Напомни, как зовут автора «Войны и мира»",
        "напомни мне, где мы остановились вчера",
        "напомни, что у нас завтра?",
        "Напомни, о чём мы говорили вчера?",
        "напомни когда придёт Петя",
        "remind me what we decided yesterday",
        "Remind me how a list differs from a tuple",
        "remind Boris tomorrow",
        "reminders are useful tomorrow at 9",
        "",
    ],
)
def test_question_is_no_wish(text: str) -> None:
    assert not is_request(text)


@pytest.mark.parametrize(
    ("words", "rest", "minutes"),
    [
        ("завтра в 10 позвонить, пока не сделаю", "завтра в 10 позвонить", 10),
        ("завтра в 10 позвонить пока не отвечу", "завтра в 10 позвонить", 10),
        ("завтра в 10 таблетки, каждые 5 минут, пока не сделаю", "завтра в 10 таблетки", 5),
        ("завтра в 10 таблетки каждые 15 мин пока не нажму готово", "завтра в 10 таблетки", 15),
        ("завтра в 10 таблетки до тех пор, пока не сделано", "завтра в 10 таблетки", 10),
        ("завтра в 10 таблетки, и не отставай, пока не сделаю", "завтра в 10 таблетки", 10),
        ("tomorrow at 9am pills until done", "tomorrow at 9am pills", 10),
        ("tomorrow at 9am pills, until I'm done", "tomorrow at 9am pills", 10),
        ("tomorrow at 9am pills every 3 minutes until it's done", "tomorrow at 9am pills", 3),
        ("tomorrow at 9am pills, keep reminding me", "tomorrow at 9am pills", 10),
        ("tomorrow at 9am pills, keep reminding me every 20 min until done", "tomorrow at 9am pills", 20),
        ("пока не сделаю", "", 10),
    ],
)
def test_words_that_insist_are_taken_out(words: str, rest: str, minutes: int) -> None:
    assert taken_out(words) == (rest, minutes)


@pytest.mark.parametrize(
    "words",
    [
        "завтра в 10 позвонить",
        "завтра в 10 позвонить, пока не забыл",
        "завтра не выключать плиту, пока не приду",
        "every 5 minutes tea",
        "wait until Friday",
        "каждые 10 минут пить воду",
    ],
)
def test_other_words_stay(words: str) -> None:
    assert taken_out(words) == (words, None)
