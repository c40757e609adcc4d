"""An owner presses a button and gets a file."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, User
from delivery.models import Delivery
from reports.models import Export
from sandbox.avito import POLKA, REMONT, SEVER
from tests.house import ANNA, OLGA, TEAM, House
from tests.posts.chatting import labels
from tests.reports import making
from tests.reports.export import doing
from tests.reports.export.doing import book, documents, given, press, run, told, world

pytestmark = pytest.mark.django_db(transaction=True)


async def test_owner_gets_all_chats_as_one_file(house: House) -> None:
    await house.db(given, house)
    await run(house)

    [document] = documents(house)
    found = book(document)
    inbox = world(house).accounts[SEVER].inbox
    wanted = len(list(inbox.listed(("u2i", "u2u"))))
    assert list(found) == ["Chats", "Messages", "About the file"]
    assert len(found["Chats"]) == wanted
    assert len(found["Messages"]) == sum(inbox.size(n) for n in inbox.listed(("u2i", "u2u")))
    assert document["caption"] == "Chats of “Север”"
    assert re.fullmatch(r"Avito chats Север \d{4}-\d\d-\d\d\.xlsx", document["name"])
    assert f"✅ Ready: the file comes below. Chats: {wanted}, messages:" in told(house)


async def test_first_it_is_asked_which_chats(house: House) -> None:
    await house.db(given, house)
    await press(house, "Export")
    await house.quiet()

    assert "Which ones?" in told(house)
    assert "Nothing is marked as read." in told(house)
    assert labels(house) == [
        "All chats",
        "With news in the last 7 days",
        "With news in the last 30 days",
        "With news in the last 90 days",
        "No, thanks",
    ]


async def test_who_does_not_want_it_after_all_gets_nothing(house: House) -> None:
    await house.db(given, house)
    await press(house, "Export")
    await press(house, "No, thanks")
    await house.quiet()

    assert house.heard(ANNA)[-1] == "No export, then."
    assert not await house.db(Export.objects.exists)


async def test_only_chats_with_news_in_the_chosen_days_are_exported(house: House) -> None:
    await house.db(given, house)
    inbox = world(house).accounts[SEVER].inbox
    inbox.newest, inbox.step = int(timezone.now().timestamp()) - 3600, 24 * 3600
    await run(house, "With news in the last 7 days")

    [document] = documents(house)
    assert len(book(document)["Chats"]) == 7
    assert book(document)["About the file"][0]["Which chats"] == "With news in the last 7 days"


async def test_nothing_is_marked_as_read(house: House) -> None:
    await house.db(given, house)
    await run(house)

    asked = world(house)
    assert asked.count("read") == 0
    assert {call.http for call in asked.found("messenger")} == {"GET"}


async def test_no_page_is_asked_for_twice(house: House) -> None:
    await house.db(given, house)
    await run(house)

    asked = [call.path for call in world(house).found("messages")]
    assert len(asked) == len(set(asked)) == len(list(world(house).accounts[SEVER].inbox.listed(("u2i", "u2u"))))


async def test_times_are_those_of_the_owners_clock(house: House) -> None:
    await house.db(given, house)
    inbox = world(house).accounts[SEVER].inbox
    inbox.newest = 1_772_400_000  # 2026-03-01 21:20 UTC
    await run(house)

    newest = book(documents(house)[0])["Chats"][0]
    assert newest["Last news"] == datetime(2026, 3, 2, 0, 20)


async def test_what_is_done_leaves_nothing_on_the_disk(house: House, files: Path) -> None:
    await house.db(given, house)
    await run(house)

    assert list((files / "exports").iterdir()) == []
    said = world(house).accounts[SEVER].inbox.message(10, 1)["content"]["text"]
    held = await house.db(lambda: [str(row.content) for row in Delivery.objects.filter(source="avito_export")])
    assert not [row for row in held if said in row]


async def test_export_is_on_record(house: House) -> None:
    profile = await house.db(given, house)
    await run(house)

    entry = await house.db(AuditEntry.objects.get, action="avito.export")
    assert (entry.target, entry.details) == (f"avitoprofile:{profile.pk}", {"days": 0})


# --- who may --------------------------------------------------------------------------------------------------------


async def test_stranger_to_a_profile_cannot_export_it(house: House) -> None:
    profile = await house.db(given, house)
    await house.db(doing.card, profile, OLGA)

    assert await press(house, "Export", OLGA) == "Only the owner of a profile exports its chats."
    await house.quiet()
    assert not await house.db(Export.objects.exists)


async def test_chats_are_not_shown_to_a_group(house: House) -> None:
    profile = await house.db(given, house)
    await house.db(making.group, TEAM)
    await house.db(doing.card, profile, TEAM)

    assert (await press(house, "Export", ANNA, TEAM)).startswith("Chats hold buyers' words")
    await house.quiet()
    assert not await house.db(Export.objects.exists)


# --- when it does not work ------------------------------------------------------------------------------------------


async def test_without_chats_there_is_a_message_and_no_file(house: House) -> None:
    await house.db(given, house)
    world(house).accounts[SEVER].inbox.chats = 0
    await run(house)

    assert "There are no chats, so there is no file." in told(house)
    assert not documents(house)


async def test_without_news_there_is_a_message_and_no_file(house: House) -> None:
    await house.db(given, house)
    world(house).accounts[SEVER].inbox.newest = 1_600_000_000
    await run(house, "With news in the last 30 days")

    assert told(house).endswith("No chat had news in the last 30 days, so there is no file.")
    assert not documents(house)


async def test_employees_keys_see_no_chats_and_that_is_said(house: House) -> None:
    await house.db(given, house, POLKA)
    await run(house)

    assert "With an employee's keys Avito does not show the company's chats" in told(house)


async def test_missing_subscription_is_told_in_words(house: House) -> None:
    await house.db(given, house, REMONT)
    await run(house)

    assert "For this Avito wants a higher subscription" in told(house)
    assert "402" not in told(house)
    assert (await doing.ended(house)).error_kind == "needs_subscription"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (403, "These keys may not read the chats."),
        (404, "The keys belong to another Avito account than before."),
        (400, "Something in the bot broke."),
    ],
)
async def test_refusal_says_what_to_do(house: House, kind: int, words: str) -> None:
    await house.db(given, house)
    world(house).trouble("chats", kind)
    await run(house)

    assert words in told(house)
    assert not documents(house)


async def test_revoked_keys_are_told_and_noted(house: House) -> None:
    profile = await house.db(given, house)
    keys = world(house).keys_of(SEVER)
    world(house).revoke(keys.client_id)
    await run(house)

    assert "Avito refuses the keys." in told(house)
    assert (await house.db(making.fresh, profile)).access == "bad_keys"
    assert keys.client_secret not in "".join(house.heard(ANNA))


async def test_failed_export_leaves_nothing_on_the_disk(house: House, files: Path) -> None:
    await house.db(given, house)
    world(house).trouble("messages", 402, times=None)
    await run(house)

    assert "higher subscription" in told(house)
    assert list((files / "exports").iterdir()) == []


async def test_words_are_in_the_persons_language(house: House) -> None:
    profile = await house.db(given, house)
    await house.db(lambda: User.objects.filter(pk=profile.owner_id).update(language="ru"))
    world(house).accounts[SEVER].inbox.chats = 3
    await press(house, "Export")
    await house.quiet()
    await press(house, labels(house)[0])
    await doing.ended(house)

    assert "Сообщения" in book(documents(house)[0])


async def test_the_card_of_a_profile_leads_to_it(house: House) -> None:
    await house.db(given, house)
    world(house).accounts[SEVER].inbox.chats = 3
    house.say(ANNA, "/profiles")
    await press(house, "Север")
    await press(house, "Chats to Excel")
    await press(house, "All chats")
    await doing.ended(house)

    assert len(documents(house)) == 1
