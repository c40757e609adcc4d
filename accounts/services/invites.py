"""Invitations: a link that lets one person in. Only the hash of its token is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from accounts import signals
from accounts.models import Access, Invite, Role, User
from accounts.services.record import audit, clip, put, target_of

RANK = {Role.MEMBER: 0, Role.EDITOR: 1, Role.ADMIN: 2}


@transaction.atomic
def create_invite(
    *, role: Role, hours: float, by: User | None, note: str = "", now: datetime, via: str = "bot"
) -> tuple[Invite, str]:
    """A new invitation and its token: 32 characters A-Za-z0-9_-, shown once, good for one person within
    ``hours``.

    It fits a deep link (https://core.telegram.org/bots/features#deep-linking: at most 64 of these
    characters).
    """
    if hours <= 0:
        raise ValueError(f"An invitation must be good for more than {hours} hours.")
    token = secrets.token_urlsafe(24)
    invite = Invite.objects.create(
        token_hash=_hash(token),
        role=role,
        note=clip(note, 100),
        created_by=by,
        created_at=now,
        expires_at=now + timedelta(hours=hours),
    )
    details = {"role": str(role), "hours": hours}
    audit("invite.created", by=by, via=via, **target_of(invite), details=details, now=now)
    return invite, token


def _hash(token: str) -> str:
    # A plain hash is enough: the token is 192 random bits, nobody can try them all.
    return hashlib.sha256(token.encode()).hexdigest()


@transaction.atomic
def redeem_invite(token: str, user: User, now: datetime) -> Invite | None:
    """Let ``user`` in by an invitation; None when it is unknown, used, expired or revoked, or ``user`` is
    blocked.

    Nobody loses a role by it: one who is in already gets the higher of the two, and the link of a role they
    have is left for another. The same person may come with the same link again. Sends ``decided`` when it
    opened the door.
    """
    person = User.objects.select_for_update().get(pk=user.pk)
    invite = Invite.objects.filter(token_hash=_hash(token)).first()
    if invite is None or person.status == Access.BLOCKED or not person.is_active:
        return None
    if not _stands(invite):
        return None
    if person.may_use and invite.used_by_id == person.pk:
        return invite
    gains = not person.may_use or RANK[Role(invite.role)] > RANK[Role(person.role)]
    if not gains or not _take(invite, person, now):
        return None
    _let_in(person, invite, now)
    put(user, {name: getattr(person, name) for name in ("status", "role", "decided_by", "decided_at")})
    return invite


def _stands(invite: Invite) -> bool:
    """Whether its author could still let people in: who is no admin any more leaves no back door."""
    author = invite.created_by
    return author is None or author.is_bot_admin or (author.is_active and author.is_staff)


def _take(invite: Invite, person: User, now: datetime) -> bool:
    """Use the invitation up; False when somebody else did, or its time is over."""
    use = {"used_by": person, "used_at": now}
    open_ones = Invite.objects.filter(used_at=None, revoked_at=None, expires_at__gt=now)
    if not open_ones.filter(pk=invite.pk).update(**use):
        return False
    put(invite, use)
    return True


def _let_in(person: User, invite: Invite, now: datetime) -> None:
    """Write the decision that the invitation's author took in advance."""
    was_in, by = person.may_use, invite.created_by
    details = {"old": str(person.status), "old_role": str(person.role), "invite": invite.pk}
    change: dict[str, Any] = {"role": invite.role}
    if not was_in:
        change |= {"status": Access.ACTIVE, "decided_by": by, "decided_at": now}
    User.objects.filter(pk=person.pk).update(**change)
    put(person, change)
    details |= {"new": str(person.status), "role": str(person.role)}
    audit("invite.redeemed", by=person, via="invite", **target_of(person), details=details, now=now)
    if not was_in:
        signals.decided.send(sender=User, user=person, status=Access.ACTIVE, by=by, via="invite", now=now)
    else:
        signals.role_changed.send(sender=User, user=person, by=by, via="invite", now=now)


@transaction.atomic
def revoke_invite(invite: Invite, *, by: User | None, via: str, now: datetime) -> bool:
    """Make an unused invitation worthless; True when this call did."""
    if not Invite.objects.filter(pk=invite.pk, used_at=None, revoked_at=None).update(revoked_at=now):
        invite.refresh_from_db()
        return False
    put(invite, {"revoked_at": now})
    audit("invite.revoked", by=by, via=via, **target_of(invite), now=now)
    return True
