"""A post as calls of the Bot API: what they say, and what is to be seen in the sandbox."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import User
from delivery import tick
from delivery.errors import DeliveryError
from delivery.models import Delivery
from files import services as stored
from files.models import StoredFile
from posts import services
from posts.content import Medium
from posts.models import Kind, Post
from posts.services import composing, media
from posts.services.composing import Call
from sandbox.telegram.files import Upload
from telegram_bot import backend
from telegram_bot.markdown import units
from tests.house import ANNA, BOT, TEAM, House
from tests.posts import files, making
from tests.posts.making import NEWS

BUTTONS = [[{"text": "Site", "url": "https://example.org"}]]


def medium(kind: str = "photo", **more: Any) -> Medium:
    known: dict[str, Any] = {"telegram_file_id": f"{kind}-id", "bot_id": BOT}
    return Medium(kind, **known | more)


def call(author: User, **more: Any) -> Call:
    return composing.call_for(making.make_post(author, **more), NEWS, 0)


# --- Markdown -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markdown", "text", "kinds"),
    [
        ("**bold** and _italic_", "bold and italic", ["bold", "italic"]),
        ("unclosed <b>tag", "unclosed <b>tag", []),
        ("1 < 2 and a_b_c and *", "1 < 2 and a_b_c and *", []),
        ("**unclosed", "**unclosed", []),
        ("`Vec<T>`", "Vec<T>", ["code"]),
        ("\n\n  Hello  \n", "Hello", []),
        ("[site](https://example.org)", "site", ["text_link"]),
    ],
)
def test_markdown_becomes_text_and_formatting(markdown: str, text: str, kinds: list[str]) -> None:
    said, entities = composing.render(markdown)
    assert (said, [entity["type"] for entity in entities]) == (text, kinds)


def test_formatting_counts_from_where_the_text_begins() -> None:
    text, entities = composing.render("\n\n😀 **bold**")
    (bold,) = entities
    assert (bold["offset"], bold["length"]) == (units("😀 "), 4)
    assert text == "😀 bold"


def test_long_markdown_is_not_cut(editor: User) -> None:
    text, entities = composing.render("**a** " * 3000)
    assert len(text) == 5999
    assert len(entities) == 3000


# --- calls ----------------------------------------------------------------------------------------------------------


def test_text_goes_with_its_formatting_and_never_a_parse_mode(editor: User) -> None:
    made = call(editor, text="**Hello**", buttons=BUTTONS)
    assert made.method == "sendMessage"
    assert made.params == {
        "chat_id": NEWS,
        "text": "Hello",
        "entities": [{"type": "bold", "offset": 0, "length": 5}],
        "link_preview_options": {"is_disabled": False},
        "reply_markup": {"inline_keyboard": BUTTONS},
    }


def test_manner_of_arrival_is_said(editor: User) -> None:
    params = call(editor, silent=True, protected=True, link_preview=False).params
    assert params["disable_notification"]
    assert params["protect_content"]
    assert params["link_preview_options"] == {"is_disabled": True}


def test_topic_is_named(editor: User) -> None:
    assert composing.call_for(making.make_post(editor), TEAM, 7).params["message_thread_id"] == 7


@pytest.mark.parametrize(
    ("kind", "method", "extra"),
    [
        ("photo", "sendPhoto", {"has_spoiler": True, "show_caption_above_media": True}),
        ("video", "sendVideo", {"has_spoiler": True, "show_caption_above_media": True, "width": 6, "height": 4,
                                "duration": 9, "supports_streaming": True}),
        ("animation", "sendAnimation", {"has_spoiler": True, "show_caption_above_media": True, "width": 6,
                                        "height": 4, "duration": 9}),
        ("document", "sendDocument", {"disable_content_type_detection": True}),
        ("audio", "sendAudio", {"duration": 9}),
    ],
)  # fmt: skip
def test_single_file_goes_by_its_own_method(editor: User, kind: str, method: str, extra: dict[str, Any]) -> None:
    one = medium(kind, spoiler=True, width=6, height=4, duration=9)
    made = call(editor, text="Look", media=[one], caption_above=True, buttons=BUTTONS)

    assert made.method == method
    assert made.params == {
        "chat_id": NEWS, "caption": "Look", "reply_markup": {"inline_keyboard": BUTTONS}, **extra,
    }  # fmt: skip
    (upload,) = made.uploads
    assert upload == {"field": kind, "kind": kind, "file": None, "id": f"{kind}-id", "bot": BOT}


def test_album_has_the_posts_words_first_and_each_others_own(editor: User) -> None:
    bold = [{"type": "bold", "offset": 0, "length": 3}]
    album = [medium(), medium("video", text="Two", entities=bold), medium()]
    made = call(editor, text="One", media=album)

    assert made.method == "sendMediaGroup"
    first, second, third = made.params["media"]
    assert first == {"type": "photo", "media": "attach://file0", "caption": "One"}
    assert second["caption"], second["caption_entities"] == ("Two", bold)
    assert "caption" not in third
    assert [upload["field"] for upload in made.uploads] == ["file0", "file1", "file2"]


def test_album_of_one_is_a_single_file(editor: User) -> None:
    assert call(editor, media=[medium()]).method == "sendPhoto"


def test_poll_says_how_it_is_answered(editor: User) -> None:
    emoji = [{"type": "custom_emoji", "offset": 0, "length": 1, "custom_emoji_id": "5"}]
    poll = {
        "question": "Shall we?", "question_entities": emoji, "anonymous": False, "multiple": True, "open_seconds": 60,
        "options": [{"text": "Yes", "entities": emoji}, {"text": "No"}],
    }  # fmt: skip
    made = call(editor, text="", poll=poll, buttons=BUTTONS)
    assert made.method == "sendPoll"
    assert made.params == {
        "chat_id": NEWS,
        "question": "Shall we?",
        "question_entities": emoji,
        "options": [{"text": "Yes", "text_entities": emoji}, {"text": "No"}],
        "is_anonymous": False,
        "allows_multiple_answers": True,
        "open_period": 60,
        "reply_markup": {"inline_keyboard": BUTTONS},
    }


def test_quiz_names_each_of_its_right_answers_once_and_in_order(editor: User) -> None:
    poll = {
        "question": "2 + 2?", "options": [{"text": "4"}, {"text": "5"}, {"text": "four"}], "quiz": True,
        "correct": [2, 0, 2], "multiple": True, "explanation": "Count",
        "explanation_entities": [{"type": "bold", "offset": 0, "length": 5}],
    }  # fmt: skip
    params = call(editor, text="", poll=poll).params
    assert params["type"] == "quiz"
    assert params["correct_option_ids"] == [0, 2]
    assert (params["explanation"], params["explanation_entities"]) == ("Count", poll["explanation_entities"])


@pytest.mark.parametrize(
    ("files", "poll", "kind"),
    [
        ([], None, Kind.TEXT),
        ([1], None, Kind.MEDIA),
        ([1, 2], None, Kind.ALBUM),
        ([], {"question": "?"}, Kind.POLL),
    ],
)
def test_kind_follows_from_what_is_there(files: list[Any], poll: Any, kind: Kind) -> None:
    assert composing.kind_of(files, poll) == kind


# --- edits ----------------------------------------------------------------------------------------------------------


def edits(author: User, numbers: list[int], **more: Any) -> list[Call]:
    post = making.make_post(author, making.channel(), **more)
    target = making.targets(post)[0]
    target.message_ids = numbers
    return composing.edit_calls(post, target)


def test_text_is_edited_with_its_buttons(editor: User) -> None:
    (made,) = edits(editor, [5], text="New", buttons=BUTTONS)
    assert (made.method, made.params["message_id"], made.params["text"]) == ("editMessageText", 5, "New")
    assert made.params["reply_markup"] == {"inline_keyboard": BUTTONS}


def test_file_is_edited_along_with_its_caption(editor: User) -> None:
    (made,) = edits(editor, [5], text="New", media=[medium()])
    assert made.method == "editMessageMedia"
    assert made.params["media"] == {"type": "photo", "media": "attach://file0", "caption": "New"}


def test_album_is_edited_message_by_message(editor: User) -> None:
    made = edits(editor, [5, 6], text="New", media=[medium(), medium("video", text="Two")])
    assert [(one.method, one.params["message_id"], one.params["media"]["caption"]) for one in made] == [
        ("editMessageMedia", 5, "New"),
        ("editMessageMedia", 6, "Two"),
    ]


def test_of_a_poll_only_the_buttons_are_edited(editor: User) -> None:
    poll = {"question": "?", "options": [{"text": "Yes"}, {"text": "No"}]}
    (made,) = edits(editor, [5], text="", poll=poll)
    assert (made.method, set(made.params)) == ("editMessageReplyMarkup", {"chat_id", "message_id"})


# --- in the running bot ---------------------------------------------------------------------------------------------


async def kept(house: House, content: bytes, name: str = "a.png", kind: str = "") -> Medium:
    owner = await house.db(making.anna)
    return await house.db(media.from_bytes, owner, content, name, timezone.now(), kind=kind)


def brought(one: Any) -> list[str]:
    """The files that came with a call; the sandbox lists a single one by name and size."""
    album = [item["media"] for item in one.params.get("media", ()) if item["media"].startswith("attach://")]
    return album + [name for name, value in one.params.items() if isinstance(value, dict) and "size" in value]


async def test_album_is_published_with_the_numbers_of_all_its_messages(house: House) -> None:
    album = [await kept(house, files.png(8, side)) for side in (6, 7, 8)]
    post = await making.published(house, NEWS, text="Album", media=album)

    messages = making.shown(house, NEWS)
    assert len({message["media_group_id"] for message in messages}) == 1
    (target,) = await house.db(making.targets, post)
    assert target.message_ids == [message["message_id"] for message in messages]
    assert [message.get("caption") for message in messages] == ["Album", None, None]


async def test_poll_is_published_with_its_id(house: House) -> None:
    poll = {"question": "2 + 2?", "options": [{"text": "4"}, {"text": "5"}], "quiz": True, "correct": [0]}
    post = await making.published(house, NEWS, text="", poll=poll)

    (message,) = making.shown(house, NEWS)
    (target,) = await house.db(making.targets, post)
    assert (message["poll"]["type"], message["poll"]["correct_option_ids"]) == ("quiz", [0])
    assert target.poll_id == message["poll"]["id"]


async def test_file_is_brought_once_and_goes_to_the_other_chats_by_its_id(house: House) -> None:
    picture = await kept(house, files.png())
    await making.published(house, NEWS, TEAM, media=[picture])
    await house.until(lambda: len(house.calls("sendPhoto")) == 2)

    sent = house.calls("sendPhoto")
    assert sorted(one.params["chat_id"] for one in sent) == sorted([NEWS, TEAM])
    assert len([one for one in sent if brought(one)]) == 1


async def test_album_after_it_reuses_the_ids(house: House) -> None:
    album = [await kept(house, files.png(8, side)) for side in (6, 7)]
    await making.published(house, NEWS, media=album)
    await making.published(house, TEAM, media=album)

    first, second = house.calls("sendMediaGroup")
    assert (brought(first), brought(second)) == (["attach://file0", "attach://file1"], [])


async def test_id_that_telegram_forgot_is_brought_again(house: House) -> None:
    album = [await kept(house, files.png(8, side)) for side in (6, 7)]
    await making.published(house, NEWS, media=album)
    house.world.files.by_id.clear()
    post = await making.published(house, NEWS, text="Again", media=album)

    assert await house.db(lambda: Post.objects.get(pk=post.pk).state) == "published"
    assert brought(house.calls("sendMediaGroup")[-1]) == ["attach://file0", "attach://file1"]


async def test_file_known_by_telegrams_id_only_needs_no_upload(house: House) -> None:
    known = house.world.files.store("video", Upload("a.mp4", "video/mp4", files.MP4))
    post = await making.published(house, NEWS, media=[Medium("video", telegram_file_id=known.file_id, bot_id=BOT)])
    assert await house.db(lambda: Post.objects.get(pk=post.pk).state) == "published"
    assert house.calls("sendVideo")[0].params["video"] == known.file_id


async def test_album_with_a_file_that_turned_bad_is_not_sent_at_all_and_the_file_is_named(house: House) -> None:
    """What passed the checks and was damaged on the disk since: Telegram refuses it, nothing goes out instead."""
    album = [await kept(house, files.png(8, side)) for side in (6, 7)]
    post = await house.db(_planned, album)
    await house.db(_overwrite, album[1], files.HTML)
    await house.db(_let_it_go, post)
    await house.until(lambda: house.heard(ANNA))
    await house.quiet()

    assert await house.db(making.states, post) == ["failed"]
    assert making.shown(house, NEWS) == []
    assert "Telegram did not take file 2" in house.heard(ANNA)[-1]


def _planned(album: list[Medium]) -> Post:
    now = timezone.now()
    row = making.post_to(NEWS, text="Album", media=album)
    return services.schedule_post(row, now + making.HOUR, by=making.anna(), via="chat", now=now)


def _let_it_go(post: Post) -> None:
    making.put_forward(post, making.HOUR)
    tick.burst()


def _overwrite(broken: Medium, content: bytes) -> None:
    assert broken.file is not None
    stored.path_of(StoredFile.objects.get(pk=broken.file.pk)).write_bytes(content)


async def _send(house: House, post: Post) -> Any:
    made = await house.db(composing.call_for, post, NEWS, 0)
    return await backend.send(Delivery(key="k", bot_id=BOT, chat_id=NEWS, lane="out:1000:1", content=made.content))


async def test_photo_that_telegram_refuses_does_not_become_a_document(house: House) -> None:
    post = await house.db(making.post_to, NEWS, media=[await kept(house, files.png())])
    house.fault("sendPhoto", "400", description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    with pytest.raises(DeliveryError, match=r"(?i)photo_invalid_dimensions"):
        await _send(house, post)
    assert house.calls("sendDocument") == []


async def test_formatting_that_telegram_refuses_is_not_dropped(house: House) -> None:
    post = await house.db(making.post_to, NEWS, text="**Hello**")
    house.fault("sendMessage", "400", description="Bad Request: can't parse entities: no")
    with pytest.raises(DeliveryError) as refused:
        await _send(house, post)
    assert refused.value.kind == "rejected"
    assert making.shown(house, NEWS) == []
