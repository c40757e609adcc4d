"""Connecting an Avito account: what is asked, what is found, and what is said when it cannot be."""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from delivery.models import Schedule
from reports.models import AvitoProfile, ReportTask, Snapshot
from reports.services.collecting import SOURCE as DAILY
from sandbox.avito import POLKA_KEYS, REMONT_KEYS, SEVER, SEVER_KEYS, SEVER_SECOND_KEYS
from sandbox.telegram.files import Upload
from telegram_bot.models import Expectation
from tests.house import ADMINS, ANNA, OLGA, House
from tests.reports.chat.chatting import card, known, labels, press, profiles, say, the_only

WRONG = ("NoSuchClient00000001", "n0-such-secret-anywhere-at-all-000000000")


async def connect(house: House, name: str, keys: tuple[str, str]) -> str:
    """A question at a time; what is said in the end."""
    await say(house, "/add_profile")
    await say(house, name)
    await say(house, keys[0])
    await say(house, keys[1])
    return card(house)


async def test_it_is_asked_one_thing_at_a_time(house: House) -> None:
    await say(house, "/add_profile")
    assert "What shall I call it?" in card(house)

    await say(house, "Север")
    assert "client_id" in card(house)
    assert "avito.ru/professionals/api" in card(house)

    await say(house, SEVER_KEYS[0])
    assert "2/2 · Now the client_secret" in card(house)

    await say(house, SEVER_KEYS[1])
    assert card(house).startswith("✅ “Север” is connected\nAt Avito: Магазин «Север», account 90000001.")


async def test_profile_has_what_avito_said(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)

    profile = await the_only(house)
    assert (profile.name, profile.account_id, profile.access) == ("Север", SEVER, "works")
    assert profile.credentials == {"client_id": SEVER_KEYS[0], "client_secret": SEVER_KEYS[1]}
    assert {told["kind"] for told in profile.sections.values()} == {""}
    assert profile.client_mask == "hT4p…1k"


async def test_report_is_off_and_set_to_nine_by_the_owners_clock(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)

    task = await house.db(ReportTask.objects.select_related("schedule", "chat").get)
    assert (task.schedule.state, task.schedule.zone) == (Schedule.State.PAUSED, "Europe/Moscow")
    assert task.schedule.rule == {"kind": "daily", "at": "09:00", "every": 1, "since": None}
    assert task.chat is not None
    assert task.chat.telegram_id == ANNA


async def test_first_report_can_be_switched_on_at_once(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)
    await press(house, "Report every day")

    task = await house.db(ReportTask.objects.select_related("schedule").get)
    assert task.schedule.state == Schedule.State.ACTIVE
    assert "Every day at 09:00, Europe/Moscow → only you, here" in card(house)


async def test_its_figures_are_collected_from_now_on(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)

    profile = await the_only(house)
    assert await house.db(Schedule.objects.filter(source=DAILY, object_id=str(profile.pk)).exists)


async def test_looking_spends_the_only_call_for_statistics_on_the_first_collection(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)

    assert house.sandbox.avito.count("stats_v2") == 1
    assert await house.db(Snapshot.objects.filter(figures__has_key="views").exists)


@pytest.mark.parametrize(
    "written",
    [
        f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}",
        f"/add_profile Север {SEVER_KEYS[0]} {SEVER_KEYS[1]}",
        f"/add_profile\nSeller: Север\nclient_id: {SEVER_KEYS[0]}\nclient_secret: {SEVER_KEYS[1]}",
    ],
    ids=["lines", "one line", "labels"],
)
async def test_all_may_come_in_one_message(house: House, written: str) -> None:
    await say(house, written)

    assert "is connected" in card(house)
    assert (await the_only(house)).credentials["client_secret"] == SEVER_KEYS[1]


async def test_three_lines_may_answer_the_question(house: House) -> None:
    await say(house, "/add_profile")
    await say(house, f"Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")

    assert "is connected" in card(house)


async def test_both_keys_may_come_together(house: House) -> None:
    await say(house, "/add_profile Ремонт")
    await say(house, f"{REMONT_KEYS[0]}\n{REMONT_KEYS[1]}")

    assert "Ремонт под ключ" in card(house)


async def test_secret_with_odd_signs_and_blanks_is_taken_whole(house: House) -> None:
    await connect(house, "Ремонт", REMONT_KEYS)

    assert (await the_only(house)).credentials["client_secret"] == REMONT_KEYS[1]


async def test_what_is_closed_is_told_with_its_reason(house: House) -> None:
    said = await connect(house, "Ремонт", REMONT_KEYS)

    assert "✅ Works: statistics, wallet and bonuses" in said
    assert "🚫 Messenger: A subscription is needed at Avito" in said


async def test_employees_keys_are_recognised(house: House) -> None:
    said = await connect(house, "Полка", POLKA_KEYS)

    assert "With an employee's keys Avito shows none" in said


# --- it cannot be ---------------------------------------------------------------------------------------------------


async def test_wrong_secret_stores_nothing(house: House) -> None:
    said = await connect(house, "Север", WRONG)

    assert "Avito does not accept these keys." in said
    assert "I kept nothing." in said
    assert not await house.db(AvitoProfile.objects.exists)
    assert not await house.db(Expectation.objects.exists)


async def test_wrong_secret_is_told_to_the_admins_once(house: House) -> None:
    await connect(house, "Север", WRONG)
    await connect(house, "Север", WRONG)

    told = [text for text in house.heard(ADMINS) if "Avito refused the keys" in text]
    assert len(told) == 1
    assert "Анна" in told[0]


async def test_200_without_a_token_is_a_wrong_secret(house: House) -> None:
    house.sandbox.avito.trouble("token", "invalid_client_200")

    assert "Avito does not accept these keys." in await connect(house, "Север", SEVER_KEYS)


async def test_after_wrong_keys_the_name_is_not_asked_again(house: House) -> None:
    await connect(house, "Север", WRONG)
    await press(house, "Enter them again")
    await say(house, SEVER_KEYS[0])
    await say(house, SEVER_KEYS[1])

    assert (await the_only(house)).name == "Север"


async def test_while_avito_is_down_the_keys_wait_sealed(house: House) -> None:
    house.sandbox.avito.trouble("self", 500)
    assert "Your keys are kept, encrypted, for 15 minutes" in await connect(house, "Север", SEVER_KEYS)

    house.sandbox.avito.calm()
    await press(house, "Try again")

    assert "is connected" in card(house)


async def test_same_account_twice_is_allowed_and_explained(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)
    said = await connect(house, "Север 2", SEVER_SECOND_KEYS)

    assert "This is the same Avito account as “Север”. Both report on their own; totals count it once." in said
    assert len(await house.db(profiles)) == 2


async def test_name_that_is_taken_is_asked_for_again(house: House) -> None:
    await house.db(known)
    await say(house, "/add_profile")
    await say(house, "север")

    assert "You have a profile with this name already." in card(house)


async def test_no_more_profiles_than_allowed(house: House, settings: Settings) -> None:
    settings.AVITO_PROFILES_PER_PERSON = 1
    await house.db(known)
    await say(house, "/add_profile")

    assert "You have 1 profile, which is the most one person may have." in card(house)


async def test_no_more_profiles_than_allowed_however_late_it_is_seen(house: House, settings: Settings) -> None:
    await say(house, "/add_profile Юг")
    settings.AVITO_PROFILES_PER_PERSON = 1
    await house.db(known)
    await say(house, "\n".join(SEVER_KEYS))

    assert "You have 1 profile, which is the most one person may have." in card(house)
    assert not await house.db(Expectation.objects.exists)


async def test_picture_of_the_keys_is_no_answer(house: House) -> None:
    await say(house, "/add_profile Север")
    house.world.say(ANNA, "", file=("photo", Upload("keys.png", "image/png", b"\x89PNG\r\n\x1a\n")))
    await house.quiet()

    assert "I need it as a text." in card(house)


async def test_cancel_says_what_was_ended(house: House) -> None:
    await say(house, "/add_profile Север")
    await say(house, SEVER_KEYS[0])

    assert await house.ask(ANNA, "/cancel") == "Good, I leave it at that: connecting an Avito account."
    assert not await house.db(Expectation.objects.exists)


async def test_cancel_while_the_keys_are_looked_at_connects_nothing(house: House) -> None:
    house.sandbox.avito.trouble("self", "hold")
    house.say(ANNA, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")
    await house.sandbox.avito.until(lambda: house.sandbox.avito.count("self") == 1)
    house.say(ANNA, "/cancel")
    await house.until(lambda: card(house) == "Good, I leave it at that: connecting an Avito account.")
    house.sandbox.avito.release()
    await house.quiet()

    assert await house.db(profiles) == []
    assert "Good, I leave it at that. I kept nothing." in house.heard(ANNA)
    assert not [text for text in house.heard(ANNA) if "I am looking" in text]


async def test_cancel_button_that_is_old_ends_nothing_else(house: House) -> None:
    await say(house, "/add_profile")
    await house.db(Expectation.objects.update, action="avito.words")
    await press(house, "Cancel")

    assert card(house) == "Good, I leave it at that."
    assert await house.db(Expectation.objects.exists)


async def test_answered_questions_go_and_with_them_their_buttons(house: House) -> None:
    said = await connect(house, "Север", SEVER_KEYS)

    assert said.startswith("✅ “Север” is connected")
    assert not [text for text in house.heard(ANNA) if "What shall I call it?" in text or "client_secret" in text]


@pytest.mark.parametrize("words", ["where do I find it?", "где?", "something I do not know"])
async def test_question_is_no_client_id_and_avito_is_not_asked(house: House, words: str) -> None:
    await say(house, "/add_profile Север")
    await say(house, words)

    assert "⚠️ That is no client_id: it is one word of letters and digits." in card(house)
    assert house.sandbox.avito.count("token") == 0


async def test_cancel_button_keeps_nothing(house: House) -> None:
    await say(house, "/add_profile Север")
    await press(house, "Cancel")

    assert card(house) == "Good, I leave it at that. I kept nothing."
    assert not await house.db(Expectation.objects.exists)


async def test_strangers_connect_nothing(house: House) -> None:
    await say(house, f"/add_profile Север\n{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}", user=103)

    assert not await house.db(AvitoProfile.objects.exists)
    assert not house.sandbox.avito.calls


async def test_everybody_has_profiles_of_their_own(house: House) -> None:
    await connect(house, "Север", SEVER_KEYS)
    await say(house, "/profiles", user=OLGA)

    assert "There is none yet." in card(house, OLGA)
    assert not [label for label in labels(house, OLGA) if "Север" in label]


async def test_answer_after_a_quarter_of_an_hour_is_no_answer(house: House) -> None:
    await say(house, "/add_profile")
    long_ago = timezone.now() - timedelta(minutes=1)
    await house.db(lambda: Expectation.objects.update(expires_at=long_ago))
    await say(house, "[[text Hello!]]")

    assert card(house) == "Hello!"
