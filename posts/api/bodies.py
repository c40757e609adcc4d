"""What is sent to us of posts: its form. What a post may be is the services' to say (services.checking)."""

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BeforeValidator, ConfigDict, Field

from rest.bodies import Body, Time, Whole, without_defaults

MOST_BODY = 256 * 1024  # bytes
MOST_TEXT = 20_000  # characters: Markdown is longer than what is shown of it
MOST_ITEMS = 1000  # of a list; what Telegram takes is less, and told in its own words

# What an answer shows and nobody may set.
READ_ONLY = frozenset({
    "id", "state", "status_reason", "kind", "title", "markdown", "planned_at", "timezone", "wall_time",
    "published_at", "late", "warning", "checked_at", "repeat_of", "created_by_assistant_id", "version", "created_at",
    "updated_at",
})  # fmt: skip

Yes = Annotated[bool, Field(strict=True)]
Words = Annotated[str, Field(max_length=MOST_TEXT)]
Address = Annotated[str, Field(max_length=4000)]
Number64 = Annotated[Whole, Field(ge=-(2**63), lt=2**63)]
ChatId = Annotated[Number64, Field(description="Telegram's id, as GET /api/posts/places lists it")]
Thread = Annotated[Whole, Field(ge=0, lt=2**53, description="a topic of the group; 0: none, or the general one")]
Zone = Annotated[str, Field(max_length=100, description="IANA name, or `owner`: the author's own")]


class EntityIn(Body):
    """Formatting, as the Bot API has it (MessageEntity); offset and length count UTF-16 units."""

    type: Annotated[str, Field(max_length=40)]
    offset: Annotated[Whole, Field(ge=0, lt=2**31)]
    length: Annotated[Whole, Field(ge=1, lt=2**31)]
    url: Address | None = None
    language: Annotated[str, Field(max_length=100)] | None = None
    custom_emoji_id: Annotated[str, Field(max_length=100)] | None = None
    user: dict[str, Any] | None = None
    unix_time: Annotated[Whole, Field(ge=0, lt=2**53)] | None = None
    date_time_format: Annotated[str, Field(max_length=100)] | None = None


Entities = Annotated[list[EntityIn], Field(max_length=MOST_ITEMS)]


class MediumIn(Body):
    """A file, in the order in which it is to appear."""

    id: Annotated[str, Field(max_length=200, description="as an upload, or a post that has it, names it")]
    kind: Annotated[
        Literal["photo", "video", "animation", "document", "audio"] | None,
        Field(description="as what it is sent; null: as what it is"),
    ] = None
    text: Annotated[Words, Field(description="its own caption, in an album from the second file on")] = ""
    entities: Annotated[Entities | None, Field(description="of that; null: `text` is Markdown")] = None
    spoiler: Annotated[Yes, Field(description="behind a veil")] = False


class OptionIn(Body):
    text: Words
    entities: Entities = []


def _option(value: Any) -> Any:
    return {"text": value} if isinstance(value, str) else value


Option = Annotated[OptionIn, BeforeValidator(_option, json_schema_input_type=OptionIn | str)]


class PollIn(Body):
    """A poll, or a quiz."""

    question: Words
    question_entities: Entities = []
    options: Annotated[list[Option], Field(max_length=MOST_ITEMS, description="a text, or a text with formatting")]
    quiz: Yes = False
    correct: Annotated[
        list[Annotated[Whole, Field(ge=0, lt=MOST_ITEMS)]],
        Field(max_length=MOST_ITEMS, description="of a quiz: which options are right, counted from 0"),
    ] = []
    explanation: Annotated[Words, Field(description="of a quiz: shown to who chose wrong")] = ""
    explanation_entities: Entities = []
    anonymous: Yes = True
    multiple: Annotated[Yes, Field(description="several answers")] = False
    open_seconds: Annotated[Whole, Field(ge=1, lt=2**31, description="closes by itself after so long")] | None = None


class ButtonIn(Body):
    text: Annotated[str, Field(max_length=MOST_TEXT)]
    url: Address


class TargetIn(Body):
    """Where it is to appear."""

    chat_id: ChatId
    thread_id: Thread = 0


Buttons = Annotated[
    list[Annotated[list[ButtonIn], Field(max_length=MOST_ITEMS)]],
    Field(max_length=MOST_ITEMS, description="rows of buttons"),
]
Media = Annotated[list[MediumIn], Field(max_length=MOST_ITEMS, description="several: an album")]
Targets = Annotated[list[TargetIn], Field(max_length=MOST_ITEMS)]
Minutes = Annotated[Whole, Field(ge=1, lt=2**31, description="deleted everywhere so long after it appeared")]
Hours = Annotated[Whole, Field(ge=1, le=8784, description="how late it may still go out; null: POST_EXPIRE_HOURS")]


class OfPost(Body):
    READ_ONLY: ClassVar = READ_ONLY


class PostIn(OfPost):
    """A new post. It is a draft until it is scheduled or published."""

    author: Annotated[Whole, Field(ge=1, lt=2**63, description="the Telegram id of an editor or an admin")]
    text: Annotated[
        Words, Field(description="the message, or the caption of its file; Markdown if `entities` is null")
    ] = ""
    entities: Entities | None = None
    media: Media = []
    poll: PollIn | None = None
    buttons: Buttons = []
    targets: Annotated[Targets, Field(description="channels and groups")] = []
    silent: Annotated[Yes, Field(description="without a sound")] = False
    protected: Annotated[Yes, Field(description="cannot be forwarded or saved")] = False
    pin: Yes = False
    link_preview: Yes = True
    caption_above: Annotated[Yes, Field(description="the caption above the picture")] = False
    general_allowed: Annotated[
        Yes, Field(description="where the topic is gone or closed, the general one may take it")
    ] = False
    delete_after_minutes: Minutes | None = None
    expire_hours: Hours | None = None


class PostChange(OfPost):
    """What is to be different; what is not named stays. What has appeared is edited in all its chats."""

    READ_ONLY: ClassVar = READ_ONLY | {"author"}
    model_config = ConfigDict(extra="forbid", json_schema_extra=without_defaults)

    text: Annotated[Words, Field(description="Markdown, unless `entities` come along")] = ""
    entities: Annotated[Entities | None, Field(description="of `text`, which must come along")] = None
    media: Media = []
    poll: PollIn | None = None
    buttons: Buttons = []
    targets: Targets = []
    silent: Yes = False
    protected: Yes = False
    pin: Yes = False
    link_preview: Yes = True
    caption_above: Yes = False
    general_allowed: Yes = False
    delete_after_minutes: Minutes | None = None
    expire_hours: Hours | None = None


class TargetsIn(Body):
    targets: Targets


class PlanIn(Body):
    """When it is to appear."""

    planned_at: Annotated[Time, Field(description="RFC 3339; without an offset what the clock of `timezone` shows")]
    timezone: Zone | None = None


class CancelIn(Body):
    reason: Annotated[str, Field(max_length=300, description="for people")] = ""


class SomeTargets(Body):
    targets: Annotated[
        list[Annotated[Whole, Field(ge=1, lt=2**63)]] | None,
        Field(max_length=MOST_ITEMS, description="ids of targets; null: all that it concerns"),
    ] = None


class FoundIn(Body):
    """What a person saw in the chat."""

    outcome: Annotated[
        Literal["there", "again"], Field(description="it is there; or it is not, and is to be sent again")
    ]
    message_ids: Annotated[
        list[Annotated[Whole, Field(ge=1, lt=2**53)]],
        Field(max_length=10, description="of what is there, if they are known: only then it can be edited and deleted"),
    ] = []
