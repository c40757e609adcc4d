"""How a post comes about in the chat: something is sent, a preview as it will look, a card under it."""

import pytest

from accounts.models import Role, User
from posts.models import Kind, State
from sandbox.telegram.files import Upload
from telegram_bot.models import Button, Expectation
from tests.house import ANNA, BORIS, TEAM, House
from tests.posts import making
from tests.posts.chatting import animation, card, document, labels, photo, posts, press, say, send, the_only
from tests.posts.making import NEWS

BOLD = [{"type": "bold", "offset": 0, "length": 4}]


async def test_post_with_a_text_makes_a_draft_at_once(house: House) -> None:
    await say(house, "/post Sale tomorrow")

    preview, shown = house.messages(ANNA)
    row = await the_only(house)
    assert (row.state, row.text, row.author) == (State.DRAFT, "Sale tomorrow", await house.db(making.anna))
    assert preview["text"] == "Sale tomorrow"
    assert "reply_markup" not in preview
    assert shown["text"].startswith("📝 Sale tomorrow\nA draft: nothing goes out before you say so.")
    assert "📍 Where: not chosen yet" in shown["text"]
    assert not house.models.calls


async def test_post_alone_waits_for_what_comes_next(house: House) -> None:
    await say(house, "/post")
    assert card(house).startswith("📝 Send me what to publish")

    await say(house, "Sale tomorrow")

    assert (await the_only(house)).text == "Sale tomorrow"
    assert len(house.messages(ANNA)) == 2  # the question went away
    assert not house.models.calls


async def test_formatting_is_kept_as_it_was_typed(house: House) -> None:
    await say(house, "/post")
    await say(house, "Sale <b>*now*", entities=BOLD)

    row = await the_only(house)
    assert (row.text, row.entities) == ("Sale <b>*now*", BOLD)
    assert house.messages(ANNA)[0]["entities"] == BOLD


async def test_formatting_after_the_command_moves_along(house: House) -> None:
    command = {"type": "bot_command", "offset": 0, "length": 5}
    await say(house, "/post Sale now", entities=[command, {"type": "bold", "offset": 6, "length": 4}])

    row = await the_only(house)
    assert (row.text, row.entities) == ("Sale now", BOLD)


async def test_reply_with_the_command_takes_that_message(house: House) -> None:
    letter = await say(house, "[[text ok]] Pay the bill")
    await say(house, "/post", reply_to=letter["message_id"])

    assert (await the_only(house)).text == "[[text ok]] Pay the bill"


async def test_reply_to_one_picture_of_an_album_says_that_it_is_one(house: House) -> None:
    first = await send(house, photo(1), photo(2), text="[[text ok]] Two")
    await say(house, "/post", reply_to=first["message_id"])

    row = await the_only(house)
    assert await house.db(row.media.count) == 1
    assert "For all of them write /post and forward the album." in card(house)


async def test_photo_becomes_a_draft_with_its_caption(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(), text="Look")

    row = await the_only(house)
    preview = house.messages(ANNA)[0]
    assert (row.kind, row.text) == (Kind.MEDIA, "Look")
    assert (preview["caption"], "photo" in preview) == ("Look", True)


async def test_photo_under_the_command_needs_no_asking(house: House) -> None:
    await send(house, photo(), text="/post Look")

    row = await the_only(house)
    assert (row.kind, row.text) == (Kind.MEDIA, "Look")


@pytest.mark.parametrize("caption", ["/post@other_bot Look", "[[text ok]] What is /post here?"])
async def test_photo_under_other_words_makes_no_draft(house: House, caption: str) -> None:
    await send(house, photo(), text=caption)

    assert await house.db(posts) == []


async def test_gif_and_document_become_drafts(house: House) -> None:
    for file in (animation(), document()):
        await say(house, "/post")
        await send(house, file)

    kinds = await house.db(lambda: [row.media.get().kind for row in posts()])
    assert kinds == ["animation", "document"]


async def test_album_becomes_one_draft_and_looks_like_one(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), photo(2), photo(3), text="Three")

    row = await the_only(house)
    previews = [message for message in house.messages(ANNA) if "photo" in message]
    assert (row.kind, row.text) == (Kind.ALBUM, "Three")
    assert len({message["media_group_id"] for message in previews}) == 1
    assert "An album of 3 files." in card(house)
    assert not [label for label in labels(house) if "Buttons" in label]  # Telegram takes none there


async def test_forwarded_message_becomes_a_draft(house: House) -> None:
    await say(house, "/post")
    await say(house, "Read this", forward_from=NEWS)

    assert (await the_only(house)).text == "Read this"


async def test_edited_message_changes_the_draft(house: House) -> None:
    await say(house, "/post")
    message = await say(house, "Sale tomorow")

    house.world.edit(ANNA, message["message_id"], "Sale tomorrow")
    await house.quiet()

    assert (await the_only(house)).text == "Sale tomorrow"
    assert [said for said in house.heard(ANNA) if said == "Sale tomorow"] == []
    assert "Changed, as your message was." in card(house)
    assert not house.models.calls


async def test_edit_of_the_command_changes_the_draft(house: House) -> None:
    message = await say(house, "/post Sale tomorow")

    house.world.edit(ANNA, message["message_id"], "/post Sale tomorrow")
    await house.quiet()

    assert (await the_only(house)).text == "Sale tomorrow"


async def test_edited_caption_changes_the_draft(house: House) -> None:
    await say(house, "/post")
    message = await send(house, photo(), text="Lok")

    house.world.edit(ANNA, message["message_id"], "Look")
    await house.quiet()

    assert (await the_only(house)).text == "Look"


async def test_voice_message_is_no_post_and_the_next_one_may_be(house: House) -> None:
    await say(house, "/post")
    await send(house, ("voice", Upload("v.ogg", "audio/ogg", b"OggS" + bytes(60))))
    assert card(house).startswith("I cannot make a post of this.")

    await say(house, "Words instead")
    assert (await the_only(house)).text == "Words instead"


async def test_too_long_caption_says_how_much_and_becomes_two_posts(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(), text="a" * 1030)

    assert await house.db(posts) == []
    assert "1024" in card(house)
    assert "6 too many" in card(house)
    await press(house, "The text as a post of its own")

    picture, words = await house.db(posts)
    assert (picture.kind, picture.text, words.kind, words.text) == (Kind.MEDIA, "", Kind.TEXT, "a" * 1030)


async def test_album_of_eleven_is_offered_as_two_posts(house: House) -> None:
    await say(house, "/post")
    await send(house, *[photo(number) for number in range(11)], text="All")

    [draft] = await house.db(posts)
    assert await house.db(draft.media.count) == 10
    assert "these are 11" in card(house)
    await press(house, "Make 2 posts of it")

    rows = await house.db(lambda: [(row.kind, row.text, row.media.count()) for row in posts()])
    assert rows == [(Kind.ALBUM, "All", 6), (Kind.ALBUM, "", 5)]


async def test_photos_and_documents_together_are_offered_apart(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), document(1), photo(2), text="All")

    assert "only files" in card(house)
    await press(house, "Make 2 posts of it")

    rows = await house.db(lambda: [[medium.kind for medium in row.media.all()] for row in posts()])
    assert rows == [["photo", "photo"], ["document"]]


async def test_gif_in_an_album_is_explained(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), animation())

    assert "A GIF cannot stand in an album." in card(house)
    assert await house.db(posts) == []


async def test_what_is_no_post_yet_stands_sealed_under_its_button(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(), text="secret " * 200)

    kept = await house.db(lambda: str(list(Button.objects.values_list("data", flat=True))))
    assert "content" in kept
    assert "secret" not in kept


async def test_quiz_without_a_right_answer_is_asked_for_it(house: House) -> None:
    body = {
        "id": "1", "question": "Capital?", "total_voter_count": 0, "is_closed": False, "is_anonymous": True,
        "type": "quiz", "allows_multiple_answers": False, "allows_revoting": False, "members_only": False,
        "options": [
            {"persistent_id": "a", "text": "Rome", "voter_count": 0},
            {"persistent_id": "b", "text": "Paris", "voter_count": 0},
        ],
    }  # fmt: skip
    asked = await say(house, "/post")
    message = {name: value for name, value in asked.items() if name not in ("text", "entities")}
    house.world.updates.push("message", message | {"poll": body, "message_id": 9001})
    await house.quiet()
    assert "A quiz needs a right answer. Mark it." in card(house)

    await press(house, "Paris")

    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["quiz"], poll["correct"]) == (True, [1])


async def test_two_presses_on_split_are_one(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(), text="a" * 1030)
    house.press(ANNA, "✂️")
    house.press(ANNA, "✂️")
    await house.quiet()

    assert len(await house.db(posts)) == 2


async def test_later_photo_is_no_part_of_the_draft(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1))
    await house.db(_all_older)
    await send(house, photo(2), text="[[text A cat]] What is this?")

    row = await the_only(house)
    assert await house.db(row.media.count) == 1


def _all_older() -> None:
    for row in Expectation.objects.all():
        row.data = row.data | {"date": row.data["date"] - 60}
        row.save()


async def test_member_makes_no_post_and_hears_why(house: House) -> None:
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(role=Role.MEMBER))
    await say(house, "/post Sale")

    assert card(house) == "Only editors and admins publish posts. An admin can make you an editor."
    assert await house.db(posts) == []


async def test_stranger_makes_no_post(house: House) -> None:
    await say(house, "/post Sale", user=BORIS)

    assert await house.db(posts) == []


async def test_who_stopped_being_an_editor_meanwhile_makes_no_post(house: House) -> None:
    await say(house, "/post")
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(role=Role.MEMBER))
    await say(house, "[[text Hm]] Sale")

    assert await house.db(posts) == []


async def test_in_a_group_there_is_a_hint_that_leads_to_the_private_chat(house: House) -> None:
    await say(house, "/post@sekretar_bot", chat_id=TEAM)

    shown = house.messages(TEAM)[-1] if house.messages(TEAM) else house.world.chats[TEAM].ephemeral
    link = house.calls("sendMessage")[-1].params["reply_markup"]["inline_keyboard"][0][0]["url"]
    assert shown
    assert "start=post-" in link

    await say(house, f"/start {link.partition('start=')[2]}")
    await say(house, "For the team")

    row = await the_only(house)
    assert await house.db(lambda: [target.chat.telegram_id for target in row.targets.all()]) == [TEAM]


@pytest.mark.parametrize("command", ["/posts", "/schedule", "/poststats", "/poll"])
async def test_other_commands_are_for_editors_in_private(house: House, command: str) -> None:
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(role=Role.MEMBER))
    await say(house, command)

    assert card(house).startswith("Only editors and admins publish posts.")


async def test_cancel_ends_the_waiting(house: House) -> None:
    await say(house, "/post")
    await say(house, "/cancel")
    assert card(house) == "Good, I leave it at that: a new post."

    assert await house.ask(ANNA, "[[text A question]]") == "A question"
    assert await house.db(posts) == []


async def test_cancel_button_ends_the_waiting(house: House) -> None:
    await say(house, "/post")
    await press(house, "Cancel")

    assert house.heard(ANNA) == ["Good, I leave it at that."]
    assert await house.ask(ANNA, "[[text A question]]") == "A question"


async def test_link_to_a_chat_that_is_gone_is_a_draft_without_a_place(house: House) -> None:
    await say(house, "/start post-999999-0")
    await say(house, "Sale")

    row = await the_only(house)
    assert await house.db(row.targets.count) == 0


async def test_video_too_large_to_load_is_posted_by_telegrams_own_id(house: House) -> None:
    await say(house, "/post")
    film = Upload("film.mp4", "video/mp4", b"\x00\x00\x00\x18ftypisom" + bytes(40))
    house.world.say(ANNA, "Film", file=("video", film), file_size=900_000_000)
    await house.quiet()

    row = await the_only(house)
    medium = await house.db(row.media.get)
    assert (medium.kind, medium.file, medium.size) == ("video", None, 900_000_000)
    assert house.messages(ANNA)[0]["video"]["file_id"] == medium.telegram_file_id


async def test_edit_of_a_planned_posts_source_changes_nothing(house: House) -> None:
    """What was confirmed is changed on its card, not by the way."""
    await say(house, "/post")
    message = await say(house, "Sale")
    row = await the_only(house)
    await house.db(lambda: type(row).objects.filter(pk=row.pk).update(state=State.SCHEDULED))

    house.world.edit(ANNA, message["message_id"], "[[text ok]] Sale!")
    await house.quiet()

    assert (await the_only(house)).text == "Sale"


async def test_edit_that_cannot_be_posted_leaves_the_draft_and_says_why(house: House) -> None:
    await say(house, "/post")
    message = await send(house, photo(), text="Look")

    house.world.edit(ANNA, message["message_id"], "a" * 1030)
    await house.quiet()

    assert (await the_only(house)).text == "Look"
    assert "6 too many" in card(house)
    assert "The draft stays as it was." in card(house)
