"""Yes or No to what a model wants to do: decided once, done with the decision, and told to the model afterwards.

All in one transaction: the decision, what the tool did, and the row that lets the dialog go on in its own line. So a
process that dies leaves either all of it or nothing.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from conversations import calling
from conversations.models import Message, Request
from conversations.services.handover import tools_of
from telegram_bot import services as inbox
from telegram_bot.incoming import Incoming

GOOD_FOR = timedelta(hours=24)
DONE = "Yes. It was done, and this is what came of it; do not do it again:"
DECLINED = "(The person said No; it was not done.)"


@transaction.atomic
def settle(incoming: Incoming, data: Mapping[str, Any], yes: bool, now: datetime) -> bool:
    """Do what was asked for, or leave it. False when it was settled before, too long ago, or is not wanted any more."""
    rows = Request.objects.select_for_update(of=("self",)).select_related("assistant")
    request = rows.filter(pk=data["request"]).first()
    asked = [step for step in request.steps if step.get("outcome") == "asked"] if request else []
    if request is None or not asked or now - (request.finished_at or now) > GOOD_FOR:
        return False
    if not Message.objects.filter(request=request, superseded=False).exists():
        return False  # the question was changed since, or its words are gone
    told = _do(request, data["calls"], asked, incoming) if yes else _leave(asked)
    Request.objects.filter(pk=request.pk).update(steps=request.steps)
    if yes:
        inbox.follow(incoming, f"go:{request.pk}", told, now)
    else:
        _note(request)
    return True


def _do(
    request: Request, calls: Sequence[Mapping[str, Any]], asked: Sequence[dict[str, Any]], incoming: Incoming
) -> str:
    """What an operator took from the assistant meanwhile is not done any more."""
    lines, kept = [DONE], tools_of(request.assistant)
    by = calling.asked_of(request, incoming.user, incoming.chat, incoming.thread)
    for step, call in zip(asked, calls, strict=True):
        began, how, told = time.monotonic(), "refused", calling.REFUSED
        if call["name"] in kept:
            how, told = calling.inside(call["name"], dict(call["arguments"]), by)
        step |= {"outcome": how, "ms": round((time.monotonic() - began) * 1000), "size": len(told)}
        lines.append(f"{call['name']} {calling.text_of(dict(call['arguments']))}: {told}")
    return "\n".join(lines)


def _leave(asked: Sequence[dict[str, Any]]) -> str:
    for step in asked:
        step["outcome"] = "declined"
    return ""


def _note(request: Request) -> None:
    """Nobody is asked after a No; the model learns of it with the next question."""
    for message in Message.objects.filter(request=request, role=Message.Role.ASSISTANT):
        message.content = f"{message.content}\n\n{DECLINED}"
        message.save(update_fields=["content"])
