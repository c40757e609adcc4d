"""What all verbs of profiles and their reports share: locking, saving, the record of who did what."""

from datetime import datetime
from typing import Any

from accounts import services as accounts
from accounts.models import Chat, ChatKind, User
from reports.models import AvitoProfile, ReportTask
from telegram_bot.outgoing import bot_id

# Of schedules: the source whose object is a profile (by its key), and which fires its report.
SOURCE = "report"


class NotSo(ValueError):
    """It cannot be so; nothing was saved. The text says to the person what to do, in the active language.

    ``code`` is for programs: wrong-name, name-taken, too-many, other-account, changed, wrong-address, no-chat.
    """

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def lock(profile: AvitoProfile) -> AvitoProfile:
    """The profile as it is now, locked, without its keys. Inside a transaction. Raises ``DoesNotExist``.

    Rows that point at it may be made meanwhile: the tick, which holds a schedule that may be wanted next, makes some.
    """
    rows = AvitoProfile.objects.select_for_update(of=("self",), no_key=True).defer("credentials")
    held: AvitoProfile = rows.get(pk=profile.pk)
    return held


def lock_task(task: ReportTask) -> ReportTask:
    """The task as it is now, locked, after its schedule, as the tick locks them. Raises ``DoesNotExist``."""
    type(task.schedule).objects.select_for_update(no_key=True).get(pk=task.schedule_id)
    rows = ReportTask.objects.select_for_update(of=("self",)).select_related("profile", "schedule", "chat")
    held: ReportTask = rows.defer("profile__credentials").get(pk=task.pk)
    return held


def note(profile: AvitoProfile, what: str, *, by: User | None, via: str, now: datetime, **details: Any) -> None:
    """Record who did what to a profile; never a key, an address or a figure."""
    accounts.audit(f"avito.{what}", by=by, via=via, **accounts.target_of(profile), details=details, now=now)


def private_chat(user: User, now: datetime) -> Chat:
    """The chat with the person; they may not have written yet since the bot is a new one."""
    chat = Chat.objects.filter(bot_id=bot_id(), person=user, kind=ChatKind.PRIVATE).first()
    return chat or accounts.see_chat(
        bot_id(), user.telegram_id or 0, ChatKind.PRIVATE, user.name, user.telegram_username, person=user, now=now
    )
