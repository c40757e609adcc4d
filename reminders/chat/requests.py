"""Whether a sentence asks to be reminded: «напомни…», "remind me…". Without a model, and rather no than a wrong yes."""

import re

_POLITE = r"(?:(?:пожалуйста|плиз|привет|слушай|please|hey|hi|ok|(?:can|could|would|will)\s+you)[\s,!]+){0,5}"
_ASKING = (
    r"(?:напомни(?:те)?|напоминай(?:те)?|remind\s+(?:me|us)"
    r"|(?:поставь(?:те)?|создай(?:те)?|добавь(?:те)?|сделай(?:те)?)\s+(?:мне\s+)?(?:напоминание|напоминалку)"
    r"|(?:set|create|add|make)\s+(?:me\s+)?(?:a\s+)?reminder)(?![\w-])"
)
BEGINS = re.compile(rf"^\s*{_POLITE}{_ASKING}(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
# After these somebody wants to know something.
WONDERS = re.compile(
    r"^[\s,]*(?:(?:мне|нам|пожалуйста|please|again)[\s,]+){0,3}"
    r"(?:как|кто|кого|кому|кем|где|куда|откуда|когда|почему|зачем|сколько|как(?:ой|ая|ое|ие|ого|ую|им|их)|чем|чей|чья"
    r"|how|who|whom|whose|where|when|why|which|what)(?![\w-])",
    re.IGNORECASE,
)
# «Напомни, что у нас завтра?»: with a question mark «что» asks, without one it tells.
THAT = re.compile(
    r"^[\s,]*(?:(?:мне|нам|пожалуйста)[\s,]+){0,3}(?:о\s+|про\s+)?(?:что|чём|чем)(?![\w-]).*\?\s*$",
    re.IGNORECASE | re.DOTALL,
)


LONGEST = 4096  # characters; what is longer was pasted to be talked about


def is_request(text: str) -> bool:
    """Whether ``text`` begins with a wish to be reminded; of what and when is for `plain_words` to find."""
    asked = BEGINS.match(text) if len(text) <= LONGEST else None
    return asked is not None and not WONDERS.match(asked["rest"]) and not THAT.match(asked["rest"])
