"""Recordings and scans turned into words by a model: within the limits of whoever sent them, charged to their budgets.

A list of models has prices of text. What a recording costs is known only of a model that does nothing else and counts
tokens; of others, and of scans, it is unknown and said to be. Who counts no tokens is charged with an estimate.
"""

import asyncio
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from conversations import limits
from conversations.limits import Refused
from conversations.models import RequestSum
from core.db import in_db
from files import services as files
from files.extraction import Extracted
from files.models import StoredFile
from llm import budgets
from llm import services as llm
from llm.client import Client
from llm.errors import ProviderError
from llm.models import Budget, Model
from llm.periods import starts_on
from llm.services import Target
from llm.tokens import SECOND, estimate, estimate_part
from llm.types import Part, Recognised, Transcript
from telegram_bot.incoming import Incoming

# Tokens of a recording to those of its words, at least: 32 a second to about four.
RECORDING_TO_WORDS = 4


class NotNow(Exception):
    """No model is asked: a limit or a budget of the person is reached."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.kind)
        self.refused = refused


async def recognise(stored: StoredFile, *, scan: bool, incoming: Incoming, client: Client) -> None:
    """Keep the words of a recording, or of a scan, with it; nothing happens where no model is there for that.

    Raises ProviderError and NotNow.
    """
    target = await in_db(llm.recogniser if scan else llm.transcriber)
    if target is None:
        return
    content = await asyncio.to_thread(files.path_of(stored).read_bytes)
    length = estimate_part(Part("document" if scan else "audio", data=content, mime=stored.mime))
    most = length if scan else length // RECORDING_TO_WORDS + 1
    if not await in_db(_set_aside, stored, incoming, target, length, most, timezone.now()):
        return
    try:
        answer = await (client.ocr if scan else client.transcribe)(target, content, stored.mime)
    except ProviderError as error:
        # Who was silent for too long was at work on it, though nobody got a word.
        spent = Spent(target.ref, length, 0, None, True) if error.kind == "timeout" else None
        await in_db(_close, stored, incoming, None, spent, timezone.now())
        raise
    await in_db(_close, stored, incoming, answer.text.strip(), _spent(target, answer, length), timezone.now())


def key_of(stored: StoredFile, incoming: Incoming) -> str:
    return f"words:{incoming.key}:{stored.pk}"


@transaction.atomic
def _set_aside(stored: StoredFile, incoming: Incoming, target: Target, length: int, most: int, now: datetime) -> bool:
    """Set aside what a file of ``length`` tokens and at most ``most`` of its words may cost. False: this model may not
    be asked, for nobody knows its price. Raises NotNow."""
    if incoming.update.attempts <= 1 and (refused := limits.hurried(incoming.user, now)):
        raise NotNow(refused)
    tokens, cost = budgets.foreseen(_priced(target), length, most)
    refusal = budgets.reserve(key_of(stored, incoming), incoming.user, incoming.chat, tokens, cost, now)
    if refusal is not None and refusal.why != "unpriced":
        raise NotNow(limits.refused_by(refusal, incoming.user))
    return refusal is None


def _priced(target: Target) -> Model | None:
    """The model, if its prices are those of recordings."""
    return target.model if target.model and target.model.capabilities == ["transcription"] else None


@dataclass(frozen=True)
class Spent:
    """Tokens read and said, US dollars (None: unknown), and whether the tokens are our estimate."""

    model_ref: str
    read: int
    said: int
    cost: Decimal | None
    estimated: bool


def _spent(target: Target, answer: Transcript | Recognised, length: int) -> Spent:
    if isinstance(answer, Transcript):
        usage = answer.usage
        if usage.input is not None and usage.output is not None:
            return Spent(target.ref, usage.input, usage.output, llm.cost_of(_priced(target), usage), False)
        length = round(answer.seconds * SECOND) if answer.seconds else length
    return Spent(target.ref, length, estimate(answer.text), None, True)


@transaction.atomic
def _close(stored: StoredFile, incoming: Incoming, words: str | None, spent: Spent | None, now: datetime) -> None:
    """Keep the words (None: nobody knows whether there are any), and charge what they cost in place of what was set
    aside; None: nobody worked."""
    if words is not None:
        files.keep_text(stored, Extracted(words, "" if words else "no_text", stored.pages))
    key = key_of(stored, incoming)
    if spent is None:
        budgets.release(key)
        return
    RequestSum.objects.create(
        day=starts_on(Budget.Period.DAY, now), user=incoming.user, model_ref=spent.model_ref,
        input_tokens=spent.read, output_tokens=spent.said, cost=spent.cost or 0, unpriced=spent.cost is None,
    )  # fmt: skip
    warned = budgets.settle(key, spent.read + spent.said, spent.cost, spent.estimated, now)
    limits.warn(warned, incoming.chat, incoming.thread, incoming.user)
