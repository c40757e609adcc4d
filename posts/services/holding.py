"""Files of posts outlive the time of other files: as long as a post may still go out, what it shows is kept."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from accounts.models import User
from files.forgetting import let_go
from files.models import StoredFile
from posts.models import PostMedia, State
from telegram_bot.outgoing import bot_id

# Of these something may still go out.
OPEN = (State.DRAFT, State.SCHEDULED, State.HELD, State.PUBLISHING, State.PARTIAL, State.ERROR)
# Renewed so long before their end: housekeeping may be late.
AHEAD = timedelta(days=2)


def hold_files(now: datetime) -> int:
    """Housekeeping calls it before files are removed; how many were kept. Of the others goes the file, and Telegram's
    id for it stays with the post, which can be repeated by it."""
    open_ones = PostMedia.objects.filter(post__state__in=OPEN, file__expires_at__lt=now + AHEAD)
    held = StoredFile.objects.filter(pk__in=open_ones.values("file"))
    kept = held.update(expires_at=now + timedelta(days=settings.KEEP_FILES_DAYS or AHEAD.days * 2))
    for medium in PostMedia.objects.filter(file__expires_at__lt=now).select_related("file"):
        _remember(medium)
    return kept


def _remember(medium: PostMedia) -> None:
    bot = bot_id()
    assert medium.file is not None
    known = medium.file.telegram_ids.get(f"{bot}:{medium.kind}", "")
    if known and not medium.telegram_file_id:
        PostMedia.objects.filter(pk=medium.pk).update(telegram_file_id=known, bot_id=bot)


def files_of(user: User) -> "QuerySet[StoredFile]":
    """What a person sent for their posts."""
    own = PostMedia.objects.filter(post__author=user, file__isnull=False)
    return StoredFile.objects.filter(owner=user, pk__in=own.values("file"))


def let_go_of(user: User, now: datetime) -> int:
    """Let the files of a person's posts go, when all that is theirs goes."""
    return let_go(files_of(user), now)
