"""Connecting an Avito account, and giving a profile other keys: a question at a time, or all in one message.

What was said so far waits sealed in the `Expectation`. A message that holds a key is deleted from the chat, and its row
in the inbox emptied, in the transaction that takes it; so a process that dies while it looks at the keys goes on with
what is sealed, and a key stands nowhere else. Called inside ``in_db``, each function one short transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from reports.avito.client import Keys
from reports.chat import cards, place, reading
from reports.chat.place import Menu, titled
from reports.chat.reading import CLIENT_ID, NAME, ORDER, SECRET
from reports.services import access, profiles
from reports.services.rows import NotSo
from telegram_bot import expecting
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.models import Expectation, Update
from telegram_bot.outgoing import Key

# What an expectation waits for.
ADDING = "avito.adding"
VIA = "chat"
# Where a raw message holds what somebody wrote.
WRITTEN = [("message", name) for name in ("text", "entities", "caption", "caption_entities", "reply_to_message")]
WHERE = "avito.ru/professionals/api"


@dataclass(frozen=True)
class Ready:
    """Keys that are to be looked at now. ``progress``: the key of the delivery that tells of it meanwhile."""

    keys: Keys = field(repr=False)
    progress: str = ""


# --- asked ----------------------------------------------------------------------------------------------------------


@transaction.atomic
def begin(incoming: Incoming, words: str, now: datetime) -> Ready | None:
    """``/add_profile``, alone or with what it asks for."""
    expecting.forget(incoming)
    try:
        profiles.check_room(incoming.user)
    except NotSo as why_not:
        _forget_message(incoming, words)
        place.say(incoming, (place.said(f"⚠️ {why_not}"), ()))
        place.finish(incoming, now)
        return None
    if words.strip():
        return _take(incoming, {}, words, now)
    _ask_first(incoming, {}, now)
    return None


@transaction.atomic
def anew(incoming: Incoming, data: Mapping[str, Any], edit: int | None, now: datetime) -> None:
    """A press: keys for the profile ``data["profile"]``, or once more for one that is to be called ``data["name"]``."""
    kept: dict[str, Any] = {NAME: data["name"]} if data.get("name") else {}
    if data.get("profile") is not None:
        profile = access.own(incoming.user, data["profile"])
        if profile is None:
            place.say(incoming, cards.gone(), edit=edit)
            place.finish(incoming, now)
            return
        kept = {"profile": profile.pk, "version": profile.version, NAME: profile.name}
    _ask_first(incoming, kept, now, edit)


@transaction.atomic
def refuse_in_group(incoming: Incoming, words: str, now: datetime) -> None:
    """Keys are for no group's eyes: what was written there goes, and must not be used any more."""
    text = _("Avito accounts are connected in our private chat, where nobody else sees the keys.")
    if words.strip():
        _forget_message(incoming, words, always=True)
        text += " " + _(
            "I am deleting your message; where I may not, delete it yourself. If there were keys in it, others may "
            "have seen them: make new ones at Avito before you use them."
        )
    place.say(incoming, (place.said(text), ()))
    place.finish(incoming, now)


@transaction.atomic
def answer(incoming: Incoming, expectation: Expectation, words: str, now: datetime) -> Ready | bool:
    """What was asked for. False when nothing is asked for any more: then the words are for somebody else."""
    data = dict(expectation.data)
    if missing(data):
        taken = _take(incoming, data, words, now) or True
        place.take_away(incoming, expectation.asked)  # last: the next question is what is waited for
        return taken
    if not data.get("progress", "").startswith(f"avito:{incoming.key}:"):
        return False
    # This very update was taken before, by a process that died while it looked at the keys.
    incoming.said = 1
    return Ready(keys_in(data), data["progress"])


def _ask_first(incoming: Incoming, data: dict[str, Any], now: datetime, edit: int | None = None) -> None:
    _ask(incoming, data, now, edit=edit)
    place.finish(incoming, now)


def _take(incoming: Incoming, data: dict[str, Any], words: str, now: datetime) -> Ready | None:
    wanted = missing(data)
    said = reading.read(words, wanted)
    held_keys = _forget_message(incoming, words, always=(bool(wanted) and wanted[0] != NAME) or SECRET in said)
    problem = _wrong(incoming, data, said) if said else _("I need it as a text.")
    data = {**data, **said}
    if problem or missing(data):
        _ask(incoming, data, now, problem)
        place.finish(incoming, now)
        return None
    if held_keys:
        _keep_blank(incoming)
    return _look(incoming, data, now)


def _look(incoming: Incoming, data: dict[str, Any], now: datetime) -> Ready:
    """All is known. The update is done only when what came of it is said; until then it is blank."""
    data["progress"] = looking(incoming)
    place.expect(incoming, ADDING, data, data["progress"], now)
    return Ready(keys_in(data), data["progress"])


def looking(incoming: Incoming, *, edit: int | None = None) -> str:
    """What is shown meanwhile; the key of its delivery."""
    return place.say(incoming, (place.said("🔎 " + _("I am looking at what the keys open at Avito…")), ()), edit=edit)


def missing(data: Mapping[str, Any]) -> list[str]:
    return [what for what in ORDER if not data.get(what)]


def keys_in(data: Mapping[str, Any]) -> Keys:
    return Keys(data[CLIENT_ID], data[SECRET])


def _wrong(incoming: Incoming, data: Mapping[str, Any], said: dict[str, str]) -> str:
    """What of ``said`` cannot be; it is taken out, so that it is asked for again."""
    if NAME in said:
        if reading.looks_like_key(said[NAME]):
            del said[NAME]
            return _("That looks like a key, so I deleted it. The name comes first.")
        try:
            said[NAME] = profiles.check_name(incoming.user, said[NAME])
        except NotSo as why_not:
            del said[NAME]
            return str(why_not)
    for what in (CLIENT_ID, SECRET):
        if what in said and not reading.is_key(said[what], what):
            del said[what]
            return _no_key(what)
    if said.get(SECRET, data.get(SECRET)) == said.get(CLIENT_ID, data.get(CLIENT_ID, "")):
        said.pop(SECRET, None)
        return _("That is the client_id once more. The client_secret stands beside it.")
    return ""


def _no_key(what: str) -> str:
    if what == CLIENT_ID:
        return _("That is no client_id: it is one word of letters and digits. Copy it from Avito; /cancel ends this.")
    return _("That is no key: it is too long, or has signs that no key has. Copy it from Avito once more.")


def _ask(incoming: Incoming, data: dict[str, Any], now: datetime, problem: str = "", edit: int | None = None) -> None:
    menu = question(data, problem)
    place.expect(incoming, ADDING, data, place.say(incoming, menu, edit=edit), now)


def question(data: Mapping[str, Any], problem: str) -> Menu:
    title, step = title_of(data), missing(data)[0]
    lines = [f"⚠️ {problem}" if problem else "", *QUESTIONS[step]()]
    return titled(title, *lines), [[Key("✖️ " + _("Cancel"), "avito.cancel")]]


def title_of(data: Mapping[str, Any]) -> str:
    if data.get("profile"):
        return "🔑 " + _("New keys for “%(name)s”") % {"name": data[NAME]}
    if data.get(NAME):
        return "🔗 " + _("Connecting “%(name)s”") % {"name": data[NAME]}
    return "🔗 " + _("Connecting an Avito account")


def _about_name() -> list[str]:
    return [_("What shall I call it? For example: North shop. Only you will see the name, and those you show it to.")]


def _about_id() -> list[str]:
    return [
        _("1/2 · Send me its client_id.")
        + " "
        + _("It stands at Avito: Settings → Integrations, or %(where)s, for the account's owner.") % {"where": WHERE},
        "🔒 " + _("I delete your message with the key at once, and keep the keys encrypted; nobody is shown them."),
        _("You may send client_id and client_secret together, on two lines."),
    ]


def _about_secret() -> list[str]:
    return [_("2/2 · Now the client_secret. It stands beside the client_id, and I delete this message as well.")]


QUESTIONS = {NAME: _about_name, CLIENT_ID: _about_id, SECRET: _about_secret}


# --- no trace -------------------------------------------------------------------------------------------------------


def _forget_message(incoming: Incoming, words: str, *, always: bool = False) -> bool:
    """Delete what the person wrote, and empty its row, if it may hold a key; whether it did."""
    if not (always or reading.looks_like_key(words)):
        return False
    place.delete(incoming, place.message_ids(incoming))
    place.empty(incoming)
    return True


def _keep_blank(incoming: Incoming) -> None:
    """Keep of the update who wrote and where, so that it comes again if this process dies: then nothing but the words
    is missing, and those are sealed in what is expected."""
    row = Update.objects.filter(pk=incoming.update.pk)
    row.update(raw=incoming.update.raw)
    inbox.take_out(row, WRITTEN)


# --- once more, or not ----------------------------------------------------------------------------------------------


def waiting(incoming: Incoming) -> Expectation | None:
    """What is known of the account, held until the transaction ends: /cancel has a line of its own. None when the
    person went on to something else meanwhile."""
    row = _begun(incoming).select_for_update().first()
    return row if row is not None and not missing(row.data) else None


def _begun(incoming: Incoming) -> "QuerySet[Expectation]":
    rows = Expectation.objects.filter(user=incoming.user, chat=incoming.chat, thread_id=incoming.thread)
    return rows.filter(action=ADDING)


@transaction.atomic
def again(incoming: Incoming, edit: int | None, now: datetime) -> Ready | None:
    """Try once more with what is known; None when it is too long ago."""
    row = waiting(incoming)
    if row is None:
        place.say(incoming, (place.said(_("That was too long ago. Begin again: /add_profile")), ()), edit=edit)
        place.finish(incoming, now)
        return None
    looking(incoming, edit=edit)
    return Ready(keys_in(row.data))


@transaction.atomic
def cancel(incoming: Incoming, edit: int | None, now: datetime) -> None:
    """A press that may be old: the account may be connected by now, or something else be asked."""
    gone = _begun(incoming).delete()[0]
    text = _("Good, I leave it at that. I kept nothing.") if gone else _("Good, I leave it at that.")
    place.say(incoming, (place.said(text), ()), edit=edit)
    place.finish(incoming, now)
