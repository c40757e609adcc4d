"""What is asked instead of guessed, whose time it is, and that no text is too much."""

import time as clock
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation
from hypothesis import given, settings
from hypothesis import strategies as st

from delivery.plain_words import Assumed, Assumption, Parsed, Question, parse
from delivery.schedule import Cron, Daily, Once, Weekly
from delivery.words_of_time.lexicon import LEXICON

MOSCOW = ZoneInfo("Europe/Moscow")
BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=MOSCOW)  # a Friday
ENOUGH = 1.0  # seconds of the processor for the longest text; a tenth of it is usual

# The sentence, what is asked, about which words, and what to remind of.
ROWS: list[tuple[str, Question, str, str]] = [
    ("30 февраля отчёт", Question.IMPOSSIBLE_DATE, "30 февраля", "отчёт"),
    ("25:00 отчёт", Question.IMPOSSIBLE_TIME, "25:00", "отчёт"),
    ("завтра в 25 отчёт", Question.IMPOSSIBLE_TIME, "в 25", "отчёт"),
    ("вчера отчёт", Question.PAST, "вчера", "отчёт"),
    ("напомни завтра в 9", Question.NO_TEXT, "", ""),
    ("позвонить маме", Question.NO_TIME, "", "позвонить маме"),
    ("каждую секунду моргать", Question.TOO_OFTEN, "каждую секунду", "моргать"),
    ("31 ноября праздник", Question.IMPOSSIBLE_DATE, "31 ноября", "праздник"),
    ("31.11 праздник", Question.IMPOSSIBLE_DATE, "31.11", "праздник"),
    ("1 марта 2020 праздник", Question.PAST, "1 марта 2020", "праздник"),
    ("через 10 лет праздник", Question.TOO_FAR, "через 10 лет", "праздник"),
    ("через 100000000000 лет праздник", Question.TOO_FAR, "через 100000000000 лет", "праздник"),
    ("in 6 years party", Question.TOO_FAR, "in 6 years", "party"),
    ("до пятницы сделать отчёт", Question.NO_TIME, "до пятницы", "до пятницы сделать отчёт"),
    ("купи билет на завтра сегодня вечером", Question.SEVERAL, "на завтра сегодня", "купи билет"),
    ("дважды в день таблетки", Question.NO_TIME, "дважды в день", "таблетки"),
    (
        "каждый понедельник в 10 и каждый четверг в 12 зал",
        Question.SEVERAL,
        "каждый понедельник в 10 … каждый четверг в 12",
        "зал",
    ),
    ("каждые 7 минут чай", Question.UNEVEN, "каждые 7 минут", "чай"),
    ("каждые 90 минут чай", Question.UNEVEN, "каждые 90 минут", "чай"),
    ("каждые 5 часов чай", Question.UNEVEN, "каждые 5 часов", "чай"),
    ("every 2 years party", Question.UNEVEN, "every 2 years", "party"),
    ("every day until Friday at 9 pills", Question.UNTIL, "every day until Friday at 9", "pills"),
    ("каждый день в 9 в течение недели таблетки", Question.UNTIL, "каждый день в 9 в течение недели", "таблетки"),
    ("0 9 * * 1-5", Question.NO_TEXT, "", ""),
    ("завтра", Question.NO_TEXT, "", ""),
    ("в", Question.NO_TIME, "", "в"),
    ("завтра позвонить послезавтра", Question.SEVERAL, "завтра … послезавтра", "позвонить"),
    ("завтра в 10 позвонить послезавтра в 12", Question.SEVERAL, "завтра … послезавтра", "позвонить"),
    ("напомни через 2 часа в 18:00 чай", Question.SEVERAL, "через 2 часа в 18:00", "чай"),
    ("утром в 19 чай", Question.AMBIGUOUS_HOUR, "утром в 19", "чай"),
    ("в 19 утра чай", Question.IMPOSSIBLE_TIME, "в 19 утра", "чай"),
    ("сегодня в 11:00 позвонить", Question.PAST, "сегодня в 11:00", "позвонить"),
    ("in 0 minutes tea", Question.PAST, "in 0 minutes", "tea"),
    ("в четверг 27 ноября в 10 встреча", Question.SEVERAL, "в четверг 27 ноября", "встреча"),
    ("31.11 в 10 праздник", Question.IMPOSSIBLE_DATE, "31.11", "праздник"),
    ("every year on Feb 30 party", Question.IMPOSSIBLE_DATE, "on Feb 30", "party"),
    ("every 32nd of the month party", Question.IMPOSSIBLE_DATE, "every 32nd of the month", "party"),
    ("каждое 0 число", Question.IMPOSSIBLE_DATE, "каждое 0 число", ""),
    ("в 13 утра", Question.IMPOSSIBLE_TIME, "в 13 утра", ""),
    ("12:60 чай", Question.IMPOSSIBLE_TIME, "12:60", "чай"),
    ("до 18:00 сдать отчёт", Question.NO_TIME, "до 18:00", "до 18:00 сдать отчёт"),
    ("every day at 9:00 and 21:30 pills", Question.INEXPRESSIBLE, "every day at 9:00 and 21:30", "pills"),
    ("every 5 months pay", Question.UNEVEN, "every 5 months", "pay"),
    ("every 400 days party", Question.TOO_FAR, "every 400 days", "party"),
    ("по чётным дням полив", Question.NO_TIME, "", "по чётным дням полив"),
    ("через раз", Question.NO_TIME, "", "через раз"),
    ("5 марта", Question.NO_TEXT, "", ""),
    ("каждый день в среду", Question.INEXPRESSIBLE, "каждый день в среду", ""),
    ("before 6pm call mum", Question.NO_TIME, "before 6pm", "before 6pm call mum"),
    ("every hour until 6pm drink", Question.UNTIL, "every hour until 6pm", "drink"),
    ("кроме понедельника каждый день в 9 зал", Question.INEXPRESSIBLE, "кроме понедельника", "зал"),
    ("every single day", Question.NO_TEXT, "", ""),
    ("через 5 минут", Question.NO_TEXT, "", ""),
    ("every day", Question.NO_TEXT, "", ""),
    ("remind me", Question.NO_TIME, "", ""),
    ("напомни", Question.NO_TIME, "", ""),
    ("напомни мне позвонить маме", Question.NO_TIME, "", "позвонить маме"),
    ("на 32 января отчёт", Question.IMPOSSIBLE_DATE, "на 32 января", "отчёт"),
    ("45.12.2026 отчёт", Question.IMPOSSIBLE_DATE, "45.12.2026", "отчёт"),
    ("2026-13-01 report", Question.IMPOSSIBLE_DATE, "2026-13-01", "report"),
    ("2026-11-31 report", Question.IMPOSSIBLE_DATE, "2026-11-31", "report"),
    ("Feb 30 party", Question.IMPOSSIBLE_DATE, "Feb 30", "party"),
    ("на 29.02.2027 отчёт", Question.IMPOSSIBLE_DATE, "на 29.02.2027", "отчёт"),
    ("at 25:30 tea", Question.IMPOSSIBLE_TIME, "at 25:30", "tea"),
    ("at 7:75 tea", Question.IMPOSSIBLE_TIME, "at 7:75", "tea"),
    ("в 18:99 чай", Question.IMPOSSIBLE_TIME, "в 18:99", "чай"),
    ("5 марта 2020 отчёт", Question.PAST, "5 марта 2020", "отчёт"),
    ("01.01.2020 отчёт", Question.PAST, "01.01.2020", "отчёт"),
    ("yesterday call", Question.PAST, "yesterday", "call"),
    ("вчера в 10 позвонить", Question.PAST, "вчера", "позвонить"),
    ("today at 8am call", Question.PAST, "today at 8am", "call"),
    ("in 100 years party", Question.TOO_FAR, "in 100 years", "party"),
    ("5 марта 2199 отчёт", Question.TOO_FAR, "5 марта 2199", "отчёт"),
    ("every second blink", Question.TOO_OFTEN, "every second", "blink"),
    ("every 5 seconds blink", Question.TOO_OFTEN, "every 5 seconds", "blink"),
    ("каждые 30 секунд моргать", Question.TOO_OFTEN, "каждые 30 секунд", "моргать"),
    ("every 11 minutes tea", Question.UNEVEN, "every 11 minutes", "tea"),
    ("every 7 hours tea", Question.UNEVEN, "every 7 hours", "tea"),
    ("каждые 5 месяцев чай", Question.UNEVEN, "каждые 5 месяцев", "чай"),
    ("завтра в 10 в 12 чай", Question.SEVERAL, "в 10 в 12", "чай"),
    ("завтра в 9 и 12 чай", Question.SEVERAL, "в 9 и 12", "чай"),
    ("tomorrow at 9am and 9pm pills", Question.SEVERAL, "at 9am and 9pm", "pills"),
    ("через час завтра чай", Question.SEVERAL, "через час завтра", "чай"),
    ("каждый день через час чай", Question.INEXPRESSIBLE, "каждый день через час", "чай"),
    ("каждый час завтра чай", Question.INEXPRESSIBLE, "каждый час завтра", "чай"),
    (
        "каждые 2 недели по понедельникам и средам отчёт",
        Question.INEXPRESSIBLE,
        "каждые 2 недели по понедельникам и средам",
        "отчёт",
    ),
    ("30 и 15 числа каждого месяца отчёт", Question.INEXPRESSIBLE, "30 и 15 числа каждого месяца", "отчёт"),
    ("каждый день до 5 марта в 9 чай", Question.UNTIL, "каждый день до 5 марта в 9", "чай"),
    ("every day for 2 weeks at 9am pills", Question.UNTIL, "every day for 2 weeks at 9am", "pills"),
    ("каждую пятницу до конца года чай", Question.UNTIL, "каждую пятницу до конца года", "чай"),
    ("twice a week swim", Question.INEXPRESSIBLE, "twice a week", "swim"),
    ("twice a day pills", Question.NO_TIME, "twice a day", "pills"),
    ("вечером в 9 утра чай", Question.AMBIGUOUS_HOUR, "вечером в 9 утра", "чай"),
    ("in the morning at 19 tea", Question.AMBIGUOUS_HOUR, "in the morning at 19", "tea"),
    ("каждый час в течение 2 часов чай", Question.UNTIL, "каждый час в течение 2 часов", "чай"),
    ("last working day of the month report", Question.INEXPRESSIBLE, "last working day of the month", "report"),
    ("every day at 9 except Sunday gym", Question.INEXPRESSIBLE, "except Sunday", "gym"),
    ("завтра, послезавтра в 10 чай", Question.SEVERAL, "завтра … послезавтра", "чай"),
    ("каждый день утром и вечером таблетки", Question.SEVERAL, "утром … вечером", "таблетки"),
]


@pytest.mark.parametrize(("sentence", "question", "words", "text"), ROWS, ids=[row[0] for row in ROWS])
def test_what_is_unclear_is_asked(sentence: str, question: Question, words: str, text: str) -> None:
    parsed = parse(sentence, NOW, MOSCOW)

    assert parsed.question == question
    assert (parsed.words, parsed.text) == (words, text)
    assert (parsed.rule is not None) == (question is Question.NO_TEXT)


@pytest.mark.parametrize("sentence", ["0 0 9 * * 1 чай", "0 25 * * * чай", "99 * * * * чай", "0 0 30 2 * чай"])
def test_cron_that_cannot_be_is_told_by_its_own_words(sentence: str) -> None:
    parsed = parse(sentence, NOW, MOSCOW)

    assert parsed.question is Question.BAD_CRON
    assert parsed.rule is None
    assert parsed.asks() == parsed.words != ""


@pytest.mark.parametrize("question", Question)
def test_every_question_is_a_sentence(question: Question) -> None:
    asked = Parsed(None, "", question, words="завтра").asks()
    assert asked
    assert "%" not in asked


@pytest.mark.parametrize("what", Assumption)
def test_every_assumption_is_a_sentence(what: Assumption) -> None:
    said = str(Assumed(what, time(18, 5), date(2026, 11, 20)))
    assert said
    assert "%" not in said


def test_question_quotes_the_words_it_is_about() -> None:
    assert "30 февраля" in parse("30 февраля отчёт", NOW, MOSCOW).asks()


def test_long_words_are_cut_in_a_question() -> None:
    parsed = parse("каждые 2 недели по понедельникам, вторникам, средам, четвергам и пятницам чай", NOW, MOSCOW)
    assert parsed.question is Question.INEXPRESSIBLE
    assert parsed.words.startswith("каждые 2 недели по понедельникам")
    assert len(parsed.words) <= 61


def test_nothing_is_asked_of_a_clear_sentence() -> None:
    assert parse("завтра в 10 чай", NOW, MOSCOW).asks() == ""


def test_assumption_names_the_hour_and_the_date() -> None:
    with translation.override("en"):
        [hour] = parse("at 6 gym", NOW, MOSCOW).assumed
        assert "18:00" in str(hour)
        [day] = parse("next Friday at 6pm film", NOW, MOSCOW).assumed
        assert "27 November 2026" in str(day)


# --- whose hour -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "sentence", "expected"),
    [
        ("05:00", "at 6 run", "20 06:00"),
        ("07:00", "at 6 run", "20 18:00"),
        ("12:00", "at 9 run", "20 21:00"),
        ("20:00", "в 9 кино", "20 21:00"),
        ("22:30", "в 9 зарядка", "21 09:00"),
        ("20:00", "в 3 созвон", "21 15:00"),
        ("23:30", "в 1 чай", "21 01:00"),
        ("01:00", "в 3 чай", "20 03:00"),
        ("23:00", "at 12 sleep", "21 00:00"),
        ("10:00", "at 12 lunch", "20 12:00"),
        ("18:00", "сегодня в 9 кино", "20 21:00"),
        ("08:00", "сегодня в 9 кино", "20 09:00"),
        ("19:30", "сегодня вечером кино", "20 21:00"),
        ("08:00", "утром зарядка", "20 09:00"),
        ("10:30", "this morning run", "20 11:00"),
        ("21:30", "tonight film", "20 22:00"),
        ("08:00", "сегодня чай", "20 09:00"),
        ("20:00", "сегодня чай", "20 22:00"),
        ("09:00", "в пятницу в 10 отчёт", "20 10:00"),
        ("11:00", "в пятницу в 10 отчёт", "27 10:00"),
        ("12:00", "в пятницу отчёт", "27 09:00"),
    ],
)
def test_hour_left_open_is_the_one_that_people_mean(now: str, sentence: str, expected: str) -> None:
    at = datetime.fromisoformat(f"2026-11-20 {now}").replace(tzinfo=MOSCOW)
    parsed = parse(sentence, at, MOSCOW)

    assert parsed.rule == Once(datetime.fromisoformat(f"2026-11-{expected}").replace(tzinfo=MOSCOW))
    assert parsed.assumed


@pytest.mark.parametrize(
    ("now", "sentence"), [("23:30", "сегодня вечером кино"), ("22:30", "сегодня чай"), ("13:00", "сегодня в 11:00 чай")]
)
def test_day_that_is_over_is_asked_about(now: str, sentence: str) -> None:
    at = datetime.fromisoformat(f"2026-11-20 {now}").replace(tzinfo=MOSCOW)

    assert parse(sentence, at, MOSCOW).question is Question.PAST


@pytest.mark.parametrize(("language", "hour"), [("ru", 6), ("en", 18), (None, 18)])
def test_language_decides_where_words_do_not(language: str | None, hour: int) -> None:
    now = NOW.replace(hour=7)
    rule = parse("6:30 🎂", now, MOSCOW, language).rule
    assert isinstance(rule, Once)
    assert rule.at.astimezone(MOSCOW).hour == hour


def test_words_of_the_sentence_outweigh_the_language_given() -> None:
    assert parse("каждый день 6:30 чай", NOW, MOSCOW, "en").rule == Daily(time(6, 30))
    assert parse("every day 6:30 tea", NOW, MOSCOW, "ru").rule == Daily(time(18, 30))


# --- zones and clocks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sentence", ["in 2 hours tea", "через 2 часа чай", "через 120 минут чай"])
def test_hours_from_now_elapse_whatever_the_clock_does(sentence: str) -> None:
    before_winter = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert parse(sentence, before_winter, BERLIN).rule == Once(before_winter + timedelta(hours=2))


@pytest.mark.parametrize("sentence", ["in 1 day tea", "tomorrow at 12:00 tea", "через 1 день чай"])
def test_days_from_now_keep_the_time_of_day(sentence: str) -> None:
    noon = datetime(2026, 10, 24, 12, 0, tzinfo=BERLIN)
    rule = parse(sentence, noon, BERLIN).rule
    assert rule == Once(datetime(2026, 10, 25, 12, 0, tzinfo=BERLIN))
    assert rule.at - noon.astimezone(UTC) == timedelta(hours=25)


def test_wall_time_that_the_clock_skips_is_the_end_of_the_gap() -> None:
    now = datetime(2027, 3, 27, 12, 0, tzinfo=BERLIN)
    parsed = parse("завтра в 2:30 ночи чай", now, BERLIN)
    assert parsed.rule == Once(datetime(2027, 3, 28, 1, 0, tzinfo=UTC))
    assert [str(line) for line in parsed.assumed] == [
        "There is no 02:30 on 28 March 2027: the clock goes forward. It comes at that moment."
    ]


@pytest.mark.parametrize("name", ["America/New_York", "Asia/Tokyo", "Asia/Kathmandu", "Pacific/Apia", "UTC"])
def test_wall_time_is_in_the_zone_of_the_person(name: str) -> None:
    zone = ZoneInfo(name)
    now = NOW.astimezone(UTC)
    tomorrow = now.astimezone(zone).date() + timedelta(1)
    rule = parse("tomorrow at 9am tea", now, zone).rule
    assert rule == Once(datetime.combine(tomorrow, time(9), tzinfo=zone))


def test_month_from_its_last_day_is_the_last_day_of_the_next() -> None:
    now = datetime(2027, 1, 31, 12, 0, tzinfo=MOSCOW)
    assert parse("через месяц чай", now, MOSCOW).rule == Once(datetime(2027, 2, 28, 12, 0, tzinfo=MOSCOW))


def test_date_of_this_year_that_is_ahead_needs_no_word() -> None:
    parsed = parse("25 декабря в 10 праздник", NOW, MOSCOW)
    assert parsed.rule == Once(datetime(2026, 12, 25, 10, 0, tzinfo=MOSCOW))
    assert parsed.assumed == []


# --- the text that is left ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sentence", "text"),
    [
        ("завтра в 10\nкупить молоко\nи хлеб", "купить молоко\nи хлеб"),
        ("Купить:\n- молоко\n- хлеб\nзавтра в 10", "Купить:\n- молоко\n- хлеб"),
        ("завтра в 10 прочитать «Войну и мир»", "прочитать «Войну и мир»"),
        ("remind me tomorrow at 9am that the “in 2 hours” talk starts", "the “in 2 hours” talk starts"),
        ("Напомни: завтра в 10 — планёрка", "планёрка"),
        ("завтра в 10 напомни мне, что пора", "пора"),
        ("позвонить в банк завтра в 10", "позвонить в банк"),
        ("Позвонить маме и завтра в 10", "Позвонить маме"),
        ("📅 завтра в 10: встреча!", "📅: встреча!"),
        ("завтра в 10   много    пробелов", "много пробелов"),
        ("ПОЗВОНИТЬ ЗАВТРА В 10", "ПОЗВОНИТЬ"),
        ("Tomorrow AT 10AM Call", "Call"),
        ("Remind me to remind Bob tomorrow", "remind Bob"),
        ("завтра в 9 напомни мне напомнить Бобу", "напомнить Бобу"),
        ("пить витамин С каждый день", "пить витамин С"),
        ("купить хлеб в завтра", "купить хлеб"),
    ],
)
def test_text_is_left_whole_and_tidy(sentence: str, text: str) -> None:
    assert parse(sentence, NOW, MOSCOW).text == text


# --- any text -------------------------------------------------------------------------------------------------------

LONGEST = 10_000
HOSTILE = [
    " ", "в ", "9", "9 ", ".", ",", '"', "«", "“", "„", "\n", "\n ", "\0", "(", "🎂", "زنگ ", "İ", "\ud800",
    "завтра ", "завтра    ", "каждый ", "пн, ", "9 и ", "через ", "1 час ", "напомни ", "напомни, мне ", "1:1:",
    "1.1.", "1-1-", "в завтра, ", "can you ", "please ", "* ", "1,", "и и завтра ", "что ", "tomorrow at 9 ", "a'",
    "с половиной ", "twenty-", "for 1 hour and ", "every 2 ", "from 9 to ", "кроме пн, ",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=repr)
def test_long_text_takes_little_time(piece: str) -> None:
    text = (piece * LONGEST)[:LONGEST]
    began = clock.process_time()
    for sentence in (text, "напомни завтра" + text + "x"):
        assert isinstance(parse(sentence, NOW, MOSCOW), Parsed)
    assert clock.process_time() - began < 2 * ENOUGH


def check(parsed: Parsed, now: datetime) -> None:
    """What holds for whatever is parsed."""
    assert parsed.text == parsed.text.strip()
    assert "\0" not in parsed.text
    if parsed.question is None:
        assert parsed.rule is not None
        assert parsed.text
    else:
        assert parsed.asks()
    if isinstance(parsed.rule, Once):
        assert parsed.rule.at > now
    assert all(str(one) for one in parsed.assumed)


WORDS = st.sampled_from(sorted(LEXICON)) | st.sampled_from(
    ["5", "25", "31", "0", "9:30", "18:30", "25:00", "31.12", "5.3.2027", "2027-03-05", "5th", "15-го", "6pm", "«чай»"]
)
SENTENCES = st.lists(WORDS | st.text(max_size=5), max_size=12).map(" ".join)
NOWS = st.datetimes(datetime(2001, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))
ZONES = st.sampled_from(["UTC", "Europe/Moscow", "Europe/Berlin", "America/New_York", "Africa/Cairo", "Pacific/Apia"])


@settings(max_examples=300, deadline=None)
@given(SENTENCES, NOWS, ZONES, st.sampled_from([None, "ru", "en"]))
def test_words_in_any_order_are_read_or_asked_about(text: str, now: datetime, zone: str, language: str | None) -> None:
    check(parse(text, now, ZoneInfo(zone), language), now)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200), NOWS, ZONES)
def test_any_text_is_read_or_asked_about(text: str, now: datetime, zone: str) -> None:
    check(parse(text, now, ZoneInfo(zone)), now)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5000), st.sampled_from(["minutes", "hours", "минут", "часов"]), NOWS, ZONES)
def test_minutes_and_hours_from_now_are_exact(count: int, span: str, now: datetime, zone: str) -> None:
    minutes = count * (60 if span in {"hours", "часов"} else 1)
    rule = parse(f"in {count} {span} tea", now, ZoneInfo(zone)).rule
    assert rule == Once(now + timedelta(minutes=minutes))


@settings(max_examples=100, deadline=None)
@given(st.times(), st.sets(st.integers(0, 6), min_size=1))
def test_weekdays_are_read_whatever_their_number_and_hour(at: time, days: set[int]) -> None:
    names = ["понедельник", "вторник", "среду", "четверг", "пятницу", "субботу", "воскресенье"]
    said = ", ".join(names[day] for day in sorted(days))
    parsed = parse(f"каждый {said} в {at:%H:%M} чай", NOW, MOSCOW)
    assert (parsed.rule, parsed.text) == (Weekly(frozenset(days), time(at.hour, at.minute)), "чай")


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 59), st.integers(0, 23))
def test_literal_cron_is_taken_as_it_stands(minute: int, hour: int) -> None:
    assert parse(f"{minute} {hour} * * 1-5 чай", NOW, MOSCOW).rule == Cron(f"{minute} {hour} * * 1-5")
