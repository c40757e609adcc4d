"""The words of time in Russian and English, and the tokens of a sentence. What may follow what is said by the phrases.

Every word has one kind and a value; both languages share the kinds, so a sentence may mix them. ``ё`` is
written ``е`` here. Words without an entry are tokens of the kind ``word``.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

MOST_DIGITS = 9
ENDLESS = 10**MOST_DIGITS  # what a longer number counts as


class Token(NamedTuple):
    """A piece of a sentence; ``start`` and ``end`` are its place there."""

    kind: str
    value: Any
    text: str
    start: int
    end: int


NUMBERS = {
    0: "zero ноль",
    1: "one один одна одну одного одной",
    2: "two couple два две двух двум пара пару пары",
    3: "three три трех трем",
    4: "four четыре четырех",
    5: "five пять пяти",
    6: "six шесть шести",
    7: "seven семь семи",
    8: "eight восемь восьми",
    9: "nine девять девяти",
    10: "ten десять десяти",
    11: "eleven одиннадцать одиннадцати",
    12: "twelve двенадцать двенадцати",
    13: "thirteen тринадцать тринадцати",
    14: "fourteen четырнадцать четырнадцати",
    15: "fifteen пятнадцать пятнадцати",
    16: "sixteen шестнадцать шестнадцати",
    17: "seventeen семнадцать семнадцати",
    18: "eighteen восемнадцать восемнадцати",
    19: "nineteen девятнадцать девятнадцати",
    20: "twenty двадцать двадцати",
    30: "thirty тридцать тридцати",
    40: "forty сорок сорока",
    50: "fifty пятьдесят пятидесяти",
    1.5: "полтора полторы полутора",
}

ORDINALS = {
    1: "first перв",
    2: "other втор",
    3: "third трет",
    4: "fourth четверт",
    5: "fifth пят",
    6: "sixth шест",
    7: "seventh седьм",
    8: "eighth восьм",
    9: "ninth девят",
    10: "tenth десят",
    11: "eleventh одиннадцат",
    12: "twelfth двенадцат",
    13: "thirteenth тринадцат",
    14: "fourteenth четырнадцат",
    15: "fifteenth пятнадцат",
    16: "sixteenth шестнадцат",
    17: "seventeenth семнадцат",
    18: "eighteenth восемнадцат",
    19: "nineteenth девятнадцат",
    20: "twentieth двадцат",
    30: "thirtieth тридцат",
}
ENDINGS = [
    "ый",
    "ой",
    "ий",
    "ое",
    "ого",
    "ому",
    "ом",
    "ая",
    "ую",
    "ые",
    "ых",
    "ым",
    "ье",
    "ьего",
    "ьему",
    "ья",
    "ью",
    "ьей",
]

WEEKDAYS = (
    "monday mon понедельник понедельника понедельнику пн",
    "tuesday tue tues вторник вторника вторнику вт",
    "wednesday wed weds среда среды среду среде ср",
    "thursday thu thur thurs четверг четверга четвергу чт",
    "friday fri пятница пятницы пятницу пятнице пт",
    "saturday sat суббота субботы субботу субботе сб",
    "sunday sun воскресенье воскресенья воскресенью вс",
)
PLURAL_WEEKDAYS = (
    "mondays понедельникам понедельники",
    "tuesdays вторникам вторники",
    "wednesdays средам среды",
    "thursdays четвергам четверги",
    "fridays пятницам пятницы",
    "saturdays субботам субботы",
    "sundays воскресеньям воскресенья",
)
MONTHS = (
    "january jan январь января январе янв",
    "february feb февраль февраля феврале фев",
    "march mar март марта марте мар",
    "april apr апрель апреля апреле апр",
    "may май мая мае",
    "june jun июнь июня июне июн",
    "july jul июль июля июле июл",
    "august aug август августа августе авг",
    "september sep sept сентябрь сентября сентябре сен сент",
    "october oct октябрь октября октябре окт",
    "november nov ноябрь ноября ноябре ноя",
    "december dec декабрь декабря декабре дек",
)

SPANS = {
    "second": "second seconds sec secs s секунда секунды секунду секунд секундочку сек",
    "minute": "minute minutes min mins m минута минуты минуту минут минутку минуток мин м",
    "hour": "hour hours hr hrs h час часа часов часу часик ч",
    "day": "day days d день дней сутки суток",
    "week": "week weeks неделя недели неделю неделе недель нед",
    "month": "month months месяц месяца месяце месяцев мес",
    "year": "year years год года году лет",
}

# The hours that a part of the day stands for: the usual one, then those for when it is already late.
PART_HOURS = {"morning": (9, 11), "afternoon": (14, 16), "evening": (19, 21, 22, 23), "night": (23,)}

WORDS: dict[str, dict[Any, str]] = {
    "daypart": {
        "morning": "утром утречком",
        "afternoon": "днем",
        "evening": "вечером вечерком",
        "night": "ночью",
    },
    "part": {
        "morning": "morning утро утру",
        "afternoon": "afternoon",
        "evening": "evening вечер вечеру",
        "night": "night ночь",
    },
    "ofpart": {"morning": "утра", "evening": "вечера", "night": "ночи"},
    "parts": {
        "morning": "mornings утрам",
        "afternoon": "afternoons",
        "evening": "evenings вечерам",
        "night": "nights ночам",
    },
    "tonight": {"evening": "tonight"},
    "dnya": {"day": "дня"},  # 3 дня: three days; в 3 дня: at 3 pm
    "dayrel": {
        -1: "yesterday вчера",
        0: "today сегодня сегодняшнего",
        1: "tomorrow tmrw завтра завтрашнего",
        2: "послезавтра overmorrow",
    },
    "every": {None: "every each каждый каждая каждое каждую каждые каждого каждой каждому"},
    "often": {
        "hour": "hourly ежечасно",
        "day": "daily ежедневно",
        "week": "weekly еженедельно",
        "month": "monthly ежемесячно",
        "year": "yearly annually ежегодно",
        "quarter": "quarterly ежеквартально",
        "fortnight": "fortnightly biweekly",
    },
    "once": {1: "once раз", 2: "twice дважды"},
    "times": {None: "times раза"},
    "me": {None: "me us мне нам"},
    "workday": {None: "weekday weekdays workday workdays будни будням буднях будний будня"},
    "working": {None: "business working рабочий рабочие рабочим рабочих рабочего будничный будние будним"},
    "weekend": {None: "weekend выходные выходным выходных"},
    "weekends": {None: "weekends"},
    "dayforms": {None: "дням"},
    "counted": {None: "% км кг руб рублей разу этаж этаже классе веке процентов метров метрах"},
    "at": {None: "at @ в во к ко by"},
    "on": {None: "on на"},
    "by": {None: "по"},
    "in": {None: "in через спустя"},
    "afterwards": {None: "after после past later позже"},
    "to": {None: "to"},
    "till": {None: "until till til до"},
    "before": {None: "before"},
    "from": {None: "from с со от between"},
    "now": {None: "now"},
    "except": {None: "except кроме"},
    "starting": {None: "starting beginning начиная начале"},
    "during": {None: "течение"},
    "for": {None: "for за"},
    "of": {None: "of"},
    "without": {None: "без"},
    "and": {None: "and & и"},
    "with": {None: "with"},
    "half": {None: "half половиной половину половине половина пол"},
    "quarter": {None: "quarter четверть четверти квартал квартала"},
    "the": {None: "the"},
    "article": {None: "a an single"},
    "next": {None: "next следующий следующая следующую следующее следующей следующем следующие"},
    "this": {None: "this coming этот эту это этой этом эти ближайший ближайшую ближайшее ближайшие"},
    "last": {None: "last последний последняя последнюю последнее последнего последней"},
    "end": {None: "end конце концу конца"},
    "dayword": {None: "число числа числам числу"},
    "yearword": {None: "г"},
    "oclock": {None: "oclock o'clock o’clock"},
    "about": {None: "about around approximately примерно около где-то приблизительно ближе"},
    "noon": {(12, 0): "noon midday полдень полудню"},
    "midnight": {(24, 0): "midnight полночь полуночи полночи"},
    "lunch": {(13, 0): "lunch lunchtime обед обеда обедом"},
    "remind": {
        None: "remind reminder reminders напомни напомните напоминай напоминайте напомнить напоминание "
        "напоминалку напоминалка"
    },
}

SIGNS = {",": "comma", "-": "dash", "–": "dash", "—": "dash"}


def _lexicon() -> dict[str, tuple[str, Any]]:
    known: dict[str, tuple[str, Any]] = {}

    def add(kind: str, value: Any, words: str) -> None:
        known.update(dict.fromkeys(words.split(), (kind, value)))

    for number, days in enumerate(PLURAL_WEEKDAYS):
        add("weekdays", number, days)
    for number, days in enumerate(WEEKDAYS):
        add("weekday", number, days)
    for number, months in enumerate(MONTHS, 1):
        add("monthname", number, months)
    for count, words in NUMBERS.items():
        add("number", count, words)
    for number, words in ORDINALS.items():
        english, stem = words.split()
        add("ord", number, english + " " + " ".join(stem + ending for ending in ENDINGS))
        if number <= 12:  # полседьмого is half past six
            add("halfto", number - 1, f"пол{stem}{'ьего' if number == 3 else 'ого'}")
    for span, words in SPANS.items():
        add(span, span, words)
    add("halfspan", "hour", "полчаса полчасика получаса")
    add("halfspan", "year", "полгода")
    for kind, table in WORDS.items():
        for value, words in table.items():
            add(kind, value, words)
    return known


LEXICON = _lexicon()

KINDS = {kind for kind, _value in LEXICON.values()} | {*SIGNS.values(), "word", "sign", "quoted"}
KINDS |= {"iso", "date", "clock", "pair", "ord", "number", "meridiem"}

# Digits before words, long forms before short ones; every repetition is bounded or of one class, so this is linear.
DIGITS_AND_WORDS = r"""
      (?P<iso>\d{4}-\d{1,2}-\d{1,2})(?:T(?=\d))?
    | (?P<date>\d{1,2}(?P<dot>[./])\d{1,2}(?P=dot)(?:\d{4}|\d{2})(?!\d))
    | (?P<clock>\d{1,2}:\d{2}(?::\d{2})?(?![\d:]))
    | (?P<pair>\d{1,2}[.,/-]\d{1,2}(?!\d|[.,/-]\d))
    | (?P<ord>\d{1,2}(?:(?:st|nd|rd|th)|-?(?:ое|ого|го|й)|-(?:е|му|м|я|х|ю))(?![^\W_]))
    | (?P<number>\d+)
    | (?P<meridiem>[ap]\.m\.|[ap]m(?![^\W_]))
    | (?P<word>o['’]clock|где-то|[^\W\d_]+(?:['’][^\W\d_]+)?)
    | (?P<sign>\S)
"""
QUOTED = r"(?P<quoted>«[^«»]*»|“[^“”]*”|„[^„“”]*[“”]|\"[^\"]*\") |"
TOKEN = re.compile(DIGITS_AND_WORDS, re.VERBOSE | re.IGNORECASE)
TOKEN_OR_QUOTE = re.compile(QUOTED + DIGITS_AND_WORDS, re.VERBOSE | re.IGNORECASE)


def tokens_of(text: str, quotes: bool = False) -> list[Token]:
    """The tokens of a sentence, compound numbers put together; with ``quotes``, what they hold is one token."""
    pattern = TOKEN_OR_QUOTE if quotes else TOKEN
    return list(_joined(_token(match) for match in pattern.finditer(text)))


def _token(match: "re.Match[str]") -> Token:
    kind, text = match.lastgroup or "sign", match.group()
    value: Any = None
    if kind == "word":
        kind, value = LEXICON.get(text.lower().replace("ё", "е"), ("word", None))
    elif kind == "sign":
        known = LEXICON.get(text, ("sign", None))
        kind, value = SIGNS.get(text, known[0]), known[1]
    elif kind == "number":
        kind, value = "number", int(text) if len(text) <= MOST_DIGITS else ENDLESS
    elif kind == "ord":
        value = int(re.sub(r"\D", "", text))
    elif kind == "quoted":
        value = None
    elif kind == "meridiem":
        value = text[0].lower() + "m"
    else:
        value = tuple(int(part) for part in re.findall(r"\d+", text))
    return Token(kind, value, text, match.start(), match.end())


def _joined(tokens: Iterator[Token]) -> Iterator[Token]:
    """двадцать пять is one number, and so is twenty-fifth; only words are joined, never digits."""
    held: list[Token] = []
    for token in tokens:
        if held and (joined := _join(held, token)):
            held = [joined]
            continue
        if held and len(held) == 1 and token.kind == "dash":
            held.append(token)
            continue
        yield from held
        held = [token] if _is_ten(token) else []
        if not held:
            yield token
    yield from held


def _is_ten(token: Token) -> bool:
    return token.kind == "number" and token.text.isalpha() and token.value in {20, 30, 40, 50}


def _join(held: list[Token], token: Token) -> Token | None:
    ten = held[0]
    if token.kind in {"number", "ord"} and token.text.isalpha() and token.value in range(1, 10) and _is_ten(ten):
        text = f"{ten.text} {token.text}"
        return Token(token.kind, ten.value + token.value, text, ten.start, token.end)
    return None
