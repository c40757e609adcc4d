"""What /settings shows of reminders (settings.PERSONAL_SETTINGS): by whose clock they come."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key
from telegram_bot.settings_menu import Setting


def own(incoming: Incoming, now: datetime) -> list[Setting]:
    zone = incoming.user.time_zone
    shown = _("not known yet")
    if zone:
        values = {"zone": zone, "time": f"{now.astimezone(ZoneInfo(zone)):%H:%M}"}
        shown = _("%(zone)s, it is %(time)s there") % values
    return [Setting("🌍 " + _("Time zone"), shown, Key("🌍 " + _("Time zone"), "remind.where"))]
