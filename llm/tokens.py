"""How long a text is in tokens, without a tokenizer: each provider has its own, and most are not published.

Files are harder still: the same picture costs 258 tokens at one provider and 3,000 at another.
"""

import json
import re
from collections.abc import Sequence

from llm.types import ChatRequest, Part, Turn

# Characters per token. Rules of thumb for vocabularies of 100 to 260 thousand tokens, as of 2026: English prose has
# 4 to 4.5, code 3 to 3.5, Russian prose 2.5 to 3.5. Taken low, so the estimate is rather too high than too low.
ASCII = 3.8
CYRILLIC = 2.6
# Tokens per character of everything else: ideographs, emoji.
OTHER = 1.2


def estimate(text: str) -> int:
    """About how many tokens ``text`` has: 0 for nothing, else at least 1.

    For Russian and English prose it lies within about a quarter of what providers count, mostly above; for lists of
    numbers, tables and rare scripts it may be half of the truth. Use counts of a provider where there are any.
    """
    ascii_count = len(text.encode("ascii", "ignore"))
    # The code page holds ASCII, Cyrillic and the quotes and dashes of Russian type: counting by encoding is fast.
    cyrillic_count = len(text.encode("cp1251", "ignore")) - ascii_count
    other_count = len(text) - ascii_count - cyrillic_count
    tokens = ascii_count / ASCII + cyrillic_count / CYRILLIC + other_count * OTHER
    return max(1, round(tokens)) if text else 0


MESSAGE = 4  # of the form around each message
IMAGE = 1200  # Gemini 3 takes 1120, OpenAI about as many for a screenshot, Mistral up to 3000
PAGE = 600  # of a PDF; Gemini takes 258 to 560, whoever reads the text as many as there are words
SECOND = 32  # of a recording, as Gemini counts; others take 10 to 13
PDF_PAGE = re.compile(rb"/Type\s*/Page(?![a-z])")
PAGE_BYTES = 60_000  # of a PDF whose pages cannot be counted
# Bytes a second of recordings as messengers send them, rather too few than too many.
RATES = {"audio/ogg": 2_500, "audio/opus": 2_500, "audio/mpeg": 12_000, "audio/mp3": 12_000, "audio/wav": 32_000}
RATE = 8_000


def estimate_part(part: Part) -> int:
    """About how many tokens a part has: text by its characters, files by what they are and how long they seem."""
    if part.kind == "text":
        return estimate(part.text)
    pages = len(PDF_PAGE.findall(part.data)) if part.mime == "application/pdf" else None
    return estimate_file(part.kind, part.mime, len(part.data), pages)


def estimate_file(kind: str, mime: str, size: int, pages: int | None = None) -> int:
    """The same of a file of ``size`` bytes that goes as it is; ``pages`` of a PDF where they are known."""
    match kind:
        case "image":
            return IMAGE
        case "audio":
            return SECOND * (1 + size // RATES.get(mime.partition(";")[0], RATE))
    if mime != "application/pdf":
        return max(1, size // 3)
    return PAGE * (pages or 1 + size // PAGE_BYTES)


def estimate_turns(turns: Sequence[Turn]) -> int:
    """The same of a dialog, with the calls of tools in it."""
    parts = sum(estimate_part(part) for turn in turns for part in turn.parts)
    calls = sum(estimate(call.name + call.arguments) for turn in turns for call in turn.tool_calls)
    return parts + calls + MESSAGE * len(turns)


def estimate_request(request: ChatRequest) -> int:
    """The same of a whole request: the dialog, the system's words and the tools."""
    tools = [[tool.name, tool.description, tool.parameters] for tool in request.tools]
    declared = estimate(json.dumps(tools, ensure_ascii=False)) if tools else 0
    return estimate(request.system) + declared + estimate_turns(request.turns)
