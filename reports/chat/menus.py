"""What opens from a profile's report settings: when, how often, by whose clock, which figures, alerts.

Each press is done and shown at once, in place. Nothing here asks the database.
"""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.conf import settings as django_settings
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from delivery import cities
from delivery.schedule import Daily, Monthly, Rule, Weekly
from delivery.schedule_words import WORKDAYS, describe
from reports.chat import cards
from reports.chat.cards import key
from reports.chat.place import Menu, titled
from reports.metrics import METRICS
from reports.models import AvitoProfile, ReportTask
from reports.services import tasks
from telegram_bot.outgoing import Key

PAGE = 8
TIMES = ("07:00", "08:00", "09:00", "10:00", "12:00", "18:00", "20:00", "21:00")
EVERY = (2, 3, 4, 5, 7, 10, 14, 30)
LAST_DAY = 31
DROPS = (30, 50, 70, 0)
# A Monday, for the names of the days.
A_MONDAY = date(2026, 11, 23)


def back(profile: AvitoProfile) -> list[Key]:
    """To the settings of the reports."""
    return [key(_("« Back"), "profile_report", profile)]


def title(profile: AvitoProfile) -> str:
    return "⚙️ " + _("Reports of “%(name)s”") % {"name": profile.name}


def _mark(chosen: bool) -> str:
    return "☑️" if chosen else "▫️"


def _onoff(is_on: bool) -> str:
    return _("on") if is_on else _("off")


# --- all of them ----------------------------------------------------------------------------------------------------


def settings(profile: AvitoProfile, task: ReportTask, now: datetime, note: str = "") -> Menu:
    lines = [*cards.reports(task, now), unsure(profile, task), *_where(task), figures_line(task), *_also(task)]
    lines.append(alerts_line(task))
    return titled(title(profile), *lines, note and f"\n{note}"), _keys(profile, task)


def unsure(profile: AvitoProfile, task: ReportTask) -> str:
    """That nobody said by whose clock."""
    if profile.owner.time_zone or task.schedule.zone != django_settings.TIME_ZONE:
        return ""
    text = _("I do not know your time zone and took %(zone)s. Another one: /timezone")
    return "🌍 " + text % {"zone": task.schedule.zone}


def _where(task: ReportTask) -> list[str]:
    if task.chat is None or task.chat.is_private:
        return ["📍 " + _("They go to you alone, in our private chat.")]
    return ["📍 " + _("They go to %(chat)s; everybody there sees these figures.") % {"chat": cards.where(task)}]


def figures_line(task: ReportTask) -> str:
    count = len(tasks.metrics_of(task))
    text = ngettext("📈 %(count)d figure", "📈 %(count)d figures", count) % {"count": count}
    return text + (_(", with a chart") if task.chart else _(", without a chart"))


def _also(task: ReportTask) -> list[str]:
    lines = ["✉️ " + _("Also by e-mail: %(address)s") % {"address": task.email}] if task.email else []
    return lines + (["🔗 " + _("Also to a webhook: %(url)s") % {"url": task.hook_url}] if task.hook_url else [])


def alerts_line(task: ReportTask) -> str:
    if not task.alerts:
        return "🔕 " + _("No alerts.")
    return "⚡️ " + _("Alerts: %(money)s; %(contacts)s.") % {"money": _money(task), "contacts": _contacts(task)}


def _money(task: ReportTask) -> str:
    if task.low_money is None:
        return _("money that lasts less than three days")
    return _("money below %(sum)s ₽") % {"sum": roubles(task.low_money)}


def roubles(value: Decimal) -> str:
    return f"{value.normalize():f}"


def _contacts(task: ReportTask) -> str:
    if not task.contacts_drop:
        return _("not of contacts")
    return _("contacts %(percent)d%% below the usual") % {"percent": task.contacts_drop}


def _keys(profile: AvitoProfile, task: ReportTask) -> list[list[Key]]:
    is_on = tasks.is_on(task)
    turn = key("⏸ " + _("Switch off"), "report_toggle", profile, on=False)
    if not is_on:
        turn = key("▶️ " + _("Switch on"), "report_toggle", profile, on=True)
    state = _("🖼 Chart: %(state)s") % {"state": _onoff(task.chart)}
    chart = key(state, "report_chart", profile, on=not task.chart)
    return [
        [turn],
        [key("🕘 " + _("Time"), "report_set_time", profile), key("🔁 " + _("How often"), "report_frequency", profile)],
        [key("🌍 " + _("Time zone"), "report_zone", profile), key("📍 " + _("Where to"), "report_set_chat", profile)],
        [key("📈 " + _("Figures"), "report_characteristics", profile), chart],
        [key("✉️ " + _("E-mail"), "report_email", profile), key("🔗 " + _("Webhook"), "report_hook", profile)],
        [key("⚡️ " + _("Alerts"), "report_alerts", profile)],
        [key(_("« Profile"), "profile_view", profile)],
    ]  # fmt: skip


# --- when -----------------------------------------------------------------------------------------------------------


def time(profile: AvitoProfile, task: ReportTask, problem: str = "") -> Menu:
    """At what time? Quick keys, or words."""
    zone = cards.zone_of(task)
    lines = [
        f"⚠️ {problem}" if problem else "",
        _("Now: %(rule)s, %(zone)s.") % {"rule": describe(tasks.rule_of(task), zone), "zone": zone.key},
        _("At what time? Press one, or write it: 9:30"),
    ]
    choices = [key(at, "report_set_time", profile, time=at) for at in TIMES]
    return titled("🕘 " + profile.name, *lines), [choices[:4], choices[4:], back(profile)]


def frequency(profile: AvitoProfile, task: ReportTask) -> Menu:
    """How often? What is set now is marked."""
    rule, zone = tasks.rule_of(task), cards.zone_of(task)

    def choice(label: str, chosen: bool, action: str = "freq_set", **data: object) -> list[Key]:
        return [key(("✅ " if chosen else "") + label, action, profile, **data)]

    keys = [
        choice(_("Every day: about yesterday"), rule == Daily(tasks.time_of(rule)), kind="daily"),
        choice(_("On working days"), isinstance(rule, Weekly) and rule.days == WORKDAYS, kind="workdays"),
        choice(_("Every week: about the last whole week"), _is_weekly(rule), kind="weekly"),
        choice(_("On chosen days…"), _has_days(rule), "report_frequency", menu="days"),
        choice(_("Every few days…"), isinstance(rule, Daily) and rule.every > 1, "report_frequency", menu="every"),
        choice(_("Every month: about the last month…"), isinstance(rule, Monthly), "report_frequency", menu="monthly"),
    ]
    now = _("Now: %(rule)s, %(zone)s.") % {"rule": describe(rule, zone), "zone": zone.key}
    text = _("How often? A report is about the days that are over since the one before.")
    return titled("🔁 " + profile.name, now, text), [*keys, back(profile)]


def _is_weekly(rule: Rule) -> bool:
    return isinstance(rule, Weekly) and len(rule.days) == 1


def _has_days(rule: Rule) -> bool:
    return isinstance(rule, Weekly) and len(rule.days) > 1 and rule.days != WORKDAYS


def days(profile: AvitoProfile, task: ReportTask) -> Menu:
    """The days of the week; each press holds at once."""
    rule = tasks.rule_of(task)
    chosen = rule.days if isinstance(rule, Weekly) else frozenset()
    names = [date_format(A_MONDAY.replace(day=A_MONDAY.day + number), "D") for number in range(7)]
    keys = [
        key(f"{_mark(number in chosen)} {name}", "report_day_toggle", profile, day=number, on=number not in chosen)
        for number, name in enumerate(names)
    ]
    lines = [_("On which days? Press to choose, and again to take it back."), *_about_days(chosen)]
    return titled("🔁 " + profile.name, *lines), [keys[:4], keys[4:], _to_frequency(profile)]


def _about_days(chosen: frozenset[int]) -> list[str]:
    if not chosen:
        return [_("It is not by days of the week yet; the first one you press makes it so.")]
    if len(chosen) == 1:
        return [_("One day a week: the report is about the last whole week, Monday to Sunday.")]
    return [_("The report is about the days since the one before.")]


def _to_frequency(profile: AvitoProfile) -> list[Key]:
    return [key(_("« Back"), "report_frequency", profile)]


def every(profile: AvitoProfile, task: ReportTask, problem: str = "") -> Menu:
    """Every how many days? Quick keys, or a number."""
    rule = tasks.rule_of(task)
    chosen = rule.every if isinstance(rule, Daily) else 0
    keys = [
        key(("✅ " if count == chosen else "") + str(count), "freq_set", profile, kind="every", days=count)
        for count in EVERY
    ]
    lines = [f"⚠️ {problem}" if problem else "", _("Every how many days? Press a number, or write it.")]
    lines += [_("The report is about as many days. They are counted from the first report on.")]
    return titled("🔁 " + profile.name, *lines), [keys[:4], keys[4:], _to_frequency(profile)]


def monthly(profile: AvitoProfile, task: ReportTask) -> Menu:
    """On which day of the month?"""
    rule = tasks.rule_of(task)
    chosen = rule.day if isinstance(rule, Monthly) else 0

    def choice(label: str, day: int) -> Key:
        return key(("✅ " if day == chosen else "") + label, "freq_set", profile, kind="monthly", day=day)

    keys = [choice(str(day), day) for day in range(1, LAST_DAY)]
    rows = [keys[start : start + 6] for start in range(0, len(keys), 6)]
    lines = [
        _("On which day of the month? The report is about the last whole month."),
        _("A month without that day has its report on its last day."),
    ]
    last = [choice(_("The last day of the month"), LAST_DAY)]
    return titled("🔁 " + profile.name, *lines), [*rows, last, _to_frequency(profile)]


def zone(profile: AvitoProfile, task: ReportTask, language: str, now: datetime, problem: str = "") -> Menu:
    """By whose clock?"""
    current = cards.zone_of(task)
    mine = profile.owner.time_zone
    keys = [
        key(cities.label(place, language, now), "report_zone", profile, zone=place.zone)
        for place in cities.offered(language)
    ]
    rows = [keys[start : start + 2] for start in range(0, len(keys), 2)]
    if mine and mine != current.key:
        values = {"zone": mine, "time": f"{now.astimezone(ZoneInfo(mine)):%H:%M}"}
        rows.insert(0, [key(_("Mine: %(zone)s, %(time)s") % values, "report_zone", profile, zone=mine)])
    lines = [
        f"⚠️ {problem}" if problem else "",
        _("Now: %(zone)s, it is %(time)s there.") % {"zone": current.key, "time": f"{now.astimezone(current):%H:%M}"},
        _("Press what your clock shows, or write a city or a zone, such as Europe/Moscow."),
        _("The days of the figures stay Moscow's: so Avito counts them."),
    ]
    return titled("🌍 " + profile.name, *lines), [*rows, back(profile)]


# --- what -----------------------------------------------------------------------------------------------------------


def figures(profile: AvitoProfile, task: ReportTask, page: int = 0) -> Menu:
    """The figures there are, a page of them; each press holds at once."""
    chosen = set(tasks.metrics_of(task))
    pages = -(-len(METRICS) // PAGE)
    page = min(max(0, page), pages - 1)
    shown = METRICS[page * PAGE : (page + 1) * PAGE]
    keys = [
        [
            key(
                f"{_mark(metric.name in chosen)} {metric.label}",
                "report_characteristics",
                profile,
                metric=metric.name,
                on=metric.name not in chosen,
                page=page,
            )
        ]
        for metric in shown
    ]
    lines = [
        figures_line(task),
        _("Press to choose, and again to take it back. What Avito does not tell of your account is left out."),
    ]
    where = _("page %(page)d of %(pages)d") % {"page": page + 1, "pages": pages}
    turning = [
        key("‹", "report_characteristics", profile, page=(page - 1) % pages),
        key(where, "report_characteristics", profile, page=page),
        key("›", "report_characteristics", profile, page=(page + 1) % pages),
    ]
    return titled("📈 " + profile.name, *lines), [*keys, turning, _sets(profile, page), back(profile)]


SETS = (("all", gettext_lazy("All")), ("usual", gettext_lazy("The usual ones")), ("none", gettext_lazy("Only views")))


def _sets(profile: AvitoProfile, page: int) -> list[Key]:
    return [key(str(label), "report_metrics_all", profile, which=which, page=page) for which, label in SETS]


# --- alerts ---------------------------------------------------------------------------------------------------------


def alerts(profile: AvitoProfile, task: ReportTask, problem: str = "") -> Menu:
    """Warn of what? Money in words, contacts by keys."""
    lines = [
        f"⚠️ {problem}" if problem else "",
        _("I tell you, in our private chat, when the money of the account will not last, and when contacts drop."),
        alerts_line(task),
        _("To be warned below a sum, write it: 5000"),
    ]
    turn = key("🔕 " + _("Switch alerts off"), "report_alerts", profile, on=False)
    if not task.alerts:
        turn = key("⚡️ " + _("Switch alerts on"), "report_alerts", profile, on=True)
    auto = key(
        ("✅ " if task.low_money is None else "") + _("Money for three days"), "report_alerts", profile, money=""
    )
    drops = [
        key(("✅ " if task.contacts_drop == drop else "") + _drop(drop), "report_alerts", profile, drop=drop)
        for drop in DROPS
    ]
    return titled("⚡️ " + profile.name, *lines), [[turn], [auto], drops, back(profile)]


def _drop(percent: int) -> str:
    return f"−{percent}%" if percent else _("Not of contacts")
