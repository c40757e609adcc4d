"""The month of posts: each on its day by the viewer's clock, in the colour of what came of it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Chat, User
from posts.admin_calendar import SHOWN, Choice, calendar
from posts.models import Post, State
from tests.admin.conftest import url
from tests.posts.making import channel, editor, group, make_post

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.fixture
def anna(db: None) -> User:
    return editor()


@pytest.fixture
def news(db: None) -> Chat:
    return channel(title="News")


def post(anna: User, chat: Chat, moment: datetime, state: str = "published", text: str = "Hello") -> Post:
    row = make_post(anna, chat, text=text)
    Post.objects.filter(pk=row.pk).update(planned_at=moment, state=state)
    return Post.objects.get(pk=row.pk)


def shown(site: Client, **query: str) -> str:
    page = site.get(url(Post, "calendar"), query)
    assert page.status_code == 200
    return page.content.decode()


def on(day: str, page: str) -> str:
    """What stands on a day, by its name in the page."""
    return page.partition(f'aria-label="{day}"')[2].partition("</section>")[0]


def weeks(**choice: Any) -> list[list[Any]]:
    found: list[list[Any]] = calendar(Choice(**choice), NOW, readable=True)["weeks"]
    return found


def test_post_stands_on_its_day_with_its_time_words_and_state(site: Client, anna: User, news: Chat) -> None:
    row = post(anna, news, datetime(2026, 11, 9, 8, 30, tzinfo=UTC), text="Autumn release")
    day = on("Monday, 9 November", shown(site, month="2026-11"))
    assert url(row, "change", row.pk) in day
    assert ">08:30</time>" in day
    assert "08:30 · published · Autumn release · News" in day


@pytest.mark.parametrize(("zone", "day"), [("Asia/Tokyo", "Sunday, 1 November"), ("UTC", "Saturday, 31 October")])
def test_day_is_that_of_the_viewers_clock(
    site: Client, operator: User, anna: User, news: Chat, zone: str, day: str
) -> None:
    User.objects.filter(pk=operator.pk).update(time_zone=zone)
    post(anna, news, datetime(2026, 10, 31, 20, tzinfo=UTC), text="edge")
    page = shown(site, month=(day.endswith("October") and "2026-10") or "2026-11")
    assert "edge" in on(day, page)
    assert f"Times by the clock of {zone}" in page


@pytest.mark.parametrize(
    "day", [datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 22, 30, tzinfo=UTC)]
)
def test_day_on_which_the_clocks_go_back_keeps_its_posts(anna: User, news: Chat, day: datetime) -> None:
    """25 October 2026 has 25 hours in Berlin: it begins at 22:00 UTC and ends at 23:00 UTC."""
    row = post(anna, news, day)
    with timezone.override("Europe/Berlin"):
        found = [
            each.date.day
            for week in weeks(month=datetime(2026, 10, 1).date())
            for each in week
            if any(entry.post == row for entry in each.entries)
        ]
    assert found == [25]


@pytest.mark.parametrize("state", State)
def test_colour_says_what_came_of_it(site: Client, anna: User, news: Chat, state: State) -> None:
    moment = timezone.now() + timedelta(minutes=1)
    post(anna, news, moment, state)
    page = shown(site, day=f"{timezone.localtime(moment):%Y-%m-%d}")
    assert f"po-entry po-t-{state}" in page


def test_what_is_overdue_is_red_and_counted(site: Client, anna: User, news: Chat) -> None:
    moment = timezone.now() - timedelta(minutes=5)
    post(anna, news, moment, State.SCHEDULED)
    page = shown(site, day=f"{timezone.localtime(moment):%Y-%m-%d}")
    assert "po-entry po-t-overdue" in page
    assert re.search(r"overdue <b>1</b>", page)
    assert "mark=overdue" in page
    assert "state__exact=scheduled" not in page


def test_full_day_shows_the_first_posts_and_leads_to_all(site: Client, anna: User, news: Chat) -> None:
    rows = [
        post(anna, news, datetime(2026, 11, 9, 8, minute, tzinfo=UTC), text=f"post {minute}") for minute in range(7)
    ]
    page = shown(site, month="2026-11")
    day = on("Monday, 9 November", page)
    assert day.count("po-entry") == SHOWN
    assert f"+{len(rows) - SHOWN} more" in day
    assert "?day=2026-11-09" in day

    whole = shown(site, day="2026-11-09")
    assert [whole.index(f"post {minute}") for minute in range(7)] == sorted(
        whole.index(f"post {minute}") for minute in range(7)
    )
    assert "Лена" in whole


@pytest.mark.parametrize(("language", "first"), [("ru", "Пн"), ("en", "Sun")])
def test_week_begins_as_the_readers_language_has_it(site: Client, db: None, language: str, first: str) -> None:
    page = site.get(url(Post, "calendar"), headers={"accept-language": language}).content.decode()
    assert page.partition('po-heads" aria-hidden="true"><span>')[2].startswith(first)


def test_weeks_are_whole_and_cover_the_month(db: None) -> None:
    for month in range(1, 13):
        first = datetime(2026, month, 1).date()
        days = [day for week in weeks(month=first) for day in week]
        assert len(days) % 7 == 0
        inside = [day.date for day in days if day.inside]
        assert (inside[0], {day.month for day in inside}) == (first, {month})
        assert (inside[-1] + timedelta(days=1)).day == 1
        assert len(days) - len(inside) <= 13


def test_calendar_turns_its_pages_and_keeps_what_was_chosen(site: Client, anna: User, news: Chat) -> None:
    page = shown(site, month="2026-12", chat=str(news.pk))
    assert f"?month=2026-11&amp;chat={news.pk}" in page
    assert f"?month=2027-01&amp;chat={news.pk}" in page
    day = shown(site, day="2026-12-31", chat=str(news.pk))
    assert f"?day=2027-01-01&amp;chat={news.pk}" in day
    assert f"?chat={news.pk}&amp;month=2026-12" in day


def test_calendar_shows_one_chat_and_one_author(site: Client, anna: User, news: Chat) -> None:
    boris, team = editor(105, "Boris"), group(title="Team")
    moment = datetime(2026, 11, 9, 8, tzinfo=UTC)
    post(anna, news, moment, text="first")
    post(boris, team, moment, text="second")
    for query in ({"chat": str(team.pk)}, {"author": str(boris.pk)}):
        page = shown(site, month="2026-11", **query)
        assert ("first" in page, "second" in page) == (False, True)


@pytest.mark.parametrize(
    "query",
    [{"month": "2026-13"}, {"month": "x"}, {"day": "2026-02-30"}, {"chat": "x"}, {"author": "9" * 40}, {"day": "x"}],
)
def test_address_that_says_nothing_shows_this_month(site: Client, db: None, query: dict[str, str]) -> None:
    page = shown(site, **query)
    assert f"{timezone.localdate():%Y}" in page
    assert 'aria-current="date"' in page


@pytest.mark.parametrize("month", ["1970-01", "2199-12"])
def test_calendar_reaches_to_its_ends(site: Client, db: None, month: str) -> None:
    assert "Nothing is planned for this month" in shown(site, month=month)


@pytest.mark.parametrize("month", ["0001-01", "1969-12", "2200-01", "9999-12"])
def test_beyond_its_ends_is_this_month(site: Client, db: None, month: str) -> None:
    assert 'aria-current="date"' in shown(site, month=month)


def test_calendar_asks_equally_often_for_many_posts(site: Client, anna: User, news: Chat) -> None:
    team = group()

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            shown(site, month="2026-11")
        return len(asked)

    post(anna, news, datetime(2026, 11, 9, tzinfo=UTC))
    shown(site, month="2026-11")  # that it was read is on record now
    few = queries()
    for number in range(1, 25):
        post(
            editor(200 + number),
            team,
            datetime(2026, 11, number, 12, tzinfo=UTC),
            "scheduled" if number > 21 else "error",
        )
    assert queries() <= few


def test_day_asks_equally_often_for_many_posts_of_many_authors(site: Client, anna: User, news: Chat) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            shown(site, day="2026-11-09")
        return len(asked)

    post(anna, news, datetime(2026, 11, 9, tzinfo=UTC))
    shown(site, day="2026-11-09")  # that it was read is on record now
    few = queries()
    for number in range(1, 13):
        post(editor(200 + number, f"Editor {number}"), news, datetime(2026, 11, 9, number, tzinfo=UTC))
    assert "Editor 12" in shown(site, day="2026-11-09")
    assert queries() <= few


def test_day_with_too_many_posts_leads_to_the_list_of_what_was_chosen(site: Client, anna: User, news: Chat) -> None:
    Post.objects.bulk_create(
        Post(author=anna, text=f"{number}", planned_at=datetime(2026, 11, 9, 12, tzinfo=UTC)) for number in range(101)
    )
    page = shown(site, day="2026-11-09", author=str(anna.pk))
    assert page.count('class="po-entry') == 100
    found = re.search(r'href="([^"]+)">There are more', page)
    assert found is not None
    address = found[1].replace("&amp;", "&")
    assert f"author={anna.pk}" in address
    assert site.get(address).context["cl"].result_count == 101
