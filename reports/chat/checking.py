"""A look at what a profile's keys open now, when its owner asks for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from reports.avito.client import Keys, keys_of
from reports.avito.errors import AvitoError, Kind
from reports.chat import cards, found, place
from reports.chat.pressing import own
from reports.metrics import Section
from reports.models import AvitoProfile
from reports.probing import Probe
from reports.services import access, profiles, watching
from telegram_bot import expecting
from telegram_bot.incoming import Incoming


@dataclass(frozen=True)
class Begun:
    profile: AvitoProfile
    keys: Keys = field(repr=False)


@transaction.atomic
def begin(incoming: Incoming, data: Mapping[str, Any], edit: int | None, now: datetime) -> Begun | str | None:
    """The keys to look at; a text: why it is not for this person; None: there is nothing to look at, which is said."""
    profile = own(incoming, "profile_check", dict(data))
    if isinstance(profile, str):
        return profile
    expecting.forget(incoming)
    if profile is None:
        place.say(incoming, cards.gone(), edit=edit)
        place.finish(incoming, now)
        return None
    try:
        keys = keys_of(profile)
    except AvitoError as error:
        watching.note(profile, {Section.ACCOUNT: error.kind}, now)
        _show(incoming, profile, edit, now, "")
        return None
    place.say(incoming, (place.said("🔎 " + _("I am looking at what the keys open at Avito…")), ()), edit=edit)
    return Begun(profile, Keys(keys.client_id, keys.client_secret))


@transaction.atomic
def end(incoming: Incoming, begun: Begun, seen: Probe, edit: int | None, now: datetime) -> None:
    profile = access.own(incoming.user, begun.profile.pk)
    if profile is None:
        place.say(incoming, cards.gone(), edit=edit)
        place.finish(incoming, now)
        return
    note = ""
    if profile.version != begun.profile.version:
        pass  # other keys were entered meanwhile: what was seen is of those before
    elif seen.error is not None:
        watching.note(profile, {Section.ACCOUNT: seen.error.kind}, now)
        note = _("Avito does not answer at the moment. Try again soon.") if seen.error.kind in found.PASSING else ""
    elif profiles.is_other_account(profile, seen.account):
        watching.note(profile, {Section.ACCOUNT: Kind.WRONG_ACCOUNT}, now)
    else:
        profiles.recognise(profile, seen.account, now=now)
        watching.note(profile, seen.sections, now)
        note = _("Looked at just now.")
    _show(incoming, profile, edit, now, note)


def _show(incoming: Incoming, profile: AvitoProfile, edit: int | None, now: datetime, note: str) -> None:
    fresh = access.own(incoming.user, profile.pk) or profile
    place.say(incoming, cards.card(fresh, cards.facts_of(fresh), now, note), edit=edit)
    place.finish(incoming, now)
