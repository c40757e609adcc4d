"""People, chats and posts for tests."""

import asyncio
import inspect
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Access, Chat, ChatKind, Role, User
from delivery import tick
from delivery.models import Delivery, Schedule
from posts import services
from posts.content import Place
from posts.models import Post, PostTarget
from sandbox.telegram.methods import METHODS, Params
from sandbox.telegram.world import World
from tests.house import ANNA, House
from tests.house import BOT as BOT
from tests.house import TEAM as TEAM
from tests.people import group as group
from tests.people import person

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
# Of the sandbox's world: its channel «Новости».
NEWS = -1001000000003
# What Telegram tells of an administrator of a channel (ChatMemberAdministrator).
MAY_POST = {"can_post_messages": True, "can_edit_messages": True, "can_delete_messages": True}
MAY_LEAD = {"can_pin_messages": True, "can_delete_messages": True, "can_manage_topics": True}

Target = PostTarget.State


def editor(telegram_id: int = 104, name: str = "Лена", zone: str = "Europe/Moscow", role: Role = Role.EDITOR) -> User:
    """Somebody who may post, with a private chat."""
    return person(telegram_id, name, zone, role)


def channel(telegram_id: int = NEWS, title: str = "Новости", **facts: Any) -> Chat:
    """An approved channel where the bot may post."""
    known = {"kind": ChatKind.CHANNEL, "title": title, "status": Access.ACTIVE, "bot_status": "administrator"}
    return Chat.objects.create(
        **{"bot_id": BOT, "telegram_id": telegram_id, **known, "bot_rights": MAY_POST, "rights_at": timezone.now()}
        | facts
    )


def make_post(
    author: User, *chats: Chat | Place, now: datetime | None = None, text: str = "Hello", **more: Any
) -> Post:
    """A draft for those chats."""
    places = [chat if isinstance(chat, Place) else Place(chat) for chat in chats]
    now = now or timezone.now()
    wish: dict[str, Any] = {"text": text, "places": places, "via": "chat", "now": now}
    return services.create_draft(author, **wish | more)


def planned(author: User, *chats: Chat | Place, at: datetime, now: datetime, **more: Any) -> Post:
    """A post that goes out at ``at``, planned at ``now``."""
    row = make_post(author, *chats, now=now, **more)
    return services.schedule_post(row, at, by=author, via="chat", now=now)


def publish(post: Post, now: datetime | None = None, **more: Any) -> bool:
    return services.publish_post(post, **{"by": post.author, "via": "chat", "now": now or timezone.now()} | more)


def fire(post: Post, late: timedelta = timedelta()) -> Post:
    """Let the tick find it due, so late; the post as it is then."""
    assert post.planned_at is not None
    tick._fire_batch(post.planned_at + late, tick.BATCH)
    return fresh(post)


def fresh(post: Post) -> Post:
    return Post.objects.select_related("author", "schedule").get(pk=post.pk)


def targets(post: Post) -> list[PostTarget]:
    return list(PostTarget.objects.filter(post=post).select_related("chat").order_by("position"))


def states(post: Post) -> list[str]:
    """How its targets stand, in order."""
    return [str(target.state) for target in targets(post)]


def deliveries(post: Post) -> list[Delivery]:
    """Its messages and side steps, in the order in which they were wanted."""
    return list(Delivery.objects.filter(key__startswith=f"post:{post.pk}:").order_by("id"))


def settle(target: PostTarget, state: Target = Target.SENT, *, now: datetime, numbers: Sequence[int] = (7,)) -> None:
    """Tell what became of the latest attempt, as the outbox does."""
    target.refresh_from_db()
    if state == Target.SENT:
        ids = list(numbers)
        services.sent(target.pk, target.attempt, message_ids=ids, revision=target.post.revision, now=now)
    elif state == Target.UNKNOWN:
        services.unknown(target.pk, target.attempt, "network", "Timed out", now)
    else:
        services.failed(target.pk, target.attempt, "forbidden", "Forbidden: bot was kicked", now)


def told(user: User | int) -> list[str]:
    """What a person (or the chat of that number) is about to be told, oldest first."""
    chat = user if isinstance(user, int) else user.telegram_id
    rows = Delivery.objects.filter(chat_id=chat, backend="telegram").order_by("id")
    return [row.content["params"]["text"] for row in rows if "text" in row.content.get("params", {})]


# --- in the running bot ---------------------------------------------------------------------------------------------


class Held:
    """Calls of a method for these chats stand still in Telegram until ``go`` is set; ``came``: whose they were."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, method: str, *chats: int) -> None:
        self.came: list[int] = []
        self.go = asyncio.Event()
        usual = METHODS[method]

        async def played(world: World, params: Params) -> Any:
            if params["chat_id"] in chats:
                self.came.append(params["chat_id"])
                await self.go.wait()
            found = usual(world, params)
            return await found if inspect.isawaitable(found) else found

        monkeypatch.setitem(METHODS, method, played)


def let_editors_in() -> None:
    """Анна becomes an editor in Moscow; the channel and the team's group take posts."""
    User.objects.filter(telegram_id=ANNA).update(role=Role.EDITOR, time_zone="Europe/Moscow")
    channel()
    group()


def anna() -> User:
    return User.objects.get(telegram_id=ANNA)


def chat_of(telegram_id: int) -> Chat:
    return Chat.objects.get(telegram_id=telegram_id)


def post_to(*telegram_ids: int, **more: Any) -> Post:
    """A draft of Анна's for those chats."""
    return make_post(anna(), *[chat_of(telegram_id) for telegram_id in telegram_ids], **more)


async def published(house: House, *telegram_ids: int, **more: Any) -> Post:
    """A post of Анна's that was published at once, and all that follows has happened."""
    row: Post = await house.db(post_to, *telegram_ids, **more)
    await house.db(publish, row)
    await house.quiet()
    return await house.db(fresh, row)


def put_forward(post: Post, by: timedelta) -> None:
    """Let its time come sooner."""
    rows = Schedule.objects.filter(source="post", object_id=str(post.pk))
    assert post.planned_at is not None
    rows.update(next_at=post.planned_at - by)
    Post.objects.filter(pk=post.pk).update(planned_at=post.planned_at - by)


def shown(house: House, chat_id: int) -> list[dict[str, Any]]:
    """What is to be seen in a chat; in a channel nobody is named as the sender."""
    return list(house.world.chats[chat_id].messages.values())


def said(house: House, chat_id: int) -> list[str]:
    return [message.get("text", message.get("caption", "")) for message in shown(house, chat_id)]
