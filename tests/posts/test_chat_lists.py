"""/posts, /schedule alone, /poststats and /poll."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from delivery.models import Heartbeat
from posts import services
from posts.chat import asking, polls
from posts.models import Post, PostTarget, State
from tests.house import ANNA, House
from tests.posts import making
from tests.posts.chatting import card, drafted, labels, posts, press, say, the_only
from tests.posts.making import NEWS, TEAM

Target = PostTarget.State


# --- /posts ---------------------------------------------------------------------------------------------------------


async def test_empty_list_says_how_to_begin(house: House) -> None:
    await say(house, "/posts")

    assert card(house) == "📝 Drafts\nThere is nothing here. Make a post: /post"
    assert labels(house) == ["🗓 Next", "✅ Published", "❗️ Errors"]


async def test_each_post_is_on_its_tab(house: House) -> None:
    def make() -> None:
        now = timezone.now()
        for state in State:
            row = making.post_to(NEWS, text=f"A {state}")
            Post.objects.filter(pk=row.pk).update(state=state, planned_at=now + timedelta(hours=1))

    await house.db(make)
    await say(house, "/posts")
    found = {"Drafts": words_of(labels(house))}
    for tab in ("Next", "Published", "Errors"):
        await press(house, tab)
        found[tab] = words_of(labels(house))

    assert {tab: sorted(names) for tab, names in found.items()} == {
        "Drafts": ["cancelled", "draft"],
        "Next": ["publishing", "scheduled"],
        "Published": ["partial", "published"],
        "Errors": ["error", "expired", "held", "partial"],
    }


def words_of(found: list[str]) -> list[str]:
    return [label.rpartition("A ")[2] for label in found if "A " in label]


async def test_list_is_turned_page_by_page_and_back_leads_to_the_page(house: House) -> None:
    await house.db(lambda: [making.post_to(NEWS, text=f"Post {number:02}") for number in range(1, 10)])
    await say(house, "/posts")
    assert card(house).startswith("📝 Drafts · page 1 of 2")
    assert labels(house)[0] == "📝 Post 09"

    await press(house, "›")
    assert labels(house)[:2] == ["📝 Post 02", "📝 Post 01"]
    await press(house, "Post 01")
    assert card(house).startswith("📝 Post 01\n")
    await press(house, "Back")

    assert card(house).startswith("📝 Drafts · page 2 of 2")


async def test_lists_are_edited_in_place(house: House) -> None:
    await say(house, "/posts")
    await press(house, "Next")
    await press(house, "Drafts")

    assert len(house.messages(ANNA)) == 1


# --- what is next ---------------------------------------------------------------------------------------------------


def plan(text: str, hours: float) -> Post:
    """Of Анна's, planned for in so many hours; of the past, as if nobody had fired it."""
    now = timezone.now()
    row = making.post_to(NEWS, text=text)
    services.schedule_post(row, now + timedelta(hours=3), by=row.author, via="chat", now=now)
    if hours != 3:
        making.put_forward(making.fresh(row), timedelta(hours=3 - hours))
    return row


async def test_schedule_alone_shows_what_is_next_and_where(house: House) -> None:
    await house.db(plan, "Sale", 3)
    await say(house, "/schedule")

    lines = card(house).splitlines()
    assert lines[:2] == ["🗓 Next", "By the clock of Europe/Moscow:"]
    assert lines[2].startswith("• ")
    assert lines[2].endswith(" · Sale → Новости")


async def test_overdue_is_red(house: House) -> None:
    await house.db(plan, "Late", -0.5)
    await say(house, "/schedule")

    assert "\n🔴 " in card(house)
    assert card(house).endswith("🔴 is overdue: /poststats shows whether the scheduler works.")
    assert labels(house)[0].startswith("🔴 ")


async def test_nothing_planned_says_so(house: House) -> None:
    await say(house, "/schedule")

    assert card(house) == "Nothing is planned. Make a post: /post"


async def test_schedule_with_words_alone_is_of_the_latest_draft(house: House) -> None:
    await drafted(house, "Older")
    await drafted(house, "Newer", NEWS)
    await say(house, "/schedule tomorrow at 10")

    assert card(house).startswith("📝 Newer\n🕙 ")
    assert "10:00 (Europe/Moscow" in card(house)


async def test_schedule_with_words_and_no_draft_says_what_to_do(house: House) -> None:
    await say(house, "/schedule tomorrow at 10")

    assert card(house).startswith("Reply with /schedule and the time to the post's preview or card")


# --- /poststats -----------------------------------------------------------------------------------------------------


async def test_stats_of_nothing_are_zeros_that_mean_something(house: House) -> None:
    await say(house, "/poststats")

    assert "🗓 Scheduled: 0\n✅ Published: 0\n❗️ Error: 0" in card(house)
    assert "view" not in card(house).lower()
    assert "🔴 The scheduler has not been heard of." in card(house)


async def test_stats_count_states_and_say_where_it_fails(house: House) -> None:
    house.fault("sendMessage", "403", chat_id=TEAM, description="Forbidden: bot was kicked from the supergroup chat")
    await making.published(house, NEWS, TEAM, text="Sale")
    await house.db(plan, "Later", 3)
    await say(house, "/poststats")

    assert "🗓 Scheduled: 1\n" in card(house)
    assert "⚠️ Partly published: 1" in card(house)
    assert "❌ Команда: 1 · forbidden" in card(house)
    assert "🗓 Next: " in card(house)
    assert "Later" in card(house)
    assert "⏱ After its time" in card(house)


async def test_stats_say_whether_the_scheduler_works(house: House) -> None:
    def beat() -> None:
        alive = {"at": timezone.now(), "details": {"ticked_seconds_ago": 1}}
        Heartbeat.objects.update_or_create(name="bot", defaults=alive)

    await house.db(beat)
    await say(house, "/poststats")
    assert "🟢 The scheduler works." in card(house)

    await house.db(lambda: Heartbeat.objects.update(at=timezone.now() - timedelta(minutes=5)))
    await press(house, "Refresh")

    assert "🔴 The scheduler was last heard of at " in card(house)
    assert len(house.messages(ANNA)) == 1


async def test_stats_say_what_is_overdue(house: House) -> None:
    await house.db(plan, "Late", -0.5)
    await say(house, "/poststats")

    assert "📤 1 post is due and goes out" in card(house)
    assert "🔴 1 post is overdue (" in card(house)


# --- /poll ----------------------------------------------------------------------------------------------------------


async def test_poll_in_one_message(house: House) -> None:
    await say(house, "/poll Tea or coffee?\nTea\nCoffee")

    row = await the_only(house)
    assert row.poll is not None
    assert (row.kind, row.poll["question"], row.poll["quiz"]) == ("poll", "Tea or coffee?", False)
    preview = house.messages(ANNA)[0]["poll"]
    assert [option["text"] for option in preview["options"]] == ["Tea", "Coffee"]
    assert card(house).startswith("📝 Tea or coffee?\nA poll, anonymous.")


async def test_poll_step_by_step(house: House) -> None:
    await say(house, "/poll")
    assert card(house).startswith("📊 What is the question?")
    await say(house, "Tea or coffee?")
    assert card(house).startswith("📊 Now the answers to “Tea or coffee?”")
    await say(house, "Tea\nCoffee")

    assert (await the_only(house)).poll["options"][1]["text"] == "Coffee"
    assert not house.models.calls


@pytest.mark.parametrize("right", ["+ Paris", "Paris ✅", "+Paris"])
async def test_marked_answer_makes_it_a_quiz(house: House, right: str) -> None:
    await say(house, f"/poll Capital of France?\nRome\n{right}\n💡 Since 987")

    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["quiz"], poll["correct"], poll["explanation"]) == (True, [1], "Since 987")
    assert poll["options"][1]["text"] == "Paris"
    assert house.messages(ANNA)[0]["poll"]["type"] == "quiz"


async def test_poll_of_somebodys_app_is_taken_as_it_is(house: House) -> None:
    body: dict[str, Any] = {
        "id": "1", "question": "Tea?", "total_voter_count": 3, "is_closed": False, "is_anonymous": False,
        "type": "regular", "allows_multiple_answers": True, "allows_revoting": True, "members_only": False,
        "options": [
            {"persistent_id": "a", "text": "Yes", "voter_count": 3},
            {"persistent_id": "b", "text": "No", "voter_count": 0},
        ],
    }  # fmt: skip
    asked = await say(house, "/post")
    message = {name: value for name, value in asked.items() if name not in ("text", "entities")}
    house.world.updates.push("message", message | {"poll": body, "message_id": 9001})
    await house.quiet()

    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["question"], poll["anonymous"], poll["multiple"]) == ("Tea?", False, True)
    assert poll["options"] == [{"text": "Yes", "entities": []}, {"text": "No", "entities": []}]


async def test_poll_is_changed_with_buttons(house: House) -> None:
    await say(house, "/poll Tea or coffee?\nTea\nCoffee")
    await press(house, "Poll")
    await press(house, "Anonymous")
    await press(house, "Several answers")
    await press(house, "Done")

    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["anonymous"], poll["multiple"]) == (False, True)
    assert "A poll, with names, several answers." in card(house)
    assert sum("poll" in message for message in house.messages(ANNA)) == 1  # one preview, the latest


async def test_question_and_answers_are_written_anew(house: House) -> None:
    await say(house, "/poll Tea or coffee?\nTea\nCoffee")
    await press(house, "Poll")
    await press(house, "Question and answers")
    await say(house, "Water or juice?\nWater\n+ Juice")

    row = await the_only(house)
    assert row.poll is not None
    assert (row.kind, row.poll["question"], row.poll["quiz"], row.poll["correct"]) == (
        "poll",
        "Water or juice?",
        True,
        [1],
    )
    assert [option["text"] for option in row.poll["options"]] == ["Water", "Juice"]


async def test_one_line_in_reply_to_a_poll_is_another_question(house: House) -> None:
    await say(house, "/poll Tea or coffee?\nTea\nCoffee")
    await say(house, "Coffee or tea?", reply_to=house.messages(ANNA)[0]["message_id"])

    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["question"], [option["text"] for option in poll["options"]]) == ("Coffee or tea?", ["Tea", "Coffee"])


async def test_poll_becomes_a_quiz_when_the_right_answer_is_named(house: House) -> None:
    await say(house, "/poll Tea or coffee?\nTea\nCoffee")
    await press(house, "Poll")
    await press(house, "A quiz")
    assert "Which answer is right?" in card(house)
    await press(house, "Coffee")

    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["quiz"], poll["correct"]) == (True, [1])

    await press(house, "A quiz")
    poll = (await the_only(house)).poll
    assert poll is not None
    assert (poll["quiz"], poll["correct"]) == (False, [])


async def test_poll_with_too_many_answers_is_refused_with_the_number(house: House) -> None:
    answers = "\n".join(f"Answer {number}" for number in range(13))
    await say(house, f"/poll Which?\n{answers}")

    assert "⚠️ A poll needs 2 to 12 answers; it has 13." in card(house)
    assert await house.db(posts) == []


async def test_poll_is_stopped_where_it_is(house: House) -> None:
    poll = {"question": "Tea?", "options": [{"text": "Yes"}, {"text": "No"}], "quiz": False, "correct": []}
    row = await making.published(house, NEWS, text="", poll=poll)
    await say(house, "/posts")
    await press(house, "Published")
    await press(house, next(label for label in labels(house) if "Tea?" in label))
    await press(house, "Stop the poll")
    assert "Stop the poll in all its chats?" in card(house)
    await press(house, "Yes, stop it")

    [message] = making.shown(house, NEWS)
    assert message["poll"]["is_closed"] is True
    assert (await house.db(making.fresh, row)).state == State.PUBLISHED


# --- words ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "text", "url"),
    [
        ("Shop — https://a.example", "Shop", "https://a.example"),
        ("Shop - https://a.example/x-y", "Shop", "https://a.example/x-y"),
        ("Our shop https://a.example", "Our shop", "https://a.example"),
        ("Купить – https://a.example/п?a=1|2", "Купить", "https://a.example/п?a=1|2"),
        ("A - B — tg://resolve?domain=x", "A - B", "tg://resolve?domain=x"),
    ],
)
def test_button_is_read_from_a_line(line: str, text: str, url: str) -> None:
    assert asking.buttons_of(line)[0][0] == {"text": text, "url": url}


def test_empty_lines_make_no_buttons() -> None:
    assert asking.buttons_of("\n | \n") == []


def test_quiz_that_becomes_single_keeps_one_right_answer() -> None:
    changed = polls.changed({"correct": [1, 2], "multiple": True}, "multiple", False)

    assert changed == {"correct": [1], "multiple": False}
