"""What is planned, what came of it, and whether the scheduler works: posts/services/figures.py."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from accounts.models import Chat, User
from delivery import pulse
from delivery.models import Schedule
from posts import services
from posts.models import Post, PostTarget, State
from posts.services import figures
from tests.posts.making import DAY, HOUR, MINUTE, fire, make_post, planned, publish, settle, targets

pytestmark = pytest.mark.django_db
Target = PostTarget.State
# What a plan says that reads, or sorts, a whole table.
SLOW = ("SCAN posts_post", "Seq Scan on posts_post", "TEMP B-TREE FOR ORDER BY")


def ticks(now: datetime, ago: float = 0.0, name: str = pulse.BOT) -> None:
    """A process says that it looked for what is due, so many seconds ago."""
    pulse.beat(name, {"ticked_seconds_ago": ago}, now)


def failed(editor: User, chat: Chat, now: datetime, at: datetime | None = None, state: Target = Target.FAILED) -> Post:
    post = planned(editor, chat, at=at or now + HOUR, now=now)
    fire(post)
    settle(targets(post)[0], state, now=(at or now + HOUR) + timedelta(seconds=5))
    return post


# --- lists ---


def test_next_posts_come_in_the_order_of_their_times(editor: User, news: Chat, now: datetime) -> None:
    later, sooner = (planned(editor, news, at=now + hours * HOUR, now=now) for hours in (5, 2))
    make_post(editor, news, now=now)

    assert services.get_next_scheduled_posts() == [sooner, later]
    assert services.get_next_scheduled_posts(limit=1) == [sooner]


def test_posts_of_the_same_minute_come_in_one_order_always(editor: User, news: Chat, now: datetime) -> None:
    same = [planned(editor, news, at=now + HOUR, now=now) for _n in range(5)]

    assert services.get_next_scheduled_posts() == sorted(same, key=lambda post: post.pk)


def test_what_nobody_let_out_stands_first_and_is_overdue(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + 5 * HOUR, now=now)
    stuck = planned(editor, news, at=now + HOUR, now=now)
    later = now + HOUR + 2 * MINUTE

    first, second = services.get_next_scheduled_posts()
    assert first == stuck
    assert [services.is_overdue(post, later + timedelta(seconds=1)) for post in (first, second)] == [True, False]
    assert not services.is_overdue(first, later)


def test_lists_ask_the_same_few_queries_however_long_they_are(
    editor: User, news: Chat, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for hours in range(1, 8):
        planned(editor, news, at=now + hours * HOUR, now=now)
    with django_assert_num_queries(3):
        for post in services.get_next_scheduled_posts():
            assert [post.author, *(target.chat for target in post.targets.all())] == [editor, news]


def test_posts_with_errors_are_those_that_did_not_appear_everywhere(
    editor: User, news: Chat, team: Chat, now: datetime
) -> None:
    error = failed(editor, news, now)
    partial = planned(editor, news, team, at=now + 2 * HOUR, now=now)
    fire(partial)
    settle(targets(partial)[0], now=now + 2 * HOUR)
    settle(targets(partial)[1], Target.FAILED, now=now + 2 * HOUR)
    well = planned(editor, news, at=now + 3 * HOUR, now=now)
    fire(well)
    settle(targets(well)[0], now=now + 3 * HOUR)

    assert services.get_posts_with_errors() == [partial, error]
    assert services.get_posts_with_errors(limit=1) == [partial]


def test_post_that_perhaps_appeared_is_among_the_errors(editor: User, news: Chat, now: datetime) -> None:
    post = failed(editor, news, now, state=Target.UNKNOWN)

    assert services.get_posts_with_errors() == [post]
    assert services.get_scheduler_stats(now)["unknown"] == 1


# --- counts ---


def test_stats_count_each_state_and_what_is_due(editor: User, news: Chat, now: datetime) -> None:
    make_post(editor, news, now=now)
    failed(editor, news, now)
    for hours in (1, 2, 30):
        planned(editor, news, at=now + hours * HOUR, now=now)
    stats = services.get_scheduler_stats(now + 2 * HOUR + MINUTE)

    assert {name: stats[name] for name in ("draft", "scheduled", "published", "error", "ready", "overdue")} == {
        "draft": 1, "scheduled": 3, "published": 0, "error": 1, "ready": 2, "overdue": 1,
    }  # fmt: skip
    assert set(stats) == {*State, "ready", "overdue", "unknown"}


def test_lag_is_how_much_later_than_planned_posts_appeared(editor: User, news: Chat, now: datetime) -> None:
    for number, seconds in enumerate([*range(1, 20), 600]):
        post = planned(editor, news, at=now + HOUR + number * MINUTE, now=now)
        fire(post)
        settle(targets(post)[0], now=now + HOUR + number * MINUTE + timedelta(seconds=seconds))
    lag = services.get_lag(now + DAY)

    assert lag == services.Lag(median=11.0, p95=600.0, worst=600.0, sample=20)
    assert services.get_lag(now + 60 * DAY) is None


def test_second_attempt_says_nothing_about_the_scheduler(editor: User, news: Chat, now: datetime) -> None:
    post = failed(editor, news, now)
    services.retry_failed(post, by=editor, via="chat", now=now + 5 * HOUR)
    settle(targets(post)[0], now=now + 5 * HOUR)

    assert services.get_lag(now + DAY) is None


def test_errors_are_counted_by_chat_and_kind(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    for hours in (1, 2):
        failed(editor, news, now, at=now + hours * HOUR)
    failed(editor, team, now, at=now + 3 * HOUR)

    found = services.get_errors_by_target(now + DAY)
    assert [(row.chat, row.kind, row.count) for row in found] == [
        ("Новости", "forbidden", 2),
        ("Команда", "forbidden", 1),
    ]
    assert found[0].last == now + 2 * HOUR + timedelta(seconds=5)
    assert services.get_errors_by_target(now + 60 * DAY) == []


def test_error_that_was_mended_counts_no_more(editor: User, news: Chat, now: datetime) -> None:
    post = failed(editor, news, now)
    services.retry_failed(post, by=editor, via="chat", now=now + 2 * HOUR)

    assert services.get_errors_by_target(now + DAY) == []


# --- the scheduler ---


def test_jobs_are_the_check_the_publication_and_the_deletion(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now, delete_after_minutes=120)
    check, publication = services.get_scheduled_jobs()
    assert (check.what, check.at) == ("check", now + HOUR - settings.POST_CHECK_MINUTES * MINUTE)
    assert (publication.what, publication.at, publication.post) == ("publish", now + HOUR, post)

    fire(post)
    settle(targets(post)[0], now=now + HOUR)
    [deletion] = [job for job in services.get_scheduled_jobs() if job.what == "delete"]
    assert (deletion.at, deletion.post) == (now + 3 * HOUR, post)


def test_jobs_of_others_are_not_shown(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    Schedule.objects.exclude(source="post").delete()
    Schedule.objects.update(source="reminder")

    assert services.get_scheduled_jobs() == []


def test_scheduler_that_ticks_is_alive(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    ticks(now, ago=0.4)
    status = services.get_scheduler_status(now + timedelta(seconds=5))

    assert (status.alive, status.planned, status.overdue, status.trouble) == (True, 1, 0, False)
    assert status.last_tick_at == now - timedelta(seconds=0.4)
    assert (status.oldest_due_at, status.lag_seconds) == (None, 0.0)


@pytest.mark.parametrize(("ago", "alive"), [(29.0, True), (31.0, False)])
def test_scheduler_that_has_not_ticked_for_half_a_minute_has_stopped(
    editor: User, news: Chat, now: datetime, ago: float, alive: bool
) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    ticks(now, ago=ago)
    status = services.get_scheduler_status(now)

    assert (status.alive, status.trouble) == (alive, not alive)


def test_one_living_process_is_enough(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    ticks(now - HOUR)
    ticks(now, name=f"{pulse.WORKERS}two")

    assert services.get_scheduler_status(now).alive


def test_process_that_does_not_tick_yet_is_no_scheduler(editor: User, news: Chat, now: datetime) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    pulse.beat(pulse.BOT, {"ticked_seconds_ago": None}, now)

    status = services.get_scheduler_status(now)
    assert (status.alive, status.last_tick_at, status.trouble) == (False, None, True)


def test_nobody_misses_a_scheduler_when_nothing_is_planned(now: datetime) -> None:
    assert not services.get_scheduler_status(now).trouble


def test_status_names_the_longest_due(editor: User, news: Chat, now: datetime) -> None:
    for hours in (1, 2):
        planned(editor, news, at=now + hours * HOUR, now=now)
    status = services.get_scheduler_status(now + 2 * HOUR + MINUTE)

    assert (status.oldest_due_at, status.lag_seconds, status.overdue) == (now + HOUR, 3660.0, 1)


def test_held_and_published_posts_are_not_due(editor: User, news: Chat, now: datetime) -> None:
    held = planned(editor, news, at=now + HOUR, now=now)
    services.hold_post(held, "wait", now=now)
    publish(make_post(editor, news, now=now), now)

    status = services.get_scheduler_status(now + DAY)
    assert (status.planned, status.overdue, status.oldest_due_at) == (0, 0, None)


# --- beside many old posts ---


@pytest.fixture
def crowd(editor: User, news: Chat, now: datetime) -> None:
    """3,000 posts of long ago, half of them with errors."""
    rows = [
        Post(
            author=editor, text=f"Old {number}", planned_at=now - (number + 1) * MINUTE,
            state=State.ERROR if number % 2 else State.PUBLISHED,
        )
        for number in range(3000)
    ]  # fmt: skip
    Post.objects.bulk_create(rows)
    failed_or_sent: dict[str, Target] = {State.ERROR: Target.FAILED, State.PUBLISHED: Target.SENT}
    PostTarget.objects.bulk_create([PostTarget(post=row, chat=news, state=failed_or_sent[row.state]) for row in rows])


@pytest.mark.usefixtures("crowd")
@pytest.mark.parametrize("read", [figures.get_next_scheduled_posts, figures.get_posts_with_errors])
def test_lists_read_what_an_index_gives(read: Callable[[], list[Post]]) -> None:
    with CaptureQueriesContext(connection) as captured:
        read()
    lists = [row["sql"] for row in captured if "LIMIT" in row["sql"]]
    assert lists
    for sql in lists:
        plan = plan_of(sql)
        assert "post_state" in plan
        assert not any(
            slow in plan for slow in ("SCAN posts_post", "Seq Scan on posts_post", "TEMP B-TREE FOR ORDER BY")
        )


def plan_of(sql: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{sql}")
        return " ".join(str(row) for row in cursor.fetchall())
