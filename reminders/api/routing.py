"""Routes of reminders, and whose reminders there are."""

import functools

from django.utils.translation import gettext as _
from ninja import Router

from accounts.models import Access, Chat, User
from core.prepared import Prepared
from core.problem import HttpProblem
from reminders.models import Reminder, Reminders
from rest import routing
from rest.conditions import idempotency
from rest.routing import person, uuid_in
from telegram_bot.outgoing import bot_id

router = Router(tags=["reminders"])
route = functools.partial(routing.route, router)
ONCE = idempotency("one reminder")
MOST_ID = 2**63 - 1


def visible() -> Reminders:
    """Of people who are in; others do not exist for the API."""
    rows: Reminders = Reminder.objects.filter(user__is_active=True, user__status=Access.ACTIVE)
    return rows.select_related("schedule", "user", "created_by_key")


def find(reminder_id: str) -> Reminder:
    found = visible().filter(pk=uuid_in(reminder_id)).readable()
    if not found:
        raise HttpProblem(404, _("There is no such reminder."))
    return found[0]


def person_and_chat(telegram_id: int) -> tuple[User, Chat | None]:
    """The person, and the private chat with them if there is one."""
    if telegram_id <= MOST_ID and (found := _private_chat(bot_id(), telegram_id)):
        chat = found[0]
        if chat.person is not None and chat.person.telegram_id == telegram_id and chat.person.may_use:
            return chat.person, chat
    return person(telegram_id), None


# Asked for each reminder that is made, and compiling it costs more than answering it.
_private_chat = Prepared(
    2,
    lambda bot, telegram_id: Chat.objects.filter(
        bot_id=bot, telegram_id=telegram_id, person__isnull=False
    ).select_related("person"),
)
