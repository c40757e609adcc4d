"""Rows that a measurement needs beforehand, written in bulk by a process of its own.

`python -m benchmarks.rows people FIRST COUNT`: people who may use the bot, and their private chats.
`python -m benchmarks.rows dialogs FIRST COUNT TURNS`: an open dialog of so many turns for each of these people.
"""

import os
import sys
from collections.abc import Callable

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from accounts.models import Access, Chat, ChatKind, User  # noqa: E402
from conversations.models import Conversation, Message, Request  # noqa: E402
from llm.tokens import estimate  # noqa: E402
from telegram_bot.outgoing import bot_id  # noqa: E402

# As the sandbox names the people of a burst.
NAME = "Person {}"
BATCH = 1000
ASKED = "How does the report of the {n}th morning begin, and who of the team reads it first?"
SAID = "Report {n} begins with the figures of the evening before. The team reads it over the first tea. " * 3


@transaction.atomic
def people(first: int, count: int) -> None:
    """Active people with the names that the sandbox gives them, so that their first message changes no row."""
    ids = range(first, first + count)
    made = User.objects.bulk_create([person(telegram_id) for telegram_id in ids], batch_size=BATCH)
    chats = [
        Chat(bot_id=bot_id(), telegram_id=telegram_id, kind=ChatKind.PRIVATE, title=user.name, person=user)
        for telegram_id, user in zip(ids, made, strict=True)
    ]
    Chat.objects.bulk_create(chats, batch_size=BATCH)


def person(telegram_id: int) -> User:
    """An unsaved row of somebody who was let in."""
    return User(
        telegram_id=telegram_id,
        username=f"tg{telegram_id}",
        password="!",
        first_name=NAME.format(telegram_id),
        status=Access.ACTIVE,
        decided_at=timezone.now(),
    )


@transaction.atomic
def dialogs(first: int, count: int, turns: int) -> None:
    """Dialogs as `turns` questions would have left them; none of them says that it is long."""
    now = timezone.now()
    for chat in Chat.objects.filter(telegram_id__gte=first, telegram_id__lt=first + count):
        conversation = Conversation.objects.create(chat=chat, warned_at=now)
        requests = [request(conversation, n) for n in range(1, turns + 1)]
        Request.objects.bulk_create(requests, batch_size=BATCH)
        messages = [message for n, one in enumerate(requests, 1) for message in messages_of(one, n)]
        Message.objects.bulk_create(messages, batch_size=BATCH)


def request(conversation: Conversation, n: int) -> Request:
    """The unsaved record of a question that was answered."""
    return Request(
        conversation=conversation,
        user=conversation.chat.person,
        update_key=f"old:{conversation.pk}:{n}",
        state=Request.State.DONE,
        prompt=ASKED.format(n=n),
        answer=SAID.format(n=n),
    )


def messages_of(request: Request, n: int) -> list[Message]:
    """Both sides of a turn, unsaved."""
    texts = {Message.Role.USER: ASKED.format(n=n), Message.Role.ASSISTANT: SAID.format(n=n)}
    return [
        Message(conversation=request.conversation, request=request, role=role, content=text, tokens=estimate(text))
        for role, text in texts.items()
    ]


COMMANDS: dict[str, Callable[..., None]] = {"people": people, "dialogs": dialogs}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*map(int, sys.argv[2:]))
