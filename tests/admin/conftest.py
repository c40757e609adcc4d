"""Operators, and rows of every kind that the site shows."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.db import models
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_apscheduler.models import DjangoJob, DjangoJobExecution

from accounts.models import Access, ApiKey, AuditEntry, Chat, Invite, User
from conversations.models import (
    Assistant,
    AssistantVersion,
    Binding,
    Conversation,
    Message,
    Request,
    RequestSum,
    StandUp,
)
from delivery import planning
from delivery.models import Delivery, JobRequest, Webhook
from delivery.schedule import Cron, Once, Rule
from files.models import StoredFile
from llm.models import Budget, Model, ProviderState, Spending, SyncRun
from posts.models import Post, PostTarget
from reminders.models import Occurrence, Reminder
from reports.models import Alert, AvitoProfile, Export, Report, ReportTask, Snapshot
from telegram_bot.models import AdminSession, Broadcast, Update


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    """The overview keeps its figures for a minute."""
    cache.clear()


@pytest.fixture
def now() -> datetime:
    return timezone.now()


@pytest.fixture
def operator(db: None, now: datetime) -> User:
    """An operator who may do everything here and is nobody in Telegram."""
    return User.objects.create_superuser("root", password="long enough 1", first_name="Root", status=Access.ACTIVE)


@pytest.fixture
def site(operator: User) -> Client:
    return client_of(operator)


@pytest.fixture
def helper(db: None) -> Client:
    """Staff without a single right."""
    return client_of(User.objects.create_user("helper", is_staff=True, status=Access.ACTIVE))


def client_of(user: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def person(number: int, now: datetime, **more: Any) -> User:
    values = {"first_name": f"Anna {number}", "telegram_username": f"anna{number}", "requested_at": now} | more
    return User.objects.create(telegram_id=500 + number, username=f"tg{500 + number}", password="!", **values)


def one_of_each(number: int, now: datetime) -> dict[type[models.Model], models.Model]:
    """A row of every model on the site, told apart by ``number``."""
    anna = person(number, now)
    chat = Chat.objects.create(bot_id=1, telegram_id=-900 - number, kind="group", title=f"Team {number}")
    provider = ProviderState.objects.create(name=f"provider{number}", switches={"*": {"field": "x"}})
    old = Model.objects.create(provider=provider, name="old", state="retired", enabled=False)
    model = Model.objects.create(
        provider=provider, name="new", capabilities=["text", "tools"], price_input=Decimal("0.15"), replaced_by=old
    )
    assistant = Assistant.objects.create(name=f"Assistant {number}", model=model, is_default=number == 0)
    dialog = Conversation.objects.create(chat=chat, assistant=assistant, model=model)
    request = Request.objects.create(
        conversation=dialog,
        user=anna,
        model=model,
        model_ref=model.ref,
        update_key=f"1:{number}",
        state="failed" if number % 2 else "done",
        error_kind="timeout" if number % 2 else "",
        prompt="How <b>much</b>?",
        answer="Much.",
        input_tokens=1200,
        output_tokens=34,
        cost=Decimal("0.01"),
        first_token_ms=700,
        total_ms=2100,
    )
    Message.objects.create(conversation=dialog, request=request, role="user", content="How <b>much</b>?")
    reminder = remind(anna, chat, number, now)
    key = ApiKey.objects.create(name="CRM", prefix=f"skr_{number}", digest="d", scopes=["reminders"], created_by=anna)
    budget = Budget.objects.create(scope="person", user=anna, tokens=1000, money=Decimal("2.5"))
    job = DjangoJob.objects.create(id=f"job{number}", next_run_time=now, job_state=b"never loaded")
    rows: list[models.Model] = [
        anna,
        chat,
        provider,
        model,
        assistant,
        AssistantVersion.objects.create(assistant=assistant, number=1, prompt="Be terse.", model_ref=model.ref),
        Binding.objects.create(chat=chat, assistant=assistant),
        standup(anna, chat, number, now),
        dialog,
        request,
        RequestSum.objects.create(day=now.date(), user=anna, model_ref=model.ref, requests=3, cost=Decimal("0.5")),
        job,
        Group.objects.create(name=f"Group {number}"),
        Invite.objects.create(token_hash=f"h{number}", expires_at=now + timedelta(days=1), created_by=anna),
        key,
        reminder,
        reminder.schedule,
        Occurrence.objects.create(reminder=reminder, planned_at=now, state="dead" if number % 2 else "acked"),
        post(anna, chat, number, now),
        *avito(anna, chat, number, now),
        Webhook.objects.create(key=key, url=f"https://hooks.example/{number}", secret="whsec_x"),
        AuditEntry.objects.create(action="role.set", target=f"user:{anna.pk}", details={"old": "a", "new": "b"}),
        SyncRun.objects.create(slot=f"s{number}", trigger="schedule", state="done", finished_at=now, results=RESULTS),
        Update.objects.create(bot_id=1, update_id=number, lane="in:1:1:0", kind="message", raw={"text": "привет"}),
        Broadcast.objects.create(text=f"News {number}", state="done", created_by=anna, enqueued=3, finished_at=now),
        AdminSession.objects.create(user=anna, until=now + timedelta(minutes=5), failures=1, failed_at=now),
        Delivery.objects.create(key=f"k{number}", lane="out:1:1", source="turn", content={"text": "<i>hi</i>"}),
        JobRequest.objects.create(job_id=f"job{number}", requested_by="Root"),
        StoredFile.objects.create(owner=anna, path=f"p{number}", mime="text/plain", size=3, sha256="0" * 64),
        budget,
        Spending.objects.create(budget=budget, starts_on=now.date(), tokens=500),
        DjangoJobExecution.objects.create(job=job, status="Missed!", run_time=now),
    ]
    return {type(row): row for row in rows}


def remind(anna: User, chat: Chat, number: int, now: datetime) -> Reminder:
    """A reminder for ``anna``; those with an odd number come every workday."""
    rule: Rule = Cron("30 9 * * 1-5") if number % 2 else Once(now + timedelta(hours=1))
    schedule = planning.plan("reminder", str(uuid.UUID(int=number)), rule, "Europe/Berlin", now=now)
    values = {"id": uuid.UUID(int=number), "type": "recurring" if number % 2 else "one_time", "title": f"Tea {number}"}
    return Reminder.objects.create(schedule=schedule, user=anna, chat=chat, payload={"text": "Tea"}, **values)


def post(anna: User, chat: Chat, number: int, now: datetime) -> Post:
    """Published in one chat."""
    values = {"state": "published", "planned_at": now, "published_at": now}
    row = Post.objects.create(id=uuid.UUID(int=number), author=anna, text=f"News {number}", **values)
    PostTarget.objects.create(post=row, chat=chat, state="sent", message_ids=[7], message_id=7, sent_at=now, attempt=1)
    return row


def avito(anna: User, chat: Chat, number: int, now: datetime) -> list[models.Model]:
    """A profile with a day of figures, a report, an export and an alert."""
    profile = AvitoProfile.objects.create(
        owner=anna, name=f"Shop {number}", credentials={"client_id": "id", "client_secret": "hidden-from-all"},
        client="d" * 64, client_mask="ab…yz", account_id=90000001 + number, access="works",
        sections={"statistics": {"kind": "", "at": now.isoformat()}, "calls": {"kind": "no_access", "at": "long ago"}},
    )  # fmt: skip
    schedule = planning.plan("report", str(profile.pk), Cron("0 9 * * *"), "Europe/Moscow", now=now)
    task = ReportTask.objects.create(profile=profile, schedule=schedule, chat=chat, hook_secret="hidden-from-all")
    report = Report.objects.create(
        id=uuid.UUID(int=number), kind="now", task=task, requested_by=anna, chat=chat, state="done",
        first=now.date(), last=now.date(), finished_at=now,
    )  # fmt: skip
    report.parts.create(profile=profile, state="done", gaps={"calls": "no_access"})
    figures = {"views": "120", "contacts": "6", "allSpending": "990.50"}
    return [
        profile,
        task,
        report,
        Snapshot.objects.create(profile=profile, date=now.date() - timedelta(days=1), figures=figures),
        Export.objects.create(profile=profile, requested_by=anna, chat=chat, state="done", finished_at=now),
        Alert.objects.create(profile=profile, kind="rights", about="calls", facts={"kind": "no_access"}),
    ]


RESULTS = {
    "gemini": {"seen": 2, "new": ["one"], "changed": [], "gone": ["two"], "returned": []},
    "mistral": {"error": "auth: no <key>"},
}


@pytest.fixture
def rows(operator: User, now: datetime) -> dict[type[models.Model], models.Model]:
    return one_of_each(0, now)


def url(row: models.Model | type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_{page}", args=args)


def at(day: int, hour: int = 12) -> datetime:
    """A moment in November 2026, UTC."""
    return datetime(2026, 11, day, hour, tzinfo=UTC)


def standup(user: User, chat: Chat, number: int, now: datetime) -> StandUp:
    row = StandUp.objects.create(
        key=f"reminder:{number}:run", series=uuid.uuid4(), user=user, chat=chat, plan={"task": "standup"},
        day=now.date(), post_at=now,
    )  # fmt: skip
    row.members.create(user=user, ask_at=now, state="answered", said={"1": "I made tea"})
    return row
