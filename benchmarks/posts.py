"""Posts: how fast what is due goes out after a pause, in which order, within Telegram's limits; figures beside many."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.control import Control
from benchmarks.figures import Figure, Target, median
from benchmarks.grounds import Ground, grounds
from benchmarks.lab import FIRST, Lab, warm_up
from benchmarks.processes import FailedError, running

ROWS = "benchmarks.post_rows"
CHATS, AUTHORS, POSTS = 50, 50, 500
# Seconds in which Telegram takes as many from one bot, at 25 a second: the bot must not be what they wait for.
TELEGRAMS_PACE = POSTS / 25
# The same as in benchmarks/post_rows.py, which cannot be imported without a database.
CHANNEL = -1_009_000_000_000
LEAD_SECONDS = 4.0
SENT_SECONDS = 40.0
# 25 calls a second, of which each post takes one, and the word to its author another.
PACED_SECONDS = 90.0
OLD, TURNS = 100_000, 15


def posts(lab: Lab) -> list[Figure]:
    """500 posts due in one minute, and figures beside 100,000 old posts, on both databases; the limits on one."""
    with grounds(lab) as found:
        figures = [figure for ground in found for figure in _due(ground)]
        figures += _paced(found[0])
        return figures + [figure for ground in found for figure in _old(ground)]


@contextmanager
def _bot(ground: Ground, *, limited: bool) -> Iterator[tuple[str, Control]]:
    """The running bot, warmed up, on a database of its own; it leads the channels."""
    database = ground.databases.fresh()
    with ground.lab.sandbox(limits=limited) as (_sandbox, control):
        env = ground.lab.env(control.url, database, limited=limited)
        with running(["manage.py", "runbot"], env, ground.lab.log("bot")) as process:
            warm_up(process, control, 3)
            for n in range(AUTHORS):  # whom nobody heard of cannot be written to
                control.post("user", id=FIRST + n, first_name="Author")
            for n in range(CHATS):
                control.post("chat", id=CHANNEL - n, type="channel", title=f"Channel {n}", members=[])
            yield database, control


def _due(ground: Ground) -> list[Figure]:
    with _bot(ground, limited=False) as (database, control):
        began = time.time() + LEAD_SECONDS
        ground.ask(database, "plan", CHATS, AUTHORS, POSTS, began, of=ROWS)
        calls = _all_said(control, LEAD_SECONDS + SENT_SECONDS)
        told = ground.ask(database, "fired", of=ROWS)
    _check(told, calls)
    ground.lab.say(f"posts, {ground.name}: fired {max(told['late']):.2f} s late, {_disorder(calls)} out of order")
    return [
        Figure(f"{POSTS} due at once in {CHATS} chats: the last batch begins, {ground.name}", "s", max(told["late"])),
        Figure(f"all of them sent, {ground.name}", "s", _last(calls) - began, target=Target(TELEGRAMS_PACE)),
        Figure(f"sent out of order in a chat, {ground.name}", "", float(_disorder(calls)), target=Target(0.0)),
    ]


def _paced(ground: Ground) -> list[Figure]:
    """As in life: both sides keep Telegram's limits."""
    with _bot(ground, limited=True) as (database, control):
        began = time.time() + LEAD_SECONDS
        ground.ask(database, "plan", CHATS, AUTHORS, POSTS, began, of=ROWS)
        calls = _all_said(control, LEAD_SECONDS + PACED_SECONDS)
        refused = sum(1 for call in control.calls() if call.get("error_code") == 429)
        told = ground.ask(database, "fired", of=ROWS)
    _check(told, calls)
    return [
        Figure(f"within Telegram's limits: all of them sent, {ground.name}", "s", _last(calls) - began),
        Figure(f"times that Telegram asked to slow down, {ground.name}", "", float(refused), target=Target(0.0)),
    ]


def _all_said(control: Control, seconds: float) -> list[dict[str, Any]]:
    """The successful calls that brought the posts, in the order in which they came. TimeoutError."""
    end = time.monotonic() + seconds
    while len(calls := _of_posts(control.calls("sendMessage"))) < POSTS:
        if time.monotonic() > end:
            raise TimeoutError(f"{len(calls)} of {POSTS} posts within {seconds:.0f} s")
        time.sleep(0.5)
    return calls


def _of_posts(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for call in calls if call["ok"] and int(call["params"]["chat_id"]) <= CHANNEL]


def _check(told: dict[str, Any], calls: list[dict[str, Any]]) -> None:
    """Each of them once."""
    texts = {call["params"]["text"] for call in calls}
    if len(told["late"]) != POSTS or len(calls) != POSTS or len(texts) != POSTS:
        raise FailedError(f"{len(told['late'])} fired, {len(calls)} calls, {len(texts)} texts: {told['states']}")


def _last(calls: list[dict[str, Any]]) -> float:
    return max(float(call["time"]) for call in calls)


def _disorder(calls: list[dict[str, Any]]) -> int:
    """How often a post came before one of its chat that was planned before it."""
    last: dict[str, int] = {}
    wrong = 0
    for call in calls:
        chat, number = str(call["params"]["chat_id"]), int(call["params"]["text"].removeprefix("no"))
        wrong += last.get(chat, -1) > number
        last[chat] = number
    return wrong


def _old(ground: Ground) -> list[Figure]:
    """What chat, admin and /readyz ask, while an archive lies beside it."""
    database = ground.databases.fresh()
    ground.ask(database, "old", OLD, of=ROWS)
    ground.ask(database, "plan", CHATS, AUTHORS, POSTS, time.time() + 3600, of=ROWS)
    took = {name: median(times) for name, times in ground.ask(database, "figures", TURNS, of=ROWS)["took"].items()}
    ground.lab.say(f"figures, {ground.name}: " + ", ".join(f"{name} {spent:.1f} ms" for name, spent in took.items()))
    return [
        Figure(f"{name} beside {OLD:,} old posts, {ground.name}", "ms", spent, target=Target(300.0))
        for name, spent in took.items()
    ]
