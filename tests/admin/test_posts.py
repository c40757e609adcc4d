"""The pages of posts: the list, what it can be filtered by, and the page of one."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, User
from config import dashboard
from delivery.models import Delivery
from posts.admin_lists import in_place
from posts.models import Post, PostMedia, PostTarget, State, Topic
from tests.admin.conftest import client_of, url
from tests.house import BOT
from tests.posts.making import channel, editor, group, make_post, planned, publish, settle, targets

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Target = PostTarget.State


@pytest.fixture(autouse=True)
def _bot(settings: Settings) -> None:
    """The one whose chats these are."""
    settings.BOT_TOKEN = f"{BOT}:test-token"


@pytest.fixture
def anna(db: None) -> User:
    return editor(zone="Europe/Moscow")


@pytest.fixture
def news(db: None) -> Chat:
    return channel(title="News")


def listed(site: Client, **query: str) -> list[Post]:
    return list(site.get(url(Post, "changelist"), query).context["cl"].result_list)


def seen(site: Client, row: Post) -> str:
    page = site.get(url(row, "change", row.pk))
    assert page.status_code == 200
    return page.content.decode()


def at(row: Post, moment: datetime, **more: Any) -> Post:
    Post.objects.filter(pk=row.pk).update(planned_at=moment, **more)
    return Post.objects.get(pk=row.pk)


# --- the list -------------------------------------------------------------------------------------------------------


def test_list_tells_what_where_and_when_by_the_viewers_clock(
    site: Client, operator: User, anna: User, news: Chat
) -> None:
    User.objects.filter(pk=operator.pk).update(time_zone="Asia/Tokyo")
    at(make_post(anna, news, text="Autumn release"), datetime(2026, 11, 30, 20, 30, tzinfo=UTC), state="scheduled")
    page = site.get(url(Post, "changelist")).content.decode()
    assert "2026-12-01\N{NO-BREAK SPACE}05:30" in page
    assert "Times by the clock of Asia/Tokyo" in page
    assert "Autumn release" in page
    assert ">0/1</span>" in page
    assert "News: waits for its time" in page


def test_list_shows_in_how_many_places_it_is(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = make_post(anna, news, group(), now=now)
    publish(post, now=now)
    first, second = targets(post)
    settle(first, now=now)
    settle(second, Target.FAILED, now=now)
    page = site.get(url(Post, "changelist")).content.decode()
    assert ">1/2</span>" in page
    assert "po-count po-red" in page


def test_post_that_is_overdue_or_late_or_warned_of_is_marked(
    site: Client, anna: User, news: Chat, now: datetime
) -> None:
    at(make_post(anna, news), now - HOUR, state=State.SCHEDULED)
    at(make_post(anna, news), now - HOUR, state=State.PUBLISHED, late=True)
    at(make_post(anna, news), now + HOUR, state=State.SCHEDULED, warning="The bot was removed from News.")
    page = site.get(url(Post, "changelist")).content.decode()
    for words in (
        "Its time has passed, and it has not gone out: is the bot running?",
        "It went out later than planned.",
        "The bot was removed from News.",
    ):
        assert f'aria-label="{words}"' in page


def test_post_that_is_due_for_a_minute_is_not_overdue(site: Client, anna: User, news: Chat, now: datetime) -> None:
    row = at(make_post(anna, news), now - timedelta(seconds=60), state=State.SCHEDULED)
    assert "is the bot running?" not in seen(site, row)
    assert listed(site, mark="overdue") == []


def test_file_is_told_by_its_own_symbol(site: Client, anna: User, news: Chat) -> None:
    row = make_post(anna, news)
    Post.objects.update(kind="media", text="")
    PostMedia.objects.create(post=row, position=0, kind="video", telegram_file_id="x", bot_id=1)
    page = site.get(url(Post, "changelist")).content.decode()
    assert 'aria-label="video"' in page
    assert "(video without words)" in page


FILTERS = [
    ({"state__exact": "error"}, {"error"}),
    ({"kind__exact": "poll"}, {"poll"}),
    ({"mark": "overdue"}, {"overdue"}),
    ({"mark": "warning"}, {"warned"}),
    ({"mark": "late"}, {"late"}),
    ({"mark": "doubt"}, {"doubt"}),
    ({"mark": "trouble"}, {"error"}),
    ({"when": "ahead"}, {"ahead", "warned", "poll"}),
    ({"when": "week"}, {"ahead", "warned", "poll", "overdue", "error", "late", "doubt"}),
    ({"when": "past"}, {"overdue", "error", "late", "doubt"}),
    ({"when": "2019-05"}, {"old"}),
    ({"when": "2019-05-31"}, {"old"}),
    ({"when": "2019-05-30"}, set()),
    ({"when": "2019-13"}, None),
    ({"when": "nonsense"}, None),
    ({"author": "x"}, None),
]


@pytest.fixture
def many(anna: User, news: Chat) -> set[str]:
    """One of each kind, named by its text. Noon of a day, so that minutes do not cross it."""
    now = timezone.now()
    rows: dict[str, tuple[datetime, dict[str, Any]]] = {
        "overdue": (now - timedelta(minutes=3), {"state": "scheduled"}),
        "error": (now - timedelta(seconds=2), {"state": "error"}),
        "late": (now - timedelta(seconds=2), {"state": "published", "late": True}),
        "doubt": (now - timedelta(seconds=2), {"state": "published"}),
        "ahead": (now + timedelta(seconds=30), {"state": "scheduled"}),
        "warned": (now + timedelta(seconds=30), {"state": "held", "warning": "!"}),
        "poll": (now + timedelta(seconds=30), {"state": "scheduled", "kind": "poll"}),
        "old": (datetime(2019, 5, 31, 21, 30, tzinfo=UTC), {"state": "published"}),
    }
    for name, (moment, values) in rows.items():
        at(make_post(anna, news, text=name), moment, **values)
    PostTarget.objects.filter(post__text="doubt").update(state="unknown")
    return set(rows)


@pytest.mark.parametrize(("query", "found"), FILTERS, ids=[str(query) for query, _found in FILTERS])
def test_list_can_be_filtered(site: Client, many: set[str], query: dict[str, str], found: set[str] | None) -> None:
    midnight = timezone.localtime().hour == 23 and timezone.localtime().minute > 55
    names = {row.text for row in listed(site, **query)}
    expected = many if found is None else found
    # In the last minutes of a day its neighbours are another day.
    assert names == expected or (midnight and query.get("when") in ("week", "past"))


def test_list_can_be_filtered_by_author_and_chat(site: Client, anna: User, news: Chat) -> None:
    boris, team = editor(105, "Boris"), group(title="Team")
    first, second = make_post(anna, news), make_post(boris, news, team)
    assert listed(site, author=str(boris.pk)) == [second]
    assert listed(site, chat=str(team.pk)) == [second]
    assert set(listed(site, chat=str(news.pk))) == {first, second}


def test_month_of_a_filter_begins_at_the_viewers_midnight(site: Client, operator: User, anna: User, news: Chat) -> None:
    at(make_post(anna, news, text="edge"), datetime(2019, 5, 31, 21, 30, tzinfo=UTC), state="published")
    User.objects.filter(pk=operator.pk).update(time_zone="Europe/Moscow")
    assert [row.text for row in listed(site, when="2019-06-01")] == ["edge"]
    assert listed(site, when="2019-05") == []


def test_stretch_of_time_is_read_as_it_passes(site: Client, anna: User, news: Chat) -> None:
    rows = [at(make_post(anna, news), datetime(2019, 5, day, tzinfo=UTC)) for day in (9, 3, 20)]
    assert listed(site, when="2019-05") == [rows[1], rows[0], rows[2]]


def test_words_of_posts_and_of_polls_can_be_searched(site: Client, anna: User, news: Chat) -> None:
    first = make_post(anna, news, text="Autumn release")
    options = [{"text": "Yes"}, {"text": "No"}]
    second = make_post(anna, news, text="", poll={"question": "Coffee or tea?", "options": options})
    assert listed(site, q="autumn") == [first]
    assert listed(site, q="tea?") == [second]
    assert listed(site, q=str(second.pk)) == [second]


def test_words_are_searched_together_with_the_author(site: Client, anna: User, news: Chat) -> None:
    boris = editor(105, "Boris")
    wanted, _other, _third = (
        make_post(boris, news, text="Tea"),
        make_post(anna, news, text="Tea"),
        make_post(boris, news),
    )
    assert listed(site, q="boris tea") == [wanted]
    assert listed(site, q="boris coffee") == []


def test_state_is_listed_by_its_time_and_drafts_by_their_change(site: Client, anna: User, news: Chat) -> None:
    rows = [at(make_post(anna, news), datetime(2019, 5, day, tzinfo=UTC), state="error") for day in (9, 3, 20)]
    assert listed(site, state__exact="error") == [rows[2], rows[0], rows[1]]
    Post.objects.update(state="draft", planned_at=None)
    for row, day in zip(rows, (3, 9, 1), strict=True):
        Post.objects.filter(pk=row.pk).update(updated_at=datetime(2019, 6, day, tzinfo=UTC))
    assert listed(site, state__exact="draft") == [rows[1], rows[0], rows[2]]


def test_second_page_goes_on_where_the_first_ends(site: Client, anna: User, news: Chat) -> None:
    for number in range(53):
        make_post(anna, news, text=f"{number}")
    first, second = listed(site), listed(site, p="2")
    assert (len(first), len(second)) == (50, 3)
    assert {row.text for row in [*first, *second]} == {f"{number}" for number in range(53)}


def test_list_asks_equally_often_for_many_posts(site: Client, anna: User, news: Chat) -> None:
    team = group()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            site.get(url(Post, "changelist"))
        return len(asked)

    make_post(anna, news, team)
    few = queries()
    for number in range(10):
        make_post(editor(200 + number), news, team)
    assert queries() <= few


def test_list_is_read_in_the_order_of_an_index(db: None) -> None:
    newest = Post.objects.order_by("-updated_at", "id")[:50]  # as the page does
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        assert "post_newest" in newest.explain()


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL makes the same plan of either question")
def test_list_of_a_chat_reads_no_more_posts_than_it_shows(db: None) -> None:
    plan = in_place(Post.objects.order_by("-updated_at", "id"), 1)[:50].explain()
    assert "post_newest" in plan
    assert "TEMP B-TREE" not in plan


# --- the page of one ------------------------------------------------------------------------------------------------


def test_page_tells_the_truth_about_each_place(site: Client, anna: User, news: Chat, now: datetime) -> None:
    team = group(title="Team", username="our_team")
    post = make_post(anna, news, team, now=now)
    publish(post, now=now)
    first, second = targets(post)
    settle(first, now=now, numbers=[412])
    settle(second, Target.FAILED, now=now)
    page = seen(site, post)
    assert "I am not in “Team”, or may not write there." in page
    assert f'href="https://t.me/c/{str(news.telegram_id).removeprefix("-100")}/412"' in page
    assert url(post, "retry", post.pk) + f"?target={second.pk}" in page
    assert url(post, "retry", post.pk) + f"?target={first.pk}" not in page


def test_page_leads_to_its_deliveries(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post, other = make_post(anna, news, now=now), make_post(anna, news, now=now)
    publish(post, now=now)
    publish(other, now=now)
    mine, others = (Delivery.objects.get(key__startswith=f"post:{row.pk}:") for row in (post, other))
    page = seen(site, post)
    assert url(mine, "change", mine.pk) in page
    assert url(others, "change", others.pk) not in page
    assert "News · attempt 1" in page


def test_page_shows_what_was_counted_and_never_a_zero(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = make_post(anna, news, now=now)
    publish(post, now=now)
    settle(targets(post)[0], now=now)
    assert "views" not in seen(site, post)
    assert "po-chip" not in seen(site, post)
    PostTarget.objects.update(reactions=[{"emoji": "👍", "count": 14}, {"emoji": "🔥", "count": 0}])
    page = seen(site, post)
    assert "👍 <b>14</b>" in page
    assert "🔥" not in page


def test_page_tells_of_an_edit_that_has_not_arrived(site: Client, anna: User, news: Chat, now: datetime) -> None:
    post = make_post(anna, news, now=now)
    publish(post, now=now)
    settle(targets(post)[0], now=now)
    assert "An older edition" not in seen(site, post)
    Post.objects.update(revision=5)
    PostTarget.objects.update(warning="The edit was refused.")
    page = seen(site, post)
    assert "An older edition is to be seen there." in page
    assert "The edit was refused." in page


def test_page_names_the_topic(site: Client, anna: User) -> None:
    team = group()
    Topic.objects.create(chat=team, thread_id=7, name="Announcements")
    post = make_post(anna, team)
    PostTarget.objects.update(thread_id=7)
    assert "Announcements" in seen(site, post)


def test_page_says_beforehand_what_stands_against_it(site: Client, anna: User, now: datetime) -> None:
    gone = channel(title="Sales", bot_status="kicked")
    post = make_post(anna, gone)
    assert "The bot cannot reach “Sales”. Add it there again as an administrator." in seen(site, post)


def test_page_shows_the_time_by_the_clock_that_was_meant(
    site: Client, operator: User, anna: User, news: Chat, now: datetime
) -> None:
    User.objects.filter(pk=operator.pk).update(time_zone="Asia/Tokyo")
    wall = (now + 3 * DAY).replace(hour=10, minute=0, second=0, microsecond=0, tzinfo=None)
    post = planned(anna, news, at=wall, now=now)
    page = seen(site, post)
    assert f"{wall:%Y-%m-%d} 10:00 (Europe/Moscow)" in page
    assert f"{wall:%Y-%m-%d}\N{NO-BREAK SPACE}16:00" in page


def test_page_has_its_record_and_its_repetitions(site: Client, operator: User, anna: User, news: Chat) -> None:
    post = make_post(anna, news)
    site.post(url(post, "repeat", post.pk), {"_form_submitted": "on"})  # a draft is not offered it, and may be
    [draft] = Post.objects.exclude(pk=post.pk)
    assert "post.created" in seen(site, post)
    assert url(draft, "change", draft.pk) in seen(site, post)
    assert url(post, "change", post.pk) in seen(site, draft)


def test_post_that_is_not_there_is_said_so(site: Client, db: None) -> None:
    assert site.get(url(Post, "change", uuid.uuid4())).status_code == 302
    assert site.get(url(Post, "change", "nonsense")).status_code == 302


# --- who may read ---------------------------------------------------------------------------------------------------


@pytest.fixture
def watcher(db: None) -> User:
    """May look at everything, and read nothing."""
    user = User.objects.create_user("watcher", is_staff=True, status=Access.ACTIVE)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


def test_operator_without_the_right_sees_no_word_of_a_post(
    watcher: User, anna: User, news: Chat, now: datetime
) -> None:
    options = [{"text": "bumblebee"}, {"text": "No"}]
    post = make_post(anna, news, text="bumblebee", buttons=[[{"text": "bumblebee", "url": "https://a.example"}]])
    poll = make_post(anna, news, text="", poll={"question": "bumblebee", "options": options})
    for row in (post, poll):
        at(row, now, state="cancelled", status_reason="bumblebee")
    client, day = client_of(watcher), f"{timezone.localtime(now):%Y-%m-%d}"
    calendar = url(Post, "calendar")
    for address in (calendar, f"{calendar}?day={day}", url(Post, "changelist"), "/admin/"):
        assert "bumblebee" not in client.get(address).content.decode()
    for row in (post, poll):
        assert "bumblebee" not in seen(client, row)
        assert client.get(url(row, "edit", row.pk)).status_code == 403
    assert not AuditEntry.objects.filter(action="content.read").exists()


def test_operator_without_the_right_sees_votes_by_number_and_not_the_answers(
    site: Client, watcher: User, anna: User, news: Chat, now: datetime
) -> None:
    options = [{"text": "bumblebee"}, {"text": "No"}]
    poll = make_post(anna, news, text="", poll={"question": "Which?", "options": options}, now=now)
    publish(poll, now=now)
    settle(targets(poll)[0], now=now)
    PostTarget.objects.update(votes=[{"text": "bumblebee", "votes": 7}, {"text": "No", "votes": 0}])
    assert "bumblebee <b>7</b>" in seen(site, poll)
    page = seen(client_of(watcher), poll)
    assert "bumblebee" not in page
    assert "1. <b>7</b>" in page


def test_name_of_a_post_in_the_record_says_nothing_of_it(site: Client, operator: User, anna: User, news: Chat) -> None:
    post = make_post(anna, news, text="bumblebee")
    seen(site, post)
    site.get(url(Post, "calendar"))
    readings = AuditEntry.objects.filter(action="content.read")
    assert set(readings.values_list("target", flat=True)) == {f"post:{post.pk}", "post:calendar"}
    assert not AuditEntry.objects.filter(target_label__contains="bumblebee").exists()


def test_nobody_who_may_not_see_posts_sees_the_calendar(helper: Client) -> None:
    assert helper.get(url(Post, "calendar")).status_code == 403
    assert helper.get("/admin/").context.get("posts") is None


# --- the overview ---------------------------------------------------------------------------------------------------


def test_overview_tells_what_is_next_overdue_held_and_wrong(site: Client, many: set[str], now: datetime) -> None:
    found = dashboard.posts(timezone.now())["posts"]
    assert next((post.text, overdue) for post, overdue in found["next"]) == ("overdue", True)
    assert {post.text for post, _overdue in found["next"]} == {"overdue", "ahead", "poll"}
    assert (found["held"], found["errors"], found["status"].overdue) == (1, 1, 1)
    page = site.get("/admin/").content.decode()
    assert url(Post, "calendar") in page
    assert "stands still" in page


def test_sidebar_leads_to_the_list_and_to_the_calendar(site: Client, helper: Client) -> None:
    page = site.get("/admin/").content.decode()
    assert f'href="{url(Post, "changelist")}"' in page
    assert f'href="{url(Post, "calendar")}"' in page
    assert url(Post, "calendar") not in helper.get("/admin/").content.decode()
