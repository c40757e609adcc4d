"""CONTENT_LOG: what of people's words stays where, and for how long."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.utils import timezone
from pytest_django import Settings

from accounts import services as accounts
from accounts.models import AuditEntry, Chat, User
from conversations import retention
from conversations.models import Attachment, Conversation, Message, Request, RequestSum
from delivery import services as delivery
from delivery.models import Delivery
from files import services as files
from files.models import StoredFile
from telegram_bot import services as inbox
from telegram_bot.models import Broadcast, Button, Update
from tests.house import ANNA, House
from tests.privacy import places_of

ASKED, SAID = "bumblebee", "dragonfly"
QUESTION = f"What of the {ASKED}? [[text The {SAID}.]]"
DIALOG = {"message.content", "message.raw"}
DAY = timedelta(days=1)


@pytest.mark.parametrize("mode", ["metadata", "off"])
async def test_words_live_only_in_the_open_dialog(house: House, settings: Settings, mode: str) -> None:
    settings.CONTENT_LOG = mode
    assert await house.ask(ANNA, QUESTION) == f"The {SAID}."

    assert await house.db(places_of, ASKED, SAID) == DIALOG


@pytest.mark.parametrize("mode", ["metadata", "off"])
async def test_no_column_holds_a_word_once_the_dialog_is_closed(house: House, settings: Settings, mode: str) -> None:
    settings.CONTENT_LOG = mode
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, f"/ask {QUESTION}")
    await house.ask(ANNA, "/new")

    assert await house.db(places_of, ASKED, SAID) == set()


async def test_everything_is_on_record_when_contents_are_kept(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/new")

    assert await house.db(places_of, ASKED, SAID) == {
        *DIALOG, "request.prompt", "request.answer", "update.raw", "delivery.content",
    }  # fmt: skip


async def test_model_goes_on_with_an_open_dialog_whose_requests_are_bare(house: House, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"
    await house.ask(ANNA, QUESTION)

    assert ASKED in await house.ask(ANNA, "[[history]]")


async def test_edit_that_changes_nothing_is_not_answered_twice(house: House, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"
    asked = house.say(ANNA, QUESTION)
    await house.quiet()
    house.world.edit(ANNA, asked["message_id"], QUESTION)
    await house.quiet()

    assert house.heard(ANNA) == [f"The {SAID}."]


async def test_what_was_there_before_the_setting_goes_with_housekeeping(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/new")
    settings.CONTENT_LOG = "metadata"
    for sweep in (retention.erase_contents, inbox.erase_updates, delivery.erase_deliveries):
        await house.db(sweep, timezone.now())

    assert await house.db(places_of, ASKED, SAID) == set()


@pytest.mark.django_db
def test_what_failed_can_be_tried_again_for_a_day(now: datetime, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"
    update = Update.objects.create(
        bot_id=1, update_id=1, lane="in:1:1:0", raw={"text": ASKED}, error=ASKED, state="dead", finished_at=now
    )
    sending = Delivery.objects.create(key="k", lane="out:1:1", content={"text": ASKED}, state="failed", finished_at=now)
    for sweep in (inbox.erase_updates, delivery.erase_deliveries):
        assert sweep(now + timedelta(hours=23)) == 0
        assert sweep(now + timedelta(hours=25)) == 1
        assert sweep(now + timedelta(hours=25)) == 0

    assert places_of(ASKED) == set()
    assert not inbox.retry_update(update, now=now)
    assert not delivery.retry(sending, now=now)


@pytest.mark.django_db
def test_error_and_steps_of_a_request_keep_only_what_is_no_content(dialog: Conversation, settings: Settings) -> None:
    settings.CONTENT_LOG = "metadata"
    steps = [{"kind": "tool", "name": "search", "ms": 3, "arguments": {"words": ASKED}, "result": SAID}]

    saved = retention.kept({"state": "failed", "answer": SAID, "error": ASKED, "error_kind": "bug", "steps": steps})

    assert saved == {
        "state": "failed", "error_kind": "bug", "steps": [{"kind": "tool", "name": "search", "ms": 3}],
        "prompt": "", "answer": "", "error": "",
    }  # fmt: skip


@pytest.mark.django_db
def test_files_of_a_closed_dialog_go_unless_an_open_one_has_them(
    dialog: Conversation, member: User, now: datetime, settings: Settings
) -> None:
    settings.CONTENT_LOG = "metadata"
    elsewhere = Conversation.objects.create(chat=dialog.chat, thread_id=5)
    mine, shared = (
        StoredFile.objects.create(
            owner=member, path=f"p{number}", name=ASKED, text=ASKED, mime="text/plain", size=1, sha256=str(number)
        )
        for number in range(2)
    )
    for place, file in ((dialog, mine), (dialog, shared), (elsewhere, shared)):
        said = Message.objects.create(conversation=place, role="user", content="Look")
        Attachment.objects.create(message=said, file=file, kind="document")

    retention.closed(dialog, now)
    files.remove_expired(now + DAY)

    assert list(StoredFile.objects.all()) == [shared]
    assert StoredFile.objects.get().text == ASKED


# --- rows past their time -------------------------------------------------------------------------------------------


def a_request(dialog: Conversation, number: int, when: datetime, **more: object) -> Request:
    values = {"state": "done", "prompt": ASKED, "answer": SAID, "input_tokens": 10, "output_tokens": 5} | more
    return Request.objects.create(
        conversation=dialog, user=dialog.chat.person, model_ref="openai:tiny", update_key=str(number), created_at=when,
        **values,
    )  # fmt: skip


@pytest.mark.django_db
def test_of_old_requests_only_sums_stay(dialog: Conversation, now: datetime, settings: Settings) -> None:
    settings.CONTENT_LOG = "off"
    old = a_request(dialog, 1, now - 2 * DAY, cost=Decimal("0.25"))
    a_request(dialog, 2, now - 2 * DAY, cost=None)
    a_request(dialog, 3, now - timedelta(hours=23))
    Message.objects.create(conversation=dialog, request=old, role="user", content="Still told to the model")

    assert retention.forget_old_requests(now) == 2
    assert retention.forget_old_requests(now) == 0

    [one] = RequestSum.objects.all()
    assert (one.requests, one.answered, one.input_tokens, one.output_tokens) == (2, 2, 20, 10)
    assert (one.cost, one.unpriced, one.user) == (Decimal("0.25"), 1, dialog.chat.person)
    assert list(Request.objects.values_list("update_key", flat=True)) == ["3"]
    assert Message.objects.get().content == "Still told to the model"


@pytest.mark.parametrize(
    ("mode", "days", "left"), [("full", 0, 2), ("metadata", 0, 2), ("full", 30, 1), ("off", 30, 0)]
)
@pytest.mark.django_db
def test_requests_are_kept_as_long_as_the_settings_say(
    dialog: Conversation, now: datetime, settings: Settings, mode: str, days: int, left: int
) -> None:
    settings.CONTENT_LOG, settings.KEEP_REQUESTS_DAYS = mode, days
    a_request(dialog, 1, now - 31 * DAY)
    a_request(dialog, 2, now - 2 * DAY)

    retention.forget_old_requests(now)

    assert Request.objects.count() == left


@pytest.mark.django_db
def test_dialogs_in_which_nothing_was_said_for_long_are_emptied(
    dialog: Conversation, now: datetime, settings: Settings
) -> None:
    settings.KEEP_DIALOGS_DAYS = 30
    began = now - 40 * DAY
    lively, bare = (Conversation.objects.create(chat=dialog.chat, thread_id=n, started_at=began) for n in (1, 2))
    silent = Conversation.objects.create(chat=dialog.chat, thread_id=3, started_at=began, title=ASKED, summary=ASKED)
    for place, when in ((lively, now - DAY), (silent, began)):
        Message.objects.create(conversation=place, role="user", content=ASKED, created_at=when)
    a_request(silent, 1, began)

    assert retention.forget_old_dialogs(now) == 3
    assert retention.forget_old_dialogs(now) == 0

    assert set(Conversation.objects.all()) == {dialog, lively, silent}
    silent.refresh_from_db()
    assert (silent.title, silent.summary, silent.closed_at) == ("", "", now)
    assert list(Message.objects.values_list("conversation", flat=True)) == [lively.pk]
    assert bare.pk not in Conversation.objects.values_list("pk", flat=True)


@pytest.mark.parametrize(
    ("mode", "days", "left"), [("full", 90, 2), ("full", 0, 3), ("off", 0, 1), ("metadata", 90, 1)]
)
@pytest.mark.django_db
def test_announcements_go_with_the_messages_they_were(
    now: datetime, settings: Settings, mode: str, days: int, left: int
) -> None:
    settings.CONTENT_LOG, settings.KEEP_DELIVERIES_DAYS = mode, days
    for state, age in (("done", 100), ("draft", 2), ("sending", 100)):
        Broadcast.objects.create(text=SAID, state=state, created_at=now - age * DAY)

    inbox.forget_old_announcements(now)

    assert Broadcast.objects.count() == left
    assert SAID not in str(Broadcast.objects.latest("id"))


@pytest.mark.django_db
def test_what_a_model_was_about_to_do_is_kept_for_a_day(now: datetime) -> None:
    for action, age in (("tool.yes", 25), ("tool.no", 25), ("tool.yes", 23), ("models", 25)):
        Button.objects.create(action=action, created_at=now - timedelta(hours=age), expires_at=now + DAY)

    assert retention.forget_old_questions(now) == 2


@pytest.mark.django_db
def test_admins_own_log_goes_with_the_audit_and_sessions_when_they_are_over(
    member: User, now: datetime, settings: Settings
) -> None:
    settings.KEEP_AUDIT_DAYS = 30
    for age in (31, 29):
        AuditEntry.objects.create(action="role.set", at=now - age * DAY)
        LogEntry.objects.create(user=member, action_flag=2, object_repr="x", action_time=now - age * DAY)
        Session.objects.create(session_key=f"s{age}", session_data="", expire_date=now + (30 - age) * DAY)

    assert (accounts.forget_old_audit(now), accounts.forget_old_sessions(now)) == (2, 1)
    assert (AuditEntry.objects.count(), LogEntry.objects.count(), Session.objects.count()) == (1, 1, 1)


@pytest.mark.django_db
def test_nothing_is_forgotten_where_the_days_are_none(
    dialog: Conversation, now: datetime, settings: Settings, private_chat: Chat
) -> None:
    for name in ("UPDATES", "DELIVERIES", "DIALOGS", "REQUESTS", "AUDIT"):
        setattr(settings, f"KEEP_{name}_DAYS", 0)
    long_ago = now - 3000 * DAY
    a_request(dialog, 1, long_ago)
    Update.objects.create(bot_id=1, update_id=1, lane="in:1:1:0", raw={}, state="done", received_at=long_ago)
    Delivery.objects.create(key="k", lane="out:1:1", state="sent", created_at=long_ago)
    sweeps: list[Callable[[datetime], int]] = [
        inbox.forget_old_updates, delivery.forget_old_deliveries, retention.forget_old_requests,
        retention.forget_old_dialogs,
    ]  # fmt: skip

    assert [sweep(now) for sweep in sweeps] == [0, 0, 0, 0]
