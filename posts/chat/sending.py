"""How a preview leaves (settings.DELIVERY_BACKENDS): the post as it is then, by the very calls that publish it."""

import copy

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Chat
from core.db import in_db
from delivery.errors import DeliveryError
from delivery.models import Delivery
from delivery.services import Sent
from posts.models import Post
from posts.services import composing
from posts.services.composing import Call
from telegram_bot import backend, outgoing
from telegram_bot.access import escaped
from telegram_bot.incoming import language_of
from telegram_bot.outgoing import Place


async def send(delivery: Delivery) -> Sent:
    """Raises DeliveryError; what Telegram does not take is said in the chat, too."""
    call = await in_db(_call, delivery)
    if call is None:
        return Sent()  # deleted meanwhile
    message = copy.copy(delivery)
    message.content = call.content
    try:
        return await backend.send(message)
    except DeliveryError as error:
        if error.permanent:
            await in_db(_tell, delivery, error)
        raise


def _call(delivery: Delivery) -> Call | None:
    post = Post.objects.filter(pk=delivery.content.get("post")).first()
    if post is None or delivery.chat_id is None:
        return None
    return composing.call_for(post, delivery.chat_id, delivery.content.get("thread", 0))


def _tell(delivery: Delivery, error: DeliveryError) -> None:
    rows = Chat.objects.select_related("person").filter(bot_id=delivery.bot_id, telegram_id=delivery.chat_id or 0)
    chat = rows.first()
    with translation.override(language_of(chat.person if chat is not None else None)):
        text = _("⚠️ Telegram does not show it so: %(error)s. Change the post before it is published.")
        place = Place(delivery.bot_id, delivery.chat_id or 0, delivery.content.get("thread", 0))
        outgoing.say(f"{delivery.key}:told", place, text % {"error": escaped(error.message)}, source="post")
