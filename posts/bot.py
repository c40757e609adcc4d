"""Handlers of posts in the chat: /post, /poll, /posts, /schedule, /poststats, what is sent to be posted, the buttons.

For editors and admins, in their private chat: a draft is nobody else's business. In a group there is a hint only.
"""

import re
from contextlib import suppress
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from telegram import Message, Update
from telegram.ext import ApplicationHandlerStop, CommandHandler, MessageHandler, filters

from accounts.models import Chat
from core.db import in_db
from delivery.errors import DeliveryError
from posts import services
from posts.chat import asking, contents, deciding, drafts, place, polls, shelf, stats
from posts.chat.contents import Content
from telegram_bot import expecting, fleeting, rights
from telegram_bot.application import CARDS, SAID, App, Context, on_answer, on_button
from telegram_bot.models import Button, Expectation
from telegram_bot.outgoing import Key

NEW, EDITED = filters.UpdateType.MESSAGE, filters.UpdateType.EDITED_MESSAGE
PRIVATE = filters.ChatType.PRIVATE & SAID
# Under a file the library finds no commands.
CAPTION = re.compile(r"^/post(@\w+)?(?=\s|$)", re.IGNORECASE)
# What the hint in a group leads to: its number and the topic's.
BEGIN = re.compile(r"^/start post-(\d{1,18})-(\d{1,18})$")
POLL = re.compile(r"/poll(@\w+)?\s*", re.IGNORECASE)


def register(application: App) -> None:
    for name, handler in (
        ("post", post),
        ("poll", poll),
        ("posts", posts),
        ("schedule", schedule),
        ("poststats", poststats),
    ):
        application.add_handler(CommandHandler(name, handler, NEW))
    application.add_handler(MessageHandler(NEW & filters.CaptionRegex(CAPTION), captioned))
    application.add_handler(MessageHandler(NEW & PRIVATE & filters.Regex(BEGIN), begin), group=CARDS)
    heard = (NEW & ~filters.COMMAND) | EDITED
    application.add_handler(MessageHandler(heard & PRIVATE, overheard), group=CARDS)
    on_answer(application, drafts.NEW, new, anything=True, named=gettext_lazy("a new post"))
    on_answer(application, drafts.MORE, more, anything=True, named=gettext_lazy("further files of the album"))
    on_answer(application, drafts.FILES, files, anything=True, named=gettext_lazy("files for the post"))
    on_answer(
        application, asking.CONTENT, other_content, anything=True, named=gettext_lazy("other content of the post")
    )
    on_answer(application, polls.POLL, poll_words, named=gettext_lazy("the poll"))
    on_answer(application, asking.WORDS, words, named=gettext_lazy("the question about the post"))
    for what in deciding.VERBS:
        on_button(application, f"post.{what}", press, toasts=True)
    on_button(application, "post.list", turn)
    on_button(application, "post.stats", refresh_stats)
    on_button(application, "post.split", split)
    on_button(application, "post.made", made)
    on_button(application, "post.forget", forget)


# --- who, and where -------------------------------------------------------------------------------------------------


async def _may(context: Context) -> bool:
    """Whether the person may, here; else they are told what to do."""
    incoming = context.incoming
    if not services.may_post(incoming.user):
        await fleeting.notice(context, _("Only editors and admins publish posts. An admin can make you an editor."))
        return False
    if incoming.chat.is_private:
        return True
    link = f"https://t.me/{context.bot.username}?start=post-{incoming.chat.pk}-{incoming.thread}"
    text = _("Posts are made in our private chat, where only you see the draft.")
    await fleeting.notice(context, text, [[Key("📝 " + _("A post for this chat"), url=link)]])
    return False


def _content(context: Context, *, command: bool = False) -> Content:
    return contents.read(context.incoming.messages, context.incoming.bot_id, command=command)


# --- commands -------------------------------------------------------------------------------------------------------


async def post(update: Update, context: Context) -> None:
    """``/post`` with a text, under a file, in reply to what is to be posted; alone it waits for what comes next."""
    message = update.effective_message
    assert message is not None
    if not await _may(context):
        return
    content, note, strange = _content(context, command=True), "", contents.strange(context.incoming.messages)
    if content.is_empty and (replied := _replied(message, context)) is not None:
        content, strange = contents.read([replied], context.incoming.bot_id), contents.strange([replied])
        if "media_group_id" in replied:
            note = _("A reply names one file of an album only. For all of them write /post and forward the album.")
    if strange or content.is_empty:
        await in_db(drafts.wait, context.incoming, [], timezone.now(), _strange() if strange else "")
    else:
        await in_db(drafts.make, context.incoming, content, timezone.now(), None, note)


async def captioned(update: Update, context: Context) -> None:
    """``/post`` under a file; another bot's is not for us."""
    message = update.effective_message
    assert message is not None
    named = CAPTION.match(message.caption or "")
    if named is not None and (named[1] or "").lower() in ("", f"@{context.bot.username}".lower()):
        await post(update, context)


def _replied(message: Message, context: Context) -> dict[str, Any] | None:
    """The raw message that the command replies to."""
    if message.reply_to_message is None:
        return None
    found = context.incoming.messages[0].get("reply_to_message")
    return found if isinstance(found, dict) else None


async def begin(update: Update, context: Context) -> None:
    """From the hint in a group: a post for it, and for its topic."""
    message = update.effective_message
    assert message is not None
    found = BEGIN.match(message.text or "")
    if found is None or not await _may(context):
        return
    await in_db(drafts.wait, context.incoming, [[int(found[1]), int(found[2])]], timezone.now())
    raise ApplicationHandlerStop


async def poll(update: Update, context: Context) -> None:
    message = update.effective_message
    assert message is not None
    if await _may(context):
        said = POLL.sub("", message.text or "", count=1)
        await in_db(polls.begin, context.incoming, said, timezone.now())


async def posts(_update: Update, context: Context) -> None:
    if await _may(context):
        await in_db(shelf.show_page, context.incoming, shelf.DRAFTS, 0, None, timezone.now())


async def schedule(_update: Update, context: Context) -> None:
    if await _may(context):
        await in_db(shelf.schedule, context.incoming, " ".join(context.args or []), timezone.now())


async def poststats(_update: Update, context: Context) -> None:
    if await _may(context):
        await in_db(stats.show, context.incoming, None, timezone.now())


# --- what is sent ---------------------------------------------------------------------------------------------------


async def new(context: Context, expectation: Expectation, _said: str) -> bool:
    """What was asked for to become a post."""
    if not services.may_post(context.incoming.user):
        return False
    if contents.strange(context.incoming.messages):
        await context.reply(_strange())
        return True
    places = expectation.data.get("places", [])
    await in_db(place.take_away, context.incoming, expectation.asked)
    await in_db(drafts.make, context.incoming, _content(context), timezone.now(), places)
    return True


def _strange() -> str:
    return _("I cannot make a post of this. Send a text, a photo, a video, a GIF, a file or a poll.")


async def more(context: Context, expectation: Expectation, _said: str) -> bool:
    """Files that an app sent right after the album that became a draft belong to it, or with words of their own are a
    draft beside it; all else is something new."""
    content = _content(context)
    if not content.media or not drafts.comes_along(context.incoming, expectation.data):
        return False
    return await in_db(drafts.add_or_make, context.incoming, expectation.data["post"], content, timezone.now())


async def _is_of_another(context: Context, expectation: Expectation) -> bool:
    """A reply to another post's card is for that one: nobody means this one by it."""
    if context.incoming.replied_to is None:
        return False
    about = await in_db(place.replied_about, context.incoming)
    return about is not None and str(about.pk) != expectation.data["post"]


async def files(context: Context, expectation: Expectation, _said: str) -> bool:
    if await _is_of_another(context, expectation):
        return False
    content, asked = _content(context), expectation.asked
    if contents.strange(context.incoming.messages):
        await context.reply(_strange())
        return True
    if not content.media:
        return False
    key, now = expectation.data["post"], timezone.now()
    return await in_db(drafts.add, context.incoming, key, content, now, asked=asked)


async def other_content(context: Context, expectation: Expectation, _said: str) -> bool:
    if await _is_of_another(context, expectation):
        return False
    if contents.strange(context.incoming.messages):
        await context.reply(_strange())
        return True
    key, asked, now = expectation.data["post"], expectation.asked, timezone.now()
    return await in_db(asking.replace, context.incoming, key, _content(context), now, asked=asked)


async def poll_words(context: Context, expectation: Expectation, said: str) -> bool:
    return await in_db(polls.answer, context.incoming, expectation, said, timezone.now())


async def words(context: Context, expectation: Expectation, said: str) -> bool:
    if await _is_of_another(context, expectation):
        return False
    return await in_db(asking.answer, context.incoming, expectation, said, timezone.now())


async def overheard(update: Update, context: Context) -> None:
    """Other words in reply to a post's preview or card; and the message that a draft was made of, edited."""
    incoming = context.incoming
    if not services.may_post(incoming.user):
        return
    if update.edited_message is not None:
        taken = await _edited(context)
    else:
        taken = incoming.replied_to is not None and await _replaces(context)
    if taken:
        raise ApplicationHandlerStop


async def _edited(context: Context) -> bool:
    key = await in_db(drafts.source, context.incoming)
    if key is None:
        return False
    content = _content(context)
    if (poll_of := POLL.match(content.text)) is not None:
        return await in_db(polls.edited, context.incoming, key, content.text[poll_of.end() :], timezone.now())
    command = CAPTION.match(content.text) is not None
    return await in_db(drafts.edited, context.incoming, key, _content(context, command=command), timezone.now())


async def _replaces(context: Context) -> bool:
    about = await in_db(place.replied_about, context.incoming)
    if about is None or contents.strange(context.incoming.messages):
        return False
    return await in_db(asking.replace, context.incoming, about.pk, _content(context), timezone.now())


# --- buttons --------------------------------------------------------------------------------------------------------


async def press(context: Context, button: Button) -> None:
    if button.action == "post.place" and button.data.get("on"):
        await _look_at(button.data["chat"])
    edit, now = context.pressed_message, timezone.now()
    refused = await in_db(deciding.press, context.incoming, button, edit, now)
    await context.toast(refused, alert=bool(refused))


async def _look_at(key: int) -> None:
    """What the bot may do in a chat that is chosen now; what was known holds where Telegram does not answer."""
    chat = await in_db(Chat.objects.filter(pk=key).first)
    if chat is not None:
        with suppress(DeliveryError):
            await rights.refresh(chat)


async def turn(context: Context, button: Button) -> None:
    if await _may(context):
        tab, number = button.data.get("tab", shelf.DRAFTS), button.data.get("page", 0)
        await in_db(shelf.show_page, context.incoming, tab, number, context.pressed_message, timezone.now())


async def refresh_stats(context: Context, _button: Button) -> None:
    if await _may(context):
        await in_db(stats.show, context.incoming, context.pressed_message, timezone.now())


async def split(context: Context, button: Button) -> None:
    if await _may(context):
        await in_db(drafts.split, context.incoming, button, context.pressed_message, timezone.now())


async def made(context: Context, button: Button) -> None:
    if await _may(context):
        await in_db(drafts.made, context.incoming, button, context.pressed_message, timezone.now())


async def forget(context: Context, _button: Button) -> None:
    await in_db(expecting.forget, context.incoming)
    await context.reply(_("Good, I leave it at that."), edit=context.pressed_message)
