"""What authors are told: in their language, by their clock, each outcome once, and to whom when they cannot hear it."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import translation

from accounts import services as accounts
from accounts.models import Access, Chat, ChatKind, Role, User
from delivery import planning as schedules
from delivery import tick
from delivery.models import Delivery
from posts import services, words
from posts.models import Post, PostTarget, State
from posts.services import notices
from posts.services.rows import schedules_of
from tests.house import ADMINS
from tests.posts.making import (
    HOUR,
    channel,
    fresh,
    make_post,
    planned,
    publish,
    settle,
    targets,
    told,
)

pytestmark = pytest.mark.django_db
Target = PostTarget.State
MOSCOW = ZoneInfo("Europe/Moscow")


def out(post: Post, now: datetime, *became: Target) -> Post:
    publish(post, now)
    for target, state in zip(targets(post), became or (Target.SENT,), strict=True):
        settle(target, state, now=now)
    return fresh(post)


def keys(chat: int) -> list[list[str]]:
    rows = Delivery.objects.filter(chat_id=chat, backend="telegram").latest("id").content["params"]["reply_markup"]
    return [[key["text"] for key in row] for row in rows["inline_keyboard"]]


def test_in_the_language_of_the_author(editor: User, news: Chat, now: datetime) -> None:
    with translation.override("en"):
        User.objects.filter(pk=editor.pk).update(language="ru")
        out(make_post(editor, news, now=now), now)
        assert translation.get_language() == "en"
    assert told(editor)[0].startswith("✅ Пост «Hello» опубликован.")


def test_with_a_link_by_the_channels_name(editor: User, now: datetime) -> None:
    out(make_post(editor, channel(username="our_news"), now=now), now)
    assert told(editor) == ["✅ “Hello” is published.\n✅ Новости: https://t.me/our_news/7"]


def test_each_outcome_has_a_notice_of_its_own(editor: User, news: Chat, now: datetime) -> None:
    post = out(make_post(editor, news, now=now), now, Target.FAILED)
    services.retry_failed(post, by=editor, via="chat", now=now)
    settle(targets(post)[0], now=now)
    assert [text.split()[0] for text in told(editor)] == ["❌", "✅"]


def test_of_very_many_at_once_what_went_well_is_told_in_one_message(editor: User, news: Chat, now: datetime) -> None:
    for _number in range(14):
        out(make_post(editor, news, now=now), now)
    out(make_post(editor, news, now=now), now, Target.FAILED)
    beginnings = [text.partition(" ")[0] for text in told(editor)]
    assert beginnings == ["✅"] * 11 + ["❌"]
    assert told(editor)[10].endswith("See /posts.")


def test_a_notice_that_waits_is_not_withdrawn_by_a_new_plan(editor: User, news: Chat, now: datetime) -> None:
    post = out(make_post(editor, news, now=now), now, Target.FAILED)
    services.schedule_post(post, now + HOUR, by=editor, via="chat", now=now)
    services.cancel_post(post, by=editor, via="chat", now=now)
    assert [row.state for row in Delivery.objects.filter(chat_id=editor.telegram_id)] == ["queued"]


def test_asterisks_in_a_title_or_a_name_stay_asterisks(editor: User, now: datetime) -> None:
    out(make_post(editor, channel(title="*News*_"), now=now, text="a*b", entities=[]), now)
    assert told(editor)[0].startswith("✅ “a*b” is published.\n✅ *News*_")


@pytest.mark.parametrize("how", ["no telegram", "left", "blocked the bot"])
def test_where_the_author_cannot_hear_it_the_admins_do(editor: User, news: Chat, now: datetime, how: str) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    if how == "no telegram":
        User.objects.filter(pk=editor.pk).update(telegram_id=None)
    elif how == "left":
        User.objects.filter(pk=editor.pk).update(status="blocked")
    else:
        Chat.objects.filter(kind=ChatKind.PRIVATE).update(unreachable="Forbidden: bot was blocked by the user")
    settle(targets(post)[0], Target.FAILED, now=now)
    assert (len(told(104)), len(told(ADMINS))) == (0, 1)
    assert told(ADMINS)[0].startswith("❌ “Hello” is not published.")


def test_the_buttons_fit_what_came_of_it(editor: User, news: Chat, team: Chat, now: datetime) -> None:
    out(make_post(editor, news, now=now), now)
    assert keys(104) == [["Open"]]
    out(make_post(editor, news, team, now=now), now, Target.FAILED, Target.UNKNOWN)
    assert keys(104) == [["✅ It is there · Команда", "🔁 Send again · Команда"], ["🔁 Retry failed", "Open"]]


@pytest.mark.parametrize("how", ["role", "blocked"])
def test_when_an_author_leaves_the_admins_hear_at_once_what_is_planned(
    editor: User, news: Chat, now: datetime, how: str
) -> None:
    for hours in range(1, 13):
        planned(editor, news, at=now + hours * HOUR, now=now, text=f"no{hours}")
    make_post(editor, news, now=now)
    if how == "role":
        accounts.set_role(editor, Role.MEMBER, by=None, via="admin", now=now)
    else:
        accounts.decide(editor, Access.BLOCKED, by=None, via="admin", now=now)
    lines = told(ADMINS)[-1].splitlines()
    assert lines[0] == "⚠️ Лена may not post any more, and 12 posts of theirs are planned:"
    assert lines[1].startswith("• “no1”, 20 November, ")
    assert lines[-2:] == [
        f"• and {12 - notices.NAMED} more",
        "None goes out by itself. Who plans or publishes one of them takes it over.",
    ]
    assert "posts" not in "".join(told(104))


def test_nobody_is_bothered_when_nothing_is_planned_or_one_may_still_post(
    editor: User, news: Chat, now: datetime
) -> None:
    planned(editor, news, at=now + HOUR, now=now)
    accounts.set_role(editor, Role.ADMIN, by=None, via="admin", now=now)
    assert told(ADMINS) == []


# --- words ----------------------------------------------------------------------------------------------------------


def test_a_planned_post_says_when_by_whose_clock(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    assert words.lines_of(post, MOSCOW, now) == [
        "Planned for 20 November, 13:00 (Europe/Moscow)",
        "🕒 Новости",
    ]
    assert words.state_line(post, MOSCOW, now + 2 * HOUR).startswith("Overdue: planned for 20 November, 13:00")


def test_a_time_of_another_year_is_said_with_it(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=datetime(2027, 1, 5, 9, tzinfo=MOSCOW), now=now)
    assert "5 January 2027, 09:00" in words.state_line(post, MOSCOW, now)


def test_a_cancelled_one_says_why(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    services.cancel_post(post, "No tea today", by=editor, via="chat", now=now)
    assert words.state_line(post, MOSCOW, now) == "Cancelled · No tea today"


@pytest.mark.parametrize(
    ("kind", "part"),
    [
        ("topic", "The topic in “Новости” is closed or gone."),
        ("file", "Telegram did not take the file: Oops."),
        ("file gone", "The file is not kept any more."),
        ("expired", "Choose a new time."),
        ("bug", "Something went wrong on my side"),
        ("rejected", "Telegram refused it: Oops."),
        ("network", "Telegram could not be reached: Oops."),
    ],
)
def test_every_error_says_what_to_do(editor: User, news: Chat, now: datetime, kind: str, part: str) -> None:
    post = make_post(editor, news, now=now)
    publish(post, now)
    services.failed(targets(post)[0].pk, 1, kind, "Oops", now)
    assert part in words.lines_of(fresh(post), MOSCOW, now)[1]


def test_links_lead_to_topics_too_and_basic_groups_have_none(editor: User, news: Chat, now: datetime) -> None:
    target = PostTarget(chat=news, thread_id=9, message_id=12)
    assert words.link_of(target) == "https://t.me/c/1000000003/9/12"
    assert words.link_of(PostTarget(chat=Chat(telegram_id=-4001), message_id=12)) == ""
    assert words.link_of(PostTarget(chat=news)) == ""


def test_what_the_tick_cannot_fire_waits_for_a_person(editor: User, news: Chat, now: datetime) -> None:
    post = planned(editor, news, at=now + HOUR, now=now)
    # A rule that nobody can read: a later release may have written it.
    schedules_of(post).filter(source="post").update(rule={"kind": "moon"})
    tick._fire_alone(schedules_of(post).get(source="post").pk, now + 2 * HOUR)
    post = fresh(post)
    assert (post.state, post.status_reason.startswith("It could not be fired:")) == (State.HELD, True)
    assert schedules.deliveries_of(schedules_of(post).get(source="post")).count() == 0


def test_who_becomes_an_editor_learns_of_posts_once(member: User, now: datetime) -> None:
    accounts.set_role(member, Role.EDITOR, by=None, via="admin", now=now)
    assert ["/post" in said for said in told(member)] == [True]

    for role in (Role.MEMBER, Role.ADMIN):
        accounts.set_role(member, role, by=None, via="admin", now=now)
    assert len(told(member)) == 1
