"""What an assistant may do with posts by tool call, on behalf of the editor who asks.

It drafts and proposes: the person sees the post as it will look and a card, and only their tap plans or publishes it.
To cancel waits for a Yes. Nothing here is ever published by a model.
"""

from datetime import timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Chat, Role
from delivery.schedule_words import local
from llm.toolbox import Arguments, Asked, Tool, ToolError
from posts import services, words
from posts.chat import asking, cards, clock, place, shelf
from posts.chat.cards import Menu
from posts.content import NotNow, Place, Refused
from posts.models import Post, State
from posts.services import rights
from telegram_bot import outgoing

EDITORS = frozenset({Role.EDITOR, Role.ADMIN})
VIA = "tool"
MOST_LISTED = 20
# The same words within this time are the same draft.
AGAIN = timedelta(minutes=10)
SHORT_ID, LEAST_ID = 8, 4
LATEST = 500  # posts among which an id is looked for
QUOTES = "“”«»\"' "


# --- drafting -------------------------------------------------------------------------------------------------------


def _draft(asked: Asked, arguments: Arguments) -> str:
    _check(asked)
    places = [_chat(title) for title in arguments.get("where", [])]
    reading = _reading(asked, arguments["when"]) if arguments.get("when") else None
    if (known := _made_just_now(asked, arguments["text"])) is not None:
        return f"It exists already, nothing was made: {line(known, asked)}"
    buttons = [[{"text": one["text"], "url": one["url"]}] for one in arguments.get("buttons", [])]
    try:
        post = services.create_draft(
            asked.user, text=arguments["text"], buttons=buttons, places=[Place(chat) for chat in places],
            assistant=asked.assistant, via=VIA, now=asked.now,
        )  # fmt: skip
    except Refused as refused:
        raise ToolError(str(refused)) from refused
    place.preview(f"postview:{post.pk}:tool", _spot(asked), post)
    _show(asked, post, cards.card(post, asked.user, asked.now) if reading is None else clock.confirming(post, reading))
    return f"Drafted, neither planned nor published: {line(post, asked)}\n{ASK_THEM}"


ASK_THEM = (
    "The person sees the post as it will look, and a card. Only their tap plans or publishes it. Tell them briefly to "
    "check it. Do not say that it is planned or published."
)


def _check(asked: Asked) -> None:
    """A role may have changed since the tools were offered; and drafts are nobody else's business."""
    if not services.may_post(asked.user):
        raise ToolError("This person may not post; an admin can make them an editor.")
    if not asked.chat.is_private:
        raise ToolError("Posts are made in the private chat with the bot only. Tell the person to ask there.")


def _chat(title: str) -> Chat:
    """The channel or group of that name, or whose name alone holds it. Raises ToolError."""
    known = list(rights.places())
    wanted = title.strip(QUOTES).casefold()
    found = [chat for chat in known if wanted in (chat.title.casefold(), f"@{chat.username}".casefold())]
    found = found or [chat for chat in known if wanted and wanted in chat.title.casefold()]
    if len(found) != 1:
        names = ", ".join(f"“{chat}”" for chat in found or known) or "none"
        which = "Several chats have this name" if found else "No channel or group is known by this name"
        raise ToolError(f"{which}: “{title}”. There are: {names}.")
    return found[0]


def _reading(asked: Asked, words_of_time: str) -> clock.Reading:
    """Raises ToolError."""
    language = translation.get_language() or "en"
    try:
        return clock.read(words_of_time, asked.now, asked.now, asked.user, language)
    except clock.AtOnce as at_once:
        raise ToolError("Leave “when” out: the person publishes at once with a button on the card.") from at_once
    except (clock.Unclear, Refused) as unclear:
        raise ToolError(f"“when” is not clear: {unclear} Ask the person if you do not know it.") from unclear


def _made_just_now(asked: Asked, text: str) -> Post | None:
    rows = Post.objects.filter(author=asked.user, state=State.DRAFT, created_at__gt=asked.now - AGAIN)
    return rows.filter(markdown=text).first()


def _spot(asked: Asked) -> outgoing.Place:
    return outgoing.Place(asked.chat.bot_id, asked.chat.telegram_id, asked.thread)


def _show(asked: Asked, post: Post, menu: Menu) -> None:
    """Put a card into the chat, in this transaction; only the person may press."""
    # A model may propose several times at once: each card of its own.
    key = f"postcard:{post.pk}:tool:{uuid4().hex}"
    outgoing.say(key, _spot(asked), menu[0], menu[1], owner=asked.user, source=place.SOURCE)


draft_post = Tool(
    "draft_post",
    "Drafts a post for the team's channels and groups and shows it to the person as it will look. It neither plans nor "
    "publishes anything: that is the person's tap.",
    {
        "type": "object",
        "properties": {
            "text": {
                "type": "string",
                "minLength": 1,
                "maxLength": 4096,
                "description": "The post in Markdown, ready for readers.",
            },
            "buttons": {
                "type": "array",
                "description": "Buttons with links under it, one a row.",
                "items": {
                    "type": "object",
                    "properties": {
                        "text": {"type": "string", "minLength": 1, "maxLength": 64},
                        "url": {"type": "string", "minLength": 1, "maxLength": 2000},
                    },
                    "required": ["text", "url"],
                },
            },
            "where": {
                "type": "array",
                "description": "Titles of channels or groups, if the person named them.",
                "items": {"type": "string", "minLength": 1, "maxLength": 255},
            },
            "when": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "If the person said it, in their words (“tomorrow at 10”, «в пятницу в 18:30»), or "
                "their local time as 2026-11-21T18:00. It is proposed, not planned.",
            },
        },
        "required": ["text"],
    },
    _draft,
    roles=EDITORS,
)


# --- looking --------------------------------------------------------------------------------------------------------


def _list(asked: Asked, arguments: Arguments) -> str:
    _check(asked)
    rows = shelf.rows_of(arguments.get("which", shelf.NEXT), 0, MOST_LISTED + 1)
    lines = [line(post, asked) for post in rows[:MOST_LISTED]]
    if len(rows) > MOST_LISTED:
        lines.append("There are more; the person sees all of them with /posts.")
    return "\n".join(lines) or "There are none."


def line(post: Post, asked: Asked) -> str:
    """One post for a model: its id, state, time with the zone, where, and its first words."""
    at = post.planned_at if post.state != State.DRAFT else None
    places = ", ".join(words.place_of(target) for target in cards.targets(post)) or "nowhere yet"
    when = [local(at, cards.zone_of(asked.user))] if at is not None else []
    parts = [f"[{str(post.pk)[:SHORT_ID]}]", State(post.state).value, *when, places, f"“{cards.name_of(post)}”"]
    return " · ".join(parts)


list_posts = Tool(
    "list_posts",
    "Lists the team's posts with their ids, states, times and places.",
    {
        "type": "object",
        "properties": {
            "which": {
                "type": "string",
                "enum": [shelf.DRAFTS, shelf.NEXT, shelf.PUBLISHED, shelf.ERRORS],
                "description": "What is planned next, if not said.",
            }
        },
    },
    _list,
    roles=EDITORS,
)


# --- one of them ----------------------------------------------------------------------------------------------------

IDENT = {
    "type": "string",
    "minLength": LEAST_ID,
    "maxLength": 36,
    "description": "The id in brackets that list_posts gives.",
}


def _found(asked: Asked, ident: str) -> Post:
    _check(asked)
    ident = ident.strip(" []").lower()
    latest: Any = Post.objects.order_by("-updated_at", "id").values_list("pk", flat=True)[:LATEST]
    keys = [key for key in latest if str(key).startswith(ident)] if len(ident) >= LEAST_ID else []
    post = place.one(keys[0]) if len(keys) == 1 else None
    if post is None:
        raise ToolError("There is no post with this id. list_posts gives the ids.")
    if not services.may_change(asked.user, post):
        raise ToolError("It is another person's; only they or an admin may change it.")
    return post


def _propose(asked: Asked, arguments: Arguments) -> str:
    post = _found(asked, arguments["id"])
    if post.state in asking.OUT:
        raise ToolError("It has been published, or is going out. It can be posted again as a new draft.")
    reading = _reading(asked, arguments["when"])
    _show(asked, post, clock.confirming(post, reading))
    return f"Proposed, not planned: {times_of(reading)}\n{ASK_THEM}"


def times_of(reading: clock.Reading) -> str:
    return local(reading.moment.at, ZoneInfo(reading.moment.zone))


propose_post_time = Tool(
    "propose_post_time",
    "Proposes when a draft or a planned post appears; the person plans it with one tap.",
    {
        "type": "object",
        "properties": {
            "id": IDENT,
            "when": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "The person's own words, or their local time as 2026-11-21T18:00.",
            },
        },
        "required": ["id", "when"],
    },
    _propose,
    roles=EDITORS,
)


def _cancel(asked: Asked, arguments: Arguments) -> str:
    post = _found(asked, arguments["id"])
    if _bare(arguments["text"]) != _bare(cards.name_of(post)):
        raise ToolError(f"The post with this id is another one: {line(post, asked)}")
    try:
        done = services.cancel_post(post, arguments.get("reason", ""), by=asked.user, via=VIA, now=asked.now)
    except NotNow as refused:
        raise ToolError(refused.text) from refused
    return f"{'Cancelled' if done else 'There was nothing to cancel'}: {line(post, asked)}"


def _bare(text: str) -> str:
    """The words, however they are quoted and cut off."""
    return " ".join(text.split()).strip(QUOTES).rstrip("…").rstrip()


def _cancel_question(arguments: Arguments) -> str:
    return _("Cancel the post “%(text)s”") % {"text": arguments["text"]}


cancel_post = Tool(
    "cancel_post",
    "Cancels a planned post; the person is asked first.",
    {
        "type": "object",
        "properties": {
            "id": IDENT,
            "text": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "description": "How list_posts quotes it, word for word: the person is asked about it by these words.",
            },
            "reason": {"type": "string", "maxLength": 300, "description": "If the person gave one."},
        },
        "required": ["id", "text"],
    },
    _cancel,
    roles=EDITORS,
    destructive=True,
    question=_cancel_question,
)
