"""The command menu: per role and language. Menus only show; every handler checks rights itself."""

import zlib
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Role, User
from telegram_bot import outgoing
from telegram_bot.outgoing import Place, bot_id


@dataclass(frozen=True)
class Command:
    name: str
    description: Promise
    role: Role | None = Role.MEMBER  # who sees it; None: everybody, strangers too


COMMANDS = [
    Command("start", _("Start"), None),
    Command("new", _("Start a new dialog")),
    Command("models", _("Choose a model")),
    Command("assistants", _("Choose an assistant")),
    Command("context", _("What this dialog holds and costs")),
    Command("dialogs", _("Your dialogs")),
    Command("stop", _("Stop the answer")),
    Command("ask", _("Ask in a group")),
    Command("remind", _("Remind me: when and of what, in plain words")),
    Command("reminders", _("Reminders that are still to come")),
    Command("timezone", _("Your time zone")),
    Command("post", _("Make a post for channels and groups"), Role.EDITOR),
    Command("poll", _("Make a poll or a quiz"), Role.EDITOR),
    Command("posts", _("Drafts, planned and published posts"), Role.EDITOR),
    Command("schedule", _("When a post appears, and what is next"), Role.EDITOR),
    Command("poststats", _("How the posts are doing"), Role.EDITOR),
    Command("stats", _("Avito figures: yours, or of this group")),
    Command("profiles", _("Your Avito profiles and their reports")),
    Command("add_profile", _("Connect an Avito account")),
    Command("settings", _("All your settings")),
    Command("usage", _("What I have used")),
    Command("help", _("What I can do"), None),
    Command("language", _("Language")),
    Command("announcements", _("The admins' announcements: on or off")),
    Command("mydata", _("What is on record about you")),
    Command("forget", _("Erase your data")),
    Command("whoami", _("Your role and language"), None),
    Command("ping", _("Is the bot ready?")),
    Command("group", _("This group: who pays, which models"), Role.ADMIN),
    Command("admin", _("Steer the bot: people, models, announcements"), Role.ADMIN),
]
RANK = {None: 0, Role.MEMBER: 1, Role.EDITOR: 2, Role.ADMIN: 3}


def menu(role: Role | None, language: str) -> list[dict[str, str]]:
    """What Telegram shows to this role in this language."""
    with translation.override(language):
        return [
            {"command": command.name, "description": str(command.description)}
            for command in COMMANDS
            if RANK[command.role] <= RANK[role]
        ]


def show_to(user: User) -> None:
    """Enqueue the person's own menu, for their role, in the language they chose or their app has."""
    if user.telegram_id is None or not bot_id():
        return
    role = Role(user.role) if user.may_use else None
    place = Place(bot_id(), user.telegram_id)
    scope = {"type": "chat", "chat_id": user.telegram_id}
    key = f"menu:{user.pk}:{timezone.now().timestamp():.6f}"
    for code in ["", *_other_languages()]:
        # A choice goes into every list: the one for the app's language, set before it, would win over the general one.
        language = user.language or code or settings.LANGUAGE_CODE
        params: dict[str, Any] = {"commands": menu(role, language), "scope": scope}
        outgoing.call(
            f"{key}:{code or 'any'}", place, "setMyCommands", params | ({"language_code": code} if code else {})
        )


def show_to_all() -> None:
    """Enqueue the menus of those without one of their own; the key changes only when a menu does."""
    for code in ["", *_other_languages()]:
        for scope, role in (("default", None), ("all_group_chats", Role.MEMBER)):
            commands = menu(role, code or settings.LANGUAGE_CODE)
            params: dict[str, Any] = {"commands": commands, "scope": {"type": scope}}
            if code:
                params["language_code"] = code
            mark = zlib.crc32(repr(params).encode())
            outgoing.call(f"menu:{bot_id()}:{scope}:{code}:{mark}", Place(bot_id(), 0), "setMyCommands", params)


def _other_languages() -> list[str]:
    return [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
