"""The services as the bot calls them: from async code, through the database threads."""

import asyncio
from datetime import datetime

import pytest

from accounts import services
from accounts.models import Access, User
from accounts.services import TelegramPerson
from core.db import in_db

pytestmark = pytest.mark.django_db(transaction=True)


async def test_many_first_messages_at_once_make_one_person(stranger: TelegramPerson, now: datetime) -> None:
    people = await asyncio.gather(*[in_db(services.see, stranger, now) for _ in range(20)])
    assert {person.pk for person in people} == {people[0].pk}


async def test_many_admins_at_once_make_one_decision(admin: User, stranger: TelegramPerson, now: datetime) -> None:
    person = await in_db(services.see, stranger, now)

    def press(status: Access) -> bool:
        loaded = User(pk=person.pk, status=Access.PENDING)  # as every button was drawn
        return services.decide(loaded, status, by=admin, via="bot", now=now)

    presses = [in_db(press, status) for status in [Access.ACTIVE, Access.REJECTED] * 10]
    assert sum(await asyncio.gather(*presses)) == 1
