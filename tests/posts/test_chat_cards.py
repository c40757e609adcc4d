"""What the buttons of a post's card do: where, how, out, and what can be done when something went wrong."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, Chat, Role, User
from llm.toolbox import Asked
from posts import services, tools
from posts.content import Place
from posts.models import Post, PostTarget, State, Topic
from tests.house import ANNA, OLGA, TEAM, House
from tests.posts import making
from tests.posts.chatting import card, drafted, label_of, labels, photo, posts, press, say, send, the_only
from tests.posts.making import NEWS

Target = PostTarget.State


def targets(row: Post) -> list[tuple[int, int]]:
    return [(target.chat.telegram_id, target.thread_id) for target in making.targets(row)]


async def opened(house: House, row: Post, tab: str = "Published", user: int = ANNA) -> str:
    """Open its card from the list."""
    await say(house, "/posts", user)
    if label_of(house.messages(user)[-1], tab):
        await press(house, tab, user)
    label = next(label for label in labels(house, user) if str(row.title) in label)
    await press(house, label, user)
    return card(house, user)


# --- where ----------------------------------------------------------------------------------------------------------


async def test_chats_are_chosen_with_a_press_each(house: House) -> None:
    row = await drafted(house)
    await press(house, "Where")
    assert labels(house) == ["▫️ Команда", "▫️ Новости", "✅ Done"]

    await press(house, "Новости")
    await press(house, "Команда")
    await press(house, "Done")

    assert await house.db(targets, row) == [(NEWS, 0), (TEAM, 0)]
    assert "📍 Where: Новости, Команда" in card(house)


async def test_chosen_chat_is_taken_back_with_another_press(house: House) -> None:
    row = await drafted(house, "Hello", NEWS)
    await press(house, "Where")
    await press(house, "Новости")

    assert await house.db(targets, row) == []


async def test_two_presses_on_a_chat_choose_it_once(house: House) -> None:
    row = await drafted(house)
    await press(house, "Where")
    house.press(ANNA, "▫️ Новости")
    house.press(ANNA, "▫️ Новости")
    await house.quiet()

    assert await house.db(targets, row) == [(NEWS, 0)]


async def test_rights_are_asked_of_telegram_when_a_chat_is_chosen(house: House) -> None:
    bot = house.world.bot["id"]
    house.world.member(NEWS, bot, "left")
    await house.quiet()
    await house.db(lambda: Chat.objects.filter(telegram_id=NEWS).update(bot_status="administrator", unreachable=""))
    await drafted(house)
    await press(house, "Where")
    await press(house, "Новости")

    assert "⚠️ The bot cannot reach “Новости”. Add it there again as an administrator." in card(house)


async def test_topics_of_a_forum_are_chosen_by_name(house: House) -> None:
    await house.db(lambda: Topic.objects.create(chat=making.chat_of(TEAM), thread_id=7, name="Sales"))
    row = await drafted(house)
    await press(house, "Where")
    await press(house, "Команда")
    assert labels(house)[:2] == ["▫️ General", "▫️ Sales"]

    await press(house, "Sales")

    assert await house.db(targets, row) == [(TEAM, 7)]
    await press(house, "Back")
    await press(house, "Done")
    assert "📍 Where: Команда › Sales" in card(house)


async def test_without_a_chat_it_is_said_what_to_do(house: House) -> None:
    await drafted(house)
    await house.db(lambda: Chat.objects.exclude(kind="private").delete())
    await press(house, "Where")

    assert "The bot is in no channel or group yet." in card(house)


# --- how ------------------------------------------------------------------------------------------------------------


async def test_options_are_switched_and_stand_on_the_card(house: House) -> None:
    row = await drafted(house)
    await press(house, "Options")
    await press(house, "Without a sound")
    await press(house, "Pin it")
    await press(house, "Deletes itself")
    await press(house, "24 h")
    await press(house, "Expires")
    await press(house, "6 h")
    await press(house, "Done")

    row = await house.db(making.fresh, row)
    assert (row.silent, row.pin, row.delete_after_minutes, row.expire_hours) == (True, True, 1440, 6)
    assert "⚙️ without a sound, pinned, deletes itself after 24 h, expires after 6 h" in card(house)


async def test_option_that_shows_makes_a_new_preview(house: House) -> None:
    row = await drafted(house, "https://example.com")
    await press(house, "Options")
    await press(house, "Preview of links")

    row = await house.db(making.fresh, row)
    assert row.link_preview is False
    assert house.heard(ANNA).count("https://example.com") == 1
    assert house.calls("sendMessage", ANNA)[-2].params["link_preview_options"] == {"is_disabled": True}


async def test_buttons_are_written_and_shown_under_the_preview(house: House) -> None:
    row = await drafted(house)
    await press(house, "Buttons")
    await say(house, "Shop — https://shop.example | Map - https://map.example\nHelp https://help.example")

    row = await house.db(making.fresh, row)
    assert [[button["text"] for button in line] for line in row.buttons] == [["Shop", "Map"], ["Help"]]
    preview = house.messages(ANNA)[-2]
    assert preview["reply_markup"]["inline_keyboard"][0][0] == {"text": "Shop", "url": "https://shop.example"}
    assert "🔗 3 buttons under it" in card(house)


@pytest.mark.parametrize("words", ["Shop — javascript:alert(1)", "Shop — shop.example", "Shop"])
async def test_bad_address_is_named_and_may_be_written_anew(house: House, words: str) -> None:
    row = await drafted(house)
    await press(house, "Buttons")
    await say(house, words)
    assert "⚠️ Button 1 needs an address that begins with https://" in card(house)
    assert (await house.db(making.fresh, row)).buttons == []

    await say(house, "Shop — https://shop.example")

    assert len((await house.db(making.fresh, row)).buttons) == 1


async def test_buttons_are_taken_away(house: House) -> None:
    row = await drafted(house)
    await press(house, "Buttons")
    await say(house, "Shop — https://shop.example")
    await press(house, "Buttons")
    await press(house, "Without buttons")

    assert (await house.db(making.fresh, row)).buttons == []


# --- another content ------------------------------------------------------------------------------------------------


async def test_new_text_takes_the_place_of_the_old_one(house: House) -> None:
    row = await drafted(house, "Sale")
    await press(house, "Text")
    await say(house, "Big sale")

    assert (await house.db(making.fresh, row)).text == "Big sale"
    assert house.heard(ANNA)[0] == "Big sale"
    assert "Sale" not in house.heard(ANNA)


async def test_reply_to_the_preview_is_the_new_text(house: House) -> None:
    row = await drafted(house, "Sale")
    await say(house, "Big sale", reply_to=house.messages(ANNA)[0]["message_id"])

    assert (await house.db(making.fresh, row)).text == "Big sale"
    assert not house.models.calls


async def test_reply_to_any_picture_of_an_album_is_its_caption(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), photo(2))
    await say(house, "Two", reply_to=house.messages(ANNA)[-2]["message_id"])

    assert (await the_only(house)).text == "Two"


async def test_files_are_added_with_a_button(house: House) -> None:
    await say(house, "/post")
    await send(house, photo(1), text="Look")
    await press(house, "Files")
    await send(house, photo(2))

    row = await the_only(house)
    assert (row.kind, row.text) == ("album", "Look")


async def test_photo_instead_of_a_text_makes_another_post_of_it(house: House) -> None:
    row = await drafted(house, "Sale")
    await press(house, "Text")
    await send(house, photo(1), text="Look")

    row = await house.db(making.fresh, row)
    assert (row.kind, row.text) == ("media", "Look")


async def test_draft_is_kept_and_deleted(house: House) -> None:
    await drafted(house, "Sale")
    await press(house, "Keep")
    assert card(house) == "📝 Sale\nKept among the drafts: /posts."

    await press(house, "Open it")
    await press(house, "Delete")
    assert "Delete this post? Nothing of it will be left here." in card(house)
    await press(house, "Yes, delete")

    assert await house.db(posts) == []
    assert house.heard(ANNA) == ["🗑 The post is deleted."]


# --- out ------------------------------------------------------------------------------------------------------------


async def test_publish_asks_once_and_goes_out(house: House) -> None:
    row = await drafted(house, "Sale", NEWS, TEAM)
    await press(house, "Publish now")
    assert "Publish in 2 chats now?" in card(house)
    assert making.said(house, NEWS) == []

    await press(house, "Yes, publish")

    assert (await house.db(making.fresh, row)).state == State.PUBLISHED
    assert making.said(house, NEWS) == making.said(house, TEAM) == ["Sale"]


async def test_publishing_without_a_place_asks_for_one_first(house: House) -> None:
    await drafted(house, "Sale")
    await press(house, "Publish now")
    assert "Where shall it appear?" in card(house)
    await press(house, "Новости")
    await press(house, "Done")
    await press(house, "Yes, publish")

    assert making.said(house, NEWS) == ["Sale"]


async def test_what_is_in_the_way_is_said_before_it_is_asked(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await house.db(lambda: Chat.objects.filter(telegram_id=NEWS).update(bot_status="kicked"))
    await press(house, "Publish now")

    assert "⚠️ The bot cannot reach “Новости”." in card(house)
    assert card(house).endswith("Put this right before it goes out.")


async def test_two_presses_on_publish_publish_once(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "Publish now")
    house.press(ANNA, "🚀 Yes")
    house.press(ANNA, "🚀 Yes")
    await house.quiet()

    assert making.said(house, NEWS) == ["Sale"]


async def test_what_was_changed_after_the_question_is_not_published_unseen(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    await press(house, "Publish now")
    await house.db(lambda: services.change_post(row, text="Other", by=row.author, via="api", now=timezone.now()))
    await press(house, "Yes, publish")

    assert "It was changed meanwhile. Look once more." in card(house)
    assert making.said(house, NEWS) == []


async def test_preview_is_what_is_published(house: House) -> None:
    await say(house, "/post")
    bold = [{"type": "bold", "offset": 5, "length": 6}]
    await say(house, "5 < 6 _and_ <b>", entities=bold)
    row = await the_only(house)
    preview = house.messages(ANNA)[0]
    await house.db(_place, row)
    await say(house, "/posts")
    await press(house, "5 < 6")
    await press(house, "Publish now")
    await press(house, "Yes, publish")

    [shown] = making.shown(house, NEWS)
    assert (shown["text"], shown["entities"]) == (preview["text"], preview["entities"])


def _place(row: Post) -> None:
    places = [Place(making.chat_of(NEWS))]
    services.change_post(row, places=places, by=row.author, via="chat", now=timezone.now())


async def plan(house: House, row: Post) -> None:
    at = timezone.now() + timedelta(hours=3)
    await house.db(lambda: services.schedule_post(row, at, by=row.author, via="chat", now=timezone.now()))


async def test_cancel_asks_for_a_reason_and_keeps_it(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    await plan(house, row)
    await opened(house, row, "Next")
    await press(house, "Cancel it")
    await say(house, "Sold   out")

    row = await house.db(making.fresh, row)
    assert (row.state, row.status_reason) == (State.CANCELLED, "Sold out")
    assert "Cancelled · Sold out" in card(house)


async def test_cancel_without_a_reason_is_one_press_more(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    await plan(house, row)
    await opened(house, row, "Next")
    await press(house, "Cancel it")
    await press(house, "Cancel without a reason")

    assert (await house.db(making.fresh, row)).state == State.CANCELLED


async def test_held_post_is_published_or_cancelled_from_its_notice(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    await plan(house, row)
    await house.db(lambda: services.hold_post(row, "It is late.", now=timezone.now()))
    await house.quiet()
    await press(house, "Cancel")
    assert (await house.db(making.fresh, row)).state == State.CANCELLED


async def test_change_while_it_goes_out_is_refused(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    preview = house.messages(ANNA)[0]["message_id"]
    await house.db(lambda: Post.objects.filter(pk=row.pk).update(state=State.PUBLISHING))
    await say(house, "Big sale", reply_to=preview)
    await press(house, "Yes, change it")

    assert "It is going out at this moment. Change it when it has arrived." in card(house)
    assert (await house.db(making.fresh, row)).text == "Sale"


# --- afterwards -----------------------------------------------------------------------------------------------------


async def test_card_of_a_published_post_tells_of_each_chat(house: House) -> None:
    row = await making.published(house, NEWS, TEAM, text="Sale")
    shown = await opened(house, row)

    assert "✅ Новости: https://t.me/c/" in shown
    assert "✅ Команда: https://t.me/c/" in shown
    assert "views" not in shown


async def test_new_words_for_a_published_post_ask_before_readers_see_them(house: House) -> None:
    row = await making.published(house, NEWS, TEAM, text="Sale")
    await opened(house, row)
    await press(house, "Text")
    await say(house, "Big sale")
    assert "Change it in 2 chats to this?" in card(house)
    assert making.said(house, NEWS) == ["Sale"]

    await press(house, "Yes, change it")

    assert making.said(house, NEWS) == making.said(house, TEAM) == ["Big sale"]


async def test_text_cannot_become_a_photo_once_it_is_out(house: House) -> None:
    row = await making.published(house, NEWS, text="Sale")
    await opened(house, row)
    await press(house, "Text")
    await send(house, photo(1), text="Look")
    await press(house, "Yes, change it")

    assert "A text cannot become a file" in card(house)
    assert making.said(house, NEWS) == ["Sale"]


async def test_delete_everywhere_asks_first(house: House) -> None:
    row = await making.published(house, NEWS, TEAM, text="Sale")
    await opened(house, row)
    await press(house, "Delete everywhere")
    assert "Delete it from 2 chats? Readers will see it no more." in card(house)
    await press(house, "Yes, delete")

    assert making.said(house, NEWS) == making.said(house, TEAM) == []


async def test_posting_again_makes_a_new_draft(house: House) -> None:
    row = await making.published(house, NEWS, text="Sale")
    await opened(house, row)
    await press(house, "Post it again")

    _old, new = await house.db(posts)
    assert (new.state, new.text, new.repeat_of_id) == (State.DRAFT, "Sale", row.pk)
    assert "The same once more, as a new draft." in card(house)


async def test_two_presses_on_post_again_make_one_draft(house: House) -> None:
    row = await making.published(house, NEWS, text="Sale")
    await opened(house, row)
    house.press(ANNA, "♻️")
    house.press(ANNA, "♻️")
    await house.quiet()

    assert len(await house.db(posts)) == 2


# --- when something went wrong --------------------------------------------------------------------------------------


async def test_it_is_there_settles_it_with_one_tap(house: House) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    row = await making.published(house, NEWS, text="Sale")
    assert row.state == State.ERROR
    await press(house, "It is there")

    row = await house.db(making.fresh, row)
    assert row.state == State.PUBLISHED
    assert await house.db(making.states, row) == ["sent"]
    assert len(house.calls("sendMessage", NEWS)) == 1


async def test_send_again_sends_it_once_more(house: House) -> None:
    house.fault("sendMessage", "cut_after", chat_id=NEWS)
    row = await making.published(house, NEWS, text="Sale")
    await press(house, "Send again")

    assert (await house.db(making.fresh, row)).state == State.PUBLISHED
    assert len(house.calls("sendMessage", NEWS)) == 2


async def test_retry_touches_only_what_failed(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=TEAM, description="Forbidden: bot was kicked from the supergroup chat")
    row = await making.published(house, NEWS, TEAM, text="Sale")
    assert row.state == State.PARTIAL
    await house.db(lambda: Chat.objects.update(unreachable="", bot_status="administrator"))
    await press(house, "Retry failed")

    assert (await house.db(making.fresh, row)).state == State.PUBLISHED
    assert (len(house.calls("sendMessage", NEWS)), len(house.calls("sendMessage", TEAM))) == (1, 2)


# --- who ------------------------------------------------------------------------------------------------------------


async def other_editors_post(house: House) -> Post:
    def make() -> Post:
        mila = making.editor(105, "Мила")
        return making.make_post(mila, making.chat_of(NEWS), text="Hers")

    return await house.db(make)


async def test_other_editors_post_is_seen_but_not_changed(house: House) -> None:
    row = await other_editors_post(house)
    shown = await opened(house, row, "Drafts")

    assert "By Мила." in shown
    assert "Only its author or an admin may change it." in shown
    assert labels(house) == ["« Back"]


async def test_admin_changes_every_post(house: House) -> None:
    row = await other_editors_post(house)
    await opened(house, row, "Drafts", OLGA)
    await press(house, "Text", OLGA)
    await say(house, "Better", OLGA)

    assert (await house.db(making.fresh, row)).text == "Better"


async def test_role_is_looked_at_again_at_each_press(house: House) -> None:
    row = await drafted(house, "Sale", NEWS)
    await press(house, "Publish now")
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(role=Role.MEMBER))

    assert await press(house, "Yes, publish") == "Only editors and admins publish posts."
    assert making.said(house, NEWS) == []
    assert (await house.db(making.fresh, row)).state == State.DRAFT


async def test_card_of_a_deleted_post_says_so(house: House) -> None:
    row = await drafted(house, "Sale")
    await house.db(lambda: services.delete_draft(row, by=row.author, via="api", now=timezone.now()))
    await press(house, "Options")

    assert card(house) == "This post is gone. /posts lists those that are left."


async def test_presses_are_on_record(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "Publish now")
    await press(house, "Yes, publish")

    def record() -> list[Any]:
        return list(AuditEntry.objects.filter(action="post.publish").values_list("via", "actor__telegram_id"))

    assert await house.db(record) == [("chat", ANNA)]


async def test_preview_that_telegram_refuses_is_said_to_who_wrote_it(house: House) -> None:
    house.fault("sendMessage", "400", description="Bad Request: something odd")
    await say(house, "/post Sale")

    assert "⚠️ Telegram does not show it so:" in card(house)
    assert "something odd" in card(house).lower()
    assert (await the_only(house)).text == "Sale"


async def test_card_of_an_assistant_is_planned_with_a_tap(house: House) -> None:
    def draft() -> None:
        asked = Asked(making.anna(), making.chat_of(ANNA), timezone.now())
        tools._draft(asked, {"text": "**Sale**", "where": ["Новости"], "when": "tomorrow at 10"})

    await house.db(draft)
    await house.quiet()
    assert house.heard(ANNA)[0] == "Sale"
    assert (await the_only(house)).state == State.DRAFT

    await press(house, "Yes, plan it")

    assert (await the_only(house)).state == State.SCHEDULED


async def test_caption_above_is_offered_where_there_is_a_picture(house: House) -> None:
    await drafted(house)
    await press(house, "Options")
    assert not [label for label in labels(house) if "Caption above" in label]

    await say(house, "/post")
    await send(house, photo(), text="Look")
    await press(house, "Options")
    await press(house, "Caption above the picture")

    rows = await house.db(posts)
    assert rows[-1].caption_above is True
    assert not [label for label in labels(house) if "Preview of links" in label]


async def test_general_topic_is_offered_where_a_topic_is_chosen(house: House) -> None:
    await house.db(lambda: Topic.objects.create(chat=making.chat_of(TEAM), thread_id=7, name="Sales", closed=True))
    row = await drafted(house)
    await press(house, "Where")
    await press(house, "Команда")
    assert labels(house)[1] == "▫️ Sales 🔒"
    await press(house, "Sales")
    assert "⚠️ The topic “Sales” of “Команда” is closed." in card(house)

    await press(house, "Back")
    await press(house, "Done")
    await press(house, "Options")
    await press(house, "General topic if the topic is gone")

    assert (await house.db(making.fresh, row)).general_allowed is True


async def test_two_presses_on_retry_send_once(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS, description="Forbidden: bot was kicked from the channel chat")
    await making.published(house, NEWS, text="Sale")
    await house.db(lambda: Chat.objects.update(unreachable="", bot_status="administrator"))
    house.press(ANNA, "🔁 Retry")
    house.press(ANNA, "🔁 Retry")
    await house.quiet()

    assert making.said(house, NEWS) == ["Sale"]


async def test_error_names_the_channel_and_the_remedy(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS, description="Forbidden: bot was kicked from the channel chat")
    await making.published(house, NEWS, text="Sale")
    await press(house, "Open")

    assert "❌ Новости: I may not post in “Новости”. Make me an administrator there" in card(house)
    assert [label for label in labels(house) if "Try again" in label]
