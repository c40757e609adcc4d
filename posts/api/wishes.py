"""Bodies of requests as values of the services: files and chats found, all that cannot be found told at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Chat, ChatKind
from core.problem import Flaw, HttpProblem, bad
from delivery.schedule import RuleError, zone_of
from posts.api import uploads
from posts.api.bodies import EntityIn, MediumIn, PlanIn, PollIn, PostChange, PostIn, TargetIn
from posts.content import OPTIONS, Entities, Medium, Place, Poll, Refused
from posts.models import Post
from posts.services import composing
from posts.services.times import zone_name
from rest.routing import person
from rest.times import BadTime, no_zone, parse
from telegram_bot.outgoing import bot_id

OWNER = "owner"
Values = dict[str, Any]


@dataclass
class _Reader:
    """Reads a body; what is wrong gathers in ``flaws``."""

    body: PostIn | PostChange
    flaws: list[Flaw]

    def values(self, names: Iterable[str]) -> Values:
        """``names`` as the services take them. Raises HttpProblem."""
        found: Values = {}
        for name in names:
            value = getattr(self.body, name)
            match name:
                case "entities":
                    found[name] = None if value is None else _entities(value)
                case "media":
                    found[name] = media_of(value, self.flaws)
                case "poll":
                    found[name] = None if value is None else _poll(value)
                case "buttons":
                    found[name] = [[button.model_dump() for button in row] for row in value]
                case "targets":
                    found["places"] = places_in(value, self.flaws)
                case _:
                    found[name] = value
        if self.flaws:
            raise HttpProblem(400, flaws=self.flaws)
        return found


NAMES = ("text", "entities", "media", "poll", "buttons", "targets", *OPTIONS)


def wish_of(body: PostIn) -> Values:
    """What `create_draft` is told of a new post, with its author. Raises HttpProblem."""
    return {"author": person(body.author), **_Reader(body, []).values(NAMES)}


def changes_of(body: PostChange) -> Values:
    """What `change_post` is told. Raises HttpProblem."""
    sent = body.model_fields_set
    flaws = []
    if "entities" in sent and "text" not in sent:
        flaws.append(Flaw("text", "missing", _("Send the text along with its entities.")))
    return _Reader(body, flaws).values(name for name in NAMES if name in sent)


def _entities(found: Sequence[EntityIn]) -> Entities:
    return [entity.model_dump(exclude_none=True) for entity in found]


def _poll(body: PollIn) -> Poll:
    return body.model_dump(exclude_none=True) | {"open_seconds": body.open_seconds}


def media_of(found: Sequence[MediumIn], flaws: list[Flaw]) -> list[Medium]:
    media = []
    for position, body in enumerate(found):
        try:
            medium = uploads.find(body.id, kind=body.kind or "", position=position)
        except Refused as error:
            flaws += [Flaw(one.field, one.code, one.text) for one in error.problems]
            continue
        if medium is None:
            text = _("There is no such file. Upload it, and name the id that the answer has.")
            flaws.append(Flaw(f"media.{position}.id", "unknown-file", text))
        else:
            media.append(_described(medium, body))
    return media


def _described(medium: Medium, body: MediumIn) -> Medium:
    if body.entities is not None:
        text, entities = body.text, _entities(body.entities)
    else:
        text, entities = composing.render(body.text) if body.text else ("", [])
    return replace(medium, text=text, entities=entities, spoiler=body.spoiler)


def places_in(found: Sequence[TargetIn], flaws: list[Flaw]) -> list[Place]:
    """Channels and groups that the bot knows."""
    chats = {chat.telegram_id: chat for chat in known_chats().filter(telegram_id__in={one.chat_id for one in found})}
    places: list[Place] = []
    for number, one in enumerate(found):
        chat = chats.get(one.chat_id)
        if chat is None:
            text = _("The bot knows no such channel or group. Add it there as an administrator first.")
            flaws.append(Flaw(f"targets.{number}.chat_id", "unknown-chat", text))
            continue
        place = Place(chat, one.thread_id)
        if place in places:
            flaws.append(Flaw(f"targets.{number}", "twice", _("This target is named twice.")))
        places.append(place)
    return places


def known_chats() -> Any:
    return Chat.objects.filter(bot_id=bot_id()).exclude(kind=ChatKind.PRIVATE)


def plan_of(body: PlanIn, post: Post) -> Values:
    """``at`` and ``zone`` of `schedule_post`. A time without an offset needs a zone. Raises HttpProblem."""
    zone = zone_name(post.author) if body.timezone == OWNER else body.timezone
    try:
        clock = None if zone is None else zone_of(zone).key
        at = parse(body.planned_at)
        if at.tzinfo is None and clock is None:
            raise no_zone()
    except RuleError as error:
        raise bad("timezone", error.code, str(error)) from error
    except BadTime as error:
        raise HttpProblem(400, flaws=[error.flaw("planned_at")]) from error
    return {"at": at, "zone": clock or ""}
