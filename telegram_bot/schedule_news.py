"""A schedule that cannot be fired stands still, and its person waits in vain: told to the admins. What it is about, and
what the error says, stays out of the chat."""

from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from delivery.models import Schedule
from delivery.signals import schedule_broke
from telegram_bot.notices import notify_admins


def connect() -> None:
    schedule_broke.connect(on_broken, dispatch_uid="telegram_bot.schedule_news")


def on_broken(schedule: Schedule, error: Exception, **_kwargs: Any) -> None:
    with translation.override(settings.LANGUAGE_CODE):
        text = _(
            "⚠️ What is planned cannot be fired, so it was paused: `%(source)s %(object)s` (%(error)s)."
            " An error of ours: the log has its details. Once it is mended, resume it in the admin, under Reminders."
        )
        names = {"source": schedule.source, "object": schedule.object_id, "error": type(error).__name__}
        notify_admins(f"schedule-{schedule.source}", text % names)
