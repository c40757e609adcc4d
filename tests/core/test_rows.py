"""New rows are those that Django's constructor makes."""

from datetime import datetime
from typing import Any

import pytest
from django.db import models
from django.utils import timezone

from accounts.models import Chat, User
from conversations.models import Conversation, Message, Request
from core.rows import new
from delivery.models import Delivery
from telegram_bot.models import AdminSession, Update

NOW = timezone.now()


def held(row: models.Model) -> dict[str, Any]:
    """What a row holds by attribute, and whether it is a new one."""
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {**values, "state": (row._state.adding, row._state.db)}


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Update, {"bot_id": 1, "update_id": 2, "raw": {"a": 1}, "received_at": NOW}),
        (Conversation, {"chat_id": 3, "started_at": NOW}),
        (Request, {"conversation_id": 4, "update_key": "1:2", "prompt": "?", "created_at": NOW}),
        (Message, {"role": "user", "content": "?", "created_at": NOW, "raw": None}),
        (Delivery, {"key": "a", "lane": "out:1:1", "content": {}, "created_at": NOW}),
    ],
)
def test_new_row_holds_what_the_constructor_would_put_there(model: type[models.Model], values: dict[str, Any]) -> None:
    assert held(new(model, **values)) == held(model(**values))


def test_two_rows_share_nothing_that_can_change() -> None:
    one, other = new(Request), new(Request)
    one.steps.append({"kind": "fallback"})

    assert other.steps == []
    assert new(Request).steps == []


def test_relation_given_as_an_object_is_remembered_with_its_key() -> None:
    chat = Chat(pk=7)
    opened = new(Conversation, chat=chat, assistant=None)

    assert opened.chat is chat
    assert (opened.chat_id, opened.assistant_id, opened.assistant) == (7, None, None)


@pytest.mark.django_db
def test_new_row_can_be_saved_and_set_as_any_other(member: User, now: datetime) -> None:
    chat = Chat.objects.create(bot_id=1, telegram_id=1, kind="private", person=member)
    opened = new(Conversation, chat=chat, started_at=now)
    opened.save()
    request = new(Request, conversation=opened, update_key="1:1", created_at=now)
    request.user = member
    request.save()

    assert Request.objects.select_related("user").get(pk=request.pk).user == member
    assert held(Conversation.objects.get(pk=opened.pk)) == held(opened)


def test_what_is_no_field_is_refused() -> None:
    with pytest.raises(TypeError, match="Delivery has no field 'colour'"):
        new(Delivery, colour="red")


def test_row_whose_fields_do_more_than_hold_values_is_left_to_the_constructor() -> None:
    with pytest.raises(TypeError, match="only the constructor"):
        new(AdminSession)
