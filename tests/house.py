"""The real bot against the sandbox in one event loop: what an edge test talks to.

Nothing of ours is replaced: raw updates come over HTTP from the fake Bot API, go through the inbox, the lanes, the
gate, the handlers, the providers' adapters and the outbox, and arrive in the sandbox's chats.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, ParamSpec, TypeVar

from django.db.backends.signals import connection_created
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, Chat, Role, User
from conversations import services as conversations
from core.db import close_db_threads, in_db
from delivery import engine
from delivery.engine.local import LocalEngine
from delivery.models import Delivery
from llm.models import Model, ProviderState
from reports.services import knowing
from sandbox.server import Sandbox, serve
from telegram_bot import notices, runtime, services
from telegram_bot.application import App, build
from telegram_bot.models import Update
from telegram_bot.poll import Poller
from telegram_bot.worker import _call_modules

P = ParamSpec("P")
T = TypeVar("T")

OLGA, ANNA, BORIS, CHRIS = 100, 101, 102, 103
ADMINS, TEAM = -1001000000001, -1001000000002
BOT = 1000
MODEL = "gpt-4.1-mini"


class House:
    """People say things, the bot answers; ``chat`` shows what they see."""

    def __init__(self, sandbox: Sandbox, application: App, local: LocalEngine) -> None:
        self.sandbox, self.world, self.models = sandbox, sandbox.world, sandbox.models
        self.application, self.engine = application, local

    def say(self, user_id: int, text: str, chat_id: int | None = None, **more: Any) -> dict[str, Any]:
        """A person writes; the message as the chat shows it."""
        message: dict[str, Any] = self.world.say(user_id, text, chat_id, **more).message
        return message

    async def ask(self, user_id: int, text: str, chat_id: int | None = None) -> str:
        """Say it and give what the bot said last when all is done."""
        self.say(user_id, text, chat_id)
        await self.quiet()
        return self.heard(chat_id or user_id)[-1]

    def messages(self, chat_id: int) -> list[dict[str, Any]]:
        """All messages of the bot in a chat, oldest first."""
        found = self.world.chats[chat_id].messages.values()
        return [message for message in found if message.get("from", {}).get("id") == BOT]

    def heard(self, chat_id: int) -> list[str]:
        return [message.get("text", "") for message in self.messages(chat_id)]

    def buttons(self, chat_id: int) -> dict[str, str]:
        """Label -> callback data of the newest message of the bot."""
        rows = self.messages(chat_id)[-1].get("reply_markup", {}).get("inline_keyboard", [])
        return {button["text"]: button.get("callback_data", "") for row in rows for button in row}

    def press(self, user_id: int, label: str, chat_id: int | None = None) -> Any:
        """Press the button under the bot's newest message whose label begins so; the press, to be looked at later."""
        place = chat_id or user_id
        data = next(data for text, data in self.buttons(place).items() if text.startswith(label))
        return self.world.press(user_id, self.messages(place)[-1]["message_id"], data, chat_id)

    def fault(self, method: str, kind: str, times: int | None = 1, **more: Any) -> None:
        """Let the next ``times`` calls of ``method`` go wrong."""
        self.world.faults.add([{"method": method, "kind": kind, "times": times, **more}])

    def calls(self, method: str, chat_id: int | None = None) -> list[Any]:
        return self.world.calls(method=method, chat_id=chat_id)

    async def until(self, predicate: Callable[[], T], seconds: float = 60.0) -> T:
        """What ``predicate()`` gives once it is true, asked at each call of the Bot API, and often in between."""
        async with asyncio.timeout(seconds):
            while True:
                with suppress(TimeoutError):
                    return await self.world.wait_for(predicate, timeout=0.05)

    async def db(self, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return await in_db(fn, *args, **kwargs)

    async def quiet(self, seconds: float = 60.0) -> None:
        """Return when every update that was sent is done and everything that had to be said is said."""
        async with asyncio.timeout(seconds):
            while self.world.updates.pending or bool(await in_db(_open_rows)) or self.engine.health()["lanes"]:
                await asyncio.sleep(0.01)


def _open_rows() -> bool:
    now = timezone.now()
    waiting = Delivery.objects.filter(state__in=Delivery.OPEN).exclude(not_before__gt=now)
    return Update.objects.filter(state__in=("new", "running")).exists() or waiting.exists()


def people() -> None:
    """An admin, a member; everybody else is a stranger. One model, so that nothing depends on a catalogue."""
    now = timezone.now()
    for telegram_id, name, role in ((OLGA, "Ольга", Role.ADMIN), (ANNA, "Анна", Role.MEMBER)):
        user = User.objects.create(
            telegram_id=telegram_id, username=f"tg{telegram_id}", first_name=name, telegram_language="en",
            status=Access.ACTIVE, role=role, requested_at=now, decided_at=now, language="en",
        )  # fmt: skip
        Chat.objects.create(bot_id=BOT, telegram_id=telegram_id, kind="private", title=name, person=user)
    provider = ProviderState.objects.create(name="openai")
    Model.objects.create(provider=provider, name=MODEL, label="GPT-4.1 mini", capabilities=["text"])


@asynccontextmanager
async def open_house(settings: Settings, *, limits: bool = False, **overrides: Any) -> AsyncIterator[House]:
    """Run the bot until the block ends. ``overrides`` are settings; the sandbox's and ours limits are off."""
    async with serve(limits=limits) as sandbox:
        sandbox.models.pace = 0
        _configure(settings, sandbox.url, overrides)
        await in_db(people)
        application, local = build(), LocalEngine()
        runtime.use(application)
        engine.use(local)
        stop = asyncio.Event()
        await application.initialize()
        await local.start(512)
        tasks = [asyncio.create_task(local.run(512)), asyncio.create_task(Poller(application.bot, _store).run(stop))]
        try:
            yield House(sandbox, application, local)
        finally:
            stop.set()
            tasks[0].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            for kind in settings.LANES:
                await local.stop(kind, 0.0)
            await _call_modules("shutdown")  # whatever goes on beside the lanes, too
            await application.shutdown()
            engine.use(None)
            runtime.use(None)


async def _store(batch: list[dict[str, Any]]) -> None:
    await in_db(services.store, BOT, batch, timezone.now())


def _configure(settings: Settings, url: str, overrides: dict[str, Any]) -> None:
    values = {
        "BOT_TOKEN": "1000:sandbox-token",
        "TELEGRAM_API_URL": url,
        "ADMIN_CHAT_ID": ADMINS,
        "OPENAI_API_KEY": "sandbox",
        "OPENAI_BASE_URL": f"{url}/llm/openai/v1",
        "AVITO_BASE_URL": f"{url}/avito",
        "DEFAULT_MODEL": f"openai:{MODEL}",
        "LANGUAGE_CODE": "en",
        "POLL_TIMEOUT_SEC": 20,
        "TELEGRAM_RATE_BOT": 0,
        "TELEGRAM_RATE_CHAT": 0,
        "TELEGRAM_RATE_GROUP": 0,
    }
    for name, value in (values | overrides).items():
        setattr(settings, name, value)
    conversations.forget_default()
    notices.forget()
    knowing.somebody_came()


@contextmanager
def every_statement(wrapper: Any) -> Iterator[None]:
    """Let ``wrapper`` see the statements of all database threads, which start anew."""

    def connected(connection: Any, **_kwargs: Any) -> None:
        connection.execute_wrappers.append(wrapper)

    connection_created.connect(connected)
    close_db_threads()
    try:
        yield
    finally:
        connection_created.disconnect(connected)
        close_db_threads()
