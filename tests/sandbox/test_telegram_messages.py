"""Sending, editing and deleting: the server's rules and its words."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from sandbox.server import Sandbox, serve

from .telegram_clients import Api

ANNA, BORIS, TEAM, ADMINS, NEWS = 101, 102, -1001000000002, -1001000000001, -1001000000003
BUTTON = {"inline_keyboard": [[{"text": "Go", "callback_data": "go"}]]}


async def sent(api: Api, **params: Any) -> dict[str, Any]:
    found: dict[str, Any] = await api.ok("sendMessage", **{"chat_id": ANNA, "text": "hello", **params})
    return found


async def test_a_message_can_be_sent_in_every_form_of_request(api: Api, session: aiohttp.ClientSession) -> None:
    fields = {"chat_id": str(ANNA), "text": "привет", "reply_markup": json.dumps(BUTTON)}
    form = aiohttp.FormData(default_to_multipart=True)
    for name, value in fields.items():
        form.add_field(name, value)
    answers = [
        await api.post("sendMessage", params=fields),
        await api.post("sendMessage", data=fields),
        await api.post("sendMessage", json={**fields, "chat_id": ANNA, "reply_markup": BUTTON}),
        await api.post("sendMessage", data=form),
    ]
    assert [answer["result"]["text"] for answer in answers] == ["привет"] * 4
    assert [answer["result"]["reply_markup"] for answer in answers] == [BUTTON] * 4


async def test_a_get_request_works_too(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    url = f"{sandbox.url}/bot1000:sandbox-token/sendMessage?chat_id=101&text=hi"
    async with session.get(url) as response:
        assert (await response.json())["result"]["text"] == "hi"


async def test_method_names_have_no_case(api: Api) -> None:
    assert (await api.ok("GETME"))["username"] == "sekretar_bot"


async def test_an_unknown_method_is_not_found(api: Api) -> None:
    assert await api("sendTelepathy") == {"ok": False, "error_code": 404, "description": "Not Found"}


async def test_a_method_that_is_not_played_says_so(api: Api) -> None:
    assert await api.error("sendDice", chat_id=ANNA) == "Bad Request: not supported by the sandbox"


async def test_a_wrong_token_is_unauthorized(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    assert (await Api(sandbox.url, session, "1000:other")("getMe"))["error_code"] == 401


async def test_something_that_is_no_token_is_not_found(sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
    assert (await Api(sandbox.url, session, "nonsense")("getMe"))["error_code"] == 404


@pytest.mark.parametrize(
    ("method", "params", "description"),
    [
        ("sendMessage", {"text": "x"}, "chat_id is empty"),
        ("sendMessage", {"chat_id": ANNA}, "message text is empty"),
        ("sendMessage", {"chat_id": ANNA, "text": " \n "}, "message text is empty"),
        ("sendMessage", {"chat_id": 5, "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": "@nobody", "text": "x"}, "chat not found"),
        ("sendMessage", {"chat_id": ANNA, "text": "x" * 4097}, "message is too long"),
        ("sendMessage", {"chat_id": ANNA, "text": "😀" * 2049}, "message is too long"),
        ("sendPhoto", {"chat_id": ANNA}, "there is no photo in the request"),
        ("deleteMessage", {"chat_id": ANNA}, "message identifier is not specified"),
        ("deleteMessage", {"chat_id": ANNA, "message_id": 999}, "message to delete not found"),
        ("editMessageText", {"chat_id": ANNA, "message_id": 999, "text": "x"}, "message to edit not found"),
        ("sendMessage", {"chat_id": ANNA, "text": "x", "parse_mode": "RTF"}, "unsupported parse_mode"),
        ("sendMessage", {"chat_id": ANNA, "text": "x", "message_thread_id": 7}, "message thread not found"),
        ("getFile", {"file_id": "x"}, "wrong file_id or the file is temporarily unavailable"),
        (
            "sendMessage",
            {"chat_id": ANNA, "text": "x", "reply_parameters": {"message_id": 999}},
            "message to be replied not found",
        ),
        (
            "sendMessage",
            {"chat_id": ANNA, "text": "x", "reply_markup": "{"},
            "can't parse reply keyboard markup JSON object",
        ),
    ],
)
async def test_a_wrong_call_is_refused_in_the_servers_words(
    api: Api, method: str, params: dict[str, Any], description: str
) -> None:
    assert await api.error(method, **params) == f"Bad Request: {description}"


async def test_length_is_counted_in_utf16_units_after_trimming(api: Api) -> None:
    message = await sent(api, text=" " + "😀" * 2048 + "\n")
    assert len(message["text"]) == 2048


async def test_blanks_around_a_text_go_and_entities_move(api: Api) -> None:
    entities = [{"type": "bold", "offset": 0, "length": 7}, {"type": "italic", "offset": 3, "length": 6}]
    message = await sent(api, text="  \n hello  ", entities=entities)
    assert message["text"] == "hello"
    assert message["entities"] == [
        {"type": "bold", "offset": 0, "length": 3},
        {"type": "italic", "offset": 0, "length": 5},
    ]


@pytest.mark.parametrize(
    ("entity", "trouble"),
    [
        ({"type": "bold", "offset": -1, "length": 1}, "receive an entity with incorrect offset -1"),
        ({"type": "bold", "offset": 0, "length": 9}, "ends after the end of the text"),
        ({"type": "bold", "offset": 1, "length": 2}, "entity begins in a middle of a UTF-16 symbol"),
        ({"type": "bold", "offset": 0, "length": 1}, "ends in a middle of a UTF-16 symbol"),
        ({"type": "sparkle", "offset": 0, "length": 2}, "can't parse entities"),
    ],
)
async def test_an_entity_that_does_not_fit_is_refused(api: Api, entity: dict[str, Any], trouble: str) -> None:
    assert trouble in await api.error("sendMessage", chat_id=ANNA, text="😀a", entities=[entity])


async def test_only_the_first_hundred_entities_are_kept(api: Api) -> None:
    entities = [{"type": "bold", "offset": n, "length": 1} for n in range(150)]
    assert len((await sent(api, text="x" * 150, entities=entities))["entities"]) == 100


async def test_links_mentions_and_commands_are_found_outside_of_code(api: Api) -> None:
    text = "@anna /help https://a.ru/x. #tag `@boris`"
    code = {"type": "code", "offset": text.index("`"), "length": 8}
    found = (await sent(api, text=text, entities=[code]))["entities"]
    assert [entity["type"] for entity in found] == ["mention", "bot_command", "url", "hashtag", "code"]


async def test_data_of_a_button_may_have_64_bytes_but_not_65(api: Api) -> None:
    def markup(data: str) -> dict[str, Any]:
        return {"inline_keyboard": [[{"text": "x", "callback_data": data}]]}

    await sent(api, reply_markup=markup("я" * 32))
    answer = await api.error("sendMessage", chat_id=ANNA, text="x", reply_markup=markup("я" * 32 + "x"))
    assert answer == "Bad Request: BUTTON_DATA_INVALID"


async def test_a_button_without_an_action_is_refused(api: Api) -> None:
    markup = {"inline_keyboard": [[{"text": "x"}]]}
    answer = await api.error("sendMessage", chat_id=ANNA, text="x", reply_markup=markup)
    assert "text buttons are unallowed in the inline keyboard" in answer


async def test_a_reply_holds_the_message_it_answers(sandbox: Sandbox, api: Api) -> None:
    question = sandbox.world.say(ANNA, "how are you?").message
    answer = await sent(api, reply_parameters={"message_id": question["message_id"]})
    assert answer["reply_to_message"] == question


async def test_a_reply_to_nothing_is_sent_without_it_when_allowed(api: Api) -> None:
    reply = {"message_id": 999, "allow_sending_without_reply": True}
    assert "reply_to_message" not in await sent(api, reply_parameters=reply)


async def test_an_edit_changes_text_and_takes_the_keyboard_away(sandbox: Sandbox, api: Api) -> None:
    message = await sent(api, reply_markup=BUTTON)
    where = {"chat_id": ANNA, "message_id": message["message_id"]}
    edited = await api.ok("editMessageText", **where, text="other")
    assert edited["text"] == "other"
    assert "reply_markup" not in edited
    assert sandbox.world.chat(ANNA).messages[message["message_id"]] == edited


async def test_an_edit_that_changes_nothing_is_refused(api: Api) -> None:
    message = await sent(api, reply_markup=BUTTON)
    where = {"chat_id": ANNA, "message_id": message["message_id"]}
    answer = await api.error("editMessageText", **where, text="hello ", reply_markup=BUTTON)
    assert answer.startswith("Bad Request: message is not modified: ")


async def test_a_message_of_somebody_else_cannot_be_edited(sandbox: Sandbox, api: Api) -> None:
    message = sandbox.world.say(ANNA, "mine").message
    answer = await api.error("editMessageText", chat_id=ANNA, message_id=message["message_id"], text="x")
    assert answer == "Bad Request: message can't be edited"


async def test_buttons_alone_can_be_changed(api: Api) -> None:
    message = await sent(api)
    where = {"chat_id": ANNA, "message_id": message["message_id"]}
    assert (await api.ok("editMessageReplyMarkup", **where, reply_markup=BUTTON))["reply_markup"] == BUTTON
    answer = await api.error("editMessageReplyMarkup", **where, reply_markup=BUTTON)
    assert "message is not modified" in answer


async def test_a_press_is_answered_once(sandbox: Sandbox, api: Api) -> None:
    message = await sent(api, reply_markup=BUTTON)
    pressed = sandbox.world.press(ANNA, message["message_id"], "go")
    update = (await api.ok("getUpdates"))[0]
    assert update["callback_query"]["data"] == "go"
    assert await api.ok("answerCallbackQuery", callback_query_id=pressed.id, text="done") is True
    assert "query is too old" in await api.error("answerCallbackQuery", callback_query_id=pressed.id)


async def test_a_press_cannot_be_answered_after_two_and_a_half_minutes(sandbox: Sandbox, api: Api) -> None:
    message = await sent(api, reply_markup=BUTTON)
    pressed = sandbox.world.press(ANNA, message["message_id"], "go")
    real = sandbox.world.clock
    sandbox.world.clock = lambda: real() + 151
    answer = await api.error("answerCallbackQuery", callback_query_id=pressed.id)
    assert answer == ("Bad Request: query is too old and response timeout expired or query ID is invalid")


async def test_a_toast_has_at_most_200_units(sandbox: Sandbox, api: Api) -> None:
    message = await sent(api, reply_markup=BUTTON)
    pressed = sandbox.world.press(ANNA, message["message_id"], "go")
    answer = await api.error("answerCallbackQuery", callback_query_id=pressed.id, text="x" * 201)
    assert answer == "Bad Request: MESSAGE_TOO_LONG"


async def test_own_messages_can_be_deleted_for_two_days(sandbox: Sandbox, api: Api) -> None:
    fresh, old = await sent(api), await sent(api)
    assert await api.ok("deleteMessage", chat_id=ANNA, message_id=fresh["message_id"]) is True
    real = sandbox.world.clock
    sandbox.world.clock = lambda: real() + 48 * 3600 + 1
    answer = await api.error("deleteMessage", chat_id=ANNA, message_id=old["message_id"])
    assert answer == "Bad Request: message can't be deleted for everyone"


async def test_several_messages_are_deleted_and_missing_ones_skipped(sandbox: Sandbox, api: Api) -> None:
    first, second = await sent(api), await sent(api)
    numbers = [first["message_id"], 999, second["message_id"]]
    assert await api.ok("deleteMessages", chat_id=ANNA, message_ids=numbers) is True
    assert sandbox.world.chat(ANNA).messages == {}


async def test_a_copy_is_the_bots_own_and_a_forward_names_its_origin(sandbox: Sandbox, api: Api) -> None:
    original = sandbox.world.say(ANNA, "news").message
    source = {"chat_id": BORIS, "from_chat_id": ANNA, "message_id": original["message_id"]}
    copied = await api.ok("copyMessage", **source)
    forwarded = await api.ok("forwardMessage", **source)
    copy = sandbox.world.chat(BORIS).messages[copied["message_id"]]
    assert (copy["text"], "forward_origin" in copy) == ("news", False)
    assert forwarded["forward_origin"]["sender_user"]["id"] == ANNA


@pytest.mark.parametrize("method", ["forwardMessages", "copyMessages"])
async def test_of_several_messages_those_that_are_gone_are_skipped(sandbox: Sandbox, api: Api, method: str) -> None:
    numbers = [sandbox.world.say(ANNA, text).message["message_id"] for text in ("one", "two", "three")]
    await api.ok("deleteMessage", chat_id=ANNA, message_id=numbers[1])
    where = {"chat_id": TEAM, "from_chat_id": ANNA}
    came = await api.ok(method, **where, message_ids=numbers)
    texts = {number: message["text"] for number, message in sandbox.world.chat(TEAM).messages.items()}
    assert texts == {came[0]["message_id"]: "one", came[1]["message_id"]: "three"}
    verb = method.removesuffix("Messages")
    assert await api.error(method, **where, message_ids=[numbers[1]]) == f"Bad Request: messages to {verb} not found"


async def test_a_draft_lives_until_a_message_comes(sandbox: Sandbox, api: Api) -> None:
    await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Thin")
    assert sandbox.world.chat(ANNA).drafts[None].text == "Thin"
    await sent(api)
    assert sandbox.world.chat(ANNA).drafts == {}


async def test_a_draft_vanishes_by_itself(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.draft_seconds = 0.05
    await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Thin")
    await sandbox.world.wait_for(lambda: not sandbox.world.chat(ANNA).drafts)


async def test_a_renewed_draft_outlives_the_first_one(sandbox: Sandbox, api: Api) -> None:
    sandbox.world.draft_seconds = 0.05
    await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Thin")
    sandbox.world.draft_seconds = 30.0
    await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Thinking")
    with pytest.raises(TimeoutError):
        await sandbox.world.wait_for(lambda: not sandbox.world.chat(ANNA).drafts, timeout=0.2)


@pytest.mark.parametrize(("chat_id", "draft_id"), [(TEAM, 7), (ANNA, 0)])
async def test_drafts_to_groups_and_with_id_zero_are_refused(api: Api, chat_id: int, draft_id: int) -> None:
    answer = await api("sendMessageDraft", chat_id=chat_id, draft_id=draft_id, text="x")
    assert answer["error_code"] == 400


async def test_stop_on_a_draft_reaches_the_bot_and_ends_the_preview(sandbox: Sandbox, api: Api) -> None:
    await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Thin", can_stop=True)
    sandbox.world.stop_draft(ANNA, 7)
    update = (await api.ok("getUpdates"))[0]
    assert update["stopped_message_generation"]["draft_id"] == 7
    await api.ok("sendMessageDraft", chat_id=ANNA, draft_id=7, text="Thinking", can_stop=True)
    assert sandbox.world.chat(ANNA).drafts == {}


async def test_a_rich_message_becomes_blocks(api: Api) -> None:
    markdown = "# Title\n\ntext\nmore\n\n- one\n- two\n\n```py\nx = 1\n```"
    message = await api.ok("sendRichMessage", chat_id=ANNA, rich_message={"markdown": markdown})
    blocks = message["rich_message"]["blocks"]
    assert [block["type"] for block in blocks] == ["heading", "paragraph", "list", "pre"]
    assert blocks[1]["text"] == "text\nmore"
    assert len(blocks[2]["items"]) == 2


async def test_html_is_parsed_to_entities(api: Api) -> None:
    text = '<b>A <i>b</i></b> &lt; <a href="https://x.ru">l</a> <pre><code class="language-py">y</code></pre>'
    message = await sent(api, text=text, parse_mode="HTML")
    assert message["text"] == "A b < l y"
    assert message["entities"] == [
        {"type": "bold", "offset": 0, "length": 3},
        {"type": "italic", "offset": 2, "length": 1},
        {"type": "text_link", "offset": 6, "length": 1, "url": "https://x.ru"},
        {"type": "pre", "offset": 8, "length": 1, "language": "py"},
    ]


async def test_markdown_v2_is_parsed_to_entities(api: Api) -> None:
    text = "*b _i_* __u__ ||s|| `c\\`` [l](https://x.ru) a\\.b\n>quote\n>more"
    message = await sent(api, text=text, parse_mode="MarkdownV2")
    assert message["text"] == "b i u s c` l a.b\nquote\nmore"
    kinds = [entity["type"] for entity in message["entities"]]
    assert kinds == ["bold", "italic", "underline", "spoiler", "code", "text_link", "blockquote"]


async def test_old_markdown_is_parsed_to_entities(api: Api) -> None:
    message = await sent(api, text="*b* _i_ `c` [l](https://x.ru) \\*", parse_mode="Markdown")
    assert message["text"] == "b i c l *"
    assert [e["type"] for e in message["entities"]] == ["bold", "italic", "code", "text_link"]


@pytest.mark.parametrize(
    ("mode", "text", "trouble"),
    [
        ("HTML", "<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("HTML", "<b><i>x</b></i>", 'expected "</i>", found "</b>"'),
        ("HTML", "<marquee>x</marquee>", 'Unsupported start tag "marquee" at byte offset 0'),
        ("HTML", "x</b>", "Unexpected end tag at byte offset 1"),
        ("MarkdownV2", "я *x", "Can't find end of Bold entity at byte offset 3"),
        ("MarkdownV2", "a.b", "Character '.' is reserved and must be escaped with the preceding '\\'"),
        ("MarkdownV2", "```\nx", "Can't find end of Pre entity at byte offset 0"),
        ("Markdown", "_x", "Can't find end of Italic entity at byte offset 0"),
    ],
)
async def test_wrong_marks_are_refused(api: Api, mode: str, text: str, trouble: str) -> None:
    answer = await api.error("sendMessage", chat_id=ANNA, text=text, parse_mode=mode)
    assert answer.startswith("Bad Request: can't parse entities: ")
    assert trouble in answer


async def test_typing_is_seen_until_a_message_comes(sandbox: Sandbox, api: Api) -> None:
    await api.ok("sendChatAction", chat_id=ANNA, action="typing")
    assert sandbox.world.state(ANNA)["chats"][0]["actions"][0]["action"] == "typing"
    await sent(api)
    assert sandbox.world.state(ANNA)["chats"][0]["actions"] == []


async def test_a_post_in_the_channel_comes_from_the_channel_and_can_be_edited(api: Api) -> None:
    post = await sent(api, chat_id=NEWS)
    assert post["sender_chat"]["id"] == NEWS
    assert "from" not in post
    edited = await api.ok("editMessageText", chat_id=NEWS, message_id=post["message_id"], text="x")
    assert edited["text"] == "x"


async def test_strict_mode_refuses_unknown_parameters_and_fields(session: aiohttp.ClientSession) -> None:
    async with serve(strict=True) as strict:
        api = Api(strict.url, session)
        unknown = await api.error("sendMessage", chat_id=ANNA, text="x", colour="red")
        button = {"inline_keyboard": [[{"text": "x", "callback_data": "y", "colour": "red"}]]}
        nested = await api.error("sendMessage", chat_id=ANNA, text="x", reply_markup=button)
        short = await api.error("sendMessage", chat_id=ANNA, text="x", entities=[{"type": "bold"}])
        await api.ok("sendMessage", chat_id=ANNA, text="x", reply_markup=BUTTON)
    assert unknown == 'Bad Request: unknown parameter "colour" of sendMessage'
    assert 'unknown field "colour"' in nested
    assert 'field "offset" is required' in short


async def test_a_nested_value_of_a_strange_form_is_a_bad_request(api: Api) -> None:
    reply = {"message_id": {}, "allow_sending_without_reply": True, "quote": 5}
    assert (await sent(api, reply_parameters=reply))["text"] == "hello"
    numbers = await api.error("deleteMessages", chat_id=ANNA, message_ids=[[1]])
    assert numbers == "Bad Request: message identifiers must be numbers"


async def test_a_lenient_server_ignores_unknown_parameters(api: Api) -> None:
    assert (await sent(api, colour="red"))["text"] == "hello"


async def test_messages_of_private_chats_share_one_counter(api: Api) -> None:
    first, second = await sent(api), await sent(api, chat_id=BORIS)
    assert second["message_id"] > first["message_id"]


async def test_calls_at_the_same_moment_get_different_message_ids(api: Api) -> None:
    messages = await asyncio.gather(*(sent(api) for _ in range(20)))
    assert len({message["message_id"] for message in messages}) == 20
