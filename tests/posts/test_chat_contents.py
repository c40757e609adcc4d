"""What a person sent, as the content of a post, and in pieces that Telegram takes."""

from typing import Any

import pytest

from posts.chat import contents
from posts.chat.contents import Content
from posts.content import Medium
from tests.house import BOT


@pytest.fixture(autouse=True)
def _database(db: None) -> None:
    """The checks ask it for files."""


def medium(kind: str, number: int = 1, text: str = "") -> Medium:
    return Medium(kind, telegram_file_id=f"{kind}{number}", bot_id=BOT, text=text)


def photo_message(number: int, caption: str = "", **more: Any) -> dict[str, Any]:
    sizes = [{"file_id": f"photo{number}", "width": 8, "height": 6}]
    return {"message_id": number, "photo": sizes, **({"caption": caption} if caption else {}), **more}


def kinds(pieces: list[Content]) -> list[list[str]]:
    return [[one.kind for one in piece.media] for piece in pieces]


# --- reading --------------------------------------------------------------------------------------------------------


def test_caption_on_a_later_picture_of_an_album_is_the_albums_if_it_is_the_only_one() -> None:
    content = contents.read([photo_message(1), photo_message(2, "Two")], BOT)

    assert (content.text, [one.text for one in content.media]) == ("Two", ["", ""])


def test_pictures_of_an_album_keep_captions_of_their_own() -> None:
    content = contents.read([photo_message(1, "One"), photo_message(2, "Two")], BOT)

    assert (content.text, [one.text for one in content.media]) == ("One", ["", "Two"])


def test_of_the_buttons_of_a_forwarded_message_those_with_links_stay() -> None:
    keys = [[{"text": "Shop", "url": "https://shop.example"}, {"text": "Like", "callback_data": "x"}], [{"text": "No"}]]
    content = contents.read([{"message_id": 1, "text": "Hi", "reply_markup": {"inline_keyboard": keys}}], BOT)

    assert content.buttons == [[{"text": "Shop", "url": "https://shop.example"}]]


@pytest.mark.parametrize(
    ("marks", "left"),
    [
        ([{"type": "bold", "offset": 6, "length": 4}], [{"type": "bold", "offset": 0, "length": 4}]),
        ([{"type": "bot_command", "offset": 0, "length": 5}], []),
        ([{"type": "italic", "offset": 0, "length": 10}], [{"type": "italic", "offset": 0, "length": 4}]),
    ],
)
def test_formatting_moves_when_the_command_goes(marks: list[dict[str, Any]], left: list[dict[str, Any]]) -> None:
    content = contents.read([{"message_id": 1, "text": "/post Sale", "entities": marks}], BOT, command=True)

    assert (content.text, content.entities) == ("Sale", left)


@pytest.mark.parametrize("kind", ["voice", "sticker", "video_note", "location"])
def test_what_no_post_can_be_made_of_is_known(kind: str) -> None:
    assert contents.strange([{"message_id": 1, kind: {}}]) == kind


def test_sealed_content_comes_back_as_it_was() -> None:
    content = Content("Hi there", [{"type": "bold", "offset": 0, "length": 2}], [medium("photo")], of=7)

    assert "Hi there" not in content.sealed()
    assert contents.unsealed(content.sealed()) == content


# --- in several posts -----------------------------------------------------------------------------------------------


def test_eleven_files_are_two_albums_as_even_as_can_be() -> None:
    pieces = contents.parts(Content("All", media=[medium("photo", number) for number in range(11)]))

    assert [(piece.text, len(piece.media)) for piece in pieces] == [("All", 6), ("", 5)]


def test_files_are_sorted_by_what_may_stand_together_and_a_gif_stands_alone() -> None:
    media = [medium("document"), medium("photo"), medium("animation"), medium("video"), medium("audio")]

    assert kinds(contents.parts(Content(media=media))) == [["photo", "video"], ["document"], ["audio"], ["animation"]]


def test_words_too_long_for_a_caption_are_a_post_after_the_file() -> None:
    pieces = contents.parts(Content("a" * 1025, media=[medium("photo")]))

    assert [(piece.text, len(piece.media)) for piece in pieces] == [("", 1), ("a" * 1025, 0)]


def test_words_too_long_for_a_message_are_several_with_their_formatting() -> None:
    text = "word " * 1000
    pieces = contents.parts(Content(text, [{"type": "bold", "offset": 4990, "length": 4}]))

    assert len(pieces) == 2
    assert not any(piece.problems() for piece in pieces)
    [mark] = pieces[1].entities
    assert pieces[1].text[mark["offset"] : mark["offset"] + mark["length"]] == text[4990:4994]


def test_buttons_go_under_the_last_piece_that_can_have_some() -> None:
    buttons = [[{"text": "Shop", "url": "https://shop.example"}]]
    pieces = contents.parts(Content("a" * 1025, media=[medium("photo")], buttons=buttons))

    assert [piece.buttons for piece in pieces] == [[], buttons]


@pytest.mark.parametrize(
    "content",
    [
        Content("Hi"),
        Content("Hi", media=[medium("photo")]),
        Content(poll={"question": "x" * 301, "options": []}),
        Content("Hi", [{"type": "strange", "offset": 0, "length": 1}]),
    ],
)
def test_what_is_one_post_or_stays_wrong_is_not_split(content: Content) -> None:
    assert contents.parts(content) == []
