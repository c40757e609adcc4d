"""Where people say they are."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from delivery import cities

ROWS = [
    ("Europe/Moscow", "Europe/Moscow"),
    ("europe/moscow", "Europe/Moscow"),
    ("America/New York", "America/New_York"),
    ("UTC", "UTC"),
    ("Москва", "Europe/Moscow"),
    ("москва", "Europe/Moscow"),
    ("в Москве", "Europe/Moscow"),
    ("по Москве", "Europe/Moscow"),
    ("я в Новосибирске", "Asia/Novosibirsk"),
    ("г. Новосибирск", "Asia/Novosibirsk"),
    ("Казань", "Europe/Moscow"),
    ("в Казани", "Europe/Moscow"),
    ("Питер", "Europe/Moscow"),
    ("спб", "Europe/Moscow"),
    ("Санкт-Петербург", "Europe/Moscow"),
    ("санкт петербург", "Europe/Moscow"),
    ("Орёл", "Europe/Moscow"),
    ("Ростов-на-Дону", "Europe/Moscow"),
    ("Екатеринбург.", "Asia/Yekaterinburg"),
    ("Улан-Удэ", "Asia/Irkutsk"),
    ("Кемерово", "Asia/Novokuznetsk"),
    ("Хабаровск", "Asia/Vladivostok"),
    ("Петропавловск-Камчатский", "Asia/Kamchatka"),
    ("Калининграде", "Europe/Kaliningrad"),
    ("Berlin", "Europe/Berlin"),
    ("I'm in Berlin", "Europe/Berlin"),
    ("New York", "America/New_York"),
    ("нью-йорк", "America/New_York"),
    ("Tel Aviv", "Asia/Jerusalem"),
    ("Kathmandu", "Asia/Kathmandu"),
    ("Buenos Aires", "America/Argentina/Buenos_Aires"),
    ("Тбилиси", "Asia/Tbilisi"),
    ("Ереван", "Asia/Yerevan"),
    ("МСК", "Europe/Moscow"),
    ("МСК+2", "Asia/Yekaterinburg"),
    ("мск + 4", "Asia/Novosibirsk"),
    ("MSK-1", "Europe/Kaliningrad"),
    ("UTC+3", "Etc/GMT-3"),
    ("+5", "Etc/GMT-5"),
    ("gmt-8", "Etc/GMT+8"),
    ("utc+0", "UTC"),
]


@pytest.mark.parametrize(("words", "zone"), ROWS)
def test_place_has_its_zone(words: str, zone: str) -> None:
    assert cities.found(words) == zone


@pytest.mark.parametrize(
    "words", ["", "Нигде", "Europe", "завтра в 10", "МСК+20", "UTC+99", "?", "localtime", "x" * 5000]
)
def test_no_place_has_none(words: str) -> None:
    assert cities.found(words) is None


@pytest.mark.parametrize("place", cities.PLACES, ids=lambda place: place.zone)
def test_every_place_is_a_zone_and_is_found_by_its_names(place: cities.Place) -> None:
    assert ZoneInfo(place.zone).key == place.zone
    assert cities.found(place.russian) == cities.found(place.english) == place.zone


def test_every_offset_of_russia_can_be_said_from_moscow() -> None:
    assert [cities.found(f"МСК{hours - 3:+d}") for hours in cities.OF_RUSSIA] == list(cities.OF_RUSSIA.values())


@pytest.mark.parametrize(
    ("language", "first", "last"), [("ru", "Калининград", "Камчатка"), ("en", "Лос-Анджелес", "Сидней")]
)
def test_places_are_offered_from_west_to_east(language: str, first: str, last: str) -> None:
    offered = cities.offered(language)
    assert (offered[0].russian, offered[-1].russian) == (first, last)
    assert "Europe/Moscow" in [place.zone for place in offered]


def test_label_shows_what_the_clock_shows_there() -> None:
    moscow = next(place for place in cities.PLACES if place.zone == "Europe/Moscow")
    noon = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
    assert cities.label(moscow, "ru", noon) == "Москва 12:00"
    assert cities.label(moscow, "en", noon) == "Moscow 12:00"
