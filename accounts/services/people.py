"""People: who they are, whether they may use the bot, what they may do."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string

from accounts import signals
from accounts.models import Access, Language, Role, User
from accounts.services.record import audit, clip, decision, may_ask, put, refresh, target_of

OPERATOR = "admin"
# Of settings.ZONE_FOLLOWERS: the person, their zone before (empty: none was known), now; what to say of it.
Follow = Callable[[User, str, datetime], str]


class LastAdmin(Exception):
    """The only bot admin tried to give up their own rights; after that nobody could let people in."""

    def __init__(self) -> None:
        super().__init__("You are the only admin of the bot. Make somebody else an admin first.")


@dataclass(frozen=True)
class TelegramPerson:
    """A sender as Telegram describes them; what Telegram leaves out is None or empty."""

    id: int
    first_name: str = ""
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


def see(person: TelegramPerson, now: datetime, known: User | None = None) -> User:
    """The person's row: found or created (pending), with the names Telegram gives them now.

    One SELECT when nothing changed, none when the caller has the row (``known``): this runs for each
    message. Telegram is the source of names, so an operator's edits of them do not last.
    """
    names = {
        "first_name": clip(person.first_name, 150),
        "last_name": clip(person.last_name, 150),
        "telegram_username": clip(person.username, 64),
        "telegram_language": clip(person.language_code, 16),
    }
    user = known or User.objects.by_telegram(person.id)
    if user is None:
        # "!" is Django's mark of a password that fits nothing.
        fresh = {"username": f"tg{person.id}", "password": "!", "date_joined": now, **names}
        user, _created = User.objects.get_or_create(telegram_id=person.id, defaults=fresh)
    refresh(user, names)
    return user


@transaction.atomic
def request_access(user: User, now: datetime) -> bool:
    """Ask the admins to let ``user`` in; True when this call asked, False when it was asked or decided
    before.

    A rejected person may ask again after 24 hours, a blocked one never. Sends ``access_requested``.
    """
    asked = {"status": Access.PENDING, "requested_at": now, "decided_by": None, "decided_at": None}
    if not User.objects.filter(may_ask(now), pk=user.pk, is_active=True).update(**asked):
        return False
    put(user, asked)
    audit("access.requested", by=user, via="bot", **target_of(user), now=now)
    signals.access_requested.send(sender=User, user=user, now=now)
    return True


@transaction.atomic
def decide(user: User, status: Access, *, by: User | None, via: str, now: datetime, role: Role | None = None) -> bool:
    """Let ``user`` in, reject, block or set them back to pending; True when this call changed it.

    It counts only while the status is the one ``user`` was loaded with: of two admins who press at once one
    gets True. After False ``user`` shows what stands instead. ``role``, if any, is given along with the
    decision. Raises LastAdmin. Sends ``decided``.
    """
    old = user.status
    if status != Access.ACTIVE:
        _keep_an_admin(user, by)
    change = decision(status, by, now)
    if role is not None:
        change["role"] = role
    if old == status or not User.objects.filter(pk=user.pk, status=old).update(**change):
        user.refresh_from_db(fields=["status", "role", "requested_at", "decided_by", "decided_at"])
        return False
    put(user, change)
    details = {"old": old, "new": str(status), "role": str(user.role)}
    audit("access.decided", by=by, via=via, **target_of(user), details=details, now=now)
    signals.decided.send(sender=User, user=user, status=status, by=by, via=via, now=now)
    return True


@transaction.atomic
def set_role(user: User, role: Role, *, by: User | None, via: str, now: datetime) -> bool:
    """Give ``user`` the role; True when this call changed it. Raises LastAdmin."""
    old = user.role
    if role != Role.ADMIN:
        _keep_an_admin(user, by)
    if old == role or not User.objects.filter(pk=user.pk, role=old).update(role=role):
        user.refresh_from_db(fields=["role"])
        return False
    put(user, {"role": role})
    audit("role.set", by=by, via=via, **target_of(user), details={"old": old, "new": str(role)}, now=now)
    signals.role_changed.send(sender=User, user=user, by=by, via=via, now=now)
    return True


def _keep_an_admin(user: User, by: User | None) -> None:
    """Refuse when ``user`` acts on themselves and no other bot admin would be left."""
    if by is None or by.pk != user.pk:
        return
    # Locked, so that two admins who step down at the same moment do not both find the other.
    admins = User.objects.bot_admins().select_for_update().order_by("pk")
    if [admin.pk for admin in admins] == [user.pk]:
        raise LastAdmin


def set_language(user: User, language: str) -> None:
    """Remember the language the person chose: one of ``Language``, or empty for none. Raises ValueError."""
    if language and language not in Language.values:
        raise ValueError(f"{language!r} is not a language of the bot; choose from {', '.join(Language.values)}.")
    refresh(user, {"language": language})


def set_time_zone(user: User, zone: str) -> None:
    """Remember the person's time zone: an IANA name, or empty for none. Raises ValueError."""
    if zone and not _is_time_zone(zone):
        raise ValueError(f"{zone!r} is not a time zone; write one like Europe/Moscow.")
    refresh(user, {"time_zone": zone})


def follow_zone(user: User, before: str, now: datetime) -> list[str]:
    """The person's zone was ``before``: let what runs by their clock follow (settings.ZONE_FOLLOWERS). What to say of
    it, in the active language. Inside the transaction of the change."""
    followers: list[Follow] = [import_string(path) for path in settings.ZONE_FOLLOWERS]
    return [told for follow in followers if (told := follow(user, before, now))]


def set_broadcasts(user: User, wanted: bool) -> None:
    """Remember whether the person wants the admins' announcements."""
    refresh(user, {"broadcasts": wanted})


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; not a plain path; a folder of zones such as "Europe"
        return False
    return True


@transaction.atomic
def approve_telegram_ids(
    ids: Iterable[int], *, role: Role | None, by: User | None, via: str, now: datetime
) -> list[tuple[int, str]]:
    """Let in the people with these Telegram ids, whether they have written yet or not. For each id one of

    ``approved`` (let in by this call), ``role changed`` (was in, has ``role`` now), ``already`` (nothing to
    do). Without ``role`` newcomers become members and the others keep theirs. Raises LastAdmin.
    """
    return [(telegram_id, _approve(telegram_id, role, by, via, now)) for telegram_id in ids]


def _approve(telegram_id: int, role: Role | None, by: User | None, via: str, now: datetime) -> str:
    user = User.objects.by_telegram(telegram_id) or see(TelegramPerson(telegram_id), now)
    if decide(user, Access.ACTIVE, by=by, via=via, now=now, role=role):
        return "approved"
    if role is not None and set_role(user, role, by=by, via=via, now=now):
        return "role changed"
    return "already"


@transaction.atomic
def ensure_operator(password: str, now: datetime) -> bool:
    """Create the operator's account ``admin`` of the web side; False when it is there, untouched."""
    if User.objects.filter(username=OPERATOR).exists():
        return False
    extra: dict[str, Any] = {"status": Access.ACTIVE, "date_joined": now}
    operator = User.objects.create_superuser(OPERATOR, password=password, **extra)
    audit("operator.created", by=None, via="command", **target_of(operator), now=now)
    return True
