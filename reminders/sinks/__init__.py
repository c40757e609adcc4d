"""Where events of reminders go beside the person: a file each, in settings.EVENT_SINKS."""
