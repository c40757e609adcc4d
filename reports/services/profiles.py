"""Profiles: entered, renamed, given other keys, shown in groups, deleted. The only writer of their rows' facts; what
works in them is told by reports/services/watching.py.

Every function is one short transaction and takes the clock as ``now``. ``by`` is who did it, ``via`` is where: chat,
admin, bot. Nothing here talks to Avito: what a look at the keys found (reports/probing.py) comes as an argument.
"""

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Chat, User
from delivery import planning
from delivery.models import Schedule
from delivery.schedule import Daily
from reports.avito.account import Account
from reports.avito.client import digest_of, mask_of
from reports.metrics import Section
from reports.models import (
    Access,
    Alert,
    AvitoProfile,
    AvitoToken,
    ProfileChat,
    ReportTask,
    Snapshot,
    Standing,
)
from reports.services import knowing, watching
from reports.services.collecting import start_collecting, stop_collecting
from reports.services.rows import SOURCE, NotSo, lock, note, private_chat

LONGEST_NAME = 64
NINE = time(9)
# Later than this a report is not the one that was planned, but the latest missed one.
GRACE = 6 * 3600  # seconds

# --- entered --------------------------------------------------------------------------------------------------------


@transaction.atomic
def create_profile(
    owner: User,
    name: str,
    client_id: str,
    client_secret: str,
    account: Account | None,
    sections: Mapping[Section, str],
    *,
    now: datetime,
    via: str,
) -> AvitoProfile:
    """Keep the keys, sealed, and all that belongs to a profile: a report every day at nine by the owner's clock into
    their private chat, which is off until they switch it on, and the daily collection of its figures.

    ``sections``: what a look at the keys found, the kind of an AvitoError or nothing where it works. Raises NotSo:
    wrong-name, name-taken, too-many.
    """
    User.objects.select_for_update().get(pk=owner.pk)  # one at a time, or two make one more than there may be
    check_room(owner)
    name = check_name(owner, name)
    profile = AvitoProfile.objects.create(
        owner=owner,
        name=name,
        **_keys(client_id, client_secret, account),
        sections=_told(sections, now),
        created_at=now,
        updated_at=now,
    )
    _give_task(profile, now)
    start_collecting(profile, now)
    note(profile, "created", by=owner, via=via, now=now)
    return profile


def check_room(owner: User) -> None:
    """Raises NotSo (too-many) when the person has as many profiles as one may have."""
    most = settings.AVITO_PROFILES_PER_PERSON
    if most and AvitoProfile.objects.filter(owner=owner).count() >= most:
        text = ngettext(
            "You have %(count)d profile, which is the most one person may have. Delete it with /profiles first.",
            "You have %(count)d profiles, the most one person may have. Delete one with /profiles first.",
            most,
        )
        raise NotSo("too-many", text % {"count": most})


def check_name(owner: User, name: str, profile: AvitoProfile | None = None) -> str:
    """``name`` as it is kept. Raises NotSo: wrong-name, name-taken (by another than ``profile``)."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        text = _("A name has 1 to %(most)d characters, such as “North shop”. Write another one.")
        raise NotSo("wrong-name", text % {"most": LONGEST_NAME})
    others = AvitoProfile.objects.filter(owner=owner)
    if profile is not None:
        others = others.exclude(pk=profile.pk)
    # In Python: SQLite knows no capitals beyond ASCII.
    if name.casefold() in {known.casefold() for known in others.values_list("name", flat=True)}:
        raise NotSo("name-taken", _("You have a profile with this name already. Write another one."))
    return name


def _keys(client_id: str, client_secret: str, account: Account | None) -> dict[str, Any]:
    return {
        "credentials": {"client_id": client_id, "client_secret": client_secret},
        "client": digest_of(client_id),
        "client_mask": mask_of(client_id),
        "account_id": account.id if account else None,
        "account_name": account.name[:255] if account else "",
        "access": Access.WORKS if account else Access.UNCHECKED,
    }


def _told(sections: Mapping[Section, str], now: datetime) -> dict[str, dict[str, str]]:
    return {str(section): {"kind": kind, "at": now.isoformat()} for section, kind in sections.items()}


def _give_task(profile: AvitoProfile, now: datetime) -> None:
    owner = profile.owner
    zone = owner.time_zone or settings.TIME_ZONE
    limits: dict[str, Any] = {"grace_seconds": GRACE, "catch_up": Schedule.CatchUp.LAST}
    schedule = planning.plan(SOURCE, str(profile.pk), Daily(NINE), zone, now=now, **limits)
    planning.pause(schedule, now=now)
    ReportTask.objects.create(profile=profile, schedule=schedule, chat=private_chat(owner, now), updated_at=now)


# --- changed --------------------------------------------------------------------------------------------------------


@transaction.atomic
def rename(profile: AvitoProfile, name: str, *, by: User, via: str, now: datetime) -> None:
    """Raises NotSo: wrong-name, name-taken."""
    held = lock(profile)
    held.name = check_name(held.owner, name, held)
    held.updated_at = now
    held.save(update_fields=["name", "updated_at"])
    profile.name = held.name
    note(held, "renamed", by=by, via=via, now=now)


@transaction.atomic
def new_keys(
    profile: AvitoProfile,
    client_id: str,
    client_secret: str,
    account: Account | None,
    sections: Mapping[Section, str],
    *,
    version: int,
    replace: bool = False,
    by: User,
    via: str,
    now: datetime,
) -> None:
    """Use other keys from now on. What was paused because the old ones were refused goes on.

    ``replace``: keys of another account are meant; its days of figures do not mix with those of the one before, which
    are deleted. Raises NotSo: other-account when they are not meant, changed when somebody entered keys since
    ``version``.
    """
    held = lock(profile)
    if held.version != version:
        raise NotSo("changed", _("The keys were changed meanwhile. Open the profile again: /profiles"))
    other = is_other_account(held, account)
    if other and not replace:
        raise NotSo("other-account", _("These are keys of another Avito account."))
    before = held.client
    if other:
        _forget_figures(held)
    for column, value in _keys(client_id, client_secret, account or _same(held)).items():
        if column != "access":
            setattr(held, column, value)
    held.version += 1
    held.updated_at = now
    held.save()
    _forget_token(before)
    note(held, "keys", by=by, via=via, now=now, other_account=other)
    watching.note(held, {**sections, Section.ACCOUNT: ""}, now)
    start_collecting(held, now)
    _show(profile, held)


def is_other_account(profile: AvitoProfile, account: Account | None) -> bool:
    """Whether the keys of ``account`` are of another one than the profile's, as far as both are known."""
    return account is not None and profile.account_id is not None and account.id != profile.account_id


def recognise(profile: AvitoProfile, account: Account | None, *, now: datetime) -> None:
    """Note whose keys they are, once Avito said so, and what the account is called there now."""
    if account is None:
        return
    known: dict[str, Any] = {"account_id": account.id, "account_name": account.name[:255]}
    if any(getattr(profile, name) != value for name, value in known.items()):
        AvitoProfile.objects.filter(pk=profile.pk).update(**known, updated_at=now)
        profile.account_id, profile.account_name = account.id, known["account_name"]


def _same(profile: AvitoProfile) -> Account | None:
    """The account as it is known, when Avito did not say whose the new keys are."""
    return Account(id=profile.account_id, name=profile.account_name) if profile.account_id else None


def _forget_figures(profile: AvitoProfile) -> None:
    """Of the account before; that its keys were refused is over when these work, which is told."""
    Snapshot.objects.filter(profile=profile).delete()
    Standing.objects.filter(profile=profile).delete()
    Alert.objects.filter(profile=profile).exclude(kind=Alert.Kind.KEYS).delete()
    profile.sections = {}


def _forget_token(client: str) -> None:
    """A token outlives its keys at Avito for a day; here it does not, unless another profile has the same keys."""
    if not AvitoProfile.objects.filter(client=client).exists():
        AvitoToken.objects.filter(client=client).delete()


def _show(profile: AvitoProfile, held: AvitoProfile) -> None:
    for field in AvitoProfile._meta.concrete_fields:
        if field.attname in held.__dict__:
            setattr(profile, field.attname, getattr(held, field.attname))


@transaction.atomic
def delete_profile(profile: AvitoProfile, *, by: User | None, via: str, now: datetime) -> None:
    """Leave nothing of it here: keys, token, figures, reports, exports, plans. At Avito nothing changes."""
    held = lock(profile)
    note(held, "deleted", by=by, via=via, now=now)
    stop_collecting(held, now)
    for schedule in Schedule.objects.filter(source=SOURCE, object_id=str(held.pk)):
        planning.remove(schedule, now=now)
    # Its other lock lets rows that belong to it in: what came between would outlive it.
    AvitoProfile.objects.select_for_update().only("pk").get(pk=held.pk)
    held.delete()
    _forget_token(held.client)


# --- where it is shown ----------------------------------------------------------------------------------------------


@transaction.atomic
def show_in(profile: AvitoProfile, chat: Chat, *, by: User, via: str, now: datetime) -> bool:
    """Let everybody in a group or channel see the profile's figures. False when they may already."""
    if chat.is_private:
        raise ValueError("Nobody else sees a private chat.")
    _place, is_new = ProfileChat.objects.get_or_create(profile=profile, chat=chat, defaults={"created_at": now})
    if is_new:
        note(profile, "shown", by=by, via=via, now=now, chat=chat.telegram_id)
        transaction.on_commit(knowing.somebody_came)
    return is_new


@transaction.atomic
def hide_from(profile: AvitoProfile, chat: Chat, *, by: User | None, via: str, now: datetime) -> bool:
    """No longer; a report that went there goes to the owner alone. False when it was not shown there."""
    gone = ProfileChat.objects.filter(profile=profile, chat=chat).delete()[0]
    tasks = ReportTask.objects.filter(profile=profile, chat=chat)
    tasks.update(chat=private_chat(profile.owner, now), thread_id=0, updated_at=now)
    if gone:
        note(profile, "hidden", by=by, via=via, now=now, chat=chat.telegram_id)
    return bool(gone)
