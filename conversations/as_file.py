"""An answer as a file: the whole of it when it is long, and the code in it when that is long or was cut.

The files are made when they are sent: what waits in the outbox names the answer and holds nothing of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.models import Message, Request
from core.db import in_db
from delivery.errors import DeliveryError
from telegram_bot import documents
from telegram_bot.application import Context
from telegram_bot.documents import Collected, Document
from telegram_bot.markdown import MESSAGE_UNITS, parts, units
from telegram_bot.models import Button
from telegram_bot.outgoing import Key

MOST_MESSAGES = 3
LONG_CODE = 30  # lines
MOST_FILES = 10

# Whose words these are (conversations.services.SOURCE, which this module is a part of).
SOURCE = "conversations"

FENCED = re.compile(
    r"^ {0,3}(?P<mark>`{3,}|~{3,})[ \t]*(?P<language>[\w+#.-]*)[^\n]*\n"
    r"(?P<code>.*?)(?:^ {0,3}(?P=mark)[`~]*[ \t]*$|\Z)",
    re.MULTILINE | re.DOTALL,
)
EXTENSIONS = {
    "python": "py", "py": "py", "javascript": "js", "js": "js", "typescript": "ts", "ts": "ts", "java": "java",
    "c": "c", "cpp": "cpp", "c++": "cpp", "csharp": "cs", "c#": "cs", "go": "go", "rust": "rs", "ruby": "rb",
    "php": "php", "swift": "swift", "kotlin": "kt", "sql": "sql", "html": "html", "css": "css", "json": "json",
    "yaml": "yaml", "yml": "yaml", "toml": "toml", "xml": "xml", "bash": "sh", "sh": "sh", "shell": "sh",
    "powershell": "ps1", "markdown": "md", "md": "md", "csv": "csv", "dockerfile": "dockerfile", "lua": "lua", "r": "r",
}  # fmt: skip


@dataclass(frozen=True)
class Block:
    """A block of code in an answer."""

    language: str
    code: str

    @property
    def extension(self) -> str:
        return EXTENSIONS.get(self.language.lower(), "txt")


def blocks(answer: str) -> list[Block]:
    return [Block(found["language"], found["code"]) for found in FENCED.finditer(answer) if found["code"].strip()]


def keys(request_id: int, answer: str) -> list[Key]:
    """What is offered under an answer; nothing for most."""
    split = units(answer) > MESSAGE_UNITS
    code = blocks(answer) if "```" in answer or "~~~" in answer else []
    offered = []
    if split and len(parts(answer)) > MOST_MESSAGES:
        offered.append(Key(_("📄 As a file"), "answer.file", {"request": request_id}))
    if code and (split or any(block.code.count("\n") > LONG_CODE for block in code)):
        offered.append(Key(_("💾 Code"), "answer.code", {"request": request_id}))
    return offered


async def send(context: Context, button: Button) -> None:
    """The whole answer."""
    await _send(context, button.data["request"], [None])


async def send_code(context: Context, button: Button) -> None:
    """Each block of code by itself."""
    number = await in_db(_blocks_of, button.data["request"])
    await _send(context, button.data["request"], list(range(number)))


async def _send(context: Context, request_id: int, which: Sequence[int | None]) -> None:
    if not which or not await in_db(answer_of, request_id):
        await context.reply(_("This answer is not kept any more."))
        return
    await in_db(_enqueue, context, request_id, which)


def _enqueue(context: Context, request_id: int, which: Sequence[int | None]) -> None:
    key = f"file:{context.incoming.key}"
    for place, block in enumerate(which):
        data = {"request": request_id, "block": block}
        documents.enqueue(f"{key}:{place}", context.place, "answer", data, translation.get_language(), SOURCE)


def answer_of(request_id: int) -> str:
    """The answer as it was given; an empty string once it is erased."""
    said = Message.objects.filter(request=request_id, role=Message.Role.ASSISTANT).order_by("id")
    kept = said.values_list("content", flat=True).first()
    return kept or Request.objects.filter(pk=request_id).values_list("answer", flat=True).first() or ""


def _blocks_of(request_id: int) -> int:
    return min(MOST_FILES, len(blocks(answer_of(request_id))))


def collect(data: dict[str, Any]) -> Collected:
    """The file of an answer, or of one block of its code (settings.DOCUMENTS). Raises DeliveryError."""
    answer = answer_of(data["request"])
    if not answer:
        raise DeliveryError("file gone", "The answer is not kept any more.", permanent=True)
    return lambda: _made(answer, data["block"])


def _made(answer: str, number: int | None) -> Document:
    if number is None:
        return Document("answer.md", answer.encode())
    block = blocks(answer)[number]
    name = "code" if number == 0 else f"code-{number + 1}"
    return Document(f"{name}.{block.extension}", block.code.encode())
