"""What a dialog holds: what its next question would send, what that costs, and what another model could not take."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from accounts.models import Chat, User
from conversations import attachments, context
from conversations.models import Assistant, Attachment, Conversation, Message
from conversations.pieces import Piece
from conversations.services.dialogs import choose_model, open_conversation, recent, start_anew, target_for
from llm import services as llm
from llm.models import Model
from llm.services import Target
from llm.types import Usage

# Why a model gets nothing of a file (conversations.pieces.Missing): it cannot see, hear or open it.
UNABLE = ("image", "audio", "document")


@dataclass(frozen=True)
class Held:
    """The open dialog as its next question would send it. ``tokens`` are estimated; ``cost`` is what reading them costs
    in US dollars (None: unknown); ``messages`` go along, ``left_out`` says that older ones do not."""

    conversation: Conversation
    target: Target | None
    tokens: int
    limit: int
    messages: int
    left_out: bool
    files: list[str]
    cost: Decimal | None


@dataclass(frozen=True)
class Obstacles:
    """What of the open dialog a model cannot take: its length, or these files."""

    too_long: bool
    files: list[str]

    def __bool__(self) -> bool:
        return self.too_long or bool(self.files)


def held(chat: Chat, thread: int, user: User, now: datetime) -> Held:
    conversation = open_conversation(chat, thread, now)
    history, older = _history(conversation)
    target = target_for(conversation)
    kept, tokens = _sent(conversation, target, history, user)
    return Held(
        conversation=conversation,
        target=target,
        tokens=tokens,
        limit=context.limit_of(target),
        messages=kept,
        left_out=older or kept < len(history),
        files=[_name(piece) for message in history[len(history) - kept :] for piece in message.pieces],
        cost=llm.cost_of(target.model, Usage(input=tokens, output=0)) if target else None,
    )


def obstacles(chat: Chat, thread: int, user: User, model: Model, now: datetime) -> Obstacles:
    """What ``model`` could not take of the open dialog that its present model can."""
    conversation = open_conversation(chat, thread, now)
    return _lost(conversation, user, target_for(conversation), llm.target_of(model))


def obstacles_with(
    chat: Chat, thread: int, user: User, assistant: Assistant | None, now: datetime
) -> tuple[Target | None, Obstacles]:
    """The model that would answer if ``assistant`` were chosen, and what it could not take of the open dialog."""
    conversation = open_conversation(chat, thread, now)
    present = target_for(conversation)
    conversation.assistant = assistant
    other = target_for(conversation)
    if other is None or (present is not None and present.ref == other.ref):
        return other, Obstacles(False, [])
    return other, _lost(conversation, user, present, other)


def _lost(conversation: Conversation, user: User, present: Target | None, other: Target) -> Obstacles:
    history, _older = _history(conversation)
    kept, _tokens = _sent(conversation, present, history, user)
    unread = set(_unreadable(history))
    kept_then, _tokens = _sent(conversation, other, history, user)
    files = {key: name for key, name in _unreadable(history).items() if key not in unread}
    return Obstacles(kept_then < kept, list(files.values()))


def _history(conversation: Conversation) -> tuple[list[Message], bool]:
    if conversation.is_new:
        return [], False
    history, older = recent(conversation)
    attachments.recall(history, ())
    return history, older


def _sent(conversation: Conversation, target: Target | None, history: list[Message], user: User) -> tuple[int, int]:
    """How many of the messages a question without words would send to ``target``, and the tokens of it all."""
    call, tokens = context.request_for(target, conversation.assistant, history, "", user, conversation.summary)
    return len(call.turns) - 1, tokens


def _unreadable(history: list[Message]) -> dict[int, str]:
    """Of the last `_sent`: the files that its model can do nothing with."""
    shown = [piece for message in history for piece in message.pieces if piece.shown is not None]
    return {piece.file.pk: _name(piece) for piece in shown if piece.shown.missing in UNABLE}


def _name(piece: Piece) -> str:
    """A photo has no name of its own."""
    return piece.file.name or str(Attachment.Kind(piece.kind).label)


@transaction.atomic
def drop_files(chat: Chat, thread: int, dialog_id: int | None, now: datetime) -> bool:
    """Tell the model of no file of the open dialog any more. False when another dialog is open."""
    conversation = open_conversation(chat, thread, now)
    if conversation.pk != dialog_id:
        return False
    said = Message.objects.filter(conversation=conversation)
    Attachment.objects.filter(message__in=said, dropped=False).update(dropped=True)
    return True


@transaction.atomic
def start_with(chat: Chat, thread: int, model: Model, now: datetime) -> None:
    """Begin a dialog as /new does, with ``model``."""
    start_anew(chat, thread, now)
    choose_model(chat, thread, model, now)
