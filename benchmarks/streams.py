"""Answers that take four seconds: when people see the first words, and how often Telegram is called for them."""

import time
from dataclasses import dataclass

from benchmarks.answers import Json, is_write, shows_text, texts_of
from benchmarks.control import Control
from benchmarks.figures import Figure, Target, median
from benchmarks.lab import BOT_ID, FIRST, Lab
from sandbox.providers.answers import numbered_words

STREAM_SECONDS = 4.0
WORDS = 100
AT_ONCE = 5
END_SECONDS = 15.0
LOOK_SECONDS = 0.1
QUESTION = "How was the morning of {chat}?"


@dataclass(frozen=True)
class Streamed:
    """One answer as its chat saw it. Moments in seconds since the epoch."""

    spoke: float
    ended: float
    seen: float
    last: float
    writes: int
    whole: bool


def streams(lab: Lab) -> list[Figure]:
    """Streams one by one, then five at once, under Telegram's flood limits and with the product's usual rates."""
    with lab.product(limited=True) as bot:
        bot.control.answer_how(slow=STREAM_SECONDS, words=WORDS)
        singles = []
        for number in range(lab.size.streams):
            began = ask(bot.control, FIRST + number, 1)
            singles.append(seen(bot.control, FIRST + number))
            lab.say(f"stream {number + 1} of {lab.size.streams}: whole after {singles[-1].last - began:.2f} s")
        first = FIRST + lab.size.streams
        began = ask(bot.control, first, AT_ONCE)
        five = [seen(bot.control, chat) for chat in range(first, first + AT_ONCE)]
        refused = sum(call["error_code"] == 429 for call in bot.control.calls())
    every = singles + five
    first_words = median([1000 * (one.seen - one.spoke) for one in singles])
    return [
        Figure("first words seen after", "ms", first_words, target=Target(150)),
        Figure("writes for an answer, at most", "", max(one.writes for one in every), target=Target(6)),
        Figure("five at once: whole after", "s", max(one.last for one in five) - began, target=Target(6)),
        Figure("refused for flooding (429)", "", refused, target=Target(0)),
        Figure("cut off or garbled", "", sum(not one.whole for one in every), target=Target(0)),
        Figure("whole after the model's end", "ms", median([1000 * (one.last - one.ended) for one in singles])),
    ]


def ask(control: Control, first: int, chats: int) -> float:
    """Ask, and return once every answer stands whole (or not in time); when the first question was there."""
    began: float = control.ask(first, chats, text=QUESTION)["began"]
    end = time.monotonic() + END_SECONDS
    while not all(is_whole(control, chat) for chat in range(first, first + chats)):
        if time.monotonic() > end:
            break
        time.sleep(LOOK_SECONDS)
    control.wait_for_calm(1.0)
    return began


def is_whole(control: Control, chat: int) -> bool:
    """Whether the chat shows the model's answer, all of it and nothing else."""
    said = texts_of({"messages": control.messages(chat)}, BOT_ID)
    return [text.split() for text in said] == [numbered_words(WORDS, "en").split()]


def seen(control: Control, chat: int) -> Streamed:
    """What a chat saw of its one answer, beside what the model did."""
    calls = [call for call in control.calls() if call["chat_id"] == chat and is_write(call)]
    asked = next(call for call in control.model_calls() if QUESTION.format(chat=chat) in last_words(call))
    shown = [call["time"] for call in calls if shows_text(call)]
    return Streamed(
        spoke=asked["time"] + asked["first_text"],
        ended=asked["time"] + asked["duration"],
        seen=min(shown),
        last=max(shown),
        writes=len(calls),
        whole=is_whole(control, chat),
    )


def last_words(call: Json) -> str:
    """The question of a request to the model."""
    return str(call["body"]["messages"][-1]["content"])
