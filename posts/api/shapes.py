"""What we answer of posts. The classes describe it in the OpenAPI, the functions make it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from accounts.models import AuditEntry, Chat
from posts.api import uploads
from posts.content import Problem
from posts.models import Post, PostMedia, PostTarget, Topic
from posts.services import rights
from posts.services.composing import Call
from posts.services.times import note_on
from posts.words import link_of, reason_of
from rest.answers import PageOut, Shape, note
from rest.times import written

States = Literal[
    "draft", "scheduled", "held", "publishing", "published", "partial", "error", "expired", "cancelled"
]  # fmt: skip
TargetStates = Literal["waiting", "queued", "sent", "unknown", "failed", "cancelled", "deleted", "gone"]
MediaKinds = Literal["photo", "video", "animation", "document", "audio"]
Entity = dict[str, Any]
# Services and rows speak of places and zones, programs of targets and of a timezone, as they do of reminders.
NAMES = {"places": "targets", "zone": "timezone"}


class OptionOut(Shape):
    text: str
    entities: list[Entity]


class PollOut(Shape):
    question: str
    question_entities: list[Entity]
    options: list[OptionOut]
    quiz: bool
    correct: list[int]
    explanation: str
    explanation_entities: list[Entity]
    anonymous: bool
    multiple: bool
    open_seconds: int | None


class ButtonOut(Shape):
    text: str
    url: str


class MediumOut(Shape):
    id: Annotated[str, note("by which it may be named in other posts")]
    kind: MediaKinds
    name: str
    mime: str
    size: Annotated[int | None, note("bytes")]
    width: int | None
    height: int | None
    duration: Annotated[int | None, note("seconds")]
    text: Annotated[str, note("its own caption; the first one's is the post's text")]
    entities: list[Entity]
    spoiler: bool


class UploadOut(Shape):
    id: Annotated[str, note("to be named in `media` of posts")]
    kind: MediaKinds
    name: str
    mime: Annotated[str, note("what the content is, whatever its name says")]
    size: Annotated[int | None, note("bytes")]
    width: int | None
    height: int | None
    duration: Annotated[int | None, note("seconds")]


class ReactionOut(Shape):
    emoji: str
    count: int


class VoteOut(Shape):
    text: str
    votes: int


class TargetOut(Shape):
    id: int
    chat_id: Annotated[int, note("Telegram's")]
    title: str
    thread_id: Annotated[int, note("0: no topic, or the general one")]
    state: Annotated[TargetStates, note("unknown: it may have appeared, a person must look (resolve)")]
    attempt: Annotated[int, note("how often it was sent there")]
    message_ids: list[int]
    link: Annotated[str | None, note("to the message, for who may see it")]
    sent_at: datetime | None
    is_current: Annotated[bool | None, note("false: an edit has not arrived there; null: nothing is to be seen there")]
    error_kind: str
    error: Annotated[str, note("as Telegram said it")]
    detail: Annotated[str, note("what that means and what to do, for people")]
    warning: Annotated[str, note("it is there, but the pin, an edit or the deletion failed")]
    pinned: bool
    reactions: Annotated[list[ReactionOut], note("as far as Telegram told of any")]
    votes: Annotated[list[VoteOut] | None, note("of a poll; null: Telegram told of none")]
    counted_at: datetime | None


class PostOut(Shape):
    id: str
    author: Annotated[int | None, note("Telegram id; null: nobody any more")]
    state: States
    status_reason: Annotated[str, note("why it is held or was cancelled")]
    kind: Literal["text", "media", "album", "poll"]
    title: Annotated[str, note("its first words")]
    text: str
    entities: list[Entity]
    markdown: Annotated[str, note("as it was written, if it was Markdown")]
    media: list[MediumOut]
    poll: PollOut | None
    buttons: list[list[ButtonOut]]
    targets: list[TargetOut]
    silent: bool
    protected: bool
    pin: bool
    link_preview: bool
    caption_above: bool
    general_allowed: bool
    delete_after_minutes: int | None
    expire_hours: Annotated[int | None, note("null: POST_EXPIRE_HOURS")]
    planned_at: datetime | None
    timezone: Annotated[str, note("whose clock it was planned by; may be empty")]
    wall_time: Annotated[str, note("what that clock is to show; empty when an instant was given")]
    remark: Annotated[str, note("what is odd about the time, such as an hour that comes twice")]
    published_at: datetime | None
    late: Annotated[bool, note("it left more than a minute after its time")]
    warning: Annotated[str, note("what the check shortly before its time found wrong")]
    checked_at: datetime | None
    repeat_of: str | None
    created_by_assistant_id: str | None
    version: Annotated[int, note("counts changes; the ETag")]
    created_at: datetime
    updated_at: datetime


class PostsOut(PageOut):
    items: list[PostOut]


class TargetsOut(Shape):
    items: list[TargetOut]


class ChangedOut(Shape):
    targets: Annotated[int, note("in how many chats something was set going; what comes of it, the targets say")]
    post: PostOut


class ProblemOfPostOut(Shape):
    """Why it could not be published as it is."""

    field: str
    code: str
    detail: str
    chat_id: Annotated[int | None, note("where, if it concerns one chat only")]
    thread_id: int | None


class CallOut(Shape):
    """A call of the Bot API, as it would leave."""

    chat_id: int
    thread_id: int
    method: str
    params: dict[str, Any]
    files: Annotated[list[str], note("fields of the params that name a file to be brought along")]


class TriedOut(Shape):
    """What would come of it; nothing was saved."""

    problems: Annotated[list[ProblemOfPostOut], note("what stands in the way of publishing; empty: nothing")]
    warnings: Annotated[list[str], note("what somebody should know, for people")]
    planned_at: datetime | None
    preview: Annotated[list[CallOut], note("for each target; without targets one for chat 0")]


class TopicOut(Shape):
    thread_id: int
    name: str
    closed: bool


class PlaceOut(Shape):
    chat_id: int
    title: str
    username: str
    kind: Literal["group", "supergroup", "channel"]
    problems: Annotated[list[ProblemOfPostOut], note("what stands against a post of text there; empty: nothing known")]
    bot_status: Annotated[str, note("as what the bot is there (ChatMember); empty: not known yet")]
    bot_rights: Annotated[dict[str, bool], note("the bot's rights there, by Telegram's names")]
    rights_at: datetime | None
    topics: Annotated[list[TopicOut], note("as far as the bot has heard of them")]


class PlacesOut(PageOut):
    items: list[PlaceOut]


class LagOut(Shape):
    """Seconds between the plan and the appearance."""

    median: float
    p95: float
    worst: float
    sample: Annotated[int, note("of so many targets")]


class TargetErrorsOut(Shape):
    title: str
    error_kind: str
    count: int
    last_at: datetime


class StatsOut(Shape):
    counts: Annotated[
        dict[str, int],
        note(
            "posts by state; `ready`: due and not gone out yet; `overdue`: so for long; `unknown`: targets to look at"
        ),
    ]
    lag: Annotated[LagOut | None, note("of the last 30 days; null: nothing appeared")]
    errors: Annotated[list[TargetErrorsOut], note("where posts did not appear in the last 30 days")]
    next: Annotated[list[PostOut], note("the next ten, the longest due first")]


class JobOut(Shape):
    what: Literal["publish", "check", "delete"]
    at: datetime
    post_id: str
    title: str


class StatusOut(Shape):
    alive: Annotated[bool, note("somebody looks for what is due")]
    trouble: bool
    last_tick_at: datetime | None
    oldest_due_at: datetime | None
    lag_seconds: Annotated[float, note("since when the longest due waits")]
    overdue: int
    planned: int
    jobs: Annotated[list[JobOut], note("the next twenty things that the scheduler does for posts")]


class PostEntryOut(Shape):
    id: int
    at: datetime
    action: str
    post_id: str
    actor: str
    actor_user_id: int | None
    via: str
    details: dict[str, Any]


class PostEntriesOut(PageOut):
    items: list[PostEntryOut]


# --- rows -----------------------------------------------------------------------------------------------------------


def post(row: Post) -> dict[str, Any]:
    """``row`` as `routing.whole` loads it."""
    return {
        "id": str(row.pk),
        "author": row.author.telegram_id if row.author else None,
        "state": row.state,
        "status_reason": row.status_reason,
        "kind": row.kind,
        "title": row.title,
        "text": row.text,
        "entities": row.entities,
        "markdown": row.markdown,
        "media": [medium(one) for one in row.media.all()],
        "poll": poll(row.poll) if row.poll else None,
        "buttons": row.buttons,
        "targets": [target(one, row) for one in row.targets.all()],
        "silent": row.silent,
        "protected": row.protected,
        "pin": row.pin,
        "link_preview": row.link_preview,
        "caption_above": row.caption_above,
        "general_allowed": row.general_allowed,
        "delete_after_minutes": row.delete_after_minutes,
        "expire_hours": row.expire_hours,
        **_times(row),
        "warning": row.warning,
        "checked_at": written(row.checked_at),
        "repeat_of": str(row.repeat_of_id) if row.repeat_of_id else None,
        "created_by_assistant_id": str(row.created_by_assistant) if row.created_by_assistant else None,
        "version": row.version,
        "created_at": written(row.created_at),
        "updated_at": written(row.updated_at),
    }


def _times(row: Post) -> dict[str, Any]:
    return {
        "planned_at": written(row.planned_at),
        "timezone": row.zone,
        "wall_time": row.wall_time,
        "remark": note_on(row.wall_time, row.zone),
        "published_at": written(row.published_at),
        "late": row.late,
    }


def poll(said: dict[str, Any]) -> dict[str, Any]:
    """With all that may be left out."""
    usual = {"question_entities": [], "quiz": False, "correct": [], "explanation": "", "explanation_entities": []}
    usual |= {"anonymous": True, "multiple": False, "open_seconds": None}
    options = [{"entities": [], **option} for option in said["options"]]
    return {**usual, **said, "options": options}


def medium(row: PostMedia) -> dict[str, Any]:
    named = {name: getattr(row, name) for name in (*LOOKS, "text", "entities", "spoiler")}
    return {"id": uploads.name_of(row), **named}


LOOKS = ("kind", "name", "mime", "size", "width", "height", "duration")


NOT_THERE = (PostTarget.State.FAILED, PostTarget.State.UNKNOWN)


def target(row: PostTarget, of: Post) -> dict[str, Any]:
    there = row.state == PostTarget.State.SENT
    same = ("state", "attempt", "message_ids", "error_kind", "error", "warning", "pinned", "reactions", "votes")
    return {
        "id": row.pk,
        "chat_id": row.chat.telegram_id,
        "title": row.chat.title,
        "thread_id": row.thread_id,
        "link": (link_of(row) or None) if there else None,
        "detail": reason_of(row) if row.state in NOT_THERE else "",
        "sent_at": written(row.sent_at),
        "is_current": row.revision >= of.revision if there else None,
        "counted_at": written(row.counted_at),
        **{name: getattr(row, name) for name in same},
    }


def problem(found: Problem) -> dict[str, Any]:
    place = found.target
    return {
        "field": NAMES.get(found.field, found.field),
        "code": found.code,
        "detail": found.text,
        "chat_id": place.chat.telegram_id if place else None,
        "thread_id": place.thread if place else None,
    }


def call(made: Call, chat_id: int, thread: int) -> dict[str, Any]:
    files = [str(upload["field"]) for upload in made.uploads]
    return {"chat_id": chat_id, "thread_id": thread, "method": made.method, "params": made.params, "files": files}


def place(chat: Chat, topics: Sequence[Topic]) -> dict[str, Any]:
    same = ("title", "username", "kind", "bot_status", "bot_rights")
    shown = [{"thread_id": one.thread_id, "name": one.name, "closed": one.closed} for one in topics]
    named = {name: getattr(chat, name) for name in same}
    troubles = [problem(one) for one in rights.trouble_of(chat)]
    at = written(chat.rights_at)
    return {"chat_id": chat.telegram_id, **named, "problems": troubles, "rights_at": at, "topics": shown}


def entry(row: AuditEntry) -> dict[str, Any]:
    return {
        "id": row.pk,
        "at": written(row.at),
        "action": row.action,
        "post_id": row.target.partition(":")[2],
        "actor": row.actor_label,
        "actor_user_id": row.actor.telegram_id if row.actor else None,
        "via": row.via,
        "details": row.details,
    }
