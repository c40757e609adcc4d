"""Reminders read, changed, paused, resumed and cancelled over REST."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from accounts.models import AuditEntry, User
from accounts.services import set_time_zone
from delivery.models import Delivery
from reminders import services
from reminders.models import Occurrence, Reminder
from tests.reminders.making import fire, key
from tests.reminders.rest import Service, flaws, problem

pytestmark = pytest.mark.django_db
State = Occurrence.State


def row_of(made: dict[str, Any]) -> Reminder:
    return Reminder.objects.select_related("schedule", "user").get(pk=made["id"])


@pytest.fixture
def once(service: Service, member: User) -> dict[str, Any]:
    return service.created()


@pytest.fixture
def series(service: Service, member: User) -> dict[str, Any]:
    return service.created(cron_expression="0 9 * * *", timezone="Europe/Moscow")


# --- reading --------------------------------------------------------------------------------------------------------


def test_last_occurrence_is_told(service: Service, once: dict[str, Any]) -> None:
    occurrence = fire(row_of(once))
    last = service.get(once["id"]).json()["last_occurrence"]
    assert last == {
        "event_id": str(occurrence.pk),
        "reminder_id": once["id"],
        "planned_at": "2026-11-20T10:00:00Z",
        "state": "queued",
        "attempts": 0,
        "fired_at": "2026-11-20T10:00:00Z",
        "lateness": 0.0,
        "missed_count": 0,
        "lease_until": None,
        "acked_at": None,
        "result": "",
        "error": "",
    }


def test_one_that_fired_has_no_next_run_and_stays_active(service: Service, once: dict[str, Any]) -> None:
    fire(row_of(once))
    shown = service.get(once["id"]).json()
    assert (shown["status"], shown["next_run_at"], shown["next_runs"]) == ("active", None, [])
    assert (shown["last_triggered_at"], shown["run_count"]) == ("2026-11-20T10:00:00Z", 1)


def test_next_runs_are_no_more_than_are_left(service: Service, member: User) -> None:
    made = service.created(cron_expression="0 9 * * *", timezone="UTC", max_runs=3)
    fire(row_of(made))
    assert [run["at"][:10] for run in service.get(made["id"]).json()["next_runs"]] == ["2026-11-22", "2026-11-23"]


def test_next_runs_end_with_the_series(service: Service, member: User) -> None:
    made = service.created(cron_expression="0 9 * * *", timezone="UTC", end_at="2026-11-22T09:00:00Z")
    assert [run["at"][:10] for run in made["next_runs"]] == ["2026-11-21", "2026-11-22"]


def test_run_that_was_put_off_is_the_first_of_the_next(service: Service, series: dict[str, Any]) -> None:
    until = service.now + timedelta(minutes=10)
    services.snooze(row_of(series), until, by=None, via="chat", now=service.now)
    runs = [run["at"] for run in service.get(series["id"]).json()["next_runs"]]
    assert runs[:2] == ["2026-11-20T09:10:00Z", "2026-11-21T06:00:00Z"]
    assert len(runs) == 5


def test_unknown_reminder_is_not_found(service: Service) -> None:
    answer = service.get("11111111-2222-3333-4444-555555555555")
    assert answer.status_code == 404
    assert problem(answer)["detail"] == "There is no such reminder."


# --- changes --------------------------------------------------------------------------------------------------------


def test_nothing_named_changes_nothing(service: Service, series: dict[str, Any]) -> None:
    answer = service.patch(series["id"], {})
    assert (answer.status_code, answer.json()) == (200, series)


CHANGES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"title": "Vitamins"}, {}),
    ({"cron_expression": "0 10 * * *"}, {"next_run_at": "2026-11-21T07:00:00Z"}),
    ({"timezone": "Asia/Tokyo"}, {"next_run_at": "2026-11-21T00:00:00Z", "effective_timezone": "Asia/Tokyo"}),
    ({"start_at": "2026-12-01T00:00:00Z"}, {"next_run_at": "2026-12-01T06:00:00Z", "status": "pending"}),
    ({"end_at": "2026-12-01T00:00:00Z"}, {}),
    ({"max_runs": 2}, {}),
    ({"grace_seconds": 60}, {}),
    ({"catch_up": "last"}, {}),
    ({"nag_minutes": 5}, {}),
    ({"assistant_id": "11111111-2222-3333-4444-555555555555"}, {}),
]


@pytest.mark.parametrize(("sent", "also"), CHANGES, ids=lambda sent: str(sent)[:30])
def test_what_is_named_changes_and_the_rest_stays(
    service: Service, series: dict[str, Any], sent: dict[str, Any], also: dict[str, Any]
) -> None:
    changed = service.patch(series["id"], sent).json()
    assert {name: changed[name] for name in sent | also} == sent | also
    moved = {"version", "updated_at", "next_runs", "rule", *sent, *also}
    if "effective_timezone" not in moved:
        assert {name: changed[name] for name in changed if name not in moved} == {
            name: series[name] for name in series if name not in moved
        }
    assert changed["version"] == series["version"] + 1


def test_payload_can_be_changed_in_both_forms(service: Service, once: dict[str, Any]) -> None:
    for payload in ('{"text": "Two"}', {"text": "Three"}):
        shown = service.patch(once["id"], {"payload": payload}).json()["payload"]
        assert json.loads(shown) == (json.loads(payload) if isinstance(payload, str) else payload)


def test_limits_can_be_taken_away(service: Service, member: User) -> None:
    limits = {"start_at": "2026-12-01T00:00:00Z", "end_at": "2027-12-01T00:00:00Z", "max_runs": 9, "nag_minutes": 5}
    made = service.created(cron_expression="0 9 * * *", timezone="UTC", **limits)
    changed = service.patch(made["id"], dict.fromkeys(limits)).json()
    assert [changed[name] for name in limits] == [None] * 4
    assert changed["next_run_at"] == "2026-11-21T09:00:00Z"


@pytest.mark.parametrize("name", ["title", "payload", "trigger_at", "timezone", "status", "grace_seconds", "catch_up"])
def test_what_must_be_cannot_be_taken_away(service: Service, once: dict[str, Any], name: str) -> None:
    [(field, _code)] = flaws(service.patch(once["id"], {name: None}))
    assert field == name


@pytest.mark.parametrize("name", ["id", "created_at", "user_id", "type", "version", "next_run_at", "run_count"])
def test_what_is_no_wish_cannot_be_changed(service: Service, once: dict[str, Any], name: str) -> None:
    assert flaws(service.patch(once["id"], {name: once[name]})) == [(name, "read-only")]


def test_owner_is_no_field(service: Service, once: dict[str, Any]) -> None:
    assert flaws(service.patch(once["id"], {"owner": 102, "cron_expr": "x"})) == [
        ("owner", "unknown-field"),
        ("cron_expr", "unknown-field"),
    ]


def test_time_without_offset_is_in_the_reminders_zone(service: Service, member: User) -> None:
    made = service.created(timezone="Asia/Tokyo")
    changed = service.patch(made["id"], {"trigger_at": "2026-11-21T09:00:00"}).json()
    assert changed["trigger_at"] == "2026-11-21T00:00:00Z"
    changed = service.patch(made["id"], {"trigger_at": "2026-11-21T09:00:00", "timezone": "Europe/Moscow"}).json()
    assert changed["trigger_at"] == "2026-11-21T06:00:00Z"


def test_another_zone_leaves_an_instant_where_it_is(service: Service, once: dict[str, Any]) -> None:
    changed = service.patch(once["id"], {"timezone": "Asia/Tokyo"}).json()
    assert (changed["timezone"], changed["trigger_at"]) == ("Asia/Tokyo", once["trigger_at"])


@pytest.mark.parametrize(
    ("sent", "wrong"),
    [
        ({"trigger_at": "2026-11-20T08:00:00Z"}, ("trigger_at", "past")),
        ({"trigger_at": "soon"}, ("trigger_at", "bad-value")),
        ({"cron_expression": "0 9 * * *"}, ("cron_expression", "wrong-for-type")),
        ({"rule": {"kind": "daily", "at": "09:00"}}, ("rule", "wrong-for-type")),
        ({"timezone": "Mars/Base"}, ("timezone", "unknown-zone")),
        ({"payload": "[]"}, ("payload", "not-an-object")),
        ({"payload": {"text": ""}}, ("payload", "no-text")),
        ({"status": "completed"}, ("status", "bad-value")),
        ({"status": "pending"}, ("status", "bad-value")),
        ({"max_runs": 0}, ("max_runs", "out-of-range")),
    ],
    ids=str,
)
def test_bad_change_is_refused_and_changes_nothing(
    service: Service, once: dict[str, Any], sent: dict[str, Any], wrong: tuple[str, str]
) -> None:
    assert flaws(service.patch(once["id"], {"title": "New", **sent})) == [wrong]
    assert service.get(once["id"]).json() == once


def test_series_takes_a_rule_instead_of_a_cron(service: Service, series: dict[str, Any]) -> None:
    rule = {"kind": "monthly", "day": 31, "at": "09:00"}
    changed = service.patch(series["id"], {"rule": rule}).json()
    assert (changed["rule"], changed["cron_expression"]) == (rule, None)
    assert flaws(service.patch(series["id"], {"rule": rule, "cron_expression": "0 9 * * *"})) == [("rule", "too-many")]
    assert flaws(service.patch(series["id"], {"trigger_at": "2026-11-21T09:00:00Z"})) == [
        ("trigger_at", "wrong-for-type")
    ]


def test_change_withdraws_what_was_queued_and_not_what_was_taken(service: Service, series: dict[str, Any]) -> None:
    queued = fire(row_of(series))
    service.now = queued.planned_at
    service.patch(series["id"], {"cron_expression": "0 12 * * *"})
    queued.refresh_from_db()
    assert queued.state == State.WITHDRAWN
    taken = fire(row_of(series))
    services.take(taken, who="redis:a", now=taken.planned_at)
    service.now = taken.planned_at
    service.patch(series["id"], {"cron_expression": "0 13 * * *"})
    taken.refresh_from_db()
    assert taken.state == State.CLAIMED
    assert Delivery.objects.filter(state="queued").count() == 0


def test_change_is_on_record_without_what_it_is_about(service: Service, once: dict[str, Any]) -> None:
    service.patch(once["id"], {"title": "Hidden title", "payload": {"text": "Hidden text"}})
    entry = AuditEntry.objects.get(action="reminder.changed")
    assert entry.details == {"fields": "payload, title", "key": service.key.prefix}
    assert "Hidden" not in json.dumps(service.get("audit").json())


def test_key_that_changed_it_is_named_and_not_the_one_that_made_it(service: Service, once: dict[str, Any]) -> None:
    other = service.another()
    service.patch(once["id"], {"title": "x"})
    assert AuditEntry.objects.get(action="reminder.changed").details["key"] == other.prefix


def test_series_in_the_owners_zone_follows_them_and_others_stay(service: Service, member: User) -> None:
    set_time_zone(member, "Europe/Moscow")
    daily = {"cron_expression": "0 9 * * *"}
    follows, stays = service.created(**daily, timezone="owner"), service.created(**daily, timezone="Europe/Moscow")
    instant = service.created(trigger_at="2026-11-21T09:00:00", timezone="owner")
    set_time_zone(member, "Asia/Tokyo")
    services.follow_zone(member, service.now)
    shown = [service.get(one["id"]).json() for one in (follows, stays, instant)]
    assert [one["next_run_at"] for one in shown] == [
        "2026-11-21T00:00:00Z",
        "2026-11-21T06:00:00Z",
        "2026-11-21T06:00:00Z",
    ]
    assert [one["timezone"] for one in shown] == ["owner", "Europe/Moscow", "owner"]
    assert shown[0]["effective_timezone"] == "Asia/Tokyo"
    record = service.get(f"audit?reminder_id={follows['id']}").json()["items"]
    assert [entry["action"] for entry in record] == ["reminder.zone_followed", "reminder.created"]


def test_series_may_begin_to_follow_its_owner(service: Service, series: dict[str, Any], member: User) -> None:
    set_time_zone(member, "Asia/Tokyo")
    shown = service.patch(series["id"], {"timezone": "owner"}).json()
    assert (shown["timezone"], shown["next_run_at"]) == ("owner", "2026-11-21T00:00:00Z")


# --- versions -------------------------------------------------------------------------------------------------------


def test_answers_carry_the_version(service: Service, member: User) -> None:
    made = service.create()
    assert (made["ETag"], made.json()["version"]) == ('"1"', 1)
    assert service.get(made.json()["id"])["ETag"] == '"1"'
    assert service.patch(made.json()["id"], {"title": "x"})["ETag"] == '"2"'


@pytest.mark.parametrize("match", ['"1"', 'W/"1"', "*"])
def test_change_of_what_was_read_passes(service: Service, once: dict[str, Any], match: str) -> None:
    assert service.patch(once["id"], {"title": "x"}, If_Match=match).status_code == 200


@pytest.mark.parametrize("match", ['"2"', '"0"', "1", '"x"', '"1', ""])
@pytest.mark.parametrize("sent", [{"title": "x"}, {"status": "paused"}, {}])
def test_change_of_something_older_is_left_alone(
    service: Service, once: dict[str, Any], match: str, sent: dict[str, Any]
) -> None:
    answer = service.patch(once["id"], sent, If_Match=match)
    assert answer.status_code == 412
    assert problem(answer)["detail"] == "Somebody changed it after you read it. Read it again."
    assert service.get(once["id"]).json() == once


def test_cancelling_minds_the_version_too(service: Service, once: dict[str, Any]) -> None:
    assert service.delete(once["id"], If_Match='"7"').status_code == 412
    assert service.get(once["id"]).json()["status"] == "active"
    assert service.delete(once["id"], If_Match='"1"').status_code == 204


@pytest.mark.django_db(transaction=True)
def test_two_changes_at_once_both_stand(
    service: Service, once: dict[str, Any], at_once: Callable[..., list[Any]]
) -> None:
    answers = at_once(
        lambda: service.patch(once["id"], {"title": "Both"}).status_code,
        lambda: service.patch(once["id"], {"nag_minutes": 7}).status_code,
    )
    shown = service.get(once["id"]).json()
    assert answers == [200, 200]
    assert (shown["title"], shown["nag_minutes"], shown["version"]) == ("Both", 7, 3)


@pytest.mark.django_db(transaction=True)
def test_of_two_changes_of_one_version_one_stands(
    service: Service, once: dict[str, Any], at_once: Callable[..., list[Any]]
) -> None:
    def change(title: str) -> Callable[[], int]:
        return lambda: int(service.patch(once["id"], {"title": title}, If_Match='"1"').status_code)

    assert sorted(at_once(change("a"), change("b"))) == [200, 412]


# --- pausing and going on -------------------------------------------------------------------------------------------


def test_paused_one_does_not_fire(service: Service, once: dict[str, Any]) -> None:
    paused = service.patch(once["id"], {"status": "paused"}).json()
    assert (paused["status"], paused["next_run_at"], paused["next_runs"]) == ("paused", None, [])
    with pytest.raises(Occurrence.DoesNotExist):
        fire(row_of(once), service.now + timedelta(hours=2))


def test_pausing_twice_is_fine(service: Service, once: dict[str, Any]) -> None:
    answers = [service.patch(once["id"], {"status": "paused"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[1].json() == answers[0].json()
    assert AuditEntry.objects.filter(action="reminder.paused").count() == 1


def test_going_on_twice_is_fine(service: Service, once: dict[str, Any]) -> None:
    service.patch(once["id"], {"status": "paused"})
    answers = [service.patch(once["id"], {"status": "active"}) for _ in range(2)]
    assert [answer.json()["status"] for answer in answers] == ["active", "active"]
    assert answers[1].json()["next_run_at"] == once["next_run_at"]


def test_series_goes_on_from_now(service: Service, series: dict[str, Any]) -> None:
    service.patch(series["id"], {"status": "paused"})
    service.now += timedelta(days=3)
    shown = service.patch(series["id"], {"status": "active"}).json()
    assert (shown["next_run_at"], shown["run_count"]) == ("2026-11-24T06:00:00Z", 0)


def test_one_whose_time_passed_while_paused_does_not_go_on(service: Service, once: dict[str, Any]) -> None:
    service.patch(once["id"], {"status": "paused"})
    service.now += timedelta(hours=2)
    answer = service.patch(once["id"], {"status": "active"})
    assert flaws(answer) == [("status", "missed")]
    assert "It was planned for 2026-11-20T10:00:00Z." in problem(answer)["detail"]
    assert service.get(once["id"]).json()["status"] == "paused"


def test_it_goes_on_with_a_new_time(service: Service, once: dict[str, Any]) -> None:
    service.patch(once["id"], {"status": "paused"})
    service.now += timedelta(hours=2)
    shown = service.patch(once["id"], {"status": "active", "trigger_at": "2026-11-20T12:00:00Z"}).json()
    assert (shown["status"], shown["next_run_at"]) == ("active", "2026-11-20T12:00:00Z")


def test_it_goes_on_when_it_is_to_be_made_up_for(service: Service, member: User) -> None:
    made = service.created(catch_up="last")
    service.patch(made["id"], {"status": "paused"})
    service.now += timedelta(hours=2)
    assert service.patch(made["id"], {"status": "active"}).json()["status"] == "active"
    assert fire(row_of(made), service.now).state == State.QUEUED


def test_change_and_pause_go_together(service: Service, series: dict[str, Any]) -> None:
    shown = service.patch(series["id"], {"status": "paused", "title": "Later"}).json()
    assert (shown["status"], shown["title"]) == ("paused", "Later")


def test_change_stands_only_if_the_status_can_be_had(service: Service, once: dict[str, Any]) -> None:
    service.patch(once["id"], {"status": "paused"})
    service.now += timedelta(hours=2)
    assert flaws(service.patch(once["id"], {"status": "active", "title": "Lost"})) == [("status", "missed")]
    assert service.get(once["id"]).json()["title"] == ""


# --- cancelling -----------------------------------------------------------------------------------------------------


def test_cancelling_is_done_once_and_may_be_said_again(service: Service, once: dict[str, Any]) -> None:
    answers = [service.delete(once["id"]) for _ in range(3)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3
    assert AuditEntry.objects.filter(action="reminder.cancelled").count() == 1


def test_cancelled_one_can_still_be_read(service: Service, once: dict[str, Any]) -> None:
    service.delete(once["id"])
    shown = service.get(once["id"]).json()
    assert (shown["status"], shown["next_run_at"]) == ("cancelled", None)
    assert service.get(f"{once['id']}/occurrences").status_code == 200


def test_completed_one_stays_completed(service: Service, once: dict[str, Any]) -> None:
    services.complete(row_of(once), by=None, via="chat", now=service.now)
    assert service.delete(once["id"]).status_code == 204
    assert service.get(once["id"]).json()["status"] == "completed"


def test_queued_event_is_withdrawn_with_it(service: Service, once: dict[str, Any]) -> None:
    fire(row_of(once))
    service.delete(once["id"])
    assert service.get(once["id"]).json()["last_occurrence"]["state"] == "withdrawn"
    assert not Delivery.objects.filter(state="queued").exists()


def test_unknown_one_cannot_be_cancelled(service: Service) -> None:
    assert service.delete("11111111-2222-3333-4444-555555555555").status_code == 404


def test_patch_can_cancel_too(service: Service, once: dict[str, Any]) -> None:
    assert service.patch(once["id"], {"status": "cancelled"}).json()["status"] == "cancelled"
    assert service.patch(once["id"], {"status": "cancelled"}).status_code == 200


@pytest.mark.parametrize("over", ["cancelled", "completed"])
@pytest.mark.parametrize("sent", [{"status": "active"}, {"status": "paused"}, {"trigger_at": "2026-11-20T12:00:00Z"}])
def test_what_is_over_does_not_come_back(
    service: Service, once: dict[str, Any], over: str, sent: dict[str, Any]
) -> None:
    verb = services.cancel if over == "cancelled" else services.complete
    verb(row_of(once), by=None, via="chat", now=service.now)
    assert flaws(service.patch(once["id"], sent)) == [("status", "invalid-transition")]
    assert service.get(once["id"]).json()["status"] == over


def test_completed_one_cannot_be_cancelled_by_patch(service: Service, once: dict[str, Any]) -> None:
    services.complete(row_of(once), by=None, via="chat", now=service.now)
    assert flaws(service.patch(once["id"], {"status": "cancelled"})) == [("status", "invalid-transition")]


def test_title_of_what_is_over_may_change(service: Service, once: dict[str, Any]) -> None:
    service.delete(once["id"])
    answer = service.patch(once["id"], {"title": "Done with"})
    assert (answer.status_code, answer.json()["title"]) == (200, "Done with")


def test_one_that_a_model_prepared_can_be_put_into_force(service: Service, member: User) -> None:
    made = service.created()
    draft = services.Draft(
        user=member,
        rule=row_of(made).rule,
        zone="UTC",
        payload={"text": "Tea"},
        created_by=member,
        confirmed=False,
    )
    row = services.create(draft, via="tool", now=service.now)
    assert service.get(str(row.pk)).json()["status"] == "pending"
    assert service.patch(str(row.pk), {"status": "active"}).json()["status"] == "active"


def test_reminder_of_the_chat_can_be_read_and_cancelled(service: Service, member: User) -> None:
    """One installation is one team: a key sees what its people have."""
    draft = services.Draft(user=member, rule=row_of(service.created()).rule, zone="UTC", payload={"text": "Tea"})
    row = services.create(draft, via="chat", now=service.now)
    assert service.get(str(row.pk)).json()["user_id"] == 101
    assert service.delete(str(row.pk)).status_code == 204


def test_key_of_another_service_sees_the_same(service: Service, once: dict[str, Any]) -> None:
    _row, secret = key(service.now, "reminders:read")
    assert service.get(once["id"], Authorization=f"Bearer {secret}").json() == once
