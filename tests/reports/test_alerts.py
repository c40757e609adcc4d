"""Money that runs out and contacts that drop: computed of stored days, told once, and once more when it is over.

The tests stand on Friday, 20 November 2026, noon in Moscow: yesterday is Thursday, the 19th.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from reports.models import Alert, AvitoProfile, ReportTask, Snapshot, Standing
from reports.services import alerts
from tests.house import ADMINS
from tests.reports.making import make_day, make_profile, make_standing
from tests.reports.test_watching import told

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
TODAY = date(2026, 11, 20)
YESTERDAY = TODAY - DAY
NBSP = "\N{NO-BREAK SPACE}"


@pytest.fixture
def profile(owner: User, now: datetime) -> AvitoProfile:
    return make_profile(owner, now=now)


def spent(profile: AvitoProfile, now: datetime, sums: Sequence[Any], **more: Any) -> None:
    """Roubles of the days up to yesterday, the newest last; None: nothing is known of that day."""
    for back, value in enumerate(reversed(sums), 1):
        if value is not None:
            make_day(profile, TODAY - DAY * back, read_at=now, spending=value, **more)


def choose(profile: AvitoProfile, **columns: Any) -> None:
    ReportTask.objects.filter(profile=profile).update(**columns)


def stands(profile: AvitoProfile, day: date, **figures: Any) -> None:
    Standing.objects.filter(profile=profile, date=day).delete()
    make_standing(profile, day, **figures)


def readable(text: str) -> str:
    """With ordinary spaces."""
    return text.replace(NBSP, " ").replace("\N{NARROW NO-BREAK SPACE}", " ")


def heard(user: User) -> list[str]:
    return [readable(text) for text in told(user.telegram_id)]


# --- money ----------------------------------------------------------------------------------------------------------


def test_wallet_that_lasts_two_days_is_told_with_the_sum_and_the_days(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    # 350 + 420 + 280 + 500 + 450 + 400 + 400 = 2800 in 7 days: 400 a day; 1000 / 400 = 2.5 days.
    spent(profile, now, [350, 420, 280, 500, 450, 400, 400])
    make_standing(profile, TODAY, wallet="1000.00")
    alerts.check(profile, now)

    assert heard(owner) == [
        "💰 “Север” runs out of money: wallet 1,000 ₽. That is enough for about 2 days at 400 ₽ a day "
        "(average of the last 7 days). Top it up at Avito, or the listings may stop being promoted and shown."
    ]
    assert told(ADMINS) == []
    row = Alert.objects.get()
    assert (row.kind, row.about, row.facts["days"], row.facts["a_day"]) == ("money", "wallet", "2.50", "400.00")


@pytest.mark.parametrize(
    ("wallet", "alarms"), [("1199.99", True), ("1200", False), ("1599", False), ("250000.50", False)]
)
def test_less_than_three_days_are_few(
    profile: AvitoProfile, owner: User, now: datetime, wallet: str, alarms: bool
) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, TODAY, wallet=wallet)
    alerts.check(profile, now)
    assert bool(heard(owner)) is alarms


def test_it_is_told_once_until_it_is_over(profile: AvitoProfile, owner: User, now: datetime) -> None:
    spent(profile, now, [400] * 7)
    for left in ("1000", "900", "1300", "1599", "1000"):  # between three and four days nothing changes
        stands(profile, TODAY, wallet=left)
        alerts.check(profile, now)
    assert len(heard(owner)) == 1

    stands(profile, TODAY, wallet="18400")
    alerts.check(profile, now)
    assert heard(owner)[1:] == [
        "✅ “Север”: wallet 18,400 ₽. That is enough for about 46 days at 400 ₽ a day (average of the last 7 days)."
    ]
    assert Alert.objects.get().over_at == now

    stands(profile, TODAY, wallet="1000")
    alerts.check(profile, now + DAY / 24)
    assert [text[0] for text in heard(owner)] == ["💰", "✅", "💰"]


def test_threshold_of_the_person_counts_instead(profile: AvitoProfile, owner: User, now: datetime) -> None:
    choose(profile, low_money=Decimal("1500.00"))
    spent(profile, now, [10] * 7)
    make_standing(profile, TODAY, wallet="1499.99")
    alerts.check(profile, now)
    assert heard(owner)[0].startswith(
        "💰 “Север” runs out of money: wallet 1,499.99 ₽. That is less than 1,500 ₽, where you wanted to be told. "
        "That is enough for about 150 days at 10 ₽ a day"
    )

    stands(profile, TODAY, wallet="1799.99")  # 1500 × 1.2 = 1800
    alerts.check(profile, now)
    assert len(heard(owner)) == 1
    stands(profile, TODAY, wallet="1800")
    alerts.check(profile, now)
    assert len(heard(owner)) == 2


def test_above_the_persons_threshold_few_days_are_no_alarm(profile: AvitoProfile, owner: User, now: datetime) -> None:
    choose(profile, low_money=Decimal(100))
    spent(profile, now, [400] * 7)
    make_standing(profile, TODAY, wallet="500")
    alerts.check(profile, now)
    assert heard(owner) == []


def test_less_than_a_day_and_nothing_at_all_have_words_of_their_own(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, YESTERDAY, wallet="500", advance="900")
    make_standing(profile, TODAY, wallet="100", advance="-5000")
    alerts.check(profile, now)
    first, second = heard(owner)
    assert "wallet 100 ₽. That is less than a day at 400 ₽ a day" in first
    assert "advance −5,000 ₽. Nothing is left; usually it spends" in second


def test_empty_wallet_alarms_although_nothing_is_spent_any_more(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    spent(profile, now, [0] * 7)
    make_standing(profile, YESTERDAY, wallet="500")
    make_standing(profile, TODAY, wallet="0")
    alerts.check(profile, now)
    assert heard(owner)[0].startswith("💰 “Север” runs out of money: wallet 0 ₽. Top it up")


def test_what_spends_nothing_because_it_is_nearly_empty_is_not_well(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, TODAY, wallet="90")
    alerts.check(profile, now)
    Snapshot.objects.all().delete()
    spent(profile, now, [0] * 7)
    alerts.check(profile, now)
    assert len(heard(owner)) == 1


def test_purse_that_was_empty_for_a_month_is_not_in_use(profile: AvitoProfile, owner: User, now: datetime) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, TODAY - DAY * 31, advance="900")
    make_standing(profile, YESTERDAY, wallet="50000", advance="0")
    make_standing(profile, TODAY, wallet="50000", advance="0")
    alerts.check(profile, now)
    assert heard(owner) == []


def test_what_was_not_told_today_says_nothing(profile: AvitoProfile, owner: User, now: datetime) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, YESTERDAY, wallet="100")
    make_standing(profile, TODAY, score="4.8")
    alerts.check(profile, now)
    assert heard(owner) == []


@pytest.mark.parametrize(("known", "alarms"), [([None] * 5 + [400, 400], False), ([None] * 4 + [400] * 3, True)])
def test_average_needs_three_days(
    profile: AvitoProfile, owner: User, now: datetime, known: list[Any], alarms: bool
) -> None:
    spent(profile, now, known)
    make_standing(profile, TODAY, wallet="1000")
    alerts.check(profile, now)
    assert bool(heard(owner)) is alarms


def test_days_older_than_a_week_do_not_count(profile: AvitoProfile, owner: User, now: datetime) -> None:
    spent(profile, now, [90000, *[100] * 7])
    make_standing(profile, TODAY, wallet="1000")
    alerts.check(profile, now)
    assert heard(owner) == []


def test_bonuses_leave_no_purse(profile: AvitoProfile) -> None:
    days = [make_day(profile, TODAY - DAY * n, spending=300, spendingBonus=700, allSpending=1000) for n in (1, 2, 3)]
    assert alerts.usual_spending(days, {"wallet"}) == {"wallet": Decimal(300)}


def test_all_spending_stands_in_where_avito_tells_no_other(profile: AvitoProfile) -> None:
    days = [make_day(profile, TODAY - DAY * n, allSpending=n * 100) for n in (1, 2, 3)]
    assert alerts.usual_spending(days, {"wallet"}) == {"wallet": Decimal(200)}


def test_advance_pays_for_placement_and_the_wallet_for_the_rest(profile: AvitoProfile) -> None:
    days = [make_day(profile, TODAY - DAY * n, spending=1000, presenceSpending=900) for n in (1, 2, 3)]
    assert alerts.usual_spending(days, {"wallet", "advance"}) == {"advance": Decimal(900), "wallet": Decimal(100)}
    assert alerts.usual_spending(days, {"advance"}) == {"advance": Decimal(1000)}


def test_account_entered_twice_is_told_of_once(owner: User, now: datetime) -> None:
    twins = [make_profile(owner, name, 90000001, now=now) for name in ("Север", "Север 2")]
    other = make_profile(owner, "Юг", 90000002, now=now)
    for profile in (*twins, other):
        spent(profile, now, [400] * 7)
        make_standing(profile, TODAY, wallet="1000")
        alerts.check(profile, now)
        alerts.check(profile, now)
    assert [text.partition(" runs")[0] for text in heard(owner)] == ["💰 “Север”", "💰 “Юг”"]


def test_other_owner_of_the_account_is_told_too(owner: User, member: User, now: datetime) -> None:
    for user in (owner, member):
        profile = make_profile(user, now=now)
        spent(profile, now, [400] * 7)
        make_standing(profile, TODAY, wallet="1000")
        alerts.check(profile, now)
    assert len(heard(owner)) == len(heard(member)) == 1


def test_who_switched_alerts_off_hears_nothing_and_what_stood_ends_silently(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, TODAY, wallet="1000")
    alerts.check(profile, now)
    choose(profile, alerts=False)
    alerts.check(profile, now)
    assert len(heard(owner)) == 1
    assert Alert.objects.get().over_at == now


def test_profile_that_is_gone_meanwhile_is_no_trouble(profile: AvitoProfile, owner: User, now: datetime) -> None:
    spent(profile, now, [400] * 7)
    make_standing(profile, TODAY, wallet="1000")
    AvitoProfile.objects.filter(pk=profile.pk).delete()
    alerts.check(profile, now)
    assert heard(owner) == []


def test_twin_whose_keys_are_refused_does_not_keep_the_other_silent(owner: User, now: datetime) -> None:
    first, second = (make_profile(owner, name, now=now) for name in ("Север", "Север 2"))
    for profile in (first, second):
        spent(profile, now, [400] * 7)
        make_standing(profile, TODAY, wallet="1000")
    alerts.check(first, now)
    AvitoProfile.objects.filter(pk=first.pk).update(access="bad_keys")
    alerts.check(second, now)
    assert [text.partition(" runs")[0] for text in heard(owner)] == ["💰 “Север”", "💰 “Север 2”"]


# --- contacts -------------------------------------------------------------------------------------------------------


def contacted(profile: AvitoProfile, now: datetime, **days: Any) -> None:
    """``d1=10``: yesterday; ``d8``: a week before that."""
    for name, value in days.items():
        make_day(profile, TODAY - DAY * int(name[1:]), read_at=now, contacts=value)


def test_drop_is_told_with_the_usual_and_what_it_is(profile: AvitoProfile, owner: User, now: datetime) -> None:
    # Thursdays before: (30 + 34 + 26 + 30) / 4 = 30; 12 is 60 % less.
    contacted(profile, now, d1=12, d8=30, d15=34, d22=26, d29=30)
    alerts.check(profile, now)
    assert heard(owner) == [
        "📉 “Север”: contacts dropped. Thursday, 19 November: 12, that is 60% below the usual. Usual are 30: the "
        "average of the same weekday in 4 weeks before. Look at Avito whether the listings are up and nothing "
        "holds them back; with “Report now” you see more."
    ]


@pytest.mark.parametrize(
    ("yesterday", "usual", "alarms"),
    [
        pytest.param(15, 30, True, id="half is enough"),
        pytest.param(16, 30, False, id="a little less than half is not"),
        pytest.param(0, 1, False, id="one instead of none is chance"),
        pytest.param(1, 5, False, id="four fewer are chance too"),
        pytest.param(0, 5, True, id="five fewer are not"),
        pytest.param(40, 30, False, id="more is no alarm"),
        pytest.param(0, 0, False, id="nothing is usual"),
    ],
)
def test_it_takes_half_and_five_fewer(
    profile: AvitoProfile, owner: User, now: datetime, yesterday: int, usual: int, alarms: bool
) -> None:
    contacted(profile, now, d1=yesterday, d8=usual, d15=usual, d22=usual, d29=usual)
    alerts.check(profile, now)
    assert bool(heard(owner)) is alarms


def test_percent_is_the_persons(profile: AvitoProfile, owner: User, now: datetime) -> None:
    contacted(profile, now, d1=70, d8=100, d15=100, d22=100, d29=100)
    choose(profile, contacts_drop=31)
    alerts.check(profile, now)
    assert heard(owner) == []
    choose(profile, contacts_drop=30)
    alerts.check(profile, now)
    assert len(heard(owner)) == 1


def test_zero_percent_is_never(profile: AvitoProfile, owner: User, now: datetime) -> None:
    choose(profile, contacts_drop=0)
    contacted(profile, now, d1=0, d8=100, d15=100, d22=100, d29=100)
    alerts.check(profile, now)
    assert heard(owner) == []


def test_partial_day_never_alarms(profile: AvitoProfile, owner: User, now: datetime) -> None:
    contacted(profile, now, d8=100, d15=100, d22=100, d29=100)
    make_day(profile, YESTERDAY, read_at=now, partial=True, contacts=3)
    alerts.check(profile, now)
    assert heard(owner) == []


def test_day_that_was_read_before_it_ended_never_alarms(profile: AvitoProfile, owner: User, now: datetime) -> None:
    contacted(profile, now, d8=100, d15=100, d22=100, d29=100)
    make_day(profile, YESTERDAY, read_at=now - DAY, contacts=3)
    alerts.check(profile, now)
    assert heard(owner) == []


def test_absent_day_is_not_zero(profile: AvitoProfile, owner: User, now: datetime) -> None:
    contacted(profile, now, d8=100, d15=100, d22=100, d29=100)
    alerts.check(profile, now)
    make_day(profile, YESTERDAY, read_at=now, views=400)
    alerts.check(profile, now)
    assert heard(owner) == []


def test_two_weeks_stand_in_where_the_weekdays_are_not_known(profile: AvitoProfile, owner: User, now: datetime) -> None:
    # Seven days before yesterday: 20 each.
    contacted(profile, now, d1=5, d2=20, d3=20, d4=20, d5=20, d6=20, d7=20, d8=20)
    alerts.check(profile, now)
    assert "5, that is 75% below the usual. Usual are 20: the average of 7 days before." in heard(owner)[0]


def test_too_little_is_known_for_an_alarm(profile: AvitoProfile, owner: User, now: datetime) -> None:
    contacted(profile, now, d1=0, d2=20, d3=20, d4=20, d5=20, d6=20, d7=20)
    alerts.check(profile, now)
    assert heard(owner) == []


def test_they_are_back_when_a_day_is_near_the_usual(profile: AvitoProfile, owner: User, now: datetime) -> None:
    contacted(profile, now, d1=12, d8=30, d15=30, d22=30, d29=30)
    alerts.check(profile, now)
    for row, contacts in ((Snapshot.objects.get(date=YESTERDAY), 22), (Snapshot.objects.get(date=YESTERDAY), 23)):
        row.figures = {"contacts": str(contacts)}  # 22.5 are a quarter less than the usual
        row.save()
        alerts.check(profile, now)
    assert heard(owner)[1:] == ["✅ “Север”: contacts are as usual again. Thursday, 19 November: 23, usual are 30."]
    assert Alert.objects.get().over_at == now


def test_zero_of_everything_is_divided_by_nothing(profile: AvitoProfile, now: datetime) -> None:
    contacted(profile, now, d1=0, d8=0, d15=0, d22=0, d29=0)
    make_standing(profile, TODAY, wallet="0", advance="0")
    alerts.check(profile, now)
    assert not Alert.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_look_at_once_tell_it_once(
    owner: User, now: datetime, at_once: Callable[..., list[None]]
) -> None:
    twins = [make_profile(owner, name, now=now) for name in ("Север", "Север 2")]
    for profile in twins:
        spent(profile, now, [400] * 7)
        make_standing(profile, TODAY, wallet="1000")
    at_once(*[lambda key=profile.pk: alerts.check(AvitoProfile.objects.get(pk=key), now) for profile in twins * 2])
    assert len(heard(owner)) == 1
    assert Alert.objects.count() == 1
