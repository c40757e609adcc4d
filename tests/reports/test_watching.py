"""What Avito thinks of a profile's keys: noted with every call, told when it changes, once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.utils import timezone, translation
from pytest_django import Settings

from accounts.models import Access as Allowed
from accounts.models import Chat, User
from delivery.models import Delivery
from reports.metrics import Section
from reports.models import Access, Alert, AvitoProfile
from reports.services import watching
from reports.words import alerts as words
from telegram_bot.models import Button
from tests.house import ADMINS
from tests.reports.making import fresh, make_profile

pytestmark = pytest.mark.django_db

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REFUSED = {Section.STATISTICS: "bad_credentials", Section.MONEY: "bad_credentials"}
WORKS = {Section.STATISTICS: "", Section.MONEY: ""}


def told(chat: int | None) -> list[str]:
    """What is about to be said in a chat of profiles, oldest first."""
    rows = Delivery.objects.filter(chat_id=chat, key__startswith="avitonews:").order_by("id")
    return [row.content["params"]["text"] for row in rows]


@pytest.fixture
def profile(owner: User) -> AvitoProfile:
    return make_profile(owner)


# --- keys -----------------------------------------------------------------------------------------------------------


def test_refused_keys_are_told_to_the_owner_and_once_to_the_admins(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    for hour in range(3):
        watching.note(profile, REFUSED, now + HOUR * hour)

    [text] = told(owner.telegram_id)
    assert text.startswith("🔑 Avito does not accept the keys of “Север” any more.")
    assert "press “New keys”" in text
    [text] = told(ADMINS)
    assert text == (
        "🔑 Avito does not accept the keys of “Север” any more. Its owner: Ирина. They have been told, there is "
        "nothing for you to do."
    )
    assert fresh(profile).access == Access.BAD_KEYS
    assert profile.access == Access.BAD_KEYS


def test_buttons_under_it_lead_to_new_keys_and_to_the_profile(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    watching.note(profile, REFUSED, now)
    row = Delivery.objects.get(chat_id=owner.telegram_id, key__startswith="avitonews:")
    [keys] = row.content["params"]["reply_markup"]["inline_keyboard"]
    assert [key["text"] for key in keys] == ["🔑 New keys", "👤 Profile"]
    actions = dict(Button.objects.values_list("action", "data"))
    data = {"profile": profile.pk, "beside": True}
    assert actions == {"avito.anew": data, "profile_view": data}


def test_recovery_is_told_to_both(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, REFUSED, now)
    watching.note(profile, WORKS, now + HOUR)

    assert told(owner.telegram_id)[1:] == ["✅ The keys of “Север” work again: the figures come as before."]
    assert told(ADMINS)[1].startswith("✅ The keys of “Север” work again")
    assert fresh(profile).access == Access.WORKS
    assert Alert.objects.get().over_at == now + HOUR


def test_keys_that_always_worked_are_no_news(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, WORKS, now)
    assert told(owner.telegram_id) == told(ADMINS) == []
    assert not Alert.objects.exists()


def test_sections_stay_as_they_were_while_the_keys_are_refused(profile: AvitoProfile, now: datetime) -> None:
    before = fresh(profile).sections
    watching.note(profile, REFUSED, now)
    assert fresh(profile).sections == before


@pytest.mark.parametrize("kind", ["avito_down", "rate_limited", "bad_request"])
def test_what_passes_by_itself_changes_nothing(profile: AvitoProfile, owner: User, now: datetime, kind: str) -> None:
    before = fresh(profile)
    watching.note(profile, dict.fromkeys(Section, kind), now)

    after = fresh(profile)
    assert (after.access, after.sections) == (before.access, before.sections)
    assert told(owner.telegram_id) == []


def test_an_outage_does_not_pass_for_a_recovery(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, REFUSED, now)
    watching.note(profile, dict.fromkeys(Section, "avito_down"), now + HOUR)
    assert fresh(profile).access == Access.BAD_KEYS
    assert len(told(owner.telegram_id)) == 1


def test_keys_of_another_account_are_told_as_that(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.STATISTICS: "wrong_account", Section.MONEY: "wrong_account"}, now)
    assert fresh(profile).access == Access.OTHER_ACCOUNT
    assert told(owner.telegram_id)[0].startswith("🔑 The keys of “Север” belong to another Avito account now.")


def test_what_answers_any_account_does_not_hide_that_the_keys_are_anothers(
    profile: AvitoProfile, now: datetime
) -> None:
    anothers = dict.fromkeys((Section.STATISTICS, Section.MONEY, Section.CALLS), "wrong_account")
    watching.note(profile, {**anothers, Section.RATINGS: "", Section.ADVANCE: "not_for_account"}, now)
    assert fresh(profile).access == Access.OTHER_ACCOUNT


def test_export_whose_chats_are_not_found_does_not_call_the_keys_anothers(profile: AvitoProfile, now: datetime) -> None:
    watching.note(profile, {Section.MESSENGER: "wrong_account"}, now)
    assert fresh(profile).access == Access.WORKS
    assert Alert.objects.get().about == Section.MESSENGER


def test_one_place_that_is_not_found_is_a_closed_section_and_not_another_account(
    profile: AvitoProfile, now: datetime
) -> None:
    watching.note(profile, {Section.STATISTICS: "wrong_account", Section.MONEY: ""}, now)
    assert fresh(profile).access == Access.WORKS
    assert Alert.objects.get().about == Section.STATISTICS


def test_no_secret_is_said_to_anybody(owner: User, now: datetime) -> None:
    profile = make_profile(owner, client_id="the-whole-client-id", client_secret="the-whole-secret")
    watching.note(profile, REFUSED, now)
    said = "".join(str(row.content) for row in Delivery.objects.all())
    assert "the-whole-client-id" not in said
    assert "the-whole-secret" not in said


# --- refusals in a row ----------------------------------------------------------------------------------------------


def test_refusals_of_planned_reports_are_counted_until_the_keys_work(profile: AvitoProfile, now: datetime) -> None:
    assert [watching.refused(profile, now) for _report in range(3)] == [1, 2, 3]
    assert fresh(profile).refusals == 3

    watching.note(profile, REFUSED, now)
    assert fresh(profile).refusals == 3
    watching.note(profile, WORKS, now)
    assert fresh(profile).refusals == profile.refusals == 0


# --- sections -------------------------------------------------------------------------------------------------------


def test_section_that_closes_is_told_by_name_with_what_to_do(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {**WORKS, Section.CALLS: "no_access"}, now)

    [text] = told(owner.telegram_id)
    assert text.startswith(
        "🚫 Avito does not show a part of “Север” any more:\n• Calls: Access is closed for these keys."
    )
    assert "All other figures come as before." in text
    assert told(ADMINS)[0].startswith("🚫 Avito does not show this of “Север” any more: Calls. Its owner: Ирина.")
    assert fresh(profile).sections["calls"] == {"kind": "no_access", "at": now.isoformat()}
    assert fresh(profile).access == Access.WORKS


def test_several_that_close_at_once_are_one_message(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.CALLS: "no_access", Section.STATISTICS: "no_access"}, now)
    [text] = told(owner.telegram_id)
    assert "• Calls:" in text
    assert "• Statistics:" in text
    assert Alert.objects.filter(kind=Alert.Kind.RIGHTS).count() == 2


def test_missing_subscription_is_told_as_that(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.MESSENGER: "needs_subscription"}, now)
    assert "A subscription is needed at Avito" in told(owner.telegram_id)[0]


def test_section_that_opens_again_is_told_to_both(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.CALLS: "no_access"}, now)
    watching.note(profile, {Section.CALLS: ""}, now + HOUR)

    assert told(owner.telegram_id)[1] == "✅ Avito shows this of “Север” again: Calls."
    assert told(ADMINS)[1].startswith("✅ Avito shows this of “Север” again: Calls. Its owner: Ирина.")


def test_section_that_the_account_does_not_have_any_more_is_not_told_as_back(
    profile: AvitoProfile, owner: User, now: datetime
) -> None:
    watching.note(profile, {Section.ADVANCE: "no_access"}, now)
    watching.note(profile, {Section.ADVANCE: "not_for_account"}, now + HOUR)
    assert [text[0] for text in told(owner.telegram_id)] == ["🚫"]
    assert Alert.objects.get().over_at == now + HOUR


def test_section_that_never_worked_is_no_news(owner: User, now: datetime) -> None:
    profile = make_profile(owner, sections={Section.STATISTICS: "", Section.MESSENGER: "needs_subscription"})
    watching.note(profile, {Section.MESSENGER: "needs_subscription", Section.RATINGS: "no_access"}, now)
    assert told(owner.telegram_id) == []
    assert fresh(profile).sections["ratings"]["kind"] == "no_access"


def test_what_the_account_does_not_have_is_no_alert(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.ADVANCE: "not_for_account"}, now)
    assert told(owner.telegram_id) == []
    assert fresh(profile).sections["advance"]["kind"] == "not_for_account"


def test_flutter_is_told_once_a_day(profile: AvitoProfile, owner: User, now: datetime) -> None:
    for hour in range(0, 12, 2):
        watching.note(profile, {Section.CALLS: "no_access"}, now + HOUR * hour)
        watching.note(profile, {Section.CALLS: ""}, now + HOUR * (hour + 1))
    assert [text[0] for text in told(owner.telegram_id)] == ["🚫", "✅"]


def test_what_was_held_back_is_told_when_its_time_has_come(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.CALLS: "no_access"}, now)
    watching.note(profile, {Section.CALLS: ""}, now + HOUR)
    watching.note(profile, {Section.CALLS: "no_access"}, now + HOUR * 2)
    assert [text[0] for text in told(owner.telegram_id)] == ["🚫", "✅"]

    watching.note(profile, {Section.CALLS: "no_access"}, now + DAY)
    assert [text[0] for text in told(owner.telegram_id)] == ["🚫", "✅", "🚫"]
    watching.note(profile, {Section.CALLS: "no_access"}, now + DAY * 3)
    assert len(told(owner.telegram_id)) == 3

    watching.note(profile, {Section.CALLS: ""}, now + DAY * 4)
    assert [text[0] for text in told(owner.telegram_id)] == ["🚫", "✅", "🚫", "✅"]


def test_two_sections_do_not_hold_one_another_back(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.CALLS: "no_access"}, now)
    watching.note(profile, {Section.RATINGS: "no_access"}, now + HOUR)
    assert ["Calls" in text for text in told(owner.telegram_id)] == [True, False]


def test_kind_that_changes_while_closed_is_not_told_again(profile: AvitoProfile, owner: User, now: datetime) -> None:
    watching.note(profile, {Section.MESSENGER: "no_access"}, now)
    watching.note(profile, {Section.MESSENGER: "needs_subscription"}, now + HOUR)
    assert len(told(owner.telegram_id)) == 1
    assert Alert.objects.get().facts["kind"] == "needs_subscription"


# --- to whom --------------------------------------------------------------------------------------------------------


def test_in_the_language_of_each(profile: AvitoProfile, owner: User, now: datetime) -> None:
    User.objects.filter(pk=owner.pk).update(language="ru")
    watching.note(profile, REFUSED, now)
    with translation.override("ru"):
        assert told(owner.telegram_id) == [words.keys_refused("Север", "bad_credentials")]
    assert told(ADMINS)[0].startswith("🔑 Avito does not accept")


@pytest.mark.parametrize("how", ["blocked the bot", "not let in any more"])
def test_admins_hear_that_an_owner_cannot_be_told(profile: AvitoProfile, owner: User, now: datetime, how: str) -> None:
    if how == "blocked the bot":
        Chat.objects.filter(telegram_id=owner.telegram_id or 0).update(unreachable="bot was blocked by the user")
    else:
        User.objects.filter(pk=owner.pk).update(status=Allowed.BLOCKED)
    watching.note(profile, REFUSED, now)
    assert told(owner.telegram_id) == []
    assert told(ADMINS)[0].endswith("They could not be told here: please tell them yourself.")


def test_without_an_admin_chat_the_owner_is_told_all_the_same(
    profile: AvitoProfile, owner: User, now: datetime, settings: Settings
) -> None:
    settings.ADMIN_CHAT_ID = 0
    watching.note(profile, REFUSED, now)
    assert len(told(owner.telegram_id)) == 1
    assert told(ADMINS) == []


def test_where_everybodys_keys_fail_the_admins_get_one_message_for_the_rest(owner: User, now: datetime) -> None:
    profiles = [make_profile(owner, f"Север {number}", 90000001 + number) for number in range(13)]
    for profile in profiles:
        watching.note(profile, REFUSED, now)
    assert len(told(owner.telegram_id)) == 13
    said = told(ADMINS)
    assert len(said) == 11 or len(said) == 12  # the last one a window, which may end between two of them
    assert said[-1].startswith("⚠️ More Avito profiles have news of their keys or sections")


def test_name_is_no_markup(owner: User, now: datetime) -> None:
    watching.note(make_profile(owner, "*Север_ [x](http://y) <b>"), REFUSED, now)
    assert "“*Север_ [x](http://y) <b>”" in told(owner.telegram_id)[0]


@pytest.mark.django_db(transaction=True)
def test_two_processes_with_the_same_news_tell_it_once(
    owner: User, now: datetime, at_once: Callable[..., list[None]]
) -> None:
    profile = make_profile(owner)
    news = {Section.MONEY: "no_access", Section.CALLS: "no_access"}
    at_once(*[lambda: watching.note(AvitoProfile.objects.get(pk=profile.pk), news, now)] * 4)
    at_once(*[lambda: watching.note(AvitoProfile.objects.get(pk=profile.pk), REFUSED, now)] * 4)

    assert [text[0] for text in told(owner.telegram_id)] == ["🚫", "🔑"]
    assert Alert.objects.filter(over_at=None).count() == 3
    assert timezone.is_aware(Alert.objects.latest("id").since)
