"""What an assistant may do here by tool call: tell the time, search one's own dialogs, read a stored file.

All of it is read on behalf of the person who asks, and in a group only what belongs to that group: an answer there is
read by everybody.
"""

from datetime import datetime

from django.db.models import Q, QuerySet

from accounts.models import Chat, User
from conversations.models import Attachment, Message
from conversations.services.library import zone_of
from files.models import StoredFile
from llm.toolbox import Arguments, Asked, Tool, ToolError

MOST_FOUND = 10
AROUND = 200  # characters of a message on either side of what was found
PAGE = 6000  # characters of a file at once


def _current_time(asked: Asked, _arguments: Arguments) -> str:
    zone = zone_of(asked.user)
    return f"{asked.now.astimezone(zone):%A, %Y-%m-%d %H:%M:%S, UTC%z}, {zone.key}"


current_time = Tool(
    "current_time",
    "The current date, weekday and time where the person is. Use it whenever an answer depends on today or now.",
    {"type": "object", "properties": {}},
    _current_time,
)


def _search_dialogs(asked: Asked, arguments: Arguments) -> str:
    words = arguments["words"].split()
    if not words:
        raise ToolError("arguments.words holds no word.")
    found = own_messages(asked.user, asked.chat)
    for word in words:
        found = found.filter(_holds("content", word))
    zone = zone_of(asked.user)
    lines = dict.fromkeys(
        f"[{message.created_at.astimezone(zone):%Y-%m-%d %H:%M}, {message.role}] {_around(message.content, words[0])}"
        for message in found.order_by("-id")[: MOST_FOUND * 3]  # a branch holds copies: each is told once
    )
    return "\n\n".join([*lines][:MOST_FOUND]) or "Nothing was found. Try one word, or only its beginning."


def own_messages(user: User, chat: Chat) -> QuerySet[Message]:
    """What this person asked and was answered; in a group, only there."""
    own = Message.objects.filter(Q(request__user=user) | Q(author=user), superseded=False)
    return own if chat.is_private else own.filter(conversation__chat=chat)


def _holds(column: str, word: str) -> Q:
    """SQLite takes large and small letters for the same in Latin only, so the usual writings are looked for."""
    writings = {word, word.lower(), word.capitalize(), word.upper()}
    return Q(*((f"{column}__icontains", writing) for writing in writings), _connector=Q.OR)


def _around(text: str, word: str) -> str:
    """The part of ``text`` that holds ``word``."""
    at = max(0, text.lower().find(word.lower()))
    start, end = max(0, at - AROUND), at + len(word) + AROUND
    return ("…" if start else "") + text[start:end] + ("…" if end < len(text) else "")


search_dialogs = Tool(
    "search_dialogs",
    "Searches the person's own earlier dialogs with this bot for messages that hold all the given words; "
    "the newest come first.",
    {
        "type": "object",
        "properties": {
            "words": {
                "type": "string",
                "minLength": 2,
                "maxLength": 200,
                "description": "One or a few words, best without their endings.",
            }
        },
        "required": ["words"],
    },
    _search_dialogs,
)


def _read_file(asked: Asked, arguments: Arguments) -> str:
    readable = own_files(asked.user, asked.chat, asked.now)
    name, start = arguments["name"].strip(), arguments.get("start", 0)
    file = readable.filter(name__iexact=name).first() or readable.filter(_holds("name", name)).first()
    if file is None:
        names = ", ".join(known.name for known in readable[:MOST_FOUND] if known.name)
        raise ToolError(f"There is no file {name!r}. There are: {names or 'none'}.")
    if not file.text:
        why = file.text_error or "nobody has read it yet"
        raise ToolError(f"{file.name} ({file.mime}) has no text: {why}.")
    page = file.text[start : start + PAGE]
    return f"{file.name}, characters {start} to {start + len(page)} of {len(file.text)}:\n{page}"


def own_files(user: User, chat: Chat, now: datetime) -> QuerySet[StoredFile]:
    """The files of this chat's open dialogs and, where nobody else reads along, all the person's own; newest first."""
    said = Q(message__conversation__chat=chat, message__conversation__closed_at=None, message__superseded=False)
    asked = Q(message=None, request__conversation__chat=chat, request__conversation__closed_at=None)
    here = Q(pk__in=Attachment.objects.filter(said | asked, dropped=False).values("file"))
    mine = here | Q(owner=user) if chat.is_private else here
    fresh = Q(expires_at=None) | Q(expires_at__gt=now)
    return StoredFile.objects.filter(mine, fresh).order_by("-id")


read_file = Tool(
    "read_file",
    "Reads the text of a file that the person sent, by its name or a part of it, a page at a time.",
    {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 255},
            "start": {"type": "integer", "minimum": 0, "description": "The character to begin at; 0 is the first."},
        },
        "required": ["name"],
    },
    _read_file,
)
