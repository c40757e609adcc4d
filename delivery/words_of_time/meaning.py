"""The phrases of a sentence put together: one of each sort, or a question about those that contradict each other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from delivery.words_of_time.choosing import sort_of
from delivery.words_of_time.clocks import HOURS_OF
from delivery.words_of_time.pieces import (
    After,
    Clock,
    Clocks,
    Day,
    Earlier,
    Found,
    Hours,
    OnDates,
    OnWeekdays,
    Part,
    Repeat,
    Until,
    Wrong,
)
from delivery.words_of_time.said import Assumed, Assumption, Question

USUAL = time(9, 0)  # when no hour is said
# The hours of a part of the day: the usual one, and those for when that is over already.
PART_HOURS = {"morning": (9, 11), "afternoon": (14, 16), "evening": (19, 21, 22, 23), "night": (23,)}
DAY_HOURS = (9, 14, 19, 22)
SMALL_HOURS = 6  # before this nobody means the morning by a bare number


class Unclear(Exception):
    """A question; ``found`` are the phrases it is about, all of them when empty."""

    def __init__(self, question: Question, found: Sequence[Found] = ()) -> None:
        super().__init__(question)
        self.question = question
        self.found = found


@dataclass(slots=True)
class Meaning:
    """What a sentence says of time, when it was said, and what had to be assumed so far."""

    now: datetime  # in the person's zone
    zone: ZoneInfo
    russian: bool
    clocks: tuple[Clock, ...] = ()
    part: Part | None = None
    day: Day | None = None
    after: After | None = None
    repeat: Repeat | None = None
    dates: OnWeekdays | OnDates | None = None
    hours: Hours | None = None
    earlier: Earlier | None = None
    until: Until | None = None
    assumed: list[Assumed] = field(default_factory=list)

    @property
    def today(self) -> date:
        return self.now.date()

    @property
    def comes_again(self) -> bool:
        return self.repeat is not None or self.dates is not None

    def assume(self, what: Assumption, at: time | None = None, on: date | None = None) -> None:
        self.assumed.append(Assumed(what, at, on))

    def exact(self, clock: Clock) -> Clock:
        """The clock with what the part of the day and the language say of it."""
        russian = self.russian if clock.russian is None else clock.russian
        if self.part and not clock.exact:
            hour = HOURS_OF[self.part.name].get(clock.hour)
            if hour is None:
                raise Unclear(Question.AMBIGUOUS_HOUR)
            return Clock(hour, clock.minute)
        if self.part and clock.hour not in HOURS_OF[self.part.name].values():
            raise Unclear(Question.AMBIGUOUS_HOUR)
        return Clock(clock.hour, clock.minute, clock.exact or (clock.written and russian), russian=russian)

    def usual(self, clock: Clock) -> Clock:
        """The half of the day that people mean by a bare hour: 7 to 12 as they stand, 1 to 6 in the afternoon."""
        clock = self.exact(clock)
        if clock.exact:
            return clock
        shifted = clock.hour <= SMALL_HOURS
        usual = Clock(clock.hour + 12 if shifted else clock.hour, clock.minute)
        if shifted or not clock.russian:
            self.assume(Assumption.HOUR, at=time(usual.hour, usual.minute))
        return usual


def meaning_of(found: Sequence[Found], now: datetime, zone: ZoneInfo, russian: bool) -> Meaning:
    """Put the phrases together. Raises ``Unclear`` for those that cannot be, or not with each other."""
    sorts: dict[str, list[Found]] = {}
    for piece in found:
        if isinstance(piece.piece, Wrong):
            raise Unclear(piece.piece.question, [piece])
        sorts.setdefault(sort_of(piece), []).append(piece)
    meaning = Meaning(now.astimezone(zone), zone, russian)
    if len(sorts.get("dates", ())) > 1 and len(sorts.get("clock", ())) > 1:  # Monday at 10 and Thursday at 12
        raise Unclear(Question.SEVERAL)
    for alike in sorts.values():
        _put(meaning, alike, again=bool({"repeat", "dates"} & set(sorts)))
    return meaning


def _put(meaning: Meaning, alike: Sequence[Found], again: bool) -> None:
    pieces = list(dict.fromkeys(found.piece for found in alike))
    if isinstance(pieces[0], Clock | Clocks):
        meaning.clocks = _all_clocks(pieces)
        if len(meaning.clocks) > 1 and not again:
            raise Unclear(Question.SEVERAL, alike)
        return
    match pieces:
        case [Part() as part]:
            meaning.part = part
        case [Day() as day]:
            meaning.day = day
        case [Day() as one, Day() as other] if one.date == other.date or _weekday_of(one, other):
            meaning.day = other if one.step == "week" else one
        case [After() as after]:
            meaning.after = after
        case [Repeat() as repeat]:
            meaning.repeat = repeat
        case [OnWeekdays() | OnDates() as dates]:
            meaning.dates = dates
        case [OnWeekdays(some, 1), OnWeekdays(others, 1)]:
            meaning.dates = OnWeekdays(some | others)
        case [Hours() as hours]:
            meaning.hours = hours
        case [Earlier() as earlier]:
            meaning.earlier = earlier
        case [Until() as until]:
            meaning.until = until
        case _:
            raise Unclear(Question.SEVERAL, alike)


def _all_clocks(pieces: Sequence[object]) -> tuple[Clock, ...]:
    clocks: list[Clock] = []
    for piece in pieces:
        clocks += piece.clocks if isinstance(piece, Clocks) else [piece] if isinstance(piece, Clock) else []
    return tuple(dict.fromkeys(clocks))


def _weekday_of(one: Day, other: Day) -> bool:
    """Whether one is the weekday of the other: Friday, 27 November."""
    first, second = (one, other) if one.step == "week" else (other, one)
    return first.step == "week" and second.step != "week" and first.weekday == second.date.weekday()
