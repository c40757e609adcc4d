"""The Telegram application: handlers, context, transport. No Updater, no JobQueue, no persistence: rows do that."""

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextvars import ContextVar
from importlib import import_module
from typing import Any, cast

import structlog
from django.conf import settings
from django.utils.functional import Promise
from telegram import Update
from telegram.error import TelegramError
from telegram.ext import (
    Application,
    ApplicationBuilder,
    CallbackContext,
    CommandHandler,
    ContextTypes,
    ExtBot,
    filters,
)

from core.db import in_db
from telegram_bot import calling, outgoing
from telegram_bot.incoming import Incoming
from telegram_bot.limiter import COSMETIC, Dropped
from telegram_bot.markdown import Part
from telegram_bot.models import Button, Expectation
from telegram_bot.outgoing import Keyboard, Place

log = structlog.get_logger(__name__)

# The update the running task works on; set by the inbox around each update.
current_incoming: ContextVar[Incoming] = ContextVar("current_incoming")


# Handlers that look at words before everybody else, in this order: what held keys is for nobody; a password is no
# answer, an answer is no request, a request is no question; a reply to what somebody else asked (a stand-up) is for
# them, and one to a card is for what stands on it.
# The library runs one handler of each group, in the order of their numbers.
SECRETS, PASSWORDS, REPLIES, ANSWERS, CARDS, REQUESTS = -6, -5, -4, -3, -2, -1


class _Said(filters.UpdateFilter):
    """Not a notice of Telegram's own (somebody joined, a message was pinned). To know that, the library asks
    46 questions; words, which most messages are, say it themselves."""

    def filter(self, update: Update) -> bool:
        message = update.effective_message
        return message is not None and (message.text is not None or not filters.StatusUpdate.ALL.check_update(update))


SAID = _Said(name="SAID")


class Context(CallbackContext[ExtBot[str], dict[Any, Any], dict[Any, Any], dict[Any, Any]]):
    """What a handler gets: who and where (``incoming``), and ``reply``."""

    @property
    def incoming(self) -> Incoming:
        return current_incoming.get()

    @property
    def place(self) -> Place:
        incoming = self.incoming
        return Place(incoming.bot_id, incoming.chat_id, incoming.thread)

    async def reply(
        self,
        text: str | Sequence[Part],
        keyboard: Keyboard = (),
        *,
        edit: int | None = None,
        anyone: bool = False,
        source: str = "telegram_bot",
    ) -> None:
        """Say ``text`` (Markdown, or ready parts) here through the outbox. ``edit``: in place of that message.
        Buttons obey the person asked, unless ``anyone``. ``source``: whose words these are."""
        incoming = self.incoming
        place = Place(incoming.bot_id, incoming.chat_id, incoming.thread, edit=edit)
        key = f"update:{incoming.key}:{incoming.said}"
        incoming.said += 1
        owner = None if anyone else incoming.user
        await in_db(outgoing.say, key, place, text, keyboard, owner=owner, source=source)

    async def toast(self, text: str = "", *, alert: bool = False) -> None:
        """Answer the press (at most 200 units). Too late, or Telegram away: not worth a second try."""
        query = self.incoming.update.raw["callback_query"]["id"]
        try:
            await self.bot.answer_callback_query(query, text[:200] or None, show_alert=alert)
        except TelegramError as error:
            log.info("press not answered", error=str(error))

    async def take_buttons_away(self) -> None:
        """Remove the buttons under the pressed message; cosmetic, so not worth a second try."""
        place, message = self.place, self.pressed_message
        try:
            await self.bot.edit_message_reply_markup(place.chat_id, message, rate_limit_args=COSMETIC)
        except (Dropped, TelegramError) as error:
            log.info("buttons not taken away", error=str(error))

    @property
    def pressed_message(self) -> int | None:
        """The message that the pressed button is under."""
        message = self.incoming.update.raw.get("callback_query", {}).get("message") or {}
        found = message.get("message_id")
        return found if isinstance(found, int) else None


App = Application[ExtBot[str], Context, dict[Any, Any], dict[Any, Any], dict[Any, Any], Any]
Action = Callable[[Context, Button], Awaitable[None]]
Answer = Callable[[Context, Expectation, str], Awaitable[bool]]


def build() -> App:
    """A new application with the handlers of settings.BOT_MODULES; the caller initializes and shuts it down."""
    builder = ApplicationBuilder().bot(calling.bot()).context_types(ContextTypes(context=Context)).updater(None)
    application = cast(App, builder.build())
    application.bot_data["actions"] = {}
    application.bot_data["answers"] = {}
    application.bot_data["named"] = {}
    for path in settings.BOT_MODULES:
        import_module(path).register(application)
    return application


def on_command(application: App, name: str, handler: Callable[[Update, Context], Coroutine[Any, Any, None]]) -> None:
    """Let ``handler`` answer ``/name``; for modules that need nothing else of the library."""
    application.add_handler(CommandHandler(name, handler, filters.UpdateType.MESSAGE))


def on_button(application: App, action: str, handler: Action, *, toasts: bool = False) -> None:
    """Let ``handler`` take presses of buttons with ``action``; it checks itself what the person may do.

    ``toasts``: the handler answers the press itself (Telegram takes one answer a press), else it is answered before.
    """
    application.bot_data["actions"][action] = (handler, toasts)


def on_answer(
    application: App, action: str, handler: Answer, *, anything: bool = False, named: str | Promise = ""
) -> None:
    """Let ``handler`` take the words that an `Expectation` with ``action`` waits for (telegram_bot/expecting.py).

    It gives whether they were an answer; if not, they go on as if nobody had waited. ``anything``: a file, an album, a
    poll, a forwarded message may answer, too; the handler gets the words that come with it, and finds the rest in
    ``incoming.messages``. ``named``: what /cancel says that it ended.
    """
    application.bot_data["answers"][action] = (handler, anything)
    application.bot_data["named"][action] = named
