"""Phrases of what comes again: every day, по будням, каждые 15 минут, the last Friday of each month."""

from collections.abc import Sequence
from datetime import date

from delivery.words_of_time.clocks import kinds_of, values
from delivery.words_of_time.days import SPANS, amounts, named_date
from delivery.words_of_time.lexicon import Token
from delivery.words_of_time.pieces import Day, OnDates, OnWeekdays, Piece, Repeat, Wrong
from delivery.words_of_time.said import Assumption, Question

SMALLER = {"hour": ("minute", 60), "year": ("month", 12)}


def every_span(tokens: Sequence[Token], today: date) -> Piece | None:
    """every day, every 3 days, каждый второй день, раз в 2 недели, каждые полчаса."""
    if 2 in values(tokens, "once"):
        return times_a_span(tokens, today)
    count, span = amounts(tokens)[-1]
    for number in values(tokens, "ord"):
        count = number
    if span in SMALLER and count != int(count):
        span, times = SMALLER[span]
        count *= times
    if span == "second" or not count:
        return Wrong(Question.TOO_OFTEN)
    if count != int(count):
        return Wrong(Question.UNEVEN)
    if span == "quarter":
        count, span = count * 3, "month"
    return Repeat("day" if span == "dnya" else span, int(count))


def often(tokens: Sequence[Token], today: date) -> Piece | None:
    """daily, еженедельно."""
    span = tokens[-1].value
    return {"quarter": Repeat("month", 3), "fortnight": Repeat("week", 2)}.get(span, Repeat(span))


def times_a_span(tokens: Sequence[Token], today: date) -> Piece | None:
    """twice a day: the hours are said elsewhere."""
    [span] = kinds_of(tokens) & SPANS
    return Repeat("times") if span == "day" else Wrong(Question.INEXPRESSIBLE)


def every_part(tokens: Sequence[Token], today: date) -> Piece | None:
    """every morning, по вечерам."""
    [name] = [token.value for token in tokens if token.kind in {"part", "parts"}]
    return Repeat("day", part=name)


def on_weekdays(tokens: Sequence[Token], today: date) -> Piece | None:
    """каждый понедельник и четверг, on Mondays, every other Friday; on Monday and Thursday can only mean each week."""
    repeated = kinds_of(tokens) & {"every", "by", "weekdays", "often"}
    count = next(iter(values(tokens, "ord", "number")), 1)
    if count != int(count) or not count:
        return None
    days = frozenset(values(tokens, "weekday", "weekdays"))
    return OnWeekdays(days, int(count), None if repeated else Assumption.EVERY_WEEK)


def weekday_range(tokens: Sequence[Token], today: date) -> Piece | None:
    """с понедельника по пятницу, Mon-Fri."""
    first, last = values(tokens, "weekday", "weekdays")
    return OnWeekdays(frozenset(day % 7 for day in range(first, last + (1 if last > first else 8))))


def except_on(tokens: Sequence[Token], today: date) -> Piece | None:
    """каждый день, кроме воскресенья."""
    kinds = kinds_of(tokens)
    left = set(range(7)).difference(values(tokens, "weekday", "weekdays"))
    left -= set(range(5)) if "workday" in kinds else set()
    left -= {5, 6} if kinds & {"weekend", "weekends"} else set()
    return OnWeekdays(frozenset(left)) if left else None


def beyond(tokens: Sequence[Token], today: date) -> Piece | None:
    """What no rule can hold: the last working day, an exception that stands apart from its rule."""
    return Wrong(Question.INEXPRESSIBLE)


def workdays(tokens: Sequence[Token], today: date) -> Piece | None:
    return OnWeekdays(frozenset(range(5)))


def weekends(tokens: Sequence[Token], today: date) -> Piece | None:
    return OnWeekdays(frozenset({5, 6}))


def on_dates(tokens: Sequence[Token], today: date) -> Piece | None:
    """каждое 31-е число, 1 и 15 числа каждого месяца."""
    days = values(tokens, "number", "ord")
    if not all(1 <= day <= 31 and day == int(day) for day in days):
        return Wrong(Question.IMPOSSIBLE_DATE)
    return OnDates(tuple(sorted(set(days))))


def on_last_day(tokens: Sequence[Token], today: date) -> Piece | None:
    return OnDates((31,), last=True)


def each_year(tokens: Sequence[Token], today: date) -> Piece | None:
    """каждое 5 марта."""
    found = named_date(tokens, today)
    return OnDates((found.date.day,), found.date.month) if isinstance(found, Day) else found


def nth_weekday(tokens: Sequence[Token], today: date) -> Piece | None:
    """первый понедельник месяца, the last Friday of each month."""
    [weekday] = values(tokens, "weekday")
    [nth] = values(tokens, "ord") or [0]
    if nth > 5:
        return Wrong(Question.IMPOSSIBLE_DATE)
    cron_day = (weekday + 1) % 7
    return OnDates(weekday=f"{cron_day}#{nth}" if nth else f"{cron_day}L")


PHRASES = [
    ("(every day|often) comma? except PREP? EXCEPTED (SEP EXCEPTED){0,5}", except_on),
    ("PREP? the? every? (ord|last) weekday (of? every month|PREP every month|of? the? month)", nth_weekday),
    ("every month PREP? the? (ord|last) weekday", nth_weekday),
    ("every (ord|last) weekday of the month", nth_weekday),
    ("(PREP|by)? the? every? THEDAY (SEP PREP? the? THEDAY){1,6} (of? every month|PREP every month)", on_dates),
    ("every THEDAY (SEP PREP? the? THEDAY){1,6} of? the? month", on_dates),
    ("by ((number|ord) dayword? SEP by?){0,6} (number|ord) dayword (of? every month)?", on_dates),
    ("every (number|ord) day of? (the|every)? month", on_dates),
    ("PREP? the? every? (ord|last) (workday|working) day? (of? (the|this|next|every)? month)?", beyond),
    ("PREP? every? the? last day of? every month|PREP? the? end of? every month", on_last_day),
    ("every month PREP? the? (last day|end) (of? the? month)?|every last day (of? the? month)?", on_last_day),
    ("every (number|ord) of? monthname|every monthname (number|ord)", each_year),
    ("every (number|ord) dayword (of? (the|every)? month)?|every (number|ord) of (the|every) month", on_dates),
    ("PREP? the? (number|ord) (dayword|day)? of? every month", on_dates),
    ("every ord (?=at)", on_dates),
    ("every ord? (weekday|weekdays) (SEP (PREP|by)? every? (weekday|weekdays)){0,6}", on_weekdays),
    ("every number WEEK (PREP|by) (weekday|weekdays) (SEP (PREP|by)? (weekday|weekdays)){0,6}", on_weekdays),
    ("every? from? weekday (dash|till|to|by) weekday", weekday_range),
    ("(PREP|by)? weekdays (SEP (PREP|by)? (weekday|weekdays)){0,6}", on_weekdays),
    ("by weekday (SEP by? weekday){0,6}", on_weekdays),
    ("PREP? the? weekday (SEP (PREP the?)? weekday){1,6}", on_weekdays),
    ("(PREP|by)? every? workday (day|dayforms)?|(PREP|by)? every? working (day|dayforms)", workdays),
    ("by weekend dayforms?|PREP? every weekend|(PREP|by)? weekends", weekends),
    ("every part|by parts|PREP? the? parts", every_part),
    ("every (about? number|ord|pair) SPAN|every half? of? article? SPAN|every halfspan", every_span),
    ("once (in|at|every) (number|pair|half)? article? (SPAN|halfspan)|once (article|every) SPAN", every_span),
    ("number (times|once) (in|at|article|every) article? SPAN", times_a_span),
    ("often", often),
]
WEAK_PHRASES = [
    ("except PREP? EXCEPTED (SEP EXCEPTED){0,5}", beyond),
]
