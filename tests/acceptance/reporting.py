"""Avito reports for the stories of real processes: planned by a process of its own, what Avito was asked, and what
became of them.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tests.acceptance.processes import OLGA, Json, Process, Stage

# The sandbox's sellers.
SEVER, REMONT, POLKA = 90_000_001, 90_000_002, 90_000_003
Pair = tuple[str, str]  # client_id, client_secret

# Reports of Olga's, "Sever 0" and so on, one for each pair of keys, due in `lead` seconds; the first collection of
# their figures would ask what the reports ask.
PLAN = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from accounts.models import User
from delivery.models import Delivery, Schedule
from reports.avito.account import Account
from reports.models import ReportTask
from reports.services import profiles, tasks
now = timezone.now()
olga = User.objects.get(telegram_id={olga})
with transaction.atomic():
    for number, keys in enumerate({keys!r}):
        profile = profiles.create_profile(
            olga, f"Sever {{number}}", *keys, Account(id={uid}, name="Sever"), {{}}, now=now, via="test"
        )
        tasks.switch(ReportTask.objects.get(profile=profile), True, by=olga, via="test", now=now)
    Delivery.objects.filter(key__startswith="avito_day").delete()
    # Last, for what stands above may take a while.
    Schedule.objects.filter(source="report").update(next_at=timezone.now() + timedelta(seconds={lead}))
print("planned", flush=True)
"""


def accounts(stage: Stage) -> dict[int, list[Pair]]:
    """Whose keys there are."""
    found = stage.sandbox.get("/avito/accounts")
    return {one["uid"]: [(keys["client_id"], keys["client_secret"]) for keys in one["keys"]] for one in found}


def plan(stage: Stage, keys: Sequence[Pair] = (), *, lead: float = 1.0) -> None:
    """Return when reports with these keys of one account are on record; usually one."""
    stage.sandbox.say(OLGA, "/start")
    pairs = list(keys) or accounts(stage)[SEVER][:1]
    stage.manage("shell", "-v0", "-c", PLAN.format(olga=OLGA, keys=pairs, uid=SEVER, lead=lead)).says("planned")


def bot(stage: Stage, **changed: str) -> Process:
    return stage.bot(AVITO_BASE_URL=f"{stage.sandbox.url}/avito", **changed)


def avito_is(stage: Stage, section: str, kind: str, **more: Any) -> None:
    """See sandbox/avito/troubles.py."""
    stage.sandbox.post("/avito/troubles", section=section, kind=kind, **more)


def avito_is_well(stage: Stage) -> None:
    """No troubles any more, and what is held comes."""
    stage.sandbox.delete("/avito/troubles")
    stage.sandbox.post("/avito/release")


def asked(stage: Stage, method: str, status: int | None = None, uid: int = SEVER) -> list[Json]:
    """Requests, the oldest first; status 0: on its way."""
    calls = stage.sandbox.get("/avito/calls", method=method, uid=uid)
    return [call for call in calls if status in (None, call["status"])]


def on_record(stage: Stage, method: str) -> bool:
    """Whether the bot has put down an answer, which no death takes away."""
    kept = "SELECT count(*) FROM reports_answer WHERE method = %s AND fetched_at IS NOT NULL"
    return stage.database.rows(kept, method) != [(0,)]


def reports(stage: Stage, *words: str) -> list[str]:
    """Those that Olga got, with all these words in them."""
    said = [text for text in stage.sandbox.heard(OLGA) if text.startswith("📊")]
    return [text for text in said if all(word in text for word in words)]


def charts(stage: Stage) -> int:
    return len([message for message in stage.sandbox.messages(OLGA) if "photo" in message])


def all_done(stage: Stage, count: int = 1) -> bool:
    """So many reports, and no more, have come to their end, and nothing waits."""
    return stage.database.rows("SELECT state FROM reports_report") == [("done",)] * count and not stage.open_rows()


def moment(value: Any) -> datetime:
    """A time as the database gives it."""
    found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
