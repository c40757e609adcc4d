"""Channels: reactions, forwards, pins, the discussion group, and a bot that is thrown out."""

from typing import Any

from sandbox.server import Sandbox

from .telegram_clients import Api, Control

OLGA, ANNA, BORIS, BOT = 100, 101, 102, 1000
TEAM, NEWS = -1001000000002, -1001000000003
HEARD = ["message", "channel_post", "my_chat_member", "message_reaction", "message_reaction_count"]


async def post(api: Api, text: str = "Big news") -> int:
    sent: dict[str, Any] = await api.ok("sendMessage", chat_id=NEWS, text=text)
    return int(sent["message_id"])


async def heard(api: Api) -> list[dict[str, Any]]:
    """All that waits for the bot; it is confirmed."""
    found: list[dict[str, Any]] = []
    offset = 0
    while batch := await api.ok("getUpdates", allowed_updates=HEARD, offset=offset):
        found += batch
        offset = batch[-1]["update_id"] + 1
    return found


async def test_bot_hears_how_often_a_channel_reacted_and_never_who(api: Api, control: Control) -> None:
    number = await post(api)
    await heard(api)
    for person, emoji in ((OLGA, "👍"), (ANNA, "👍"), (BORIS, "🔥"), (BORIS, None)):
        await control("react", user_id=person, message_id=number, chat_id=NEWS, emoji=emoji)

    counts = [update["message_reaction_count"] for update in await heard(api)]
    assert [[(row["type"]["emoji"], row["total_count"]) for row in count["reactions"]] for count in counts] == [
        [("👍", 1)], [("👍", 2)], [("👍", 2), ("🔥", 1)], [("👍", 2)],
    ]  # fmt: skip
    assert "user" not in counts[0]


async def test_bot_that_is_no_administrator_hears_of_no_reaction(sandbox: Sandbox, api: Api) -> None:
    number = await post(api)
    await heard(api)
    sandbox.world.chat(NEWS).members[BOT] = "member"
    assert sandbox.world.react(OLGA, number, "👍", NEWS) is None


async def test_post_that_a_person_forwards_names_its_place(api: Api, control: Control) -> None:
    number = await post(api)
    await control("forward", user_id=ANNA, from_chat_id=NEWS, message_id=number)

    [update] = await heard(api)
    origin = update["message"]["forward_origin"]
    assert (origin["type"], origin["chat"]["id"], origin["message_id"]) == ("channel", NEWS, number)
    assert update["message"]["text"] == "Big news"


async def test_protected_post_cannot_be_forwarded(sandbox: Sandbox, api: Api, control: Control) -> None:
    sent = await api.ok("sendMessage", chat_id=NEWS, text="secret", protect_content=True)
    answer = await control.refused("forward", user_id=ANNA, from_chat_id=NEWS, message_id=sent["message_id"])
    assert "protected" in answer


async def test_pinned_post_is_told_with_what_it_says(api: Api, control: Control) -> None:
    number = await post(api)
    await control("pin", user_id=OLGA, message_id=number, chat_id=NEWS)

    [update] = await heard(api)
    pinned = update["channel_post"]["pinned_message"]
    assert (pinned["message_id"], pinned["text"]) == (number, "Big news")


async def test_discussion_group_gets_a_copy_of_each_post(sandbox: Sandbox, api: Api, control: Control) -> None:
    await control("bot", can_read_all_group_messages=True)
    await control("bot_in", chat_id=TEAM, present=False)
    await control("bot_in", chat_id=TEAM)
    await control("link", chat_id=NEWS, group_id=TEAM)
    await heard(api)
    number = await post(api)

    copy = (await heard(api))[-1]["message"]
    assert (copy["chat"]["id"], copy["from"]["id"], copy["is_automatic_forward"]) == (TEAM, 777000, True)
    assert (copy["forward_origin"]["message_id"], copy["text"]) == (number, "Big news")

    await control("link", chat_id=NEWS, group_id=None)
    await post(api, "Another one")
    assert "Another one" not in [message.get("text") for message in sandbox.world.chat(TEAM).messages.values()]


async def test_bot_is_thrown_out_of_a_channel_and_comes_back(api: Api, control: Control) -> None:
    await heard(api)
    await control("bot_in", chat_id=NEWS, present=False)
    assert "bot was kicked" in await api.error("sendMessage", chat_id=NEWS, text="hi")
    await control("bot_in", chat_id=NEWS)
    assert await post(api)

    told = [update["my_chat_member"] for update in await heard(api)]
    assert [change["new_chat_member"]["status"] for change in told] == ["kicked", "administrator"]
    assert told[0]["from"]["id"] == OLGA


async def test_bot_hears_that_it_lost_a_right(api: Api, control: Control) -> None:
    await heard(api)
    for _again in range(2):
        await control("chat", id=NEWS, bot_rights={"can_post_messages": False})

    [update] = await heard(api)
    change = update["my_chat_member"]
    assert change["old_chat_member"]["can_post_messages"]
    assert not change["new_chat_member"]["can_post_messages"]
