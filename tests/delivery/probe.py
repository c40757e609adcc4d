"""A source for tests: what is due is noted, and becomes a delivery each."""

from collections.abc import Sequence

from delivery.models import Delivery
from delivery.tick import Due

heard: list[Due] = []
# Objects over which it breaks.
broken: set[str] = set()


def fire(due: Sequence[Due]) -> list[Delivery]:
    if any(one.schedule.object_id in broken for one in due):
        raise LookupError("this one is broken")
    heard.extend(due)
    return [
        Delivery(
            key=f"probe:{one.schedule.object_id}:{one.planned_at.isoformat()}",
            lane="out:1:2",
            source="probe",
            content={"method": "sendMessage", "params": {"chat_id": 2, "text": one.schedule.object_id}},
        )
        for one in due
        if one.planned_at is not None
    ]
