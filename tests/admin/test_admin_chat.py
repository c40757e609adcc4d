"""What operators see of the admin chat: announcements with how far they came, and sessions that can be ended."""

from datetime import datetime, timedelta

from django.contrib.auth.models import Permission
from django.test import Client
from django.utils import timezone

from accounts.models import AuditEntry, User
from delivery.models import Delivery
from telegram_bot import broadcasts
from telegram_bot.models import AdminSession, Broadcast
from tests.admin.conftest import client_of, person, url


def message(broadcast: Broadcast, number: int, state: str, kind: str = "", created: datetime | None = None) -> None:
    Delivery.objects.create(
        key=f"broadcast:{broadcast.pk}:{number}", lane="out:1:1", source=broadcasts.SOURCE, state=state,
        error_kind=kind, created_at=created or timezone.now(),
    )  # fmt: skip


def announcements(operator: User) -> tuple[Broadcast, Broadcast]:
    """One that is over, with messages of all ends, and one on its way."""
    over = Broadcast.objects.create(text="We move on Friday", state="done", created_by=operator, enqueued=1500)
    for number, (state, kind) in enumerate(
        [("sent", ""), ("sent", ""), ("failed", "forbidden"), ("failed", "rejected"), ("unknown", "network")]
    ):
        message(over, number, state, kind)
    over.finished_at = timezone.now()
    over.save()
    going = Broadcast.objects.create(text="We moved", state="sending", created_by=operator)
    message(going, 1, "sent")
    message(going, 2, "queued")
    return over, going


def test_announcements_are_listed_with_how_many_got_them(site: Client, operator: User) -> None:
    over, going = announcements(operator)
    message(over, 99, "sent", created=timezone.now() + timedelta(hours=1))  # not of its time

    rows = broadcasts.with_counts(Broadcast.objects.all()).values_list("pk", "sent", "not_sent")
    assert sorted(rows) == [(over.pk, 2, 3), (going.pk, 1, 0)]
    page = site.get(url(Broadcast, "changelist")).content.decode()
    assert "We move on Friday" in page
    assert "1\N{NO-BREAK SPACE}500" in page


def test_announcements_page_says_what_became_of_its_messages(site: Client, operator: User) -> None:
    over, _going = announcements(operator)
    page = site.get(url(Broadcast, "change", over.pk)).content.decode()

    for line in ("✅ sent: 2", "never started): 1", "⚠️ failed: 1", "❔ in doubt (it may have arrived): 1"):
        assert line in page, line


def test_counts_of_the_chat_and_of_the_site_agree(operator: User) -> None:
    over, _going = announcements(operator)
    found = broadcasts.counts(over)

    [(sent, not_sent)] = broadcasts.with_counts(Broadcast.objects.filter(pk=over.pk)).values_list("sent", "not_sent")
    assert sent == found["sent"]
    assert not_sent == found["unreachable"] + found["failed"] + found["unknown"]


def session_of(user: User, now: datetime, **more: object) -> AdminSession:
    return AdminSession.objects.create(user=user, until=now + timedelta(minutes=9), **more)


def end(client: Client, session: AdminSession) -> None:
    client.post(url(AdminSession, "changelist"), {"action": "end_selected", "_selected_action": [session.pk]})
    session.refresh_from_db()


def test_session_of_an_admin_is_ended(site: Client, now: datetime) -> None:
    anna = person(1, now)
    waiting = {"words": ["block", "5"], "chat_id": 1, "thread": 0, "at": now.timestamp()}
    session = session_of(anna, now, failures=2, failed_at=now, waiting=waiting)
    for _again in range(2):
        end(site, session)

    assert (session.until, session.waiting) == (None, {})
    assert session.failures == 2, "wrong tries still count"
    [entry] = AuditEntry.objects.filter(action="admin.session_ended")
    assert (entry.actor_label, entry.via, entry.target_label) == ("Root", "admin", str(anna))


def test_staff_who_may_only_look_end_no_session(now: datetime, db: None) -> None:
    looker = User.objects.create_user("looker", is_staff=True, status="active")
    looker.user_permissions.add(Permission.objects.get(codename="view_adminsession"))
    session = session_of(person(1, now), now)
    end(client_of(looker), session)

    assert session.until is not None
