"""The subcommands of ``/admin`` that belong to the house. Capabilities have tables of their own (ADMIN_COMMANDS)."""

from functools import partial

from django.utils.translation import gettext_lazy as _

from accounts.models import Access
from telegram_bot.admin_chat import announcements, catalogue, health, people, sessions
from telegram_bot.admin_chat.command import Command

COMMANDS = (
    Command("approve", "approve <id>", _("Let a person in"), partial(people.decide, Access.ACTIVE)),
    Command("reject", "reject <id>", _("Do not let a person in"), partial(people.decide, Access.REJECTED)),
    Command(
        "block", "block <id>", _("Close the door for good"), partial(people.decide, Access.BLOCKED), sensitive=True
    ),
    Command("role", "role <id> [member|editor|admin]", _("Give a person a role"), people.role, sensitive=True),
    Command(
        "users",
        "users [pending|active|blocked|rejected]",
        _("Who is here, who waits"),
        people.users,
        button=_("👥 People"),
    ),
    Command("invite", "invite member 24", _("A link for one person: role, hours"), people.invite),
    Command("invite admin", "invite admin 24", _("A link that makes an admin"), people.invite_admin, sensitive=True),
    Command("models", "models [provider]", _("The catalogue of models"), catalogue.models, button=_("🧠 Models")),
    Command("refresh models", "refresh models", _("Ask the providers for their models now"), catalogue.refresh),
    Command("enable", "enable <model>", _("Offer a model"), catalogue.enable),
    Command("disable", "disable <model>", _("Hide a model"), catalogue.disable, sensitive=True),
    Command(
        "broadcast",
        "broadcast <text>",
        _("An announcement to everybody: write it, or reply to a message; you see it before it leaves"),
        announcements.draft,
        button=_("📣 Announce"),
    ),
    Command("broadcast send", "broadcast send <number>", _("Send it"), announcements.send, sensitive=True),
    Command("broadcast cancel", "broadcast cancel <number>", _("Give it up, or stop it"), announcements.cancel),
    Command("broadcast again", "broadcast again <number>", _("Repeat what is in doubt"), announcements.again),
    Command("password cancel", "password cancel", _("Do not wait for the password"), sessions.cancel),
    Command("health", "health", _("Is all well?"), health.health, button=_("🩺 Health")),
)
