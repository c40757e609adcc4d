"""Announcements: written, seen as they will look, sent to everybody once, reported; and people who want none."""

import asyncio

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Access, AuditEntry, Chat, Role, User
from delivery.models import Delivery
from telegram_bot import broadcasts
from telegram_bot.models import Broadcast
from telegram_bot.outgoing import Place
from tests.house import ADMINS, ANNA, BORIS, BOT, CHRIS, OLGA, House
from tests.telegram_bot.test_access import let_in, toasts

NEWS = "The office moves on Friday 🎉"
CROWD = range(5000, 5012)


async def crowded(house: House) -> None:
    def rows() -> None:
        for number in CROWD:
            user = User.objects.create(
                username=f"tg{number}", telegram_id=number, first_name=f"P{number}", status=Access.ACTIVE, language="en"
            )
            Chat.objects.create(bot_id=BOT, telegram_id=number, kind="private", title="P", person=user)

    await house.db(rows)
    for number in CROWD:
        house.world.add_user(number, f"P{number}", language_code="en")
        house.say(number, "/ping")
    await house.quiet()


async def over(house: House, seconds: float = 60.0) -> str:
    """The report, when every announcement is out."""
    async with asyncio.timeout(seconds):
        while await house.db(Broadcast.objects.filter(state__in=("draft", "sending")).exists):
            await asyncio.sleep(0.05)
    await house.quiet()
    return house.heard(OLGA)[-1]


def news(house: House, chat_id: int) -> int:
    """How often somebody got the news."""
    return house.heard(chat_id).count(NEWS)


async def send(house: House, chat_id: int = OLGA) -> None:
    await house.ask(OLGA, f"/admin broadcast {NEWS}", chat_id)
    house.press(OLGA, "✅ Send", chat_id)
    await house.quiet()


async def test_admin_sees_it_as_it_will_look_and_sends_it(house: House) -> None:
    assert await house.ask(OLGA, f"/admin broadcast {NEWS}") == "This is how it will look. 2 people get it."
    preview = house.messages(OLGA)[-2]
    assert news(house, ANNA) == 0
    house.press(OLGA, "✅ Send")
    report = await over(house)

    (got,) = (message for message in house.messages(ANNA) if message["text"] == NEWS)
    assert got["reply_markup"] == preview["reply_markup"]
    assert got["text"] == preview["text"]
    assert report == f"📣 The announcement is out. «{NEWS}»\n✅ sent: 2"


async def test_formatting_stays_as_it_was_written(house: House) -> None:
    text = "/admin broadcast Hello bold world"
    house.say(OLGA, text, entities=[
        {"type": "bot_command", "offset": 0, "length": 6},
        {"type": "bold", "offset": text.index("bold"), "length": 4},
    ])  # fmt: skip
    await house.quiet()
    house.press(OLGA, "✅ Send")
    await over(house)

    got = house.messages(ANNA)[-1]
    assert (got["text"], got["entities"]) == ("Hello bold world", [{"type": "bold", "offset": 6, "length": 4}])


async def test_message_that_is_replied_to_becomes_the_announcement(house: House) -> None:
    message = house.say(OLGA, "/whoami")  # any message will do
    await house.quiet()
    replied = house.messages(OLGA)[-1]
    assert message["message_id"] < replied["message_id"]
    house.say(OLGA, "/admin broadcast", reply_to=replied["message_id"])
    await house.quiet()
    house.press(OLGA, "✅ Send")
    await over(house)

    assert house.heard(ANNA) == [replied["text"]]


async def test_without_a_text_it_says_how_to_write_one(house: House) -> None:
    assert (await house.ask(OLGA, "/admin broadcast")).startswith("Write /admin broadcast and your text")


async def test_cancelled_draft_goes_nowhere_and_cannot_be_sent(house: House) -> None:
    await house.ask(OLGA, f"/admin broadcast {NEWS}")
    number = (await house.db(Broadcast.objects.get)).pk
    house.press(OLGA, "✖️ Cancel")
    await house.quiet()
    await house.ask(OLGA, f"/admin broadcast send {number}")

    assert house.heard(OLGA)[-1].startswith("📣 Stopped.")
    assert news(house, ANNA) == 0


async def test_draft_that_was_left_is_found_again_and_sent(house: House) -> None:
    await house.ask(OLGA, f"/admin broadcast {NEWS}")
    await house.ask(OLGA, "/admin")
    house.press(OLGA, "📣")
    await house.quiet()
    assert house.heard(OLGA)[-1].endswith(f"📣 Not sent yet. «{NEWS}»")
    house.press(OLGA, "✅ Send")
    await over(house)

    assert news(house, ANNA) == 1


async def test_sent_twice_by_two_admins_it_leaves_once(house: House) -> None:
    await let_in(house, CHRIS, Role.ADMIN)
    house.world.member(ADMINS, CHRIS, "member")
    await house.ask(OLGA, f"/admin broadcast {NEWS}", ADMINS)
    house.press(OLGA, "✅ Send", ADMINS)
    house.press(CHRIS, "✅ Send", ADMINS)
    await over(house)

    assert news(house, ANNA) == 1
    entries = await house.db(lambda: list(AuditEntry.objects.filter(action="broadcast.started")))
    assert len(entries) == 1
    assert NEWS not in str([entry.target_label for entry in entries])


async def test_member_cannot_send_what_an_admin_prepared(house: House) -> None:
    house.world.member(ADMINS, ANNA, "member")
    await house.ask(OLGA, f"/admin broadcast {NEWS}", ADMINS)
    house.press(ANNA, "✅ Send", ADMINS)
    await house.quiet()

    assert toasts(house) == ["This is for admins."]
    assert (await house.db(Broadcast.objects.get)).state == "draft"


async def test_report_comes_where_it_was_written_and_names_the_unreachable(house: House) -> None:
    await crowded(house)
    for number in CROWD[:3]:
        house.world.block(number, True)
    house.fault("sendMessage", "400", chat_id=CROWD[4], description="Bad Request: something is odd")
    await send(house, ADMINS)
    await over(house)

    report = house.heard(ADMINS)[-1]
    assert "✅ sent: 10" in report
    assert "unreachable (the bot is blocked or was never started): 3" in report
    assert "⚠️ failed: 1" in report


async def test_strangers_blocked_and_rejected_people_get_none(house: House) -> None:
    await house.ask(BORIS, "/start")
    await house.ask(CHRIS, "/start")
    await house.db(lambda: User.objects.filter(telegram_id=CHRIS).update(status=Access.BLOCKED))
    await send(house)
    await over(house)

    assert (news(house, BORIS), news(house, CHRIS), news(house, ANNA)) == (0, 0, 1)


async def test_crash_between_any_two_steps_leaves_nobody_out_and_asks_nobody_twice(
    house: House, settings: Settings
) -> None:
    """Each step is a transaction: whatever is called again, finds what was done."""
    settings.TELEGRAM_RATE_BOT = 10  # four at a time
    await crowded(house)
    made = await house.db(_draft)
    await house.engine.stop("announce", 0)  # we drive it by hand
    await house.db(broadcasts.start, made, timezone.now())

    reached = [await house.db(broadcasts.step, made.pk, timezone.now()) for _step in range(2)]
    assert reached == [4, 4]
    await house.db(_forget_the_last_step, made.pk, reached[-1])  # its transaction never ended
    while await house.db(broadcasts.step, made.pk, timezone.now()):
        await house.quiet()
    await house.quiet()

    assert [news(house, number) for number in (OLGA, ANNA, *CROWD)] == [1] * 14
    done = await house.db(Broadcast.objects.get)
    assert (done.state, done.enqueued) == ("done", 14)


def _draft() -> Broadcast:
    olga = User.objects.get(telegram_id=OLGA)
    place = Place(BOT, OLGA)
    return broadcasts.draft(NEWS, [], by=olga, place=place, now=timezone.now())


def _forget_the_last_step(pk: int, count: int) -> None:
    people = list(broadcasts.audience()[:8])
    before = people[-count - 1]
    Broadcast.objects.filter(pk=pk).update(reached=before.pk, enqueued=8 - count)


async def test_few_are_on_their_way_at_once_and_a_message_that_waits_holds_no_answer_up(
    house: House, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TELEGRAM_RATE_BOT = 10
    monkeypatch.setattr("delivery.services.backoff", lambda _attempts: 3600.0)  # it waits while we look
    await crowded(house)
    house.fault("sendMessage", "500", chat_id=ANNA)
    await send(house)
    first = await house.db(Delivery.objects.filter(source=broadcasts.SOURCE).count)
    assert first <= broadcasts.batch() * broadcasts.WINDOWS
    waiting = Delivery.objects.filter(chat_id=ANNA, state="queued", source=broadcasts.SOURCE)
    assert await house.db(waiting.exists)
    assert await house.ask(ANNA, "/ping") == "Bot ready"
    await house.db(waiting.update, not_before=timezone.now())
    await over(house)

    assert news(house, ANNA) == 1


async def test_message_in_doubt_is_not_repeated_but_told_and_one_tap_sends_it_again(house: House) -> None:
    house.fault("sendMessage", "cut", chat_id=ANNA, after=0)
    await send(house)
    report = await over(house)
    assert "❔ in doubt (it may have arrived): 1" in report
    seen = news(house, ANNA)
    house.press(OLGA, "↻ Send again to 1")
    await house.quiet()

    assert seen == 0
    assert house.heard(ANNA) == [f"↻ possibly a repetition\n{NEWS}"]


async def test_sending_is_stopped_in_the_middle(house: House, settings: Settings) -> None:
    settings.TELEGRAM_RATE_BOT = 2.5  # one a second
    await crowded(house)
    await send(house)
    await house.ask(OLGA, f"/admin broadcast cancel {(await house.db(Broadcast.objects.get)).pk}")
    await asyncio.sleep(1.5)

    assert house.heard(OLGA)[-1].startswith("📣 Stopped.")
    assert sum(news(house, number) for number in CROWD) < len(CROWD)


# --- wanted or not --------------------------------------------------------------------------------------------------


async def test_button_under_an_announcement_turns_them_off_and_on_again(house: House) -> None:
    await send(house)
    await over(house)
    house.press(ANNA, "🔕")
    await house.quiet()
    assert toasts(house)[-1] == "You get no announcements any more. /announcements on brings them back."
    await send(house)
    await over(house)
    assert news(house, ANNA) == 1
    house.press(ANNA, "🔔")
    await house.quiet()
    await send(house)
    await over(house)

    assert news(house, ANNA) == 2


@pytest.mark.parametrize(("words", "wanted"), [("off", False), ("on", True), ("", True), ("perhaps", True)])
async def test_person_says_in_words_whether_they_want_them(house: House, words: str, wanted: bool) -> None:
    said = await house.ask(ANNA, f"/announcements {words}")

    assert said.startswith("You get the admins'" if wanted else "You get no announcements")
    assert (await house.db(lambda: User.objects.get(telegram_id=ANNA))).broadcasts is wanted
