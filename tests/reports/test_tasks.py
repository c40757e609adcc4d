"""Report tasks: when they run, and what a change of one setting leaves of the others."""

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from accounts.models import Access, Chat, User
from delivery import tick
from delivery.models import Schedule
from delivery.schedule import Daily, Monthly, Rule, RuleError, Weekly, preview
from reports.chat.answers import at_time, clock
from reports.metrics import USUAL
from reports.models import AvitoProfile, ProfileChat, Report, ReportTask
from reports.services import tasks
from reports.services.rows import NotSo
from tests.reports import making

# A Sunday, noon in Moscow.
NOON = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def profile(owner: User) -> AvitoProfile:
    return making.make_profile(owner, now=NOON)


def set_rule(task: ReportTask, rule: Rule, now: datetime, zone: str = "Europe/Moscow") -> datetime | None:
    """When it runs next after the change."""
    tasks.set_rule(task, rule, zone, by=task.profile.owner, via="tests", now=now)
    return task.schedule.next_at


def fire(task: ReportTask) -> None:
    """Let the tick find it due at its time."""
    task.schedule.refresh_from_db()
    assert task.schedule.next_at is not None
    tick._fire_batch(task.schedule.next_at, tick.BATCH)
    task.schedule.refresh_from_db()


def moscow(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour - 3, minute, tzinfo=UTC)


# --- no second report a day -----------------------------------------------------------------------------------------


def test_change_of_time_does_not_fire_twice_today(profile: AvitoProfile) -> None:
    task = making.make_task(profile, Daily(time(9)), now=moscow(22, 8))
    fire(task)

    assert set_rule(task, Daily(time(15)), moscow(22, 10)) == moscow(23, 15)


def test_change_before_todays_report_still_gives_one_today(profile: AvitoProfile) -> None:
    task = making.make_task(profile, Daily(time(9)), now=moscow(21, 8))
    fire(task)

    assert set_rule(task, Daily(time(15)), moscow(22, 8)) == moscow(22, 15)


def test_change_back_and_forth_does_not_lose_tomorrow(profile: AvitoProfile) -> None:
    task = making.make_task(profile, Daily(time(9)), now=moscow(22, 8))
    fire(task)
    set_rule(task, Daily(time(15)), moscow(22, 10))

    assert set_rule(task, Daily(time(9)), moscow(23, 8)) == moscow(23, 9)


def test_change_of_zone_does_not_fire_twice_today(profile: AvitoProfile) -> None:
    task = making.make_task(profile, Daily(time(9)), now=moscow(22, 8))
    fire(task)

    upcoming = set_rule(task, Daily(time(9)), moscow(22, 9, 30), "Europe/Kaliningrad")
    assert upcoming == moscow(23, 10)


def test_switching_off_and_on_does_not_fire_twice_today(profile: AvitoProfile) -> None:
    task = making.make_task(profile, Daily(time(9)), now=moscow(22, 8))
    fire(task)
    by: dict[str, Any] = {"by": profile.owner, "via": "tests"}
    tasks.switch(task, False, now=moscow(22, 10), **by)
    tasks.switch(task, True, now=moscow(22, 11), **by)

    assert task.schedule.next_at == moscow(23, 9)


def test_what_was_missed_while_it_was_off_does_not_come(profile: AvitoProfile) -> None:
    task = making.make_task(profile, Daily(time(9)), now=moscow(20, 8))
    by: dict[str, Any] = {"by": profile.owner, "via": "tests"}
    tasks.switch(task, False, now=moscow(20, 8, 30), **by)
    tasks.switch(task, True, now=moscow(22, 12), **by)

    assert task.schedule.next_at == moscow(23, 9)


# --- the beat -------------------------------------------------------------------------------------------------------


def test_every_three_days_keeps_its_beat_through_other_changes(profile: AvitoProfile) -> None:
    task = making.make_task(profile, on=True, now=moscow(1, 8))
    rule = tasks.every(3, time(9), task.schedule, "Europe/Moscow", moscow(1, 8))
    set_rule(task, rule, moscow(1, 8))
    beat = [run.at for run in preview(rule, moscow(1, 8), ZoneInfo(task.schedule.zone), 4)]
    fire(task)

    tasks.set_chart(task, False, by=profile.owner, via="tests", now=moscow(2, 12))
    assert set_rule(task, at_time(tasks.rule_of(task), time(18)), moscow(2, 12)) == beat[1] + timedelta(hours=9)
    row = ReportTask.objects.select_related("schedule").get()  # as after a restart
    assert set_rule(row, at_time(tasks.rule_of(row), time(9)), moscow(2, 13)) == beat[1]


def test_every_three_days_begins_with_the_next_time_there_is(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=moscow(22, 8))

    early = tasks.every(3, time(9), task.schedule, "Europe/Moscow", moscow(22, 8))
    assert set_rule(task, early, moscow(22, 8)) == moscow(22, 9)
    late = tasks.every(3, time(9), task.schedule, "Europe/Moscow", moscow(22, 10))
    assert set_rule(task, late, moscow(22, 10)) == moscow(23, 9)


def test_every_three_days_begins_tomorrow_when_today_has_had_its_report(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=moscow(22, 8))
    fire(task)

    rule = tasks.every(3, time(15), task.schedule, "Europe/Moscow", moscow(22, 10))
    assert set_rule(task, rule, moscow(22, 10)) == moscow(23, 15)


def test_monthly_on_the_31st_comes_on_the_last_day_of_february(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)

    upcoming = set_rule(task, Monthly(31, time(9)), datetime(2027, 2, 1, tzinfo=UTC))
    assert upcoming == datetime(2027, 2, 28, 6, tzinfo=UTC)


def test_clock_that_goes_forward_neither_doubles_nor_skips(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    upcoming = set_rule(task, Daily(time(2, 30)), before, "Europe/Berlin")

    assert upcoming == datetime(2027, 3, 28, 1, 0, tzinfo=UTC)  # there is no 02:30: at the end of the gap
    fire(task)
    assert task.schedule.next_at == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)


def test_nine_in_vladivostok_is_nine_there(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)

    assert set_rule(task, Daily(time(9)), NOON, "Asia/Vladivostok") == datetime(2026, 11, 22, 23, tzinfo=UTC)


def test_unknown_zone_is_refused_and_changes_nothing(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)

    with pytest.raises(RuleError, match="This time zone is not known"):
        set_rule(task, Weekly(frozenset({0}), time(9)), NOON, "Mars/Olympus")
    assert ReportTask.objects.select_related("schedule").get().schedule.zone == "Europe/Moscow"


def test_a_report_at_work_is_not_called_back_by_a_change(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=moscow(22, 8))
    fire(task)
    report = Report.objects.get()

    set_rule(task, Daily(time(15)), moscow(22, 10))
    report.refresh_from_db()
    assert report.state == Report.State.QUEUED


# --- switched off by the bot ----------------------------------------------------------------------------------------


def test_refused_keys_pause_it_and_say_why(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)

    assert tasks.pause_for_keys(task, "bad_credentials", now=NOON)
    assert (task.schedule.state, task.paused_because) == (Schedule.State.PAUSED, "bad_credentials")
    assert not tasks.pause_for_keys(task, "bad_credentials", now=NOON)


def test_new_keys_switch_on_what_keys_switched_off(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)
    tasks.pause_for_keys(task, "bad_credentials", now=NOON)

    assert tasks.go_on_with_keys(task, by=profile.owner, via="tests", now=NOON)
    assert (tasks.is_on(task), task.paused_because) == (True, "")


def test_new_keys_do_not_switch_on_what_the_owner_switched_off(profile: AvitoProfile) -> None:
    task = making.make_task(profile, on=False, now=NOON)

    assert not tasks.go_on_with_keys(task, by=profile.owner, via="tests", now=NOON)
    assert not tasks.is_on(task)


def test_another_chat_switches_on_what_a_lost_chat_switched_off(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)
    tasks.pause_for(task, tasks.CHAT, now=NOON)
    tasks.set_chat(task, making.group(), 0, by=profile.owner, via="tests", now=NOON)

    assert (tasks.is_on(task), task.paused_because) == (True, "")


def test_switching_on_begins_the_count_of_refusals_anew(profile: AvitoProfile) -> None:
    task = making.make_task(profile, on=False, now=NOON)
    AvitoProfile.objects.update(refusals=2)
    tasks.switch(task, True, by=profile.owner, via="tests", now=NOON)

    assert AvitoProfile.objects.get().refusals == 0


# --- where to -------------------------------------------------------------------------------------------------------


def test_group_as_a_target_binds_the_profile_there(profile: AvitoProfile) -> None:
    task, group = making.make_task(profile, now=NOON), making.group()
    tasks.set_chat(task, group, 7, by=profile.owner, via="tests", now=NOON)

    assert ProfileChat.objects.filter(profile=profile, chat=group).exists()
    assert (task.chat, task.thread_id) == (group, 7)


def test_chat_that_was_not_let_in_is_refused(profile: AvitoProfile) -> None:
    group = making.group(status=Access.PENDING)

    with pytest.raises(NotSo, match="have not let this chat in"):
        tasks.set_chat(making.make_task(profile, now=NOON), group, 0, by=profile.owner, via="tests", now=NOON)
    assert not ProfileChat.objects.exists()


def test_somebody_elses_private_chat_is_refused(profile: AvitoProfile) -> None:
    making.owner(telegram_id=106, name="Борис")
    chat = Chat.objects.get(telegram_id=106)

    with pytest.raises(NotSo, match="somebody else's private chat"):
        tasks.set_chat(making.make_task(profile, now=NOON), chat, 0, by=profile.owner, via="tests", now=NOON)


@pytest.mark.parametrize("address", ["nobody", "a@b", "a b@example.com", f"{'a' * 250}@example.com"])
def test_odd_addresses_are_refused(profile: AvitoProfile, address: str) -> None:
    task = making.make_task(profile, now=NOON)

    with pytest.raises(NotSo):
        tasks.set_email(task, address, by=profile.owner, via="tests", now=NOON)


def test_webhook_gets_a_new_secret_with_each_address(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)
    by: dict[str, Any] = {"by": profile.owner, "via": "tests", "now": NOON}
    first = tasks.set_hook(task, "https://example.com/a", **by)
    second = tasks.set_hook(task, "https://example.com/b", **by)

    assert first != second
    assert ReportTask.objects.get().hook_secret == second
    assert tasks.set_hook(task, "", **by) == ""
    assert ReportTask.objects.get().hook_secret is None


# --- what -----------------------------------------------------------------------------------------------------------


def test_figures_keep_the_tables_order_and_known_names(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)
    tasks.set_metrics(task, ["wallet", "no-such", "views"], by=profile.owner, via="tests", now=NOON)

    assert task.metrics == ["views", "wallet"]


def test_no_figure_at_all_is_refused(profile: AvitoProfile) -> None:
    task = making.make_task(profile, now=NOON)

    with pytest.raises(NotSo, match="at least one figure"):
        tasks.set_metrics(task, [], by=profile.owner, via="tests", now=NOON)
    assert ReportTask.objects.get().metrics == list(USUAL)


@pytest.mark.parametrize(("money", "drop"), [(Decimal(0), 50), (Decimal(-5), 50), (None, 100), (None, -1)])
def test_odd_thresholds_are_refused(profile: AvitoProfile, money: Decimal | None, drop: int) -> None:
    task = making.make_task(profile, now=NOON)

    with pytest.raises(NotSo):
        tasks.set_alerts(
            task, True, low_money=money, contacts_drop=drop, by=profile.owner, via="tests", now=timezone.now()
        )


@pytest.mark.parametrize(
    ("words", "at"), [("9", time(9)), ("9:30", time(9, 30)), ("23.59", time(23, 59)), ("в 8 часов", time(8))]
)
def test_clock_is_read(words: str, at: time) -> None:
    assert clock(words) == at


@pytest.mark.parametrize("words", ["24:00", "9:60", "soon", "", "99"])
def test_what_is_no_clock_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="I see no time in that"):
        clock(words)
