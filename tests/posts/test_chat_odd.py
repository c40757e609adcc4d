"""What editors seldom do in the chat, and what must not go wrong then."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, User
from delivery.models import Delivery
from posts import services
from posts.chat import cards, clock
from posts.content import Place, Refused
from posts.models import Kind, Post, PostTarget, State, Topic
from posts.services import notices
from sandbox.telegram.files import Upload
from tests.house import ANNA, OLGA, TEAM, House
from tests.posts import making
from tests.posts.chatting import card, drafted, label_of, labels, photo, posts, press, say, send, the_only
from tests.posts.making import NEWS


def voice() -> tuple[str, Upload]:
    return "voice", Upload("v.ogg", "audio/ogg", b"OggS" + bytes(60))


# --- what is sent ---------------------------------------------------------------------------------------------------


async def test_album_with_a_caption_of_its_own_right_after_another_is_a_post_of_its_own(house: House) -> None:
    await say(house, "/post")
    house.world.album(ANNA, [photo(1), photo(2)], "First")
    house.world.album(ANNA, [photo(3), photo(4)], "Second")
    await house.quiet()

    rows = await house.db(posts)
    assert [(row.text, row.kind) for row in rows] == [("First", Kind.ALBUM), ("Second", Kind.ALBUM)]
    assert not house.models.calls


async def test_caption_of_added_files_stays_with_them_where_the_post_has_one(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), text="First")
    await press(house, "Files")
    await send(house, photo(2), text="Second")

    row = await the_only(house)
    media = await house.db(lambda: [one.text for one in row.media.order_by("position")])
    assert (row.text, media) == ("First", ["", "Second"])


async def test_caption_of_added_files_is_the_posts_where_it_has_none(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1))
    await press(house, "Files")
    await send(house, photo(2), text="Look")

    row = await the_only(house)
    assert (row.text, row.kind) == ("Look", Kind.ALBUM)


async def test_voice_message_where_files_are_awaited_is_no_question(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1))
    await press(house, "Files")
    await send(house, voice())

    assert card(house).startswith("I cannot make a post of this.")
    assert not house.models.calls


async def test_command_in_reply_to_a_voice_message_says_that_it_cannot_be_posted(house: House) -> None:
    await say(house, "/post")
    letter = await send(house, voice())
    await say(house, "/cancel")
    await say(house, "/post", reply_to=letter["message_id"])

    assert card(house).startswith("📝 I cannot make a post of this.")
    await say(house, "Sale")
    assert (await the_only(house)).text == "Sale"


async def test_edited_poll_message_changes_the_poll(house: House) -> None:
    message = await say(house, "/poll Tea?\nYes\nNo")
    house.world.edit(ANNA, message["message_id"], "/poll Tea or coffee?\nTea\nCoffee")
    await house.quiet()

    row = await the_only(house)
    assert row.poll is not None
    assert row.text == ""
    assert (row.poll["question"], [one["text"] for one in row.poll["options"]]) == ("Tea or coffee?", ["Tea", "Coffee"])


async def test_edited_answers_of_a_poll_make_no_text_of_it(house: House) -> None:
    await say(house, "/poll Tea?")
    message = await say(house, "Yes\nNo")
    house.world.edit(ANNA, message["message_id"], "Yes\nNever")
    await house.quiet()

    row = await the_only(house)
    assert row.poll is not None
    assert (row.text, row.poll["question"], len(row.poll["options"])) == ("", "Tea?", 2)


async def test_long_text_that_the_app_cut_is_whole(house: House) -> None:
    await say(house, "/post")
    first, second = "a" * 4096, "b" * 900
    bold = [{"type": "bold", "offset": 10, "length": 5}]
    house.say(ANNA, first, entities=bold)
    house.say(ANNA, second, entities=bold)
    await house.quiet()
    assert "this one has 4996, 900 too many" in card(house)
    await press(house, "Make 2 posts of it")

    rows = await house.db(posts)
    assert "".join(row.text for row in rows) == first + second
    assert [row.entities for row in rows] == [bold, bold]
    assert not house.models.calls


async def test_long_text_after_the_command_is_whole(house: House) -> None:
    house.say(ANNA, "/post " + "a" * 4090)
    house.say(ANNA, "b" * 900)
    await house.quiet()
    await press(house, "Make 2 posts of it")

    assert "".join(row.text for row in await house.db(posts)) == "a" * 4090 + "b" * 900
    assert not house.models.calls


async def test_question_as_long_as_a_message_is_answered(house: House) -> None:
    await say(house, "/poll " + "a" * 4080)
    assert card(house).startswith("📊 Now the answers to “aaa")

    await say(house, "Yes\nNo")
    assert "The question needs 1 to 300 characters; it has 4080." in card(house)


# --- where ----------------------------------------------------------------------------------------------------------


def place(row: Post, *places: Place) -> None:
    services.change_post(row, places=places, by=row.author, via="chat", now=timezone.now())


async def test_link_with_numbers_beyond_everything_breaks_nothing(house: House) -> None:
    await say(house, "/start post-99999999999999999999999-0")

    assert "went wrong" not in card(house)


async def test_link_leads_into_no_private_chat(house: House) -> None:
    olga = await house.db(making.chat_of, OLGA)
    await say(house, f"/start post-{olga.pk}-0")
    await say(house, "Sale")

    assert await house.db(making.states, await the_only(house)) == []
    assert "Ольга" not in card(house)


def _sixty(row: Post) -> None:
    place(row, *(Place(making.channel(-1002000000000 - n, f"Канал {n} " + "х" * 100)) for n in range(60)))


async def test_cards_of_sixty_chats_name_as_many_as_fit(house: House, settings: Settings) -> None:
    settings.TARGETS_PER_POST = 60
    row = await drafted(house)
    await house.db(_sixty, row)
    await say(house, "/posts")
    await press(house, "Hello")
    assert card(house).startswith("📝 Hello")
    assert "and 53 more" in card(house)

    await press(house, "Publish now")
    assert "Publish in 60 chats now?" in card(house)
    await press(house, "No")
    await press(house, "When")
    await press(house, "Tomorrow, 10:00")
    await press(house, "Yes, plan it")
    assert "Good, it will appear" in card(house)
    await say(house, "/schedule")
    assert "and 59 more" in card(house)


def test_of_many_chats_those_that_failed_are_named(editor: User, now: datetime) -> None:
    row = making.make_post(editor, *(making.channel(-1002000000000 - n, f"Канал {n} " + "х" * 90) for n in range(30)))
    PostTarget.objects.filter(post=row).update(state=PostTarget.State.SENT)
    last = row.targets.last()
    assert last is not None
    PostTarget.objects.filter(pk=last.pk).update(state=PostTarget.State.FAILED, error_kind="forbidden")
    Post.objects.filter(pk=row.pk).update(state=State.PARTIAL)

    [part], _keys = cards.card(making.fresh(row), editor, now)
    assert "❌ Канал 29" in part.text
    assert part.text.count("Канал") < 20


def test_notice_asks_of_no_more_chats_than_telegram_takes_buttons(editor: User, now: datetime) -> None:
    row = making.make_post(editor, *(making.channel(-1002000000000 - n) for n in range(60)), now=now)
    PostTarget.objects.filter(post=row).update(state=PostTarget.State.UNKNOWN)

    notices.outcome(row, making.targets(row), now)
    told = Delivery.objects.filter(chat_id=editor.telegram_id, source=notices.SOURCE).latest("id")
    keyboard = told.content["params"]["reply_markup"]["inline_keyboard"]
    assert sum(len(keys) for keys in keyboard) == 81


def _topics(count: int) -> None:
    chat = making.chat_of(TEAM)
    Topic.objects.bulk_create(Topic(chat=chat, thread_id=n + 2, name=f"Topic {n:03}") for n in range(count))


async def test_topics_stand_on_as_many_pages_as_they_need(house: House) -> None:
    await house.db(_topics, 120)
    await drafted(house)
    await press(house, "Where")
    await press(house, "Команда")
    assert len(labels(house)) == 10  # eight places, one page further, back
    await press(house, "›")
    await press(house, "Topic 010")

    assert "☑️ Topic 010" in labels(house)
    await press(house, "‹")
    assert "▫️ General" in labels(house)


async def test_topics_of_a_chat_that_is_gone_lead_to_the_others(house: House) -> None:
    await house.db(_topics, 2)
    await drafted(house)
    await press(house, "Where")
    await house.db(lambda: Chat.objects.filter(telegram_id=TEAM).delete())
    await press(house, "Команда")

    assert "Where shall it appear?" in card(house)
    assert [one for one in labels(house) if "Новости" in one]
    assert not [one for one in labels(house) if "Команда" in one]


async def test_chosen_chat_that_is_not_approved_any_more_can_be_taken_back(house: House) -> None:
    row = await drafted(house, "Hello", NEWS)
    await house.db(lambda: Chat.objects.filter(telegram_id=NEWS).update(status=Access.BLOCKED))
    await press(house, "Where")
    await press(house, "Новости")

    assert await house.db(making.states, row) == []
    assert not [one for one in labels(house) if "Новости" in one]


async def test_chosen_topic_that_was_deleted_can_be_taken_back(house: House) -> None:
    await house.db(_topics, 1)
    row = await drafted(house)
    await house.db(lambda: place(row, Place(making.chat_of(TEAM), 2)))
    await house.db(lambda: Topic.objects.update(deleted=True))
    await press(house, "Where")
    await press(house, "Команда")
    await press(house, "Topic 000 ⚠️")

    assert await house.db(making.states, row) == []


# --- meanwhile ------------------------------------------------------------------------------------------------------


async def test_split_of_what_was_published_meanwhile_shows_its_card(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), text="Look")
    row = await the_only(house)
    await press(house, "Caption")
    await say(house, "a" * 1500)
    await house.db(lambda: place(row, Place(making.chat_of(NEWS))))
    await house.db(making.publish, row)
    await house.quiet()
    await press(house, "The text as a post of its own")

    assert len(await house.db(posts)) == 1
    shown = [message.get("text", "") for message in house.messages(ANNA)]
    assert any("It was changed meanwhile" in text and "Published on" in text for text in shown)


async def test_reply_to_another_posts_card_does_not_cancel_the_one_that_asked_for_a_reason(house: House) -> None:
    await drafted(house, "Other")
    other = house.messages(ANNA)[-1]
    row = await drafted(house, "Hello", NEWS)
    await press(house, "When")
    await press(house, "Tomorrow, 10:00")
    await press(house, "Yes, plan it")
    await press(house, "Cancel it")
    await say(house, "Sale", reply_to=other["message_id"])

    found = await house.db(posts)
    assert [(one.text, one.state) for one in found] == [("Sale", State.DRAFT), ("Hello", State.SCHEDULED)]
    assert found[1].pk == row.pk


@pytest.mark.parametrize("label", ["Publish now", "Keep"])
async def test_old_card_of_a_published_post_neither_publishes_nor_keeps_it(house: House, label: str) -> None:
    row = await drafted(house, "Hello", NEWS)
    old = house.messages(ANNA)[-1]
    await say(house, "/posts")
    await press(house, "Hello")  # a newer card, which alone follows the post
    await house.db(making.publish, await house.db(making.fresh, row))
    await house.quiet()
    house.world.press(ANNA, old["message_id"], label_of(old, label))
    await house.quiet()

    shown = house.world.chats[ANNA].messages[old["message_id"]]["text"]
    assert "Published on" in shown
    assert "now?" not in shown


async def test_post_that_failed_is_kept_among_the_errors(house: House) -> None:
    row = await drafted(house, "Hello", NEWS)
    await house.db(lambda: Post.objects.filter(pk=row.pk).update(state=State.ERROR))
    await press(house, "Keep")

    assert "Kept among the errors: /posts." in card(house)


async def test_words_for_a_post_that_is_gone_are_no_question(house: House) -> None:
    row = await drafted(house)
    await press(house, "When")
    await house.db(row.delete)
    await say(house, "tomorrow at 10")

    assert card(house).startswith("This post is gone.")
    assert not house.models.calls


# --- times ----------------------------------------------------------------------------------------------------------


def test_an_hour_from_now_is_an_hour_from_now_when_the_clock_goes_back() -> None:
    zone = ZoneInfo("Europe/Berlin")
    now = datetime.fromisoformat("2026-10-25T00:10+00:00")  # 02:10, for the first time

    label, at = next(clock._usual(zone, now))
    assert (label, at) == ("In 1 h", datetime.fromisoformat("2026-10-25T01:10+00:00"))


def test_words_without_a_time_are_not_answered_with_a_series(editor: User, now: datetime) -> None:
    with pytest.raises(clock.Unclear) as unclear:
        clock.read("some day perhaps", now, now, editor, "en")

    assert str(unclear.value) == "I see no time in that."


@pytest.mark.parametrize("words", ["0001-01-01T00:00", "9999-12-31T23:59"])
def test_times_beyond_the_calendar_are_refused(editor: User, now: datetime, words: str) -> None:
    with pytest.raises(Refused, match="beyond the calendar"):
        clock.read(words, now, now, editor, "en")
