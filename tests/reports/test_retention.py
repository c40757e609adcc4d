"""What goes with time: reports, figures, exports and their files, and what is left behind."""

import uuid
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pytest_django import Settings

from accounts.models import Chat, User
from delivery import jobs
from delivery.models import Delivery, Schedule
from reports import retention
from reports.export import spool, verbs
from reports.models import AvitoProfile, AvitoToken, CallGate, Export, Report, Snapshot, Standing
from tests.reports import making

pytestmark = pytest.mark.django_db(transaction=True)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
DATE = date(2026, 11, 19)


@pytest.fixture(autouse=True)
def files(settings: Settings, tmp_path: Path) -> Path:
    settings.FILES_DIR = tmp_path / "files"
    return tmp_path / "files"


@pytest.fixture
def profile(owner: User, now: datetime) -> AvitoProfile:
    return making.make_profile(owner, now=now)


def report(owner: User, at: datetime, state: Report.State = Report.State.DONE) -> Report:
    return Report.objects.create(
        kind=Report.Kind.NOW, requested_by=owner, first=DATE, last=DATE, state=state, created_at=at
    )


def export(profile: AvitoProfile, at: datetime, state: Export.State) -> Export:
    """With a file on the disk."""
    chat = Chat.objects.get(person=profile.owner)
    row, _new = verbs.begin(profile, profile.owner, chat, 0, 0, now=at)
    ended = None if state == Export.State.QUEUED else at
    Export.objects.filter(pk=row.pk).update(state=state, finished_at=ended)
    spool.folder_of(row.pk).mkdir(parents=True)
    (spool.folder_of(row.pk) / "1.xlsx").write_bytes(b"words")
    return row


# --- reports and figures --------------------------------------------------------------------------------------------


def test_reports_that_ended_go_after_their_days(owner: User, now: datetime, settings: Settings) -> None:
    settings.KEEP_REPORTS_DAYS = 90
    old = [report(owner, now - 91 * DAY), report(owner, now - 91 * DAY, Report.State.CANCELLED)]
    kept = [report(owner, now - 91 * DAY, Report.State.QUEUED), report(owner, now - 89 * DAY)]
    assert retention.forget_old_reports(now) == len(old)
    assert set(Report.objects.values_list("pk", flat=True)) == {row.pk for row in kept}


def test_exports_that_ended_go_with_them(profile: AvitoProfile, now: datetime) -> None:
    export(profile, now - 91 * DAY, Export.State.DONE)
    running = export(profile, now - 91 * DAY, Export.State.QUEUED)
    assert retention.forget_old_reports(now) == 1
    assert list(Export.objects.all()) == [running]


def test_reports_may_be_kept_for_ever(owner: User, now: datetime, settings: Settings) -> None:
    settings.KEEP_REPORTS_DAYS = 0
    report(owner, now - 4000 * DAY)
    assert retention.forget_old_reports(now) == 0


def test_figures_are_kept_for_ever_unless_it_is_said_otherwise(profile: AvitoProfile, now: datetime) -> None:
    making.make_day(profile, date(2020, 1, 1), views=1)
    assert retention.forget_old_figures(now) == 0


def test_days_of_figures_go_by_avitos_calendar(profile: AvitoProfile, settings: Settings) -> None:
    settings.KEEP_FIGURES_DAYS = 30
    evening = datetime.fromisoformat("2026-11-20T22:00:00+00:00")  # the 21st in Moscow
    for day in (date(2026, 10, 21), date(2026, 10, 22)):
        making.make_day(profile, day, views=1)
        making.make_standing(profile, day, wallet=1)
    assert retention.forget_old_figures(evening) == 2
    assert [row.date for row in Snapshot.objects.all()] == [date(2026, 10, 22)]
    assert [row.date for row in Standing.objects.all()] == [date(2026, 10, 22)]


# --- exports --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [Export.State.CANCELLED, Export.State.FAILED])
def test_what_came_to_nothing_leaves_the_disk(profile: AvitoProfile, now: datetime, state: Export.State) -> None:
    row = export(profile, now, state)
    assert retention.remove_exports(now) == 1
    assert not spool.folder_of(row.pk).exists()


def test_files_stay_a_day_for_those_who_could_not_take_them(profile: AvitoProfile, now: datetime) -> None:
    row = export(profile, now, Export.State.DONE)
    assert retention.remove_exports(now + DAY - HOUR) == 0
    assert retention.remove_exports(now + DAY + HOUR) == 1
    assert not spool.folder_of(row.pk).exists()


def test_what_is_at_work_stays_on_the_disk(profile: AvitoProfile, now: datetime) -> None:
    row = export(profile, now - 3 * DAY, Export.State.QUEUED)
    assert retention.remove_exports(now) == 0
    assert spool.folder_of(row.pk).exists()


def test_folders_without_an_export_go_and_what_is_not_ours_stays(db: None, now: datetime, files: Path) -> None:
    (files / "exports" / uuid.uuid4().hex).mkdir(parents=True)
    (files / "exports" / "lost+found").mkdir()
    assert retention.remove_exports(now) == 1
    assert [path.name for path in (files / "exports").iterdir()] == ["lost+found"]


def test_without_a_folder_there_is_nothing_to_remove(db: None, now: datetime) -> None:
    assert retention.remove_exports(now) == 0


def test_an_export_that_nobody_works_on_any_more_is_ended_and_told(profile: AvitoProfile, now: datetime) -> None:
    row = export(profile, now, Export.State.QUEUED)
    Delivery.objects.filter(key=verbs.key_of(row.pk)).delete()
    assert retention.end_lost_exports(now + HOUR - timedelta(minutes=1)) == 0
    assert retention.end_lost_exports(now + HOUR + timedelta(minutes=1)) == 1
    row.refresh_from_db()
    assert (row.state, row.error_kind) == (Export.State.FAILED, "bug")
    assert retention.end_lost_exports(now + DAY) == 0


def test_an_export_that_waits_is_not_lost(profile: AvitoProfile, now: datetime) -> None:
    export(profile, now - DAY, Export.State.QUEUED)
    assert retention.end_lost_exports(now) == 0


# --- left behind ----------------------------------------------------------------------------------------------------


def test_schedules_whose_profile_is_gone_are_removed(owner: User, profile: AvitoProfile, now: datetime) -> None:
    lost = making.make_profile(owner, "Юг", 90000002, now=now)
    AvitoProfile.objects.filter(pk=lost.pk).delete()
    assert retention.remove_lost_schedules(now + DAY) == 2
    left = Schedule.objects.order_by("source").values_list("source", "object_id")
    assert list(left) == [("avito_day", str(profile.pk)), ("report", str(profile.pk))]


def test_schedules_of_other_things_are_not_touched(db: None, now: datetime) -> None:
    Schedule.objects.create(source="reminder", object_id="1", rule={}, zone="UTC", created_at=now - DAY)
    assert retention.remove_lost_schedules(now) == 0


def test_tokens_of_keys_that_nobody_has_any_more_are_removed(profile: AvitoProfile, now: datetime) -> None:
    kept = [token(profile.client, now), token("fetching", now, fetching_until=now + HOUR)]
    token("nobody's", now)
    assert retention.remove_left_behind(now) == 1
    assert set(AvitoToken.objects.all()) == set(kept)


def token(client: str, now: datetime, fetching_until: datetime | None = None) -> AvitoToken:
    facts = {"token": {"access_token": "t"}, "expires_at": now + DAY, "fetching_until": fetching_until}
    return AvitoToken.objects.create(client=client, keys=client[::-1], **facts)


def test_counts_of_calls_go_when_no_limit_counts_them(db: None, now: datetime) -> None:
    old, fresh = (now - 2 * DAY).timestamp(), (now - HOUR).timestamp()
    CallGate.objects.create(scope="account:1", method="old", calls=[old])
    CallGate.objects.create(scope="account:1", method="empty", calls=[])
    CallGate.objects.create(scope="account:1", method="fresh", calls=[old, fresh])
    CallGate.objects.create(scope="account:1", method="blocked", calls=[], blocked_until=now + HOUR)
    assert retention.remove_left_behind(now) == 2
    assert set(CallGate.objects.values_list("method", flat=True)) == {"fresh", "blocked"}


def test_housekeeping_calls_all_of_it(db: None, now: datetime, settings: Settings) -> None:
    paths = [path for path in settings.HOUSEKEEPING if path.startswith("reports.retention.")]
    assert set(jobs.sweep(paths, now)) == {
        f"reports.retention.{name}"
        for name in (
            "forget_old_reports", "forget_old_figures", "end_lost_exports", "remove_exports",
            "remove_lost_schedules", "remove_left_behind",
        )
    }  # fmt: skip
