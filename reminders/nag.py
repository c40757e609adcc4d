"""The source of what is said again until somebody presses Done (settings.DELIVERY_SOURCES)."""

from reminders.services import due

fire = due.nag
