from collections.abc import AsyncGenerator, AsyncIterator, Callable
from datetime import datetime
from typing import Any, Self

import pytest
import pytest_asyncio
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, Role, User
from conversations import services
from conversations.models import Conversation, Request
from core.claims import WORKER
from llm.errors import ProviderError
from llm.models import Model, ProviderState
from llm.providers.provider import Lesson, Provider
from llm.signals import model_retired
from llm.types import Answer, ChatRequest, Event, ModelInfo
from telegram_bot.incoming import Incoming, Verdict
from telegram_bot.models import Update
from tests.house import ANNA, BORIS, BOT, TEAM, House, open_house


@pytest.fixture(autouse=True)
def _fresh_defaults() -> None:
    """The defaults are kept for seconds, longer than a test's database."""
    services.forget_default()


@pytest_asyncio.fixture
async def house(transactional_db: None, settings: Settings) -> AsyncIterator[House]:
    """The bot, running against the sandbox; Ольга is its admin, Анна a member, Борис a stranger."""
    async with open_house(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def team(house: House) -> House:
    """The house with the team's group let in, where Анна and Борис are both members; the bot hears all of it."""
    await house.db(_let_team_in)
    house.world.chats[TEAM].bot_reads_all = True
    return house


def _let_team_in() -> None:
    now = timezone.now()
    Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Команда", status=Access.ACTIVE)
    User.objects.create(
        telegram_id=BORIS, username=f"tg{BORIS}", first_name="Борис", telegram_language="en", language="en",
        status=Access.ACTIVE, role=Role.MEMBER, requested_at=now, decided_at=now,
    )  # fmt: skip


def requests() -> list[Request]:
    """All requests, oldest first, with who asked and which model."""
    return list(Request.objects.select_related("user", "model", "conversation").order_by("id"))


def offer(provider: str, *names: str, **fields: Any) -> None:
    """Put models into the catalogue, as if the provider's list had held them."""
    state, _new = ProviderState.objects.get_or_create(name=provider)
    seen = {"last_seen": timezone.now(), **fields}
    Model.objects.bulk_create(Model(provider=state, name=name, **seen) for name in names)


def choose(name: str, chat_id: int = ANNA, thread: int = 0) -> None:
    """As if the person had pressed the model's button."""
    chat = Chat.objects.get(telegram_id=chat_id)
    services.choose_model(chat, thread, Model.objects.get(name=name), timezone.now())


def model(name: str) -> Model:
    return Model.objects.select_related("provider").get(name=name)


def retire(name: str, replacement: str = "") -> None:
    """As a refresh of the catalogue does it."""
    row = model(name)
    row.state = "retired"
    row.replaced_by = model(replacement) if replacement else None
    row.save()
    model_retired.send(Model, model=row, replacement=row.replaced_by)


def change(name: str, **fields: Any) -> None:
    Model.objects.filter(name=name).update(**fields)
    services.forget_default()


class ScriptedProvider(Provider):
    """A provider without a server, for what no server can be made to say; a test gives it its ``stream``."""

    name = "scripted"

    @classmethod
    def from_settings(cls, _name: str) -> Self:
        return cls()

    def stream(self, _request: ChatRequest) -> AsyncGenerator[Event, None]:
        raise NotImplementedError

    async def chat(self, _request: ChatRequest) -> Answer:
        raise NotImplementedError

    async def list_models(self) -> list[ModelInfo]:
        return []

    async def check_key(self) -> None: ...

    def learn(self, _request: ChatRequest, _error: ProviderError) -> Lesson | None:
        return None

    async def close(self) -> None: ...


@pytest.fixture
def private_chat(member: User) -> Chat:
    return Chat.objects.create(bot_id=BOT, telegram_id=101, kind="private", title=member.name, person=member)


@pytest.fixture
def arrive(member: User, private_chat: Chat) -> Callable[..., Incoming]:
    """``arrive(7)``: update 7 of Анна, claimed by this worker and let through the gate."""

    def make(update_id: int, *, attempts: int = 1, kind: str = "message") -> Incoming:
        raw = {"update_id": update_id, kind: {"message_id": update_id, "chat": {"id": 101}}}
        update, _new = Update.objects.update_or_create(
            bot_id=BOT, update_id=update_id,
            defaults={
                "lane": "in:1000:101:0", "kind": kind, "raw": raw, "state": "running", "worker": WORKER,
                "attempts": attempts,
            },
        )  # fmt: skip
        return Incoming(update, member, private_chat, Verdict.PASS, [update.pk])

    return make


@pytest.fixture
def dialog(private_chat: Chat, now: datetime, settings: Settings) -> Conversation:
    """Анна's open dialog, with one model to ask."""
    settings.OPENAI_API_KEY = "sandbox"
    settings.DEFAULT_MODEL = "openai:tiny"
    services.forget_default()
    offer("openai", "tiny", label="Tiny")
    return services.open_conversation(private_chat, 0, now)
