"""A SELECT compiled once gives what the queryset gives."""

from datetime import datetime

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts.models import ApiKey, Chat, User
from conversations.models import Conversation, Message
from core.prepared import Prepared
from llm.models import Model, ProviderState

pytestmark = pytest.mark.django_db

CHAT = Prepared(2, lambda bot, chat: Chat.objects.filter(bot_id=bot, telegram_id=chat).select_related("person"))
DIALOG = Prepared(
    2,
    lambda chat, thread: Conversation.objects.filter(chat_id=chat, thread_id=thread, closed_at=None).select_related(
        "model__provider", "assistant__model"
    ),
)
NEWEST = Prepared(1, lambda dialog: Message.objects.filter(conversation_id=dialog).order_by("-id")[:2])


KEY = Prepared(1, lambda prefix: ApiKey.objects.filter(prefix=prefix).order_by())


@pytest.fixture
def chat(member: User) -> Chat:
    return Chat.objects.create(bot_id=1, telegram_id=-(2**40), kind="group", title="T", person=member)


def test_row_and_its_relation_come_in_one_query(chat: Chat, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    for _time in range(2):
        with django_assert_num_queries(1):
            (found,) = CHAT(1, -(2**40))
            assert found == chat
            assert found.person == chat.person
            assert found.created_at == chat.created_at


def test_other_values_give_other_rows(chat: Chat) -> None:
    other = Chat.objects.create(bot_id=2, telegram_id=7, kind="private")

    assert CHAT(1, chat.telegram_id) == [chat]
    assert CHAT(2, 7) == [other]
    assert CHAT(2, 7)[0].person is None
    assert CHAT(3, 7) == []


def test_joins_over_three_tables_and_json_are_read(chat: Chat, now: datetime) -> None:
    provider = ProviderState.objects.create(name="openai", switches={"*": {"a": [1]}}, paused_until=now)
    model = Model.objects.create(provider=provider, name="m", capabilities=["text", "image"])
    dialog = Conversation.objects.create(chat=chat, thread_id=3, model=model, started_at=now)

    (found,) = DIALOG(chat.pk, 3)

    assert found == dialog
    assert found.started_at == now
    assert found.model is not None
    assert found.model.capabilities == ["text", "image"]
    assert found.model.provider.switches == {"*": {"a": [1]}}
    assert found.model.provider.paused_until == now
    assert found.assistant is None


@pytest.mark.parametrize("odd", ["", "%s", "'; --", "а", "x" * 500])
def test_value_may_be_a_text(db: None, odd: str) -> None:
    key = ApiKey.objects.create(name="k", prefix="skr_a", digest="d", scopes=["a:b"])

    assert KEY("skr_a") == [key]
    assert KEY("skr_a")[0].scopes == ["a:b"]
    assert KEY(odd) == []


def test_order_and_limit_are_kept(chat: Chat, now: datetime) -> None:
    dialog = Conversation.objects.create(chat=chat, started_at=now)
    for number in range(4):
        Message.objects.create(conversation=dialog, role="user", content=str(number), created_at=now)

    assert [message.content for message in NEWEST(dialog.pk)] == ["3", "2"]


def test_result_can_be_saved(chat: Chat) -> None:
    (found,) = CHAT(1, chat.telegram_id)
    found.title = "new"
    found.save()

    chat.refresh_from_db()
    assert chat.title == "new"
