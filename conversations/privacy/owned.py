"""What is a person's own: their rows, wherever they lie. Both the export and the erasing ask here, so they agree."""

from django.db.models import Q, QuerySet

from accounts.models import Chat, ChatKind, User
from conversations.models import Conversation, Message, Request
from delivery.models import Delivery
from files.models import StoredFile
from telegram_bot.models import Button, Expectation, Update

# Where a raw update of a group says who it is from (https://core.telegram.org/bots/api#update).
SENDERS = (
    "message__from", "edited_message__from", "callback_query__from", "my_chat_member__from", "chat_member__from",
    "message_reaction__user", "poll_answer__user",
)  # fmt: skip
# Where it holds a message of somebody else: what it replies to, or pins, and what the pressed button's message answers.
QUOTES = (
    ("message", "reply_to_message"),
    ("message", "pinned_message"),
    ("edited_message", "reply_to_message"),
    ("callback_query", "message", "reply_to_message"),
)


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
    """Those that only the person may press, and those in the private chat."""
    return Button.objects.filter(Q(owner=user) | Q(chat_id=user.telegram_id))


def expectations(user: User) -> QuerySet[Expectation]:
    """What the bot waits to hear of them, with what they said before."""
    return Expectation.objects.filter(user=user)


def updates(user: User) -> QuerySet[Update]:
    """Raw updates of the private chat, and of groups where the person sent them."""
    by_person = _any_of(user, SENDERS) & (Q(chat_id__lt=0) | Q(chat_id=None))
    return Update.objects.filter(Q(chat_id=user.telegram_id) | by_person).exclude(raw={})


def quotations(user: User) -> QuerySet[Update]:
    """Raw updates of a group, whoever sent them, that repeat a message of the person."""
    return Update.objects.filter(_any_of(user, [f"{'__'.join(path)}__from" for path in QUOTES]), chat_id__lt=0)


def _any_of(user: User, places: "list[str] | tuple[str, ...]") -> Q:
    found = Q()
    for place in places:
        found |= Q(**{f"raw__{place}__id": user.telegram_id})
    return found


def deliveries(user: User) -> QuerySet[Delivery]:
    """What was sent into the private chat."""
    return Delivery.objects.filter(chat_id=user.telegram_id)
