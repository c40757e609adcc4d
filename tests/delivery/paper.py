"""A backend and a lane module for tests: settings and tables name them by their path, as they name the real ones."""

import asyncio
from collections import defaultdict
from collections.abc import Callable

from delivery.models import Delivery
from delivery.services import Sent

# --- a way out that fails on order: what is in ``troubles`` is raised, oldest first ---
troubles: list[Exception] = []
written: list[str] = []


async def send(delivery: Delivery) -> Sent:
    if troubles:
        raise troubles.pop(0)
    written.append(delivery.key)
    return Sent(len(written), {"pages": 1})


# --- the room that a lane has: what was taken and what came back ---
turns: list[str] = []


async def room(lane: str) -> None:
    turns.append(f"took {lane}")


def give_back(lane: str) -> None:
    turns.append(f"gave {lane} back")


# --- lanes without a database: rows by lane, and what is done with them ---
rows: dict[str, list[str]] = defaultdict(list)
log: list[str] = []
looks: list[str] = []
lost: list[bool] = []  # whether recover was asked for everything
gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
sweep_fault: list[Exception] = []
on_row: list[Callable[[str], None]] = []


def forget() -> None:
    for kept in (troubles, written, turns, log, looks, lost, sweep_fault, on_row):
        kept.clear()
    rows.clear()
    gates.clear()


async def drain(lane: str) -> bool:
    """A row ``hold`` waits for the gate of its lane, ``bug`` raises, any other is done at once."""
    looks.append(lane)
    if not rows[lane]:
        return False
    row = rows[lane].pop(0)
    log.append(f"{lane} {row}")
    for listener in on_row:
        listener(row)
    if row == "hold":
        await gates[lane].wait()
        log.append(f"{lane} let go")
    if row == "bug":
        raise RuntimeError("a lane breaks")
    return True


def waiting_lanes() -> dict[str, int]:
    if sweep_fault:
        raise sweep_fault.pop()
    return {lane: len(found) for lane, found in rows.items() if found}


def recover(*, everything: bool) -> int:
    lost.append(everything)
    return 0
