"""A fake of Telegram's Bot API on loopback, and a control API that plays the people."""
