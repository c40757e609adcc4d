"""Groups ask as people do; a private chat follows its person; a migrated group stays itself."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import services, signals
from accounts.models import Access, AuditEntry, Chat, ChatKind, User

pytestmark = pytest.mark.django_db
AtOnce = Callable[..., list[Any]]
BOT = 1000
OLD, NEW = -4001, -1001000000009


@pytest.fixture
def group(db: None, now: datetime) -> Chat:
    return services.see_chat(BOT, OLD, ChatKind.GROUP, "Команда", None, now=now)


def supergroup(now: datetime) -> Chat:
    return services.see_chat(BOT, NEW, ChatKind.SUPERGROUP, "Команда", None, now=now)


def test_new_group_is_outside(group: Chat) -> None:
    assert (group.status, group.allowed, group.title) == (Access.PENDING, False, "Команда")


def test_private_chat_belongs_to_its_person(member: User, now: datetime) -> None:
    chat = services.see_chat(BOT, 101, ChatKind.PRIVATE, None, "anna", person=member, now=now)
    assert (chat.person, chat.allowed) == (member, True)


def test_seeing_a_known_chat_is_one_query(
    group: Chat, now: datetime, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        assert services.see_chat(BOT, OLD, ChatKind.GROUP, "Команда", None, now=now) == group


def test_seeing_writes_a_changed_title(group: Chat, now: datetime) -> None:
    services.see_chat(BOT, OLD, ChatKind.GROUP, "Отдел", "otdel", now=now)
    group.refresh_from_db()
    assert (group.title, group.username) == ("Отдел", "otdel")


def test_two_bots_have_rows_of_their_own(group: Chat, now: datetime) -> None:
    assert services.see_chat(BOT + 1, OLD, ChatKind.GROUP, "Команда", None, now=now) != group


@pytest.mark.django_db(transaction=True)
def test_two_first_updates_at_once_make_one_chat(now: datetime, at_once: AtOnce) -> None:
    one, two = at_once(lambda: supergroup(now), lambda: supergroup(now))
    assert one == two


# --- asking and deciding ---


def test_group_asks_once(group: Chat, member: User, now: datetime) -> None:
    results = [services.request_chat(group, member, now) for _ in range(2)]
    assert results == [True, False]
    assert Chat.objects.get(pk=group.pk).requested_by == member


def test_request_of_a_group_is_told(group: Chat, member: User, now: datetime) -> None:
    heard: list[tuple[Chat, User]] = []

    def listen(*, chat: Chat, by: User, **_values: Any) -> None:
        heard.append((chat, by))

    signals.chat_requested.connect(listen)
    services.request_chat(group, member, now)
    signals.chat_requested.disconnect(listen)
    assert heard == [(group, member)]


def test_private_chat_never_asks(member: User, now: datetime) -> None:
    chat = services.see_chat(BOT, 101, ChatKind.PRIVATE, None, None, person=member, now=now)
    assert not services.request_chat(chat, member, now)


@pytest.mark.parametrize(
    ("status", "hours", "asked"),
    [(Access.REJECTED, 23, False), (Access.REJECTED, 24, True), (Access.BLOCKED, 9999, False)],
)
def test_refused_group_asks_again_only_if_rejected_a_day_ago(
    group: Chat, admin: User, now: datetime, status: Access, hours: int, asked: bool
) -> None:
    services.decide_chat(group, status, by=admin, via="bot", now=now)
    assert services.request_chat(group, None, now + timedelta(hours=hours)) is asked


def test_approved_group_is_allowed(group: Chat, admin: User, now: datetime) -> None:
    assert services.decide_chat(group, Access.ACTIVE, by=admin, via="bot", now=now)
    assert Chat.objects.get(pk=group.pk).allowed


def test_decision_on_a_group_is_audited(group: Chat, admin: User, now: datetime) -> None:
    services.decide_chat(group, Access.ACTIVE, by=admin, via="admin", now=now)
    entry = AuditEntry.objects.get(action="chat.decided")
    assert (entry.actor, entry.via, entry.target) == (admin, "admin", f"chat:{group.pk}")
    assert entry.details == {"old": "pending", "new": "active"}


def test_decision_on_a_group_is_told(group: Chat, admin: User, now: datetime) -> None:
    heard: list[tuple[Chat, Access, User]] = []

    def listen(*, chat: Chat, status: Access, by: User, **_values: Any) -> None:
        heard.append((chat, status, by))

    signals.chat_decided.connect(listen)
    services.decide_chat(group, Access.REJECTED, by=admin, via="bot", now=now)
    signals.chat_decided.disconnect(listen)
    assert heard == [(group, Access.REJECTED, admin)]


@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_on_a_group_at_once_one_counts(
    group: Chat, admin: User, now: datetime, at_once: AtOnce
) -> None:
    twin = Chat.objects.get(pk=group.pk)
    results = at_once(
        lambda: services.decide_chat(group, Access.ACTIVE, by=admin, via="bot", now=now),
        lambda: services.decide_chat(twin, Access.BLOCKED, by=admin, via="bot", now=now),
    )
    assert sorted(results) == [False, True]
    assert group.status == twin.status == Chat.objects.get(pk=group.pk).status


# --- reach ---


def test_reason_of_unreachability_is_news_once(group: Chat) -> None:
    results = [services.mark_unreachable(BOT, OLD, "bot was kicked") for _ in range(2)]
    assert results == [True, False]
    assert Chat.objects.get(pk=group.pk).unreachable == "bot was kicked"


def test_reachable_again_is_news_once(group: Chat) -> None:
    services.mark_unreachable(BOT, OLD, "bot was kicked")
    assert [services.mark_reachable(BOT, OLD) for _ in range(2)] == [True, False]
    assert Chat.objects.get(pk=group.pk).unreachable == ""


def test_delivery_to_a_reachable_chat_writes_nothing(
    group: Chat, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(1):
        services.mark_reachable(BOT, OLD)


def test_unknown_chat_is_marked_by_nobody(db: None) -> None:
    assert not services.mark_unreachable(BOT, -77, "chat not found")


# --- migration ---


def test_migrated_group_keeps_row_and_access(group: Chat, admin: User, now: datetime) -> None:
    services.decide_chat(group, Access.ACTIVE, by=admin, via="bot", now=now)
    moved = services.migrate_chat(BOT, OLD, NEW)
    assert (moved, moved.kind, moved.migrated_from, moved.allowed) == (group, ChatKind.SUPERGROUP, OLD, True)
    assert services.see_chat(BOT, NEW, ChatKind.SUPERGROUP, "Команда", None, now=now) == group


def test_migration_told_twice_is_done_once(group: Chat) -> None:
    services.migrate_chat(BOT, OLD, NEW)
    assert services.migrate_chat(BOT, OLD, NEW) == group
    assert Chat.objects.count() == 1


def test_migration_makes_the_chat_reachable_again(group: Chat) -> None:
    services.mark_unreachable(BOT, OLD, "group chat was upgraded to a supergroup chat")
    services.migrate_chat(BOT, OLD, NEW)
    assert Chat.objects.get(pk=group.pk).unreachable == ""


def test_migration_of_an_unknown_group_makes_a_pending_chat(db: None) -> None:
    chat = services.migrate_chat(BOT, OLD, NEW)
    assert (chat.telegram_id, chat.migrated_from, chat.allowed) == (NEW, OLD, False)


def test_group_takes_over_a_supergroup_that_was_seen_before_the_news(group: Chat, admin: User, now: datetime) -> None:
    services.decide_chat(group, Access.ACTIVE, by=admin, via="bot", now=now)
    early = supergroup(now)
    assert services.migrate_chat(BOT, OLD, NEW) == group
    early.refresh_from_db()
    group.refresh_from_db()
    assert (group.telegram_id, group.allowed) == (NEW, True)
    assert (early.telegram_id, early.allowed, early.unreachable != "") == (OLD, False, True)


def test_take_over_told_twice_is_done_once(group: Chat, now: datetime) -> None:
    supergroup(now)
    services.migrate_chat(BOT, OLD, NEW)
    assert services.migrate_chat(BOT, OLD, NEW) == group


@pytest.mark.parametrize(("hours", "status"), [(-1, Access.BLOCKED), (1, Access.ACTIVE)])
def test_of_two_decided_chats_the_later_decision_stands(
    group: Chat, admin: User, now: datetime, hours: int, status: Access
) -> None:
    early = supergroup(now)
    services.decide_chat(group, Access.BLOCKED, by=admin, via="bot", now=now)
    services.decide_chat(early, Access.ACTIVE, by=admin, via="bot", now=now + timedelta(hours=hours))
    assert services.migrate_chat(BOT, OLD, NEW).status == status


@pytest.mark.django_db(transaction=True)
def test_migration_told_by_both_chats_at_once_is_done_once(group: Chat, at_once: AtOnce) -> None:
    def migrate() -> Chat:
        return services.migrate_chat(BOT, OLD, NEW)

    assert at_once(migrate, migrate) == [group, group]


def test_chat_remembers_the_longest_of_what_is_awaited(group: Chat, now: datetime) -> None:
    services.await_words(group, now + timedelta(minutes=15))
    services.await_words(group, now + timedelta(minutes=5))

    assert Chat.objects.get(pk=group.pk).awaits_until == group.awaits_until == now + timedelta(minutes=15)


# --- the bot's own place ---


def test_bots_place_is_noted_with_its_time_and_told_when_it_is_news(group: Chat, now: datetime) -> None:
    heard: list[tuple[Chat, dict[str, Any]]] = []

    def listen(*, chat: Chat, before: dict[str, Any], **_values: Any) -> None:
        heard.append((chat, before))

    signals.chat_rights_changed.connect(listen)
    news = [services.set_rights(group, "administrator", {"can_pin_messages": True}, now) for _ in range(2)]
    later = now + timedelta(hours=1)
    news.append(services.set_rights(group, "administrator", {"can_pin_messages": True}, later))
    signals.chat_rights_changed.disconnect(listen)

    stored = Chat.objects.get(pk=group.pk)
    assert (stored.bot_status, stored.bot_rights, stored.rights_at) == (
        "administrator",
        {"can_pin_messages": True},
        later,
    )
    assert (news, heard) == ([True, False, False], [(group, {"bot_status": "", "bot_rights": {}})])


def test_plain_member_keeps_what_was_known_of_its_rights(group: Chat, now: datetime) -> None:
    services.set_rights(group, "member", {"can_send_polls": False}, now)
    assert not services.set_rights(group, "member", {}, now)
    assert Chat.objects.get(pk=group.pk).bot_rights == {"can_send_polls": False}
    services.set_rights(group, "left", {}, now)
    assert Chat.objects.get(pk=group.pk).bot_rights == {}
