from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = _("Dialogs")

    def ready(self) -> None:
        from llm.signals import model_retired

        model_retired.connect(_move, dispatch_uid="conversations")


def _move(model: Any, replacement: Any, **_kwargs: Any) -> None:
    from conversations.services import move_retired

    move_retired(model, replacement)
