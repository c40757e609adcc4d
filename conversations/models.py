"""Dialogs: who talks with which model, what was said, and what each answer cost."""

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Language, Role
from core.sealed import SealedJSON


class Assistant(models.Model):
    """A named persona: what the model is told before the dialog, which models answer, what tools they have."""

    # What others outside call it by: reminders, programs that use the REST API.
    uid = models.UUIDField(_("id for programs"), default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=60, unique=True)
    emoji = models.CharField(_("emoji"), max_length=8, blank=True)
    description = models.CharField(_("in one line"), max_length=200, blank=True)
    # Of whom it is offered to; empty: everybody.
    language = models.CharField(_("for people who speak"), max_length=5, choices=Language, blank=True)
    prompt = models.TextField(_("prompt"), blank=True)
    model = models.ForeignKey(
        "llm.Model", models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("model")
    )
    # Models (``provider:name``) that answer, in this order, when the one before cannot.
    fallbacks: "models.JSONField[list[str]]" = models.JSONField(_("then these models"), default=list, blank=True)
    temperature = models.FloatField(_("temperature"), null=True, blank=True)
    # Names of settings.ASSISTANT_TOOLS.
    tools: "models.JSONField[list[str]]" = models.JSONField(_("tools"), default=list, blank=True)
    # The least role that may choose it.
    role = models.CharField(_("offered to"), max_length=10, choices=Role, default=Role.MEMBER)
    enabled = models.BooleanField(_("offered"), default=True)
    is_default = models.BooleanField(_("for every new dialog"), default=False)
    # Counts with every change of what the model is told; each is kept as an AssistantVersion.
    version = models.PositiveIntegerField(_("version"), default=1)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("assistant")
        verbose_name_plural = _("assistants")
        constraints = [
            models.UniqueConstraint(fields=["is_default"], name="one_default_assistant", condition=Q(is_default=True))
        ]

    def __str__(self) -> str:
        return f"{self.emoji} {self.name}".strip()


class AssistantVersion(models.Model):
    """What an assistant was at one time, so that an old answer can be understood, and a change undone."""

    assistant = models.ForeignKey(Assistant, models.CASCADE, related_name="versions", verbose_name=_("assistant"))
    number = models.PositiveIntegerField(_("version"))
    prompt = models.TextField(_("prompt"), blank=True)
    model_ref = models.CharField(_("model"), max_length=180, blank=True)
    fallbacks: "models.JSONField[list[str]]" = models.JSONField(_("then these models"), default=list, blank=True)
    temperature = models.FloatField(_("temperature"), null=True, blank=True)
    tools: "models.JSONField[list[str]]" = models.JSONField(_("tools"), default=list, blank=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("changed by")
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)

    class Meta:
        verbose_name = _("assistant's version")
        verbose_name_plural = _("assistants' versions")
        constraints = [models.UniqueConstraint(fields=["assistant", "number"], name="version_of_assistant")]

    def __str__(self) -> str:
        return f"{self.assistant} {self.number}"


class Binding(models.Model):
    """The assistant of a chat, or of one of its topics, for dialogs that begin there. ``thread_id`` null: all of it."""

    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="bindings", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), null=True, blank=True)
    assistant = models.ForeignKey(Assistant, models.CASCADE, related_name="bindings", verbose_name=_("assistant"))

    class Meta:
        verbose_name = _("chat's assistant")
        verbose_name_plural = _("chats' assistants")
        constraints = [models.UniqueConstraint(F("chat"), Coalesce("thread_id", -1), name="one_assistant_a_place")]

    def __str__(self) -> str:
        return f"{self.chat}: {self.assistant}"


class Conversation(models.Model):
    """A dialog in one (chat, thread). At most one is open; ``/new`` closes it and the next message opens another."""

    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="conversations", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    assistant = models.ForeignKey(
        Assistant, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("assistant")
    )
    # The person's choice for this dialog; null: the default at the time of each question.
    model = models.ForeignKey(
        "llm.Model", models.SET_NULL, null=True, blank=True, related_name="conversations", verbose_name=_("model")
    )
    title = models.CharField(_("title"), max_length=200, blank=True)
    # What the messages up to ``summarised_to`` (a Message's id) said, in the model's words; they are told no more.
    summary = models.TextField(_("summary"), blank=True)
    summarised_to = models.BigIntegerField(null=True, blank=True)
    branched_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="branches", verbose_name=_("branched from")
    )
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    # The gentle "this dialog grows long" is said once.
    warned_at = models.DateTimeField(_("told that it is long"), null=True, blank=True)
    # While it is open: whose next message is a dialog's new title. {"title_of": dialog, "by": person, "until": ISO}.
    waiting: "models.JSONField[dict[str, Any]]" = models.JSONField(default=dict, blank=True)

    # Opened a moment ago by this very question: there is no history to look up.
    is_new = False

    class Meta:
        verbose_name = _("dialog")
        verbose_name_plural = _("dialogs")
        constraints = [
            models.UniqueConstraint(
                fields=["chat", "thread_id"], name="one_open_dialog", condition=Q(closed_at__isnull=True)
            )
        ]

    def __str__(self) -> str:
        # Not the title: that is content, and a row's name is read by many (links, the audit).
        return f"{self.chat} · {timezone.localtime(self.started_at):%Y-%m-%d %H:%M}"


class Request(models.Model):
    """One call for an answer. ``update_key`` (bot and update) makes a repeated update find its own request."""

    class State(models.TextChoices):
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        STOPPED = "stopped", _("stopped")
        FAILED = "failed", _("failed")

    class Kind(models.TextChoices):
        ANSWER = "answer", _("answer")
        # Of a dialog's older turns; ``update_key`` names the part, so no part is summarised twice at a time.
        SUMMARY = "summary", _("summary")
        # A planned one, which nobody asks at that moment; ``update_key`` is made of the task's.
        TASK = "task", _("task")

    kind = models.CharField(_("what for"), max_length=10, choices=Kind, default=Kind.ANSWER)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="requests", verbose_name=_("dialog"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="requests", verbose_name=_("person")
    )
    model = models.ForeignKey(
        "llm.Model", models.SET_NULL, null=True, blank=True, related_name="requests", verbose_name=_("model")
    )
    # As asked for, readable when the row of the model is gone or never was.
    model_ref = models.CharField(_("model asked"), max_length=180, blank=True)
    # The model that was chosen, when another answered in its place.
    chosen_ref = models.CharField(_("model chosen"), max_length=180, blank=True)
    assistant = models.ForeignKey(
        Assistant, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("assistant")
    )
    assistant_version = models.PositiveIntegerField(_("its version"), null=True, blank=True)
    update_key = models.CharField(max_length=60, unique=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.RUNNING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=1)
    prompt = models.TextField(_("question"), blank=True)
    answer = models.TextField(_("answer"), blank=True)
    # What happened on the way: calls of tools, models that stepped in. A list of {"at", "kind", …}.
    steps: "models.JSONField[list[dict[str, Any]]]" = models.JSONField(_("steps"), default=list, blank=True)
    finish = models.CharField(_("ended by"), max_length=20, blank=True)
    error_kind = models.CharField(_("error"), max_length=30, blank=True)
    error = models.CharField(_("error's text"), max_length=500, blank=True)
    input_tokens = models.PositiveIntegerField(_("tokens in"), null=True, blank=True)
    cached_tokens = models.PositiveIntegerField(_("of them cached"), null=True, blank=True)
    output_tokens = models.PositiveIntegerField(_("tokens out"), null=True, blank=True)
    reasoning_tokens = models.PositiveIntegerField(_("of them reasoning"), null=True, blank=True)
    # False: counted by the provider. True: our estimate.
    estimated = models.BooleanField(_("tokens estimated"), default=False)
    # US dollars; null: the price is not known.
    cost = models.DecimalField(_("cost, $"), max_digits=14, decimal_places=8, null=True, blank=True)
    first_token_ms = models.PositiveIntegerField(_("to the first words, ms"), null=True, blank=True)
    total_ms = models.PositiveIntegerField(_("whole time, ms"), null=True, blank=True)
    question_message_id = models.BigIntegerField(_("question's message"), null=True, blank=True)
    # Whoever finishes the answer after a crash edits this message instead of leaving half a text.
    preview_message_id = models.BigIntegerField(_("preview's message"), null=True, blank=True)
    trace_id = models.CharField(_("trace"), max_length=16, blank=True, db_index=True)
    created_at = models.DateTimeField(_("asked"), default=timezone.now, db_index=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["-created_at"]
        permissions = [("read_content", _("Can read what people and models wrote"))]
        indexes = [models.Index(fields=["user", "created_at"], name="request_of_user")]

    def __str__(self) -> str:
        return f"{timezone.localtime(self.created_at):%Y-%m-%d %H:%M} {self.model_ref}"


class RequestSum(models.Model):
    """What requests that are kept no more came to, and what models took for recordings and scans, which are nobody's
    answer. One person, model and day may have several rows."""

    day = models.DateField(_("day"), db_index=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", verbose_name=_("person")
    )
    model_ref = models.CharField(_("model"), max_length=180, blank=True)
    requests = models.PositiveIntegerField(_("requests"), default=0)
    answered = models.PositiveIntegerField(_("answered"), default=0)
    input_tokens = models.PositiveBigIntegerField(_("tokens in"), default=0)
    output_tokens = models.PositiveBigIntegerField(_("tokens out"), default=0)
    cost = models.DecimalField(_("cost, $"), max_digits=14, decimal_places=8, default=0)
    # Answers whose price nobody knew: their cost is missing.
    unpriced = models.PositiveIntegerField(_("answers of unknown price"), default=0)

    class Meta:
        verbose_name = _("sum of requests")
        verbose_name_plural = _("sums of requests")

    def __str__(self) -> str:
        return f"{self.day} {self.model_ref}"


class Message(models.Model):
    """One turn's side. ``raw`` is the provider's own message, replayed only to the same model."""

    class Role(models.TextChoices):
        USER = "user", _("person")
        ASSISTANT = "assistant", _("model")

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="messages", verbose_name=_("dialog"))
    request = models.ForeignKey(
        Request, models.CASCADE, null=True, blank=True, related_name="messages", verbose_name=_("request")
    )
    role = models.CharField(_("side"), max_length=10, choices=Role)
    # Who asked, once the request that knew it is kept no more.
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="+",
        verbose_name=_("person"),
    )
    content = models.TextField(_("text"))
    raw: "models.JSONField[dict[str, Any] | None]" = models.JSONField(null=True, blank=True)
    raw_model = models.CharField(max_length=180, blank=True)
    tokens = models.PositiveIntegerField(_("tokens, estimated"), default=0)
    message_id = models.BigIntegerField(_("Telegram message"), null=True, blank=True)
    # How many came with it: a dialog without any is not asked for them.
    files = models.PositiveSmallIntegerField(_("files"), default=0)
    # An edited question is asked anew: the old turn stays on record but out of the history.
    superseded = models.BooleanField(_("asked anew"), default=False)
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    # Its files, and what the model is told of them (conversations.pieces); only where they were asked for.
    pieces: "list[Any]" = []
    told: Any = None

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            models.Index(fields=["conversation", "-id"], name="message_history", condition=Q(superseded=False)),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} · {timezone.localtime(self.created_at):%Y-%m-%d %H:%M}"


class Attachment(models.Model):
    """A stored file in a question. The link lives here, so that ``files`` knows no capability."""

    class Kind(models.TextChoices):
        IMAGE = "image", _("picture")
        DOCUMENT = "document", _("document")
        AUDIO = "audio", _("sound")

    request = models.ForeignKey(
        Request, models.CASCADE, null=True, blank=True, related_name="attachments", verbose_name=_("request")
    )
    message = models.ForeignKey(
        Message, models.CASCADE, null=True, blank=True, related_name="attachments", verbose_name=_("message")
    )
    file = models.ForeignKey("files.StoredFile", models.CASCADE, related_name="attachments", verbose_name=_("file"))
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    # In which order they came.
    position = models.PositiveSmallIntegerField(default=0)
    # Left out of the dialog at the person's wish.
    dropped = models.BooleanField(_("left out"), default=False)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")

    def __str__(self) -> str:
        return str(self.file)


class StandUp(models.Model):
    """One round of a stand-up: its members are asked, and at ``post_at`` their answers are summed up in the chat.

    ``key`` is the task's that began it, so it begins once. ``plan`` is its payload (conversations/standups/plan.py).
    """

    class State(models.TextChoices):
        OPEN = "open", _("waits for answers")
        CLOSED = "closed", _("is being summed up")
        POSTED = "posted", _("summed up")
        OFF = "off", _("called off")

    UNFINISHED = (State.OPEN, State.CLOSED)

    key = models.CharField(max_length=120, unique=True)
    # The reminder that comes again and again.
    series = models.UUIDField(_("reminder"), db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("planned by"))
    chat = models.ForeignKey("accounts.Chat", models.CASCADE, related_name="+", verbose_name=_("chat"))
    thread_id = models.BigIntegerField(_("topic"), default=0)
    assistant_id = models.UUIDField(_("assistant"), null=True, blank=True)
    plan = SealedJSON(_("plan"))
    day = models.DateField(_("day"))
    # From a day off, on which its run was.
    moved = models.BooleanField(_("moved"), default=False)
    post_at = models.DateTimeField(_("summed up at"))
    state = models.CharField(_("state"), max_length=6, choices=State, default=State.OPEN)
    created_at = models.DateTimeField(_("begun"), default=timezone.now, db_index=True)

    class Meta:
        verbose_name = _("stand-up")
        verbose_name_plural = _("stand-ups")

    def __str__(self) -> str:
        return f"{self.chat} · {self.day}"


class StandUpMember(models.Model):
    """Somebody in a round: when they are asked, and what they said."""

    class State(models.TextChoices):
        WAITING = "waiting", _("will be asked")
        ASKED = "asked", _("asked")
        ANSWERED = "answered", _("answered")
        PASSED = "passed", _("passes this time")
        AWAY = "away", _("on leave")
        UNREACHABLE = "unreachable", _("cannot be asked")

    OPEN = (State.WAITING, State.ASKED)

    standup = models.ForeignKey(StandUp, models.CASCADE, related_name="members", verbose_name=_("stand-up"))
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    ask_at = models.DateTimeField(_("asked at"))
    state = models.CharField(_("state"), max_length=11, choices=State, default=State.WAITING)
    # By the id of the message that says it, so that an edit takes its place: {"17": "…"}.
    said = SealedJSON(_("answer"), default=dict)

    class Meta:
        verbose_name = _("member of a stand-up")
        verbose_name_plural = _("members of stand-ups")
        constraints = [models.UniqueConstraint(fields=["standup", "user"], name="once_in_a_standup")]

    def __str__(self) -> str:
        return f"{self.standup} · {self.user}"


class Leave(models.Model):
    """Somebody is away, on the dates ``first`` to ``last``, and is not asked in stand-ups."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    first = models.DateField(_("from"))
    last = models.DateField(_("until"))

    class Meta:
        verbose_name = pgettext_lazy("absence", "leave")
        verbose_name_plural = pgettext_lazy("absence", "leaves")

    def __str__(self) -> str:
        return f"{self.user} · {self.first} – {self.last}"
