"""The items of a seller: which there are, on which days each is up, and its share of a day's figures."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import date
from itertools import accumulate

from .figures import Parts, number

UP, ROUND = 60, 90  # an item that comes and goes is up on so many days of each so many
RENEWED = 30  # days after which an item is published anew
CLOSED = ("old", "removed", "old", "blocked", "rejected")
CITIES = ((637640, "Москва"), (653240, "Санкт-Петербург"), (650400, "Казань"))
Category = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Line:
    """What a seller sells: a category, and the titles its items have in turn."""

    category: Category
    titles: tuple[str, ...]
    price: int | None  # roubles, of the cheapest


FURNITURE = (
    Line((20, "Мебель и интерьер"), ("Кровать 160×200", "Шкаф-купе «Онега»", "Стол обеденный, дуб"), 12_900),
    Line((21, "Бытовая техника"), ("Холодильник двухкамерный", "Стиральная машина 6 кг"), 9_500),
)
RENOVATION = (
    Line((114, "Предложение услуг"), ("Ремонт квартир под ключ", "Укладка плитки", "Электрик на дом"), None),
    Line((19, "Ремонт и строительство"), ("Плитка керамическая, м²", "Ламинат 33 класс, м²"), 890),
)
COFFEE = (Line((111, "Вакансии"), ("Бариста", "Кассир-бариста", "Пекарь"), 65_000),)


@dataclass(frozen=True, slots=True)
class Item:
    """An item; `weight` is its share of the trade, `passing` whether it comes and goes."""

    id: int
    n: int
    title: str
    price: int | None
    category: Category
    city: tuple[int, str]
    weight: int
    passing: bool
    employee: int = 0

    def is_up(self, day: date) -> bool:
        """Whether it is in the search on this Moscow date."""
        return not self.passing or (day.toordinal() + self.id * 7) % ROUND < UP

    def is_new(self, day: date) -> bool:
        """Whether it was published, or published again, on this date."""
        if self.passing:
            return (day.toordinal() + self.id * 7) % ROUND in (0, RENEWED)
        return (day.toordinal() + self.id * 7) % RENEWED == 0

    def status(self, today: date) -> str:
        """Its status as the list of items tells it."""
        return "active" if self.is_up(today) else CLOSED[self.n % len(CLOSED)]


class Stock:
    """The items of one account: `steady` ones that are always up, and `passing` ones that come and go."""

    def __init__(self, uid: int, steady: int, passing: int = 0, lines: tuple[Line, ...] = FURNITURE) -> None:
        self.uid = uid
        self.items = tuple(_item(uid, n, lines, n >= steady) for n in range(steady + passing))
        self.by_id = {item.id: item for item in self.items}
        self._steady = self.items[:steady]
        self._passing = self.items[steady:]
        self._sums = (0, *accumulate(item.weight for item in self._steady))

    def up(self, day: date) -> list[Item]:
        """The items in the search on that date, in the order of their ids."""
        return [*self._steady, *(item for item in self._passing if item.is_up(day))]

    def shares(self, day: date, total: Parts) -> Shares:
        """How that day's parts of the account fall on its items."""
        here = [item for item in self._passing if item.is_up(day)]
        sums = [*self._sums, *accumulate((item.weight for item in here), initial=self._sums[-1])]
        del sums[len(self._sums)]
        places = {item.id: place for place, item in enumerate((*self._steady, *here))}
        # Where the cuts fall changes with the day, or small sums would always go to the same items.
        whole = sums[-1] or 1
        cuts = {name: number(self.uid, day, name, "cut") % whole for name, value in total.items() if value}
        return Shares(total, cuts, places, sums)

    def active(self, days: list[date]) -> int:
        """How many items were up on at least one of the days."""
        return len(self._steady) * bool(days) + sum(any(item.is_up(day) for day in days) for item in self._passing)

    def new(self, days: list[date]) -> int:
        """How many items were published, or published again, on one of the days."""
        return sum(any(item.is_new(day) for day in days) for item in self.items)


@dataclass(frozen=True, slots=True)
class Shares:
    """One day of an account, item by item. The shares of all items add up to the total, to the last kopeck."""

    total: Parts
    cuts: Parts
    places: dict[int, int]
    sums: list[int]

    def of(self, item_id: int) -> Parts:
        """What of the day falls on one item; {} when it was not up."""
        place = self.places.get(item_id)
        if place is None:
            return {}
        before, after, whole = self.sums[place], self.sums[place + 1], self.sums[-1]
        return {
            name: (self.total[name] * after + start) // whole - (self.total[name] * before + start) // whole
            for name, start in self.cuts.items()
        }


@functools.cache  # a process of tests makes many sandboxes with the same sellers
def _item(uid: int, n: int, lines: tuple[Line, ...], passing: bool) -> Item:
    item_id = 7_000_000_001 + uid % 1000 * 1_000_000 + n
    line = lines[n % len(lines)]
    title = line.titles[n // len(lines) % len(line.titles)]
    price = None if line.price is None or n % 11 == 10 else line.price + number(item_id) % 40 * 100
    title = f"{title}, вариант {n // (len(lines) * len(line.titles)) + 1}"
    city = CITIES[number(item_id, "city") % len(CITIES)]
    weight = 1 + number(item_id, "weight") % 9
    return Item(item_id, n, title, price, line.category, city, weight, passing, employee=0 if n % 3 else uid + 500)
