from datetime import datetime
from typing import Any
from uuid import UUID

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Dialogs")

    def ready(self) -> None:
        from llm.signals import model_retired
        from llm.tasks import series_cancelled

        model_retired.connect(_move, dispatch_uid="conversations")
        series_cancelled.connect(_call_off, dispatch_uid="conversations")


def _move(model: Any, replacement: Any, **_kwargs: Any) -> None:
    from conversations.services import move_retired

    move_retired(model, replacement)


def _call_off(reminder_id: UUID, now: datetime, **_kwargs: Any) -> None:
    from conversations.standups import rounds

    rounds.call_off(reminder_id, now)
