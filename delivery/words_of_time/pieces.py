"""What a phrase may say of time, and how it was found in a sentence."""

from dataclasses import dataclass
from datetime import date

from delivery.words_of_time.said import Assumption, Question


@dataclass(frozen=True, slots=True)
class Clock:
    """An hour of the day, 0 to 24; 24 is the midnight that ends the day. Not ``exact``: 6 may mean 18."""

    hour: int
    minute: int = 0
    exact: bool = True
    written: bool = False  # like 6:30, which is the morning where people count to 24
    night: bool = False  # 2 at night
    russian: bool | None = None  # None: its phrase has no letters


@dataclass(frozen=True, slots=True)
class Clocks:
    """Several hours of each day."""

    clocks: tuple[Clock, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the day: morning, afternoon, evening, night; ``today`` when its name says so (tonight)."""

    name: str
    today: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """A date. ``step`` says which like it comes next once this one has passed: week, month or year."""

    date: date
    step: str = ""
    weekday: int | None = None
    monthday: int | None = None  # 31: the last one
    note: Assumption | None = None


@dataclass(frozen=True, slots=True)
class After:
    """How far away: minutes of elapsed time, days and months of the calendar."""

    minutes: float = 0
    days: int = 0
    months: int = 0
    note: Assumption | None = None


@dataclass(frozen=True, slots=True)
class Repeat:
    """Every ``count`` spans; ``times`` stands for several times a day, the hours being said elsewhere."""

    span: str
    count: int = 1
    part: str = ""


@dataclass(frozen=True, slots=True)
class OnWeekdays:
    """Each week on some days, 0 = Monday; each ``count`` weeks."""

    days: frozenset[int]
    count: int = 1
    note: Assumption | None = None


@dataclass(frozen=True, slots=True)
class OnDates:
    """Each month, or each year in ``month``, on some days; ``weekday`` is a cron's field, such as 1#2 or 5L."""

    days: tuple[int, ...] = ()
    month: int | None = None
    weekday: str = ""
    last: bool = False  # «the last day» was said, which is written 31


@dataclass(frozen=True, slots=True)
class Hours:
    """From one hour to another."""

    first: Clock
    last: Clock


@dataclass(frozen=True, slots=True)
class Earlier:
    """So many minutes before what is named."""

    minutes: float


@dataclass(frozen=True, slots=True)
class Until:
    """The end of a series; a ``short`` one is less than a day away."""

    short: bool = False


@dataclass(frozen=True, slots=True)
class Wrong:
    """A phrase that cannot be, such as 25:00."""

    question: Question


Piece = Clock | Clocks | Part | Day | After | Repeat | OnWeekdays | OnDates | Hours | Earlier | Until | Wrong


@dataclass(frozen=True, slots=True)
class Found:
    """A piece and the places of its tokens, [first, end). A ``weak`` one means time only in company, or at an edge."""

    piece: Piece
    first: int
    end: int
    weak: bool = False
