"""Exports as rows: begun, shown, cancelled, ended. Only this module writes Export.

``progress`` is {"days": of which chats (0: all), "since": seconds since 1970 or 0, "phase": "fetching" | "writing",
"chats", "wanted" (None while chats are looked for), "ended", "messages": how far it is, "pause": seconds that Avito
asks for or 0, "failures": tries in vain one after another, "parts": files that are ready, each {"chats", "messages"},
"cancel": key of the cancel button, "edits": how often the message was edited, "account": Avito's number of the account
(None until it is known)}. The cursor itself is the journal
(reports/export/spool.py). Each function is one short transaction; words are in the active language.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from accounts.models import Chat, User
from delivery import services as delivery
from delivery.models import Delivery
from reports.export import spool, words
from reports.models import AvitoProfile, Export
from reports.services.rows import note
from telegram_bot import outgoing
from telegram_bot.models import Button, button_key
from telegram_bot.outgoing import BUTTON_LIFE, Key, Keyboard, Place

SOURCE = "avito_export"
BACKEND, FILE_BACKEND = "avito_export", "avito_export_file"
CANCEL = "export_cancel"

State = Export.State


def key_of(export: UUID) -> str:
    """The root of the keys of all that an export causes."""
    return f"{SOURCE}:{export}"


def file_of(export: UUID, part: int) -> str:
    """The path of a finished file; the journal lies beside it."""
    return str(spool.folder_of(export) / f"{part}.xlsx")


def running(profile: AvitoProfile) -> Export | None:
    return Export.objects.filter(profile=profile, state=State.QUEUED).first()


def find(export: UUID) -> Export | None:
    """With all that working on it needs; the keys are opened by who asks Avito."""
    rows = Export.objects.select_related("profile", "requested_by", "chat").defer("profile__credentials")
    return rows.filter(pk=export).first()


def may(export: Export) -> bool:
    """Whether who asked for it may still have it."""
    return export.requested_by.may_use and export.profile.owner_id == export.requested_by_id


# --- begun ----------------------------------------------------------------------------------------------------------


def begin(profile: AvitoProfile, by: User, chat: Chat, thread: int, days: int, *, now: datetime) -> tuple[Export, bool]:
    """Put an export on its way; the one that is on its way already, and False, if there is one."""
    try:
        return _begin(profile, by, chat, thread, days, now), True
    except IntegrityError:
        found = running(profile)
        if found is None:  # it ended in this very moment
            return _begin(profile, by, chat, thread, days, now), True
        return found, False


@transaction.atomic
def _begin(profile: AvitoProfile, by: User, chat: Chat, thread: int, days: int, now: datetime) -> Export:
    since = int((now - timedelta(days=days)).timestamp()) if days else 0
    told = {"days": days, "since": since, "phase": "fetching", "chats": 0, "wanted": None, "ended": 0, "messages": 0,
            "account": profile.account_id}  # fmt: skip
    export = Export.objects.create(
        profile=profile, requested_by=by, chat=chat, thread_id=thread, progress=told, created_at=now
    )
    export.progress["cancel"] = _cancel_button(export, now)
    export.save(update_fields=["progress"])
    work = Delivery(
        key=key_of(export.pk),
        backend=BACKEND,
        lane=_lane(export.pk),
        source=SOURCE,
        content={"export": str(export.pk)},
        created_at=now,
    )
    delivery.enqueue([work])
    note(profile, "export", by=by, via="chat", now=now, days=days)
    return export


def _lane(export: UUID) -> str:
    """It ends in 0, for it is no chat's."""
    return f"task:export:{export}:0"


def _cancel_button(export: Export, now: datetime) -> str:
    """One for all edits of the message."""
    button = Button.objects.create(
        key=button_key(),
        action=CANCEL,
        data={"profile": export.profile_id, "export": str(export.pk)},
        owner=export.requested_by,
        chat_id=export.chat.telegram_id,
        expires_at=now + BUTTON_LIFE,
    )
    return str(button.key)


# --- shown ----------------------------------------------------------------------------------------------------------


def place_of(export: Export, edit: int | None = None) -> Place:
    return Place(export.chat.bot_id, export.chat.telegram_id, export.thread_id, edit=edit)


def keyboard(export: Export) -> Keyboard:
    return [[Key("✖️ " + words.cancel(), callback=f"b:{export.progress['cancel']}")]]


@transaction.atomic
def show_here(export: Export, key: str, edit: int | None) -> None:
    """Say how far it is in the message ``edit``, or a new one, which is edited from now on and not the one before."""
    if edit is None and export.progress_key:
        left, before = words.goes_on_below(export.profile.name), export.progress_key
        outgoing.say(f"{key}:left", place_of(export), left, source=SOURCE, edit_of=before)
    outgoing.say(key, place_of(export, edit), words.progress(export), keyboard(export), source=SOURCE)
    Export.objects.filter(pk=export.pk).update(progress_key=f"{key}:0")
    export.progress_key = f"{key}:0"


def is_wanted(export: Export) -> bool:
    return Export.objects.filter(pk=export.pk, state=State.QUEUED).exists()


@transaction.atomic
def note_progress(export: Export, changes: dict[str, Any], *, tell: bool) -> bool:
    """Record how far it is, and edit the message unless the last edit has not left yet. False: nobody wants it."""
    if (held := _lock(export)) is None:
        return False
    held.progress |= changes
    if tell and held.progress_key and not _is_being_told(held):
        held.progress["edits"] = held.progress.get("edits", 0) + 1
        _edit(held, f"edit{held.progress['edits']}", words.progress(held), keyboard(held))
    held.save(update_fields=["progress"])
    export.progress = held.progress
    return True


def _lock(export: Export) -> Export | None:
    """As it is now; None when it has ended."""
    rows = Export.objects.select_for_update(of=("self",)).select_related("profile", "requested_by", "chat")
    return rows.defer("profile__credentials").filter(pk=export.pk, state=State.QUEUED).first()


def _is_being_told(export: Export) -> bool:
    keys = [export.progress_key, f"{key_of(export.pk)}:edit{export.progress.get('edits', 0)}:0"]
    return Delivery.objects.filter(key__in=keys, state__in=Delivery.OPEN).exists()


def _edit(export: Export, which: str, text: str, buttons: Keyboard = ()) -> None:
    key, place = f"{key_of(export.pk)}:{which}", place_of(export)
    outgoing.say(key, place, text, buttons, source=SOURCE, edit_of=export.progress_key)


# --- ended ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def cancel(export: Export, *, now: datetime) -> bool:
    """Nobody needs it any more. False when it has ended. Who is at work on it sees it at once, and tidies up."""
    if not call_off(export, now=now):
        return False
    work = Delivery.objects.filter(key=key_of(export.pk))
    if work.filter(state=Delivery.State.QUEUED).exists():  # nobody is at work on it
        transaction.on_commit(lambda: spool.remove(export.pk))
    delivery.withdraw(work, now)
    return True


@transaction.atomic
def call_off(export: Export, *, now: datetime) -> bool:
    """End it, whoever takes its delivery back. False when it has ended."""
    if not _end(export, State.CANCELLED, now):
        return False
    _edit(export, "end", words.cancelled(export.profile.name))
    return True


@transaction.atomic
def fail(export: Export, kind: str, now: datetime) -> bool:
    """It came to nothing, and why: a kind of AvitoError, "changed", "disk" or "bug". False when it had ended."""
    if not _end(export, State.FAILED, now, error_kind=kind):
        return False
    _edit(export, "end", words.failed(export.profile.name, kind))
    return True


@transaction.atomic
def finish(export: Export, notes: Sequence[str], day: str, now: datetime) -> bool:
    """The files are ready and go their way, and behind them they are taken away. False when it had ended."""
    if not _end(export, State.DONE, now):
        return False
    parts, name = export.progress.get("parts", []), export.profile.name
    if not parts:
        _edit(export, "end", words.nothing(name, export.progress["days"]))
        return True
    chats, messages = (sum(part[what] for part in parts) for what in ("chats", "messages"))
    _edit(export, "end", words.done(export, chats, messages, len(parts), notes))
    rows = [
        _row(export, f"file{part}", now, part=part, name=words.file_name(name, day, part, len(parts)),
             caption=words.caption(name, part, len(parts)))
        for part in range(1, len(parts) + 1)
    ]  # fmt: skip
    delivery.enqueue([*rows, _row(export, "tidy", now, part=0)])
    return True


def _row(export: Export, what: str, now: datetime, **content: Any) -> Delivery:
    """In the export's own lane: a large file takes minutes, and the chat's other messages do not wait for it."""
    place = place_of(export)
    return Delivery(
        key=f"{key_of(export.pk)}:{what}",
        backend=FILE_BACKEND,
        bot_id=place.bot_id,
        chat_id=place.chat_id,
        lane=_lane(export.pk),
        source=SOURCE,
        content={"export": str(export.pk), "thread": place.thread, **content},
        created_at=now,
    )


def _end(export: Export, state: Export.State, now: datetime, error_kind: str = "") -> bool:
    ended = Export.objects.filter(pk=export.pk, state=State.QUEUED)
    if not ended.update(state=state, finished_at=now, error_kind=error_kind[:20]):
        return False
    # The message that shows it may be another one by now.
    export.refresh_from_db(fields=["state", "finished_at", "error_kind", "progress", "progress_key"])
    Button.objects.filter(key=export.progress.get("cancel", "")).delete()
    return True


@transaction.atomic
def tell_lost(export: Export, kind: str, part: int) -> None:
    """A finished file did not arrive."""
    text = words.failed(export.profile.name, kind)
    outgoing.say(f"{key_of(export.pk)}:lost{part}", place_of(export), text, source=SOURCE)


@transaction.atomic
def withdraw(export: Export, now: datetime) -> None:
    """Nobody may have it any more: what waits of it is taken back, and its folder goes from the disk."""
    _end(export, State.CANCELLED, now)
    root = key_of(export.pk)
    delivery.withdraw(delivery.named(root) | Delivery.objects.filter(key=root), now)
    transaction.on_commit(lambda: spool.remove(export.pk))
