"""What owners and admins are told of a profile: its owner in their private chat and language, the admins in theirs.

A message's key names its alert, so however many processes tell it, it is said once. No key, secret or figure goes to
the admins. Everything here is called inside the transaction in which it happens.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

import structlog
from django.conf import settings
from django.utils import timezone, translation

from accounts.models import Chat
from delivery import services as delivery
from reports.models import Alert, AvitoProfile
from reports.words import alerts as words
from telegram_bot import outgoing
from telegram_bot.incoming import language_of
from telegram_bot.markdown import pieces_of, plain
from telegram_bot.notices import WINDOW, admin_place
from telegram_bot.outgoing import Key, Keyboard, Place, bot_id

log = structlog.get_logger(__name__)

SOURCE = "report"
PREFIX = "avitonews"
# So many to the admins within ten minutes: where everybody's keys fail at once, one message tells of the rest.
MOST = 10

Words = Callable[[], str]


# --- keys and rights ------------------------------------------------------------------------------------------------


def keys_refused(profile: AvitoProfile, alert: Alert, kind: str) -> None:
    """Avito does not take the keys any more."""
    told = _to_owner(f"{alert.pk}:on", profile, lambda: words.keys_refused(profile.name, kind), asks_keys=True)
    _to_admins(f"{alert.pk}:on", lambda: words.of_whom(words.keys_refused_briefly(profile.name, kind), profile, told))


def keys_back(profile: AvitoProfile, alert: Alert) -> None:
    """It takes them again."""
    told = _to_owner(f"{alert.pk}:over", profile, lambda: words.keys_back(profile.name))
    _to_admins(f"{alert.pk}:over", lambda: words.of_whom(words.keys_back(profile.name), profile, told))


def sections_closed(profile: AvitoProfile, news: Sequence[Alert]) -> None:
    """Sections that worked do not any more."""
    kinds = {alert.about: alert.facts["kind"] for alert in news}
    told = _to_owner(f"{news[0].pk}:on", profile, lambda: words.sections_closed(profile.name, kinds))
    _to_admins(
        f"{news[0].pk}:on",
        lambda: words.of_whom(words.sections_closed_briefly(profile.name, list(kinds)), profile, told),
    )


def sections_back(profile: AvitoProfile, over: Sequence[Alert]) -> None:
    """They work again."""
    names = [alert.about for alert in over]
    told = _to_owner(f"{over[0].pk}:over", profile, lambda: words.sections_back(profile.name, names))
    _to_admins(
        f"{over[0].pk}:over", lambda: words.of_whom(words.sections_back(profile.name, names), profile, told)
    )  # fmt: skip


# --- figures --------------------------------------------------------------------------------------------------------


def figures_alarm(profile: AvitoProfile, alert: Alert) -> None:
    """Money runs out, or contacts drop; the owner's own affair."""
    _to_owner(f"{alert.pk}:on", profile, lambda: words.alarm(profile.name, alert))


def figures_well(profile: AvitoProfile, alert: Alert) -> None:
    _to_owner(f"{alert.pk}:over", profile, lambda: words.all_clear(profile.name, alert))


# --- to whom --------------------------------------------------------------------------------------------------------


def _to_owner(name: str, profile: AvitoProfile, said: Words, *, asks_keys: bool = False) -> bool:
    """False when the owner cannot be told: not in Telegram, not let in any more, or the bot is blocked."""
    owner = profile.owner
    if owner.telegram_id is None or not owner.may_use or _is_closed(owner.telegram_id):
        log.warning("an owner of an Avito profile cannot be told", profile=profile.pk)
        return False
    with translation.override(language_of(owner)):
        _say(f"{PREFIX}:{name}", Place(bot_id(), owner.telegram_id), said(), _keyboard(profile, asks_keys))
    return True


def _is_closed(telegram_id: int) -> bool:
    return Chat.objects.filter(bot_id=bot_id(), telegram_id=telegram_id).exclude(unreachable="").exists()


def _keyboard(profile: AvitoProfile, asks_keys: bool) -> Keyboard:
    data = {"profile": profile.pk, "beside": True}  # the notice stays
    new_keys = [Key(words.enter_keys(), "avito.anew", data)] if asks_keys else []
    return [[*new_keys, Key(words.open_profile(), "profile_view", data)]]


def _to_admins(name: str, said: Words) -> None:
    place, now = admin_place(), timezone.now()
    if place is None:
        log.warning("no admin chat for a notice", kind="avito")
        return
    with translation.override(settings.LANGUAGE_CODE):
        if _has_much_to_read(now):
            window = int(now.timestamp() // WINDOW.total_seconds())
            _say(f"{PREFIX}:many:{window}", place, words.many(), ())
        else:
            _say(f"{PREFIX}:{name}:admins", place, said(), ())


def _has_much_to_read(now: datetime) -> bool:
    """Whether the admins heard so much of profiles in these minutes that the rest is told in one message."""
    rows = delivery.named(PREFIX).filter(key__endswith=":admins:0")
    return len(rows.filter(created_at__gt=now - WINDOW).values_list("pk", flat=True)[:MOST]) == MOST


def _say(key: str, place: Place, text: str, keyboard: Keyboard) -> None:
    """Names may hold anything, so nothing in them is Markdown."""
    outgoing.say(key, place, pieces_of(plain(text), []), keyboard, source=SOURCE)
