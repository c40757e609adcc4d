"""The pages of reports: who sees what of a profile, its figures against a table made by hand, and what may be done."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts.models import Access, AuditEntry, User
from reports.admin_dashboard import dashboard_of
from reports.figures.periods import today_at_avito
from reports.metrics import Section, Unit
from reports.models import Alert, AvitoProfile, Export, Report, ReportTask, Snapshot, Standing
from reports.pages import figure
from tests.admin.conftest import client_of, url
from tests.reports import making

DAY = timedelta(days=1)
SECRET = "the-secret-nobody-may-see"


@pytest.fixture
def profile(db: None) -> AvitoProfile:
    return making.make_profile(making.owner(), client_id="client-id-of-the-shop", client_secret=SECRET)


def yesterday() -> date:
    return today_at_avito(timezone.now()) - DAY


def told(profile: AvitoProfile, day: date, **figures: str) -> None:
    Snapshot.objects.create(profile=profile, date=day, figures=figures)


def board(site: Client, profile: AvitoProfile, **query: str) -> dict[str, Any]:
    found: dict[str, Any] = site.get(url(profile, "change", profile.pk), query).context["board"]
    return found


def page_of(site: Client, profile: AvitoProfile) -> str:
    page = site.get(url(profile, "change", profile.pk))
    assert page.status_code == 200
    return page.content.decode()


def clerk(*names: str) -> Client:
    """An operator who may see these pages and may not read contents."""
    user = User.objects.create_user("clerk", is_staff=True, status=Access.ACTIVE)
    user.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return client_of(user)


# --- figures --------------------------------------------------------------------------------------------------------


def test_tiles_are_sums_of_stored_days_against_the_days_before(site: Client, profile: AvitoProfile) -> None:
    """By hand: 120 + 80 = 200 views (before 100, +100 %); 5 + 5 contacts for 1500.50 ₽ make 150.05 ₽ each."""
    told(profile, yesterday(), views="120", contacts="5", allSpending="1000.25")
    told(profile, yesterday() - DAY, views="80", contacts="5", allSpending="500.25")
    told(profile, yesterday() - 7 * DAY, views="100", contacts="0", allSpending="0")
    tiles = {tile["name"]: tile for tile in board(site, profile, days="7")["tiles"]}
    assert (tiles["Views"]["value"], tiles["Views"]["before"]) == ("200", "100")
    assert tiles["Views"]["change"] == "+100.0\N{NO-BREAK SPACE}%"
    assert tiles["All spending, bonuses too"]["value"] == "1,500.50\N{NO-BREAK SPACE}₽"
    assert tiles["Cost of a contact"]["value"] == "150.05\N{NO-BREAK SPACE}₽"
    assert tiles["Cost of a contact"]["before"] == "—"


def test_change_is_written_as_the_other_figures_are(profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="1203")
    told(profile, yesterday() - 7 * DAY, views="1600")
    with translation.override("ru"):
        shown = dashboard_of(profile, "7", timezone.now(), readable=True)["tiles"][0]
    # (1203 - 1600) / 1600 = -24.8 %
    assert (shown["change"], shown["tone"]) == ("−24,8\N{NO-BREAK SPACE}%", "bad")


def test_day_that_was_not_told_is_a_gap_and_a_zero_is_a_zero(site: Client, profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="0", contacts="0")
    told(profile, yesterday() - 2 * DAY, views="7")
    drawn = {str(heading): data for heading, data in board(site, profile, days="7")["charts"]}
    views = json.loads(drawn["Views and favourites"])["datasets"][0]
    assert views["data"][-3:] == [7.0, None, 0.0]
    assert views["spanGaps"] is False
    assert drawn["Spending, ₽"] is None


def test_chart_has_as_many_days_as_were_asked_for(site: Client, profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="1")
    for asked, days in (("7", 7), ("90", 90), ("nonsense", 30), ("", 30)):
        _heading, data = board(site, profile, days=asked)["charts"][0]
        assert len(json.loads(data)["labels"]) == days


def test_profile_without_days_says_when_they_come(site: Client, profile: AvitoProfile) -> None:
    assert "No figures of these days yet." in page_of(site, profile)


def test_days_of_single_listings_are_called_incomplete(site: Client, profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="1")
    assert "single listings" not in page_of(site, profile)
    Snapshot.objects.update(partial=True)
    assert "1 day was put together of single listings and may be incomplete." in page_of(site, profile)


def test_what_stands_is_shown_with_its_day(site: Client, profile: AvitoProfile) -> None:
    Standing.objects.create(profile=profile, date=date(2026, 11, 20), figures={"wallet": "250000.50", "bonus": "0"})
    told(profile, yesterday(), views="1")
    page = page_of(site, profile)
    assert "250,000.50\N{NO-BREAK SPACE}₽" in page
    assert "looked at on 2026-11-20" in page


def test_page_asks_as_often_for_270_days_as_for_one(site: Client, profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="1")
    page_of(site, profile)
    with CaptureQueriesContext(connection) as few:
        page_of(site, profile)
    for number in range(1, 270):
        told(profile, yesterday() - number * DAY, views="1")
    with CaptureQueriesContext(connection) as many:
        site.get(url(profile, "change", profile.pk), {"days": "270"})
    assert len(many) == len(few)


# --- who sees what --------------------------------------------------------------------------------------------------


def test_keys_are_shown_to_nobody(site: Client, profile: AvitoProfile) -> None:
    for page in (page_of(site, profile), site.get(url(AvitoProfile, "changelist")).content.decode()):
        assert SECRET not in page
        assert "client-id-of-the-shop" not in page
    assert profile.client_mask in page_of(site, profile)


def test_webhooks_address_and_secret_are_not_shown(site: Client, profile: AvitoProfile) -> None:
    hook = {"hook_url": "https://hooks.example/t0ken", "hook_secret": "whsec_abc"}
    ReportTask.objects.filter(profile=profile).update(**hook)
    task = ReportTask.objects.get(profile=profile)
    for page in (site.get(url(task, "change", task.pk)), site.get(url(ReportTask, "changelist"))):
        text = page.content.decode()
        assert "webhook" in text
        assert "t0ken" not in text
        assert "whsec" not in text


def test_operator_who_may_not_read_contents_sees_no_figures(profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="4711")
    other = clerk("view_avitoprofile", "view_snapshot")
    page = page_of(other, profile)
    assert "Figures are shown to those who may read contents." in page
    assert "4711" not in page
    assert "4,711" not in page
    assert "4,711" not in other.get(url(Snapshot, "changelist")).content.decode()


@pytest.mark.parametrize("asked", [{"figures__views__startswith": "47"}, {"figures__favorites": "1"}])
def test_figures_cannot_be_guessed_at_in_the_address(profile: AvitoProfile, asked: dict[str, str]) -> None:
    told(profile, yesterday(), views="4711", favorites="1")
    assert clerk("view_snapshot").get(url(Snapshot, "changelist"), asked).status_code == 400


def test_sums_in_an_alert_are_shown_to_those_who_may_read_contents(site: Client, profile: AvitoProfile) -> None:
    alert = Alert.objects.create(profile=profile, kind="money", about="wallet", facts={"left": "4711.00"})
    assert "4711" in site.get(url(alert, "change", alert.pk)).content.decode()
    other = clerk("view_alert")
    page = other.get(url(alert, "change", alert.pk)).content.decode()
    assert "money runs out" in page
    assert "4711" not in page
    assert other.get(url(Alert, "changelist"), {"facts__left": "4711.00"}).status_code == 400


def test_webhooks_address_cannot_be_guessed_at_in_the_address(site: Client, profile: AvitoProfile) -> None:
    assert site.get(url(ReportTask, "changelist"), {"hook_url__startswith": "https"}).status_code == 400


def test_pages_open_though_the_key_of_what_is_sealed_is_gone(site: Client, profile: AvitoProfile) -> None:
    report = making.make_report(profile, timezone.now())
    export = Export.objects.create(profile=profile, requested_by=profile.owner, chat=making.group())
    alert = Alert.objects.create(profile=profile, kind="contacts")
    told(profile, yesterday(), views="1")
    task, day = ReportTask.objects.get(profile=profile), Snapshot.objects.get()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE reports_avitoprofile SET credentials = 'sealed with a lost key'")
        cursor.execute("UPDATE reports_reporttask SET hook_secret = 'sealed with a lost key'")
    for row in (profile, task, report, export, alert, day):
        assert site.get(url(row, "change", row.pk)).status_code == 200
        assert site.get(url(type(row), "changelist")).status_code == 200


def test_list_of_reports_asks_as_often_for_many_as_for_one(site: Client, profile: AvitoProfile) -> None:
    making.make_report(profile, timezone.now())
    site.get(url(Report, "changelist"))
    with CaptureQueriesContext(connection) as few:
        site.get(url(Report, "changelist"))
    for _number in range(10):
        making.make_report(profile, timezone.now())
    with CaptureQueriesContext(connection) as many:
        site.get(url(Report, "changelist"))
    assert len(many) == len(few)


def test_opening_a_profile_is_on_record(site: Client, profile: AvitoProfile) -> None:
    page_of(site, profile)
    entry = AuditEntry.objects.get(action="content.read")
    assert entry.target == f"avitoprofile:{profile.pk}"


def test_closed_section_and_open_alert_stand_on_the_page(site: Client, profile: AvitoProfile) -> None:
    profile.sections = {Section.MESSENGER: {"kind": "needs_subscription", "at": timezone.now().isoformat()}}
    profile.save()
    Alert.objects.create(profile=profile, kind="money", about="wallet")
    page = page_of(site, profile)
    assert "closed" in page
    assert "Money runs out (wallet)" in page
    assert "Messenger" in site.get(url(AvitoProfile, "changelist")).content.decode()


# --- what may be done -----------------------------------------------------------------------------------------------


def test_operator_switches_a_report_off_and_on(site: Client, profile: AvitoProfile) -> None:
    task = making.make_task(profile)
    for action, state in (("pause_selected", "paused"), ("resume_selected", "active")):
        site.post(url(ReportTask, "changelist"), {"action": action, "_selected_action": [task.pk]})
        task.schedule.refresh_from_db()
        assert task.schedule.state == state


def test_operator_deletes_a_profile_and_all_of_it_goes(site: Client, profile: AvitoProfile) -> None:
    told(profile, yesterday(), views="1")
    site.post(url(AvitoProfile, "changelist"), {"action": "delete_profile_selected", "_selected_action": [profile.pk]})
    assert not AvitoProfile.objects.exists()
    assert not Snapshot.objects.exists()


# --- numbers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (None, Unit.COUNT, "—"),
        (Decimal("0"), Unit.COUNT, "0"),
        (Decimal("15420.5"), Unit.MONEY, "15,420.50\N{NO-BREAK SPACE}₽"),
        (Decimal("-5000"), Unit.MONEY, "-5,000.00\N{NO-BREAK SPACE}₽"),
        (Decimal("3.126"), Unit.PERCENT, "3.1\N{NO-BREAK SPACE}%"),
        (Decimal("4.86"), Unit.SCORE, "4.9"),
    ],
)
def test_figures_are_written_with_their_unit(value: Decimal | None, unit: Unit, shown: str) -> None:
    assert figure(value, unit) == shown
