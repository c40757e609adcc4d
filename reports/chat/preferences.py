"""What /settings shows of Avito reports (settings.PERSONAL_SETTINGS): of each profile, when and where it reports."""

from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from delivery.schedule_words import describe
from reports.chat import cards
from reports.models import AvitoProfile
from reports.services import access, tasks
from telegram_bot.incoming import Incoming
from telegram_bot.outgoing import Key
from telegram_bot.settings_menu import Setting

# More stand in /profiles.
MOST = 10


def own(incoming: Incoming, _now: datetime) -> list[Setting]:
    profiles = list(access.own_profiles(incoming.user))
    if not profiles:
        return []
    told = [_of(profile) for profile in profiles[:MOST]]
    left = len(profiles) - len(told)
    text = ngettext("%(count)d in all", "%(count)d in all", len(profiles)) % {"count": len(profiles)}
    if left:
        text = ngettext("%(count)d more", "%(count)d more", left) % {"count": left}
    all_of_them = Key("👤 " + _("Avito profiles"), "profile_list", {"beside": True})
    return [*told, Setting("👤 " + _("Avito profiles"), text, all_of_them)]


def _of(profile: AvitoProfile) -> Setting:
    task = profile.task
    shown = _("switched off")
    if tasks.is_on(task):
        zone = cards.zone_of(task)
        shown = f"{describe(tasks.rule_of(task), zone)}, {zone.key} → {cards.where(task)}"
    label = "📊 " + _("Reports of “%(name)s”") % {"name": profile.name}
    data = {"profile": profile.pk, "beside": True}
    return Setting(label, shown, Key(f"📊 {profile.name}"[: cards.LABEL], "profile_report", data))
