"""/admin as a place to look around: a keyboard, views in place, and who may look."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Access, Chat, Role, User
from conversations.models import Conversation, Request
from delivery.models import Delivery
from llm.models import ProviderState
from telegram_bot.admin_chat import command
from tests.house import ADMINS, ANNA, BOT, CHRIS, MODEL, OLGA, TEAM, House
from tests.telegram_bot.test_access import let_in, press, toasts

SECRET = "what only Анна knows"


def asked(telegram_id: int, **facts: Any) -> Request:
    """A request on record."""
    user = User.objects.get(telegram_id=telegram_id)
    chat = user.private_chats.get()
    dialog, _created = Conversation.objects.get_or_create(chat=chat, closed_at=None)
    known = {"model_ref": f"openai:{MODEL}", "prompt": SECRET, "answer": SECRET, "state": "done"}
    key = f"1000:{Request.objects.count()}"
    return Request.objects.create(conversation=dialog, user=user, update_key=key, **(known | facts))


async def look(house: House, label: str) -> str:
    """Press a button of the newest message and read what stands in its place."""
    before = len(house.messages(OLGA))
    house.press(OLGA, label)
    await house.quiet()
    assert len(house.messages(OLGA)) == before, "a view opens in place"
    return house.heard(OLGA)[-1]


async def test_admin_alone_shows_a_keyboard_to_everything(house: House) -> None:
    assert await house.ask(OLGA, "/admin") == "Nobody waits for access."

    labels = ["👥 People", "🧠 Models", "📣 Announce", "🩺 Health", "📊 Stats", "🐞 Errors", "💬 Requests"]
    assert list(house.buttons(OLGA)) == labels


@pytest.mark.parametrize("label", ["👥", "🧠", "📣", "🩺", "📊", "🐞", "💬"])
async def test_each_button_opens_its_view_in_place_and_back_leads_home(house: House, label: str) -> None:
    await house.ask(OLGA, "/admin")
    assert await look(house, label) != "Nobody waits for access."
    assert await look(house, "« Back") == "Nobody waits for access."


@pytest.mark.parametrize("words", ["", "stats", "users pending", "health", "broadcast Hi", "nonsense", "invite admin"])
async def test_member_is_told_that_this_is_for_admins(house: House, words: str) -> None:
    assert await house.ask(ANNA, f"/admin {words}") == "This is for admins."


async def test_names_and_figures_are_not_shown_in_any_other_group(house: House) -> None:
    await house.db(open_team)

    said = await house.ask(OLGA, "/admin@sekretar_bot users active", TEAM)
    assert said == "Write this to me in private, or in the admins' chat."
    assert not house.buttons(TEAM)
    assert await house.ask(ANNA, "/admin@sekretar_bot stats", TEAM) == "This is for admins."
    assert await house.db(Delivery.objects.filter(lane__contains=":gone:").count) == 2, "neither stays"


def open_team() -> None:
    Chat.objects.create(bot_id=BOT, telegram_id=TEAM, kind="supergroup", title="Команда", status=Access.ACTIVE)


async def test_member_in_the_admins_chat_cannot_press(house: House) -> None:
    house.world.member(ADMINS, ANNA, "member")
    await house.ask(CHRIS, "/start")
    await house.ask(OLGA, "/admin users pending", ADMINS)
    await press(house, ANNA, "✅ Chris")

    assert toasts(house) == ["This is for admins."]
    assert (await house.db(lambda: User.objects.get(telegram_id=CHRIS))).status == "pending"


async def test_admin_who_lost_the_role_cannot_press_the_old_keyboard(house: House) -> None:
    await house.ask(OLGA, "/admin")
    await house.db(lambda: User.objects.filter(telegram_id=OLGA).update(role=Role.MEMBER))
    house.press(OLGA, "📊 Stats")
    await house.quiet()

    assert toasts(house) == ["This is for admins."]
    assert house.heard(OLGA) == ["Nobody waits for access."]


async def test_another_admin_may_press_the_keyboard_in_the_admins_chat(house: House) -> None:
    await let_in(house, CHRIS, Role.ADMIN)
    house.world.member(ADMINS, CHRIS, "member")
    await house.ask(OLGA, "/admin", ADMINS)
    await press(house, CHRIS, "👥 People")

    assert house.heard(ADMINS) == ["Whom shall I show?"]


async def test_unknown_word_is_answered_with_the_whole_list_in_one_line(house: House) -> None:
    said = await house.ask(OLGA, "/admin dance")

    assert "\n" not in said
    assert all(one.name in said for one in command.table())


# --- figures --------------------------------------------------------------------------------------------------------


async def test_stats_count_people_requests_tokens_and_money(house: House) -> None:
    def life() -> None:
        asked(ANNA, input_tokens=1000, output_tokens=200, cost=Decimal("0.5"))
        asked(ANNA, input_tokens=10, output_tokens=20)  # of unknown price
        asked(OLGA, state="failed", error_kind="rate_limit", created_at=timezone.now() - timedelta(days=3))

    await house.db(life)
    said = await house.ask(OLGA, "/admin stats")

    assert "in: 2, waiting: 0" in said
    assert "requests: 2, people: 1, failed: 0, stopped: 0" in said  # a day
    assert "requests: 3, people: 2, failed: 1, stopped: 0" in said  # a week
    assert "$0.5000 (answers of unknown price: 1)" in said
    assert f"openai:{MODEL} · 3" in said


async def test_errors_stand_by_provider_model_and_kind(house: House) -> None:
    def life() -> None:
        for kind, ref in (("timeout", "openai:a"), ("timeout", "openai:a"), ("auth", "openai:b"), ("auth", "gemini:c")):
            asked(ANNA, state="failed", error_kind=kind, model_ref=ref)
        asked(ANNA, state="failed", error_kind="old", created_at=timezone.now() - timedelta(hours=25))

    await house.db(life)

    assert await house.ask(OLGA, "/admin errors") == (
        "Errors of the last 24 hours\ngemini\n• c · the key was refused: 1\n"
        "openai\n• a · it took too long: 2\n• b · the key was refused: 1"
    )


async def test_questions_that_no_model_was_asked_are_no_failures(house: House) -> None:
    def life() -> None:
        for kind in ("budget", "budget", "too_many", "file"):
            asked(ANNA, state="failed", error_kind=kind)

    await house.db(life)

    said = await house.ask(OLGA, "/admin stats")
    assert "requests: 4, people: 1, failed: 0, stopped: 0\n🪫 no model was asked (budgets, limits, files): 4" in said
    assert (await house.ask(OLGA, "/admin errors")).startswith(
        "Errors of the last 24 hours\n🪫 a budget is used up: 2\n🪫 "
    )


async def test_errors_of_a_good_day_are_none(house: House) -> None:
    assert await house.ask(OLGA, "/admin errors") == "Errors of the last 24 hours\nNone. ✨"


async def test_requests_of_a_person_are_shown_without_their_content(house: House) -> None:
    await house.db(lambda: asked(ANNA, input_tokens=7, output_tokens=9, total_ms=1500, cost=Decimal("0.01")))
    said = await house.ask(OLGA, f"/admin requests {ANNA}")

    assert f"openai:{MODEL} · done · 7 → 9 · $0.0100 · 1.5 s" in said
    assert SECRET not in said


async def test_times_are_told_by_the_admins_own_clock(house: House) -> None:
    at = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    await house.db(lambda: asked(ANNA, created_at=at))
    told = {}
    for zone in ("Asia/Vladivostok", "America/New_York"):
        await house.db(User.objects.filter(telegram_id=OLGA).update, time_zone=zone)
        told[zone] = await house.ask(OLGA, f"/admin requests {ANNA}")

    assert "10:30 p.m." in told["Asia/Vladivostok"]
    assert "7:30 a.m." in told["America/New_York"]


async def test_figures_and_dates_are_written_as_russians_do(house: House) -> None:
    at = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
    facts: dict[str, Any] = {"input_tokens": 12_345, "output_tokens": 67, "cost": Decimal("0.25"), "total_ms": 1500}
    await house.db(lambda: asked(ANNA, created_at=at, **facts))
    await house.db(User.objects.filter(telegram_id=OLGA).update, language="ru", time_zone="UTC")
    said = (await house.ask(OLGA, f"/admin requests {ANNA}")).replace("\N{NO-BREAK SPACE}", " ")

    assert "20.11.2026 12:30" in said
    assert "12 345 → 67 · $0,2500 · 1,5 с" in said


async def test_requests_without_an_id_offer_those_who_asked_most(house: House) -> None:
    await house.db(lambda: asked(ANNA))
    await house.ask(OLGA, "/admin requests")

    assert "Анна · 1" in house.buttons(OLGA)
    assert "openai" in await look(house, "Анна")


@pytest.mark.parametrize(("words", "said"), [("requests 4711", "I do not know anybody"), ("requests Анна", "Write ")])
async def test_requests_of_nobody(house: House, words: str, said: str) -> None:
    assert (await house.ask(OLGA, f"/admin {words}")).startswith(said)


# --- health ---------------------------------------------------------------------------------------------------------


async def test_health_tells_of_queues_disk_providers_and_versions(house: House) -> None:
    said = await house.ask(OLGA, "/admin health")

    for part in ("Database", "Inbox", "Outbox", "Disk", "openai", "never fetched", "Python 3.", "python-telegram-bot"):
        assert part in said, part


async def test_health_shows_a_provider_that_is_paused(house: House) -> None:
    def pause() -> None:
        until = timezone.now() + timedelta(minutes=5)
        ProviderState.objects.update(paused_until=until, last_error_kind="billing")

    await house.db(pause)
    said = await house.ask(OLGA, "/admin health")

    assert "⏸ openai: paused until" in said
    assert "(the account is out of money)" in said


# --- people ---------------------------------------------------------------------------------------------------------


def role_of(telegram_id: int) -> Callable[[], str]:
    return lambda: User.objects.get(telegram_id=telegram_id).role


async def test_list_of_those_who_wait_has_buttons_that_decide(house: House) -> None:
    await house.ask(CHRIS, "/start")
    await house.ask(OLGA, "/admin users pending")
    assert await look(house, "✅ Chris") == "✅ Chris: active"
    assert await look(house, "« Back") == "⏳ pending: 0"


@pytest.mark.parametrize(
    ("verb", "said"),
    [("approve", "✅ Chris: active"), ("reject", "🚫 Chris: rejected"), ("block", "⛔ Chris: blocked")],
)
async def test_person_who_waits_is_decided_by_words(house: House, verb: str, said: str) -> None:
    await house.ask(CHRIS, "/start")

    assert await house.ask(OLGA, f"/admin {verb} {CHRIS}") == said
    assert await house.ask(OLGA, f"/admin users {said.split()[-1]}") != "Whom shall I show?"
    assert "Chris" in house.heard(OLGA)[-1]


async def test_two_admins_press_at_once_and_one_decides(house: House) -> None:
    await let_in(house, CHRIS, Role.ADMIN)
    house.world.member(ADMINS, CHRIS, "member")
    await house.ask(102, "/start")
    await house.ask(OLGA, "/admin users pending", ADMINS)
    house.press(OLGA, "✅ Борис", ADMINS)
    house.press(CHRIS, "✅ Борис", ADMINS)
    await house.quiet()

    assert house.heard(ADMINS)[-1] == "Already decided: Борис, active."
    assert len(house.heard(102)) == 2  # the request's answer, and the good news once


async def test_list_of_those_who_are_in_turns_its_pages(house: House) -> None:
    def crowd() -> None:
        for number in range(12):
            User.objects.create(
                username=f"p{number}", telegram_id=5000 + number, first_name=f"Я{number:02}", status=Access.ACTIVE
            )

    await house.db(crowd)
    said = await house.ask(OLGA, "/admin users active")
    assert "active: 14" in said
    assert "Я11" not in said
    assert "Я11" in await look(house, "›")


async def test_role_is_given_by_words_and_by_button(house: House) -> None:
    assert await house.ask(OLGA, f"/admin role {ANNA} editor") == "✅ Анна: the role is editor now."
    await house.ask(OLGA, f"/admin role {ANNA}")
    assert await look(house, "admin") == "✅ Анна: the role is admin now."
    assert await house.db(role_of(ANNA)) == "admin"


async def test_only_admin_keeps_the_role(house: House) -> None:
    assert "only admin" in await house.ask(OLGA, f"/admin role {OLGA} member")
    assert await house.db(role_of(OLGA)) == "admin"


@pytest.mark.parametrize("words", ["role", "role Анна", "role 101 king", "role 101 editor now", "users everybody"])
async def test_unclear_words_are_answered_with_how_to_write_them(house: House, words: str) -> None:
    assert (await house.ask(OLGA, f"/admin {words}")).startswith(f"Write /admin {words.split()[0]}")
