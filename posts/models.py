"""A post, its files, and each chat where it must appear; what was planned and what became of it."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core.ids import uuid7


class State(models.TextChoices):
    """Where a post stands. From ``publishing`` on it follows from its targets (services.settling).

    ``held``: it would have gone out, and a person must decide first (``status_reason`` says why).
    """

    DRAFT = "draft", pgettext_lazy("post", "draft")
    SCHEDULED = "scheduled", pgettext_lazy("post", "scheduled")
    HELD = "held", pgettext_lazy("post", "waits for a decision")
    PUBLISHING = "publishing", pgettext_lazy("post", "going out")
    PUBLISHED = "published", pgettext_lazy("post", "published")
    PARTIAL = "partial", pgettext_lazy("post", "partly published")
    ERROR = "error", pgettext_lazy("post", "error")
    EXPIRED = "expired", pgettext_lazy("post", "expired")
    CANCELLED = "cancelled", pgettext_lazy("post", "cancelled")


# Nothing of it has gone out, and it may still be planned or changed.
UNSENT = (State.DRAFT, State.SCHEDULED, State.HELD, State.ERROR, State.EXPIRED, State.CANCELLED)
# Somewhere it is to be seen.
OUT = (State.PUBLISHED, State.PARTIAL)


class Kind(models.TextChoices):
    """What Telegram makes of it."""

    TEXT = "text", _("text")
    MEDIA = "media", pgettext_lazy("post", "a file")
    ALBUM = "album", _("album")
    POLL = "poll", _("poll")


class MediaKind(models.TextChoices):
    """As the Bot API names them: ``sendPhoto``, ``InputMediaPhoto`` …"""

    PHOTO = "photo", _("photo")
    VIDEO = "video", _("video")
    ANIMATION = "animation", _("animation")
    DOCUMENT = "document", _("document")
    AUDIO = "audio", _("audio")


TITLE = 60  # characters


class Post(models.Model):
    """What is to appear, when, and how. Where: its ``targets``.

    ``text`` with ``entities`` is what Telegram gets: the message's text, or the caption of a file or of an album's
    first file; ``markdown`` is what somebody wrote, when it was Markdown. ``poll`` and ``buttons``: see
    posts/content.py. ``schedule`` is there from the first planning on; ``planned_at`` stays when it is over.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="posts",
        verbose_name=_("author"),
    )  # fmt: skip
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.DRAFT)
    status_reason = models.CharField(_("because"), max_length=300, blank=True)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.TEXT)

    text = models.TextField(_("text"), blank=True)
    entities: "models.JSONField[list[dict[str, Any]]]" = models.JSONField(_("formatting"), default=list, blank=True)
    markdown = models.TextField(_("as it was written"), blank=True)
    poll: "models.JSONField[dict[str, Any] | None]" = models.JSONField(_("poll"), null=True, blank=True)
    buttons: "models.JSONField[list[list[dict[str, str]]]]" = models.JSONField(_("buttons"), default=list, blank=True)
    # Of text, files, poll and buttons; a target shows one of them (PostTarget.revision).
    revision = models.PositiveIntegerField(_("edition"), default=1)

    silent = models.BooleanField(_("without a sound"), default=False)
    protected = models.BooleanField(_("protected from forwarding"), default=False)
    pin = models.BooleanField(_("pin it"), default=False)
    link_preview = models.BooleanField(_("show a preview of links"), default=True)
    caption_above = models.BooleanField(_("caption above the picture"), default=False)
    # Where a topic is closed or gone, the group's general topic may take it.
    general_allowed = models.BooleanField(_("general topic if the topic is gone"), default=False)
    # Telegram lets a bot delete within 48 hours.
    delete_after_minutes = models.PositiveIntegerField(_("delete after, min"), null=True, blank=True)
    # How late it may still go out; empty: POST_EXPIRE_HOURS.
    expire_hours = models.PositiveIntegerField(_("expires after, h"), null=True, blank=True)

    schedule = models.OneToOneField(
        "delivery.Schedule", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("schedule")
    )
    planned_at = models.DateTimeField(_("planned for"), null=True, blank=True)
    # The author's clock when it was planned, and what it is to show; empty when an instant was given.
    zone = models.CharField(_("time zone"), max_length=64, blank=True)
    wall_time = models.CharField(_("by that clock"), max_length=16, blank=True)
    published_at = models.DateTimeField(_("published"), null=True, blank=True)
    # It left more than a minute after its time.
    late = models.BooleanField(_("late"), default=False)
    # What the check shortly before its time found wrong; empty: nothing, or not checked yet.
    warning = models.CharField(_("warning"), max_length=500, blank=True)
    checked_at = models.DateTimeField(_("checked"), null=True, blank=True)
    # Counts the notices to the author, so that each has a key of its own.
    notices = models.PositiveIntegerField(default=0)

    repeat_of = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="repeats", verbose_name=_("repeats")
    )
    created_by_key = models.ForeignKey(
        "accounts.ApiKey", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("made with key")
    )
    created_by_assistant = models.UUIDField(_("made by assistant"), null=True, blank=True)
    idempotency_key = models.CharField(max_length=200, blank=True)
    idempotency_digest = models.CharField(max_length=64, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    # An earlier request with the same idempotency key made it.
    replayed = False

    class Meta:
        verbose_name = _("post")
        verbose_name_plural = _("posts")
        constraints = [
            models.UniqueConstraint(
                fields=["created_by_key", "idempotency_key"], name="post_idempotency", condition=~Q(idempotency_key="")
            )
        ]
        indexes = [
            models.Index(fields=["state", "-planned_at", "id"], name="post_state"),
            models.Index(fields=["planned_at", "id"], name="post_planned"),
            models.Index(fields=["-updated_at", "id"], name="post_newest"),
            models.Index(fields=["author", "state"], name="post_author"),
            models.Index(fields=["planned_at"], name="post_ahead", condition=Q(state__in=["scheduled", "held"])),
        ]

    def __str__(self) -> str:
        # Not what it says: a row's name is read by many (links, the audit).
        return str(self.pk)

    @property
    def title(self) -> str:
        """The first words, by which people know it in a list."""
        said = (self.poll or {}).get("question", "") or self.text
        line = next((line.strip() for line in said.splitlines() if line.strip()), "")
        if len(line) <= TITLE:
            return line
        # Not within a word or an address, which would become a link to somewhere else.
        words, _space, _rest = line[:TITLE].rpartition(" ")
        return f"{(words if len(words) > TITLE // 3 else line[: TITLE - 1]).rstrip(' .,:;')}…"


class PostMedia(models.Model):
    """One file of a post. At least one of ``file`` (kept here) and ``telegram_file_id`` is there."""

    post = models.ForeignKey(Post, models.CASCADE, related_name="media", verbose_name=_("post"))
    position = models.PositiveSmallIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=9, choices=MediaKind)
    file = models.ForeignKey(
        "files.StoredFile", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("file")
    )
    # Of a file that came by Telegram, for the bot it came to: too large ones are never loaded.
    bot_id = models.BigIntegerField(_("bot"), default=0)
    telegram_file_id = models.CharField(_("Telegram's id"), max_length=255, blank=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    mime = models.CharField(_("type"), max_length=100, blank=True)
    size = models.PositiveBigIntegerField(_("size, bytes"), null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    duration = models.PositiveIntegerField(_("length, s"), null=True, blank=True)
    # In an album, from the second on: words of its own. The first one's are the post's.
    text = models.TextField(_("caption"), blank=True)
    entities: "models.JSONField[list[dict[str, Any]]]" = models.JSONField(_("formatting"), default=list, blank=True)
    spoiler = models.BooleanField(_("behind a veil"), default=False)

    class Meta:
        verbose_name = _("post's file")
        verbose_name_plural = _("posts' files")
        ordering = ["post_id", "position"]
        constraints = [models.UniqueConstraint(fields=["post", "position"], name="one_medium_a_position")]

    def __str__(self) -> str:
        return f"{self.position}. {self.get_kind_display()}"


class PostTarget(models.Model):
    """One chat (and topic) where a post must appear, and the truth about it there.

    Its message goes out as the delivery ``post:<post>:<target>:<attempt>``. ``message_ids``: of an album several.
    """

    class State(models.TextChoices):
        WAITING = "waiting", pgettext_lazy("target", "waits for its time")
        QUEUED = "queued", pgettext_lazy("target", "going out")
        SENT = "sent", pgettext_lazy("target", "published")
        UNKNOWN = "unknown", pgettext_lazy("target", "perhaps published")
        FAILED = "failed", pgettext_lazy("target", "not published")
        CANCELLED = "cancelled", pgettext_lazy("target", "cancelled")
        DELETED = "deleted", pgettext_lazy("target", "deleted")
        # A person deleted it there, or it cannot be found any more.
        GONE = "gone", pgettext_lazy("target", "gone")

    # It appeared there, whatever came later.
    APPEARED = (State.SENT, State.DELETED, State.GONE)

    post = models.ForeignKey(Post, models.CASCADE, related_name="targets", verbose_name=_("post"))
    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    position = models.PositiveSmallIntegerField(_("number"), default=0)
    state = models.CharField(_("state"), max_length=9, choices=State, default=State.WAITING)
    attempt = models.PositiveSmallIntegerField(_("attempt"), default=0)
    message_ids: "models.JSONField[list[int]]" = models.JSONField(_("messages"), default=list, blank=True)
    # The first of them, to be found by what Telegram tells of it.
    message_id = models.BigIntegerField(_("message"), null=True, blank=True)
    poll_id = models.CharField(max_length=64, blank=True, db_index=True)
    # What is to be seen there; less than the post's: the edit has not arrived.
    revision = models.PositiveIntegerField(_("edition"), default=0)
    sent_at = models.DateTimeField(_("published"), null=True, blank=True)
    error_kind = models.CharField(_("error"), max_length=30, blank=True)
    error = models.CharField(_("error's text"), max_length=500, blank=True)
    # It is there, but a side step failed: the pin, the edit, the deletion.
    warning = models.CharField(_("warning"), max_length=500, blank=True)
    pinned = models.BooleanField(_("pinned"), default=False)
    # As Telegram counts them: [{"emoji": "👍", "count": 3}], and a poll's [{"text": "Yes", "votes": 2}].
    reactions: "models.JSONField[list[dict[str, Any]]]" = models.JSONField(_("reactions"), default=list, blank=True)
    votes: "models.JSONField[list[dict[str, Any]] | None]" = models.JSONField(_("votes"), null=True, blank=True)
    counted_at = models.DateTimeField(_("counted"), null=True, blank=True)
    updated_at = models.DateTimeField(_("changed"), default=timezone.now)

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ["post_id", "position", "id"]
        constraints = [models.UniqueConstraint(fields=["post", "chat", "thread_id"], name="one_target_a_place")]
        indexes = [
            models.Index(fields=["chat", "message_id"], name="target_message", condition=Q(message_id__isnull=False)),
            models.Index(fields=["state", "-updated_at"], name="target_state"),
        ]

    def __str__(self) -> str:
        return f"{self.chat}"


class Topics(models.Manager["Topic"]):
    def of(self, chats: Iterable[Any]) -> "models.QuerySet[Topic]":
        return self.filter(chat__in=chats, deleted=False).order_by("chat_id", "name")


class Topic(models.Model):
    """A topic of a forum group, as far as the bot has heard of it: Telegram lists them for nobody."""

    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"))
    name = models.CharField(_("name"), max_length=128, blank=True)
    closed = models.BooleanField(_("closed"), default=False)
    deleted = models.BooleanField(_("deleted"), default=False)

    objects: ClassVar[Topics] = Topics()

    class Meta:
        verbose_name = _("topic")
        verbose_name_plural = _("topics")
        constraints = [models.UniqueConstraint(fields=["chat", "thread_id"], name="one_topic_a_thread")]

    def __str__(self) -> str:
        return self.name or str(self.thread_id)
