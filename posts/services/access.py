"""Who may do what with posts. Editors and admins are one team: they see all of them."""

from accounts.models import Role, User
from posts.models import Post

POSTING = (Role.EDITOR, Role.ADMIN)


def may_post(user: User | None) -> bool:
    """Whether the person may see, write and publish posts. Operators of the admin may, without a role in Telegram."""
    return user is not None and user.may_use and (user.role in POSTING or user.is_superuser)


def may_change(user: User | None, post: Post) -> bool:
    """Whether the person may decide about this one: its author may, and admins."""
    if user is None or not may_post(user):
        return False
    return user.role == Role.ADMIN or user.is_superuser or user.pk == post.author_id
