"""Sealed columns: nothing readable lies in the database, keys can be changed, and what no key opens is said."""

import io
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.core.serializers import serialize
from django.db import connection, transaction
from pytest_django import Settings

from accounts.models import ApiKey, Chat, User
from core import resealing
from core.sealed import SealedJSON, Unreadable, is_current, reseal, seal, sealed_columns, unseal
from delivery import planning
from delivery.models import Webhook
from delivery.schedule import Once
from reminders.models import Reminder

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
WORD = "bumblebee"
VALUES = [{"text": "Meeting", "deep": [1, None, {"ы": "😀"}]}, [], "", 0, 1.5, False]


@pytest.fixture(autouse=True)
def _old_key(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]


def hook(number: int, secret: Any) -> Webhook:
    key = ApiKey.objects.create(name="CRM", prefix=f"skr_{number}", digest="d", scopes=["reminders:read"])
    return Webhook.objects.create(key=key, url="https://example.org/hook", secret=secret)


def column() -> list[str]:
    """What lies in the database, in the order of the rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM delivery_webhook ORDER BY id")
        return [row[0] for row in cursor.fetchall()]


def command() -> str:
    out = io.StringIO()
    call_command("reseal", stdout=out)
    return out.getvalue()


# --- a value ---


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_what_was_sealed_is_opened_unchanged(value: Any) -> None:
    assert unseal(seal(value)) == value


def test_same_value_is_sealed_differently_each_time() -> None:
    assert seal(WORD) != seal(WORD)


def test_old_key_behind_the_new_one_still_opens(settings: Settings) -> None:
    token = seal(WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert unseal(token) == WORD


def test_first_key_seals(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    token = seal(WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert unseal(token) == WORD


def test_what_was_sealed_before_there_were_keys_is_opened(settings: Settings) -> None:
    settings.FIELD_ENCRYPTION_KEYS = []
    token = seal(WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert unseal(token) == WORD


@pytest.mark.parametrize("tried", [unseal, reseal])
def test_value_whose_key_is_gone_is_unreadable_and_says_what_to_do(
    settings: Settings, tried: Callable[[str], Any]
) -> None:
    token = seal(WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(Unreadable, match="Put its key back into FIELD_ENCRYPTION_KEYS"):
        tried(token)


def test_token_knows_whether_it_is_under_the_first_key(settings: Settings) -> None:
    token = seal(WORD)
    assert is_current(token)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert not is_current(token)
    assert is_current(reseal(token))


# --- a column ---


@pytest.mark.django_db
@pytest.mark.parametrize("value", VALUES, ids=str)
def test_column_gives_back_what_was_saved(value: Any) -> None:
    assert Webhook.objects.get(pk=hook(1, value).pk).secret == value


@pytest.mark.django_db
def test_nothing_readable_lies_in_the_database() -> None:
    hook(1, {"secret": WORD})
    [token] = column()
    assert WORD not in token
    assert unseal(token) == {"secret": WORD}


@pytest.mark.django_db
def test_serialized_row_stays_sealed() -> None:
    hook(1, WORD)
    assert WORD not in serialize("json", Webhook.objects.all())


@pytest.mark.django_db
def test_changed_column_is_sealed_too() -> None:
    row = hook(1, "before")
    Webhook.objects.filter(pk=row.pk).update(secret=WORD)
    row.refresh_from_db()
    assert row.secret == WORD
    assert WORD not in column()[0]


def test_every_sealed_column_of_every_model_is_known() -> None:
    known = {(model, field.name) for model, field in sealed_columns()}
    assert {(Reminder, "payload"), (Webhook, "secret")} <= known
    assert all(isinstance(field, SealedJSON) for _model, field in sealed_columns())


# --- manage.py reseal ---


@pytest.mark.django_db
def test_after_it_the_new_key_alone_opens_everything(settings: Settings) -> None:
    rows = [hook(number, f"{WORD} {number}") for number in range(3)]
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert "delivery.Webhook.secret: 3 values, 3 sealed with the first key" in command()

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert [Webhook.objects.get(pk=row.pk).secret for row in rows] == [f"{WORD} {number}" for number in range(3)]


@pytest.mark.django_db
def test_second_time_there_is_nothing_to_do(settings: Settings) -> None:
    hook(1, WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    command()
    before = column()
    said = command()
    assert "delivery.Webhook.secret: 1 values, 0 sealed with the first key" in said
    assert said.endswith("Keys behind the first one are not needed any more.\n")
    assert column() == before


@pytest.mark.django_db
def test_what_is_under_the_first_key_already_is_left_alone(settings: Settings) -> None:
    for number in range(5):
        hook(number, WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    first, second = Webhook.objects.order_by("pk")[:2]
    for row in (first, second):
        row.save()
    assert "5 values, 3 sealed" in command()


@pytest.mark.django_db
def test_rows_are_taken_in_parts(settings: Settings) -> None:
    for number in range(7):
        hook(number, WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    done = resealing.reseal_column(Webhook, Webhook._meta.get_field("secret"), size=3)
    assert (done.values, done.changed) == (7, 7)
    assert all(is_current(token) for token in column())


@pytest.mark.django_db
def test_what_somebody_writes_meanwhile_stays(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    row = hook(1, "before")
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    def quicker(token: str) -> str:
        Webhook.objects.filter(pk=row.pk).update(secret="meanwhile")
        return reseal(token)

    monkeypatch.setattr(resealing, "reseal", quicker)
    done = resealing.reseal_column(Webhook, Webhook._meta.get_field("secret"))
    assert (done.values, done.changed) == (1, 0)
    assert Webhook.objects.get().secret == "meanwhile"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite lets one write at a time, so nobody waits in a ring")
def test_who_holds_a_later_row_and_wants_an_earlier_one_gets_it(
    settings: Settings, at_once: Callable[..., list[Any]]
) -> None:
    first, second = hook(1, WORD), hook(2, WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    def fire() -> None:
        with transaction.atomic():
            Webhook.objects.select_for_update().get(pk=second.pk)
            time.sleep(0.3)  # it is being sealed anew
            Webhook.objects.select_for_update().get(pk=first.pk)

    def seal_anew() -> None:
        time.sleep(0.1)
        command()

    at_once(fire, seal_anew)
    assert all(is_current(token) for token in column())


@pytest.mark.django_db
def test_value_that_no_key_opens_is_named_and_holds_no_other_up(settings: Settings) -> None:
    lost = hook(1, WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    kept = hook(2, WORD)
    third = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [third, NEW]
    with pytest.raises(CommandError, match=rf"No key opens 1 of them: delivery.Webhook.secret {lost.pk}\. Put"):
        command()

    settings.FIELD_ENCRYPTION_KEYS = [third]
    assert Webhook.objects.get(pk=kept.pk).secret == WORD


@pytest.mark.django_db
def test_many_that_no_key_opens_are_counted(settings: Settings) -> None:
    for number in range(12):
        hook(number, WORD)
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    with pytest.raises(CommandError, match=r"No key opens 12 of them: .* and 2 more"):
        command()


@pytest.mark.django_db
def test_payloads_of_reminders_are_resealed(settings: Settings, member: User, now: datetime) -> None:
    schedule = planning.plan("reminder", "1", Once(now + timedelta(hours=1)), "UTC", now=now)
    chat = Chat.objects.create(bot_id=1, telegram_id=101, kind="private", person=member)
    Reminder.objects.create(schedule=schedule, user=member, chat=chat, type="one_time", payload={"text": WORD})
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    assert "reminders.Reminder.payload: 1 values, 1 sealed with the first key" in command()

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert Reminder.objects.get().payload == {"text": WORD}
