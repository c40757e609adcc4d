"""The way of one message on one page: what came, who answered and how fast, what was sent, with the times between.

What people and models wrote is shown only to those who may read it, and the reading is on record.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Model, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from accounts.models import AuditEntry, User
from accounts.pages import details_of, may_read, note_reading
from accounts.services import target_of
from config import trace_words as words
from config.trace_words import say
from config.unfold import OWN_PAGES
from conversations.models import Request
from conversations.retention import bare_steps
from core.show import link, money, number
from delivery.models import Delivery
from telegram_bot.lanes import body_of
from telegram_bot.models import Update

SHOWN = 20
# How a state looks on the line: a colour of the theme.
COLOURS = {"done": "green", "sent": "green", "running": "blue", "sending": "blue", "new": "orange", "queued": "orange",
           "stopped": "orange", "unknown": "orange", "failed": "red", "dead": "red", "cancelled": "base"}  # fmt: skip

Facts = Sequence[tuple[str, Any]]


@dataclass
class Event:
    """One point on the line. ``since`` and ``gap``: seconds from the beginning and from the event before."""

    at: datetime
    title: str
    icon: str
    colour: str = "base"
    facts: Facts = ()
    row: Model | None = None
    content: str = ""
    since: float = 0.0
    gap: float = 0.0

    def __post_init__(self) -> None:
        self.facts = [(name, value) for name, value in self.facts if value not in (None, "")]


@dataclass
class Span:
    """A stretch of the way, as a bar: where it begins and how long it is, in per cent of the whole."""

    title: str
    seconds: float
    left: float
    width: float
    colour: str


@dataclass
class Trace:
    """All rows of one trace."""

    id: str
    updates: list[Update] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)

    @property
    def rows(self) -> list[Model]:
        return [*self.updates, *self.requests, *self.deliveries]


def load(trace_id: str) -> Trace:
    """Three queries, each by an index."""
    return Trace(
        trace_id,
        list(Update.objects.filter(trace_id=trace_id).order_by("id")),
        list(Request.objects.filter(trace_id=trace_id).select_related("user", "conversation__chat").order_by("id")),
        list(Delivery.objects.filter(trace_id=trace_id).order_by("id")),
    )


def find(asked: str) -> str:
    """The trace that ``asked`` names: a trace id, or the number of an update; empty when there is none."""
    found = Q(trace_id=asked) | (Q(update_id=int(asked)) if asked.isdecimal() and len(asked) < 19 else Q())
    trace_id = Update.objects.filter(found).order_by("-id").values_list("trace_id", flat=True).first()
    return trace_id or (asked if load(asked).rows else "")


# --- the line -------------------------------------------------------------------------------------------------------


def events(trace: Trace, *, contents: bool) -> list[Event]:
    """Everything that is on record of the trace, in the order of time."""
    found = [event for request in trace.requests for event in of_request(request, contents)]
    found += [event for update in trace.updates for event in of_update(update, contents)]
    found += [event for delivery in trace.deliveries for event in of_delivery(delivery, contents)]
    found += of_audit(trace)
    found.sort(key=lambda event: event.at)
    for before, event in zip([*found[:1], *found], found, strict=False):
        event.since = (event.at - found[0].at).total_seconds()
        event.gap = (event.at - before.at).total_seconds()
    _say_once(found)
    return found


def _say_once(found: list[Event]) -> None:
    """The question stands in the update and in the request."""
    said: set[str] = set()
    for event in found:
        if event.content in said:
            event.content = ""
        said.add(event.content)


def of_update(update: Update, contents: bool) -> Iterator[Event]:
    body = body_of(update.raw)
    kind = say(words.UPDATES, update.kind)
    facts = [(_("kind"), kind), (_("update"), update.update_id), (_("chat"), update.chat_id), *sender(body)]
    said = str(body.get("text") or body.get("caption") or "") if contents else ""
    yield Event(update.received_at, _("Received"), "call_received", "blue", facts, update, said)
    if update.finished_at is not None:
        tried = update.attempts if update.attempts > 1 else None
        ended = [(_("state"), update.get_state_display()), (_("attempts"), tried)]
        why = update.error if contents else ""
        colour = COLOURS.get(update.state, "base")
        yield Event(update.finished_at, _("Worked off"), "inventory", colour, ended, update, why)


def sender(body: Mapping[str, Any]) -> Facts:
    """Who wrote, and what the gate knows of them now."""
    who = body.get("from")
    number = who.get("id") if isinstance(who, dict) else None
    user = User.objects.by_telegram(number) if isinstance(number, int) else None
    return [] if user is None else [(_("person"), link(user)), (_("access"), user.get_status_display())]


def of_request(request: Request, contents: bool) -> Iterator[Event]:
    chosen = request.chosen_ref if request.chosen_ref != request.model_ref else ""
    begun: Facts = [
        (_("person"), link(request.user) if request.user else ""),
        (_("model"), request.model_ref),
        (_("model chosen"), chosen),
        (_("dialog"), link(request.conversation)),
        (_("attempts"), request.attempts if request.attempts > 1 else None),
    ]
    titles = {
        Request.Kind.SUMMARY: _("The dialog is summarised"),
        Request.Kind.TASK: _("A planned task, a model is asked"),
    }
    title = titles.get(Request.Kind(request.kind), _("Let in, a model is asked"))
    yield Event(request.created_at, title, "bolt", "primary", begun, request, request.prompt if contents else "")
    yield from steps(request, contents)
    if request.first_token_ms is not None:
        first = request.created_at + timedelta(milliseconds=request.first_token_ms)
        yield Event(first, _("First words"), "format_quote", "primary", row=request)
    if request.finished_at is not None:
        yield Event(
            request.finished_at,
            _("Answered") if request.state == Request.State.DONE else str(request.get_state_display()).capitalize(),
            "auto_awesome",
            COLOURS.get(request.state, "base"),
            spent(request),
            request,
            "\n".join(filter(None, [request.answer, request.error])) if contents else "",
        )


def spent(request: Request) -> Facts:
    mark = "≈ " if request.estimated else ""
    counted = request.output_tokens is not None
    tokens = f"{mark}{number(request.input_tokens)} → {number(request.output_tokens)}" if counted else ""
    return [
        (_("tokens in → out"), tokens),
        (_("cost"), money(request.cost) if counted else ""),
        (_("ended by"), say(words.ENDS, request.finish)),
        (_("error"), say(words.ERRORS, request.error_kind)),
    ]


def steps(request: Request, contents: bool) -> Iterator[Event]:
    """Calls of tools, models that stepped in."""
    titles = {"tool": _("A tool was called"), "fallback": _("A model could not, another is asked")}
    for step in request.steps if contents else bare_steps(request.steps):
        try:
            at = datetime.fromisoformat(str(step.get("at")))
        except ValueError:
            at = request.created_at
        # Steps are noted to the second: never before the request itself.
        at, kind = max(at, request.created_at), str(step.get("kind", ""))
        yield Event(at, titles.get(kind, kind), "build", "blue", _facts_of(step), request)


def _facts_of(step: Mapping[str, Any]) -> Facts:
    values = {"outcome": words.OUTCOMES, "error": words.ERRORS}
    return [
        (say(words.FACTS, name), say(values[name], str(value)) if name in values else value)
        for name, value in step.items()
        if name not in ("at", "kind")
    ]


def of_delivery(delivery: Delivery, contents: bool) -> Iterator[Event]:
    params = delivery.content.get("params") or {}
    call = say(words.CALLS, delivery.content.get("method") or delivery.backend)
    source = say(words.SOURCES, delivery.source)
    facts = [(_("call"), call), (_("source"), source), (_("key"), delivery.key)]
    text = str(params.get("text") or params.get("caption") or "") if contents else ""
    yield Event(delivery.created_at, _("Into the outbox"), "outbox", "base", facts, delivery, text)
    ended = [
        (_("message"), delivery.message_id),
        (_("attempts"), delivery.attempts if delivery.attempts > 1 else None),
        (_("may be repeated"), _("yes") if delivery.repeated else ""),
        (_("error"), say(words.ERRORS, delivery.error_kind)),
    ]
    if delivery.finished_at is not None:
        title = str(delivery.get_state_display()).capitalize()
        yield Event(delivery.finished_at, title, "send", COLOURS.get(delivery.state, "base"), ended, delivery)


def of_audit(trace: Trace) -> list[Event]:
    """What operators did to these rows; that they looked at them is in the audit."""
    targets = [target_of(row)["target"] for row in trace.rows]
    found = AuditEntry.objects.filter(target__in=targets).exclude(action="content.read")
    return [
        Event(entry.at, say(words.ACTIONS, entry.action), "policy", "orange", _facts_about(entry), entry)
        for entry in found.order_by("id")
    ]


def _facts_about(entry: AuditEntry) -> Facts:
    return [(_("who"), entry.actor_label), (_("details"), details_of(entry))]


# --- the bars -------------------------------------------------------------------------------------------------------


def spans(trace: Trace) -> list[Span]:
    """Where the time went: in the inbox, until the first words, the answer, on the way to Telegram."""
    parts = [part for part in stretches(trace) if part[1] is not None and part[2] is not None and part[2] >= part[1]]
    if not parts:
        return []
    begin, end = min(part[1] for part in parts), max(part[2] for part in parts)
    whole = max((end - begin).total_seconds(), 0.001)
    return [
        Span(
            title,
            (until - since).total_seconds(),
            round(100 * (since - begin).total_seconds() / whole, 2),
            max(0.4, round(100 * (until - since).total_seconds() / whole, 2)),
            colour,
        )
        for title, since, until, colour in parts
    ]


def stretches(trace: Trace) -> Iterator[tuple[str, Any, Any, str]]:
    request = trace.requests[0] if trace.requests else None
    begun = request.created_at if request else None
    for update in trace.updates[:1]:
        yield _("In the inbox"), update.received_at, begun or update.finished_at, "orange"
    if request is not None:
        ms = request.first_token_ms
        first = request.created_at + timedelta(milliseconds=ms) if ms is not None else request.finished_at
        yield _("Until the first words"), begun, first, "primary"
        if ms is not None:
            yield _("The answer"), first, request.finished_at, "green"
    for delivery in trace.deliveries[:SHOWN]:
        yield _("To Telegram"), delivery.created_at, delivery.finished_at, "blue"


# --- the pages ------------------------------------------------------------------------------------------------------


def _allowed(request: HttpRequest) -> None:
    if not request.user.has_perms(OWN_PAGES["traces"]):
        raise PermissionDenied


def search(request: HttpRequest) -> HttpResponse:
    """A box to search in, and the newest messages."""
    _allowed(request)
    asked = request.GET.get("q", "").strip()
    if asked and (found := find(asked)):
        return redirect("trace", found)
    newest = Update.objects.exclude(trace_id="").defer("raw").order_by("-id")[:SHOWN]
    rows = [(update, say(words.UPDATES, update.kind)) for update in newest]
    context = {"title": _("Traces"), "asked": asked, "newest": rows}
    return TemplateResponse(request, "admin/trace/search.html", admin.site.each_context(request) | context)


def show(request: HttpRequest, trace_id: str) -> HttpResponse:
    """The way of one message."""
    _allowed(request)
    trace, contents = load(trace_id), may_read(request)
    if not trace.rows:
        raise Http404
    if contents:
        note_reading(request, f"trace:{trace_id}", trace_id)
    line = events(trace, contents=contents)
    context = {
        "title": _("Trace %(id)s") % {"id": trace_id},
        "asked": trace_id,
        "events": line,
        "spans": spans(trace),
        "whole": max(event.since for event in line if not isinstance(event.row, AuditEntry)),
        "request_row": trace.requests[0] if trace.requests else None,
        "sent": sum(delivery.state == Delivery.State.SENT for delivery in trace.deliveries),
        "contents": contents,
    }
    return TemplateResponse(request, "admin/trace/show.html", admin.site.each_context(request) | context)
