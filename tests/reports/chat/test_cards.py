"""/profiles: the list, a profile's card, and what its buttons do."""

import functools
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from delivery.models import Schedule
from reports.metrics import Section
from reports.models import Alert, AvitoProfile, ProfileChat, ReportTask, Snapshot
from reports.services import tasks, watching
from sandbox.avito import REMONT, REMONT_KEYS, SEVER, SEVER_KEYS, SEVER_SECOND_KEYS
from telegram_bot.models import Button
from tests.house import ANNA, OLGA, TEAM, House
from tests.reports import making
from tests.reports.chat.chatting import (
    anna,
    card,
    connected,
    data_of,
    known,
    labels,
    press,
    profiles,
    say,
    task,
    the_only,
)


async def test_list_is_empty_at_first(house: House) -> None:
    await say(house, "/profiles")

    assert "There is none yet." in card(house)
    assert labels(house) == ["➕ Connect an account"]


async def test_list_has_pages(house: House) -> None:
    await house.db(lambda: [known(f"Shop {number:02}", account_id=number) for number in range(1, 11)])
    await say(house, "/profiles")
    assert "page 1 of 2" in card(house)

    await press(house, "›")
    assert labels(house) == ["👤 Shop 09", "👤 Shop 10", "‹", "➕ Connect an account"]


async def test_card_tells_all_about_a_profile(house: House) -> None:
    await connected(house)

    said = card(house)
    assert said.startswith("👤 Север\nAt Avito: Магазин «Север», account 90000001. Keys: hT4p…1k.")
    assert "✅ Works: statistics, wallet and bonuses, advance, calls, listings, messenger" in said
    assert "⏸ Reports are off.\nSet to: Every day at 09:00, Europe/Moscow." in said
    assert "👁 Only you see its figures." in said


async def test_card_has_the_buttons(house: House) -> None:
    await connected(house)

    assert labels(house) == [
        "📊 Report now",
        "🗓 Another period",
        "⚙️ Report settings",
        "💬 Chats to Excel",
        "👁 Where it is shown",
        "🔎 Check again",
        "🔑 New keys",
        "✏️ Rename",
        "🗑 Delete",
        "« All profiles",
    ]


async def test_card_tells_of_refused_keys_and_what_to_do(house: House) -> None:
    profile = await house.db(known)
    await house.db(lambda: AvitoProfile.objects.filter(pk=profile.pk).update(access="bad_keys"))
    await say(house, "/profiles")
    await press(house, "Север")

    assert "The keys are not accepted by Avito. Enter new ones" in card(house)


async def test_card_tells_of_open_alerts(house: House) -> None:
    profile = await house.db(known)
    since = timezone.now()
    await house.db(lambda: Alert.objects.create(profile=profile, kind="money", about="wallet", since=since))
    await say(house, "/profiles")
    await press(house, "Север")

    assert "🔔 Money runs out since" in card(house)


# --- names and ends -------------------------------------------------------------------------------------------------


async def test_profile_is_renamed(house: House) -> None:
    await connected(house)
    await press(house, "Rename")
    await say(house, "  Север_*[1]  <b> ")

    assert card(house).startswith("👤 Север_*[1] <b>\n")
    assert (await the_only(house)).name == "Север_*[1] <b>"


async def test_name_of_another_profile_is_refused(house: House) -> None:
    await house.db(lambda: making.make_profile(anna(), "Юг", 5))
    await connected(house)
    await press(house, "Rename")
    await say(house, "юг")

    assert "You have a profile with this name already. Write another one." in card(house)
    await say(house, "Запад")
    assert card(house).startswith("👤 Запад")


async def test_deleting_asks_first_and_says_what_goes(house: House) -> None:
    profile = await connected(house)
    await house.db(making.make_day, profile, date(2026, 11, 1), views=5)
    await press(house, "Delete")
    assert "the figures of 1 day, its reports and their schedule are deleted here for good" in card(house)

    await press(house, "No, keep it")
    assert card(house).startswith("👤 Север")


async def test_deleting_leaves_nothing(house: House) -> None:
    profile = await connected(house)
    await house.db(making.make_day, profile, date(2026, 11, 1), views=5)
    await press(house, "Delete")
    await press(house, "Yes, delete it")

    assert card(house) == "🗑 “Север” is deleted."
    assert not await house.db(lambda: [*AvitoProfile.objects.all(), *ReportTask.objects.all(), *Snapshot.objects.all()])
    assert not await house.db(Schedule.objects.exists)


async def test_button_of_a_profile_that_is_gone_says_so(house: House) -> None:
    await connected(house)
    await house.db(making.delete_all_profiles)
    await press(house, "Rename")

    assert card(house) == "This profile is gone. /profiles lists those that are left."


# --- other keys -----------------------------------------------------------------------------------------------------


async def test_new_keys_of_the_same_account_are_taken(house: House) -> None:
    await connected(house)
    await press(house, "New keys")
    await say(house, f"{SEVER_SECOND_KEYS[0]}\n{SEVER_SECOND_KEYS[1]}")

    assert card(house).startswith("✅ “Север” has new keys")
    profile = await the_only(house)
    assert (profile.credentials["client_id"], profile.version, profile.account_id) == (SEVER_SECOND_KEYS[0], 2, SEVER)


async def test_new_keys_end_the_alert_and_the_pause(house: House) -> None:
    profile = await house.db(known)
    row = await house.db(making.make_task, profile)
    now = timezone.now()
    await house.db(watching.note, profile, {Section.ACCOUNT: "bad_credentials"}, now)
    await house.db(functools.partial(tasks.pause_for_keys, row, "bad_credentials", now=now))
    await say(house, "/profiles")
    await press(house, "Север")
    assert "Reports are off." in card(house)

    await press(house, "New keys")
    await say(house, f"{SEVER_KEYS[0]}\n{SEVER_KEYS[1]}")

    assert any("▶️ Its reports go on." in text for text in house.heard(ANNA))
    assert (await house.db(task)).schedule.state == Schedule.State.ACTIVE
    assert not await house.db(Alert.objects.filter(over_at=None).exists)


async def test_keys_of_another_account_are_asked_about_before_anything_is_stored(house: House) -> None:
    profile = await connected(house)
    await house.db(making.make_day, profile, date(2026, 11, 1), views=5)
    await press(house, "New keys")
    await say(house, f"{REMONT_KEYS[0]}\n{REMONT_KEYS[1]}")

    assert "These are keys of another Avito account: Ремонт под ключ (90000002). “Север” has been" in card(house)
    assert labels(house) == ["🔁 Replace the account", "✖️ Keep the old keys"]
    kept = await the_only(house)
    assert (kept.account_id, kept.credentials["client_id"]) == (SEVER, SEVER_KEYS[0])


async def test_replacing_does_not_mix_two_accounts(house: House) -> None:
    profile = await connected(house)
    await house.db(making.make_day, profile, date(2020, 11, 1), views=5)
    await press(house, "New keys")
    await say(house, f"{REMONT_KEYS[0]}\n{REMONT_KEYS[1]}")
    await press(house, "Replace the account")

    profile = await the_only(house)
    assert (profile.account_id, profile.account_name) == (REMONT, "Ремонт под ключ")
    assert not await house.db(Snapshot.objects.filter(date=date(2020, 11, 1)).exists)
    assert profile.sections["messenger"]["kind"] == "needs_subscription"


async def test_keeping_the_old_keys_changes_nothing(house: House) -> None:
    await connected(house)
    await press(house, "New keys")
    await say(house, f"{REMONT_KEYS[0]}\n{REMONT_KEYS[1]}")
    await press(house, "Keep the old keys")

    assert (await the_only(house)).credentials["client_id"] == SEVER_KEYS[0]


async def test_new_keys_that_are_refused_leave_the_old_ones(house: House) -> None:
    await connected(house)
    await press(house, "New keys")
    await say(house, "NoSuchClient00000001\nn0-such-secret-anywhere-at-all-000000000")

    assert "Avito does not accept these keys." in card(house)
    assert (await the_only(house)).credentials["client_id"] == SEVER_KEYS[0]


# --- looking again --------------------------------------------------------------------------------------------------


async def test_check_again_tells_what_works_now(house: House) -> None:
    await connected(house)
    house.sandbox.avito.trouble("messenger", 402)
    await press(house, "Check again")

    # The alert came after it.
    card_text = next(text for text in house.heard(ANNA) if text.startswith("👤 Север"))
    assert "🚫 Messenger: A subscription is needed at Avito" in card_text
    assert "Looked at just now." in card_text


async def test_check_again_while_avito_is_down_changes_nothing(house: House) -> None:
    await connected(house)
    house.sandbox.avito.trouble("self", 500)
    await press(house, "Check again")

    assert "Avito does not answer at the moment. Try again soon." in card(house)
    assert (await the_only(house)).access == "works"


async def test_check_again_finds_revoked_keys(house: House) -> None:
    await connected(house)
    house.sandbox.avito.revoke(SEVER_KEYS[0])
    await press(house, "Check again")

    assert (await the_only(house)).access == "bad_keys"


async def test_what_was_seen_of_keys_that_were_replaced_meanwhile_says_nothing_of_the_new_ones(house: House) -> None:
    await connected(house)
    house.sandbox.avito.revoke(SEVER_KEYS[0])
    house.sandbox.avito.trouble("token", "hold")
    message = next(one for one in reversed(house.messages(ANNA)) if data_of(one, "Check again"))
    house.world.press(ANNA, message["message_id"], data_of(message, "Check again"))
    await house.sandbox.avito.until(lambda: house.sandbox.avito.count("token") == 1)
    await house.db(lambda: AvitoProfile.objects.update(version=2))
    house.sandbox.avito.release()
    await house.quiet()

    assert (await the_only(house)).access == "works"


# --- whose they are -------------------------------------------------------------------------------------------------


async def test_strangers_press_on_anothers_button_is_refused(house: House) -> None:
    await house.db(lambda: (known(), making.group()))
    await say(house, "/profiles", chat=TEAM)

    assert await press(house, "Север", user=OLGA, chat=TEAM) == "This button is somebody else's."
    assert not await house.db(ProfileChat.objects.exists)


async def test_admin_cannot_open_somebody_elses_profile(house: House) -> None:
    """Even with a button of their own that names it."""
    profile = await house.db(known)
    await say(house, "/profiles", user=OLGA)
    await house.db(lambda: Button.objects.filter(owner__telegram_id=OLGA).update(
        action="profile_delete", data={"profile": profile.pk}
    ))  # fmt: skip

    assert await press(house, "Connect an account", user=OLGA) == "This profile is somebody else's."
    assert await house.db(profiles)


async def test_unknown_actions_data_breaks_nothing(house: House) -> None:
    await say(house, "/profiles")
    await house.db(lambda: Button.objects.update(action="profile_rename", data={"profile": "nonsense"}))
    await press(house, "Connect an account")

    assert card(house) == "This profile is gone. /profiles lists those that are left."


async def test_new_keys_for_a_profile_that_is_gone_connect_no_other_one(house: House) -> None:
    await connected(house)
    await house.db(making.delete_all_profiles)
    await press(house, "New keys")

    assert card(house) == "This profile is gone. /profiles lists those that are left."


# --- where it is shown ----------------------------------------------------------------------------------------------


async def test_group_list_shows_own_profiles_only(house: House) -> None:
    await house.db(lambda: (known(), making.group()))
    await say(house, "/profiles", user=OLGA, chat=TEAM)

    assert "You have none yet." in card(house, TEAM)


async def test_profile_is_shown_in_a_group_after_a_clear_yes(house: House) -> None:
    await house.db(lambda: (known(), making.group()))
    await say(house, "/profiles", chat=TEAM)
    await press(house, "Север", chat=TEAM)
    assert "Everybody in “Команда”, now and later, will be able to see the figures of “Север”" in card(house, TEAM)

    await press(house, "Yes, show them there", chat=TEAM)
    assert await house.db(ProfileChat.objects.filter(chat__telegram_id=TEAM).exists)
    assert labels(house, TEAM)[0] == "☑️ Север"


async def test_it_can_be_taken_back_there(house: House) -> None:
    await house.db(lambda: making.bind(known(), making.group()))
    await say(house, "/profiles", chat=TEAM)
    await press(house, "Север", chat=TEAM)

    assert not await house.db(ProfileChat.objects.exists)
    assert labels(house, TEAM)[0] == "▫️ Север"


async def test_it_can_be_taken_back_from_the_card(house: House) -> None:
    await house.db(lambda: making.bind(known(), making.group()))
    await say(house, "/profiles")
    await press(house, "Север")
    assert "👁 Everybody there sees its figures: Команда." in card(house)

    await press(house, "Where it is shown")
    await press(house, "Команда")

    assert "Nobody but you sees its figures." in card(house)
    assert not await house.db(ProfileChat.objects.exists)


async def test_taking_the_group_back_brings_the_reports_home(house: House) -> None:
    def bound() -> None:
        profile, group = known(), making.group()
        making.bind(profile, group)
        making.make_task(profile, chat=group)

    await house.db(bound)
    await say(house, "/profiles")
    await press(house, "Север")
    await press(house, "Where it is shown")
    await press(house, "Команда")

    assert "Its reports go to you alone now." in card(house)
    chat = (await house.db(task)).chat
    assert chat is not None
    assert chat.telegram_id == ANNA


async def test_old_buttons_are_for_the_private_chat(house: House) -> None:
    await house.db(lambda: (known(), making.group()))
    await say(house, "/profiles", chat=TEAM)
    await house.db(lambda: Button.objects.filter(action="report_chat_here").update(action="profile_view"))

    assert await press(house, "Reports here", chat=TEAM) == "This is for our private chat: write /profiles there."


async def test_last_report_is_told(house: House) -> None:
    profile = await house.db(known)
    finished = timezone.now() - timedelta(hours=1)
    await house.db(making.make_report, profile, finished)
    await say(house, "/profiles")
    await press(house, "Север")

    day = f"{finished.astimezone(ZoneInfo('Europe/Moscow')):%H:%M}"
    [line] = [line for line in card(house).splitlines() if line.startswith("Last report: ")]
    assert line.endswith(f", {day}.")  # to the minute


async def test_notice_of_refused_keys_stays_beside_what_its_buttons_open(house: House) -> None:
    profile = await house.db(known)
    await house.db(watching.note, profile, {Section.ACCOUNT: "bad_credentials"}, timezone.now())
    await house.quiet()
    notice = card(house)
    await press(house, "Profile")
    await press(house, "New keys")

    assert notice in house.heard(ANNA)
    assert "🔑 New keys for “Север”" in card(house)
