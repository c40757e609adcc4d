"""Questions in plain words: a model asks for figures of stored days, which are computed here and never by it.

The tests stand on Friday, 20 November 2026, noon in Moscow: last week is 9 to 15 November, the one before 2 to 8.
"""

import json
from collections.abc import AsyncIterator, Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio
from django.db import connection
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import Chat, Role, User
from llm import toolbox
from llm.models import Model
from llm.toolbox import Asked, ToolError, find, offered
from reports import telling, tools
from reports.figures.periods import Period, today_at_avito, week_of
from reports.metrics import METRICS
from reports.models import AvitoProfile, Snapshot
from reports.services import knowing, profiles
from reports.services.collecting import stop_collecting
from tests.house import ANNA, BOT, MODEL, OLGA, House, open_house
from tests.reports.making import bind, group, make_day, make_profile, make_standing

DAY = timedelta(days=1)
NAMES = ("list_avito_profiles", "avito_figures", "avito_days")
# Contacts, views and roubles of each day of the two weeks, counted by hand:
#   2 to 8 November    contacts 10 12 14 16 18 20 10 = 100    views 7 × 300 = 2100    spending 7 × 500 = 3500
#   9 to 15 November   contacts 20 15 10 25 20 18 12 = 120    views 7 × 350 = 2450    spending 7 × 420 = 2940
BEFORE = (10, 12, 14, 16, 18, 20, 10)
LAST = (20, 15, 10, 25, 20, 18, 12)


def fill(profile: AvitoProfile, monday: date, read_at: datetime) -> None:
    """The two weeks before the week that begins on ``monday``."""
    for n in range(7):
        make_day(profile, monday - DAY * (14 - n), read_at=read_at, contacts=BEFORE[n], views=300, allSpending=500)
        make_day(profile, monday - DAY * (7 - n), read_at=read_at, contacts=LAST[n], views=350, allSpending=420)


def readable(text: str) -> str:
    """With ordinary spaces."""
    return text.replace("\N{NO-BREAK SPACE}", " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def line(text: str, name: str) -> str:
    """The line about a figure."""
    [found] = [row for row in readable(text).splitlines() if f"({name})" in row and " | " not in row]
    return found


@pytest.fixture
def by(owner: User, now: datetime) -> Asked:
    """Ирина asks in her private chat."""
    return Asked(owner, Chat.objects.get(telegram_id=owner.telegram_id or 0), now)


@pytest.fixture
def north(owner: User, now: datetime) -> AvitoProfile:
    profile = make_profile(owner, now=now)
    fill(profile, date(2026, 11, 16), now - timedelta(hours=5))
    return profile


def ask(by: Asked, **arguments: Any) -> str:
    """As a model calls it: the arguments are read by the schema."""
    tool = find("avito_figures")
    assert tool is not None
    return readable(tools._figures(by, arguments))


# --- last week against the week before it ---------------------------------------------------------------------------


def test_contacts_of_last_week_against_the_week_before(by: Asked, north: AvitoProfile) -> None:
    told = ask(by, period="last_week", compare_with="week_before_last", metrics=["contacts"])

    assert told.splitlines() == [
        "Source: Avito, daily snapshots, data as of 2026-11-20 07:00 (Europe/Moscow).",
        "Profile “Север”.",
        "Period: 2026-11-09 … 2026-11-15 (7 days, Monday to Sunday).",
        "Compared with: 2026-11-02 … 2026-11-08 (7 days, Monday to Sunday).",
        "Contacts (contacts): 120; before 100; difference +20; change +20.0 %; a day 17.14, before 14.29",
        telling.RULE,
    ]


def test_ratios_come_from_sums_and_differ_in_points(by: Asked, north: AvitoProfile) -> None:
    told = ask(
        by, period="last_week", compare_with="previous",
        metrics=["viewsToContactsConversion", "costPerContact", "allSpending"],
    )  # fmt: skip
    # 120 / 2450 = 4.898 %; 100 / 2100 = 4.762 %. 2940 / 120 = 24.50; 3500 / 100 = 35.00: 30 % less.
    assert line(told, "viewsToContactsConversion").startswith(
        "Views → contacts (viewsToContactsConversion): 4.9 %; before 4.8 %; difference +0.1 percentage points;"
    )
    assert line(told, "costPerContact") == (
        "Cost of a contact (costPerContact): 24.50 ₽; before 35 ₽; difference −10.50 ₽; change −30.0 %"
    )
    assert line(told, "allSpending") == (
        "All spending, bonuses too (allSpending): 2,940 ₽; before 3,500 ₽; difference −560 ₽; change −16.0 %; "
        "a day 420 ₽, before 500 ₽"
    )


def test_what_avito_did_not_tell_is_no_zero(by: Asked, north: AvitoProfile) -> None:
    make_day(north, date(2026, 11, 19), contacts=0, views=0)
    told = ask(by, period="yesterday", metrics=["contacts", "favorites", "costPerContact"])
    assert line(told, "contacts") == "Contacts (contacts): 0"
    assert line(told, "favorites") == "Added to favourites (favorites): no data"
    assert line(told, "costPerContact") == "Cost of a contact (costPerContact): no data"


def test_money_that_stands_is_of_now_and_says_when_it_was_read(by: Asked, north: AvitoProfile, now: datetime) -> None:
    make_standing(north, date(2026, 11, 19), read_at=now - DAY, wallet="1.00")
    make_standing(north, date(2026, 11, 20), read_at=now, wallet="250000.50")
    told = ask(by, period="last_week", metrics=["wallet", "advance"])
    assert line(told, "wallet") == "Wallet (wallet): 250,000.50 ₽, as it stands now, not of the period"
    assert line(told, "advance") == "Advance (advance): no data, as it stands now, not of the period"
    assert "“Север”: what stands in the account was read 2026-11-20 12:00 (Europe/Moscow)." in told


def test_source_is_told_in_the_language_and_by_the_clock_of_who_asks(by: Asked, north: AvitoProfile) -> None:
    by.user.time_zone = "Asia/Vladivostok"
    assert "data as of 2026-11-20 14:00 (Asia/Vladivostok)." in ask(by, period="last_week")
    with translation.override("ru"):
        assert "(contacts): 120; before 100" in ask(by, period="last_week", compare_with="previous")


# --- days -----------------------------------------------------------------------------------------------------------

WEEK = (date(2026, 11, 16), date(2026, 11, 20))
PERIODS = {
    "today": (date(2026, 11, 20), date(2026, 11, 20)),
    "yesterday": (date(2026, 11, 19), date(2026, 11, 19)),
    "last_7_days": (date(2026, 11, 13), date(2026, 11, 19)),
    "last_30_days": (date(2026, 10, 21), date(2026, 11, 19)),
    "this_week": WEEK,
    "last_week": (date(2026, 11, 9), date(2026, 11, 15)),
    "week_before_last": (date(2026, 11, 2), date(2026, 11, 8)),
    "this_month": (date(2026, 11, 1), date(2026, 11, 20)),
    "last_month": (date(2026, 10, 1), date(2026, 10, 31)),
    "month_before_last": (date(2026, 9, 1), date(2026, 9, 30)),
}


@pytest.mark.parametrize("name", list(tools.PERIODS))
def test_periods_have_their_usual_days(name: str) -> None:
    assert tools._period({"period": name}, date(2026, 11, 20)) == Period(*PERIODS[name])


def test_without_a_period_it_is_the_last_seven_full_days() -> None:
    assert tools._period({}, date(2026, 11, 20)) == Period(*PERIODS["last_7_days"])


def test_today_is_moscows(by: Asked, north: AvitoProfile) -> None:
    late = Asked(by.user, by.chat, datetime(2026, 11, 19, 21, 30, tzinfo=by.now.tzinfo))  # 00:30 on the 20th in Moscow
    assert "Period: 2026-11-19 (Thursday)." in ask(late, period="yesterday")


def test_days_may_be_chosen(by: Asked, north: AvitoProfile) -> None:
    told = ask(by, **{"from": "2026-11-09", "to": "2026-11-10"}, compare_from="2026-11-02", compare_to="2026-11-04")
    assert "Period: 2026-11-09 … 2026-11-10 (2 days)." in told
    assert "Compared with: 2026-11-02 … 2026-11-04 (3 days)." in told
    assert "The periods have different lengths: compare the averages a day." in told
    assert "Contacts (contacts): 35; before 36; difference −1; change −2.8 %; a day 17.50, before 12.00" in told


def test_one_date_is_one_day() -> None:
    day = Period(date(2026, 11, 9), date(2026, 11, 9))
    assert tools._period({"from": "2026-11-09"}, WEEK[1]) == tools._period({"to": "2026-11-09"}, WEEK[1]) == day


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        ("2026-11-10", "2026-11-09", "ends before it begins"),
        ("2026-11-10", "2026-11-21", "has not come yet. Today is 2026-11-20"),
        ("10.11.2026", "2026-11-11", "Write dates like 2026-11-15"),
        ("2025-02-29", "2026-11-11", "Write dates like"),
        ("2020-01-01", "2026-11-11", "At most 800 days"),
    ],
)
def test_days_that_cannot_be_are_told(first: str, last: str, why: str) -> None:
    with pytest.raises(ToolError, match=why):
        tools._period({"from": first, "to": last}, WEEK[1])


def test_days_that_were_never_read_are_named(by: Asked, north: AvitoProfile) -> None:
    Snapshot.objects.filter(date__in=(date(2026, 11, 10), date(2026, 11, 14), date(2026, 11, 15))).delete()
    told = ask(by, period="last_week", metrics=["contacts"])
    assert "Not read yet, so not counted: 2026-11-10, 2026-11-14 … 2026-11-15." in told
    assert line(told, "contacts") == "Contacts (contacts): 75; a day 18.75"  # 20 + 10 + 25 + 20


def test_missing_days_of_what_it_is_compared_with_are_named_too(by: Asked, north: AvitoProfile) -> None:
    Snapshot.objects.filter(date=date(2026, 11, 8)).delete()
    told = ask(by, period="last_week", compare_with="previous")
    assert "Not read yet, so not counted: 2026-11-08." in told


def test_today_is_not_over(by: Asked, north: AvitoProfile) -> None:
    assert "2026-11-20 is today in Moscow and not over." in ask(by, period="this_week")


def test_without_any_stored_day_it_says_so(by: Asked, north: AvitoProfile) -> None:
    told = ask(by, period="last_month", metrics=["contacts"])
    assert told.startswith("Source: Avito, daily snapshots; for these days none is stored.")
    assert line(told, "contacts") == "Contacts (contacts): no data"
    assert "Not read yet, so not counted: 2026-10-01 … 2026-10-31." in told


def test_many_holes_are_not_all_named(by: Asked, owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)
    for n in range(1, 30, 2):
        make_day(profile, date(2026, 10, 1) + DAY * n, contacts=1)
    assert "and 6 more stretches." in ask(by, period="last_month")


def test_days_of_single_listings_are_told_as_incomplete(by: Asked, north: AvitoProfile) -> None:
    Snapshot.objects.filter(date=date(2026, 11, 10)).update(partial=True)
    assert "put together of single listings" in ask(by, period="last_week")
    assert "put together of single listings" not in ask(by, period="week_before_last")
    assert "put together of single listings" in ask(
        by, **{"from": "2026-11-16", "to": "2026-11-19"}, compare_with="last_week"
    )


# --- whose ----------------------------------------------------------------------------------------------------------


def test_all_profiles_are_summed_and_told_one_by_one(
    by: Asked, north: AvitoProfile, owner: User, now: datetime
) -> None:
    south = make_profile(owner, "Юг", 90000002, now=now)
    fill(south, date(2026, 11, 16), now)
    told = ask(by, period="last_week", compare_with="previous", metrics=["contacts"])
    assert "Total of 2 profiles: “Север”, “Юг”." in told
    assert line(told, "contacts").startswith("Contacts (contacts): 240; before 200; difference +40; change +20.0 %")
    assert "“Юг”: Contacts 120 (before 100)" in told


def test_account_entered_twice_counts_once(by: Asked, north: AvitoProfile, owner: User, now: datetime) -> None:
    fill(make_profile(owner, "Север 2", now=now), date(2026, 11, 16), now)
    told = ask(by, period="last_week", metrics=["contacts"])
    assert "Total of 2 profiles (1 accounts, each counted once)" in told
    assert line(told, "contacts").startswith("Contacts (contacts): 120;")


def test_profile_without_days_makes_the_total_incomplete(
    by: Asked, north: AvitoProfile, owner: User, now: datetime
) -> None:
    make_profile(owner, "Юг", 90000002, now=now)
    told = ask(by, period="last_week", metrics=["contacts"])
    assert line(told, "contacts").startswith("Contacts (contacts): 120 (incomplete)")
    assert "an account that should have this figure did not tell it" in told


@pytest.mark.parametrize("name", ["Север", "север", "«Север»", "Сев"])
def test_profile_is_found_by_its_name(by: Asked, north: AvitoProfile, owner: User, now: datetime, name: str) -> None:
    make_profile(owner, "Юг", 90000002, now=now)
    assert "Profile “Север”." in ask(by, profile=name, period="last_week")


def test_unknown_and_ambiguous_names_are_told_with_what_there_is(
    by: Asked, north: AvitoProfile, owner: User, now: datetime
) -> None:
    make_profile(owner, "Северный", 90000002, now=now)
    with pytest.raises(ToolError, match=r"No profile here has this name: “восток”\. There are: “Север”, “Северный”"):
        ask(by, profile="Восток")
    with pytest.raises(ToolError, match="Several profiles have this name: “сев”"):
        ask(by, profile="Сев")
    assert "Profile “Север”." in ask(by, profile="Север")


def test_others_profiles_are_not_known(by: Asked, admin: User, north: AvitoProfile, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=BOT, telegram_id=admin.telegram_id or 0, kind="private", person=admin)
    theirs = Asked(admin, chat, now)
    assert "No Avito profile may be shown in this chat" in tools._list(theirs, {})
    with pytest.raises(ToolError, match="No Avito profile may be shown in this chat"):
        ask(theirs, profile="Север")


def test_group_knows_what_stands_there_whoever_asks(
    by: Asked, north: AvitoProfile, owner: User, member: User, now: datetime
) -> None:
    team = group()
    make_profile(owner, "Юг", 90000002, now=now)
    in_group = Asked(member, team, now)
    with pytest.raises(ToolError, match="its owner shows it there"):
        ask(in_group)

    bind(north, team)
    assert "Profile “Север”." in ask(in_group, period="last_week")
    with pytest.raises(ToolError, match="No profile here has this name"):
        ask(in_group, profile="Юг")
    with pytest.raises(ToolError, match="No profile here has this name"):
        ask(Asked(owner, team, now), profile="Юг")  # not even its owner: everybody reads the answer


def test_list_says_how_the_keys_are_and_how_far_days_are_stored(
    by: Asked, north: AvitoProfile, owner: User, now: datetime
) -> None:
    broken = make_profile(owner, "Юг", None, now=now, access="bad_keys")
    AvitoProfile.objects.filter(pk=broken.pk).update(sections={"calls": {"kind": "no_access", "at": ""}})
    assert tools._list(by, {}).splitlines() == [
        "“Север” · account 90000001 · keys: works · days stored: 2026-11-02 … 2026-11-15, "
        "read 2026-11-20 07:00 (Europe/Moscow)",
        "“Юг” · account unknown · keys: bad_keys · closed: Calls · no days stored yet",
    ]


def test_long_list_is_bounded(by: Asked, owner: User, now: datetime, settings: Settings) -> None:
    settings.AVITO_PROFILES_PER_PERSON = 0
    for number in range(51):
        make_profile(owner, f"Север {number:02}", 90000001 + number, now=now)
    lines = tools._list(by, {}).splitlines()
    assert len(lines) == 51
    assert lines[-1].startswith("There are more")
    told = ask(by, period="last_week")
    assert "… and 41 more: ask for one by its name." in told
    assert len(told) < 2 * toolbox.MOST_RESULT


def test_troubles_of_the_keys_are_told_with_the_figures(by: Asked, north: AvitoProfile) -> None:
    AvitoProfile.objects.update(access="bad_keys")
    assert "“Север”: Avito refuses its keys, so nothing newer comes" in ask(by, period="last_week")
    AvitoProfile.objects.update(access="other_account")
    assert "“Север”: its keys belong to another account now" in ask(by, period="last_week")


def test_closed_sections_are_told_where_their_figures_are_asked_for(by: Asked, north: AvitoProfile) -> None:
    told = {"calls": {"kind": "no_access", "at": ""}, "advance": {"kind": "not_for_account", "at": ""}}
    AvitoProfile.objects.update(sections=told)
    both = ask(by, metrics=["calls", "advance"])
    assert "“Север”: Avito does not show with these keys: Calls. this account has none: Advance." in both
    assert "these keys" not in ask(by, metrics=["contacts"])


def test_no_secret_is_told(by: Asked, owner: User, now: datetime) -> None:
    make_profile(owner, client_id="the-whole-client-id", client_secret="the-whole-secret", now=now)
    told = tools._list(by, {}) + ask(by) + tools._by_day(by, {})
    assert "the-whole" not in told


# --- day by day -----------------------------------------------------------------------------------------------------


def test_table_has_a_line_a_day_and_no_zero_for_what_is_absent(by: Asked, north: AvitoProfile) -> None:
    Snapshot.objects.filter(date=date(2026, 11, 11)).delete()
    told = readable(tools._by_day(by, {"period": "last_week", "metrics": ["contacts", "costPerContact"]})).splitlines()
    start = told.index("day | Contacts (contacts) | Cost of a contact (costPerContact)")
    assert told[start + 1 : start + 8] == [
        "2026-11-09 Mon | 20 | 21 ₽",
        "2026-11-10 Tue | 15 | 28 ₽",
        "2026-11-11 Wed | no data | no data",
        "2026-11-12 Thu | 25 | 16.80 ₽",
        "2026-11-13 Fri | 20 | 21 ₽",
        "2026-11-14 Sat | 18 | 23.33 ₽",
        "2026-11-15 Sun | 12 | 35 ₽",
    ]
    assert "Not read yet, so not counted: 2026-11-11." in told


def test_table_is_bounded(by: Asked, north: AvitoProfile) -> None:
    with pytest.raises(ToolError, match="At most 92 days and 6 figures"):
        tools._by_day(by, {"from": "2026-08-01", "to": "2026-11-10"})
    with pytest.raises(ToolError, match="At most 92 days and 6 figures"):
        tools._by_day(by, {"metrics": [metric.name for metric in METRICS[:7]]})
    longest = tools._by_day(by, {"from": "2026-08-11", "to": "2026-11-10"})
    assert len(longest) < toolbox.MOST_RESULT


# --- as they are offered --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_tools_are_for_everybody_who_was_let_in(name: str, db: None) -> None:
    tool = find(name)
    assert tool is not None
    assert tool.roles == frozenset(Role)


@pytest.mark.parametrize("name", NAMES)
def test_tools_only_read(name: str) -> None:
    tool = find(name)
    assert tool is not None
    assert not tool.destructive
    assert find(name, in_task=True) is tool


@pytest.mark.parametrize("arguments", [{"metrics": ["contacts", "views"]}, {}], ids=["of days", "and of now"])
def test_figures_cost_few_queries_however_many_profiles(
    by: Asked, owner: User, now: datetime, django_assert_max_num_queries: Any, arguments: dict[str, Any]
) -> None:
    _ten(owner, now)
    with django_assert_max_num_queries(8):
        ask(by, period="last_week", compare_with="previous", **arguments)


def test_list_costs_few_queries_however_many_profiles(
    by: Asked, owner: User, now: datetime, django_assert_max_num_queries: Any
) -> None:
    _ten(owner, now)
    with django_assert_max_num_queries(4):
        told = tools._list(by, {}).splitlines()
    assert len(told) == 11
    assert told[0] == (
        "“Север 0” · account 90000001 · keys: works · days stored: 2026-11-02 … 2026-11-15, "
        "read 2026-11-20 12:00 (Europe/Moscow)"
    )
    assert told[10] == "“Юг” · account 90000099 · keys: works · no days stored yet"


def _ten(owner: User, now: datetime) -> None:
    """Profiles whose days are stored, and one that has none."""
    for number in range(10):
        profile = make_profile(owner, f"Север {number}", 90000001 + number, now=now)
        fill(profile, date(2026, 11, 16), now)
        make_standing(profile, date(2026, 11, 20), read_at=now, wallet=number)
    make_profile(owner, "Юг", 90000099, now=now)


def test_years_of_many_profiles_are_not_read_at_once(
    by: Asked, owner: User, now: datetime, django_assert_max_num_queries: Any
) -> None:
    for number in range(14):
        make_profile(owner, f"Север {number}", 90000001 + number, now=now)
    years = {"from": "2024-11-01", "to": "2026-11-01"}
    with django_assert_max_num_queries(1), pytest.raises(ToolError, match="name a profile, or take fewer days"):
        ask(by, **years, compare_with="previous")
    assert "“Север 1”" in ask(by, **years, compare_with="previous", profile="Север 1")


def test_stored_days_are_told_though_the_keys_cannot_be_opened(by: Asked, north: AvitoProfile) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reports_avitoprofile SET credentials = 'sealed with a lost key'")
    assert "“Север”" in tools._list(by, {})
    assert line(ask(by, period="last_week"), "contacts").startswith("Contacts (contacts): 120")


# --- a question in the chat -----------------------------------------------------------------------------------------


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot against the sandbox; Анна has a profile, and the model can call tools."""
    async with open_house(settings, DIALOG_TOOLS=[*NAMES]) as opened:
        await opened.db(Model.objects.filter(name=MODEL).update, capabilities=["text", "tools"])
        yield opened


def _annas() -> AvitoProfile:
    """Анна's profile with two weeks of known days; Avito is left alone."""
    profile, now = make_profile(User.objects.get(telegram_id=ANNA)), timezone.now()
    stop_collecting(profile, now)
    fill(profile, week_of(today_at_avito(now)).first, now)
    return profile


async def test_question_in_plain_words_is_answered_with_figures_source_and_days(house: House) -> None:
    await house.db(_annas)
    call = '[[tool avito_figures {"period": "last_week", "compare_with": "week_before_last", "metrics": ["contacts"]}]]'
    answer = readable(await house.ask(ANNA, f"сколько контактов дала прошлая неделя против позапрошлой? {call}"))

    assert "120; before 100; difference +20; change +20.0 %" in answer
    assert "Source: Avito, daily snapshots, data as of" in answer
    specs = house.models.calls[0].body["tools"]
    assert [spec["function"]["name"] for spec in specs] == list(NAMES)


async def test_model_that_asks_for_another_persons_profile_is_told_that_there_is_none(house: House) -> None:
    await house.db(_annas)
    await house.db(lambda: make_profile(User.objects.get(telegram_id=OLGA), "Чужой"))
    answer = await house.ask(ANNA, 'How is it? [[tool avito_figures {"profile": "Чужой"}]]')
    assert "No profile here has this name: “чужой”. There are: “Север”." in answer


async def test_wrong_metric_is_told_to_the_model(house: House) -> None:
    await house.db(_annas)
    answer = await house.ask(ANNA, 'How is it? [[tool avito_figures {"metrics": ["clicks"]}]]')
    assert "must be one of" in answer


# --- to whom they are offered ---------------------------------------------------------------------------------------


@pytest.fixture
def _remembered_afresh() -> Iterator[None]:
    knowing.somebody_came()
    yield
    knowing.somebody_came()


@pytest.mark.usefixtures("_remembered_afresh")
def test_tools_are_offered_where_there_is_something_to_ask_about(
    by: Asked, north: AvitoProfile, member: User, now: datetime, settings: Settings
) -> None:
    team, mine = group(), Chat(kind="private", person=member)
    assert set(NAMES) <= set(settings.DIALOG_TOOLS)
    assert [tool.name for tool in offered(NAMES, by.user, by.chat)] == list(NAMES)
    assert offered(NAMES, by.user, team) == []  # not even to their owner, until they stand there
    assert offered(NAMES, member, team) == []

    profiles.show_in(north, team, by=by.user, via="tests", now=now)
    assert offered(NAMES, member, mine) == []
    knowing.somebody_came()  # as when the transaction ends
    assert [tool.name for tool in offered(NAMES, member, team)] == list(NAMES)
    assert offered(NAMES, member, mine) == []


@pytest.mark.usefixtures("_remembered_afresh")
def test_questions_of_who_has_no_profile_cost_neither_tokens_nor_queries(
    by: Asked, north: AvitoProfile, member: User, django_assert_num_queries: Any
) -> None:
    mine = Chat(kind="private", person=member)
    assert offered(NAMES, member, mine) == []
    with django_assert_num_queries(0):
        assert offered(NAMES, member, mine) == []
        assert len(offered(NAMES, by.user, by.chat)) == len(NAMES)

    make_profile(member, "Юг", 90000002)
    assert len(offered(NAMES, member, mine)) == len(NAMES)


def test_descriptions_stay_cheap() -> None:
    """Some four characters a token; each question of somebody with a profile pays for them."""
    specs = [tool.spec() for name in NAMES if (tool := find(name)) is not None]
    assert sum(len(json.dumps([spec.name, spec.description, spec.parameters])) for spec in specs) < 2600


@pytest.mark.parametrize("arguments", [{"compare_with": "last_year"}, {"period": "ever"}])
def test_unknown_periods_are_told_with_what_there_is(by: Asked, north: AvitoProfile, arguments: dict[str, str]) -> None:
    with pytest.raises(ToolError, match=r"No period is called “(last_year|ever)”\. There are: today, yesterday, "):
        ask(by, **arguments)


def test_table_names_what_there_is_by_day(by: Asked, north: AvitoProfile) -> None:
    with pytest.raises(ToolError, match=r"These are not figures of a day: wallet, clicks\. There are: impressions, "):
        tools._by_day(by, {"metrics": ["wallet", "clicks", "views"]})
