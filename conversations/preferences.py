"""What /settings shows of dialogs (settings.PERSONAL_SETTINGS): who answers here."""

from datetime import datetime

from django.utils.translation import gettext as _

from conversations import services
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key
from telegram_bot.settings_menu import Setting


def own(incoming: Incoming, now: datetime) -> list[Setting]:
    dialog = services.open_conversation(incoming.chat, incoming.thread, now)
    target = services.target_for(dialog)
    model = (target.label or target.name) if target else "—"
    assistant = str(dialog.assistant) if dialog.assistant else _("none")
    return [
        Setting("🧠 " + _("Model"), model, Key("🧠 " + _("Model"), "models")),
        Setting("🎭 " + _("Assistant"), assistant, Key("🎭 " + _("Assistant"), "assistant.list")),
    ]
