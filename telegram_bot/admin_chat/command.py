"""What a subcommand of ``/admin`` is, what it is given, and what it shows.

The tables that settings.ADMIN_COMMANDS names hold all of them. A button holds the words of a command, so whatever can
be pressed can be written, and both go the same way.
"""

import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from accounts.models import Role, User
from telegram_bot.commands import RANK
from telegram_bot.outgoing import Key, Keyboard, Place

ACTION = "admin"
BUTTONS_IN_A_ROW = 2


@dataclass(frozen=True)
class Asked:
    """Who asks, where, with which words after the command's name. ``message`` is the raw one the words came in."""

    by: User
    place: Place
    words: Sequence[str]
    now: datetime
    key: str = ""
    message: dict[str, Any] = field(default_factory=dict)

    @property
    def number(self) -> int | None:
        """The first word as an id."""
        return int(self.words[0]) if self.words and self.words[0].isdecimal() else None


@dataclass(frozen=True)
class View:
    """What is shown. ``back``: the command that the Back button leads to; None: there is none.

    ``once``: said to Telegram at once and kept in no row. ``follow`` goes on beside the lane after the view is said.
    """

    text: str
    keyboard: Keyboard = ()
    back: str | None = ""
    once: bool = False
    follow: Callable[[], Awaitable[None]] | None = None


# None: the words after the name cannot be read. Runs in one transaction with the message that it leads to.
Function = Callable[[Asked], View | None]


@dataclass(frozen=True)
class Command:
    """One row of the table. ``name`` may be several words; ``words`` shows in full how it is written.

    ``sensitive``: asks for ADMIN_PASSWORD. ``button``: its label on the keyboard of ``/admin``.
    """

    name: str
    words: str
    help: Promise
    function: Function
    who: Role = Role.ADMIN
    sensitive: bool = False
    button: Promise | None = None


@functools.cache
def table() -> tuple[Command, ...]:
    """All subcommands, in the order of settings.ADMIN_COMMANDS."""
    return tuple(command for path in settings.ADMIN_COMMANDS for command in import_string(path))


def find(words: Sequence[str]) -> tuple[Command, list[str]] | None:
    """The command with the longest name that ``words`` begin with, and the words after it."""
    lowered = [word.lower() for word in words]
    fitting = [command for command in table() if lowered[: len(_name(command))] == _name(command)]
    if not fitting:
        return None
    command = max(fitting, key=lambda command: len(_name(command)))
    return command, list(words[len(_name(command)) :])


def _name(command: Command) -> list[str]:
    return command.name.split()


def may(user: User, words: Sequence[str]) -> bool:
    """Whether ``user`` may do what ``words`` say; what is no command is the admins' affair too."""
    found = find(words)
    needed = found[0].who if found and words else Role.ADMIN
    return user.may_use and RANK[Role(user.role)] >= RANK[needed]


def key(label: str, *words: object, beside: bool = False) -> Key:
    """A button that does what ``/admin words`` does, in place; ``beside``: in a new message."""
    return Key(label, ACTION, {"words": [str(word) for word in words]} | ({"beside": True} if beside else {}))


def home_keys() -> list[list[Key]]:
    keys = [key(str(command.button), *_name(command)) for command in table() if command.button]
    return [keys[at : at + BUTTONS_IN_A_ROW] for at in range(0, len(keys), BUTTONS_IN_A_ROW)]


def back_key(words: str) -> list[Key]:
    return [key(_("« Back"), *words.split())]


def usage(command: Command) -> View:
    return View(_("Write `/admin %(words)s`.") % {"words": command.words})


def unknown() -> View:
    """One friendly line with everything there is."""
    first, *others = table()
    names = list(dict.fromkeys(command.name for command in others))
    said = _("Write `/admin %(words)s`, or in the same way: %(others)s.")
    return View(said % {"words": first.words, "others": ", ".join(names)})


def pages(page: int, count: int, *words: object) -> list[Key]:
    """The row that turns pages (from 1); the page's number is the command's last word."""
    back = [key("‹", *words, page - 1)] if page > 1 else []
    return back + ([key("›", *words, page + 1)] if page < count else [])
