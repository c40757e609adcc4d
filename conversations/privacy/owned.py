"""What is a person's own: their rows, wherever they lie. Both the export and the erasing ask here, so they agree."""

from django.db.models import Q, QuerySet

from accounts.models import Chat, ChatKind, User
from conversations.models import Conversation, Message, Request
from delivery.models import Delivery
from files.models import StoredFile
from telegram_bot.models import Button, Update

GROUP_SENDER = ("message", "edited_message", "callback_query")


def private_chats(user: User) -> QuerySet[Chat]:
    return Chat.objects.filter(person=user, kind=ChatKind.PRIVATE)


def dialogs(user: User) -> QuerySet[Conversation]:
    """Dialogs in private chats: both sides of them are the person's."""
    return Conversation.objects.filter(chat__in=private_chats(user))


def said_in_groups(user: User) -> QuerySet[Message]:
    """What the person asked in groups; the answers there are everybody's."""
    asked = Message.objects.filter(Q(request__user=user) | Q(author=user), role=Message.Role.USER)
    return asked.exclude(conversation__chat__in=private_chats(user)).exclude(content="")


def requests(user: User) -> QuerySet[Request]:
    return Request.objects.filter(Q(user=user) | Q(conversation__in=dialogs(user)))


def files(user: User) -> QuerySet[StoredFile]:
    return StoredFile.objects.filter(owner=user)


def buttons(user: User) -> QuerySet[Button]:
    return Button.objects.filter(owner=user)


def updates(user: User) -> QuerySet[Update]:
    """Raw updates of the private chat, and of groups where the person sent them."""
    by_person = Q()
    for kind in GROUP_SENDER:
        by_person |= Q(**{f"raw__{kind}__from__id": user.telegram_id})
    return Update.objects.filter(Q(chat_id=user.telegram_id) | Q(by_person, chat_id__lt=0)).exclude(raw={})


def deliveries(user: User) -> QuerySet[Delivery]:
    """What was sent into the private chat."""
    return Delivery.objects.filter(chat_id=user.telegram_id)
