"""The way of one message on one page: complete, in order, and without contents for those who may not read them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Access, AuditEntry, Chat, User
from accounts.services import audit, target_of
from config import trace_words, tracing
from conversations import limits
from conversations.models import Conversation, Request
from conversations.services import OWN_KINDS
from delivery.models import Delivery
from llm.errors import Kind
from llm.types import Finish
from telegram_bot.lanes import ALLOWED_UPDATES
from telegram_bot.models import Update
from tests.admin.conftest import client_of, person, url

TRACE = "ab12cd34ef56"
QUESTION, ANSWER = "Is <b>this</b> private?", "As private as a diary."


def after(now: datetime, seconds: float) -> datetime:
    return now + timedelta(seconds=seconds)


@pytest.fixture
def anna(operator: User, now: datetime) -> User:
    return person(1, now, status=Access.ACTIVE)


@pytest.fixture
def answered(anna: User, now: datetime) -> Request:
    """A question with all it led to: 0.2 s in the inbox, 0.5 s to the first words, 2 s in all, two messages."""
    body = {"from": {"id": anna.telegram_id}, "text": QUESTION}
    Update.objects.create(
        bot_id=1, update_id=77, lane="in:1:5:0", kind="message", chat_id=5, raw={"update_id": 77, "message": body},
        state="done", trace_id=TRACE, received_at=now, finished_at=after(now, 2.2),
    )  # fmt: skip
    chat = Chat.objects.create(bot_id=1, telegram_id=5, kind="private", person=anna, title="Anna")
    request = Request.objects.create(
        conversation=Conversation.objects.create(chat=chat), user=anna, model_ref="openai:b", chosen_ref="openai:a",
        update_key="1:77", state="done", prompt=QUESTION, answer=ANSWER, input_tokens=1200, output_tokens=34,
        cost=Decimal("0.01"), first_token_ms=500, total_ms=2000, trace_id=TRACE,
        created_at=after(now, 0.2), finished_at=after(now, 2.2),
        steps=[{"at": after(now, 1).isoformat(), "kind": "tool", "name": "clock", "arguments": "diary of Anna"}],
    )  # fmt: skip
    for number, state in enumerate(("sent", "failed")):
        Delivery.objects.create(
            key=f"turn:1:{number}", lane="out:1:5", source="conversations", state=state, attempts=number + 1,
            message_id=901 if state == "sent" else None, error_kind="" if state == "sent" else "rejected",
            content={"method": "sendMessage", "params": {"text": ANSWER}}, trace_id=TRACE,
            created_at=after(now, 2.2), finished_at=after(now, 2.5 + number),
        )  # fmt: skip
    return request


def text(client: Client, trace: str = TRACE, status: int = 200) -> str:
    page = client.get(reverse("trace", args=[trace]))
    assert page.status_code == status
    return page.content.decode()


def staff(*rights: str) -> Client:
    user = User.objects.create_user("clerk", is_staff=True, status=Access.ACTIVE)
    user.user_permissions.set(Permission.objects.filter(codename__in=[right.partition(".")[2] for right in rights]))
    return client_of(user)


def test_events_stand_in_the_order_of_time(answered: Request) -> None:
    line = tracing.events(tracing.load(TRACE), contents=True)
    assert [(event.title, round(event.since, 1)) for event in line] == [
        ("Received", 0.0),
        ("Let in, a model is asked", 0.2),
        ("First words", 0.7),
        ("A tool was called", 1.0),
        ("Answered", 2.2),
        ("Worked off", 2.2),
        ("Into the outbox", 2.2),
        ("Into the outbox", 2.2),
        ("Sent", 2.5),
        ("Failed", 3.5),
    ]
    assert [event.content for event in line] == [QUESTION, "", "", "", ANSWER, "", "", "", "", ""]
    assert [round(event.gap, 1) for event in line] == [0.0, 0.2, 0.5, 0.3, 1.2, 0.0, 0.0, 0.0, 0.3, 1.0]


def test_bars_say_where_the_time_went(answered: Request) -> None:
    bars = tracing.spans(tracing.load(TRACE))
    assert [(bar.title, round(bar.seconds, 1)) for bar in bars] == [
        ("In the inbox", 0.2),
        ("Until the first words", 0.5),
        ("The answer", 1.5),
        ("To Telegram", 0.3),
        ("To Telegram", 1.3),
    ]
    assert (bars[0].left, round(bars[-1].left + bars[-1].width)) == (0.0, 100)


def test_page_shows_everything_to_who_may_read_it(site: Client, answered: Request) -> None:
    page = text(site)
    for word in (
        "openai:b",
        "openai:a",
        "1\N{NO-BREAK SPACE}200 → 34",
        "901",
        "Telegram refused it",
        "Anna 1",
        "clock",
        ANSWER,
    ):
        assert word in page
    assert "Is &lt;b&gt;this&lt;/b&gt; private?" in page
    assert QUESTION not in page


def test_page_speaks_words_and_not_code(site: Client, answered: Request) -> None:
    Request.objects.update(
        finish="length",
        steps=[
            {"at": answered.created_at.isoformat(), "kind": "fallback", "model": "openai:a", "error": "rate_limited"},
            {"at": answered.created_at.isoformat(), "kind": "tool", "name": "clock", "outcome": "declined", "ms": 3},
        ],
    )
    page = text(site)
    for word in ("the model&#x27;s limit of length", "too many questions at once", "the person said No", "new message"):
        assert word in page
    for code in ("rate_limited", "declined", "sendMessage", ">conversations<", "outcome"):
        assert code not in page


def test_every_kind_has_its_words() -> None:
    kinds = {*get_args(Kind), *OWN_KINDS, *limits.KINDS}
    assert kinds - trace_words.ERRORS.keys() == set()
    assert set(get_args(Finish)) - trace_words.ENDS.keys() == set()
    assert set(ALLOWED_UPDATES) == trace_words.UPDATES.keys()


def test_summary_made_along_is_named(site: Client, answered: Request) -> None:
    Request.objects.create(
        conversation=answered.conversation, kind="summary", update_key="summary:1:0", state="done", trace_id=TRACE
    )
    assert "The dialog is summarised" in text(site)


def test_reading_is_on_record(site: Client, answered: Request) -> None:
    text(site)
    entry = AuditEntry.objects.get(action="content.read")
    assert entry.target == f"trace:{TRACE}"


def test_who_may_not_read_sees_the_way_but_no_word_of_it(answered: Request) -> None:
    clerk = staff("telegram_bot.view_update", "conversations.view_request", "delivery.view_delivery")
    page = text(clerk)
    assert ("openai:b" in page, "901" in page, "clock" in page) == (True, True, True)
    assert "diary" not in page
    assert "private?" not in page
    assert not AuditEntry.objects.filter(action="content.read").exists()


def test_half_of_the_rights_is_not_enough(answered: Request) -> None:
    clerk = staff("telegram_bot.view_update", "delivery.view_delivery")
    assert clerk.get(reverse("trace", args=[TRACE])).status_code == 403
    assert clerk.get(reverse("traces")).status_code == 403
    assert reverse("traces") not in clerk.get(reverse("admin:index")).content.decode()


def test_nobody_sees_it_without_logging_in(answered: Request) -> None:
    for address in (reverse("traces"), reverse("trace", args=[TRACE])):
        assert Client().get(address).status_code == 302


def test_what_an_operator_did_stands_on_the_line(site: Client, operator: User, answered: Request) -> None:
    delivery = Delivery.objects.get(key="turn:1:1")
    now = after(answered.created_at, 60)
    audit("delivery.retried", by=operator, via="admin", **target_of(delivery), now=now)
    page = text(site)
    assert "An operator sent it again" in page
    assert "Root" in page.split("An operator sent it again")[1]
    assert ">3.50 s<" in page  # what operators do later takes none of the message's time


@pytest.mark.parametrize("asked", [TRACE, "77", f"  {TRACE} "])
def test_trace_is_found_by_its_number_and_its_updates(site: Client, answered: Request, asked: str) -> None:
    page = site.get(reverse("traces"), {"q": asked})
    assert page.headers["Location"] == reverse("trace", args=[TRACE])


@pytest.mark.parametrize("asked", ["nothing", "78", "9" * 40, "<b>", "²"])
def test_what_is_not_there_is_said(site: Client, answered: Request, asked: str) -> None:
    page = site.get(reverse("traces"), {"q": asked})
    assert page.status_code == 200
    assert "Nothing is on record" in page.content.decode()
    assert "<b>”" not in page.content.decode()


def test_unknown_trace_is_not_found(site: Client, answered: Request) -> None:
    text(site, "0" * 12, 404)


def test_newest_messages_lead_to_their_traces(site: Client, answered: Request) -> None:
    assert reverse("trace", args=[TRACE]) in site.get(reverse("traces")).content.decode()


@pytest.mark.parametrize("model", [Update, Request, Delivery])
def test_pages_of_rows_lead_to_the_trace(
    site: Client, answered: Request, model: type[Update] | type[Request] | type[Delivery]
) -> None:
    row = model.objects.filter(trace_id=TRACE).first()
    assert row is not None
    assert reverse("trace", args=[TRACE]) in site.get(url(row, "change", row.pk)).content.decode()


def test_message_that_only_waits_has_a_page(site: Client, operator: User, now: datetime) -> None:
    Update.objects.create(bot_id=1, update_id=5, lane="in:1:5:0", raw={}, trace_id="0" * 12, received_at=now)
    assert "Received" in text(site, "0" * 12)


def test_old_rows_cost_nothing(site: Client, answered: Request) -> None:
    text(site)
    with CaptureQueriesContext(connection) as queries:
        text(site)
    assert len(queries) <= 16
