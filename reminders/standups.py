"""The tool by which an assistant prepares a stand-up in a group; who planned it confirms it with one tap.

What becomes of it when its time comes is the business of settings.ASSISTANT_TASKS; the payload is all that both know.
"""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import Access, User
from delivery.schedule import Once
from llm.toolbox import Arguments, Asked, Tool, ToolError
from reminders import services, tools

TASK = "standup"
PRIVATELY, IN_GROUP = "privately", "group"


def _create(asked: Asked, arguments: Arguments) -> str:
    if asked.chat.is_private:
        raise ToolError("A stand-up belongs to a group: ask the person to say this to the bot in the team's group.")
    zone = tools.zone_of(asked.user)
    found = tools.when_of(arguments["when"], asked.now, zone)
    if isinstance(found.rule, Once):
        raise ToolError("A stand-up comes again and again: say for instance “every weekday at 10:00”.")
    members = _people(arguments.get("members", ()))
    draft = services.Draft(
        user=asked.user,
        rule=found.rule,
        zone=zone.key,
        payload=_payload(arguments, members, zone.key),
        chat=asked.chat,
        thread=asked.thread,
        title=_title(arguments),
        zone_of_owner=True,
        assistant_id=asked.assistant,
        created_by=asked.user,
        created_by_assistant=asked.assistant,
        source_message_id=asked.message_id,
        confirmed=False,
    )
    return tools.prepare(draft, asked, [*_told(draft.payload, members), *found.assumed])


def _payload(arguments: Arguments, members: Iterable[User], zone: str) -> dict[str, Any]:
    """As docs/howto/monitoring-and-standups.md tells it."""
    kept = ("questions", "ask", "days_off", "holidays", "on_day_off", "at", "until")
    payload = {"task": TASK, "title": _title(arguments), "zone": zone}
    payload |= {name: arguments[name] for name in kept if arguments.get(name)}
    ids = [member.telegram_id for member in members]
    return payload | ({"members": ids} if ids else {})


def _title(arguments: Arguments) -> str:
    return " ".join(arguments.get("title", "").split()) or _("Stand-up")


def _people(names: Iterable[str]) -> list[User]:
    """Each of them once, in this order."""
    people = list(User.objects.filter(status=Access.ACTIVE, is_active=True, telegram_id__isnull=False)) if names else []
    return list(dict.fromkeys(_person(name, people) for name in names))


def _person(name: str, people: Iterable[User]) -> User:
    """Somebody of ``people``, by their Telegram id, username or name."""
    plain = name.strip().lstrip("@").casefold()
    found = [one for one in people if plain in {str(one.telegram_id), one.telegram_username.casefold()}]
    found = found or [one for one in people if plain in {one.name.casefold(), one.first_name.casefold()}]
    if len(found) != 1:
        why = "is nobody who may use the bot" if not found else "may be several people: give the @username"
        raise ToolError(f"{name} {why}.")
    return found[0]


def _told(payload: dict[str, Any], members: Iterable[User]) -> list[str]:
    """What it will do, for the person who answers for it."""
    names = ", ".join(member.name for member in members) or _("everybody who writes here and may use the bot")
    private = payload.get("ask", PRIVATELY) == PRIVATELY
    lines = [
        (_("I ask in private: %(names)s") if private else _("I ask here: %(names)s")) % {"names": names},
        *(f"– {one}" for one in payload.get("questions", ())),
        _("Summed up here at %(time)s.") % {"time": payload["until"]} if "until" in payload else _("Summed up here."),
    ]
    if days := len(payload.get("holidays", ())):
        lines.append(ngettext("Not on %(count)d holiday.", "Not on %(count)d holidays.", days) % {"count": days})
    return lines


def _listed(items: dict[str, Any], text: str) -> dict[str, Any]:
    return {"type": "array", "items": items, "description": text}


CLOCK = {"type": "string", "minLength": 5, "maxLength": 5}
create_standup = Tool(
    "create_standup",
    "Prepares a stand-up of the group it is called in: at each run its members are asked, and their answers are summed "
    "up in the group. The person confirms it with one tap.",
    {
        "type": "object",
        "properties": {
            "when": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "When it begins, in plain words: “every weekday at 10:00”.",
            },
            "title": {"type": "string", "maxLength": 100},
            "questions": _listed({"type": "string", "maxLength": 300}, "What is asked; without them three usual ones."),
            "members": _listed(
                {"type": "string", "maxLength": 80},
                "Names or @usernames; without them everybody who writes in the group.",
            ),
            "ask": {"type": "string", "enum": [PRIVATELY, IN_GROUP], "description": "Where they are asked."},
            "at": {
                **CLOCK,
                "description": "Only if each is asked by their own clock: that time, such as 10:00. Then it must begin "
                "before it is that time anywhere.",
            },
            "until": {**CLOCK, "description": "When the answers are summed up, such as 12:00; else after two hours."},
            "days_off": _listed(
                {"type": "string", "enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]}, "Weekdays without it."
            ),
            "holidays": _listed({"type": "string", "maxLength": 10}, "Dates without it, such as 2026-12-31."),
            "on_day_off": {
                "type": "string",
                "enum": ["skip", "move"],
                "description": "On a day off it is left out, or moves to the next working day.",
            },
        },
        "required": ["when"],
    },
    _create,
)
