"""Words that ask to be reminded until it is done: «…, пока не сделаю», "…, keep reminding me every 5 minutes"."""

import re

USUAL_MINUTES = 10

_EVERY = r"(?:(?:каждые|every)\s+(?P<%s>\d{1,3})\s*(?:мин\w*|min\w*)\s*,?\s*)?"
_UNTIL = (
    r"(?:пока|до\s+тех\s+пор,?\s+пока)\s+(?:я\s+|это\s+|не\s+будет\s+)?(?:не\s+)?"
    r"(?:сделаю|сделано|выполню|выполнено|закончу|доделаю|готово|отвечу|отмечу|подтвержу|нажму)"
    r"(?:\s+(?:это|его|её|ее|«?готово»?|на\s+кнопку))?"
    r"|until\s+(?:it\s+is\s+|it's\s+|i\s+am\s+|i'm\s+|i\s+have\s+|i've\s+|i\s+)?"
    r"(?:done|finished|do\s+it|did\s+it|finish(?:\s+it)?|confirm|answer|press\s+done)"
)
_KEEP = (
    r"(?:и\s+)?(?:настойчиво|не\s+отставай|приставай)"
    r"|(?:and\s+)?(?:keep\s+(?:on\s+)?(?:reminding|nagging)(?:\s+me)?|nag\s+me)"
)
_EITHER = rf"(?:{_KEEP})\s*,?\s*(?:{_EVERY % 'minutes'}(?:{_UNTIL})?)?|{_EVERY % 'often'}(?:{_UNTIL})"
WORDS = re.compile(rf"[\s,.;:–—-]{{0,5}}(?<!\w)(?:{_EITHER})(?!\w)", re.IGNORECASE)


def taken_out(words: str) -> tuple[str, int | None]:
    """The words without those, and after how many minutes to say it again; None when nobody asked for it."""
    found = WORDS.search(words)
    if found is None:
        return words, None
    said = found["minutes"] or found["often"]
    minutes = min(max(int(said), 1), 24 * 60) if said else USUAL_MINUTES
    rest = f"{words[: found.start()]} {words[found.end() :]}".strip(" ,;")
    return rest, minutes
