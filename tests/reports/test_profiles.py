"""Profiles as rows: made, renamed, given other keys, shown, deleted; what is left of each."""

from datetime import date
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, Chat, Role, User
from delivery.models import Delivery, Schedule
from reports.avito.account import Account
from reports.avito.client import digest_of
from reports.chat import reading
from reports.metrics import Section
from reports.models import AvitoProfile, AvitoToken, ProfileChat, Snapshot, Standing, own_profile, visible_in
from reports.services import access, profiles
from reports.services.rows import NotSo
from tests.reports import making

NOW = timezone.now()
WORKS = {Section.STATISTICS: "", Section.MONEY: ""}


def give_keys(profile: AvitoProfile, account: Account | None, *, replace: bool = False, version: int = 1) -> None:
    keys = ("another-client-id", "another-secret")
    meant: dict[str, Any] = {"version": version, "replace": replace}
    profiles.new_keys(profile, *keys, account, WORKS, **meant, by=profile.owner, via="tests", now=NOW)


@pytest.fixture
def profile(owner: User) -> AvitoProfile:
    return making.make_profile(owner, now=NOW)


# --- made -----------------------------------------------------------------------------------------------------------


def test_keys_are_sealed_and_masked(profile: AvitoProfile) -> None:
    assert profile.credentials == {"client_id": "client-of-90000001", "client_secret": making.SECRET}
    assert profile.client == digest_of("client-of-90000001")
    assert "client-of-90000001" not in profile.client_mask


def test_report_is_planned_and_off(profile: AvitoProfile) -> None:
    schedule = Schedule.objects.get(source="report")
    assert (schedule.object_id, schedule.state, schedule.zone) == (str(profile.pk), "paused", "Europe/Moscow")


def test_who_told_no_zone_has_the_houses(settings: Settings, db: None) -> None:
    settings.TIME_ZONE = "Asia/Omsk"
    making.make_profile(making.owner(zone=""))

    assert Schedule.objects.get(source="report").zone == "Asia/Omsk"


def test_name_is_one_of_its_owners_whatever_the_capitals(profile: AvitoProfile) -> None:
    with pytest.raises(NotSo, match="with this name already"):
        making.make_profile(profile.owner, "сЕВЕР")
    assert making.make_profile(making.owner(telegram_id=106), "Север").name == "Север"


@pytest.mark.parametrize("name", ["", "   ", "x" * 65, "a\x00b", "a\u202eb"])
def test_odd_names_are_refused(owner: User, name: str) -> None:
    with pytest.raises(NotSo, match="A name has 1 to 64 characters"):
        making.make_profile(owner, name)
    assert not AvitoProfile.objects.exists()


def test_no_more_than_the_setting_allows(owner: User, settings: Settings) -> None:
    settings.AVITO_PROFILES_PER_PERSON = 2
    making.make_profile(owner, "A", 1)
    making.make_profile(owner, "B", 2)

    with pytest.raises(NotSo, match="You have 2 profiles"):
        making.make_profile(owner, "C", 3)


def test_zero_is_no_limit(owner: User, settings: Settings) -> None:
    settings.AVITO_PROFILES_PER_PERSON = 0
    for number in range(1, 4):
        making.make_profile(owner, f"Shop {number}", number)

    assert AvitoProfile.objects.count() == 3


def test_record_holds_no_key(profile: AvitoProfile) -> None:
    give_keys(profile, Account(id=90000001, name="Север"))
    said = " ".join(str(entry.details) + entry.target_label + entry.action for entry in AuditEntry.objects.all())

    assert "avito.created" in said
    assert "avito.keys" in said
    assert not [secret for secret in (making.SECRET, "another-secret", "another-client-id") if secret in said]


# --- other keys -----------------------------------------------------------------------------------------------------


def test_keys_of_the_same_account_keep_the_figures(profile: AvitoProfile) -> None:
    making.make_day(profile, date(2026, 11, 1), views=1)
    give_keys(profile, Account(id=90000001, name="Север+"))

    assert Snapshot.objects.exists()
    assert making.fresh(profile).account_name == "Север+"


def test_keys_of_another_account_need_a_yes(profile: AvitoProfile) -> None:
    with pytest.raises(NotSo) as refused:
        give_keys(profile, Account(id=7, name="Юг"))
    assert refused.value.code == "other-account"
    assert making.fresh(profile).credentials["client_secret"] == making.SECRET


def test_another_account_takes_no_figure_along(profile: AvitoProfile) -> None:
    making.make_day(profile, date(2026, 11, 1), views=1)
    making.make_standing(profile, date(2026, 11, 1), wallet=5)
    give_keys(profile, Account(id=7, name="Юг"), replace=True)

    assert not Snapshot.objects.exists()
    assert not Standing.objects.exists()
    assert making.fresh(profile).account_id == 7


def test_keys_that_somebody_changed_meanwhile_are_not_overwritten(profile: AvitoProfile) -> None:
    give_keys(profile, Account(id=90000001, name="Север"))

    with pytest.raises(NotSo, match="changed meanwhile"):
        give_keys(profile, Account(id=90000001, name="Север"), version=1)


def test_token_of_the_old_keys_goes(profile: AvitoProfile) -> None:
    AvitoToken.objects.create(client=profile.client, token="t")
    give_keys(profile, Account(id=90000001, name="Север"))

    assert not AvitoToken.objects.exists()


def test_token_that_another_profile_uses_stays(profile: AvitoProfile) -> None:
    making.make_profile(making.owner(telegram_id=106), client_id="client-of-90000001")
    AvitoToken.objects.create(client=profile.client, token="t")
    give_keys(profile, Account(id=90000001, name="Север"))

    assert AvitoToken.objects.exists()


def test_account_that_avito_names_later_is_noted(owner: User) -> None:
    profile = making.make_profile(owner, account_id=None)
    profiles.recognise(profile, Account(id=5, name="Полка"), now=NOW)

    assert (making.fresh(profile).account_id, making.fresh(profile).account_name) == (5, "Полка")


# --- deleted --------------------------------------------------------------------------------------------------------


def test_deleting_takes_all_along(profile: AvitoProfile) -> None:
    making.make_day(profile, date(2026, 11, 1), views=1)
    making.bind(profile, making.group())
    AvitoToken.objects.create(client=profile.client, token="t")
    profiles.delete_profile(profile, by=profile.owner, via="tests", now=NOW)

    for model in (AvitoProfile, AvitoToken, ProfileChat, Schedule, Snapshot):
        assert not model._default_manager.exists()
    assert not Delivery.objects.filter(backend="avito_day", state__in=Delivery.OPEN).exists()
    assert Chat.objects.count() == 2


def test_deleting_leaves_other_profiles_alone(profile: AvitoProfile) -> None:
    other = making.make_profile(profile.owner, "Юг", 7)
    profiles.delete_profile(profile, by=profile.owner, via="tests", now=NOW)

    assert list(AvitoProfile.objects.all()) == [other]
    assert Schedule.objects.filter(source="report", object_id=str(other.pk)).exists()


# --- who sees it ----------------------------------------------------------------------------------------------------


def test_profile_is_its_owners_alone(profile: AvitoProfile) -> None:
    other = making.owner(telegram_id=106, role=Role.ADMIN)

    assert own_profile(other, profile.pk) is None
    assert access.own(other, profile.pk) is None
    assert access.own(profile.owner, profile.pk) == profile


@pytest.mark.parametrize("key", [None, "1", "nonsense", 0, -1, [1]])
def test_odd_keys_find_nothing(profile: AvitoProfile, key: object) -> None:
    assert access.own(profile.owner, key) is None


def test_figures_are_seen_where_they_were_shown_and_nowhere_else(profile: AvitoProfile) -> None:
    shown, other = making.group(), making.group(-1001000000009, "Другие")
    stranger = making.owner(telegram_id=106)
    profiles.show_in(profile, shown, by=profile.owner, via="tests", now=NOW)

    assert list(visible_in(stranger, shown)) == [profile]
    assert not visible_in(stranger, other)
    assert not visible_in(stranger, Chat.objects.get(telegram_id=106))
    assert list(visible_in(profile.owner, Chat.objects.get(telegram_id=105))) == [profile]


def test_showing_twice_is_showing_once(profile: AvitoProfile) -> None:
    by: dict[str, Any] = {"by": profile.owner, "via": "tests", "now": NOW}
    group = making.group()

    assert profiles.show_in(profile, group, **by)
    assert not profiles.show_in(profile, group, **by)
    assert profiles.hide_from(profile, group, **by)
    assert not profiles.hide_from(profile, group, **by)


def test_private_chat_is_no_place_to_show(profile: AvitoProfile) -> None:
    with pytest.raises(ValueError, match="Nobody else sees"):
        profiles.show_in(profile, Chat.objects.get(), by=profile.owner, via="tests", now=NOW)


# --- what is written ------------------------------------------------------------------------------------------------

ID, KEY = "hT4pWq9_zLr2cXv7bN1k", "aB+3 xY&7=zQ%41w pL+v0R&kS=8mN%2Bd tG/c~"
ALL = (reading.NAME, reading.CLIENT_ID, reading.SECRET)


@pytest.mark.parametrize(
    ("words", "wanted", "found"),
    [
        ("Север", ALL, {"name": "Север"}),
        (f"Север\n{ID}\n{KEY}", ALL, {"name": "Север", "client_id": ID, "client_secret": KEY}),
        (f"Мой магазин {ID} {ID}2", ALL, {"name": "Мой магазин", "client_id": ID, "client_secret": ID + "2"}),
        (f"client_id: {ID}\nclient_secret: {KEY}", ALL[1:], {"client_id": ID, "client_secret": KEY}),
        (f"Client ID = {ID}\nClient Secret = {KEY}", ALL[1:], {"client_id": ID, "client_secret": KEY}),
        (f"{ID} {KEY}", ALL[1:], {"client_id": ID, "client_secret": KEY}),
        (ID, ALL[1:], {"client_id": ID}),
        (KEY, ALL[2:], {"client_secret": KEY}),
        (f"  {KEY} \n", ALL[2:], {"client_secret": KEY}),
        ("", ALL, {}),
    ],
    ids=["name", "lines", "one line", "labels", "other labels", "two words", "id", "secret", "blanks", "nothing"],
)
def test_what_is_written_is_read(words: str, wanted: tuple[str, ...], found: dict[str, str]) -> None:
    assert reading.read(words, wanted) == found


@pytest.mark.parametrize(("words", "looks"), [(ID, True), (f"Север {ID}", True), ("Магазин на Ленина 12", False)])
def test_key_is_told_from_a_name(words: str, looks: bool) -> None:
    assert reading.looks_like_key(words) is looks


@pytest.mark.parametrize(("key", "fits"), [(KEY, True), ("", False), ("x" * 513, False), ("a\x00b", False)])
def test_key_that_no_form_carries_is_none(key: str, fits: bool) -> None:
    assert reading.is_key(key, reading.SECRET) is fits


@pytest.mark.parametrize(
    ("words", "fits"),
    [(ID, True), ("", False), ("x" * 513, False), ("where is it?", False), ("где?", False), ("why", False)],
    ids=["id", "nothing", "too long", "question", "short question", "word"],
)
def test_client_id_is_one_word_as_avito_gives_it(words: str, fits: bool) -> None:
    assert reading.is_key(words, reading.CLIENT_ID) is fits
