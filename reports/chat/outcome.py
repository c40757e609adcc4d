"""What comes of a look at keys: a profile, other keys for one, or why not. Called inside ``in_db``, each function one
short transaction with which the update is done."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from reports.avito.account import Account
from reports.avito.errors import AvitoError, Kind
from reports.chat import cards, place
from reports.chat import found as words_of
from reports.chat.adding import ADDING, VIA, question, title_of, waiting
from reports.chat.place import Menu, titled
from reports.chat.reading import CLIENT_ID, NAME, SECRET
from reports.metrics import Section
from reports.models import AvitoProfile
from reports.probing import Probe
from reports.services import access, profiles, tasks
from reports.services.rows import NotSo
from telegram_bot import expecting, outgoing
from telegram_bot.access import described
from telegram_bot.incoming import Incoming
from telegram_bot.notices import admin_place
from telegram_bot.outgoing import Key


@transaction.atomic
def settle(incoming: Incoming, found: Probe, now: datetime, progress: str, edit: int | None = None) -> None:
    """Keep the profile, or say why not. ``edit``: the message to say it in, when it is not that of the delivery
    ``progress``, which told of the look."""
    row = waiting(incoming)
    menu: Menu = (place.said(_("Good, I leave it at that. I kept nothing.")), ())  # the person cancelled meanwhile
    if row is not None:
        menu = _outcome(incoming, dict(row.data), found, now)
    place.say(incoming, menu, edit=edit, edit_of="" if edit else progress)
    place.finish(incoming, now)


def _outcome(incoming: Incoming, data: dict[str, Any], found: Probe, now: datetime) -> Menu:
    if found.error is not None or found.account is None:
        return _failed(incoming, data, found.error or AvitoError(Kind.AVITO_DOWN), now)
    profile = access.own(incoming.user, data.get("profile"))
    if data.get("profile"):
        return _given(incoming, data, profile, found, found.account, now)
    return _created(incoming, data, found, found.account, now)


def _failed(incoming: Incoming, data: dict[str, Any], error: AvitoError, now: datetime) -> Menu:
    """Nothing is stored."""
    text = words_of.why_not(error)
    if error.kind in words_of.PASSING:
        place.expect(incoming, ADDING, data, data.get("progress", ""), now)
        again = Key("🔁 " + _("Try again"), "avito.again")
    else:
        expecting.forget(incoming)
        text += " " + _("I kept nothing.")
        again = Key("🔁 " + _("Enter them again"), "avito.anew", {"profile": data.get("profile"), "name": data[NAME]})
    if error.kind == Kind.BAD_CREDENTIALS:
        _tell_admins(incoming, now)
    return titled(title_of(data), f"⚠️ {text}"), [[again, Key("✖️ " + _("Cancel"), "avito.cancel")]]


def _tell_admins(incoming: Incoming, now: datetime) -> None:
    """Once a day for each person: somebody may need help."""
    spot = admin_place()
    if spot is None:
        return
    with translation.override(settings.LANGUAGE_CODE):
        text = _("🔑 Avito refused the keys of an account that %(who)s wanted to connect. They know; nothing was kept.")
        key = f"avitorefused:{incoming.user.pk}:{now:%Y-%m-%d}"
        outgoing.say(key, spot, text % {"who": described(incoming.user)}, source=place.SOURCE)


def _created(incoming: Incoming, data: dict[str, Any], found: Probe, account: Account, now: datetime) -> Menu:
    keys = (data[CLIENT_ID], data[SECRET])
    try:
        with transaction.atomic():
            profile = profiles.create_profile(
                incoming.user, data[NAME], *keys, account, found.sections, now=now, via=VIA
            )
    except NotSo as why_not:
        if why_not.code == "too-many":
            expecting.forget(incoming)
            return place.said(f"⚠️ {why_not}"), ()
        data.pop(NAME)
        place.expect(incoming, ADDING, data, data.get("progress", ""), now)
        return question(data, str(why_not))
    expecting.forget(incoming)
    return _welcome(incoming, profile, account, found)


def _welcome(incoming: Incoming, profile: AvitoProfile, account: Account, found: Probe) -> Menu:
    title = "✅ " + _("“%(name)s” is connected") % {"name": profile.name}
    lines = [account_line(account), *words_of.of_probe(found), _same_account(incoming, profile)]
    lines += ["\n" + _("Its figures of the last months are being fetched. Reports are off until you switch them on.")]
    data = {"profile": profile.pk}
    keys = [
        [Key("▶️ " + _("Report every day at 09:00"), "report_toggle", {**data, "on": True})],
        [Key("⚙️ " + _("Report settings"), "profile_report", data)],
        [Key("👤 " + _("Profile"), "profile_view", data)],
    ]
    return titled(title, *lines), keys


def account_line(account: Account) -> str:
    return _("At Avito: %(name)s, account %(id)d.") % {"name": account.name or "—", "id": account.id}


def _same_account(incoming: Incoming, profile: AvitoProfile) -> str:
    others = access.own_profiles(incoming.user).filter(account_id=profile.account_id).exclude(pk=profile.pk)
    names = ", ".join(f"“{other.name}”" for other in others)
    if not names:
        return ""
    text = _("ℹ️ This is the same Avito account as %(names)s. Both report on their own; totals count it once.")
    return text % {"names": names}


# --- other keys for a profile ---------------------------------------------------------------------------------------


def _given(
    incoming: Incoming,
    data: dict[str, Any],
    profile: AvitoProfile | None,
    found: Probe,
    account: Account,
    now: datetime,
) -> Menu:
    if profile is None:
        expecting.forget(incoming)
        return cards.gone()
    if profiles.is_other_account(profile, account) and not data.get("replace"):
        kinds = {str(section): kind for section, kind in found.sections.items()}
        data["found"] = {"id": account.id, "name": account.name, "sections": kinds}
        place.expect(incoming, ADDING, data, data.get("progress", ""), now)
        return _other_account(profile, account)
    return _use(incoming, data, profile, account, found.sections, now)


def _other_account(profile: AvitoProfile, account: Account) -> Menu:
    text = _(
        "These are keys of another Avito account: %(new)s (%(new_id)d). “%(name)s” has been %(old)s (%(old_id)d). If "
        "you replace it, all figures collected so far are deleted, so that two accounts do not mix; settings stay."
    )
    values = {"new": account.name or "—", "new_id": account.id, "name": profile.name}
    values |= {"old": profile.account_name or "—", "old_id": profile.account_id or 0}
    keys = [
        [Key("🔁 " + _("Replace the account"), "avito.replace", {"profile": profile.pk})],
        [Key("✖️ " + _("Keep the old keys"), "avito.cancel")],
    ]
    hint = _("To have both, keep the old keys and connect the other account with /add_profile.")
    return titled("❔ " + _("Another account?"), text % values, hint), keys


@transaction.atomic
def replace(incoming: Incoming, key: object, edit: int | None, now: datetime) -> None:
    """Yes, the other account is meant."""
    row, profile = waiting(incoming), access.own(incoming.user, key)
    if row is None or profile is None or row.data.get("profile") != profile.pk or "found" not in row.data:
        place.say(incoming, (place.said(_("That was too long ago. Enter the keys again: /profiles")), ()), edit=edit)
    else:
        seen = row.data["found"]
        account = Account(id=seen["id"], name=seen["name"])
        sections = {Section(name): kind for name, kind in seen["sections"].items()}
        place.say(incoming, _use(incoming, {**row.data, "replace": True}, profile, account, sections, now), edit=edit)
    place.finish(incoming, now)


def _use(
    incoming: Incoming,
    data: Mapping[str, Any],
    profile: AvitoProfile,
    account: Account,
    sections: Mapping[Section, str],
    now: datetime,
) -> Menu:
    expecting.forget(incoming)
    by: dict[str, Any] = {"by": incoming.user, "via": VIA, "now": now}
    version, is_meant = data.get("version", 0), bool(data.get("replace"))
    try:
        with transaction.atomic():
            keys = (data[CLIENT_ID], data[SECRET])
            profiles.new_keys(profile, *keys, account, sections, version=version, replace=is_meant, **by)
            goes_on = tasks.go_on_with_keys(tasks.task_of(profile), **by)
    except NotSo as why_not:
        return place.said(f"⚠️ {why_not}"), [[Key("👤 " + _("Profile"), "profile_view", {"profile": profile.pk})]]
    title = "✅ " + _("“%(name)s” has new keys") % {"name": profile.name}
    resumed = "▶️ " + _("Its reports go on.") if goes_on else ""
    lines = [account_line(account), *words_of.of_sections(dict(sections)), resumed]
    return titled(title, *lines), [[Key("👤 " + _("Profile"), "profile_view", {"profile": profile.pk})]]
