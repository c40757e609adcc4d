"""A dry run: the verb itself is done and taken back, so that it says exactly what would happen."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.http import HttpResponse

from posts.api import shapes
from posts.api.routing import places_of, whole
from posts.content import Place
from posts.models import Post
from posts.services import checking, composing
from rest.answers import answer
from rest.times import written


def tried(verb: Callable[[], Post], now: datetime) -> HttpResponse:
    """What would come of ``verb``. Raises what it raises."""
    with transaction.atomic():
        row = whole(Post.objects.filter(pk=verb().pk)).get()
        found = {
            "problems": [shapes.problem(one) for one in checking.check_post(row, now)],
            "warnings": [str(one) for one in checking.warnings_of(row, now)],
            "planned_at": written(row.planned_at),
            "preview": [_call(row, place) for place in places_of(row)] or [_call(row, None)],
        }
        transaction.set_rollback(True)
    return answer(found)


def _call(row: Post, place: Place | None) -> dict[str, object]:
    chat_id, thread = (place.chat.telegram_id, place.thread) if place else (0, 0)
    return shapes.call(composing.call_for(row, chat_id, thread), chat_id, thread)
