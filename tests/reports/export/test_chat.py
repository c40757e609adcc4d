"""An export on its way: how far it is, a second press, the button that ends it, and how files come."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import Access, Chat, User
from delivery.errors import DeliveryError
from delivery.models import Delivery
from reports.export import spool, verbs, words
from reports.models import AvitoProfile, Export
from sandbox.avito import SEVER
from telegram_bot import documents as documents_out
from telegram_bot import outgoing
from telegram_bot.limiter import RESERVED, Limiter
from telegram_bot.models import Button
from telegram_bot.outgoing import Key, Place
from tests.house import ANNA, BOT, OLGA, House
from tests.posts.chatting import labels
from tests.reports import making
from tests.reports.export.doing import documents, ended, given, press, run, start, told, world

# Five seconds, less what it took to write them down.
PAUSE = re.compile(r"⏳ Avito asks for a pause: I go on in [1-5] seconds?\.")
pytestmark = pytest.mark.django_db(transaction=True)


async def held(house: House, after: int = 10) -> None:
    """An export that stands still after so many chats."""
    await house.db(given, house)
    world(house).trouble("messages", "hold", after=after)
    await start(house)
    await world(house).until(lambda: world(house).count("messages") >= after + 4)


def go_on(house: House) -> None:
    world(house).calm()
    world(house).release()


async def test_it_is_shown_how_far_it_is(house: House) -> None:
    await held(house)
    await house.until(lambda: "💬 Chats: 10 of 39, messages:" in told(house))
    assert labels(house) == ["✖️ Cancel"]
    go_on(house)
    await ended(house)
    assert "✅ Ready" in told(house)
    assert len([text for text in house.heard(ANNA) if text.startswith("📥")]) == 1


async def test_while_chats_are_looked_for_it_says_so(house: House) -> None:
    await house.db(given, house)
    world(house).trouble("chats", "hold")
    await start(house)
    await house.until(lambda: "🔎 Looking for chats: 0 so far…" in told(house))
    go_on(house)
    await ended(house)


async def test_a_second_press_shows_the_first_export_and_starts_none(house: House) -> None:
    await held(house)
    await press(house, "Export")
    await house.until(lambda: len([text for text in house.heard(ANNA) if text.startswith("📥")]) == 2)
    assert labels(house) == ["✖️ Cancel"]
    assert await house.db(Export.objects.count) == 1
    go_on(house)
    await ended(house)
    before, now = [text for text in house.heard(ANNA) if text.startswith("📥")]
    assert before.endswith("How far it is stands below.")
    assert "✅ Ready" in now
    assert len(documents(house)) == 1


async def test_two_presses_on_one_choice_start_one_export(house: House) -> None:
    await house.db(given, house)
    world(house).trouble("chats", "hold")
    await press(house, "Export")
    await house.quiet()
    message = house.messages(ANNA)[-1]
    data = message["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    for _press in range(2):
        house.world.press(ANNA, message["message_id"], data)
    await house.until(lambda: world(house).count("chats") == 1)
    await asyncio.sleep(0.2)
    assert await house.db(Export.objects.count) == 1
    go_on(house)
    await ended(house)


async def test_the_button_ends_it_at_once_and_nothing_is_kept(house: House, files: Path) -> None:
    await held(house)
    await press(house, "✖️ Cancel")
    export = await ended(house)

    assert export.state == "cancelled"
    assert told(house).endswith("Cancelled. Nothing of it was kept.")
    assert not documents(house)
    await house.until(lambda: not list((files / "exports").iterdir()))
    go_on(house)


async def test_who_ends_what_is_over_is_told(house: House) -> None:
    await held(house)
    button = await house.db(Button.objects.get, action=verbs.CANCEL)
    await house.db(making.delete_all_profiles)
    keys = [[Key("End it", verbs.CANCEL, button.data)]]
    await house.db(outgoing.say, "old", Place(BOT, ANNA), "An old message", keys)
    assert await press(house, "End it") == "It has ended already."
    assert await press(house, "Export") == "This profile is gone. /profiles lists those that are left."
    go_on(house)
    await house.quiet()


async def test_another_cannot_end_it(house: House) -> None:
    await held(house)
    await house.db(copied_button)
    assert await press(house, "End it", OLGA) == "Only the owner of a profile exports its chats."
    assert await house.db(Export.objects.filter(state="queued").exists)
    go_on(house)
    await ended(house)


def copied_button() -> None:
    """The button of the export under way, in another's chat."""
    button = Button.objects.get(action=verbs.CANCEL)
    outgoing.say("copied", Place(BOT, OLGA), "Look", [[Key("End it", verbs.CANCEL, button.data)]])


async def test_a_pause_of_avitos_is_counted_down(house: House) -> None:
    await house.db(given, house)
    world(house).trouble("messages", 429, times=1, after=5, retry_after=5)
    await start(house)
    await house.until(lambda: any(PAUSE.search(call.params["text"]) for call in house.calls("editMessageText", ANNA)))
    await ended(house)
    assert len(documents(house)) == 1


# --- how files come -------------------------------------------------------------------------------------------------


async def test_a_file_that_telegram_did_not_take_is_sent_again(house: House) -> None:
    await house.db(given, house)
    house.fault("sendDocument", "502_html")
    await run(house)
    await house.until(lambda: len(documents(house)) == 1)
    await house.quiet()
    assert documents(house)[0]["caption"].endswith("Chats of “Север”")


async def test_a_file_that_may_have_come_before_says_so(house: House) -> None:
    """Its sender died; the row says that it was on its way."""
    profile = await house.db(given, house)
    await house.db(two_files, profile, repeated=True)
    await house.until(lambda: len(documents(house)) == 2)
    assert documents(house)[0]["caption"] == "↻ possibly a repetition\nChats of “Север”, file 1 of 2"


async def test_the_mark_is_in_its_owners_language(house: House) -> None:
    profile = await house.db(given, house)
    await house.db(lambda: User.objects.filter(pk=profile.owner_id).update(language="ru"))
    await house.db(two_files, profile, repeated=True)
    await house.until(lambda: len(documents(house)) == 2)
    assert documents(house)[0]["caption"].startswith("↻ возможно")


async def test_who_may_not_use_the_bot_any_more_gets_no_file(house: House, files: Path) -> None:
    profile = await house.db(given, house)
    await house.db(lambda: User.objects.filter(pk=profile.owner_id).update(status=Access.BLOCKED))
    await house.db(two_files, profile)
    await house.until(lambda: not list((files / "exports").iterdir()))
    await house.quiet()
    assert not documents(house)


class Counter(Limiter):
    """Knows which calls waited for their turn in the limiter itself, and which were let through."""

    def __init__(self) -> None:
        super().__init__(bot=0, chat=100, group=0)
        self.waited: list[str] = []

    async def process_request(
        self, callback: Any, args: Any, kwargs: Any, endpoint: str, data: Any, rate_limit_args: Any
    ) -> Any:
        if rate_limit_args != RESERVED:
            self.waited.append(endpoint)
        return await super().process_request(callback, args, kwargs, endpoint, data, rate_limit_args)


async def test_a_file_waits_for_its_turn_in_the_chat(house: House) -> None:
    """In the export's own lane no room was made for it."""
    limiter = Counter()
    house.application.bot._rate_limiter = limiter
    profile = await house.db(given, house)
    await house.db(two_files, profile)
    await house.until(lambda: len(documents(house)) == 2)
    assert [endpoint for endpoint in limiter.waited if endpoint.startswith("send")] == ["sendDocument"] * 2


async def test_a_line_that_is_too_slow_leaves_doubt(house: House, tmp_path: Path) -> None:
    (tmp_path / "1.xlsx").write_bytes(b"one")
    house.fault("sendDocument", "hang")
    row = Delivery(key="slow", lane="task:export:x:0", bot_id=BOT, chat_id=ANNA, content={})
    with pytest.raises(DeliveryError) as caught:
        await documents_out.send_file(row, tmp_path / "1.xlsx", "1.xlsx", within=0.3)
    assert (caught.value.kind, caught.value.doubt, caught.value.permanent) == ("network", True, False)


async def test_a_file_that_is_refused_for_good_is_told(house: House, files: Path) -> None:
    await house.db(given, house)
    house.fault("sendDocument", "400", times=None, description="Bad Request: file must be non-empty")
    await run(house)
    await house.until(lambda: "The file did not get to Telegram." in told(house))
    await house.until(lambda: not list((files / "exports").iterdir()))


async def test_of_a_profile_that_was_deleted_no_file_is_sent(house: House) -> None:
    await house.db(given, house)
    house.fault("sendDocument", "429", times=None, retry_after=2)  # until the profile is gone, however long that takes
    await start(house)
    await house.until(lambda: house.calls("sendDocument"))
    await house.db(making.delete_all_profiles)
    await house.until(lambda: not house.engine.health()["lanes"])  # who was at it has seen the 429
    house.world.faults.clear()
    await asyncio.sleep(2.5)
    await house.quiet()
    assert not documents(house)


def test_several_files_are_counted_and_go_in_order(transactional_db: None) -> None:
    assert words.caption("Север", 2, 3) == "Chats of “Север”, file 2 of 3"
    assert words.file_name("ООО «Рога/Копыта»: №1", "2026-11-20", 2, 3) == (
        "Avito chats ООО «Рога_Копыта»_ _1 2026-11-20 2-3.xlsx"
    )
    assert words.file_name("///", "2026-11-20", 1, 1) == "Avito chats ___ 2026-11-20.xlsx"


async def test_parts_go_one_after_another_and_then_the_folder_goes(house: House, files: Path) -> None:
    profile = await house.db(given, house)
    await house.db(two_files, profile)
    async with asyncio.timeout(60):
        while len(documents(house)) < 2:
            await asyncio.sleep(0.05)
    await house.quiet()

    assert [one["caption"] for one in documents(house)] == [
        "Chats of “Север”, file 1 of 2",
        "Chats of “Север”, file 2 of 2",
    ]
    assert [one["content"] for one in documents(house)] == [b"one", b"two"]
    assert list((files / "exports").iterdir()) == []


@transaction.atomic
def two_files(profile: AvitoProfile, *, repeated: bool = False) -> None:
    """An export of which two files are ready."""
    export = begun(profile)
    folder = spool.folder_of(export.pk)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "1.xlsx").write_bytes(b"one")
    (folder / "2.xlsx").write_bytes(b"two")
    export.progress["parts"] = [{"chats": 1, "messages": 2}, {"chats": 3, "messages": 4}]
    export.save()
    verbs.finish(export, [], "2026-11-20", timezone.now())
    Delivery.objects.filter(backend=verbs.FILE_BACKEND).update(repeated=repeated)


def begun(profile: AvitoProfile) -> Export:
    export, _new = verbs.begin(profile, profile.owner, Chat.objects.get(person=profile.owner), 0, 0, now=timezone.now())
    Delivery.objects.filter(key=verbs.key_of(export.pk)).delete()
    found = verbs.find(export.pk)
    assert found is not None
    return found


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "beginning"),
    [
        ({}, None),
        ({"listing_cut": True}, "Avito shows no more than 1,100 chats of one list."),
        ({"part_of_all": True}, "About one of the listings there are more than 1,100 chats"),
        ({"cut": 3}, "Of 3 chats only the newest 1,100 messages are here"),
        ({"refused": 1}, "Avito did not let the messages of 1 chat be read"),
        ({"items_cut": True}, "Chats about the first 20,000 listings were looked for"),
    ],
    ids=["all-here", "listing", "one-item", "messages", "refused", "many-items"],
)
def test_what_misses_is_said(facts: Mapping[str, Any], beginning: str | None) -> None:
    usual: dict[str, Any] = {"refused": 0, "cut": 0, "listing_cut": False, "part_of_all": False, "items_cut": False}
    found = words.notes(**{**usual, **facts})
    assert (found[0].startswith(beginning) and len(found) == 1) if beginning else found == []


async def test_ceiling_is_said_in_the_message_and_in_the_file(house: House) -> None:
    await house.db(given, house)
    inbox = world(house).accounts[SEVER].inbox
    inbox.chats, inbox.odd, inbox.long = 2, False, {0: 1150}
    await run(house)
    assert "⚠️ Of 1 chat only the newest 1,100 messages are here" in told(house)
