"""What owners and admins are told when something is wrong with a profile, and when it is over. In the active language.

Each message says what happened and what to do next. Names stand as they are: the messages are no Markdown.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from reports.avito.errors import Kind
from reports.metrics import Section
from reports.models import Alert, AvitoProfile
from reports.words.numbers import money, number
from reports.words.periods import days_words
from reports.words.troubles import section_words, trouble

PURSES: dict[str, Promise] = {"wallet": gettext_lazy("wallet"), "advance": gettext_lazy("advance")}


def named(sections: Iterable[str]) -> str:
    """``Statistics, Calls``."""
    return ", ".join(section_words(Section(name)) for name in sections)


def open_profile() -> str:
    """Of the button under each message."""
    return "👤 " + _("Profile")


def enter_keys() -> str:
    """Of the button under what tells of refused keys."""
    return "🔑 " + _("New keys")


# --- keys -----------------------------------------------------------------------------------------------------------


def keys_refused_briefly(name: str, kind: str) -> str:
    if kind == Kind.WRONG_ACCOUNT:
        return _("🔑 The keys of “%(name)s” belong to another Avito account now.") % {"name": name}
    return _("🔑 Avito does not accept the keys of “%(name)s” any more.") % {"name": name}


def keys_refused(name: str, kind: str) -> str:
    todo = _(
        "Its figures stand still until then. Take the client_id and client_secret from the settings of your Avito "
        "account, open the profile here and press “New keys”. I look again each morning and tell you when it works."
    )
    return f"{keys_refused_briefly(name, kind)} {todo}"


def keys_back(name: str) -> str:
    return _("✅ The keys of “%(name)s” work again: the figures come as before.") % {"name": name}


# --- sections -------------------------------------------------------------------------------------------------------


def sections_closed_briefly(name: str, sections: Iterable[str]) -> str:
    words = _("🚫 Avito does not show this of “%(name)s” any more: %(sections)s.")
    return words % {"name": name, "sections": named(sections)}


def sections_closed(name: str, kinds: Mapping[str, str]) -> str:
    """``kinds``: the kind of the AvitoError of each section."""
    head = _("🚫 Avito does not show a part of “%(name)s” any more:") % {"name": name}
    rest = _("All other figures come as before. I look again each morning and tell you when it works.")
    return "\n".join([head, *(_closed(Section(section), kind) for section, kind in kinds.items()), rest])


def _closed(section: Section, kind: str) -> str:
    """One place that is not found, while others are, is closed; the keys are the right ones."""
    return f"• {trouble(Kind.NO_ACCESS if kind == Kind.WRONG_ACCOUNT else kind, section)}"


def sections_back(name: str, sections: Iterable[str]) -> str:
    return _("✅ Avito shows this of “%(name)s” again: %(sections)s.") % {"name": name, "sections": named(sections)}


# --- to the admins --------------------------------------------------------------------------------------------------


def of_whom(text: str, profile: AvitoProfile, told: bool) -> str:
    """The same for the admins: whose profile it is, and whether its owner knows."""
    owner = _("Its owner: %(owner)s.") % {"owner": profile.owner.name}
    known = _("They have been told, there is nothing for you to do.")
    unknown = _("They could not be told here: please tell them yourself.")
    return f"{text} {owner} {known if told else unknown}"


def many() -> str:
    return _(
        "⚠️ More Avito profiles have news of their keys or sections: so many at once that I do not list them. Perhaps "
        "Avito itself has a trouble. All of them are in the admin, under Alerts."
    )


# --- money and contacts ---------------------------------------------------------------------------------------------


def alarm(name: str, alert: Alert) -> str:
    """What is wrong, with the figures as they were computed (``alert.facts``)."""
    return _low(name, alert) if alert.kind == Alert.Kind.MONEY else _fewer(name, alert)


def all_clear(name: str, alert: Alert) -> str:
    """It is over."""
    facts = alert.facts
    if alert.kind == Alert.Kind.MONEY:
        words = _("✅ “%(name)s”: %(purse)s %(left)s.") % {"name": name, **_purse(alert)}
        return f"{words} {_lasting(facts)}".rstrip()
    words = _("✅ “%(name)s”: contacts are as usual again. %(day)s: %(contacts)s, usual are %(usual)s.")
    return words % {"name": name, **_contacts(facts)}


def _purse(alert: Alert) -> dict[str, str]:
    return {"purse": str(PURSES[alert.about]), "left": money(Decimal(alert.facts["left"]))}


def _low(name: str, alert: Alert) -> str:
    facts = alert.facts
    head = _("💰 “%(name)s” runs out of money: %(purse)s %(left)s.") % {"name": name, **_purse(alert)}
    low = _("That is less than %(low)s, where you wanted to be told.")
    low = low % {"low": money(Decimal(facts["low"]))} if "low" in facts else ""
    todo = _("Top it up at Avito, or the listings may stop being promoted and shown.")
    return " ".join(filter(None, [head, low, _lasting(facts), todo]))


def _lasting(facts: Mapping[str, str]) -> str:
    """How long the money lasts; nothing where nothing is spent or too few days are known."""
    if "days" not in facts:
        return ""
    a_day = {"a_day": money(Decimal(facts["a_day"]))}
    days = int(Decimal(facts["days"]))
    if Decimal(facts["left"]) <= 0:
        return _("Nothing is left; usually it spends %(a_day)s a day (average of the last 7 days).") % a_day
    if days < 1:
        return _("That is less than a day at %(a_day)s a day (average of the last 7 days).") % a_day
    words = _("That is enough for about %(days)s at %(a_day)s a day (average of the last 7 days).")
    return words % {**a_day, "days": days_words(days)}


def _fewer(name: str, alert: Alert) -> str:
    head = _("📉 “%(name)s”: contacts dropped. %(day)s: %(contacts)s, that is %(drop)s%% below the usual.")
    todo = _("Look at Avito whether the listings are up and nothing holds them back; with “Report now” you see more.")
    return " ".join([head % {"name": name, **_contacts(alert.facts)}, _basis(alert.facts), todo])


def _basis(facts: Mapping[str, str]) -> str:
    """What the usual day is."""
    count = int(facts["count"])
    if facts["basis"] == "weekdays":
        words = ngettext(
            "Usual are %(usual)s: the average of the same weekday in %(count)d week before.",
            "Usual are %(usual)s: the average of the same weekday in %(count)d weeks before.",
            count,
        )
    else:
        words = ngettext(
            "Usual are %(usual)s: the average of %(count)d day before.",
            "Usual are %(usual)s: the average of %(count)d days before.",
            count,
        )
    return words % {"usual": _average(facts), "count": count}


def _contacts(facts: Mapping[str, str]) -> dict[str, str]:
    day = date.fromisoformat(facts["day"])
    return {
        "day": _day(day),
        "contacts": number(Decimal(facts["contacts"])),
        "usual": _average(facts),
        "drop": number(Decimal(facts["drop"])),
    }


def _day(day: date) -> str:
    """``Thursday, 19 November``: it begins a sentence."""
    return f"{date_format(day, 'l')}, {date_format(day, 'j E')}"


def _average(facts: Mapping[str, str]) -> str:
    usual = Decimal(facts["usual"])
    return number(usual, 0 if usual == usual.to_integral_value() else 1)
