"""The export of a large account's chats: what the bot's process holds in memory meanwhile, and how long it takes."""

import time
from typing import Any

from benchmarks.figures import Figure, Target
from benchmarks.grounds import Ground, grounds
from benchmarks.lab import FIRST, Lab, warm_up
from benchmarks.processes import FailedError, running

ROWS = "benchmarks.export_rows"
UID = 95_000_001
CHATS, MESSAGES = 1_100, 100
SETTLE_SECONDS, EXPORT_SECONDS, LOOK_SECONDS = 3.0, 240.0, 1.0
# Megabytes of the whole process, as the promise to its owner says.
MOST = 150.0


def export(lab: Lab) -> list[Figure]:
    """1,100 chats of 100 messages, in the running bot, until the file is in the chat."""
    with grounds(lab, only="SQLite") as found:
        return _export(found[0])


def _export(ground: Ground) -> list[Figure]:
    database = ground.databases.fresh()
    with ground.lab.sandbox() as (_sandbox, control):
        control.post("avito/accounts", uid=UID, chats=CHATS, messages=MESSAGES)
        keys = next(one["keys"][0] for one in control.get("avito/accounts") if one["uid"] == UID)
        env = ground.env(database, control.url) | {"AVITO_BASE_URL": f"{control.url}/avito"}
        with running(["manage.py", "runbot"], env, ground.lab.log("bot")) as bot:
            warm_up(bot, control, 3)
            control.post("user", id=FIRST, first_name="Owner")  # whom nobody heard of cannot be written to
            time.sleep(SETTLE_SECONDS)
            rest, cpu = bot.peak_rss(), bot.cpu()
            # The statement comes from another process, as a press would from a web process.
            ground.ask(database, "begin", str(UID), keys["client_id"], keys["client_secret"], of=ROWS)
            control.wait_for("sendDocument", 1, EXPORT_SECONDS)
            peak, cpu = bot.peak_rss(), bot.cpu() - cpu
        told = ground.ask(database, "state", of=ROWS)
    _check(told)
    ground.lab.say(f"export: {told['seconds']:.0f} s, {rest:.0f} MB before it, {peak:.0f} MB at most")
    what = f"export of {CHATS:,} chats × {MESSAGES} messages"
    return [
        Figure(f"{what}: memory at most", "MB", peak, target=Target(MOST)),
        Figure("of it because of the export", "MB", peak - rest),
        Figure("from the press to the file", "s", told["seconds"]),
        Figure("CPU time", "s", cpu),
    ]


def _check(told: dict[str, Any]) -> None:
    """All of it, in one file."""
    parts = told.get("parts") or []
    had = (told["state"], sum(part["chats"] for part in parts), sum(part["messages"] for part in parts))
    if had != ("done", CHATS, CHATS * MESSAGES):
        raise FailedError(f"The export came to {had}.")
