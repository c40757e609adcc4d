"""The deletion of posts after a while, as the tick asks for it (settings.DELIVERY_SOURCES["post_delete"])."""

from posts.services import after

fire = after.fire_deletions
