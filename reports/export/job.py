"""The work on an export (settings.DELIVERY_BACKENDS["avito_export"]), step by step.

    send(delivery)   pages into the journal for a minute  ─▶  puts itself back, goes on behind them
                     Avito wants a pause, or is down      ─▶  puts itself back for so long: no slot, no connection
                     all pages are there                  ─▶  one file of the workbook a step, until all chats are in
                     all files are there                  ─▶  they go their way, and that it is done, in one transaction

What a dead worker leaves is the journal and the row: the next one asks for no page again. A cancelled export is given
up within half a second, wherever it is.
"""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.conf import settings
from django.utils import timezone, translation

from core.db import in_db, in_db_first
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery
from delivery.schedule import zone_of
from delivery.services import Sent
from reports.avito.client import Avito, keys_of
from reports.avito.errors import AvitoError, Kind
from reports.export import sheet, spool, verbs, words
from reports.export.fetching import ABOUT, ALL, MOST_ITEMS, Fetching
from reports.export.sheet import FULL, About, Limits
from reports.export.spool import Spool
from reports.metrics import Section
from reports.models import AvitoProfile, Export
from reports.services import watching
from telegram_bot.incoming import language_of

log = structlog.get_logger(__name__)

# Seconds that a step asks Avito for pages.
STEP = 50.0
# Exports that one process works on at the same time; the others wait their turn.
AT_ONCE = 3
LOOK_AGAIN = 2.0
# Seconds between two looks whether it was cancelled, and between two edits of the message.
LOOK, TELL = 0.5, 6.0
# How long Avito may hold it up altogether.
LONGEST = timedelta(days=1)
# Seconds before each next try when Avito is down.
DOWN = (15.0, 60.0, 180.0, 600.0, 1200.0)
UNSAID, LONGEST_PAUSE = 30.0, 600.0

_working = 0


@dataclass
class Turn:
    """One worker's step of an export, with its journal open."""

    export: Export
    spool: Spool
    # Of the loop's clock.
    until: float
    fetching: Fetching | None = None

    def is_over(self) -> bool:
        return asyncio.get_running_loop().time() >= self.until

    @property
    def wanted(self) -> list[str]:
        """The chats that the file is to have."""
        return self.spool.chats(self.export.progress["since"])

    def state(self, **changes: Any) -> dict[str, Any]:
        """How far it is, as the row has it."""
        listed = self.fetching is None or self.fetching.listed
        return {**self.spool.counts, "wanted": len(self.wanted) if listed else None, "pause": 0, **changes}


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError while there is more to do."""
    key = UUID(delivery.content["export"])
    export = await in_db(verbs.find, key)
    if export is not None and not verbs.may(export):
        await in_db(verbs.withdraw, export, timezone.now())
    if export is None or export.state != Export.State.QUEUED:
        await _tidy(key, export)
        return Sent()
    with _a_place(), translation.override(language_of(export.requested_by)):
        try:
            again = await _step(export)
        except OSError as error:
            log.exception("an export's disk", export=str(key), exc_info=error)
            await in_db(verbs.fail, export, "disk", timezone.now())
            again = None
        except AvitoProfile.DoesNotExist:  # deleted at this moment, and the export with it
            again = None
        if again is not None:
            raise DeliveryError(WAITING, "There is more of it.", retry_after=again)
    await _tidy(key, await in_db(verbs.find, key))
    return Sent()


@contextmanager
def _a_place() -> Iterator[None]:
    global _working
    if _working >= AT_ONCE:
        raise DeliveryError(WAITING, "Other exports are being made.", retry_after=LOOK_AGAIN)
    _working += 1
    try:
        yield
    finally:
        _working -= 1


async def _tidy(key: UUID, export: Export | None) -> None:
    """Of one that came to nothing no word stays on the disk. Files of one that is done are sent first."""
    if export is None or export.state in (Export.State.CANCELLED, Export.State.FAILED):
        await asyncio.to_thread(spool.remove, key)


async def _step(export: Export) -> float | None:
    """Seconds until the next step; None when there is none. Raises OSError."""
    if _is_another(export):
        await in_db(verbs.fail, export, "changed", timezone.now())
        return None
    with ExitStack() as stack:
        try:
            journal = await asyncio.to_thread(stack.enter_context, spool.opened(export.pk))
        except spool.Busy:
            return LOOK_AGAIN
        turn = Turn(export, journal, asyncio.get_running_loop().time() + STEP)
        work = asyncio.create_task(_work(turn))
        watch = asyncio.create_task(_watch(turn, work))
        try:
            return await work
        except asyncio.CancelledError:
            if watch.done() and not watch.cancelled() and watch.exception() is None and watch.result():
                return None  # nobody wants it any more
            raise
        except AvitoError as error:
            return await in_db(_trouble, turn, error, timezone.now())
        finally:
            work.cancel()
            watch.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)
            if not watch.cancelled() and (broken := watch.exception()) is not None:
                log.error("an export was not watched", export=str(export.pk), exc_info=broken)


def _is_another(export: Export) -> bool:
    """Whether the profile has been given the keys of another account, whose chats do not belong into this file."""
    known = (export.progress["account"], export.profile.account_id)
    return None not in known and known[0] != known[1]


async def _watch(turn: Turn, work: "asyncio.Task[float | None]") -> bool:
    """Show how far it is; end the work as soon as nobody wants it any more, and then give True."""
    clock = asyncio.get_running_loop().time
    next_time = clock() + TELL
    while not work.done():
        await asyncio.sleep(LOOK)
        if clock() < next_time:
            wanted = await in_db(verbs.is_wanted, turn.export)
        else:
            wanted = await in_db(verbs.note_progress, turn.export, turn.state(), tell=True)
            next_time = clock() + TELL
        if not wanted:
            work.cancel()
            return True
    return False


async def _work(turn: Turn) -> float | None:
    if turn.export.progress["phase"] == "fetching":
        keys = await in_db(_keys, turn.export)
        async with Avito(keys) as avito:
            turn.fetching = Fetching(avito, turn.spool, turn.export.progress["since"], turn.is_over)
            if not await turn.fetching.run():
                await in_db(verbs.note_progress, turn.export, turn.state(failures=0), tell=False)
                return 0.0
            await in_db(_all_here, turn, avito.account_id, timezone.now())
    return await _write(turn)


def _keys(export: Export) -> Any:
    """Raises AvitoError."""
    return keys_of(export.profile)


def _all_here(turn: Turn, account: int | None, now: datetime) -> None:
    watching.note(turn.export.profile, {Section.MESSENGER: ""}, now)
    verbs.note_progress(turn.export, turn.state(failures=0, phase="writing", parts=[], account=account), tell=True)


# --- trouble --------------------------------------------------------------------------------------------------------


def _trouble(turn: Turn, error: AvitoError, now: datetime) -> float | None:
    """Seconds until the next try; None: it came to nothing, and that is said."""
    export = turn.export
    if error.permanent:
        outcome = Section.ACCOUNT if error.kind == Kind.BAD_CREDENTIALS else Section.MESSENGER
        watching.note(export.profile, {outcome: error.kind}, now)
        verbs.fail(export, error.kind, now)
        return None
    failures, had = _failures(turn, error)
    if failures > len(DOWN) or now - export.created_at > LONGEST:
        verbs.fail(export, error.kind, now)
        return None
    pause = DOWN[failures - 1] if failures else min(error.retry_after or UNSAID, LONGEST_PAUSE)
    shown = max(1, round(pause))
    told = turn.state(pause=shown, failures=failures, had=had)
    return pause if verbs.note_progress(export, told, tell=True) else None


def _failures(turn: Turn, error: AvitoError) -> tuple[int, int]:
    """Of Avito's being down, one after another; pages that came in between (the second number) begin it anew."""
    before, counts = turn.export.progress, turn.spool.counts
    had = counts["messages"] + counts["chats"]
    if error.kind != Kind.AVITO_DOWN:
        return 0, had
    return (int(before.get("failures", 0)) + 1 if before.get("had") == had else 1), had


# --- the files ------------------------------------------------------------------------------------------------------


async def _write(turn: Turn) -> float | None:
    """One more file; the last one ends the export."""
    export, wanted = turn.export, turn.wanted
    parts: list[dict[str, int]] = export.progress.get("parts", [])
    left = wanted[sum(part["chats"] for part in parts) :]
    if left:
        written = await _in_thread(turn, left, _about(turn, len(parts) + 1))
        parts = [*parts, {"chats": written.chats, "messages": written.messages}]
        await in_db(verbs.note_progress, export, turn.state(parts=parts), tell=False)
        if written.chats < len(left):
            return 0.0
    zone = zone_of(export.requested_by.time_zone or settings.TIME_ZONE)
    day = f"{export.created_at.astimezone(zone):%Y-%m-%d}"
    await in_db_first(verbs.finish, export, _notes(turn), day, timezone.now())
    return None


async def _in_thread(turn: Turn, chats: Sequence[str], about: About) -> sheet.Written:
    """Whoever is cancelled waits until the thread has noticed, or it would write into what is being removed."""
    stop = threading.Event()
    path = Path(verbs.file_of(turn.export.pk, about.part))
    language = translation.get_language()  # it does not go into a thread by itself
    work = asyncio.ensure_future(asyncio.to_thread(_spoken, language, path, turn.spool, chats, about, stop))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop.set()
        await asyncio.gather(work, return_exceptions=True)
        raise


def _spoken(language: str, *args: Any) -> sheet.Written:
    with translation.override(language):
        return fit(*args)


def fit(
    path: Path, journal: Spool, chats: Sequence[str], about: About, stop: threading.Event, limits: Limits = FULL
) -> sheet.Written:
    """A file that is not too large, though its weight was an estimate: with the half of its chats if it must be."""
    written = sheet.write(path, journal, chats, about, stop, limits)
    while path.stat().st_size > limits.size and written.chats > 1:
        written = sheet.write(path, journal, chats[: written.chats // 2], about, stop, limits)
    return written


def _about(turn: Turn, part: int) -> About:
    export, profile = turn.export, turn.export.profile
    return About(
        profile=profile.name,
        account=export.progress["account"],
        account_name=profile.account_name,
        made_at=export.created_at,
        zone=ZoneInfo(str(zone_of(export.requested_by.time_zone or settings.TIME_ZONE))),
        period=words.period(export.progress["days"]),
        notes=_notes(turn),
        part=part,
    )


def _notes(turn: Turn) -> list[str]:
    """What the files do not have, and why."""
    listings, threads = turn.spool.listings, turn.spool.threads
    of_one = [key for key, pages in listings.items() if pages.full and key.startswith(ABOUT) and "," not in key]
    return words.notes(
        refused=sum(1 for key in turn.wanted if key in threads and threads[key].refused),
        cut=sum(1 for key in turn.wanted if key in threads and threads[key].full),
        listing_cut=ALL in listings and listings[ALL].full,
        part_of_all=bool(of_one),
        items_cut=len(turn.spool.items or ()) >= MOST_ITEMS,
    )
