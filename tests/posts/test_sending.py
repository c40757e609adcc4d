"""What was fired leaves, and what became of it is on record at each target: the bot runs against the sandbox."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Chat
from delivery.models import Delivery
from posts import services
from posts.content import Place
from posts.models import PostTarget, State
from sandbox.telegram import people as sandbox_people
from tests.house import ANNA, TEAM, House, every_statement
from tests.posts.making import (
    DAY,
    NEWS,
    Held,
    anna,
    chat_of,
    deliveries,
    fire,
    fresh,
    group,
    planned,
    post_to,
    publish,
    published,
    said,
    shown,
    states,
    targets,
)

pytestmark = pytest.mark.django_db(transaction=True)
Target = PostTarget.State
SMALL_GROUP = -4001


def notice(house: House) -> str:
    return house.heard(ANNA)[-1]


def keys(house: House) -> list[list[str]]:
    """The labels under the newest notice, row by row."""
    rows = house.messages(ANNA)[-1].get("reply_markup", {}).get("inline_keyboard", [])
    return [[key["text"] for key in row] for row in rows]


async def test_a_post_appears_in_every_chat_and_its_author_is_told_once(house: House) -> None:
    post = await published(house, NEWS, TEAM, text="**News**: tea at five")

    assert (said(house, NEWS), said(house, TEAM)) == (["News: tea at five"], ["News: tea at five"])
    assert [entity["type"] for entity in shown(house, NEWS)[0]["entities"]] == ["bold"]
    assert post.state == State.PUBLISHED
    assert await house.db(states, post) == [Target.SENT, Target.SENT]
    first, second = await house.db(targets, post)
    assert first.message_ids == [first.message_id] == [shown(house, NEWS)[0]["message_id"]]
    [told] = house.heard(ANNA)
    assert told.startswith("✅ “News: tea at five” is published.")
    assert f"https://t.me/c/1000000003/{first.message_id}" in told
    assert f"https://t.me/c/1000000002/{second.message_id}" in told
    assert [row.state for row in await house.db(deliveries, post)] == ["sent", "sent"]


async def test_a_planned_post_goes_out_at_its_time(house: House) -> None:
    now = timezone.now()
    post = await house.db(lambda: planned(anna(), chat_of(NEWS), at=now, now=now, text="Tea"))
    await house.db(fire, post)
    await house.quiet()
    assert said(house, NEWS) == ["Tea"]
    assert (await house.db(fresh, post)).state == State.PUBLISHED


async def test_the_words_go_out_as_they_stand_when_it_leaves(house: House) -> None:
    now = timezone.now()
    post = await house.db(lambda: planned(anna(), chat_of(NEWS), at=now, now=now, text="Old"))
    await house.db(lambda: services.change_post(post, by=None, via="chat", now=now, text="New"))
    await house.db(fire, post)
    await house.quiet()
    assert said(house, NEWS) == ["New"]


# --- what goes wrong ------------------------------------------------------------------------------------------------


async def test_of_three_the_kicked_one_fails_and_retry_touches_only_that(house: House) -> None:
    house.world.add_chat("supergroup", "Друзья", chat_id=-1001000000009, members={ANNA: "creator", 1000: "member"})
    await house.db(group, -1001000000009, "Друзья")
    house.fault("sendMessage", "403", chat_id=TEAM, description="Forbidden: bot was kicked from the supergroup chat")
    post = await published(house, NEWS, TEAM, -1001000000009)

    assert (post.state, await house.db(states, post)) == (State.PARTIAL, [Target.SENT, Target.FAILED, Target.SENT])
    assert notice(house).startswith("⚠️ “Hello” is published in 2 of 3 chats.")
    assert "I am not in “Команда”, or may not write there. Add me, or give me the right, and try again." in notice(
        house
    )
    assert keys(house) == [["🔁 Retry failed", "Open"]]

    await house.db(Chat.objects.filter(telegram_id=TEAM).update, unreachable="")  # it was added again
    await house.db(lambda: services.retry_failed(post, by=anna(), via="chat", now=timezone.now()))
    await house.quiet()
    assert [len(said(house, chat)) for chat in (NEWS, TEAM, -1001000000009)] == [1, 1, 1]
    assert (await house.db(fresh, post)).state == State.PUBLISHED


async def test_a_channel_that_takes_nothing_any_more_is_named_with_the_remedy(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS, description="Forbidden: bot was kicked from the channel chat")
    post = await published(house, NEWS)
    assert post.state == State.ERROR
    assert (
        "❌ Новости: I may not post in “Новости”. Make me an administrator there who may post messages, and try again."
        in notice(house)
    )
    [target] = await house.db(targets, post)
    assert (target.error_kind, bool(target.chat.unreachable)) == ("forbidden", True)


async def test_a_read_timeout_leaves_it_open_and_asks_with_two_buttons(house: House) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    post = await published(house, NEWS)
    assert (post.state, await house.db(states, post)) == (State.ERROR, [Target.UNKNOWN])
    assert len(said(house, NEWS)) == 1  # it had arrived
    assert notice(house).startswith("❓ I do not know whether “Hello” is published.")
    assert "so it may be there. Please look, and tell me." in notice(house)
    assert keys(house) == [["✅ It is there", "🔁 Send again"], ["Open"]]

    [target] = await house.db(targets, post)
    await house.db(lambda: services.resolve(target, there=True, by=anna(), via="chat", now=timezone.now()))
    await house.quiet()
    assert len(said(house, NEWS)) == 1
    assert (await house.db(fresh, post)).state == State.PUBLISHED


async def test_send_again_sends_it_once_more_without_a_mark(house: House) -> None:
    house.fault("sendMessage", "cut", chat_id=NEWS)
    post = await published(house, NEWS)
    [target] = await house.db(targets, post)
    assert target.state == Target.UNKNOWN
    await house.db(lambda: services.resolve(target, there=False, by=anna(), via="chat", now=timezone.now()))
    await house.quiet()
    assert said(house, NEWS) == ["Hello"]
    assert (await house.db(fresh, post)).state == State.PUBLISHED


async def test_of_several_unknown_each_has_its_own_buttons(house: House) -> None:
    house.fault("sendMessage", "cut_after", times=1, chat_id=NEWS)
    house.fault("sendMessage", "cut_after", times=1, chat_id=TEAM)
    await published(house, NEWS, TEAM)
    assert keys(house) == [
        ["✅ It is there · Новости", "🔁 Send again · Новости"],
        ["✅ It is there · Команда", "🔁 Send again · Команда"],
        ["Open"],
    ]


async def test_when_telegram_asks_for_a_pause_only_that_chat_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.fault("sendMessage", "429", chat_id=NEWS, retry_after=1)
    again = Held(monkeypatch, "sendMessage", NEWS)  # however soon its pause is over
    row = await house.db(post_to, NEWS, TEAM)
    await house.db(publish, row)
    async with asyncio.timeout(60):
        while await house.db(states, row) != [Target.QUEUED, Target.SENT]:
            await asyncio.sleep(0.02)
    assert (len(said(house, TEAM)), said(house, NEWS)) == (1, [])
    again.go.set()
    await house.until(lambda: said(house, NEWS))
    await house.quiet()
    assert (await house.db(fresh, row)).state == State.PUBLISHED
    assert len(house.heard(ANNA)) == 1


async def test_what_was_sent_and_could_not_be_recorded_is_not_taken_for_a_failure(house: House) -> None:
    """The database breaks at the very moment of the record."""

    def breaks(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("UPDATE") and "posts_posttarget" in sql and "sent" in (params or ()) and not broken:
            broken.append(sql)
            raise OperationalError("the disk is full")
        return execute(sql, params, many, context)

    broken: list[str] = []
    row = await house.db(post_to, NEWS)
    with every_statement(breaks):
        await house.db(publish, row)
        await house.quiet()
    assert (len(broken), said(house, NEWS)) == (1, ["Hello"])
    assert await house.db(states, row) == [Target.UNKNOWN]


async def test_an_author_who_cannot_be_told_is_no_reason_to_send_it_again(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=ANNA)
    post = await published(house, NEWS)
    assert (post.state, said(house, NEWS), house.heard(ANNA)) == (State.PUBLISHED, ["Hello"], [])


async def test_what_never_left_is_tried_again(house: House) -> None:
    house.fault("sendMessage", "500", chat_id=NEWS)
    row = await house.db(post_to, NEWS)
    await house.db(publish, row)
    await house.until(lambda: said(house, NEWS))
    await house.quiet()
    assert (await house.db(fresh, row)).state == State.PUBLISHED
    assert said(house, NEWS) == ["Hello"]


async def test_a_group_that_became_a_supergroup_gets_it_once_and_all_that_follows(house: House) -> None:
    house.world.add_chat("group", "Кухня", chat_id=SMALL_GROUP, members={ANNA: "creator", 1000: "member"})
    await house.db(lambda: group(SMALL_GROUP, "Кухня", kind="group"))
    later = await house.db(post_to, SMALL_GROUP, text="Later")
    row = await house.db(post_to, SMALL_GROUP, text="First")
    new = sandbox_people.migrate(house.world, SMALL_GROUP).id
    house.world.updates.pending.clear()  # the news of it are still on their way

    await house.db(publish, row)
    await house.quiet()
    [target] = await house.db(targets, row)
    assert (target.chat.telegram_id, target.state) == (new, Target.SENT)
    assert [text for text in said(house, new) if text] == ["First"]
    assert target.message_id == shown(house, new)[-1]["message_id"]
    await house.db(publish, later)
    await house.quiet()
    assert [text for text in said(house, new) if text] == ["First", "Later"]


# --- topics ---------------------------------------------------------------------------------------------------------


async def test_a_topic_that_is_gone_is_an_error_and_nothing_goes_to_the_general_one(house: House) -> None:
    row = await house.db(lambda: post_to(text="Hello", places=[Place(chat_of(TEAM), 55)]))
    house.fault("sendMessage", "400", chat_id=TEAM, description="Bad Request: message thread not found")
    await house.db(publish, row)
    await house.quiet()
    assert said(house, TEAM) == []
    assert await house.db(states, row) == [Target.FAILED]
    assert "The topic in “Команда” is closed or gone." in notice(house)


async def test_the_general_topic_takes_it_when_that_is_allowed(house: House) -> None:
    row = await house.db(lambda: post_to(places=[Place(chat_of(TEAM), 55)], general_allowed=True))
    house.fault("sendMessage", "400", chat_id=TEAM, description="Bad Request: message thread not found")
    await house.db(publish, row)
    await house.quiet()
    assert said(house, TEAM) == ["Hello"]
    assert "message_thread_id" not in shown(house, TEAM)[0]
    [target] = await house.db(targets, row)
    assert (target.state, target.warning) == (
        Target.SENT, "Its topic is closed or gone, so it went to the general one.",
    )  # fmt: skip
    assert target.warning in notice(house)


# --- how many at once -----------------------------------------------------------------------------------------------


async def test_only_so_many_leave_at_once_and_who_waits_is_not_on_the_way(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.POSTS_SENDING_AT_ONCE = 1
    held = Held(monkeypatch, "sendMessage", NEWS, TEAM)
    row = await house.db(post_to, NEWS, TEAM)
    await house.db(publish, row)
    await house.until(lambda: held.came)
    [other] = {NEWS, TEAM} - set(held.came)

    def waits() -> Delivery | None:
        """It was looked at, and put back."""
        return Delivery.objects.filter(chat_id=other, state="queued", not_before__isnull=False).first()

    async with asyncio.timeout(60):
        while (waiting := await house.db(waits)) is None:
            await asyncio.sleep(0.02)
    assert waiting.attempts == 0
    assert (len(held.came), said(house, NEWS), said(house, TEAM)) == (1, [], [])
    held.go.set()
    await house.until(lambda: said(house, NEWS) and said(house, TEAM))
    await house.quiet()
    assert (await house.db(fresh, row)).state == State.PUBLISHED


async def test_what_waited_in_the_outbox_beyond_its_time_is_not_sent(house: House) -> None:
    row = await house.db(post_to, NEWS)

    def stuck() -> None:
        publish(row, timezone.now() - DAY - timedelta(minutes=1))

    await house.db(stuck)
    await house.quiet()
    assert (said(house, NEWS), house.calls("sendMessage", NEWS)) == ([], [])
    assert (await house.db(fresh, row)).state == State.EXPIRED
    assert notice(house).startswith("⌛ “Hello” was not published")


async def test_what_a_person_publishes_days_after_its_time_goes_out(house: House, settings: Settings) -> None:
    settings.POST_HOLD_LATE_MINUTES = 30
    now = timezone.now()
    row = await house.db(lambda: planned(anna(), chat_of(NEWS), at=now - 3 * DAY, now=now - 3 * DAY))
    held = await house.db(fire, row, timedelta(hours=2))
    assert held.state == State.HELD
    await house.db(publish, held)
    await house.quiet()
    assert said(house, NEWS) == ["Hello"]
    assert "Late: it was planned for" in notice(house)
