"""The verbs of posts: the only code that writes their rows.

Every function is sync, takes the clock as ``now`` (aware) and holds one short transaction. ``by`` is who did it (None:
nobody known), ``via`` is where: chat, tool, api, admin, bot.
"""

from posts.services.access import may_change, may_post
from posts.services.after import delete_everywhere, stop_poll
from posts.services.checking import check_content, check_post, warnings_of
from posts.services.drafting import (
    change_post,
    create_draft,
    create_poll_post,
    delete_draft,
    media_of,
    repeat_post,
)
from posts.services.figures import (
    Job,
    Lag,
    Status,
    TargetErrors,
    get_errors_by_target,
    get_lag,
    get_next_scheduled_posts,
    get_posts_with_errors,
    get_scheduled_jobs,
    get_scheduler_stats,
    get_scheduler_status,
    is_overdue,
)
from posts.services.planning import (
    Checked,
    cancel_post,
    check_scheduled_posts,
    expire_posts,
    hold_post,
    publish_post,
    reschedule_post,
    schedule_post,
)
from posts.services.settling import failed, resolve, retry_failed, sent, settle, unknown
from posts.services.times import NoSuchTime, Past

__all__ = [
    "Checked",
    "Job",
    "Lag",
    "NoSuchTime",
    "Past",
    "Status",
    "TargetErrors",
    "cancel_post",
    "change_post",
    "check_content",
    "check_post",
    "check_scheduled_posts",
    "create_draft",
    "create_poll_post",
    "delete_draft",
    "delete_everywhere",
    "expire_posts",
    "failed",
    "get_errors_by_target",
    "get_lag",
    "get_next_scheduled_posts",
    "get_posts_with_errors",
    "get_scheduled_jobs",
    "get_scheduler_stats",
    "get_scheduler_status",
    "hold_post",
    "is_overdue",
    "may_change",
    "may_post",
    "media_of",
    "publish_post",
    "repeat_post",
    "reschedule_post",
    "resolve",
    "retry_failed",
    "schedule_post",
    "sent",
    "settle",
    "stop_poll",
    "unknown",
    "warnings_of",
]
