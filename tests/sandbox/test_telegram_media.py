"""Files, albums and polls."""

import base64
import io
import struct
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from sandbox.server import Sandbox
from sandbox.telegram.files import Upload

from .telegram_clients import Api, Control

ANNA, BORIS, TEAM, NEWS = 101, 102, -1001000000002, -1001000000003


def png(width: int = 40, height: int = 30) -> bytes:
    """The head of a PNG is all that anybody here looks at."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", width, height)


async def upload(api: Api, method: str, files: dict[str, bytes], **fields: str) -> dict[str, Any]:
    form = aiohttp.FormData(default_to_multipart=True)
    for name, text in fields.items():
        form.add_field(name, text)
    for name, content in files.items():
        form.add_field(name, io.BytesIO(content), filename=f"{name}.bin")
    return await api.post(method, data=form)


async def test_an_uploaded_photo_has_its_size_in_pixels(api: Api) -> None:
    answer = await upload(api, "sendPhoto", {"photo": png(40, 30)}, chat_id="101", caption="see")
    message = answer["result"]
    assert (message["photo"][-1]["width"], message["photo"][-1]["height"]) == (40, 30)
    assert message["caption"] == "see"


async def test_a_large_photo_comes_in_two_sizes_the_original_last(api: Api) -> None:
    photo = png(900, 600) + bytes(1000)
    small, large = (await upload(api, "sendPhoto", {"photo": photo}, chat_id="101"))["result"]["photo"]
    assert ((small["width"], small["height"]), (large["width"], large["height"])) == ((90, 60), (900, 600))
    assert small["file_id"] != large["file_id"]
    assert small["file_size"] < large["file_size"] == len(photo)


async def test_a_file_can_be_sent_again_by_its_id(api: Api) -> None:
    answer = await upload(api, "sendDocument", {"document": b"text"}, chat_id="101")
    file_id = answer["result"]["document"]["file_id"]
    again = await api.ok("sendDocument", chat_id=BORIS, document=file_id)
    assert again["document"]["file_unique_id"] == answer["result"]["document"]["file_unique_id"]
    refused = await api.error("sendPhoto", chat_id=BORIS, photo=file_id)
    assert refused == "Bad Request: can't use file of type Document as Photo"


@pytest.mark.parametrize(
    ("method", "name", "content", "trouble"),
    [
        ("sendPhoto", "photo", b"no picture", "IMAGE_PROCESS_FAILED"),
        ("sendPhoto", "photo", b"GIF89a", "IMAGE_PROCESS_FAILED"),
        ("sendPhoto", "photo", png(9000, 9000), "PHOTO_INVALID_DIMENSIONS"),
        ("sendDocument", "document", b"", "file must be non-empty"),
    ],
)
async def test_a_file_that_cannot_be_is_refused(api: Api, method: str, name: str, content: bytes, trouble: str) -> None:
    answer = await upload(api, method, {name: content}, chat_id="101")
    assert trouble in answer["description"]


async def test_a_photo_over_10_megabytes_is_refused(api: Api) -> None:
    answer = await upload(api, "sendPhoto", {"photo": png() + bytes(10 * 1024 * 1024)}, chat_id="101")
    assert "is too big for a photo; the maximum size is 10485760 bytes" in answer["description"]


async def test_an_upload_over_50_megabytes_is_refused(api: Api) -> None:
    answer = await upload(api, "sendDocument", {"document": bytes(50 * 1024 * 1024 + 1)}, chat_id="101")
    assert answer["error_code"] == 413


async def test_a_video_note_is_round_and_has_no_words(control: Control, api: Api) -> None:
    sent = (await upload(api, "sendVideoNote", {"video_note": b"mp4"}, chat_id="101", length="360"))["result"]
    assert (sent["video_note"]["length"], "caption" in sent) == (360, False)
    where = {"chat_id": ANNA, "message_id": sent["message_id"]}
    assert "there is no caption" in await api.error("editMessageCaption", **where, caption="x")
    person = {"chat_id": ANNA, "user_id": ANNA, "video_note": {"name": "v.mp4"}}
    assert (await control("message", **person))["message"]["video_note"].keys() >= {"file_id", "length", "duration"}
    assert await control.refused("message", **person, caption="x") == "a video_note has no caption"


async def test_a_wrong_file_id_is_refused(api: Api) -> None:
    answer = await api.error("sendDocument", chat_id=ANNA, document="nonsense")
    assert answer == "Bad Request: wrong file identifier/HTTP URL specified"


async def test_a_file_is_loaded_whole_from_a_url_of_this_machine_only(api: Api) -> None:
    content = png() + bytes(1024 * 1024)

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=content)

    app = web.Application()
    app.router.add_get("/cat.png", give)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/cat.png"
    message = await api.ok("sendPhoto", chat_id=ANNA, photo=url)
    await runner.cleanup()
    assert (message["photo"][-1]["width"], message["photo"][-1]["file_size"]) == (40, len(content))
    refused = await api.error("sendPhoto", chat_id=ANNA, photo="http://example.org/cat.png")
    assert refused == "Bad Request: failed to get HTTP URL content"


async def test_a_persons_file_can_be_downloaded_for_an_hour(
    sandbox: Sandbox, control: Control, api: Api, session: aiohttp.ClientSession
) -> None:
    content = "отчёт".encode()
    document = {"name": "r.txt", "mime": "text/plain", "base64": base64.b64encode(content).decode()}
    await control("message", chat_id=ANNA, user_id=ANNA, document=document, caption="/read it")
    message = (await api.ok("getUpdates"))[0]["message"]
    found = await api.ok("getFile", file_id=message["document"]["file_id"])
    url = f"{sandbox.url}/file/bot1000:sandbox-token/{found['file_path']}"
    async with session.get(url) as response:
        assert await response.read() == content
    real = sandbox.world.clock
    sandbox.world.clock = lambda: real() + 3601
    async with session.get(url) as response:
        assert response.status == 404
    assert message["caption_entities"][0]["type"] == "bot_command"


@pytest.fixture
async def link(sandbox: Sandbox, api: Api) -> str:
    """The address of a file of 1000 bytes."""
    said = sandbox.world.say(ANNA, file=("document", Upload("a.bin", "", bytes(1000)))).message
    found = await api.ok("getFile", file_id=said["document"]["file_id"])
    return f"{sandbox.url}/file/bot1000:sandbox-token/{found['file_path']}"


async def test_a_download_is_listed_as_a_call(sandbox: Sandbox, session: aiohttp.ClientSession, link: str) -> None:
    async with session.get(link) as response:
        await response.read()
    (call,) = sandbox.world.calls("download")
    assert (call.ok, call.params) == (True, {"file_path": link.partition("-token/")[2]})


@pytest.mark.parametrize(("kind", "code"), [("401", 401), ("500", 500), ("502_html", 502)])
async def test_a_download_can_fail(
    sandbox: Sandbox, session: aiohttp.ClientSession, link: str, kind: str, code: int
) -> None:
    sandbox.world.faults.add([{"method": "download", "kind": kind}])
    async with session.get(link) as response:
        assert response.status == code
    async with session.get(link) as response:
        assert len(await response.read()) == 1000


async def test_a_download_can_break_halfway(sandbox: Sandbox, session: aiohttp.ClientSession, link: str) -> None:
    sandbox.world.faults.add([{"method": "download", "kind": "cut_after"}])
    async with session.get(link) as response:
        assert response.status == 200
        with pytest.raises(aiohttp.ClientError):
            await response.read()


async def test_a_file_over_20_megabytes_cannot_be_downloaded(control: Control, api: Api) -> None:
    document = {"name": "big.zip", "mime": "application/zip", "size": 20 * 1024 * 1024 + 1}
    await control("message", chat_id=ANNA, user_id=ANNA, document=document)
    message = (await api.ok("getUpdates"))[0]["message"]
    answer = await api.error("getFile", file_id=message["document"]["file_id"])
    assert answer == "Bad Request: file is too big"


async def test_the_page_gets_a_url_for_every_file(
    sandbox: Sandbox, control: Control, session: aiohttp.ClientSession
) -> None:
    photo = {"name": "a.png", "mime": "image/png", "base64": base64.b64encode(png()).decode()}
    sent = await control("message", chat_id=ANNA, user_id=ANNA, photo=photo)
    async with session.get(sandbox.url + sent["message"]["file_url"]) as response:
        assert (await response.read(), response.content_type) == (png(), "image/png")


async def test_a_page_that_somebody_sent_runs_no_scripts(
    sandbox: Sandbox, control: Control, session: aiohttp.ClientSession
) -> None:
    page = {"name": "a.html", "mime": "text/html", "base64": base64.b64encode(b"<script>alert(1)</script>").decode()}
    sent = await control("message", chat_id=ANNA, user_id=ANNA, document=page)
    async with session.get(sandbox.url + sent["message"]["file_url"]) as response:
        assert response.content_type == "text/html"
        assert response.headers["Content-Security-Policy"] == "sandbox"


async def test_an_album_of_uploads_has_one_group_id(api: Api) -> None:
    media = '[{"type":"photo","media":"attach://one","caption":"both"},{"type":"photo","media":"attach://two"}]'
    answer = await upload(api, "sendMediaGroup", {"one": png(), "two": png()}, chat_id="101", media=media)
    first, second = answer["result"]
    assert first["media_group_id"] == second["media_group_id"]
    assert (first["caption"], "caption" in second) == ("both", False)


async def test_documents_do_not_mix_with_photos_in_an_album(api: Api) -> None:
    kinds = '[{"type":"photo","media":"attach://one"},{"type":"document","media":"attach://two"}]'
    answer = await upload(api, "sendMediaGroup", {"one": png(), "two": b"x"}, chat_id="101", media=kinds)
    assert answer["description"] == "Bad Request: document can't be mixed with other media types"


async def test_a_persons_album_arrives_as_messages_with_one_group_id(sandbox: Sandbox, api: Api) -> None:
    files = [("photo", Upload(f"{n}.png", "image/png", png())) for n in range(3)]
    sandbox.world.album(ANNA, files, "three")
    messages = [update["message"] for update in await api.ok("getUpdates")]
    assert len({message["media_group_id"] for message in messages}) == 1
    assert [message.get("caption") for message in messages] == ["three", None, None]


async def test_a_persons_album_may_be_a_reply_in_a_topic(control: Control, api: Api) -> None:
    await control("bot", has_topics_enabled=True)
    question = await api.ok("sendMessage", chat_id=ANNA, text="Show me")
    where = {"chat_id": ANNA, "user_id": ANNA, "reply_to_message_id": question["message_id"], "message_thread_id": 7}
    await control("album", **where, files=[{"document": {"name": "a.txt"}}] * 2)
    messages = [update["message"] for update in await api.ok("getUpdates")]
    assert [message["reply_to_message"]["text"] for message in messages] == ["Show me"] * 2
    assert [message["message_thread_id"] for message in messages] == [7, 7]


async def test_a_person_edits_and_takes_away_the_caption_of_a_file(control: Control, api: Api) -> None:
    where = {"chat_id": ANNA, "user_id": ANNA}
    sent = (await control("message", **where, document={"name": "a.txt"}, caption="/raed"))["message"]
    for text in ("/read", ""):
        await control("edit", **where, message_id=sent["message_id"], text=text)
    new, bare = [update["edited_message"] for update in (await api.ok("getUpdates"))[1:]]
    assert (new["caption"], new["caption_entities"][0]["length"]) == ("/read", 5)
    assert new["document"] == bare["document"] == sent["document"]
    assert not {"caption", "caption_entities", "text"} & set(bare)


async def test_an_album_needs_the_right_to_send_files_of_its_kind(control: Control, api: Api) -> None:
    await control("chat", id=TEAM, permissions={"can_send_documents": False})
    for kind, content in (("photo", png()), ("document", b"x")):
        media = f'[{{"type":"{kind}","media":"attach://one"}},{{"type":"{kind}","media":"attach://two"}}]'
        answer = await upload(api, "sendMediaGroup", {"one": content, "two": content}, chat_id=str(TEAM), media=media)
        assert answer["ok"] is (kind == "photo")
    assert answer["description"] == "Bad Request: not enough rights to send documents to the chat"


async def test_caption_and_file_can_be_edited(api: Api) -> None:
    message = (await upload(api, "sendPhoto", {"photo": png()}, chat_id="101"))["result"]
    where = {"chat_id": ANNA, "message_id": message["message_id"]}
    assert (await api.ok("editMessageCaption", **where, caption="new"))["caption"] == "new"
    fields = {"chat_id": "101", "message_id": str(message["message_id"])}
    media = '{"type":"document","media":"attach://file"}'
    edited = await upload(api, "editMessageMedia", {"file": b"x"}, **fields, media=media)
    assert "photo" not in edited["result"]
    assert edited["result"]["document"]["file_size"] == 1


async def test_a_photo_cannot_become_a_voice(api: Api) -> None:
    message = (await upload(api, "sendPhoto", {"photo": png()}, chat_id="101"))["result"]
    fields = {"chat_id": "101", "message_id": str(message["message_id"])}
    answer = await upload(
        api, "editMessageMedia", {"file": b"x"}, **fields, media='{"type":"voice","media":"attach://file"}'
    )
    assert answer["description"] == "Bad Request: can't parse InputMedia: unsupported type specified"


async def test_a_text_has_no_caption_and_a_photo_no_text_to_edit(api: Api) -> None:
    text = await api.ok("sendMessage", chat_id=ANNA, text="x")
    photo = (await upload(api, "sendPhoto", {"photo": png()}, chat_id="101"))["result"]
    caption = {"chat_id": ANNA, "message_id": text["message_id"], "caption": "x"}
    words = {"chat_id": ANNA, "message_id": photo["message_id"], "text": "x"}
    assert "there is no caption in the message to edit" in await api.error("editMessageCaption", **caption)
    assert "there is no text in the message to edit" in await api.error("editMessageText", **words)


async def test_a_caption_has_at_most_1024_units(api: Api) -> None:
    answer = await upload(api, "sendPhoto", {"photo": png()}, chat_id="101", caption="x" * 1025)
    assert answer["description"] == "Bad Request: message caption is too long"


async def test_votes_are_counted_and_told(sandbox: Sandbox, api: Api) -> None:
    options = [{"text": "yes"}, {"text": "no"}]
    message = await api.ok("sendPoll", chat_id=TEAM, question="?", options=options, is_anonymous=False)
    sandbox.world.vote(ANNA, message["message_id"], [1], TEAM)
    answered, counted = await api.ok("getUpdates")
    assert answered["poll_answer"]["option_ids"] == [1]
    assert [option["voter_count"] for option in counted["poll"]["options"]] == [0, 1]


async def test_a_stopped_poll_takes_no_more_votes(sandbox: Sandbox, control: Control, api: Api) -> None:
    message = await api.ok("sendPoll", chat_id=TEAM, question="?", options=["yes", "no"])
    where = {"chat_id": TEAM, "message_id": message["message_id"]}
    assert (await api.ok("stopPoll", **where))["is_closed"] is True
    assert await control.refused("vote", **where, user_id=ANNA, option_ids=[0]) == "the poll is closed"
    assert "poll has already been closed" in await api.error("stopPoll", **where)


async def test_a_poll_with_a_period_closes_when_it_is_told_to(control: Control, api: Api) -> None:
    message = await api.ok("sendPoll", chat_id=TEAM, question="?", options=["a", "b"], open_period=600)
    await control("close_poll", chat_id=TEAM, message_id=message["message_id"])
    assert (await api.ok("getUpdates"))[0]["poll"]["is_closed"] is True


@pytest.mark.parametrize(
    ("params", "trouble"),
    [
        ({"options": []}, "poll must have at least 1 option"),
        ({"options": ["x"] * 13}, "poll can't have more than 12 options"),
        ({"options": ["x" * 101]}, "poll option length must not exceed 100"),
        ({"options": ["a", "b"], "question": "x" * 301}, "poll question length must not exceed 300"),
        ({"options": ["a", "b"], "type": "quiz"}, "wrong correct option ID specified"),
        ({"options": ["a", "b"], "open_period": 1}, "wrong poll open period specified"),
    ],
)
async def test_a_wrong_poll_is_refused(api: Api, params: dict[str, Any], trouble: str) -> None:
    answer = await api.error("sendPoll", **{"chat_id": TEAM, "question": "?", **params})
    assert answer == f"Bad Request: {trouble}"
