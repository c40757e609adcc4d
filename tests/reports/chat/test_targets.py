"""Where a profile's reports go, and what else may be set, as its owner sees it in the chat."""

import pytest

from delivery.models import Delivery
from reports.models import ProfileChat
from tests.house import ANNA, TEAM, House
from tests.posts.making import MAY_POST, NEWS
from tests.posts.making import channel as make_channel
from tests.reports import making
from tests.reports.chat.chatting import card, connected, known, labels, press, say, task


async def opened(house: House) -> None:
    """The settings of the reports of Анна's only profile."""
    await connected(house)
    await press(house, "Report settings")


async def test_only_chats_where_the_person_is_are_offered(house: House) -> None:
    await house.db(making.group)
    await house.db(lambda: making.group(-1001000000001, "Админы"))
    await opened(house)
    await press(house, "Where to")

    assert "👥 Команда" in labels(house)
    assert "👥 Админы" not in labels(house)


async def test_group_is_a_target_after_a_clear_yes(house: House) -> None:
    await house.db(making.group)
    await opened(house)
    await press(house, "Where to")
    await press(house, "Команда")
    assert (
        "Everybody in “Команда”, now and later, will see the reports of “Север”, and its figures with /stats"
        in card(house)
    )

    await press(house, "Yes, send them there")
    row = await house.db(task)
    assert row.chat is not None
    assert row.chat.telegram_id == TEAM
    assert await house.db(ProfileChat.objects.filter(chat__telegram_id=TEAM).exists)
    assert "📍 They go to Команда; everybody there sees these figures." in card(house)


async def test_no_leaves_it_as_it_was(house: House) -> None:
    await house.db(making.group)
    await opened(house)
    await press(house, "Where to")
    await press(house, "Команда")
    await press(house, "No")

    assert "They go to you alone" in card(house)
    assert not await house.db(ProfileChat.objects.exists)


async def test_reports_come_back_to_the_private_chat(house: House) -> None:
    await house.db(lambda: making.make_task(known(), on=False, chat=making.group()))
    await say(house, "/profiles")
    await press(house, "Север")
    await press(house, "Report settings")
    await press(house, "Where to")
    await press(house, "Only to me")

    assert "They go to you alone" in card(house)
    assert "still" not in card(house)


async def test_group_that_still_sees_the_figures_is_named_when_reports_come_back(house: House) -> None:
    def bound() -> None:
        profile, group = known(), making.group()
        making.bind(profile, group)
        making.make_task(profile, on=False, chat=group)

    await house.db(bound)
    await say(house, "/profiles")
    await press(house, "Север")
    await press(house, "Report settings")
    await press(house, "Where to")
    await press(house, "Only to me")

    assert "They go to you alone" in card(house)
    assert "👁 Its figures are still seen with /stats in: Команда. Take that back in the profile" in card(house)


async def test_reports_are_sent_to_the_group_where_the_button_stands(house: House) -> None:
    await house.db(lambda: (known(), making.group()))
    await say(house, "/profiles", chat=TEAM)
    await press(house, "Reports here", chat=TEAM)
    await press(house, "Yes, send them there", chat=TEAM)

    row = await house.db(task)
    assert row.chat is not None
    assert row.chat.telegram_id == TEAM
    assert "✅ Reports here" in labels(house, TEAM)


async def test_group_list_has_pages_and_stays_on_them(house: House) -> None:
    def ten() -> None:
        making.group()
        for number in range(10):
            known(f"Shop {number}")

    await house.db(ten)
    await say(house, "/profiles", chat=TEAM)
    await press(house, "›", chat=TEAM)
    assert labels(house, TEAM) == ["▫️ Shop 8", "Reports here", "▫️ Shop 9", "Reports here", "‹"]

    await press(house, "Shop 9", chat=TEAM)
    await press(house, "Yes, show them there", chat=TEAM)
    assert labels(house, TEAM)[2] == "☑️ Shop 9"


async def channel_named(house: House, standing: str) -> str:
    """Анна, who is that in the channel, forwards a message of it; the answer."""
    await house.db(lambda: make_channel(NEWS, "Новости", bot_rights=MAY_POST))
    channel = house.world.chats[NEWS]
    channel.members[ANNA] = standing
    post = await house.application.bot.send_message(NEWS, "News")
    await opened(house)
    await press(house, "Where to")
    await press(house, "Another one")
    house.world.forward(ANNA, NEWS, post.message_id)
    await house.quiet()
    return card(house)


async def test_channel_is_named_by_a_forwarded_message(house: House) -> None:
    assert "Everybody in “Новости”, now and later, will see the reports" in await channel_named(house, "administrator")

    await press(house, "Yes, send them there")
    row = await house.db(task)
    assert row.chat is not None
    assert row.chat.telegram_id == NEWS


async def test_who_only_reads_a_channel_posts_nothing_there(house: House) -> None:
    said = await channel_named(house, "member")

    assert "Only administrators of the channel “Новости” may have figures posted there." in said
    assert not await house.db(ProfileChat.objects.exists)


async def test_unknown_chat_is_explained(house: House) -> None:
    await opened(house)
    await press(house, "Where to")
    await press(house, "Another one")
    await say(house, "@nowhere_at_all")

    assert "I find no group or channel where we both are." in card(house)


async def test_chat_of_others_looks_like_one_that_is_not_there(house: House) -> None:
    await house.db(lambda: making.group(-1001000000001, "Админы", username="secret_admins"))
    await opened(house)
    await press(house, "Where to")
    await press(house, "Another one")
    await say(house, "@secret_admins")

    assert "I find no group or channel where we both are." in card(house)
    assert "Админы" not in card(house)


async def test_email_is_checked(house: House) -> None:
    await opened(house)
    await press(house, "E-mail")
    await say(house, "nobody")
    assert "This is no e-mail address." in card(house)

    await say(house, "anna@example.com")
    assert "✉️ Also by e-mail: anna@example.com" in card(house)

    await press(house, "E-mail")
    await press(house, "No e-mail")
    assert not (await house.db(task)).email


async def test_webhooks_secret_is_shown_once_and_kept_in_no_message(house: House) -> None:
    await opened(house)
    await press(house, "Webhook")
    await say(house, "https://example.com/avito")

    secret = (await house.db(task)).hook_secret
    shown = [text for text in house.heard(ANNA) if secret in text]
    assert len(shown) == 1
    assert not await house.db(lambda: [row for row in Delivery.objects.all() if secret in str(row.content)])


@pytest.mark.parametrize("address", ["http://example.com/avito", "https://10.0.0.1/avito", "somewhere"])
async def test_webhook_needs_a_public_https_address(house: House, address: str) -> None:
    await opened(house)
    await press(house, "Webhook")
    await say(house, address)

    assert card(house).splitlines()[1].startswith("⚠️ ")
    assert not (await house.db(task)).hook_url


async def test_settings_tell_of_each_profile(house: House) -> None:
    await house.db(lambda: making.make_task(known()))
    said = await house.ask(ANNA, "/settings")
    assert "📊 Reports of “Север”: every day at 09:00, Europe/Moscow → only you, here" in said
    assert "👤 Avito profiles: 1 in all" in said

    await press(house, "Север")
    assert card(house).startswith("⚙️ Reports of “Север”")


async def test_cancel_ends_the_question_and_names_it(house: House) -> None:
    await opened(house)
    await press(house, "Time")

    assert await house.ask(ANNA, "/cancel") == "Good, I leave it at that: the settings of an Avito profile."
