"""What the buttons of a post's card do: each shows in its place what came of it.

One press is one short transaction with which the update is done. Who may is looked at again at each.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Chat
from delivery.clocks import wall_at
from delivery.schedule_words import local
from posts import services
from posts.chat import asking, cards, clock, contents, drafts, menus, place, polls
from posts.chat.cards import Menu
from posts.content import OPTIONS, NotNow, Refused, Stale
from posts.models import Post, PostTarget, State
from posts.services import times
from telegram_bot import expecting, outgoing
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming
from telegram_bot.models import Button
from telegram_bot.outgoing import Place

VIA = "chat"
# To look is allowed to every editor.
LOOKING = ("show", "open", "repeat")
# Of the options, what the preview shows.
SEEN = ("link_preview", "caption_above", "protected")


@dataclass
class Press:
    """A press on a button about ``post``, under the message ``edit``."""

    incoming: Incoming
    post: Post
    button: Button
    edit: int | None
    now: datetime

    @property
    def data(self) -> dict[str, Any]:
        data: dict[str, Any] = self.button.data
        return data

    @property
    def by(self) -> dict[str, Any]:
        """As the verbs want to know who."""
        return {"by": self.incoming.user, "via": VIA, "now": self.now}

    def say(self, menu: Menu) -> str:
        return place.say(self.incoming, menu, about=self.post, edit=self.edit)

    def card(self, note: str = "") -> None:
        """The card as it stands now, in place."""
        back_to = (self.data["tab"], self.data.get("page", 0)) if "tab" in self.data else None
        post = place.one(self.post.pk)
        if post is None:
            self.say(cards.gone())
        else:
            self.say(cards.card(post, self.incoming.user, self.now, note=note, back_to=back_to))

    def present(self, note: str = "") -> None:
        """It looks different now: a new preview and a new card under it, and the old ones go."""
        self.take_away()
        drafts.present(self.incoming, self.post, self.now, note=note)

    def take_away(self) -> None:
        """The pressed message."""
        if self.edit is not None:
            spot = Place(self.incoming.bot_id, self.incoming.chat_id)
            params = {"chat_id": self.incoming.chat_id, "message_id": self.edit}
            outgoing.call(f"postgone:press:{self.incoming.key}", spot, "deleteMessage", params)


@transaction.atomic
def press(incoming: Incoming, button: Button, edit: int | None, now: datetime) -> str:
    """Do what a button says; what to toast, when it is not this person's to press."""
    what = button.action.removeprefix("post.")
    if not services.may_post(incoming.user):
        return _("Only editors and admins publish posts.")
    post = place.one(button.data.get("id"))
    if post is None:
        place.say(incoming, cards.gone(), edit=edit)
    elif what not in LOOKING and not services.may_change(incoming.user, post):
        return _("Only its author or an admin may change it.")
    else:
        _do(Press(incoming, post, button, edit, now), what)
    place.finish(incoming, now)
    return ""


def _do(pressed: Press, what: str) -> None:
    try:
        with transaction.atomic():
            VERBS[what](pressed)
    except (times.Past, times.NoSuchTime) as problem:
        pressed.say(clock.refused(pressed.post, problem))
    except (NotNow, Refused) as why_not:
        told = cards.refusal(why_not.problems) if isinstance(why_not, Refused) else f"⚠️ {why_not.text}"
        pressed.card(told)
    except Stale:
        pressed.card(_("It was changed meanwhile. Look once more."))


# --- looking --------------------------------------------------------------------------------------------------------


def _show(pressed: Press) -> None:
    expecting.forget(pressed.incoming)  # it may have been asked for something
    pressed.card()


def _open(pressed: Press) -> None:
    """From a notice: as it looks, and its card; the notice stays."""
    drafts.present(pressed.incoming, pressed.post, pressed.now)


def _keep(pressed: Press) -> None:
    expecting.forget(pressed.incoming)
    if pressed.post.state not in cards.OPEN:
        pressed.card()  # an old card
        return
    is_draft = pressed.post.state in (State.DRAFT, State.CANCELLED)
    text = _("Kept among the drafts: /posts.") if is_draft else _("Kept among the errors: /posts.")
    pressed.say((cards.titled(cards.headline(pressed.post), text), [[cards.key(_("Open it"), "show", pressed.post)]]))


def _repeat(pressed: Press) -> None:
    """The same once more: a draft of one's own. Two presses are one; the card has a new button for another one."""
    if not inbox.use_up(pressed.button):
        return
    pressed.card()
    copy = services.repeat_post(pressed.post, **pressed.by)
    drafts.present(pressed.incoming, copy, pressed.now, note=_("The same once more, as a new draft."))


# --- where and how --------------------------------------------------------------------------------------------------


def _where(pressed: Press) -> None:
    data = pressed.data
    pressed.say(menus.where(pressed.post, pressed.now, data.get("page", 0), data.get("then")))


def _topics(pressed: Press) -> None:
    data = pressed.data
    chat = Chat.objects.filter(pk=data["chat"]).first()
    if chat is None:
        _where(pressed)  # the bot's admins removed it meanwhile
        return
    back = {"page": data.get("page", 0), "then": data.get("then")}
    pressed.say(menus.topics(pressed.post, chat, pressed.now, back, data.get("at", 0)))


def _place(pressed: Press) -> None:
    data = pressed.data
    places = menus.with_place(pressed.post, data["chat"], data["thread"], on=data["on"])
    services.change_post(pressed.post, places=places, **pressed.by)
    _topics(pressed) if data.get("topics") else _where(pressed)


def _options(pressed: Press) -> None:
    pressed.say(menus.options(pressed.post))


def _lives(pressed: Press) -> None:
    pressed.say(menus.lives(pressed.post))


def _expires(pressed: Press) -> None:
    pressed.say(menus.expires(pressed.post))


def _set(pressed: Press) -> None:
    name, value = pressed.data["name"], pressed.data["value"]
    if name not in OPTIONS:
        return
    services.change_post(pressed.post, **{name: value}, **pressed.by)
    if name in SEEN and pressed.post.state == State.DRAFT:
        pressed.take_away()
        place.show(pressed.incoming, pressed.post)
        place.say(pressed.incoming, menus.options(pressed.post), about=pressed.post)
    else:
        _options(pressed)


# --- when -----------------------------------------------------------------------------------------------------------


def _when(pressed: Press) -> None:
    note = clock.moved_note(pressed.post, pressed.incoming.user)
    menu = clock.asking(pressed.post, pressed.incoming.user, pressed.now, note)
    asking.expect_words(pressed.incoming, pressed.post, "when", pressed.say(menu), pressed.now)


def _time(pressed: Press) -> None:
    """A time that was offered: shown as it is before it holds."""
    user, wall = pressed.incoming.user, datetime.fromisoformat(pressed.data["wall"])
    zone = pressed.data.get("zone") or cards.zone_of(user).key
    moment = times.moment_of(wall, zone, user, pressed.now)
    notes = [note] if (note := times.note_on(moment.wall, moment.zone)) else []
    expecting.forget(pressed.incoming)
    pressed.say(clock.confirming(pressed.post, clock.Reading(moment, notes)))


def _plan(pressed: Press) -> None:
    """Yes. Two presses are one."""
    post, data = pressed.post, pressed.data
    at = datetime.fromisoformat(data["at"])
    expecting.forget(pressed.incoming)
    if post.state == State.SCHEDULED and post.planned_at == at and post.version != data["version"]:
        pressed.card()
        return
    wall = datetime.fromisoformat(data["wall"]) if data["wall"] else at
    if not cards.targets(post):
        shown = data["wall"] or wall_at(at, ZoneInfo(data["zone"])).isoformat(timespec="minutes")
        then = {"verb": "time", "data": {"wall": shown, "zone": data["zone"]}}
        pressed.say(menus.where(post, pressed.now, then=then))
        return
    services.schedule_post(post, wall, data["zone"], version=data["version"], **pressed.by)
    planned = local(post.planned_at or at, ZoneInfo(data["zone"]))
    pressed.card("✅ " + _("Good, it will appear: %(when)s.") % {"when": planned})


# --- out ------------------------------------------------------------------------------------------------------------


def _now(pressed: Press) -> None:
    expecting.forget(pressed.incoming)
    if pressed.post.state in asking.OUT:
        pressed.card()  # an old card
        return
    pressed.say(menus.publishing(pressed.post, pressed.incoming.user, pressed.now))


def _publish(pressed: Press) -> None:
    """Two presses are one: the second finds it on its way."""
    version = pressed.data.get("version")
    if pressed.post.state in asking.OUT:
        pressed.card()
        return
    services.publish_post(pressed.post, version=version, **pressed.by)
    pressed.card("🚀 " + _("It is going out. I will tell you when it has arrived."))


def _cancel(pressed: Press) -> None:
    text = _("Why is it cancelled? Write a reason for the others, or skip it.")
    keys = [
        [cards.key("✖️ " + _("Cancel without a reason"), "cancelled", pressed.post)],
        [cards.key(_("No, let it be"), "show", pressed.post)],
    ]
    asked = pressed.say((cards.titled(cards.headline(pressed.post), text), keys))
    asking.expect_words(pressed.incoming, pressed.post, "reason", asked, pressed.now)


def _cancelled(pressed: Press) -> None:
    expecting.forget(pressed.incoming)
    done = services.cancel_post(pressed.post, **pressed.by)
    pressed.card("" if done else _("There is nothing left to cancel."))


def _remove(pressed: Press) -> None:
    pressed.say(cards.removing(pressed.post))


def _removed(pressed: Press) -> None:
    place.take_previews_away(pressed.incoming, pressed.post)
    services.delete_draft(pressed.post, **pressed.by)
    expecting.forget(pressed.incoming)
    place.say(pressed.incoming, (cards.said("🗑 " + _("The post is deleted.")), ()), edit=pressed.edit)


# --- when something went wrong --------------------------------------------------------------------------------------


def _retry(pressed: Press) -> None:
    count = services.retry_failed(pressed.post, **pressed.by)
    text = ngettext("Once more to %(count)d chat.", "Once more to %(count)d chats.", count)
    pressed.card("🔁 " + text % {"count": count} if count else _("There is nothing left to retry."))


def _there(pressed: Press) -> None:
    _resolve(pressed, there=True)


def _again(pressed: Press) -> None:
    _resolve(pressed, there=False)


def _resolve(pressed: Press, *, there: bool) -> None:
    """It is there, or it is sent again: once, whoever presses first."""
    target = PostTarget.objects.filter(pk=pressed.data["target"], post=pressed.post).first()
    settled = target is not None and services.resolve(target, there=there, **pressed.by)
    pressed.card("" if settled else _("That is settled already."))


# --- after it has appeared ------------------------------------------------------------------------------------------


def _wipe(pressed: Press) -> None:
    pressed.say(cards.wiping(pressed.post))


def _wiped(pressed: Press) -> None:
    count = services.delete_everywhere(pressed.post, **pressed.by)
    text = ngettext("It is being deleted from %(count)d chat.", "It is being deleted from %(count)d chats.", count)
    pressed.card("🗑 " + text % {"count": count} if count else _("There is nothing to delete any more."))


def _stop(pressed: Press) -> None:
    pressed.say(cards.stopping(pressed.post))


def _stopped(pressed: Press) -> None:
    count = services.stop_poll(pressed.post, **pressed.by)
    pressed.card("⏹ " + _("The poll is being stopped.") if count else _("The poll is over already."))


def _text(pressed: Press) -> None:
    asking.ask_text(pressed.incoming, pressed.post, pressed.edit, pressed.now)


def _edit(pressed: Press) -> None:
    """Yes: these words instead, wherever it is to be seen."""
    changes = asking.changes_of(pressed.post, contents.unsealed(pressed.data["content"]))
    services.change_post(pressed.post, **changes, version=pressed.data.get("version"), **pressed.by)
    pressed.card("✏️ " + _("It is being changed wherever it is to be seen."))


def _buttons(pressed: Press) -> None:
    asking.ask_buttons(pressed.incoming, pressed.post, pressed.edit, pressed.now)


def _no_buttons(pressed: Press) -> None:
    expecting.forget(pressed.incoming)
    services.change_post(pressed.post, buttons=[], **pressed.by)
    pressed.present()


def _files(pressed: Press) -> None:
    asking.ask_files(pressed.incoming, pressed.post, pressed.edit, pressed.now)


def _poll(pressed: Press) -> None:
    pressed.say(polls.menu(pressed.post))


def _poll_set(pressed: Press) -> None:
    poll = polls.changed(pressed.post.poll or {}, pressed.data["name"], pressed.data["value"])
    if poll is None:
        pressed.say(polls.right_answers(pressed.post))
        return
    services.change_post(pressed.post, poll=poll, **pressed.by)
    pressed.take_away()
    place.show(pressed.incoming, pressed.post)
    place.say(pressed.incoming, polls.menu(pressed.post), about=pressed.post)


VERBS: dict[str, Callable[[Press], None]] = {
    "show": _show,
    "open": _open,
    "keep": _keep,
    "repeat": _repeat,
    "where": _where,
    "topics": _topics,
    "place": _place,
    "options": _options,
    "set": _set,
    "lives": _lives,
    "expires": _expires,
    "when": _when,
    "time": _time,
    "plan": _plan,
    "now": _now,
    "publish": _publish,
    "late": _now,
    "cancel": _cancel,
    "cancelled": _cancelled,
    "drop": _cancelled,
    "remove": _remove,
    "removed": _removed,
    "retry": _retry,
    "there": _there,
    "again": _again,
    "wipe": _wipe,
    "wiped": _wiped,
    "stop": _stop,
    "stopped": _stopped,
    "text": _text,
    "edit": _edit,
    "buttons": _buttons,
    "nobuttons": _no_buttons,
    "files": _files,
    "poll": _poll,
    "pollset": _poll_set,
}
