"""`runbot --ping`: one line a check, and whether all is well."""

import asyncio
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.management.base import CommandError
from telegram import User
from telegram.error import EndPointNotFound, InvalidToken, TelegramError

from llm.errors import ProviderError
from llm.providers import configured
from telegram_bot.application import build

Line = tuple[bool, str]


def report(write: Callable[[str], object]) -> bool:
    """Check configuration, database, token and providers; write a line for each. True when all is well."""
    lines = list(_configuration())
    if all(good for good, _text in lines):
        lines += asyncio.run(_outside())
    for good, text in lines:
        write(f"{'ok  ' if good else 'FAIL'} {text}")
    return all(good for good, _text in lines)


def _configuration() -> Iterator[Line]:
    from telegram_bot.management.commands.runbot import refuse_half_configured

    try:
        refuse_half_configured()
    except CommandError as error:
        yield False, str(error)
    else:
        yield True, "configuration"
        yield True, "database"


async def _outside() -> list[Line]:
    return [await _telegram(), *await asyncio.gather(*map(_provider, configured()))]


async def _telegram() -> Line:
    bot = build().bot
    try:
        await bot.initialize()
    except (InvalidToken, EndPointNotFound):
        # The library's words hold the token.
        return False, f"Telegram at {settings.TELEGRAM_API_URL} refuses BOT_TOKEN. Ask @BotFather for a new one."
    except TelegramError as error:
        return False, f"Telegram at {settings.TELEGRAM_API_URL}: {error}. Check TELEGRAM_API_URL and the network."
    else:
        return True, f"Telegram: @{bot.username}, {_hears(bot.bot)}"
    finally:
        await bot.shutdown()


def _hears(me: User) -> str:
    """What reaches the bot in groups (https://core.telegram.org/bots/features#privacy-mode)."""
    if me.can_read_all_group_messages:
        return "privacy mode off: in groups it hears everything, and answers what is meant for it"
    return "privacy mode on: in groups it hears /ask and replies, and all of it where it is an admin"


async def _provider(name: str) -> Line:
    provider = configured()[name]
    try:
        await provider.check_key()
    except ProviderError as error:
        return False, f"{name}: {error.kind}. Check {name.upper()}_API_KEY."
    finally:
        await provider.close()
    return True, f"{name}: key accepted"
