"""The work on an export, step by step: what a dead worker leaves, pauses, cancelling, two at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, User
from core.db import in_db
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent, call_off
from reports.export import job, spool, verbs
from reports.models import AvitoProfile, CallGate, Export
from reports.services.profiles import delete_profile
from sandbox.avito import AvitoWorld, serve_avito
from telegram_bot.models import Button
from tests.reports import making

pytestmark = pytest.mark.django_db(transaction=True)
SHOP = 95_000_001
State = Export.State


@pytest_asyncio.fixture
async def world(settings: Settings) -> AsyncIterator[AvitoWorld]:
    """An account with 30 chats of two messages."""
    found = AvitoWorld()
    found.fill(SHOP, chats=30, messages=2)
    async with serve_avito(found) as url:
        settings.AVITO_BASE_URL = url
        yield found


def begun(world: AvitoWorld, owner: User, days: int = 0, name: str = "Север") -> Export:
    keys = world.keys_of(SHOP)
    profile = making.make_profile(owner, name, SHOP, client_id=keys.client_id, client_secret=keys.client_secret)
    return again(profile, days)


def again(profile: AvitoProfile, days: int = 0) -> Export:
    chat = Chat.objects.get(person=profile.owner)
    export, is_new = verbs.begin(profile, profile.owner, chat, 0, days, now=timezone.now())
    assert is_new
    return found(export)


def found(export: Export) -> Export:
    row = verbs.find(export.pk)
    assert row is not None
    return row


def work(export: Export) -> Delivery:
    return Delivery.objects.get(key=verbs.key_of(export.pk))


async def step(export: Export) -> Sent:
    return await job.send(await in_db(work, export))


async def put_back(export: Export) -> DeliveryError:
    """A step after which there is more to do."""
    with pytest.raises(DeliveryError) as caught:
        await step(export)
    assert caught.value.kind == "waiting"
    return caught.value


def said(export: Export) -> list[str]:
    rows = Delivery.objects.filter(source=verbs.SOURCE, backend="telegram").order_by("pk")
    return [row.content["params"]["text"] for row in rows]


async def finished(export: Export) -> Export:
    while (await in_db(found, export)).state == State.QUEUED:
        with suppress(DeliveryError):
            await step(export)
    return await in_db(found, export)


# --- begun ----------------------------------------------------------------------------------------------------------


def test_two_presses_at_once_start_one_export(
    transactional_db: None, owner: User, now: datetime, at_once: Callable[..., list[tuple[Export, bool]]]
) -> None:
    profile, chat = making.make_profile(owner), Chat.objects.get(person=owner)

    def press() -> tuple[Export, bool]:
        return verbs.begin(profile, owner, chat, 0, 0, now=now)

    (first, new), (second, other_new) = at_once(press, press)
    assert first.pk == second.pk
    assert {new, other_new} == {True, False}
    assert Delivery.objects.filter(backend=verbs.BACKEND).count() == 1
    assert Button.objects.filter(action=verbs.CANCEL).count() == 1


def test_after_one_has_ended_another_may_begin(transactional_db: None, owner: User, world: AvitoWorld) -> None:
    first = begun(world, owner)
    verbs.cancel(first, now=timezone.now())
    assert again(first.profile).pk != first.pk


# --- a worker that died ---------------------------------------------------------------------------------------------


async def test_what_a_dead_worker_had_is_not_asked_for_again(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    world.trouble("messages", "hold", after=10)
    task = asyncio.create_task(step(export))
    await world.until(lambda: world.count("messages") == 14)
    task.cancel()  # as when the process is stopped; the row stays as it is
    await asyncio.gather(task, return_exceptions=True)
    world.calm()
    world.release()

    assert (await finished(export)).state == State.DONE
    answered = [call.path for call in world.found("messages", status=200)]
    assert world.count("chats") == 1
    # The four that were on their way died with it.
    assert len(set(answered)) == 30
    assert len(world.found("messages")) == 34


async def test_a_line_that_was_not_written_to_its_end_is_asked_for_again(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    with spool.opened(export.pk) as journal:
        journal.add_chats("all", [chat_row("a"), chat_row("b")], 2, None, full=False)
    path = spool.folder_of(export.pk) / spool.JOURNAL
    with path.open("ab") as file:
        file.write(b'{"of":"a","rows":[{"id":')
    with spool.opened(export.pk) as journal:
        assert journal.counts == {"chats": 2, "ended": 0, "messages": 0}
        journal.refuse("a", "no_access")
    with spool.opened(export.pk) as journal:
        assert journal.threads["a"].refused == "no_access"


def chat_row(key: str) -> dict[str, Any]:
    return {"id": key, "created": 1, "updated": 2, "item": None, "users": []}


async def test_files_that_were_ready_when_it_died_are_not_made_again(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    done = await finished(export)
    assert [part["chats"] for part in done.progress["parts"]] == [30]
    await in_db(lambda: Export.objects.filter(pk=export.pk).update(state=State.QUEUED))
    before = (spool.folder_of(export.pk) / "1.xlsx").stat().st_mtime_ns
    await step(export)
    assert (spool.folder_of(export.pk) / "1.xlsx").stat().st_mtime_ns == before
    files = await in_db(lambda: Delivery.objects.filter(backend=verbs.FILE_BACKEND, key__contains=":file").count())
    assert files == 1


async def test_while_another_worker_has_the_journal_one_waits(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    with spool.opened(export.pk):
        assert (await put_back(export)).retry_after == job.LOOK_AGAIN


async def test_a_process_works_on_a_few_exports_at_the_same_time(world: AvitoWorld, owner: User) -> None:
    world.trouble("chats", "hold")
    exports = [await in_db(begun, world, owner, 0, f"Shop {n}") for n in range(job.AT_ONCE + 1)]
    tasks = [asyncio.create_task(step(export)) for export in exports[: job.AT_ONCE]]
    await world.until(lambda: world.count("chats") == job.AT_ONCE)
    assert (await put_back(exports[-1])).retry_after == job.LOOK_AGAIN
    world.calm()
    world.release()
    await asyncio.gather(*tasks)


# --- pauses ---------------------------------------------------------------------------------------------------------


async def test_a_limit_puts_it_off_and_is_shown(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    await in_db(verbs.show_here, export, "shown", None)
    await in_db(lambda: Delivery.objects.filter(key="shown:0").update(state="sent", message_id=7))
    world.trouble("messages", 429, times=1, after=6, retry_after=40)

    start = time.monotonic()
    pause = (await put_back(export)).retry_after
    assert pause is not None
    assert 40 - (time.monotonic() - start) <= pause <= 40
    assert f"Avito asks for a pause: I go on in {pause:.0f} seconds." in (await in_db(said, export))[-1]
    await in_db(lambda: CallGate.objects.all().delete())  # forty seconds later
    assert (await finished(export)).state == State.DONE
    assert len({call.path for call in world.found("messages", status=200)}) == world.count("messages", status=200)


async def test_when_avito_is_down_it_is_tried_again_later(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    world.trouble("messages", 503, after=5)
    assert (await put_back(export)).retry_after == job.DOWN[0]
    assert (await put_back(export)).retry_after == job.DOWN[1]
    world.calm()
    assert (await finished(export)).progress["failures"] == 0


async def test_when_avito_stays_down_it_is_given_up_and_told(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    export.progress |= {"failures": len(job.DOWN), "had": 0}
    await in_db(export.save)
    world.trouble("chats", 503)
    await step(export)

    assert (await in_db(found, export)).error_kind == "avito_down"
    assert "Avito does not answer" in (await in_db(said, export))[-1]
    assert not spool.folder_of(export.pk).exists()


async def test_limits_hold_it_up_for_a_day_at_most(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    export.created_at -= timedelta(days=1, minutes=1)
    await in_db(export.save)
    world.trouble("chats", 429)
    await step(export)
    assert (await in_db(found, export)).error_kind == "rate_limited"


async def test_a_full_disk_is_told(world: AvitoWorld, owner: User, files: Path) -> None:
    export = await in_db(begun, world, owner)
    files.mkdir()
    (files / spool.FOLDER).write_text("no folder")
    await step(export)
    assert "The bot could not write to its disk" in (await in_db(said, export))[-1]


async def test_a_disk_that_is_full_when_the_file_is_packed_is_told(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    with spool.opened(export.pk) as journal:
        (journal.folder / "1.xlsx").mkdir()  # there is no room for the file
    assert (await finished(export)).error_kind == "disk"


async def test_chats_of_two_accounts_do_not_mix(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    world.trouble("messages", 429, times=1, after=6, retry_after=40)
    await put_back(export)
    await in_db(lambda: AvitoProfile.objects.update(account_id=SHOP + 1))
    await step(export)

    assert (await in_db(found, export)).error_kind == "changed"
    assert (await in_db(said, export))[-1].endswith("Export its chats anew.")
    assert not spool.folder_of(export.pk).exists()


async def test_whose_the_keys_are_is_found_out_where_nobody_knew(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    await in_db(lambda: AvitoProfile.objects.update(account_id=None))
    await in_db(lambda: Export.objects.update(progress={**export.progress, "account": None}))
    assert (await finished(export)).progress["account"] == SHOP


# --- cancelled ------------------------------------------------------------------------------------------------------


async def test_cancelling_ends_the_work_at_once_and_leaves_nothing(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    await in_db(lambda: Delivery.objects.filter(key=verbs.key_of(export.pk)).update(state="sending"))
    world.trouble("messages", "hold", after=10)
    task = asyncio.create_task(step(export))
    await world.until(lambda: world.count("messages") == 14)
    assert await in_db(lambda: verbs.cancel(export, now=timezone.now()))
    async with asyncio.timeout(20):  # less than Avito is waited for
        assert await task == Sent()

    assert "Cancelled. Nothing of it was kept." in (await in_db(said, export))[-1]
    assert not spool.folder_of(export.pk).exists()
    assert not await in_db(Button.objects.filter(action=verbs.CANCEL).exists)
    world.release()


async def test_cancelling_what_waits_takes_it_back_and_leaves_nothing(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    world.trouble("messages", 429, after=3, retry_after=600)
    await put_back(export)
    assert spool.folder_of(export.pk).exists()
    assert await in_db(lambda: verbs.cancel(export, now=timezone.now()))

    assert (await in_db(work, export)).state == "cancelled"
    assert not spool.folder_of(export.pk).exists()


async def test_what_has_ended_cannot_be_cancelled(world: AvitoWorld, owner: User) -> None:
    export = await finished(await in_db(begun, world, owner))
    assert not await in_db(lambda: verbs.cancel(export, now=timezone.now()))
    assert (await in_db(found, export)).state == State.DONE


async def test_who_may_not_use_the_bot_any_more_gets_nothing(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    await in_db(lambda: User.objects.filter(pk=owner.pk).update(status=Access.BLOCKED))
    await step(export)
    assert (await in_db(found, export)).state == State.CANCELLED
    assert not world.calls


async def test_of_a_deleted_profile_nothing_is_fetched(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    row = await in_db(work, export)
    await in_db(lambda: AvitoProfile.objects.all().delete())
    assert await job.send(row) == Sent()
    assert not world.calls


async def test_with_its_profile_it_ends_and_its_message_says_so(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    world.trouble("messages", 429, after=3, retry_after=600)
    await put_back(export)
    await in_db(lambda: delete_profile(export.profile, by=owner, via="chat", now=timezone.now()))

    assert (await in_db(said, export))[-1].endswith("Cancelled. Nothing of it was kept.")
    assert (await in_db(work, export)).state == "cancelled"
    assert not spool.folder_of(export.pk).exists()


async def test_a_profile_deleted_while_its_chats_are_read_leaves_nothing(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    await in_db(lambda: Delivery.objects.filter(key=verbs.key_of(export.pk)).update(state="sending"))
    world.trouble("messages", "hold", after=10)
    task = asyncio.create_task(step(export))
    await world.until(lambda: world.count("messages") == 14)
    await in_db(lambda: delete_profile(export.profile, by=owner, via="chat", now=timezone.now()))
    world.calm()
    world.release()
    async with asyncio.timeout(60):
        assert await task == Sent()
    assert not spool.folder_of(export.pk).exists()


async def test_an_operator_who_takes_it_back_ends_it(world: AvitoWorld, owner: User) -> None:
    export = await in_db(begun, world, owner)
    row = await in_db(work, export)
    assert await in_db(lambda: call_off(row, now=timezone.now()))
    assert (await in_db(found, export)).state == State.CANCELLED
