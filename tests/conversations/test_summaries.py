"""A dialog that nearly fills its window goes on: the model keeps its older turns in short, the newest stay as said."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pytest_django import Settings

from accounts.models import User
from conversations import context, services, summarising, summary
from conversations.dialogs.bot import startup
from conversations.models import Conversation, Message, Request
from conversations.services import Outcome, Question, summaries
from core.db import in_db
from core.trace import trace
from delivery.models import Delivery
from llm import budgets
from llm.client import Client
from llm.services import Target
from llm.types import Answer, ChatRequest, End, Usage
from telegram_bot import notices
from telegram_bot.incoming import Incoming
from tests.conversations.conftest import change, offer, requests
from tests.house import ANNA, MODEL, House
from tests.llm.budgeting import budget, spending

Role = Message.Role
NOTES = "Анна любит чай, встреча в пятницу."
LONG = "tea and biscuits " * 20


@pytest.fixture(autouse=True)
def _fresh_budgets() -> None:
    budgets.forget_enabled()


@pytest.fixture
def small(house: House, settings: Settings) -> House:
    """A house whose models take little, and say NOTES when they are asked for a summary."""
    settings.MAX_CONTEXT_TOKENS, settings.CONTEXT_WARN_TOKENS = 1000, 1000
    house.models.rule(contains="The dialog:", text=NOTES)
    return house


def dialog_now() -> Conversation:
    return Conversation.objects.get(closed_at=None)


def kinds() -> list[str]:
    return [request.kind for request in requests()]


async def fill(house: House) -> None:
    """Three turns, of which the last brings the dialog near its limit."""
    for number in (1, 2, 3):
        await house.ask(ANNA, f"{number} {LONG} [[text Answer {number}: {LONG}]]")


async def test_dialog_that_nearly_fills_its_window_is_summarised_and_goes_on(small: House) -> None:
    await fill(small)

    assert small.heard(ANNA)[-1] == (
        "📝 The earlier part of this dialog is kept as a summary from now on. /context shows what I hold."
    )
    dialog = await small.db(dialog_now)
    assert dialog.summary == NOTES
    await small.ask(ANNA, "[[text Fine]]")
    system, *said = [message["content"] for message in small.models.calls[-1].body["messages"]]
    assert system == f"{context.SUMMARY_HEAD}\n{NOTES}"
    assert [text[:8] for text in said] == ["3 tea an", "Answer 3", "[[text F"]


async def test_summary_is_a_request_with_its_kind_and_its_price(small: House) -> None:
    await small.db(change, MODEL, price_input=1, price_output=2)

    await fill(small)

    [made] = [request for request in await small.db(requests) if request.kind == Request.Kind.SUMMARY]
    assert (made.state, made.answer, made.model_ref) == ("done", NOTES, f"openai:{MODEL}")
    assert made.user is not None
    assert made.user.telegram_id == ANNA
    assert made.cost is not None
    assert made.input_tokens


async def test_summary_that_fails_costs_no_answer_and_is_not_tried_at_every_question(small: House) -> None:
    small.models.clear_rules()
    small.models.rule(contains="The dialog:", error="bad_request")

    await fill(small)
    await small.ask(ANNA, f"4 {LONG} [[text Answer 4: {LONG}]]")

    assert any(text.startswith("Answer 4") for text in small.heard(ANNA))
    [made] = [request for request in await small.db(requests) if request.kind == Request.Kind.SUMMARY]
    assert (made.state, made.error_kind, made.attempts) == ("failed", "bad_request", 1)
    assert (await small.db(dialog_now)).summary == ""


async def test_summary_takes_the_earlier_one_along(small: House) -> None:
    await fill(small)
    for number in (4, 5, 6):
        await small.ask(ANNA, f"{number} {LONG} [[text Answer {number}: {LONG}]]")

    asked = [call.body["messages"][-1]["content"] for call in small.models.calls]
    later = [text for text in asked if "Earlier notes:" in text]
    assert len(later) >= 1
    assert NOTES in later[0]
    assert "Person: 1 tea" not in later[0]


async def test_other_model_writes_the_summaries_when_the_operator_says_so(small: House, settings: Settings) -> None:
    await small.db(offer, "openai", "gpt-4o-mini")
    settings.SUMMARY_MODEL = "openai:gpt-4o-mini"

    await fill(small)

    asked = {call.model for call in small.models.calls if "The dialog:" in str(call.body)}
    assert asked == {"gpt-4o-mini"}


async def test_nothing_is_summarised_of_itself_when_the_operator_wants_none(small: House, settings: Settings) -> None:
    settings.SUMMARISE_AT = 0

    await fill(small)

    assert set(await small.db(kinds)) == {"answer"}


async def test_edited_question_is_still_the_last_one_after_a_summary(small: House) -> None:
    for number in (1, 2):
        await small.ask(ANNA, f"{number} {LONG} [[text Answer {number}: {LONG}]]")
    question = small.say(ANNA, f"3 {LONG} [[text Answer 3: {LONG}]]")
    await small.quiet()
    assert "summary" in await small.db(kinds)

    small.world.edit(ANNA, question["message_id"], "[[text Quite another answer]]")
    await small.quiet()

    assert small.heard(ANNA)[-1] == "Quite another answer"


async def test_dialog_that_lost_its_beginning_for_its_length_is_summarised(small: House) -> None:
    """One message was so long that it did not go along with the next question, which filled little by itself."""
    await small.ask(ANNA, f"1 [[text Long ago: {LONG * 4}]]")
    await small.ask(ANNA, "2 [[text Short.]]")
    assert "summary" not in await small.db(kinds)

    await small.ask(ANNA, f"3 {LONG * 3} [[text Short.]]")

    third, notes = (str(call.body["messages"]) for call in list(small.models.calls)[2:])
    assert "Long ago" not in third
    assert "Long ago" in notes
    assert (await small.db(dialog_now)).summary == NOTES


async def test_dialog_of_many_short_messages_is_not_summarised(house: House, settings: Settings) -> None:
    """What the number of messages leaves out is the operator's wish."""
    settings.MAX_CONTEXT_MESSAGES = 4

    for number in range(4):
        await house.ask(ANNA, f"{number} [[text Yes.]]")

    assert set(await house.db(kinds)) == {"answer"}


# --- what is told in short ------------------------------------------------------------------------------------------


def turns(count: int, tokens: int = 100) -> list[Message]:
    roles = (Role.USER, Role.ASSISTANT)
    return [Message(pk=n + 1, role=roles[n % 2], content=f"{n}", tokens=tokens) for n in range(count * 2)]


def test_newest_turns_stay_within_their_share() -> None:
    assert len(summary.older(turns(10), 1700)) == 16
    assert len(summary.older(turns(10), 3400)) == 12


def test_last_turn_stays_however_large_it_is() -> None:
    assert len(summary.older(turns(2, 5000), 1000)) == 2
    assert summary.older(turns(1, 5000), 1000) == []


def test_person_who_asks_for_a_summary_keeps_few_messages() -> None:
    assert len(summary.older(turns(10), 1_000_000, most=4)) == 16
    assert summary.older(turns(2), 1_000_000, most=4) == []


def test_summary_covers_what_its_model_reads_at_once() -> None:
    told = summary.readable(turns(10), 1000)

    assert [message.content for message in told] == ["0", "1", "2", "3", "4", "5"]
    assert len(summary.readable(turns(1, 100_000), 1000)) >= 1


def test_long_message_loses_its_middle() -> None:
    text = summary.shortened("begin " + "word " * 1000 + "end", 100)

    assert text.startswith("begin")
    assert text.endswith("end")
    assert len(text) < 500


# --- who makes it ---------------------------------------------------------------------------------------------------


@pytest.fixture
def long_dialog(dialog: Conversation) -> Conversation:
    for message in turns(10):
        message.pk, message.conversation = None, dialog
        message.save()
    return dialog


def test_part_is_summarised_by_one_at_a_time(long_dialog: Conversation, member: User, now: datetime) -> None:
    assert summaries.begin_summary(long_dialog.pk, member, now, most=4) is not None
    assert summaries.begin_summary(long_dialog.pk, member, now, most=4) is None


@pytest.mark.django_db(transaction=True)
def test_of_two_who_begin_together_one_does(
    long_dialog: Conversation, member: User, now: datetime, at_once: Callable[..., list[object]]
) -> None:
    def begin() -> object:
        return summaries.begin_summary(long_dialog.pk, member, now, most=4)

    made = at_once(begin, begin)

    assert [job is None for job in made].count(True) == 1


def test_what_a_dead_process_began_is_done_by_another_later(
    long_dialog: Conversation, member: User, now: datetime
) -> None:
    summaries.begin_summary(long_dialog.pk, member, now, most=4)

    with trace("second"):
        again = summaries.begin_summary(long_dialog.pk, member, now + summaries.LEASE + timedelta(seconds=1), most=4)

    assert again is not None
    assert (again.request.attempts, again.request.trace_id) == (2, "second")
    assert Request.objects.count() == 1


def test_what_a_dead_process_began_is_free_after_a_start(
    long_dialog: Conversation, member: User, now: datetime, settings: Settings
) -> None:
    settings.MAX_CONTEXT_TOKENS = 1700
    assert summaries.begin_summary(long_dialog.pk, member, now) is not None

    assert summaries.give_back(now) == 1

    again = summaries.begin_summary(long_dialog.pk, member, now)
    assert again is not None
    assert (again.request.attempts, again.request.error_kind) == (2, "")


def test_start_leaves_alone_what_has_ended(
    long_dialog: Conversation, member: User, now: datetime, settings: Settings
) -> None:
    settings.MAX_CONTEXT_TOKENS = 1700
    job = summaries.begin_summary(long_dialog.pk, member, now)
    assert job is not None
    Request.objects.create(conversation=long_dialog, update_key="answer", created_at=now)
    summaries.fail_summary(job, "server", "away", 5, now)

    assert summaries.give_back(now) == 0

    assert summaries.begin_summary(long_dialog.pk, member, now) is None
    assert Request.objects.get(update_key="answer").state == "running"


async def test_bot_that_starts_gives_back_what_it_was_at(house: House) -> None:
    await house.ask(ANNA, "Hello")
    await house.db(_leave_one_running)

    await startup()

    assert [request.error_kind for request in await house.db(requests)] == ["", summaries.CRASH]


def _leave_one_running() -> None:
    dialog = Conversation.objects.get()
    Request.objects.create(conversation=dialog, kind="summary", update_key=f"summary:{dialog.pk}:0")


class Broken(Client):
    async def chat(self, _target: Target, _request: ChatRequest) -> Answer:
        raise RuntimeError("a bug")


@pytest.mark.django_db(transaction=True)
async def test_bug_leaves_no_summary_running(long_dialog: Conversation, member: User, now: datetime) -> None:
    job = await in_db(summaries.begin_summary, long_dialog.pk, member, now, most=4)
    assert job is not None

    with pytest.raises(RuntimeError):
        await summarising.make(Broken(), job)

    [request] = await in_db(requests)
    assert (request.state, request.error_kind, request.error) == ("failed", "bug", "a bug")


@pytest.mark.django_db(transaction=True)
async def test_bug_in_a_summary_is_told_to_the_admins_and_costs_no_answer(
    long_dialog: Conversation, arrive: Callable[..., Incoming], now: datetime, settings: Settings
) -> None:
    settings.MAX_CONTEXT_TOKENS, settings.LANGUAGE_CODE = 1700, "en"
    settings.ADMIN_CHAT_ID, settings.BOT_TOKEN = -5, "1000:token"
    notices.forget()
    incoming = await in_db(arrive, 1)
    asked = await in_db(services.begin, incoming, Question("And now?", 1), now)
    assert asked is not None

    await summarising.after_answer(Broken(), asked, Outcome(text="So it is."), incoming)

    notice = await in_db(Delivery.objects.get, source="notice")
    assert notice.content["params"]["text"].startswith("⚠️ A summary broke: RuntimeError, trace ")


def test_summary_is_kept_without_what_no_database_takes(long_dialog: Conversation, member: User, now: datetime) -> None:
    job = summaries.begin_summary(long_dialog.pk, member, now, most=4)
    assert job is not None

    assert summaries.keep_summary(job, Answer("Tea\x00 and\ud800 cake", End("stop")), 5, now)

    long_dialog.refresh_from_db()
    assert long_dialog.summary == "Tea and? cake"


def test_person_may_try_a_failed_summary_at_once(long_dialog: Conversation, member: User, now: datetime) -> None:
    job = summaries.begin_summary(long_dialog.pk, member, now, most=4)
    assert job is not None
    summaries.fail_summary(job, "server", "away", 5, now)

    assert summaries.begin_summary(long_dialog.pk, member, now) is None
    assert summaries.begin_summary(long_dialog.pk, member, now, most=4) is not None


# --- what it costs --------------------------------------------------------------------------------------------------


def test_summary_counts_against_the_budget_of_who_asks(long_dialog: Conversation, member: User, now: datetime) -> None:
    row = budget("person", user=member, tokens=100_000, period="day")
    job = summaries.begin_summary(long_dialog.pk, member, now, most=4)
    assert job is not None
    assert spending(row).reserved_tokens > 0

    answer = Answer(NOTES, End("stop"), usage=Usage(input=900, output=20))
    assert summaries.keep_summary(job, answer, 5, now)

    assert (spending(row).tokens, spending(row).reserved_tokens) == (920, 0)


def test_failed_summary_gives_back_what_was_set_aside(long_dialog: Conversation, member: User, now: datetime) -> None:
    row = budget("person", user=member, tokens=100_000, period="day")
    job = summaries.begin_summary(long_dialog.pk, member, now, most=4)
    assert job is not None

    summaries.fail_summary(job, "server", "away", 5, now)

    assert (spending(row).tokens, spending(row).reserved_tokens) == (0, 0)


def test_summary_without_room_in_the_budget_is_not_begun(
    long_dialog: Conversation, member: User, now: datetime
) -> None:
    budget("person", user=member, tokens=100, period="day")

    with pytest.raises(summaries.NoBudget):
        summaries.begin_summary(long_dialog.pk, member, now, most=4)

    assert not Request.objects.exists()


async def test_dialog_goes_on_when_the_budget_has_no_room_for_a_summary(small: House) -> None:
    for number in (1, 2):
        await small.ask(ANNA, f"{number} {LONG} [[text Answer {number}: {LONG}]]")
    asked = (await small.db(requests))[0]
    # Room for an answer, but not for a summary behind it.
    await small.db(budget, "person", user=asked.user, tokens=2900, period="day")

    await small.ask(ANNA, f"3 {LONG} [[text Answer 3: {LONG}]]")

    assert any(text.startswith("Answer 3") for text in small.heard(ANNA))
    assert set(await small.db(kinds)) == {"answer"}
