"""Work on reports without a bot: the steps are called, and when one waits the clock is moved instead of waited for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Chat, User
from core.db import in_db
from delivery.errors import WAITING, DeliveryError
from delivery.models import Delivery
from reports import running
from reports.figures.periods import Period, comparison, ending
from reports.models import AvitoProfile, Report, ReportPart
from reports.services import ordering
from sandbox.avito import SEVER, AvitoWorld
from telegram_bot import outgoing
from telegram_bot.outgoing import Place
from tests.reports import making

# A Tuesday, noon in Moscow.
NOON = datetime(2026, 3, 10, 9, tzinfo=UTC)
YESTERDAY = Period(NOON.date() - timedelta(days=1), NOON.date() - timedelta(days=1))
WEEK = ending(YESTERDAY.last, 7)


class Clock:
    """Stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.at = now

    def __call__(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def given(world: AvitoWorld, owner: User, uid: int = SEVER, name: str = "Север", **facts: Any) -> AvitoProfile:
    """A profile with keys that open an account of the fake; its report is off."""
    keys = world.keys_of(uid)
    facts = {"client_id": keys.client_id, "client_secret": keys.client_secret} | facts
    return making.make_profile(owner, name, uid, now=world.now(), **facts)


def ordered(
    profiles: Sequence[AvitoProfile],
    now: datetime,
    *,
    kind: Report.Kind = Report.Kind.NOW,
    period: Period = YESTERDAY,
    chat: Chat | None = None,
    by: User | None = None,
    progress: bool = False,
) -> Report:
    """A report that is on its way, with a message that shows its progress or without."""
    by = by or profiles[0].owner
    chat = chat or Chat.objects.get(person=by)
    task = profiles[0].task if kind != Report.Kind.STATS else None
    before = comparison(period, now)
    planned = now if kind == Report.Kind.SCHEDULED else None
    key = f"shown:{now.timestamp()}" if progress else ""
    if key:
        outgoing.say(key, Place(chat.bot_id, chat.telegram_id), "⏳")
    return ordering.order(
        kind, profiles, period, before, chat=chat, thread=0, by=by, task=task, planned_at=planned, now=now,
        progress_key=f"{key}:0" if key else "",
    )  # fmt: skip


async def step(report: Report, clock: Clock) -> float | None:
    """One step; after how many seconds it wants another one, None when it is over."""
    try:
        await running.step(report.pk, clock=clock)
    except DeliveryError as error:
        if error.kind != WAITING:
            raise
        return error.retry_after
    return None


async def finish(report: Report, clock: Clock, *, most: int = 200) -> float:
    """Step after step, each when the one before wanted it; the seconds that it took by the clock."""
    begun = clock.at
    for _number in range(most):
        pause = await step(report, clock)
        if pause is None:
            return (clock.at - begun).total_seconds()
        clock.move(pause)
    raise AssertionError("no end")


async def state_of(report: Report) -> Report:
    return await in_db(Report.objects.get, pk=report.pk)


async def parts_of(report: Report) -> list[ReportPart]:
    return await in_db(lambda: list(ReportPart.objects.filter(report=report.pk).order_by("position")))


def settle(report: Report, now: datetime = NOON) -> None:
    """End a report of which every part has its outcome, as a step does."""
    assert running.settle(report.pk, now) is None


def deliveries(report: Report) -> dict[str, Delivery]:
    """What it became: the end of each key → the delivery."""
    root = ordering.key_of(report.pk)
    rows = Delivery.objects.filter(key__startswith=f"{root}:").order_by("pk")
    return {row.key.removeprefix(f"{root}:"): row for row in rows}


def said(report: Report) -> list[str]:
    """The words of its messages."""
    return [row.content["params"]["text"] for end, row in deliveries(report).items() if end.startswith("text:")]
