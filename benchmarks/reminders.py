"""Reminders: how fast what is due is fired, what it costs to find that nothing is, and how late each one is."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.control import Control
from benchmarks.figures import Figure, Judge, Target, median, middle_mean
from benchmarks.grounds import Ground, grounds
from benchmarks.lab import FIRST, Lab, warm_up
from benchmarks.processes import running

PEOPLE, FEW_PEOPLE = 500, 100
AT_ONCE = 10_000
FEW, MANY, LOOKS, ROUNDS = 10_000, 1_000_000, 1500, 3
# A thousand a minute, over less than one.
A_SECOND, LATE_SECONDS = 1000 / 60, 18.0
LEAD_SECONDS, LONG_LEAD_SECONDS = 3.0, 9.0
# More than a sweep: what was not fired with the rest has been by then.
SETTLE_SECONDS = 4.0
SENT_SECONDS = 15.0


def due(lab: Lab) -> list[Figure]:
    """10,000 reminders that are due at once become deliveries: in a process that does nothing else, and in the bot."""
    with grounds(lab) as found:
        return [figure for ground in found for figure in (_due(ground), _due_in_the_bot(ground))]


def _due(ground: Ground) -> Figure:
    database, took = ground.databases.fresh(), []
    for _turn in range(ground.lab.size.repeats):
        ground.ask(database, "plan", FIRST, PEOPLE, AT_ONCE, time.time() - 1, 0)
        told = ground.ask(database, "tick")
        assert told["deliveries"] == AT_ONCE, told
        took.append(told["seconds"])
    ground.lab.say(f"due, {ground.name}: " + ", ".join(f"{seconds:.2f} s" for seconds in took))
    return Figure(f"{AT_ONCE:,} due at once: all deliveries, {ground.name}", "s", median(took), target=Target(2.0))


def _due_in_the_bot(ground: Ground) -> Figure:
    """Until the last batch begins; the bot sends as soon as it may."""
    with _bot(ground) as (database, control):
        _appear(control, PEOPLE)
        began = time.time() + LONG_LEAD_SECONDS
        ground.ask(database, "plan", FIRST, PEOPLE, AT_ONCE, began, 0)
        control.wait_for("sendMessage", 1, LONG_LEAD_SECONDS + SENT_SECONDS)
        time.sleep(SETTLE_SECONDS)
        late = ground.ask(database, "fired")["late"]
    assert len(late) == AT_ONCE, len(late)
    return Figure(f"the same in the running bot, {ground.name}", "s", max(late))


@contextmanager
def _bot(ground: Ground) -> Iterator[tuple[str, Control]]:
    """The running bot, warmed up, on a database of its own."""
    database = ground.databases.fresh()
    with ground.lab.sandbox() as (_sandbox, control):
        env = ground.env(database, control.url)
        with running(["manage.py", "runbot"], env, ground.lab.log("bot")) as process:
            warm_up(process, control)
            yield database, control


def _appear(control: Control, people: int) -> None:
    """Whom nobody heard of cannot be written to."""
    for person in range(FIRST, FIRST + people):
        control.post("user", id=person, first_name="Person")


def poll(lab: Lab) -> list[Figure]:
    """A look whether something is due, with a million rows that are not beside one with ten thousand."""
    with grounds(lab) as found:
        return [_poll(ground) for ground in found]


def _poll(ground: Ground) -> Figure:
    """In turns, and the best of each: another process in the middle of a round is not what is measured."""
    filled = {}
    for count in (MANY, FEW):
        filled[count] = ground.databases.fresh()
        ground.ask(filled[count], "future", count)
    took: dict[int, list[float]] = {MANY: [], FEW: []}
    for _round in range(ROUNDS):
        for count, database in filled.items():
            took[count].append(middle_mean(ground.ask(database, "poll", LOOKS)["took"]))
    many, few = min(took[MANY]), min(took[FEW])
    limit = Target(1.3, judge=Judge.RATIO)
    return Figure(f"a look, {MANY:,} rows beside {FEW:,}, {ground.name}", "µs", many, few, limit)


def lateness(lab: Lab) -> list[Figure]:
    """A thousand a minute in the running bot, and what of it the people notice."""
    with grounds(lab) as found:
        return [figure for ground in found for figure in _lateness(ground)]


def _lateness(ground: Ground) -> list[Figure]:
    count = round(A_SECOND * LATE_SECONDS)
    with _bot(ground) as (database, control):
        _appear(control, FEW_PEOPLE)
        began = time.time() + LEAD_SECONDS
        ground.ask(database, "plan", FIRST, FEW_PEOPLE, count, began, LATE_SECONDS)
        control.wait_for("sendMessage", count, LEAD_SECONDS + LATE_SECONDS + SENT_SECONDS)
        late = sorted(ground.ask(database, "fired")["late"])
        said = sorted(_waits(control.calls("sendMessage"), began, LATE_SECONDS / count))
    assert len(late) == len(said) == count, (len(late), len(said))
    ground.lab.say(f"lateness, {ground.name}: fired at most {late[-1]:.3f} s late, said {said[-1]:.3f} s")
    return [
        Figure(f"fired late, 99 of 100, {ground.name}", "s", percentile(late, 0.99), target=Target(1.0)),
        Figure(f"with the person late, 99 of 100, {ground.name}", "s", percentile(said, 0.99)),
    ]


def _waits(calls: list[dict[str, object]], began: float, step: float) -> list[float]:
    """Seconds from the plan until Telegram was called, of each reminder ("⏰ no<number>")."""
    texts = [(str(call["params"]["text"]), float(str(call["time"]))) for call in calls]  # type: ignore[index]
    return [at - (began + step * int(text.rpartition("no")[2])) for text, at in texts if text.startswith("⏰")]


def percentile(ordered: list[float], share: float) -> float:
    """The value that so large a share does not pass. ValueError for none."""
    if not ordered:
        raise ValueError("nothing was measured")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
