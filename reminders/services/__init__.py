"""The verbs of reminders: the only code that writes their rows.

Every function is sync, takes the clock as ``now`` (aware) and holds one short transaction. ``by`` is who did it (None:
nobody known), ``via`` is where: chat, tool, api, admin, bot.
"""

from reminders.services.changing import (
    NotNow,
    Stale,
    cancel,
    change,
    complete,
    confirm,
    follow_zone,
    pause,
    resume,
    snooze,
)
from reminders.services.due import fire, nag
from reminders.services.firing import (
    ATTEMPTS,
    LEASE_SECONDS,
    Taken,
    acknowledge,
    event_delivery,
    extend,
    gave_up,
    handed_over,
    nack,
    release_expired,
    replay,
    said,
    take,
)
from reminders.services.making import create, private_chat
from reminders.services.wishes import (
    Draft,
    Problem,
    Refused,
    action_of,
    check,
    coming,
    runs_of,
    wrong_with,
)

__all__ = [
    "ATTEMPTS",
    "LEASE_SECONDS",
    "Draft",
    "NotNow",
    "Problem",
    "Refused",
    "Stale",
    "Taken",
    "acknowledge",
    "action_of",
    "cancel",
    "change",
    "check",
    "coming",
    "complete",
    "confirm",
    "create",
    "event_delivery",
    "extend",
    "fire",
    "follow_zone",
    "gave_up",
    "handed_over",
    "nack",
    "nag",
    "pause",
    "private_chat",
    "release_expired",
    "replay",
    "resume",
    "runs_of",
    "said",
    "snooze",
    "take",
    "wrong_with",
]
