"""Dialogs made fit to be sent: no call without its answer, no raw message of another model."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from llm.types import Part, Turn


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
            told.append(replace(turn, raw=None))
    return told


def encoded(part: Part) -> str:
    """The part's bytes in base64."""
    return base64.b64encode(part.data).decode("ascii")


def data_url(part: Part) -> str:
    """The part as a ``data:`` address."""
    return f"data:{part.mime};base64,{encoded(part)}"
