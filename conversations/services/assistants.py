"""Assistants: kept with all their versions, offered by role and language, chosen for a dialog, bound to a place."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Chat, Role, User
from accounts.services import audit, target_of
from conversations.models import Assistant, AssistantVersion, Binding, Conversation
from conversations.services.default import forget_default
from conversations.services.dialogs import RANKS, open_conversation
from llm.models import Model
from llm.services import split_ref

# What a model is told, and which model that is: a change of these is a new version.
TOLD = ("prompt", "model_id", "fallbacks", "temperature", "tools")


@transaction.atomic
def save_assistant(assistant: Assistant, by: User | None, now: datetime) -> bool:
    """Save what was changed and keep the version. True when it is a new version."""
    before = Assistant.objects.select_for_update().filter(pk=assistant.pk).first() if assistant.pk else None
    is_new = before is None or any(getattr(before, name) != getattr(assistant, name) for name in TOLD)
    if before is not None:
        if is_new and not before.versions.filter(number=before.version).exists():
            _keep(before, None, before.updated_at)  # from before versions were kept
        # Not what was read before the lock: somebody else may have saved it since.
        assistant.version = before.version + is_new
    assistant.save()
    if is_new:
        _keep(assistant, by, now)
    transaction.on_commit(forget_default)
    return is_new


@transaction.atomic
def make_default(assistant: Assistant) -> bool:
    """Let every new dialog begin with it. False when it is so already."""
    if Assistant.objects.filter(pk=assistant.pk, is_default=True).exists():
        return False
    Assistant.objects.filter(is_default=True).update(is_default=False)
    made = Assistant.objects.filter(pk=assistant.pk).update(is_default=True)
    transaction.on_commit(forget_default)
    return bool(made)


def _keep(assistant: Assistant, by: User | None, now: datetime) -> None:
    AssistantVersion.objects.create(
        assistant=assistant,
        number=assistant.version,
        prompt=assistant.prompt,
        model_ref=assistant.model.ref if assistant.model else "",
        fallbacks=assistant.fallbacks,
        temperature=assistant.temperature,
        tools=assistant.tools,
        changed_by=by,
        created_at=now,
    )


def restore_version(version: AssistantVersion, by: User | None, now: datetime) -> bool:
    """Let the assistant be as it was; that is a version of its own. False when it is so already."""
    assistant = version.assistant
    for name in ("prompt", "fallbacks", "temperature", "tools"):
        setattr(assistant, name, getattr(version, name))
    assistant.model = _model(version.model_ref)
    return save_assistant(assistant, by, now)


def _model(ref: str) -> Model | None:
    provider, _colon, name = ref.partition(":")
    return Model.objects.select_related("provider").filter(provider=provider, name=name).first()


def problem_of(ref: str) -> str:
    """Why ``provider:name`` cannot stand in a chain: "unknown", "retired", "hidden"; empty when it can."""
    found = split_ref(ref)
    model = Model.objects.filter(provider=found[0], name=found[1]).first() if found else None
    if model is None:
        return "unknown"
    if model.state == "retired":
        return "retired"
    return "" if model.enabled else "hidden"


def offered_assistants(user: User, language: str) -> list[Assistant]:
    """What this person may choose: of their role or a lower one, in their language or in none."""
    roles = RANKS[: RANKS.index(Role(user.role)) + 1]
    found = Assistant.objects.filter(enabled=True, role__in=roles, language__in=["", language])
    return list(found.order_by("-is_default", "name"))


@transaction.atomic
def choose_assistant(chat: Chat, thread: int, assistant: Assistant | None, now: datetime) -> None:
    """Who answers in this dialog from now on; the dialog goes on."""
    conversation = open_conversation(chat, thread, now)
    Conversation.objects.filter(pk=conversation.pk).update(assistant=assistant)


@transaction.atomic
def bind(chat: Chat, thread: int, assistant: Assistant | None, by: User, now: datetime) -> None:
    """Let dialogs of this topic (0: of the whole chat) begin with ``assistant``, the open one too; None: with none."""
    place: dict[str, Any] = {"chat": chat, "thread_id": thread or None}
    if assistant is None:
        Binding.objects.filter(**place).delete()
    else:
        Binding.objects.update_or_create(**place, defaults={"assistant": assistant})
    transaction.on_commit(forget_default)
    choose_assistant(chat, thread, assistant, now)
    details = {"assistant": assistant.name if assistant else "", "topic": thread}
    audit(
        "assistant.bound" if assistant else "assistant.unbound",
        by=by,
        via="bot",
        **target_of(chat),
        details=details,
        now=now,
    )
