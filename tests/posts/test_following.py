"""A card in its author's chat follows the post, without a press; once an outcome, and in place."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings
from structlog.testing import capture_logs

from accounts.models import Chat, Role, User
from delivery import services as delivery
from delivery.models import Delivery
from posts import services
from posts.chat import following
from posts.models import Post, PostTarget, State
from posts.services import notices
from posts.signals import post_settled
from telegram_bot import outgoing
from tests.house import ANNA, OLGA, TEAM, House, open_house
from tests.posts import making
from tests.posts.chatting import card, drafted, label_of, labels, press, say
from tests.posts.making import BOT, NEWS

Target = PostTarget.State

KICKED = "Forbidden: bot was kicked from the channel chat"


def text_of(house: House, number: int, user: int = ANNA) -> str:
    """What a message of the bot says now."""
    return str(house.world.chats[user].messages[number]["text"])


def newest(house: House, user: int = ANNA) -> int:
    return int(house.messages(user)[-1]["message_id"])


async def on_its_way(house: House, *chats: int) -> tuple[Post, int]:
    """Анна publishes a post from its card; the post, and the card's number."""
    row = await drafted(house, "Sale", *chats)
    shown = newest(house)
    await press(house, "Publish now")
    await press(house, "Yes, publish")
    return await house.db(making.fresh, row), shown


async def done(house: House, what: Callable[[], Any]) -> None:
    """It happens elsewhere, and all that follows has happened."""
    await house.db(what)
    await house.quiet()


def edits(house: House, number: int) -> list[str]:
    """What the message was edited to, oldest first."""
    calls = house.calls("editMessageText", ANNA)
    return [str(call.params["text"]) for call in calls if int(call.params["message_id"]) == number]


# --- each outcome ---------------------------------------------------------------------------------------------------


async def test_card_says_by_itself_that_the_post_is_published(house: House) -> None:
    row, shown = await on_its_way(house, NEWS)

    assert row.state == State.PUBLISHED
    assert text_of(house, shown).startswith("✅ Sale\nPublished on ")
    assert "It is going out" in edits(house, shown)[-2]
    assert label_of(house.world.chats[ANNA].messages[shown], "Delete everywhere")


async def test_buttons_of_a_card_that_followed_work(house: House) -> None:
    _row, shown = await on_its_way(house, NEWS)
    data = label_of(house.world.chats[ANNA].messages[shown], "Delete everywhere")
    house.world.press(ANNA, shown, data)
    await house.quiet()

    assert "Delete it from 1 chat?" in text_of(house, shown)


async def test_card_says_where_it_is_not_published_and_offers_to_try_again(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=TEAM, description=KICKED)
    row, shown = await on_its_way(house, NEWS, TEAM)

    assert row.state == State.PARTIAL
    assert text_of(house, shown).startswith("⚠️ Sale\n")
    assert "❌ Команда" in text_of(house, shown)
    assert label_of(house.world.chats[ANNA].messages[shown], "Retry what failed")


async def test_card_says_that_nothing_is_published(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS, description=KICKED)
    row, shown = await on_its_way(house, NEWS)

    assert row.state == State.ERROR
    assert text_of(house, shown).startswith("❗️ Sale\n")


async def test_card_asks_about_what_nobody_knows(house: House) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    _row, shown = await on_its_way(house, NEWS)

    assert label_of(house.world.chats[ANNA].messages[shown], "It is there: Новости")


async def planned(house: House) -> tuple[Post, int]:
    """Анна has planned a post for the channel, and its card is open; the card's number."""
    row = await drafted(house, "Sale", NEWS)
    shown = newest(house)
    at = timezone.now() + timedelta(hours=3)
    await house.db(lambda: services.schedule_post(row, at, by=row.author, via="chat", now=timezone.now()))
    return row, shown


async def opened_from_next(house: House) -> None:
    """The card of what is planned, opened from its list."""
    await say(house, "/posts")
    await press(house, "Next")
    await press(house, next(label for label in labels(house) if "Sale" in label))


async def test_card_says_that_the_post_expired(house: House) -> None:
    row, shown = await planned(house)
    await done(house, lambda: services.expire_posts(timezone.now() + timedelta(days=3)))

    assert (await house.db(making.fresh, row)).state == State.EXPIRED
    assert text_of(house, shown).startswith("⌛️ Sale\n")


async def test_card_says_that_the_tick_gave_it_up(house: House) -> None:
    row, shown = await planned(house)
    await done(house, lambda: making.fire(making.fresh(row), late=timedelta(days=3)))

    assert text_of(house, shown).startswith("⌛️ Sale\n")


async def test_card_says_that_the_post_is_held(house: House) -> None:
    row, shown = await planned(house)
    await done(house, lambda: services.hold_post(row, "Somebody must look.", now=timezone.now()))

    assert text_of(house, shown).startswith("⏸ Sale\n")
    assert "Somebody must look." in text_of(house, shown)


async def test_card_says_that_the_tick_held_it(house: House, settings: Settings) -> None:
    settings.POST_HOLD_LATE_MINUTES = 5
    row, shown = await planned(house)
    await done(house, lambda: making.fire(making.fresh(row), late=timedelta(minutes=6)))

    assert text_of(house, shown).startswith("⏸ Sale\n")


async def test_card_says_that_somebody_else_called_it_off(house: House) -> None:
    row, shown = await planned(house)

    def cancel() -> None:
        services.cancel_post(row, "Sold out", by=User.objects.get(telegram_id=OLGA), via="admin", now=timezone.now())

    await done(house, cancel)

    assert text_of(house, shown).startswith("✖️ Sale\nCancelled · Sold out")


async def test_card_follows_a_second_attempt_too(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS, description=KICKED)
    row, shown = await on_its_way(house, NEWS)
    await house.db(lambda: Chat.objects.update(unreachable="", bot_status="administrator"))
    await done(house, lambda: services.retry_failed(row, by=row.author, via="api", now=timezone.now()))

    assert text_of(house, shown).startswith("✅ Sale\nPublished on ")
    assert len([text for text in edits(house, shown) if text.startswith("✅")]) == 1


async def test_card_that_followed_is_known_as_the_posts(house: House) -> None:
    """A reply to it is about this post."""
    row, shown = await on_its_way(house, NEWS)
    await say(house, "Bargain", reply_to=shown)

    assert "Bargain" in card(house)
    assert (await house.db(making.fresh, row)).text == "Sale"  # readers see it only after a Yes


async def test_card_follows_in_the_language_of_its_author(house: House) -> None:
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(language="ru"))
    row: Post = await house.db(making.post_to, NEWS, text="Скидки")
    await say(house, "/posts")
    await press(house, "Скидки")
    shown = newest(house)
    await done(house, lambda: making.publish(row))

    assert "Опубликован" in text_of(house, shown)


# --- which message --------------------------------------------------------------------------------------------------


async def test_only_the_newest_card_follows(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    old = newest(house)
    before = text_of(house, old)
    await say(house, "/posts")
    await press(house, "Sale")
    shown = newest(house)
    await done(house, lambda: making.publish(making.fresh(row)))

    assert text_of(house, old) == before
    assert text_of(house, shown).startswith("✅ Sale\nPublished on ")


async def test_card_that_was_deleted_is_no_trouble_and_does_not_come_back(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    shown = newest(house)
    house.world.remove(house.world.chats[ANNA], [shown])
    await done(house, lambda: making.publish(making.fresh(row)))

    assert [text for text in house.heard(ANNA) if "Published on" in text] == []
    assert "✅ “Sale” is published." in house.heard(ANNA)[-1]
    assert await house.db(following_states) == ["sent"]


def following_states() -> list[str]:
    rows = Delivery.objects.filter(backend=following.BACKEND).order_by("id")
    return [str(state) for state in rows.values_list("state", flat=True)]


async def test_question_that_waits_for_words_is_not_taken_away(house: House) -> None:
    row, shown = await planned(house)
    await opened_from_next(house)
    await press(house, "Cancel it")
    asked = newest(house)
    await done(house, lambda: making.fire(making.fresh(row)))

    assert (await house.db(making.fresh, row)).state == State.PUBLISHED
    assert "Why is it cancelled?" in text_of(house, asked)
    assert shown != asked


async def test_post_without_a_card_is_only_told_of(house: House) -> None:
    await making.published(house, NEWS, text="Sale")

    assert await house.db(following_states) == []
    assert len(house.heard(ANNA)) == 1


async def test_cards_of_others_stay_as_they_are(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    await say(house, "/posts", OLGA)
    await press(house, "Sale", OLGA)
    hers = newest(house, OLGA)
    before = text_of(house, hers, OLGA)
    await done(house, lambda: making.publish(making.fresh(row)))

    assert text_of(house, hers, OLGA) == before


async def test_what_a_press_shows_anew_is_not_edited_twice(house: House) -> None:
    row, _shown = await planned(house)
    await opened_from_next(house)
    pressed = newest(house)
    await press(house, "Cancel it")
    await press(house, "Cancel without a reason")

    assert (await house.db(making.fresh, row)).state == State.CANCELLED
    assert len([text for text in edits(house, pressed) if "Cancelled" in text]) == 1


async def test_turn_that_is_not_used_is_given_back(settings: Settings, transactional_db: None) -> None:
    """Or what the press shows would wait for a second."""
    async with open_house(settings, TELEGRAM_RATE_CHAT=1, TELEGRAM_RATE_BOT=30) as house:
        await house.db(making.let_editors_in)
        row = await house.db(making.post_to, NEWS)
        await house.db(_card, row, 7)
        await house.db(lambda: Post.objects.filter(pk=row.pk).update(state=State.PUBLISHED))
        await house.db(notices.settled, await house.db(making.fresh, row))
        await house.db(lambda: Post.objects.filter(pk=row.pk).update(state=State.PUBLISHING))
        await house.quiet()

        budget = house.application.bot.rate_limiter.budget(ANNA)  # type: ignore[union-attr]
        assert await house.db(following_states) == ["sent"]
        assert house.calls("editMessageText") == []
        assert budget.wait(0) == 0


# --- what is enqueued -------------------------------------------------------------------------------------------------


def _card(post: Post, number: int | None, said: int = 0, **more: Any) -> Delivery:
    """A card of a post as it was sent to its author, as the message ``number``."""
    assert post.author is not None
    place = outgoing.Place(BOT, post.author.telegram_id or 0)
    content: dict[str, Any] = {"method": "sendMessage", "params": {"chat_id": place.chat_id, "text": "card"}}
    row = outgoing.message(f"postcard:{post.pk}:in:{said}:0", place, content, "post")
    row.state, row.message_id = Delivery.State.SENT if number else Delivery.State.QUEUED, number
    for name, value in more.items():
        setattr(row, name, value)
    row.save()
    return row


def follows(post: Post) -> list[str]:
    rows = Delivery.objects.filter(backend=following.BACKEND, key__startswith=f"postcard:{post.pk}:").order_by("id")
    return list(rows.values_list("key", flat=True))


def out(editor: User, chat: Chat, now: datetime) -> Post:
    """A post that is on its way."""
    row = making.make_post(editor, chat, now=now)
    making.publish(row, now)
    return making.fresh(row)


@pytest.mark.django_db
def test_one_outcome_is_followed_once(editor: User, news: Chat, now: datetime) -> None:
    row = out(editor, news, now)
    _card(row, 7)
    making.settle(making.targets(row)[0], now=now)
    notices.settled(making.fresh(row))

    assert follows(row) == [f"postcard:{row.pk}:settled:{row.version}:published"]


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_settle_it_follow_once(now: datetime, at_once: Callable[..., list[bool]]) -> None:
    row = out(making.editor(), making.channel(), now)
    _card(row, 7)
    [target] = making.targets(row)

    def settle() -> bool:
        return services.sent(target.pk, target.attempt, message_ids=[7], revision=1, now=now)

    assert sorted(at_once(settle, settle)) == [False, True]
    assert len(follows(row)) == 1


@pytest.mark.django_db
def test_what_is_rolled_back_is_not_followed(editor: User, news: Chat, now: datetime) -> None:
    row = out(editor, news, now)
    _card(row, 7)
    with transaction.atomic():
        making.settle(making.targets(row)[0], now=now)
        transaction.set_rollback(True)

    assert follows(row) == []


@pytest.mark.django_db
def test_listener_that_fails_fails_no_settlement_and_is_logged(editor: User, news: Chat, now: datetime) -> None:
    row = out(editor, news, now)

    def broken(post: Post, **_kwargs: Any) -> None:
        raise LookupError(post.state)

    post_settled.connect(broken)
    try:
        with capture_logs() as logs:
            making.settle(making.targets(row)[0], now=now)
    finally:
        post_settled.disconnect(broken)

    assert making.fresh(row).state == State.PUBLISHED
    assert making.told(editor) != []
    assert [(line["log_level"], type(line["exc_info"])) for line in logs] == [("error", LookupError)]


@pytest.mark.django_db
@pytest.mark.parametrize("changed", [{"role": Role.MEMBER}, {"telegram_id": None}], ids=["member", "no-chat"])
def test_author_who_cannot_act_any_more_is_shown_nothing(
    editor: User, news: Chat, now: datetime, changed: dict[str, Any]
) -> None:
    row = out(editor, news, now)
    _card(row, 7)
    User.objects.filter(pk=editor.pk).update(**changed)
    making.settle(making.targets(row)[0], now=now)

    assert follows(row) == []


@pytest.mark.django_db
def test_author_who_blocked_the_bot_is_not_written_to(editor: User, news: Chat, now: datetime) -> None:
    row = out(editor, news, now)
    _card(row, 7)
    Chat.objects.filter(person=editor).update(unreachable="Forbidden: bot was blocked by the user")
    making.settle(making.targets(row)[0], now=now)

    assert follows(row) == []


@pytest.mark.django_db
def test_author_with_much_to_read_is_told_and_shown_no_more(editor: User, news: Chat, now: datetime) -> None:
    rows = [out(editor, news, now) for _number in range(notices.MOST + 3)]
    for row in rows:
        _card(row, 7)
        making.settle(making.targets(row)[0], now=now)

    assert [len(follows(row)) for row in rows] == [1] * (notices.MOST - 1) + [0] * 4
    assert len(making.told(editor)) == len(rows) + notices.MOST + 1  # the cards, the notices, and one for all others


# --- when it leaves -------------------------------------------------------------------------------------------------


def leaving_now(post: Post) -> dict[str, Any] | None:
    """What the newest following of a post would send now."""
    return following._content(Delivery.objects.filter(backend=following.BACKEND).latest("id"))


@pytest.fixture
def settled(editor: User, news: Chat, now: datetime) -> Post:
    """A post that is published, and its card, the message 7, is about to follow."""
    row = out(editor, news, now)
    _card(row, 7)
    making.settle(making.targets(row)[0], now=now)
    return making.fresh(row)


@pytest.mark.django_db
def test_edit_is_made_of_the_post_as_it_is_then(settled: Post) -> None:
    Post.objects.filter(pk=settled.pk).update(text="Changed")
    content = leaving_now(settled)

    assert content is not None
    assert content["method"] == "editMessageText"
    assert content["params"]["message_id"] == 7
    assert content["params"]["text"].startswith("✅ Changed\n")


@pytest.mark.django_db
def test_outbox_holds_nothing_of_what_the_card_says(settled: Post) -> None:
    assert Delivery.objects.get(backend=following.BACKEND).content == {"post": str(settled.pk)}


@pytest.mark.django_db
def test_card_whose_words_are_erased_follows_all_the_same(settled: Post) -> None:
    Delivery.objects.filter(backend="telegram", message_id=7).update(content=delivery.ERASED)
    content = leaving_now(settled)

    assert content is not None
    assert content["params"]["message_id"] == 7


@pytest.mark.django_db
def test_card_that_never_arrived_is_not_edited(settled: Post) -> None:
    rows = Delivery.objects.filter(message_id=7)
    rows.update(state=Delivery.State.FAILED, message_id=None)

    assert leaving_now(settled) is None


@pytest.mark.django_db
def test_what_was_taken_back_shows_nothing(settled: Post, now: datetime) -> None:
    delivery.withdraw(Delivery.objects.filter(backend=following.BACKEND), now)

    assert leaving_now(settled) is None


@pytest.mark.django_db
def test_post_that_is_gone_shows_nothing(settled: Post) -> None:
    Post.objects.all().delete()

    assert leaving_now(settled) is None


@pytest.mark.django_db
def test_post_that_is_on_its_way_once_more_is_shown_when_that_is_over(settled: Post) -> None:
    Post.objects.filter(pk=settled.pk).update(state=State.PUBLISHING)

    assert leaving_now(settled) is None


@pytest.mark.django_db
def test_author_who_may_not_post_any_more_is_shown_nothing_when_it_leaves(settled: Post, editor: User) -> None:
    User.objects.filter(pk=editor.pk).update(role=Role.MEMBER)

    assert leaving_now(settled) is None


@pytest.mark.django_db
@pytest.mark.parametrize(("number", "shown_anew"), [(7, True), (8, False)], ids=["this-one", "another"])
def test_message_that_is_about_to_be_shown_anew_is_left_to_that(settled: Post, number: int, shown_anew: bool) -> None:
    content = {"method": "editMessageText", "params": {"chat_id": 104, "message_id": number, "text": "anew"}}
    _card(settled, None, said=1, content=content)

    assert (leaving_now(settled) is None) == shown_anew
