"""Handlers that misbehave on order, put into BOT_MODULES by the tests of the inbox."""

import asyncio
from collections import defaultdict

from django.db import OperationalError
from telegram import Update
from telegram.ext import CommandHandler

from telegram_bot.application import App, Context

# What the handlers did, in order; and what /hold waits for, by its first word.
done: list[str] = []
gates: dict[str, asyncio.Event] = defaultdict(asyncio.Event)
hiccups = 0


def forget(database_faults: int = 0) -> None:
    """Begin anew; the next ``database_faults`` commands /hiccup fail."""
    global hiccups
    hiccups = database_faults
    done.clear()
    gates.clear()


def register(application: App) -> None:
    for name, handler in (("bug", bug), ("hiccup", hiccup), ("hold", hold), ("note", note)):
        application.add_handler(CommandHandler(name, handler))


async def bug(_update: Update, context: Context) -> None:
    raise ValueError(f"a secret: {' '.join(context.args or [])}")


async def hiccup(_update: Update, context: Context) -> None:
    global hiccups
    if hiccups:
        hiccups -= 1
        raise OperationalError("the database went away")
    await context.reply("All well.")


async def hold(_update: Update, context: Context) -> None:
    name = (context.args or ["hold"])[0]
    done.append(f"began {name}")
    await gates[name].wait()
    done.append(f"ended {name}")


async def note(_update: Update, context: Context) -> None:
    done.append(" ".join(context.args or []))
