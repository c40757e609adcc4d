"""/mydata shows a person all that is on record about them, /forget erases it."""

import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, Invite, User
from conversations import retention, services
from conversations.models import Attachment, Conversation, Message, Request
from conversations.privacy import export, forgetting
from conversations.services import Outcome, Question, summaries
from delivery.models import Delivery
from files.models import StoredFile
from llm.types import Answer, End
from telegram_bot.incoming import Incoming
from telegram_bot.models import AdminSession, Broadcast, Button, Update
from tests.house import ANNA, BORIS, BOT, OLGA, TEAM, House
from tests.privacy import places_of

Arrive = Callable[..., Incoming]

MINE, THEIRS = "bumblebee", "woodpecker"
QUESTION = f"What of the {MINE}? [[text Nothing new of the {MINE}.]]"


def user(telegram_id: int = ANNA) -> User:
    return User.objects.get(telegram_id=telegram_id)


def give_file(settings: Settings, size: int = 3) -> StoredFile:
    """Анна has sent a file with her question."""
    path = Path(settings.FILES_DIR) / "2026" / "x.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(MINE)
    file = StoredFile.objects.create(
        owner=user(), path="2026/x.txt", name=f"{MINE}.txt", text=MINE, mime="text/plain", size=size, sha256="1"
    )
    Attachment.objects.create(request=Request.objects.latest("id"), file=file, kind="document")
    return file


def document(house: House, chat_id: int = ANNA) -> tuple[str, bytes]:
    """Name and content of the newest document in the chat."""
    sent = next(message["document"] for message in reversed(house.messages(chat_id)) if "document" in message)
    return sent["file_name"], house.world.files.find(sent["file_id"]).content


def record_in(name: str, content: bytes) -> dict[str, Any]:
    if name.endswith(".zip"):
        content = zipfile.ZipFile(io.BytesIO(content)).read("mydata.json")
    record: dict[str, Any] = json.loads(content)
    return record


async def test_export_holds_what_was_said_and_what_it_cost(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/mydata")

    name, content = document(house)
    record = record_in(name, content)
    assert name.startswith("mydata-")
    assert name.endswith(".json")
    assert record["person"]["telegram_id"] == ANNA
    assert [said["role"] for said in record["dialogs"][0]["messages"]] == ["user", "assistant"]
    assert MINE in record["requests"][0]["prompt"]
    assert record["requests"][0]["output_tokens"] > 0
    assert MINE in json.dumps(record["received_from_telegram"])


async def test_export_is_nobody_elses(team: House) -> None:
    await team.ask(BORIS, f"/ask@sekretar_bot {THEIRS}", TEAM)
    await team.ask(ANNA, f"/ask@sekretar_bot {MINE}", TEAM)
    await team.ask(ANNA, "/mydata")

    _name, content = document(team)
    assert THEIRS not in content.decode()
    assert [said["content"] for said in json.loads(content)["said_in_groups"]] == [MINE]


async def test_files_come_along_in_an_archive(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    file = await house.db(give_file, settings)
    await house.ask(ANNA, "/mydata")

    name, content = document(house)
    archive = zipfile.ZipFile(io.BytesIO(content))
    assert name.endswith(".zip")
    assert archive.read(f"files/{file.pk}.txt").decode() == MINE


async def test_files_that_are_too_large_are_listed_only(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    await house.db(give_file, settings, 30_000_000)
    await house.ask(ANNA, "/mydata")

    name, content = document(house)
    [listed] = record_in(name, content)["files"]
    assert name.endswith(".json")
    assert (listed["name"], listed["in_this_archive"]) == (f"{MINE}.txt", None)


async def test_export_is_on_record_and_comes_once_in_ten_minutes(house: House) -> None:
    await house.ask(ANNA, "/mydata")
    assert await house.ask(ANNA, "/mydata") == "You have asked for it a moment ago. Once more in 10 minutes."

    assert len(house.calls("sendDocument")) == 1
    assert await house.db(AuditEntry.objects.filter(action="privacy.exported", actor__telegram_id=ANNA).count) == 1


async def test_row_of_an_export_holds_nothing_of_it(house: House) -> None:
    await house.ask(ANNA, "/mydata")

    row = await house.db(Delivery.objects.get, backend="document")
    assert set(row.content) == {"document", "data", "thread", "language"}


@pytest.mark.parametrize("command", ["/mydata@sekretar_bot", "/forget@sekretar_bot"])
async def test_own_data_are_no_matter_for_a_group(team: House, command: str) -> None:
    assert await team.ask(ANNA, command, TEAM) == "That is between the two of us: write it to me in private."
    assert not team.calls("sendDocument")


async def test_export_that_telegram_did_not_take_is_sent_again(house: House) -> None:
    house.fault("sendDocument", "502_html")
    await house.ask(ANNA, "/mydata")
    await house.until(lambda: len(house.calls("sendDocument")) == 2)
    await house.quiet()

    assert record_in(*document(house))["person"]["telegram_id"] == ANNA


# Columns that name a person, by what the export does with them.
SHOWN = {
    "accounts.ApiKey.created_by", "accounts.AuditEntry.actor", "accounts.Chat.person", "accounts.Chat.requested_by",
    "accounts.Invite.created_by", "accounts.Invite.used_by", "admin.LogEntry.user",
    "conversations.AssistantVersion.changed_by", "conversations.Leave.user", "conversations.Message.author",
    "conversations.Request.user",
    "conversations.RequestSum.user", "conversations.StandUp.user", "conversations.StandUpMember.user",
    "files.StoredFile.owner", "llm.Budget.user", "llm.Spending.user",
    "posts.Post.author", "reminders.Reminder.created_by", "reminders.Reminder.user",
    "reports.AvitoProfile.owner", "reports.Export.requested_by", "reports.Report.requested_by",
    "telegram_bot.AdminSession.user", "telegram_bot.Broadcast.created_by", "telegram_bot.Button.owner",
    "telegram_bot.Expectation.user",
}  # fmt: skip
# Decisions about others, which stand in the record; rights, which are no data of a person's.
LEFT_OUT = {
    "accounts.Chat.decided_by", "accounts.User.decided_by", "accounts.User_groups.user",
    "accounts.User_user_permissions.user",
}  # fmt: skip


def test_every_column_that_names_a_person_is_in_the_export_or_left_out_on_purpose() -> None:
    named = {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models(include_auto_created=True)
        for field in model._meta.concrete_fields
        if field.related_model is User
    }
    assert named == SHOWN | LEFT_OUT


@pytest.mark.django_db
def test_export_holds_what_an_admin_did_and_no_key(member: User, now: datetime) -> None:
    Invite.objects.create(token_hash="hash-of-a-link", created_by=member, note="for Boris", expires_at=now)
    Broadcast.objects.create(text=MINE, created_by=member)
    member.set_password("long enough 1")
    member.save()

    record = export.record_of(member, [], packed=False)

    assert [row["note"] for row in record["invitations"]] == ["for Boris"]
    assert [row["text"] for row in record["announcements"]] == [MINE]
    assert [word for word in ("hash-of-a-link", member.password) if word in str(record)] == []


@pytest.mark.django_db
def test_export_tells_when_operators_read_what_is_the_persons_own(
    dialog: Conversation, member: User, now: datetime
) -> None:
    for target in (f"conversation:{dialog.pk}", "conversation:0", "request:list"):
        AuditEntry.objects.create(action="content.read", target=target, actor_label="Root")

    record = export.record_of(member, [], packed=False)["record"]

    assert [row["target"] for row in record] == [f"conversation:{dialog.pk}"]


# --- /forget --------------------------------------------------------------------------------------------------------


async def forget(house: House, who: int = ANNA) -> str:
    await house.ask(who, "/forget")
    house.press(who, "🗑 Erase")
    await house.quiet()
    return house.heard(who)[-1]


async def test_question_says_exactly_what_goes_and_that_access_stays(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, QUESTION)
    await house.db(give_file, settings)

    said = (await house.ask(ANNA, "/forget")).splitlines()
    assert said[3:9] == [
        "• 1 dialog of ours",
        "• 4 messages in them",
        "• the texts of 2 requests",
        "• 1 file",
        "• the copies of 2 messages as they came in",
        "• the buttons under my older messages to you",
    ]
    assert "Your access stays too: you can go on asking at once." in said


async def test_no_word_of_the_person_is_left_anywhere(house: House, settings: Settings) -> None:
    await house.ask(ANNA, QUESTION)
    file = await house.db(give_file, settings)
    await house.ask(ANNA, "/new")
    await house.ask(ANNA, QUESTION)

    assert (await forget(house)).startswith("🗑 Erased:\n• 2 dialogs of ours")
    assert await house.db(places_of, MINE) == set()
    assert not (Path(settings.FILES_DIR) / file.path).exists()
    assert await house.db(StoredFile.objects.count) == 0


async def test_access_and_sums_and_the_record_stay(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    tokens = (await house.db(Request.objects.get)).output_tokens
    await forget(house)

    request = await house.db(Request.objects.get)
    assert (request.prompt, request.answer, request.output_tokens) == ("", "", tokens)
    done = await house.db(lambda: list(AuditEntry.objects.order_by("id").values_list("action", "details__messages")))
    assert done[-2:] == [("privacy.forget_asked", 2), ("privacy.forgotten", 2)]
    assert await house.ask(ANNA, "[[history]]") == '["[[history]]"]'


async def test_in_groups_only_own_messages_are_blanked(team: House) -> None:
    await team.ask(BORIS, f"/ask@sekretar_bot {THEIRS} [[text For {THEIRS}]]", TEAM)
    await team.ask(ANNA, f"/ask@sekretar_bot {MINE} [[text For you]]", TEAM)
    await forget(team)

    said = await team.db(lambda: list(Message.objects.order_by("id").values_list("content", flat=True)))
    assert said == [f"{THEIRS} [[text For {THEIRS}]]", f"For {THEIRS}", "", "For you"]
    assert await team.db(places_of, MINE) == set()
    assert MINE not in await team.ask(BORIS, "/ask@sekretar_bot [[history]]", TEAM)


async def test_own_messages_in_groups_are_found_when_their_requests_are_gone(team: House, settings: Settings) -> None:
    await team.ask(ANNA, f"/ask@sekretar_bot {MINE} [[text For you]]", TEAM)
    settings.KEEP_REQUESTS_DAYS = 1
    await team.db(Request.objects.update, created_at=timezone.now() - timedelta(days=2))
    await team.db(retention.forget_old_requests, timezone.now())
    await forget(team)

    assert "message.content" not in await team.db(places_of, MINE)


async def test_others_keep_what_is_theirs(house: House) -> None:
    await house.ask(OLGA, THEIRS)
    before = await house.db(places_of, THEIRS)
    await house.ask(ANNA, QUESTION)
    await forget(house)

    assert await house.db(places_of, THEIRS) == before


async def test_second_time_there_is_nothing_to_erase(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await forget(house)

    assert await house.ask(ANNA, "/forget") == "🗑 There is nothing of yours to erase."


async def test_what_was_written_before_access_goes_too(house: House) -> None:
    await house.ask(BORIS, f"I am {THEIRS}, let me in")
    await house.db(User.objects.filter(telegram_id=BORIS).update, status="active", language="en")

    assert (await forget(house, BORIS)).endswith("• the copy of 1 message as it came in")
    assert await house.db(places_of, THEIRS) == set()


async def test_everything_stays_when_the_person_thinks_again(house: House) -> None:
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/forget")
    house.press(ANNA, "Keep everything")
    await house.quiet()

    assert house.heard(ANNA)[-1] == "Everything stays as it is."
    assert "message.content" in await house.db(places_of, MINE)


async def test_answer_that_is_being_written_is_ended_first(house: House) -> None:
    await house.ask(ANNA, "/forget")
    await house.ask(ANNA, QUESTION)
    await house.ask(ANNA, "/forget")
    house.say(ANNA, f"{MINE} [[text {MINE} {MINE} {MINE}]] [[hold]]")
    await house.until(lambda: MINE in house.heard(ANNA)[-1] and len(house.messages(ANNA)) > 3)
    [asked] = [message for message in house.messages(ANNA) if "Shall I erase" in message.get("text", "")]
    data = asked["reply_markup"]["inline_keyboard"][0][0]["callback_data"]
    house.world.press(ANNA, asked["message_id"], data)
    await house.quiet()

    assert await house.db(Conversation.objects.filter(closed_at=None).count) == 0
    assert await house.db(places_of, MINE) == set()


async def test_answer_that_another_process_writes_is_ended(house: House) -> None:
    house.say(ANNA, f"[[text {MINE} {MINE}]] [[hold]]")
    await house.until(lambda: MINE in "".join(house.heard(ANNA)))
    await house.db(Request.objects.update, state="stopped")  # as forgetting does it there
    await house.quiet()

    assert await house.db(Message.objects.count) == 0
    assert await house.db(Delivery.objects.filter(key__startswith="turn:").count) == 0


# --- what is on its way, and what others repeat ---------------------------------------------------------------------


def erase(user: User, press: Update, now: datetime) -> None:
    """As the button does it, without waiting for what is about to end."""
    found = forgetting.begin(user, press, now)
    for step in forgetting.steps(user, now):
        step()
    forgetting.finish(user, found, now)


def came(number: int, raw: dict[str, Any], **more: Any) -> Update:
    values = {"lane": f"in:{BOT}:{ANNA}:0", "chat_id": ANNA, "kind": "message", "state": "done", "raw": raw} | more
    return Update.objects.create(bot_id=BOT, update_id=number, **values)


def sent(key: str, **more: Any) -> Delivery:
    values = {"lane": f"out:{BOT}:{ANNA}", "chat_id": ANNA, "content": {"params": {"text": MINE}}} | more
    return Delivery.objects.create(key=key, bot_id=BOT, **values)


def said_by(telegram_id: int, text: str, **more: Any) -> dict[str, Any]:
    return {"from": {"id": telegram_id}, "text": text, **more}


@pytest.mark.django_db
def test_what_another_process_answers_afterwards_is_not_saved(
    dialog: Conversation, arrive: Arrive, member: User, now: datetime
) -> None:
    incoming = arrive(1)
    Update.objects.update(raw={"message": said_by(ANNA, MINE)})
    turn = services.begin(incoming, Question(MINE, 1), now)
    assert turn is not None
    erase(member, arrive(2, kind="callback_query").update, now)

    picture = StoredFile.objects.create(owner=member, path="p", name=MINE, mime="image/png", size=1, sha256="1")
    services.save(turn, Outcome(text=MINE, pictures=[picture]), incoming, now)

    assert places_of(MINE) == set()
    assert Request.objects.get().state == "stopped"
    assert Update.objects.get(update_id=1).state == "done"
    assert StoredFile.objects.get().expires_at == now


@pytest.mark.django_db
def test_summary_that_is_being_made_is_not_saved(
    dialog: Conversation, arrive: Arrive, member: User, now: datetime
) -> None:
    for number in range(4):
        Message.objects.create(conversation=dialog, role=("user", "assistant")[number % 2], content=MINE)
    job = summaries.begin_summary(dialog.pk, member, now, most=1)
    assert job is not None
    erase(member, arrive(1, kind="callback_query").update, now)

    assert not summaries.keep_summary(job, Answer(MINE, End("stop")), 5, now)

    assert places_of(MINE) == set()


@pytest.mark.django_db
def test_what_waits_since_before_the_press_is_emptied(
    arrive: Arrive, dialog: Conversation, member: User, now: datetime
) -> None:
    before = came(1, {"message": said_by(ANNA, MINE)}, state="new")
    press = arrive(2, kind="callback_query").update
    after = came(3, {"message": said_by(ANNA, "Hello again")}, state="new")

    erase(member, press, now)

    for row in (before, press, after):
        row.refresh_from_db()
    assert (before.raw, before.state) == ({}, "new")
    assert press.raw != {}
    assert after.raw["message"]["text"] == "Hello again"


@pytest.mark.parametrize("forgotten", [True, False])
@pytest.mark.django_db
def test_files_that_were_fetched_meanwhile_go_too(arrive: Arrive, member: User, now: datetime, forgotten: bool) -> None:
    incoming = arrive(1)
    Update.objects.update(chat_id=ANNA)
    if forgotten:
        erase(member, arrive(2, kind="callback_query").update, now)
    file = StoredFile.objects.create(
        owner=member, path="p", name=MINE, text=MINE, mime="text/plain", size=1, sha256="1"
    )

    assert forgetting.came_too_late(incoming, [file], now) is forgotten
    assert (places_of(MINE) == set()) is forgotten


@pytest.mark.django_db
def test_messages_that_have_not_left_do_not_leave(arrive: Arrive, member: User, now: datetime) -> None:
    waiting = sent("waits", not_before=now + timedelta(hours=1))
    leaving = sent("leaves", state="sending")
    password = sent("password", content={"method": "deleteMessage", "params": {"message_id": 1}})

    erase(member, arrive(1, kind="callback_query").update, now)

    assert places_of(MINE) == set()
    assert [Delivery.objects.get(pk=row.pk).state for row in (waiting, leaving, password)] == [
        "cancelled", "sending", "queued",
    ]  # fmt: skip


@pytest.fixture
def group(db: None) -> Conversation:
    chat = Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Team")
    return Conversation.objects.create(chat=chat)


@pytest.mark.django_db
def test_summary_of_a_groups_dialog_is_made_anew_without_the_persons_words(
    group: Conversation, arrive: Arrive, member: User, now: datetime
) -> None:
    Message.objects.create(conversation=group, role="user", author=member, content=MINE)
    last = Message.objects.create(conversation=group, role="user", content=THEIRS)
    Conversation.objects.filter(pk=group.pk).update(summary=f"{MINE}, {THEIRS}", summarised_to=last.pk)
    made = Request.objects.create(
        conversation=group, kind="summary", update_key=f"summary:{group.pk}:0", answer=MINE, state="done"
    )

    erase(member, arrive(1, kind="callback_query").update, now)

    group.refresh_from_db()
    made.refresh_from_db()
    assert places_of(MINE) == set()
    assert (group.summary, group.summarised_to) == ("", None)
    assert made.update_key != f"summary:{group.pk}:0"
    assert [message.content for message in summaries.unsummarised(group)][-1] == THEIRS


@pytest.mark.django_db
def test_others_updates_forget_the_messages_they_repeat(arrive: Arrive, member: User, now: datetime) -> None:
    own = said_by(ANNA, MINE)
    raws = [
        {"message": said_by(BORIS, THEIRS, reply_to_message=own, quote={"text": MINE})},
        {"message": said_by(BORIS, THEIRS, pinned_message=own)},
        {"callback_query": {"from": {"id": BORIS}, "message": said_by(BOT, THEIRS, reply_to_message=own)}},
        {"message": said_by(BORIS, THEIRS, reply_to_message=said_by(OLGA, THEIRS))},
    ]
    for number, raw in enumerate(raws):
        came(10 + number, raw, chat_id=TEAM)

    erase(member, arrive(1, kind="callback_query").update, now)

    assert places_of(MINE) == set()
    kept = list(Update.objects.filter(chat_id=TEAM).order_by("id").values_list("raw", flat=True))
    assert [str(raw).count(THEIRS) for raw in kept] == [1, 1, 1, 2]


@pytest.mark.django_db
def test_what_was_said_in_a_group_because_of_the_persons_message_is_erased(
    arrive: Arrive, member: User, now: datetime
) -> None:
    came(10, {"message": said_by(ANNA, "")}, chat_id=TEAM, trace_id="feed")
    heard = sent("heard:1:0", chat_id=TEAM, state="sent", trace_id="feed")
    other = sent("turn:2:0", chat_id=TEAM, state="sent", trace_id="beef", content={"params": {"text": THEIRS}})

    erase(member, arrive(1, kind="callback_query").update, now)

    for row in (heard, other):
        row.refresh_from_db()
    assert (heard.content, other.content) == ({"erased": True}, {"params": {"text": THEIRS}})


@pytest.mark.django_db
def test_what_waits_for_a_word_of_the_person_goes(arrive: Arrive, member: User, now: datetime) -> None:
    Button.objects.create(action="tool.yes", data={"calls": MINE}, chat_id=ANNA, expires_at=now + timedelta(days=1))
    AdminSession.objects.create(user=member, waiting={"words": [MINE]})
    Broadcast.objects.create(text=MINE, created_by=member)

    erase(member, arrive(1, kind="callback_query").update, now)

    assert places_of(MINE) == set()
