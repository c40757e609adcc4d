"""Several reminders at once over REST: pages, the window of what comes, histories, the record."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import Access, Role, User
from accounts.services import audit
from delivery.schedule import Cron, Once
from reminders import services
from reminders.api import many
from reminders.models import Reminder, Status
from tests.reminders.making import fire, wish
from tests.reminders.rest import Service, flaws, problem

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def titles(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [item["title"] for item in answer.json()["items"]]


def named(service: Service, member: User, title: str, hours: float = 1, **more: Any) -> Reminder:
    draft = wish(member, Once(service.now + hours * HOUR), title=title, **more)
    return services.create(draft, via="chat", now=service.now)


def repeated(service: Service, member: User, title: str, expression: str = "0 9 * * *", **more: Any) -> Reminder:
    draft = wish(member, Cron(expression), title=title, **{"zone": "UTC", **more})
    return services.create(draft, via="chat", now=service.now)


def turn(service: Service, row: Reminder, verb: Any) -> None:
    assert verb(row, by=None, via="chat", now=service.now)


# --- a person's reminders -------------------------------------------------------------------------------------------


def test_list_has_the_names_of_the_contract(service: Service, member: User) -> None:
    row = named(service, member, "a")
    body = service.get("user/101").json()
    assert {name: body[name] for name in ("page", "limit", "total", "pages")} == {
        "page": 1,
        "limit": 20,
        "total": 1,
        "pages": 1,
    }
    whole = service.get(str(row.pk)).json()
    assert body["items"] == [
        {name: value for name, value in whole.items() if name not in ("next_runs", "last_occurrence")}
    ]


def test_known_person_without_reminders_has_an_empty_list(service: Service, member: User) -> None:
    body = service.get("user/101").json()
    assert (body["items"], body["total"], body["pages"]) == ([], 0, 0)


@pytest.mark.parametrize("user", ["102", "0", "-101", "x", "101.0", "１０１", "9" * 18, "9" * 40, "%00", "101%20"])
def test_unknown_person_is_not_found(service: Service, member: User, user: str) -> None:
    answer = service.get(f"user/{user}")
    assert answer.status_code == 404
    assert "no such person" in problem(answer)["detail"]


def test_next_one_comes_first_and_those_without_a_next_time_last(service: Service, member: User) -> None:
    for title, hours in (("third", 3), ("first", 1), ("second", 2)):
        named(service, member, title, hours)
    over = named(service, member, "over")
    turn(service, over, services.cancel)
    assert titles(service.get("user/101")) == ["first", "second", "third", "over"]


def test_order_of_equal_times_is_that_of_ids(service: Service, member: User) -> None:
    rows = [named(service, member, str(number)) for number in range(6)]
    wanted = [row.title for row in sorted(rows, key=lambda row: row.pk.hex)]
    pages = [titles(service.get(f"user/101?limit=2&page={page}")) for page in (1, 2, 3)]
    assert [title for page in pages for title in page] == wanted


def test_pages_are_counted(service: Service, member: User) -> None:
    for number in range(5):
        named(service, member, str(number), number + 1)
    body = service.get("user/101?limit=2&page=3").json()
    assert (body["page"], body["limit"], body["total"], body["pages"]) == (3, 2, 5, 3)
    assert [item["title"] for item in body["items"]] == ["4"]


@pytest.mark.parametrize("page", ["2", "99", "1000000"])
def test_page_past_the_end_is_empty(service: Service, member: User, page: str) -> None:
    named(service, member, "a")
    body = service.get(f"user/101?page={page}").json()
    assert (body["items"], body["total"], body["pages"], body["page"]) == ([], 1, 1, int(page))


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "1.0", "1e3", "+1", "%201", "1_0", "9" * 30, "٣"])
def test_page_is_a_number_from_one(service: Service, member: User, page: str) -> None:
    [(field, _code)] = flaws(service.get(f"user/101?page={page}"))
    assert field == "page"


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1000", "x", ""])
def test_limit_is_a_number_up_to_a_hundred(service: Service, member: User, limit: str) -> None:
    [(field, _code)] = flaws(service.get(f"user/101?limit={limit}"))
    assert field == "limit"


def test_hundred_at_once_are_the_most(service: Service, member: User) -> None:
    assert service.get("user/101?limit=100").json()["limit"] == 100


@pytest.fixture
def all_sorts(service: Service, member: User) -> None:
    named(service, member, "active", 1)
    turn(service, named(service, member, "paused", 2), services.pause)
    turn(service, named(service, member, "cancelled", 3), services.cancel)
    turn(service, named(service, member, "completed", 4), services.complete)
    named(service, member, "unconfirmed", 5, confirmed=False)
    repeated(service, member, "later", start_at=service.now + 100 * HOUR)
    repeated(service, member, "daily")


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("status=active", {"active", "daily"}),
        ("status=paused", {"paused"}),
        ("status=cancelled", {"cancelled"}),
        ("status=completed", {"completed"}),
        ("status=pending", {"unconfirmed", "later"}),
        ("status=paused&status=cancelled", {"paused", "cancelled"}),
        ("status=paused&status=paused", {"paused"}),
        ("type=recurring", {"later", "daily"}),
        ("type=recurring&type=one_time&status=active", {"active", "daily"}),
        ("type=recurring&status=active", {"daily"}),
        ("type=recurring&status=paused", set()),
    ],
)
def test_list_can_be_filtered(service: Service, all_sorts: None, query: str, wanted: set[str]) -> None:
    answer = service.get(f"user/101?{query}")
    assert set(titles(answer)) == wanted
    assert answer.json()["total"] == len(wanted)


def test_status_that_is_listed_is_the_one_that_is_shown(service: Service, all_sorts: None) -> None:
    for status in Status.values:
        assert {item["status"] for item in service.get(f"user/101?status={status}").json()["items"]} == {status}


@pytest.mark.parametrize(
    "query", ["status=open", "status=", "status=active,paused", "status=ACTIVE", "type=cron", "type="]
)
def test_unknown_filter_is_refused(service: Service, member: User, query: str) -> None:
    [(field, code)] = flaws(service.get(f"user/101?{query}"))
    assert (field.split(".")[0], code) == (query.partition("=")[0], "bad-value")


def test_list_takes_the_same_queries_however_long_it_is(
    service: Service, member: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    """The key, the person, which, how many (unless the page shows it), and those."""
    for number in range(30):
        named(service, member, str(number))
    service.get("user/101")
    with django_assert_num_queries(5):
        service.get("user/101?limit=5")
    with django_assert_num_queries(4):
        service.get("user/101?limit=100")


def test_list_is_the_persons_own(service: Service, member: User, admin: User) -> None:
    named(service, member, "Anna's")
    named(service, admin, "Olga's")
    assert titles(service.get("user/100")) == ["Olga's"]


# --- what comes -----------------------------------------------------------------------------------------------------


def coming(service: Service, query: str = "") -> list[tuple[str, str]]:
    return [(item["title"], item["at"]) for item in service.get(f"scheduled?{query}").json()["items"]]


def test_each_run_of_a_series_stands_on_its_own(service: Service, member: User) -> None:
    named(service, member, "once", 30)
    repeated(service, member, "daily")
    assert coming(service, "to=2026-11-23T00:00:00Z") == [
        ("daily", "2026-11-21T09:00:00Z"),
        ("once", "2026-11-21T15:00:00Z"),
        ("daily", "2026-11-22T09:00:00Z"),
    ]


def test_fire_says_whose_it_is(service: Service, member: User) -> None:
    row = named(service, member, "once")
    [item] = service.get("scheduled").json()["items"]
    assert item == {
        "reminder_id": str(row.pk),
        "user_id": 101,
        "assistant_id": None,
        "type": "one_time",
        "title": "once",
        "status": "active",
        "at": "2026-11-20T10:00:00Z",
    }


def test_window_is_31_days_from_now_if_nothing_is_said(service: Service, member: User) -> None:
    repeated(service, member, "daily")
    body = service.get("scheduled").json()
    assert (body["from"], body["to"]) == ("2026-11-20T09:00:00Z", "2026-12-21T09:00:00Z")
    assert (body["total"], body["page"], body["limit"], body["pages"], body["truncated"]) == (31, 1, 1000, 1, False)


def test_thousand_runs_at_most(service: Service, member: User) -> None:
    repeated(service, member, "each minute", "* * * * *")
    repeated(service, member, "hourly", "30 * * * *")
    body = service.get("scheduled").json()
    assert (len(body["items"]), body["truncated"]) == (1000, True)
    assert body["items"][-1]["at"] == "2026-11-21T01:24:00Z"
    assert sum(item["title"] == "hourly" for item in body["items"]) == 16


def test_window_may_begin_later(service: Service, member: User) -> None:
    repeated(service, member, "daily")
    repeated(service, member, "monthly", "0 9 1 * *")
    named(service, member, "before", 2)
    named(service, member, "inside", 24 * 12 - 1)
    assert sorted(
        coming(service, "from=2026-12-01T09:00:00Z&to=2026-12-02T09:00:00Z"), key=lambda fire: fire[::-1]
    ) == [
        ("daily", "2026-12-01T09:00:00Z"),
        ("monthly", "2026-12-01T09:00:00Z"),
        ("inside", "2026-12-02T08:00:00Z"),
        ("daily", "2026-12-02T09:00:00Z"),
    ]


@pytest.mark.parametrize(
    ("limits", "days"),
    [({"max_runs": 2}, 2), ({"end_at": "2026-11-23"}, 2), ({"start_at": "2026-12-18"}, 4)],
    ids=str,
)
def test_limits_of_a_series_hold(service: Service, member: User, limits: dict[str, Any], days: int) -> None:
    times: dict[str, Any] = {
        name: datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else value
        for name, value in limits.items()
    }
    repeated(service, member, "daily", **times)
    assert len(coming(service)) == days


def test_limit_of_runs_counts_those_before_the_window(service: Service, member: User) -> None:
    repeated(service, member, "daily", max_runs=5)
    assert len(coming(service, "from=2026-11-24T00:00:00Z")) == 2


def test_window_says_when_not_all_were_looked_at(
    service: Service, member: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many, "MOST_LOOKED_AT", 2)
    for title in ("a", "b", "c"):
        repeated(service, member, title)
    later = "scheduled?from=2026-12-01T00:00:00Z&to=2026-12-01T10:00:00Z"
    body = service.get(later).json()
    assert (len(body["items"]), body["truncated"]) == (2, True)
    monkeypatch.setattr(many, "MOST_LOOKED_AT", 3)
    assert service.get(later).json()["truncated"] is False


def test_long_series_far_ahead_is_not_counted_run_by_run(service: Service, member: User) -> None:
    repeated(service, member, "each minute", "* * * * *", max_runs=1_000_000)
    fires = coming(service, "from=2027-11-20T09:00:00Z&to=2027-11-20T09:01:00Z")
    assert [at for _title, at in fires] == ["2027-11-20T09:00:00Z", "2027-11-20T09:01:00Z"]


def test_only_what_will_fire_is_shown(service: Service, all_sorts: None) -> None:
    assert {title for title, _at in coming(service)} == {"active", "daily", "later"}
    assert {item["status"] for item in service.get("scheduled").json()["items"]} == {"active", "pending"}


def test_window_can_be_one_persons(service: Service, member: User, admin: User) -> None:
    named(service, member, "Anna's")
    named(service, admin, "Olga's")
    assert [title for title, _at in coming(service, "user_id=100")] == ["Olga's"]
    assert service.get("scheduled?user_id=102").status_code == 404


@pytest.mark.parametrize("telegram_id", [7_123_456_789, 999_999_999_999_999_999])
def test_window_of_a_person_with_a_long_number(service: Service, member: User, telegram_id: int) -> None:
    User.objects.filter(pk=member.pk).update(telegram_id=telegram_id)
    member.refresh_from_db()
    named(service, member, "theirs")
    assert [title for title, _at in coming(service, f"user_id={telegram_id}")] == ["theirs"]
    assert titles(service.get(f"user/{telegram_id}")) == ["theirs"]


def test_run_that_was_put_off_is_shown_where_it_is(service: Service, member: User) -> None:
    row = repeated(service, member, "daily")
    services.snooze(row, service.now + HOUR, by=None, via="chat", now=service.now)
    assert coming(service, "to=2026-11-21T10:00:00Z") == [
        ("daily", "2026-11-20T10:00:00Z"),
        ("daily", "2026-11-21T09:00:00Z"),
    ]


@pytest.mark.parametrize("sent", ["2026-11-21T12:00:00%2B03:00", "2026-11-21T12:00:00+03:00", "2026-11-21T09:00:00Z"])
def test_plus_of_an_offset_need_not_be_escaped(service: Service, member: User, sent: str) -> None:
    assert service.get(f"scheduled?to={sent}").json()["to"] == "2026-11-21T09:00:00Z"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=tomorrow", "from"),
        ("from=2026-11-20T09:00:00", "from"),
        ("from=2026-02-30T09:00:00Z", "from"),
        ("to=2026-11-20T08:59:59Z", "to"),
        ("to=2026-12-21T09:00:01Z", "to"),
        ("from=2026-11-21T09:00:00Z&to=2026-11-20T09:00:00Z", "to"),
        ("to=9999-12-31T23:59:59Z", "to"),
        ("from=2036-11-25T09:00:00Z", "from"),
        ("from=9999-12-30T00:00:00Z", "from"),
        ("user_id=x", "user_id"),
    ],
)
def test_window_that_makes_no_sense_is_refused(service: Service, member: User, query: str, field: str) -> None:
    assert [name for name, _code in flaws(service.get(f"scheduled?{query}"))] == [field]


# --- histories and the record ---------------------------------------------------------------------------------------


def test_history_tells_the_latest_first(service: Service, member: User) -> None:
    row = repeated(service, member, "daily")
    fired = [fire(row) for _ in range(3)]
    body = service.get(f"{row.pk}/occurrences?limit=2").json()
    assert [item["event_id"] for item in body["items"]] == [str(one.pk) for one in reversed(fired)][:2]
    assert (body["total"], body["pages"]) == (3, 2)


def test_history_of_an_unknown_reminder_is_not_found(service: Service) -> None:
    assert service.get("11111111-2222-3333-4444-555555555555/occurrences").status_code == 404


def test_late_run_tells_how_late_it_was(service: Service, member: User) -> None:
    row = named(service, member, "once")
    fire(row, service.now + HOUR + timedelta(minutes=10))
    [item] = service.get(f"{row.pk}/occurrences").json()["items"]
    assert (item["state"], item["lateness"]) == ("queued", 600.0)


def test_missed_run_is_told(service: Service, member: User) -> None:
    row = named(service, member, "once")
    fire(row, service.now + 10 * HOUR)
    [item] = service.get(f"{row.pk}/occurrences").json()["items"]
    assert item["state"] == "missed"


def test_record_tells_who_did_what(service: Service, member: User) -> None:
    row = named(service, member, "once", created_by=member, payload={"text": "Hidden"})
    service.patch(str(row.pk), {"status": "paused"})
    paused, created = service.get("audit").json()["items"]
    assert (created["action"], created["actor"], created["actor_user_id"], created["via"]) == (
        "reminder.created",
        "Анна",
        101,
        "chat",
    )
    assert (paused["action"], paused["actor"], paused["via"], paused["details"]["key"]) == (
        "reminder.paused",
        "",
        "api",
        service.key.prefix,
    )
    assert {paused["reminder_id"], created["reminder_id"]} == {str(row.pk)}
    assert "Hidden" not in service.get("audit").content.decode()


def test_record_can_be_one_reminders(service: Service, member: User) -> None:
    named(service, member, "a")
    row = named(service, member, "b")
    body = service.get(f"audit?reminder_id={str(row.pk).upper()}").json()
    assert [item["reminder_id"] for item in body["items"]] == [str(row.pk)]
    assert service.get("audit").json()["total"] == 2
    assert flaws(service.get("audit?reminder_id=x")) == [("reminder_id", "bad-value")]


def test_record_of_other_things_is_not_shown(service: Service, member: User) -> None:
    audit("role.set", by=None, via="admin", target="user:1", details={"new": Role.ADMIN}, now=service.now)
    assert service.get("audit").json()["items"] == []


def test_record_has_pages(service: Service, member: User) -> None:
    for number in range(3):
        named(service, member, str(number))
    body = service.get("audit?limit=2&page=2").json()
    assert (len(body["items"]), body["total"], body["pages"]) == (1, 3, 2)


def test_record_outlives_the_access_of_a_person(service: Service, member: User) -> None:
    """Who did what stays known, though the person is no more among those who are in."""
    named(service, member, "a")
    User.objects.filter(pk=member.pk).update(status=Access.BLOCKED)
    assert service.get("audit").json()["total"] == 1
