"""What the buttons of a profile's cards do: each shows in its place what came of it.

One press is one short transaction with which the update is done. Whose the profile is is looked at again at each. What
asks Telegram or Avito on the way is in reports/bot.py.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Chat
from delivery.schedule import Daily, Monthly, Rule, RuleError, Weekly
from delivery.schedule_words import WORKDAYS
from reports.chat import answers, cards, menus, place, targets
from reports.chat.place import Menu
from reports.metrics import METRICS, USUAL
from reports.models import AvitoProfile, ReportTask, Snapshot
from reports.services import access, profiles, tasks
from reports.services.rows import NotSo
from telegram_bot import expecting
from telegram_bot.incoming import Incoming

VIA = "chat"
# What may be pressed in a group; all else shows what is nobody's there.
IN_GROUPS = ("report_chat_here", "report_chat_pick", "report_chat_no", "profile_hide")


@dataclass
class Press:
    """A press on a button about ``profile``, under the message ``edit``."""

    incoming: Incoming
    profile: AvitoProfile
    data: dict[str, Any]
    edit: int | None
    now: datetime

    @property
    def by(self) -> dict[str, Any]:
        """As the verbs want to know who."""
        return {"by": self.incoming.user, "via": VIA, "now": self.now}

    @property
    def task(self) -> ReportTask:
        return tasks.task_of(self.profile)

    def say(self, menu: Menu) -> str:
        return place.say(self.incoming, menu, edit=self.edit)

    def ask(self, menu: Menu, action: str, **data: Any) -> None:
        """The next words are for ``action``."""
        kept = {"profile": self.profile.pk, **data}
        place.expect(self.incoming, action, kept, self.say(menu), self.now)

    def card(self, note: str = "") -> None:
        fresh = access.own(self.incoming.user, self.profile.pk) or self.profile
        self.say(cards.card(fresh, cards.facts_of(fresh), self.now, note))

    def settings(self, note: str = "") -> None:
        self.say(menus.settings(self.profile, self.task, self.now, note))

    def group(self) -> None:
        """In a group: which profiles are seen there."""
        self.say(here(self.incoming, self.profile))


def own(incoming: Incoming, action: str, data: dict[str, Any]) -> AvitoProfile | str | None:
    """The profile that a button is about; a text: why it is not for this person, or not for this place; None: it is
    gone."""
    if not incoming.chat.is_private and action not in IN_GROUPS:
        return _("This is for our private chat: write /profiles there.")
    key = data.get("profile")
    profile = access.own(incoming.user, key)
    if profile is None and isinstance(key, int) and AvitoProfile.objects.filter(pk=key).exists():
        return _("This profile is somebody else's.")
    return profile


@transaction.atomic
def press(incoming: Incoming, action: str, data: dict[str, Any], edit: int | None, now: datetime) -> str:
    """Do what a button says; what to toast, where it is not done."""
    profile = own(incoming, action, data)
    if isinstance(profile, str):
        return profile
    if profile is None:
        place.say(incoming, cards.gone(), edit=edit)
        refused = ""
    else:
        refused = _do(Press(incoming, profile, data, edit, now), action)
    place.finish(incoming, now)
    return refused


def _do(pressed: Press, action: str) -> str:
    expecting.forget(pressed.incoming)  # it may have been asked for something
    try:
        with transaction.atomic():
            VERBS[action](pressed)
    except (NotSo, RuleError) as why_not:
        return str(why_not)
    return ""


@transaction.atomic
def show_list(incoming: Incoming, page: int, edit: int | None, now: datetime) -> None:
    """``/profiles``: in a group, which of one's own are seen there."""
    expecting.forget(incoming)
    mine = list(access.own_profiles(incoming.user))
    menu = cards.shelf(mine, page) if incoming.chat.is_private else _seen_here(incoming, mine, page)
    place.say(incoming, menu, edit=edit)
    place.finish(incoming, now)


def here(incoming: Incoming, profile: AvitoProfile) -> Menu:
    """The page of a group's list that ``profile`` is on."""
    mine = list(access.own_profiles(incoming.user))
    number = next((number for number, one in enumerate(mine) if one.pk == profile.pk), 0)
    return _seen_here(incoming, mine, number // cards.PAGE)


def _seen_here(incoming: Incoming, mine: list[AvitoProfile], page: int) -> Menu:
    shown = set(access.stands_in(incoming.chat, incoming.user).values_list("pk", flat=True))
    return targets.here(incoming.chat, mine, shown, page)


# --- the profile ----------------------------------------------------------------------------------------------------


def _view(pressed: Press) -> None:
    pressed.card()


def _rename(pressed: Press) -> None:
    pressed.ask(cards.renaming(pressed.profile), answers.WORDS, what="name")


def _delete(pressed: Press) -> None:
    pressed.say(cards.deleting(pressed.profile, Snapshot.objects.filter(profile=pressed.profile).count()))


def _deleted(pressed: Press) -> None:
    name = pressed.profile.name
    profiles.delete_profile(pressed.profile, **pressed.by)
    shelf = cards.shelf(list(access.own_profiles(pressed.incoming.user)), 0)
    pressed.say((place.said("🗑 " + _("“%(name)s” is deleted.") % {"name": name}), shelf[1]))


def _places(pressed: Press, note: str = "") -> None:
    pressed.say(targets.places(pressed.profile, pressed.task, access.places_of(pressed.profile), note))


def _hide(pressed: Press) -> None:
    chat = Chat.objects.filter(pk=pressed.data.get("chat", 0)).first()
    went = chat is not None and pressed.task.chat_id == chat.pk
    if chat is not None:
        profiles.hide_from(pressed.profile, chat, **pressed.by)
    if pressed.incoming.chat.is_private:
        _places(pressed, _("Its reports go to you alone now.") if went else "")
    else:
        pressed.group()


# --- its reports ----------------------------------------------------------------------------------------------------


def _settings(pressed: Press) -> None:
    pressed.settings()


def _toggle(pressed: Press) -> None:
    """On or off; a button says which, so two presses are one."""
    task = pressed.task
    tasks.switch(task, bool(pressed.data.get("on", not tasks.is_on(task))), **pressed.by)
    pressed.settings()


def _time(pressed: Press) -> None:
    if "time" in pressed.data:
        answers.set_time(pressed.task, answers.clock(pressed.data["time"]), **pressed.by)
        pressed.settings()
    else:
        pressed.ask(menus.time(pressed.profile, pressed.task), answers.WORDS, what="time")


def _frequency(pressed: Press) -> None:
    menu = pressed.data.get("menu")
    if menu == "every":
        pressed.ask(menus.every(pressed.profile, pressed.task), answers.WORDS, what="every")
    elif menu == "days":
        pressed.say(menus.days(pressed.profile, pressed.task))
    elif menu == "monthly":
        pressed.say(menus.monthly(pressed.profile, pressed.task))
    else:
        pressed.say(menus.frequency(pressed.profile, pressed.task))


def _set_frequency(pressed: Press) -> None:
    """Another beat, at the same time of the day."""
    task, kind = pressed.task, pressed.data.get("kind")
    at = tasks.time_of(tasks.rule_of(task))
    rule: Rule = Daily(at)
    if kind == "every":
        rule = tasks.every(int(pressed.data["days"]), at, task.schedule, task.schedule.zone, pressed.now)
    elif kind == "workdays":
        rule = Weekly(WORKDAYS, at)
    elif kind == "weekly":
        rule = Weekly(_one_day(tasks.rule_of(task)), at)
    elif kind == "monthly":
        rule = Monthly(int(pressed.data["day"]), at)
    tasks.set_rule(task, rule, task.schedule.zone, **pressed.by)
    if kind == "weekly":
        pressed.say(menus.days(pressed.profile, pressed.task))
    else:
        pressed.settings()


def _one_day(rule: Rule) -> frozenset[int]:
    """The one it is on already, else Monday: then the week before is just over."""
    return rule.days if isinstance(rule, Weekly) and len(rule.days) == 1 else frozenset({0})


def _toggle_day(pressed: Press) -> None:
    task = pressed.task
    rule = tasks.rule_of(task)
    chosen = rule.days if isinstance(rule, Weekly) else frozenset()
    day = int(pressed.data["day"])
    days = chosen | {day} if pressed.data.get("on", day not in chosen) else chosen - {day}
    tasks.set_rule(task, Weekly(frozenset(days), tasks.time_of(rule)), task.schedule.zone, **pressed.by)
    pressed.say(menus.days(pressed.profile, pressed.task))


def _zone(pressed: Press) -> None:
    task = pressed.task
    if zone := pressed.data.get("zone"):
        tasks.set_rule(task, tasks.rule_of(task), zone, **pressed.by)
        pressed.settings()
    else:
        menu = menus.zone(pressed.profile, task, pressed.incoming.language, pressed.now)
        pressed.ask(menu, answers.WORDS, what="zone")


def _figures(pressed: Press) -> None:
    """A page of them; with a name, that one is taken or left."""
    task, name = pressed.task, pressed.data.get("metric")
    if name is not None:
        others = [known for known in tasks.metrics_of(task) if known != name]
        tasks.set_metrics(task, [*others, name] if pressed.data.get("on") else others, **pressed.by)
    pressed.say(menus.figures(pressed.profile, task, pressed.data.get("page", 0)))


def _all_figures(pressed: Press) -> None:
    task = pressed.task
    sets = {"all": [metric.name for metric in METRICS], "usual": USUAL, "none": ["views"]}
    tasks.set_metrics(task, sets.get(pressed.data.get("which", ""), USUAL), **pressed.by)
    pressed.say(menus.figures(pressed.profile, task, pressed.data.get("page", 0)))


def _chart(pressed: Press) -> None:
    tasks.set_chart(pressed.task, bool(pressed.data.get("on")), **pressed.by)
    pressed.settings()


def _email(pressed: Press) -> None:
    if pressed.data.get("off"):
        tasks.set_email(pressed.task, "", **pressed.by)
        pressed.settings()
    else:
        pressed.ask(answers.asking_email(pressed.profile, pressed.task), answers.WORDS, what="email")


def _hook(pressed: Press) -> None:
    if pressed.data.get("off"):
        tasks.set_hook(pressed.task, "", **pressed.by)
        pressed.settings()
    else:
        pressed.ask(answers.asking_hook(pressed.profile, pressed.task), answers.HOOK)


def _alerts(pressed: Press) -> None:
    task, data = pressed.task, pressed.data
    money: Decimal | None = None if "money" in data else task.low_money
    drop = int(data.get("drop", task.contacts_drop))
    if data.keys() & {"on", "money", "drop"}:
        is_on = bool(data.get("on", True))
        tasks.set_alerts(task, is_on, low_money=money, contacts_drop=drop, **pressed.by)
    pressed.ask(menus.alerts(pressed.profile, task), answers.WORDS, what="money")


# --- where to -------------------------------------------------------------------------------------------------------


def _another_chat(pressed: Press) -> None:
    purpose = pressed.data.get("purpose", targets.REPORT)
    pressed.ask(targets.asking(pressed.profile, purpose), answers.CHAT, purpose=purpose)


def _no_chat(pressed: Press) -> None:
    if not pressed.incoming.chat.is_private:
        pressed.group()
    elif pressed.data.get("purpose") == targets.SHOW:
        _places(pressed)
    else:
        pressed.settings()


VERBS: dict[str, Callable[[Press], None]] = {
    "profile_view": _view,
    "profile_rename": _rename,
    "profile_delete": _delete,
    "profile_deleted": _deleted,
    "profile_places": _places,
    "profile_hide": _hide,
    "profile_report": _settings,
    "report_toggle": _toggle,
    "report_set_time": _time,
    "report_frequency": _frequency,
    "freq_set": _set_frequency,
    "report_day_toggle": _toggle_day,
    "report_zone": _zone,
    "report_characteristics": _figures,
    "report_metrics_all": _all_figures,
    "report_chart": _chart,
    "report_email": _email,
    "report_hook": _hook,
    "report_alerts": _alerts,
    "report_chat_forward": _another_chat,
    "report_chat_no": _no_chat,
}
