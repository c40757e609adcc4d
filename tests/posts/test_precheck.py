"""The check shortly before a post's time."""

from datetime import timedelta
from typing import Any

from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat, User
from delivery import tick
from delivery.models import Delivery, Schedule
from posts import precheck, services
from posts.models import Post
from tests.house import ANNA, BOT, House
from tests.posts import making
from tests.posts.making import HOUR, MINUTE, NEWS


def checks(post: Post) -> list[Any]:
    return list(Schedule.objects.filter(source="post_check", object_id=str(post.pk)).values_list("next_at", flat=True))


def test_planned_post_is_looked_at_ten_minutes_before_its_time(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, at=now + HOUR, now=now)
    assert checks(post) == [now + 50 * MINUTE]


def test_post_that_is_due_sooner_is_not_looked_at_again(editor: User, news: Chat) -> None:
    now = timezone.now()
    assert checks(making.planned(editor, news, at=now + 10 * MINUTE, now=now)) == []


def test_operator_may_switch_the_look_off(editor: User, news: Chat, settings: Settings) -> None:
    settings.POST_CHECK_MINUTES = 0
    now = timezone.now()
    assert checks(making.planned(editor, news, at=now + HOUR, now=now)) == []


def test_look_moves_with_the_post(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, at=now + HOUR, now=now)
    services.reschedule_post(post, now + 3 * HOUR, by=editor, via="chat", now=now)
    assert checks(post) == [now + 3 * HOUR - 10 * MINUTE]
    services.reschedule_post(post, now + 5 * MINUTE, by=editor, via="chat", now=now)
    assert checks(post) == []


def test_cancelled_post_is_not_looked_at(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, at=now + HOUR, now=now)
    services.cancel_post(post, by=editor, via="chat", now=now)
    assert [at for at in checks(post) if at is not None] == []


def test_due_look_is_a_task_of_its_own_line(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, at=now + HOUR, now=now)
    tick._fire_batch(now + 50 * MINUTE, tick.BATCH)

    row = Delivery.objects.get(backend="post_check")
    assert (row.lane, row.content) == (f"task:check:{post.pk}:0", {"post": str(post.pk)})
    assert row.key.startswith(f"post_check:{post.pk}:")


def test_look_that_comes_after_the_time_is_left_out(editor: User, news: Chat) -> None:
    now = timezone.now()
    making.planned(editor, news, at=now + HOUR, now=now)
    tick._fire_batch(now + 61 * MINUTE, tick.BATCH)
    assert not Delivery.objects.filter(backend="post_check").exists()


def test_nothing_wrong_is_noted_and_nobody_hears_of_it(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, at=now + HOUR, now=now)
    version = post.version
    assert not precheck.check(post.pk, now + 50 * MINUTE)

    post = making.fresh(post)
    assert (post.warning, post.checked_at, post.version) == ("", now + 50 * MINUTE, version)
    assert making.told(editor) == []


def test_what_is_wrong_is_noted_and_told_with_what_can_be_done(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, at=now + HOUR, now=now, text="Sale")
    Chat.objects.filter(pk=news.pk).update(bot_rights={"can_post_messages": False})
    assert precheck.check(post.pk, now + 50 * MINUTE)

    assert "may not post in “Новости”" in making.fresh(post).warning
    (said,) = making.told(editor)
    assert "“Sale” is planned for" in said
    assert "Give it the right to post messages there." in said
    row = Delivery.objects.get(chat_id=editor.telegram_id)
    labels = [key["text"] for line in row.content["params"]["reply_markup"]["inline_keyboard"] for key in line]
    assert labels == ["Open", "Another time", "Cancel"]


def test_same_trouble_in_two_chats_is_two_lines(editor: User, news: Chat, team: Chat) -> None:
    now = timezone.now()
    post = making.planned(editor, news, team, at=now + HOUR, now=now)
    Chat.objects.filter(pk__in=[news.pk, team.pk]).update(bot_status="kicked")
    precheck.check(post.pk, now)
    (said,) = making.told(editor)
    assert (said.count("• "), "“Команда”" in said, "“Новости”" in said) == (2, True, True)


def test_post_that_is_not_planned_any_more_is_let_be(editor: User, news: Chat) -> None:
    now = timezone.now()
    post = making.make_post(editor)
    assert not precheck.check(post.pk, now)
    assert making.fresh(post).checked_at is None
    services.delete_draft(post, by=editor, via="chat", now=now)
    assert not precheck.check(post.pk, now)


# --- in the running bot ---------------------------------------------------------------------------------------------


def plan() -> Post:
    now = timezone.now()
    return services.schedule_post(making.post_to(NEWS), now + HOUR, by=making.anna(), via="chat", now=now)


def soon(post: Post) -> None:
    """Ten minutes before its time. What is known of the chat is older."""
    Chat.objects.filter(telegram_id=NEWS).update(rights_at=timezone.now() - MINUTE)
    due(post)


def due(post: Post) -> None:
    making.put_forward(post, 50 * MINUTE)
    Schedule.objects.filter(source="post_check", object_id=str(post.pk)).update(
        next_at=timezone.now() - timedelta(seconds=1)
    )
    tick.burst()


async def test_what_telegram_did_not_tell_is_asked_before_the_time(house: House) -> None:
    """The bot lost its right while it was away: no update came of it."""
    post = await house.db(plan)
    house.world.chats[NEWS].rights[BOT] = {"can_post_messages": False}
    await house.db(soon, post)
    await house.until(lambda: len(house.heard(ANNA)) == 1)

    assert "may not post in “Новости”" in house.heard(ANNA)[0]
    assert [call.chat_id for call in house.calls("getChatMember")] == [NEWS]


async def test_posts_for_one_chat_in_the_same_minute_ask_about_it_once(house: House) -> None:
    posts = [await house.db(plan) for _number in range(4)]
    await house.db(soon, posts[0])
    await house.quiet()
    for post in posts[1:]:
        await house.db(due, post)
        await house.quiet()
    assert [(await house.db(making.fresh, post)).checked_at is not None for post in posts] == [True] * 4
    assert len(house.calls("getChat")) == len(house.calls("getChatMember")) == 1


async def test_silence_of_telegram_is_asked_again_later(house: House) -> None:
    post = await house.db(plan)
    house.fault("getChat", "500")
    await house.db(soon, post)
    await house.until(lambda: len(house.calls("getChat")) == 2)
    await house.quiet()

    assert await house.db(lambda: Delivery.objects.get(backend="post_check").state) == "sent"
    assert house.heard(ANNA) == []
