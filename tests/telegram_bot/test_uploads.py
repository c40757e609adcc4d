"""Files on their way out: brought once, found by their ids, waiting for each other; and messages that go exactly."""

import asyncio
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Chat
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from files import services as files
from files.models import StoredFile
from telegram_bot import backend, uploads
from telegram_bot.uploads import Freight, in_content
from tests.house import ANNA, BOT, House
from tests.posts.files import png


def stored(content: bytes | None = None, name: str = "a.png") -> StoredFile:
    return files.store_bytes(None, content or png(), name, timezone.now())


def upload(file: StoredFile | None = None, field: str = "photo", **more: Any) -> dict[str, Any]:
    return {"field": field, "kind": "photo", "file": file.pk if file else None, **more}


def freight(*uploads: dict[str, Any], bot: int = BOT) -> Freight:
    made = Freight(uploads, bot)
    made.look()
    return made


# --- one file, several ----------------------------------------------------------------------------------------------


def test_uploads_of_a_message_are_one_or_several() -> None:
    one, two = {"field": "photo"}, {"field": "file0"}
    assert in_content({"upload": one}) == [one]
    assert in_content({"uploads": [two]}) == [two]
    assert in_content({}) == []


def test_unknown_file_goes_as_it_is_under_its_name(db: None) -> None:
    params = freight(upload(stored())).fill("sendPhoto", {"chat_id": 1})
    assert (params["photo"].filename, params["photo"].input_file_content) == ("a.png", png())


def test_file_without_a_name_is_named_by_its_type(db: None) -> None:
    params = freight(upload(stored(name=""))).fill("sendPhoto", {})
    assert params["photo"].filename == "file.png"


def test_id_that_the_answer_told_is_sent_from_then_on(db: None) -> None:
    file = stored()
    first = freight(upload(file))
    first.remember({"photo": [{"file_id": "small"}, {"file_id": "large"}]})
    second = freight(upload(file))
    assert second.is_known
    assert second.fill("sendPhoto", {})["photo"] == "large"


def test_id_holds_for_one_bot_and_one_kind(db: None) -> None:
    file = stored()
    freight(upload(file)).remember({"photo": [{"file_id": "p"}]})
    assert not freight(upload(file), bot=5).is_known
    assert not freight(upload(file) | {"kind": "document"}).is_known


def test_id_from_elsewhere_holds_for_the_bot_that_got_it(db: None) -> None:
    assert freight(upload(id="p", bot=BOT)).fill("sendPhoto", {})["photo"] == "p"
    with pytest.raises(DeliveryError) as gone:
        freight(upload(id="p", bot=5)).fill("sendPhoto", {})
    assert (gone.value.kind, gone.value.permanent) == ("file gone", True)


def test_album_has_ids_in_its_list_and_files_beside_it(db: None) -> None:
    known, new = stored(png(8, 7)), stored()
    freight(upload(known)).remember({"photo": [{"file_id": "p"}]})
    album = freight(upload(known, "file0"), upload(new, "file1"))
    media = [{"type": "photo", "media": f"attach://file{number}", "caption": "Hi"} for number in (0, 1)]
    params = album.fill("sendMediaGroup", {"media": media})

    assert [item.to_dict() for item in params["media"]] == [
        {"type": "photo", "media": "p", "caption": "Hi"},
        {"type": "photo", "media": "attach://file1", "caption": "Hi"},
    ]
    assert "file0" not in params
    assert params["file1"].input_file_content == png()


def test_ids_of_an_album_are_told_by_its_messages(db: None) -> None:
    first, second = stored(png(8, 7)), stored()
    freight(upload(first), upload(second)).remember([{"photo": [{"file_id": "1"}]}, {"photo": [{"file_id": "2"}]}])
    assert freight(upload(second)).fill("sendPhoto", {})["photo"] == "2"


def test_what_telegram_made_another_kind_of_is_not_remembered(db: None) -> None:
    file = stored()
    freight(upload(file) | {"kind": "video"}).remember({"animation": {"file_id": "g"}})
    assert not freight(upload(file) | {"kind": "video"}).is_known


def test_lost_file_of_an_album_is_named_by_its_number(db: None) -> None:
    there, lost = stored(png(8, 7)), stored()
    files.path_of(lost).unlink()
    with pytest.raises(DeliveryError, match="File 2"):
        freight(upload(there, "file0"), upload(lost, "file1")).fill("sendMediaGroup", {"media": []})


def test_stale_ids_are_given_up_where_the_file_is_here(db: None) -> None:
    file = stored()
    freight(upload(file)).remember({"photo": [{"file_id": "p"}]})
    both = freight(upload(file), upload(id="q", bot=BOT))
    assert not both.bring_anew("bad request: chat not found")
    assert both.bring_anew("wrong file identifier/http url specified")
    assert not freight(upload(id="q", bot=BOT)).bring_anew("wrong file identifier/http url specified")
    assert both.fill("sendPhoto", {})["photo"] == "q"


def test_second_message_waits_for_the_file_that_a_first_one_brings(db: None) -> None:
    file = stored()
    with freight(upload(file)).under_way():
        with pytest.raises(DeliveryError) as waiting, freight(upload(file)).under_way():
            pass
        with freight(upload(stored(png(8, 7)))).under_way():
            pass
    assert waiting.value.retry_after == 0.5
    with freight(upload(file)).under_way():
        pass


def test_message_with_a_known_file_waits_for_nobody(db: None) -> None:
    file = stored()
    with freight(upload(file)).under_way():
        freight(upload(file)).remember({"photo": [{"file_id": "p"}]})
        with freight(upload(file)).under_way():
            pass


def test_no_more_is_on_its_way_than_memory_holds(db: None) -> None:
    large, other, small = stored(), stored(png(8, 7)), stored(png(9, 7))
    StoredFile.objects.filter(pk__in=[large.pk, other.pk]).update(size=60 * 1024 * 1024)
    with freight(upload(large)).under_way():
        with pytest.raises(DeliveryError) as waiting, freight(upload(other)).under_way():
            pass
        with freight(upload(small)).under_way():
            pass
    assert (waiting.value.kind, waiting.value.retry_after) == ("waiting", 0.5)
    StoredFile.objects.filter(pk=large.pk).update(size=600 * 1024 * 1024)
    with freight(upload(large)).under_way():  # alone it goes, however large
        pass


def test_failed_message_lets_the_file_go(db: None) -> None:
    file = stored()
    with pytest.raises(ValueError, match="broken"), freight(upload(file)).under_way():
        raise ValueError("broken")
    with freight(upload(file)).under_way():
        pass


# --- exactly, over the wire -----------------------------------------------------------------------------------------


async def send(house: House, method: str, *uploads: dict[str, Any], exact: bool = True, **params: Any) -> Sent:
    content = {"method": method, "params": {"chat_id": ANNA, **params}, "uploads": list(uploads), "exact": exact}
    return await backend.send(Delivery(key="k", bot_id=BOT, chat_id=ANNA, lane="l", content=content))


async def refused(house: House, method: str, description: str, **params: Any) -> DeliveryError:
    house.fault(method, "400", description=f"Bad Request: {description}")
    with pytest.raises(DeliveryError) as error:
        await send(house, method, **params)
    return error.value


async def test_exact_message_tells_its_numbers(house: House) -> None:
    sent = await send(house, "sendMessage", text="Hello")
    assert sent.result == {"message_ids": [sent.message_id]}


async def test_two_at_once_bring_a_file_once(house: House) -> None:
    file = await house.db(stored)
    house.fault("sendPhoto", "hold")
    both = [asyncio.create_task(send(house, "sendPhoto", upload(file))) for _message in range(2)]
    await asyncio.wait(both, timeout=60, return_when=asyncio.FIRST_COMPLETED)
    house.world.faults.clear()
    outcomes = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["DeliveryError", "Sent"]
    await send(house, "sendPhoto", upload(file))
    first, second = (call.params["photo"] for call in house.calls("sendPhoto"))
    assert (first["size"], isinstance(second, str)) == (len(png()), True)


async def test_answer_to_a_file_that_is_brought_has_a_time_of_its_own(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "ANSWER_SECONDS", 0.1)
    house.fault("*", "slow", times=2, seconds=0.5)
    with pytest.raises(DeliveryError) as late:
        await send(house, "sendPhoto", upload(await house.db(stored)))
    assert (late.value.kind, late.value.doubt) == ("network", True)
    assert (await send(house, "sendMessage", text="Hello")).message_id


async def test_edit_of_what_is_so_already_is_done(house: House) -> None:
    sent = await send(house, "sendMessage", text="Hello")
    again = await send(house, "editMessageText", text="Hello", message_id=sent.message_id)
    assert again.message_id == sent.message_id


@pytest.mark.parametrize(
    ("method", "description"),
    [
        ("editMessageText", "message to edit not found"),
        ("editMessageMedia", "MESSAGE_ID_INVALID"),
        ("pinChatMessage", "message to pin not found"),
        ("stopPoll", "message with poll to stop not found"),
        ("deleteMessage", "message to delete not found"),
    ],
)
async def test_message_that_is_not_there_is_gone_and_nothing_is_sent_instead(
    house: House, method: str, description: str
) -> None:
    more: dict[str, Any] = {"text": "Hello"} if method == "editMessageText" else {}
    more |= {"media": {"type": "photo", "media": "x"}} if method == "editMessageMedia" else {}
    error = await refused(house, method, description, message_id=7, **more)
    assert (error.kind, error.permanent) == ("gone", True)
    assert house.messages(ANNA) == []


@pytest.mark.parametrize(
    ("description", "kind"),
    [
        ("IMAGE_PROCESS_FAILED", "file"),
        ("PHOTO_INVALID_DIMENSIONS", "file"),
        ("file must be non-empty", "file"),
        ("message caption is too long", "rejected"),
        ("TOPIC_CLOSED", "topic"),
        ("chat not found", "forbidden"),
    ],
)
async def test_refusal_says_what_it_is_about(house: House, description: str, kind: str) -> None:
    error = await refused(house, "sendPhoto", description, photo="x")
    assert (error.kind, error.permanent) == (kind, True)


async def test_missing_right_for_one_thing_closes_no_chat(house: House) -> None:
    error = await refused(house, "pinChatMessage", "not enough rights to manage pinned messages", message_id=1)
    chat = await house.db(Chat.objects.get, telegram_id=ANNA)
    assert (error.kind, chat.unreachable) == ("forbidden", "")


async def test_number_in_a_group_that_became_a_supergroup_is_gone(house: House) -> None:
    old = house.world.add_chat("group", "Small", members={ANNA: "creator", BOT: "member"})
    await house.db(Chat.objects.create, bot_id=BOT, telegram_id=old.id, kind="group")
    new = house.world.migrate(old.id)
    await house.quiet()

    with pytest.raises(DeliveryError) as error:
        await send(house, "editMessageText", text="Hello", chat_id=old.id, message_id=1)
    sent = await send(house, "sendMessage", text="Hello", chat_id=old.id)
    assert error.value.kind == "gone"
    assert sent.result["chat_id"] == new.id


async def test_repeated_exact_message_carries_no_mark(house: House) -> None:
    content = {"method": "sendMessage", "params": {"chat_id": ANNA, "text": "Hello"}, "exact": True}
    await backend.send(Delivery(key="k", bot_id=BOT, chat_id=ANNA, lane="l", content=content, repeated=True))
    assert house.heard(ANNA) == ["Hello"]


async def test_other_messages_are_mended_as_ever(house: House) -> None:
    house.fault("sendPhoto", "400", description="Bad Request: PHOTO_INVALID_DIMENSIONS")
    file = await house.db(stored)
    await send(house, "sendPhoto", upload(file), exact=False)
    (message,) = house.messages(ANNA)
    assert message["document"]["file_name"] == "a.png"
