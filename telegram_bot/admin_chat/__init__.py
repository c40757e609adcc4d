"""``/admin`` in Telegram: one table of subcommands, each a view or a deed, in words and behind buttons."""
