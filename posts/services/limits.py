"""What Telegram takes of a bot (https://core.telegram.org/bots/api, version 10.3), and what it can be held to."""

from django.conf import settings

# UTF-16 units, after the formatting was taken out of the text.
TEXT, CAPTION = 4096, 1024
# More are silently ignored.
ENTITIES = 100
SMALLEST_ALBUM, LARGEST_ALBUM = 2, 10

MB = 1024 * 1024
PHOTO_BYTES = 10 * MB
UPLOAD_BYTES, OWN_SERVER_BYTES = 50 * MB, 2000 * MB
PHOTO_SIDES, PHOTO_RATIO = 10_000, 20

QUESTION, OPTION, EXPLANATION = 300, 100, 200
EXPLANATION_LINE_FEEDS = 2
# One alone is taken since 9.6, for polls to which others add options; ours are complete.
FEWEST_OPTIONS, MOST_OPTIONS = 2, 12
SHORTEST_OPEN, LONGEST_OPEN = 5, 2_628_000  # seconds

BUTTONS, BUTTONS_A_ROW, LABEL, URL = 100, 8, 64, 2048

# A bot deletes its messages within 48 hours; some minutes are kept back for a server that was away.
DELETE_AFTER_MINUTES = 47 * 60 + 45
EXPIRE_HOURS = 24 * 30

PUBLIC_SERVER = "https://api.telegram.org"


def upload_bytes() -> int:
    """How large a file may be that is brought to Telegram; a server of one's own takes more."""
    return UPLOAD_BYTES if settings.TELEGRAM_API_URL == PUBLIC_SERVER else OWN_SERVER_BYTES
