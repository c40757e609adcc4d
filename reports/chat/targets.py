"""Groups and channels where a profile's figures may be seen: chosen by the owner, who must be there, said before.

Whoever is no member of a chat learns nothing of it here, not even that the bot knows it.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Access, Chat, ChatKind
from reports.chat import cards, menus
from reports.chat.cards import key
from reports.chat.place import Menu, titled
from reports.models import AvitoProfile, ReportTask
from telegram_bot.outgoing import Key, bot_id
from telegram_bot.rights import AWAY, MEMBERS

# What a chat is chosen for: the report goes there, or its figures may be seen there with /stats.
REPORT, SHOW = "report", "show"
LEADS = ("creator", "administrator")
# So many chats are looked at, and offered.
MOST = 30
NAMED = re.compile(r"(?:https?://)?(?:t(?:elegram)?\.me/|@)(?P<name>[A-Za-z]\w{3,31})/?")
NUMBER = re.compile(r"-100\d{5,13}|-\d{5,13}")


def candidates() -> "QuerySet[Chat]":
    """Groups and channels that were let in, and where the bot is, as far as it knows."""
    rows = Chat.objects.filter(bot_id=bot_id(), status=Access.ACTIVE, unreachable="").exclude(kind=ChatKind.PRIVATE)
    return rows.exclude(bot_status__in=AWAY).order_by("title", "id")[:MOST]


def named(words: str, messages: Sequence[Mapping[str, Any]]) -> Chat | None:
    """The chat that somebody means: by a message forwarded from it, its @name or its number."""
    number = _forwarded(messages[0]) if messages else None
    rows = Chat.objects.filter(bot_id=bot_id()).exclude(kind=ChatKind.PRIVATE)
    words = words.strip()
    if number is not None:
        return rows.filter(telegram_id=number).first()
    if found := NAMED.fullmatch(words):
        return rows.filter(username__iexact=found["name"]).first()
    if NUMBER.fullmatch(words):
        return rows.filter(telegram_id=int(words)).first()
    return rows.filter(title__iexact=words).first() if words else None


def _forwarded(message: Mapping[str, Any]) -> int | None:
    """Of a message from a channel, or by a group's admin who stays anonymous
    (https://core.telegram.org/bots/api#messageorigin)."""
    origin = message.get("forward_origin") or {}
    chat = origin.get("chat") or origin.get("sender_chat") or {}
    number = chat.get("id")
    return number if isinstance(number, int) else None


def is_there(chat: Chat, standing: str) -> bool:
    return standing in (*MEMBERS, *LEADS)


def trouble(chat: Chat, standing: str) -> str:
    """Why figures cannot be shown there, and what to do; empty when they can. Of a chat where the person is not, no
    more than that is said."""
    if not is_there(chat, standing):
        return unknown()
    if not chat.allowed:
        return _("The bot's admins have not let “%(chat)s” in yet. Ask them, then choose it again.") % {"chat": chat}
    if chat.kind == ChatKind.CHANNEL and standing not in LEADS:
        return _("Only administrators of the channel “%(chat)s” may have figures posted there.") % {"chat": chat}
    if not _may_write(chat):
        text = _("I may not write in “%(chat)s”. Give me the right to send messages there, then choose it again.")
        return text % {"chat": chat}
    return ""


def _may_write(chat: Chat) -> bool:
    if chat.kind == ChatKind.CHANNEL:
        return chat.bot_status == "administrator" and bool(chat.bot_rights.get("can_post_messages"))
    if chat.bot_status in LEADS:
        return True
    return chat.bot_status in MEMBERS and chat.bot_rights.get("can_send_messages", True)


def unknown() -> str:
    return _(
        "I find no group or channel where we both are. Add me there (to a channel as an administrator), let the bot's "
        "admins approve it, and choose it again."
    )


# --- what is shown --------------------------------------------------------------------------------------------------


def choosing(profile: AvitoProfile, chats: Sequence[Chat], purpose: str) -> Menu:
    """Where to? ``chats``: those where the person is as well."""
    rows = [[key(_label(chat), "report_chat_pick", profile, chat=chat.pk, purpose=purpose)] for chat in chats]
    other = [key("➡️ " + _("Another one…"), "report_chat_forward", profile, purpose=purpose)]
    if purpose == SHOW:
        text = _("Where may its figures be seen? Everybody there can ask for them with /stats.")
        return titled("👁 " + profile.name, text), [*rows, other, [key(_("« Back"), "profile_places", profile)]]
    here = [key("👤 " + _("Only to me, here"), "report_chat_here", profile)]
    text = _("Where shall the reports go? In a group or channel everybody will see these figures.")
    hint = _("In a topic of a group: write /profiles there.")
    return titled("📍 " + profile.name, text, hint), [here, *rows, other, menus.back(profile)]


def _label(chat: Chat) -> str:
    return f"{'📣' if chat.kind == ChatKind.CHANNEL else '👥'} {chat}"[: cards.LABEL]


def asking(profile: AvitoProfile, purpose: str, problem: str = "") -> Menu:
    """Another chat, in words."""
    lines = [
        f"⚠️ {problem}" if problem else "",
        _("Forward me a message from the channel, or write the @name of the group or channel."),
        _("I must be a member there, and so must you."),
    ]
    action = "profile_places" if purpose == SHOW else "report_set_chat"
    return titled(("👁 " if purpose == SHOW else "📍 ") + profile.name, *lines), [
        [key(_("« Back"), action, profile)],
    ]


def confirming(profile: AvitoProfile, chat: Chat, thread: int, purpose: str) -> Menu:
    """What it means, before it holds."""
    values = {"chat": str(chat), "name": profile.name}
    if purpose == SHOW:
        text = _(
            "Everybody in “%(chat)s”, now and later, will be able to see the figures of “%(name)s” with /stats, its "
            "money as well."
        )
        yes = _("Yes, show them there")
    else:
        text = _("Everybody in “%(chat)s”, now and later, will see the reports of “%(name)s”, its money as well.")
        if chat.kind != ChatKind.CHANNEL:
            text = _(
                "Everybody in “%(chat)s”, now and later, will see the reports of “%(name)s”, and its figures with "
                "/stats, its money as well."
            )
        yes = _("Yes, send them there")
    data = {"chat": chat.pk, "thread": thread, "purpose": purpose, "sure": True}
    no = key(_("No"), "report_chat_no", profile, purpose=purpose)
    return titled("❔ " + profile.name, text % values), [[key("✅ " + yes, "report_chat_pick", profile, **data)], [no]]


def still_seen(chats: Sequence[Chat]) -> str:
    """That reports which come home are not all that was shown."""
    text = _(
        "Its figures are still seen with /stats in: %(names)s. Take that back in the profile: “Where it is shown”."
    )
    return "👁 " + text % {"names": ", ".join(str(chat) for chat in chats)}


def places(profile: AvitoProfile, task: ReportTask, chats: Sequence[Chat], note: str = "") -> Menu:
    """Where its figures may be seen, each to be taken back."""
    keys = [[key(f"✖️ {chat}"[: cards.LABEL], "profile_hide", profile, chat=chat.pk)] for chat in chats]
    text = _("Nobody but you sees its figures.")
    if chats:
        text = _("Everybody there sees its figures with /stats. Press one to take it back.")
    goes = task.chat is not None and not task.chat.is_private
    lines = [text, _("Its reports go to %(chat)s.") % {"chat": task.chat} if goes else "", note and f"\n{note}"]
    add = [key("➕ " + _("Show it in a group"), "profile_show", profile)]
    return titled("👁 " + profile.name, *lines), [*keys, add, cards.back(profile)]


# --- in a group -----------------------------------------------------------------------------------------------------


def here(chat: Chat, profiles: Sequence[AvitoProfile], shown: set[int], page: int = 0) -> Menu:
    """Of the person's profiles, which may be seen in this group, and which report there; a page of them."""
    title = "👤 " + _("Your Avito profiles in “%(chat)s”") % {"chat": chat}
    if not profiles:
        return titled(title, _("You have none yet. Connect an Avito account in our private chat: /add_profile")), ()
    keys: list[list[Key]] = []
    pages = -(-len(profiles) // cards.PAGE)
    page = min(max(0, page), pages - 1)
    for profile in profiles[page * cards.PAGE : (page + 1) * cards.PAGE]:
        if profile.pk in shown:
            view = key(f"☑️ {profile.name}", "profile_hide", profile, chat=chat.pk)
        else:
            view = key(f"▫️ {profile.name}", "report_chat_pick", profile, chat=chat.pk, purpose=SHOW)
        sends = profile.task.chat_id == chat.pk
        keys.append([view, key(("✅ " if sends else "") + _("Reports here"), "report_chat_here", profile)])
    lines = [_("☑️: everybody here sees its figures with /stats. Reports here: they come to this chat by themselves.")]
    lines += [_("All the rest is in our private chat: /profiles")]
    return titled(title, *lines), [*keys, cards.turning(page, pages)]
