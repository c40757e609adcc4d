"""Who is let in, as tests of posts and reports need them."""

from typing import Any

from django.utils import timezone

from accounts.models import Access, Chat, ChatKind, Role, User
from tests.house import BOT, TEAM


def person(telegram_id: int, name: str, zone: str, role: Role) -> User:
    """With a private chat, and English as the language, whatever the name."""
    now = timezone.now()
    user = User.objects.create(
        telegram_id=telegram_id, username=f"tg{telegram_id}", password="!", first_name=name, telegram_language="en",
        language="en", time_zone=zone, status=Access.ACTIVE, role=role, requested_at=now, decided_at=now,
    )  # fmt: skip
    Chat.objects.create(bot_id=BOT, telegram_id=telegram_id, kind="private", title=name, person=user)
    return user


def group(telegram_id: int = TEAM, title: str = "Команда", **facts: Any) -> Chat:
    """An approved group where the bot is a member."""
    known = {"kind": ChatKind.SUPERGROUP, "title": title, "status": Access.ACTIVE, "bot_status": "member"}
    return Chat.objects.create(**{"bot_id": BOT, "telegram_id": telegram_id, **known} | facts)
