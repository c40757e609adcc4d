"""What the tick and the outbox ask of posts: what firing means, and how what was fired leaves.

fire(due)         targets and deliveries, inside the tick's transaction
send(delivery)    settings.DELIVERY_BACKENDS["post"]: the post itself, or a side step at what is there. It is composed
                  at this moment and stands in no other row. What became of it is recorded at the target before the
                  outbox records the delivery, so after a crash in between nobody is asked about what is known.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from core.db import in_db, in_db_first
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from posts.models import Kind, Post, PostTarget
from posts.services import after, composing, firing, leaving, settling
from posts.services.composing import Call
from posts.services.rows import expire_hours
from telegram_bot import backend

log = structlog.get_logger(__name__)

fire = firing.fire

Target = PostTarget.State
# Seconds until one looks again whether another post may be sent.
LOOK_AGAIN = 0.5

# How many this process is sending at this moment.
_sending = 0


@dataclass
class Loaded:
    """A target as it is at this moment, and the call that shows the post there."""

    target: PostTarget
    attempt: int
    call: Call


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError."""
    with _turn():
        if "do" in delivery.content:
            return await _step(delivery)
        loaded = await in_db(_load, delivery, timezone.now())
        if loaded is None:
            return Sent()  # it was settled meanwhile
        return await _publish(delivery, loaded)


@contextmanager
def _turn() -> Iterator[None]:
    """Only so many at once. Who waits is not on the way, so a crash leaves no doubt about it."""
    global _sending
    if _sending >= settings.POSTS_SENDING_AT_ONCE:
        raise DeliveryError(WAITING, "Other posts are being sent.", retry_after=LOOK_AGAIN)
    _sending += 1
    try:
        yield
    finally:
        _sending -= 1


def _load(delivery: Delivery, now: datetime) -> Loaded | None:
    """None: nothing is to be sent any more. Raises DeliveryError."""
    found = leaving.parse(delivery.key)
    if found is None:
        raise DeliveryError("bug", f"{delivery.key} names no attempt.", permanent=True)
    _post, number, attempt = found
    if not settling.begin(number, attempt, now):
        return None
    target = PostTarget.objects.select_related("post", "chat").get(pk=number)
    if _is_over(target, now):
        raise DeliveryError(leaving.EXPIRED, "Its time had passed.", permanent=True)
    return Loaded(target, attempt, _call_for(target, target.thread_id))


def _is_over(target: PostTarget, now: datetime) -> bool:
    """Whether it waited in the outbox beyond its time. What a person sent on its way later than that, or once more,
    counts from then."""
    life, planned, wanted = timedelta(hours=expire_hours(target.post)), target.post.planned_at, target.updated_at
    in_time = target.attempt == 1 and planned is not None and wanted - planned <= life
    return now - (planned if in_time and planned is not None else wanted) > life


def _call_for(target: PostTarget, thread: int) -> Call:
    return composing.call_for(target.post, target.chat.telegram_id, thread)


async def _publish(delivery: Delivery, loaded: Loaded) -> Sent:
    target, warning = loaded.target, ""
    try:
        sent = await backend.send(_as_message(delivery, loaded.call))
    except DeliveryError as error:
        if error.kind != "topic" or not target.thread_id or not target.post.general_allowed:
            raise
        await backend.room(delivery.lane)
        sent = await backend.send(_as_message(delivery, await in_db(_call_for, target, 0)))
        warning = _("Its topic is closed or gone, so it went to the general one.")
    try:
        await in_db_first(_record, loaded, sent, warning)
    except Exception as error:
        # It is there: whoever takes this for a failure would send it again.
        log.exception("a post was sent, and that could not be recorded", target=target.pk, exc_info=error)
        raise DeliveryError("unrecorded", type(error).__name__, doubt=True) from error
    return sent


def _as_message(delivery: Delivery, call: Call) -> Delivery:
    """The delivery as the Telegram backend sends it; the row itself stays without the words."""
    message = copy.copy(delivery)
    message.content = call.content
    return message


def _record(loaded: Loaded, sent: Sent, warning: str) -> None:
    numbers = sent.result.get("message_ids") or ([sent.message_id] if sent.message_id is not None else [])
    poll = str(sent.result.get("poll_id", ""))
    target = loaded.target
    settling.sent(
        target.pk,
        loaded.attempt,
        message_ids=numbers,
        poll_id=poll,
        revision=target.post.revision,
        warning=warning,
        now=timezone.now(),
    )


# --- side steps -----------------------------------------------------------------------------------------------------


async def _step(delivery: Delivery) -> Sent:
    do = delivery.content["do"]
    loaded = await in_db(_load_step, int(delivery.content["target"]), do)
    if loaded is None:
        return Sent()
    target, calls = loaded
    for number, call in enumerate(calls):
        if number:
            await backend.room(delivery.lane)
        await backend.send(_as_message(delivery, call))
    await in_db_first(after.done, target.pk, do, timezone.now(), revision=target.post.revision, key=delivery.key)
    return Sent()


def _load_step(number: int, do: str) -> tuple[PostTarget, list[Call]] | None:
    """None: it is done already, or there is nothing any more to do it to. Raises DeliveryError."""
    target = PostTarget.objects.select_related("post", "chat").filter(pk=number, state=Target.SENT).first()
    if target is None or (do == after.EDIT and target.revision >= target.post.revision):
        return None
    if not target.message_ids:
        raise DeliveryError("no number", "Nobody knows the message's number.", permanent=True)
    if do in (after.EDIT, after.REMOVE) and len(target.message_ids) < _messages_of(target.post):
        raise DeliveryError("no number", "Nobody knows the numbers of all its messages.", permanent=True)
    if do == after.EDIT:
        return target, composing.edit_calls(target.post, target)
    chat = {"chat_id": target.chat.telegram_id}
    first = chat | {"message_id": target.message_ids[0]}
    if do == after.REMOVE and len(target.message_ids) > 1:
        return target, [Call("deleteMessages", chat | {"message_ids": target.message_ids})]
    method, params = {
        after.PIN: ("pinChatMessage", first | {"disable_notification": True}),
        after.UNPIN: ("unpinChatMessage", first),
        after.REMOVE: ("deleteMessage", first),
        # Without them its buttons would go.
        after.STOP: ("stopPoll", first | composing.keyboard(target.post.buttons)),
    }[do]
    return target, [Call(method, params)]


def _messages_of(post: Post) -> int:
    """How many show it; of an album that a message proved to be there, one is known."""
    return post.media.count() if post.kind == Kind.ALBUM else 1
