"""Whether the bot may post somewhere, by what Telegram told of it last (accounts.Chat.bot_status and bot_rights).

It tells when the bot's own place changes, and when it is asked (telegram_bot/rights.py). What it has not told is no
error, but is said (`unsure_of`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.models import Access, Chat, ChatKind
from posts.content import Place, Poll, Problem
from posts.models import MediaKind
from posts.services import topics
from telegram_bot import outgoing

LEADS = ("creator", "administrator")
AWAY = ("left", "kicked")
TEXT, POLL = "text", "poll"
# What a member of a group needs for each kind (https://core.telegram.org/bots/api#chatpermissions).
PERMISSIONS = {
    TEXT: "can_send_messages",
    POLL: "can_send_polls",
    MediaKind.PHOTO: "can_send_photos",
    MediaKind.VIDEO: "can_send_videos",
    MediaKind.ANIMATION: "can_send_other_messages",
    MediaKind.DOCUMENT: "can_send_documents",
    MediaKind.AUDIO: "can_send_audios",
}
KINDS = {
    TEXT: gettext_lazy("text messages"),
    POLL: gettext_lazy("polls"),
    MediaKind.PHOTO: gettext_lazy("photos"),
    MediaKind.VIDEO: gettext_lazy("videos"),
    MediaKind.ANIMATION: gettext_lazy("GIFs"),
    MediaKind.DOCUMENT: gettext_lazy("files"),
    MediaKind.AUDIO: gettext_lazy("music"),
}


@dataclass(frozen=True)
class Needs:
    """What a post asks of a chat. ``kinds``: of its messages, as in PERMISSIONS."""

    kinds: frozenset[str] = field(default_factory=lambda: frozenset({TEXT}))
    pin: bool = False
    general_allowed: bool = False
    named_voters: bool = False


def needs_of(files: Sequence[Any], poll: Poll | None, options: Mapping[str, Any]) -> Needs:
    kinds = {POLL} if poll else {str(medium.kind) for medium in files} or {TEXT}
    named = poll is not None and not poll.get("anonymous", True)
    return Needs(frozenset(kinds), bool(options.get("pin")), bool(options.get("general_allowed")), named)


def places() -> QuerySet[Chat]:
    """The channels and groups that the admins let in, by name; whether they take posts, `trouble_of` says."""
    rows = Chat.objects.filter(bot_id=outgoing.bot_id(), status=Access.ACTIVE).exclude(kind=ChatKind.PRIVATE)
    return rows.order_by("title", "id")


def trouble_of(chat: Chat, thread: int = 0, needs: Needs | None = None) -> list[Problem]:
    """What stands against posting there; nothing known against it: an empty list."""
    return list(wrong_with(Place(chat, thread), needs or Needs()))


def wrong_with_all(wanted: Sequence[Place], needs: Needs) -> Iterator[Problem]:
    """As `wrong_with`, of all targets of a post."""
    if not wanted:
        yield Problem("targets", "no-target", _("It is not said where it is to appear. Choose a channel or a group."))
    most = settings.TARGETS_PER_POST
    if most and len(wanted) > most:
        text = ngettext("A post may go to %(most)d chat at most.", "A post may go to %(most)d chats at most.", most)
        yield Problem("targets", "too-many-targets", text % {"most": most})
    known = topics.of_places(wanted)
    for place in wanted:
        yield from wrong_with(place, needs, known)


def wrong_with(place: Place, needs: Needs, known: topics.Known | None = None) -> Iterator[Problem]:
    """What is known to stand against it there; each problem names the chat and what to do."""
    barred = _barred(place.chat)
    found = [barred] if barred else [*_missing(place.chat, needs), *_closed(place, needs, known)]
    for code, text in found:
        yield Problem("targets", code, text % {"chat": str(place.chat)}, place)


Found = tuple[str, str]


def _barred(chat: Chat) -> Found | None:
    """Nothing at all can be posted there."""
    if chat.is_private:
        return "private-chat", _("“%(chat)s” is a private chat. Posts go to channels and groups.")
    if chat.bot_id != outgoing.bot_id():
        return "other-bot", _("“%(chat)s” belongs to another bot. Choose one of this bot's chats.")
    if not chat.allowed:
        return "not-approved", _("“%(chat)s” is not approved. An admin can let it in.")
    if chat.bot_status in AWAY or chat.unreachable:
        if chat.kind == ChatKind.CHANNEL:
            return "bot-not-there", _("The bot cannot reach “%(chat)s”. Add it there again as an administrator.")
        return "bot-not-there", _("The bot cannot reach “%(chat)s”. Add it to the group again.")
    if chat.kind == ChatKind.CHANNEL and chat.bot_status and not _may_post_in_channel(chat):
        return "no-right-to-post", _("The bot may not post in “%(chat)s”. Give it the right to post messages there.")
    return None


def _may_post_in_channel(chat: Chat) -> bool:
    right = chat.bot_rights.get("can_post_messages", not chat.bot_rights)
    return chat.bot_status == "creator" or (chat.bot_status == "administrator" and right)


def _missing(chat: Chat, needs: Needs) -> Iterator[Found]:
    """Single kinds of messages, and the pin."""
    if chat.kind == ChatKind.CHANNEL:
        if needs.named_voters:
            text = _("In a channel (“%(chat)s”) polls are anonymous. Make it anonymous, or leave the channel out.")
            yield "named-voters", text
    elif chat.bot_status and chat.bot_status not in LEADS:
        for kind in sorted(needs.kinds):
            if chat.bot_rights.get(PERMISSIONS[kind]) is False:
                text = _(
                    "In “%(chat)s” the bot may not send %(what)s. Allow it there, or make the bot an administrator."
                )
                yield "no-right-to-send", text.replace("%(what)s", str(KINDS[kind]))
    if needs.pin and not may_pin(chat):
        yield "no-right-to-pin", _("The bot may not pin in “%(chat)s”. Give it that right, or switch the pin off.")


def may_pin(chat: Chat) -> bool:
    """By what is known. In a channel the right to edit messages is what counts
    (https://core.telegram.org/bots/api#pinchatmessage)."""
    if not chat.bot_status or chat.bot_status == "creator" or not chat.bot_rights:
        return True
    right = "can_edit_messages" if chat.kind == ChatKind.CHANNEL else "can_pin_messages"
    return bool(chat.bot_rights.get(right))


def _closed(place: Place, needs: Needs, known: topics.Known | None) -> Iterator[Found]:
    if not place.thread or needs.general_allowed:
        return
    topic = (topics.of_places([place]) if known is None else known).get((place.chat.pk, place.thread))
    names = {"topic": str(topic)} if topic is not None else {}
    if topic is not None and topic.deleted:
        text = _("The topic “%(topic)s” of “%(chat)s” was deleted. Choose another, or allow the general topic.")
        yield "topic-gone", text.replace("%(topic)s", _safe(names["topic"]))
    elif topic is not None and topic.closed:
        text = _("The topic “%(topic)s” of “%(chat)s” is closed. Open it, or allow the general topic.")
        yield "topic-closed", text.replace("%(topic)s", _safe(names["topic"]))


def _safe(name: str) -> str:
    """A name for a text into which another one is put by ``%``."""
    return name.replace("%", "%%")


def unsure_of(wanted: Sequence[Place]) -> list[str]:
    """What nobody has told yet of these targets, in sentences."""
    said = []
    known = topics.of_places(wanted)
    for place in wanted:
        chat = place.chat
        if not chat.bot_status and not chat.is_private:
            said.append(_("Whether the bot may post in “%(chat)s” is not known yet.") % {"chat": chat})
        if place.thread and (chat.pk, place.thread) not in known:
            text = _("The bot has not heard of topic %(number)d in “%(chat)s” yet.")
            said.append(text % {"number": place.thread, "chat": chat})
    return said
