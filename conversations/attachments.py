"""Files of a question: loaded from Telegram and read before the turn begins, linked to it when it does."""

import asyncio
import functools
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import structlog

from accounts.models import User
from conversations import file_words, pieces
from conversations.limits import Refused
from conversations.models import Attachment, Conversation, Message, Request
from conversations.pieces import Kind, Piece
from conversations.recognition import NotNow, recognise
from core.db import in_db
from files import services as files
from files.errors import FileError
from files.extraction import extract
from files.models import StoredFile
from llm.client import Client
from llm.errors import ProviderError
from llm.types import Image
from telegram_bot.files import Attached, attached, declined, fetch, limit_of
from telegram_bot.incoming import Incoming

if TYPE_CHECKING:
    from conversations.services.turns import Question

log = structlog.get_logger(__name__)

# Processes that read files at the same time, each with up to 700 MB for itself.
_readers = ThreadPoolExecutor(2, "reader")

Raw = Mapping[str, Any]


@dataclass
class Gathered:
    """What came of a question's files. ``refused``: a sentence for each that could not be had; ``heard``: what was
    said in its voice messages; ``not_now``: why nobody listens to them, and nothing is asked."""

    pieces: list[Piece] = field(default_factory=list)
    not_now: Refused | None = None
    refused: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


async def gather(messages: Sequence[Raw], incoming: Incoming, able: set[str], client: Client) -> Gathered:
    """Load and read the files of ``messages``, in their order. ``able``: what the model that will answer can take; what
    it cannot becomes text where that is possible, a voice message in any case."""
    gathered = Gathered()
    taken = [found for message in messages if (found := attached(message)) is not None]
    gathered.refused = [file_words.declined(kind) for message in messages if (kind := declined(message))]
    for result in await asyncio.gather(*(_take(found, incoming, able, client) for found in taken)):
        match result:
            case Piece():
                gathered.pieces.append(result)
            case Refused():
                gathered.not_now = result
            case str():
                gathered.refused.append(result)
    gathered.heard = [piece.file.text for piece in gathered.pieces if piece.spoken]
    return gathered


async def _take(found: Attached, incoming: Incoming, able: set[str], client: Client) -> Piece | Refused | str:
    """One file, read; or the sentence that says why not."""
    owner = incoming.user
    try:
        stored = await fetch(found, owner)
    except FileError as error:
        log.info("file refused", kind=error.kind, size=found.size)
        return file_words.sorry(error.kind, files.safe_name(found.name), limit_of(owner))
    piece = Piece(stored, pieces.kind_of(stored.mime))
    if piece.kind == Kind.DOCUMENT:
        await _read(stored)
    try:
        await _put_into_words(piece, able - {"audio"} if found.kind == "voice" else able, incoming, client)
    except NotNow as error:
        return error.refused
    except ProviderError as error:
        log.warning("file not put into words", file_kind=piece.kind, kind=error.kind)
        if piece.kind == Kind.AUDIO and Kind.AUDIO not in able:
            return file_words.not_heard()
    piece.spoken = found.kind == "voice" and bool(stored.text)
    return piece


async def _read(stored: StoredFile) -> None:
    """The text of a document, unless it is known; one that took too long may be read in a quieter moment."""
    if stored.text_error in (None, "timeout"):
        work = functools.partial(copy_context().run, extract, files.path_of(stored), stored.mime)
        found = await asyncio.get_running_loop().run_in_executor(_readers, work)
        await in_db(files.keep_text, stored, found)


async def _put_into_words(piece: Piece, able: set[str], incoming: Incoming, client: Client) -> None:
    """Let another model say what ours cannot be given as it is: a recording, a scan. Raises ProviderError, NotNow."""
    scan = pieces.is_scan(piece.file)
    if piece.kind not in able and (scan or (piece.kind == Kind.AUDIO and piece.file.text_error is None)):
        await recognise(piece.file, scan=scan, incoming=incoming, client=client)


def with_files(messages: Sequence[Raw]) -> list[Raw]:
    """Those of ``messages`` that hold a file, of whatever kind; else the message that they reply to, if it does."""
    own = [message for message in messages if attached(message) or declined(message)]
    replied = messages[0].get("reply_to_message") or messages[0].get("external_reply") or {}
    return own or ([replied] if attached(replied) else [])


def add(question: "Question", gathered: Gathered) -> None:
    """Let a question be about its files; what was spoken in them is its words."""
    question.files = gathered.pieces
    question.heard = "\n".join(gathered.heard)
    question.text = "\n".join(words for words in (question.heard, question.text) if words)
    question.note = "\n".join(f"📎 {line}" for line in gathered.refused)


def link(request: Request, asked: Sequence[Piece]) -> None:
    """Put the files of a question on record, once."""
    if request.attempts > 1:
        Attachment.objects.filter(request=request).delete()
    Attachment.objects.bulk_create(
        Attachment(request=request, file=piece.file, kind=piece.kind, position=place)
        for place, piece in enumerate(asked)
    )


def link_message(message: Message, request: Request) -> None:
    Attachment.objects.filter(request=request).update(message=message)


def of_question(conversation: Conversation, question: "Question") -> list[Piece]:
    """The files that a question had when it was asked before."""
    asked = Request.objects.filter(conversation=conversation, question_message_id=question.message_id)
    request = asked.order_by("-id").first()
    rows = Attachment.objects.filter(request=request).select_related("file").order_by("position")
    return [Piece(row.file, row.kind, spoken=_is_spoken(row, question.text)) for row in rows] if request else []


def _is_spoken(row: Attachment, text: str) -> bool:
    """Whether what is said in a recording is in ``text`` already."""
    return row.kind == Kind.AUDIO and bool(row.file.text) and row.file.text in text


def recall(history: Sequence[Message], asked: Sequence[Piece]) -> None:
    """Give the messages of a dialog their files, but for those that the person left out or asks about anew."""
    with_files = {message.pk: message for message in history if message.files}
    if not with_files:
        return
    for message in with_files.values():
        message.pieces = []
    anew = {piece.file.pk for piece in asked}
    rows = Attachment.objects.filter(message__in=with_files, dropped=False).select_related("file")
    for row in rows.exclude(file__in=anew).order_by("message", "position"):
        message = with_files[row.message_id or 0]
        message.pieces.append(Piece(row.file, row.kind, spoken=_is_spoken(row, message.content)))


def keep_pictures(images: Sequence[Image], owner: User, now: datetime) -> list[StoredFile]:
    """Keep pictures that a model made; what is no picture is left out."""
    kept = []
    for image in images:
        try:
            stored = files.store_bytes(owner, image.data, "", now)
        except FileError:
            continue
        if pieces.kind_of(stored.mime) == Kind.IMAGE:
            kept.append(stored)
    return kept


def link_pictures(answer: Message, pictures: Sequence[StoredFile]) -> None:
    """Put the pictures of an answer on record with it. They are not the request's: that has the question's files."""
    if pictures:
        Attachment.objects.bulk_create(
            Attachment(message=answer, file=stored, kind=Kind.IMAGE, position=place)
            for place, stored in enumerate(pictures)
        )
