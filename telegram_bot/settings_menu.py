"""/settings: all that a person may set, in one place.

Each capability tells its own (settings.PERSONAL_SETTINGS): how it stands, and the button that leads to the screen where
it is changed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts.models import Language
from telegram_bot.incoming import Incoming
from telegram_bot.markdown import Part, plain, units
from telegram_bot.outgoing import Key, Keyboard

IN_A_ROW = 2


@dataclass(frozen=True)
class Setting:
    """``label`` and ``value`` as people read them; the button leads on, beside the list."""

    label: str
    value: str
    button: Key | None = None


# What of its settings a capability tells of the person of ``incoming``, in their language. Asks the database.
Tell = Callable[[Incoming, datetime], Sequence[Setting]]


def menu(incoming: Incoming, now: datetime) -> tuple[list[Part], Keyboard]:
    """All of them, in the table's order."""
    told = [setting for path in settings.PERSONAL_SETTINGS for setting in _tell(path)(incoming, now)]
    title = plain("⚙️ " + _("Your settings"))
    lines = [plain(f"{setting.label}: {setting.value}") for setting in told]
    buttons = [setting.button for setting in told if setting.button is not None]
    rows = [buttons[start : start + IN_A_ROW] for start in range(0, len(buttons), IN_A_ROW)]
    return [Part("\n".join([title, *lines]), [{"type": "bold", "offset": 0, "length": units(title)}])], rows


def _tell(path: str) -> Tell:
    found: Tell = import_string(path)
    return found


def own(incoming: Incoming, _now: datetime) -> list[Setting]:
    """The language, and the admins' announcements."""
    user = incoming.user
    announcements = _("you get them") if user.broadcasts else _("you do not get them")
    return [
        Setting("🌐 " + _("Language"), Language(incoming.language).label, Key("🌐 " + _("Language"), "language.ask")),
        Setting(
            "📣 " + _("The admins' announcements"),
            announcements,
            Key("📣 " + _("Announcements"), "announcements.show"),
        ),
    ]
