"""Bodies of requests as wishes of the services: zones found, times read, rules made, everything wrong told at once."""

from collections.abc import Callable
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from accounts.models import ApiKey, Chat, User
from core.problem import Flaw, HttpProblem
from delivery.schedule import Cron, Once, Rule, RuleError, from_json, zone_of
from reminders.api.bodies import Change, Wish
from reminders.api.shapes import OWNER
from reminders.models import Reminder, Type
from reminders.services import Draft
from rest.conditions import digest
from rest.times import BadTime, read_time

T = TypeVar("T")
Values = dict[str, Any]


def draft_of(wish: Wish, user: User, chat: Chat | None, key: ApiKey, idempotency_key: str) -> Draft:
    """Raises HttpProblem."""
    flaws: list[Flaw] = []
    zone = _zone(wish.timezone, user, flaws)
    # One that is not known is told once, and no time is said to need it.
    clock = (zone or ZoneInfo("UTC")) if wish.timezone is not None else None
    rule = _rule_of(wish, clock, flaws)
    times = {name: _time(wish, name, clock, flaws) for name in ("start_at", "end_at")}
    if flaws or rule is None or zone is None:
        raise HttpProblem(400, flaws=flaws)
    same = ("payload", "title", "assistant_id", "max_runs", "grace_seconds", "catch_up", "nag_minutes")
    return Draft(
        user=user,
        chat=chat,
        rule=rule,
        zone=zone.key,
        zone_of_owner=wish.timezone == OWNER,
        created_by_key=key,
        idempotency_key=idempotency_key,
        idempotency_digest=digest(wish) if idempotency_key else "",
        **{name: getattr(wish, name) for name in same},
        **times,
    )


def changes_of(body: Change, row: Reminder) -> Values:
    """What `services.change` is to do, by its names. Raises HttpProblem."""
    flaws: list[Flaw] = []
    sent = body.model_fields_set - {"status", "timezone", "trigger_at", "cron_expression", "rule"}
    changes: Values = {name: getattr(body, name) for name in sent}
    clock = zone_of(row.schedule.zone)
    if "timezone" in body.model_fields_set:
        clock = _zone(body.timezone, row.user, flaws) or clock
        changes |= {"zone": clock.key, "zone_of_owner": body.timezone == OWNER}
    for name in sent & {"start_at", "end_at"}:
        changes[name] = _time(body, name, clock, flaws)
    if (rule := _rule_sent(body, row, clock, flaws)) is not None:
        changes["rule"] = rule
    if flaws:
        raise HttpProblem(400, flaws=flaws)
    return changes


def _rule_sent(body: Change, row: Reminder, clock: ZoneInfo, flaws: list[Flaw]) -> Rule | None:
    named = body.model_fields_set & {"trigger_at", "cron_expression", "rule"}
    fitting = {"trigger_at"} if row.type == Type.ONE_TIME else {"cron_expression", "rule"}
    flaws += [_unfit(name, row.type) for name in sorted(named - fitting)]
    if len(named) == 1 and not flaws:
        return _rule_by(body, named.pop(), clock, flaws)
    if named >= {"cron_expression", "rule"}:
        flaws.append(_only_one())
    return None


def _rule_of(wish: Wish, clock: ZoneInfo | None, flaws: list[Flaw]) -> Rule | None:
    given = {name for name in ("trigger_at", "cron_expression", "rule") if getattr(wish, name) is not None}
    fitting = {"trigger_at"} if wish.type == "one_time" else {"cron_expression", "rule"}
    flaws += [_unfit(name, wish.type) for name in sorted(given - fitting)]
    if len(given & fitting) > 1:
        flaws.append(_only_one())
    if not given & fitting:
        flaws.append(Flaw("trigger_at" if wish.type == "one_time" else "cron_expression", "missing", _missing()))
        return None
    return _rule_by(wish, min(given & fitting), clock, flaws)


def _missing() -> str:
    return _("Say when: a one_time reminder needs trigger_at, a recurring one cron_expression or rule.")


def _unfit(name: str, kind: str) -> Flaw:
    return Flaw(name, "wrong-for-type", _("A reminder of the type %(type)s has no %(name)s.") % _named(kind, name))


def _named(kind: str, name: str) -> dict[str, str]:
    return {"type": kind, "name": name}


def _only_one() -> Flaw:
    return Flaw("rule", "too-many", _("Send cron_expression or rule, not both."))


def _rule_by(body: Wish | Change, name: str, clock: ZoneInfo | None, flaws: list[Flaw]) -> Rule | None:
    if name == "trigger_at":
        at = _time(body, name, clock, flaws)
        return Once(at) if at is not None else None
    if name == "cron_expression":
        return _tried(lambda: Cron(str(body.cron_expression)), lambda _inner: name, flaws)
    rule = body.rule.model_dump() if body.rule is not None else None
    return _tried(lambda: from_json(rule), lambda inner: f"rule.{inner}" if inner != "rule" else inner, flaws)


def _tried(make: Callable[[], T], field: Callable[[str], str], flaws: list[Flaw]) -> T | None:
    try:
        return make()
    except RuleError as error:
        flaws.append(Flaw(field(error.field), error.code, str(error)))
        return None


def _time(body: Wish | Change, name: str, clock: ZoneInfo | None, flaws: list[Flaw]) -> Any:
    text = getattr(body, name)
    try:
        return None if text is None else read_time(text, clock)
    except BadTime as error:
        flaws.append(error.flaw(name))
        return None


def _zone(name: str | None, user: User, flaws: list[Flaw]) -> ZoneInfo | None:
    if name is None or name == OWNER:
        name = user.time_zone or settings.TIME_ZONE
    return _tried(lambda: zone_of(str(name)), lambda _inner: "timezone", flaws)
