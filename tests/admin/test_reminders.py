"""The pages of reminders: what operators see, what they may do, and how one is made for somebody."""

from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from accounts.models import Access, ApiKey, AuditEntry, Chat, User
from delivery import tick
from delivery.models import Schedule, Webhook
from delivery.schedule import Monthly, Weekly
from reminders import services
from reminders.models import Occurrence, Reminder
from reminders.pages import coming
from tests.admin.conftest import client_of, one_of_each, url

Rows = dict[type[models.Model], Any]
SUBMIT = {"_form_submitted": "on"}
State = Occurrence.State


@pytest.fixture
def anna(rows: Rows) -> User:
    """She is in, and lives in Moscow."""
    User.objects.filter(pk=rows[User].pk).update(status=Access.ACTIVE, time_zone="Europe/Moscow")
    user: User = User.objects.get(pk=rows[User].pk)
    return user


@pytest.fixture
def reminder(rows: Rows) -> Reminder:
    """Once, in an hour."""
    row: Reminder = rows[Reminder]
    return row


@pytest.fixture
def every_workday(operator: User, now: datetime) -> Reminder:
    row = one_of_each(1, now)[Reminder]
    assert isinstance(row, Reminder)
    return row


def said(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def seen(site: Client, row: models.Model) -> str:
    page = site.get(url(row, "change", row.pk))
    assert page.status_code == 200
    return page.content.decode()


def listed(site: Client, model: type[models.Model], **query: str) -> list[models.Model]:
    return list(site.get(url(model, "changelist"), query).context["cl"].result_list)


# --- lists ----------------------------------------------------------------------------------------------------------


def test_list_tells_the_rule_in_words_and_the_zone(site: Client, every_workday: Reminder) -> None:
    page = site.get(url(Reminder, "changelist")).content.decode()
    assert "every weekday at 09:30" in page
    assert "Europe/Berlin" in page


def test_list_tells_a_single_time_by_the_clock_of_its_zone(site: Client, reminder: Reminder) -> None:
    Schedule.objects.update(zone="Asia/Tokyo", rule={"kind": "once", "at": "2026-12-01T20:30:00+00:00"})
    for model in (Reminder, Schedule):
        assert "once: 2026-12-02 05:30<" in site.get(url(model, "changelist")).content.decode()


def test_cron_is_told_without_the_marks_of_a_message(site: Client, every_workday: Reminder) -> None:
    Schedule.objects.filter(pk=every_workday.schedule.pk).update(rule={"kind": "cron", "expression": "*/20 8-18 * * *"})
    page = site.get(url(Reminder, "changelist")).content.decode()
    assert "*/20 8-18 * * *" in page
    assert "`*/20" not in page


def test_reminder_that_begins_later_is_not_called_unconfirmed(
    site: Client, every_workday: Reminder, now: datetime
) -> None:
    Schedule.objects.filter(pk=every_workday.schedule.pk).update(start_at=now + timedelta(days=3))
    page = seen(site, every_workday)
    assert "begins later" in page
    assert "not confirmed" not in page


def test_list_shows_a_title_and_never_what_a_reminder_says(site: Client, reminder: Reminder) -> None:
    Reminder.objects.update(title="", payload={"text": "bumblebee"})
    page = site.get(url(Reminder, "changelist")).content.decode()
    assert "•••" in page
    assert "bumblebee" not in page


def test_what_needs_attention_can_be_filtered(site: Client, reminder: Reminder, every_workday: Reminder) -> None:
    Reminder.objects.filter(pk=every_workday.pk).update(needs_attention=True)
    assert listed(site, Reminder, needs_attention__exact="1") == [every_workday]
    assert "needs attention" in seen(site, every_workday)


def test_list_has_the_newest_first_and_uses_an_index_for_it(
    site: Client, reminder: Reminder, every_workday: Reminder
) -> None:
    with CaptureQueriesContext(connection) as queries:
        assert listed(site, Reminder) == [every_workday, reminder]
    order = 'ORDER BY "reminders_reminder"."schedule_id" DESC'
    assert [query["sql"].endswith(order) for query in queries if "ORDER BY" in query["sql"]] == [True]


def test_list_of_occurrences_is_read_in_the_order_of_an_index(rows: Rows) -> None:
    newest = Occurrence.objects.order_by("-planned_at", "-created_at", "-pk")[:50]  # as the page does
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert "occurrence_newest" in newest.explain()


def test_persons_page_leads_to_their_reminders(site: Client, reminder: Reminder, every_workday: Reminder) -> None:
    page = seen(site, reminder.user)
    assert f"{url(Reminder, 'changelist')}?user__id__exact={reminder.user.pk}" in page
    assert listed(site, Reminder, user__id__exact=str(reminder.user.pk)) == [reminder]


def test_record_of_a_reminder_leads_to_its_page(site: Client, reminder: Reminder, now: datetime) -> None:
    services.pause(reminder, by=None, via="test", now=now, reason="too loud")
    page = site.get(url(AuditEntry, "changelist")).content.decode()
    assert url(reminder, "change", reminder.pk) in page
    assert "reason: too loud" in page


def test_list_opens_when_no_key_opens_what_reminders_say(site: Client, reminder: Reminder, settings: Settings) -> None:
    Occurrence.objects.update(note="seen at 9")
    settings.FIELD_ENCRYPTION_KEYS, settings.SECRET_KEY = [Fernet.generate_key().decode()], "x" * 50
    again = client_of(User.objects.get(username="root"))
    for model in (Reminder, Occurrence, Webhook):
        assert again.get(url(model, "changelist")).status_code == 200
    for row in (reminder, Occurrence.objects.defer("note").get()):
        assert again.get(url(row, "change", row.pk)).status_code == 200


def test_list_by_the_next_time_has_those_without_one_last(
    site: Client, reminder: Reminder, every_workday: Reminder
) -> None:
    Schedule.objects.filter(pk=reminder.schedule.pk).update(next_at=None)
    assert listed(site, Reminder, o="1") == [every_workday, reminder]


def test_dead_letters_can_be_filtered(site: Client, rows: Rows, every_workday: Reminder) -> None:
    [dead] = Occurrence.objects.filter(state=State.DEAD)
    assert listed(site, Occurrence, state__exact="dead") == [dead]


def test_schedules_that_come_first_stand_first(site: Client, reminder: Reminder, every_workday: Reminder) -> None:
    Schedule.objects.filter(pk=reminder.schedule.pk).update(next_at=None)
    assert listed(site, Schedule, source="reminder") == [every_workday.schedule, reminder.schedule]


def test_schedules_can_be_filtered_by_their_source(site: Client, reminder: Reminder) -> None:
    assert listed(site, Schedule, source="reminder") == [reminder.schedule]
    assert listed(site, Schedule, source="nag") == []


def test_rule_that_cannot_be_read_is_shown_as_it_lies_there(site: Client, reminder: Reminder) -> None:
    Schedule.objects.update(rule={"kind": "lunar"})
    assert "lunar" in site.get(url(Schedule, "changelist")).content.decode()


# --- the page of one ------------------------------------------------------------------------------------------------


def test_page_shows_the_next_five_runs_by_the_clock_of_the_zone(site: Client, every_workday: Reminder) -> None:
    page = seen(site, every_workday)
    assert page.count("09:30 (Europe/Berlin, UTC+") == 5


def test_page_tells_what_is_odd_about_a_run(site: Client, every_workday: Reminder, now: datetime) -> None:
    services.change(every_workday, by=None, via="test", now=now, rule=Monthly(31, time(9, 30)))
    assert "has 30 days: on the last one" in seen(site, every_workday)


def test_paused_reminder_has_no_next_runs(site: Client, every_workday: Reminder, now: datetime) -> None:
    services.pause(every_workday, by=None, via="test", now=now)
    assert "Europe/Berlin, UTC+" not in seen(site, every_workday)


def test_snoozed_reminder_runs_next_when_it_was_put_off_to(
    site: Client, every_workday: Reminder, now: datetime
) -> None:
    services.snooze(every_workday, now + timedelta(minutes=10), by=None, via="test", now=now)
    page = seen(site, every_workday)
    assert page.count("(Europe/Berlin, UTC+") == 5
    assert page.count("09:30 (Europe/Berlin, UTC+") == 4


def test_reminder_put_off_far_shows_what_comes_after_that(site: Client, reminder: Reminder, now: datetime) -> None:
    rule = {"kind": "cron", "expression": "*/5 * * * *"}
    far = (now + timedelta(days=30)).replace(minute=3, second=0, microsecond=0)
    Schedule.objects.update(rule=rule, next_at=far)
    assert [run.at for run in coming(Reminder.objects.select_related("schedule").get(), now)] == [
        far, *(far.replace(minute=minute) for minute in (5, 10, 15, 20))
    ]  # fmt: skip


def test_occurrences_are_found_by_the_name_of_their_person(site: Client, reminder: Reminder) -> None:
    User.objects.filter(pk=reminder.user.pk).update(last_name="Karenina")
    assert listed(site, Occurrence, q="karenina") == [Occurrence.objects.get()]
    assert listed(site, Occurrence, q="Vronsky") == []


def test_page_shows_the_record_and_the_occurrences(site: Client, reminder: Reminder, now: datetime) -> None:
    services.pause(reminder, by=None, via="test", now=now, reason="too loud")
    page = seen(site, reminder)
    assert "reminder.paused" in page
    assert "too loud" in page
    assert url(Occurrence, "change", Occurrence.objects.get().pk) in page


def test_reminder_whose_rule_cannot_be_read_is_put_aside_and_can_be_looked_at(site: Client, reminder: Reminder) -> None:
    Schedule.objects.update(rule={"kind": "lunar"}, next_at=reminder.schedule.created_at)
    while tick.tick().more:
        pass

    row = Reminder.objects.get()
    assert (row.status, row.needs_attention) == ("paused", True)
    page = seen(site, row)
    assert "lunar" in page
    assert "It could not be fired" in page
    assert "lunar" in site.get(url(Reminder, "changelist")).content.decode()
    answer = site.post(url(row, "resume", row.pk), SUBMIT)
    assert "This is no rule of time. Plan it anew." in said(answer)


def test_what_it_says_is_shown_to_who_may_read(site: Client, reminder: Reminder) -> None:
    Reminder.objects.update(payload={"text": "bumblebee", "deep": [1]})
    assert "bumblebee" in seen(site, reminder)


def test_payload_that_no_key_opens_is_told_of(site: Client, reminder: Reminder, settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    Reminder.objects.update(payload={"text": "bumblebee"})
    settings.FIELD_ENCRYPTION_KEYS = []
    assert "Put its key back into FIELD_ENCRYPTION_KEYS" in seen(site, reminder)


@pytest.mark.parametrize("verb", ["pause", "resume", "complete", "cancel"])
def test_reminder_that_no_key_opens_can_be_steered(
    site: Client, reminder: Reminder, settings: Settings, now: datetime, verb: str
) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    Reminder.objects.update(payload={"text": "bumblebee"})
    if verb == "resume":
        services.pause(reminder, by=None, via="test", now=now)
    settings.FIELD_ENCRYPTION_KEYS = []
    site.post(url(reminder, verb, reminder.pk), SUBMIT)
    assert Reminder.objects.values_list("status", flat=True).get() == {**VERBS, "resume": "active"}[verb]


@pytest.mark.parametrize(
    ("values", "maker"),
    [
        ({"by_key": True}, "key a key that is gone"),
        ({"created_by_assistant": "0b8f5a10-0000-4000-8000-000000000001"}, "Root, by an assistant"),
    ],
)
def test_page_says_who_made_it(
    site: Client, operator: User, reminder: Reminder, values: dict[str, Any], maker: str
) -> None:
    Reminder.objects.update(created_by=operator, **values)
    assert maker in seen(site, reminder)


# --- verbs ----------------------------------------------------------------------------------------------------------

VERBS = {"pause": "paused", "complete": "completed", "cancel": "cancelled"}


@pytest.mark.parametrize(("verb", "status"), VERBS.items())
def test_verb_goes_through_the_service_and_stands_on_record(
    site: Client, operator: User, reminder: Reminder, verb: str, status: str
) -> None:
    site.post(url(reminder, verb, reminder.pk), SUBMIT)

    reminder.refresh_from_db()
    assert (reminder.status, reminder.schedule.state) == (status, status)
    entry = AuditEntry.objects.get(target=f"reminder:{reminder.pk}")
    assert (entry.action, entry.actor, entry.via) == (f"reminder.{status}", operator, "admin")


def test_paused_reminder_is_resumed(site: Client, reminder: Reminder, now: datetime) -> None:
    services.pause(reminder, by=None, via="test", now=now)
    site.post(url(reminder, "resume", reminder.pk), SUBMIT)
    reminder.refresh_from_db()
    assert reminder.status == "active"


def test_verbs_work_on_many_at_once(site: Client, reminder: Reminder, every_workday: Reminder) -> None:
    both = [str(reminder.pk), str(every_workday.pk)]
    answer = site.post(url(Reminder, "changelist"), {"action": "pause_selected", "_selected_action": both})
    assert set(Reminder.objects.values_list("status", flat=True)) == {"paused"}
    assert said(answer) == "Pause: 2 rows."


def test_one_time_reminder_whose_time_passed_is_not_resumed_and_why_is_said(
    site: Client, reminder: Reminder, now: datetime
) -> None:
    services.pause(reminder, by=None, via="test", now=now)
    Schedule.objects.update(next_at=now - timedelta(hours=2))
    answer = site.post(url(reminder, "resume", reminder.pk), SUBMIT)
    assert "Its time passed meanwhile. Choose a new one." in said(answer)
    assert Reminder.objects.get().status == "paused"


def test_asking_for_the_dialog_changes_nothing(site: Client, reminder: Reminder) -> None:
    site.get(url(reminder, "cancel", reminder.pk))
    assert Reminder.objects.get().status == "active"


def test_operator_who_may_only_look_is_refused(reminder: Reminder) -> None:
    watcher = User.objects.create_user("watcher", is_staff=True, status=Access.ACTIVE)
    watcher.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    assert client_of(watcher).post(url(reminder, "cancel", reminder.pk), SUBMIT).status_code == 403
    assert Reminder.objects.get().status == "active"


OFFERED = {
    "pending": {"pause", "complete", "cancel"},
    "active": {"pause", "complete", "cancel"},
    "paused": {"resume", "complete", "cancel"},
    "completed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize(("status", "offered"), OFFERED.items())
def test_page_offers_only_what_can_be_done(site: Client, reminder: Reminder, status: str, offered: set[str]) -> None:
    Reminder.objects.update(status=status)
    page = seen(site, reminder)
    assert {verb for verb in (*VERBS, "resume") if url(reminder, verb, reminder.pk) in page} == offered


def test_dead_letter_is_sent_again(site: Client, operator: User, reminder: Reminder) -> None:
    occurrence = Occurrence.objects.get()
    Occurrence.objects.update(state=State.DEAD, attempts=5)
    site.post(url(occurrence, "replay", occurrence.pk), SUBMIT)

    occurrence.refresh_from_db()
    assert occurrence.state == State.QUEUED
    entry = AuditEntry.objects.get(action="reminder.replayed")
    assert (entry.actor, entry.details["event"]) == (operator, str(occurrence.pk))


def test_message_of_a_paused_reminder_is_not_sent_again_and_why_is_said(
    site: Client, reminder: Reminder, now: datetime
) -> None:
    """It would be thrown away when it leaves, and never come."""
    occurrence = Occurrence.objects.get()
    Occurrence.objects.update(state=State.DEAD)
    services.pause(reminder, by=None, via="test", now=now)
    answer = site.post(url(occurrence, "replay", occurrence.pk), SUBMIT)
    assert "It is paused. Resume it first." in said(answer)
    assert Occurrence.objects.get().state == State.DEAD


def test_what_was_done_is_not_sent_again(site: Client, reminder: Reminder) -> None:
    occurrence = Occurrence.objects.get()
    answer = site.post(url(occurrence, "replay", occurrence.pk), SUBMIT)
    assert said(answer) == "Nothing was changed."
    assert url(occurrence, "replay", occurrence.pk) not in seen(site, occurrence)


# --- making one -----------------------------------------------------------------------------------------------------


@pytest.fixture
def fill(site: Client, anna: User) -> Callable[..., Any]:
    """Send the form for Anna; ``fill(when="…")`` with other values, ``fill(preview="1")`` to look first."""

    def send(**values: Any) -> Any:
        Reminder.objects.all().delete()
        form = {"user": anna.pk, "chat": "", "text": "Drink tea", "when": "every day at 10", "zone": ""} | values
        return site.post(url(Reminder, "add"), form)

    return send


def test_reminder_is_made_for_a_person_in_their_zone(fill: Callable[..., Any], operator: User, anna: User) -> None:
    answer = fill(when="every weekday at 9:30", nag_minutes="15")

    row = Reminder.objects.select_related("schedule").get()
    assert answer.headers["Location"] == url(row, "change", row.pk)
    assert (row.user, row.text, row.nag_minutes, row.created_by) == (anna, "Drink tea", 15, operator)
    assert (row.schedule.zone, row.zone_of_owner, row.chat.person) == ("Europe/Moscow", True, anna)
    assert row.rule == Weekly(frozenset(range(5)), time(9, 30))
    entry = AuditEntry.objects.get(action="reminder.created")
    assert (entry.actor, entry.via) == (operator, "admin")


def test_zone_that_is_chosen_stays(fill: Callable[..., Any]) -> None:
    fill(zone="Asia/Tokyo")
    row = Reminder.objects.select_related("schedule").get()
    assert (row.schedule.zone, row.zone_of_owner) == ("Asia/Tokyo", False)


def test_cron_is_taken_as_it_is(fill: Callable[..., Any]) -> None:
    fill(when="15 8 1 1 1")
    assert Reminder.objects.select_related("schedule").get().cron_expression == "15 8 1 1 1"


def test_reminder_may_go_to_a_group(fill: Callable[..., Any], rows: Rows) -> None:
    Chat.objects.filter(pk=rows[Chat].pk).update(status=Access.ACTIVE)
    fill(chat=rows[Chat].pk)
    assert Reminder.objects.get().chat == rows[Chat]


def test_preview_says_when_it_would_run_and_saves_nothing(fill: Callable[..., Any]) -> None:
    answer = fill(preview="1")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert page.count("10:00 (Europe/Moscow, UTC+3)") == 5
    assert "Drink tea" in page
    assert not Reminder.objects.exists()


WRONG = [
    ({"when": "sometime"}, "When? Say for instance"),
    ({"when": "yesterday at 5"}, "is in the past"),
    ({"when": "0 0 30 2 *"}, "This rule never fires"),
    ({"when": "tomorrow at 9 call mum"}, "“call mum” says nothing about when"),
    ({"text": ""}, "This field is required"),
    ({"text": "x" * 17_000}, "16 KiB at most"),
    ({"nag_minutes": "0"}, "greater than or equal to 1"),
    ({"nag_minutes": "9999"}, "Repeat after 1 to"),
    ({"zone": "Mars/Olympus"}, "Select a valid choice"),
]


@pytest.mark.parametrize(("values", "sentence"), WRONG, ids=lambda value: str(value)[:30])
@pytest.mark.parametrize("preview", [{}, {"preview": "1"}], ids=["save", "preview"])
def test_what_is_wrong_is_said_and_nothing_is_saved(
    fill: Callable[..., Any], values: dict[str, str], sentence: str, preview: dict[str, str]
) -> None:
    answer = fill(**values, **preview)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert not Reminder.objects.exists()


def test_what_is_wrong_is_said_without_the_marks_of_a_message(fill: Callable[..., Any]) -> None:
    page = fill(when="61 9 * * *").content.decode()
    assert "*/15" in page
    assert "`" not in page.partition("*/15")[0][-80:]


def test_person_who_was_not_let_in_gets_no_reminder(fill: Callable[..., Any], anna: User) -> None:
    User.objects.filter(pk=anna.pk).update(status=Access.BLOCKED)
    assert "This person may not use the bot" in fill().content.decode()


def test_operator_who_may_only_look_makes_none(fill: Callable[..., Any], anna: User) -> None:
    watcher = User.objects.create_user("watcher", is_staff=True, status=Access.ACTIVE)
    watcher.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    assert client_of(watcher).get(url(Reminder, "add")).status_code == 403


# --- webhooks -------------------------------------------------------------------------------------------------------


@pytest.fixture
def key(rows: Rows) -> ApiKey:
    Webhook.objects.all().delete()
    found: ApiKey = rows[ApiKey]
    return found


def test_secret_of_a_webhook_is_shown_once(site: Client, operator: User, key: ApiKey) -> None:
    site.post(url(Webhook, "add"), {"key": key.pk, "url": "https://hooks.example/in"})

    row = Webhook.objects.get()
    assert row.secret.startswith("whsec_")
    first, second = (site.get(url(Webhook, "changelist")).content.decode() for _look in range(2))
    assert row.secret in first
    assert row.secret not in second + seen(site, row)
    entry = AuditEntry.objects.get(action="webhook.created")
    assert (entry.actor, row.secret in str(entry.__dict__)) == (operator, False)


@pytest.mark.parametrize("address", ["ftp://hooks.example", "http://10.0.0.1/in", "https://a:b@hooks.example", "hooks"])
def test_address_that_is_never_called_is_refused(site: Client, key: ApiKey, address: str) -> None:
    assert site.post(url(Webhook, "add"), {"key": key.pk, "url": address}).status_code == 200
    assert not Webhook.objects.exists()


def test_webhook_gets_another_address_and_keeps_its_secret(site: Client, operator: User, rows: Rows) -> None:
    row = rows[Webhook]
    site.post(url(row, "change", row.pk), {"url": "https://hooks.example/new?token=bumblebee"})
    row.refresh_from_db()
    assert (row.url, row.secret) == ("https://hooks.example/new?token=bumblebee", "whsec_x")
    entry = AuditEntry.objects.get(action="webhook.moved")
    assert (entry.actor, "bumblebee" in str(entry.__dict__)) == (operator, False)

    site.post(url(row, "change", row.pk), {"url": row.url})
    assert AuditEntry.objects.filter(action="webhook.moved").count() == 1


@pytest.mark.parametrize(("ticked", "what"), [(True, "webhook.widened"), (False, "webhook.narrowed")])
def test_webhook_hears_of_all_posts_when_it_is_told_so(
    site: Client, operator: User, rows: Rows, ticked: bool, what: str
) -> None:
    row = rows[Webhook]
    Webhook.objects.update(all_posts=not ticked)
    for _again in range(2):
        site.post(url(row, "change", row.pk), {"url": row.url, **({"all_posts": "on"} if ticked else {})})

    assert Webhook.objects.get(pk=row.pk).all_posts == ticked
    assert AuditEntry.objects.get(action=what).actor == operator


def test_address_that_is_never_called_does_not_take_the_place_of_one(site: Client, rows: Rows) -> None:
    row = rows[Webhook]
    assert site.post(url(row, "change", row.pk), {"url": "http://127.0.0.1/in"}).status_code == 200
    assert Webhook.objects.get().url == "https://hooks.example/0"


def test_operator_who_may_only_look_moves_no_webhook(rows: Rows) -> None:
    watcher = User.objects.create_user("watcher", is_staff=True, status=Access.ACTIVE)
    watcher.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    row = rows[Webhook]
    assert client_of(watcher).post(url(row, "change", row.pk), {"url": "https://a.example"}).status_code == 403
    assert Webhook.objects.get().url == "https://hooks.example/0"


@pytest.mark.parametrize(("enabled", "offered"), [(True, "disable"), (False, "enable")])
def test_webhook_can_be_switched_to_what_it_is_not(site: Client, rows: Rows, enabled: bool, offered: str) -> None:
    row = rows[Webhook]
    Webhook.objects.update(enabled=enabled)
    page = seen(site, row)
    assert [verb for verb in ("enable", "disable", "renew") if url(row, verb, row.pk) in page] == [offered, "renew"]


@pytest.mark.parametrize("ended", ["revoked_at", "expires_at"])
def test_webhook_of_a_key_that_has_ended_is_not_called_in_use(
    site: Client, rows: Rows, now: datetime, ended: str
) -> None:
    page = url(Webhook, "changelist")
    assert "its key has ended" not in site.get(page).content.decode()
    ApiKey.objects.update(**{ended: now - timedelta(days=1)})
    assert "its key has ended" in site.get(page).content.decode()


def test_key_has_one_webhook_and_one_that_has_ended_gets_none(site: Client, key: ApiKey, now: datetime) -> None:
    def offered() -> list[ApiKey]:
        return list(site.get(url(Webhook, "add")).context["adminform"].form.fields["key"].queryset)

    assert offered() == [key]
    ApiKey.objects.update(revoked_at=now)
    assert offered() == []
    ApiKey.objects.update(revoked_at=None, expires_at=now)
    assert offered() == []
    ApiKey.objects.update(expires_at=None)
    Webhook.objects.create(key=key, url="https://hooks.example/in", secret="whsec_x")
    assert offered() == []


def test_new_secret_takes_the_place_of_the_old_one(site: Client, rows: Rows) -> None:
    row = rows[Webhook]
    answer = site.post(url(row, "renew", row.pk), SUBMIT)
    row.refresh_from_db()
    assert row.secret != "whsec_x"
    assert row.secret in said(answer)
    assert AuditEntry.objects.filter(action="webhook.renewed").exists()
