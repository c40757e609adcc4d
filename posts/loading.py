"""Files that came by Telegram are kept here as well, when they are small enough: after the draft is made, so that
nobody waits for them. The draft does without until then, and for good when a file is too large to be loaded.

fetch_later(post)    inside the transaction that saves it
send(delivery)       settings.DELIVERY_BACKENDS["post_file"]
"""

from datetime import datetime
from uuid import UUID

import structlog
from django.db.models import QuerySet

from core.db import in_db
from delivery import services as delivery
from delivery.models import Delivery
from delivery.services import Sent
from files import services as files
from files.errors import FileError
from files.models import StoredFile
from posts.models import Post, PostMedia
from telegram_bot.files import Attached, fetch
from telegram_bot.outgoing import bot_id

log = structlog.get_logger(__name__)

SOURCE = "post_file"


def fetch_later(post: Post, now: datetime) -> bool:
    """Load what is known by Telegram's id only; False when there is no such file. Not twice for the same files."""
    ids = list(_missing(post.pk).values_list("pk", flat=True))
    if not ids:
        return False
    row = Delivery(
        key=f"{SOURCE}:{post.pk}:{ids[0]}-{ids[-1]}", backend=SOURCE, lane=f"task:file:{post.pk}:0", source=SOURCE,
        content={"post": str(post.pk)}, created_at=now,
    )  # fmt: skip
    delivery.enqueue([row])
    return True


def _missing(post: UUID) -> QuerySet[PostMedia]:
    rows = PostMedia.objects.filter(post=post, file=None, bot_id=bot_id()).exclude(telegram_file_id="")
    return rows.select_related("post__author").order_by("position")


async def send(row: Delivery) -> Sent:
    for medium in await in_db(lambda: list(_missing(UUID(row.content["post"])))):
        if medium.post.author is None:
            continue
        found = Attached("document", medium.telegram_file_id, "", medium.size, medium.name)
        try:
            stored = await fetch(found, medium.post.author)
        except FileError as error:
            # Telegram has it, and that is enough to post it.
            log.info("file of a post not kept", post=str(medium.post_id), kind=error.kind)
        else:
            await in_db(_keep, medium, stored)
    return Sent()


def _keep(medium: PostMedia, stored: StoredFile) -> None:
    """Where the post still has it."""
    files.remember_sent(stored.pk, f"{medium.bot_id}:{medium.kind}", medium.telegram_file_id)
    values = {"file": stored, "mime": medium.mime or stored.mime, "size": medium.size or stored.size}
    PostMedia.objects.filter(pk=medium.pk, telegram_file_id=medium.telegram_file_id).update(**values)
