"""A card follows its post: once it has come to rest, the card in its author's chat says so, without a press.

Not what is said, only that it is to be said is enqueued, in the transaction that settles the post; the card is put
together when it leaves, as it stands then, in place of the newest message about the post. One that was deleted
meanwhile, or is just shown anew by a press, is let be.
"""

import copy
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone, translation

from accounts.models import User
from core.db import in_db
from delivery import services as delivery
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from posts.models import Post, State
from posts.services import notices
from posts.signals import post_settled
from telegram_bot import backend, outgoing
from telegram_bot.incoming import language_of
from telegram_bot.models import Button, Expectation
from telegram_bot.outgoing import Place

SOURCE = "post"
# How such an edit leaves (settings.DELIVERY_BACKENDS).
BACKEND = "post_card"
# Kind of error of a message that is not there any more.
GONE = "gone"


def connect() -> None:
    post_settled.connect(on_settled, dispatch_uid="posts.chat.following")


def on_settled(post: Post, **_kwargs: Any) -> None:
    """Once an outcome: whatever a person or a new attempt changes counts the version up."""
    author = notices.hearer_of(post)
    if author is None or author.telegram_id is None or notices.has_much_to_read(author):
        return
    if not cards_of(post.pk, author.telegram_id).exists():
        return
    key = f"postcard:{post.pk}:settled:{post.version}:{post.state}"
    row = outgoing.message(key, Place(outgoing.bot_id(), author.telegram_id), {"post": str(post.pk)}, SOURCE)
    row.backend = BACKEND
    delivery.enqueue([row])


def cards_of(post: object, chat_id: int) -> QuerySet[Delivery]:
    """What was said about a post in a chat."""
    return delivery.named(f"postcard:{post}").filter(chat_id=chat_id)


# --- when it leaves -------------------------------------------------------------------------------------------------


async def send(message: Delivery) -> Sent:
    """Raises DeliveryError."""
    content = await in_db(_content, message)
    if content is None:
        backend.give_back(message.lane)  # or the next one would wait for a turn that nobody used
        return Sent()
    edit = copy.copy(message)
    edit.content = content
    try:
        return await backend.send(edit)
    except DeliveryError as error:
        if error.kind == GONE:
            return Sent()
        raise


def _content(message: Delivery) -> dict[str, Any] | None:
    """The edit to make; None when there is nothing to edit any more, or it would show what passes."""
    rows = Post.objects.select_related("author", "schedule").filter(pk=message.content.get("post"))
    post = rows.first()
    if post is None or post.state == State.PUBLISHING:  # deleted, or tried again: what comes of that is said then
        return None
    author = notices.hearer_of(post)
    if author is None or author.telegram_id != message.chat_id:
        return None
    newest = _newest(message, post)
    return None if newest is None else _edit(post, author, newest)


def _newest(message: Delivery, post: Post) -> int | None:
    """The number of the newest message about the post, if it is to be edited."""
    said = cards_of(post.pk, message.chat_id or 0).exclude(pk=message.pk).order_by("-id")
    newest = said.filter(state=Delivery.State.SENT, message_id__isnull=False).first()
    if newest is None or Expectation.objects.filter(asked=newest.key, expires_at__gt=timezone.now()).exists():
        return None  # whoever is asked for words there sees the card when they have answered
    waiting = said.filter(state=Delivery.State.QUEUED, pk__gt=message.pk).values_list("content", flat=True)
    if any(content.get("params", {}).get("message_id") == newest.message_id for content in waiting):
        return None  # a press shows it anew
    return newest.message_id


def _edit(post: Post, author: User, number: int) -> dict[str, Any]:
    # Not at the top: this module is loaded wherever posts are settled, the cards only where they are shown.
    from posts.chat import cards

    buttons: list[Button] = []
    with translation.override(language_of(author)):
        [part], keyboard = cards.card(post, author, timezone.now())
        markup = outgoing.markup(keyboard, buttons, author, author.telegram_id or 0)
    Button.objects.bulk_create(buttons)
    params = {
        "chat_id": author.telegram_id,
        "message_id": number,
        "text": part.text,
        "entities": part.entities,
        "link_preview_options": {"is_disabled": True},
        "reply_markup": markup,
    }
    # Not said anew where it cannot be edited: its author has deleted it, and the notice tells the same.
    return {"method": "editMessageText", "params": params, "exact": True}
