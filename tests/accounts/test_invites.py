"""A link lets one person in, once, for a while."""

import hashlib
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from accounts import services, signals
from accounts.models import Access, AuditEntry, Invite, Role, User
from accounts.services import TelegramPerson

pytestmark = pytest.mark.django_db
AtOnce = Callable[..., list[Any]]


@pytest.fixture
def guest(stranger: TelegramPerson, now: datetime) -> User:
    return services.see(stranger, now)


def invite(by: User | None, now: datetime, role: Role = Role.MEMBER) -> tuple[Invite, str]:
    return services.create_invite(role=role, hours=24, by=by, note="for Boris", now=now)


def test_token_fits_a_link(admin: User, now: datetime) -> None:
    _, token = invite(admin, now)
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", token)


def test_only_the_hash_of_the_token_is_kept(admin: User, now: datetime) -> None:
    row, token = invite(admin, now)
    kept = Invite.objects.filter(pk=row.pk).values().get()
    assert kept["token_hash"] == hashlib.sha256(token.encode()).hexdigest()
    assert token not in str(kept) + str(list(AuditEntry.objects.values()))


def test_invitation_lets_a_stranger_in_with_its_role(guest: User, admin: User, now: datetime) -> None:
    row, token = invite(admin, now, Role.EDITOR)
    assert services.redeem_invite(token, guest, now) == row
    assert (guest.may_use, guest.role) == (True, Role.EDITOR)
    guest.refresh_from_db()
    assert (guest.may_use, guest.role, guest.decided_by) == (True, Role.EDITOR, admin)


def test_redeeming_is_audited_and_told(guest: User, admin: User, now: datetime) -> None:
    told: list[tuple[User, Access, User, str]] = []

    def listen(*, user: User, status: Access, by: User, via: str, **_values: Any) -> None:
        told.append((user, status, by, via))

    row, token = invite(admin, now)
    signals.decided.connect(listen)
    services.redeem_invite(token, guest, now)
    signals.decided.disconnect(listen)
    entry = AuditEntry.objects.get(action="invite.redeemed")
    assert (entry.actor, entry.via, entry.details["invite"]) == (guest, "invite", row.pk)
    assert (entry.details["old"], entry.details["new"]) == ("pending", "active")
    assert told == [(guest, Access.ACTIVE, admin, "invite")]


def test_second_person_is_too_late(guest: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now)
    services.redeem_invite(token, guest, now)
    late = services.see(TelegramPerson(104, "Chris"), now)
    assert services.redeem_invite(token, late, now) is None
    assert not User.objects.get(pk=late.pk).may_use


def test_same_person_may_follow_the_link_again(guest: User, admin: User, now: datetime) -> None:
    row, token = invite(admin, now)
    results = [services.redeem_invite(token, guest, now) for _ in range(2)]
    assert results == [row, row]
    assert AuditEntry.objects.filter(action="invite.redeemed").count() == 1


def test_used_link_does_not_bring_back_a_rejected_person(guest: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now)
    services.redeem_invite(token, guest, now)
    services.decide(guest, Access.REJECTED, by=admin, via="bot", now=now)
    assert services.redeem_invite(token, guest, now) is None


@pytest.mark.parametrize(("hours", "good"), [(23.9, True), (24, False)])
def test_invitation_ends_with_its_hours(guest: User, admin: User, now: datetime, hours: float, good: bool) -> None:
    _, token = invite(admin, now)
    assert bool(services.redeem_invite(token, guest, now + timedelta(hours=hours))) is good


def test_unknown_token_opens_nothing(guest: User, now: datetime) -> None:
    assert services.redeem_invite("nothing", guest, now) is None


def test_blocked_person_stays_outside(guest: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now)
    services.decide(guest, Access.BLOCKED, by=admin, via="bot", now=now)
    assert services.redeem_invite(token, guest, now) is None
    assert User.objects.get(pk=guest.pk).status == Access.BLOCKED


def test_deactivated_account_stays_outside(guest: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now)
    User.objects.filter(pk=guest.pk).update(is_active=False)
    assert services.redeem_invite(token, guest, now) is None


def test_rejected_person_comes_in_by_invitation(guest: User, admin: User, now: datetime) -> None:
    services.decide(guest, Access.REJECTED, by=admin, via="bot", now=now)
    _, token = invite(admin, now)
    assert services.redeem_invite(token, guest, now)


def test_former_admin_of_lower_invitation_comes_back_with_its_role(guest: User, admin: User, now: datetime) -> None:
    services.set_role(guest, Role.ADMIN, by=admin, via="admin", now=now)
    _, token = invite(admin, now)
    services.redeem_invite(token, guest, now)
    assert User.objects.get(pk=guest.pk).role == Role.MEMBER


def test_member_leaves_a_member_link_for_another(member: User, guest: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now)
    assert services.redeem_invite(token, member, now) is None
    assert services.redeem_invite(token, guest, now)


def test_member_rises_by_a_higher_invitation(member: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now, Role.EDITOR)
    assert services.redeem_invite(token, member, now)
    assert User.objects.get(pk=member.pk).role == Role.EDITOR


def test_revoked_invitation_opens_nothing(guest: User, admin: User, now: datetime) -> None:
    row, token = invite(admin, now)
    assert services.revoke_invite(row, by=admin, via="bot", now=now)
    assert services.redeem_invite(token, guest, now) is None


def test_used_invitation_cannot_be_revoked(guest: User, admin: User, now: datetime) -> None:
    row, token = invite(admin, now)
    services.redeem_invite(token, guest, now)
    assert not services.revoke_invite(row, by=admin, via="bot", now=now)
    assert row.used_by == guest


def test_revoking_is_audited(admin: User, now: datetime) -> None:
    row, _ = invite(admin, now)
    services.revoke_invite(row, by=admin, via="admin", now=now)
    entry = AuditEntry.objects.get(action="invite.revoked")
    assert (entry.actor, entry.via, entry.target) == (admin, "admin", f"invite:{row.pk}")


def test_links_of_a_former_admin_open_nothing(guest: User, admin: User, now: datetime) -> None:
    _, token = invite(admin, now, Role.ADMIN)
    services.set_role(admin, Role.MEMBER, by=None, via="command", now=now)
    assert services.redeem_invite(token, guest, now) is None


def test_operator_of_the_web_side_may_invite(guest: User, now: datetime) -> None:
    operator = User.objects.create_superuser("web", password="long enough for a test")
    _, token = invite(operator, now)
    assert services.redeem_invite(token, guest, now)


def test_invitation_of_no_hours_is_refused(admin: User, now: datetime) -> None:
    with pytest.raises(ValueError, match="more than 0 hours"):
        services.create_invite(role=Role.MEMBER, hours=0, by=admin, note="", now=now)


@pytest.mark.django_db(transaction=True)
def test_of_two_people_with_one_link_at_once_one_comes_in(
    guest: User, admin: User, now: datetime, at_once: AtOnce
) -> None:
    other = services.see(TelegramPerson(104, "Chris"), now)
    row, token = invite(admin, now)
    results = at_once(
        lambda: services.redeem_invite(token, guest, now),
        lambda: services.redeem_invite(token, other, now),
    )
    row.refresh_from_db()
    assert results.count(None) == 1
    inside = list(User.objects.filter(status=Access.ACTIVE).exclude(pk=admin.pk))
    assert inside == [row.used_by]
