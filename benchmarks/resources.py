"""What the product costs while nobody asks: the time to start, memory, CPU."""

import time

from benchmarks.answers import QUESTION
from benchmarks.control import Control
from benchmarks.figures import Figure, Target, median
from benchmarks.lab import WARM, Lab
from benchmarks.load import ANSWER_SECONDS
from benchmarks.processes import Process, running

SETTLE_SECONDS = 5.0


def idle(lab: Lab) -> list[Figure]:
    """From the start to the first poll, and what the process takes while it waits."""
    starts = []
    with lab.sandbox() as (_sandbox, control):
        for number in range(lab.size.starts):
            control.forget()
            # A poll is listed once it is answered, and a waiting message answers the first one at once.
            control.ask(WARM, 1, text=QUESTION.format(chat=WARM, n=number))
            env = lab.env(control.url, lab.databases.fresh())
            with running(["manage.py", "runbot"], env, lab.log("start")) as process:
                control.wait_for("sendMessage", 1, ANSWER_SECONDS)
                starts.append(first_poll(control, process) - process.started)
                if number == lab.size.starts - 1:
                    memory, cpu = at_rest(process, lab.size.idle_seconds)
    lab.say("idle: starts " + ", ".join(f"{seconds:.2f} s" for seconds in starts))
    return [
        Figure("start to the first poll", "s", median(starts), target=Target(1.2)),
        Figure("memory at rest", "MB", memory, target=Target(100)),
        Figure("CPU at rest", "%", cpu, target=Target(1.0)),
    ]


def first_poll(control: Control, process: Process) -> float:
    """When the process polled first; the last poll of the one before it may be answered only now."""
    polls = [call["time"] for call in control.calls("getUpdates")]
    return float(min(moment for moment in polls if moment >= process.started))


def at_rest(process: Process, seconds: float) -> tuple[float, float]:
    """Megabytes, and percent of a core over `seconds`, of a process that has nothing to do."""
    time.sleep(SETTLE_SECONDS)
    memory, before, began = process.rss(), process.cpu(), time.monotonic()
    time.sleep(seconds)
    return memory, 100 * (process.cpu() - before) / (time.monotonic() - began)
