"""Where people say they are: a city in Russian or English, an IANA name, «МСК+2», "UTC+3". No network, no guesses."""

import functools
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from delivery.clocks import offset_at
from delivery.schedule import RuleError, zone_of

MOSCOW_OFFSET = 3  # hours
A_WINTER = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Place:
    """A zone, its best known city in both languages, and what else people there write."""

    zone: str
    russian: str
    english: str
    others: str = ""
    offered: str = ""  # to those who read Russian ("ru"), English ("en"), or both


PLACES = (
    Place("Europe/Kaliningrad", "Калининград", "Kaliningrad", "Советск, Черняховск", "ru"),
    Place(
        "Europe/Moscow", "Москва", "Moscow",
        "мск, msk, Санкт-Петербург, Петербург, Питер, спб, St Petersburg, Saint Petersburg, Нижний Новгород, "
        "Nizhny Novgorod, Казань, Kazan, Ростов-на-Дону, Rostov-on-Don, Ростов, Краснодар, Krasnodar, Сочи, Sochi, "
        "Воронеж, Voronezh, Ярославль, Тула, Рязань, Тверь, Липецк, Пенза, Курск, Белгород, Брянск, Калуга, Орёл, "
        "Смоленск, Иваново, Владимир, Кострома, Вологда, Череповец, Архангельск, Мурманск, Петрозаводск, Псков, "
        "Великий Новгород, Сыктывкар, Чебоксары, Саранск, Йошкар-Ола, Набережные Челны, Тамбов, Ставрополь, "
        "Махачкала, Грозный, Владикавказ, Нальчик, Майкоп, Новороссийск, Таганрог, Элиста, Россия",
        "ru en",
    ),
    Place("Europe/Simferopol", "Симферополь", "Simferopol", "Севастополь, Ялта, Крым, Sevastopol"),
    Place("Europe/Kirov", "Киров", "Kirov"),
    Place("Europe/Volgograd", "Волгоград", "Volgograd", "Волжский"),
    Place("Europe/Samara", "Самара", "Samara", "Тольятти, Togliatti, Ижевск, Izhevsk, Сызрань", "ru"),
    Place("Europe/Saratov", "Саратов", "Saratov", "Энгельс, Балаково"),
    Place("Europe/Astrakhan", "Астрахань", "Astrakhan"),
    Place("Europe/Ulyanovsk", "Ульяновск", "Ulyanovsk"),
    Place(
        "Asia/Yekaterinburg", "Екатеринбург", "Yekaterinburg",
        "екб, Ekaterinburg, Челябинск, Chelyabinsk, Пермь, Perm, Уфа, Ufa, Тюмень, Tyumen, Оренбург, Orenburg, "
        "Курган, Сургут, Surgut, Нижневартовск, Ханты-Мансийск, Магнитогорск, Нижний Тагил, Салехард, "
        "Новый Уренгой, Стерлитамак",
        "ru",
    ),
    Place("Asia/Omsk", "Омск", "Omsk", "", "ru"),
    Place("Asia/Novosibirsk", "Новосибирск", "Novosibirsk", "нск, Бердск, Академгородок", "ru"),
    Place("Asia/Barnaul", "Барнаул", "Barnaul", "Бийск, Горно-Алтайск, Алтай"),
    Place("Asia/Tomsk", "Томск", "Tomsk", "Северск"),
    Place("Asia/Novokuznetsk", "Новокузнецк", "Novokuznetsk", "Кемерово, Kemerovo, Прокопьевск"),
    Place("Asia/Krasnoyarsk", "Красноярск", "Krasnoyarsk", "Абакан, Норильск, Norilsk, Кызыл, Ачинск"),
    Place("Asia/Irkutsk", "Иркутск", "Irkutsk", "Братск, Ангарск, Улан-Удэ, Ulan-Ude", "ru"),
    Place("Asia/Chita", "Чита", "Chita"),
    Place("Asia/Yakutsk", "Якутск", "Yakutsk", "Благовещенск, Blagoveshchensk, Нерюнгри", "ru"),
    Place(
        "Asia/Vladivostok", "Владивосток", "Vladivostok",
        "Хабаровск, Khabarovsk, Находка, Уссурийск, Комсомольск-на-Амуре, Биробиджан", "ru",
    ),
    Place("Asia/Sakhalin", "Южно-Сахалинск", "Sakhalin", "Сахалин, Yuzhno-Sakhalinsk"),
    Place("Asia/Magadan", "Магадан", "Magadan", "", "ru"),
    Place("Asia/Kamchatka", "Камчатка", "Kamchatka", "Петропавловск-Камчатский, Petropavlovsk-Kamchatsky", "ru"),
    Place("Asia/Anadyr", "Анадырь", "Anadyr", "Чукотка"),
    Place("UTC", "Гринвич", "UTC", "гмт, gmt, greenwich, по гринвичу", "en"),
    Place("Europe/London", "Лондон", "London", "Великобритания, Англия, England, UK, Эдинбург, Manchester", "en"),
    Place("Europe/Lisbon", "Лиссабон", "Lisbon", "Португалия, Порту, Porto"),
    Place(
        "Europe/Berlin", "Берлин", "Berlin",
        "Германия, Germany, Мюнхен, Munich, Гамбург, Hamburg, Франкфурт, Frankfurt, Кёльн, Cologne, Дюссельдорф, cet",
        "en",
    ),
    Place("Europe/Paris", "Париж", "Paris", "Франция, France, Ницца, Nice, Лион"),
    Place("Europe/Madrid", "Мадрид", "Madrid", "Испания, Spain, Барселона, Barcelona, Валенсия, Valencia"),
    Place("Europe/Rome", "Рим", "Rome", "Италия, Italy, Милан, Milan"),
    Place("Europe/Vienna", "Вена", "Vienna", "Австрия, Austria"),
    Place("Europe/Zurich", "Цюрих", "Zurich", "Швейцария, Switzerland, Женева, Geneva"),
    Place("Europe/Amsterdam", "Амстердам", "Amsterdam", "Нидерланды, Голландия, Netherlands"),
    Place("Europe/Brussels", "Брюссель", "Brussels", "Бельгия, Belgium"),
    Place("Europe/Prague", "Прага", "Prague", "Чехия, Czechia"),
    Place("Europe/Warsaw", "Варшава", "Warsaw", "Польша, Poland, Краков, Krakow"),
    Place("Europe/Belgrade", "Белград", "Belgrade", "Сербия, Serbia, Нови-Сад, Novi Sad"),
    Place("Europe/Podgorica", "Подгорица", "Podgorica", "Черногория, Montenegro, Будва, Budva"),
    Place("Europe/Helsinki", "Хельсинки", "Helsinki", "Финляндия, Finland"),
    Place("Europe/Riga", "Рига", "Riga", "Латвия, Latvia"),
    Place("Europe/Vilnius", "Вильнюс", "Vilnius", "Литва, Lithuania"),
    Place("Europe/Tallinn", "Таллин", "Tallinn", "Таллинн, Эстония, Estonia"),
    Place("Europe/Minsk", "Минск", "Minsk", "Беларусь, Белоруссия, Belarus, Гомель, Брест, Гродно"),
    Place("Europe/Kyiv", "Киев", "Kyiv", "Kiev, Украина, Ukraine, Харьков, Одесса, Львов"),
    Place("Europe/Chisinau", "Кишинёв", "Chisinau", "Молдова, Moldova"),
    Place("Europe/Sofia", "София", "Sofia", "Болгария, Bulgaria, Варна"),
    Place("Europe/Athens", "Афины", "Athens", "Греция, Greece"),
    Place("Asia/Nicosia", "Никосия", "Nicosia", "Кипр, Cyprus, Лимассол, Limassol"),
    Place("Europe/Istanbul", "Стамбул", "Istanbul", "Турция, Turkey, Анталья, Antalya, Анкара, Ankara"),
    Place("Asia/Tbilisi", "Тбилиси", "Tbilisi", "Грузия, Батуми, Batumi"),
    Place("Asia/Yerevan", "Ереван", "Yerevan", "Армения, Armenia"),
    Place("Asia/Baku", "Баку", "Baku", "Азербайджан, Azerbaijan"),
    Place("Asia/Almaty", "Алматы", "Almaty", "Алма-Ата, Казахстан, Kazakhstan, Астана, Astana, Шымкент, Караганда"),
    Place("Asia/Tashkent", "Ташкент", "Tashkent", "Узбекистан, Uzbekistan, Самарканд, Samarkand"),
    Place("Asia/Bishkek", "Бишкек", "Bishkek", "Киргизия, Кыргызстан, Kyrgyzstan"),
    Place("Asia/Dushanbe", "Душанбе", "Dushanbe", "Таджикистан, Tajikistan"),
    Place("Asia/Ashgabat", "Ашхабад", "Ashgabat", "Туркмения, Turkmenistan"),
    Place("Asia/Jerusalem", "Тель-Авив", "Tel Aviv", "Израиль, Israel, Иерусалим, Хайфа, Haifa"),
    Place("Asia/Dubai", "Дубай", "Dubai", "ОАЭ, UAE, Абу-Даби, Abu Dhabi", "en"),
    Place("Asia/Kolkata", "Дели", "Delhi", "Индия, India, Мумбаи, Mumbai, Гоа, Goa, Бангалор, Bangalore", "en"),
    Place("Asia/Bangkok", "Бангкок", "Bangkok", "Таиланд, Thailand, Пхукет, Phuket, Паттайя"),
    Place("Asia/Ho_Chi_Minh", "Хошимин", "Ho Chi Minh City", "Вьетнам, Vietnam, Ханой, Hanoi, Нячанг, Дананг"),
    Place("Asia/Makassar", "Бали", "Bali", "Денпасар, Denpasar"),
    Place("Asia/Singapore", "Сингапур", "Singapore", "", "en"),
    Place("Asia/Shanghai", "Шанхай", "Shanghai", "Китай, China, Пекин, Beijing, Гуанчжоу, Шэньчжэнь, Shenzhen"),
    Place("Asia/Hong_Kong", "Гонконг", "Hong Kong"),
    Place("Asia/Seoul", "Сеул", "Seoul", "Корея, Korea"),
    Place("Asia/Tokyo", "Токио", "Tokyo", "Япония, Japan, Осака, Osaka", "en"),
    Place("Australia/Sydney", "Сидней", "Sydney", "Канберра, Canberra", "en"),
    Place("America/New_York", "Нью-Йорк", "New York", "Бостон, Boston, Вашингтон, Washington, Майами, Miami", "en"),
    Place("America/Toronto", "Торонто", "Toronto", "Оттава, Ottawa, Монреаль, Montreal"),
    Place("America/Chicago", "Чикаго", "Chicago", "Хьюстон, Houston, Даллас, Dallas, Остин, Austin", "en"),
    Place("America/Denver", "Денвер", "Denver"),
    Place(
        "America/Los_Angeles", "Лос-Анджелес", "Los Angeles",
        "Сан-Франциско, San Francisco, Сиэтл, Seattle, Калифорния, California", "en",
    ),
    Place("America/Sao_Paulo", "Сан-Паулу", "Sao Paulo", "Рио-де-Жанейро, Rio de Janeiro"),
    Place("America/Argentina/Buenos_Aires", "Буэнос-Айрес", "Buenos Aires", "Аргентина, Argentina"),
)  # fmt: skip

AROUND = re.compile(r"^(?:(?:я|мы|у меня|i am|i'm|we are|город|г|city of|в|во|на|in|по|from|живу|live)\s+)+")
OFFSET = re.compile(r"(utc|gmt|гмт|мск|msk)?\s*([+−-])\s*(\d{1,2})(?::?00)?")
# What Russian cities end with as people say where they are: в Москве, из Казани, по Москве.
ENDING = re.compile(r"(?<=\w{3})(?:е|и|у|ы|а|я|ь|о)$")


def found(words: str) -> str | None:
    """The IANA name of the zone that ``words`` mean; None when they mean none."""
    plain = _plain(words)
    return _offset(plain) or _named(plain) or _iana(words) or _stems().get(_stem(plain))


def _iana(words: str) -> str | None:
    try:
        return zone_of(words.strip(" .!").replace(" ", "_")).key
    except RuleError:
        return None


def _named(plain: str) -> str | None:
    return _names().get(plain) or _names().get(AROUND.sub("", plain))


def _plain(words: str) -> str:
    """In small letters, without ``ё``, hyphens and stops."""
    words = words.casefold().replace("ё", "е")
    return " ".join(re.sub(r"[^\w+−:\-']|(?<=[^\W\d])-(?=[^\W\d])|_", " ", words).split())


def _stem(plain: str) -> str:
    return ENDING.sub("", AROUND.sub("", plain))


@functools.cache
def _names() -> dict[str, str]:
    known = {}
    for name in sorted(zoneinfo.available_timezones()):
        area, _slash, city = name.partition("/")
        if city and area not in ("Etc", "posix", "right", "SystemV"):
            known[_plain(city.rpartition("/")[2])] = name
    for place in PLACES:  # known better than the names of zones
        for word in (place.russian, place.english, *place.others.split(",")):
            if word.strip():
                known[_plain(word)] = place.zone
    return known


@functools.cache
def _stems() -> dict[str, str]:
    return {_stem(name): zone for name, zone in _names().items() if re.search("[а-я]", name)}


def _offset(plain: str) -> str | None:
    """«МСК+2» is a zone of Russia; "UTC+3" alone names no country, so it is only an offset, whatever the season."""
    said = OFFSET.fullmatch(plain)
    if said is None:
        return None
    hours = int(said[3]) * (1 if said[2] == "+" else -1)
    if said[1] in ("мск", "msk"):
        return OF_RUSSIA.get(hours + MOSCOW_OFFSET)
    return f"Etc/GMT{-hours:+d}" if -12 <= hours <= 14 and hours else "UTC" if not hours else None


OF_RUSSIA = {
    2: "Europe/Kaliningrad",
    3: "Europe/Moscow",
    4: "Europe/Samara",
    5: "Asia/Yekaterinburg",
    6: "Asia/Omsk",
    7: "Asia/Novosibirsk",
    8: "Asia/Irkutsk",
    9: "Asia/Yakutsk",
    10: "Asia/Vladivostok",
    11: "Asia/Magadan",
    12: "Asia/Kamchatka",
}


def offered(language: str) -> list[Place]:
    """The places to choose from with one press, from west to east."""
    places = [place for place in PLACES if language in place.offered.split()]
    return sorted(places, key=lambda place: offset_at(A_WINTER, ZoneInfo(place.zone)))


def label(place: Place, language: str, now: datetime) -> str:
    """``Москва 15:04``: people know their zone by what the clock shows."""
    name = place.russian if language == "ru" else place.english
    return f"{name} {now.astimezone(ZoneInfo(place.zone)):%H:%M}"
