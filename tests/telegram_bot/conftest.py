import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from pytest_django import Settings

from tests.house import House, open_house

# A few sentences in Russian, so that a test of the language hangs on no wording but its own.
RUSSIAN = {
    "": "Content-Type: text/plain; charset=UTF-8\n",
    "Bot ready": "Бот готов",
    "Good, English it is.": "Хорошо, говорим по-русски.",
    "What I can do": "Что я умею",
    "Your request is with the admins. I will write as soon as it is decided.": "Заявка у администраторов.",
    "You are in! Ask me anything, or choose a model with /models. All I can do: /help.": "Доступ открыт!",
    "**%(who)s** asks for access.": "**%(who)s** просит доступ.",
    "Something went wrong on our side. The admins know; if it happens again, give them the number %(trace)s.": (
        "Что-то сломалось, номер %(trace)s."
    ),
    "⚠️ An update failed: %(name)s, trace %(trace)s.": "⚠️ Обновление не удалось: %(name)s, %(trace)s.",
}


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, running against the sandbox; Ольга is its admin, Анна a member, Борис and Chris are strangers."""
    async with open_house(settings) as opened:
        yield opened


@pytest.fixture
def russian(settings: Settings, tmp_path: Path) -> None:
    """A Russian catalogue for the sentences above."""
    folder = tmp_path / "ru" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(_compiled(RUSSIAN))
    settings.LOCALE_PATHS = [tmp_path]


def _compiled(catalogue: dict[str, str]) -> bytes:
    """The binary form of a catalogue (https://www.gnu.org/software/gettext/manual/html_node/MO-Files.html)."""
    pairs = sorted((key.encode(), text.encode()) for key, text in catalogue.items())
    at = 28 + 16 * len(pairs)
    tables, texts = [b"", b""], b""
    for side in (0, 1):
        for pair in pairs:
            tables[side] += struct.pack("<II", len(pair[side]), at + len(texts))
            texts += pair[side] + b"\0"
    header = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, 0)
    return header + tables[0] + tables[1] + texts
