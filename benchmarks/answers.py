"""Which answer belongs to which question, from what the sandbox saw. Pure functions of its JSON.

Every question carries a mark, `no<chat>x<number>`, and the sandbox's model repeats the question in its answer.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

QUESTION = "Please repeat no{chat}x{n} for me."
MARK = re.compile(r"\bno(\d+x\d+)\b")
# The last words of the model's usual answer: what lacks them was cut off.
ENDING = "the conversation works."
WRITES = ("send", "edit")


@dataclass(frozen=True)
class Tally:
    """How well questions were answered. `wrong`: in another's chat, cut off, or about no question at all."""

    asked: int
    unanswered: int
    doubled: int
    wrong: int

    @property
    def flaws(self) -> int:
        return self.unanswered + self.doubled + self.wrong


def tally(chats: Iterable[Json], bot_id: int, first: int, count: int, per_chat: int) -> Tally:
    """Look at the chats of a burst (`state["chats"]`), as people see them in the end."""
    asked = {f"{chat}x{n}" for chat in range(first, first + count) for n in range(1, per_chat + 1)}
    answers: Counter[str] = Counter()
    wrong = 0
    for chat in chats:
        for text in texts_of(chat, bot_id):
            mark = right_mark(text, chat["id"])
            if mark in asked:
                answers[mark] += 1
            elif first <= chat["id"] < first + count:
                wrong += 1
    doubled = sum(number - 1 for number in answers.values())
    return Tally(len(asked), len(asked) - len(answers), doubled, wrong)


def texts_of(chat: Json, bot_id: int) -> list[str]:
    """What the bot said in a chat."""
    said = [message for message in chat["messages"] if message.get("from", {}).get("id") == bot_id]
    return [str(message.get("text", "")) for message in said]


def right_mark(text: str, chat_id: int) -> str:
    """The one mark in a whole answer that belongs into this chat, else an empty string."""
    marks = MARK.findall(text)
    right = len(marks) == 1 and marks[0].startswith(f"{chat_id}x") and text.rstrip().endswith(ENDING)
    return marks[0] if right else ""


def is_write(call: Json) -> bool:
    """Whether a call shows something in a chat: a message, an edit, "is typing"."""
    return str(call["method"]).startswith(WRITES)


def shows_text(call: Json) -> bool:
    """Whether people read words after this call."""
    return bool(call["ok"]) and is_write(call) and bool(call["params"].get("text"))


def answered_at(calls: Iterable[Json]) -> dict[str, float]:
    """Mark -> when its answer stood whole in the chat, in seconds since the epoch."""
    moments: dict[str, float] = {}
    for call in calls:
        if shows_text(call) and (mark := right_mark(call["params"]["text"], call["chat_id"])):
            moments[mark] = max(call["time"], moments.get(mark, 0.0))
    return moments
