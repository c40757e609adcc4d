"""What is left of a sentence once its words of time are taken out: what to remind of."""

import re
from collections.abc import Sequence

GAP = "\x00"  # where words were taken out

_ME = r"(?:[\s,]+(?:пожалуйста|плиз|please|мне|нам|себе|me|us|myself)){0,5}"
ASKING = (
    r"(?:(?:пожалуйста|плиз|please|hey|hi|привет|(?:can|could|would)\s+you)[\s,!]+){0,5}"
    r"(?:(?:поставь(?:те)?|создай(?:те)?|добавь(?:те)?|сделай(?:те)?|set|create|add|make)\s+)?"
    r"(?:(?:a|an|the)\s+)?"
    r"(?:напомни(?:те|ть)?|напоминай(?:те)?|напоминание|напоминалк[уа]|remind|reminder)(?!\w)" + _ME
)
# What joins the request to what it is about. «о» stays: without it the words after it would not fit.
JOINT = (
    rf"(?:(?:о\s+том,?\s+)?(?:что|чтобы)\s+(?:надо\s+|нужно\s+)?|to\s+|that\s+|about\s+|for\s+(?={GAP})|[:\-–—,.]\s*)"
)
LOOSE = "до|в|во|на|к|ко|и|at|on|by|in|the|of|and|from|starting|начиная|примерно|около|about|around"

STARTS = re.compile(rf"^[\s,.;:\-–—{GAP}]*{ASKING}(?:[\s{GAP}]+)?(?:{JOINT}){{0,2}}", re.IGNORECASE)
ENDS = re.compile(rf"(?<![\s,.;:\-–—{GAP}])[\s,.;:\-–—{GAP}]+{ASKING}[\s,.;:!{GAP}]*$", re.IGNORECASE)
LOOSE_START = re.compile(
    rf"^[\s,.;:\-–—]*{GAP}\s*(?:[,.;:\-–—]\s*|(?:и|and|to|that|чтобы|что)(?!\w)\s*){{0,3}}", re.IGNORECASE
)
LOOSE_END = re.compile(rf"(?:(?<!\w)(?:{LOOSE})\s*){{0,3}}{GAP}[\s,.;:\-–—]*$")
POLITE = re.compile(r"\s*(?:please\s+)?(?:can|could|would)\s+you\s", re.IGNORECASE)
EMPTY = re.compile(rf"[(\[«“\"]\s*{GAP}[\s{GAP}]*[)\]»”\"]")
WHOLE_QUOTE = re.compile(r'^[«“„"]([^«»“”„"]+)[»”“"]$')


def left(text: str, taken: Sequence[tuple[int, int]]) -> str:
    """``text`` without the stretches [start, end) and without what then hangs loose; inner lines stay."""
    kept = re.sub(r"[^\S\n]+", " ", _without(text, taken))
    kept = re.sub(r" ?\n ?", "\n", kept)
    kept = re.sub(r"\n{3,}", "\n\n", kept)
    kept = EMPTY.sub(GAP, kept)
    kept = re.sub(rf"{GAP}[\s,{GAP}]*{GAP}", GAP, kept)
    kept, asked = STARTS.subn("", kept, count=1)
    kept = LOOSE_START.sub("", kept, count=1)
    if not asked:  # завтра в 9 напомни
        kept = STARTS.sub("", kept, count=1)
    kept = LOOSE_END.sub("", kept, count=1)
    kept = ENDS.sub("", kept, count=1)
    kept = re.sub(rf"[ \t]*{GAP}[ \t]*(?=[,.;:!?)\n]|$)|(?<=\n){GAP}[ \t]*", "", kept)
    kept = re.sub(rf"[ \t]*{GAP}[ \t]*", " ", kept)
    return _plain(kept.rstrip("? ") if POLITE.match(text) else kept)


def _without(text: str, taken: Sequence[tuple[int, int]]) -> str:
    parts, place = [], 0
    for start, end in taken:
        parts.append(text[place:start].replace(GAP, " "))
        place = end
    parts.append(text[place:].replace(GAP, " "))
    return GAP.join(parts)


def _plain(text: str) -> str:
    text = text.strip().strip(",;:-–— \t\n")
    quote = WHOLE_QUOTE.match(text)
    text = quote.group(1).strip() if quote else text
    return text if re.search(r"[^\s.,;:!?\-–—…()\[\]«»“”„\"']", text) else ""
