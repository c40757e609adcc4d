"""Where an editor is spoken to, and which post one of the messages there is about."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from delivery import services as delivery
from delivery.models import Delivery
from posts.chat.cards import Menu
from posts.models import Post, State
from telegram_bot import outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.lanes import body_of
from telegram_bot.outgoing import Place

SOURCE = "post"
# How a preview leaves (settings.DELIVERY_BACKENDS): it is composed only then.
PREVIEW = "post_preview"
ABOUT = re.compile(r"(?:postcard|postview):([0-9a-f-]{36}):")
# Bots may delete within 48 hours; of what is older nothing is tried.
DELETABLE = timedelta(hours=47)
# Of what a person wrote lately, what an edited message may be the source of.
LOOKED_AT = 50


def say(incoming: Incoming, menu: Menu, *, about: Post | None = None, edit: int | None = None) -> str:
    """Enqueue ``menu`` in the chat of ``incoming`` for its person to press; the key of its delivery.

    ``about``: whose card it is, so that a reply to it is understood. ``edit``: in place of that message. Inside the
    transaction that saves why it is said.
    """
    key = f"postcard:{about.pk}:{incoming.key}:{incoming.said}" if about else f"postsay:{incoming.key}:{incoming.said}"
    incoming.said += 1
    place = Place(incoming.bot_id, incoming.chat_id, incoming.thread, edit=edit)
    outgoing.say(key, place, menu[0], menu[1], owner=incoming.user, source=SOURCE)
    return f"{key}:0"


def show(incoming: Incoming, post: Post, *, source: int = 0) -> None:
    """Enqueue ``post`` as it will look; earlier previews of it in this chat go. ``source``: the message that it was
    made of, so that an edit of that one is understood."""
    take_previews_away(incoming, post)
    key = source_key(post, source) if source else f"postview:{post.pk}:{incoming.key}:{incoming.said}"
    incoming.said += 1
    preview(key, Place(incoming.bot_id, incoming.chat_id, incoming.thread), post)


def preview(key: str, place: Place, post: Post) -> None:
    row = outgoing.message(key, place, {"post": str(post.pk), "thread": place.thread}, SOURCE)
    row.backend = PREVIEW
    delivery.enqueue([row])


def source_key(post: Post, message_id: int) -> str:
    return f"postview:{post.pk}:of:{message_id}"


def take_previews_away(incoming: Incoming, post: Post) -> None:
    """What showed the post before it was changed is not to be taken for what it is now."""
    now = datetime.now(UTC)
    shown = delivery.named(f"postview:{post.pk}").filter(chat_id=incoming.chat_id)
    delivery.withdraw(shown.filter(state=Delivery.State.QUEUED), now)
    for row in shown.filter(state=Delivery.State.SENT, finished_at__gt=now - DELETABLE):
        _take_away(incoming, row)


def take_away(incoming: Incoming, key: str) -> None:
    """Delete the message of the delivery ``key``: what it asked is answered."""
    row = Delivery.objects.filter(key=key, message_id__isnull=False).first()
    if row is not None and row.finished_at is not None and row.finished_at > datetime.now(UTC) - DELETABLE:
        _take_away(incoming, row)


def _take_away(incoming: Incoming, row: Delivery) -> None:
    """Once, for the key says whose."""
    numbers = row.result.get("message_ids") or [row.message_id]
    place = Place(incoming.bot_id, incoming.chat_id)
    params = {"chat_id": incoming.chat_id, "message_ids": numbers}
    outgoing.call(f"postgone:{row.pk}", place, "deleteMessages", params)


def finish(incoming: Incoming, now: datetime) -> None:
    """The update is done with what this transaction saves; it must not make the same again."""
    inbox.finish(incoming.ids, now)
    incoming.finished = True


def message_id(incoming: Incoming) -> int:
    """The message that the update brings; of an album, the first."""
    found = incoming.messages[0].get("message_id")
    return found if isinstance(found, int) else 0


def said_at(incoming: Incoming, now: datetime) -> datetime:
    """When the person wrote it, or wrote it anew; the bot may have been away since."""
    body = body_of(incoming.update.raw)
    date = body.get("edit_date") or body.get("date")
    return min(datetime.fromtimestamp(date, UTC), now) if isinstance(date, int) else now


def one(key: object) -> Post | None:
    """All editors see all posts."""
    try:
        name = UUID(str(key))
    except ValueError:
        return None
    return Post.objects.select_related("author", "schedule").filter(pk=name).first()


def replied_about(incoming: Incoming) -> Post | None:
    """The post whose preview or card the message replies to."""
    number = incoming.replied_to
    if number is None:
        return None
    here = Delivery.objects.filter(bot_id=incoming.bot_id, chat_id=incoming.chat_id, source=SOURCE)
    keys: Iterable[str] = here.filter(message_id=number).order_by("-id").values_list("key", flat=True)
    found = next((named for key in keys if (named := ABOUT.match(key))), None)
    if found is None:
        found = _in_an_album(here.filter(backend=PREVIEW, state=Delivery.State.SENT), number)
    return one(found[1]) if found else None


def _in_an_album(previews: QuerySet[Delivery], number: int) -> re.Match[str] | None:
    """A preview has the number of its first message; the reply may be to another one of its album."""
    for row in previews.filter(message_id__lt=number, message_id__gte=number - 10).order_by("-id"):
        if number in row.result.get("message_ids", ()):
            return ABOUT.match(row.key)
    return None


def made_of(incoming: Incoming, number: int) -> Post | None:
    """The person's draft that was made of that message of theirs, while it is one."""
    own = Post.objects.filter(author=incoming.user, state=State.DRAFT).order_by("-updated_at")
    keys = {source_key(post, number): post for post in own[:LOOKED_AT]}
    known = Delivery.objects.filter(key__in=keys, chat_id=incoming.chat_id).values_list("key", flat=True).first()
    return keys[known] if known else None
