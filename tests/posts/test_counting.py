"""Reactions, votes, and updates that show a post of which nobody knew whether it had appeared."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Chat, User
from delivery.models import Delivery
from posts import services
from posts.models import Post, PostTarget, State
from posts.services import counting
from telegram_bot.models import Update
from tests.house import ADMINS, ANNA, BOT, OLGA, TEAM, House
from tests.posts.making import (
    NEWS,
    anna,
    channel,
    fresh,
    group,
    make_post,
    post_to,
    publish,
    published,
    settle,
    shown,
    states,
    targets,
)

pytestmark = pytest.mark.django_db(transaction=True)
Target = PostTarget.State
BORIS = 102
POLL = {"question": "Tea?", "options": [{"text": "Yes"}, {"text": "No"}], "anonymous": True}


async def only(house: House, post: Post) -> PostTarget:
    [target] = await house.db(targets, post)
    return target


def counted(target: PostTarget) -> dict[str, int]:
    return {row["emoji"]: row["count"] for row in target.reactions}


async def number_of(house: House, post: Post) -> int:
    """Of its message, which is known."""
    number = (await only(house, post)).message_id
    assert number is not None
    return number


async def updates_done(house: House) -> None:
    await house.quiet()
    assert not await house.db(Update.objects.exclude(state="done").exists)


# --- reactions ---


async def test_reactions_of_a_channel_are_counted_as_telegram_counts_them(house: House) -> None:
    post = await published(house, NEWS)
    target = await only(house, post)
    assert (target.reactions, target.counted_at) == ([], None)
    for person, emoji in ((OLGA, "👍"), (ANNA, "👍"), (BORIS, "🔥")):
        house.world.react(person, await number_of(house, post), emoji, NEWS)
    await updates_done(house)
    target = await only(house, post)
    assert target.reactions == [{"emoji": "👍", "count": 2}, {"emoji": "🔥", "count": 1}]
    assert target.counted_at is not None


async def test_reaction_that_is_taken_back_is_not_shown_as_zero(house: House) -> None:
    post = await published(house, NEWS)
    number = await number_of(house, post)
    for emoji in ("👍", None):
        house.world.react(OLGA, number, emoji, NEWS)
    await updates_done(house)

    assert (await only(house, post)).reactions == []


async def test_reactions_in_a_group_are_added_up_person_by_person(house: House) -> None:
    house.world.member(TEAM, BOT, "administrator", OLGA)
    post = await published(house, TEAM)
    number = await number_of(house, post)
    for person, emoji in ((OLGA, "👍"), (ANNA, "👍"), (BORIS, "🔥"), (OLGA, "❤"), (BORIS, None)):
        house.world.react(person, number, emoji, TEAM)
    await updates_done(house)

    assert counted(await only(house, post)) == {"👍": 1, "❤": 1}


async def test_reaction_to_another_message_counts_nowhere(house: House) -> None:
    post = await published(house, NEWS)
    other = house.world.say(OLGA, "by hand", NEWS).message["message_id"]
    house.world.react(OLGA, other, "👍", NEWS)
    await updates_done(house)

    assert (await only(house, post)).reactions == []


def test_reaction_to_any_picture_of_an_album_is_the_albums(editor: User, news: Any) -> None:
    now = timezone.now()
    post = make_post(editor, news)
    publish(post)
    settle(targets(post)[0], now=now, numbers=(20, 21, 22))
    rows = [{"type": {"type": "emoji", "emoji": "👍"}, "total_count": 3}]
    counting.reactions_counted(BOT, {"chat": {"id": NEWS}, "message_id": 22, "reactions": rows}, now)
    assert counted(targets(post)[0]) == {"👍": 3}

    counting.reactions_counted(BOT, {"chat": {"id": NEWS}, "message_id": 23, "reactions": []}, now)
    assert counted(targets(post)[0]) == {"👍": 3}


def test_reactions_without_an_emoji_are_counted_under_a_sign(editor: User, news: Any) -> None:
    now = timezone.now()
    post = make_post(editor, news)
    publish(post)
    settle(targets(post)[0], now=now, numbers=(20,))
    rows = [
        {"type": {"type": "paid"}, "total_count": 5},
        {"type": {"type": "custom_emoji", "custom_emoji_id": "5"}, "total_count": 2},
    ]
    counting.reactions_counted(BOT, {"chat": {"id": NEWS}, "message_id": 20, "reactions": rows}, now)

    assert counted(targets(post)[0]) == {counting.PAID: 5, counting.CUSTOM: 2}


# --- votes ---


async def test_votes_of_our_poll_are_counted(house: House) -> None:
    post = await published(house, NEWS, text="", poll=POLL)
    target = await only(house, post)
    assert target.votes is None, "nothing is shown that Telegram did not tell"
    for person, option in ((OLGA, 0), (ANNA, 0), (BORIS, 1)):
        house.world.vote(person, await number_of(house, post), [option], NEWS)
    await updates_done(house)

    assert (await only(house, post)).votes == [{"text": "Yes", "votes": 2}, {"text": "No", "votes": 1}]


async def test_votes_of_somebody_elses_poll_concern_nobody(house: House) -> None:
    post = await published(house, NEWS, text="", poll=POLL)
    house.world.updates.push("poll", {"id": "999", "options": [{"text": "Yes", "voter_count": 7}]})
    await updates_done(house)

    assert (await only(house, post)).votes is None


# --- it is there after all ---


async def in_doubt(house: House, *chats: int, kind: str = "cut_after", **more: Any) -> Post:
    """A post whose connection broke while it was being sent; with ``cut_after`` Telegram had taken it."""
    for method in ("sendMessage", "sendPhoto", "sendPoll"):
        house.fault(method, kind, chat_id=chats[0])
    post = await published(house, *(chats or (NEWS,)), **more)
    assert (await house.db(states, post))[0] == Target.UNKNOWN
    house.world.faults.clear()
    return post


def number_there(house: House, chat_id: int = NEWS) -> int:
    return int(shown(house, chat_id)[-1]["message_id"])


async def settled(house: House, post: Post, chat_id: int = NEWS) -> None:
    """It is known to be there, under its number, and it is there once."""
    await updates_done(house)
    row = await house.db(fresh, post)
    target = (await house.db(targets, post))[0]
    assert (row.state, target.state, target.message_ids) == (State.PUBLISHED, Target.SENT, [target.message_id])
    said = [message for message in shown(house, chat_id) if message.get("text") == post.text]
    assert [message["message_id"] for message in said] == [target.message_id]


async def still_in_doubt(house: House, post: Post) -> None:
    await updates_done(house)
    assert (await house.db(states, post))[0] == Target.UNKNOWN


async def test_post_that_an_editor_forwards_to_the_bot_is_there_and_its_author_hears_it(house: House) -> None:
    post = await in_doubt(house, NEWS)
    before = len(house.heard(ANNA))
    house.world.forward(OLGA, NEWS, number_there(house))

    await settled(house, post)
    assert any("is published" in text for text in house.heard(ANNA)[before:])


async def test_post_that_somebody_pins_in_the_channel_is_there(house: House) -> None:
    post = await in_doubt(house, NEWS)
    house.world.pin(OLGA, number_there(house), NEWS)

    await settled(house, post)


async def test_post_that_somebody_answers_in_a_group_is_there(house: House) -> None:
    post = await in_doubt(house, TEAM)
    house.world.say(ANNA, "Great!", TEAM, reply_to=number_there(house, TEAM))

    await settled(house, post, TEAM)


async def test_post_that_somebody_edits_by_hand_elsewhere_stays_ours(house: House) -> None:
    """An edit tells the post with the text it has now: the same text is a proof."""
    post = await in_doubt(house, NEWS)
    message = {**shown(house, NEWS)[-1], "edit_date": house.world.now()}
    house.world.updates.push("edited_channel_post", message)

    await settled(house, post)


async def test_copy_in_the_discussion_group_is_quicker_than_the_time_out(house: House) -> None:
    house.world.chats[ADMINS].bot_reads_all = True
    house.world.link(NEWS, ADMINS)
    house.fault("sendMessage", "cut_after", chat_id=NEWS, seconds=0.5)
    row = await house.db(post_to, NEWS)
    await house.db(publish, row)
    await house.quiet()

    await settled(house, row)
    assert not any("perhaps" in text.lower() for text in house.heard(ANNA))
    assert not await house.db(User.objects.filter(telegram_id=777000).exists), "Telegram itself is no person"


@pytest.mark.parametrize(("minutes", "state"), [(0, Target.SENT), (-10, Target.UNKNOWN)])
def test_proof_that_came_before_the_doubt_is_found(editor: User, news: Any, minutes: int, state: Target) -> None:
    """What came since the attempt began is looked through; what came before it is not."""
    now = timezone.now()
    post = make_post(editor, news, now=now)
    publish(post, now)
    at = now + timedelta(minutes=minutes)
    message = {"chat": {"id": NEWS, "type": "channel"}, "message_id": 9, "date": int(at.timestamp()), "text": "Hello"}
    raw = {"update_id": 1, "channel_post": {"message_id": 10, "chat": message["chat"], "pinned_message": message}}
    Update.objects.create(
        bot_id=BOT, update_id=1, lane="in", kind="channel_post", raw=raw, state="done", received_at=at
    )
    settle(targets(post)[0], Target.UNKNOWN, now=now)

    assert states(post) == [state]
    assert targets(post)[0].message_ids == ([9] if state == Target.SENT else [])


async def test_poll_that_is_forwarded_is_there_and_counts_on(house: House) -> None:
    post = await in_doubt(house, NEWS, text="", poll=POLL)
    number = number_there(house)
    house.world.forward(OLGA, NEWS, number)
    await updates_done(house)
    house.world.vote(BORIS, number, [1], NEWS)
    await updates_done(house)

    target = await only(house, post)
    assert (target.state, target.message_id) == (Target.SENT, number)
    assert target.votes == [{"text": "Yes", "votes": 0}, {"text": "No", "votes": 1}]


async def test_other_words_prove_nothing(house: House) -> None:
    post = await in_doubt(house, NEWS)
    house.world.say(OLGA, f"{post.text} and more", NEWS)

    await still_in_doubt(house, post)


async def test_same_words_in_another_chat_prove_nothing(house: House) -> None:
    post = await in_doubt(house, NEWS)
    message = {**shown(house, NEWS)[-1], "chat": {"id": -1001000000004, "type": "channel"}}
    house.world.updates.push("channel_post", message)

    await still_in_doubt(house, post)


async def test_same_words_from_before_the_attempt_prove_nothing(house: House) -> None:
    post = await in_doubt(house, NEWS)
    old = int((timezone.now() - timedelta(minutes=10)).timestamp())
    house.world.updates.push("edited_channel_post", {**shown(house, NEWS)[-1], "date": old})

    await still_in_doubt(house, post)


async def test_same_words_of_a_post_that_is_known_prove_nothing_for_its_twin(house: House) -> None:
    known = await published(house, NEWS)
    twin = await in_doubt(house, NEWS, kind="cut")
    number = await number_of(house, known)
    house.world.forward(OLGA, NEWS, number)

    await still_in_doubt(house, twin)


async def test_persons_own_words_in_a_group_are_not_the_bots_post(house: House) -> None:
    post = await in_doubt(house, TEAM, kind="cut")
    mine = house.say(ANNA, post.text, TEAM)
    house.world.say(OLGA, "Yes!", TEAM, reply_to=mine["message_id"])

    await still_in_doubt(house, post)


async def test_stranger_who_forwards_a_post_settles_nothing(house: House) -> None:
    post = await in_doubt(house, NEWS)
    house.world.forward(BORIS, NEWS, number_there(house))

    await still_in_doubt(house, post)


async def test_proof_that_comes_after_the_authors_word_changes_nothing(house: House) -> None:
    post = await in_doubt(house, NEWS)
    number = number_there(house)
    target = await only(house, post)

    def decide() -> None:
        services.resolve(target, there=True, by=anna(), via="chat", now=timezone.now())

    await house.db(decide)
    house.world.forward(OLGA, NEWS, number)
    await updates_done(house)
    assert (await only(house, post)).state == Target.SENT
    assert await house.db(Delivery.objects.filter(backend="post").count) == 1


def doubtful(editor: User, chat: Chat, at: datetime) -> Post:
    post = make_post(editor, chat, now=at)
    publish(post, at)
    settle(targets(post)[0], Target.UNKNOWN, now=at)
    return post


def test_message_settles_the_latest_of_two_with_the_same_words(editor: User, news: Chat, now: datetime) -> None:
    """The message of the older one would be older than the attempt of the newer."""
    first = doubtful(editor, news, now - timedelta(hours=1))
    second = doubtful(editor, news, now)
    seen = {"chat": {"id": NEWS, "type": "channel"}, "message_id": 9, "date": int(now.timestamp()), "text": "Hello"}
    counting.seen(BOT, seen, now)

    assert (states(first), states(second)) == ([Target.UNKNOWN], [Target.SENT])


def test_doubts_that_nobody_settled_hide_no_newer_one(
    editor: User, news: Chat, team: Chat, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST", 2)
    for _old in range(2):
        doubtful(editor, team, now - timedelta(days=9))
    post = doubtful(editor, news, now)
    seen = {"chat": {"id": NEWS, "type": "channel"}, "message_id": 9, "date": int(now.timestamp()), "text": "Hello"}
    counting.seen(BOT, seen, now)

    assert states(post) == [Target.SENT]


def test_album_in_doubt_is_known_by_its_kind_and_its_words(editor: User) -> None:
    """Files by their kind; documents by their names, too."""
    from posts.content import Medium

    now = timezone.now()
    place = channel()
    post = make_post(
        editor, place, now=now, text="Prices",
        media=[Medium("document", telegram_file_id="F", bot_id=BOT, name="prices.pdf", mime="application/pdf", size=9)],
    )  # fmt: skip
    publish(post, now)
    settle(targets(post)[0], Target.UNKNOWN, now=now)
    seen = {
        "chat": {"id": NEWS, "type": "channel"}, "message_id": 5, "date": int(now.timestamp()), "caption": "Prices",
    }  # fmt: skip
    others: list[dict[str, Any]] = [{"photo": [{}]}, {"document": {"file_name": "other.pdf"}}, {"text": "Prices"}]
    for wrong in others:
        counting.seen(BOT, seen | wrong, now)
        assert states(post) == [Target.UNKNOWN]

    counting.seen(BOT, seen | {"document": {"file_name": "prices.pdf"}}, now)
    assert states(post) == [Target.SENT]
    assert targets(post)[0].message_ids == [5]


def test_without_a_doubt_a_message_costs_one_query(editor: User, django_assert_num_queries: Any) -> None:
    place = group()
    publish(make_post(editor, place))
    with django_assert_num_queries(1):
        counting.seen(
            BOT, {"chat": {"id": TEAM, "type": "supergroup"}, "message_id": 5, "text": "Hello"}, timezone.now()
        )
