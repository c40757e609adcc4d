"""Dialogs made fit to be sent: no call without its answer, no raw message of another model."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils import timezone

from llm.types import FileRef, Image, Part, Turn

STANDARD = str.maketrans("-_", "+/")  # from the alphabet for addresses


def own_raw(turn: Turn, ref: str) -> Mapping[str, Any] | None:
    """The provider's own message when it may be replayed to ``ref`` (``provider:name``), else None."""
    return turn.raw if turn.raw and turn.raw_model == ref else None


def sound(turns: Sequence[Turn]) -> list[Turn]:
    """``turns`` in which every tool call is followed by its answers and every answer has its call.

    Providers refuse the whole dialog otherwise, and a turn that was stopped halfway leaves such a tail. Calls
    without an answer lose the calls and keep the words; assistant turns with neither are left out.
    """
    kept: list[Turn] = []
    at = 0
    while at < len(turns):
        turn = turns[at]
        at += 1
        if turn.role == "tool":
            continue
        if not turn.tool_calls:
            if turn.role == "user" or turn.text or turn.raw:
                kept.append(turn)
            continue
        answers = _answers(turns, at)
        if {call.id for call in turn.tool_calls} <= answers.keys():
            kept += [turn, *(answers[call.id] for call in turn.tool_calls)]
        elif turn.text:
            kept.append(replace(turn, tool_calls=(), raw=None))
    return kept


def _answers(turns: Sequence[Turn], start: int) -> dict[str, Turn]:
    found: dict[str, Turn] = {}
    for turn in turns[start:]:
        if turn.role != "tool":
            break
        found[turn.tool_call_id] = turn
    return found


def flattened(turns: Sequence[Turn]) -> list[Turn]:
    """The same dialog told without tools: what a tool answered becomes a person's words.

    For a provider that wants its own marks (signatures, reasoning) with calls that another one made.
    """
    told: list[Turn] = []
    for turn in turns:
        if turn.role == "tool":
            told.append(Turn("user", (Part("text", f"{turn.tool_name or 'tool'}: {turn.text}"),)))
        elif turn.tool_calls:
            if turn.text:
                told.append(replace(turn, tool_calls=(), raw=None))
        else:
            words = tuple(part for part in turn.parts if part.kind == "text")
            told.append(replace(turn, raw=None, parts=words if turn.role == "assistant" else turn.parts))
    return told


def referred(part: Part, provider: str) -> FileRef | None:
    """Where ``provider`` has the part's bytes, if it still has them."""
    ref = part.ref
    if ref is None or ref.provider != provider or (ref.expires_at is not None and ref.expires_at <= timezone.now()):
        return None
    return ref


def encoded(part: Part) -> str:
    """The part's bytes in base64."""
    return base64.b64encode(part.data).decode("ascii")


def picture(mime: str, data: Any) -> Image | None:
    """The image of a type and its base64; None for what is no image."""
    if not mime.startswith("image/") or not isinstance(data, str):
        return None
    try:
        content = base64.b64decode(data.translate(STANDARD), validate=True)
    except ValueError:
        return None
    return Image(content, mime) if content else None


def picture_at(url: Any) -> Image | None:
    """The image of a ``data:`` address. Any other address is left alone: nothing is fetched for a model."""
    head, comma, data = url.partition(",") if isinstance(url, str) else ("", "", "")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return picture(head[5:-7], data)


def data_url(part: Part) -> str:
    """The part as a ``data:`` address."""
    return f"data:{part.mime};base64,{encoded(part)}"
