"""How posts go that are over; housekeeping calls all of it.

What a post says was published, or was written to be: it stays as long as the post does, whatever CONTENT_LOG says.
Deliveries hold nothing of it.
"""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef

from core.privacy import GRACE, delete_in_batches, older_than
from delivery.models import Schedule
from posts.models import Post, PostTarget, State
from posts.services.forgetting import forget
from posts.services.rows import CHECK, DELETE, SOURCE

# Of these nothing is to come.
OVER = (State.PUBLISHED, State.PARTIAL, State.ERROR, State.EXPIRED, State.CANCELLED)


def forget_old_posts(now: datetime) -> int:
    """Remove posts that are over since KEEP_POSTS_DAYS. One of which nobody knows whether it appeared waits for an
    answer, and one that is to be deleted from the chats for that."""
    before = older_than(settings.KEEP_POSTS_DAYS, now)
    if before is None:
        return 0
    doubtful = PostTarget.objects.filter(post=OuterRef("pk"), state=PostTarget.State.UNKNOWN)
    return forget(Post.objects.filter(~Exists(doubtful), state__in=OVER, updated_at__lt=before), now)


def remove_lost_schedules(now: datetime) -> int:
    """Schedules that no post has any more, and those of checks and deletions that are over."""
    lost = Schedule.objects.filter(source=SOURCE).exclude(Exists(Post.objects.filter(schedule=OuterRef("pk"))))
    over = Schedule.objects.filter(source__in=(CHECK, DELETE), state__in=Schedule.FINAL, updated_at__lt=now - GRACE)
    return delete_in_batches(lost) + delete_in_batches(over)
