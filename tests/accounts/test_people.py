"""Who may use the bot, and who decides it."""

from datetime import datetime

import pytest

from accounts import services
from accounts.models import Access, Role, User
from accounts.services import TelegramPerson

pytestmark = pytest.mark.django_db


def test_stranger_is_pending_after_the_first_message(stranger: TelegramPerson, now: datetime) -> None:
    user = services.see(stranger, now)
    assert (user.status, user.role, user.may_use) == (Access.PENDING, Role.MEMBER, False)


@pytest.mark.django_db(transaction=True)
def test_of_two_admins_who_press_at_once_one_decides(
    admin: User, stranger: TelegramPerson, now: datetime, at_once
) -> None:
    pk = services.see(stranger, now).pk
    one, two = User.objects.get(pk=pk), User.objects.get(pk=pk)
    results = at_once(
        lambda: services.decide(one, Access.ACTIVE, by=admin, via="bot", now=now),
        lambda: services.decide(two, Access.REJECTED, by=admin, via="bot", now=now),
    )
    assert sorted(results) == [False, True]
    assert one.status == two.status
