"""When a post appears, as it is said in the chat: words, quick keys, the exact time before it holds."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone, translation

from accounts.models import Chat, User
from posts import services
from posts.chat import clock
from posts.chat.clock import AtOnce, Unclear
from posts.models import Post, State
from posts.services import times
from tests.house import ANNA, House
from tests.posts import making
from tests.posts.chatting import card, drafted, labels, posts, press, say, the_only
from tests.posts.making import NEWS, TEAM

MOSCOW, BERLIN = ZoneInfo("Europe/Moscow"), ZoneInfo("Europe/Berlin")
# A Saturday.
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    with translation.override("en"):
        yield


def tomorrow_at(hour: int, minute: int = 0) -> datetime:
    day = timezone.now().astimezone(MOSCOW).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=MOSCOW)


def next_gap() -> date:
    """The last Sunday in March of next year, when the clocks of Berlin skip the hour from two to three."""
    last = date(timezone.now().year + 1, 3, 31)
    return last - timedelta(days=last.isoweekday() % 7)


def plan(row: Post, at: datetime) -> None:
    services.schedule_post(row, at, by=row.author, via="chat", now=timezone.now())


# --- words ----------------------------------------------------------------------------------------------------------


def read(words: str, user: User, now: datetime = NOW) -> clock.Reading:
    return clock.read(words, now, now, user, "en")


@pytest.mark.parametrize(
    ("words", "wall"),
    [
        ("tomorrow at 10", "2026-11-22T10:00"),
        ("завтра в 10:30", "2026-11-22T10:30"),
        ("2026-12-01T09:00", "2026-12-01T09:00"),
        ("2026-12-01 09:00", "2026-12-01T09:00"),
        ("in 2 hours", "2026-11-21T17:00"),
    ],
)
def test_words_are_a_time_of_the_editors_clock(editor: User, words: str, wall: str) -> None:
    moment = read(words, editor).moment

    assert (moment.wall, moment.zone) == (wall, "Europe/Moscow")
    assert moment.at == datetime.fromisoformat(wall).replace(tzinfo=MOSCOW)


@pytest.mark.parametrize("words", ["now", "right now!", "сейчас", "Сразу."])
def test_now_means_at_once(editor: User, words: str) -> None:
    with pytest.raises(AtOnce):
        read(words, editor)


@pytest.mark.parametrize("words", ["yesterday at 10", "2026-11-21T11:00"])
def test_past_tells_what_time_it_is(editor: User, words: str) -> None:
    with pytest.raises(times.Past, match=r"it is 21 November, 15:00 now \(Europe/Moscow\)"):
        read(words, editor)


def test_less_than_a_minute_ago_is_now(editor: User) -> None:
    assert read("2026-11-21T14:59", editor, NOW + timedelta(seconds=-15)).moment.at == NOW + timedelta(seconds=-15)


def test_every_monday_is_asked_about(editor: User) -> None:
    with pytest.raises(Unclear, match="appears once"):
        read("every monday at 10", editor)


def test_words_without_a_time_are_asked_about(editor: User) -> None:
    with pytest.raises(Unclear, match="I see no time in that"):
        read("soonish", editor)


@pytest.mark.parametrize("words", ["2027-03-28T02:30", "28 March 2027 at 02:30"])
def test_hour_that_the_clock_skips_is_never_taken_for_another(editor: User, words: str) -> None:
    editor.time_zone = "Europe/Berlin"
    with pytest.raises(times.NoSuchTime) as refused:
        read(words, editor)

    assert f"{refused.value.wall:%H:%M}" == "03:00"


def test_hour_that_comes_twice_is_said_to_be_the_first(editor: User) -> None:
    editor.time_zone = "Europe/Berlin"
    reading = read("2027-10-31T02:30", editor)

    assert reading.moment.at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)
    assert "comes twice" in reading.notes[0]


def test_second_pass_of_an_hour_is_kept_as_an_instant(editor: User) -> None:
    at = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    moment = clock.moment_at(at, BERLIN, editor, NOW)

    assert (moment.at, moment.wall) == (at, "")


# --- in the chat ----------------------------------------------------------------------------------------------------


def test_two_times_are_asked_about(editor: User) -> None:
    with pytest.raises(Unclear, match="more than one time"):
        read("tomorrow at 10 and on friday at 12", editor)


async def test_words_are_shown_as_the_exact_time_before_they_hold(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    await say(house, "tomorrow at 10")

    assert "10:00 (Europe/Moscow, UTC+3)" in card(house)
    assert card(house).endswith("Publish it then?")
    assert "📍 Новости" in card(house)
    assert (await the_only(house)).state == State.DRAFT

    await press(house, "Yes, plan it")

    row = await the_only(house)
    assert (row.state, row.planned_at, row.zone) == (State.SCHEDULED, tomorrow_at(10), "Europe/Moscow")
    assert "Planned for" in card(house)
    assert not house.models.calls


async def test_two_presses_plan_once(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    await say(house, "tomorrow at 10")
    house.press(ANNA, "✅ Yes")
    house.press(ANNA, "✅ Yes")
    await house.quiet()

    row = await the_only(house)
    assert (row.state, row.planned_at) == (State.SCHEDULED, tomorrow_at(10))
    assert "changed meanwhile" not in card(house)


async def test_quick_key_is_confirmed_too(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    await press(house, "Tomorrow, 18:00")
    assert (await the_only(house)).state == State.DRAFT

    await press(house, "Yes, plan it")

    assert (await the_only(house)).planned_at == tomorrow_at(18)


async def test_past_is_refused_with_the_time_and_a_button_for_now(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    await say(house, "yesterday at 10")

    assert "This time has passed: it is " in card(house)
    await press(house, "Publish now")
    await press(house, "Yes, publish")

    assert making.said(house, NEWS) == ["Sale"]


async def test_gap_is_said_and_the_next_hour_is_one_press(house: House) -> None:
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(time_zone="Europe/Berlin"))
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    gap = next_gap()
    await say(house, f"{gap}T02:30")

    assert f"02:30 does not exist on {gap.day} March" in card(house)
    assert labels(house)[0] == "✅ 03:00"
    assert (await the_only(house)).state == State.DRAFT

    await press(house, "03:00")
    await press(house, "Yes, plan it")

    assert (await the_only(house)).planned_at == datetime(gap.year, 3, gap.day, 1, 0, tzinfo=UTC)


async def test_after_an_unclear_time_the_next_words_are_one_again(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    await say(house, "soonish")
    assert "❓ I see no time in that." in card(house)

    await say(house, "tomorrow at 10")
    assert card(house).endswith("Publish it then?")


async def test_now_in_words_asks_as_the_button_does(house: House) -> None:
    await drafted(house, "Sale", NEWS)
    await press(house, "When")
    await say(house, "now")

    assert "Publish in 1 chat now?" in card(house)


async def test_schedule_in_reply_to_the_preview_needs_no_press(house: House) -> None:
    await say(house, "/post Sale")
    preview = house.messages(ANNA)[0]
    await say(house, "/schedule tomorrow at 10", reply_to=preview["message_id"])

    assert "10:00 (Europe/Moscow, UTC+3)" in card(house)


async def test_schedule_in_reply_to_the_card_asks_when(house: House) -> None:
    await say(house, "/post Sale")
    await say(house, "/schedule", reply_to=house.messages(ANNA)[-1]["message_id"])

    assert "When shall it appear?" in card(house)
    await say(house, "tomorrow at 10")
    assert "10:00 (Europe/Moscow, UTC+3)" in card(house)


async def test_planning_without_a_place_asks_for_one_and_keeps_the_time(house: House) -> None:
    await drafted(house, "Sale")
    await press(house, "When")
    await press(house, "Tomorrow, 10:00")
    await press(house, "Yes, plan it")
    assert "Where shall it appear?" in card(house)
    assert (await the_only(house)).state == State.DRAFT

    await press(house, "Новости")
    await press(house, "Done")
    assert "10:00 (Europe/Moscow, UTC+3)\n📍 Новости" in card(house)
    await press(house, "Yes, plan it")

    row = await the_only(house)
    assert (row.state, row.planned_at) == (State.SCHEDULED, tomorrow_at(10))


async def test_unknown_zone_is_said_where_times_are_asked(house: House) -> None:
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(time_zone=""))
    await drafted(house, "Sale")
    await press(house, "When")

    assert "I do not know your time zone and took" in card(house)


async def planned_in_moscow_and_moved(house: House) -> None:
    """Planned for ten in Moscow; then Анна is in Yekaterinburg, two hours ahead."""
    row = await drafted(house, "Sale", NEWS)
    await house.db(plan, row, tomorrow_at(10).replace(tzinfo=None))
    await house.db(lambda: User.objects.filter(telegram_id=ANNA).update(time_zone="Asia/Yekaterinburg"))
    await say(house, "/posts")
    await press(house, "Next")
    await press(house, label_of_day(house))


def label_of_day(house: House) -> str:
    return next(label for label in labels(house) if "Sale" in label).partition(" ")[2]


async def test_who_moved_keeps_the_moment_until_they_say_otherwise(house: House) -> None:
    await planned_in_moscow_and_moved(house)

    [row] = await house.db(posts)
    assert row.planned_at == tomorrow_at(10)
    assert "12:00 (Asia/Yekaterinburg)" in card(house)  # shown by the clock of now


async def test_who_moved_is_asked_whether_the_hour_stays(house: House) -> None:
    await planned_in_moscow_and_moved(house)
    await press(house, "When")

    assert "It was planned for 10:00 by the clock of Europe/Moscow; yours is Asia/Yekaterinburg now." in card(house)
    assert labels(house)[:2] == ["Keep 10:00, by the clock of Asia/Yekaterinburg", "Keep the moment: 12:00 there"]


async def test_keeping_the_hour_moves_the_moment(house: House) -> None:
    await planned_in_moscow_and_moved(house)
    await press(house, "When")
    await press(house, "Keep 10:00")
    await press(house, "Yes, plan it")

    row = await the_only(house)
    assert (row.planned_at, row.zone) == (tomorrow_at(8), "Asia/Yekaterinburg")


async def test_keeping_the_moment_takes_the_new_clock(house: House) -> None:
    await planned_in_moscow_and_moved(house)
    await press(house, "When")
    await press(house, "Keep the moment")
    await press(house, "Yes, plan it")

    row = await the_only(house)
    assert (row.planned_at, row.zone, row.wall_time[-5:]) == (tomorrow_at(10), "Asia/Yekaterinburg", "12:00")


async def test_planned_post_is_put_off_from_its_card(house: House) -> None:
    row = await drafted(house, "Sale", NEWS, TEAM)
    await house.db(plan, row, tomorrow_at(10))
    await say(house, "/posts")
    await press(house, "Next")
    await press(house, label_of_day(house))
    await press(house, "When")
    await say(house, "tomorrow at 11")
    await press(house, "Yes, plan it")

    assert (await the_only(house)).planned_at == tomorrow_at(11)


async def test_what_is_published_gets_no_new_time(house: House) -> None:
    await making.published(house, NEWS, text="Sale")
    await press(house, "Open")
    await say(house, "/schedule tomorrow at 10", reply_to=house.messages(ANNA)[-1]["message_id"])
    await press(house, "Yes, plan it")

    assert "⚠️ It has been published. To say it again, repeat it as a new post." in card(house)
    assert making.said(house, NEWS) == ["Sale"]


async def test_post_that_failed_is_planned_anew(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=NEWS, description="Forbidden: bot was kicked from the channel chat")
    await making.published(house, NEWS, text="Sale")
    await press(house, "Open")
    await house.db(lambda: Chat.objects.update(unreachable="", bot_status="administrator"))
    await press(house, "When")
    await say(house, "tomorrow at 10")
    await press(house, "Yes, plan it")

    row = await the_only(house)
    assert (row.state, row.planned_at) == (State.SCHEDULED, tomorrow_at(10))
    assert await house.db(making.states, row) == ["waiting"]
