"""Reminders for the stories of real processes: planned by a process of its own, and what became of them."""

import re
from collections import Counter
from dataclasses import dataclass

from tests.acceptance.processes import CROWD, Stage

MARK = "↻ possibly a repetition\n"
SAID = re.compile(r"(↻ possibly a repetition\n)?⏰ no(\d+)")

# `count` reminders, number n in text "no<n>" for the n-th of the people in turn, due over `over` seconds from `lead`
# seconds on. In one transaction, for one commit is quicker than hundreds.
PLAN = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from accounts.models import User
from delivery.schedule import Once
from reminders import services
now = timezone.now()
people = list(User.objects.filter(telegram_id__gte={first}, telegram_id__lt={first} + {people}).order_by("telegram_id"))
with transaction.atomic():
    for n in range({count}):
        at = now + timedelta(seconds={lead} + {over} * n / {count})
        wish = services.Draft(people[n % len(people)], Once(at), "UTC", {{"text": f"no{{n}}"}})
        services.create(wish, via="test", now=now)
print("planned", flush=True)
"""
DUE = "SELECT count(*) FROM delivery_schedule WHERE state = 'active' AND next_at IS NOT NULL"


def plan(stage: Stage, count: int, *, people: int = len(CROWD), lead: float = 0.0, over: float = 0.0) -> None:
    """Return when the reminders are on record."""
    code = PLAN.format(count=count, first=CROWD.start, people=people, lead=lead, over=over)
    for person in CROWD[:people]:
        stage.sandbox.post("/user", id=person, first_name=f"Person {person}")
    stage.manage("shell", "-v0", "-c", code).says("planned")


def all_said(stage: Stage) -> bool:
    """Nothing is to come, and nothing waits."""
    return stage.database.rows(DUE) == [(0,)] and not stage.open_rows()


@dataclass
class Heard:
    """What people got: how often each reminder, and how many of the copies carry the mark."""

    copies: Counter[int]
    marked: int
    unmarked_again: int
    strayed: int

    @property
    def repeated(self) -> int:
        return sum(self.copies.values()) - len(self.copies)


def heard(stage: Stage, people: int = len(CROWD)) -> Heard:
    found = Heard(Counter(), 0, 0, 0)
    for place, person in enumerate(CROWD[:people]):
        for text in stage.sandbox.heard(person):
            match = SAID.fullmatch(text)
            assert match is not None, text
            mark, number = match[1], int(match[2])
            found.strayed += number % people != place
            found.marked += bool(mark)
            found.unmarked_again += found.copies[number] > 0 and not mark
            found.copies[number] += 1
    return found


def occurrences(stage: Stage) -> list[tuple[str, int]]:
    """(state, how many) of all planned times, and every reminder has one: more would be in the first's place."""
    return stage.database.rows("SELECT state, count(*) FROM reminders_occurrence GROUP BY state")


def deliveries(stage: Stage) -> list[tuple[str, int]]:
    sql = "SELECT state, count(*) FROM delivery_delivery WHERE source = 'reminder' GROUP BY state"
    return stage.database.rows(sql)
