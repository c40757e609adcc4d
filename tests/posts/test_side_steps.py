"""Pins, edits, deletions and stopped polls in the running bot: what works, and what is said when one does not."""

from datetime import datetime
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Chat
from posts import services
from posts.content import Place
from posts.models import Post, PostTarget, State
from posts.services import media
from tests.house import ANNA, BOT, OLGA, TEAM, House
from tests.posts.files import png
from tests.posts.making import (
    MAY_LEAD,
    NEWS,
    anna,
    chat_of,
    deliveries,
    fresh,
    post_to,
    publish,
    published,
    said,
    shown,
    targets,
)

pytestmark = pytest.mark.django_db(transaction=True)
Target = PostTarget.State
NO_RIGHT = "Bad Request: not enough rights to manage pinned messages in the chat"


def now() -> datetime:
    return timezone.now()


async def change(house: House, post: Post, **changes: Any) -> None:
    await house.db(lambda: services.change_post(post, by=anna(), via="chat", now=now(), **changes))
    await house.quiet()


async def wipe(house: House, post: Post) -> None:
    await house.db(lambda: services.delete_everywhere(post, by=anna(), via="chat", now=now()))
    await house.quiet()


# --- pins -----------------------------------------------------------------------------------------------------------


async def test_it_is_pinned_without_a_sound(house: House) -> None:
    post = await published(house, NEWS, pin=True)
    [target] = await house.db(targets, post)
    [call] = house.calls("pinChatMessage", NEWS)
    assert (target.pinned, call.params["message_id"], call.params["disable_notification"]) == (
        True, target.message_id, True,
    )  # fmt: skip
    await change(house, post, pin=False)
    assert not (await house.db(targets, post))[0].pinned


async def test_a_pin_that_fails_is_a_warning_and_sends_nothing_again(house: House) -> None:
    house.fault("pinChatMessage", "400", description=NO_RIGHT)
    post = await published(house, NEWS, pin=True)
    [target] = await house.db(targets, post)
    assert (post.state, target.state, target.pinned) == (State.PUBLISHED, Target.SENT, False)
    assert target.warning.startswith("It is published, but could not be pinned:")
    assert len(said(house, NEWS)) == 1
    assert target.chat.unreachable == ""
    assert [text.split(":")[0] for text in house.heard(ANNA)] == [
        "✅ “Hello” is published.\n✅ Новости", "⚠️ “Hello”, Новости",
    ]  # fmt: skip


async def test_a_pin_is_not_tried_where_the_post_did_not_appear(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS)
    await published(house, NEWS, pin=True)
    assert house.calls("pinChatMessage") == []


# --- edits ----------------------------------------------------------------------------------------------------------


async def test_an_edit_arrives_in_every_chat(house: House) -> None:
    post = await published(house, NEWS, TEAM)
    await change(house, post, text="**Other**")
    assert (said(house, NEWS), said(house, TEAM)) == (["Other"], ["Other"])
    assert [target.revision for target in await house.db(targets, post)] == [2, 2]
    assert shown(house, NEWS)[0]["entities"][0]["type"] == "bold"


async def test_where_an_edit_fails_that_is_listed_and_the_rest_has_it(house: House) -> None:
    house.fault("editMessageText", "400", chat_id=TEAM, description="Bad Request: message can't be edited")
    post = await published(house, NEWS, TEAM)
    await change(house, post, text="Other")
    assert (said(house, NEWS), said(house, TEAM)) == (["Other"], ["Hello"])
    first, second = await house.db(targets, post)
    assert (first.warning, first.revision, second.revision) == ("", 2, 1)
    assert second.warning.startswith("The change did not arrive there:")
    assert house.heard(ANNA)[-1].startswith("⚠️ “Other”, Команда: The change did not arrive there:")


async def test_not_modified_counts_as_done(house: House) -> None:
    post = await published(house, NEWS, text="Tea")
    house.fault(
        "editMessageText", "400", description="Bad Request: message is not modified: specified new message content"
    )
    await change(house, post, text="Tea, again")
    [target] = await house.db(targets, post)
    assert (target.revision, target.warning, len(house.heard(ANNA))) == (2, "", 1)


async def test_a_message_that_a_person_deleted_is_gone_and_not_tried_for_ever(house: House) -> None:
    post = await published(house, NEWS)
    house.world.chats[NEWS].messages.clear()
    await change(house, post, text="Other")
    [target] = await house.db(targets, post)
    assert (target.state, target.warning) == (Target.GONE, "The message is not there any more: somebody deleted it.")
    assert ((await house.db(fresh, post)).state, said(house, NEWS)) == (State.PUBLISHED, [])
    assert len(house.calls("editMessageText")) == 1
    await change(house, post, text="Once more")
    assert len(house.calls("editMessageText")) == 1


async def test_one_notice_an_edit_however_many_chats_it_failed_in(house: House) -> None:
    house.fault("editMessageText", "400", times=None, description="Bad Request: message can't be edited")
    post = await published(house, NEWS, TEAM)
    await change(house, post, text="Other")
    assert len(house.heard(ANNA)) == 2
    assert all(target.warning for target in await house.db(targets, post))


async def test_two_edits_in_a_row_end_with_the_last_words(house: House) -> None:
    post = await published(house, NEWS)

    def twice() -> None:
        for text in ("Two", "Three"):
            services.change_post(post, by=anna(), via="chat", now=now(), text=text)

    await house.db(twice)
    await house.quiet()
    assert said(house, NEWS) == ["Three"]
    assert len(house.calls("editMessageText")) == 1  # the second had nothing left to do


async def test_an_edit_whose_answer_was_lost_is_made_again(house: House) -> None:
    post = await published(house, NEWS)
    house.fault("editMessageText", "cut_after")
    await house.db(lambda: services.change_post(post, by=anna(), via="chat", now=now(), text="Other"))
    await house.until(lambda: len(house.calls("editMessageText")) == 2)
    await house.quiet()
    [target] = await house.db(targets, post)
    assert (said(house, NEWS), target.revision, target.warning) == (["Other"], 2, "")


# --- deletions ------------------------------------------------------------------------------------------------------


async def test_it_is_deleted_from_all_chats(house: House) -> None:
    post = await published(house, NEWS, TEAM)
    await wipe(house, post)
    assert (said(house, NEWS), said(house, TEAM)) == ([], [])
    assert [target.state for target in await house.db(targets, post)] == [Target.DELETED] * 2
    assert len(house.heard(ANNA)) == 1


async def test_what_somebody_deleted_before_is_gone_and_nobody_is_bothered(house: House) -> None:
    post = await published(house, NEWS)
    house.world.chats[NEWS].messages.clear()
    await wipe(house, post)
    assert [target.state for target in await house.db(targets, post)] == [Target.GONE]
    assert len(house.heard(ANNA)) == 1


async def test_where_it_cannot_be_deleted_that_is_said(house: House) -> None:
    house.fault("deleteMessage", "400", description="Bad Request: message can't be deleted")
    post = await published(house, NEWS)
    await wipe(house, post)
    [target] = await house.db(targets, post)
    assert target.state == Target.SENT
    assert target.warning.endswith("Delete it there by hand.")
    assert house.heard(ANNA)[-1].startswith("⚠️ “Hello”, Новости: It could not be deleted:")


async def test_album_of_which_one_message_is_known_is_not_called_deleted(house: House) -> None:
    """Deleting that one alone would leave the others to be seen, with nobody to know."""

    def make() -> Post:
        pictures = [media.from_bytes(None, png(8, 6 + number), f"{number}.png", now()) for number in range(2)]
        return post_to(NEWS, media=pictures)

    house.fault("sendMediaGroup", "cut_after", chat_id=NEWS)
    post = await house.db(make)
    await house.db(publish, post)
    await house.quiet()
    house.world.forward(OLGA, NEWS, shown(house, NEWS)[0]["message_id"])
    await house.quiet()
    assert [len(target.message_ids) for target in await house.db(targets, post)] == [1]
    await wipe(house, post)

    [target] = await house.db(targets, post)
    assert (target.state, len(shown(house, NEWS))) == (Target.SENT, 2)
    assert target.warning.endswith("Delete it there by hand.")


# --- polls ----------------------------------------------------------------------------------------------------------


async def test_a_poll_goes_out_and_is_stopped(house: House) -> None:
    def make() -> Post:
        row = services.create_poll_post(
            anna(), "Tea?", ["Yes", "No"], places=[Place(chat_of(NEWS))], via="chat", now=now()
        )
        publish(row)
        return row

    post = await house.db(make)
    await house.quiet()
    [target] = await house.db(targets, post)
    poll = shown(house, NEWS)[0]["poll"]
    assert (poll["question"], target.poll_id) == ("Tea?", poll["id"])
    await house.db(lambda: services.stop_poll(post, by=anna(), via="chat", now=now()))
    await house.quiet()
    assert shown(house, NEWS)[0]["poll"]["is_closed"] is True
    assert [row.state for row in await house.db(deliveries, post)] == ["sent", "sent"]


async def test_a_poll_keeps_its_buttons_when_it_is_stopped(house: House) -> None:
    """Telegram takes them away when a call does not name them."""
    buttons = [[{"text": "Rules", "url": "https://example.org"}]]
    places = [Place(await house.db(chat_of, NEWS))]
    make: dict[str, Any] = {"places": places, "via": "chat", "now": now(), "buttons": buttons}
    post = await house.db(lambda: services.create_poll_post(anna(), "Tea?", ["Yes", "No"], **make))
    await house.db(publish, post)
    await house.quiet()
    await house.db(lambda: services.stop_poll(post, by=anna(), via="chat", now=now()))
    await house.quiet()
    [message] = shown(house, NEWS)
    assert message["poll"]["is_closed"] is True
    assert message["reply_markup"]["inline_keyboard"] == buttons


async def test_a_message_whose_number_nobody_knows_cannot_be_edited_and_that_is_said(house: House) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    post = await published(house, NEWS)
    [target] = await house.db(targets, post)
    await house.db(lambda: services.resolve(target, there=True, by=anna(), via="chat", now=now()))
    await change(house, post, text="Other")
    [target] = await house.db(targets, post)
    assert "Nobody knows the message's number" in target.warning
    assert said(house, NEWS) == ["Hello"]


async def test_a_new_post_elsewhere_is_not_touched(house: House) -> None:
    post = await published(house, NEWS, text="One")
    other = await house.db(post_to, NEWS, text="Two")
    await house.db(publish, other)
    await house.quiet()
    await change(house, post, text="Three")
    assert said(house, NEWS) == ["Three", "Two"]
    assert await house.db(Chat.objects.filter(unreachable="").count) == await house.db(Chat.objects.count)


async def test_a_poll_that_is_over_already_is_stopped_once_more_without_a_word(house: House) -> None:
    make: dict[str, Any] = {"places": [Place(await house.db(chat_of, NEWS))], "via": "chat", "now": now()}
    post = await house.db(lambda: services.create_poll_post(anna(), "Tea?", ["Yes", "No"], **make))
    await house.db(publish, post)
    await house.quiet()
    for _press in range(2):
        await house.db(lambda: services.stop_poll(post, by=anna(), via="chat", now=now()))
        await house.quiet()
    assert len(house.calls("stopPoll", NEWS)) == 2
    assert (await house.db(targets, post))[0].warning == ""
    assert len(house.heard(ANNA)) == 1


# --- what one step leaves of another --------------------------------------------------------------------------------


async def test_a_pin_does_not_wipe_away_what_is_to_be_known_of_the_sending(house: House) -> None:
    row = await house.db(lambda: post_to(places=[Place(chat_of(TEAM), 55)], general_allowed=True, pin=True))
    await house.db(Chat.objects.filter(telegram_id=TEAM).update, bot_status="administrator", bot_rights=MAY_LEAD)
    house.world.chats[TEAM].members[BOT] = "administrator"
    house.fault("sendMessage", "400", chat_id=TEAM, description="Bad Request: message thread not found")
    await house.db(publish, row)
    await house.quiet()
    [target] = await house.db(targets, row)
    assert (target.pinned, target.warning) == (True, "Its topic is closed or gone, so it went to the general one.")


async def test_a_pin_that_a_person_took_off_may_be_switched_off(house: House) -> None:
    post = await published(house, NEWS, pin=True)
    house.world.chats[NEWS].pinned.clear()
    await change(house, post, pin=False)
    [target] = await house.db(targets, post)
    assert (target.state, target.pinned, target.warning) == (Target.SENT, False, "")
    assert len(house.heard(ANNA)) == 1


async def test_what_was_changed_while_nobody_knew_of_it_is_changed_once_it_is_found(house: House) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    post = await published(house, NEWS)
    await change(house, post, text="Other")
    [target], [message] = await house.db(targets, post), shown(house, NEWS)
    found: dict[str, Any] = {"there": True, "by": None, "via": "bot", "message_ids": [message["message_id"]]}
    await house.db(lambda: services.resolve(target, now=now(), **found))
    await house.quiet()
    assert said(house, NEWS) == ["Other"]
