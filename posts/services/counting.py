"""What Telegram tells by itself of a post that is out: reactions, votes, and that it is there at all.

No person sends these updates, so no gate asks who may (settings.UPDATE_NEWS): each function here gets the bot, the body
of an update and the time, writes rows at most, and says nothing in any chat. Views are told to no bot.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from posts.models import PostTarget
from posts.services import proofs, settling

Body = Mapping[str, Any]
# Reactions that are no emoji: of a set of somebody's, and paid ones.
CUSTOM, PAID = "✨", "⭐"
# Targets without an answer that a message is compared with.
MOST = 100


# --- reactions and votes --------------------------------------------------------------------------------------------


def reactions_counted(bot_id: int, body: Body, now: datetime) -> None:
    """An update ``message_reaction_count``, as channels have it: the whole count, anew."""
    counts: Counter[str] = Counter()
    for row in body.get("reactions") or []:
        counts[_emoji(row.get("type") or {})] += int(row.get("total_count") or 0)
    for target in _at(bot_id, body, int(body.get("message_id") or 0)):
        _put_reactions(target, counts, now)


@transaction.atomic
def reaction_changed(bot_id: int, body: Body, now: datetime) -> None:
    """An update ``message_reaction``, as groups have it: one person's, before and after."""
    for found in _at(bot_id, body, int(body.get("message_id") or 0)):
        target = PostTarget.objects.select_for_update().get(pk=found.pk)
        counts = Counter({str(row["emoji"]): int(row["count"]) for row in target.reactions})
        counts.subtract(_emoji(row) for row in body.get("old_reaction") or [])
        counts.update(_emoji(row) for row in body.get("new_reaction") or [])
        _put_reactions(target, counts, now)


def _put_reactions(target: PostTarget, counts: Counter[str], now: datetime) -> None:
    shown = [{"emoji": emoji, "count": count} for emoji, count in counts.most_common() if count > 0]
    PostTarget.objects.filter(pk=target.pk).update(reactions=shown, counted_at=now)


def _emoji(row: Body) -> str:
    return str(row.get("emoji") or (PAID if row.get("type") == "paid" else CUSTOM))


def votes_counted(bot_id: int, body: Body, now: datetime) -> None:
    """An update ``poll``: of polls that this bot sent, each time somebody votes and when it ends."""
    poll_id = str(body.get("id") or "")
    votes = [
        {"text": str(row.get("text") or ""), "votes": int(row.get("voter_count") or 0)}
        for row in body.get("options") or []
    ]
    if poll_id:
        PostTarget.objects.filter(poll_id=poll_id).update(votes=votes, counted_at=now)


def _at(bot_id: int, body: Body, number: int) -> list[PostTarget]:
    """The target with this message; of an album any of its messages."""
    return [target for target in proofs.around(_in_chat(bot_id, body), number) if proofs.has(target, number)]


def _in_chat(bot_id: int, body: Body) -> QuerySet[PostTarget]:
    chat = (body.get("chat") or {}).get("id") or 0
    return PostTarget.objects.filter(chat__bot_id=bot_id, chat__telegram_id=chat)


# --- it is there ----------------------------------------------------------------------------------------------------


def seen(bot_id: int, body: Body, now: datetime) -> None:
    """A message that shows a post of which nobody knew whether it had appeared: then it has. One query when there is
    none such, which is nearly always. The newest first: of two with the same words the message may be older than the
    other's attempt, but not than its own; and what nobody ever answered for does not stand in the way."""
    unknown = PostTarget.objects.filter(state=PostTarget.State.UNKNOWN, chat__bot_id=bot_id)
    for target in unknown.select_related("post", "chat").order_by("-updated_at")[:MOST]:
        if (found := proofs.message_of(target, body)) is not None:
            if settling.resolve(target, there=True, by=None, via="bot", now=now, message_ids=[found.message_id]):
                PostTarget.objects.filter(pk=target.pk).update(poll_id=found.poll_id)
            return
