"""Groups, channels and topics: privacy mode, rights, membership, migration."""

from typing import Any

import aiohttp
import pytest

from sandbox.server import Sandbox

from .telegram_clients import Api, Control

OLGA, ANNA, BORIS, BOT = 100, 101, 102, 1000
TEAM, ADMINS, NEWS = -1001000000002, -1001000000001, -1001000000003


@pytest.mark.parametrize("text", ["just talking", "@sekretar_bot are you here?", "/help", "/help@other_bot"])
async def test_privacy_mode_hides_what_is_not_for_the_bot(sandbox: Sandbox, text: str) -> None:
    assert sandbox.world.say(ANNA, text, TEAM).update_id is None


async def test_a_command_with_the_bots_name_is_heard(sandbox: Sandbox) -> None:
    assert sandbox.world.say(ANNA, "/ask@Sekretar_Bot hi", TEAM).update_id is not None


async def test_a_bare_command_is_heard_when_the_bot_spoke_last(sandbox: Sandbox, api: Api) -> None:
    await api.ok("sendMessage", chat_id=TEAM, text="hi")
    assert sandbox.world.say(ANNA, "/help", TEAM).update_id is not None


async def test_a_bare_command_is_not_heard_when_another_bot_spoke_last(
    sandbox: Sandbox, control: Control, api: Api
) -> None:
    await control("user", id=2000, first_name="Other", is_bot=True)
    await control("member", chat_id=TEAM, user_id=2000, status="member")
    await api.ok("sendMessage", chat_id=TEAM, text="hi")
    sandbox.world.say(2000, "hi from me too", TEAM)
    assert sandbox.world.say(ANNA, "/help", TEAM).update_id is None


async def test_a_reply_to_the_bot_is_heard(sandbox: Sandbox, api: Api) -> None:
    message = await api.ok("sendMessage", chat_id=TEAM, text="hi")
    assert sandbox.world.say(ANNA, "yes", TEAM, reply_to=message["message_id"]).update_id is not None


async def test_an_administrator_bot_hears_everything(sandbox: Sandbox) -> None:
    assert sandbox.world.say(OLGA, "just talking", ADMINS).update_id is not None


async def test_privacy_mode_off_works_only_after_adding_the_bot_again(sandbox: Sandbox, control: Control) -> None:
    await control("bot", can_read_all_group_messages=True)
    before = sandbox.world.say(ANNA, "just talking", TEAM).update_id
    await control("member", chat_id=TEAM, user_id=BOT, status="left")
    await control("member", chat_id=TEAM, user_id=BOT, status="member")
    assert before is None
    assert sandbox.world.say(ANNA, "just talking", TEAM).update_id is not None


async def test_service_messages_are_heard_in_privacy_mode(sandbox: Sandbox, control: Control, api: Api) -> None:
    await control("user", id=200, first_name="Dora")
    await control("member", chat_id=TEAM, user_id=200, status="member")
    updates = await api.ok("getUpdates")
    assert [user["id"] for user in updates[0]["message"]["new_chat_members"]] == [200]


async def test_a_button_in_a_group_works_for_everybody(sandbox: Sandbox, api: Api) -> None:
    markup = {"inline_keyboard": [[{"text": "x", "callback_data": "y"}]]}
    message = await api.ok("sendMessage", chat_id=TEAM, text="vote", reply_markup=markup)
    sandbox.world.press(BORIS, message["message_id"], "y", TEAM)
    assert (await api.ok("getUpdates"))[0]["callback_query"]["from"]["id"] == BORIS


async def test_a_channel_post_is_its_own_kind(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.say(OLGA, "news", NEWS)
    assert (await api.ok("getUpdates"))[0]["channel_post"]["sender_chat"]["id"] == NEWS


async def test_an_edit_of_a_person_is_its_own_kind(sandbox: Sandbox, api: Api) -> None:
    message = sandbox.world.say(ANNA, "teh").message
    sandbox.world.edit(ANNA, message["message_id"], "the")
    edited = (await api.ok("getUpdates"))[1]["edited_message"]
    assert (edited["text"], edited["message_id"]) == ("the", message["message_id"])


async def test_a_person_who_blocks_the_bot_cannot_be_written_to(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.block(ANNA)
    refused = await api("sendMessage", chat_id=ANNA, text="hi")
    changed = (await api.ok("getUpdates"))[0]["my_chat_member"]
    assert refused["error_code"] == 403
    assert refused["description"] == "Forbidden: bot was blocked by the user"
    assert changed["new_chat_member"]["status"] == "kicked"
    sandbox.world.block(ANNA, blocked=False)
    assert await api.ok("sendMessage", chat_id=ANNA, text="hi")


@pytest.mark.parametrize(
    ("status", "description"),
    [
        ("kicked", "Forbidden: bot was kicked from the supergroup chat"),
        ("left", "Forbidden: bot is not a member of the supergroup chat"),
    ],
)
async def test_a_bot_outside_of_a_group_cannot_write_there(
    control: Control, api: Api, status: str, description: str
) -> None:
    await control("member", chat_id=TEAM, user_id=BOT, status=status)
    assert await api.error("sendMessage", chat_id=TEAM, text="hi") == description


async def test_a_deleted_account_and_a_stranger_cannot_be_written_to(control: Control, api: Api) -> None:
    await control("user", id=ANNA, deactivated=True)
    await control("user", id=300, first_name="Eve", started=False)
    assert await api.error("sendMessage", chat_id=ANNA, text="x") == "Forbidden: user is deactivated"
    answer = await api.error("sendMessage", chat_id=300, text="x")
    assert answer == "Forbidden: bot can't initiate conversation with a user"


async def test_a_bot_without_rights_cannot_write_or_pin(control: Control, api: Api) -> None:
    message = await api.ok("sendMessage", chat_id=TEAM, text="hi")
    pin = await api.error("pinChatMessage", chat_id=TEAM, message_id=message["message_id"])
    await control("chat", id=TEAM, permissions={"can_send_messages": False})
    write = await api.error("sendMessage", chat_id=TEAM, text="hi")
    assert pin == "Bad Request: not enough rights to manage pinned messages in the chat"
    assert write == "Bad Request: not enough rights to send text messages to the chat"


async def test_a_channel_needs_the_right_to_post(control: Control, api: Api) -> None:
    await control("chat", id=NEWS, bot_rights={"can_post_messages": False})
    answer = await api.error("sendMessage", chat_id=NEWS, text="hi")
    assert answer == "Bad Request: need administrator rights in the channel chat"


async def test_an_upgraded_group_says_where_it_went(sandbox: Sandbox, control: Control, api: Api) -> None:
    old = (await control("chat", type="group", title="Old", members=[ANNA]))["chat"]["id"]
    new = (await control("migrate", chat_id=old))["chat_id"]
    refused = await api("sendMessage", chat_id=old, text="hi")
    told, welcomed = await api.ok("getUpdates")
    assert refused["description"] == "Bad Request: group chat was upgraded to a supergroup chat"
    assert refused["parameters"] == {"migrate_to_chat_id": new}
    assert told["message"]["migrate_to_chat_id"] == new
    assert welcomed["message"]["migrate_from_chat_id"] == old
    assert (await api.ok("sendMessage", chat_id=new, text="hi"))["chat"]["type"] == "supergroup"


@pytest.fixture
async def forum(control: Control) -> int:
    """A forum where the bot is an administrator."""
    body: dict[str, Any] = {"type": "supergroup", "title": "Forum", "is_forum": True, "members": [ANNA]}
    created = await control("chat", **body, bot_status="administrator")
    return int(created["chat"]["id"])


async def test_a_topic_takes_messages_until_it_is_closed(forum: int, api: Api) -> None:
    topic = await api.ok("createForumTopic", chat_id=forum, name="Plans")
    where = {"chat_id": forum, "message_thread_id": topic["message_thread_id"]}
    message = await api.ok("sendMessage", **where, text="hi")
    await api.ok("closeForumTopic", **where)
    assert message["is_topic_message"] is True
    assert await api.error("sendMessage", **where, text="hi") == "Bad Request: TOPIC_CLOSED"
    await api.ok("reopenForumTopic", **where)
    assert await api.ok("sendMessage", **where, text="hi")


async def test_an_unknown_topic_is_not_found(forum: int, api: Api) -> None:
    answer = await api.error("sendMessage", chat_id=forum, message_thread_id=77, text="x")
    assert answer == "Bad Request: message thread not found"


async def test_a_private_topic_needs_the_setting_of_the_bot(sandbox: Sandbox, control: Control, api: Api) -> None:
    assert "forum" in await api.error("createForumTopic", chat_id=ANNA, name="Plans")
    await control("bot", has_topics_enabled=True)
    topic = await api.ok("createForumTopic", chat_id=ANNA, name="Plans")
    said = sandbox.world.say(ANNA, "hi", thread_id=topic["message_thread_id"]).message
    assert said["message_thread_id"] == topic["message_thread_id"]


async def test_pins_are_seen_in_the_chat(sandbox: Sandbox, api: Api) -> None:
    message = await api.ok("sendMessage", chat_id=ADMINS, text="hi")
    where = {"chat_id": ADMINS, "message_id": message["message_id"]}
    await api.ok("pinChatMessage", **where)
    assert (await api.ok("getChat", chat_id=ADMINS))["pinned_message"]["text"] == "hi"
    await api.ok("unpinChatMessage", **where)
    assert sandbox.world.chat(ADMINS).pinned == []
    assert "message to unpin not found" in await api.error("unpinChatMessage", **where)


async def test_members_and_administrators_can_be_looked_up(api: Api) -> None:
    leaders = await api.ok("getChatAdministrators", chat_id=ADMINS)
    assert {row["user"]["id"]: row["status"] for row in leaders} == {
        OLGA: "creator",
        BOT: "administrator",
    }
    assert (await api.ok("getChatMember", chat_id=TEAM, user_id=ANNA))["status"] == "member"
    assert (await api.ok("getChatMember", chat_id=ADMINS, user_id=ANNA))["status"] == "left"
    assert await api.ok("getChatMemberCount", chat_id=TEAM) == 5
    assert "member not found" in await api.error("getChatMember", chat_id=TEAM, user_id=9)


async def test_the_bot_can_leave_a_group(api: Api) -> None:
    await api.ok("leaveChat", chat_id=TEAM)
    assert (await api("sendMessage", chat_id=TEAM, text="x"))["error_code"] == 403
    changed = (await api.ok("getUpdates"))[0]["my_chat_member"]
    assert changed["new_chat_member"]["status"] == "left"


async def test_a_public_channel_is_found_by_name(control: Control, api: Api) -> None:
    await control("chat", id=NEWS, username="our_news")
    assert (await api.ok("sendMessage", chat_id="@our_news", text="x"))["chat"]["id"] == NEWS


async def test_a_reaction_must_be_one_of_the_usual_emoji(sandbox: Sandbox, api: Api) -> None:
    message = sandbox.world.say(ANNA, "done").message
    where = {"chat_id": ANNA, "message_id": message["message_id"]}
    await api.ok("setMessageReaction", **where, reaction=[{"type": "emoji", "emoji": "👍"}])
    assert sandbox.world.chat(ANNA).reactions[message["message_id"]][BOT][0]["emoji"] == "👍"
    answer = await api.error("setMessageReaction", **where, reaction=[{"type": "emoji", "emoji": "🪑"}])
    assert answer == "Bad Request: REACTION_INVALID"


async def test_invite_links_need_an_administrator(api: Api) -> None:
    assert (await api.ok("exportChatInviteLink", chat_id=ADMINS)).startswith("https://t.me/+")
    assert (await api.ok("createChatInviteLink", chat_id=ADMINS, name="x"))["name"] == "x"
    assert "not enough rights" in await api.error("createChatInviteLink", chat_id=TEAM)


async def test_commands_are_kept_per_scope_and_language_and_shown_by_the_clients_order(
    api: Api, control: Control
) -> None:
    async def shown(chat_id: int, user_id: int) -> list[str]:
        rows = await control.get(f"commands?chat_id={chat_id}&user_id={user_id}")
        return [row["command"] for row in rows]

    async def publish(name: str, **where: Any) -> None:
        await api.ok("setMyCommands", commands=[{"command": name, "description": "x"}], **where)

    await publish("default")
    await publish("russian", language_code="ru")
    await publish("private", scope={"type": "all_private_chats"})
    await publish("leaders", scope={"type": "chat_administrators", "chat_id": TEAM})
    assert await shown(ANNA, ANNA) == ["private"]
    assert await shown(TEAM, ANNA) == ["russian"]
    assert await shown(TEAM, 103) == ["default"]
    assert await shown(TEAM, OLGA) == ["leaders"]
    assert await api.ok("getMyCommands", scope={"type": "all_group_chats"}) == []
    await api.ok("deleteMyCommands", scope={"type": "all_private_chats"})
    assert await shown(ANNA, ANNA) == ["russian"]


@pytest.mark.parametrize("name", ["with-dash", "x" * 33, "команда", ""])
async def test_a_command_of_other_characters_is_refused(api: Api, name: str) -> None:
    rows = [{"command": name, "description": "x"}]
    assert await api.error("setMyCommands", commands=rows) == "Bad Request: BOT_COMMAND_INVALID"


async def test_the_profile_has_texts_per_language(api: Api) -> None:
    await api.ok("setMyDescription", description="all")
    await api.ok("setMyDescription", description="по-русски", language_code="ru")
    await api.ok("setMyName", name="Helper")
    assert await api.ok("getMyDescription", language_code="ru") == {"description": "по-русски"}
    assert await api.ok("getMyDescription", language_code="de") == {"description": "all"}
    assert (await api.ok("getMe"))["first_name"] == "Helper"


async def test_two_bots_do_not_share_a_world(session: aiohttp.ClientSession, sandbox: Sandbox) -> None:
    other = Api(sandbox.url, session, "2000:sandbox-token")
    assert (await other("getMe"))["error_code"] == 401
