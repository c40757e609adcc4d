"""What of reports is a person's own: what /mydata gives, without keys, and what /forget takes."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat, User
from core.db import in_db
from core.privacy import own_data as all_own_data
from delivery.models import Delivery, Schedule
from delivery.services import enqueue
from reports import own_data
from reports.export import spool, verbs
from reports.figures.periods import Period
from reports.models import (
    Alert,
    AvitoProfile,
    AvitoToken,
    Export,
    ProfileChat,
    Report,
    ReportPart,
    ReportTask,
    Snapshot,
    Standing,
)
from reports.services import ordering
from tests.privacy import places_of
from tests.reports import making

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2026, 11, 19)
SECRET, CLIENT, HOOK = "s3cret+of&Irina=1", "client-id-of-irina", "whsec_c2VjcmV0LW9mLWhvb2s="


@pytest.fixture(autouse=True)
def _files(settings: Settings, tmp_path: Path) -> None:
    settings.FILES_DIR = tmp_path / "files"


def everything(owner: User, now: datetime, name: str = "Север") -> AvitoProfile:
    """A profile with all that may belong to one."""
    profile = making.make_profile(owner, name, client_id=f"{CLIENT}-{name}", client_secret=SECRET, now=now)
    making.make_task(profile, now=now, email="irina@example.org", hook_url="https://example.org/h", hook_secret=HOOK)
    making.bind(profile, making.group(title="Команда") if not Chat.objects.filter(title="Команда") else team())
    making.make_day(profile, DAY, views=120)
    making.make_standing(profile, DAY, wallet="250000.50")
    Alert.objects.create(profile=profile, kind=Alert.Kind.MONEY, about="wallet", facts={"sum": "1.00"}, since=now)
    report(owner, profile, now)
    verbs.begin(profile, owner, private(owner), 0, 30, now=now)
    return profile


def team() -> Chat:
    return Chat.objects.get(title="Команда")


def private(user: User) -> Chat:
    return Chat.objects.get(person=user, kind="private")


def report(user: User, profile: AvitoProfile, now: datetime, chat: Chat | None = None) -> Report:
    place = chat or private(user)
    return ordering.order(Report.Kind.NOW, [profile], Period(DAY, DAY), None, chat=place, thread=0, by=user, now=now)


def forget(user: User, now: datetime) -> None:
    for step in own_data.steps(user, now):
        step()


def as_text(user: User) -> str:
    return json.dumps(own_data.record(user), default=str, ensure_ascii=False)


# --- /mydata --------------------------------------------------------------------------------------------------------


def test_my_data_hold_profiles_with_all_that_is_stored_of_them(owner: User, now: datetime) -> None:
    everything(owner, now)
    found: dict[str, Any] = own_data.record(owner)
    [profile] = found["avito_profiles"]
    assert (profile["name"], profile["account_id"]) == ("Север", 90000001)
    assert profile["task"]["email"] == "irina@example.org"
    assert profile["task"]["schedule"]["source"] == "report"
    assert profile["collected"]["source"] == "avito_day"
    assert [place["chat"] for place in profile["shown_in"]] == ["Команда"]
    assert [day["figures"] for day in profile["days"]] == [{"views": "120"}]
    assert [day["figures"] for day in profile["standings"]] == [{"wallet": "250000.50"}]
    assert [alert["about"] for alert in profile["alerts"]] == ["wallet"]
    assert [row["profiles"] for row in found["avito_reports"]] == [["Север"]]
    assert [row["progress"]["days"] for row in found["avito_exports"]] == [30]


def test_my_data_hold_no_key_and_no_secret(owner: User, now: datetime) -> None:
    profile = everything(owner, now)
    text = as_text(owner)
    assert SECRET not in text
    assert CLIENT not in text
    assert HOOK not in text
    assert profile.client not in text
    assert profile.client_mask in text


def test_keys_that_no_key_opens_do_not_keep_the_rest_from_the_person(
    owner: User, now: datetime, settings: Settings
) -> None:
    everything(owner, now)
    settings.FIELD_ENCRYPTION_KEYS = ["uR1uVYw1rN2mB3oC4pD5qE6rF7sG8tH9uI0vJ1wK2xM="]
    assert "irina@example.org" in as_text(owner)


def test_anothers_profiles_are_not_among_my_data(owner: User, admin: User, now: datetime) -> None:
    making.make_profile(admin, "Чужой")
    assert "Чужой" not in as_text(owner)
    assert own_data.count(owner) == 0


def test_amount_is_told_in_words(owner: User, now: datetime) -> None:
    everything(owner, now)
    assert own_data.count(owner) == 1
    assert own_data.words(1) == "1 Avito profile with its keys, figures, reports and plans"
    assert own_data.words(2) == "2 Avito profiles with their keys, figures, reports and plans"


def test_pages_of_the_admin_that_show_it_are_known(owner: User, now: datetime) -> None:
    profile = everything(owner, now)
    shown = {(type(row).__name__, row.pk) for rows in own_data.rows(owner) for row in rows}
    assert ("AvitoProfile", profile.pk) in shown
    assert {name for name, _key in shown} == {
        "AvitoProfile", "ReportTask", "Snapshot", "Standing", "Report", "Export",
    }  # fmt: skip


def test_it_is_in_the_table(settings: Settings) -> None:
    assert all_own_data()["reports"] is own_data.OWN


# --- /forget --------------------------------------------------------------------------------------------------------


def test_forgetting_leaves_nothing_of_a_persons_profiles(owner: User, now: datetime) -> None:
    everything(owner, now)
    everything(owner, now, "Юг")
    forget(owner, now)
    models = (AvitoProfile, ReportTask, ProfileChat, Snapshot, Standing, Alert, Report, ReportPart, Export)
    assert [model.__name__ for model in models if model._default_manager.exists()] == []
    assert not Schedule.objects.filter(source__in=("report", "avito_day")).exists()
    assert own_data.count(owner) == 0


def test_forgetting_stops_what_is_at_work(owner: User, now: datetime) -> None:
    everything(owner, now)
    forget(owner, now)
    at_work = Delivery.objects.filter(backend__in=("report", "avito_export"), state__in=Delivery.OPEN)
    assert not at_work.exists()


def test_forgetting_takes_an_export_from_the_disk(owner: User, now: datetime) -> None:
    everything(owner, now)
    export = Export.objects.get()
    with spool.opened(export.pk) as journal:
        journal.add_messages("a", [{"id": "m", "content": {"text": "Ещё продаёте?"}}], 1, None, full=False)
    forget(owner, now)
    assert not spool.folder_of(export.pk).exists()


def test_forgetting_takes_files_back_that_wait_to_be_sent(owner: User, now: datetime) -> None:
    profile = making.make_profile(owner, now=now)
    export, _new = verbs.begin(profile, owner, private(owner), 0, 0, now=now)
    export.progress["parts"] = [{"chats": 1, "messages": 1}]
    export.save()
    assert verbs.finish(verbs.find(export.pk) or export, [], "2026-11-20", now)
    forget(owner, now)
    waiting = Delivery.objects.filter(backend=verbs.FILE_BACKEND)
    assert {row.state for row in waiting} == {"cancelled"}
    assert {str(row.content) for row in waiting} == {"{'erased': True}"}


def test_secrets_are_nowhere_afterwards(owner: User, now: datetime) -> None:
    profile = everything(owner, now)
    AvitoToken.objects.create(client=profile.client, token={"access_token": "tK"}, expires_at=now + timedelta(days=1))
    forget(owner, now)
    assert places_of(SECRET, CLIENT, HOOK) == set()
    assert not AvitoToken.objects.exists()


def test_forgetting_may_be_begun_again_at_any_point(owner: User, now: datetime) -> None:
    everything(owner, now)
    steps = own_data.steps(owner, now)
    next(steps)()
    next(steps)()
    forget(owner, now)
    forget(owner, now)
    assert not AvitoProfile.objects.exists()


def test_anothers_profiles_stay(owner: User, admin: User, now: datetime) -> None:
    everything(owner, now)
    Chat.objects.create(bot_id=making.BOT, telegram_id=100, kind="private", title="Ольга", person=admin)
    other = making.make_profile(admin, "Чужой", 90000002)
    making.make_day(other, DAY, views=1)
    theirs = report(admin, other, now)
    forget(owner, now)
    assert list(AvitoProfile.objects.all()) == [other]
    assert list(Report.objects.all()) == [theirs]
    assert Snapshot.objects.count() == 1
    assert Schedule.objects.filter(source="avito_day", object_id=str(other.pk)).exists()


def test_reports_that_a_person_asked_for_in_a_group_go_too(owner: User, admin: User, now: datetime) -> None:
    Chat.objects.create(bot_id=making.BOT, telegram_id=100, kind="private", title="Ольга", person=admin)
    other = making.make_profile(admin, "Чужой", 90000002)
    report(owner, other, now, chat=making.group())
    forget(owner, now)
    assert not Report.objects.exists()
    assert AvitoProfile.objects.count() == 1


def test_what_was_said_in_other_chats_is_not_touched(owner: User, now: datetime) -> None:
    row = Delivery(key="other", lane="out:1000:5", source="post", content={"method": "sendMessage", "params": {}})
    enqueue([row])
    everything(owner, now)
    forget(owner, timezone.now())
    assert Delivery.objects.get(key="other").state == "queued"


async def test_nothing_is_asked_of_the_database_between_the_steps(transactional_db: None) -> None:
    """Each step is made in a database thread; what lies between them is not."""
    user = await in_db(making.owner)
    profile = await in_db(everything, user, timezone.now())
    for step in own_data.steps(user, timezone.now()):
        await in_db(step)
    assert not await in_db(AvitoProfile.objects.filter(pk=profile.pk).exists)
