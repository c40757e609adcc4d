"""What an assistant may know of Avito profiles: questions in plain words over the stored days.

Figures, differences, percents and averages are computed here and never by a model; each answer names its source, its
days and when they were read, and says what misses. Only profiles that may be shown in this chat are known here.
"""

from collections.abc import Callable
from datetime import date

from django.db.models import QuerySet

from llm.toolbox import Arguments, Asked, Tool, ToolError
from reports import telling
from reports.figures.periods import DAY, Period, ending, month_of, today_at_avito, week_of
from reports.figures.summary import metrics_of, total
from reports.metrics import BY_NAME, METRICS, USUAL, Sum
from reports.models import Access, AvitoProfile, visible_in
from reports.services import knowing
from reports.words.alerts import named

QUOTES = "“”«»\"' "
MOST_LISTED = 50
# The table by day.
MOST_DAYS, MOST_COLUMNS = 92, 6
COLUMNS = ("views", "contacts", "allSpending")
# What there is by day; what stands in the account is of now.
BY_DAY = tuple(metric.name for metric in METRICS if metric.sum is not Sum.NOW)
# Longer than this a period is not summed up.
LONGEST = 800
# Stored days of all profiles together that are read at once.
MOST_READ = 20_000

Days = Callable[[date], Period]

PERIODS: dict[str, Days] = {
    "today": lambda today: Period(today, today),
    "yesterday": lambda today: Period(today - DAY, today - DAY),
    "last_7_days": lambda today: ending(today - DAY, 7),
    "last_30_days": lambda today: ending(today - DAY, 30),
    "this_week": lambda today: Period(week_of(today).first, today),
    "last_week": lambda today: week_of(today).before(),
    "week_before_last": lambda today: week_of(today).before().before(),
    "this_month": lambda today: Period(month_of(today).first, today),
    "last_month": lambda today: month_of(today).before(),
    "month_before_last": lambda today: month_of(today).before().before(),
}
PREVIOUS = "previous"


# --- which profiles -------------------------------------------------------------------------------------------------


def _visible(asked: Asked) -> "QuerySet[AvitoProfile]":
    return visible_in(asked.user, asked.chat).defer("credentials")


def _list(asked: Asked, _arguments: Arguments) -> str:
    rows = list(_visible(asked)[: MOST_LISTED + 1])
    known = knowing.known_of(rows)
    lines = [_line(profile, known[profile.pk], asked) for profile in rows[:MOST_LISTED]]
    if len(rows) > MOST_LISTED:
        lines.append("There are more; the person sees all of their own with /profiles.")
    return "\n".join(lines) or NONE


NONE = (
    "No Avito profile may be shown in this chat. In the private chat a person adds their own with /add_profile; in a "
    "group it is there when its owner shows it there (/profiles, the profile, where it is shown)."
)


def _line(profile: AvitoProfile, known: knowing.Known, asked: Asked) -> str:
    """One profile for a model: its name, account, how its keys are, and how far its days are stored."""
    account = f"account {profile.account_id}" if profile.account_id else "account unknown"
    parts = [f"“{profile.name}”", account, f"keys: {Access(profile.access).value}"]
    if closed := [name for name, told in profile.sections.items() if told["kind"] not in ("", "not_for_account")]:
        parts.append(f"closed: {named(closed)}")
    if known.first is None or known.last is None:
        return " · ".join([*parts, "no days stored yet"])
    read = f", read {telling.clock(known.read_at, asked.user)}" if known.read_at else ""
    return " · ".join([*parts, f"days stored: {known.first} … {known.last}{read}"])


list_avito_profiles = Tool(
    "list_avito_profiles",
    "Lists the Avito profiles whose figures may be told in this chat, and how far their days are stored.",
    {"type": "object", "properties": {}},
    _list,
    of_use=knowing.is_of_use,
)


def _chosen(asked: Asked, arguments: Arguments) -> list[AvitoProfile]:
    """The one that is named, else all that may be shown here. Raises ToolError."""
    rows = list(_visible(asked))
    if not rows:
        raise ToolError(NONE)
    wanted = arguments.get("profile", "").strip(QUOTES).casefold()
    if not wanted:
        return rows
    found = [row for row in rows if row.name.casefold() == wanted]
    found = found or [row for row in rows if wanted in row.name.casefold()]
    if len(found) != 1:
        names = ", ".join(f"“{row.name}”" for row in (found or rows)[:MOST_LISTED])
        which = "Several profiles have this name" if found else "No profile here has this name"
        raise ToolError(f"{which}: “{wanted}”. There are: {names}.")
    return found


# --- which days -----------------------------------------------------------------------------------------------------


def _period(arguments: Arguments, today: date) -> Period:
    """What is asked for; the last seven full days when nothing is. Raises ToolError."""
    if arguments.get("from") or arguments.get("to"):
        return _range(arguments.get("from", ""), arguments.get("to", ""), today)
    return _named(arguments.get("period", "last_7_days"), today)


def _named(name: str, today: date) -> Period:
    if name not in PERIODS:
        raise ToolError(f"No period is called “{name}”. There are: {', '.join(PERIODS)}; or from and to.")
    return PERIODS[name](today)


def _compared(arguments: Arguments, period: Period, today: date) -> Period | None:
    if arguments.get("compare_from") or arguments.get("compare_to"):
        return _range(arguments.get("compare_from", ""), arguments.get("compare_to", ""), today)
    name = arguments.get("compare_with")
    if name is None:
        return None
    return period.before() if name == PREVIOUS else _named(name, today)


def _range(first: str, last: str, today: date) -> Period:
    try:
        dates = [date.fromisoformat(text.strip()) for text in (first or last, last or first)]
    except ValueError as error:
        raise ToolError("Write dates like 2026-11-15.") from error
    if dates[1] < dates[0]:
        raise ToolError(f"The period ends before it begins: {dates[0]} is after {dates[1]}.")
    if dates[1] > today:
        raise ToolError(f"{dates[1]} has not come yet. Today is {today} by Moscow time.")
    if (dates[1] - dates[0]).days >= LONGEST:
        raise ToolError(f"At most {LONGEST} days at once.")
    return Period(dates[0], dates[1])


# --- figures --------------------------------------------------------------------------------------------------------


def _figures(asked: Asked, arguments: Arguments) -> str:
    profiles = _chosen(asked, arguments)
    today = today_at_avito(asked.now)
    period = _period(arguments, today)
    before = _compared(arguments, period, today)
    if len(profiles) * sum(each.days for each in (period, before) if each is not None) > MOST_READ:
        raise ToolError("So many days of so many profiles are too much at once: name a profile, or take fewer days.")
    metrics = metrics_of(arguments.get("metrics") or USUAL)
    summaries = knowing.summaries_of(profiles, period, before, metrics)
    whole = summaries[0] if len(summaries) == 1 else total(summaries)
    lines = [telling.source(whole, asked.user), telling.about(whole, profiles), *telling.spans(whole)]
    lines += [telling.told(line, whole) for line in whole.lines]
    if len(summaries) > 1:
        lines += telling.one_by_one(summaries)
    return "\n".join([*lines, *telling.caveats(profiles, whole, today, asked.user), telling.RULE])


# --- day by day -----------------------------------------------------------------------------------------------------


def _by_day(asked: Asked, arguments: Arguments) -> str:
    profiles = _chosen(asked, arguments)
    today = today_at_avito(asked.now)
    period = _period(arguments, today)
    names = list(dict.fromkeys(arguments.get("metrics") or COLUMNS))
    if period.days > MOST_DAYS or len(names) > MOST_COLUMNS:
        raise ToolError(f"At most {MOST_DAYS} days and {MOST_COLUMNS} figures in a table; avito_figures sums up more.")
    if unknown := [name for name in names if name not in BY_NAME or BY_NAME[name].sum is Sum.NOW]:
        raise ToolError(f"These are not figures of a day: {', '.join(unknown)}. There are: {', '.join(BY_DAY)}.")
    metrics = [BY_NAME[name] for name in names]
    whole = knowing.figures_of(profiles, period, metrics=metrics)
    lines = [telling.source(whole, asked.user), telling.about(whole, profiles), *telling.spans(whole)]
    lines.append("day | " + " | ".join(f"{metric.label} ({metric.name})" for metric in metrics))
    lines += [telling.row(whole, day, metrics) for day in period.dates()]
    return "\n".join([*lines, *telling.caveats(profiles, whole, today, asked.user), telling.RULE])


# --- as a model sees them -------------------------------------------------------------------------------------------

# Each word here is paid for with every question of somebody who has a profile. What a schema does not list is checked
# above, and the model is told what there is.
_TEXT = {"type": "string"}
_PROFILE = {**_TEXT, "description": "Its name; all that are known here if left out."}
_FROM = {**_TEXT, "description": "Instead of period: 2026-11-01."}

avito_figures = Tool(
    "avito_figures",
    "Figures of Avito profiles (views, contacts, spending, calls, wallet …) for a period, and how they changed against "
    "another. From stored days, computed exactly.",
    {
        "type": "object",
        "properties": {
            "profile": _PROFILE,
            "period": {
                "type": "string",
                "enum": list(PERIODS),
                "description": "last_7_days if left out. Weeks begin on Monday.",
            },
            "from": _FROM,
            "to": _TEXT,
            "compare_with": {**_TEXT, "description": f"A period, or {PREVIOUS}: as many days right before."},
            "compare_from": {**_TEXT, "description": "Instead of compare_with."},
            "compare_to": _TEXT,
            "metrics": {
                "type": "array",
                "items": {"type": "string", "enum": [metric.name for metric in METRICS]},
                "description": "The usual ones if left out.",
            },
        },
    },
    _figures,
    of_use=knowing.is_of_use,
)

avito_days = Tool(
    "avito_days",
    f"A table of Avito figures day by day, at most {MOST_DAYS} days and {MOST_COLUMNS} figures.",
    {
        "type": "object",
        "properties": {
            "profile": _PROFILE,
            "period": {**_TEXT, "description": "As in avito_figures."},
            "from": _FROM,
            "to": _TEXT,
            "metrics": {
                "type": "array",
                "items": _TEXT,
                "description": "As in avito_figures; views, contacts, spending if left out.",
            },
        },
    },
    _by_day,
    of_use=knowing.is_of_use,
)
