"""Turns that nobody asks for at that moment: a planned task is begun, and what came of it is saved and said.

The request belongs to the dialog that is open where the task speaks, and so does the answer: the person may go on from
it. The task itself stands sealed with whoever planned it and is not copied into any row here.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import translation

from conversations import context, limits, words
from conversations.models import Assistant, Request
from conversations.services.default import first_assistant
from conversations.services.dialogs import may_choose, open_conversation, target_of
from conversations.services.handover import equipped
from conversations.services.library import zone_of
from conversations.services.saving import save_messages, save_request
from conversations.services.turns import ANSWER, SOURCE, Outcome, State, Turn, request_key
from core.trace import current_trace
from files.forgetting import let_go
from files.models import StoredFile
from llm.services import Target
from llm.tasks import Done, Task, TaskFailed
from llm.tokens import estimate
from telegram_bot import outgoing
from telegram_bot.outgoing import Place

MOST_NOTE = 500  # characters of what a run leaves to the next one
NOTHING = "NOTHING"
RULES = f"""You are doing a task that was planned earlier. Nobody is there to answer questions: do it as well as you \
can, with your tools, and do not announce what you are going to do.
Your answer is sent to the chat as it is, in {{language}} unless the task wants another language. If there is nothing \
worth telling (nothing changed, a threshold was not crossed), answer exactly {NOTHING} instead.
Below that, as the last line, always leave a note to yourself for the next run, at most {MOST_NOTE} characters, such \
as the value you saw: RESULT: <note>. Nobody else reads it.
If the task is finished for good and need not run again, call complete_reminder."""
NOTE = re.compile(r"^[*_`>\s]*RESULT[*_`]*:[*_`]*[ \t]*(.*)\Z", re.MULTILINE | re.DOTALL)
LANGUAGES = {"ru": "Russian", "en": "English"}


@dataclass(frozen=True)
class Report:
    """What a model made of a task: what the chat is told (nothing: ""), and its note for the next run."""

    said: str
    note: str


def knows(uid: UUID) -> bool:
    """Whether that is an assistant in use (settings.ASSISTANT_DIRECTORY)."""
    return Assistant.objects.filter(uid=uid, enabled=True).exists()


@transaction.atomic
def begin_task(task: Task, material: str, now: datetime, *, with_tools: bool = True) -> Turn | Done:
    """Put the run on record and make its call. ``material``: what was fetched for it. Done: an earlier attempt has
    said it all already. Raises TaskFailed."""
    earlier = Request.objects.select_for_update().filter(update_key=request_key(task.key)).first()
    if earlier is not None and earlier.state == State.DONE:
        report = report_of(earlier.answer, task.previous)
        return Done(report.said, report.note)
    assistant = _assistant(task)
    target = target_of(None, assistant)
    request = _recorded(earlier, task, assistant, target, now)
    call, tokens = context.request_for(target, assistant, [], asked(task, material, now), task.user)
    rules = RULES.format(language=LANGUAGES.get(translation.get_language() or "", "the person's language"))
    call = replace(call, system="\n\n".join(part for part in (call.system, rules) if part))
    turn = Turn(request.conversation, request, target, call, tokens + estimate(rules), task=task)
    turn = equipped(turn, task.user, task.chat) if with_tools else turn
    turn.refused = limits.set_aside(turn, task.user, task.chat, now)
    return turn


def _assistant(task: Task) -> Assistant | None:
    """Who does it: the one it was planned for, else whoever answers there by default."""
    if task.assistant is None:
        return first_assistant(task.chat, task.thread)
    rows = Assistant.objects.select_related("model__provider")
    found = rows.filter(uid=task.assistant, enabled=True).first()
    if found is None or not may_choose(task.user, found):
        raise TaskFailed("no_assistant", words.no_assistant(), permanent=True)
    return found


def _recorded(
    earlier: Request | None, task: Task, assistant: Assistant | None, target: Target | None, now: datetime
) -> Request:
    request = earlier or Request(
        kind=Request.Kind.TASK,
        conversation=open_conversation(task.chat, task.thread, now),
        user=task.user,
        update_key=request_key(task.key),
        attempts=0,
        created_at=now,
    )
    request.state, request.attempts = State.RUNNING, request.attempts + 1
    request.error_kind = request.error = request.finish = ""
    request.finished_at, request.trace_id = None, current_trace()
    request.prompt = words.planned_task()
    request.model, request.model_ref = (target.model, target.ref) if target else (None, "")
    request.assistant, request.assistant_version = assistant, assistant.version if assistant else None
    request.save()
    return request


def asked(task: Task, material: str, now: datetime) -> str:
    """The task in words for a model."""
    payload, zone = dict(task.payload), zone_of(task.user)
    what = payload.pop("task", None) or payload.pop("text", None) or "Do what the details say."
    lines = [f"Task: {what}"]
    if payload:
        lines.append(f"Details: {json.dumps(payload, ensure_ascii=False)}")
    lines.append(f"Planned for {_local(task.planned_at, zone)}; now it is {_local(now, zone)} ({zone.key}).")
    lines.append(f"Note of the run before: {task.previous}" if task.previous else "This is the first run.")
    return "\n".join([*lines, *([material] if material else [])])


def title_of(task: Task) -> str:
    """What it is called, for those who read its answer; empty when nobody gave it a name."""
    title = task.payload.get("title")
    return title.strip() if isinstance(title, str) else ""


def _local(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%A, %Y-%m-%d %H:%M}"


def report_of(text: str, previous: str) -> Report:
    """What of a model's answer is said and what is noted; a run that notes nothing keeps the note before."""
    found = NOTE.search(text)
    said = (text[: found.start()] if found else text).strip()
    if said.strip(" \n.!*_`\"'«»“”").upper() == NOTHING:
        said = ""
    note = " ".join(found[1].split()) if found else ""
    return Report(said, (note or (" ".join(said.split()) if said else previous))[:MOST_NOTE])


@transaction.atomic
def save_task(turn: Turn, outcome: Outcome, now: datetime, frame: Callable[[str], str] | None = None) -> Done:
    """Save what came of it and say what there is to say: all or nothing, and once. Raises nothing for a failure, which
    the outcome tells. ``frame``: makes of the answer what the chat reads."""
    task = turn.task
    assert task is not None
    report = report_of(outcome.text, task.previous)
    if not save_request(turn, outcome, now) or outcome.state != State.DONE:
        # It failed, or everything of the person was erased meanwhile; what an earlier try has saved is linked.
        let_go(StoredFile.objects.filter(pk__in=[file.pk for file in outcome.pictures], attachments=None), now)
        return Done("", "")
    if not report.said and not outcome.pictures:
        return Done("", report.note)
    place = Place(task.chat.bot_id, task.chat.telegram_id, task.thread)
    said = frame(report.said) if frame else words.of_task(title_of(task), report.said)
    outgoing.say(f"{task.key}{ANSWER}", place, said, source=SOURCE)
    for number, picture in enumerate(outcome.pictures):
        outgoing.photo(f"{task.key}:photo:{number}", place, picture.pk, SOURCE)
    save_messages(turn, replace(outcome, text=report.said, raw=None), now)
    return Done(report.said, report.note)
