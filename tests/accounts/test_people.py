"""Who may use the bot, and who decides it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import services, signals
from accounts.models import Access, AuditEntry, Role, User
from accounts.services import LastAdmin, TelegramPerson

pytestmark = pytest.mark.django_db
AtOnce = Callable[..., list[Any]]


@pytest.fixture
def newcomer(stranger: TelegramPerson, now: datetime) -> User:
    """The stranger after their first message, not let in."""
    return services.see(stranger, now)


@pytest.fixture
def other_admin(db: None, now: datetime) -> User:
    services.approve_telegram_ids([103], role=Role.ADMIN, by=None, via="command", now=now)
    return User.objects.get(telegram_id=103)


class Heard:
    """What a signal said, in order."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def __call__(self, **values: Any) -> None:
        self.calls.append(values)


@pytest.fixture
def heard() -> Any:
    """``heard(signal)`` listens to the signal until the test is over."""
    connected = []

    def listen(signal: Any) -> Heard:
        ear = Heard()
        signal.connect(ear)
        connected.append((signal, ear))
        return ear

    yield listen
    for signal, ear in connected:
        signal.disconnect(ear)


# --- seeing ---


def test_stranger_is_outside_after_the_first_message(newcomer: User) -> None:
    assert (newcomer.status, newcomer.role, newcomer.may_use) == (Access.PENDING, Role.MEMBER, False)


def test_seeing_takes_the_names_from_telegram(newcomer: User) -> None:
    newcomer.refresh_from_db()
    assert (newcomer.name, newcomer.telegram_username, newcomer.telegram_language) == ("Борис", "boris", "ru")


def test_seeing_somebody_known_and_unchanged_is_one_query(
    newcomer: User, stranger: TelegramPerson, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert services.see(stranger, now) == newcomer


def test_seeing_writes_a_changed_name(newcomer: User, stranger: TelegramPerson, now: datetime) -> None:
    services.see(replace(stranger, first_name="Боря", username=None), now)
    newcomer.refresh_from_db()
    assert (newcomer.first_name, newcomer.telegram_username) == ("Боря", "")


def test_seeing_changes_nothing_but_names(member: User, now: datetime) -> None:
    seen = services.see(TelegramPerson(101, first_name="Анна-Мария"), now)
    assert (seen.status, seen.role) == (Access.ACTIVE, Role.MEMBER)


def test_seeing_bears_any_name(now: datetime) -> None:
    user = services.see(TelegramPerson(2**52 - 1, first_name="\x00" + "я" * 400), now)
    user.refresh_from_db()
    assert user.first_name == "я" * 150


def test_people_from_telegram_have_no_password(newcomer: User) -> None:
    assert not newcomer.has_usable_password()


@pytest.mark.django_db(transaction=True)
def test_two_first_messages_at_once_make_one_person(stranger: TelegramPerson, now: datetime, at_once: AtOnce) -> None:
    one, two = at_once(lambda: services.see(stranger, now), lambda: services.see(stranger, now))
    assert one == two


# --- asking ---


def test_first_request_is_told_to_the_admins(newcomer: User, now: datetime, heard: Any) -> None:
    requests = heard(signals.access_requested)
    assert services.request_access(newcomer, now)
    assert [call["user"] for call in requests.calls] == [newcomer]


def test_second_request_is_told_to_nobody(newcomer: User, now: datetime, heard: Any) -> None:
    services.request_access(newcomer, now)
    requests = heard(signals.access_requested)
    assert not services.request_access(newcomer, now + timedelta(days=30))
    assert requests.calls == []


def test_request_does_not_open_the_door(newcomer: User, now: datetime) -> None:
    services.request_access(newcomer, now)
    assert not User.objects.get(pk=newcomer.pk).may_use


def test_request_is_audited(newcomer: User, now: datetime) -> None:
    services.request_access(newcomer, now)
    entry = AuditEntry.objects.get(action="access.requested")
    assert (entry.actor, entry.target, entry.via, entry.at) == (newcomer, f"user:{newcomer.pk}", "bot", now)


def test_failing_receiver_undoes_the_request(newcomer: User, now: datetime) -> None:
    def fail(**_values: Any) -> None:
        raise RuntimeError

    signals.access_requested.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            services.request_access(newcomer, now)
    finally:
        signals.access_requested.disconnect(fail)
    assert User.objects.get(pk=newcomer.pk).requested_at is None


def test_member_does_not_ask(member: User, now: datetime) -> None:
    assert not services.request_access(member, now)


@pytest.mark.parametrize(("hours", "asked"), [(23.9, False), (24, True)])
def test_rejected_person_may_ask_again_after_a_day(
    newcomer: User, admin: User, now: datetime, hours: float, asked: bool
) -> None:
    services.request_access(newcomer, now)
    services.decide(newcomer, Access.REJECTED, by=admin, via="bot", now=now)
    assert services.request_access(newcomer, now + timedelta(hours=hours)) is asked


def test_asking_again_wipes_the_old_rejection(newcomer: User, admin: User, now: datetime) -> None:
    services.decide(newcomer, Access.REJECTED, by=admin, via="bot", now=now)
    services.request_access(newcomer, now + timedelta(days=2))
    newcomer.refresh_from_db()
    assert (newcomer.status, newcomer.decided_by, newcomer.decided_at) == (Access.PENDING, None, None)


def test_blocked_person_never_asks_again(newcomer: User, admin: User, now: datetime) -> None:
    services.decide(newcomer, Access.BLOCKED, by=admin, via="bot", now=now)
    assert not services.request_access(newcomer, now + timedelta(days=3650))


def test_deactivated_account_does_not_ask(newcomer: User, now: datetime) -> None:
    User.objects.filter(pk=newcomer.pk).update(is_active=False)
    assert not services.request_access(newcomer, now)


@pytest.mark.django_db(transaction=True)
def test_two_requests_at_once_are_one(newcomer: User, now: datetime, at_once: AtOnce) -> None:
    twin = User.objects.get(pk=newcomer.pk)
    results = at_once(lambda: services.request_access(newcomer, now), lambda: services.request_access(twin, now))
    assert sorted(results) == [False, True]


# --- deciding ---


def test_approved_person_may_use_the_bot(newcomer: User, admin: User, now: datetime) -> None:
    assert services.decide(newcomer, Access.ACTIVE, by=admin, via="bot", now=now)
    assert User.objects.get(pk=newcomer.pk).may_use


def test_decision_can_give_a_role(newcomer: User, admin: User, now: datetime) -> None:
    services.decide(newcomer, Access.ACTIVE, by=admin, via="bot", now=now, role=Role.EDITOR)
    assert User.objects.get(pk=newcomer.pk).role == Role.EDITOR


def test_decision_is_audited_with_actor_and_both_states(newcomer: User, admin: User, now: datetime) -> None:
    services.decide(newcomer, Access.ACTIVE, by=admin, via="admin", now=now)
    entry = AuditEntry.objects.get(action="access.decided")
    assert (entry.actor, entry.actor_label, entry.via, entry.at) == (admin, "Ольга", "admin", now)
    assert (entry.target_label, entry.details["old"], entry.details["new"]) == ("Борис", "pending", "active")


def test_decision_is_told(newcomer: User, admin: User, now: datetime, heard: Any) -> None:
    decisions = heard(signals.decided)
    services.decide(newcomer, Access.REJECTED, by=admin, via="bot", now=now)
    told = [(call["user"], call["status"], call["by"], call["via"]) for call in decisions.calls]
    assert told == [(newcomer, Access.REJECTED, admin, "bot")]


def test_same_decision_twice_is_told_and_audited_once(newcomer: User, admin: User, now: datetime, heard: Any) -> None:
    decisions = heard(signals.decided)
    results = [services.decide(newcomer, Access.ACTIVE, by=admin, via="bot", now=now) for _ in range(2)]
    assert results == [True, False]
    assert (len(decisions.calls), AuditEntry.objects.filter(action="access.decided").count()) == (1, 1)


def test_late_admin_learns_what_stands(newcomer: User, admin: User, other_admin: User, now: datetime) -> None:
    late = User.objects.get(pk=newcomer.pk)
    services.decide(newcomer, Access.ACTIVE, by=admin, via="bot", now=now)
    assert not services.decide(late, Access.REJECTED, by=other_admin, via="bot", now=now)
    assert (late.status, late.decided_by) == (Access.ACTIVE, admin)


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_press_at_once_one_decides(
    newcomer: User, admin: User, other_admin: User, now: datetime, at_once: AtOnce
) -> None:
    twin = User.objects.get(pk=newcomer.pk)
    results = at_once(
        lambda: services.decide(newcomer, Access.ACTIVE, by=admin, via="bot", now=now),
        lambda: services.decide(twin, Access.REJECTED, by=other_admin, via="bot", now=now),
    )
    winner = admin if results[0] else other_admin
    assert sorted(results) == [False, True]
    assert User.objects.get(pk=newcomer.pk).decided_by == winner


def test_person_set_back_to_pending_may_ask_at_once(newcomer: User, admin: User, now: datetime) -> None:
    services.request_access(newcomer, now)
    services.decide(newcomer, Access.BLOCKED, by=admin, via="admin", now=now)
    services.decide(newcomer, Access.PENDING, by=admin, via="admin", now=now)
    assert services.request_access(newcomer, now)


# --- roles ---


def test_role_is_set_and_audited(member: User, admin: User, now: datetime) -> None:
    assert services.set_role(member, Role.EDITOR, by=admin, via="bot", now=now)
    entry = AuditEntry.objects.get(action="role.set")
    assert (entry.actor, entry.target, entry.via) == (admin, f"user:{member.pk}", "bot")
    assert entry.details == {"old": "member", "new": "editor"}


def test_same_role_again_changes_nothing(member: User, admin: User, now: datetime) -> None:
    assert not services.set_role(member, Role.MEMBER, by=admin, via="bot", now=now)
    assert not AuditEntry.objects.filter(action="role.set").exists()


def test_role_counts_only_against_the_one_that_was_seen(member: User, admin: User, now: datetime) -> None:
    stale = User.objects.get(pk=member.pk)
    services.set_role(member, Role.ADMIN, by=admin, via="bot", now=now)
    assert not services.set_role(stale, Role.EDITOR, by=admin, via="bot", now=now)
    assert stale.role == Role.ADMIN


def test_only_admin_cannot_demote_themselves(admin: User, now: datetime) -> None:
    with pytest.raises(LastAdmin, match="only admin"):
        services.set_role(admin, Role.MEMBER, by=admin, via="bot", now=now)


def test_only_admin_cannot_block_themselves(admin: User, now: datetime) -> None:
    with pytest.raises(LastAdmin):
        services.decide(admin, Access.BLOCKED, by=admin, via="admin", now=now)
    assert User.objects.get(pk=admin.pk).is_bot_admin


def test_operator_without_telegram_is_no_second_admin(admin: User, now: datetime) -> None:
    User.objects.create(username="web", role=Role.ADMIN, status=Access.ACTIVE, is_superuser=True)
    with pytest.raises(LastAdmin):
        services.set_role(admin, Role.MEMBER, by=admin, via="bot", now=now)


def test_one_of_two_admins_may_step_down(admin: User, other_admin: User, now: datetime) -> None:
    assert services.set_role(admin, Role.MEMBER, by=admin, via="bot", now=now)


def test_operator_may_demote_the_only_admin(admin: User, now: datetime) -> None:
    assert services.set_role(admin, Role.MEMBER, by=None, via="command", now=now)


@pytest.mark.django_db(transaction=True)
def test_two_admins_cannot_both_step_down_at_once(
    admin: User, other_admin: User, now: datetime, at_once: AtOnce
) -> None:
    def step_down(person: User) -> bool:
        try:
            return services.set_role(person, Role.MEMBER, by=person, via="bot", now=now)
        except LastAdmin:
            return False

    assert sorted(at_once(lambda: step_down(admin), lambda: step_down(other_admin))) == [False, True]


# --- language and time zone ---


def test_chosen_language_is_kept(member: User) -> None:
    services.set_language(member, "en")
    assert User.objects.get(pk=member.pk).language == "en"


def test_unknown_language_is_refused(member: User) -> None:
    with pytest.raises(ValueError, match="'de' is not a language"):
        services.set_language(member, "de")


@pytest.mark.parametrize("zone", ["Asia/Yekaterinburg", ""])
def test_chosen_time_zone_is_kept(member: User, zone: str) -> None:
    services.set_time_zone(member, zone)
    assert User.objects.get(pk=member.pk).time_zone == zone


@pytest.mark.parametrize("zone", ["Moscow", "Europe", "../etc/passwd", "/etc/localtime", "МСК"])
def test_unknown_time_zone_is_refused(member: User, zone: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone"):
        services.set_time_zone(member, zone)


# --- by id ---


def approve(ids: list[int], role: Role | None, now: datetime) -> list[tuple[int, str]]:
    return services.approve_telegram_ids(ids, role=role, by=None, via="command", now=now)


def test_unknown_person_is_approved_before_they_write(stranger: TelegramPerson, now: datetime) -> None:
    assert approve([102], Role.EDITOR, now) == [(102, "approved")]
    user = services.see(stranger, now)
    assert (user.may_use, user.role, user.name) == (True, Role.EDITOR, "Борис")


def test_approving_somebody_known_keeps_their_name(newcomer: User, now: datetime) -> None:
    approve([102], None, now)
    newcomer.refresh_from_db()
    assert (newcomer.name, newcomer.may_use) == ("Борис", True)


def test_approving_twice_says_already(now: datetime) -> None:
    assert approve([102, 102], None, now) == [(102, "approved"), (102, "already")]


def test_approving_a_member_as_admin_changes_the_role(member: User, now: datetime) -> None:
    assert approve([101], Role.ADMIN, now) == [(101, "role changed")]


def test_approving_an_admin_without_role_keeps_it(admin: User, now: datetime) -> None:
    approve([100], None, now)
    assert User.objects.get(pk=admin.pk).role == Role.ADMIN
