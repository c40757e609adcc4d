"""How finished files leave (settings.DELIVERY_BACKENDS["avito_export_file"]): from the disk, one after another; the
last delivery of an export takes its folder away, and so does the first that nobody may have any more."""

import asyncio
from pathlib import Path
from uuid import UUID

from django.utils import translation

from core.db import in_db
from delivery.models import Delivery
from delivery.services import Sent
from reports.export import spool, verbs
from telegram_bot import documents
from telegram_bot.incoming import language_of


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError."""
    content = delivery.content
    key, part = UUID(content["export"]), content["part"]
    export = await in_db(verbs.find, key)
    if not part or export is None or not verbs.may(export):
        await asyncio.to_thread(spool.remove, key)
        return Sent()
    path = Path(verbs.file_of(key, part))
    with translation.override(language_of(export.requested_by)):
        return await documents.send_file(delivery, path, content["name"], content["caption"])
