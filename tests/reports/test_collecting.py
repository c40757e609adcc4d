"""The daily collection: when it is planned, what one morning asks of Avito, and what happens when that is not had."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access as Allowed
from accounts.models import User
from core.db import in_db
from delivery import tick
from delivery.errors import DeliveryError
from delivery.models import Delivery, Schedule
from reports import daily
from reports.models import Access, Alert, AvitoProfile, Snapshot, Standing
from reports.services import collecting, profiles
from reports.services.days import is_final
from sandbox.avito import SEVER, SEVER_KEYS, AvitoWorld, figures_of, serve_avito
from tests.house import ANNA, open_house
from tests.reports.making import fresh, make_day, make_profile, owner
from tests.reports.test_watching import told

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
MOSCOW = ZoneInfo("Europe/Moscow")


def schedule_of(profile: AvitoProfile) -> Schedule:
    return Schedule.objects.get(source="avito_day", object_id=str(profile.pk))


def deliveries() -> list[Delivery]:
    return list(Delivery.objects.filter(backend="avito_day").order_by("id"))


# --- when -----------------------------------------------------------------------------------------------------------


def test_new_profile_is_collected_each_morning_in_moscow_and_at_once(owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)

    row = schedule_of(profile)
    assert row.next_at is not None
    assert time(6) <= row.next_at.astimezone(MOSCOW).time() < time(8)
    assert row.state == Schedule.State.ACTIVE
    [delivery] = deliveries()
    assert (delivery.lane, delivery.content) == (f"task:avito:{profile.pk}:0", {"profile": profile.pk})


def test_profiles_of_an_account_come_together_and_accounts_are_spread(owner: User, member: User, now: datetime) -> None:
    twins = [make_profile(user, now=now) for user in (owner, member)]
    assert collecting.time_of(twins[0]) == collecting.time_of(twins[1])

    times = {collecting.time_of(AvitoProfile(account_id=90000001 + number)) for number in range(200)}
    assert len(times) > 80
    assert min(times) >= time(6)
    assert max(times) < time(8)


def test_profile_whose_account_nobody_knows_has_a_time_too(owner: User, now: datetime) -> None:
    profile = make_profile(owner, account_id=None, now=now)
    assert time(6) <= collecting.time_of(profile) < time(8)


def test_starting_again_changes_the_time_and_asks_once_more(owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)
    AvitoProfile.objects.filter(pk=profile.pk).update(account_id=90000044)
    collecting.start_collecting(fresh(profile), now + DAY)

    assert schedule_of(profile).rule["at"] == f"{collecting.time_of(fresh(profile)):%H:%M}"
    states = [delivery.state for delivery in deliveries()]
    assert states == ["cancelled", "queued"]  # what waited for the account before is withdrawn


def test_stopping_leaves_nothing_planned(owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)
    profiles.delete_profile(profile, by=owner, via="chat", now=now)
    assert not Schedule.objects.filter(source="avito_day").exists()
    assert [delivery.state for delivery in deliveries()] == ["cancelled"]


def test_tick_fires_each_profile_once_a_morning(owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)
    due = timezone.now() - timedelta(minutes=1)
    Schedule.objects.filter(source="avito_day").update(next_at=due)
    tick.tick()
    tick.tick()

    assert [delivery.key for delivery in deliveries()][1:] == [f"avito_day:{profile.pk}:{due.isoformat()}"]


def test_after_a_pause_of_days_one_collection_makes_up_for_all(owner: User, now: datetime) -> None:
    make_profile(owner, now=now)
    Schedule.objects.filter(source="avito_day").update(next_at=timezone.now() - DAY * 9)
    tick.tick()
    assert len(deliveries()) == 2


# --- which days -----------------------------------------------------------------------------------------------------


def test_at_the_start_all_days_that_avito_has_are_asked_for(owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)
    assert daily.first_to_ask(profile, now) == date(2026, 11, 20) - DAY * 270


@pytest.mark.parametrize(
    ("out", "back"), [pytest.param(0, 3, id="each day"), pytest.param(20, 23, id="after an outage")]
)
def test_days_that_are_not_settled_are_asked_for_again(owner: User, now: datetime, out: int, back: int) -> None:
    """Read each morning at seven until ``out`` days ago: the last three days may still have grown since."""
    profile = make_profile(owner, now=now)
    today = date(2026, 11, 20)
    for n in range(1, 271):
        day = today - DAY * n
        morning = datetime.combine(min(day + DAY * 3, today - DAY * (out + 1)), time(7), MOSCOW)
        if morning.date() > day:
            make_day(profile, day, read_at=morning, views=1)
    assert daily.first_to_ask(profile, now) == today - DAY * back


def test_section_that_is_closed_does_not_make_old_days_be_asked_for_each_morning(owner: User, now: datetime) -> None:
    profile = make_profile(owner, now=now)
    today = date(2026, 11, 20)
    for n in range(1, 271):
        row = make_day(profile, today - DAY * n, read_at=now, views=1)
        Snapshot.objects.filter(pk=row.pk).update(read={"statistics": now.isoformat()})
    assert daily.first_to_ask(profile, now) == today - DAY * 270

    AvitoProfile.objects.filter(pk=profile.pk).update(sections={"calls": {"kind": "no_access", "at": now.isoformat()}})
    assert daily.first_to_ask(fresh(profile), now) == today - DAY * 2


# --- a morning, against the sandbox's Avito -------------------------------------------------------------------------


@pytest_asyncio.fixture
async def avito(transactional_db: None, settings: Settings) -> AsyncIterator[AvitoWorld]:
    world = AvitoWorld()
    async with serve_avito(world) as url:
        settings.AVITO_BASE_URL = url
        yield world


async def collected(user: User) -> tuple[AvitoProfile, Delivery]:
    """A profile of the sandbox's first account, and the delivery of its first collection."""

    def make() -> tuple[AvitoProfile, Delivery]:
        client_id, client_secret = SEVER_KEYS
        profile = make_profile(user, account_id=SEVER, client_id=client_id, client_secret=client_secret)
        return profile, Delivery.objects.get(backend="avito_day", content__profile=profile.pk)

    return await in_db(make)


async def test_first_morning_fetches_everything_in_a_call_a_section(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)
    sent = await daily.send(delivery)

    today = timezone.now().astimezone(MOSCOW).date()
    asked = ("stats_v2", "balance", "cpa_v3", "call_stats", "rating")
    assert {name: avito.count(name) for name in asked} == dict.fromkeys(asked, 1)
    assert sent.result["calls"] == len(asked)
    rows = {row.date: row for row in await in_db(lambda: list(Snapshot.objects.filter(profile=profile)))}
    assert {today - DAY * n for n in range(1, 271)} <= rows.keys()
    day = today - DAY * 10
    told_by_avito = figures_of(SEVER, day)
    assert rows[day].values["views"] == Decimal(str(told_by_avito["views"]))
    assert rows[day].values["allSpending"] * 100 == Decimal(str(told_by_avito["allSpending"]))
    standing = await in_db(Standing.objects.get, profile=profile)
    assert standing.values["wallet"] == Decimal(str(avito.accounts[SEVER].real))


async def test_next_mornings_leave_settled_days_alone(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)
    await daily.send(delivery)
    first = await in_db(daily.first_to_ask, profile, timezone.now())
    assert (timezone.now().astimezone(MOSCOW).date() - first).days in (2, 3)
    assert not is_final(first, timezone.now())


async def test_limit_is_waited_for_without_a_slot(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    _profile, delivery = await collected(user)
    avito.trouble("stats_v2", 429, times=1)
    with pytest.raises(DeliveryError) as raised:
        await daily.send(delivery)
    assert raised.value.kind == "waiting"
    assert raised.value.retry_after is not None
    assert 0 < raised.value.retry_after <= 120


async def test_outage_is_tried_again_later_and_no_alarm(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)
    avito.trouble("stats_v2", 500)
    with pytest.raises(DeliveryError) as raised:
        await daily.send(delivery)
    assert (raised.value.kind, raised.value.retry_after) == ("avito_down", 900.0)
    assert await in_db(Standing.objects.filter(profile=profile).exists)  # what was had is kept
    assert await in_db(told, user.telegram_id) == []


@pytest.mark.parametrize(("minutes", "most"), [(5, 15), (60, 61), (300, 120)])
async def test_longer_an_outage_lasts_the_seldomer_it_is_tried(avito: AvitoWorld, minutes: int, most: int) -> None:
    user = await in_db(owner)
    _profile, delivery = await collected(user)
    delivery.created_at = timezone.now() - timedelta(minutes=minutes)
    avito.trouble("rating", 500)
    with pytest.raises(DeliveryError, match="ratings") as raised:
        await daily.send(delivery)
    assert raised.value.retry_after is not None
    assert max(15, min(minutes, 120)) * 60 <= raised.value.retry_after <= most * 60


async def test_yesterdays_collection_gives_way_to_todays(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    _profile, delivery = await collected(user)
    delivery.created_at = timezone.now() - timedelta(hours=21)
    assert (await daily.send(delivery)).result == {}
    assert avito.count("stats_v2") == 0


async def test_refused_keys_are_told_and_the_next_morning_finds_them_well(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)
    avito.trouble("token", "invalid_client", times=None)
    sent = await daily.send(delivery)
    assert sent.result == {"error": "bad_credentials"}
    assert (await in_db(fresh, profile)).access == Access.BAD_KEYS
    assert len(await in_db(told, user.telegram_id)) == 1

    avito.calm()
    await daily.send(delivery)
    assert (await in_db(fresh, profile)).access == Access.WORKS
    assert [text[0] for text in await in_db(told, user.telegram_id)][:2] == ["🔑", "✅"]


async def test_keys_that_cannot_be_opened_are_told_as_refused(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)

    def lose() -> None:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE reports_avitoprofile SET credentials = 'sealed with a lost key'")

    await in_db(lose)
    assert (await daily.send(delivery)).result == {"error": "bad_credentials"}
    [text] = await in_db(told, user.telegram_id)
    assert text.startswith("🔑")
    assert await in_db(lambda: AvitoProfile.objects.values_list("access", flat=True).get(pk=profile.pk)) == "bad_keys"


async def test_low_money_is_told_after_the_collection(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)
    avito.accounts[SEVER].real = 1.0
    await daily.send(delivery)
    alert = await in_db(Alert.objects.get, profile=profile, about="wallet")
    assert Decimal(alert.facts["left"]) == 1
    assert any(text.startswith("💰") for text in await in_db(told, user.telegram_id))


async def test_who_may_not_use_the_bot_any_more_is_not_collected(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    _profile, delivery = await collected(user)
    await in_db(User.objects.filter(pk=user.pk).update, status=Allowed.BLOCKED)
    await daily.send(delivery)
    assert list(avito.calls) == []


async def test_profile_that_is_gone_is_no_trouble(avito: AvitoWorld) -> None:
    user = await in_db(owner)
    profile, delivery = await collected(user)
    await in_db(profiles.delete_profile, profile, by=user, via="chat", now=datetime.now(UTC))
    await daily.send(delivery)
    assert list(avito.calls) == []


# --- in the running bot ---------------------------------------------------------------------------------------------


async def test_running_bot_collects_a_new_profile_by_itself(transactional_db: None, settings: Settings) -> None:
    async with open_house(settings) as house:
        client_id, client_secret = SEVER_KEYS

        def make() -> AvitoProfile:
            anna = User.objects.get(telegram_id=ANNA)
            return make_profile(anna, account_id=SEVER, client_id=client_id, client_secret=client_secret)

        profile = await house.db(make)
        await house.quiet()
        assert await house.db(Snapshot.objects.filter(profile=profile).count) >= 270
        assert [row.state for row in await house.db(deliveries)] == ["sent"]
        assert not any(text.startswith(("🔑", "🚫")) for text in house.heard(ANNA))
