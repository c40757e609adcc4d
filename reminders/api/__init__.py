"""Reminders over REST. Fixed paths come before those with an id, so that no id captures them."""

from reminders.api.routing import router  # isort: skip
from reminders.api import many, events, single  # isort: skip

__all__ = ["events", "many", "router", "single"]
